"""The reverse of max pooling of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_integer, shown
from .._core import ArgumentError, ShapeError
from ._grids import batched
from ._pools import check_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


def _with_gradient(y: Tensor, x: Tensor, places: Tensor) -> Tensor:
    """y on the tape behind x: each element has the gradient of its place, also of one place."""

    def backward(
        _: object, __: object, gradients: list[Tensor | None], ___: object
    ) -> list[Tensor | None]:
        (g,) = gradients
        return [None if g is None else F.reshape(F.take(g, places), shape=x.shape)]

    return _core.attach([x], [y], backward, 0, 0, 0)[0]


def max_unpool(
    who: str,
    rank: int,
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Tensor:
    """`max_unpool1d` to `max_unpool3d`."""
    x, is_batch = batched(who, input, rank)
    at, _ = batched(who, indices, rank)
    if at.shape != x.shape or at.dtype != "int64":
        raise ShapeError(
            f"{who}: indices: expected int64 of the input's shape, got {at.dtype} of shape "
            f"{at.shape}"
        )
    w = check_window(who, rank, kernel_size, stride, padding)
    geometry = zip(x.shape[2:], w["strides"], w["low"], w["window"], strict=True)
    size = [(n - 1) * s - 2 * p + k for n, s, p, k in geometry]
    if output_size is not None:
        wanted = tuple(check_integer(who, "output_size", n, 1) for n in output_size)[-rank:]
        off = [abs(n - k) >= s for n, k, s in zip(wanted, size, w["strides"], strict=False)]
        if len(wanted) != rank or any(off):
            raise ShapeError(
                f"{who}: output_size: expected sizes less than a stride {w['strides']} from "
                f"{tuple(size)}, got {shown(output_size)}"
            )
        size = list(wanted)
    count, rows = math.prod(size), x.shape[0] * x.shape[1]
    first = F.reshape(_core.tensor(np.arange(rows) * count), shape=(rows, 1))
    inside = F.logical_and(F.ge(at, 0), F.lt(at, count))
    places = F.add(F.reshape(at, shape=(rows, -1)), first)
    places = F.where(
        F.reshape(inside, shape=(rows, -1)), places, rows * count
    )  # which put_ refuses
    # The value that each place takes; of several the last one.
    source = _core.full((rows * count,), "int64", -1)
    numbers = _core.tensor(np.arange(x.numel()))
    try:
        F.put_(source, F.reshape(places, shape=(-1,)), numbers)
    except IndexError:
        raise ArgumentError(f"{who}: indices: expected places from 0 to {count - 1}") from None
    values = F.reshape(x.detach(), shape=(-1,))
    taken = F.take(values, F.maximum(source, 0)) if x.numel() else values
    y = F.where(F.ge(source, 0), taken, _core.full((), x.dtype, 0))
    if x.requires_grad:
        y = _with_gradient(y, x, F.reshape(places, shape=(-1,)))
    shape = (*x.shape[:2], *size)
    return F.reshape(y, shape=shape if is_batch else shape[1:])


def max_unpool1d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Puts the elements that `max_pool1d` chose back to their places; others are 0.

    Args:
        input, indices: what it returned with `return_indices=True`:
            (N, C, L) or (C, L).
        kernel_size, stride, padding: what it was called with.
        output_size: the sizes of its input; None: the least that they can have been.

    Raises:
        ValueError: the indices do not have the input's shape or lie outside of the output, or the
            output's size does not fit.

    Source: `torch.nn.functional.max_unpool1d`. Of elements with one place the last one
    counts, and each of them has the gradient of the place, as in PyTorch.

    Example:
        >>> max_unpool1d([[[3.0]]], [[[1]]], 2).tolist()
        [[[0.0, 3.0]]]
    """
    return max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Puts the elements that `max_pool2d` chose back to their places; others are 0.

    Args:
        input, indices: what it returned with `return_indices=True`:
            (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding: what it was called with.
        output_size: the sizes of its input; None: the least that they can have been.

    Raises:
        ValueError: the indices do not have the input's shape or lie outside of the output, or the
            output's size does not fit.

    Source: `torch.nn.functional.max_unpool2d`. Of elements with one place the last one
    counts, and each of them has the gradient of the place, as in PyTorch.

    Example:
        >>> max_unpool2d([[[[3.0]]]], [[[[1]]]], 2).tolist()
        [[[[0.0, 3.0], [0.0, 0.0]]]]
    """
    return max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Puts the elements that `max_pool3d` chose back to their places; others are 0.

    Args:
        input, indices: what it returned with `return_indices=True`:
            (N, C, D, H, W) or (C, D, H, W).
        kernel_size, stride, padding: what it was called with.
        output_size: the sizes of its input; None: the least that they can have been.

    Raises:
        ValueError: the indices do not have the input's shape or lie outside of the output, or the
            output's size does not fit.

    Source: `torch.nn.functional.max_unpool3d`. Of elements with one place the last one
    counts, and each of them has the gradient of the place, as in PyTorch.

    Example:
        >>> max_unpool3d([[[[[3.0]]]]], [[[[[1]]]]], 2).shape
        (1, 1, 2, 2, 2)
    """
    return max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
