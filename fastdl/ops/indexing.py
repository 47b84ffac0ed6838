"""Operations that pick values by index.

Indices are int32 or int64 tensors or lists of integers; negative ones count from the end, one out
of range raises IndexError naming it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .._core import Tensor
from .reduction import ValuesIndices


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The entries of one axis in the order of `indices`; of the flattened input without an axis.

    The axis is replaced by the axes of `indices`, as in NumPy.

    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    if axis is None:
        return _core.take(_core.reshape(x, (-1,)), indices, 0)
    return _core.take(x, indices, axis)


def index_select(x: Any, dim: int, index: Any) -> Tensor:
    """`take` with PyTorch's order of arguments.

    Example:
        >>> index_select([[1.0, 2.0], [3.0, 4.0]], 0, [1]).tolist()
        [[3.0, 4.0]]
    """
    return _core.take(x, index, dim)


def gather(x: Any, dim: int, index: Any) -> Tensor:
    """One value per entry of `index`: `out[i][j] = x[index[i][j]][j]` for dim 0, and so on.

    `index` has as many axes as x; the result has its shape.

    Example:
        >>> gather([[1.0, 2.0], [3.0, 4.0]], 1, [[0], [1]]).tolist()
        [[1.0], [4.0]]
    """
    return _core.gather(x, index, dim)


def take_along_dim(x: Any, indices: Any, dim: int = -1, *, axis: int | None = None) -> Tensor:
    """`gather` with NumPy's order of arguments (`numpy.take_along_axis`).

    Example:
        >>> take_along_dim([[1.0, 2.0]], [[1]], 1).tolist()
        [[2.0]]
    """
    return _core.gather(x, indices, dim if axis is None else axis)


def one_hot(x: Any, num_classes: int = -1) -> Tensor:
    """A new last axis with 1 at the index and 0 elsewhere, float32.

    Args:
        x: integers.
        num_classes: size of the new axis; -1 takes one more than the largest value. A value
            outside gives zeros only.

    Example:
        >>> one_hot([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if num_classes < 0:
        num_classes = int(_core.max(x, None, False).item()) + 1
    return _core.one_hot(x, num_classes)


def narrow(x: Any, dim: int, start: int, length: int) -> Tensor:
    """`length` entries of one axis from `start` on.

    Example:
        >>> narrow([1.0, 2.0, 3.0], 0, 1, 2).tolist()
        [2.0, 3.0]
    """
    x = _core.as_tensor(x)
    rank = x.ndim
    if not -rank <= dim < rank:
        raise IndexError(f"narrow: axis {dim} is out of range for a tensor with {rank} axes")
    starts, stops = [0] * rank, list(x.shape)
    extent = stops[dim]
    first = start + extent if start < 0 else start
    if first < 0 or length < 0 or first + length > extent:
        raise IndexError(
            f"narrow: {length} entries from {start} on aren't in axis {dim} of shape {x.shape}"
        )
    starts[dim], stops[dim] = first, first + length
    return _core.slice(x, starts, stops, [1] * rank)


def nonzero(x: Any, as_tuple: bool = False) -> Any:
    """The positions of the values that aren't zero, int64 of shape (count, rank).

    With `as_tuple`, one 1-D tensor per axis, which indexes x.

    Example:
        >>> nonzero([0.0, 5.0, 0.0, 7.0]).tolist()
        [[1], [3]]
    """
    positions = _core.as_tensor(x).numpy().nonzero()
    if as_tuple:
        return tuple(_core.as_tensor(p) for p in positions)
    return _core.as_tensor(np.stack(positions, 1))


def masked_select(x: Any, mask: Any) -> Tensor:
    """The values where the mask, broadcast to x, is true, as a vector.

    Example:
        >>> masked_select([1.0, 2.0, 3.0], [True, False, True]).tolist()
        [1.0, 3.0]
    """
    x = _core.as_tensor(x)
    chosen = np.broadcast_to(_core.as_tensor(mask).numpy().astype(bool), x.shape)
    return _core.take(_core.reshape(x, (-1,)), np.flatnonzero(chosen), 0)


def argsort(x: Any, dim: int = -1, descending: bool = False, *, axis: int | None = None) -> Tensor:
    """The order that sorts one axis; equal values keep their order, NaN counts as largest.

    Example:
        >>> argsort([3.0, 1.0, 2.0]).tolist()
        [1, 2, 0]
    """
    values = _core.as_tensor(x).numpy()
    at = dim if axis is None else axis
    if not descending:
        return _core.as_tensor(np.argsort(values, axis=at, kind="stable"))
    # Sorted backwards from the end, so that equal values still keep their order.
    backwards = np.flip(np.argsort(np.flip(values, at), axis=at, kind="stable"), at)
    return _core.as_tensor(np.ascontiguousarray(values.shape[at] - 1 - backwards))


def sort(x: Any, dim: int = -1, descending: bool = False, *, axis: int | None = None) -> Any:
    """One axis sorted, with the order; gradients flow to the values.

    With `axis` the values only, as in NumPy and Keras.

    Example:
        >>> sort([3.0, 1.0, 2.0]).values.tolist()
        [1.0, 2.0, 3.0]
    """
    if axis is not None:
        return _core.gather(x, argsort(x, axis, descending), axis)
    order = argsort(x, dim, descending)
    return ValuesIndices(_core.gather(x, order, dim), order)


def topk(x: Any, k: int, dim: int = -1, largest: bool = True) -> ValuesIndices:
    """The k largest (or smallest) values of one axis, in order, with their indices.

    Raises:
        ValueError: k is larger than the axis.

    Example:
        >>> topk([1.0, 3.0, 2.0], 2).indices.tolist()
        [1, 2]
    """
    order = argsort(x, dim, largest)
    extent = order.shape[dim]
    if not 0 <= k <= extent:
        raise ValueError(f"topk: k is {k}, but axis {dim} of shape {order.shape} has size {extent}")
    order = narrow(order, dim, 0, k)
    return ValuesIndices(_core.gather(x, order, dim), order)


def unique(x: Any, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The different values in ascending order.

    Args:
        x: input, flattened.
        return_inverse: also where each value of x is among them, in the shape of x.
        return_counts: also how often each occurs.

    Returns:
        A tensor, or a tuple of those asked for.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    x = _core.as_tensor(x)
    values, inverse, counts = np.unique(x.numpy(), return_inverse=True, return_counts=True)
    result = [_core.as_tensor(values)]
    if return_inverse:
        result.append(_core.as_tensor(inverse.reshape(x.shape)))
    if return_counts:
        result.append(_core.as_tensor(counts))
    return result[0] if len(result) == 1 else tuple(result)


def bincount(x: Any, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... up to the largest value (at least to `minlength`) occurs.

    Raises:
        ValueError: a negative value.
        TypeError: values that aren't integers.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    return _core.as_tensor(np.bincount(_core.as_tensor(x).numpy(), minlength=minlength))


def tril(x: Any, diagonal: int = 0) -> Tensor:
    """The last two axes with zeros above a diagonal.

    Example:
        >>> tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 0.0], [3.0, 4.0]]
    """
    x = _core.as_tensor(x)
    return _core.where(np.tri(*_matrix(x, "tril"), diagonal, dtype=bool), x, 0)


def triu(x: Any, diagonal: int = 0) -> Tensor:
    """The last two axes with zeros below a diagonal.

    Example:
        >>> triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    x = _core.as_tensor(x)
    return _core.where(np.tri(*_matrix(x, "triu"), diagonal - 1, dtype=bool), 0, x)


def _matrix(x: Tensor, who: str) -> tuple[int, int]:
    if x.ndim < 2:
        raise ValueError(f"{who}: expected at least 2 axes, got shape {x.shape}")
    return x.shape[-2], x.shape[-1]


take_along_axis = take_along_dim
