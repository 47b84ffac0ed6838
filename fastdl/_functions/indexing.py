"""Operations that pick values by index.

Indices are int32 or int64 tensors or lists of integers. Negative indices count from the end. An
index out of range raises IndexError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import moving, picking
from .._base.results import ValuesIndices
from .._core import AxisError, ShapeError, Tensor

if TYPE_CHECKING:
    from .._core import TensorLike


def take(input: TensorLike, index: TensorLike, axis: int | None = None) -> Tensor:
    """The entries of the flattened input at `index`, in the shape of `index`.

    With `axis`, as in NumPy, the entries of that axis. The axes of `index` replace it.

    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    return picking.taken(input, index, axis)


def index_select(input: TensorLike, dim: int, index: TensorLike) -> Tensor:
    """`take` with PyTorch's order of arguments.

    Example:
        >>> index_select([[1.0, 2.0], [3.0, 4.0]], 0, [1]).tolist()
        [[3.0, 4.0]]
    """
    input, index = _core.as_tensor(input), _core.as_tensor(index)
    if index.ndim > 1:
        raise ShapeError(f"index_select: index: expected a vector, got shape {index.shape}")
    if moving.is_scalar(input, "index_select", dim):
        return F.reshape(F.take(F.reshape(input, shape=(1,)), index, axis=0), shape=())
    return F.take(input, index, axis=dim)


def gather(input: TensorLike, dim: int, index: TensorLike) -> Tensor:
    """One value per entry of `index`: `out[i][j] = input[index[i][j]][j]` for dim 0, and so on.

    `index` has as many axes as the input. The result has the shape of `index`.

    Example:
        >>> gather([[1.0, 2.0], [3.0, 4.0]], 1, [[0], [1]]).tolist()
        [[1.0], [4.0]]
    """
    input = _core.as_tensor(input)
    if not input.ndim:  # PyTorch's dim 0 of a tensor without axes
        moving.checked_axis(dim, 1, "gather")
        flat = F.gather(F.reshape(input, shape=(1,)), F.reshape(index, shape=(-1,)), axis=0)
        return F.reshape(flat, shape=_core.as_tensor(index).shape)
    try:
        return F.gather(input, index, axis=dim)
    except ValueError:
        index = _core.as_tensor(index)
        if index.numel():
            raise
    moving.checked_axis(dim, input.ndim, "gather")
    # No index, of any shape, picks nothing.
    return F.reshape(
        F.take(F.reshape(input, shape=(-1,)), np.zeros(0, np.int64)), shape=index.shape
    )


def take_along_dim(input: TensorLike, indices: TensorLike, dim: int | None = None) -> Tensor:
    """One value for each index along an axis. The other axes of both broadcast.

    Without an axis both are flattened.

    Raises:
        ValueError: input and indices differ in rank, or do not broadcast.

    Example:
        >>> take_along_dim([[1.0, 2.0], [3.0, 4.0]], [[1]], 1).tolist()
        [[2.0], [4.0]]
    """
    return picking.along(input, indices, dim, "take_along_dim")


def one_hot(input: TensorLike, num_classes: int = -1) -> Tensor:
    """A new last axis with 1 at the index and 0 elsewhere, float32.

    Args:
        input: integers.
        num_classes: the size of the new axis; -1 takes one more than the largest value. A value
            outside of it gives zeros.

    Example:
        >>> one_hot([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if num_classes < 0:
        num_classes = int(F.max(input).item()) + 1
    return F.one_hot(input, depth=num_classes)


def narrow(input: TensorLike, dim: int, start: int, length: int) -> Tensor:
    """`length` entries of one axis from `start` on.

    Example:
        >>> narrow([1.0, 2.0, 3.0], 0, 1, 2).tolist()
        [2.0, 3.0]
    """
    input = _core.as_tensor(input)
    rank = input.ndim
    if not -rank <= dim < rank:
        raise AxisError(f"narrow: axis {dim} is out of range for a tensor with {rank} axes")
    extent = input.shape[dim]
    if type(start) is not int or type(length) is not int:
        from .._base.checks import check_integer  # which the import of the package does without

        start = start.item() if isinstance(start, Tensor) and start.ndim == 0 else start
        start = check_integer("narrow", "start", start)
        length = check_integer("narrow", "length", length)
    first = start + extent if start < 0 else start
    if first < 0 or length < 0 or first + length > extent:
        raise AxisError(
            f"narrow: start and length: expected entries of axis {dim} of shape {input.shape}, got "
            f"{start} and {length}"
        )
    key = (slice(None),) * (dim % rank) + (slice(first, first + length),)
    return input[key]


@overload
def nonzero(input: TensorLike, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input: TensorLike, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input: TensorLike, *, as_tuple: bool = False) -> Tensor | tuple[Tensor, ...]:
    """The positions of the values that aren't zero, int64 of shape (count, rank).

    With `as_tuple` they are one vector per axis, a valid index of the input.

    Example:
        >>> nonzero([0.0, 5.0, 0.0, 7.0]).tolist()
        [[1], [3]]
    """
    positions = picking.positions(input)
    if as_tuple:
        return tuple(_core.as_tensor(p) for p in positions)
    if not _core.as_tensor(input).ndim:  # no axis, so no index: PyTorch's shape (count, 0)
        return _core.as_tensor(np.empty((len(positions[0]), 0), np.int64))
    return _core.as_tensor(np.stack(positions, 1))


def masked_select(input: TensorLike, mask: TensorLike) -> Tensor:
    """A vector of the values where the mask is true. Input and mask are broadcast to each other.

    Example:
        >>> masked_select([1.0, 2.0, 3.0], [True, False, True]).tolist()
        [1.0, 3.0]
    """
    input, where = _core.as_tensor(input), _core.as_tensor(mask).numpy().astype(bool)
    shape = moving.broadcast("masked_select", input.shape, where.shape)
    if shape != input.shape:
        input = F.broadcast_to(input, shape=shape)
    chosen = np.flatnonzero(np.broadcast_to(where, shape))
    return F.take(F.reshape(input, shape=(-1,)), chosen)


def argsort(
    input: TensorLike, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The order that sorts one axis. NaN counts as largest.

    Equal values always keep their order; `stable` has no effect.

    Example:
        >>> argsort([3.0, 1.0, 2.0]).tolist()
        [1, 2, 0]
    """
    return F.order(input, axis=dim, descending=descending)


def sort(
    input: TensorLike, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> ValuesIndices:
    """One axis sorted, and the order that `argsort` gives. Gradients flow to the values.

    Example:
        >>> sort([3.0, 1.0, 2.0]).values.tolist()
        [1.0, 2.0, 3.0]
    """
    input = _core.as_tensor(input)
    order = F.order(input, axis=dim, descending=descending)
    return ValuesIndices(F.gather(input, order, axis=dim) if input.ndim else input, order)


def topk(
    input: TensorLike, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """The k largest (or smallest) values of one axis with their indices.

    The values are always in order; `sorted` has no effect.

    Raises:
        ValueError: k is larger than the axis.

    Example:
        >>> topk([1.0, 3.0, 2.0], 2).indices.tolist()
        [1, 2]
    """
    input = _core.as_tensor(input)
    if not input.ndim and k == 1:  # PyTorch's dim 0 of a tensor without axes
        return sort(input, dim)
    return ValuesIndices(*picking.first_in_order(input, k, dim, largest, "topk"))


@overload
def unique(
    input: TensorLike,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> Tensor: ...
@overload
def unique(
    input: TensorLike,
    sorted: bool = True,
    *,
    return_inverse: Literal[True],
    return_counts: bool = False,
    dim: int | None = None,
) -> tuple[Tensor, ...]: ...
@overload
def unique(
    input: TensorLike,
    sorted: bool = True,
    return_inverse: bool = False,
    *,
    return_counts: Literal[True],
    dim: int | None = None,
) -> tuple[Tensor, ...]: ...
def unique(
    input: TensorLike,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Tensor | tuple[Tensor, ...]:
    """The distinct values in ascending order.

    Args:
        input: a tensor. Without an axis it is flattened.
        sorted: without effect, since the values are always in order.
        return_inverse: whether to return the place of each element of the input among the values.
        return_counts: whether to return how often each value occurs.
        dim: compares slices along this axis instead of single values.

    Returns:
        The values. With `return_inverse` or `return_counts`, a tuple that begins with them.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    values, _, inverse, counts = picking.different(input, dim)
    result = [values]
    if return_inverse:
        result.append(inverse)
    if return_counts:
        result.append(counts)
    return result[0] if len(result) == 1 else tuple(result)


def bincount(input: TensorLike, weights: TensorLike | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... up to the largest value occurs; `minlength` counts or more.

    With `weights`, the sum of the weights of each value, float32.

    Raises:
        ValueError: a value is negative, or the input does not have one axis.
        TypeError: the values aren't integers.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    return picking.counts(input, weights, minlength, "bincount")


def tril(input: TensorLike, diagonal: int = 0) -> Tensor:
    """The last two axes with zeros above a diagonal.

    Example:
        >>> tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 0.0], [3.0, 4.0]]
    """
    return picking.triangle(input, diagonal, True, "tril")


def triu(input: TensorLike, diagonal: int = 0) -> Tensor:
    """The last two axes with zeros below a diagonal.

    Example:
        >>> triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    return picking.triangle(input, diagonal, False, "triu")
