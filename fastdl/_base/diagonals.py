"""Diagonals of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._core import ShapeError
from . import functional as F
from .checks import check_integer
from .moving import checked_axes, moved

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def _extent(rows: int, columns: int, offset: int) -> tuple[int, int]:
    """The place of the first element of a diagonal in the flattened matrix, and the length."""
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    return (offset if offset >= 0 else -offset * columns), max(length, 0)


def embedded(x: TensorLike, offset: int, axis1: int, axis2: int, who: str) -> Tensor:
    """Square matrices, in two axes of the result, with the last axis of x as a diagonal."""
    x, offset = _core.as_tensor(x), check_integer(who, "offset", offset)
    if not x.ndim:
        raise ShapeError(f"{who}: expected at least 1 axis, got shape {x.shape}")
    *lead, length = x.shape
    n = length + abs(offset)
    start, _ = _extent(n, n, offset)
    none = [0] * len(lead)
    apart = (
        F.pad(F.reshape(x, shape=(*lead, length, 1)), before=[*none, 0, 0], after=[*none, 0, n])
        if n
        else x
    )
    flat = F.reshape(apart, shape=(*lead, length * (n + 1)))
    if length:
        used = (length - 1) * (n + 1) + 1
        flat = F.slice(flat, starts=[*none, 0], stops=[*lead, used], steps=[1] * (len(lead) + 1))
        flat = F.pad(flat, before=[*none, start], after=[*none, n * n - start - used])
    else:
        flat = F.pad(flat, before=[*none, 0], after=[*none, n * n])
    y = F.reshape(flat, shape=(*lead, n, n))
    axes = checked_axes((axis1, axis2), y.ndim, who)
    return y if axes == [y.ndim - 2, y.ndim - 1] else moved(y, (-2, -1), axes, who)


def diag(x: TensorLike, offset: int, who: str) -> Tensor:
    """The diagonal of a matrix, or the matrix that has a vector as its diagonal."""
    x = _core.as_tensor(x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"{who}: expected a vector or a matrix, got shape {x.shape}")
    return (
        embedded(x, offset, 0, 1, who) if x.ndim == 1 else _core.diagonal_of(x, offset, 0, 1, who)
    )


def trace(x: TensorLike, offset: int, axis1: int, axis2: int, who: str) -> Tensor:
    """The sum of a diagonal of the matrices in two axes."""
    return F.sum(_core.diagonal_of(x, offset, axis1, axis2, who), axes=-1)


def triangle_indices(rows: int, columns: int, offset: int, lower: bool) -> np.ndarray:
    """The rows and the columns of the elements of a triangle, (2, count)."""
    kept = np.tri(rows, columns, offset if lower else offset - 1, dtype=bool)
    return np.stack(np.nonzero(kept if lower else ~kept))
