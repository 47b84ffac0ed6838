"""Joining, cutting and turning tensors, and diagonals.

Where PyTorch gives a view, the result is a copy that stands for its part of the input (views.py).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, overload

import numpy as np

from .. import _core
from .._base import diagonals, moving, shaping
from .._base import functional as F
from .._base.checks import check_choice, check_integer
from .._base.creation import finished
from .._base.moving import made
from .._core import ShapeError, Tensor
from .movement import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Axes, IntOrInts, TensorLike


# --- ranks and shapes


@overload
def atleast_1d(tensors: TensorLike, /) -> Tensor: ...
@overload
def atleast_1d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]: ...
def atleast_1d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]:
    """Tensors with at least one axis: one, or a tuple of several or of a list.

    Example:
        >>> atleast_1d(fastdl.tensor(2.0)).shape
        (1,)
    """
    return _at_least(tensors, 1)


@overload
def atleast_2d(tensors: TensorLike, /) -> Tensor: ...
@overload
def atleast_2d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]: ...
def atleast_2d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]:
    """Tensors with at least two axes; a vector becomes a row.

    Example:
        >>> atleast_2d(fastdl.ones(3)).shape
        (1, 3)
    """
    return _at_least(tensors, 2)


@overload
def atleast_3d(tensors: TensorLike, /) -> Tensor: ...
@overload
def atleast_3d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]: ...
def atleast_3d(*tensors: TensorLike) -> Tensor | tuple[Tensor, ...]:
    """Tensors with at least three axes: (n) as (1, n, 1) and (n, m) as (n, m, 1).

    Example:
        >>> atleast_3d(fastdl.ones(3)).shape
        (1, 3, 1)
    """
    return _at_least(tensors, 3)


def _at_least(tensors: tuple[TensorLike, ...], rank: int) -> Tensor | tuple[Tensor, ...]:
    if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)):
        return shaping.at_least(tensors[0], rank)
    return tuple(shaping.at_least(x, rank) for x in _many(tensors))


def _many(tensors: Sequence[TensorLike]) -> Sequence[TensorLike]:
    """The tensors of f(x, y) and of f([x, y])."""
    listed = len(tensors) == 1 and isinstance(tensors[0], (list, tuple))
    return tensors[0] if listed else tensors  # type: ignore[return-value]


def broadcast_shapes(*shapes: IntOrInts) -> tuple[int, ...]:
    """The shape to which tensors of some shapes broadcast.

    Raises:
        ValueError: they don't.

    Example:
        >>> broadcast_shapes((2, 1), (3,))
        (2, 3)
    """
    try:
        return np.broadcast_shapes(*(tuple(moving.one_by_one((shape,))) for shape in shapes))
    except (TypeError, ValueError):
        known = " and ".join(str(shape) for shape in shapes)
        raise ShapeError(f"broadcast_shapes: {known} don't broadcast") from None


def broadcast_tensors(*tensors: TensorLike) -> tuple[Tensor, ...]:
    """Tensors with their values repeated so that all have one shape.

    Example:
        >>> [t.shape for t in broadcast_tensors(fastdl.ones(2, 1), fastdl.ones(3))]
        [(2, 3), (2, 3)]
    """
    many = [_core.as_tensor(x) for x in _many(tensors)]
    shape = broadcast_shapes(*(x.shape for x in many))
    return tuple(_core.expanded(x, shape) for x in many)


def numel(input: TensorLike) -> int:
    """The number of elements.

    Example:
        >>> numel([[1.0, 2.0]])
        2
    """
    return _core.as_tensor(input).numel()


def swapdims(input: TensorLike, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged.

    Example:
        >>> swapdims([[1.0, 2.0]], 0, 1).tolist()
        [[1.0], [2.0]]
    """
    return _core.exchanged(input, dim0, dim1, "swapdims")


def swapaxes(input: TensorLike, axis0: int, axis1: int) -> Tensor:
    """Two axes exchanged.

    Example:
        >>> swapaxes([[1.0, 2.0]], 0, 1).tolist()
        [[1.0], [2.0]]
    """
    return _core.exchanged(input, axis0, axis1, "swapaxes")


def adjoint(input: TensorLike) -> Tensor:
    """The last two axes exchanged, since numbers are real.

    Example:
        >>> adjoint([[1.0, 2.0]]).shape
        (2, 1)
    """
    return _core.exchanged(input, -2, -1, "adjoint")


# --- joining


def hstack(tensors: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the second axis, vectors along their only one.

    Example:
        >>> hstack([[1.0], [2.0, 3.0]]).tolist()
        [1.0, 2.0, 3.0]
    """
    return shaping.joined_columns(tensors, "hstack")


def vstack(tensors: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the first axis, vectors as rows.

    Example:
        >>> vstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return shaping.joined_rows(tensors, "vstack")


def dstack(tensors: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the third axis, (n) as (1, n, 1) and (n, m) as (n, m, 1).

    Example:
        >>> dstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return shaping.joined_deep(tensors, "dstack")


def column_stack(tensors: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along the second axis, vectors as columns.

    Example:
        >>> column_stack([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    many = shaping.as_list(tensors, "column_stack")
    return F.concat([F.reshape(x, shape=(-1, 1)) if x.ndim < 2 else x for x in many], axis=1)


def block_diag(*tensors: TensorLike) -> Tensor:
    """A matrix with matrices along its diagonal and zeros elsewhere; vectors are rows.

    Example:
        >>> block_diag([[1.0]], [[2.0, 3.0]]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 2.0, 3.0]]
    """
    if not tensors:
        return _core.full((1, 0), "float32", 0)
    return shaping.blocks_on_the_diagonal(tensors, "block_diag")


# --- cutting


def tensor_split(
    input: TensorLike,
    indices_or_sections: IntOrInts | Tensor | None = None,
    dim: int = 0,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Cuts one axis into parts, of which the first may be larger by one.

    Args:
        input: a tensor.
        indices_or_sections: the number of parts, or the places to cut at.
        dim: the axis.
        indices: the places.
        sections: the number.

    Raises:
        ValueError: the number of parts is not positive.

    Example:
        >>> [part.tolist() for part in tensor_split([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
    """
    given = [g for g in (indices_or_sections, indices, sections) if g is not None]
    if len(given) != 1:
        raise TypeError("tensor_split: expected either a number of parts or places to cut at")
    parts = given[0].tolist() if isinstance(given[0], Tensor) else given[0]
    return tuple(shaping.in_uneven_parts(input, parts, dim, "tensor_split"))


def hsplit(input: TensorLike, *sections: IntOrInts, indices: Axes = None) -> tuple[Tensor, ...]:
    """Cuts the second axis into equal parts or at places; of a vector the only one.

    Args:
        input: a tensor.
        sections: the number of parts, or the places, as one sequence or as several arguments.
        indices: the places.

    Raises:
        ValueError: the axis is no multiple of the number.

    Example:
        >>> [part.tolist() for part in hsplit([[1.0, 2.0]], 2)]
        [[[1.0]], [[2.0]]]
    """
    return _split_as("hsplit", input, sections, indices)


def vsplit(input: TensorLike, *sections: IntOrInts, indices: Axes = None) -> tuple[Tensor, ...]:
    """Cuts the first axis; arguments as of `hsplit`.

    Example:
        >>> [part.tolist() for part in vsplit([[1.0], [2.0]], 2)]
        [[[1.0]], [[2.0]]]
    """
    return _split_as("vsplit", input, sections, indices)


def dsplit(input: TensorLike, *sections: IntOrInts, indices: Axes = None) -> tuple[Tensor, ...]:
    """Cuts the third axis; arguments as of `hsplit`.

    Example:
        >>> [part.tolist() for part in dsplit([[[1.0, 2.0]]], 2)]
        [[[[1.0]]], [[[2.0]]]]
    """
    return _split_as("dsplit", input, sections, indices)


def _split_as(
    who: str, input: TensorLike, sections: tuple[IntOrInts, ...], indices: Axes
) -> tuple[Tensor, ...]:
    x = _core.as_tensor(input)
    parts = moving.one_or_many(sections) if indices is None else indices
    axis = shaping.axis_of_split(x, who[0], who)
    return tuple(moving.in_parts(x, parts, axis, who))


def split_with_sizes(
    input: TensorLike, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Cuts one axis into parts of given sizes.

    Example:
        >>> [part.tolist() for part in split_with_sizes([1.0, 2.0, 3.0], [1, 2])]
        [[1.0], [2.0, 3.0]]
    """
    return split(input, split_sizes, dim)


def unsafe_split(input: TensorLike, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of one size.

    Example:
        >>> [part.tolist() for part in unsafe_split([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
    """
    from .movement import split

    return split(input, split_size, dim)


def unsafe_chunk(input: TensorLike, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`.

    Example:
        >>> [part.tolist() for part in unsafe_chunk([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
    """
    from .movement import chunk

    return chunk(input, chunks, dim)


def unfold(input: TensorLike, dimension: int, size: int, step: int) -> Tensor:
    """All windows of a size along one axis, their elements along a new last axis
    (`torch.Tensor.unfold`).

    Args:
        input: a tensor.
        dimension: the axis.
        size: the size of a window.
        step: the distance from one to the next.

    Raises:
        ValueError: no window fits, or a step that is not positive.

    Example:
        >>> unfold([1.0, 2.0, 3.0], 0, 2, 1).tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """
    return made(shaping.windows, input, dimension, size, step, "unfold")


def narrow_copy(input: TensorLike, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, with memory of its own.

    Example:
        >>> narrow_copy([1.0, 2.0, 3.0], 0, 1, 2).tolist()
        [2.0, 3.0]
    """
    from .indexing import narrow

    return F.copy(narrow(input, dim, start, length))


# --- turning


def fliplr(input: TensorLike) -> Tensor:
    """Reverses the second axis. ValueError for fewer than two axes.

    Example:
        >>> fliplr([[1.0, 2.0]]).tolist()
        [[2.0, 1.0]]
    """
    input = _core.as_tensor(input)
    if input.ndim < 2:
        raise ShapeError(f"fliplr: expected at least 2 axes, got shape {input.shape}")
    return moving.flipped(input, 1, "fliplr")


def flipud(input: TensorLike) -> Tensor:
    """Reverses the first axis. ValueError for a tensor without axes.

    Example:
        >>> flipud([1.0, 2.0]).tolist()
        [2.0, 1.0]
    """
    input = _core.as_tensor(input)
    if not input.ndim:
        raise ShapeError("flipud: expected at least 1 axis, got shape ()")
    return moving.flipped(input, 0, "flipud")


def rot90(input: TensorLike, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turns a tensor by k quarters, from the first of two axes towards the second.

    Example:
        >>> rot90([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """
    return shaping.turned(input, k, tuple(dims), "rot90")


# --- diagonals


def diag(input: TensorLike, diagonal: int = 0) -> Tensor:
    """A diagonal of a matrix, or the matrix that has a vector as a diagonal.

    Example:
        >>> diag([1.0, 2.0]).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    return diagonals.diag(input, check_integer("diag", "diagonal", diagonal), "diag")


def diagflat(input: TensorLike, offset: int = 0) -> Tensor:
    """The matrix that has the elements of the input as a diagonal.

    Example:
        >>> diagflat([[1.0], [2.0]]).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    flat = F.reshape(input, shape=(-1,))
    return diagonals.embedded(flat, check_integer("diagflat", "offset", offset), 0, 1, "diagflat")


def diag_embed(input: TensorLike, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Square matrices, in two axes of the result, with the last axis of the input as a diagonal.

    Example:
        >>> diag_embed([[1.0, 2.0]]).tolist()
        [[[1.0, 0.0], [0.0, 2.0]]]
    """
    return diagonals.embedded(input, offset, dim1, dim2, "diag_embed")


def diagonal(input: TensorLike, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A diagonal of the matrices in two axes, as the last axis of the result.

    Example:
        >>> diagonal([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
        [2.0]
    """
    return _core.diagonal(input, offset, dim1, dim2)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: Place | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """The rows and columns of the elements of a lower triangle, (2, count).

    Example:
        >>> tril_indices(2, 2).tolist()
        [[0, 1, 1], [0, 0, 1]]
    """
    where = diagonals.triangle_indices(*_sizes("tril_indices", row, col), offset, True)
    return finished(_core.as_tensor(where, dtype or "int64"), requires_grad, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    device: Place | None = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """The rows and columns of the elements of an upper triangle, (2, count).

    Example:
        >>> triu_indices(2, 2).tolist()
        [[0, 0, 1], [0, 1, 1]]
    """
    where = diagonals.triangle_indices(*_sizes("triu_indices", row, col), offset, False)
    return finished(_core.as_tensor(where, dtype or "int64"), requires_grad, device)


def _sizes(who: str, row: int, col: int) -> tuple[int, int]:
    return check_integer(who, "row", row, 0), check_integer(who, "col", col, 0)


# --- grids and combinations


def meshgrid(*tensors: TensorLike, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For each vector a tensor of all their sizes that varies along its axis alone.

    Args:
        tensors: vectors, as one list or as several arguments.
        indexing: "ij" (the default) for axes in the order of the vectors, "xy" for the first two
            exchanged.

    Raises:
        ValueError: another `indexing`, or a tensor of more than one axis.

    Example:
        >>> [grid.tolist() for grid in meshgrid([1.0, 2.0], [3.0])]
        [[[1.0], [2.0]], [[3.0], [3.0]]]
    """
    check_choice("meshgrid", "indexing", indexing, (None, "ij", "xy"))
    many = tensors
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        if tensors[0] and not isinstance(tensors[0][0], (int, float)):
            many = tuple(tensors[0])
    return tuple(shaping.grids(many, indexing or "ij", "meshgrid"))


def cartesian_prod(*tensors: TensorLike) -> Tensor:
    """All combinations of one element of each vector, as rows. Of one vector it is that one.

    Example:
        >>> cartesian_prod([1, 2], [3]).tolist()
        [[1, 3], [2, 3]]
    """
    many = shaping.as_list(tensors, "cartesian_prod")
    if len(many) == 1:
        return many[0]
    grids = shaping.grids(many, "ij", "cartesian_prod")
    return F.stack([F.reshape(x, shape=(-1,)) for x in grids], axis=1)


def combinations(input: TensorLike, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector in their order, as rows.

    Args:
        input: a vector.
        r: how many.
        with_replacement: whether an element may be chosen again.

    Example:
        >>> combinations([1, 2, 3]).tolist()
        [[1, 2], [1, 3], [2, 3]]
    """
    input = _core.as_tensor(input)
    if input.ndim != 1:
        raise ShapeError(f"combinations: expected a vector, got shape {input.shape}")
    r = check_integer("combinations", "r", r, 0)
    if r == 0:
        return _core.full((0,), input.dtype, 0)
    kind = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(kind(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return F.take(input, chosen)


row_stack = vstack
