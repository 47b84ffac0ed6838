"""What fit, evaluate and predict are given, in two forms: arrays, and streams of batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_dense, is_sparse
from .._core import Tensor
from ..utils.batches import unpack_x_y_sample_weight
from ..utils.py_dataset import PyDataset


def to_tensors(what: str, structure: Any) -> Any:
    """The structure with every array as a tensor; errors name the argument."""

    def convert(value: Any) -> Any:
        if value is None or isinstance(value, Tensor):
            return value
        check_dense(what, value)
        try:
            if hasattr(value, "iloc"):
                value = _of_columns(value)
            return _core.as_tensor(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{what}: {error}") from None

    if isinstance(structure, list) and structure and not _holds_arrays(structure):
        return convert(structure)  # nested lists of numbers are one array
    return tree.map_structure(convert, structure)


def _of_columns(table: Any) -> np.ndarray:
    """A pandas DataFrame or Series as an array of numbers; missing values are NaN.

    Raises:
        TypeError: a column that holds something else, which the message names.
    """
    if not hasattr(table, "columns"):
        return _numbers(table, table.name)
    columns = [_numbers(table.iloc[:, i], name) for i, name in enumerate(table.columns)]
    return np.stack(columns, 1) if columns else np.asarray(table)


def _numbers(column: Any, name: Any) -> np.ndarray:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy()
    values = column.to_numpy(dtype=object, na_value=np.nan)
    wrong = next(
        (v for v in values if not isinstance(v, (bool, int, float, np.number, np.bool_))), None
    )
    if wrong is not None:
        raise TypeError(
            f"column {name!r} (dtype {column.dtype}) holds {wrong!r}, which is no number; encode "
            "it or drop it"
        )
    floats = values.astype(np.float64)
    whole = not np.isnan(floats).any() and all(isinstance(v, (int, np.integer)) for v in values)
    return values.astype(np.int64) if whole else floats


def _holds_arrays(structure: list[Any]) -> bool:
    return any(hasattr(item, "shape") or isinstance(item, dict) for item in tree.leaves(structure))


def is_stream(x: Any) -> bool:
    """Whether x yields batches itself: a generator, an iterator, a DataLoader, a PyDataset."""
    if x is None or isinstance(x, (Tensor, np.ndarray, list, tuple, dict, str)):
        return False
    if hasattr(x, "__array__") or is_sparse(x):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


class Arrays:
    """Arrays of samples along axis 0: x, y and sample_weight, each a tensor or a structure.

    Args:
        who: the method that was called, for messages.
        batch_size: samples per batch; if None 32, or what makes `steps` batches.
        steps: how many batches are asked for, or None.

    Attributes:
        step: how many batches of the current pass over the data are done.
        indices: the order of the samples in this pass, None for their own.

    Raises:
        ValueError: no samples, different numbers of samples, a batch size below 1.
        TypeError: arrays that hold no numbers, a batch size that is no integer.
    """

    def __init__(
        self,
        who: str,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
    ) -> None:
        _check_positive(who, "batch_size", batch_size)
        _check_positive(who, "the number of steps", steps)
        if x is None:
            raise ValueError(f"{who}: expected data for x, got None")
        self.x = to_tensors("x", x)
        self.y = to_tensors("y", y)
        self.sample_weight = to_tensors("sample_weight", sample_weight)
        self.leaves: list[Tensor] = []
        self.samples = -1
        named = (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight))
        for name, structure in named:
            for t in tree.leaves(structure):
                if t is None:
                    continue
                if t.ndim == 0:
                    raise ValueError(f"{who}: {name} must have a sample axis, got a single number")
                if self.samples < 0:
                    self.samples = t.shape[0]
                if t.shape[0] != self.samples:
                    raise ValueError(
                        f"{who}: all arrays must have the same number of samples, but x has "
                        f"{self.samples} and {name} has {t.shape[0]} (shape {t.shape})"
                    )
                self.leaves.append(t)
        if self.samples < 1:
            raise ValueError(f"{who}: the data is empty (x has no samples)")
        if batch_size is None:
            batch_size = 32 if steps is None else -(-self.samples // int(steps))
        self.batch_size = int(batch_size)
        self.form = Form((self.x, self.y, self.sample_weight))
        self.step = 0
        self.indices: Tensor | None = None

    @property
    def batches(self) -> int:
        return -(-self.samples // self.batch_size)

    def begin_epoch(self, resume: bool = False, shuffle: bool = False) -> None:
        """Starts a new pass, except that with `resume` one that isn't over goes on."""
        if not resume or self.step >= self.batches:
            self.step = 0
        if self.step == 0:
            self.indices = F.permutation(n=self.samples) if shuffle else None

    def end_epoch(self) -> None:
        """Nothing to do, for arrays."""

    def end(self, limit: int | None) -> int:
        """The batch before which `limit` steps from now end, or the pass does."""
        return self.batches if limit is None else min(self.batches, self.step + limit)

    def first_batch(self) -> Any:
        """The (x, y, sample_weight) of the first batch, as views."""
        n = min(self.batch_size, self.samples)
        return self.form.fill([t._view((n, *t.shape[1:]), 0) for t in self.leaves])


class Form:
    """What a step's (x, y, sample_weight) looks like: where tensors stand in it, and where None.

    Attributes:
        leaves: the tensors.
        key: equal for structures of the same form.
    """

    def __init__(self, data: Any) -> None:
        self.leaves: list[Tensor] = [t for t in tree.leaves(data) if t is not None]
        self._marks = tree.map_structure(lambda t: t is not None, data)
        self.key = repr(self._marks)

    def fill(self, leaves: Iterable[Tensor]) -> Any:
        """The structure with these tensors."""
        supply = iter(leaves)
        return tree.map_structure(lambda mark: next(supply) if mark else None, self._marks)


# The key of x that is one array, without y and sample_weight.
ONE_ARRAY = Form((True, None, None)).key


class Stream:
    """Batches that something else makes: (x, y, sample_weight) of each, as tensors.

    Args:
        who: the method that was called, for messages.
        source: an iterable or iterator of batches, or something with `__getitem__`.
        y, sample_weight: must be None.
        class_weight: weights of classes that become sample weights, or None.

    Raises:
        ValueError: y or sample_weight is given.
        TypeError: the source is a `Dataset`, which has samples and not batches.
    """

    def __init__(
        self,
        who: str,
        source: Any,
        y: Any = None,
        sample_weight: Any = None,
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
        self.source = source
        self._class_weight = class_weight
        self._shuffle = False
        self._iterator: Iterator[Any] | None = None

    @property
    def batches(self) -> int | None:
        """How many there are, None if the source doesn't say."""
        try:
            return len(self.source)
        except (TypeError, NotImplementedError):
            return getattr(self.source, "num_batches", None)

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        items = isinstance(self.source, PyDataset) or not hasattr(self.source, "__iter__")
        for batch in self._items() if items else iter(self.source):
            x, y, weight = unpack_x_y_sample_weight(batch)
            if _is_empty(x):  # nothing to learn from, and the mean of nothing is NaN
                continue
            y, weight = to_tensors("y", y), to_tensors("sample_weight", weight)
            if self._class_weight:
                weight = as_sample_weights(self._class_weight, y, weight)
            yield to_tensors("x", x), y, weight

    def _items(self) -> Iterator[Any]:
        """The source's items in turn, or in random order; without end if it has no length."""
        batches = self.batches
        if batches is None:
            order: Iterable[int] = itertools.count()
        elif self._shuffle:
            order = F.permutation(n=batches).tolist()
        else:
            order = range(batches)
        return (self.source[i] for i in order)

    def begin_epoch(self, resume: bool = False, shuffle: bool = False) -> None:
        """Makes the next steps start at the beginning, unless `resume` is set."""
        if not resume:
            self._iterator = None
        self._shuffle = shuffle
        self._tell("on_epoch_begin")

    def end_epoch(self) -> None:
        """Tells the source."""
        self._tell("on_epoch_end")

    def _tell(self, hook: str) -> None:
        function = getattr(self.source, hook, None)
        if function is not None:
            function()

    def steps(self, limit: int | None) -> Iterator[tuple[Any, Any, Any]]:
        """At most `limit` batches from where the last call stopped.

        A source that is at its end before the first of them is started again, if it can be.
        """
        for done in range(limit) if limit is not None else itertools.count():
            if self._iterator is None:
                self._iterator = iter(self)
            batch = next(self._iterator, None)
            if batch is None and done == 0 and not isinstance(self.source, Iterator):
                self._iterator = iter(self)
                batch = next(self._iterator, None)
            if batch is None:
                self._iterator = None
                return
            yield batch


def _is_empty(x: Any) -> bool:
    """Whether a batch is arrays without samples."""
    shapes = [getattr(leaf, "shape", None) for leaf in tree.leaves(x)]
    return bool(shapes) and all(shape is not None and tuple(shape[:1]) == (0,) for shape in shapes)


def _check_positive(who: str, argument: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{who}: {argument} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{who}: {argument} must be at least 1, got {value}")


def split_validation(
    data: tuple[Any, Any, Any], fraction: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first samples for training and the last `fraction` of them for validation.

    Raises:
        ValueError: a fraction outside (0, 1) or that leaves one side without samples.
    """
    if isinstance(fraction, (str, bool)) or not isinstance(fraction, (int, float, np.number)):
        raise TypeError(f"validation_split: expected a number between 0 and 1, got {fraction!r}")
    if not 0 < fraction < 1:
        raise ValueError(f"validation_split must lie between 0 and 1, got {fraction!r}")
    arrays = [
        to_tensors(name, a) for name, a in zip(("x", "y", "sample_weight"), data, strict=True)
    ]
    samples = next(t.shape[0] for t in tree.leaves(arrays) if t is not None)
    kept = int(np.floor(samples * (1.0 - fraction)))
    if kept == 0 or kept == samples:
        raise ValueError(
            f"validation_split={fraction} of {samples} samples leaves none for "
            f"{'training' if kept == 0 else 'validation'}"
        )

    def rows(start: int, stop: int) -> Any:
        def cut(t: Tensor | None) -> Tensor | None:
            if t is None:
                return None
            size = t.numel() // max(t.shape[0], 1)
            return t._view((min(stop, t.shape[0]) - start, *t.shape[1:]), start * size)

        return tuple(tree.map_structure(cut, a) for a in arrays)

    return rows(0, kept), rows(kept, samples)


def as_sample_weights(class_weight: dict[int, float], y: Any, sample_weight: Any = None) -> Tensor:
    """One weight per sample, by its class, times the sample weights that are given.

    Args:
        class_weight: weight by class index; classes that aren't listed have weight 1.
        y: class indices (n,) or (n, 1), or one-hot rows (n, classes).
        sample_weight: (n,) or (n, 1), or None.

    Raises:
        ValueError: y is None or a structure of several targets, or a key is no class index.
        TypeError: class_weight isn't a dict.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(
            "class_weight: expected a dict of weights by class index, got "
            f"{type(class_weight).__name__}"
        )
    if y is None or tree.is_nested(y):
        raise ValueError("class_weight: expected a single array of targets y")
    labels = np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(
            f"class_weight: {int((~np.isfinite(labels)).sum())} labels in y are NaN or infinite"
        )
    labels = np.round(labels).astype(np.int64)
    for key in class_weight:
        if not isinstance(key, (int, float, np.number)) or int(key) != key or key < 0:
            raise ValueError(f"class_weight: expected class indices as keys, got {key!r}")
    found = np.ones(labels.shape, np.float32)
    for key, value in class_weight.items():
        found[labels == int(key)] = value
    weights = _core.as_tensor(found)
    if sample_weight is None:
        return weights
    return F.mul(F.reshape(sample_weight, shape=(-1,)), weights)


def check_labels(compile_loss: Any, y: Any, classes: Sequence[int]) -> None:
    """Looks through the class indices for a sparse loss before anything is trained on them.

    Args:
        compile_loss: a built `CompileLoss`.
        y: the targets.
        classes: the size of the last axis of each output.

    Raises:
        ValueError: a label that is NaN, no whole number, or no index of a class.
    """
    from ..losses import sparse_categorical_crossentropy

    targets = compile_loss._targets(y)
    for i, loss, _ in compile_loss._entries:
        if getattr(loss, "fn", None) is not sparse_categorical_crossentropy or i >= len(classes):
            continue
        labels = np.asarray(targets[i])
        if labels.dtype.kind == "f":
            if np.isnan(labels).any():
                raise ValueError(f"y: {int(np.isnan(labels).sum())} of the labels are NaN")
            if (labels != np.floor(labels)).any():
                raise ValueError("y: class labels must be whole numbers")
        ignored = loss.get_config().get("ignore_class")
        used = labels if ignored is None else labels[labels != ignored]
        if used.size and (used.min() < 0 or used.max() >= classes[i]):
            bad = used.min() if used.min() < 0 else used.max()
            raise ValueError(
                f"y: label {int(bad)} is out of range for an output of {classes[i]} classes: "
                f"labels must lie in [0, {classes[i]})"
            )
