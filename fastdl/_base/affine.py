"""Images under affine transformations, from ops that run in recorded steps, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import functional as F
from . import sampling
from .images import in_last

if TYPE_CHECKING:
    from .._core import Tensor


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
        interpolation: "nearest" or "bilinear".
        fill_mode: one of `sampling.FILL_MODES`.
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
    numbers = F.split(transform, sizes=[1] * transform.shape[1], axis=1)[:6]
    a0, a1, a2, b0, b1, b2 = (F.reshape(one, shape=(-1, 1, 1)) for one in numbers)
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    across, down = a0 * columns + a1 * rows + a2, b0 * columns + b1 * rows + b2
    return sampling.at(x, [down, across], how, mode, fill)
