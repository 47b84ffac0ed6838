"""Operations on one tensor, element by element.

The result has the shape of the input. Functions with fractional values convert integers to float32.
The errors are at most 2 ulp for exp and log, and 4 ulp for tanh, sigmoid and erf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas
from .._base import functional as F

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import Tensor, TensorLike


def neg(input: TensorLike) -> Tensor:
    """`-input`.

    Example:
        >>> neg([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """
    return F.neg(input)


def abs(input: TensorLike) -> Tensor:
    """`|input|`; the gradient at 0 is 0.

    Example:
        >>> abs([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """
    return F.abs(input)


def sign(input: TensorLike) -> Tensor:
    """-1, 0 or 1.

    Example:
        >>> sign([-3.0, 0.0, 2.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return F.sign(input)


def sqrt(input: TensorLike) -> Tensor:
    """Square root; NaN for negative values.

    Example:
        >>> sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return F.sqrt(input)


def rsqrt(input: TensorLike) -> Tensor:
    """`1 / sqrt(input)`.

    Example:
        >>> rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    return F.rsqrt(input)


def exp(input: TensorLike) -> Tensor:
    """e to the power of the input.

    Example:
        >>> exp([0.0, float("-inf")]).tolist()
        [1.0, 0.0]
    """
    return F.exp(input)


def log(input: TensorLike) -> Tensor:
    """Natural logarithm; -inf at 0, NaN below.

    Example:
        >>> log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    return F.log(input)


def log2(input: TensorLike) -> Tensor:
    """Logarithm to base 2.

    Example:
        >>> log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    return formulas.log2(input)


def log10(input: TensorLike) -> Tensor:
    """Logarithm to base 10.

    Example:
        >>> log10([1.0]).tolist()
        [0.0]
    """
    return formulas.log10(input)


def log1p(input: TensorLike) -> Tensor:
    """`log(1 + input)`, exact for small values.

    Example:
        >>> log1p([0.0]).tolist()
        [0.0]
    """
    return F.log1p(input)


def expm1(input: TensorLike) -> Tensor:
    """`exp(input) - 1`, exact for small values.

    Example:
        >>> expm1([0.0]).tolist()
        [0.0]
    """
    return F.expm1(input)


def square(input: TensorLike) -> Tensor:
    """`input * input`.

    Example:
        >>> square([-3.0]).tolist()
        [9.0]
    """
    return F.square(input)


def reciprocal(input: TensorLike) -> Tensor:
    """`1 / input`.

    Example:
        >>> reciprocal([4.0]).tolist()
        [0.25]
    """
    return F.reciprocal(input)


def sin(input: TensorLike) -> Tensor:
    """Sine of the input in radians.

    Example:
        >>> sin([0.0]).tolist()
        [0.0]
    """
    return F.sin(input)


def cos(input: TensorLike) -> Tensor:
    """Cosine of the input in radians.

    Example:
        >>> cos([0.0]).tolist()
        [1.0]
    """
    return F.cos(input)


def floor(input: TensorLike) -> Tensor:
    """The largest integer not above the input; its gradient is 0.

    Example:
        >>> floor([-1.5, 1.5]).tolist()
        [-2.0, 1.0]
    """
    return F.floor(input)


def ceil(input: TensorLike) -> Tensor:
    """The smallest integer not below the input; its gradient is 0.

    Example:
        >>> ceil([-1.5, 1.5]).tolist()
        [-1.0, 2.0]
    """
    return F.ceil(input)


def round(input: TensorLike, *, decimals: int = 0) -> Tensor:
    """Rounded to a number of decimal places; halves go to the even digit. Its gradient is 0.

    Example:
        >>> round([0.5, 1.5, 2.4]).tolist()
        [0.0, 2.0, 2.0]
    """
    return formulas.rounded(input, decimals)


def trunc(input: TensorLike) -> Tensor:
    """The input without its fraction; its gradient is 0.

    Example:
        >>> trunc([-1.5, 1.5]).tolist()
        [-1.0, 1.0]
    """
    return formulas.trunc(input)


def erf(input: TensorLike) -> Tensor:
    """The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to input.

    Example:
        >>> erf([0.0, float("inf")]).tolist()
        [0.0, 1.0]
    """
    return F.erf(input)


def isnan(input: TensorLike) -> Tensor:
    """Where the input is NaN, as bool.

    Example:
        >>> isnan([1.0, float("nan")]).tolist()
        [False, True]
    """
    return F.isnan(input)


def isfinite(input: TensorLike) -> Tensor:
    """Where the input is neither infinite nor NaN, as bool.

    Example:
        >>> isfinite([1.0, float("inf")]).tolist()
        [True, False]
    """
    return F.isfinite(input)


def isinf(input: TensorLike) -> Tensor:
    """Where the input is plus or minus infinity, as bool.

    Example:
        >>> isinf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return formulas.is_infinite(input)


def logical_not(input: TensorLike) -> Tensor:
    """True where the input is zero.

    Example:
        >>> logical_not([True, False]).tolist()
        [False, True]
    """
    return F.logical_not(input)


def cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """x converted to `dtype` (see `fastdl.tensor`). If x has this type, the result is x itself.

    Raises:
        TypeError: no such type.

    Example:
        >>> cast([1.7, -1.7], "int32").tolist()
        [1, -1]
    """
    return F.cast(_core.as_tensor(x), dtype=dtype)


def clone(input: TensorLike, *, memory_format: object = None) -> Tensor:
    """A copy with its own memory; gradients pass through it.

    Example:
        >>> a = fastdl.ones(2)
        >>> b = clone(a)
        >>> _ = b.zero_()
        >>> a.tolist()
        [1.0, 1.0]
    """
    return F.copy(_core.as_tensor(input))


negative = neg
absolute = abs
fix = trunc
sgn = sign
