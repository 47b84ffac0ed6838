"""DataLoader: batches from a data set."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.ahead import made_ahead
from .._base.checks import (
    check_callable,
    check_choice,
    check_count,
    check_flag,
    check_integer,
    check_number,
    shown,
)
from .._base.random import get_rng_state
from .collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .generic import OfSamples, Sample
from .sampler import BatchSampler, RandomSampler, SequentialSampler, check_generator, check_sized
from .workers import Job, Pool, StreamEnded, base_seed, check_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._base.random import Generator
    from .._core import Tensor
    from .dataset import Indexable


def _reads_in_threads(dataset: object) -> bool:
    """Whether threads may read samples of a data set: it says so, or it is a part of one."""
    if type(dataset) is Subset:
        return _reads_in_threads(dataset.dataset)
    return bool(getattr(dataset, "reads_in_threads", False))


def _rows_of(dataset: object) -> tuple[tuple[Tensor, ...], Tensor | None] | None:
    """The tensors of a data set, and which rows it takes of them (None for all, in order)."""
    if type(dataset) is TensorDataset:
        return dataset.tensors, None
    if type(dataset) is Subset:
        inner = _rows_of(dataset.dataset)
        if inner is not None:
            tensors, rows = inner
            indices = _core.as_tensor(dataset.indices, "int64")
            return tensors, indices if rows is None else F.take(rows, indices)
    return None


class DataLoader(OfSamples[Sample]):
    """Iterates over a data set in batches; every `iter()` is one pass.

    Batches of a `TensorDataset` (or a `Subset` of one) are gathered by one operation per tensor.

    Args:
        dataset: samples by index and a length, or an `IterableDataset`.
        batch_size: samples per batch; None gives single samples.
        shuffle: a new random order at every pass.
        sampler: the order of the indices, instead of shuffle.
        batch_sampler: lists of indices, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: how many processes make the batches ahead of their use; 0 makes them here when
            they are due. Unless `worker_init_fn` or `multiprocessing_context` is given, threads
            read an `ImageFolder`, and a `TensorDataset` is read here, which both is faster.
        collate_fn: makes a batch of a list of samples; `default_collate` by default, and
            `default_convert` of a sample where there are no batches.
        pin_memory, pin_memory_device: accepted; memory on the CPU needs no pinning.
        drop_last: leave out a last batch that is smaller.
        timeout: how many seconds to wait for a batch of a worker; 0 waits without a limit.
        worker_init_fn: called in each worker with its number, before it makes anything; not called
            without workers.
        multiprocessing_context: how workers start: "fork", "spawn", "forkserver", a context of
            `multiprocessing`, or None for Python's default. "thread" gives threads, which share the
            data set; that is for samples by index, mostly made by code that releases the GIL.
        generator: a `fastdl.Generator` for shuffle and the seeds of workers; None for the library's
            own. The same seed gives the same order, with any number of workers.
        prefetch_factor: how many batches a worker may have ready or in work, 2 unless given.
            Threads have as many together.
        persistent_workers: keep the processes from one pass to the next.
        in_order: False gives batches of workers as they come.

    Raises:
        ValueError: batch_size isn't positive, an option of workers is given without workers or is
            out of its range, or arguments exclude each other.
        RuntimeError: in a pass, when a worker has died or the timeout is over. An error of a worker
            is raised here with its type, and its traceback is in the message.

    Workers end with the pass, with its iterator, on Ctrl-C, and when this process is gone. Each has
    seeds of its own for fastdl, NumPy and `random`, and computes with one thread. See
    `get_worker_info` for an `IterableDataset`.

    Source: `torch.utils.data.DataLoader` of PyTorch 2.13.

    Example:
        >>> data = fastdl.data.TensorDataset(fastdl.zeros(5, 3), fastdl.arange(5))
        >>> [x.shape for x, y in DataLoader(data, batch_size=2)]
        [(2, 3), (2, 3), (1, 3)]
    """

    def __init__(
        self,
        dataset: Indexable | IterableDataset,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: object = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        who = "DataLoader"
        if not isinstance(dataset, IterableDataset):
            check_sized(who, "dataset", dataset)
        check_count(who, "batch_size", batch_size, 1)
        for argument, order in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if isinstance(order, str) or not (order is None or hasattr(order, "__iter__")):
                raise TypeError(f"{who}: {argument}: expected indices, got {shown(order)}")
        for argument, function in (("collate_fn", collate_fn), ("worker_init_fn", worker_init_fn)):
            if function is not None:
                check_callable(who, argument, function)
        flags = {
            "shuffle": shuffle,
            "persistent_workers": persistent_workers,
            "in_order": in_order,
        }
        for argument, flag in flags.items():
            check_flag(who, argument, flag)
        if not isinstance(drop_last, bool):  # as BatchSampler says
            raise ValueError(f"{who}: drop_last: expected True or False, got {shown(drop_last)}")
        check_generator(who, generator)
        _check_workers(
            num_workers,
            timeout=timeout,
            multiprocessing_context=multiprocessing_context,
            prefetch_factor=prefetch_factor,
            persistent_workers=persistent_workers,
        )
        if isinstance(dataset, IterableDataset):
            _refuse("an IterableDataset", shuffle=shuffle, sampler=sampler,
                    batch_sampler=batch_sampler)  # fmt: skip
            if multiprocessing_context == "thread":
                _refuse("an IterableDataset", multiprocessing_context=multiprocessing_context)
        if multiprocessing_context == "thread":
            _refuse("threads", worker_init_fn=worker_init_fn)
        if sampler is not None:
            _refuse("sampler", shuffle=shuffle)
        if batch_sampler is not None:
            _refuse("batch_sampler", shuffle=shuffle, sampler=sampler, drop_last=drop_last,
                    batch_size=batch_size if batch_size != 1 else None)  # fmt: skip
            batch_size, drop_last = None, False
        elif batch_size is None:
            _refuse("batch_size=None", drop_last=drop_last)

        if sampler is None and not isinstance(dataset, IterableDataset):
            if shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None:
            # An IterableDataset has no indices to sample from.
            batch_sampler = BatchSampler(() if sampler is None else sampler, batch_size, drop_last)
        self.dataset: Any = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self._pool: Pool | None = None  # of persistent workers
        self._seeded: tuple[Any, int] = None, 0  # the state and the number of the last pass

    def __len__(self) -> int:
        """The number of batches of one pass."""
        if isinstance(self.dataset, IterableDataset):
            count = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return count
            whole, rest = divmod(count, self.batch_size)
            return whole + (rest > 0 and not self.drop_last)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        how = self._who_reads()
        if how == "processes":
            return self._by_processes()
        if isinstance(self.dataset, IterableDataset):
            return iter(self._maker().stream())
        if self.batch_sampler is None:
            return map(self._maker().batch, self.sampler)  # type: ignore[arg-type]
        if how == "threads":
            return self._by_threads()
        rows = _rows_of(self.dataset) if self.collate_fn is None else None
        if rows is None:
            return map(self._maker().batch, self.batch_sampler)
        return self._gathered(*rows)

    def _who_reads(self) -> str:
        """Who makes the batches: "processes", "threads", or "here"."""
        if not self.num_workers:
            return "here"
        if self.multiprocessing_context == "thread":
            return "threads"
        if self.multiprocessing_context is None and self.worker_init_fn is None:
            if self.batch_sampler is not None and _reads_in_threads(self.dataset):
                return "threads"
            if self.collate_fn is None and _rows_of(self.dataset) is not None:
                return "here"
        return "processes"

    def _maker(self) -> _Maker:
        return _Maker(
            self.dataset,
            self.collate_fn,
            None if self.batch_sampler is None else self.batch_size or 0,
            self.drop_last,
        )

    def _gathered(self, tensors: tuple[Tensor, ...], rows: Tensor | None) -> Iterator[list[Tensor]]:
        for index in self._indices(rows):
            yield [F.take(t, index) for t in tensors]

    def _indices(self, rows: Tensor | None) -> Iterator[Any]:
        """The rows of each batch: a tensor if the sampler is the library's own."""
        sampler = self.sampler
        own = type(sampler) in (SequentialSampler, RandomSampler)
        if self.batch_size is None or not (own and sampler.at_once):  # type: ignore[union-attr]
            for indices in self.batch_sampler:  # type: ignore[union-attr]
                yield indices if rows is None else F.take(rows, indices)
            return
        order = sampler.order()  # type: ignore[union-attr]
        if rows is not None:
            order = F.take(rows, order)
        count = order.shape[0]
        for start in range(0, count, self.batch_size):
            stop = min(start + self.batch_size, count)
            if stop - start == self.batch_size or not self.drop_last:
                yield F.slice(order, starts=[start], stops=[stop], steps=[1])

    def _by_threads(self) -> Iterator[Any]:
        collate = self.collate_fn or default_collate
        work = ((None, list(indices)) for indices in self.batch_sampler)  # type: ignore[union-attr]
        read = made_ahead(work, self._sample, self.num_workers, self.prefetch_factor or 2)
        return (collate(samples) for _, samples in read)

    def _sample(self, batch: None, place: int, index: Any) -> Any:
        return self.dataset[index]

    def _by_processes(self) -> Iterator[Any]:
        from .passes import Pass  # which a loader without workers does without

        if self._pool is None or not self._pool.running:
            self._pool = self._started()
        pool = self._pool
        if not self.persistent_workers:
            self._pool = None
        tasks: Iterator[Any] = itertools.repeat(None)
        if not isinstance(self.dataset, IterableDataset):
            order = self.sampler if self.batch_sampler is None else self.batch_sampler
            tasks = iter(order)  # type: ignore[arg-type]
        return Pass(
            pool,
            tasks,
            self.prefetch_factor or 2,
            self.timeout,
            self.in_order,
            self.persistent_workers,
        )

    def _started(self) -> Pool:
        """New workers. Their seeds depend on the state of the generator and the number of the pass;
        nothing is drawn, so the order of samples is the same as without workers."""
        import multiprocessing

        context = self.multiprocessing_context
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        state = get_rng_state() if self.generator is None else self.generator.get_state()
        last, passes = self._seeded
        # A state before the last one is that of a new run, which gets the seeds of the first.
        goes_on = last is not None and last[0] == state[0] and last[1] <= state[1]
        self._seeded = state, passes + 1 if goes_on else 0
        maker = self._maker()
        seed = base_seed(*self._seeded)
        job = Job(self.dataset, maker.start, self.num_workers, self.worker_init_fn, seed)
        return Pool(job, context)


class _Maker:
    """Makes the batches of a loader, here or in a worker.

    Args:
        dataset: the data set.
        collate: makes a batch of samples, or converts a sample.
        size: samples in a batch, 0 if the batches of indices say so, None for single samples.
        drop_last: whether a stream's last batch is left out if it is smaller.
    """

    def __init__(
        self, dataset: Any, collate: Callable[..., Any] | None, size: int | None, drop_last: bool
    ) -> None:
        self.dataset, self.size, self.drop_last = dataset, size, drop_last
        self.collate = collate or (default_convert if size is None else default_collate)

    def start(self) -> Callable[[Any], Any]:
        """A function that makes a batch of a task of a new pass."""
        if not isinstance(self.dataset, IterableDataset):
            return self.batch
        batches = self.stream()

        def next_batch(task: None) -> Any:
            for batch in batches:
                return batch
            raise StreamEnded

        return next_batch

    def batch(self, index: Any) -> Any:
        """The batch of indices, or the sample of an index."""
        if self.size is None:
            return self.collate(self.dataset[index])
        if hasattr(self.dataset, "__getitems__"):
            return self.collate(self.dataset.__getitems__(index))
        samples = []
        for i in index:
            check_wanted()
            samples.append(self.dataset[i])
        return self.collate(samples)

    def stream(self) -> Iterator[Any]:
        """The batches of an IterableDataset."""
        samples = iter(self.dataset)
        if not self.size:
            yield from map(self.collate, samples)
            return
        while batch := list(itertools.islice(samples, self.size)):
            if len(batch) == self.size or not self.drop_last:
                yield self.collate(batch)


def _check_workers(num_workers: int, **options: object) -> None:
    """ValueError for options of workers that are out of their range, or given without workers."""
    check_integer("DataLoader", "num_workers", num_workers, 0)
    check_number("DataLoader", "timeout", options["timeout"])
    check_count("DataLoader", "prefetch_factor", options["prefetch_factor"], 0)
    for name, value in options.items():
        given = value is not None if name == "multiprocessing_context" else value
        if given and not num_workers:
            raise ValueError(f"DataLoader: {name}={shown(value)} needs num_workers > 0")
    context = options["multiprocessing_context"]
    methods = ("fork", "spawn", "forkserver", "thread")
    if isinstance(context, str):
        check_choice("DataLoader", "multiprocessing_context", context, methods)
    elif context is not None and not hasattr(context, "Process"):
        raise ValueError(
            "DataLoader: multiprocessing_context: expected one of "
            f"{methods} or a context of multiprocessing, got {shown(context)}"
        )


def _refuse(reason: str, **options: object) -> None:
    """ValueError if one of the options is set."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise ValueError(f"DataLoader: {name}={shown(value)} can't be combined with {reason}")
