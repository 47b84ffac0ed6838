"""Quantiles, medians and the like: what follows from the order of values along axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ArgumentError, ShapeError
from .checks import shown
from .moving import checked_axes, checked_axis
from .scans import part, scanned

if TYPE_CHECKING:
    from .._core import Axes, Tensor, TensorLike

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def with_axes_last(x: TensorLike, axes: Axes, who: str) -> tuple[Tensor, tuple[int, ...]]:
    """The given axes joined into one, the last; and the shape with 1 in their places."""
    x = _core.as_tensor(x)
    joined = list(range(x.ndim)) if axes is None else checked_axes(axes, x.ndim, who)
    rest = [axis for axis in range(x.ndim) if axis not in joined]
    ones = tuple(1 if axis in joined else n for axis, n in enumerate(x.shape))
    if rest + sorted(joined) != list(range(x.ndim)):
        x = F.transpose(x, perm=[*rest, *sorted(joined)])
    kept = x.shape[: len(rest)]
    return F.reshape(x, shape=(*kept, math.prod(x.shape[len(rest) :]))), ones


def quantile(
    x: TensorLike,
    q: TensorLike,
    axes: Axes,
    keepdims: bool,
    method: str,
    skip_nan: bool,
    who: str,
) -> Tensor:
    """The values below which the parts `q` of the values along axes lie, float32.

    The axes of q come first in the result. Without `skip_nan`, NaN gives NaN.

    Raises:
        ValueError: a part outside of [0, 1], an unknown method, or no values.
    """
    parts = _parts(q)
    if not ((parts >= 0) & (parts <= 1)).all():
        raise ArgumentError(f"{who}: expected parts in [0, 1], got {shown(parts.tolist())}")
    if method not in METHODS:
        raise ArgumentError(f"{who}: expected one of {', '.join(METHODS)}, got {method!r}")
    x = F.cast(x, dtype="float32")
    if not x.ndim and axes is not None:  # PyTorch's dim 0 of a tensor without axes
        axes = checked_axes(axes, 1, who)[1:]
    x, ones = with_axes_last(x, axes, who)
    n = x.shape[-1]
    if not n:
        raise ShapeError(f"{who}: there are no values along axes {axes}")
    last = x.ndim - 1
    ordered = F.gather(x, F.order(x, axis=last), axis=last)
    invalid = F.sum(F.cast(F.isnan(x), dtype="int32"), axes=last, keepdims=True)
    flat = parts.reshape(-1)
    moved = None  # adds 0 to the parts, and their gradient
    if isinstance(q, _core.Tensor) and q.requires_grad:
        given = F.reshape(F.cast(q, dtype="float32"), shape=(-1,))
        moved = F.sub(given, given.detach())
    if skip_nan:
        count = F.cast(F.maximum(F.sub(n - 1, invalid), 0), dtype="float32")
        place = F.mul(count, flat.astype("float32"))
        low, high = F.floor(place), F.ceil(place)
        weight = F.sub(place, low)
        if moved is not None:
            weight = F.add(weight, F.mul(count, moved))
        nearest = F.round(place)
    else:
        exact = flat * (n - 1)
        low, high, nearest = (
            F.broadcast_to(place.astype("float32"), shape=(*x.shape[:-1], len(flat)))
            for place in (np.floor(exact), np.ceil(exact), np.round(exact))
        )
        weight = _core.as_tensor((exact - np.floor(exact)).astype("float32"))
        if moved is not None:
            weight = F.add(weight, F.mul(moved, float(n - 1)))

    def at(place: Tensor) -> Tensor:
        return F.gather(ordered, F.cast(place, dtype="int64"), axis=last)

    if method == "nearest":
        result = at(nearest)
    elif method in ("lower", "higher"):
        result = at(low if method == "lower" else high)
    else:
        below, above = at(low), at(high)
        if method == "midpoint":
            weight = F.where(F.eq(low, high), 0.0, 0.5)
        step = F.where(F.eq(below, above), 0.0, F.sub(above, below))  # of equal infinities, too
        result = F.add(below, F.where(F.eq(weight, 0), 0.0, F.mul(step, weight)))
    if not skip_nan:
        result = F.where(F.gt(invalid, 0), math.nan, result)
    shape = ones if keepdims else x.shape[:-1]
    result = F.transpose(result, perm=[last, *range(last)])
    return F.reshape(result, shape=(*parts.shape, *shape))


def _parts(q: TensorLike) -> np.ndarray:
    return np.asarray(q.detach() if isinstance(q, _core.Tensor) else q, np.float64)


def per_cent(q: TensorLike) -> np.ndarray:
    """Percentages as parts."""
    return _parts(q) / 100


def _joined(x: TensorLike, axis: int | None, who: str) -> tuple[Tensor, tuple[int, ...]]:
    """The axis last; all axes joined for None. A tensor without axes has axis 0 and -1."""
    x = _core.as_tensor(x)
    if not x.ndim and axis is not None:
        checked_axis(axis, 1, who)
        axis = None
    rows, ones = with_axes_last(x, axis, who)
    if not rows.shape[-1]:
        raise ShapeError(f"{who}: axis {axis} of shape {x.shape} has no values to choose from")
    return rows, ones


def _picked(
    rows: Tensor, places: Tensor, ones: tuple[int, ...], keepdims: bool
) -> tuple[Tensor, Tensor]:
    """One value of each row, and its place."""
    values = F.gather(rows, places, axis=rows.ndim - 1)
    shape = ones if keepdims else rows.shape[:-1]
    return F.reshape(values, shape=shape), F.reshape(places, shape=shape)


def middle(
    x: TensorLike, axis: int | None, keepdims: bool, skip_nan: bool, who: str
) -> tuple[Tensor, Tensor]:
    """The lower median along an axis, and its place. NaN gives NaN unless it is skipped."""
    rows, ones = _joined(x, axis, who)
    last, n = rows.ndim - 1, rows.shape[-1]
    order = F.order(rows, axis=last)
    if rows.dtype.kind == "f":
        invalid = F.sum(F.cast(F.isnan(rows), dtype="int64"), axes=last, keepdims=True)
        if skip_nan:
            rank = F.floor_divide(F.maximum(F.sub(n - 1, invalid), 0), 2)
        else:
            rank = F.where(F.gt(invalid, 0), F.sub(n, invalid), (n - 1) // 2)
    else:
        rank = F.broadcast_to(np.int64((n - 1) // 2), shape=(*rows.shape[:-1], 1))
    return _picked(rows, F.gather(order, rank, axis=last), ones, keepdims)


def smallest(x: TensorLike, k: int, axis: int, keepdims: bool, who: str) -> tuple[Tensor, Tensor]:
    """The k-th smallest value along an axis, and its place."""
    rows, ones = _joined(x, axis, who)
    if not 1 <= k <= rows.shape[-1]:
        raise ShapeError(f"{who}: k: expected 1 to {rows.shape[-1]} for axis {axis}, got {k}")
    order = F.order(rows, axis=rows.ndim - 1)
    return _picked(rows, part(order, rows.ndim - 1, k - 1, k), ones, keepdims)


def most_frequent(x: TensorLike, axis: int, keepdims: bool, who: str) -> tuple[Tensor, Tensor]:
    """The most frequent value along an axis, the smallest of several, and its last place."""
    rows, ones = _joined(x, axis, who)
    last, n = rows.ndim - 1, rows.shape[-1]
    order = F.order(rows, axis=last)
    ordered = F.gather(rows, order, axis=last).detach()
    places = F.broadcast_to(np.arange(n), shape=rows.shape)
    new = F.ne(part(ordered, last, 1, n), part(ordered, last, 0, n - 1))
    starts = F.where(new, part(places, last, 1, n), 0)
    starts = F.concat([part(places, last, 0, 1), starts], axis=last)
    runs = scanned((starts,), last, lambda a, b: (F.maximum(a[0], b[0]),))[0]
    end = F.argmax(F.sub(places, runs), axis=last, keepdims=True)
    return _picked(rows, F.gather(order, end, axis=last), ones, keepdims)
