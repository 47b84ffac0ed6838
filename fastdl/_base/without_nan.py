"""Reductions that leave out NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .elementary import whole

if TYPE_CHECKING:
    from .._core import Axes, Tensor, TensorLike


def filled(x: TensorLike, value: float) -> Tensor:
    """x with a number in the place of NaN."""
    x = _core.as_tensor(x)
    return F.where(F.isnan(x), value, x) if x.dtype.kind == "f" else x


def count(x: TensorLike, axes: Axes, keepdims: bool) -> Tensor:
    """How many values are no NaN, float32."""
    valid = F.cast(F.logical_not(F.isnan(x)), dtype="float32")
    return F.sum(valid, axes=axes, keepdims=keepdims)


def mean(x: TensorLike, axes: Axes, keepdims: bool) -> Tensor:
    """The mean of the numbers; NaN if there are none."""
    if whole(x):
        return F.mean(x, axes=axes, keepdims=keepdims)
    total = F.sum(filled(x, 0.0), axes=axes, keepdims=keepdims)
    return F.div(total, count(x, axes, keepdims))


def variance(x: TensorLike, axes: Axes, keepdims: bool) -> Tensor:
    """The mean of the squared deviations of the numbers from their mean."""
    if whole(x):
        return F.var(x, axes=axes, keepdims=keepdims)
    apart = F.sub(x, mean(x, axes, True))
    total = F.sum(filled(F.square(apart), 0.0), axes=axes, keepdims=keepdims)
    return F.div(total, count(x, axes, keepdims))


def extreme(x: TensorLike, axes: Axes, keepdims: bool, largest: bool) -> Tensor:
    """The largest or smallest number; NaN if there are none."""
    choose, none = (F.max, -math.inf) if largest else (F.min, math.inf)
    result = choose(filled(x, none), axes=axes, keepdims=keepdims)
    if whole(x):
        return result
    return F.where(F.all(F.isnan(x), axes=axes, keepdims=keepdims), math.nan, result)


def place(x: TensorLike, axis: int | None, keepdims: bool, largest: bool) -> Tensor:
    """The place of the largest or smallest number, int32; -1 if there are none."""
    choose, none = (F.argmax, -math.inf) if largest else (F.argmin, math.inf)
    result = F.cast(choose(filled(x, none), axis=axis, keepdims=keepdims), dtype="int32")
    if whole(x):
        return result
    empty = F.all(F.isnan(x), axes=axis, keepdims=keepdims)
    return F.where(empty, -1, result)
