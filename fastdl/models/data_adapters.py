"""Adapters for the data of fit, evaluate and predict: whole arrays, and streams of batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.ahead import made_ahead
from .._base.checks import is_sparse
from .._base.random import Generator
from .._core import Tensor
from .._engine.runner import Batch, Form
from ..utils.batches import unpack_x_y_sample_weight
from ..utils.py_dataset import PyDataset
from .data_conversion import as_sample_weights, check_class_weight, some_tensors, to_tensors
from .sparse_rows import SparseRows

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from .._base.types import Batches, Data, Tensors
    from .intake import Intake


def adapt(
    who: str,
    intake: Intake,
    x: Data | Batches,
    y: Data = None,
    sample_weight: Data = None,
    class_weight: dict[int, float] | str | None = None,
    batch_size: int | None = None,
    steps: int | None = None,
) -> Arrays | Stream:
    """The adapter for the data that a method was given.

    Args:
        who: the method, for messages.
        intake: what makes arrays of the tables in batches.
        x, y, sample_weight: what `intake.data` returned.
        batch_size: samples per batch; None for 32, or for the size that gives `steps` batches.

    Raises:
        ValueError, TypeError: as `Arrays`, `Stream` and `check_class_weight` do.
    """
    if class_weight is not None:
        check_class_weight(who, class_weight)
    if is_stream(x):
        if isinstance(class_weight, str):
            raise ValueError(
                f"{who}: class_weight: 'balanced' counts the classes of all samples, so it needs "
                "x and y as arrays; x yields batches: give a dict of weights by class index"
            )
        return Stream(who, intake, x, y, sample_weight, class_weight)
    if class_weight:
        y = to_tensors(f"{who}: y", y, lazy=True)
        sample_weight = to_tensors(f"{who}: sample_weight", sample_weight)
        sample_weight = as_sample_weights(who, class_weight, y, sample_weight)
    return Arrays(who, x, y, sample_weight, batch_size, steps)


def is_stream(x: Data | Batches) -> TypeIs[Batches]:
    """Whether x yields batches: a generator, an iterator, a DataLoader, a PyDataset."""
    data = (Tensor, SparseRows, np.ndarray, list, tuple, dict, str, bytes, set, type)
    if x is None or isinstance(x, data):
        return False
    if hasattr(x, "__array__") or is_sparse(x):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


class Arrays:
    """Arrays of samples along axis 0: x, y and sample_weight, each a tensor or a structure.

    Args:
        who: the method that was called, for messages.
        batch_size: samples per batch; None for 32, or for the size that gives `steps` batches.
        steps: the number of batches wanted, or None.

    Attributes:
        lazy: whether batches are made one by one, since a part of the data is `SparseRows`.
        step: the finished batches of the current pass over the data.
        indices: the order of the samples in this pass, None for their own.
        on_pass: called when a pass starts, before its order is drawn.

    Raises:
        ValueError: no samples, different numbers of samples.
        TypeError: arrays that hold no numbers.
    """

    generators: tuple[Generator, ...] = ()

    def __init__(
        self,
        who: str,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        batch_size: int | None = None,
        steps: int | None = None,
    ) -> None:
        self.x: Tensors = some_tensors(f"{who}: x", x, lazy=True)
        self.y: Tensors = to_tensors(f"{who}: y", y, lazy=True)
        self.sample_weight: Tensors = to_tensors(f"{who}: sample_weight", sample_weight)
        self.samples = -1
        named = (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight))
        for name, structure in named:
            for t in (structure,) if type(structure) is Tensor else tree.leaves(structure):
                if t is None:
                    continue
                shape = t.shape
                if not shape:
                    raise ValueError(f"{who}: {name} must have a sample axis, got a single number")
                if self.samples < 0:
                    self.samples = shape[0]
                if shape[0] != self.samples:
                    raise ValueError(
                        f"{who}: all arrays must have the same number of samples, but x has "
                        f"{self.samples} and {name} has {shape[0]} (shape {shape})"
                    )
        if self.samples < 1:
            raise ValueError(f"{who}: the data is empty (x has no samples)")
        if batch_size is None:
            batch_size = 32 if steps is None else -(-self.samples // int(steps))
        self.batch_size = int(batch_size)
        self.form = Form((self.x, self.y, self.sample_weight))
        self.leaves = self.form.leaves
        self.lazy = any(isinstance(leaf, SparseRows) for leaf in self.leaves)
        self.step = 0
        self.indices: Tensor | None = None
        self.on_pass: Callable[[], None] = _nothing

    @property
    def batches(self) -> int:
        return -(-self.samples // self.batch_size)

    @property
    def over(self) -> bool:
        """Whether all batches of this pass are done."""
        return self.step >= self.batches

    @property
    def description(self) -> dict[str, int]:
        """The properties of the data that must be equal to continue a pass."""
        return {"samples": self.samples, "batch_size": self.batch_size}

    def begin_epoch(self, resume: bool = False, shuffle: bool = False) -> None:
        """Starts a new pass; with `resume`, a pass that isn't over continues."""
        if not resume or self.over:
            self.step = 0
        if self.step == 0:
            self.on_pass()
            self.indices = F.permutation(n=self.samples) if shuffle else None

    def go_to(self, batch: int, shuffle: bool) -> Batch:
        """Begins an epoch and a pass, skips `batch` batches and returns one of them."""
        self.indices = F.permutation(n=self.samples) if shuffle else None
        self.step = batch
        return self.first_batch()

    def end_epoch(self) -> None:
        """Nothing to do, for arrays."""

    def end(self, limit: int | None) -> int:
        """The end of the next `limit` steps, or of the pass, as a number of batches."""
        return self.batches if limit is None else min(self.batches, self.step + limit)

    def first_batch(self) -> Batch:
        """The (x, y, sample_weight) of the first batch, as views."""
        n = min(self.batch_size, self.samples)
        leaves = [
            _core.as_tensor(t[:n]) if isinstance(t, SparseRows) else t._view((n, *t.shape[1:]), 0)
            for t in self.leaves
        ]
        return self.form.fill(leaves)

    def whole(self) -> Batch:
        """All samples as one batch."""
        return self.form.fill(
            [_core.as_tensor(t[:]) if isinstance(t, SparseRows) else t for t in self.leaves]
        )

    def steps(self, limit: int | None) -> Iterator[Batch]:
        """At most `limit` further batches of this pass, for `lazy` data."""
        end = self.end(limit)
        while self.step < end:
            first = self.step * self.batch_size
            last = min(first + self.batch_size, self.samples)
            rows: Any = slice(first, last)
            if self.indices is not None:
                rows = self.indices.numpy()[first:last]
            self.step += 1
            yield self.form.fill([_core.as_tensor(t.numpy()[rows]) for t in self.leaves])


class Stream:
    """Batches from a source: x, y and sample_weight of each, as tensors.

    Args:
        who: the method that was called, for messages.
        intake: what makes arrays of tables.
        source: an iterable or iterator of batches, or an object with `__getitem__`.
        y, sample_weight: must be None.
        class_weight: weights of classes, to be made sample weights, or None.

    Attributes:
        generators: the random generators that belong to the source.
        on_pass: called when a pass starts, before its order is drawn.

    Raises:
        ValueError: y or sample_weight is given.
        TypeError: the source is a `Dataset`, which has samples and not batches.
    """

    def __init__(
        self,
        who: str,
        intake: Intake,
        source: Batches,
        y: object = None,
        sample_weight: object = None,
        class_weight: dict[int, float] | None = None,
    ) -> None:
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(f"{who}: {name} must be None, since x yields whole batches")
        if getattr(source, "yields_samples", False):
            raise TypeError(
                f"{who}: x is a {type(source).__name__}, which yields single samples; give "
                "DataLoader(dataset, batch_size=...), which yields batches"
            )
        self._who = who
        self._intake = intake
        self.source: Any = source
        self._class_weight = class_weight
        self._shuffle = False
        self._may_start_again = False
        self._iterator: Iterator[Batch] | None = None
        self.generators = _generators_of(source)
        self.on_pass: Callable[[], None] = _nothing

    @property
    def batches(self) -> int | None:
        """The number of batches, None if the source doesn't say."""
        try:
            return len(self.source)
        except (TypeError, NotImplementedError):
            return getattr(self.source, "num_batches", None)

    @property
    def over(self) -> bool:
        """Whether the source is at its end."""
        return self._iterator is None

    @property
    def description(self) -> dict[str, int]:
        """The properties of the data that must be equal to continue a pass."""
        return {"batches": -1 if self.batches is None else self.batches}

    def __iter__(self) -> Iterator[Batch]:
        items = isinstance(self.source, PyDataset) or not hasattr(self.source, "__iter__")
        for batch in self._items() if items else iter(self.source):
            x, y, weight = unpack_x_y_sample_weight(batch, self._who)
            if _is_empty(x):  # the mean of no losses is NaN
                continue
            who = self._who
            x, y, weight = self._intake.data(who, x, y, weight)
            y, weight = to_tensors(f"{who}: y", y), to_tensors(f"{who}: sample_weight", weight)
            if self._class_weight:
                weight = as_sample_weights(who, self._class_weight, y, weight)
            yield to_tensors(f"{who}: x", x), y, weight
            self._intake.keep()  # the step has been done

    def _items(self) -> Iterator[object]:
        """The items of the source in order, or shuffled. They do not end if it has no length."""
        batches = self.batches
        if batches is None:
            order: Iterable[int] = itertools.count()
        elif self._shuffle:
            order = F.permutation(n=batches).tolist()
        else:
            order = range(batches)
        workers = getattr(self.source, "workers", 1)  # a subclass may leave out super().__init__()
        if workers <= 1:
            return (self.source[i] for i in order)
        work = ((None, [i]) for i in order)
        read = made_ahead(work, self._item, workers, max(1, self.source.max_queue_size))
        return (parts[0] for _, parts in read)

    def _item(self, batch: None, place: int, index: int) -> object:
        return self.source[index]

    def begin_epoch(self, resume: bool = False, shuffle: bool = False) -> None:
        """Starts the next steps at the beginning of the source, unless `resume` is set."""
        if not resume:
            self._iterator = None
        self._may_start_again = not isinstance(self.source, Iterator)
        self._shuffle = shuffle
        self._tell("on_epoch_begin")

    def end_epoch(self) -> None:
        """Tells the source."""
        self._tell("on_epoch_end")

    def _tell(self, hook: str) -> None:
        function = getattr(self.source, hook, None)
        if function is not None:
            function()

    def go_to(self, batch: int, shuffle: bool) -> Batch:
        """Begins an epoch and a pass, makes `batch` batches and returns the last one.

        Raises:
            ValueError: the source has fewer.
        """
        self.begin_epoch(shuffle=shuffle)
        self._may_start_again = False
        self._iterator = iter(self)
        last = None
        for done in range(batch):
            last = next(self._iterator, None)
            if last is None:
                raise ValueError(
                    f"fit: cannot continue after batch {batch}: the data ends after batch {done}"
                )
        assert last is not None
        return last

    def steps(self, limit: int | None) -> Iterator[Batch]:
        """At most `limit` batches from where the last call stopped.

        If the source ends before the first of them, it is started again if possible.
        """
        for done in range(limit) if limit is not None else itertools.count():
            if self._iterator is None:
                self._start()
            batch = next(self._iterator, None)  # type: ignore[arg-type]
            if batch is None and done == 0 and self._may_start_again:
                self._start()
                batch = next(self._iterator, None)  # type: ignore[arg-type]
            if batch is None:
                self._iterator = None
                return
            yield batch

    def _start(self) -> None:
        self.on_pass()
        self._iterator = iter(self)


def _nothing() -> None:
    pass


def _generators_of(source: object) -> tuple[Generator, ...]:
    """The generators that a `DataLoader` and its samplers draw from."""
    batches = getattr(source, "batch_sampler", None)
    owners = (source, getattr(source, "sampler", None), batches, getattr(batches, "sampler", None))
    found = [getattr(owner, "generator", None) for owner in owners]
    return tuple(dict.fromkeys(g for g in found if isinstance(g, Generator)))


def _is_empty(x: object) -> bool:
    """Whether all arrays of a batch have no samples."""
    shapes = [getattr(leaf, "shape", None) for leaf in tree.leaves(x)]
    return bool(shapes) and all(shape is not None and tuple(shape[:1]) == (0,) for shape in shapes)
