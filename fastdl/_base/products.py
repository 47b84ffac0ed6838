"""Sums of products over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._core import ArgumentError, ShapeError
from . import functional as F
from .checks import check_integer, shown
from .moving import broadcast, checked_axes, checked_axis, is_integer, moved

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


def tensordot(
    x: TensorLike, y: TensorLike, axes: int | Sequence[IntOrInts], who: str, broadcast: bool = False
) -> Tensor:
    """The sum of products over the last axes of x and the first of y, or over pairs of axes.

    With `broadcast`, an axis of size 1 meets one of any size.
    """
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    if is_integer(axes):
        count = int(axes)
        if not 0 <= count <= min(x.ndim, y.ndim):
            raise ShapeError(
                f"{who}: expected 0 to {min(x.ndim, y.ndim)} axes for shapes {x.shape} and "
                f"{y.shape}, got {count}"
            )
        of_x, of_y = list(range(x.ndim - count, x.ndim)), list(range(count))
    else:
        try:
            first, second = axes
        except (TypeError, ValueError):
            raise ShapeError(
                f"{who}: expected a number of axes, or the axes of both tensors, got {shown(axes)}"
            ) from None
        of_x, of_y = checked_axes(first, x.ndim, who), checked_axes(second, y.ndim, who)
    if broadcast and len(of_x) == len(of_y):
        pairs = list(zip(of_x, of_y, strict=True))
        # The sum of products with one value is the product with the sum.
        of_one = [j for i, j in pairs if x.shape[i] == 1 != y.shape[j]]
        other = [i for i, j in pairs if y.shape[j] == 1 != x.shape[i]]
        x = F.cast(F.sum(x, axes=other, keepdims=True), dtype=x.dtype) if other else x
        y = F.cast(F.sum(y, axes=of_one, keepdims=True), dtype=y.dtype) if of_one else y
    sizes = [x.shape[i] for i in of_x]
    if sizes != [y.shape[i] for i in of_y]:
        raise ShapeError(
            f"{who}: axes {of_x} of shape {x.shape} and {of_y} of shape {y.shape} differ in size"
        )
    rest_x = [i for i in range(x.ndim) if i not in of_x]
    rest_y = [i for i in range(y.ndim) if i not in of_y]
    lead, tail = [x.shape[i] for i in rest_x], [y.shape[i] for i in rest_y]
    summed = math.prod(sizes)
    x = F.reshape(F.transpose(x, perm=rest_x + of_x), shape=(math.prod(lead), summed))
    y = F.reshape(F.transpose(y, perm=of_y + rest_y), shape=(summed, math.prod(tail)))
    return F.reshape(F.matmul(x, y), shape=(*lead, *tail))


def inner(x: TensorLike, y: TensorLike, who: str) -> Tensor:
    """The sum of products over the last axes. A number multiplies."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    return F.mul(x, y) if not x.ndim or not y.ndim else tensordot(x, y, (-1, -1), who)


def kron(x: TensorLike, y: TensorLike) -> Tensor:
    """Kronecker's product: y times each element of x, in the place of that element."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    rank = max(x.ndim, y.ndim)
    a, b = (1,) * (rank - x.ndim) + x.shape, (1,) * (rank - y.ndim) + y.shape
    wide = F.mul(
        F.reshape(x, shape=[n for size in a for n in (size, 1)]),
        F.reshape(y, shape=[n for size in b for n in (1, size)]),
    )
    return F.reshape(wide, shape=[n * m for n, m in zip(a, b, strict=True)])


def cross(x: Tensor, y: Tensor, who: str) -> Tensor:
    """The vector products over the last axis, of 3 elements, or of 2 whose third is 0.

    Of two vectors of 2 the result is the third element alone.
    """
    if x.shape[-1:] not in ((2,), (3,)) or y.shape[-1:] not in ((2,), (3,)):
        raise ShapeError(f"{who}: expected vectors of 2 or 3, got shapes {x.shape} and {y.shape}")
    a, b = _elements(x), _elements(y)

    def minor(i: int, j: int) -> Tensor:
        return F.sub(F.mul(a[i], b[j]), F.mul(a[j], b[i]))

    if x.shape[-1] == y.shape[-1] == 2:
        return minor(0, 1)
    return F.stack([minor(1, 2), minor(2, 0), minor(0, 1)], axis=-1)


def _elements(x: Tensor) -> list[Tensor]:
    parts = F.split(x, sizes=[1] * x.shape[-1], axis=-1)
    parts = [F.reshape(part, shape=x.shape[:-1]) for part in parts]
    return parts if len(parts) == 3 else [*parts, F.mul(parts[0], 0)]


def cross_along(x: TensorLike, y: TensorLike, axes: tuple[int, int, int], who: str) -> Tensor:
    """`cross` over an axis of x and one of y, with the vectors along an axis of the result."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    last_x, last_y = moved(x, axes[0], -1, who), moved(y, axes[1], -1, who)
    z = cross(last_x, last_y, who)
    single = last_x.shape[-1] == last_y.shape[-1] == 2
    return z if single or axes[2] in (-1, z.ndim - 1) else moved(z, -1, axes[2], who)


def vander(x: TensorLike, count: int | None, increasing: bool, who: str) -> Tensor:
    """The powers of the elements of the last axis along a new last axis, the highest first."""
    x = _core.as_tensor(x)
    if not x.ndim:
        raise ShapeError(f"{who}: expected at least 1 axis, got shape {x.shape}")
    n = x.shape[-1] if count is None else check_integer(who, "N", count, 0, 2**20)
    one = F.add(F.mul(x, 0), 1)
    powers = [one]
    for _ in range(n - 1):
        powers.append(F.mul(powers[-1], x))
    if not n:
        return F.reshape(F.slice(x, starts=[0] * x.ndim, stops=[*x.shape[:-1], 0],
                                 steps=[1] * x.ndim), shape=(*x.shape, 0))  # fmt: skip
    return F.stack(powers if increasing else powers[::-1], axis=-1)


def chained(matrices: Sequence[Tensor], who: str) -> Tensor:
    """The product of several matrices in the order with the fewest multiplications.

    The first and the last may be vectors.
    """
    if not matrices:
        raise ArgumentError(f"{who}: expected at least one matrix, got none")
    first, last = matrices[0], matrices[-1]
    given = list(matrices)
    if first.ndim == 1:
        given[0] = F.reshape(first, shape=(1, first.shape[0]))
    if len(given) > 1 and last.ndim == 1:
        given[-1] = F.reshape(last, shape=(last.shape[0], 1))
    for one, other in pairwise(given):
        if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[0]:
            raise ShapeError(f"{who}: shapes {one.shape} and {other.shape} can't be multiplied")
    count = len(given)
    size = [g.shape[0] for g in given] + [given[-1].shape[-1]]
    cost = np.zeros((count, count))
    cut = np.zeros((count, count), int)
    for span in range(1, count):
        for i in range(count - span):
            j = i + span
            costs = [
                cost[i, k] + cost[k + 1, j] + size[i] * size[k + 1] * size[j + 1]
                for k in range(i, j)
            ]
            cut[i, j] = i + int(np.argmin(costs))
            cost[i, j] = min(costs)

    def multiplied(i: int, j: int) -> Tensor:
        if i == j:
            return given[i]
        k = int(cut[i, j])
        return F.matmul(multiplied(i, k), multiplied(k + 1, j))

    result = multiplied(0, count - 1)
    if count == 1:
        return first
    shape = result.shape[first.ndim == 1 :][: None if last.ndim == 2 else -1]
    return F.reshape(result, shape=shape) if shape != result.shape else result


def cosine(x: TensorLike, y: TensorLike, axis: int, eps: float, who: str) -> Tensor:
    """The sum of products along an axis, divided by both norms, each of which is at least eps."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    shape = broadcast(who, x.shape, y.shape)
    axis = checked_axis(axis, len(shape) or 1, who)  # two numbers are vectors of one element
    x, y = (F.broadcast_to(F.cast(t, dtype="float32"), shape=shape or (1,)) for t in (x, y))

    def directed(t: Tensor) -> Tensor:
        size = F.root(F.sum(F.square(t), axes=(axis,), keepdims=True))
        return F.div(t, F.maximum(size, eps))

    return F.sum(F.mul(directed(x), directed(y)), axes=(axis,))


def distances(x: Tensor, y: Tensor, p: float, who: str) -> Tensor:
    """The p-norms of the differences of all rows, (..., n, k) and (..., m, k) to (..., n, m)."""
    from .formulas import vector_norm

    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"{who}: expected (..., n, k) and (..., m, k), got shapes {x.shape} and {y.shape}"
        )
    one = F.reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))
    other = F.reshape(y, shape=(*y.shape[:-2], 1, *y.shape[-2:]))
    return vector_norm(F.sub(one, other), p, (-1,), False)
