"""Operations that move values without changing them: shapes, axes, joining and cutting.

Tensors are contiguous. `reshape` and the functions that use it (`flatten`, `squeeze`, `unsqueeze`)
share the input's memory; all others copy. A copy that is a view in PyTorch stands for its part of
the input: a write into one of them reaches the other. Axes may be negative; an axis out of range
raises IndexError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import moving
from .._base.moving import checked_axis as _axis
from .._core import ArgumentError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Axes, IntOrInts, Tensor, TensorLike


def reshape(input: TensorLike, *sizes: IntOrInts, shape: IntOrInts | None = None) -> Tensor:
    """The same values in another shape, sharing memory where a view in PyTorch does.

    Args:
        input: input.
        sizes: the shape, as one sequence or as several arguments. One size may be -1; it is then
            computed.
        shape: the shape as a keyword argument.

    Raises:
        ValueError: the shape holds another number of values.

    Example:
        >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return _core.reshaped(input, moving.one_or_many(sizes) if shape is None else shape)


def flatten(input: TensorLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Joins the axes from `start_dim` to `end_dim`, both included.

    Example:
        >>> flatten([[[1.0], [2.0]]], 1).shape
        (1, 2)
    """
    input = _core.as_tensor(input)
    shape = input.shape
    if not shape:
        return F.reshape(input, shape=(1,))
    start, end = _axis(start_dim, len(shape), "flatten"), _axis(end_dim, len(shape), "flatten")
    if start > end:
        raise ArgumentError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    joined = (*shape[:start], _size(shape[start : end + 1]), *shape[end + 1 :])
    return _core.reshaped(input, joined)


def ravel(input: TensorLike) -> Tensor:
    """All elements along one axis, sharing memory where `reshape` does.

    Example:
        >>> ravel([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    return _core.reshaped(input, (-1,))


def unflatten(input: TensorLike, dim: int, sizes: Sequence[int]) -> Tensor:
    """Cuts one axis into several; one of the sizes may be -1.

    Example:
        >>> unflatten([[1.0, 2.0, 3.0, 4.0]], 1, (2, 2)).shape
        (1, 2, 2)
    """
    input = _core.as_tensor(input)
    shape = input.shape
    dim = _axis(dim, len(shape), "unflatten")
    sizes = list(sizes)
    if -1 in sizes:
        known = -_size(sizes)
        sizes[sizes.index(-1)] = shape[dim] // known if known > 0 else -1
    if _size(sizes) != shape[dim]:
        raise ShapeError(
            f"unflatten: sizes: expected a product of {shape[dim]} for axis {dim}, got "
            f"{tuple(sizes)}"
        )
    return F.reshape(input, shape=(*shape[:dim], *sizes, *shape[dim + 1 :]))


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size


def squeeze(input: TensorLike, dim: IntOrInts | None = None) -> Tensor:
    """Removes axes of size 1, all of them by default. Given axes of other sizes stay.

    Example:
        >>> squeeze([[[1.0, 2.0]]], 0).shape
        (1, 2)
    """
    return _core.squeeze(input, dim)


def unsqueeze(input: TensorLike, dim: int) -> Tensor:
    """Inserts an axis of size 1 before axis `dim`.

    Example:
        >>> unsqueeze([1.0, 2.0], -1).shape
        (2, 1)
    """
    return _core.unsqueeze(input, dim)


@overload
def transpose(input: TensorLike, dim0: Axes = None) -> Tensor: ...
@overload
def transpose(input: TensorLike, dim0: int, dim1: int) -> Tensor: ...
def transpose(input: TensorLike, dim0: Axes = None, dim1: int | None = None) -> Tensor:
    """Exchanges axes.

    Args:
        input: input.
        dim0: the first of two axes to exchange. Without `dim1`, the order of all axes; None
            reverses them.
        dim1: the second axis.

    Returns:
        A part of `input`: what is written into it reaches `input`.

    Example:
        >>> transpose([[1.0, 2.0]], 0, 1).tolist()
        [[1.0], [2.0]]
    """
    if dim1 is None:
        return _core.transposed(input, dim0)
    return _core.exchanged(input, dim0, dim1, "transpose")  # type: ignore[arg-type]


def permute(input: TensorLike, *axes: IntOrInts, dims: Axes = None) -> Tensor:
    """The axes in the given order, as one sequence or as several arguments.

    Example:
        >>> permute([[[1.0, 2.0]]], 2, 0, 1).shape
        (2, 1, 1)
    """
    return _core.transposed(input, moving.one_or_many(axes) if dims is None else dims)


def t(input: TensorLike) -> Tensor:
    """The transpose of a matrix. Vectors and scalars are returned unchanged.

    Example:
        >>> t([[1.0, 2.0]]).shape
        (2, 1)
    """
    input = _core.as_tensor(input)
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most 2 axes, got shape {input.shape}; use transpose")
    return _core.transposed(input) if input.ndim == 2 else input


def movedim(input: TensorLike, source: IntOrInts, destination: IntOrInts) -> Tensor:
    """Moves one axis or several to other places. The others keep their order.

    Example:
        >>> movedim([[[1.0, 2.0]]], -1, 0).shape
        (2, 1, 1)
    """
    input = _core.as_tensor(input)
    if moving.is_scalar(input, "movedim", source, destination):
        return input
    order = moving.order_of_moved(input.ndim, source, destination, "movedim")
    return _core.transposed(input, order)


def broadcast_to(input: TensorLike, size: Sequence[int]) -> Tensor:
    """The values repeated along new axes and axes of size 1.

    Example:
        >>> broadcast_to([1.0, 2.0], (2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    return _core.expanded(input, size)


def expand(input: TensorLike, *sizes: IntOrInts) -> Tensor:
    """`broadcast_to`, but a size of -1 keeps the size of the axis.

    Example:
        >>> expand([[1.0], [2.0]], -1, 2).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
    """
    input = _core.as_tensor(input)
    wanted = list(moving.one_by_one(sizes))
    lead = len(wanted) - input.ndim
    for i, size in enumerate(wanted):
        if size == -1 and i >= lead:
            wanted[i] = input.shape[i - lead]
    return _core.expanded(input, wanted)


def repeat(input: TensorLike, *sizes: IntOrInts, axis: int | None = None) -> Tensor:
    """The whole tensor repeated `sizes[i]` times along axis i (`torch.Tensor.repeat`).

    With `axis` each slice along that axis is repeated in a row, as in `ops.repeat`.

    Raises:
        ValueError: fewer sizes than axes.

    Example:
        >>> repeat([1.0, 2.0], 2, 2).tolist()
        [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
        >>> repeat([1.0, 2.0], 2, axis=0).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    input = _core.as_tensor(input)
    if axis is not None:
        return moving.elements_in_a_row(input, moving.one_or_many(sizes), axis, "repeat")
    times = moving.one_by_one(sizes)
    if len(times) < input.ndim:
        raise ShapeError(
            f"repeat: expected at least {input.ndim} sizes for shape {input.shape}, got {times}"
        )
    return moving.laid_side_by_side(input, times)


def tile(input: TensorLike, *sizes: IntOrInts, dims: Axes = None) -> Tensor:
    """`repeat`, but missing leading sizes are 1 (`numpy.tile`).

    Example:
        >>> tile([[1.0, 2.0]], 2).tolist()
        [[1.0, 2.0, 1.0, 2.0]]
    """
    return moving.laid_side_by_side(input, moving.one_by_one(sizes if dims is None else (dims,)))


def cat(tensors: Sequence[TensorLike], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Joins tensors along an existing axis, the first by default.

    Tensors of shape (0,) are left out where others have another shape, as in PyTorch.

    Raises:
        ValueError: the list is empty, or the sizes of other axes differ.

    Example:
        >>> cat([[1.0], [2.0, 3.0]]).tolist()
        [1.0, 2.0, 3.0]
    """
    axis = dim if axis is None else axis
    try:
        return F.concat(tensors, axis=axis)
    except (ValueError, IndexError):
        several = [_core.as_tensor(t) for t in tensors]
        kept = [t for t in several if t.shape != (0,)]
        if not kept or len(kept) == len(several):
            raise
    from .more import promote_types  # which few programs need

    dtype = kept[0].dtype
    for t in several:
        dtype = promote_types(dtype, t.dtype)
    joined = F.concat(kept, axis=axis)
    return joined if joined.dtype == dtype else F.cast(joined, dtype=dtype)


def stack(tensors: Sequence[TensorLike], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Joins tensors of one shape along a new axis.

    Example:
        >>> stack([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return F.stack(tensors, axis=dim if axis is None else axis)


def split(
    tensor: TensorLike, split_size_or_sections: IntOrInts, dim: int = 0
) -> tuple[Tensor, ...]:
    """Cuts one axis into parts of the given sizes.

    Args:
        tensor: a tensor.
        split_size_or_sections: the size of the parts (the last may be smaller), or a list of sizes.
        dim: the axis.

    Raises:
        ValueError: the sizes don't add up to the axis.

    Example:
        >>> [part.tolist() for part in split([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
    """
    tensor = _core.as_tensor(tensor)
    dim = _axis(dim, tensor.ndim, "split")
    sizes = split_size_or_sections
    if moving.is_integer(sizes):
        if sizes <= 0:
            raise ShapeError(f"split: expected a positive size, got {sizes}")
        total = tensor.shape[dim]
        sizes = [min(sizes, total - start) for start in range(0, total, sizes)] or [0]
    return tuple(_core.cut(tensor, sizes, dim))


def chunk(input: TensorLike, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cuts one axis into at most `chunks` parts of one size (the last may be smaller).

    Example:
        >>> [part.shape for part in chunk([1.0, 2.0, 3.0], 2)]
        [(2,), (1,)]
    """
    if chunks <= 0:
        raise ArgumentError(f"chunk: expected a positive number of chunks, got {chunks}")
    input = _core.as_tensor(input)
    total = input.shape[_axis(dim, input.ndim, "chunk")]
    return split(input, max(1, -(-total // chunks)), dim)


def unbind(input: TensorLike, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along one axis. They do not have this axis.

    Example:
        >>> [row.tolist() for row in unbind([[1.0, 2.0], [3.0, 4.0]])]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    input = _core.as_tensor(input)
    return tuple(_core.unbound(input, _axis(dim, input.ndim, "unbind")))


def flip(input: TensorLike, *axes: IntOrInts, dims: Axes = None) -> Tensor:
    """Reverses the given axes, as one sequence or as several arguments.

    Example:
        >>> flip([1.0, 2.0, 3.0], 0).tolist()
        [3.0, 2.0, 1.0]
    """
    return _core.flip(input, moving.one_or_many(axes) if dims is None else dims, "flip")


def roll(input: TensorLike, shifts: IntOrInts, dims: IntOrInts | None = None) -> Tensor:
    """Moves values along axes. Values that leave at the end enter at the start.

    Args:
        input: a tensor.
        shifts: how far, for one axis or for several.
        dims: the axis or axes. None rolls the flattened tensor; the result has the input's shape.

    Raises:
        ValueError: the numbers of shifts and axes differ.

    Example:
        >>> roll([[1, 2], [3, 4]], 1).tolist()
        [[4, 1], [2, 3]]
        >>> roll([[1, 2], [3, 4]], 1, 0).tolist()
        [[3, 4], [1, 2]]
    """
    counts = np.size(shifts), 1 if dims is None else np.size(dims)
    if counts[0] != counts[1] or not counts[0]:
        from .._base.checks import shown  # which the import of the package does without

        raise ShapeError(
            f"roll: expected as many shifts as dims, got {shown(shifts)} and {shown(dims)}"
        )
    return moving.rolled(input, int(np.ravel(shifts)[0]) if dims is None else shifts, dims, "roll")


concat = concatenate = cat
moveaxis = movedim
