"""Colors of images, blurred images and edges, and how alike two images are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import coloring, convolutions
from .._base import functional as F
from .._base import images as base
from .._base.checks import check_integer, check_number, shown

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


def _colors(who: str, images: TensorLike, data_format: str | None) -> tuple[Tensor, int]:
    """The images, and which axis their channels are."""
    x, order = _core.as_tensor(images), base.check_format(who, data_format)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{who}: images: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{x.shape}"
        )
    return x, x.ndim - (1 if order == "channels_last" else 3)


def _in_color(who: str, images: TensorLike, data_format: str | None) -> tuple[Tensor, int]:
    x, axis = _colors(who, images, data_format)
    if x.shape[axis] != 3 or x.dtype.kind != "f":
        raise ValueError(
            f"{who}: images: expected floats with 3 channels, got {x.dtype} of shape {x.shape}"
        )
    return F.cast(x, dtype="float32"), axis


def rgb_to_grayscale(images: TensorLike, data_format: str | None = None) -> Tensor:
    """The brightness of colored images: 0.2989 red + 0.587 green + 0.114 blue.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch, with 1 or 3
            channels. Integers stay integers; fractions are cut off.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Returns:
        Images with one channel.

    Raises:
        ValueError: another number of axes or channels.

    Source: `keras.ops.image.rgb_to_grayscale` of Keras 3.

    Example:
        >>> rgb_to_grayscale([[[100.0, 0.0, 0.0]]]).numpy().round(3)
        array([[[29.89]]], dtype=float32)
    """
    x, axis = _colors("rgb_to_grayscale", images, data_format)
    if x.shape[axis] == 1:
        return x
    if x.shape[axis] != 3:
        raise ValueError(f"rgb_to_grayscale: images: expected 1 or 3 channels, got shape {x.shape}")
    parts = F.split(F.cast(x, dtype="float32"), sizes=[1, 1, 1], axis=axis)
    return F.cast(coloring.gray(*parts), dtype=x.dtype)


def rgb_to_hsv(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value of colors in [0, 1].

    Args:
        images: floats, `(batch, height, width, 3)`, or one image without a batch.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, 3, height, width)`.

    Raises:
        ValueError: no floats, or another number of axes or channels.

    Source: `keras.ops.image.rgb_to_hsv` of Keras 3.

    Example:
        >>> rgb_to_hsv([[[0.0, 0.5, 0.5]]]).tolist()
        [[[0.5, 1.0, 0.5]]]
    """
    x, axis = _in_color("rgb_to_hsv", images, data_format)
    return coloring.planes(x, axis, coloring.to_hsv)


def hsv_to_rgb(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Red, green and blue of colors given by hue, saturation and value in [0, 1].

    Args:
        images: floats, `(batch, height, width, 3)`, or one image without a batch.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, 3, height, width)`.

    Raises:
        ValueError: no floats, or another number of axes or channels.

    Source: `keras.ops.image.hsv_to_rgb` of Keras 3.

    Example:
        >>> hsv_to_rgb([[[0.5, 1.0, 0.5]]]).tolist()
        [[[0.0, 0.5, 0.5]]]
    """
    x, axis = _in_color("hsv_to_rgb", images, data_format)
    return coloring.planes(x, axis, coloring.from_hsv)


def _batch(who: str, name: str, images: TensorLike) -> tuple[Tensor, bool]:
    """A batch of images as floats, and whether it is one image."""
    x = F.cast(images, dtype="float32")
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{who}: {name}: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{x.shape}"
        )
    one = x.ndim == 3
    return F.reshape(x, shape=(1, *x.shape)) if one else x, one


def _bell(size: int, sigma: TensorLike) -> Tensor:
    """The values of a normal distribution around the middle of `size` places; they sum to 1."""
    places = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    found = F.exp(F.mul(F.square(F.div(places, sigma)), -0.5))
    return F.div(found, F.sum(found))


def _filtered(x: Tensor, down: Tensor, across: Tensor, padding: str) -> Tensor:
    """Images (batch, height, width, channels) filtered along their columns, then along rows."""
    channels = x.shape[-1]
    for kernel, shape in ((down, (-1, 1, 1, 1)), (across, (1, -1, 1, 1))):
        each = F.reshape(kernel, shape=shape)
        each = F.broadcast_to(each, shape=(*each.shape[:3], channels))
        x = convolutions.convolved(x, each, (1, 1), padding, (1, 1), channels)
    return x


def gaussian_blur(
    images: TensorLike,
    kernel_size: IntOrInts = (3, 3),
    sigma: Sequence[float] | float = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Images in which each pixel is a weighted mean of those around it; beyond the edges is 0.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch. Integers are
            rounded and stay integers.
        kernel_size: the size of the window across and down.
        sigma: the standard deviation of the weights across and down, above 0.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: another number of axes, or a size below 1.

    Source: `keras.ops.image.gaussian_blur` of Keras 3.

    Example:
        >>> spot = np.zeros((1, 3, 1), "float32")
        >>> spot[0, 1] = 1.0
        >>> gaussian_blur(spot, (3, 1))[0, :, 0].numpy().round(3)
        array([0.274, 0.452, 0.274], dtype=float32)
    """
    who = "gaussian_blur"
    kind = _core.as_tensor(images).dtype
    x, one = _batch(who, "images", images)
    across, down = base.check_sizes(who, "kernel_size", kernel_size, 2)
    spread = F.reshape(F.cast(sigma, dtype="float32"), shape=(-1,))
    if spread.shape not in ((1,), (2,)):
        raise ValueError(f"{who}: sigma: expected one number or two, got {shown(sigma)}")
    first, last = spread[0], spread[spread.shape[0] - 1]
    order = base.check_format(who, data_format)
    y = base.in_last(
        x, order, lambda x: _filtered(x, _bell(down, last), _bell(across, first), "same")
    )
    y = base.as_before(y, kind)
    return F.reshape(y, shape=y.shape[1:]) if one else y


def sobel_edges(images: TensorLike, data_format: str | None = None) -> Tensor:
    """How fast images change at each pixel, down and across, by Sobel's filter.

    Beyond the edges of an image is 0.

    Args:
        images: `(batch, height, width, channels)`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Returns:
        The shape of the images with another axis of 2 at the end: the changes down and across.

    Raises:
        ValueError: the images have no four axes.

    Source: `keras.ops.image.sobel_edges` of Keras 3.

    Example:
        >>> sobel_edges(np.arange(9.0).reshape(1, 3, 3, 1))[0, 1, 1, 0].tolist()
        [24.0, 8.0]
    """
    who = "sobel_edges"
    x, one = _batch(who, "images", images)
    if one:
        raise ValueError(f"{who}: images: expected a batch with four axes, got shape {x.shape[1:]}")
    order = base.check_format(who, data_format)
    slope, mean = (_core.as_tensor(np.array(x, "float32")) for x in ([-1, 0, 1], [1, 2, 1]))

    def both(x: Tensor) -> Tensor:
        return F.stack([_filtered(x, slope, mean, "same"), _filtered(x, mean, slope, "same")])

    if order == "channels_last":
        edges = both(x)
    else:
        edges = F.transpose(both(F.transpose(x, perm=(0, 2, 3, 1))), perm=(0, 1, 4, 2, 3))
    return F.transpose(edges, perm=(1, 2, 3, 4, 0))


def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """The structural similarity of images: 1 for equal ones, less for others.

    Args:
        image1, image2: `(batch, height, width, channels)`, or single images, of one shape.
        max_val: the largest possible value.
        filter_size: the size of the windows that are compared.
        filter_sigma: the standard deviation of their weights.
        k1, k2: small numbers that keep the divisions finite.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Returns:
        A number for each pair, `(batch,)`, or one for single images.

    Raises:
        ValueError: the shapes differ, or an image is smaller than the windows.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004; `keras.ops.image.ssim` of Keras 3.

    Example:
        >>> image = np.random.default_rng(0).random((16, 16, 3))
        >>> ssim(image, image).numpy().round(5)
        np.float32(1.0)
    """
    who = "ssim"
    (a, one), (b, _) = _batch(who, "image1", image1), _batch(who, "image2", image2)
    if a.shape != b.shape:
        raise ValueError(f"{who}: expected images of one shape, got {a.shape} and {b.shape}")
    peak = check_number(who, "max_val", max_val, above=0.0)
    c1 = (check_number(who, "k1", k1) * peak) ** 2
    c2 = (check_number(who, "k2", k2) * peak) ** 2
    size = check_integer(who, "filter_size", filter_size, 1)
    weights = _bell(size, check_number(who, "filter_sigma", filter_sigma, above=0.0))
    order = base.check_format(who, data_format)
    sizes = base.known_sizes(a, order)
    if min(sizes) < size:
        raise ValueError(
            f"{who}: filter_size: expected at most {min(sizes)}, the size of the images, got {size}"
        )

    def local(x: Tensor) -> Tensor:
        """The weighted means of the windows."""
        return base.in_last(x, order, lambda x: _filtered(x, weights, weights, "valid"))

    mean1, mean2 = local(a), local(b)
    variance1 = local(a * a) - mean1 * mean1
    variance2 = local(b * b) - mean2 * mean2
    covariance = local(a * b) - mean1 * mean2
    alike = F.div(
        (mean1 * mean2 * 2.0 + c1) * (covariance * 2.0 + c2),
        (mean1 * mean1 + mean2 * mean2 + c1) * (variance1 + variance2 + c2),
    )
    found = F.mean(alike, axes=(1, 2, 3))
    return F.reshape(found, shape=()) if one else found
