"""The functions of `keras.ops.image`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import affine, sampling
from .._base import functional as F
from .._base import images as base
from .._base.checks import check_flag, check_number, shown
from ._coordinates import (
    elastic_transform,
    map_coordinates,
    perspective_transform,
    scale_and_translate,
)
from ._filters import gaussian_blur, hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv, sobel_edges, ssim
from ._framing import crop_images, extract_patches, extract_patches_3d, pad_images
from ._storage import lifted

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


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


def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images of which the pixel (x, y) is read at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch. Integers are
            rounded and stay integers.
        transform: eight numbers for all images or for each, `(8,)`, `(1, 8)` or `(batch, 8)`: a0,
            a1, a2, b0, b1, b2 and two that count as 0.
        interpolation: "bilinear" or "nearest".
        fill_mode: how an image continues beyond its edges: "constant" (by `fill_value`), "nearest"
            (by its outermost pixels), "wrap" (by itself), "mirror" or "reflect" (by its mirror
            image, at the centers or the edges of the outermost pixels).
        fill_value: the value beyond the edges with "constant".
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: an unknown interpolation or fill_mode, images with neither 3 nor 4 axes, or a
            transform that does not fit them.

    Source: `keras.ops.image.affine_transform` of Keras 3, on JAX.

    Example:
        >>> shift = [1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
        >>> affine_transform([[[1.0], [3.0], [5.0]]], shift)[0, :, 0].tolist()
        [0.0, 1.0, 3.0]
    """
    who = "affine_transform"
    x, matrix = _core.as_tensor(images), F.cast(transform, dtype="float32")
    interpolation = sampling.check_interpolation(who, interpolation)
    fill_mode = sampling.check_fill_mode(who, fill_mode)
    fill_value = check_number(who, "fill_value", fill_value, -math.inf)
    data_format = base.check_format(who, data_format)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{who}: images: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{x.shape}"
        )
    count = x.shape[0] if x.ndim == 4 else 1
    if matrix.shape not in ((8,), (1, 8), (count, 8)):
        raise ValueError(
            f"{who}: transform: expected eight numbers for all images or for each of {count}, got "
            f"{shown(matrix)}"
        )
    one = x.ndim == 3
    y = affine.affine_transform(
        F.reshape(x, shape=(1, *x.shape)) if one else x,
        F.reshape(matrix, shape=(-1, 8)),
        interpolation,
        fill_mode,
        fill_value,
        data_format,
    )
    return F.reshape(y, shape=x.shape) if one else y


__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]


def _lift_all() -> None:
    names = globals()
    for name in __all__:
        names[name] = lifted(names[name])
        names[name].__module__ = __name__  # where pickle and configs find it


_lift_all()

if not TYPE_CHECKING:
    from .._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
