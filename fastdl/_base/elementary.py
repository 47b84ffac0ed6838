"""Elementwise functions that take more than one core op, beside those of formulas.py."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .dtypes import as_dtype
from .formulas import trunc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._core import Tensor, TensorLike


def whole(*values: TensorLike) -> bool:
    """Whether all values are integers or truth values."""
    return all(
        isinstance(v, int) or (not isinstance(v, float) and _core.as_tensor(v).dtype.kind != "f")
        for v in values
    )


# --- one number


def sinc(x: TensorLike) -> Tensor:
    """`sin(pi x) / (pi x)`, 1 at 0."""
    return _sine_ratio(F.mul(x, math.pi))


def spherical_bessel_j0(x: TensorLike) -> Tensor:
    """`sin(x) / x`, 1 at 0, 0 at infinity."""
    infinite = is_positive_infinity(F.abs(x))
    return F.where(infinite, 0.0, _sine_ratio(F.where(infinite, 1.0, x)))


def _sine_ratio(x: TensorLike) -> Tensor:
    zero = F.eq(x, 0)
    other = F.where(zero, 1.0, x)
    return F.where(zero, 1.0, F.div(F.sin(other), other))


def is_positive_infinity(x: TensorLike) -> Tensor:
    """Where x is plus infinity."""
    return F.eq(x, math.inf)


def is_negative_infinity(x: TensorLike) -> Tensor:
    """Where x is minus infinity."""
    return F.eq(x, -math.inf)


def sign_bit(x: TensorLike) -> Tensor:
    """Where the sign of x is negative, that of -0.0 included."""
    if whole(x):
        return F.lt(x, 0)
    return F.lt(F.special2(1.0, _core.as_tensor(x).detach(), function="copysign"), 0)


def is_real(x: TensorLike) -> Tensor:
    """True everywhere: there are no complex numbers."""
    return _core.full(_core.as_tensor(x).shape, "bool", True)


def imaginary(x: TensorLike) -> Tensor:
    """Zeros: there are no complex numbers."""
    x = _core.as_tensor(x)
    return _core.full(x.shape, x.dtype, 0)


def fraction(x: TensorLike) -> Tensor:
    """What `trunc` takes away, with the sign of x."""
    return F.sub(x, trunc(x))


def degrees(x: TensorLike) -> Tensor:
    """Radians in degrees."""
    return F.mul(x, 180 / math.pi)


def radians(x: TensorLike) -> Tensor:
    """Degrees in radians."""
    return F.mul(x, math.pi / 180)


def logit(x: TensorLike, eps: float | None = None) -> Tensor:
    """`log(x / (1 - x))`, with x limited to [eps, 1 - eps] first."""
    if eps is not None:
        x = F.clip(F.cast(x, dtype="float32"), lo=eps, hi=1 - eps)
    return F.log(F.div(x, F.sub(1, x)))


def entropy(x: TensorLike) -> Tensor:
    """`-x log(x)`: 0 at 0, minus infinity below."""
    inside = F.where(F.gt(x, 0), x, 1.0)
    value = F.neg(F.mul(inside, F.log(inside)))
    return F.where(F.gt(x, 0), value, F.where(F.lt(x, 0), -math.inf, F.mul(x, 0.0)))


def normal_distribution(x: TensorLike) -> Tensor:
    """The part of a standard normal distribution that lies below x."""
    return F.mul(F.special(F.mul(x, -math.sqrt(0.5)), function="erfc"), 0.5)


def polygamma(x: TensorLike, order: int, who: str) -> Tensor:
    """The derivative of `digamma` of an order."""
    if order < 0:
        raise _core.ArgumentError(f"{who}: n: expected an order of 0 or more, got {order}")
    if not order:
        return F.special(x, function="digamma")
    return F.special(x, function="polygamma", order=order)


def log_gamma_of_dimensions(x: TensorLike, p: int, who: str) -> Tensor:
    """The logarithm of the gamma function of p dimensions."""
    if p < 1:
        raise _core.ArgumentError(f"{who}: p: expected a dimension of 1 or more, got {p}")
    total = F.special(x, function="lgamma")
    for i in range(1, p):
        total = F.add(total, F.special(F.sub(x, i / 2), function="lgamma"))
    return F.add(total, p * (p - 1) / 4 * math.log(math.pi))


def without_nan(
    x: TensorLike, nan: float | None, posinf: float | None, neginf: float | None
) -> Tensor:
    """x with numbers in the place of NaN and infinities; None is 0, or the largest number."""
    x = _core.as_tensor(x)
    if x.dtype.kind != "f":
        return F.copy(x)
    high = float(np.finfo(np.float32).max)
    low = -high
    x = F.where(F.isnan(x), nan or 0.0, x)
    x = F.where(is_positive_infinity(x), high if posinf is None else posinf, x)
    return F.where(is_negative_infinity(x), low if neginf is None else neginf, x)


def mantissa_and_exponent(x: TensorLike) -> tuple[Tensor, Tensor]:
    """m and e with `x = m * 2^e` and |m| in [0.5, 1), e int32. m is x where x is 0, inf or NaN."""
    x = F.cast(x, dtype="float32")
    none = F.logical_or(F.eq(x, 0), F.logical_not(F.isfinite(x)))
    size = F.where(none, 0.5, F.abs(x.detach()))
    tiny = F.lt(size, 2.0**-100)
    size = F.where(tiny, F.mul(size, 2.0**60), size)
    exponent = F.add(F.floor(F.mul(F.log(size), 1 / math.log(2))), 1.0)  # one off at most
    part = scaled_by_power(size, F.neg(exponent))
    exponent = F.where(F.ge(part, 1), F.add(exponent, 1), exponent)
    exponent = F.where(F.lt(part, 0.5), F.sub(exponent, 1), exponent)
    exponent = F.where(tiny, F.sub(exponent, 60), exponent)
    return scaled_by_power(x, F.neg(exponent)), F.cast(exponent, dtype="int32")


def scaled_by_power(x: TensorLike, exponent: TensorLike) -> Tensor:
    """`x * 2^exponent`, in two steps, since the power alone may exceed float32."""
    exponent = F.clip(exponent, lo=-400.0, hi=400.0)  # beyond all of float32; halves stay finite
    half = F.floor(F.mul(exponent, 0.5))
    once = F.mul(x, F.special(half, function="exp2"))
    return F.mul(once, F.special(F.sub(exponent, half), function="exp2"))


def flipped_bits(x: TensorLike) -> Tensor:
    """All bits of integers flipped; the negation of truth values."""
    x = _core.as_tensor(x)
    if x.dtype == "bool":
        return F.logical_not(x)
    if x.dtype.kind == "f":
        raise _core.DTypeError(f"bitwise_not: expected integers or truth values, got {x.dtype}")
    return F.sub(255 if x.dtype == "uint8" else -1, x)


def saturated(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """x in another type. A value that the type cannot hold becomes its nearest bound."""
    x = _core.as_tensor(x)
    target = as_dtype(dtype)
    if target.kind in "iu" and x.dtype.kind in "iu":  # a cast of floats saturates by itself
        to, of = np.iinfo(target), np.iinfo(x.dtype)
        x = F.maximum(x, int(to.min)) if to.min > of.min else x
        x = F.minimum(x, int(to.max)) if to.max < of.max else x
    return F.cast(x, dtype=target)


# --- two numbers


def log_of_sum(x: TensorLike, y: TensorLike) -> Tensor:
    """`log(exp(x) + exp(y))`, without overflow."""
    apart = F.where(F.eq(x, y), 0.0, F.sub(x, y))  # of equal infinities, too
    return F.add(F.maximum(x, y), F.log1p(F.exp(F.neg(F.abs(apart)))))


def log2_of_sum(x: TensorLike, y: TensorLike) -> Tensor:
    """`log2(2^x + 2^y)`, without overflow."""
    apart = F.where(F.eq(x, y), 0.0, F.sub(x, y))
    rest = F.log1p(F.special(F.neg(F.abs(apart)), function="exp2"))
    return F.add(F.maximum(x, y), F.mul(rest, 1 / math.log(2)))


def times_log(x: TensorLike, y: TensorLike, shift: float = 0.0) -> Tensor:
    """`x * log(y + shift)`, 0 where x is 0 and y no NaN."""
    at_edge = F.logical_or(F.le(y, -shift), is_positive_infinity(y))
    zero = F.logical_and(F.eq(x, 0), at_edge)
    inside = F.where(zero, 1.0, y)
    return F.where(zero, 0.0, F.mul(x, F.log1p(inside) if shift else F.log(inside)))


def step(x: TensorLike, at_zero: TensorLike) -> Tensor:
    """0 below 0 and of NaN, 1 above, `at_zero` at 0."""
    return F.where(F.eq(x, 0), at_zero, F.cast(F.gt(x, 0), dtype=_core.as_tensor(x).dtype))


def extreme_number(
    x: TensorLike, y: TensorLike, choose: Callable[[TensorLike, TensorLike], Tensor]
) -> Tensor:
    """The larger or smaller number of each pair; NaN only if both are."""
    if whole(x, y):
        return choose(x, y)
    x, y = F.where(F.isnan(x), y, x), F.where(F.isnan(y), x, y)
    return choose(x, y)


def remainder_of_truncation(x: TensorLike, y: TensorLike) -> Tensor:
    """`x - y * trunc(x / y)`, exact; it has the sign of x."""
    if not whole(x, y):
        return F.special2(x, y, function="fmod")
    rest = F.mod(x, y)
    other_side = F.logical_and(F.ne(rest, 0), F.ne(F.lt(x, 0), F.lt(rest, 0)))
    return F.where(other_side, F.sub(rest, y), rest)


def quotient_or_zero(x: TensorLike, y: TensorLike) -> Tensor:
    """`x / y`, 0 where y is 0."""
    zero = F.eq(y, 0)
    return F.where(zero, 0.0, F.div(x, F.where(zero, 1, y)))


def contained(x: TensorLike, among: TensorLike, invert: bool) -> Tensor:
    """Where a value of x is one of those in `among`, or with `invert` none of them."""
    x = _core.as_tensor(x)
    same = F.eq(F.reshape(x, shape=(*x.shape, 1)), F.reshape(among, shape=(-1,)))
    found = F.any(same, axes=x.ndim)
    return F.logical_not(found) if invert else found
