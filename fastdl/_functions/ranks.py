"""What follows from the order of values: medians, quantiles, modes, running extremes.

With an axis, most return a named tuple `(values, indices)`. A tensor without axes has axis 0
and -1. Gradients flow to the chosen values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from .. import _core
from .._base import functional as F
from .._base import moving, ranks, scans
from .._base.results import MinMax, ValuesIndices

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


@overload
def median(input: TensorLike) -> Tensor: ...
@overload
def median(input: TensorLike, dim: int, keepdim: bool = False) -> ValuesIndices: ...
def median(
    input: TensorLike, dim: int | None = None, keepdim: bool = False
) -> Tensor | ValuesIndices:
    """The value in the middle of the order; of two, the lower one. NaN if one value is NaN.

    Args:
        input: input.
        dim: an axis. Without one, it is the median of all values, without indices.
        keepdim: whether to keep the reduced axis.

    Raises:
        ValueError: there are no values.

    Example:
        >>> median([3.0, 1.0, 2.0, 9.0]).item()
        2.0
    """
    found = ranks.middle(input, dim, keepdim, False, "median")
    return found[0] if dim is None else ValuesIndices(*found)


@overload
def nanmedian(input: TensorLike) -> Tensor: ...
@overload
def nanmedian(input: TensorLike, dim: int, keepdim: bool = False) -> ValuesIndices: ...
def nanmedian(
    input: TensorLike, dim: int | None = None, keepdim: bool = False
) -> Tensor | ValuesIndices:
    """`median` of the values that are no NaN.

    Example:
        >>> nanmedian([3.0, float("nan"), 2.0]).item()
        2.0
    """
    found = ranks.middle(input, dim, keepdim, True, "nanmedian")
    return found[0] if dim is None else ValuesIndices(*found)


def quantile(
    input: TensorLike,
    q: TensorLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The values below which the parts q of the values along an axis lie, float32.

    Args:
        input: input. NaN gives NaN.
        q: one part in [0, 1], or a vector of them, which becomes the first axis of the result.
        dim: the axis; all values without one.
        keepdim: whether to keep the reduced axis.
        interpolation: what a quantile between two values is: "linear", "lower", "higher",
            "midpoint" or "nearest".

    Raises:
        ValueError: a part outside of [0, 1], another interpolation, or no values.

    Example:
        >>> quantile([1.0, 2.0, 3.0, 4.0], [0.5, 1.0]).tolist()
        [2.5, 4.0]
    """
    return ranks.quantile(input, q, dim, keepdim, interpolation, False, "quantile")


def nanquantile(
    input: TensorLike,
    q: TensorLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """`quantile` of the values that are no NaN.

    Example:
        >>> nanquantile([1.0, float("nan"), 3.0], 0.5).item()
        2.0
    """
    return ranks.quantile(input, q, dim, keepdim, interpolation, True, "nanquantile")


def mode(input: TensorLike, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent value along an axis, and its last place; of several, the smallest.

    Raises:
        ValueError: there are no values.

    Example:
        >>> mode([3.0, 1.0, 3.0]).values.item()
        3.0
    """
    return ValuesIndices(*ranks.most_frequent(input, dim, keepdim, "mode"))


def kthvalue(input: TensorLike, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest value along an axis, k from 1, and its place.

    Raises:
        ValueError: k is larger than the axis, or below 1.

    Example:
        >>> kthvalue([3.0, 1.0, 2.0], 2).values.item()
        2.0
    """
    return ValuesIndices(*ranks.smallest(input, k, dim, keepdim, "kthvalue"))


def msort(input: TensorLike) -> Tensor:
    """The first axis sorted.

    Example:
        >>> msort([[3.0, 1.0], [2.0, 4.0]]).tolist()
        [[2.0, 1.0], [3.0, 4.0]]
    """
    input = _core.as_tensor(input)
    return F.gather(input, F.order(input, axis=0), axis=0) if input.ndim else input


def aminmax(input: TensorLike, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest value, of all or along an axis. NaN if one value is NaN.

    Raises:
        ValueError: there are no values.

    Example:
        >>> aminmax([3.0, 1.0, 2.0]).max.item()
        3.0
    """
    input = _core.as_tensor(input)
    if dim is not None and not input.ndim:
        moving.checked_axis(dim, 1, "aminmax")
        dim = None
    low = F.min(input, axes=dim, keepdims=keepdim)
    return MinMax(low, F.max(input, axes=dim, keepdims=keepdim))


def cummax(input: TensorLike, dim: int) -> ValuesIndices:
    """The largest value up to each place of an axis, and where it stands, the last of equal ones.

    Example:
        >>> cummax([1.0, 3.0, 2.0], 0).values.tolist()
        [1.0, 3.0, 3.0]
    """
    return ValuesIndices(*scans.extremes(input, dim, True, "cummax"))


def cummin(input: TensorLike, dim: int) -> ValuesIndices:
    """The smallest value up to each place of an axis, and where it stands, the last of equal ones.

    Example:
        >>> cummin([3.0, 1.0, 2.0], 0).indices.tolist()
        [0, 1, 1]
    """
    return ValuesIndices(*scans.extremes(input, dim, False, "cummin"))
