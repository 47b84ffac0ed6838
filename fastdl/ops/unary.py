"""Operations on one tensor, element by element.

The input is a float32 tensor or anything that converts to one (integers are converted where a
function has fractional values); the result has its shape. Elementary functions are within 2 ulp
for exp and log and 4 ulp for tanh, sigmoid and erf over the whole range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core

if TYPE_CHECKING:
    from .._core import Tensor


def neg(x: Any) -> Tensor:
    """`-x`.

    Example:
        >>> neg([1.0, -2.0]).tolist()
        [-1.0, 2.0]
    """
    return _core.neg(x)


def abs(x: Any) -> Tensor:
    """`|x|`; the gradient at 0 is 0.

    Example:
        >>> abs([1.0, -2.0]).tolist()
        [1.0, 2.0]
    """
    return _core.abs(x)


def sign(x: Any) -> Tensor:
    """-1, 0 or 1.

    Example:
        >>> sign([-3.0, 0.0, 2.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return _core.sign(x)


def sqrt(x: Any) -> Tensor:
    """Square root; NaN for negative values.

    Example:
        >>> sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return _core.sqrt(x)


def rsqrt(x: Any) -> Tensor:
    """`1 / sqrt(x)`.

    Example:
        >>> rsqrt([4.0, 16.0]).tolist()
        [0.5, 0.25]
    """
    return _core.rsqrt(x)


def exp(x: Any) -> Tensor:
    """e to the power of x.

    Example:
        >>> exp([0.0, float("-inf")]).tolist()
        [1.0, 0.0]
    """
    return _core.exp(x)


def log(x: Any) -> Tensor:
    """Natural logarithm; -inf at 0, NaN below.

    Example:
        >>> log([1.0, 0.0]).tolist()
        [0.0, -inf]
    """
    return _core.log(x)


def log2(x: Any) -> Tensor:
    """Logarithm to base 2.

    Example:
        >>> log2([1.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    return _core.mul(_core.log(x), 1 / math.log(2))


def log10(x: Any) -> Tensor:
    """Logarithm to base 10.

    Example:
        >>> log10([1.0]).tolist()
        [0.0]
    """
    return _core.mul(_core.log(x), 1 / math.log(10))


def log1p(x: Any) -> Tensor:
    """`log(1 + x)`, exact for small x.

    Example:
        >>> log1p([0.0]).tolist()
        [0.0]
    """
    return _core.log1p(x)


def expm1(x: Any) -> Tensor:
    """`exp(x) - 1`, exact for small x.

    Example:
        >>> expm1([0.0]).tolist()
        [0.0]
    """
    return _core.expm1(x)


def square(x: Any) -> Tensor:
    """`x * x`.

    Example:
        >>> square([-3.0]).tolist()
        [9.0]
    """
    return _core.square(x)


def reciprocal(x: Any) -> Tensor:
    """`1 / x`.

    Example:
        >>> reciprocal([4.0]).tolist()
        [0.25]
    """
    return _core.reciprocal(x)


def sin(x: Any) -> Tensor:
    """Sine of x in radians.

    Example:
        >>> sin([0.0]).tolist()
        [0.0]
    """
    return _core.sin(x)


def cos(x: Any) -> Tensor:
    """Cosine of x in radians.

    Example:
        >>> cos([0.0]).tolist()
        [1.0]
    """
    return _core.cos(x)


def floor(x: Any) -> Tensor:
    """The largest integer not above x; its gradient is 0.

    Example:
        >>> floor([-1.5, 1.5]).tolist()
        [-2.0, 1.0]
    """
    return _core.floor(x)


def ceil(x: Any) -> Tensor:
    """The smallest integer not below x; its gradient is 0.

    Example:
        >>> ceil([-1.5, 1.5]).tolist()
        [-1.0, 2.0]
    """
    return _core.ceil(x)


def round(x: Any) -> Tensor:
    """The nearest integer, halves to the even one; its gradient is 0.

    Example:
        >>> round([0.5, 1.5, 2.4]).tolist()
        [0.0, 2.0, 2.0]
    """
    return _core.round(x)


def trunc(x: Any) -> Tensor:
    """x without its fraction; its gradient is 0.

    Example:
        >>> trunc([-1.5, 1.5]).tolist()
        [-1.0, 1.0]
    """
    return _core.where(_core.lt(x, 0), _core.ceil(x), _core.floor(x))


def erf(x: Any) -> Tensor:
    """The error function, `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to x.

    Example:
        >>> erf([0.0, float("inf")]).tolist()
        [0.0, 1.0]
    """
    return _core.erf(x)


def isnan(x: Any) -> Tensor:
    """Where x is NaN, as bool.

    Example:
        >>> isnan([1.0, float("nan")]).tolist()
        [False, True]
    """
    return _core.isnan(x)


def isfinite(x: Any) -> Tensor:
    """Where x is neither infinite nor NaN, as bool.

    Example:
        >>> isfinite([1.0, float("inf")]).tolist()
        [True, False]
    """
    return _core.isfinite(x)


def isinf(x: Any) -> Tensor:
    """Where x is plus or minus infinity, as bool.

    Example:
        >>> isinf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return _core.eq(_core.abs(x), math.inf)


def logical_not(x: Any) -> Tensor:
    """True where x is zero.

    Example:
        >>> logical_not([True, False]).tolist()
        [False, True]
    """
    return _core.logical_not(x)


def cast(x: Any, dtype: Any) -> Tensor:
    """x converted to `dtype` (float32, int32, int64, uint8, bool); itself if it has it already.

    Raises:
        TypeError: no such type.

    Example:
        >>> cast([1.7, -1.7], "int32").tolist()
        [1, -1]
    """
    x = _core.as_tensor(x)
    return x if x.dtype == np.dtype(dtype) else _core.cast(x, dtype)


def clone(x: Any) -> Tensor:
    """A copy with its own memory; gradients pass through it.

    Example:
        >>> a = fastdl.ones(2)
        >>> b = clone(a)
        >>> _ = b.zero_()
        >>> a.tolist()
        [1.0, 1.0]
    """
    return _core.copy(_core.as_tensor(x))


negative = neg
absolute = abs
