"""Parts of images: cropped, padded, and cut into patches."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from .. import _core
from .._base import convolutions
from .._base import functional as F
from .._base import images as base
from .._base.checks import check_choice, check_count

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


def _image(who: str, images: TensorLike, data_format: str | None) -> tuple[Tensor, int]:
    """The images, and which axis is their height."""
    x, order = _core.as_tensor(images), base.check_format(who, data_format)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{who}: images: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{x.shape}"
        )
    return x, x.ndim - (3 if order == "channels_last" else 2)


def _two_of(who: str, **given: int | None) -> list[int | None]:
    """Two numbers of three, of which one is None."""
    found = [check_count(who, name, value, 0) for name, value in given.items()]
    if found.count(None) != 1:
        raise ValueError(f"{who}: expected two of {', '.join(given)}, got {tuple(found)}")
    return found


def crop_images(
    images: TensorLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """A part of each image. Two of the three numbers of each axis are given.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch.
        top_cropping, bottom_cropping, target_height: rows to leave out, and those to keep.
        left_cropping, right_cropping, target_width: the same for columns.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: more or fewer numbers are given, or the image is too small.

    Example:
        >>> crop_images(fastdl.ones(4, 5, 1), 1, 1, target_height=2, target_width=3).shape
        (2, 3, 1)
    """
    who = "crop_images"
    x, first = _image(who, images, data_format)
    axes = (
        _two_of(
            who,
            top_cropping=top_cropping,
            bottom_cropping=bottom_cropping,
            target_height=target_height,
        ),
        _two_of(
            who,
            left_cropping=left_cropping,
            right_cropping=right_cropping,
            target_width=target_width,
        ),
    )
    box = []
    for size, (before, after, target) in zip(x.shape[first : first + 2], axes, strict=True):
        kept = size - (before or 0) - (after or 0) if target is None else target
        start = size - kept - (after or 0) if before is None else before
        if start < 0 or kept < 0 or start + kept > size:
            raise ValueError(f"{who}: there are no {kept} places from {start} on, of {size}")
        box.append((start, kept))
    return base.cropped(x, first, box)


def pad_images(
    images: TensorLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Each image with zeros around it. Two of the three numbers of each axis are given.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch.
        top_padding, bottom_padding, target_height: rows of zeros, and all rows of the result.
        left_padding, right_padding, target_width: the same for columns.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: more or fewer numbers are given, or the image is larger than its target.

    Example:
        >>> pad_images(fastdl.ones(2, 3, 1), 1, 2, target_height=5, target_width=5).shape
        (5, 5, 1)
    """
    who = "pad_images"
    x, first = _image(who, images, data_format)
    axes = (
        _two_of(
            who, top_padding=top_padding, bottom_padding=bottom_padding, target_height=target_height
        ),
        _two_of(
            who, left_padding=left_padding, right_padding=right_padding, target_width=target_width
        ),
    )
    widths = []
    for size, (before, after, target) in zip(x.shape[first : first + 2], axes, strict=True):
        rest = 0 if target is None else target - size - (before or 0) - (after or 0)
        pair = rest if before is None else before, rest if after is None else after
        if min(pair) < 0:
            raise ValueError(f"{who}: expected at most {target} places with padding, got {size}")
        widths.append(pair)
    return base.padded(x, first, widths)


def extract_patches(
    images: TensorLike,
    size: IntOrInts,
    strides: IntOrInts | None = None,
    dilation_rate: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The patches of images, each as the channels of one place.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch; with three sizes
            `(batch, depth, height, width, channels)`.
        size: height and width of a patch, or one number for both; three for volumes.
        strides: the distance between patches; their size unless given.
        dilation_rate: the distance between the pixels of a patch.
        padding: "valid", or "same" for zeros around the image.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Returns:
        `(batch, rows, columns, height * width * channels)` of patches, in the order of `images`.

    Raises:
        ValueError: the sizes do not fit the images.

    Example:
        >>> extract_patches(np.arange(16.0).reshape(4, 4, 1), 2)[0].tolist()
        [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]
    """
    axes = 3 if isinstance(size, (tuple, list)) and len(size) == 3 else 2
    return _patches(
        "extract_patches", images, size, strides, dilation_rate, padding, data_format, axes
    )


def extract_patches_3d(
    volumes: TensorLike,
    size: IntOrInts,
    strides: IntOrInts | None = None,
    dilation_rate: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The patches of volumes, each as the channels of one place.

    Args:
        volumes: `(batch, depth, height, width, channels)`, or one volume without a batch.
        size: depth, height and width of a patch, or one number for all.
        strides, dilation_rate, padding, data_format: as for `extract_patches`.

    Returns:
        `(batch, places along each axis..., depth * height * width * channels)` of patches.

    Raises:
        ValueError: the sizes do not fit the volumes.

    Example:
        >>> extract_patches_3d(fastdl.ones(2, 4, 4, 4, 3), 2).shape
        (2, 2, 2, 2, 24)
    """
    return _patches(
        "extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3
    )


def _patches(
    who: str,
    images: TensorLike,
    size: IntOrInts,
    strides: IntOrInts | None,
    dilation_rate: IntOrInts,
    padding: str,
    data_format: str | None,
    axes: int,
) -> Tensor:
    x = _core.as_tensor(images)
    window = base.check_sizes(who, "size", size, axes)
    steps = window if strides is None else base.check_sizes(who, "strides", strides, axes)
    rates = base.check_sizes(who, "dilation_rate", dilation_rate, axes)
    given = padding.lower() if isinstance(padding, str) else padding
    check_choice(who, "padding", given, ("valid", "same"))
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(
            f"{who}: expected {axes + 1} axes, or {axes + 2} with a batch, got shape {x.shape}"
        )
    one = x.ndim == axes + 1
    order = base.check_format(who, data_format)
    reached = [convolutions.reach(k, d) for k, d in zip(window, rates, strict=True)]

    def cut(x: Tensor) -> Tensor:
        counts = base.pooled_sizes(who, x.shape[1:-1], reached, steps, given)
        if given == "same":
            low, high = base.same_padding(x.shape[1:-1], reached, steps)
            x = base.padded(x, 1, list(zip(low, high, strict=True)))
        parts = []
        for place in itertools.product(*map(range, window)):
            starts = [0, *(i * d for i, d in zip(place, rates, strict=True)), 0]
            stops = [
                x.shape[0],
                *(
                    s + ((n or 0) - 1) * step + 1
                    for s, n, step in zip(starts[1:], counts, steps, strict=False)
                ),
                x.shape[-1],
            ]
            parts.append(F.slice(x, starts=starts, stops=stops, steps=[1, *steps, 1]))
        return F.concat(parts, axis=-1)

    y = base.in_last(F.reshape(x, shape=(1, *x.shape)) if one else x, order, cut)
    return F.reshape(y, shape=y.shape[1:]) if one else y
