"""Pooling of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_count, check_flag, check_number
from .._base.dtypes import float32 as FLOAT
from .._core import ArgumentError, ShapeError
from ._grids import all_of_batch, check_fit, of_batch, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


def check_window(
    who: str, rank: int, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size = 1
) -> dict[str, tuple[int, ...]]:
    """The checked sizes of windows, as the ops take them.

    Raises:
        ValueError: sizes out of their range, or a padding of more than half of a window.
    """
    window = sizes(who, "kernel_size", kernel_size, rank, 1)
    low = sizes(who, "padding", padding, rank)
    step = sizes(who, "dilation", dilation, rank, 1)
    reach = tuple((k - 1) * d + 1 for k, d in zip(window, step, strict=True))
    if any(p > k // 2 for p, k in zip(low, reach, strict=True)):
        raise ArgumentError(
            f"{who}: padding: expected at most half of the window {reach}, got {low}"
        )
    strides = sizes(who, "stride", stride, rank, 1, window)
    return {"window": window, "strides": strides, "dilation": step, "low": low, "high": low}


def _fitting(who: str, x: Tensor, window: dict[str, Any]) -> None:
    """That a window fits into the channels-last x; with ceil_mode the op says so. ValueError."""
    if x.shape[-1] == 0:
        raise ShapeError(f"{who}: input: expected at least one channel, got none")
    if not window["ceil_mode"]:
        steps = window.get("dilation", (1,) * len(window["low"]))
        reach = [(k - 1) * d + 1 for k, d in zip(window["window"], steps, strict=True)]
        check_fit(who, "a window", x.shape, reach, window["low"], window["low"])


def _geometry(window: dict[str, Any]) -> tuple[Any, ...]:
    """Sizes of windows as `_integers.Windows` takes them."""
    names = ("window", "strides", "dilation", "low", "high", "ceil_mode")
    return tuple(window[name] for name in names)


def max_pool(
    who: str,
    rank: int,
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """`max_pool1d` to `max_pool3d`."""
    window: dict[str, Any] = check_window(who, rank, kernel_size, stride, padding, dilation)
    window["ceil_mode"] = check_flag(who, "ceil_mode", ceil_mode)

    def whole(x: Tensor, places: bool) -> tuple[Tensor, ...]:
        from ._integers import Windows, largest

        return largest(x, Windows(x.shape[1:-1], *_geometry(window)), places)

    def indexed(x: Tensor) -> Sequence[Tensor]:
        _fitting(who, x, window)
        if x.dtype is not FLOAT and x.dtype.kind in "iu":
            return whole(x, True)
        return F.max_pool_with_indices(x, **window)

    def pooled(x: Tensor) -> Tensor:
        _fitting(who, x, window)
        if x.dtype is not FLOAT and x.dtype.kind in "iu":
            return whole(x, False)[0]
        return F.max_pool(x, **window)

    if check_flag(who, "return_indices", return_indices):
        return all_of_batch(who, input, rank, indexed)
    return of_batch(who, input, rank, pooled)


def max_pool1d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window.

    Args:
        input: (N, C, L) or (C, L), floats or integers, which stay integers.
        kernel_size: size of a window.
        stride: distance of windows; None: their size.
        padding: places added on both sides, which are never chosen; at most half a window.
        dilation: distance of a window's places.
        ceil_mode: whether a last window may end beyond the input.
        return_indices: whether to return the places of the elements, too.

    Returns:
        (N, C, windows), or this and the places, int64.

    Raises:
        ValueError: a window is larger than the padded input, or a number is out of its range.

    Source: `torch.nn.functional.max_pool1d`.

    Example:
        >>> max_pool1d([[[1.0, 3.0, 2.0, 0.0]]], 2).tolist()
        [[[3.0, 2.0]]]
    """
    return max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d` of images, (N, C, H, W) or (C, H, W). Places are numbered row by row.

    Source: `torch.nn.functional.max_pool2d`.

    Example:
        >>> max_pool2d(fastdl.ones(1, 3, 8, 8), 2).shape
        (1, 3, 4, 4)
    """
    return max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.functional.max_pool3d`.

    Example:
        >>> max_pool3d(fastdl.ones(1, 3, 8, 8, 8), 2).shape
        (1, 3, 4, 4, 4)
    """
    return max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def avg_pool(
    who: str,
    rank: int,
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """`avg_pool1d` to `avg_pool3d`."""
    window: dict[str, Any] = check_window(who, rank, kernel_size, stride, padding)
    del window["dilation"]
    window["ceil_mode"] = check_flag(who, "ceil_mode", ceil_mode)
    window["count_padding"] = check_flag(who, "count_include_pad", count_include_pad)
    window["divisor"] = check_count(who, "divisor_override", divisor_override)

    def pooled(x: Tensor) -> Tensor:
        _fitting(who, x, window)
        if x.dtype is not FLOAT and x.dtype.kind in "iu":
            from ._integers import Windows, mean

            windows = Windows(x.shape[1:-1], *_geometry({"dilation": (1,) * rank, **window}))
            return mean(x, windows, window["count_padding"], window["divisor"])
        return F.avg_pool(x, **window)

    return of_batch(who, input, rank, pooled)


def avg_pool1d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, L) or (C, L), floats or integers. Means of integers are rounded towards 0.
        kernel_size: size of a window.
        stride: distance of windows; None: their size.
        padding: zeros added on both sides; at most half a window.
        ceil_mode: whether a last window may end beyond the input.
        count_include_pad: whether the padding counts in the mean.

    Returns:
        (N, C, windows).

    Raises:
        ValueError: a window is larger than the padded input, or a number is out of its range.

    Source: `torch.nn.functional.avg_pool1d`.

    Example:
        >>> avg_pool1d([[[1.0, 3.0, 2.0, 0.0]]], 2).tolist()
        [[[2.0, 1.0]]]
    """
    return avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`avg_pool1d` of images, (N, C, H, W) or (C, H, W).

    `divisor_override` is what sums are divided by, whatever their places.

    Source: `torch.nn.functional.avg_pool2d`.

    Example:
        >>> avg_pool2d(fastdl.ones(1, 3, 8, 8), 2).shape
        (1, 3, 4, 4)
    """
    return avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def avg_pool3d(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`avg_pool2d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.functional.avg_pool3d`.

    Example:
        >>> avg_pool3d(fastdl.ones(1, 3, 8, 8, 8), 2).shape
        (1, 3, 4, 4, 4)
    """
    return avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def lp_pool(
    who: str,
    rank: int,
    input: TensorLike,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None,
    ceil_mode: bool,
) -> Tensor:
    """`lp_pool1d` to `lp_pool3d`."""
    p = check_number(who, "norm_type", norm_type, above=0.0)
    window = check_window(who, rank, kernel_size, stride, 0)
    ceil_mode = check_flag(who, "ceil_mode", ceil_mode)

    def pooled(x: Tensor) -> Tensor:
        _fitting(who, x, {**window, "ceil_mode": ceil_mode})
        means = F.avg_pool(
            F.pow(x, p),
            window=window["window"],
            strides=window["strides"],
            ceil_mode=ceil_mode,
            count_padding=True,
        )
        sums = F.mul(means, float(math.prod(window["window"])))
        # A root has no gradient at 0. As in PyTorch it is 0 there: windows of zeros are common.
        zero = F.eq(sums, 0.0)
        return F.where(zero, 0.0, F.pow(F.where(zero, 1.0, sums), 1.0 / p))

    return of_batch(who, input, rank, pooled)


def lp_pool1d(
    input: TensorLike,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window, `sum(x ** p) ** (1 / p)`; NaN where the sum is negative.

    Args:
        input: (N, C, L) or (C, L), float.
        norm_type: p, above 0.
        kernel_size: size of a window.
        stride: distance of windows; None: their size.
        ceil_mode: whether a last window may end beyond the input.

    Source: `torch.nn.functional.lp_pool1d`.

    Example:
        >>> lp_pool1d([[[3.0, 4.0]]], 2.0, 2).tolist()
        [[[5.0]]]
    """
    return lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: TensorLike,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool1d` of images, (N, C, H, W) or (C, H, W).

    Source: `torch.nn.functional.lp_pool2d`.

    Example:
        >>> lp_pool2d(fastdl.ones(1, 1, 4, 4), 2.0, 2).tolist()
        [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    return lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: TensorLike,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """`lp_pool1d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.functional.lp_pool3d`.

    Example:
        >>> lp_pool3d(fastdl.ones(1, 1, 4, 4, 4), 3.0, 2).shape
        (1, 1, 2, 2, 2)
    """
    return lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
