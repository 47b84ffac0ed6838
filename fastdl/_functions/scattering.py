"""Writing values to places given by indices, into new tensors, and searching places.

Negative indices count from the end; an index out of range raises IndexError. Gradients flow to
all values that are in the result.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import moving, scattering, shaping
from .._base.checks import check_choice, check_integers
from .._base.indexing import places_of
from .._base.moving import broadcast
from .._core import ArgumentError, DTypeError, ShapeError, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import IntOrInts, TensorLike


def select(input: TensorLike, dim: int, index: int) -> Tensor:
    """The slice at one index of an axis. It does not have this axis.

    Example:
        >>> select([[1.0, 2.0], [3.0, 4.0]], 1, 0).tolist()
        [1.0, 3.0]
    """
    x = _core.as_tensor(input)
    axis = moving.checked_axis(dim, x.ndim, "select")
    key: list[slice | int] = [slice(None)] * axis
    return x[tuple([*key, int(index)])]


def repeat_interleave(
    input: TensorLike,
    repeats: IntOrInts | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each slice along an axis repeated in a row. Without an axis the input is flattened.

    Args:
        input: a tensor. Without `repeats` it is the numbers, and the result is how often each
            index is repeated: [2, 1] gives [0, 0, 1].
        repeats: one number, or one for each slice.
        dim: the axis.
        output_size: the size of the axis in the result, if it is to be checked.

    Raises:
        ValueError: a number is negative, or there is not one for each slice.

    Example:
        >>> repeat_interleave([1.0, 2.0], 2).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    who = "repeat_interleave"
    if repeats is None:
        counts = _core.as_tensor(input)
        input, repeats, dim = np.arange(counts.numel()), counts, 0
    numbers = np.asarray(repeats) if isinstance(repeats, Tensor) else repeats
    result = moving.elements_in_a_row(input, numbers, dim, who)  # type: ignore[arg-type]
    size = result.shape[dim or 0]
    if output_size is not None and output_size != size:
        raise ShapeError(f"{who}: output_size: expected {size}, got {output_size}")
    return result


# --- along an axis, one index for each value


_REDUCE = {"add": "sum", "multiply": "prod"}


def scatter(
    input: TensorLike,
    dim: int,
    index: TensorLike,
    src: TensorLike | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """The input with `out[index[i][j]][j] = src[i][j]` for dim 0, and so on.

    Args:
        input: a tensor.
        dim: the axis whose places `index` holds.
        index: integers, with as many axes as the input. Of equal ones the last counts.
        src: values, at least as many along each axis as indices, or one number.
        value: one number for all places.
        reduce: "add" or "multiply" to combine the values with what is there.

    Raises:
        ValueError: the shapes don't fit, or an unknown `reduce`.

    Example:
        >>> scatter([[0.0, 0.0, 0.0]], 1, [[2, 0]], [[5.0, 6.0]]).tolist()
        [[6.0, 0.0, 5.0]]
    """
    check_choice("scatter", "reduce", reduce, (None, *_REDUCE))
    x, places, values = _scattered("scatter", input, dim, index, src if value is None else value)
    if reduce is not None:
        return scattering.reduced(x, places, values, _REDUCE[reduce], True, "scatter")
    scattering.check_kinds(x, values, "scatter")
    return scattering.last_written(x, places, values)


def scatter_add(input: TensorLike, dim: int, index: TensorLike, src: TensorLike) -> Tensor:
    """The input with `out[index[i][j]][j] += src[i][j]` for dim 0, and so on.

    Args:
        input: a tensor.
        dim: the axis whose places `index` holds.
        index: integers, with as many axes as the input.
        src: values, at least as many along each axis as indices.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> scatter_add([[0.0, 0.0]], 1, [[1, 1]], [[5.0, 6.0]]).tolist()
        [[0.0, 11.0]]
    """
    x, places, values = _scattered("scatter_add", input, dim, index, src)
    return scattering.reduced(x, places, values, "sum", True, "scatter_add")


def scatter_reduce(
    input: TensorLike,
    dim: int,
    index: TensorLike,
    src: TensorLike,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """The input with values combined at the indices of an axis.

    Args:
        input: a tensor.
        dim: the axis whose places `index` holds.
        index: integers, with as many axes as the input.
        src: values, at least as many along each axis as indices.
        reduce: "sum", "prod", "mean", "amax" or "amin". Equal extremes share the gradient.
        include_self: whether the input's own element counts, too.

    Raises:
        ValueError: the shapes don't fit, or an unknown `reduce`.

    Example:
        >>> scatter_reduce([1.0, 9.0], 0, [0, 0], [5.0, 3.0], "amax").tolist()
        [5.0, 9.0]
    """
    check_choice("scatter_reduce", "reduce", reduce, scattering.REDUCTIONS)
    x, places, values = _scattered("scatter_reduce", input, dim, index, src)
    return scattering.reduced(x, places, values, reduce, include_self, "scatter_reduce")


def _of_type(number: float, dtype: np.dtype) -> Tensor:
    """A number as a tensor of a type; towards 0 for integers, as PyTorch does."""
    return F.cast(_core.as_tensor(number), dtype=dtype)


def _scattered(
    who: str, input: TensorLike, dim: int, index: TensorLike, src: TensorLike | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The input, the places and as many values."""
    if src is None:
        raise TypeError(f"{who}: src: expected a tensor or a number, got None")
    x, index = _core.as_tensor(input), _core.as_tensor(index)
    values = _of_type(src, x.dtype) if isinstance(src, (int, float)) else _core.as_tensor(src)
    if not x.ndim:
        index = F.reshape(index, shape=()) if index.numel() == 1 else index
    if not index.numel():
        none = F.take(F.reshape(values, shape=(-1,)), np.zeros(0, np.int64))
        return x, F.cast(index, dtype="int64"), F.reshape(none, shape=index.shape)
    places = scattering.places_along(x.shape, dim, index, who)
    if not values.ndim:
        return x, places, F.broadcast_to(values, shape=places.shape)
    if not x.ndim:
        return x, places, F.reshape(values, shape=())
    if values.ndim != x.ndim or any(n > m for n, m in zip(places.shape, values.shape, strict=True)):
        raise ShapeError(f"{who}: src: expected at least shape {places.shape}, got {values.shape}")
    if values.shape != places.shape:
        starts, steps = [0] * x.ndim, [1] * x.ndim
        values = F.slice(values, starts=starts, stops=list(places.shape), steps=steps)
    return x, places, values


# --- whole slices of an axis


def index_add(
    input: TensorLike, dim: int, index: TensorLike, source: TensorLike, *, alpha: float = 1
) -> Tensor:
    """The input with `alpha` times slices added to its slices at the indices of an axis.

    Args:
        input: a tensor.
        dim: the axis.
        index: a vector of integers.
        source: a slice for each index, along the same axis.
        alpha: factor of the slices.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> index_add([0.0, 0.0], 0, [1, 1], [5.0, 6.0]).tolist()
        [0.0, 11.0]
    """
    source = _core.as_tensor(source)
    values = source if alpha == 1 else F.mul(source, alpha)
    return scattering.indexed(input, dim, index, values, "sum", True, "index_add")


def index_reduce(
    input: TensorLike,
    dim: int,
    index: TensorLike,
    source: TensorLike,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """The input with slices combined into its slices at the indices of an axis.

    Args:
        input: a tensor.
        dim: the axis.
        index: a vector of integers.
        source: a slice for each index, along the same axis.
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether the input's own slice counts, too.

    Raises:
        ValueError: the shapes don't fit, or an unknown `reduce`.

    Example:
        >>> index_reduce([1.0, 9.0], 0, [0, 0], [5.0, 3.0], "amax").tolist()
        [5.0, 9.0]
    """
    check_choice("index_reduce", "reduce", reduce, ("prod", "mean", "amax", "amin"))
    return scattering.indexed(input, dim, index, source, reduce, include_self, "index_reduce")


def index_copy(input: TensorLike, dim: int, index: TensorLike, source: TensorLike) -> Tensor:
    """The input with slices in the place of its own at the indices of an axis.

    Args:
        input: a tensor.
        dim: the axis.
        index: a vector of integers. Of equal ones the last counts.
        source: a slice for each index, along the same axis.

    Raises:
        ValueError: the shapes or the types don't fit.

    Example:
        >>> index_copy([1.0, 2.0], 0, [1], [5.0]).tolist()
        [1.0, 5.0]
    """
    values = _core.as_tensor(source)
    x, axis, where, given = scattering.slice_arguments(input, dim, index, values, "index_copy")
    values = values if given is None else given
    if values.dtype != x.dtype:
        raise ArgumentError(f"index_copy: source: expected type {x.dtype}, got {values.dtype}")
    places = scattering.slices_at(x, axis, where) if x.ndim else where
    return scattering.last_written(x, _core.as_tensor(places), values)


def index_fill(input: TensorLike, dim: int, index: TensorLike, value: TensorLike) -> Tensor:
    """The input with one value in the slices at the indices of an axis.

    Example:
        >>> index_fill([1.0, 2.0, 3.0], 0, [0, 2], 7.0).tolist()
        [7.0, 2.0, 7.0]
    """
    x, axis, where, _ = scattering.slice_arguments(input, dim, index, None, "index_fill")
    if _core.as_tensor(value).ndim:
        raise ShapeError("index_fill: value: expected a number or a tensor without axes")
    size = x.shape[axis] if x.ndim else 1
    hit = F.scatter_add(np.ones(where.numel(), np.int64), where, axis=0, size=size)
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    return F.where(F.gt(F.reshape(hit, shape=shape), 0), F.cast(value, dtype=x.dtype), x)


# --- places of the flattened tensor, and parts


def put(
    input: TensorLike, index: TensorLike, source: TensorLike, accumulate: bool = False
) -> Tensor:
    """The input with values at places of the flattened tensor.

    Args:
        input: a tensor.
        index: integers. Of equal ones the last counts.
        source: as many values.
        accumulate: whether they are added.

    Raises:
        ValueError: there are not as many values as places.

    Example:
        >>> put([[1.0, 2.0]], [1], [5.0]).tolist()
        [[1.0, 5.0]]
    """
    x, index, values = _core.as_tensor(input), _core.as_tensor(index), _core.as_tensor(source)
    if index.numel() != values.numel():
        raise ArgumentError(f"put: source: expected {index.numel()} values, got {values.numel()}")
    flat = F.reshape(index, shape=(-1,))
    places = scattering.places_along((x.numel(),), 0, flat, "put")
    if accumulate:
        return scattering.reduced(x, places, values, "sum", True, "put")
    scattering.check_kinds(x, values, "put")
    return scattering.last_written(x, places, values)


def index_put(
    input: TensorLike,
    indices: Sequence[TensorLike],
    values: TensorLike,
    accumulate: bool = False,
) -> Tensor:
    """The input with `out[indices] = values`.

    Args:
        input: a tensor.
        indices: integers or masks for its first axes.
        values: values that broadcast to what the indices select.
        accumulate: whether they are added, also to places that occur more than once.

    Raises:
        ValueError: the values don't broadcast.

    Example:
        >>> index_put([1.0, 2.0], ([1],), 5.0).tolist()
        [1.0, 5.0]
    """
    x = _core.as_tensor(input)
    places = places_of(x.shape, tuple(indices))
    wide = F.broadcast_to(values, shape=places.shape)
    if accumulate:
        where = _core.as_tensor(places)
        return scattering.reduced(x, where, wide, "sum", True, "index_put")
    scattering.check_kinds(x, wide, "index_put")
    return scattering.last_written(x, _core.as_tensor(places), wide)


def masked_scatter(input: TensorLike, mask: TensorLike, source: TensorLike) -> Tensor:
    """The input with the first values of a source, in order, where the mask is true.

    Args:
        input: a tensor.
        mask: booleans that broadcast with the input.
        source: at least as many values as places.

    Raises:
        IndexError: there are fewer values.

    Example:
        >>> masked_scatter([1.0, 2.0, 3.0], [True, False, True], [8.0, 9.0]).tolist()
        [8.0, 2.0, 9.0]
    """
    x, mask, source = _core.as_tensor(input), _core.as_tensor(mask), _core.as_tensor(source)
    if mask.dtype != "bool":
        raise DTypeError(f"masked_scatter: mask: expected booleans, got dtype {mask.dtype}")
    scattering.check_kinds(x, source, "masked_scatter")
    shape = broadcast("masked_scatter", x.shape, mask.shape)
    mask = F.broadcast_to(mask, shape=shape) if mask.shape != shape else mask
    many = F.reshape(mask, shape=(-1,))
    if not source.numel():
        if bool(F.any(many).item()):
            raise IndexError("masked_scatter: source: expected values, got none")
        return x
    count = F.cumsum(F.cast(many, dtype="int64"), axis=0)
    order = F.where(many, F.sub(count, 1), 0)
    values = F.take(F.reshape(F.cast(source, dtype=x.dtype), shape=(-1,)), order)
    return F.where(mask, F.reshape(values, shape=shape), x)


def select_scatter(input: TensorLike, src: TensorLike, dim: int, index: int) -> Tensor:
    """The input with another slice at one index of an axis.

    Example:
        >>> select_scatter([[1.0, 2.0], [3.0, 4.0]], [8.0, 9.0], 0, 1).tolist()
        [[1.0, 2.0], [8.0, 9.0]]
    """
    x = _core.as_tensor(input)
    axis = moving.checked_axis(dim, x.ndim, "select_scatter")
    n = x.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select_scatter: index {index} is out of range for size {n}")
    at = index % n
    places = scattering.window(x.shape, axis, at, at + 1, 1)
    places = places.reshape([size for i, size in enumerate(x.shape) if i != axis])
    return scattering.put_into_window(x, src, places, "select_scatter", "src")


def slice_scatter(
    input: TensorLike,
    src: TensorLike,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """The input with other values in `start:end:step` of an axis.

    Example:
        >>> slice_scatter([1.0, 2.0, 3.0], [8.0, 9.0], 0, 1).tolist()
        [1.0, 8.0, 9.0]
    """
    x = _core.as_tensor(input)
    axis = moving.checked_axis(dim, x.ndim, "slice_scatter")
    if step <= 0:
        raise ArgumentError(f"slice_scatter: step: expected a positive one, got {step}")
    places = scattering.window(x.shape, axis, start, end, step)
    return scattering.put_into_window(x, src, places, "slice_scatter", "src")


def diagonal_scatter(
    input: TensorLike, src: TensorLike, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """The input with other values in a diagonal of the matrices in two axes.

    Example:
        >>> diagonal_scatter([[1.0, 2.0], [3.0, 4.0]], [8.0, 9.0]).tolist()
        [[8.0, 2.0], [3.0, 9.0]]
    """
    x = _core.as_tensor(input)
    every = np.arange(x.numel()).reshape(x.shape)
    places = np.asarray(_core.diagonal_of(every, offset, dim1, dim2, "diagonal_scatter"))
    return scattering.put_into_window(x, src, places, "diagonal_scatter", "src")


# --- searching


def searchsorted(
    sorted_sequence: TensorLike,
    input: TensorLike,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: TensorLike | None = None,
) -> Tensor:
    """Where values belong in a sorted sequence, int64.

    Args:
        sorted_sequence: values in ascending order along the last axis.
        input: the values to insert, for each sequence if there are several.
        out_int32: whether the result is int32.
        right: whether the place is behind values that are equal, not before them.
        side: "left" or "right", the same as `right`.
        sorter: the order that sorts the sequence, if it is not sorted.

    Raises:
        ValueError: `right` and `side` contradict each other, or the shapes don't fit.

    Example:
        >>> searchsorted([1.0, 2.0, 3.0], [2.0, 5.0]).tolist()
        [1, 3]
    """
    who = "searchsorted"
    check_choice(who, "side", side, (None, "left", "right"))
    if side == "left" and right:
        raise ArgumentError(f"{who}: side: expected None or 'right' with right=True, got 'left'")
    sequence = _core.as_tensor(sorted_sequence)
    if sorter is not None:
        sequence = F.gather(sequence, sorter, axis=-1)
    places = shaping.ordered_places(sequence, input, right or side == "right", who)
    return _core.as_tensor(np.asarray(places, np.int32 if out_int32 else np.int64))


def bucketize(
    input: TensorLike, boundaries: TensorLike, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number of the interval in which each value lies, int64.

    Args:
        input: values.
        boundaries: a vector in ascending order.
        out_int32: whether the result is int32.
        right: whether a value that is a boundary belongs to the interval above it.

    Raises:
        ValueError: the boundaries are no vector.

    Example:
        >>> bucketize([1.0, 4.0], [1.0, 3.0]).tolist()
        [0, 2]
    """
    boundaries = _core.as_tensor(boundaries)
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: boundaries: expected a vector, got shape {boundaries.shape}")
    places = shaping.ordered_places(boundaries, input, right, "bucketize")
    return _core.as_tensor(np.asarray(places, np.int32 if out_int32 else np.int64))


def unravel_index(indices: TensorLike, shape: IntOrInts) -> tuple[Tensor, ...]:
    """The coordinates of places in a tensor of this shape, one tensor for each axis.

    Raises:
        ValueError: a place is outside of the tensor.

    Example:
        >>> [where.tolist() for where in unravel_index([1, 5], (2, 3))]
        [[0, 1], [1, 2]]
    """
    places = _core.as_tensor(indices)
    if places.dtype.kind in "iu":
        places = F.cast(places, dtype="int64")
    sizes = check_integers("unravel_index", "shape", moving.one_by_one((shape,)), 0)
    total = math.prod(sizes)
    values = np.asarray(places)
    if (
        values.size
        and values.dtype.kind in "iu"
        and not -total <= values.min() <= values.max() < total
    ):
        raise ShapeError(f"unravel_index: indices: expected places in shape {sizes}")
    return tuple(shaping.coordinates(places, shape, "unravel_index"))


def unique_consecutive(
    input: TensorLike,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Tensor | tuple[Tensor, ...]:
    """The values without those that are equal to the one before.

    Args:
        input: a tensor. Without an axis it is flattened.
        return_inverse: whether to return the place of each element of the input among the values.
        return_counts: whether to return how often each value follows itself.
        dim: compares slices along this axis instead of single values.

    Returns:
        The values. With `return_inverse` or `return_counts`, a tuple that begins with them.

    Example:
        >>> unique_consecutive([1, 1, 2, 1]).tolist()
        [1, 2, 1]
    """
    x = _core.as_tensor(input)
    flat = F.reshape(x, shape=(-1,)) if dim is None else x
    axis = moving.checked_axis(0 if dim is None else dim, flat.ndim, "unique_consecutive")
    rows = np.moveaxis(np.asarray(flat.detach()), axis, 0)
    rows = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    firsts = np.flatnonzero(new)
    result = [F.take(flat, firsts, axis=axis)]
    if return_inverse:
        places = np.cumsum(new) - 1
        result.append(_core.as_tensor(places.reshape(x.shape) if dim is None else places))
    if return_counts:
        result.append(_core.as_tensor(np.diff(np.append(firsts, len(rows)))))
    return result[0] if len(result) == 1 else tuple(result)
