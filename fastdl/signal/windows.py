"""Windows of `torch.signal.windows`: weights of the samples of a stretch, float32.

`M` is how many. Those with `sym=False` are one period of a periodic function: a symmetric window of
one more value without its last. The others are symmetric. The values are computed in double and
rounded once. `dtype`, `device`, `requires_grad` and `layout` are those of `fastdl.zeros`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from .._base import windows
from .._base.checks import check_number, check_numbers
from .._base.dtypes import as_dtype, float32
from .._functions.windows import made

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from typing_extensions import Unpack

    from .._base.device import Place
    from .._core import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


class _Options(TypedDict, total=False):
    dtype: DTypeLike | None
    layout: object
    device: Place | None
    requires_grad: bool


def _window(
    name: str, values: Callable[[int], np.ndarray], M: int, sym: bool, options: _Options
) -> Tensor:
    who = f"signal.windows.{name}"
    dtype = options.get("dtype")
    if dtype is not None and as_dtype(dtype) != float32:
        raise ValueError(f"{who}: dtype: expected float32, got {dtype}; cast the result")
    return made(who, values, M, not sym, **options)


def _cosines(name: str, M: int, terms: Sequence[float], sym: bool, options: _Options) -> Tensor:
    return _window(name, windows.general_cosine(terms), M, sym, options)


def bartlett(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Bartlett's window: a triangle that is 0 at both ends.

    Example:
        >>> fastdl.signal.windows.bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window("bartlett", np.bartlett, M, sym, options)


def blackman(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Blackman's window: a sum of two cosines.

    Example:
        >>> fastdl.signal.windows.blackman(3)[1].item()
        1.0
    """
    return _cosines("blackman", M, (0.42, 0.5, 0.08), sym, options)


def hamming(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Hamming's window, `0.54 - 0.46 cos(2 pi k / (M - 1))`.

    Example:
        >>> fastdl.signal.windows.hamming(3)[1].item()
        1.0
    """
    return _cosines("hamming", M, (0.54, 0.46), sym, options)


def hann(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Hann's window, `0.5 - 0.5 cos(2 pi k / (M - 1))`.

    Example:
        >>> fastdl.signal.windows.hann(3).tolist()
        [0.0, 1.0, 0.0]
    """
    return _cosines("hann", M, (0.5, 0.5), sym, options)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, **options: Unpack[_Options]
) -> Tensor:
    """`alpha - (1 - alpha) cos(2 pi k / (M - 1))`.

    Example:
        >>> fastdl.signal.windows.general_hamming(3, alpha=0.5).tolist()
        [0.0, 1.0, 0.0]
    """
    alpha = check_number("signal.windows.general_hamming", "alpha", alpha, -np.inf)
    return _cosines("general_hamming", M, (alpha, 1 - alpha), sym, options)


def nuttall(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Nuttall's window of four terms, with the smallest side lobes.

    Example:
        >>> round(fastdl.signal.windows.nuttall(3)[1].item(), 4)
        1.0
    """
    return _cosines("nuttall", M, (0.3635819, 0.4891775, 0.1365995, 0.0106411), sym, options)


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, **options: Unpack[_Options]
) -> Tensor:
    """`a[0] - a[1] cos(x) + a[2] cos(2 x) - ...`, where x goes from 0 to 2 pi.

    Args:
        M: how many values.
        a: the weights of the terms, at least one.
        sym: whether it is symmetric, else periodic.
        dtype, layout, device, requires_grad: as for `fastdl.zeros`.

    Raises:
        TypeError: M is no integer, or the weights are no numbers.
        ValueError: M is negative, or there is no weight.

    Source: `torch.signal.windows.general_cosine`.

    Example:
        >>> fastdl.signal.windows.general_cosine(3, a=[0.5, 0.5]).tolist()
        [0.0, 1.0, 0.0]
    """
    who = "signal.windows.general_cosine"
    terms = check_numbers(who, "a", a, -np.inf)
    if not terms:
        raise ValueError(f"{who}: a: expected at least one number, got none")
    return _cosines("general_cosine", M, terms, sym, options)


def cosine(M: int, *, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Half a period of the sine: `sin(pi (k + 0.5) / M)`.

    Example:
        >>> fastdl.signal.windows.cosine(1).tolist()
        [1.0]
    """

    def values(n: int) -> np.ndarray:
        return np.sin(np.pi * (np.arange(n) + 0.5) / n)

    return _window("cosine", values, M, sym, options)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    **options: Unpack[_Options],
) -> Tensor:
    """`exp(-|k - center| / tau)`.

    Args:
        M: how many values.
        center: where it is 1, in samples; the middle by default.
        tau: in how many samples it falls by the factor e.
        sym: whether it is symmetric, else periodic.
        dtype, layout, device, requires_grad: as for `fastdl.zeros`.

    Raises:
        TypeError: M is no integer, or another argument no number.
        ValueError: M is negative, `tau` not above 0, or a symmetric window has a `center`.

    Source: `torch.signal.windows.exponential`.

    Example:
        >>> fastdl.signal.windows.exponential(1).tolist()
        [1.0]
    """
    who = "signal.windows.exponential"
    tau = check_number(who, "tau", tau, above=0.0)
    if center is not None and sym:
        raise ValueError(f"{who}: center: expected None for a symmetric window, got {center}")
    middle = None if center is None else check_number(who, "center", center, -np.inf)

    def values(n: int) -> np.ndarray:
        at = (n - 1) / 2 if middle is None else middle
        return np.exp(-np.abs(np.arange(n) - at) / tau)

    return _window("exponential", values, M, sym, options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """`exp(-x^2 / (2 std^2))`, where x is the distance from the middle in samples.

    Args:
        M: how many values.
        std: the standard deviation, in samples.
        sym: whether it is symmetric, else periodic.
        dtype, layout, device, requires_grad: as for `fastdl.zeros`.

    Raises:
        TypeError: M is no integer, or `std` no number.
        ValueError: M is negative, or `std` not above 0.

    Source: `torch.signal.windows.gaussian`.

    Example:
        >>> fastdl.signal.windows.gaussian(3)[1].item()
        1.0
    """
    who = "signal.windows.gaussian"
    std = check_number(who, "std", std, above=0.0)

    def values(n: int) -> np.ndarray:
        return np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / std) ** 2)

    return _window("gaussian", values, M, sym, options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Unpack[_Options]) -> Tensor:
    """Kaiser's window.

    Args:
        M: how many values.
        beta: its shape: 0 is a rectangle, 14 falls to 1e-5 at the ends.
        sym: whether it is symmetric, else periodic.
        dtype, layout, device, requires_grad: as for `fastdl.zeros`.

    Raises:
        TypeError: M is no integer, or `beta` no number.
        ValueError: M or `beta` is negative.

    Source: `torch.signal.windows.kaiser`.

    Example:
        >>> fastdl.signal.windows.kaiser(3, beta=0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    beta = check_number("signal.windows.kaiser", "beta", beta)
    return _window("kaiser", windows.kaiser(beta), M, sym, options)
