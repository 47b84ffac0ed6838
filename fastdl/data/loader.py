"""DataLoader: batches from a data set."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.ahead import made_ahead
from .._base.checks import (
    check_callable,
    check_count,
    check_flag,
    check_integer,
    check_number,
    shown,
)
from .._base.notices import warn_once
from .._core import Tensor
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, check_generator, check_sized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._base.random import Generator
    from .dataset import Indexable


def default_collate(batch: Sequence[Any]) -> Any:
    """Many samples as one: tensors, arrays and numbers are stacked, containers keep their form.

    Args:
        batch: the samples. Tensors and arrays of one shape give a tensor with a new first axis,
            numbers a vector (float32 or int64); tuples and lists are transposed into a list, named
            tuples and mappings keep their type and names; strings stay a list.

    Raises:
        TypeError: a sample holds something else.
        RuntimeError: sequences of different lengths.
        ValueError: tensors of different shapes.

    Example:
        >>> x, y = default_collate([([1.0, 2.0], 0), ([3.0, 4.0], 1)])
        >>> y.tolist()
        [0, 1]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return F.stack(list(batch))
    if isinstance(first, np.ndarray):
        return _core.as_tensor(np.stack(batch))
    if isinstance(first, (bool, int, float, np.number, np.bool_)):
        return _core.as_tensor(np.asarray(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        merged = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return merged if type(first) is dict else type(first)(merged)  # type: ignore[call-arg]
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        "default_collate: batch must contain tensors, arrays, numbers, dicts or lists; "
        f"found {type(first).__name__}"
    )


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


class DataLoader:
    """Iterates over a data set in batches; every `iter()` is one pass.

    Batches of a `TensorDataset` (or a `Subset` of one) are gathered by one operation per tensor.

    Args:
        dataset: samples by index and a length, or an `IterableDataset`.
        batch_size: samples per batch; None gives single samples.
        shuffle: a new random order at every pass.
        sampler: the order of the indices, instead of shuffle.
        batch_sampler: lists of indices, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: how many threads read the images of an `ImageFolder`, or of a `Subset` of one,
            ahead of their use; 0 reads them when they are due. Of other data sets a number above 0
            gives a warning: this thread makes the samples, as with 0.
        collate_fn: makes a batch of a list of samples; `default_collate` by default.
        pin_memory, pin_memory_device: accepted; memory on the CPU needs no pinning.
        drop_last: leave out a last batch that is smaller.
        worker_init_fn: gives a warning and is not called, since there are no workers.
        prefetch_factor: how many batches threads may have ready or in work, 2 unless given.
        timeout, multiprocessing_context, persistent_workers: options of processes, allowed only
            with `num_workers`; checked, without an effect.
        generator: a `fastdl.Generator` for shuffle; None for the library's own. The same seed gives
            the same order.
        in_order: accepted; batches always come in order.

    Raises:
        ValueError: batch_size isn't positive, an option of workers is given without workers or is
            out of its range, or arguments exclude each other.

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
        threads = _reads_in_threads(dataset)
        if (num_workers > 0 and not threads) or worker_init_fn is not None:
            init = ", and worker_init_fn is not called" if worker_init_fn is not None else ""
            warn_once(
                f"DataLoader: num_workers={num_workers}: there are no workers yet; samples are "
                f"made in this process{init}"
            )
        if isinstance(dataset, IterableDataset):
            _refuse("an IterableDataset", shuffle=shuffle, sampler=sampler,
                    batch_sampler=batch_sampler)  # fmt: skip
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
        self._threads = num_workers if threads else 0
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator

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
        if isinstance(self.dataset, IterableDataset):
            return self._stream()
        if self.batch_sampler is None:
            return self._single_samples()
        rows = _rows_of(self.dataset) if self.collate_fn is None else None
        return self._collated() if rows is None else self._gathered(*rows)

    def _gathered(self, tensors: tuple[Tensor, ...], rows: Tensor | None) -> Iterator[list[Tensor]]:
        for index in self._indices(rows):
            yield [F.take(t, index) for t in tensors]

    def _indices(self, rows: Tensor | None) -> Iterator[Any]:
        """The rows of each batch: a tensor if the sampler is the library's own."""
        sampler = self.sampler
        if self.batch_size is None or type(sampler) not in (SequentialSampler, RandomSampler):
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

    def _collated(self) -> Iterator[Any]:
        collate = self.collate_fn or default_collate
        batches = self.batch_sampler
        assert batches is not None  # without one, __iter__ takes the samples one by one
        if self._threads:
            work = ((None, list(indices)) for indices in batches)
            read = made_ahead(work, self._sample, self._threads, self.prefetch_factor or 2)
            yield from (collate(samples) for _, samples in read)
            return
        for indices in batches:
            yield collate([self.dataset[i] for i in indices])

    def _sample(self, batch: None, place: int, index: Any) -> Any:
        return self.dataset[index]

    def _single_samples(self) -> Iterator[Any]:
        for index in self.sampler:  # type: ignore[union-attr]
            sample = self.dataset[index]
            yield sample if self.collate_fn is None else self.collate_fn(sample)

    def _stream(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        if self.batch_size is None:
            yield from samples if self.collate_fn is None else map(self.collate_fn, samples)
            return
        collate = self.collate_fn or default_collate
        while batch := list(itertools.islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield collate(batch)


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
    methods = ("fork", "spawn", "forkserver")
    if isinstance(context, str) and context not in methods:
        raise ValueError(
            f"DataLoader: multiprocessing_context: expected one of {methods}, got {context!r}"
        )


def _refuse(reason: str, **options: object) -> None:
    """ValueError if one of the options is set."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise ValueError(f"DataLoader: {name}={shown(value)} can't be combined with {reason}")


def get_worker_info() -> None:
    """None: samples are made in the main process."""
