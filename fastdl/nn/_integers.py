"""Convolutions and pools of integers, which stay integers and are exact, as in PyTorch.

Tensors are channels last, (N, places..., C). The windows are gathered as an axis of their own, so
the rest is a product or a reduction. The kernels for float32 would round.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor

    Sizes = Sequence[int]


def are_integers(x: Tensor, *more: Tensor | None) -> bool:
    """Whether all are integers, truth values excepted."""
    return all(t is None or t.dtype.kind in "iu" for t in (x, *more))


class Windows:
    """Where the places of each window lie along the axes, padding included.

    Args:
        size: of the input along its axes of places.
        kernel, strides, dilations: of the windows.
        low, high: places of padding before and after each axis.
        ceil_mode: whether a last window may end beyond the padding.
    """

    def __init__(
        self, size: Sizes, kernel: Sizes, strides: Sizes, dilations: Sizes, low: Sizes, high: Sizes,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        self.size, self.low, self.high = tuple(size), tuple(low), tuple(high)
        self.out, self.along = [], []
        for n, k, s, d, before, after in zip(
            size, kernel, strides, dilations, low, high, strict=True
        ):
            room = n + before + after - (k - 1) * d - 1
            count = max(room, 0) // s + 1
            # A window that ends beyond the padding begins in the input or before it.
            if ceil_mode and room > 0 and room % s and count * s < n + before:
                count += 1
            self.out.append(count)
            self.along.append(np.arange(count)[:, None] * s - before + np.arange(k) * d)
        self.taps = math.prod(kernel)

    def _joined(self, axes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Arrays (windows, taps) of axes as arrays (all windows, all taps)."""
        rank = len(axes)
        shape = [len(a) for a in axes] + [a.shape[1] for a in axes]
        found = []
        for i, a in enumerate(axes):
            place = [1] * (2 * rank)
            place[i], place[rank + i] = a.shape
            spread = np.broadcast_to(a.reshape(place), shape)
            found.append(spread.reshape(-1, self.taps))
        return found

    def inside(self) -> np.ndarray:
        """Which places lie in the input: (windows, taps)."""
        fits = [(a >= 0) & (a < n) for a, n in zip(self.along, self.size, strict=True)]
        return np.logical_and.reduce(self._joined(fits))

    def counted(self) -> np.ndarray:
        """Which places lie in the input or its padding: (windows, taps)."""
        fits = [a < n + p for a, n, p in zip(self.along, self.size, self.high, strict=True)]
        return np.logical_and.reduce(self._joined(fits))

    def places(self) -> np.ndarray:
        """The numbers of the places in the input, row by row: (windows, taps). 0 outside of it."""
        number = np.zeros((math.prod(self.out), self.taps), dtype=np.int64)
        for a, n in zip(self._joined(self.along), self.size, strict=True):
            number = number * n + a
        return np.where(self.inside(), number, 0)

    def gathered(self, x: Tensor, outside: int) -> Tensor:
        """(N, places..., C) to (N, windows, taps, C), with a value for what lies outside."""
        n, c = x.shape[0], x.shape[-1]
        flat = F.reshape(F.in_order(x), shape=(n, math.prod(self.size), c))
        places, inside = self.places(), self.inside()
        columns = F.take(flat, places.reshape(-1), axis=1)
        columns = F.reshape(columns, shape=(n, *places.shape, c))
        if inside.all():
            return columns
        return F.where(inside[..., None], columns, _core.full((), x.dtype, outside))

    def result(self, y: Tensor) -> Tensor:
        """(N, windows, C) with the axes of the windows."""
        return F.reshape(y, shape=(y.shape[0], *self.out, y.shape[-1]))


def _by_groups(x: Tensor, groups: int) -> Tensor:
    """(rows, taps, C) as (groups, rows, taps * C / groups)."""
    rows, taps, c = x.shape
    x = F.reshape(x, shape=(rows, taps, groups, c // groups))
    x = F.transpose(x, perm=(2, 0, 1, 3))
    return F.reshape(x, shape=(groups, rows, taps * (c // groups)))


def convolved(x: Tensor, w: Tensor, bias: Tensor | None, windows: Windows, groups: int) -> Tensor:
    """The convolution of x with the weight (filters, C / groups, kernel...)."""
    columns = windows.gathered(x, 0)
    n, count, taps, c = columns.shape
    filters = w.shape[0]
    columns = _by_groups(F.reshape(columns, shape=(n * count, taps, c)), groups)
    kernel = F.reshape(w, shape=(groups, filters // groups, c // groups, taps))
    kernel = F.transpose(kernel, perm=(0, 3, 2, 1))
    kernel = F.reshape(kernel, shape=(groups, taps * (c // groups), filters // groups))
    y = F.transpose(F.matmul(columns, kernel), perm=(1, 0, 2))
    y = windows.result(F.reshape(y, shape=(n, count, filters)))
    return y if bias is None else F.add(y, bias)


def transposed(x: Tensor, w: Tensor, bias: Tensor | None, windows: Windows, groups: int) -> Tensor:
    """The transposed convolution with the weight (C, filters / groups, kernel...).

    The windows are those of a convolution of the result.
    """
    n, c = x.shape[0], x.shape[-1]
    count, taps, filters = math.prod(windows.out), windows.taps, w.shape[1] * groups
    rows = F.reshape(F.in_order(x), shape=(n * count, 1, c))
    kernel = F.reshape(w, shape=(groups, c // groups, filters // groups * taps))
    y = F.matmul(_by_groups(rows, groups), kernel)
    y = F.reshape(y, shape=(groups, n, count, filters // groups, taps))
    y = F.transpose(y, perm=(1, 2, 4, 0, 3))
    y = F.reshape(y, shape=(n, count * taps, filters))
    # What falls into the padding goes to a place behind the last one.
    size = math.prod(windows.size)
    places = np.where(windows.inside(), windows.places(), size)
    y = F.scatter_add(y, places.reshape(-1), axis=1, size=size + 1)
    y = F.slice(y, starts=[0, 0, 0], stops=[n, size, filters], steps=[1, 1, 1])
    y = F.reshape(y, shape=(n, *windows.size, filters))
    return y if bias is None else F.add(y, bias)


def largest(x: Tensor, windows: Windows, places: bool) -> tuple[Tensor, ...]:
    """The largest element of each window, and its place if asked for: of several the first."""
    columns = windows.gathered(x, int(np.iinfo(x.dtype).min))
    top = F.max(columns, axes=2)
    if not places:
        return (windows.result(top),)
    n, count, _, c = columns.shape
    is_top = F.eq(columns, F.reshape(top, shape=(n, count, 1, c)))
    first = F.argmax(F.logical_and(is_top, windows.inside()[..., None]), axis=2)
    row = (np.arange(count) * windows.taps)[:, None]
    at = F.take(_core.tensor(windows.places().reshape(-1)), F.add(first, row), axis=0)
    return windows.result(top), windows.result(at)


def mean(x: Tensor, windows: Windows, count_padding: bool, divisor: int | None) -> Tensor:
    """The mean of each window, rounded towards 0."""
    total = F.sum(windows.gathered(x, 0), axes=2)
    if divisor is None:
        counts = (windows.counted() if count_padding else windows.inside()).sum(axis=1)[:, None]
    else:
        counts = np.full((1, 1), divisor)
    by = F.cast(_core.tensor(counts), dtype=total.dtype)
    down = F.floor_divide(total, by)
    rest = F.ne(F.mul(down, by), total)
    below = F.ne(F.lt(total, 0), F.lt(by, 0))
    y = F.where(F.logical_and(rest, below), F.add(down, 1), down)
    return windows.result(F.cast(y, dtype=x.dtype))
