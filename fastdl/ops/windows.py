"""Windows: weights of the samples of a stretch of sound, symmetric, float32.

The length must be known: it is a number, or a tensor without axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike


def _made(who: str, values: Callable[[int], np.ndarray], length: TensorLike) -> Tensor:
    return _core.as_tensor(windows.window(who, values, length).astype("float32"))


def bartlett(x: TensorLike) -> Tensor:
    """Bartlett's window of x values: a triangle.

    Example:
        >>> bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _made("bartlett", np.bartlett, x)


def blackman(x: TensorLike) -> Tensor:
    """Blackman's window of x values: a sum of two cosines.

    Example:
        >>> blackman(5).shape
        (5,)
    """
    return _made("blackman", np.blackman, x)


def hamming(x: TensorLike) -> Tensor:
    """Hamming's window of x values, `0.54 - 0.46 cos(2 pi k / (x - 1))`.

    Example:
        >>> hamming(5).shape
        (5,)
    """
    return _made("hamming", np.hamming, x)


def hanning(x: TensorLike) -> Tensor:
    """Hann's window of x values, `0.5 - 0.5 cos(2 pi k / (x - 1))`.

    Example:
        >>> hanning(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _made("hanning", np.hanning, x)


def kaiser(x: TensorLike, beta: float) -> Tensor:
    """Kaiser's window of x values.

    Args:
        x: the number of values.
        beta: its shape: 0 is a rectangle, 14 falls to 1e-5 at the ends.

    Example:
        >>> kaiser(3, 0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    return _made("kaiser", windows.kaiser(float(beta)), x)
