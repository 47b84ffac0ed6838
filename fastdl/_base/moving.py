"""Moving values without changing them, where that takes more than one core op."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ArgumentError, AxisError, ShapeError, Tensor

if TYPE_CHECKING:
    from typing import SupportsIndex

    from typing_extensions import TypeIs

    from .._core import Axes, IntOrInts, TensorLike


def checked_axis(axis: SupportsIndex, rank: int, who: str) -> int:
    """The axis counted from the start.

    Raises:
        TypeError: it is not an integer.
        IndexError: the tensor has no such axis.
    """
    try:
        place = axis.__index__()
    except (AttributeError, TypeError):
        raise TypeError(f"{who}: expected an integer as an axis, got {axis!r}") from None
    if not -rank <= place < rank:
        raise AxisError(f"{who}: axis {place} is out of range for a tensor with {rank} axes")
    return place % rank


def is_integer(value: object) -> TypeIs[int]:
    """Whether it is one integer: Python's, NumPy's, or an array or tensor without axes."""
    return isinstance(value, (int, np.integer)) or (
        isinstance(value, (np.ndarray, Tensor)) and not value.ndim
    )


def one_or_many(sizes: tuple[IntOrInts, ...]) -> IntOrInts:
    """The sizes of f(x, 2, 3) and f(x, (2, 3)) as a sequence, the size of f(x, 2) as a number."""
    return sizes[0] if len(sizes) == 1 else cast("tuple[int, ...]", sizes)


def one_by_one(sizes: tuple[IntOrInts, ...]) -> tuple[int, ...]:
    """The sizes of f(x, 2, 3), f(x, (2, 3)) and f(x, 2) as a tuple."""
    given = one_or_many(sizes)
    return (given,) if is_integer(given) else tuple(given)


def checked_axes(axes: IntOrInts, rank: int, who: str) -> list[int]:
    """One axis or several, counted from the start.

    Raises:
        ValueError: one occurs twice.
        IndexError: the tensor has no such axis.
    """
    several = (axes,) if is_integer(axes) else tuple(axes)
    checked = [checked_axis(axis, rank, who) for axis in several]
    if len(set(checked)) < len(checked):
        raise ShapeError(f"{who}: an axis occurs twice in {several}")
    return checked


def is_scalar(x: Tensor, who: str, *axes: IntOrInts) -> bool:
    """Whether a tensor has no axes; PyTorch knows it by the axes 0 and -1, others are an error."""
    if x.ndim:
        return False
    for axis in axes:
        for one in (axis,) if is_integer(axis) else axis:
            checked_axis(one, 1, who)
    return True


def broadcast(who: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all of them broadcast to.

    Raises:
        ShapeError: there is none.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        known = " and ".join(map(str, shapes))
        raise ShapeError(f"{who}: shapes {known} do not broadcast against each other") from None


def with_new_axes(x: TensorLike, axes: IntOrInts, who: str) -> Tensor:
    """The tensor with new axes of size 1. They are the given `axes` of the result."""
    x = _core.as_tensor(x)
    count = 1 if is_integer(axes) else len(axes)
    places = checked_axes(axes, x.ndim + count, who)
    old = iter(x.shape)
    return F.reshape(x, shape=[1 if i in places else next(old) for i in range(x.ndim + count)])


def moved(x: TensorLike, source: IntOrInts, destination: IntOrInts, who: str) -> Tensor:
    """The axes `source` moved to the places `destination`. The others keep their order."""
    x = _core.as_tensor(x)
    return F.transpose(x, perm=order_of_moved(x.ndim, source, destination, who))


def order_of_moved(rank: int, source: IntOrInts, destination: IntOrInts, who: str) -> list[int]:
    """The order of the axes once `source` moved to the places `destination`."""
    sources = checked_axes(source, rank, who)
    places = checked_axes(destination, rank, who)
    if len(sources) != len(places):
        raise ShapeError(
            f"{who}: expected as many axes in source as in destination, got {source} and "
            f"{destination}"
        )
    order = [axis for axis in range(rank) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return order


def exchanged(x: TensorLike, one: int, other: int, who: str) -> Tensor:
    """Two axes exchanged."""
    x = _core.as_tensor(x)
    if not x.ndim:  # as in PyTorch it has an axis 0 to name
        for axis in (one, other):
            checked_axis(axis, 1, who)
        return F.copy(x)
    return F.transpose(x, perm=order_of_exchanged(x.ndim, one, other, who))


def order_of_exchanged(rank: int, one: int, other: int, who: str) -> list[int]:
    """The order of the axes once two are exchanged."""
    order = list(range(rank))
    i, j = checked_axis(one, rank, who), checked_axis(other, rank, who)
    order[i], order[j] = j, i
    return order


def flipped(x: TensorLike, axes: Axes, who: str) -> Tensor:
    """The given axes reversed; None reverses all."""
    return _core.flip(x, axes, who)


def rolled(x: TensorLike, shifts: IntOrInts, axes: Axes, who: str) -> Tensor:
    """Values moved along axes. Values that leave at the end enter at the start.

    Without axes the flattened tensor is rolled; the result has the shape of x.
    """
    x = _core.as_tensor(x)
    if axes is None:
        if not is_integer(shifts):
            raise ArgumentError(f"{who}: expected an axis for each shift, got {shifts!r} and None")
        flat = F.reshape(x, shape=(-1,))
        return F.reshape(rolled(flat, shifts, 0, who), shape=x.shape)
    several = [axes] if is_integer(axes) else list(axes)
    steps = [shifts] * len(several) if is_integer(shifts) else list(shifts)
    if len(steps) == 1:
        steps *= len(several)
    if len(several) == 1:
        several *= len(steps)
    if len(steps) != len(several):
        raise ShapeError(f"{who}: expected as many shifts as axes, got {shifts!r} and {axes!r}")
    for step, axis in zip(steps, several, strict=True):
        axis = checked_axis(axis, x.ndim, who)
        extent = x.shape[axis]
        cut = -int(step) % extent if extent else 0
        if cut:
            head, tail = F.split(x, sizes=[cut, extent - cut], axis=axis)
            x = F.concat([tail, head], axis=axis)
    return x


def laid_side_by_side(x: TensorLike, times: Sequence[int]) -> Tensor:
    """The whole tensor repeated `times[i]` times along axis i. Missing leading axes have size 1."""
    x = _core.as_tensor(x)
    times = (1,) * (x.ndim - len(times)) + tuple(times)
    shape = (1,) * (len(times) - x.ndim) + x.shape
    apart = [extent for n in shape for extent in (1, n)]
    wide = [extent for count, n in zip(times, shape, strict=True) for extent in (count, n)]
    together = [count * n for count, n in zip(times, shape, strict=True)]
    return F.reshape(F.broadcast_to(F.reshape(x, shape=apart), shape=wide), shape=together)


def elements_in_a_row(x: TensorLike, repeats: IntOrInts, axis: int | None, who: str) -> Tensor:
    """Each slice along an axis repeated in a row. Without an axis x is flattened.

    `repeats` is one number, or one for each slice.
    """
    x = _core.as_tensor(x)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    axis = checked_axis(axis, x.ndim, who)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ArgumentError(f"{who}: repeats: expected integers of at least 0, got {repeats!r}")
    if counts.size not in (1, x.shape[axis]):
        raise ShapeError(
            f"{who}: expected 1 or {x.shape[axis]} repeats for axis {axis} of shape {x.shape}, "
            f"got {counts.size}"
        )
    return F.take(x, np.repeat(np.arange(x.shape[axis]), counts.reshape(-1)), axis=axis)


def in_parts(x: TensorLike, number_or_places: IntOrInts, axis: int, who: str) -> list[Tensor]:
    """One axis cut into a number of equal parts, or at the given places, as `numpy.split`."""
    x = _core.as_tensor(x)
    axis = checked_axis(axis, x.ndim, who)
    total = x.shape[axis]
    if is_integer(number_or_places):
        number = int(number_or_places)
        if number <= 0 or total % number:
            raise ShapeError(
                f"{who}: an axis of size {total} can't be cut into {number} equal parts"
            )
        return _core.cut(x, [total // number] * number, axis)
    from .checks import check_integers  # which the import of the package does without

    given = check_integers(who, "places", number_or_places)
    places = [0, *(slice(place).indices(total)[1] for place in given), total]
    sizes = [stop - start for start, stop in itertools.pairwise(places)]
    if min(sizes) >= 0:
        return _core.cut(x, sizes, axis)
    whole = (slice(None),) * axis  # NumPy allows places that fall; parts overlap there
    keys = ((*whole, slice(*bounds)) for bounds in itertools.pairwise(places))
    return [x[key] for key in keys]


def along_several(
    function: Callable[[TensorLike, int], Tensor], x: TensorLike, axes: Axes, who: str
) -> Tensor:
    """`function(x, axis)` over several axes as if they were one. None means all axes.

    The result has the shape of x.
    """
    if is_integer(axes):
        return function(x, axes)
    x = _core.as_tensor(x)
    if axes is None:
        return F.reshape(function(F.reshape(x, shape=(-1,)), 0), shape=x.shape)
    axes = checked_axes(axes, x.ndim, who)
    if len(axes) == 1:
        return function(x, axes[0])
    order = [axis for axis in range(x.ndim) if axis not in axes] + axes
    last = F.transpose(x, perm=order)
    rows = F.reshape(
        last, shape=(*last.shape[: x.ndim - len(axes)], math.prod(x.shape[axis] for axis in axes))
    )
    y = F.reshape(function(rows, -1), shape=last.shape)
    return F.transpose(y, perm=[order.index(axis) for axis in range(x.ndim)])


# --- parts of tensors (views.py)


def made(
    function: Callable[..., Tensor], original: TensorLike, *args: Any, **kwargs: Any
) -> Tensor:
    """`function(original, ...)`, which only moves values, as a part of the original."""
    part = function(original, *args, **kwargs)
    if not isinstance(original, Tensor):
        return part
    return _core.note_part(part, original, lambda t: function(t, *args, **kwargs))
