"""Quantiles, running products and statistics of samples.

`axis` is None for all axes unless stated otherwise; `keepdims` keeps the reduced axes with size 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base import moving, ranks, samples, scans
from .reduction import running

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import Axes, Tensor, TensorLike


def median(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The value in the middle of the order; of two, their mean. NaN if one value is NaN.

    Raises:
        ValueError: there are no values.

    Example:
        >>> median([3.0, 1.0, 2.0, 9.0]).item()
        2.5
    """
    return ranks.quantile(x, 0.5, axis, keepdims, "linear", False, "median")


def quantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The values below which the parts q of the values along axes lie, float32.

    Args:
        x: input. NaN gives NaN.
        q: parts in [0, 1]. Their axes come first in the result.
        axis: axis or axes; all for None.
        method: what a quantile between two values is: "linear", "lower", "higher", "midpoint" or
            "nearest".
        keepdims: whether to keep the reduced axes.

    Raises:
        ValueError: a part outside of [0, 1], another method, or no values.

    Example:
        >>> quantile([1.0, 2.0, 3.0, 4.0], [0.5, 1.0]).tolist()
        [2.5, 4.0]
    """
    return ranks.quantile(x, q, axis, keepdims, method, False, "quantile")


def percentile(
    x: TensorLike,
    q: TensorLike,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`quantile` with q in [0, 100].

    Example:
        >>> percentile([1.0, 2.0, 3.0, 4.0], 50).item()
        2.5
    """
    return ranks.quantile(x, ranks.per_cent(q), axis, keepdims, method, False, "percentile")


def ptp(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The distance of the largest value from the smallest.

    Example:
        >>> ptp([3.0, 1.0, 9.0]).item()
        8.0
    """
    largest = F.max(x, axes=axis, keepdims=keepdims)
    return F.sub(largest, F.min(x, axes=axis, keepdims=keepdims))


def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Tensor:
    """An order in which place `kth` of an axis is as in the sorted order, smaller values before.

    It is the whole order, int32. Without an axis x is flattened.

    Raises:
        ValueError: the axis has no such place.

    Example:
        >>> argpartition([3.0, 1.0, 2.0], 1).tolist()
        [1, 2, 0]
    """
    x = _core.as_tensor(x)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    length = x.shape[moving.checked_axis(axis, x.ndim, "argpartition")]
    if not -length <= kth < length:
        raise ValueError(f"argpartition: kth: expected {-length} to {length - 1}, got {kth}")
    return F.cast(F.order(x, axis=axis), dtype="int32")


def cumprod(x: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """Cumulative products along one axis. Without an axis x is flattened.

    Products of integers have their type and wrap; those of bools are int32.

    Example:
        >>> cumprod([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 2.0, 6.0, 24.0]
    """
    x = x if dtype is None else F.cast(x, dtype=dtype)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    return running(x, scans.products(x, axis, "cumprod"))


def count_nonzero(x: TensorLike, axis: Axes = None) -> Tensor:
    """How many values are not zero, int32.

    Example:
        >>> count_nonzero([[0.0, 5.0], [7.0, 1.0]], axis=0).tolist()
        [1, 2]
    """
    return F.cast(F.sum(F.ne(x, 0), axes=axis), dtype="int32")


def average(x: TensorLike, axis: Axes = None, weights: TensorLike | None = None) -> Tensor:
    """The mean, each value with a weight.

    Args:
        x: input.
        axis: axis or axes; all for None.
        weights: of the shape of x, or a vector with one for each entry of the axis.

    Raises:
        ValueError: weights of another shape.

    Example:
        >>> average([1.0, 3.0], weights=[3.0, 1.0]).item()
        1.5
    """
    return samples.average(x, axis, weights)


def corrcoef(x: TensorLike) -> Tensor:
    """The correlations of the rows of x, whose columns are samples.

    Raises:
        ValueError: more than two axes.

    Example:
        >>> round(corrcoef([[0.0, 2.0, 4.0], [3.0, 2.0, 1.0]])[0, 1].item())
        -1
    """
    return samples.correlation(x, "corrcoef")


def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Tensor:
    """Sums of products of two vectors, one moved along the other, as `numpy.correlate`.

    Args:
        x1: a vector.
        x2: a vector.
        mode: "valid" (where the shorter one lies within the longer), "same" (as many sums as the
            longer one has values) or "full" (wherever they overlap).

    Raises:
        ValueError: another mode, or inputs that are no vectors.

    Example:
        >>> correlate([1.0, 2.0, 3.0], [1.0, 1.0]).tolist()
        [3.0, 5.0]
    """
    return samples.correlated(x1, x2, mode)


def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, n times; of truth values, whether they differ.

    Raises:
        ValueError: n is negative.

    Example:
        >>> diff([1.0, 4.0, 9.0]).tolist()
        [3.0, 5.0]
    """
    return samples.differences(a, n, axis, "diff")


def trapezoid(
    y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1
) -> Tensor:
    """The area under the line through samples along an axis.

    Args:
        y: the heights of the samples.
        x: their places; without them the samples are `dx` apart.
        dx: their distance.
        axis: the axis.

    Example:
        >>> trapezoid([1.0, 2.0, 3.0]).item()
        4.0
    """
    return F.sum(samples.areas(y, x, dx, axis, "trapezoid"), axes=axis)


def digitize(x: TensorLike, bins: TensorLike) -> Tensor:
    """The bin of each value, int32: how many of the ascending edges lie at it or below.

    Example:
        >>> digitize([0.5, 2.0, 9.0], [1.0, 2.0, 3.0]).tolist()
        [0, 2, 3]
    """
    return samples.bins_of(x, bins)


def histogram(
    x: TensorLike, bins: int | TensorLike = 10, range: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """How many values lie in each bin, and the edges of the bins. It has no gradient.

    Args:
        x: a vector.
        bins: the number of bins of equal width, or ascending edges.
        range: the lowest and the highest edge; the smallest and the largest value if None.

    Raises:
        ValueError: x is no vector, fewer than one bin, or edges in another order.

    Example:
        >>> histogram([1.0, 2.0, 1.0], 2, range=(0.0, 3.0))[0].tolist()
        [2, 1]
    """
    x = _core.as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"histogram: x: expected one axis, got shape {x.shape}")
    if range is not None and (len(range) != 2 or range[0] >= range[1]):
        raise ValueError(f"histogram: range: expected two numbers that ascend, got {range}")
    counts, edges = samples.histogram(x, bins, range, None, False, "histogram")
    return _core.as_tensor(counts.astype("int32")), _core.as_tensor(edges.astype("float32"))


def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether each target is among the k classes with the highest predictions, as bool.

    Args:
        targets: classes, one for each row.
        predictions: rows of scores of classes. A class counts if fewer than k scores are higher;
            a row in which the score is not finite does not.
        k: how many classes count.

    Example:
        >>> in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).tolist()
        [True, False]
    """
    targets, predictions = _core.as_tensor(targets), _core.as_tensor(predictions)
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise ValueError(
            "in_top_k: expected rows of predictions and one target for each, got shapes "
            f"{predictions.shape} and {targets.shape}"
        )
    own = F.gather(predictions, F.reshape(targets, shape=(-1, 1)), axis=1)
    higher = F.sum(F.gt(predictions, own), axes=1)
    finite = F.reshape(F.isfinite(own), shape=(-1,))
    return F.logical_and(F.lt(higher, k), finite)
