"""Images read at other places: anywhere, in perspective, bent, scaled and moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, random
from .._base import functional as F
from .._base import images as base
from .._base import sampling
from .._base.checks import check_choice, check_flag, check_integers, check_number, shown
from .._base.moving import checked_axis
from ._filters import gaussian_blur

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike
    from ..random import SeedGenerator


def _batch(who: str, images: TensorLike) -> tuple[Tensor, bool]:
    """A batch of images, and whether it is one image."""
    x = _core.as_tensor(images)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{who}: images: expected an image or a batch of them, with 3 or 4 axes, got shape "
            f"{x.shape}"
        )
    one = x.ndim == 3
    return F.reshape(x, shape=(1, *x.shape)) if one else x, one


def map_coordinates(
    inputs: TensorLike,
    coordinates: TensorLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Tensor:
    """The values of an array at any places.

    Args:
        inputs: an array. Integers are rounded and stay integers.
        coordinates: `(axes of the array, ...)`: the places along each axis.
        order: 0 for the nearest value, 1 for linear interpolation.
        fill_mode: how the array continues: "constant" (by `fill_value`), "nearest" (by its
            outermost values), "wrap" (by itself), "mirror" and "reflect" (by its mirror image, at
            the centers or the edges of the outermost values).
        fill_value: the value beyond the ends with "constant".

    Returns:
        `coordinates.shape[1:]`.

    Raises:
        ValueError: the coordinates do not fit the array, or an unknown order or mode.

    Source: `keras.ops.image.map_coordinates` of Keras 3, on JAX.

    Example:
        >>> map_coordinates([1.0, 3.0, 5.0], [[0.5, 2.0]], order=1).tolist()
        [2.0, 5.0]
    """
    who = "map_coordinates"
    x, places = _core.as_tensor(inputs), F.cast(coordinates, dtype="float32")
    if places.ndim < 2 or not x.ndim or places.shape[0] != x.ndim:
        raise ValueError(
            f"{who}: coordinates: expected shape ({x.ndim}, ...) for inputs of shape {x.shape}, "
            f"got {places.shape}"
        )
    if order not in (0, 1):
        raise ValueError(f"{who}: order: expected 0 or 1, got {shown(order)}")
    found = sampling.at(
        F.reshape(x, shape=(1, *x.shape)),
        F.split(places, sizes=[1] * x.ndim, axis=0),
        "bilinear" if order else "nearest",
        sampling.check_fill_mode(who, fill_mode),
        check_number(who, "fill_value", fill_value, -math.inf),
    )
    return F.reshape(found, shape=places.shape[1:])


def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images in perspective: four points of them come to lie at four other places.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch. Integers are
            rounded and stay integers.
        start_points: x and y of the points, `(4, 2)` for all images or `(batch, 4, 2)`; no three of
            them on a line.
        end_points: where they come to lie, of the same shape.
        interpolation: "bilinear" or "nearest".
        fill_value: the value beyond the edges.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: the shapes do not fit, or an unknown interpolation.

    Source: `keras.ops.image.perspective_transform` of Keras 3.

    Example:
        >>> corners = np.float32([[0, 0], [2, 0], [0, 2], [2, 2]])
        >>> perspective_transform(np.arange(9.0).reshape(3, 3, 1), corners, corners[:, ::-1])[
        ...     :, :, 0
        ... ].tolist()
        [[0.0, 3.0, 6.0], [1.0, 4.0, 7.0], [2.0, 5.0, 8.0]]
    """
    who = "perspective_transform"
    x, one = _batch(who, images)
    start, end = (F.cast(points, dtype="float32") for points in (start_points, end_points))
    if start.shape != end.shape or start.shape not in ((4, 2), (1, 4, 2), (x.shape[0], 4, 2)):
        raise ValueError(
            f"{who}: start_points, end_points: expected shape (4, 2) or ({x.shape[0]}, 4, 2), got "
            f"{start.shape} and {end.shape}"
        )
    start, end = (F.reshape(points, shape=(-1, 4, 2)) for points in (start, end))
    how = sampling.check_interpolation(who, interpolation)
    fill = check_number(who, "fill_value", fill_value, -math.inf)
    order = base.check_format(who, data_format)
    y = base.in_last(x, order, lambda x: sampling.perspective(x, start, end, how, fill))
    return F.reshape(y, shape=y.shape[1:]) if one else y


def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: int | SeedGenerator | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images bent at random: each pixel is read at a place nearby.

    Args:
        images: `(batch, height, width, channels)`, or one image without a batch. Integers are
            rounded and stay integers.
        alpha: how far pixels move.
        sigma: the standard deviation of the moves, and over how many pixels they are smoothed.
        interpolation: "bilinear" or "nearest".
        fill_mode: how an image continues beyond its edges: "constant" (by `fill_value`), "nearest",
            "wrap", "mirror" or "reflect".
        fill_value: the value beyond the edges with "constant".
        seed: an integer, a `SeedGenerator` or None; see `fastdl.random`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: an unknown interpolation or fill_mode, or images with neither 3 nor 4 axes.

    Source: Simard, Steinkraus and Platt 2003; `keras.ops.image.elastic_transform` of Keras 3, which
    moves pixels by the same numbers down and across.

    Example:
        >>> elastic_transform(fastdl.ones(8, 8, 3), seed=1).shape
        (8, 8, 3)
    """
    who = "elastic_transform"
    x, one = _batch(who, images)
    how = sampling.check_interpolation(who, interpolation)
    mode = sampling.check_fill_mode(who, fill_mode)
    fill = check_number(who, "fill_value", fill_value, -math.inf)
    distance = check_number(who, "alpha", alpha, -math.inf)
    spread = check_number(who, "sigma", sigma, above=0.0)
    window = int(6 * spread) | 1
    order = base.check_format(who, data_format)

    def bent(x: Tensor) -> Tensor:
        count, height, width, _ = x.shape
        moves = random.normal((count, height, width, 2), 0.0, spread, seed=seed)
        moves = gaussian_blur(moves, window, (spread, spread), "channels_last")
        down, across = F.split(F.mul(moves, distance), sizes=[1, 1], axis=3)
        shape = (count, height, width)
        rows = np.arange(height, dtype=np.float32)[:, None]
        places = [
            F.reshape(down, shape=shape) + rows,
            F.reshape(across, shape=shape) + np.arange(width, dtype=np.float32),
        ]
        return sampling.at(x, places, how, mode, fill)

    y = base.in_last(x, order, bent)
    return F.reshape(y, shape=y.shape[1:]) if one else y


_METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), "bilinear"),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), "bicubic"),
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}


def scale_and_translate(
    images: TensorLike,
    output_shape: int | Sequence[int | None],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """Arrays scaled and moved along some axes: place i comes to lie at i * scale + translation.

    Args:
        images: an array. Integers are rounded and stay integers.
        output_shape: the shape of the result, with the array's sizes along the other axes. None
            stands for the array's size.
        scale, translation: a number for each of the axes.
        spatial_dims: the axes.
        method: "linear", "cubic" (Keys' kernel), "lanczos3" or "lanczos5"; "bilinear", "trilinear",
            "bicubic" and "tricubic" are other names.
        antialias: whether to smooth where the array shrinks.

    Raises:
        ValueError: the arguments do not fit, or an unknown method.

    Source: `keras.ops.image.scale_and_translate` of Keras 3, on JAX.

    Example:
        >>> scale_and_translate([1.0, 2.0, 3.0], (3,), [1.0], [1.0], (0,), "linear").tolist()
        [0.0, 1.0, 2.0]
    """
    who = "scale_and_translate"
    x = _core.as_tensor(images)
    name = _METHODS[check_choice(who, "method", method, tuple(_METHODS))]
    smooth = check_flag(who, "antialias", antialias)
    if isinstance(output_shape, (list, tuple)) and len(output_shape) == x.ndim:
        pairs = zip(output_shape, x.shape, strict=True)
        output_shape = [given if size is None else size for size, given in pairs]
    sizes = check_integers(who, "output_shape", output_shape, 0)
    sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    axes = [checked_axis(axis, x.ndim, who) for axis in spatial_dims]
    others = [i for i in range(x.ndim) if i not in axes]
    if len(sizes) != x.ndim or any(sizes[i] != x.shape[i] for i in others):
        raise ValueError(
            f"{who}: output_shape: expected the sizes of {x.shape} along all axes but "
            f"{tuple(axes)}, got {sizes}"
        )
    factors, moves = (
        np.asarray(_core.as_tensor(value).detach().numpy(), np.float64).reshape(-1)
        for value in (scale, translation)
    )
    if not len(factors) == len(moves) == len(axes):
        raise ValueError(f"{who}: scale, translation: expected a number for each of {tuple(axes)}")
    y = F.cast(x, dtype="float32")
    for axis, factor, move in zip(axes, factors, moves, strict=True):
        matrix = base.moved_weights(x.shape[axis], sizes[axis], factor, move, name, smooth)
        y = F.resample(y, matrix, axis=axis)
    return base.as_before(y, x.dtype)
