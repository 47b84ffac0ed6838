"""Values of arrays between their places, and images seen in perspective, from ops of the core."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from . import functional as F
from .checks import check_choice
from .images import as_before

if TYPE_CHECKING:
    from .._core import Tensor

# How an array continues beyond its ends: as images do, or mirrored at the centers of its ends.
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
INTERPOLATIONS = ("nearest", "bilinear")


def check_interpolation(who: str, value: str) -> str:
    """How a value between places is found.

    Raises:
        ValueError: it is neither "nearest" nor "bilinear".
    """
    return str(check_choice(who, "interpolation", value, INTERPOLATIONS))


def check_fill_mode(who: str, value: str) -> str:
    """How an array continues beyond its ends.

    Raises:
        ValueError: it is not one of FILL_MODES.
    """
    return str(check_choice(who, "fill_mode", value, FILL_MODES))


def _inside(index: Tensor, size: int, mode: str) -> Tensor:
    """The places from 0 to size - 1 that stand for any place; with "constant" those of an axis
    that has a filled place more on each side."""
    if mode == "constant":
        return F.clip(index, lo=-1, hi=size) + 1
    if mode == "nearest":
        return F.clip(index, lo=0, hi=size - 1)
    if mode == "wrap":
        return F.mod(index, size)
    if mode == "mirror":  # at the centers of the outermost places
        turned = F.mod(index, max(2 * size - 2, 1))
        return F.minimum(turned, max(2 * size - 2, 0) - turned)
    turned = F.mod(index, 2 * size)
    return F.minimum(turned, 2 * size - 1 - turned)


def _away(x: Tensor) -> Tensor:
    """Rounded; halves go away from 0."""
    return F.sign(x) * F.floor(F.abs(x) + 0.5)


def at(x: Tensor, coordinates: Sequence[Tensor], how: str, mode: str, fill: float) -> Tensor:
    """The values of each array of a batch at places of its first axes.

    Args:
        x: (batch, sizes of the axes..., others...). Integers are rounded and stay integers.
        coordinates: a tensor (batch or 1, places...) for each of the axes.
        how: "nearest" or "bilinear", which is linear along each axis.
        mode: one of FILL_MODES.
        fill: the value beyond the ends with "constant".

    Returns:
        (batch, places..., others...).

    Source: `jax.scipy.ndimage.map_coordinates`, which Keras uses on JAX.
    """
    axes, kind = len(coordinates), x.dtype
    count, sizes, rest = x.shape[0], x.shape[1 : axes + 1], x.shape[axes + 1 :]
    if not math.prod(x.shape):
        return _core.full((count, *coordinates[0].shape[1:], *rest), kind, fill)
    if mode == "constant":
        around = [0] + [1] * axes + [0] * len(rest)
        x = F.pad(x, before=around, after=around, value=fill)
    lengths = x.shape[1 : axes + 1]
    flat = F.reshape(x, shape=(count * math.prod(lengths), *rest))
    integer = np.dtype(np.int32 if flat.shape[0] < 2**31 else np.int64)
    first = np.arange(count, dtype=integer).reshape(-1, *[1] * (coordinates[0].ndim - 1))

    def values(places: Sequence[Tensor]) -> Tensor:
        index: Any = first
        for place, size, length in zip(places, sizes, lengths, strict=True):
            index = F.cast(_inside(place, size, mode), dtype=integer) + index * length
        return F.take(flat, index, axis=0)

    if how == "nearest":
        return values([F.cast(_away(c), dtype=np.int32) for c in coordinates])
    low = [F.floor(c) for c in coordinates]
    whole = [F.cast(place, dtype=np.int32) for place in low]
    shares = [
        F.reshape(c - place, shape=(*c.shape, *[1] * len(rest)))
        for c, place in zip(coordinates, low, strict=True)
    ]

    def between(places: list[Tensor]) -> Tensor:
        """Values that are linear along the axes after those of the places."""
        axis = len(places)
        if axis == axes:
            return values(places)
        share, place = shares[axis], whole[axis]
        return between([*places, place]) * (1 - share) + between([*places, place + 1]) * share

    y = between([])
    return y if y.dtype == kind else as_before(_away(y), kind)


def _from_square(points: Tensor) -> list[Tensor]:
    """The nine numbers of the projection that takes the corners (0, 0), (1, 0), (0, 1) and (1, 1)
    to the points (batch, 4, 2); each (batch, 1, 1). Source: Heckbert 1989, section 2.2.3."""
    shape = (points.shape[0], 1, 1)
    numbers = [
        F.reshape(one, shape=shape)
        for one in F.split(F.reshape(points, shape=(points.shape[0], 8)), sizes=[1] * 8, axis=1)
    ]
    x0, y0, x1, y1, x3, y3, x2, y2 = numbers
    across_x, across_y, down_x, down_y = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    area = across_x * down_y - down_x * across_y
    g = F.div(sum_x * down_y - down_x * sum_y, area)
    h = F.div(across_x * sum_y - sum_x * across_y, area)
    one = F.add(F.mul(g, 0.0), 1.0)
    return [
        x1 - x0 + g * x1, x3 - x0 + h * x3, x0,
        y1 - y0 + g * y1, y3 - y0 + h * y3, y0,
        g, h, one,
    ]  # fmt: skip


def homography(start: Tensor, end: Tensor) -> list[Tensor]:
    """The projection that takes four points to four others, both (batch, 4, 2).

    Returns:
        Nine numbers, each (batch, 1, 1); the last is 1.
    """
    a, b, c, d, e, f, g, h, i = _from_square(start)
    back = [
        e * i - f * h, c * h - b * i, b * f - c * e,
        f * g - d * i, a * i - c * g, c * d - a * f,
        d * h - e * g, b * g - a * h, a * e - b * d,
    ]  # fmt: skip
    there = _from_square(end)
    product = [
        there[3 * row] * back[column]
        + there[3 * row + 1] * back[3 + column]
        + there[3 * row + 2] * back[6 + column]
        for row in range(3)
        for column in range(3)
    ]
    return [F.div(one, product[8]) for one in product]


def perspective(images: Tensor, start: Tensor, end: Tensor, how: str, fill: float) -> Tensor:
    """Images (batch, height, width, channels) of which `start` comes to lie at `end`.

    The points are (batch or 1, 4, 2), each x and y.
    """
    height, width = images.shape[1:3]
    a, b, c, d, e, f, g, h, _ = homography(end, start)
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    below = g * columns + h * rows + 1.0
    places = [F.div(d * columns + e * rows + f, below), F.div(a * columns + b * rows + c, below)]
    return at(images, places, how, "constant", fill)
