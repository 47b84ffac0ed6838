"""Operations that move values without changing them: shapes, axes, joining and cutting.

Tensors are contiguous: `reshape` and what is built on it (`flatten`, `squeeze`, `unsqueeze`) share
the input's memory, all others copy. Axes may be negative; one out of range raises IndexError.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor

    Ints = int | Sequence[int]


def _one(sizes: tuple[Any, ...]) -> Any:
    """The sizes of f(x, 2, 3) and of f(x, (2, 3)) alike."""
    return sizes[0] if len(sizes) == 1 else sizes


def _tuple(sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    return sizes if len(sizes) != 1 or isinstance(sizes[0], int) else tuple(sizes[0])


def _axis(dim: int, rank: int, who: str) -> int:
    if not -rank <= dim < rank:
        raise IndexError(f"{who}: axis {dim} is out of range for a tensor with {rank} axes")
    return dim % rank


def reshape(x: Any, *shape: Any) -> Tensor:
    """The same values in another shape, sharing memory.

    Args:
        x: input.
        shape: sizes, as one sequence or one by one; one of them may be -1 and is then computed.

    Raises:
        ValueError: the shape holds another number of values.

    Example:
        >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return _core.reshape(x, _one(shape))


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Joins the axes from `start_dim` to `end_dim`, both included.

    Example:
        >>> flatten([[[1.0], [2.0]]], 1).shape
        (1, 2)
    """
    x = _core.as_tensor(x)
    shape = x.shape
    if not shape:
        return _core.reshape(x, (1,))
    start, end = _axis(start_dim, len(shape), "flatten"), _axis(end_dim, len(shape), "flatten")
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return _core.reshape(x, (*shape[:start], _size(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Tensor:
    """Cuts one axis into several; one of the sizes may be -1.

    Example:
        >>> unflatten([[1.0, 2.0, 3.0, 4.0]], 1, (2, 2)).shape
        (1, 2, 2)
    """
    x = _core.as_tensor(x)
    shape = x.shape
    dim = _axis(dim, len(shape), "unflatten")
    sizes = list(sizes)
    if -1 in sizes:
        known = -_size(sizes)
        sizes[sizes.index(-1)] = shape[dim] // known if known > 0 else -1
    if _size(sizes) != shape[dim]:
        raise ValueError(f"unflatten: sizes {tuple(sizes)} don't multiply to axis {dim} of {shape}")
    return _core.reshape(x, (*shape[:dim], *sizes, *shape[dim + 1 :]))


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size


def squeeze(x: Any, dim: Ints | None = None, *, axis: Ints | None = None) -> Tensor:
    """Removes axes of size 1: those given (where they have size 1), or all.

    Example:
        >>> squeeze([[[1.0, 2.0]]], 0).shape
        (1, 2)
    """
    x = _core.as_tensor(x)
    dim = dim if axis is None else axis
    shape = x.shape
    dims = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim
    gone = {i for i in (_axis(d, len(shape), "squeeze") for d in dims) if shape[i] == 1}
    return _core.reshape(x, [n for i, n in enumerate(shape) if i not in gone])


def unsqueeze(x: Any, dim: int) -> Tensor:
    """Inserts an axis of size 1 before axis `dim`.

    Example:
        >>> unsqueeze([1.0, 2.0], -1).shape
        (2, 1)
    """
    x = _core.as_tensor(x)
    shape = list(x.shape)
    shape.insert(_axis(dim, len(shape) + 1, "unsqueeze"), 1)
    return _core.reshape(x, shape)


def expand_dims(x: Any, axis: int) -> Tensor:
    """`unsqueeze` by its NumPy and Keras name.

    Example:
        >>> expand_dims([1.0, 2.0], 0).shape
        (1, 2)
    """
    return unsqueeze(x, axis)


def transpose(
    x: Any, dim0: Any = None, dim1: int | None = None, *, axes: Sequence[int] | None = None
) -> Tensor:
    """Exchanges axes.

    Args:
        x: input.
        dim0: the first of two axes to exchange; or alone, a permutation of all axes.
        dim1: the second axis.
        axes: the permutation, by NumPy's and Keras's name.

    Returns:
        A copy; with no axes named, in reversed order.

    Example:
        >>> transpose([[1.0, 2.0]], 0, 1).tolist()
        [[1.0], [2.0]]
    """
    if dim1 is None:
        return _core.transpose(x, dim0 if axes is None else axes)
    x = _core.as_tensor(x)
    order = list(range(x.ndim))
    i, j = _axis(dim0, x.ndim, "transpose"), _axis(dim1, x.ndim, "transpose")
    order[i], order[j] = j, i
    return _core.transpose(x, order)


def permute(x: Any, *dims: Any) -> Tensor:
    """The axes in the order given, as one sequence or one by one.

    Example:
        >>> permute([[[1.0, 2.0]]], 2, 0, 1).shape
        (2, 1, 1)
    """
    return _core.transpose(x, _one(dims))


def t(x: Any) -> Tensor:
    """The transpose of a matrix; vectors and scalars as they are.

    Example:
        >>> t([[1.0, 2.0]]).shape
        (2, 1)
    """
    x = _core.as_tensor(x)
    if x.ndim > 2:
        raise ValueError(f"t: expected at most 2 axes, got shape {x.shape}; use transpose")
    return _core.transpose(x, None) if x.ndim == 2 else x


def movedim(x: Any, source: int, destination: int) -> Tensor:
    """Moves one axis to another place; the others keep their order.

    Example:
        >>> movedim([[[1.0, 2.0]]], -1, 0).shape
        (2, 1, 1)
    """
    x = _core.as_tensor(x)
    order = list(range(x.ndim))
    order.remove(source := _axis(source, x.ndim, "movedim"))
    order.insert(_axis(destination, x.ndim, "movedim"), source)
    return _core.transpose(x, order)


def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """The values repeated along new axes and axes of size 1.

    Example:
        >>> broadcast_to([1.0, 2.0], (2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    return _core.broadcast_to(x, shape)


def expand(x: Any, *sizes: Any) -> Tensor:
    """`broadcast_to` where -1 keeps an axis as it is.

    Example:
        >>> expand([[1.0], [2.0]], -1, 2).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
    """
    x = _core.as_tensor(x)
    wanted = list(_tuple(sizes))
    lead = len(wanted) - x.ndim
    for i, size in enumerate(wanted):
        if size == -1 and i >= lead:
            wanted[i] = x.shape[i - lead]
    return _core.broadcast_to(x, wanted)


def repeat(x: Any, *sizes: Any, axis: int | None = None) -> Tensor:
    """The whole tensor laid side by side, `sizes[i]` times along axis i (`torch.Tensor.repeat`).

    With `axis` each slice along that axis so many times in a row, as in NumPy and Keras.

    Raises:
        ValueError: fewer sizes than axes.

    Example:
        >>> repeat([1.0, 2.0], 2, 2).tolist()
        [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
        >>> repeat([1.0, 2.0], 2, axis=0).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    x = _core.as_tensor(x)
    if axis is not None:
        extent = x.shape[_axis(axis, x.ndim, "repeat")]
        return _core.take(x, [i for i in range(extent) for _ in range(sizes[0])], axis)
    sizes = _tuple(sizes)
    lead = len(sizes) - x.ndim
    if lead < 0:
        raise ValueError(
            f"repeat: expected at least {x.ndim} sizes for shape {x.shape}, got {sizes}"
        )
    shape = (1,) * lead + x.shape
    apart = [extent for n in shape for extent in (1, n)]
    wide = [extent for times, n in zip(sizes, shape, strict=True) for extent in (times, n)]
    together = [times * n for times, n in zip(sizes, shape, strict=True)]
    return _core.reshape(_core.broadcast_to(_core.reshape(x, apart), wide), together)


def tile(x: Any, *sizes: Any) -> Tensor:
    """`repeat` with missing leading sizes taken as 1 (`numpy.tile`).

    Example:
        >>> tile([[1.0, 2.0]], 2).tolist()
        [[1.0, 2.0, 1.0, 2.0]]
    """
    x = _core.as_tensor(x)
    sizes = _tuple(sizes)
    return repeat(x, (1,) * (x.ndim - len(sizes)) + sizes)


def cat(tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Joins tensors along an existing axis, the first by default.

    Raises:
        ValueError: the list is empty, or shapes differ elsewhere.

    Example:
        >>> cat([[1.0], [2.0, 3.0]]).tolist()
        [1.0, 2.0, 3.0]
    """
    return _core.concat(tensors, dim if axis is None else axis)


def stack(tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Joins tensors of one shape along a new axis.

    Example:
        >>> stack([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return _core.stack(tensors, dim if axis is None else axis)


def split(
    x: Any, split_size_or_sections: Ints, dim: int = 0, *, axis: int | None = None
) -> tuple[Tensor, ...]:
    """Cuts one axis into parts. The spelling decides how: with `dim` as PyTorch, with `axis` as
    NumPy and Keras.

    Args:
        x: input.
        split_size_or_sections: with `dim` the size of the parts (the last may be smaller) or a list
            of their sizes; with `axis` the number of parts or a list of the places to cut at.
        dim, axis: the axis.

    Raises:
        ValueError: the sizes don't add up to the axis, or the axis isn't a multiple of the number.

    Example:
        >>> [part.tolist() for part in split([1.0, 2.0, 3.0], 2)]
        [[1.0, 2.0], [3.0]]
        >>> [part.tolist() for part in split([1.0, 2.0, 3.0, 4.0], 2, axis=0)]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    x = _core.as_tensor(x)
    dim = _axis(dim if axis is None else axis, x.ndim, "split")
    sizes = split_size_or_sections
    if axis is not None:
        sizes = _sizes_of_parts(sizes, x.shape[dim])
    elif isinstance(sizes, int):
        if sizes <= 0:
            raise ValueError(f"split: expected a positive size, got {sizes}")
        total = x.shape[dim]
        sizes = [min(sizes, total - start) for start in range(0, total, sizes)] or [0]
    return tuple(_core.split(x, sizes, dim))


def _sizes_of_parts(sections: Ints, total: int) -> list[int]:
    if isinstance(sections, int):
        if sections <= 0 or total % sections:
            raise ValueError(f"split: an axis of size {total} can't be cut into {sections} parts")
        return [total // sections] * sections
    places = [0, *(place + total if place < 0 else place for place in sections), total]
    return [stop - start for start, stop in itertools.pairwise(places)]


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cuts one axis into at most `chunks` parts of one size (the last may be smaller).

    Example:
        >>> [part.shape for part in chunk([1.0, 2.0, 3.0], 2)]
        [(2,), (1,)]
    """
    if chunks <= 0:
        raise ValueError(f"chunk: expected a positive number of chunks, got {chunks}")
    x = _core.as_tensor(x)
    total = x.shape[_axis(dim, x.ndim, "chunk")]
    return split(x, max(1, -(-total // chunks)), dim)


def unbind(x: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along one axis, which disappears.

    Example:
        >>> [row.tolist() for row in unbind([[1.0, 2.0], [3.0, 4.0]])]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    x = _core.as_tensor(x)
    dim = _axis(dim, x.ndim, "unbind")
    shape = x.shape[:dim] + x.shape[dim + 1 :]
    return tuple(_core.reshape(part, shape) for part in _core.split(x, [1] * x.shape[dim], dim))


def flip(x: Any, *dims: Any, axis: Ints | None = None) -> Tensor:
    """Reverses the given axes.

    Example:
        >>> flip([1.0, 2.0, 3.0], 0).tolist()
        [3.0, 2.0, 1.0]
    """
    x = _core.as_tensor(x)
    if axis is not None:
        dims = (axis,)
    gone = {_axis(d, x.ndim, "flip") for d in _tuple(dims)}
    starts = [n - 1 if i in gone else 0 for i, n in enumerate(x.shape)]
    stops = [-1 if i in gone else n for i, n in enumerate(x.shape)]
    return _core.slice(x, starts, stops, [-1 if i in gone else 1 for i in range(x.ndim)])


def roll(x: Any, shifts: int, dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Moves values along one axis; those pushed over the end come in at the start.

    Example:
        >>> roll([1.0, 2.0, 3.0], 1, 0).tolist()
        [3.0, 1.0, 2.0]
    """
    x = _core.as_tensor(x)
    dim = _axis(dim if axis is None else axis, x.ndim, "roll")
    extent = x.shape[dim]
    cut = -shifts % extent if extent else 0
    head, tail = _core.split(x, [cut, extent - cut], dim)
    return _core.concat([tail, head], dim)


concat = concatenate = cat
swapaxes = transpose
