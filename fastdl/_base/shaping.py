"""Joining, cutting and turning tensors, where that takes more than one core op."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from .. import _core
from .._core import ArgumentError, DTypeError, ShapeError
from . import functional as F
from .checks import check_choice, check_integer, check_integers, shown
from .moving import checked_axes, checked_axis, exchanged, flipped, in_parts, is_integer, moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._core import IntOrInts, Tensor, TensorLike


def at_least(x: TensorLike, rank: int) -> Tensor:
    """x with new axes of size 1 until it has 1, 2 or 3: (n) to (1, n) to (1, n, 1)."""
    x = _core.as_tensor(x)
    shape = x.shape
    if rank >= 1 and not shape:
        shape = (1,)
    if rank >= 2 and len(shape) == 1:
        shape = (1, *shape)
    if rank >= 3 and len(shape) == 2:
        shape = (*shape, 1)
    return x if shape == x.shape else F.reshape(x, shape=shape)


def as_list(xs: Sequence[TensorLike] | Tensor, who: str) -> list[Tensor]:
    """Several tensors. ValueError if there is none."""
    if isinstance(xs, _core.Tensor):
        xs = [xs[i] for i in range(len(xs))]
    try:
        many = [_core.as_tensor(x) for x in xs]
    except TypeError:
        raise TypeError(f"{who}: expected a list of tensors, got {shown(xs)}") from None
    if not many:
        raise ArgumentError(f"{who}: expected at least one tensor, got none")
    return many


def joined_rows(xs: Sequence[TensorLike], who: str) -> Tensor:
    """Tensors below each other: vectors as rows."""
    return F.concat([at_least(x, 2) for x in as_list(xs, who)], axis=0)


def joined_columns(xs: Sequence[TensorLike], who: str) -> Tensor:
    """Tensors side by side: vectors behind each other."""
    many = [at_least(x, 1) for x in as_list(xs, who)]
    return F.concat(many, axis=0 if many[0].ndim == 1 else 1)


def joined_deep(xs: Sequence[TensorLike], who: str) -> Tensor:
    """Tensors along the third axis, which matrices and vectors get."""
    return F.concat([at_least(x, 3) for x in as_list(xs, who)], axis=2)


def in_uneven_parts(x: TensorLike, parts: IntOrInts, axis: int, who: str) -> list[Tensor]:
    """One axis cut into parts of which the first are larger by one, or at the given places."""
    if not is_integer(parts):
        return in_parts(x, parts, axis, who)
    x = _core.as_tensor(x)
    axis = checked_axis(axis, x.ndim, who)
    if parts <= 0:
        raise ArgumentError(f"{who}: expected a positive number of parts, got {parts}")
    size, more = divmod(x.shape[axis], int(parts))
    return _core.cut(x, [size + 1] * more + [size] * (int(parts) - more), axis)


def axis_of_split(x: Tensor, kind: str, who: str) -> int:
    """The axis that `hsplit`, `vsplit` or `dsplit` cuts."""
    least = {"h": 1, "v": 2, "d": 3}[kind]
    if x.ndim < least:
        raise ShapeError(f"{who}: expected at least {least} axes, got shape {x.shape}")
    return {"h": 0 if x.ndim == 1 else 1, "v": 0, "d": 2}[kind]


def grids(xs: Sequence[TensorLike], indexing: str, who: str) -> list[Tensor]:
    """For each vector a tensor that varies along one axis only, with the others' sizes."""
    check_choice(who, "indexing", indexing, ("ij", "xy"))
    many = as_list(xs, who)
    for x in many:
        if x.ndim > 1:
            raise ShapeError(f"{who}: expected vectors, got shape {x.shape}")
    sizes = tuple(x.numel() for x in many)
    result = []
    for i, x in enumerate(many):
        along = F.reshape(x, shape=[n if j == i else 1 for j, n in enumerate(sizes)])
        result.append(F.broadcast_to(along, shape=sizes))
    if indexing == "xy" and len(many) > 1:
        result = [exchanged(x, 0, 1, who) for x in result]
    return result


def turned(x: TensorLike, times: int, axes: Sequence[int], who: str) -> Tensor:
    """x turned by `times` quarters from the first axis towards the second."""
    x = _core.as_tensor(x)
    if len(axes) != 2:
        raise ShapeError(f"{who}: expected two axes, got {tuple(axes)}")
    one, other = checked_axes(tuple(axes), x.ndim, who)
    times = int(times) % 4
    if times == 2:
        return flipped(x, (one, other), who)
    if times == 1:
        return exchanged(flipped(x, other, who), one, other, who)
    return flipped(exchanged(x, one, other, who), other, who) if times == 3 else x


def windows(x: TensorLike, axis: int, size: int, step: int, who: str) -> Tensor:
    """All windows of a size along one axis, their elements along a new last axis."""
    x = _core.as_tensor(x)
    if not x.ndim:  # one window: the number, or with a size of 0 nothing
        windows_of_one = windows(F.reshape(x, shape=(1,)), axis, size, step, who)
        return F.reshape(F.take(windows_of_one, [0], axis=0), shape=(size,))
    axis = checked_axis(axis, x.ndim, who)
    if not 0 <= size <= x.shape[axis] or step <= 0:
        raise ShapeError(
            f"{who}: expected a size up to {x.shape[axis]} and a positive step for axis {axis} of "
            f"shape {x.shape}, got {size} and {step}"
        )
    starts = np.arange(0, x.shape[axis] - size + 1, step)
    index = starts[:, None] + np.arange(size)
    return moved(F.take(x, index, axis=axis), axis + 1, -1, who)


def blocks_on_the_diagonal(xs: Sequence[TensorLike], who: str) -> Tensor:
    """A matrix with matrices along its diagonal and zeros elsewhere."""
    many = [at_least(x, 2) for x in xs]
    if any(x.ndim != 2 for x in many):
        raise ShapeError(f"{who}: expected matrices, got shapes {[x.shape for x in many]}")
    width, before = sum(x.shape[1] for x in many), 0
    rows = []
    for x in many:
        after = width - before - x.shape[1]
        rows.append(F.pad(x, before=[0, before], after=[0, after]))
        before += x.shape[1]
    return F.concat(rows, axis=0)


def with_larger_channels(x: TensorLike, block: int, channels_last: bool, who: str) -> Tensor:
    """Blocks of places as channels: (n, h, w, c) to (n, h / b, w / b, b * b * c)."""
    x, (n, h, w, c), block = _image(x, block, channels_last, who)
    if h % block or w % block:
        raise ArgumentError(f"{who}: block_size: expected one that divides {(h, w)}, got {block}")
    if channels_last:
        x = F.reshape(x, shape=(n, h // block, block, w // block, block, c))
        x = F.transpose(x, perm=[0, 1, 3, 2, 4, 5])
        return F.reshape(x, shape=(n, h // block, w // block, block * block * c))
    x = F.reshape(x, shape=(n, c, h // block, block, w // block, block))
    x = F.transpose(x, perm=[0, 1, 3, 5, 2, 4])
    return F.reshape(x, shape=(n, c * block * block, h // block, w // block))


def with_larger_places(x: TensorLike, block: int, channels_last: bool, who: str) -> Tensor:
    """Channels as blocks of places, the reverse of `with_larger_channels`."""
    x, (n, h, w, c), block = _image(x, block, channels_last, who)
    if c % (block * block):
        raise ShapeError(
            f"{who}: block_size: expected one whose square divides {c} channels, got {block}"
        )
    c //= block * block
    if channels_last:
        x = F.reshape(x, shape=(n, h, w, block, block, c))
        x = F.transpose(x, perm=[0, 1, 3, 2, 4, 5])
        return F.reshape(x, shape=(n, h * block, w * block, c))
    x = F.reshape(x, shape=(n, c, block, block, h, w))
    x = F.transpose(x, perm=[0, 1, 4, 2, 5, 3])
    return F.reshape(x, shape=(n, c, h * block, w * block))


def _image(
    x: TensorLike, block: int, channels_last: bool, who: str
) -> tuple[Tensor, tuple[int, int, int, int], int]:
    x = _core.as_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"{who}: expected 4 axes, got shape {x.shape}")
    n, *rest = x.shape
    h, w, c = rest if channels_last else (*rest[1:], rest[0])
    return x, (n, h, w, c), check_integer(who, "block_size", block, 1)


def coordinates(indices: TensorLike, shape: IntOrInts, who: str) -> list[Tensor]:
    """The coordinates of places in a tensor of this shape, one tensor for each axis."""
    places = _core.as_tensor(indices)
    if places.dtype.kind not in "iu":
        raise DTypeError(f"{who}: indices: expected integers, got dtype {places.dtype}")
    sizes = check_integers(who, "shape", shape, 0)
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    total = math.prod(sizes)
    places = F.where(F.lt(places, 0), F.add(places, total), places)
    result = []
    for size in reversed(sizes):
        result.append(F.mod(places, size))
        places = F.floor_divide(places, size)
    return result[::-1]


def all_pairs(sizes: Iterable[int]) -> np.ndarray:
    """The indices of all combinations of one element of each, (count, number)."""
    return np.stack([g.reshape(-1) for g in np.meshgrid(*map(np.arange, sizes), indexing="ij")], 1)


def ordered_places(sequence: TensorLike, values: TensorLike, right: bool, who: str) -> np.ndarray:
    """Where values belong in a sorted sequence; with `right` behind those that are equal.

    A sequence with several axes has one for each row of the values.
    """
    sorted_, wanted = np.asarray(_core.as_tensor(sequence)), np.asarray(_core.as_tensor(values))
    side: Literal["left", "right"] = "right" if right else "left"
    if sorted_.ndim == 1:
        return np.searchsorted(sorted_, wanted, side)
    if not sorted_.ndim or sorted_.shape[:-1] != wanted.shape[:-1]:
        raise ShapeError(
            f"{who}: expected values with the leading axes of {sorted_.shape}, got {wanted.shape}"
        )
    rows = zip(
        sorted_.reshape(math.prod(sorted_.shape[:-1]), sorted_.shape[-1]),
        wanted.reshape(math.prod(wanted.shape[:-1]), wanted.shape[-1]),
        strict=True,
    )
    found = [np.searchsorted(one, other, side) for one, other in rows]
    return np.asarray(found, np.int64).reshape(wanted.shape)
