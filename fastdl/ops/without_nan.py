"""Reductions that leave out NaN. `axis` is None for all axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import functional as F
from .._base import ranks, without_nan
from . import reduction, samples

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import Axes, Tensor, TensorLike


def nansum(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The sum of the numbers; 0 if there are none.

    Example:
        >>> nansum([1.0, float("nan"), 3.0]).item()
        4.0
    """
    return reduction.sum(without_nan.filled(x, 0.0), axis, keepdims)


def nanprod(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The product of the numbers; 1 if there are none.

    Example:
        >>> nanprod([1.0, float("nan"), 3.0]).item()
        3.0
    """
    return reduction.prod(without_nan.filled(x, 1.0), axis, keepdims)


def nanmean(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The mean of the numbers; NaN if there are none.

    Example:
        >>> nanmean([1.0, float("nan"), 3.0]).item()
        2.0
    """
    return without_nan.mean(x, axis, keepdims)


def nanvar(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The variance of the numbers: the mean of the squared deviations from their mean.

    Example:
        >>> nanvar([1.0, float("nan"), 3.0]).item()
        1.0
    """
    return without_nan.variance(x, axis, keepdims)


def nanstd(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The standard deviation of the numbers: the square root of `nanvar`.

    Example:
        >>> nanstd([1.0, float("nan"), 3.0]).item()
        1.0
    """
    return F.root(without_nan.variance(x, axis, keepdims))


def nanmax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest number; NaN if there are none.

    Example:
        >>> nanmax([1.0, float("nan"), 3.0]).item()
        3.0
    """
    return without_nan.extreme(x, axis, keepdims, True)


def nanmin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest number; NaN if there are none.

    Example:
        >>> nanmin([1.0, float("nan"), 3.0]).item()
        1.0
    """
    return without_nan.extreme(x, axis, keepdims, False)


def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the largest number, int32; -1 if there are none.

    Example:
        >>> nanargmax([1.0, float("nan"), 3.0]).item()
        2
    """
    return without_nan.place(x, axis, keepdims, True)


def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the smallest number, int32; -1 if there are none.

    Example:
        >>> nanargmin([1.0, float("nan"), 3.0]).item()
        0
    """
    return without_nan.place(x, axis, keepdims, False)


def nancumsum(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`cumsum` with NaN as 0.

    Example:
        >>> nancumsum([1.0, float("nan"), 3.0]).tolist()
        [1.0, 1.0, 4.0]
    """
    return reduction.cumsum(without_nan.filled(x, 0.0), axis, dtype)


def nancumprod(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`cumprod` with NaN as 1.

    Example:
        >>> nancumprod([2.0, float("nan"), 3.0]).tolist()
        [2.0, 2.0, 6.0]
    """
    return samples.cumprod(without_nan.filled(x, 1.0), axis, dtype)


def nanmedian(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`median` of the numbers; NaN if there are none.

    Example:
        >>> nanmedian([1.0, float("nan"), 3.0]).item()
        2.0
    """
    return ranks.quantile(x, 0.5, axis, keepdims, "linear", True, "nanmedian")


def nanquantile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of the numbers; NaN if there are none.

    Example:
        >>> nanquantile([1.0, float("nan"), 3.0], 0.5).item()
        2.0
    """
    return ranks.quantile(x, q, axis, keepdims, method, True, "nanquantile")


def nanpercentile(
    x: TensorLike, q: TensorLike, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`nanquantile` with q in [0, 100].

    Example:
        >>> nanpercentile([1.0, float("nan"), 3.0], 50).item()
        2.0
    """
    return ranks.quantile(x, ranks.per_cent(q), axis, keepdims, method, True, "nanpercentile")
