"""Colors of images: gray, and hue, saturation and value. Formulas of the channels as planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor

# What red, green and blue add to gray, as in Keras.
GRAY = (0.2989, 0.5870, 0.1140)
_EPS = float(np.finfo(np.float32).eps)


def planes(x: Tensor, axis: int, change: Callable[..., tuple[Tensor, ...]]) -> Tensor:
    """Images whose three channels a function changes; each is a tensor without that axis."""
    parts = F.split(x, sizes=[1, 1, 1], axis=axis)
    shape = tuple(n for i, n in enumerate(x.shape) if i != axis)
    return F.stack(change(*(F.reshape(part, shape=shape) for part in parts)), axis=axis)


def gray(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """The brightness of a color."""
    r, g, b = GRAY
    return red * r + green * g + blue * b


def to_hsv(red: Tensor, green: Tensor, blue: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value, all in [0, 1] for colors in [0, 1].

    Source: `keras.ops.image.rgb_to_hsv` of Keras 3.
    """
    red, green, blue = (F.where(F.lt(F.abs(x), _EPS), 0.0, x) for x in (red, green, blue))
    value = F.maximum(F.maximum(red, green), blue)
    spread = value - F.minimum(F.minimum(red, green), blue)
    some, colored = F.gt(value, 0.0), F.gt(spread, 0.0)
    saturation = F.where(some, F.div(spread, F.where(some, value, 1.0)), 0.0)
    norm = F.div(1.0 / 6.0, F.where(colored, spread, 1.0))
    hue = F.where(
        F.eq(value, green), norm * (blue - red) + 2.0 / 6.0, norm * (red - green) + 4.0 / 6.0
    )
    hue = F.where(F.eq(value, red), norm * (green - blue), hue)
    turned = F.where(F.lt(hue, 0.0), hue + 1.0, hue)
    return F.where(colored, turned, 0.0), saturation, value


def from_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Red, green and blue; a hue counts without its whole part.

    Source: `keras.ops.image.hsv_to_rgb` of Keras 3.
    """
    turn = F.mod(hue, 1.0) * 6.0
    red = F.clip(F.abs(turn - 3.0) - 1.0, lo=0.0, hi=1.0)
    green = F.clip(2.0 - F.abs(turn - 2.0), lo=0.0, hi=1.0)
    blue = F.clip(2.0 - F.abs(turn - 4.0), lo=0.0, hi=1.0)
    white = 1.0 - saturation
    return (
        value * (white + saturation * red),
        value * (white + saturation * green),
        value * (white + saturation * blue),
    )
