"""Convolutions of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_integer
from .._base.dtypes import float32 as FLOAT
from .._core import ArgumentError, ShapeError
from ._grids import check_fit, of_batch, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


def _check_weight(
    who: str, weight: Tensor, rank: int, channels: int, groups: int, transposed: bool
) -> None:
    if weight.ndim != rank + 2:
        raise ShapeError(
            f"{who}: weight: expected {rank + 2} axes for {rank} axes of places, got shape "
            f"{weight.shape}"
        )
    first, second = weight.shape[:2]
    if first % groups:
        raise ShapeError(
            f"{who}: groups: expected a divisor of the weight's first size, {first}, got {groups}"
        )
    wanted = first if transposed else second * groups
    if channels != wanted:
        raise ShapeError(
            f"{who}: expected {wanted} input channels for a weight of shape {weight.shape} and "
            f"{groups} groups, got {channels}"
        )


def _check_bias(who: str, bias: TensorLike | None, channels: int) -> Tensor | None:
    if bias is None:
        return None
    bias = _core.as_tensor(bias)
    if bias.shape != (channels,):
        raise ShapeError(f"{who}: bias: expected shape ({channels},), got {bias.shape}")
    return bias


def convolution(
    who: str,
    rank: int,
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
) -> Tensor:
    """`conv1d` to `conv3d`."""
    w = _core.as_tensor(weight)
    whole = w.dtype is not FLOAT and w.dtype.kind in "iu"
    strides = sizes(who, "stride", stride, rank, 1)
    dilations = sizes(who, "dilation", dilation, rank, 1)
    groups = check_integer(who, "groups", groups, 1)

    def convolved(x: Tensor) -> Tensor:
        _check_weight(who, w, rank, x.shape[-1], groups, transposed=False)
        offset = _check_bias(who, bias, w.shape[0])
        reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations, strict=True)]
        low, high = _padding(who, padding, rank, reach, strides)
        check_fit(who, "a kernel", x.shape, reach, low, high)
        if whole:
            from . import _integers

            if _integers.are_integers(x, offset):
                windows = _integers.Windows(
                    x.shape[1:-1], w.shape[2:], strides, dilations, low, high
                )
                return _integers.convolved(x, w, offset, windows, groups)
        kernel = F.transpose(w, perm=(*range(2, rank + 2), 1, 0))
        return F.conv(
            x, kernel, bias=offset, strides=strides, low=low, high=high, dilations=dilations,
            groups=groups,
        )  # fmt: skip

    return of_batch(who, input, rank, convolved)


def _padding(
    who: str, padding: Size | str, rank: int, reach: Sequence[int], strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The places before and after each axis. With "same" an odd one comes last."""
    if not isinstance(padding, str):
        width = list(sizes(who, "padding", padding, rank))
        return width, width
    if check_choice(who, "padding", padding, ("valid", "same")) == "valid":
        return [0] * rank, [0] * rank
    if max(strides) > 1:
        raise ArgumentError(
            f"{who}: padding: expected a stride of 1 with 'same', got {tuple(strides)}"
        )
    return [(n - 1) // 2 for n in reach], [n // 2 for n in reach]


def conv1d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The convolution (cross-correlation) of the input with each filter.

    Args:
        input: (N, C, L) or (C, L), float32 or integers.
        weight: (filters, C / groups, kernel size).
        bias: (filters), or None.
        stride: distance of windows.
        padding: zeros on both sides; "valid" for none, "same" for as many as keep the size.
        dilation: distance of a window's places.
        groups: into how many groups channels and filters are cut.

    Returns:
        (N, filters, places), or without N.

    Raises:
        ValueError: shapes do not fit, the kernel is larger than the padded input, or a number is
            out of its range.

    Source: `torch.nn.functional.conv1d`.

    Example:
        >>> conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 1.0]]]).tolist()
        [[[3.0, 5.0]]]
    """
    return convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """`conv1d` of images: input (N, C, H, W) or (C, H, W), weight (filters, C / groups, kH, kW).

    Sizes are integers for both axes or pairs.

    Source: `torch.nn.functional.conv2d`.

    Example:
        >>> conv2d(fastdl.ones(1, 3, 8, 8), fastdl.ones(4, 3, 3, 3), padding=1).shape
        (1, 4, 8, 8)
    """
    return convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """`conv1d` of volumes: input (N, C, D, H, W), weight (filters, C / groups, kD, kH, kW).

    Source: `torch.nn.functional.conv3d`.

    Example:
        >>> conv3d(fastdl.ones(1, 1, 4, 4, 4), fastdl.ones(2, 1, 3, 3, 3)).shape
        (1, 2, 2, 2, 2)
    """
    return convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def transposed_convolution(
    who: str,
    rank: int,
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> Tensor:
    """`conv_transpose1d` to `conv_transpose3d`."""
    w = _core.as_tensor(weight)
    whole = w.dtype is not FLOAT and w.dtype.kind in "iu"
    strides = sizes(who, "stride", stride, rank, 1)
    dilations = sizes(who, "dilation", dilation, rank, 1)
    pads = sizes(who, "padding", padding, rank)
    extra = sizes(who, "output_padding", output_padding, rank)
    groups = check_integer(who, "groups", groups, 1)
    for more, s, d in zip(extra, strides, dilations, strict=True):
        if more >= max(s, d):
            raise ArgumentError(
                f"{who}: output_padding: expected less than stride or dilation, got {extra} with "
                f"stride {strides} and dilation {dilations}"
            )

    def convolved(x: Tensor) -> Tensor:
        _check_weight(who, w, rank, x.shape[-1], groups, transposed=True)
        offset = _check_bias(who, bias, w.shape[1] * groups)
        places = zip(x.shape[1:-1], w.shape[2:], strides, dilations, pads, strict=True)
        full = [(n - 1) * s + (k - 1) * d + 1 - 2 * p for n, k, s, d, p in places]
        # What output_padding adds lies within the padding of the convolution, or beyond it.
        within = [min(more, p) for more, p in zip(extra, pads, strict=True)]
        size = [n + more for n, more in zip(full, within, strict=True)]
        if min(x.shape[1:-1]) < 1 or min(size) < 1:
            raise ShapeError(
                f"{who}: an input of shape {(x.shape[0], x.shape[-1], *x.shape[1:-1])} leaves no "
                f"output with padding {pads}"
            )
        if whole:
            from . import _integers

            if _integers.are_integers(x, offset):
                size = [n + more for n, more in zip(full, extra, strict=True)]
                high = [p - more for p, more in zip(pads, extra, strict=True)]
                windows = _integers.Windows(size, w.shape[2:], strides, dilations, pads, high)
                return _integers.transposed(x, w, offset, windows, groups)
        y = F.conv_input(
            x,
            F.transpose(w, perm=(*range(2, rank + 2), 1, 0)),
            sizes=size,
            strides=strides,
            low=pads,
            high=[p - more for p, more in zip(pads, within, strict=True)],
            dilations=dilations,
            groups=groups,
        )
        beyond = [more - inner for more, inner in zip(extra, within, strict=True)]
        if any(beyond):
            y = F.pad(y, before=[0] * (rank + 2), after=[0, *beyond, 0])
        return y if offset is None else F.add(y, offset)

    return of_batch(who, input, rank, convolved)


def conv_transpose1d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The transposed convolution: the gradient of `conv1d` with respect to its input.

    Args:
        input: (N, C, L) or (C, L), float32 or integers.
        weight: (C, filters / groups, kernel size).
        bias: (filters), or None.
        stride: distance of windows in the output.
        padding: places that are cut off both ends of the output.
        output_padding: places added at its end; less than stride or dilation.
        groups: into how many groups channels and filters are cut.
        dilation: distance of a window's places.

    Returns:
        (N, filters, (L - 1) * stride - 2 * padding + dilation * (size - 1) + output_padding + 1).

    Raises:
        ValueError: shapes do not fit, nothing would be left, or a number is out of its range.

    Source: `torch.nn.functional.conv_transpose1d`.

    Example:
        >>> conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 1.0]]], stride=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    return transposed_convolution(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose2d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """`conv_transpose1d` of images: input (N, C, H, W), weight (C, filters / groups, kH, kW).

    Source: `torch.nn.functional.conv_transpose2d`.

    Example:
        >>> conv_transpose2d(fastdl.ones(1, 3, 4, 4), fastdl.ones(3, 2, 2, 2), stride=2).shape
        (1, 2, 8, 8)
    """
    return transposed_convolution(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose3d(
    input: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """`conv_transpose1d` of volumes: input (N, C, D, H, W).

    Source: `torch.nn.functional.conv_transpose3d`.

    Example:
        >>> conv_transpose3d(fastdl.ones(1, 3, 2, 2, 2), fastdl.ones(3, 2, 2, 2, 2)).shape
        (1, 2, 3, 3, 3)
    """
    return transposed_convolution(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip
