"""Sums, products and statistics beside those of reduction.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import formulas, moving, samples, scans, without_nan
from .._base import functional as F
from .._base.dtypes import check_computed
from .._base.results import Histogram
from .._core import ShapeError
from .indexing import nonzero
from .reduction import _along_dim, mean, std, sum, var

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._core import Axes, Tensor, TensorLike


def count_nonzero(input: TensorLike, dim: Axes = None) -> Tensor:
    """How many values are not zero, int64.

    Example:
        >>> count_nonzero([[0.0, 5.0], [7.0, 1.0]], dim=0).tolist()
        [1, 2]
    """
    return _along_dim(F.sum, F.ne(input, 0), dim)


def nansum(
    input: TensorLike, dim: Axes = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Tensor:
    """`sum` of the values that are no NaN.

    Example:
        >>> nansum([1.0, float("nan"), 3.0]).item()
        4.0
    """
    return sum(without_nan.filled(input, 0.0), dim, keepdim, dtype=dtype)


def nanmean(
    input: TensorLike, dim: Axes = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Tensor:
    """`mean` of the values that are no NaN; NaN if there are none.

    Example:
        >>> nanmean([1.0, float("nan"), 3.0]).item()
        2.0
    """
    if dtype is not None:
        check_computed("nanmean", dtype)
        input = F.cast(input, dtype=dtype)
    return _along_dim(without_nan.mean, input, dim, keepdim)


def std_mean(
    input: TensorLike,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """`std` and `mean` with the same axes.

    Example:
        >>> [t.item() for t in std_mean([1.0, 3.0, 5.0])]
        [2.0, 3.0]
    """
    deviation = std(input, dim, unbiased, keepdim, correction=correction)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def var_mean(
    input: TensorLike,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """`var` and `mean` with the same axes.

    Example:
        >>> [t.item() for t in var_mean([1.0, 3.0, 5.0])]
        [4.0, 3.0]
    """
    variance = var(input, dim, unbiased, keepdim, correction=correction)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def cumprod(input: TensorLike, dim: int, *, dtype: DTypeLike | None = None) -> Tensor:
    """Cumulative products along one axis.

    The values are converted to `dtype` first, if it is given, and the result has it.

    Example:
        >>> cumprod([1.0, 2.0, 3.0], 0).tolist()
        [1.0, 2.0, 6.0]
    """
    if dtype is not None:
        input = F.cast(input, dtype=dtype)
    total = scans.products(input, dim, "cumprod")
    return total if dtype is None else F.cast(total, dtype=dtype)


def logcumsumexp(input: TensorLike, dim: int) -> Tensor:
    """Cumulative `logsumexp` along one axis, without overflow.

    Example:
        >>> logcumsumexp([1000.0, float("-inf")], 0).tolist()
        [1000.0, 1000.0]
    """
    return scans.logarithms_of_sums(input, dim, "logcumsumexp")


def cov(
    input: TensorLike,
    *,
    correction: float = 1,
    fweights: TensorLike | None = None,
    aweights: TensorLike | None = None,
) -> Tensor:
    """The covariances of the rows of the input, whose columns are samples.

    Args:
        input: a matrix; a vector is one row, and gives one number.
        correction: what is subtracted from the number of samples.
        fweights: how often each sample occurs, integers.
        aweights: the weight of each sample.

    Raises:
        ValueError: more than two axes, or weights that are not one for each sample.

    Example:
        >>> cov([[0.0, 2.0], [3.0, 1.0]]).tolist()
        [[2.0, -2.0], [-2.0, 2.0]]
    """
    return samples.covariance(input, correction, fweights, aweights, "cov")


def corrcoef(input: TensorLike) -> Tensor:
    """The correlations of the rows of the input, whose columns are samples.

    Raises:
        ValueError: more than two axes.

    Example:
        >>> corrcoef([[0.0, 2.0, 4.0], [3.0, 2.0, 1.0]]).round().tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    return samples.correlation(input, "corrcoef")


def diff(
    input: TensorLike,
    n: int = 1,
    dim: int = -1,
    prepend: TensorLike | None = None,
    append: TensorLike | None = None,
) -> Tensor:
    """Differences of neighbours along an axis, n times; of truth values, whether they differ.

    Args:
        input: input.
        n: how often differences are taken.
        dim: the axis.
        prepend: values that come before the input along the axis.
        append: values that come after it.

    Raises:
        ValueError: n is negative.

    Example:
        >>> diff([1.0, 4.0, 9.0]).tolist()
        [3.0, 5.0]
    """
    if n and (prepend is not None or append is not None):
        parts = [_core.as_tensor(x) for x in (prepend, input, append) if x is not None]
        input = F.concat(parts, axis=dim)
    return samples.differences(input, n, dim, "diff")


def trapezoid(
    y: TensorLike, x: TensorLike | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The area under the line through samples along an axis.

    Args:
        y: the heights of the samples.
        x: their places; without them the samples are `dx` apart.
        dx: their distance.
        dim: the axis.

    Example:
        >>> trapezoid([1.0, 2.0, 3.0]).item()
        4.0
    """
    return F.sum(samples.areas(y, x, dx, dim, "trapezoid"), axes=dim)


def cumulative_trapezoid(
    y: TensorLike, x: TensorLike | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """The areas under the line through samples, from the first one to each other.

    Example:
        >>> cumulative_trapezoid([1.0, 2.0, 3.0]).tolist()
        [1.5, 4.0]
    """
    return F.cumsum(samples.areas(y, x, dx, dim, "cumulative_trapezoid"), axis=dim)


def gradient(
    input: TensorLike,
    *,
    spacing: float | Sequence[TensorLike] | None = None,
    dim: Axes = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The slopes along axes: central differences inside, one-sided ones at the edges.

    Args:
        input: values of a function at the places of a grid.
        spacing: the distance of neighbours, 1 by default; or for each axis its distance, or the
            places along it, a vector.
        dim: axes; all by default.
        edge_order: 1 or 2, how precise slopes at the edges are.

    Returns:
        One tensor for each axis.

    Raises:
        ValueError: an axis with fewer than `edge_order + 1` values, another order, or spacings that
            are not one for each axis.

    Example:
        >>> gradient([1.0, 4.0, 9.0])[0].tolist()
        [3.0, 4.0, 5.0]
    """
    input = _core.as_tensor(input)
    axes = (
        list(range(input.ndim)) if dim is None else moving.checked_axes(dim, input.ndim, "gradient")
    )
    many = [1.0 if spacing is None else spacing] * len(axes)
    if isinstance(spacing, (list, tuple)):
        many = list(spacing)
        if len(many) != len(axes):
            raise ShapeError(
                f"gradient: spacing: expected one for each of {len(axes)} axes, got {len(many)}"
            )
    return tuple(
        samples.slopes(input, axis, _core.as_tensor(step), edge_order)
        for axis, step in zip(axes, many, strict=True)
    )


def renorm(input: TensorLike, p: float, dim: int, maxnorm: float) -> Tensor:
    """The input with each entry of an axis scaled down to a p-norm of at most `maxnorm`.

    Example:
        >>> renorm([[3.0, 4.0], [0.6, 0.8]], 2, 0, 5.0).tolist()
        [[3.0, 4.0], [0.6000000238418579, 0.800000011920929]]
    """
    input = _core.as_tensor(input)
    axis = moving.checked_axis(dim, input.ndim, "renorm")
    others = tuple(i for i in range(input.ndim) if i != axis)
    size = formulas.vector_norm(input, p, others, True)
    scale = F.where(F.gt(size, maxnorm), F.div(maxnorm, F.add(size, 1e-7)), 1.0)
    return F.mul(input, scale)


def histc(input: TensorLike, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many values lie in each of some bins of equal width, float32. It has no gradient.

    Args:
        input: float input; values outside of [min, max] do not count.
        bins: the number of bins.
        min: the lowest edge. If both are 0, they are the smallest and the largest value.
        max: the highest edge.

    Raises:
        ValueError: fewer than one bin, or min above max.

    Example:
        >>> histc([1.0, 2.0, 1.0], bins=4, min=0, max=3).tolist()
        [0.0, 2.0, 1.0, 0.0]
    """
    values = _core.as_tensor(input)
    limits = None if min == max == 0 else (min, max)
    if min == max == 0 and not values.numel():
        limits = (0, 1)
    counts, _ = samples.histogram(values, bins, limits, None, False, "histc")
    return _core.as_tensor(counts.astype("float32"))


def histogram(
    input: TensorLike,
    bins: int | TensorLike = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: TensorLike | None = None,
    density: bool = False,
) -> Histogram:
    """How many values lie in each bin, and the edges of the bins, float32. It has no gradient.

    Args:
        input: float input.
        bins: the number of bins of equal width, or ascending edges.
        range: the lowest and the highest edge; the smallest and the largest value if None.
        weight: what each value counts; 1 if None.
        density: whether counts are divided by their sum and the widths.

    Raises:
        ValueError: fewer than one bin, or edges in another order.

    Example:
        >>> histogram([1.0, 2.0, 1.0], 2, range=(0.0, 3.0)).hist.tolist()
        [2.0, 1.0]
    """
    counts, edges = samples.histogram(input, bins, range, weight, density, "histogram")
    counts, edges = counts.astype("float32"), edges.astype("float32")
    return Histogram(_core.as_tensor(counts), _core.as_tensor(edges))


def argwhere(input: TensorLike) -> Tensor:
    """The positions of the values that are not zero, int64 of shape (count, rank).

    Example:
        >>> argwhere([0.0, 5.0, 0.0, 7.0]).tolist()
        [[1], [3]]
    """
    return nonzero(input)


trapz = trapezoid
