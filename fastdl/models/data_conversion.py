"""Conversion of arrays, tables and class weights to tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._base.checks import check_dense, check_number, prefixed, shown
from .._core import Tensor

if TYPE_CHECKING:
    from .._base.types import Data
    from .._core import TensorLike
    from .._engine.runner import Batch


def to_tensors(what: str, structure: Data) -> Any:
    """The structure with every array as a tensor; errors name the argument."""
    if structure is None or type(structure) is Tensor:
        return structure
    if type(structure) is np.ndarray:
        return _to_tensor(what, structure)
    if isinstance(structure, list) and structure and not _holds_arrays(structure):
        return _to_tensor(what, structure)  # nested lists of numbers are one array
    return tree.map_structure(lambda value: _to_tensor(what, value), structure)


def some_tensors(what: str, structure: Data) -> Any:
    """`to_tensors` for what must hold at least one array.

    Raises:
        ValueError: None, or an empty structure.
    """
    tensors = to_tensors(what, structure)
    if tensors is None or (type(tensors) is not Tensor and not tree.flatten(tensors)):
        raise ValueError(f"{what}: expected data, got {structure!r}")
    return tensors


def _to_tensor(what: str, value: TensorLike | None) -> Tensor | None:
    if value is None or isinstance(value, Tensor):
        return value
    check_dense(what, value)
    try:
        if hasattr(value, "iloc"):
            value = _of_columns(value)
        return _core.as_tensor(value)
    except (TypeError, ValueError) as error:
        raise prefixed(what, error) from None


def _of_columns(table: Any) -> np.ndarray:
    """A pandas DataFrame or Series as an array of numbers; missing values are NaN.

    Raises:
        TypeError: a column holds something else; the message names it.
    """
    if not hasattr(table, "columns"):
        return _numbers(table, table.name)
    columns = [_numbers(table.iloc[:, i], name) for i, name in enumerate(table.columns)]
    return np.stack(columns, 1) if columns else np.asarray(table)


def _numbers(column: Any, name: object) -> np.ndarray:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy()
    values = column.to_numpy(dtype=object, na_value=np.nan)
    wrong = next(
        (v for v in values if not isinstance(v, (bool, int, float, np.number, np.bool_))), None
    )
    if wrong is not None:
        raise TypeError(
            f"column {name!r} (dtype {column.dtype}) holds {wrong!r}, which is no number; encode "
            "or drop the column"
        )
    floats = values.astype(np.float64)
    whole = not np.isnan(floats).any() and all(isinstance(v, (int, np.integer)) for v in values)
    return values.astype(np.int64) if whole else floats


def _holds_arrays(structure: list[object]) -> bool:
    return any(hasattr(item, "shape") or isinstance(item, dict) for item in tree.leaves(structure))


def split_validation(data: tuple[Data, Data, Data], fraction: float) -> tuple[Batch, Batch]:
    """The first samples for training and the last `fraction` of them, for `fit`.

    Raises:
        ValueError: the fraction leaves one side without samples.
    """
    arrays = [
        to_tensors(f"fit: {name}", a)
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
        def cut(t: Tensor | None) -> Tensor | None:
            if t is None:
                return None
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
    labels = np.asarray(y)
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
