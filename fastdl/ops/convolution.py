"""Convolutions of sequences, images and volumes: `(batch, places..., channels)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import convolutions, images
from .._base.checks import check_choice, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import IntOrInts, Tensor, TensorLike


def _checked(
    who: str,
    inputs: TensorLike,
    kernel: TensorLike,
    strides: IntOrInts,
    padding: str,
    dilation_rate: IntOrInts,
    causal: bool = False,
) -> tuple[Tensor, Tensor, tuple[int, ...], str, tuple[int, ...]]:
    x, w = _core.as_tensor(inputs), _core.as_tensor(kernel)
    axes = x.ndim - 2
    if not 1 <= axes <= 3:
        raise ValueError(f"{who}: expected inputs with 3 to 5 axes, got shape {x.shape}")
    if w.ndim != x.ndim:
        raise ValueError(
            f"{who}: kernel: expected {x.ndim} axes for inputs of shape {x.shape}, got shape "
            f"{w.shape}"
        )
    steps = images.check_sizes(who, "strides", strides, axes)
    rates = images.check_sizes(who, "dilation_rate", dilation_rate, axes)
    given = padding.lower() if isinstance(padding, str) else padding
    known = ("valid", "same", "causal") if causal and axes == 1 else ("valid", "same")
    return x, w, steps, check_choice(who, "padding", given, known), rates


def _last(
    who: str, x: Tensor, data_format: str | None, function: Callable[[Tensor], Tensor]
) -> Tensor:
    return images.in_last(x, images.check_format(who, data_format), function)


def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Tensor:
    """The convolution (cross-correlation) of the inputs with each filter.

    Args:
        inputs: `(batch, places..., channels)` with one to three axes of places, float32.
        kernel: `(sizes..., channels / groups, filters)`. If the inputs have more channels than the
            kernel, they are cut into groups, and so are the filters.
        strides: the distance between windows: an integer, or one for each axis of places.
        padding: "valid", "same" for zeros that keep `places / strides`, or "causal" (one axis).
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, places...)`.
        dilation_rate: the distance between a window's places.

    Returns:
        `(batch, places..., filters)`.

    Raises:
        ValueError: shapes do not fit, the kernel is larger than the input, or an argument is out
            of its range.

    Example:
        >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
        [[[3.0], [5.0]]]
    """
    x, w, steps, pads, rates = _checked(
        "conv", inputs, kernel, strides, padding, dilation_rate, causal=True
    )

    def convolved(x: Tensor) -> Tensor:
        channels, of_kernel = x.shape[-1], w.shape[-2]
        if not of_kernel or channels % of_kernel:
            raise ValueError(
                f"conv: expected inputs with a multiple of the kernel's {of_kernel} channels, got "
                f"{channels}"
            )
        groups = max(1, channels // of_kernel)
        return convolutions.convolved(x, w, steps, pads, rates, groups)

    return _last("conv", x, data_format, convolved)


def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Tensor:
    """A convolution of each channel on its own.

    Args:
        inputs: `(batch, places..., channels)`, float32.
        kernel: `(sizes..., channels, multiplier)`.
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns:
        `(batch, places..., channels * multiplier)`.

    Raises:
        ValueError: as for `conv`, or the kernel has other channels.

    Example:
        >>> depthwise_conv([[[1.0, 2.0], [3.0, 4.0]]], [[[1.0], [10.0]]]).tolist()
        [[[1.0, 20.0], [3.0, 40.0]]]
    """
    x, w, steps, pads, rates = _checked(
        "depthwise_conv", inputs, kernel, strides, padding, dilation_rate
    )
    return _last("depthwise_conv", x, data_format, lambda x: _depthwise(x, w, steps, pads, rates))


def _depthwise(x: Tensor, w: Tensor, steps: Any, pads: str, rates: Any) -> Tensor:
    if w.shape[-2] != x.shape[-1]:
        raise ValueError(
            f"depthwise_conv: kernel: expected {x.shape[-1]} channels, those of the inputs, got "
            f"shape {w.shape}"
        )
    each = convolutions.one_for_each_channel(w)
    return convolutions.convolved(x, each, steps, pads, rates, x.shape[-1])


def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Tensor:
    """`depthwise_conv`, followed by a convolution of one place.

    Args:
        inputs: `(batch, places..., channels)`, float32.
        depthwise_kernel: `(sizes..., channels, multiplier)`.
        pointwise_kernel: `(1..., channels * multiplier, filters)`.
        strides, padding, data_format, dilation_rate: of the first; as for `conv`.

    Raises:
        ValueError: as for the two convolutions.

    Example:
        >>> separable_conv([[[1.0, 2.0]]], [[[1.0], [10.0]]], [[[1.0], [1.0]]]).tolist()
        [[[21.0]]]
    """
    x, w, steps, pads, rates = _checked(
        "separable_conv", inputs, depthwise_kernel, strides, padding, dilation_rate
    )
    points = _core.as_tensor(pointwise_kernel)
    if points.ndim != x.ndim or any(n != 1 for n in points.shape[:-2]):
        raise ValueError(
            f"separable_conv: pointwise_kernel: expected {x.ndim} axes, of which all but the last "
            f"two have size 1, got shape {points.shape}"
        )
    ones = (1,) * (x.ndim - 2)

    def both(x: Tensor) -> Tensor:
        y = _depthwise(x, w, steps, pads, rates)
        return convolutions.convolved(y, points, ones, "valid", ones)

    return _last("separable_conv", x, data_format, both)


def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    output_padding: IntOrInts | None = None,
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Tensor:
    """The transposed convolution: the gradient of `conv` with respect to its inputs.

    Args:
        inputs: `(batch, places..., channels)`, float32.
        kernel: `(sizes..., filters, channels)`.
        strides: the distance between windows in the output.
        padding: "valid" or "same".
        output_padding: places that are added at the end of each axis, below `strides`. None
            infers the sizes from padding and strides.
        data_format, dilation_rate: as for `conv`.

    Raises:
        ValueError: shapes do not fit, or an argument is out of its range.

    Example:
        >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[1.0]]], strides=2).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """
    who = "conv_transpose"
    x, w, steps, pads, rates = _checked(who, inputs, kernel, strides, padding, dilation_rate)
    extra = None
    if output_padding is not None:
        extra = images.check_sizes(who, "output_padding", output_padding, x.ndim - 2, 0)
        if any(p >= s for p, s in zip(extra, steps, strict=True)):
            raise ValueError(
                f"{who}: output_padding: expected numbers below strides {steps}, got "
                f"{shown(output_padding)}"
            )
    return _last(
        who, x, data_format, lambda x: convolutions.transposed(x, w, steps, pads, extra, rates)
    )
