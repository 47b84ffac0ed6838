"""Picking values by index: orders, positions, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import DTypeError, ShapeError, Tensor
from .moving import checked_axis

if TYPE_CHECKING:
    from .._core import TensorLike


def first_in_order(
    x: TensorLike, k: int, axis: int, largest: bool, who: str
) -> tuple[Tensor, Tensor]:
    """The k largest or smallest values of one axis, in order, and their indices."""
    x = _core.as_tensor(x)
    axis = checked_axis(axis, x.ndim, who)
    if not 0 <= k <= x.shape[axis]:
        raise ShapeError(
            f"{who}: k: expected 0 to {x.shape[axis]} for axis {axis} of shape {x.shape}, got {k}"
        )
    order = F.order(x, axis=axis, descending=largest)
    stops = list(order.shape)
    stops[axis] = k
    order = F.slice(order, starts=[0] * x.ndim, stops=stops, steps=[1] * x.ndim)
    return F.gather(x, order, axis=axis), order


def taken(x: TensorLike, indices: TensorLike, axis: int | None) -> Tensor:
    """The entries of one axis at `indices`. Without an axis x is flattened."""
    if axis is None:
        return F.take(F.reshape(x, shape=(-1,)), indices)
    return F.take(x, indices, axis=axis)


def along(x: TensorLike, indices: TensorLike, axis: int | None, who: str) -> Tensor:
    """One value for each index along an axis. The other axes of both broadcast.

    Without an axis both are flattened.
    """
    x, indices = _core.as_tensor(x), _core.as_tensor(indices)
    if axis is None:
        return F.gather(F.reshape(x, shape=(-1,)), F.reshape(indices, shape=(-1,)), axis=0)
    axis = checked_axis(axis, x.ndim, who)
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"{who}: expected indices with {x.ndim} axes for shape {x.shape}, got {indices.shape}"
        )
    beside = slice(axis, axis + 1)
    try:
        shape = np.broadcast_shapes(_with(x.shape, beside, 1), _with(indices.shape, beside, 1))
    except ValueError:
        raise ShapeError(
            f"{who}: shapes {x.shape} and {indices.shape} don't broadcast beside axis {axis}"
        ) from None
    x_shape = _with(shape, beside, x.shape[axis])
    index_shape = _with(shape, beside, indices.shape[axis])
    x = x if x.shape == x_shape else F.broadcast_to(x, shape=x_shape)
    wide = indices.shape == index_shape
    return F.gather(x, indices if wide else F.broadcast_to(indices, shape=index_shape), axis=axis)


def _with(shape: tuple[int, ...], place: slice, extent: int) -> tuple[int, ...]:
    sizes = list(shape)
    sizes[place] = [extent]
    return tuple(sizes)


def positions(x: TensorLike) -> tuple[np.ndarray, ...]:
    """The positions of values other than zero: one array of indices for each axis."""
    return np.atleast_1d(_core.as_tensor(x).numpy()).nonzero()


def different(x: TensorLike, axis: int | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The distinct values in ascending order, and three tensors of integers.

    These are the first position of each value, the place of each element of x among the values,
    and how often each value occurs. With an axis, slices along it are compared.
    """
    x = _core.as_tensor(x)
    values, first, inverse, counts = np.unique(
        x.numpy(),
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        equal_nan=False,  # each NaN is a value of its own, in Keras and in PyTorch
    )
    inverse = inverse.reshape(x.shape if axis is None else (-1,))  # as in every NumPy
    return (
        _core.as_tensor(values),
        _core.as_tensor(first),
        _core.as_tensor(inverse),
        _core.as_tensor(counts),
    )


def counts(
    x: TensorLike,
    weights: TensorLike | None,
    minlength: int,
    who: str,
    kind: str | None = None,
) -> Tensor:
    """How often each of 0, 1, ... occurs, or the sum of its weights; `minlength` values or more.

    Counts are int64 and sums float32, or integers of the type `kind`.

    Raises:
        ValueError: a negative value, or weights of another shape.
        TypeError: values that aren't integers.
    """
    values = _core.as_tensor(x).numpy()
    if values.dtype.kind not in "iu":
        raise DTypeError(f"{who}: expected integers, got dtype {values.dtype}")
    if weights is not None:
        weights = _core.as_tensor(weights).numpy()
        if weights.shape != values.shape:
            raise ShapeError(
                f"{who}: expected weights of shape {values.shape}, got {weights.shape}"
            )
    if values.ndim != 1:
        raise ShapeError(f"{who}: expected one axis, got shape {values.shape}")
    found = np.bincount(values, weights, minlength)
    if kind is not None:  # sums of integers are exact in doubles
        found = found.astype(np.int64).astype(kind)
    return _core.as_tensor(found)


def triangle(x: TensorLike, diagonal: int, lower: bool, who: str) -> Tensor:
    """The matrices in the last two axes with zeros above (`lower`) or below a diagonal."""
    x = _core.as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"{who}: expected at least 2 axes, got shape {x.shape}")
    rows, columns = x.shape[-2:]
    kept = np.tri(rows, columns, diagonal if lower else diagonal - 1, dtype=bool)
    zero = _core.full((), x.dtype, 0)
    return F.where(kept, x, zero) if lower else F.where(kept, zero, x)
