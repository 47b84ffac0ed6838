"""Reductions: one value from many, along axes.

`dim` (or `axis`) is None for all axes, an integer or a tuple of integers; negative ones count from
the end. `keepdim` (or `keepdims`) keeps the reduced axes with size 1. An axis out of range raises
IndexError.

Where PyTorch and NumPy/Keras disagree, the spelling decides: with `dim`, `max`/`min` return values
and indices and `var`/`std` divide by n - 1, as in PyTorch; with `axis` they return values only and
divide by n, as in NumPy and Keras.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import _core
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    Axes = int | Sequence[int] | None


class ValuesIndices(NamedTuple):
    """What `max`, `min`, `sort` and `topk` along an axis return."""

    values: Tensor
    indices: Tensor


def sum(
    x: Any,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Tensor:
    """The sum; of integers and bools it is int64, or `dtype`. Beyond that it wraps.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], dim=0).tolist()
        [4.0, 6.0]
    """
    if dtype is not None:
        x = _core.cast(x, dtype)
    total = _core.sum(x, dim if axis is None else axis, keepdim or keepdims)
    return total if dtype is None else _core.cast(total, dtype)


def mean(
    x: Any,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Tensor:
    """The arithmetic mean, float32; NaN of nothing.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]]).item()
        2.5
    """
    if dtype is not None:
        x = _core.cast(x, dtype)
    return _core.mean(x, dim if axis is None else axis, keepdim or keepdims)


def prod(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """The product.

    Example:
        >>> prod([1.0, 2.0, 3.0]).item()
        6.0
    """
    return _core.prod(x, dim if axis is None else axis, keepdim or keepdims)


def any(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """Whether at least one value is nonzero, as bool.

    Example:
        >>> any([False, True]).item()
        True
    """
    return _core.any(x, dim if axis is None else axis, keepdim or keepdims)


def all(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """Whether every value is nonzero, as bool.

    Example:
        >>> all([False, True]).item()
        False
    """
    return _core.all(x, dim if axis is None else axis, keepdim or keepdims)


def max(
    x: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Any:
    """The largest value; NaN if there is one.

    Args:
        x: input.
        dim: an axis, for PyTorch's pair of values and indices; or a tensor, for the elementwise
            maximum of the two; or None, for the maximum of all.
        keepdim: keep the reduced axis.
        axis: axis or axes, for the values alone.
        keepdims: as keepdim.

    Returns:
        A tensor, or with `dim` a named tuple `(values, indices)`.

    Raises:
        ValueError: there is nothing to take the maximum of.

    Example:
        >>> max([[1.0, 5.0], [7.0, 3.0]], 1).indices.tolist()
        [1, 0]
        >>> max([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [5.0, 7.0]
    """
    if dim is None:
        return _core.max(x, axis, keepdim or keepdims)
    if isinstance(dim, Tensor):
        return _core.maximum(x, dim)
    return _along(_core.argmax, x, dim, keepdim or keepdims)


def min(
    x: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Any:
    """The smallest value; arguments and result as for `max`.

    Example:
        >>> min([[1.0, 5.0], [7.0, 3.0]], 1).indices.tolist()
        [0, 1]
    """
    if dim is None:
        return _core.min(x, axis, keepdim or keepdims)
    if isinstance(dim, Tensor):
        return _core.minimum(x, dim)
    return _along(_core.argmin, x, dim, keepdim or keepdims)


def _along(arg: Any, x: Any, dim: int, keepdim: bool) -> ValuesIndices:
    indices = arg(x, dim, True)
    values = _core.gather(x, indices, dim)
    if not keepdim:
        shape = list(values.shape)
        del shape[dim]
        values, indices = _core.reshape(values, shape), _core.reshape(indices, shape)
    return ValuesIndices(values, indices)


def amax(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """The largest value, without its index; the gradient is shared among equal ones.

    Example:
        >>> amax([[1.0, 5.0], [7.0, 3.0]], dim=(0, 1)).item()
        7.0
    """
    return _core.max(x, dim if axis is None else axis, keepdim or keepdims)


def amin(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """The smallest value, without its index; the gradient is shared among equal ones.

    Example:
        >>> amin([[1.0, 5.0], [7.0, 3.0]], dim=0).tolist()
        [1.0, 3.0]
    """
    return _core.min(x, dim if axis is None else axis, keepdim or keepdims)


def argmax(
    x: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Where the largest value is, the first among equal ones, as int64; in the flattened input
    without an axis.

    Example:
        >>> argmax([[1.0, 5.0], [7.0, 3.0]], dim=1).tolist()
        [1, 0]
    """
    return _core.argmax(x, dim if axis is None else axis, keepdim or keepdims)


def argmin(
    x: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Where the smallest value is, the first among equal ones, as int64; in the flattened input
    without an axis.

    Example:
        >>> argmin([[1.0, 5.0], [7.0, 3.0]], dim=1).tolist()
        [0, 1]
    """
    return _core.argmin(x, dim if axis is None else axis, keepdim or keepdims)


def var(
    x: Any,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The variance: the sum of squared deviations from the mean over `n - correction`.

    Args:
        x: float input.
        dim: axes, as in PyTorch.
        unbiased: PyTorch's older spelling of correction 1 (True) or 0 (False); `var(x, False)` too.
        keepdim: keep the reduced axes.
        correction: 1 by default; 0 by default where `axis` is given.
        axis: axes, as in NumPy and Keras.
        keepdims: as keepdim.

    Example:
        >>> var([1.0, 2.0, 3.0]).item()
        1.0
        >>> var([[1.0, 3.0]], axis=1).tolist()
        [1.0]
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = float((axis is None) if unbiased is None else unbiased)
    return _core.var(x, dim if axis is None else axis, keepdim or keepdims, correction)


def std(
    x: Any,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The standard deviation: the square root of `var` with the same arguments.

    Where it is 0 its gradient is 0, as in PyTorch.

    Example:
        >>> std([1.0, 3.0, 5.0]).item()
        2.0
    """
    variance = var(x, dim, unbiased, keepdim, correction=correction, axis=axis, keepdims=keepdims)
    return _core.root(variance)


def cumsum(x: Any, dim: int = -1, *, axis: int | None = None) -> Tensor:
    """Running sums along one axis.

    Example:
        >>> cumsum([1.0, 2.0, 3.0], dim=0).tolist()
        [1.0, 3.0, 6.0]
    """
    return _core.cumsum(x, dim if axis is None else axis)


def logsumexp(
    x: Any, dim: Axes = None, keepdim: bool = False, *, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """`log(sum(exp(x)))`, without overflow.

    Example:
        >>> logsumexp([1000.0, float("-inf")]).item()
        1000.0
    """
    return _core.logsumexp(x, dim if axis is None else axis, keepdim or keepdims)


def norm(
    x: Any,
    p: float | str = 2,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The p-norm of the values along `dim`, `(sum |x|^p)^(1/p)`.

    Args:
        x: float input.
        p: a number, infinity (largest absolute value), minus infinity (smallest), 0 (how many are
            not zero) or "fro" (2). Where a norm is 0 its gradient is 0, as in PyTorch.
        dim: axes taken together; all by default.
        keepdim: keep the reduced axes.
        axis: as dim.
        keepdims: as keepdim.

    Raises:
        ValueError: an unknown kind of norm.

    Example:
        >>> norm([3.0, 4.0]).item()
        5.0
    """
    dim, keep = dim if axis is None else axis, keepdim or keepdims
    if p in (2, "fro"):
        return _core.root(_core.sum(_core.square(_core.cast(x, "float32")), dim, keep))
    if isinstance(p, str):
        raise ValueError(f"norm: p is a number or 'fro', got {p!r}")
    size = _core.abs(_core.cast(x, "float32"))
    if p == 1:
        return _core.sum(size, dim, keep)
    if p == math.inf:
        return _core.max(size, dim, keep)
    if p == -math.inf:
        return _core.min(size, dim, keep)
    if p == 0:
        return _core.sum(_core.cast(_core.ne(x, 0), "float32"), dim, keep)
    if p > 1:
        return _power(_core.sum(_core.pow(size, p), dim, keep), 1 / p)
    return _power(_core.sum(_power(size, p), dim, keep), 1 / p)


def _power(x: Tensor, exponent: float) -> Tensor:
    """`x ** exponent` of x >= 0, with gradient 0 where x is 0 or infinite."""
    edge = _core.logical_or(_core.eq(x, 0), _core.eq(x, math.inf))
    inside = _core.pow(_core.where(edge, 1.0, x), exponent)
    return _core.where(edge, _core.pow(x.detach(), exponent), inside)
