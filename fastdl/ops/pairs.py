"""Elementary functions of two tensors, element by element, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


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
    """The next float32 after `x1` in the direction of `x2`.

    Example:
        >>> nextafter([1.0], [2.0])
        tensor([1.0000001])
    """
    return F.special2(x1, x2, function="nextafter")


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
