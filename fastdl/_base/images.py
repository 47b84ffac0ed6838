"""Images and other grids: order of the axes, windows, pooling, resizing. What the faces share.

Ops take channels last. The values of a tensor with channels first lie so, too, from the first op
to the last one that needs it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._core import ArgumentError, ShapeError
from . import functional as F
from .checks import KindError, check_choice, check_integer, check_integers, check_name, shown
from .settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core import Tensor
    from .types import Shape

FORMATS = ("channels_last", "channels_first")
PADDINGS = ("valid", "same")
LARGEST = 2**31 - 1  # of windows and their steps, in the core
INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


def check_format(who: str, value: str | None) -> str:
    """The order of the axes; that of `set_image_data_format` unless given.

    Raises:
        ValueError: the value is neither "channels_last" nor "channels_first" nor None.
    """
    given = value.lower() if isinstance(value, str) else value
    return check_choice(who, "data_format", given, (*FORMATS, None)) or settings.data_format


def check_padding(who: str, value: str) -> str:
    """The padding of windows, "valid" or "same", in lower case.

    Raises:
        ValueError: the value is neither.
    """
    given = value.lower() if isinstance(value, str) else value
    return str(check_choice(who, "padding", given, PADDINGS))


def check_interpolation(who: str, value: str) -> str:
    """The interpolation in lower case.

    Raises:
        ValueError: it is not one of INTERPOLATIONS.
    """
    given = value.lower() if isinstance(value, str) else value
    return str(check_choice(who, "interpolation", given, INTERPOLATIONS))


def check_sizes(who: str, argument: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """An integer for each axis; one integer counts for all.

    Raises:
        ValueError: the value is neither an integer nor `axes` of them, or one is below `least` or
            above LARGEST.
    """
    sizes = check_integers(who, argument, value, least)
    if max((sizes,) if isinstance(sizes, int) else sizes, default=0) > LARGEST:
        raise ArgumentError(f"{who}: {argument}: expected at most {LARGEST}, got {shown(value)}")
    if isinstance(sizes, int):
        return (sizes,) * axes
    if len(sizes) != axes:
        several = f"{axes} integers" if axes > 1 else "an integer"
        raise KindError(f"{who}: {argument}: expected {several}, got {shown(value)}")
    return tuple(sizes)


def spatial_sizes(shape: Shape, data_format: str) -> Shape:
    """The sizes without the batch and the channels."""
    return tuple(shape[1:-1] if data_format == "channels_last" else shape[2:])


def known_sizes(x: Tensor, data_format: str) -> tuple[int, ...]:
    """The sizes of a tensor without the batch and the channels."""
    return x.shape[1:-1] if data_format == "channels_last" else x.shape[2:]


def with_sizes(shape: Shape, sizes: Shape, data_format: str) -> Shape:
    """The shape with other sizes between the batch and the channels."""
    if data_format == "channels_last":
        return (shape[0], *sizes, shape[-1])
    return (shape[0], shape[1], *sizes)


def in_last(x: Tensor, data_format: str, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function`, which takes channels last, of a tensor with this order of axes."""
    if data_format == "channels_last":
        return function(x)
    return F.channels_first(function(F.channels_last(x)))


# --- pooling


def pooled_sizes(
    who: str, sizes: Shape, window: Sequence[int], strides: Sequence[int], padding: str
) -> Shape:
    """The sizes after pooling; None where a size is unknown.

    Raises:
        ValueError: without padding, a window is larger than the input, so nothing would be left.
    """
    if padding == "same":
        return tuple(n and -(-n // s) for n, s in zip(sizes, strides, strict=True))
    if any(n is not None and n < k for n, k in zip(sizes, window, strict=True)):
        raise ShapeError(
            f"{who}: expected an input at least as large as the window {tuple(window)} with "
            f"padding 'valid', got spatial sizes {tuple(sizes)}"
        )
    pairs = zip(sizes, window, strides, strict=True)
    return tuple(None if n is None else (n - k) // s + 1 for n, k, s in pairs)


def same_padding(
    sizes: Sequence[int], window: Sequence[int], strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The places before and after each axis with padding "same": an odd one comes last."""
    pairs = zip(sizes, window, strides, strict=True)
    total = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in pairs]
    return [n // 2 for n in total], [n - n // 2 for n in total]


def pool(
    who: str,
    x: Tensor,
    mean: bool,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
) -> Tensor:
    """The largest elements or the means of windows. Means do not count padding.

    Raises:
        ValueError: x has other axes than the window, or is smaller than it.
    """
    if x.ndim != len(window) + 2:
        raise ShapeError(
            f"{who}: expected {len(window) + 2} axes for windows of {len(window)}, got shape "
            f"{x.shape}"
        )
    sizes = known_sizes(x, data_format)
    pooled_sizes(who, sizes, window, strides, padding)
    low, high = same_padding(sizes, window, strides) if padding == "same" else (None, None)
    op = F.avg_pool if mean else F.max_pool
    return in_last(
        x, data_format, lambda x: op(x, window=window, strides=strides, low=low, high=high)
    )


def adaptive_pool(who: str, x: Tensor, mean: bool, size: Sequence[int], data_format: str) -> Tensor:
    """The largest elements or the means of windows that cover x.

    Raises:
        ValueError: x has other axes than `size`, or an axis without places.
    """
    if x.ndim != len(size) + 2:
        raise ShapeError(
            f"{who}: expected {len(size) + 2} axes for an output of size {tuple(size)}, got shape "
            f"{x.shape}"
        )
    op = F.adaptive_avg_pool if mean else F.adaptive_max_pool
    return in_last(x, data_format, lambda x: op(x, size=size))


# --- resizing


def cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    """Keys' kernel (1981) at distances of at least 0; a is its slope at 1."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    def kernel(x: np.ndarray) -> np.ndarray:
        return np.where(x > radius, 0.0, np.sinc(x) * np.sinc(x / radius))

    return kernel


_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear": lambda x: np.maximum(0.0, 1.0 - x),
    "bicubic": cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def nearest(size: int, new: int) -> np.ndarray:
    """For each of `new` places the nearest of `size` ones; centers are at halves."""
    return np.minimum((2 * np.arange(new) + 1) * size // (2 * new), size - 1)


@lru_cache(32)
def weights(size: int, new: int, interpolation: str, antialias: bool) -> Tensor:
    """The matrix (new, size) that resizes an axis. Rows sum to 1."""
    if interpolation == "nearest":
        return _core.tensor(np.eye(size, dtype=np.float32)[nearest(size, new)])
    scale = size / new
    centers = (np.arange(new) + 0.5) * scale - 0.5
    distance = np.abs(centers[:, None] - np.arange(size))
    if antialias:
        distance /= max(scale, 1.0)
    found = _KERNELS[interpolation](distance)
    found[np.abs(found) < 1e-9] = 0.0  # kernels are 0 there but for rounding
    return _core.tensor((found / found.sum(1, keepdims=True)).astype(np.float32))


def moved_weights(
    size: int, new: int, scale: float, move: float, interpolation: str, antialias: bool
) -> Tensor:
    """The matrix (new, size) that scales an axis and then moves it; beyond the axis is 0.

    Source: `jax.image.scale_and_translate`.
    """
    places = (np.arange(new) + 0.5 - move) / scale - 0.5
    distance = np.abs(places[:, None] - np.arange(size))
    if antialias:
        distance /= max(1.0 / scale, 1.0)
    found = _KERNELS[interpolation](distance)
    total = found.sum(1, keepdims=True)
    used = np.abs(total) > 1000 * np.finfo(np.float32).eps
    found = np.where(used, found / np.where(used, total, 1.0), 0.0)
    found[(places < -0.5) | (places > size - 0.5)] = 0.0
    return _core.tensor(found.astype(np.float32))


def resize(
    x: Tensor, first: int, sizes: Sequence[int], interpolation: str, antialias: bool = False
) -> Tensor:
    """x with other sizes of the axes from `first` on. Integers are rounded and keep their type.

    Sources: `jax.image.resize`, which Keras uses on JAX; half-pixel centers. Without antialiasing
    a kernel is not widened when an image shrinks.
    """
    axes = [i for i, n in enumerate(sizes, first) if x.shape[i] != n]
    if not axes:
        return x
    new = dict(enumerate(sizes, first))
    if interpolation == "nearest" and x.dtype != "float32":
        for axis in axes:
            x = F.take(x, nearest(x.shape[axis], new[axis]), axis=axis)
        return x
    # Axes that shrink come first, and of others the last one, whose rows are the shortest.
    axes.sort(key=lambda axis: (new[axis] / x.shape[axis], -axis))
    y = x
    for axis in axes:
        y = F.resample(y, weights(y.shape[axis], new[axis], interpolation, antialias), axis=axis)
    return as_before(y, x.dtype)


def as_before(y: Tensor, dtype: Any) -> Tensor:
    """A float result in the type of the images: integers are rounded, within their bounds."""
    if y.dtype == dtype:
        return y
    if np.dtype(dtype).kind in "iu":
        bounds = np.iinfo(dtype)
        y = F.clip(F.round(y), lo=float(bounds.min), hi=float(bounds.max))
    return F.cast(y, dtype=dtype)


def crop_box(sizes: Sequence[int], target: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """(start, size) for height and width of the largest box in the middle with the target's
    ratio of height and width."""
    (height, width), (new_height, new_width) = sizes, target
    found = int(float(width * new_height) / new_width), int(float(height * new_width) / new_height)
    box = [max(min(n, k), 1) for n, k in zip(sizes, found, strict=True)]
    return tuple((int(float(n - k) / 2), k) for n, k in zip(sizes, box, strict=True))


def cropped(x: Tensor, first: int, box: Sequence[tuple[int, int]]) -> Tensor:
    """The part of x within (start, size) of each axis from `first` on."""
    starts, stops = [0] * x.ndim, list(x.shape)
    for axis, (start, size) in enumerate(box, first):
        starts[axis], stops[axis] = start, start + size
    if starts == [0] * x.ndim and stops == list(x.shape):
        return x
    return F.slice(x, starts=starts, stops=stops, steps=[1] * x.ndim)


def padded(x: Tensor, first: int, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """x with the value before and after the axes from `first` on."""
    before, after = [0] * x.ndim, [0] * x.ndim
    for axis, (low, high) in enumerate(widths, first):
        before[axis], after[axis] = low, high
    return F.pad(x, before=before, after=after, value=value)


def pad_box(sizes: Sequence[int], target: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The widths that give an image the target's ratio of height and width."""
    (height, width), (new_height, new_width) = sizes, target
    top = int(float(max(height, int(float(width * new_height) / new_width)) - height) / 2)
    left = int(float(max(width, int(float(height * new_width) / new_height)) - width) / 2)
    return ((top, top), (0, 0)) if top else ((0, 0), (left, left))


def check_resizing(
    who: str,
    crop: bool,
    pad: bool,
    fill_mode: str,
) -> None:
    """ValueError: both ways to keep the ratio, or another way to fill than by a constant."""
    if crop and pad:
        raise ArgumentError(
            f"{who}: crop_to_aspect_ratio, pad_to_aspect_ratio: expected at most one of them"
        )
    check_choice(who, "fill_mode", check_name(who, "fill_mode", fill_mode), ("constant",))


def resize_images(
    who: str,
    images: Tensor,
    size: Sequence[int],
    interpolation: str,
    antialias: bool,
    crop: bool,
    pad: bool,
    fill_value: float,
    data_format: str,
) -> Tensor:
    """Images, (batch, height, width, channels) or one, in another size; see `ops.image.resize`.

    Raises:
        ValueError: the input has neither 3 nor 4 axes, or an image without pixels.
    """
    if images.ndim not in (3, 4):
        raise ShapeError(
            f"{who}: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{images.shape}"
        )
    first = images.ndim - (3 if data_format == "channels_last" else 2)
    sizes = images.shape[first : first + 2]
    if not math.prod(sizes):
        raise ShapeError(f"{who}: expected images with pixels, got shape {images.shape}")
    if crop:
        images = cropped(images, first, crop_box(sizes, size))
    elif pad:
        images = padded(images, first, pad_box(sizes, size), fill_value)
    return resize(images, first, size, interpolation, antialias)


# How an axis continues beyond its ends, by the mode of `numpy.pad`.
MODES = {
    "edge": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
    "circular": "wrap",
}


def repeated(x: Tensor, widths: Sequence[tuple[int, int]], mode: str) -> Tensor:
    """x continued along its axes by its own elements.

    Raises:
        ValueError: an axis that is to be continued has no elements.
    """
    for axis, (before, after) in enumerate(widths):
        if not before and not after:
            continue
        if not x.shape[axis]:
            raise ShapeError(
                f"pad: axis {axis} of shape {x.shape} has no elements that mode {mode!r} could "
                "repeat"
            )
        places = np.arange(x.shape[axis])
        index = np.pad(places, (before, after), mode=MODES[mode])  # type: ignore[call-overload]
        x = F.take(x, index, axis=axis)
    return x


def pad_widths(who: str, value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """Widths for all axes as `numpy.pad` takes them: a number, a pair, or a pair for each axis.

    Raises:
        ValueError: the value is none of these, or a width is below 0.
    """
    try:
        found = np.broadcast_to(np.asarray(value), (axes, 2)).tolist()
        return tuple(check_sizes(who, "pad_width", pair, 2, 0) for pair in found)  # type: ignore[misc]
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{who}: pad_width: expected an integer of at least 0, a pair, or {axes} pairs, got "
            f"{shown(value)}"
        ) from None


def check_widths(who: str, argument: str, value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """Widths before and after each axis, from an integer, one for each axis, or pairs.

    Raises:
        ValueError: the value is none of these, or one is below 0.
    """
    if isinstance(value, (int, np.integer)):
        width = check_integer(who, argument, value, 0)
        return ((width, width),) * axes
    try:
        pairs = list(value)
        if len(pairs) != axes:
            raise ValueError
        found = [check_sizes(who, argument, pair, 2, 0) for pair in pairs]
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{who}: {argument}: expected an integer of at least 0, or {axes} of them or of pairs, "
            f"got {shown(value)}"
        ) from None
    return tuple((low, high) for low, high in found)
