"""Reductions: one value from many, along axes.

`dim` (or `axis`) is None for all axes, an integer or a tuple of integers; negative ones count from
the end. `keepdim` (or `keepdims`) keeps the reduced axes with size 1. An axis out of range raises
IndexError.

`axis` and `keepdims` are other names of the same arguments. The meaning is PyTorch's: `max` and
`min` with an axis return values and indices, `var` and `std` divide by n - 1. Keras's functions are
in `fastdl.ops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from .. import _core
from .._base import formulas, moving
from .._base import functional as F
from .._base.dtypes import check_computed
from .._base.results import ValuesIndices
from .._core import ArgumentError, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._core import Axes, TensorLike


def _along_dim(
    function: Callable[..., Tensor], input: TensorLike, dim: Axes, *rest: float
) -> Tensor:
    """`function(input, dim, ...)`. A tensor without axes has dim 0 and -1, as in PyTorch."""
    try:
        return function(input, dim, *rest)
    except IndexError:
        return _of_scalar(function, input, dim, *rest)


def _of_scalar(
    function: Callable[..., Tensor], input: TensorLike, dim: Axes, *rest: float
) -> Tensor:
    """Call it for an IndexError. It is raised again if the tensor has axes, or no axis `dim`."""
    if dim is None or _core.as_tensor(input).ndim:
        raise
    moving.checked_axes(dim, 1, function.__name__)
    return function(input, None, *rest)


def sum(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The sum. Sums of integers and bools are int64, or `dtype`, and wrap if they exceed it.

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], dim=0).tolist()
        [4.0, 6.0]
    """
    if dtype is not None:
        input = F.cast(input, dtype=dtype)
    dim = dim if axis is None else axis
    try:  # as _along_dim, without its call
        total = F.sum(input, axes=dim, keepdims=keepdim or keepdims)
    except IndexError:
        total = _of_scalar(F.sum, input, dim)
    return total if dtype is None else F.cast(total, dtype=dtype)


def mean(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The arithmetic mean, float32. It is NaN if there are no values.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]]).item()
        2.5
    """
    if dtype is not None:
        check_computed("mean", dtype)
        input = F.cast(input, dtype=dtype)
    dim = dim if axis is None else axis
    try:  # as _along_dim, without its call
        return F.mean(input, axes=dim, keepdims=keepdim or keepdims)
    except IndexError:
        return _of_scalar(F.mean, input, dim)


def prod(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """The product.

    The values are converted to `dtype` first, if it is given, and the result has it.

    Example:
        >>> prod([1.0, 2.0, 3.0]).item()
        6.0
    """
    if dtype is not None:
        input = F.cast(input, dtype=dtype)
    total = _along_dim(F.prod, input, dim if axis is None else axis, keepdim or keepdims)
    return total if dtype is None else F.cast(total, dtype=dtype)


def any(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """Whether at least one value is nonzero, as bool.

    Example:
        >>> any([False, True]).item()
        True
    """
    return _along_dim(F.any, input, dim if axis is None else axis, keepdim or keepdims)


def all(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """Whether every value is nonzero, as bool.

    Example:
        >>> all([False, True]).item()
        False
    """
    return _along_dim(F.all, input, dim if axis is None else axis, keepdim or keepdims)


@overload
def max(
    input: TensorLike, dim: None = None, keepdim: bool = False, *, keepdims: bool = False
) -> Tensor: ...
@overload
def max(input: TensorLike, dim: Tensor) -> Tensor: ...
@overload
def max(
    input: TensorLike, dim: int, keepdim: bool = False, *, keepdims: bool = False
) -> ValuesIndices: ...
@overload
def max(
    input: TensorLike, *, axis: int, keepdim: bool = False, keepdims: bool = False
) -> ValuesIndices: ...
def max(
    input: TensorLike,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor | ValuesIndices:
    """The largest value; NaN if one of the values is NaN.

    Args:
        input: input.
        dim: an axis, a tensor or None. With a tensor the result is the elementwise maximum of the
            two. With None it is the maximum of all values.
        keepdim: whether to keep the reduced axis.
        axis: as dim.
        keepdims: as keepdim.

    Returns:
        A tensor; for an axis a named tuple `(values, indices)`.

    Raises:
        ValueError: there are no values.

    Example:
        >>> max([[1.0, 5.0], [7.0, 3.0]], 1).indices.tolist()
        [1, 0]
    """
    dim = axis if dim is None else dim
    if dim is None:
        return F.max(input, keepdims=keepdim or keepdims)
    if isinstance(dim, Tensor):
        return F.maximum(input, dim)
    return _along(F.argmax, input, dim, keepdim or keepdims, "max")


@overload
def min(
    input: TensorLike, dim: None = None, keepdim: bool = False, *, keepdims: bool = False
) -> Tensor: ...
@overload
def min(input: TensorLike, dim: Tensor) -> Tensor: ...
@overload
def min(
    input: TensorLike, dim: int, keepdim: bool = False, *, keepdims: bool = False
) -> ValuesIndices: ...
@overload
def min(
    input: TensorLike, *, axis: int, keepdim: bool = False, keepdims: bool = False
) -> ValuesIndices: ...
def min(
    input: TensorLike,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor | ValuesIndices:
    """The smallest value; arguments and result as for `max`.

    Example:
        >>> min([[1.0, 5.0], [7.0, 3.0]], 1).indices.tolist()
        [0, 1]
    """
    dim = axis if dim is None else dim
    if dim is None:
        return F.min(input, keepdims=keepdim or keepdims)
    if isinstance(dim, Tensor):
        return F.minimum(input, dim)
    return _along(F.argmin, input, dim, keepdim or keepdims, "min")


def _along(
    arg: Callable[..., Tensor], input: TensorLike, dim: int, keepdim: bool, who: str
) -> ValuesIndices:
    if isinstance(input, (int, float)):
        from .._base.checks import KindError  # which the import of the package does without

        raise KindError(
            f"{who}: input: expected a tensor with an axis {dim}, got the number {input}; of two "
            f"numbers, Python's {who} is the one to call"
        )
    input = _core.as_tensor(input)
    if not input.ndim:
        moving.checked_axis(dim, 1, who)  # PyTorch's dim 0 of a tensor without axes
        return ValuesIndices(input, _core.full((), "int64", 0))
    dim = moving.checked_axis(dim, input.ndim, who)
    indices = arg(input, dim, True)
    values = F.gather(input, indices, axis=dim)
    if not keepdim:
        shape = list(values.shape)
        del shape[dim]
        values, indices = F.reshape(values, shape=shape), F.reshape(indices, shape=shape)
    return ValuesIndices(values, indices)


def amax(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The largest value, without its index. Equal values share the gradient.

    Example:
        >>> amax([[1.0, 5.0], [7.0, 3.0]], dim=(0, 1)).item()
        7.0
    """
    return _along_dim(F.max, input, dim if axis is None else axis, keepdim or keepdims)


def amin(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The smallest value, without its index. Equal values share the gradient.

    Example:
        >>> amin([[1.0, 5.0], [7.0, 3.0]], dim=0).tolist()
        [1.0, 3.0]
    """
    return _along_dim(F.min, input, dim if axis is None else axis, keepdim or keepdims)


def argmax(
    input: TensorLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The place of the largest value (the first among equal values), int64.

    Without an axis it is the place in the flattened input.

    Example:
        >>> argmax([[1.0, 5.0], [7.0, 3.0]], dim=1).tolist()
        [1, 0]
    """
    return _along_dim(F.argmax, input, dim if axis is None else axis, keepdim or keepdims)


def argmin(
    input: TensorLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The place of the smallest value (the first among equal values), int64.

    Without an axis it is the place in the flattened input.

    Example:
        >>> argmin([[1.0, 5.0], [7.0, 3.0]], dim=1).tolist()
        [0, 1]
    """
    return _along_dim(F.argmin, input, dim if axis is None else axis, keepdim or keepdims)


def var(
    input: TensorLike,
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
        input: float input.
        dim: axes, as in PyTorch.
        unbiased: the older name for correction 1 (True) or 0 (False). `var(x, False)` means it,
            too.
        keepdim: whether to keep the reduced axes.
        correction: 1 by default.
        axis: as dim.
        keepdims: as keepdim.

    Example:
        >>> var([1.0, 2.0, 3.0]).item()
        1.0
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1.0 if unbiased is None else float(unbiased)
    return _along_dim(F.var, input, dim if axis is None else axis, keepdim or keepdims, correction)


def std(
    input: TensorLike,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The standard deviation: the square root of `var` with the same arguments.

    Example:
        >>> std([1.0, 3.0, 5.0]).item()
        2.0
    """
    variance = var(
        input, dim, unbiased, keepdim, correction=correction, axis=axis, keepdims=keepdims
    )
    return F.root(variance)


def cumsum(
    input: TensorLike,
    dim: int | None = None,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """Cumulative sums along one axis.

    The values are converted to `dtype` first, if it is given, and the result has it.

    Raises:
        TypeError: no axis is given.

    Example:
        >>> cumsum([1.0, 2.0, 3.0], dim=0).tolist()
        [1.0, 3.0, 6.0]
    """
    dim = axis if dim is None else dim
    if dim is None:
        raise TypeError("cumsum: argument 'dim' is missing")
    input = _core.as_tensor(input) if dtype is None else F.cast(input, dtype=dtype)
    if not input.ndim:  # PyTorch's dim 0 of a tensor without axes
        moving.checked_axis(dim, 1, "cumsum")
        total = F.sum(input)
    else:
        total = F.cumsum(input, axis=dim)
    return total if dtype is None else F.cast(total, dtype=dtype)


def logsumexp(
    input: TensorLike,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """`log(sum(exp(input)))`, without overflow; -inf if there are no values.

    Example:
        >>> logsumexp([1000.0, float("-inf")]).item()
        1000.0
    """
    dim = dim if axis is None else axis
    return _along_dim(formulas.logsumexp, input, dim, keepdim or keepdims)


def norm(
    input: TensorLike,
    p: float | str = 2,
    dim: Axes = None,
    keepdim: bool = False,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Tensor:
    """The p-norm of the values along `dim`, `(sum |input|^p)^(1/p)`.

    Args:
        input: float input.
        p: a number, infinity (the largest absolute value), minus infinity (the smallest), 0 (the
            number of values other than 0), "fro" (2) or "nuc" (of matrices over two axes, the sum
            of the singular values). The gradient of the 2-norm at 0 is 0.
        dim: the axes over which the norm is taken; all by default.
        keepdim: whether to keep the reduced axes.
        axis: as dim.
        keepdims: as keepdim.

    Raises:
        ValueError: an unknown kind of norm.

    Example:
        >>> norm([3.0, 4.0]).item()
        5.0
    """
    if isinstance(p, str):
        if p == "nuc":
            axes = dim if axis is None else axis
            if axes is None:
                axes = tuple(range(_core.as_tensor(input).ndim))
            return formulas.matrix_norm(input, p, axes, keepdim or keepdims, "norm")
        if p != "fro":
            raise ArgumentError(f"norm: p: expected a number, 'fro' or 'nuc', got {p!r}")
        p = 2
    dim = dim if axis is None else axis
    if dim is not None and not _core.as_tensor(input).ndim:
        moving.checked_axes(dim, 1, "norm")
        dim = None
    return formulas.vector_norm(input, p, dim, keepdim or keepdims)
