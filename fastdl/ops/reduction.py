"""Reductions over one axis, several, or all (`axis=None`).

`keepdims` keeps the reduced axes with size 1. An axis out of range raises IndexError.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas, moving
from .._base import functional as F

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import Axes, Tensor, TensorLike


def sum(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The sum. Sums of bools and of integers shorter than int64 are int32.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [4.0, 6.0]
    """
    return _integer_kept(x, F.sum(x, axes=axis, keepdims=keepdims))


def mean(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean, float32. It is NaN if there are no values.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
        [2.0, 3.0]
    """
    return F.mean(x, axes=axis, keepdims=keepdims)


def any(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether at least one value is nonzero, as bool.

    Example:
        >>> any([False, True]).item()
        True
    """
    return F.any(x, axes=axis, keepdims=keepdims)


def all(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether every value is nonzero, as bool.

    Example:
        >>> all([False, True]).item()
        False
    """
    return F.all(x, axes=axis, keepdims=keepdims)


def amax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest value; NaN if one of the values is NaN. Equal values share the gradient.

    Example:
        >>> amax([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [5.0, 7.0]
    """
    return F.max(x, axes=axis, keepdims=keepdims)


def amin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest value; NaN if one of the values is NaN. Equal values share the gradient.

    Example:
        >>> amin([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [1.0, 3.0]
    """
    return F.min(x, axes=axis, keepdims=keepdims)


def logsumexp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))`, without overflow; -inf where there are no values.

    Example:
        >>> logsumexp([1000.0, float("-inf")]).item()
        1000.0
    """
    return formulas.logsumexp(x, axis, keepdims)


def max(
    x: TensorLike, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None
) -> Tensor:
    """The largest value; NaN if one of the values is NaN. Equal values share the gradient.

    Args:
        x: input.
        axis: axis or axes; all for None.
        keepdims: whether to keep the reduced axes.
        initial: a further value. It is the result if there are no others.

    Raises:
        ValueError: there are no values.

    Example:
        >>> max([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [5.0, 7.0]
    """
    if initial is None:
        return F.max(x, axes=axis, keepdims=keepdims)
    x = _core.as_tensor(x)
    if not x.numel():
        shape = F.sum(x, axes=axis, keepdims=keepdims).shape
        return F.broadcast_to(_core.as_tensor(initial, x.dtype), shape=shape)
    initial = F.cast(initial, dtype="bool") if x.dtype == "bool" else initial
    return F.maximum(F.max(x, axes=axis, keepdims=keepdims), initial)


def min(
    x: TensorLike, axis: Axes = None, keepdims: bool = False, initial: TensorLike | None = None
) -> Tensor:
    """The smallest value; NaN if one of the values is NaN. Equal values share the gradient.

    Args:
        x: input.
        axis: axis or axes; all for None.
        keepdims: whether to keep the reduced axes.
        initial: a further value. It is the result if there are no others.

    Raises:
        ValueError: there are no values.

    Example:
        >>> min([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [1.0, 3.0]
    """
    if initial is None:
        return F.min(x, axes=axis, keepdims=keepdims)
    x = _core.as_tensor(x)
    if not x.numel():
        shape = F.sum(x, axes=axis, keepdims=keepdims).shape
        return F.broadcast_to(_core.as_tensor(initial, x.dtype), shape=shape)
    initial = F.cast(initial, dtype="bool") if x.dtype == "bool" else initial
    return F.minimum(F.min(x, axes=axis, keepdims=keepdims), initial)


def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the largest value (the first among equal values), int32.

    Without an axis it is the place in the flattened input.

    Example:
        >>> argmax([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [1, 0]
    """
    return F.cast(F.argmax(x, axis=axis, keepdims=keepdims), dtype="int32")


def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the smallest value (the first among equal values), int32.

    Without an axis it is the place in the flattened input.

    Example:
        >>> argmin([[1.0, 5.0], [7.0, 3.0]], axis=1).tolist()
        [0, 1]
    """
    return F.cast(F.argmin(x, axis=axis, keepdims=keepdims), dtype="int32")


def prod(
    x: TensorLike, axis: Axes = None, keepdims: bool = False, dtype: DTypeLike | None = None
) -> Tensor:
    """The product.

    The values are converted to `dtype` first, if it is given, and the result has it.

    Example:
        >>> prod([1.0, 2.0, 3.0]).item()
        6.0
    """
    x = x if dtype is None else F.cast(x, dtype=dtype)
    total = _integer_kept(x, F.prod(x, axes=axis, keepdims=keepdims))
    return total if dtype is None else F.cast(total, dtype=dtype)


def var(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The variance: the mean of the squared deviations from the mean.

    Example:
        >>> var([1.0, 3.0]).item()
        1.0
    """
    return F.var(x, axes=axis, keepdims=keepdims)


def std(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The standard deviation: the square root of `var`.

    Example:
        >>> std([1.0, 5.0]).item()
        2.0
    """
    return F.root(F.var(x, axes=axis, keepdims=keepdims))


def cumsum(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """Cumulative sums along one axis. Without an axis x is flattened.

    Sums of integers have their type and wrap; those of bools are int32.

    Example:
        >>> cumsum([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 3.0, 6.0, 10.0]
    """
    x = x if dtype is None else F.cast(x, dtype=dtype)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    return running(x, F.cumsum(x, axis=axis))


def norm(
    x: TensorLike, ord: float | str | None = None, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """The norm of vectors or matrices, as `numpy.linalg.norm`.

    Args:
        x: float input.
        ord: the order. None is the 2-norm of all values together. Of vectors, a number p for
            `(sum |x|^p)^(1/p)`, infinity (the largest absolute value), minus infinity (the
            smallest) or 0 (the number of values other than 0). Of matrices "fro" (the 2-norm of
            all values), 1 and -1 (the largest and smallest sum of a column), infinity and
            -infinity (of a row), 2, -2 and "nuc" (the largest, the smallest and the sum of the
            singular values).
        axis: one axis for vectors, two for matrices. With an order and without an axis, x must be
            a vector or a matrix.
        keepdims: whether to keep the reduced axes.

    Raises:
        ValueError: the order does not exist for vectors or matrices.

    Example:
        >>> norm([3.0, 4.0]).item()
        5.0
        >>> norm([[1.0, -2.0], [3.0, 4.0]], 1).item()
        6.0
    """
    x = _core.as_tensor(x)
    if ord is None:
        return formulas.vector_norm(x, 2, axis, keepdims)
    if axis is None:
        if x.ndim not in (1, 2):
            raise ValueError(f"norm: axis: expected one or two axes for shape {x.shape}, got None")
        axis = tuple(range(x.ndim))
    if moving.is_integer(axis) or len(axis) == 1:
        if isinstance(ord, str) or math.isnan(ord):
            raise ValueError(f"norm: ord: expected a number for vectors, got {ord!r}")
        return formulas.vector_norm(x, ord, axis, keepdims)
    if len(axis) != 2:
        raise ValueError(f"norm: axis: expected one axis or two, got {axis}")
    return formulas.matrix_norm(x, ord, axis, keepdims, "norm")


def running(x: TensorLike, totals: Tensor) -> Tensor:
    """Running totals in the type of their values, int32 of bools."""
    dtype = getattr(x, "dtype", None)
    if totals.dtype == "int64" and dtype is not None and dtype != "bool":
        return F.cast(totals, dtype=dtype)
    return _integer_kept(x, totals)


def _integer_kept(x: TensorLike, total: Tensor) -> Tensor:
    """A total of integers in Keras's type: int32, but int64 of int64."""
    if total.dtype == "int64" and getattr(x, "dtype", None) != "int64":
        return F.cast(total, dtype="int32")
    return total
