"""Values that take more than one core op."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._core import ArgumentError, AxisError, ShapeError, Tensor
from .moving import checked_axes, checked_axis, moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Axes, IntOrInts, TensorLike


_HALVES = ("float16", "bfloat16")


def common_half(*operands: TensorLike) -> str | None:
    """The type that the operands promote to if it is float16 or bfloat16. Numbers count for none.

    An array is float32, as for any op.
    """
    found: str | None = None
    for x in operands:
        if isinstance(x, Tensor):
            kind = x.dtype.name
        elif isinstance(x, (bool, int, float)):
            continue
        else:
            kind = "float32"
        found = kind if found is None else _core.promote_types(found, kind).name
    return found if found in _HALVES else None


def once_rounded(formula: Callable[..., Tensor], *operands: TensorLike) -> Tensor:
    """A formula of several steps: float16 and bfloat16 are computed with in float32.

    The result is rounded once, to the type that the operands promote to.
    """
    if not any(isinstance(x, Tensor) and x.dtype.name in _HALVES for x in operands):
        return formula(*operands)
    wide = [
        F.cast(x, dtype="float32") if isinstance(x, Tensor) and x.dtype.kind == "f" else x
        for x in operands
    ]
    result, half = formula(*wide), common_half(*operands)
    return result if half is None else F.cast(result, dtype=half)


def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2."""
    return F.mul(F.log(x), 1 / math.log(2))


def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10."""
    return F.mul(F.log(x), 1 / math.log(10))


def log_sigmoid(x: TensorLike) -> Tensor:
    """`log(sigmoid(x))`, without underflow."""
    return F.neg(F.softplus(F.neg(x)))


def logsumexp(x: TensorLike, axes: Axes, keepdims: bool) -> Tensor:
    """`log(sum(exp(x)))`, without overflow; -inf where there are no values."""
    try:
        return F.logsumexp(x, axes=axes, keepdims=keepdims)
    except (ShapeError, AxisError):  # there is no largest value, and the sum is 0
        x = _core.as_tensor(x)
        if x.numel():
            raise
        return F.log(F.sum(F.cast(x, dtype="float32"), axes=axes, keepdims=keepdims))


def trunc(x: TensorLike) -> Tensor:
    """x without its fraction."""
    return F.where(F.lt(x, 0), F.ceil(x), F.floor(x))


def rounded(x: TensorLike, decimals: int) -> Tensor:
    """x rounded to a number of decimal places; halves go to the even digit."""
    if not decimals:
        return F.round(x)
    factor = 10.0**decimals
    return F.div(F.round(F.mul(x, factor)), factor)


def is_infinite(x: TensorLike) -> Tensor:
    """Where x is plus or minus infinity."""
    return F.eq(F.abs(x), math.inf)


def exclusive_or(x: TensorLike, y: TensorLike) -> Tensor:
    """True where exactly one is nonzero."""
    return F.ne(F.ne(x, 0), F.ne(y, 0))


def limited(x: TensorLike, low: TensorLike | None, high: TensorLike | None) -> Tensor:
    """x limited to [low, high]. A bound is a number, a tensor or None.

    Integers stay integers unless a bound is a float.
    """
    numbers = (int, float, type(None))
    if isinstance(low, numbers) and isinstance(high, numbers):
        x = _core.as_tensor(x)
        if isinstance(low, float) or isinstance(high, float):
            x = F.cast(x, dtype="float32")
        elif x.dtype == "int64" and any(isinstance(b, int) and abs(b) > 2**53 for b in (low, high)):
            x = x if low is None else F.maximum(x, low)  # a double would lose digits
            return x if high is None else F.minimum(x, high)
        return F.clip(
            x, lo=-math.inf if low is None else low, hi=math.inf if high is None else high
        )
    x = _core.as_tensor(x) if low is None else F.maximum(x, low)
    return x if high is None else F.minimum(x, high)


def is_close(x: TensorLike, y: TensorLike, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    """Where `|x - y| <= atol + rtol * |y|` or both are the same infinity."""
    if getattr(x, "dtype", None) == "bool":  # truth values have no difference
        x, y = F.cast(x, dtype="uint8"), F.cast(y, dtype="uint8")
    near = F.le(F.abs(F.sub(x, y)), F.add(F.mul(F.abs(y), rtol), atol))
    both_finite = F.logical_and(F.isfinite(x), F.isfinite(y))
    close = F.logical_or(F.logical_and(near, both_finite), F.eq(x, y))
    if not equal_nan:
        return close
    return F.logical_or(close, F.logical_and(F.isnan(x), F.isnan(y)))


def vector_norm(x: TensorLike, p: float, axes: Axes, keepdims: bool) -> Tensor:
    """The p-norm of the values along `axes` taken together, `(sum |x|^p)^(1/p)`.

    Where a norm is 0 its gradient is 0.
    """
    if p == 2:
        return F.root(F.sum(F.square(F.cast(x, dtype="float32")), axes=axes, keepdims=keepdims))
    size = F.abs(F.cast(x, dtype="float32"))
    if p == 1:
        return F.sum(size, axes=axes, keepdims=keepdims)
    if p == math.inf:
        return F.max(size, axes=axes, keepdims=keepdims)
    if p == -math.inf:
        return F.min(size, axes=axes, keepdims=keepdims)
    if p == 0:
        counted = F.where(F.isnan(size), 1.0, F.sign(size))  # on the tape, with a gradient of 0
        return F.sum(counted, axes=axes, keepdims=keepdims)
    if p > 1:
        return _power(F.sum(F.pow(size, p), axes=axes, keepdims=keepdims), 1 / p)
    return _power(F.sum(_power(size, p), axes=axes, keepdims=keepdims), 1 / p)


def _power(x: Tensor, exponent: float) -> Tensor:
    """`x ** exponent` of x >= 0, with gradient 0 where x is 0 or infinite."""
    edge = F.logical_or(F.eq(x, 0), F.eq(x, math.inf))
    inside = F.pow(F.where(edge, 1.0, x), exponent)
    return F.where(edge, F.pow(x.detach(), exponent), inside)


def matrix_norm(
    x: TensorLike, order: float | str, axes: IntOrInts, keepdims: bool, who: str
) -> Tensor:
    """The norm of matrices over two axes.

    "fro", 1 and -1 (sums of columns), infinity and -infinity (of rows), 2, -2 and "nuc" (the
    largest, the smallest, all singular values).
    """
    x = _core.as_tensor(x)
    rows, columns = checked_axes(axes, x.ndim, who)
    if order == "fro":
        return vector_norm(x, 2, (rows, columns), keepdims)
    if order == "nuc" or order in (2, -2):
        from .matrix_functions import norm

        return norm(x, order, (rows, columns), keepdims, who)
    if isinstance(order, str) or order not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(
            f"{who}: ord: expected 'fro', 'nuc', 1, -1, 2, -2, infinity or -infinity for matrices, "
            f"got {order!r}"
        )
    summed, compared = (rows, columns) if abs(order) == 1 else (columns, rows)
    sums = F.sum(F.abs(x), axes=summed, keepdims=True)
    if order > 0 and not sums.shape[compared]:  # the largest of no sums is 0
        sums = F.sum(sums, axes=compared, keepdims=True)
    largest = (F.max if order > 0 else F.min)(sums, compared, True)
    if keepdims:
        return largest
    kept = [n for i, n in enumerate(largest.shape) if i not in (rows, columns)]
    return F.reshape(largest, shape=kept)


def dot(x: TensorLike, y: TensorLike) -> Tensor:
    """`numpy.dot`: sums over the last axis of x and the last axis but one of y."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    if not x.ndim or not y.ndim:
        return F.mul(x, y)
    if y.ndim <= 2:
        return F.matmul(x, y)
    place = checked_axis(-2, y.ndim, "dot")
    rest = (*y.shape[:place], y.shape[-1])
    matrix = F.reshape(moved(y, place, 0, "dot"), shape=(y.shape[place], math.prod(rest)))
    return F.reshape(F.matmul(x, matrix), shape=(*x.shape[:-1], *rest))


def outer(x: TensorLike, y: TensorLike) -> Tensor:
    """All products of the elements of two tensors."""
    return F.mul(F.reshape(x, shape=(-1, 1)), F.reshape(y, shape=(1, -1)))


def scaled_by_deviation(x: Tensor, gamma: TensorLike | None, axes: list[int], eps: float) -> Tensor:
    """x divided by its deviation over some axes, in order, without its mean being subtracted."""
    y = F.mul(x, F.rsqrt(F.add(F.moments(x, axes=axes, keepdims=True)[1], eps)))
    if gamma is None:
        return y
    shape = [size if i in axes else 1 for i, size in enumerate(x.shape)]
    return F.mul(y, F.reshape(gamma, shape=shape))


# The value to which selu falls for inputs far below 0: -scale * alpha.
_SELU_FLOOR = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946


def alpha_dropped(x: Tensor, kept: Tensor, rate: float) -> Tensor:
    """x where kept, selu's value far below 0 elsewhere; then all scaled and shifted so that mean
    and deviation stay, if a part `rate` (below 1) is not kept (Klambauer et al. 2017)."""
    scale = ((1 - rate) * (1 + rate * _SELU_FLOOR**2)) ** -0.5
    shift = -scale * _SELU_FLOOR * rate
    return F.scale_shift(F.where(kept, x, _SELU_FLOOR), factor=scale, shift=shift)
