"""Images under affine transformations, from ops that run in recorded steps, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import functional as F
from .checks import check_choice
from .images import as_before, in_last

if TYPE_CHECKING:
    from .._core import Tensor

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def check_fill_mode(who: str, value: str) -> str:
    """How an image continues beyond its edges.

    Raises:
        ValueError: it is not one of FILL_MODES.
    """
    return str(check_choice(who, "fill_mode", value, FILL_MODES))


def check_interpolation(who: str, value: str) -> str:
    """How a value between pixels is found.

    Raises:
        ValueError: it is neither "nearest" nor "bilinear".
    """
    return str(check_choice(who, "interpolation", value, INTERPOLATIONS))


def _inside(index: Tensor, size: int, mode: str) -> Tensor:
    """The places from 0 to size - 1 that stand for any place; with "constant" those of an axis
    that has a filled place more on each side."""
    if mode == "constant":
        return F.clip(index, lo=-1, hi=size) + 1
    if mode == "nearest":
        return F.clip(index, lo=0, hi=size - 1)
    if mode == "wrap":
        return F.mod(index, size)
    turned = F.mod(index, 2 * size)
    return F.minimum(turned, 2 * size - 1 - turned)


def _away(x: Tensor) -> Tensor:
    """Rounded; halves go away from 0."""
    return F.sign(x) * F.floor(F.abs(x) + 0.5)


def affine_transform(
    images: Tensor,
    transform: Tensor,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str,
) -> Tensor:
    """A batch of images of which pixel (x, y) is read at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: (batch, height, width, channels), or with channels first. Integers are rounded.
        transform: (batch or 1, 8): a0, a1, a2, b0, b1, b2 and two numbers that count as 0.
        interpolation: one of INTERPOLATIONS.
        fill_mode: one of FILL_MODES.
        fill_value: the value beyond the edges with "constant".
        data_format: the order of the axes.

    Source: `keras.ops.image.affine_transform` of Keras 3, on JAX.
    """

    def apply(x: Tensor) -> Tensor:
        return _sampled(x, transform, interpolation, fill_mode, fill_value)

    return in_last(images, data_format, apply)


def _sampled(x: Tensor, transform: Tensor, how: str, mode: str, fill: float) -> Tensor:
    count, height, width, channels = x.shape
    if not count * height * width * channels:
        return x
    kind = x.dtype
    numbers = F.split(transform, sizes=[1] * transform.shape[1], axis=1)[:6]
    a0, a1, a2, b0, b1, b2 = (F.reshape(one, shape=(-1, 1, 1)) for one in numbers)
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    across, down = a0 * columns + a1 * rows + a2, b0 * columns + b1 * rows + b2
    if mode == "constant":
        x = F.pad(x, before=[0, 1, 1, 0], after=[0, 1, 1, 0], value=fill)
    lines, line = x.shape[1:3]
    flat = F.reshape(x, shape=(count * lines * line, channels))
    integer = np.dtype(np.int32 if count * lines * line < 2**31 else np.int64)
    start = (np.arange(count) * lines)[:, None, None].astype(integer)

    def pixels(i: Tensor, j: Tensor) -> Tensor:
        place = (F.cast(_inside(i, height, mode), dtype=integer) + start) * line
        return F.take(flat, place + _inside(j, width, mode), axis=0)

    if how == "nearest":
        return pixels(F.cast(_away(down), dtype=np.int32), F.cast(_away(across), dtype=np.int32))
    top, left = F.floor(down), F.floor(across)
    low, right = (F.reshape(x, shape=(*x.shape, 1)) for x in (down - top, across - left))
    i, j = F.cast(top, dtype=np.int32), F.cast(left, dtype=np.int32)
    above = pixels(i, j) * (1 - right) + pixels(i, j + 1) * right
    below = pixels(i + 1, j) * (1 - right) + pixels(i + 1, j + 1) * right
    y = above * (1 - low) + below * low
    return y if y.dtype == kind else as_before(_away(y), kind)
