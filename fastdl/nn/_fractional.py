"""Fractional max pooling of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_fraction, check_integer, prefixed, shown
from ._grids import batched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]
    Ratio = float | Sequence[float]


def check_fractional(
    who: str, rank: int, kernel_size: Size, output_size: Size | None, output_ratio: Ratio | None
) -> tuple[list[int], list[int] | None, list[float] | None]:
    """The sizes of windows, and those of the output or its ratios to the input.

    Raises:
        ValueError: one of them is out of its range, or neither of the latter is given.
    """
    if output_size is None and output_ratio is None:
        raise _core.ArgumentError(f"{who}: expected output_size or output_ratio, got neither")

    def several(name: str, value: Any) -> list[Any]:
        found = list(value) if isinstance(value, (tuple, list)) else [value] * rank
        if len(found) != rank:
            raise _core.ArgumentError(
                f"{who}: {name}: expected a number or {rank}, got {shown(value)}"
            )
        return found

    window = [check_integer(who, "kernel_size", n, 1) for n in several("kernel_size", kernel_size)]
    if output_size is not None:
        sizes = several("output_size", output_size)
        return window, [check_integer(who, "output_size", n, 1) for n in sizes], None
    ratios = several("output_ratio", output_ratio)
    if any(not 0 < check_fraction(who, "output_ratio", r) < 1 for r in ratios):
        raise _core.ArgumentError(
            f"{who}: output_ratio: expected between 0 and 1, got {output_ratio}"
        )
    return window, None, [float(r) for r in ratios]


def checked(who: str, samples: TensorLike) -> Tensor:
    """Random numbers as a tensor; the message of an error names the argument."""
    try:
        return _core.as_tensor(samples)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: _random_samples", error) from None


def fractional_max_pool(
    who: str,
    rank: int,
    input: TensorLike,
    kernel_size: Size,
    output_size: Size | None,
    output_ratio: Ratio | None,
    samples: TensorLike | None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` and `fractional_max_pool3d`, with the places of the elements."""
    window, size, ratios = check_fractional(who, rank, kernel_size, output_size, output_ratio)
    x, is_batch = batched(who, input, rank)
    count, channels, *places = x.shape
    if size is None:
        assert ratios is not None
        size = [int(n * r) for n, r in zip(places, ratios, strict=True)]
    for n, k, m in zip(places, window, size, strict=True):
        if m < 1 or m + k - 1 > n:
            raise _core.ArgumentError(
                f"{who}: windows of {window} and an output of {size} do not fit into an input of "
                f"shape {x.shape}"
            )
    u = F.uniform(shape=(count, channels, rank)) if samples is None else checked(who, samples)
    if u.shape != (count, channels, rank):
        raise _core.ArgumentError(
            f"{who}: _random_samples: expected shape {(count, channels, rank)}, got {u.shape}"
        )
    # Of images PyTorch has the number of the width first, of volumes that of the depth.
    numbers = F.split(u, sizes=[1] * rank, axis=2)
    numbers = numbers[::-1] if rank == 2 else numbers
    planes = count * channels
    index: Any = 0
    for axis, (n, k, m) in enumerate(zip(places, window, size, strict=True)):
        first = _starts(F.reshape(numbers[axis], shape=(planes, 1)), n, k, m)
        # The windows' places along this axis: axes (planes, outputs..., windows...).
        shape = [planes, *[1] * (2 * rank)]
        shape[1 + axis] = m
        inside = np.arange(k).reshape([k if i == rank + 1 + axis else 1 for i in range(len(shape))])
        index = F.add(F.mul(index, n), F.add(F.reshape(first, shape=shape), inside))
    flat = F.reshape(x, shape=(planes, math.prod(places)))
    wide = F.broadcast_to(index, shape=(planes, *size, *window))
    wide = F.reshape(wide, shape=(planes, math.prod(size) * math.prod(window)))
    shape = [planes, math.prod(size), math.prod(window)]
    values = F.reshape(F.gather(flat, wide, axis=1), shape=shape)
    chosen = F.argmax(values.detach(), axis=2, keepdims=True)
    where = F.gather(F.reshape(wide, shape=shape), chosen, axis=2)
    result = (count, channels, *size) if is_batch else (channels, *size)
    y = F.reshape(F.gather(values, chosen, axis=2), shape=result)
    return y, F.reshape(where, shape=result)


def _starts(u: Tensor, n: int, k: int, m: int) -> Tensor:
    """Where m windows of k places begin along an axis of n, for random numbers u: (planes, m)."""
    if m == 1:
        return F.add(F.cast(F.mul(u, 0.0), dtype="int64"), n - k)
    step = np.float32(n - k) / np.float32(m - 1)
    ahead = F.floor(F.mul(F.add(u, np.arange(m - 1, dtype="float32")), step))
    first = F.cast(F.sub(ahead, F.floor(F.mul(u, step))), dtype="int64")
    last = F.add(F.cast(F.mul(u, 0.0), dtype="int64"), n - k)
    return F.concat([first, last], axis=1)


def fractional_max_pool2d_with_indices(
    input: TensorLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` with the places of the elements, whatever `return_indices` says.

    Source: `torch.nn.functional.fractional_max_pool2d_with_indices`.
    """
    who = "fractional_max_pool2d_with_indices"
    return fractional_max_pool(
        who, 2, input, kernel_size, output_size, output_ratio, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: TensorLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` with the places of the elements, whatever `return_indices` says.

    Source: `torch.nn.functional.fractional_max_pool3d_with_indices`.
    """
    who = "fractional_max_pool3d_with_indices"
    return fractional_max_pool(
        who, 3, input, kernel_size, output_size, output_ratio, _random_samples
    )


def fractional_max_pool2d(
    input: TensorLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> Any:
    """The largest elements of windows at random distances, which add up to the size (Graham 2014).

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: the size of a window; an integer, or one for each axis of places.
        output_size: how many windows there are along each axis; or
        output_ratio: their number as a part of the input's size, between 0 and 1, without a size.
        return_indices: whether to return the places of the elements, too.
        _random_samples: (N, C, 2), numbers from 0 to below 1 that place the windows; drawn if None.

    Raises:
        ValueError: neither a size nor a ratio is given, or the windows do not fit.

    Source: `torch.nn.functional.fractional_max_pool2d`.

    Example:
        >>> fractional_max_pool2d(fastdl.ones(1, 3, 9, 9), 2, output_ratio=0.7).shape
        (1, 3, 6, 6)
    """
    who = "fractional_max_pool2d"
    found = fractional_max_pool(
        who, 2, input, kernel_size, output_size, output_ratio, _random_samples
    )
    return found if return_indices else found[0]


def fractional_max_pool3d(
    input: TensorLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> Any:
    """`fractional_max_pool2d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.functional.fractional_max_pool3d`.

    Example:
        >>> fractional_max_pool3d(fastdl.ones(1, 3, 5, 5, 5), 2, output_size=3).shape
        (1, 3, 3, 3, 3)
    """
    who = "fractional_max_pool3d"
    found = fractional_max_pool(
        who, 3, input, kernel_size, output_size, output_ratio, _random_samples
    )
    return found if return_indices else found[0]
