"""Values that more than one core op computes."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import Tensor
from .moving import checked_axes, checked_axis, moved


def log2(x: Any) -> Tensor:
    """Logarithm to base 2."""
    return _core.mul(_core.log(x), 1 / math.log(2))


def log10(x: Any) -> Tensor:
    """Logarithm to base 10."""
    return _core.mul(_core.log(x), 1 / math.log(10))


def log_sigmoid(x: Any) -> Tensor:
    """`log(sigmoid(x))`, without underflow."""
    return _core.neg(_core.softplus(_core.neg(x)))


def trunc(x: Any) -> Tensor:
    """x without its fraction."""
    return _core.where(_core.lt(x, 0), _core.ceil(x), _core.floor(x))


def rounded(x: Any, decimals: int) -> Tensor:
    """x rounded to so many decimal places, halves to the even digit."""
    if not decimals:
        return _core.round(x)
    factor = 10.0**decimals
    return _core.div(_core.round(_core.mul(x, factor)), factor)


def is_infinite(x: Any) -> Tensor:
    """Where x is plus or minus infinity."""
    return _core.eq(_core.abs(x), math.inf)


def exclusive_or(x: Any, y: Any) -> Tensor:
    """True where exactly one is nonzero."""
    return _core.ne(_core.ne(x, 0), _core.ne(y, 0))


def limited(x: Any, low: Any, high: Any) -> Tensor:
    """x limited to [low, high]; a bound is a number, a tensor or None.

    Integers stay integers unless a bound is a float.
    """
    numbers = (int, float, type(None))
    if isinstance(low, numbers) and isinstance(high, numbers):
        x = _core.as_tensor(x)
        if isinstance(low, float) or isinstance(high, float):
            x = _core.cast(x, "float32")
        elif x.dtype == "int64" and any(abs(b) > 2**53 for b in (low, high) if b is not None):
            x = x if low is None else _core.maximum(x, low)  # a double would lose digits
            return x if high is None else _core.minimum(x, high)
        return _core.clip(x, -math.inf if low is None else low, math.inf if high is None else high)
    if low is not None:
        x = _core.maximum(x, low)
    return x if high is None else _core.minimum(x, high)


def is_close(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    """Where `|x - y| <= atol + rtol * |y|` or both are the same infinity."""
    near = _core.le(_core.abs(_core.sub(x, y)), _core.add(_core.mul(_core.abs(y), rtol), atol))
    both_finite = _core.logical_and(_core.isfinite(x), _core.isfinite(y))
    close = _core.logical_or(_core.logical_and(near, both_finite), _core.eq(x, y))
    if not equal_nan:
        return close
    return _core.logical_or(close, _core.logical_and(_core.isnan(x), _core.isnan(y)))


def vector_norm(x: Any, p: float, axes: Any, keepdims: bool) -> Tensor:
    """The p-norm of the values along `axes` taken together, `(sum |x|^p)^(1/p)`.

    Where a norm is 0 its gradient is 0.
    """
    if p == 2:
        return _core.root(_core.sum(_core.square(_core.cast(x, "float32")), axes, keepdims))
    size = _core.abs(_core.cast(x, "float32"))
    if p == 1:
        return _core.sum(size, axes, keepdims)
    if p == math.inf:
        return _core.max(size, axes, keepdims)
    if p == -math.inf:
        return _core.min(size, axes, keepdims)
    if p == 0:
        return _core.sum(_core.cast(_core.ne(x, 0), "float32"), axes, keepdims)
    if p > 1:
        return _power(_core.sum(_core.pow(size, p), axes, keepdims), 1 / p)
    return _power(_core.sum(_power(size, p), axes, keepdims), 1 / p)


def _power(x: Tensor, exponent: float) -> Tensor:
    """`x ** exponent` of x >= 0, with gradient 0 where x is 0 or infinite."""
    edge = _core.logical_or(_core.eq(x, 0), _core.eq(x, math.inf))
    inside = _core.pow(_core.where(edge, 1.0, x), exponent)
    return _core.where(edge, _core.pow(x.detach(), exponent), inside)


def matrix_norm(x: Any, order: Any, axes: Any, keepdims: bool, who: str) -> Tensor:
    """The norm of matrices over two axes: "fro", 1, -1 (columns), infinity, -infinity (rows)."""
    x = _core.as_tensor(x)
    rows, columns = checked_axes(axes, x.ndim, who)
    if order == "fro":
        return vector_norm(x, 2, (rows, columns), keepdims)
    if order not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"{who}: the norm of a matrix is 'fro', 1, -1, infinity or -infinity, got {order!r}"
        )
    summed, compared = (rows, columns) if abs(order) == 1 else (columns, rows)
    sums = _core.sum(_core.abs(x), summed, True)
    largest = (_core.max if order > 0 else _core.min)(sums, compared, True)
    if keepdims:
        return largest
    kept = [n for i, n in enumerate(largest.shape) if i not in (rows, columns)]
    return _core.reshape(largest, kept)


def dot(x: Any, y: Any) -> Tensor:
    """NumPy's `dot`: over the last axis of x and the one before the last of y."""
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    if not x.ndim or not y.ndim:
        return _core.mul(x, y)
    if y.ndim <= 2:
        return _core.matmul(x, y, False, False)
    place = checked_axis(-2, y.ndim, "dot")
    rest = (*y.shape[:place], y.shape[-1])
    matrix = _core.reshape(moved(y, place, 0, "dot"), (y.shape[place], math.prod(rest)))
    return _core.reshape(_core.matmul(x, matrix, False, False), (*x.shape[:-1], *rest))


def outer(x: Any, y: Any) -> Tensor:
    """All products of the elements of two tensors."""
    return _core.mul(_core.reshape(x, (-1, 1)), _core.reshape(y, (1, -1)))
