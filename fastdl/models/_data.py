"""What fit, evaluate and predict are given, in two forms: arrays, and streams of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import _core, _tree
from .._core import Tensor


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a batch: x, (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: a tuple or list of more than three.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"expected batches of x, (x, y) or (x, y, sample_weight), got a tuple of {len(data)}"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What a step gets: x, (x, y) or (x, y, sample_weight), as short as possible."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


def to_tensors(what: str, structure: Any) -> Any:
    """The structure with every array as a tensor; errors name the argument."""

    def convert(value: Any) -> Any:
        if value is None or isinstance(value, Tensor):
            return value
        try:
            return _core.as_tensor(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{what}: {error}") from None

    if isinstance(structure, list) and structure and not _holds_arrays(structure):
        return convert(structure)  # nested lists of numbers are one array
    return _tree.map_structure(convert, structure)


def _holds_arrays(structure: list[Any]) -> bool:
    return any(hasattr(item, "shape") or isinstance(item, dict) for item in _tree.leaves(structure))


def is_stream(x: Any) -> bool:
    """Whether x yields batches itself: a generator, an iterator, a DataLoader, a Sequence-like."""
    if x is None or isinstance(x, (Tensor, np.ndarray, list, tuple, dict, str)):
        return False
    if hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


class Arrays:
    """Arrays of samples along axis 0: x, y and sample_weight, each a tensor or a structure.

    Args:
        who: the method that was called, for messages.
        batch_size: samples per batch; 32 if None.

    Raises:
        ValueError: no samples, different numbers of samples, a batch size below 1.
        TypeError: arrays that hold no numbers, a batch size that is no integer.
    """

    def __init__(
        self, who: str, x: Any, y: Any = None, sample_weight: Any = None, batch_size: Any = None
    ) -> None:
        batch_size = 32 if batch_size is None else batch_size
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
            raise TypeError(f"{who}: batch_size must be an integer, got {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"{who}: batch_size must be at least 1, got {batch_size}")
        self.batch_size = int(batch_size)
        if x is None:
            raise ValueError(f"{who}: expected data for x, got None")
        self.x = to_tensors("x", x)
        self.y = to_tensors("y", y)
        self.sample_weight = to_tensors("sample_weight", sample_weight)
        self.leaves: list[Tensor] = []
        self.samples = -1
        named = (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight))
        for name, structure in named:
            for t in _tree.leaves(structure):
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
        self.form = Form((self.x, self.y, self.sample_weight))

    @property
    def batches(self) -> int:
        return -(-self.samples // self.batch_size)

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
        self.leaves: list[Tensor] = [t for t in _tree.leaves(data) if t is not None]
        self._marks = _tree.map_structure(lambda t: t is not None, data)
        self.key = repr(self._marks)

    def fill(self, leaves: Iterable[Tensor]) -> Any:
        """The structure with these tensors."""
        supply = iter(leaves)
        return _tree.map_structure(lambda mark: next(supply) if mark else None, self._marks)


class Stream:
    """Batches that something else makes: (x, y, sample_weight) of each, as tensors.

    Args:
        source: an iterable or iterator of batches, or something with `__getitem__` and `__len__`.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self._iterator: Iterator[Any] | None = None

    @property
    def batches(self) -> int | None:
        """How many there are, None if the source doesn't say."""
        try:
            return len(self.source)
        except TypeError:
            return None

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        if hasattr(self.source, "__iter__"):
            batches = iter(self.source)
        else:
            batches = (self.source[i] for i in range(len(self.source)))
        for batch in batches:
            x, y, weight = unpack_x_y_sample_weight(batch)
            yield to_tensors("x", x), to_tensors("y", y), to_tensors("sample_weight", weight)

    def steps(self, limit: int | None) -> Iterator[tuple[Any, Any, Any]]:
        """Batches until the source or `limit` is exhausted; goes on where the last call stopped
        if a limit is given, and starts again at the source's end."""
        if limit is None:
            yield from self
            return
        for done in range(limit):
            if self._iterator is None:
                self._iterator = iter(self)
            batch = next(self._iterator, None)
            if batch is None and done == 0 and self._restarts():
                self._iterator = iter(self)
                batch = next(self._iterator, None)
            if batch is None:
                self._iterator = None
                import warnings

                warnings.warn(
                    f"the data ran out after {done} of {limit} steps; make sure that it yields "
                    "steps_per_epoch * epochs batches",
                    UserWarning,
                    stacklevel=3,
                )
                return
            yield batch

    def _restarts(self) -> bool:
        """Whether iterating again starts at the beginning: not so for generators."""
        return not isinstance(self.source, Iterator)

    def end_of_epoch(self) -> None:
        """Tells the source, as Keras tells its PyDataset."""
        hook = getattr(self.source, "on_epoch_end", None)
        if hook is not None:
            hook()


def split_validation(
    data: tuple[Any, Any, Any], fraction: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first samples for training and the last `fraction` of them for validation.

    Raises:
        ValueError: a fraction outside (0, 1) or that leaves one side without samples.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"validation_split must lie between 0 and 1, got {fraction!r}")
    arrays = [
        to_tensors(name, a) for name, a in zip(("x", "y", "sample_weight"), data, strict=True)
    ]
    samples = next(t.shape[0] for t in _tree.leaves(arrays) if t is not None)
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

        return tuple(_tree.map_structure(cut, a) for a in arrays)

    return rows(0, kept), rows(kept, samples)


def class_weights_as_sample_weights(y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """One weight per sample, by its class.

    Args:
        y: class indices (n,) or (n, 1), or one-hot rows (n, classes).
        class_weight: weight by class index; classes that aren't listed have weight 1.

    Raises:
        ValueError: y is None or a structure of several targets, or a key is no class index.
    """
    if y is None or _tree.is_nested(y):
        raise ValueError("class_weight: expected a single array of targets y")
    labels = np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    labels = np.round(labels).astype(np.int64)
    for key in class_weight:
        if int(key) != key or key < 0:
            raise ValueError(f"class_weight: expected class indices as keys, got {key!r}")
    table = np.ones(max([int(labels.max(initial=0)), *map(int, class_weight)]) + 1, np.float32)
    for key, value in class_weight.items():
        table[int(key)] = value
    return table[labels]


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
