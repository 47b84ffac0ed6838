"""Elementary functions of two tensors, element by element, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import elementary
from .._base import functional as F
from .._base.formulas import common_half
from .._core import Tensor

if TYPE_CHECKING:
    from .._core import TensorLike


def arctan2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The angle in [-pi, pi] of the point with the height `x1` and the width `x2`.

    Example:
        >>> arctan2([1.0, 0.0], [0.0, -1.0])
        tensor([1.5707964, 3.1415927])
    """
    return F.special2(x1, x2, function="atan2")


def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`sqrt(x1^2 + x2^2)`, without overflow.

    Example:
        >>> hypot([3.0], [4.0]).tolist()
        [5.0]
    """
    return F.special2(x1, x2, function="hypot")


def nextafter(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The next number after `x1` in the direction of `x2`.

    It is one of float32; of float16 or bfloat16 if the operands promote to that.

    Example:
        >>> nextafter([1.0], [2.0])
        tensor([1.0000001])
        >>> nextafter(fastdl.ones(1, dtype="float16"), 2.0).item()
        1.0009765625
    """
    half = common_half(x1, x2)
    if half is None:
        return F.special2(_wide(x1), _wide(x2), function="nextafter")
    a, b = (F.cast(F.cast(_core.as_tensor(x), dtype=half), dtype="float32") for x in (x1, x2))
    most = _HALVES[half][2]
    step = _step(a.detach().numpy(), b.detach().numpy(), half)
    return F.cast(F.add(F.clip(a, lo=-most, hi=most), step), dtype=half)


# Digits after the first, the least exponent and the largest number.
_HALVES = {"float16": (10, -14, 65504.0), "bfloat16": (7, -126, 255.0 * 2.0**120)}


def _wide(x: TensorLike) -> TensorLike:
    stored = isinstance(x, Tensor) and x.dtype.name in ("float16", "bfloat16", "int8")
    return F.cast(x, dtype="float32") if stored else x


def _step(a: np.ndarray, b: np.ndarray, half: str) -> np.ndarray:
    """What leads from numbers of a type to the next ones; from an infinite one, its largest."""
    digits, least, _ = _HALVES[half]
    a, b = np.broadcast_arrays(a.astype(np.float64), b.astype(np.float64))
    fraction, exponent = np.frexp(a)
    exponent = np.where(a == 0, least, exponent - 1)
    distance = np.ldexp(1.0, np.maximum(exponent, least) - digits)
    at_power = (np.abs(fraction) == 0.5) & (exponent > least)
    inwards = at_power & ((b > a) != (a > 0))  # numbers below a power of two are closer
    distance = np.where(inwards, distance / 2, distance)
    step = np.where(b > a, distance, np.where(b < a, -distance, 0.0))
    step = np.where(np.isinf(a), np.where(a == b, a, 0.0), step)
    return np.where(np.isnan(b), np.nan, step).astype(np.float32)


def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of the division rounded towards zero; it has the sign of `x1`.

    Example:
        >>> fmod([7, -7], 3).tolist()
        [1, -1]
    """
    return elementary.remainder_of_truncation(x1, x2)


def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of each pair; NaN only if both are.

    Example:
        >>> fmax([1.0, float("nan")], 0.5).tolist()
        [1.0, 0.5]
    """
    return elementary.extreme_number(x1, x2, F.maximum)


def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of each pair; NaN only if both are.

    Example:
        >>> fmin([1.0, float("nan")], 0.5).tolist()
        [0.5, 0.5]
    """
    return elementary.extreme_number(x1, x2, F.minimum)


def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log(exp(x1) + exp(x2))`, without overflow.

    Example:
        >>> logaddexp([1000.0], [0.0]).tolist()
        [1000.0]
    """
    return elementary.log_of_sum(x1, x2)


def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`log2(2^x1 + 2^x2)`, without overflow.

    Example:
        >>> logaddexp2([1.0], [1.0]).tolist()
        [2.0]
    """
    return elementary.log2_of_sum(x1, x2)


def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 * 2^x2`.

    Example:
        >>> ldexp([1.0, 3.0], [2, -1]).tolist()
        [4.0, 1.5]
    """
    return elementary.scaled_by_power(x1, x2)


def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`, 0 where `x2` is 0.

    Example:
        >>> divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist()
        [0.0, 0.5]
    """
    return elementary.quotient_or_zero(x1, x2)


def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """0 where `x1` is negative, 1 where it is positive, `x2` where it is 0.

    Example:
        >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    x1 = F.cast(x1, dtype="float32")
    return F.where(F.isnan(x1), x1, elementary.step(x1, x2))
