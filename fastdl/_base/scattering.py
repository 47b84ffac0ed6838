"""Writing values to places that are given by indices: into new tensors, with gradients.

Places are numbers of elements of the flattened tensor. Where they are computed with ops, a recorded
step can be replayed with other indices.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._core import DTypeError, ShapeError
from . import functional as F
from .checks import check_choice
from .dtypes import check_fits
from .moving import checked_axis
from .outside import outside

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}  # of NumPy's kinds of types
REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def as_indices(index: TensorLike, extent: int, who: str, argument: str = "index") -> Tensor:
    """Indices as int64, counted from the start.

    Out-of-range indices are found by the op that reads them.

    Raises:
        TypeError: they are no integers.
    """
    index = _core.as_tensor(index)
    if index.dtype.kind not in "iu" and index.numel():
        raise DTypeError(f"{who}: {argument}: expected integers, got dtype {index.dtype}")
    index = F.cast(index, dtype="int64")
    return F.where(F.lt(index, 0), F.add(index, extent), index)


def places_along(
    shape: tuple[int, ...], axis: int, index: TensorLike, who: str, argument: str = "index"
) -> Tensor:
    """The places that `index[i, j, ...]` means along an axis of a tensor of this shape."""
    index = _core.as_tensor(index)
    axis = checked_axis(axis, max(len(shape), 1), who)
    if not shape:
        return F.mul(as_indices(index, 1, who, argument), 1)
    if index.ndim != len(shape) or any(
        i != axis and index.shape[i] > n for i, n in enumerate(shape)
    ):
        raise ShapeError(
            f"{who}: {argument}: expected {len(shape)} axes that are no longer than {shape} beside "
            f"axis {axis}, got shape {index.shape}"
        )
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    beside: np.ndarray = np.zeros(index.shape, np.int64)
    for i, n in enumerate(index.shape):
        if i != axis:
            along = [1] * len(shape)
            along[i] = n
            beside = beside + np.arange(n).reshape(along) * strides[i]
    checked = _within(as_indices(index, shape[axis], who, argument), shape[axis])
    return F.add(F.mul(checked, strides[axis]), beside)


def _within(index: Tensor, extent: int) -> Tensor:
    """The indices. An index outside of the axis is an IndexError, as it is for `take`."""
    return F.take(_core.as_tensor(np.arange(extent, dtype=np.int64)), index) if extent else index


def flat(x: Tensor) -> Tensor:
    """All elements along one axis."""
    return F.reshape(x, shape=(-1,))


# --- replacing


def replaced(x: Tensor, places: TensorLike, values: Tensor) -> Tensor:
    """x with values at distinct places, constant ones if they are an array.

    The values have the shape of the places.
    """
    count = x.numel()
    where = np.asarray(places).reshape(-1)
    order = np.arange(count)
    order[where] = count + np.arange(where.size)
    values = F.cast(values, dtype=x.dtype) if values.dtype != x.dtype else values
    return F.reshape(F.take(F.concat([flat(x), flat(values)]), order), shape=x.shape)


def window(
    shape: tuple[int, ...], axis: int, start: int | None, stop: int | None, step: int
) -> np.ndarray:
    """The places of a slice along one axis, as an array of the slice's shape."""
    key = [slice(None)] * len(shape)
    key[axis] = slice(start, stop, step)
    return np.arange(math.prod(shape)).reshape(shape)[tuple(key)]


def put_into_window(
    x: TensorLike, values: TensorLike, places: np.ndarray, who: str, argument: str
) -> Tensor:
    """x with values at the places of a part of it, which has the shape of the values."""
    x, values = _core.as_tensor(x), _core.as_tensor(values)
    if values.shape != places.shape:
        raise ShapeError(f"{who}: {argument}: expected shape {places.shape}, got {values.shape}")
    return replaced(x, places, values)


# --- adding and reducing


def added(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """x with values added at places."""
    sums = F.scatter_add(flat(values), flat(places), axis=0, size=x.numel())
    return F.add(x, F.reshape(F.cast(sums, dtype=x.dtype), shape=x.shape))


def touched(x: Tensor, places: Tensor) -> Tensor:
    """How often each element of x is among the places, int64."""
    ones = np.ones(places.numel(), np.int64)
    return F.reshape(F.scatter_add(ones, flat(places), axis=0, size=x.numel()), shape=x.shape)


def check_kinds(x: Tensor, values: Tensor, who: str) -> None:
    """TypeError for values that a tensor's type would cut off: floats for integers, and so on."""
    if _RANK[values.dtype.kind] > _RANK[x.dtype.kind]:
        raise DTypeError(
            f"{who}: values of type {values.dtype} do not fit into a tensor of type {x.dtype}"
        )


def reduced(x: Tensor, places: Tensor, values: Tensor, how: str, include: bool, who: str) -> Tensor:
    """x with the sum, product, mean, largest or smallest of the values at each place.

    Args:
        x: a tensor.
        places: where the values belong.
        values: as many as places.
        how: one of `REDUCTIONS`.
        include: whether x's own element counts as one of the values.
        who: the function.
    """
    check_choice(who, "reduce", how, REDUCTIONS)
    check_kinds(x, values, who)
    if not values.numel():
        return x
    values = F.cast(values, dtype=x.dtype) if values.dtype != x.dtype else values
    if x.dtype.kind == "b":  # sums are or, products and
        x, values = F.cast(x, dtype="uint8"), F.cast(values, dtype="uint8")
        how = {"sum": "amax", "prod": "amin"}.get(how, how)
        return F.cast(reduced(x, places, values, how, include, who), dtype="bool")
    count = touched(x, places)
    hit = F.gt(count, 0)
    if how in ("sum", "mean"):
        base = x if include else F.where(hit, 0, x)
        total = added(base, places, values)
        if how == "sum":
            return total
        parts = F.maximum(F.add(count, 1) if include else count, 1)
        if x.dtype.kind == "f":
            return F.div(total, F.cast(parts, dtype=x.dtype))
        return F.floor_divide(total, F.cast(parts, dtype=x.dtype))
    if how == "prod":
        own = x if include else F.where(hit, 1, x)
        return F.mul(
            own, F.reshape(_products(flat(values), flat(places), x.numel()), shape=x.shape)
        )
    return _extremes(x, places, values, how == "amax", include, hit)


def _extremes(
    x: Tensor, places: Tensor, values: Tensor, largest: bool, include: bool, hit: Tensor
) -> Tensor:
    """The largest or smallest values. Values that are equal share the gradient."""
    many, where = flat(values), flat(places)
    # Sorted by value, then by place, the last of each place is its extreme.
    order = F.order(many.detach(), axis=0, descending=not largest)
    order = F.take(order, F.order(F.take(where, order), axis=0))
    there, found = F.take(where, order), F.take(many.detach(), order)
    n = there.numel()
    next_one = F.concat([F.slice(there, starts=[1], stops=[n], steps=[1]), [-1]])
    ends = F.ne(there, next_one)
    zero = F.mul(F.cast(ends, dtype=found.dtype), 0)
    best = F.scatter_add(F.where(ends, found, zero), there, axis=0, size=x.numel())
    best = F.reshape(F.cast(best, dtype=x.dtype), shape=x.shape)
    own = x.detach()
    if include:
        nan = F.isnan(own)
        best = F.where(nan, own, (F.maximum if largest else F.minimum)(best, own))
    best = F.where(hit, best, own)
    if x.dtype.kind != "f" or not (x.requires_grad or values.requires_grad):
        return best
    # The gradient goes to what equals the extreme: x's element, and values.
    same = F.eq(many.detach(), F.take(flat(best), where))
    count = F.reshape(
        F.scatter_add(F.cast(same, dtype="float32"), where, axis=0, size=x.numel()), shape=x.shape
    )
    kept = F.eq(own, best) if include else F.logical_not(hit)
    kept = F.logical_or(kept, F.logical_not(hit))
    share = F.div(1.0, F.maximum(F.add(count, F.cast(kept, dtype="float32")), 1.0))
    moving = F.where(kept, _zero(x), 0.0)
    moving = added(moving, places, F.where(same, _zero(many), 0.0))
    return F.add(best, F.mul(moving, share))


def _zero(x: Tensor) -> Tensor:
    """0 with the gradient of x."""
    finite = F.isfinite(x)
    return F.sub(F.where(finite, x, 0.0), F.where(finite, x.detach(), 0.0))


def _products(values: Tensor, places: Tensor, size: int) -> Tensor:
    """The products of the values at each of `size` places; 1 where there is none."""
    if values.dtype.kind != "f":
        result = np.ones(size, values.dtype)
        np.multiply.at(result, np.asarray(places), np.asarray(values))
        return _core.as_tensor(result)

    def pullback(
        _: object, inputs: list[Tensor], results: list[Tensor], g: list[Tensor | None]
    ) -> list[Tensor | None]:
        if g[0] is None:
            return [None]
        (v,) = inputs
        none = F.eq(v, 0.0)
        if not bool(F.any(none).item()):
            return [F.div(F.take(F.mul(g[0], results[0]), places), v)]
        # The product without the zeros, times the zeros beside each value. One zero has the value
        # 0 and a gradient, that of two has neither.
        whole = _products(F.where(none, 1.0, v), places, size)
        of_others = F.div(F.take(F.mul(g[0], whole), places), F.where(none, 1.0, v))
        count = F.scatter_add(F.cast(none, dtype="int64"), places, axis=0, size=size)
        beside = F.sub(F.take(count, places), F.cast(none, dtype="int64"))
        zero = F.where(none, v, 0.0)
        other = F.sub(F.take(F.scatter_add(zero, places, axis=0, size=size), places), zero)
        factor = F.where(F.eq(beside, 0), 1.0, F.where(F.eq(beside, 1), other, 0.0))
        return [F.mul(of_others, factor)]

    result = np.ones(size)
    np.multiply.at(result, np.asarray(places), np.asarray(values.detach(), np.float64))
    return outside("a product of values by index", [values], [result], pullback)[0]


# --- slices along an axis


def slices_at(x: Tensor, axis: int, index: Tensor) -> np.ndarray | Tensor:
    """The places of whole slices along an axis, in the shape of these slices together."""
    strides = [math.prod(x.shape[i + 1 :]) for i in range(x.ndim)]
    shape = list(x.shape)
    shape[axis] = 1
    beside = window(x.shape, axis, 0, 1, 1) if x.shape[axis] else np.zeros(shape, np.int64)
    wide = F.reshape(index, shape=[-1 if i == axis else 1 for i in range(x.ndim)])
    return F.add(F.mul(wide, strides[axis]), beside)


def slice_arguments(
    x: TensorLike, dim: int, index: TensorLike, source: TensorLike | None, who: str
) -> tuple[Tensor, int, Tensor, Tensor | None]:
    """The arguments of index_add and its like: x, the axis, a vector of indices and the slices."""
    x = _core.as_tensor(x)
    axis = checked_axis(dim, max(x.ndim, 1), who)
    extent = x.shape[axis] if x.ndim else 1
    index = as_indices(index, extent, who)
    if index.ndim > 1:
        raise IndexError(f"{who}: index: expected a vector, got shape {index.shape}")
    index = _within(flat(index), extent)
    if source is None:
        return x, axis, index, None
    source = _core.as_tensor(source)
    expected = tuple(index.numel() if i == axis else n for i, n in enumerate(x.shape))
    if source.shape != expected and not (x.ndim <= 1 and source.numel() == index.numel()):
        raise ShapeError(f"{who}: source: expected shape {expected}, got {source.shape}")
    return x, axis, index, F.reshape(source, shape=expected if x.ndim else ())


def indexed(
    x: TensorLike,
    dim: int,
    index: TensorLike,
    source: TensorLike,
    how: str,
    include: bool,
    who: str,
) -> Tensor:
    """x with slices combined into its slices at the indices of an axis, as `reduced` does."""
    x, axis, index, values = slice_arguments(x, dim, index, source, who)
    assert values is not None
    places = slices_at(x, axis, index) if x.ndim else index
    return reduced(x, _core.as_tensor(places), values, how, include, who)


def segments(
    data: TensorLike, segment_ids: TensorLike, number: int | None, how: str, who: str
) -> Tensor:
    """The sum, product, largest or smallest of the rows that have the same number.

    Rows whose number is negative or too large are left out. Of no rows the sum is 0, the product
    1, the largest the least number of the type and the smallest the greatest.
    """
    data, ids = _core.as_tensor(data), _core.as_tensor(segment_ids)
    if ids.dtype.kind not in "iu":
        raise DTypeError(f"{who}: segment_ids: expected integers, got dtype {ids.dtype}")
    if ids.ndim != 1 or not data.ndim or ids.shape[0] != data.shape[0]:
        raise ShapeError(
            f"{who}: segment_ids: expected one for each row of data of shape {data.shape}, got "
            f"shape {ids.shape}"
        )
    if number is None:
        number = int(F.max(ids).item()) + 1 if ids.numel() else 0
    ids = F.cast(ids, dtype="int64")
    known = F.logical_and(F.ge(ids, 0), F.lt(ids, number))
    ids = F.where(known, ids, number)  # a row more, for those that are left out
    if how == "sum":
        result = F.cast(F.scatter_add(data, ids, axis=0, size=number + 1), dtype=data.dtype)
    else:
        start: float = 1
        if how != "prod":
            limits = np.finfo(np.float32) if data.dtype.kind == "f" else np.iinfo(data.dtype)
            floats = data.dtype.kind == "f"
            if how == "amax":
                start = -math.inf if floats else int(limits.min)
            else:
                start = math.inf if floats else int(limits.max)
        base = _core.full((number + 1, *data.shape[1:]), data.dtype, start)
        result = indexed(base, 0, ids, data, how, how == "prod", who)
    stops = (number, *data.shape[1:])
    return F.slice(result, starts=[0] * data.ndim, stops=stops, steps=[1] * data.ndim)


def by_coordinates(
    x: Tensor, indices: TensorLike, updates: TensorLike, how: str | None, who: str
) -> Tensor:
    """x with updates written or combined at the coordinates in the last axis of the indices."""
    indices, updates = _core.as_tensor(indices), _core.as_tensor(updates)
    if not indices.ndim or indices.shape[-1] > x.ndim:
        raise ShapeError(
            f"{who}: indices: expected (..., up to {x.ndim}) for shape {x.shape}, got shape "
            f"{indices.shape}"
        )
    count = indices.shape[-1]
    rest = x.shape[count:]
    expected = (*indices.shape[:-1], *rest)
    if updates.shape != expected:
        raise ShapeError(f"{who}: values: expected shape {expected}, got {updates.shape}")
    place: Tensor = _core.as_tensor(np.zeros(indices.shape[:-1], np.int64))
    for i, part in enumerate(F.split(indices, sizes=[1] * count, axis=-1)):
        part = F.reshape(part, shape=indices.shape[:-1])
        checked = _within(as_indices(part, x.shape[i], who, "indices"), x.shape[i])
        place = F.add(place, F.mul(checked, math.prod(x.shape[i + 1 :])))
    inner = np.arange(math.prod(rest)).reshape(rest)
    places = F.add(F.reshape(place, shape=(*place.shape, *[1] * len(rest))), inner)
    if how is None:
        check_fits(who, updates, x.dtype)
        return last_written(x, places, updates)
    return reduced(x, places, updates, how, True, who)


def last_written(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """x with values at places; of several for one place the last counts."""
    where = np.asarray(places).reshape(-1)
    _, first = np.unique(where[::-1], return_index=True)
    last = where.size - 1 - first
    return replaced(x, where[last], F.take(flat(values), last))
