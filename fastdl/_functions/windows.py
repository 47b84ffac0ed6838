"""Windows, which are weights of the samples of a stretch of sound, and ranges; float32.

A periodic window is a symmetric one of one more value without its last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import windows
from .._base.device import moved
from .._base.dtypes import check_float

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._base.device import device as Device
    from .._core import Tensor


def made(
    who: str,
    values: Callable[[int], np.ndarray],
    length: int,
    periodic: bool,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
) -> Tensor:
    """The window of the name `who` as a tensor; `values(n)` is a symmetric one of n values."""
    if dtype is not None:
        check_float(who, dtype)
    window = windows.window(who, values, length, periodic).astype("float32")
    return _placed(_core.as_tensor(window, dtype or "float32"), device, requires_grad)


def _placed(t: Tensor, device: str | Device | None, requires_grad: bool) -> Tensor:
    t = t if device is None else moved(t, device)
    t.requires_grad = requires_grad
    return t


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Bartlett's window: a triangle.

    Args:
        window_length: the number of values.
        periodic: whether it is one period of a periodic function, else it is symmetric.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the length is negative.

    Example:
        >>> bartlett_window(4).shape
        (4,)
    """
    return made(
        "bartlett_window", np.bartlett, window_length, periodic, dtype, device, requires_grad
    )


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Blackman's window: a sum of two cosines.

    Args:
        window_length: the number of values.
        periodic: whether it is one period of a periodic function, else it is symmetric.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the length is negative.

    Example:
        >>> blackman_window(4).shape
        (4,)
    """
    return made(
        "blackman_window", np.blackman, window_length, periodic, dtype, device, requires_grad
    )


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Hamming's window, `alpha - beta cos(2 pi k / n)`.

    Args:
        window_length: the number of values.
        periodic: whether it is one period of a periodic function, else it is symmetric.
        alpha: the middle of the cosine.
        beta: its size.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the length is negative.

    Example:
        >>> hamming_window(4).shape
        (4,)
    """
    return made(
        "hamming_window",
        windows.general_cosine((alpha, beta)),
        window_length,
        periodic,
        dtype,
        device,
        requires_grad,
    )


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Hann's window, `0.5 - 0.5 cos(2 pi k / n)`.

    Args:
        window_length: the number of values.
        periodic: whether it is one period of a periodic function, else it is symmetric.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the length is negative.

    Example:
        >>> hann_window(4).shape
        (4,)
    """
    return made("hann_window", np.hanning, window_length, periodic, dtype, device, requires_grad)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """Kaiser's window.

    Args:
        window_length: the number of values.
        periodic: whether it is one period of a periodic function, else it is symmetric.
        beta: its shape: 0 is a rectangle, 14 falls to 1e-5 at the ends.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the length is negative.

    Example:
        >>> kaiser_window(4).shape
        (4,)
    """
    return made(
        "kaiser_window", windows.kaiser(beta), window_length, periodic, dtype, device, requires_grad
    )


def range(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    device: str | Device | None = None,
    requires_grad: bool = False,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`start, start + step, ...` up to and including `end`; `arange` leaves the end out.

    Args:
        start: the first value; `range(n)` starts at 0.
        end: the last value, if the steps meet it.
        step: the distance of the values.
        dtype: the type, float32 by default.
        device: where it is.
        requires_grad: whether it is a leaf with a gradient.
        layout, pin_memory: without an effect.

    Raises:
        ValueError: the step is 0 or leads away from the end.

    Example:
        >>> range(1, 3).tolist()
        [1.0, 2.0, 3.0]
    """
    if end is None:
        start, end = 0, start
    if not step or (end - start) / step < 0:
        raise _core.ArgumentError(f"range: expected a step from {start} towards {end}, got {step}")
    values = start + np.arange(int((end - start) / step) + 1) * step
    return _placed(_core.as_tensor(values, dtype or "float32"), device, requires_grad)
