"""The windows of images as columns, and their sum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._core import ShapeError
from . import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor

    Window = Sequence[Sequence[int]]  # along both axes: sizes, dilations, padding and strides


def _windows(
    size: Sequence[int],
    window: Window,
    who: str,
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Where the places of each window lie in a padded image of H x W, row by row: an array
    (places of the kernel, windows). And the padded size."""
    kernel, dilation, padding, stride = window
    padded = tuple(n + 2 * p for n, p in zip(size, padding, strict=True))
    axes = []
    for n, k, d, s in zip(padded, kernel, dilation, stride, strict=True):
        count = (n - (k - 1) * d - 1) // s + 1
        if count < 1:
            raise ShapeError(
                f"{who}: a window of {(k - 1) * d + 1} places does not fit into {n} of an image "
                f"of {tuple(size)} with padding {tuple(padding)}"
            )
        axes.append(np.arange(k)[:, None] * d + np.arange(count) * s)
    rows, columns = axes
    places = rows[:, None, :, None] * padded[1] + columns[None, :, None, :]
    return places.reshape(math.prod(kernel), -1), padded


def unfolded(
    x: Tensor,
    window: Window,
    who: str,
) -> Tensor:
    """The windows of images as columns: (N, C, H, W) to (N, C * kH * kW, windows)."""
    places, padded = _windows(x.shape[2:], window, who)
    widths = [0, 0, *window[2]]
    x = F.in_order(F.pad(x, before=widths, after=widths))
    n, c = x.shape[:2]
    flat = F.reshape(x, shape=(n, c, math.prod(padded)))
    columns = F.take(flat, places.reshape(-1), axis=2)
    return F.reshape(columns, shape=(n, c * len(places), places.shape[1]))


def folded(
    x: Tensor,
    size: Sequence[int],
    window: Window,
    who: str,
) -> Tensor:
    """Columns added up to images: (N, C * kH * kW, windows) to (N, C, H, W)."""
    places, padded = _windows(size, window, who)
    taps = len(places)
    n, rows, windows = x.shape
    if rows % taps or windows != places.shape[1]:
        raise ShapeError(
            f"{who}: expected columns of a multiple of {taps} and {places.shape[1]} of them for "
            f"images of {tuple(size)}, got shape {x.shape}"
        )
    flat = F.reshape(x, shape=(n, rows // taps, taps * windows))
    y = F.scatter_add(flat, places.reshape(-1), axis=2, size=math.prod(padded))
    y = F.reshape(y, shape=(n, rows // taps, *padded))
    starts = [0, 0, *window[2]]
    stops = [n, rows // taps, *(p + k for p, k in zip(window[2], size, strict=True))]
    return F.slice(y, starts=starts, stops=stops, steps=[1] * 4)
