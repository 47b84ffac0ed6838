"""Elementary functions of one tensor, element by element, beside those of unary.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import Tensor, TensorLike


def cbrt(x: TensorLike) -> Tensor:
    """The cube root, of negative values, too.

    Example:
        >>> cbrt([8.0, -27.0]).tolist()
        [2.0, -3.0]
    """
    return F.special(x, function="cbrt")


def exp2(x: TensorLike) -> Tensor:
    """2 to the power of x.

    Example:
        >>> exp2([3.0, -1.0]).tolist()
        [8.0, 0.5]
    """
    return F.special(x, function="exp2")


def erfc(x: TensorLike) -> Tensor:
    """`1 - erf(x)` of x, precise where it is small.

    Example:
        >>> erfc([0.0, 3.0])
        tensor([1.0000000e+00, 2.2090497e-05])
    """
    return F.special(x, function="erfc")


def erfinv(x: TensorLike) -> Tensor:
    """The number whose `erf` is x; NaN outside of [-1, 1].

    Example:
        >>> erfinv([0.0, 1.0]).tolist()
        [0.0, inf]
    """
    return F.special(x, function="erfinv")


def fabs(x: TensorLike) -> Tensor:
    """`|x|` as float32.

    Example:
        >>> fabs([1, -2]).tolist()
        [1.0, 2.0]
    """
    return F.cast(F.abs(x), dtype="float32")


def i0(x: TensorLike) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    Example:
        >>> i0([0.0, 1.0])
        tensor([1.       , 1.2660658])
    """
    return F.special(x, function="i0")


def isneginf(x: TensorLike) -> Tensor:
    """Where x is minus infinity, as bool.

    Example:
        >>> isneginf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return elementary.is_negative_infinity(x)


def isposinf(x: TensorLike) -> Tensor:
    """Where x is plus infinity, as bool.

    Example:
        >>> isposinf([1.0, float("inf")]).tolist()
        [False, True]
    """
    return elementary.is_positive_infinity(x)


def isreal(x: TensorLike) -> Tensor:
    """True everywhere: there are no complex numbers.

    Example:
        >>> isreal([1.0, 2.0]).tolist()
        [True, True]
    """
    return elementary.is_real(x)


def signbit(x: TensorLike) -> Tensor:
    """Where the sign of x is negative, that of -0.0 included, as bool.

    Example:
        >>> signbit([-1.0, 2.0]).tolist()
        [True, False]
    """
    return elementary.sign_bit(x)


def real(x: TensorLike) -> Tensor:
    """x itself: there are no complex numbers.

    Example:
        >>> real([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return _core.as_tensor(x)


def conjugate(x: TensorLike) -> Tensor:
    """x itself: there are no complex numbers.

    Example:
        >>> conjugate([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return _core.as_tensor(x)


def imag(x: TensorLike) -> Tensor:
    """Zeros: there are no complex numbers.

    Example:
        >>> imag([1.0, 2.0]).tolist()
        [0.0, 0.0]
    """
    return elementary.imaginary(x)


conj = conjugate


def nan_to_num(
    x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers in the place of NaN and of infinities.

    For None, infinities become the largest and the smallest number of the type.

    Example:
        >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
        [1.0, 0.0, 9.0]
    """
    return elementary.without_nan(x, nan, posinf, neginf)


def copy(x: TensorLike) -> Tensor:
    """A copy with its own memory; gradients pass through it.

    Example:
        >>> copy([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return F.copy(_core.as_tensor(x))


def saturate_cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """x in another type. A value that the type cannot hold becomes its nearest bound.

    Example:
        >>> saturate_cast([-5, 300], "uint8").tolist()
        [0, 255]
    """
    return elementary.saturated(x, dtype)


def isin(
    x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Where values of x1 are among those of x2, as bool; with `invert`, where they are not.

    `assume_unique` has no effect: it would save time in Keras.

    Example:
        >>> isin([1, 2, 3], [1, 3]).tolist()
        [True, False, True]
    """
    return elementary.contained(x1, x2, invert)
