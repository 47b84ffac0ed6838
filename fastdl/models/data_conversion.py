"""Conversion of arrays, tables and class weights to tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_number, is_sparse, prefixed, shown
from .._base.tables import is_column, without_tables
from .._core import Tensor
from .sparse_rows import SparseRows, samples_of

if TYPE_CHECKING:
    from .._base.types import Data
    from .._engine.runner import Batch


def to_tensors(what: str, structure: Data, lazy: bool = False) -> Any:
    """The structure with every array as a tensor; errors name the argument.

    A large sparse matrix becomes `SparseRows` if `lazy` is set, else a tensor, too.
    """
    if structure is None:
        return None
    if type(structure) is Tensor:
        return F.in_order(structure)
    if type(structure) is np.ndarray:
        return _to_tensor(what, structure)
    if isinstance(structure, list) and structure and not _holds_arrays(structure):
        return _to_tensor(what, structure)  # nested lists of numbers are one array
    if tree.is_nested(structure) and isinstance(structure, dict):
        return {
            key: to_tensors(f"{what}[{key!r}]", value, lazy) for key, value in structure.items()
        }
    return tree.map_structure(lambda value: _to_tensor(what, value, lazy), structure)


def some_tensors(what: str, structure: Data, lazy: bool = False) -> Any:
    """`to_tensors` for what must hold at least one array.

    Raises:
        ValueError: None, or an empty structure.
    """
    tensors = to_tensors(what, structure, lazy)
    one = type(tensors) is Tensor
    if not one and all(leaf is None for leaf in tree.flatten(tensors)):
        raise ValueError(f"{what}: expected data, got {structure!r}")
    return tensors


def _to_tensor(what: str, value: Any, lazy: bool = False) -> Any:
    if isinstance(value, Tensor):
        return F.in_order(value)
    if value is None or isinstance(value, SparseRows):
        return value
    if is_sparse(value):
        value = samples_of(value) if lazy else value.toarray()
        if isinstance(value, SparseRows):
            return value
    elif type(value) is not np.ndarray:
        value = without_tables(what, value)
    try:
        return _core.as_tensor(value)
    except (TypeError, ValueError) as error:
        if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
            error = TypeError(f"{error}; text is encoded with layers.StringLookup")
        raise prefixed(what, error) from None


def _holds_arrays(structure: list[object]) -> bool:
    return any(
        item is None or hasattr(item, "shape") or isinstance(item, dict) or is_column(item)
        for item in tree.leaves(structure)
    )


def split_validation(data: tuple[Data, Data, Data], fraction: float) -> tuple[Batch, Batch]:
    """The first samples for training and the last `fraction` of them, for `fit`.

    Raises:
        ValueError: the fraction leaves one side without samples.
    """
    arrays = [
        to_tensors(f"fit: {name}", a, lazy=True)
        for name, a in zip(("x", "y", "sample_weight"), data, strict=True)
    ]
    samples = next(t.shape[0] for t in tree.leaves(arrays) if t is not None)
    kept = int(np.floor(samples * (1.0 - fraction)))
    if kept == 0 or kept == samples:
        raise ValueError(
            f"fit: validation_split: {fraction:g} of {samples} samples leaves none for "
            f"{'training' if kept == 0 else 'validation'}"
        )

    def rows(start: int, stop: int) -> Any:
        def cut(t: Any) -> Any:
            if t is None:
                return None
            if isinstance(t, SparseRows):
                return t.cut(start, stop)
            size = t.numel() // max(t.shape[0], 1)
            return t._view((min(stop, t.shape[0]) - start, *t.shape[1:]), start * size)

        return tuple(tree.map_structure(cut, a) for a in arrays)

    return rows(0, kept), rows(kept, samples)


def check_class_weight(who: str, class_weight: object) -> None:
    """Checks the weights of classes that a method was given.

    Raises:
        TypeError: it is neither a dict nor "balanced".
        ValueError: a key is no class index, or a weight is no number.
    """
    if isinstance(class_weight, str) and class_weight == "balanced":
        return
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"{who}: class_weight: expected a dict of weights by class index, or 'balanced', got "
            f"{shown(class_weight)}"
        )
    for key, weight in class_weight.items():
        if not isinstance(key, (int, float, np.number)) or float(key) % 1 or key < 0:
            raise ValueError(f"{who}: class_weight: expected class indices as keys, got {key!r}")
        check_number(who, f"class_weight[{key}]", weight, -math.inf)


def as_sample_weights(
    who: str, class_weight: dict[int, float] | str, y: Data, sample_weight: Any = None
) -> Tensor:
    """One weight per sample, by its class, times the sample weights that are given.

    Args:
        who: the method, for messages.
        class_weight: weight by class index, other classes having weight 1; or "balanced", for
            which all samples of a class weigh as much as those of another, and 1 on average.
        y: class indices (n,) or (n, 1), or one-hot rows (n, classes).
        sample_weight: (n,) or (n, 1), or None.

    Raises:
        ValueError: y is None or a structure of several targets, or holds NaN.
    """
    if y is None or tree.is_nested(y):
        raise ValueError(
            f"{who}: class_weight: expected a single array of targets y, got "
            f"{y if y is None else f'a {type(y).__name__}'}"
        )
    labels = y.classes() if isinstance(y, SparseRows) else np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(
            f"{who}: class_weight: {int((~np.isfinite(labels)).sum())} labels in y are NaN or "
            "infinite"
        )
    labels = np.round(labels).astype(np.int64)
    found = np.ones(labels.shape, np.float32)
    if isinstance(class_weight, str):
        classes, counts = np.unique(labels, return_counts=True)
        class_weight = dict(zip(classes, labels.size / (len(classes) * counts), strict=True))
    for key, value in class_weight.items():
        found[labels == int(key)] = value
    weights = _core.as_tensor(found)
    if sample_weight is None:
        return weights
    return F.mul(F.reshape(sample_weight, shape=(-1,)), weights)
