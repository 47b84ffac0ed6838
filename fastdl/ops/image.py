"""The functions of `keras.ops.image`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import images as base
from .._base.checks import check_flag, check_number
from .._graph.lift import liftable

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


@liftable
def resize(
    images: TensorLike,
    size: IntOrInts,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images in another size. Integers, such as images of bytes, are rounded and stay integers.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch.
        size: the new height and width.
        interpolation: "bilinear", "nearest", "bicubic" (Keys' kernel), "lanczos3" or "lanczos5".
        antialias: whether to smooth where an image shrinks.
        crop_to_aspect_ratio: take the largest part in the middle that has the new ratio of height
            and width.
        pad_to_aspect_ratio: put `fill_value` around the image to get that ratio.
        fill_mode: "constant".
        fill_value: the value around images.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown interpolation, cropping together with padding, or an
            input with neither 3 nor 4 axes.

    Source: `keras.ops.image.resize` of Keras 3, on JAX.

    Example:
        >>> resize([[[1.0], [3.0]]], (1, 4))[0, :, 0].tolist()
        [1.0, 1.5, 2.5, 3.0]
    """
    who = "resize"
    x = _core.as_tensor(images)
    crop = check_flag(who, "crop_to_aspect_ratio", crop_to_aspect_ratio)
    pad = check_flag(who, "pad_to_aspect_ratio", pad_to_aspect_ratio)
    base.check_resizing(who, crop, pad, fill_mode)
    return base.resize_images(
        who,
        x,
        base.check_sizes(who, "size", size, 2),
        base.check_interpolation(who, interpolation),
        check_flag(who, "antialias", antialias),
        crop,
        pad,
        check_number(who, "fill_value", fill_value, -math.inf),
        base.check_format(who, data_format),
    )


__all__ = ["resize"]
