"""Operations on one tensor, element by element; the result has its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import formulas
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def absolute(x: TensorLike) -> Tensor:
    """`|x|`; the gradient at 0 is 0.

    Example:
        >>> absolute([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """
    return F.abs(x)


def ceil(x: TensorLike) -> Tensor:
    """The smallest integer not below x, as float32; its gradient is 0.

    Example:
        >>> ceil([-1.5, 1.5]).tolist()
        [-1.0, 2.0]
    """
    return F.cast(F.ceil(x), dtype="float32")


def cos(x: TensorLike) -> Tensor:
    """Cosine of x in radians.

    Example:
        >>> cos([0.0]).tolist()
        [1.0]
    """
    return F.cos(x)


def erf(x: TensorLike) -> Tensor:
    """The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to x.

    Example:
        >>> erf([0.0, float("inf")]).tolist()
        [0.0, 1.0]
    """
    return F.erf(x)


def exp(x: TensorLike) -> Tensor:
    """e to the power of x.

    Example:
        >>> exp([0.0]).tolist()
        [1.0]
    """
    return F.exp(x)


def expm1(x: TensorLike) -> Tensor:
    """`exp(x) - 1`, exact for small x.

    Example:
        >>> expm1([0.0]).tolist()
        [0.0]
    """
    return F.expm1(x)


def floor(x: TensorLike) -> Tensor:
    """The largest integer not above x, as float32; its gradient is 0.

    Example:
        >>> floor([-1.5, 1.5]).tolist()
        [-2.0, 1.0]
    """
    return F.cast(F.floor(x), dtype="float32")


def isfinite(x: TensorLike) -> Tensor:
    """Where x is neither infinite nor NaN, as bool.

    Example:
        >>> isfinite([1.0, float("inf")]).tolist()
        [True, False]
    """
    return F.isfinite(x)


def isinf(x: TensorLike) -> Tensor:
    """Where x is plus or minus infinity, as bool.

    Example:
        >>> isinf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return formulas.is_infinite(x)


def isnan(x: TensorLike) -> Tensor:
    """Where x is NaN, as bool.

    Example:
        >>> isnan([1.0, float("nan")]).tolist()
        [False, True]
    """
    return F.isnan(x)


def log(x: TensorLike) -> Tensor:
    """Natural logarithm; -inf at 0, NaN below.

    Example:
        >>> log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    return F.log(x)


def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10.

    Example:
        >>> log10([1.0]).tolist()
        [0.0]
    """
    return formulas.log10(x)


def log1p(x: TensorLike) -> Tensor:
    """`log(1 + x)`, exact for small x.

    Example:
        >>> log1p([0.0]).tolist()
        [0.0]
    """
    return F.log1p(x)


def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2.

    Example:
        >>> log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    return formulas.log2(x)


def logical_not(x: TensorLike) -> Tensor:
    """True where x is zero.

    Example:
        >>> logical_not([True, False]).tolist()
        [False, True]
    """
    return F.logical_not(x)


def negative(x: TensorLike) -> Tensor:
    """`-x`.

    Example:
        >>> negative([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """
    return F.neg(x)


def reciprocal(x: TensorLike) -> Tensor:
    """`1 / x`.

    Example:
        >>> reciprocal([4.0]).tolist()
        [0.25]
    """
    return F.reciprocal(x)


def rsqrt(x: TensorLike) -> Tensor:
    """`1 / sqrt(x)`.

    Example:
        >>> rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    return F.rsqrt(x)


def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1.

    Example:
        >>> sign([-3.0, 0.0, 2.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return F.sign(x)


def sin(x: TensorLike) -> Tensor:
    """Sine of x in radians.

    Example:
        >>> sin([0.0]).tolist()
        [0.0]
    """
    return F.sin(x)


def sqrt(x: TensorLike) -> Tensor:
    """Square root; NaN for negative values.

    Example:
        >>> sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return F.sqrt(x)


def square(x: TensorLike) -> Tensor:
    """`x * x`; of bools it is int32.

    Example:
        >>> square([-3.0]).tolist()
        [9.0]
    """
    return F.square(F.cast(x, dtype="int32") if getattr(x, "dtype", None) == "bool" else x)


def trunc(x: TensorLike) -> Tensor:
    """x without its fraction; its gradient is 0.

    Example:
        >>> trunc([-1.5, 1.5]).tolist()
        [-1.0, 1.0]
    """
    return formulas.trunc(x)


def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """x rounded to a number of decimal places; halves go to the even digit. Its gradient is 0.

    Example:
        >>> round([0.5, 1.5, 2.4]).tolist()
        [0.0, 2.0, 2.0]
        >>> round([1250.0], -2).tolist()
        [1200.0]
    """
    return formulas.rounded(x, decimals)


def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """x limited to [x_min, x_max]; a bound is a number, a tensor or None.

    The gradient is 1 inside and on the bounds, 0 outside.

    Example:
        >>> clip([-2.0, 0.5, 2.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    x = F.cast(x, dtype="int32") if getattr(x, "dtype", None) == "bool" else x
    return formulas.limited(x, x_min, x_max)


abs = absolute
