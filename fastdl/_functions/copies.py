"""Parts and other shapes as tensors of their own, which can be written in place.

PyTorch has a function `*_copy` for each one that gives a view. Here the functions without `_copy`
give copies that refuse to be written, since that would not reach the tensor that they are part of.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_integer, check_integers
from .._base.moving import made
from . import movement, scattering, shaping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import IntOrInts, Tensor, TensorLike


def _own(x: Tensor) -> Tensor:
    """The values in memory of their own."""
    return F.copy(F.in_order(x))


def _all(parts: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(map(_own, parts))


def alias_copy(input: TensorLike) -> Tensor:
    """A copy.

    Example:
        >>> alias_copy([1.0]).tolist()
        [1.0]
    """
    return _own(_core.as_tensor(input))


def detach_copy(input: TensorLike) -> Tensor:
    """A copy through which no gradient flows."""
    return _own(_core.as_tensor(input).detach())


def diagonal_copy(input: TensorLike, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """`diagonal`."""
    return _own(shaping.diagonal(input, offset, dim1, dim2))


def expand_copy(input: TensorLike, size: IntOrInts) -> Tensor:
    """`expand`."""
    return _own(movement.expand(input, size))


def permute_copy(input: TensorLike, dims: Sequence[int]) -> Tensor:
    """`permute`."""
    return _own(movement.permute(input, dims=dims))


def select_copy(input: TensorLike, dim: int, index: int) -> Tensor:
    """`select`."""
    return _own(scattering.select(input, dim, index))


def slice_copy(
    input: TensorLike, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The part of an axis from `start` to `end`, every `step`-th place.

    Raises:
        ValueError: the step is not positive.

    Example:
        >>> slice_copy([1.0, 2.0, 3.0], 0, 1).tolist()
        [2.0, 3.0]
    """
    x = _core.as_tensor(input)
    axis = movement.moving.checked_axis(dim, x.ndim, "slice_copy")
    step = check_integer("slice_copy", "step", step, 1)
    key = (*[slice(None)] * axis, slice(start, end, step))
    return _own(x[key])


def split_copy(input: TensorLike, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of one size."""
    return _all(movement.split(input, split_size, dim))


def split_with_sizes_copy(
    input: TensorLike, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes`."""
    return _all(movement.split(input, tuple(split_sizes), dim))


def squeeze_copy(input: TensorLike, dim: IntOrInts | None = None) -> Tensor:
    """`squeeze`."""
    return _own(movement.squeeze(input, dim))


def t_copy(input: TensorLike) -> Tensor:
    """`t`."""
    return _own(movement.t(input))


def transpose_copy(input: TensorLike, dim0: int, dim1: int) -> Tensor:
    """`transpose`."""
    return _own(movement.transpose(input, dim0, dim1))


def unbind_copy(input: TensorLike, dim: int = 0) -> tuple[Tensor, ...]:
    """`unbind`."""
    return _all(movement.unbind(input, dim))


def unfold_copy(input: TensorLike, dimension: int, size: int, step: int) -> Tensor:
    """`Tensor.unfold`."""
    return _own(shaping.unfold(input, dimension, size, step))


def unsqueeze_copy(input: TensorLike, dim: int) -> Tensor:
    """`unsqueeze`."""
    return _own(movement.unsqueeze(input, dim))


def view_copy(input: TensorLike, size: IntOrInts) -> Tensor:
    """`reshape`."""
    return _own(movement.reshape(input, size))


# --- parts by steps in memory


def _places(
    who: str, x: Tensor, size: IntOrInts, stride: IntOrInts, storage_offset: int | None
) -> np.ndarray:
    """The numbers of the values, counted in the order of the axes."""

    def several(name: str, value: IntOrInts) -> tuple[int, ...]:
        found = check_integers(who, name, value, 0)
        return (found,) if isinstance(found, int) else tuple(found)

    sizes, steps = several("size", size), several("stride", stride)
    if len(sizes) != len(steps):
        raise _core.ArgumentError(f"{who}: stride: expected {len(sizes)} numbers, got {len(steps)}")
    start = 0 if storage_offset is None else check_integer(who, "storage_offset", storage_offset, 0)
    places = np.full(sizes, start)
    for axis, step in enumerate(steps):
        shape = [1] * len(sizes)
        shape[axis] = sizes[axis]
        places += (np.arange(sizes[axis]) * step).reshape(shape)
    last = int(places.max()) if places.size else -1
    if last >= x.numel():
        raise _core.ArgumentError(
            f"{who}: sizes {sizes} with steps {steps} from {start} on end at place {last}, and the "
            f"tensor has {x.numel()}"
        )
    return places


def as_strided(
    input: TensorLike, size: IntOrInts, stride: IntOrInts, storage_offset: int | None = None
) -> Tensor:
    """Values of a tensor at places that are given by steps: a copy.

    Args:
        input: a tensor, whose values count in the order of its axes.
        size: the shape of the result.
        stride: for each of its axes, how far the next value is.
        storage_offset: the place of the first value; 0 if None.

    Raises:
        ValueError: a place is outside of the tensor.

    Source: `torch.as_strided`, which counts places of the memory that the tensor shares.

    Example:
        >>> as_strided([1.0, 2.0, 3.0, 4.0], (3, 2), (1, 1)).tolist()
        [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    return made(_strided, _core.as_tensor(input), size, stride, storage_offset)


def _strided(x: Tensor, size: Any, stride: Any, storage_offset: Any) -> Tensor:
    places = _places("as_strided", x, size, stride, storage_offset)
    y = F.take(F.reshape(x, shape=(-1,)), places.reshape(-1)) if places.size else x
    found = F.reshape(y, shape=places.shape) if places.size else _core.empty(places.shape, x.dtype)
    return found


def as_strided_copy(
    input: TensorLike, size: IntOrInts, stride: IntOrInts, storage_offset: int | None = None
) -> Tensor:
    """`as_strided`."""
    return _own(as_strided(input, size, stride, storage_offset))


def as_strided_scatter(
    input: TensorLike,
    src: TensorLike,
    size: IntOrInts,
    stride: IntOrInts,
    storage_offset: int | None = None,
) -> Tensor:
    """A copy with the values of `src` at the places that `as_strided` takes.

    Raises:
        ValueError: a place is outside of the tensor, or `src` has another shape than `size`.

    Source: `torch.as_strided_scatter`.

    Example:
        >>> as_strided_scatter([1.0, 2.0, 3.0, 4.0], [7.0, 8.0], (2,), (2,)).tolist()
        [7.0, 2.0, 8.0, 4.0]
    """
    who = "as_strided_scatter"
    x, values = _core.as_tensor(input), _core.as_tensor(src)
    places = _places(who, x, size, stride, storage_offset)
    if values.shape != places.shape:
        raise _core.ArgumentError(f"{who}: src: expected shape {places.shape}, got {values.shape}")
    flat = scattering.scatter(
        F.reshape(x, shape=(-1,)), 0, places.reshape(-1), F.reshape(values, shape=(-1,))
    )
    return F.reshape(flat, shape=x.shape)


def nonzero_static(input: TensorLike, *, size: int, fill_value: int = -1) -> Tensor:
    """The positions of the values that are not zero, in a given number of rows.

    Args:
        input: a tensor.
        size: how many rows; what is more is left out.
        fill_value: stands in the rows that lack.

    Source: `torch.nonzero_static`.

    Example:
        >>> nonzero_static([0.0, 5.0, 7.0], size=3).tolist()
        [[1], [2], [-1]]
    """
    size = check_integer("nonzero_static", "size", size, 0)
    x = _core.as_tensor(input)
    found = np.argwhere(np.asarray(x.detach()))[:size]
    rows = np.full((size, x.ndim), check_integer("nonzero_static", "fill_value", fill_value))
    rows[: len(found)] = found
    return _core.tensor(rows)


def empty_strided(
    size: IntOrInts,
    stride: IntOrInts,
    *,
    dtype: object = None,
    requires_grad: bool = False,
    device: object = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`empty`: the values lie in the order of the axes, whatever `stride` says.

    Example:
        >>> empty_strided((2, 3), (1, 2)).shape
        (2, 3)
    """
    from .._base.creation import empty

    steps = check_integers("empty_strided", "stride", stride)
    sizes = check_integers("empty_strided", "size", size)
    if np.size(steps) != np.size(sizes):
        raise _core.ArgumentError(
            f"empty_strided: stride: expected {np.size(sizes)} numbers, got {stride}"
        )
    return empty(size, dtype=dtype, requires_grad=requires_grad, device=device)  # type: ignore[arg-type]


def empty_permuted(
    size: IntOrInts,
    physical_layout: Sequence[int],
    *,
    dtype: object = None,
    requires_grad: bool = False,
    device: object = None,
    layout: object = None,
    pin_memory: bool = False,
) -> Tensor:
    """`empty`: the values lie in the order of the axes, whatever `physical_layout` says.

    Example:
        >>> empty_permuted((2, 3), (1, 0)).shape
        (2, 3)
    """
    from .._base.creation import empty

    if sorted(physical_layout) != list(range(math.prod(np.shape(size)))):
        raise _core.ArgumentError(
            f"empty_permuted: physical_layout: expected an order of {size}'s axes, got "
            f"{physical_layout}"
        )
    return empty(size, dtype=dtype, requires_grad=requires_grad, device=device)  # type: ignore[arg-type]
