"""Running results along one axis: products, extremes, logarithms of sums.

A running result of n values takes log2(n) steps: in step k each place is combined with the one
2^k before it. So it is a few calls of vectorized ops, with their gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .elementary import log_of_sum
from .moving import checked_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

    Combine = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], tuple[Tensor, ...]]


def part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """The entries from start to stop along an axis."""
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, stop
    return F.slice(x, starts=starts, stops=stops, steps=[1] * x.ndim)


def scanned(values: tuple[Tensor, ...], axis: int, combine: Combine) -> tuple[Tensor, ...]:
    """Running results of an associative function of two groups of values, earlier ones first."""
    length, reach = values[0].shape[axis], 1
    while reach < length:
        before = tuple(part(v, axis, 0, length - reach) for v in values)
        after = tuple(part(v, axis, reach, length) for v in values)
        joined = combine(before, after)
        kept = (part(v, axis, 0, reach) for v in values)
        values = tuple(F.concat([k, j], axis=axis) for k, j in zip(kept, joined, strict=True))
        reach *= 2
    return values


def along_axis(
    x: TensorLike, axis: int, function: Callable[[Tensor, int], Tensor], who: str
) -> Tensor:
    """`function(x, axis)`. A tensor without axes has axis 0 and -1, as in PyTorch."""
    x = _core.as_tensor(x)
    if x.ndim:
        return function(x, checked_axis(axis, x.ndim, who))
    checked_axis(axis, 1, who)
    return F.reshape(function(F.reshape(x, shape=(1,)), 0), shape=())


def products(x: TensorLike, axis: int, who: str) -> Tensor:
    """Running products. Those of integers and truth values are int64."""

    def run(x: Tensor, axis: int) -> Tensor:
        return scanned((x,), axis, lambda a, b: (F.mul(a[0], b[0]),))[0]

    x = _core.as_tensor(x)
    return along_axis(x if x.dtype.kind == "f" else F.cast(x, dtype="int64"), axis, run, who)


def logarithms_of_sums(x: TensorLike, axis: int, who: str) -> Tensor:
    """Running `logsumexp`."""

    def run(x: Tensor, axis: int) -> Tensor:
        return scanned((x,), axis, lambda a, b: (log_of_sum(a[0], b[0]),))[0]

    return along_axis(F.cast(x, dtype="float32"), axis, run, who)


def extremes(x: TensorLike, axis: int, largest: bool, who: str) -> tuple[Tensor, Tensor]:
    """Running extremes and their places. The last of equal values counts; NaN counts as extreme."""
    better = F.ge if largest else F.le

    def run(x: Tensor, axis: int) -> Tensor:
        def combine(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            later = better(b[0], a[0])
            if x.dtype.kind == "f":
                later = F.logical_or(later, F.isnan(b[0]))
            return F.where(later, b[0], a[0]), F.where(later, b[1], a[1])

        shape = [1] * x.ndim
        shape[axis] = x.shape[axis]
        places = np.arange(x.shape[axis]).reshape(shape)
        return scanned((x.detach(), F.broadcast_to(places, shape=x.shape)), axis, combine)[1]

    x = _core.as_tensor(x)
    places = along_axis(x, axis, run, who)
    return (F.gather(x, places, axis=axis) if x.ndim else x), places
