"""`tensor[key]` and `tensor[key] = value`.

Keys are NumPy's: integers, slices with any step, None, Ellipsis, integer arrays (lists, arrays or
tensors, broadcast against each other) and boolean masks. As in PyTorch, integers are applied before
arrays, and the axes of arrays that aren't side by side come first in the result.

The result of indexing is a copy, with a gradient as of any operation. Assignment writes in place.
Where gradients are recorded it is an operation too: gradients flow to the value, and to the other
elements of the tensor.
"""

from __future__ import annotations

import math
from opcode import opname
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import Tensor
from .dtypes import check_fits
from .watch import note_index

if TYPE_CHECKING:
    from typing import TypeAlias, TypeGuard

    from .._core import Index, IndexItem, TensorLike

    Array: TypeAlias = Tensor | np.ndarray  # of integers or bools
    Plain: TypeAlias = slice | int | Array | None  # an item that `_plain` has checked


def getitem(t: Tensor, key: Index) -> Tensor:
    """`t[key]`. IndexError if the key is not an index or is out of range.

    The core computes it itself for keys of integers, slices, None and '...'.
    """
    note_index(key)
    window = _Window(t.shape, key)
    if not window.is_full:
        t = F.slice(t, starts=window.starts, stops=window.stops, steps=window.steps)
    if window.view != list(t.shape):
        t = F.reshape(t, shape=window.view)
    if not window.arrays:
        return t
    if len(window.arrays) == 1:
        axis, index = window.arrays[0]
        return F.take(t, index, axis=axis)
    axes, rest = window.array_axes(), window.other_axes()
    if not window.arrays_adjoin():
        t = F.transpose(t, perm=axes + rest)
        axes = list(range(len(axes)))
    return F.take(F.reshape(t, shape=_merged(t.shape, axes)), window.flat_index(), axis=axes[0])


def setitem(t: Tensor, key: Index, value: TensorLike) -> None:
    """`t[key] = value`. The value is broadcast to the selected shape and converted to t's type.

    Raises:
        IndexError: as getitem.
        ValueError: the value's shape doesn't fit, or an integer type cannot hold the integer.
        RuntimeError: t is a leaf that requires a gradient, and gradients are recorded.
    """
    given = isinstance(value, Tensor) and value.requires_grad
    if (given or t.requires_grad) and _core.grad_enabled():
        return _assign_recorded(t, key, value)
    check_fits("item assignment", value, t.dtype)
    note_index(key)
    if t._device != "cpu" and not isinstance(value, Tensor) and _rank(value) == 0:
        value = _core.to_device(_as(t, value), t._device)  # a number goes where the tensor is
    if _is_mask(key) and _rank(value) == 0:
        F.assign_(t, F.where(_fitting_mask(t.shape, key), _as(t, value), t))
        return
    window = _Window(t.shape, key)
    value = _without_leading_ones(t, value)
    if not window.arrays:
        sliced = [len(range(*bounds)) for bounds in window.bounds()]
        if window.view != sliced and _rank(value):
            value = F.reshape(F.broadcast_to(_as(t, value), shape=window.view), shape=sliced)
        F.setitem_(t, starts=window.starts, stops=window.stops, steps=window.steps, value=value)
    elif window.is_full and window.view == list(t.shape) and window.arrays_adjoin():
        axes = window.array_axes()
        # reshape shares memory, so that writing into the result writes into t.
        merged = F.reshape(t, shape=_merged(t.shape, axes))
        F.put_(merged, window.flat_index(), value, axis=axes[0])
    else:
        F.put_(F.reshape(t, shape=(-1,)), window.positions(t.shape), value)


def _without_leading_ones(t: Tensor, value: TensorLike) -> TensorLike:
    """The value without its first axes of size 1, which broadcasting makes again where needed."""
    given = value if isinstance(value, (Tensor, np.ndarray)) else np.asarray(value)
    shape = list(given.shape)
    if len(shape) < 2 or shape[0] != 1:
        return value
    while shape and shape[0] == 1:
        del shape[0]
    return F.reshape(_as(t, value), shape=shape)


def _assign_recorded(t: Tensor, key: Index, value: TensorLike) -> None:
    """`t[key] = value` on the tape."""
    if t.requires_grad and t.is_leaf:
        raise RuntimeError(
            "item assignment: a leaf that requires a gradient cannot be changed in place; do it "
            "under no_grad()"
        )
    if t._is_part:
        _core.check_part(t, "item assignment")
    key = _frozen(key)
    before = _core.alias(t)
    given = isinstance(value, Tensor) and value.requires_grad
    shape = value.shape if isinstance(value, Tensor) else ()
    mode = _core.set_grad_enabled(False)
    try:
        setitem(t, key, value)
    finally:
        _core.set_grad_enabled(mode)

    def backward(*call: Any) -> list[Tensor | None]:
        _, _, (dy,), needs = call
        if dy is None:
            return [None] * len(needs)
        found: list[Tensor | None] = [None] * len(needs)
        if needs[0]:
            kept = F.copy(dy)
            kept[key] = 0.0
            found[0] = kept
        if given and needs[1]:
            found[1] = _summed(dy[key], shape)
        return found

    inputs = [before, value] if isinstance(value, Tensor) and given else [before]
    (after,) = _core.attach(inputs, [t], backward, 0, 0, 0)
    _core.become(t, after)
    if t._is_part or _core.viewed(t) is not None:
        from .views import place_in_original

        place_in_original(t)


def _frozen(key: Index) -> Index:
    """The key with copies of its arrays, which may change before the gradient is computed."""
    if isinstance(key, tuple):
        return tuple(_frozen(item) for item in key)  # type: ignore[return-value]
    if isinstance(key, Tensor):
        return F.copy(key)
    return np.array(key) if isinstance(key, (np.ndarray, list)) else key


def _summed(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of a value of this shape, which was broadcast or has more axes, of size 1."""
    same = shape[max(0, len(shape) - gradient.ndim) :]
    return F.reshape(gradient.sum_to_size(same), shape=shape)


def places_of(shape: tuple[int, ...], key: Index) -> np.ndarray:
    """The places in the flattened tensor of this shape that a key selects.

    Raises:
        IndexError: as getitem.
    """
    note_index(key)
    return _Window(shape, key).positions(shape)


def goes_back_into_item() -> bool:
    """Whether the caller runs `x[key] += value` (or another operator), which ends in setitem.

    Python makes `r = x[key]; r += value; x[key] = r` of it. The bytecode that follows the operator
    shows whether it is that.
    """
    import sys

    frame = sys._getframe(1)
    code = frame.f_code.co_code
    for at in range(frame.f_lasti + 2, len(code), 2):
        name = _OPERATIONS[code[at]]
        if not name.startswith(_BETWEEN):
            return name in ("STORE_SUBSCR", "STORE_SLICE")
    return False


_OPERATIONS = opname
_BETWEEN = ("CACHE", "SWAP", "ROT_", "EXTENDED_ARG", "NOP", "<")  # "<0>" is an inline cache


class _Window:
    """A key taken apart: first a slice of every axis, reshaped to `view`, then index arrays."""

    def __init__(self, shape: tuple[int, ...], key: Index) -> None:
        self.arrays: list[tuple[int, Array]] = []  # (axis of view, integers)
        plain: list[slice | int | None] = []  # the key with whole axes in the place of the arrays
        axis, place = 0, 0  # of the tensor, and of the view
        for item in _items(key, len(shape)):
            if isinstance(item, bool):  # a mask without axes: a new axis of one place, or of none
                self.arrays.append((place, np.zeros(int(item), np.int64)))
                plain.append(None)
                place += 1
            elif item is None or isinstance(item, (slice, int)):
                plain.append(item)
                axis += item is not None
                place += not isinstance(item, int)
            else:
                for index in _positions_of(item, shape, axis):
                    self.arrays.append((place, index))
                    plain.append(slice(None))
                    axis, place = axis + 1, place + 1
        self.starts, self.stops, self.steps, self.view, self.is_full = _core.window_of(
            shape, tuple(plain)
        )

    def bounds(self) -> list[tuple[int, int, int]]:
        """(start, stop, step) of every axis."""
        return list(zip(self.starts, self.stops, self.steps, strict=True))

    def array_axes(self) -> list[int]:
        """The axes of the view that index arrays apply to."""
        return [axis for axis, _ in self.arrays]

    def other_axes(self) -> list[int]:
        """The axes of the view that stay."""
        indexed = self.array_axes()
        return [axis for axis in range(len(self.view)) if axis not in indexed]

    def arrays_adjoin(self) -> bool:
        """Whether the indexed axes are side by side."""
        axes = self.array_axes()
        return axes[-1] - axes[0] == len(axes) - 1

    def flat_index(self) -> Array:
        """One index into the indexed axes taken together."""
        if len(self.arrays) == 1:
            return self.arrays[0][1]
        return np.ravel_multi_index(
            self._checked_arrays(), [self.view[axis] for axis in self.array_axes()]
        )

    def positions(self, shape: tuple[int, ...]) -> np.ndarray:
        """The places in the flattened tensor that the key selects, as an array of its shape."""
        everything = np.arange(math.prod(shape)).reshape(shape)
        # -1 is one before the first element here, but the last one to NumPy.
        slices = (
            slice(start, None if stop < 0 else stop, step) if start >= 0 else slice(0, 0)
            for start, stop, step in self.bounds()
        )
        key: list[slice | np.ndarray] = [slice(None)] * len(self.view)
        for axis, index in zip(self.array_axes(), self._checked_arrays(), strict=True):
            key[axis] = index
        return everything[tuple(slices)].reshape(self.view)[tuple(key)]

    def _checked_arrays(self) -> tuple[np.ndarray, ...]:
        """The index arrays, broadcast to each other and without negative values."""
        arrays = []
        for axis, index in self.arrays:
            index, extent = np.asarray(index), self.view[axis]
            wrong = (index < -extent) | (index >= extent)
            if wrong.any():
                raise IndexError(
                    f"index {index[wrong].flat[0]} is out of range for an axis with size {extent}"
                )
            arrays.append(np.where(index < 0, index + extent, index))
        try:
            return tuple(np.broadcast_arrays(*arrays))
        except ValueError:
            shapes = " and ".join(str(index.shape) for index in arrays)
            raise IndexError(f"index: arrays of shapes {shapes} don't broadcast") from None


def _items(key: Index, rank: int) -> list[Plain]:
    """One item for each axis and for each None; a mask is one item for all of its axes."""
    given = [_plain(item) for item in (key if isinstance(key, tuple) else (key,))]
    items = [item for item in given if not isinstance(item, EllipsisType)]
    used = sum(_axes_of(item) for item in items)
    if used > rank:
        raise IndexError(f"index: {used} axes are indexed, but the tensor has {rank}")
    everything: list[Plain] = [slice(None)] * (rank - used)
    dots = [i for i, item in enumerate(given) if isinstance(item, EllipsisType)]
    if len(dots) > 1:
        raise IndexError("index: expected at most one ellipsis ('...') in an index")
    at = dots[0] if dots else len(items)
    return items[:at] + everything + items[at:]


def _plain(item: IndexItem) -> Plain | EllipsisType:
    """The item as None, Ellipsis, a slice, an int, a bool, or an array or tensor of such."""
    if item is None or isinstance(item, (slice, EllipsisType)):
        return item
    if isinstance(item, (bool, np.bool_)):
        return bool(item)
    if isinstance(item, (int, np.integer)):
        return int(item)
    if not isinstance(item, (Tensor, np.ndarray, list, tuple, range)):
        raise IndexError(
            "index: expected integers, slices, None, '...', or arrays or tensors of integers or "
            f"bools, got {type(item).__name__}"
        )
    if not isinstance(item, Tensor):
        item = np.asarray(item)
        if not item.size and item.dtype.kind == "f":
            item = item.astype(np.int64)  # an empty list
    if item.dtype.kind not in "iub":
        raise IndexError(f"index: expected arrays of integers or bools, got dtype {item.dtype}")
    if not item.ndim:
        return _plain(item.item())
    return item


def _axes_of(item: Plain) -> int:
    if item is None or isinstance(item, bool):
        return 0
    return item.ndim if _is_mask(item) else 1


def _rank(value: TensorLike) -> int:
    return value.ndim if isinstance(value, Tensor) else np.asarray(value).ndim


def _is_mask(item: object) -> TypeGuard[Array]:
    return isinstance(item, (Tensor, np.ndarray)) and item.dtype == np.bool_ and item.ndim > 0


def _positions_of(item: Array, shape: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """An index array unchanged; a mask as one array of positions for each of its axes."""
    if not _is_mask(item):
        return (item,)
    covered = shape[axis : axis + item.ndim]
    if item.shape != covered:
        raise IndexError(f"index: a mask of shape {item.shape} doesn't fit axes of shape {covered}")
    return np.asarray(item).nonzero()


def _fitting_mask(shape: tuple[int, ...], mask: Array) -> Tensor:
    """The mask with axes of size 1 for the axes that only the tensor has."""
    if mask.shape != shape[: mask.ndim]:
        raise IndexError(
            f"index: a mask of shape {mask.shape} doesn't fit a tensor of shape {shape}"
        )
    return F.reshape(mask, shape=mask.shape + (1,) * (len(shape) - mask.ndim))


def _as(t: Tensor, value: TensorLike) -> Tensor:
    return _core.as_tensor(value, t.dtype)


def _merged(shape: tuple[int, ...], axes: list[int]) -> tuple[int, ...]:
    """The shape with neighbouring axes joined into one."""
    first, end = axes[0], axes[-1] + 1
    return (*shape[:first], math.prod(shape[first:end]), *shape[end:])
