"""Geometry of convolutions with Keras's paddings, for layers and `ops`; channels are last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import ArgumentError
from . import functional as F
from . import images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Precision, Tensor


def reach(kernel: int, dilation: int) -> int:
    """The places from the first to the last one that a kernel meets."""
    return (kernel - 1) * dilation + 1


def convolved(
    x: Tensor,
    kernel: Tensor,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    groups: int = 1,
    **ending: Any,
) -> Tensor:
    """The convolution with padding "valid", "same" or "causal".

    `ending` has what `conv` takes besides: bias, activation, precision.
    """
    reached = [reach(k, d) for k, d in zip(kernel.shape, dilations, strict=False)]
    low = high = None
    if padding == "same":
        low, high = images.same_padding(x.shape[1:-1], reached, strides)
    elif padding == "causal":
        low = [reached[0] - 1]
    return F.conv(
        x,
        kernel,
        strides=strides,
        low=low,
        high=high,
        dilations=dilations,
        groups=groups,
        **ending,
    )


def transposed_size(
    size: int, kernel: int, stride: int, dilation: int, padding: str, extra: int | None
) -> int:
    """The size after a transposed convolution; `extra` is the output padding, None for none."""
    reached = reach(kernel, dilation)
    if extra is None:
        return size * stride + (max(reached - stride, 0) if padding == "valid" else 0)
    cut = 2 * (reached // 2) if padding == "same" else 0
    return (size - 1) * stride + reached - cut + extra


def transposed(
    x: Tensor,
    kernel: Tensor,
    strides: Sequence[int],
    padding: str,
    extra: Sequence[int] | None,
    dilations: Sequence[int],
    precision: Precision = "float32",
) -> Tensor:
    """The transposed convolution with a kernel (places..., filters, channels).

    Raises:
        ValueError: no output is left.
    """
    low, high, sizes = [], [], []
    for i, size in enumerate(x.shape[1:-1]):
        more = None if extra is None else extra[i]
        out = transposed_size(size, kernel.shape[i], strides[i], dilations[i], padding, more)
        if out < 1:
            raise ArgumentError("no output is left")  # the layer says where
        reached = reach(kernel.shape[i], dilations[i])
        covered = (size - 1) * strides[i] + reached  # places that the kernel meets
        if padding == "valid":
            before = 0
        elif more is None:
            before = max(reached - strides[i], 0) // 2
        else:
            before = max(2 * (reached // 2) - more, 0) // 2
        low.append(before)
        high.append(max(covered - out - before, 0))
        sizes.append(out)
    return F.conv_input(
        y=x,
        w=kernel,
        sizes=sizes,
        strides=strides,
        low=low,
        high=high,
        dilations=dilations,
        precision=precision,
    )


def one_for_each_channel(kernel: Tensor) -> Tensor:
    """A kernel (..., channels, multiplier) for a convolution with a group for each channel."""
    *places, channels, multiplier = kernel.shape
    return F.reshape(kernel, shape=(*places, 1, channels * multiplier))
