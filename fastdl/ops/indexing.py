"""Operations that pick values by index.

Indices are integer tensors or lists of integers; negative ones count from the end, one out of range
raises IndexError naming it. Results that are indices are int32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import moving, picking
from .._base.results import ValuesIndices
from .._core import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import TensorLike


def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The entries of one axis in the order of `indices`; of the flattened input without an axis.

    The axis is replaced by the axes of `indices`.

    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    return picking.taken(x, indices, axis)


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """One value for each index along an axis; the other axes of both broadcast.

    Without an axis, of the flattened input.

    Raises:
        ValueError: x and indices differ in rank, or do not broadcast.

    Example:
        >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1]], axis=1).tolist()
        [[2.0], [4.0]]
    """
    return picking.along(x, indices, axis, "take_along_axis")


def one_hot(
    x: TensorLike,
    num_classes: int,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
) -> Tensor:
    """A new axis with 1 at the index and 0 elsewhere.

    Args:
        x: integers; one outside of the classes gives zeros only.
        num_classes: size of the new axis.
        axis: where the new axis is in the result.
        dtype: float32 by default.
        sparse: only False is possible.

    Example:
        >>> one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _no_sparse("one_hot", sparse)
    hot = F.one_hot(x, depth=num_classes)
    if axis != -1:
        hot = moving.moved(hot, -1, axis, "one_hot")
    return hot if dtype is None else F.cast(hot, dtype=dtype)


def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """Where x isn't zero: one vector of indices for each axis.

    Example:
        >>> [where.tolist() for where in nonzero([[0.0, 5.0], [7.0, 0.0]])]
        [[0, 1], [1, 0]]
    """
    return tuple(_core.as_tensor(p.astype(np.int32)) for p in picking.positions(x))


def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The order that sorts one axis, or the flattened input for None.

    Equal values keep their order, NaN counts as largest.

    Example:
        >>> argsort([3.0, 1.0, 2.0]).tolist()
        [1, 2, 0]
    """
    x, axis = _flat_for_none(x, axis)
    return F.cast(picking.order_of(x, axis), dtype="int32")


def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """One axis sorted, or the flattened input for None; gradients flow to the values.

    Example:
        >>> sort([3.0, 1.0, 2.0]).tolist()
        [1.0, 2.0, 3.0]
    """
    x, axis = _flat_for_none(x, axis)
    return F.gather(x, picking.order_of(x, axis), axis=axis) if x.ndim else x


def _flat_for_none(x: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    x = _core.as_tensor(x)
    return (F.reshape(x, shape=(-1,)), 0) if axis is None else (x, axis)


def top_k(x: TensorLike, k: int, sorted: bool = True) -> ValuesIndices:
    """The k largest values of the last axis with their indices, in order whatever `sorted` says.

    Raises:
        ValueError: k is larger than the axis.

    Example:
        >>> top_k([1.0, 3.0, 2.0], 2).indices.tolist()
        [1, 2]
    """
    values, indices = picking.first_in_order(x, k, -1, True, "top_k")
    return ValuesIndices(values, F.cast(indices, dtype="int32"))


def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Any:
    """The different values in ascending order.

    Args:
        x: input; flattened without an axis.
        sorted: they are in order whatever it says.
        return_index: also where each occurs first.
        return_inverse: also where each value of x is among them.
        return_counts: also how often each occurs.
        axis: compares slices along this axis instead of single values.
        size: the number of values returned; more are cut off, missing ones are filled up.
        fill_value: what fills up; the smallest value by default.

    Returns:
        A tensor, or a tuple of those asked for.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    values, first, inverse, counts = picking.different(x, axis)
    if size is not None:
        at = axis or 0
        have = values.shape[at]
        order = np.minimum(np.arange(size), have) if have else np.zeros(size, np.int64)
        filler = F.take(values, [0], axis=at)
        if fill_value is not None:
            filler = _core.full(filler.shape, values.dtype, fill_value)
        values = F.take(F.concat([values, filler], axis=at), order, axis=at)
        first = F.take(F.concat([first, F.take(first, [0])]), order)
        none = _core.full((1,), "int64", 0)
        counts = F.take(F.concat([counts, none]), order)
    result = [values]
    for wanted, indices in (
        (return_index, first),
        (return_inverse, inverse),
        (return_counts, counts),
    ):
        if wanted:
            result.append(F.cast(indices, dtype="int32"))
    return result[0] if len(result) == 1 else tuple(result)


def bincount(
    x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> Tensor:
    """How often each of 0, 1, ... up to the largest value (at least to `minlength`) occurs.

    Args:
        x: integers; of two axes, each row is counted.
        weights: what each value counts, in the shape of x; 1 by default.
        minlength: the least number of counts.
        sparse: only False is possible.

    Returns:
        int32, or float32 with weights.

    Raises:
        ValueError: a negative value.
        TypeError: values that aren't integers.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    _no_sparse("bincount", sparse)
    x = _core.as_tensor(x)
    if x.ndim == 2:
        length = max(minlength, int(F.max(x).item()) + 1 if x.numel() else 0)
        rows = range(x.shape[0])
        chosen = weights if weights is None else _core.as_tensor(weights)
        return F.stack(
            [bincount(x[i], None if chosen is None else chosen[i], length) for i in rows]
        )
    count = picking.counts(x, weights, minlength, "bincount")
    return count if weights is not None else F.cast(count, dtype="int32")


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The last two axes with zeros above the k-th diagonal.

    Example:
        >>> tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 0.0], [3.0, 4.0]]
    """
    return picking.triangle(x, k, True, "tril")


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The last two axes with zeros below the k-th diagonal.

    Example:
        >>> triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    return picking.triangle(x, k, False, "triu")


def _no_sparse(who: str, sparse: bool) -> None:
    if sparse:
        raise ValueError(f"{who}: sparse=True is not possible, there are no sparse tensors")
