"""Operations that move values without changing them: shapes, axes, joining and cutting.

`reshape` and the functions that use it (`expand_dims`, `ravel`, `squeeze`) share the input's
memory; all others copy. Axes may be negative; an axis out of range raises IndexError.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base import images, moving
from .._base.checks import check_choice, check_number, shown

if TYPE_CHECKING:
    from .._core import Axes, IntOrInts, Tensor, TensorLike


def reshape(x: TensorLike, newshape: IntOrInts) -> Tensor:
    """The same values in another shape. One of the sizes may be -1; it is then computed.

    Raises:
        ValueError: the shape holds another number of values.

    Example:
        >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return F.reshape(x, shape=newshape)


def _form_of_reshape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The form of the result in a graph, where sizes may be tensors, whose values are not known."""
    from .._graph.symbolic import KerasTensor, infer, symbolic_leaves
    from . import reshape

    def parts(x: TensorLike, newshape: Any) -> tuple[TensorLike, Any]:
        return x, newshape

    x, newshape = parts(*args, **kwargs)
    if not symbolic_leaves(newshape):
        return infer(reshape, args, kwargs)
    if not isinstance(newshape, KerasTensor):
        sizes = [n if type(n) is int and n >= 0 else None for n in newshape]
    elif len(newshape.shape) == 1 and newshape.shape[0] is not None:
        sizes = [None] * newshape.shape[0]
    else:
        raise ValueError(
            f"reshape: newshape: expected a known number of sizes, got a tensor of shape "
            f"{newshape.shape}"
        )
    return KerasTensor(sizes, x.dtype if isinstance(x, KerasTensor) else _core.as_tensor(x).dtype)


reshape.__dict__["_spec"] = _form_of_reshape


def ravel(x: TensorLike) -> Tensor:
    """All elements along one axis.

    Example:
        >>> ravel([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    return F.reshape(x, shape=(-1,))


def squeeze(x: TensorLike, axis: Axes = None) -> Tensor:
    """Removes axes of size 1: the given axes, or all.

    Raises:
        ValueError: an axis that is given has another size.

    Example:
        >>> squeeze([[[1.0, 2.0]]], 0).shape
        (1, 2)
    """
    x = _core.as_tensor(x)
    shape = x.shape
    if axis is None:
        return F.reshape(x, shape=[n for n in shape if n != 1])
    gone = moving.checked_axes(axis, len(shape), "squeeze")
    for place in gone:
        if shape[place] != 1:
            raise ValueError(
                f"squeeze: axis {place} of shape {shape} has size {shape[place]}, expected 1"
            )
    return F.reshape(x, shape=[n for i, n in enumerate(shape) if i not in gone])


def expand_dims(x: TensorLike, axis: IntOrInts) -> Tensor:
    """Inserts axes of size 1. `axis` (one or several) counts the axes of the result.

    Example:
        >>> expand_dims([1.0, 2.0], (0, -1)).shape
        (1, 2, 1)
    """
    return moving.with_new_axes(x, axis, "expand_dims")


def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default.

    Example:
        >>> transpose([[1.0, 2.0]]).tolist()
        [[1.0], [2.0]]
    """
    return F.transpose(x, perm=axes)


def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    Example:
        >>> swapaxes([[[1.0, 2.0]]], 0, -1).shape
        (2, 1, 1)
    """
    return moving.exchanged(x, axis1, axis2, "swapaxes")


def moveaxis(x: TensorLike, source: IntOrInts, destination: IntOrInts) -> Tensor:
    """Moves one axis or several to other places. The others keep their order.

    Example:
        >>> moveaxis([[[1.0, 2.0]]], -1, 0).shape
        (2, 1, 1)
    """
    return moving.moved(x, source, destination, "moveaxis")


def pad(
    x: TensorLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float | None = None,
) -> Tensor:
    """Values before and after x along its axes.

    Args:
        x: input.
        pad_width: how many: a pair (before, after) for each axis, one pair for all, or one number.
        mode: "constant", or a part of x itself: "edge", "reflect", "symmetric" or "wrap" (also
            "circular"), as `numpy.pad` describes them.
        constant_values: the value for "constant"; 0 unless given.

    Raises:
        ValueError: an unknown mode, a width below 0, pairs for another number of axes, a value
            with another mode than "constant", or an axis without elements to repeat.

    Example:
        >>> pad([1.0, 2.0], (1, 2)).tolist()
        [0.0, 1.0, 2.0, 0.0, 0.0]
        >>> pad([1.0, 2.0, 3.0], 2, mode="reflect").tolist()
        [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    x = _core.as_tensor(x)
    widths = images.pad_widths("pad", pad_width, x.ndim)
    check_choice("pad", "mode", mode, ("constant", *images.MODES))
    if mode == "constant":
        value = 0.0 if constant_values is None else constant_values
        return images.padded(x, 0, widths, check_number("pad", "constant_values", value, -math.inf))
    if constant_values is not None:
        raise ValueError(
            f"pad: constant_values: expected None with mode {mode!r}, got {shown(constant_values)}"
        )
    return images.repeated(x, widths, mode)


def broadcast_to(x: TensorLike, shape: IntOrInts) -> Tensor:
    """The values repeated along new axes and axes of size 1.

    Example:
        >>> broadcast_to([1.0, 2.0], (2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    return F.broadcast_to(x, shape=shape)


def repeat(x: TensorLike, repeats: IntOrInts, axis: int | None = None) -> Tensor:
    """Each slice along an axis repeated in a row. Without an axis x is flattened.

    Args:
        x: input.
        repeats: one number, or one for each slice.
        axis: the axis; None flattens x.

    Raises:
        ValueError: a number is negative, or there is not one for each slice.

    Example:
        >>> repeat([1.0, 2.0], 2).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    return moving.elements_in_a_row(x, repeats, axis, "repeat")


def tile(x: TensorLike, repeats: IntOrInts) -> Tensor:
    """The whole tensor repeated `repeats[i]` times along axis i.

    Missing leading numbers, and missing leading axes, are 1.

    Example:
        >>> tile([[1.0, 2.0]], 2).tolist()
        [[1.0, 2.0, 1.0, 2.0]]
    """
    times = [repeats] if moving.is_integer(repeats) else repeats
    return moving.laid_side_by_side(x, [int(n) for n in times])


def concatenate(xs: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """Joins tensors along an existing axis. None joins the flattened tensors.

    Raises:
        ValueError: the list is empty, or the sizes of other axes differ.

    Example:
        >>> concatenate([[1.0], [2.0, 3.0]]).tolist()
        [1.0, 2.0, 3.0]
    """
    if axis is None:
        return F.concat([F.reshape(x, shape=(-1,)) for x in xs])
    return F.concat(xs, axis=axis)


def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Joins tensors of one shape along a new axis.

    Example:
        >>> stack([[1.0, 2.0], [3.0, 4.0]], 1).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return F.stack(x, axis=axis)


def split(x: TensorLike, indices_or_sections: IntOrInts, axis: int = 0) -> list[Tensor]:
    """Cuts one axis into parts.

    Args:
        x: input.
        indices_or_sections: the number of equal parts, or the list of places to cut at.
        axis: the axis.

    Raises:
        ValueError: the axis isn't a multiple of the number.

    Example:
        >>> [part.tolist() for part in split([1.0, 2.0, 3.0, 4.0], 2)]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return moving.in_parts(x, indices_or_sections, axis, "split")


def flip(x: TensorLike, axis: Axes = None) -> Tensor:
    """Reverses one axis or several; all by default.

    Example:
        >>> flip([1.0, 2.0, 3.0]).tolist()
        [3.0, 2.0, 1.0]
    """
    return moving.flipped(x, axis, "flip")


def roll(x: TensorLike, shift: IntOrInts, axis: Axes = None) -> Tensor:
    """Moves values along axes. Values that leave at the end enter at the start.

    Args:
        x: input.
        shift: how far: one number for each axis, or one for all.
        axis: one axis or several; None rolls the flattened input.

    Example:
        >>> roll([[1, 2], [3, 4]], 1).tolist()
        [[4, 1], [2, 3]]
    """
    return moving.rolled(x, shift, axis, "roll")
