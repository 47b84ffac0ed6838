"""Operations that write values to places given by indices, and parts of tensors.

They return new tensors. Negative indices count from the end; an index out of range raises
IndexError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import scattering, shaping
from .._base.checks import check_choice, check_count
from .indexing import one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._core import IntOrInts, Tensor, TensorLike


def scatter(indices: TensorLike, values: TensorLike, shape: IntOrInts) -> Tensor:
    """Zeros with values added at coordinates.

    Args:
        indices: integers (..., n): the coordinates along the first n axes of the result.
        values: the values, in the leading shape of the indices and the rest of `shape`.
        shape: the shape of the result.

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,)).tolist()
        [1.0, 0.0, 5.0, 0.0]
    """
    values = _core.as_tensor(values)
    zeros = _core.full(shape, values.dtype, 0)
    return scattering.by_coordinates(zeros, indices, values, "sum", "scatter")


_REDUCTIONS = {None: None, "add": "sum", "max": "amax", "min": "amin", "mul": "prod"}


def scatter_update(
    inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """The inputs with values written at coordinates.

    Args:
        inputs: a tensor.
        indices: integers (..., n): the coordinates along the first n axes.
        updates: the values, in the leading shape of the indices and the rest of the inputs' shape.
        reduction: None to replace, or "add", "max", "min" or "mul" to combine with what is there.

    Raises:
        ValueError: the shapes don't fit, or an unknown reduction.

    Example:
        >>> scatter_update([1.0, 2.0, 3.0], [[0], [2]], [7.0, 8.0]).tolist()
        [7.0, 2.0, 8.0]
    """
    check_choice("scatter_update", "reduction", reduction, tuple(_REDUCTIONS))
    how = _REDUCTIONS[reduction]
    x = _core.as_tensor(inputs)
    return scattering.by_coordinates(x, indices, updates, how, "scatter_update")


def slice(inputs: TensorLike, start_indices: TensorLike, shape: Sequence[int]) -> Tensor:
    """The part of a shape that begins at some place.

    Args:
        inputs: a tensor.
        start_indices: where it begins, one index for each axis.
        shape: the shape of the part; -1 is all that is left of an axis.

    Raises:
        ValueError: there is not one number for each axis, or the part does not fit.

    Example:
        >>> slice([[1.0, 2.0], [3.0, 4.0]], (0, 1), (2, 1)).tolist()
        [[2.0], [4.0]]
    """
    x = _core.as_tensor(inputs)
    starts = _starts("slice", x, start_indices)
    sizes = [int(n) for n in shape]
    if len(sizes) != x.ndim:
        raise ValueError(f"slice: shape: expected {x.ndim} sizes for {x.shape}, got {shape}")
    sizes = [n - at if size == -1 else size
             for size, n, at in zip(sizes, x.shape, starts, strict=True)]  # fmt: skip
    stops = _stops("slice", x, starts, sizes)
    return F.slice(x, starts=starts, stops=stops, steps=[1] * x.ndim)


def slice_update(inputs: TensorLike, start_indices: TensorLike, updates: TensorLike) -> Tensor:
    """The inputs with a part that is replaced.

    Args:
        inputs: a tensor.
        start_indices: where the part begins, one index for each axis.
        updates: the part.

    Raises:
        ValueError: there is not one index for each axis, or the part does not fit.

    Example:
        >>> slice_update([[1.0, 2.0], [3.0, 4.0]], (0, 1), [[5.0], [6.0]]).tolist()
        [[1.0, 5.0], [3.0, 6.0]]
    """
    x, values = _core.as_tensor(inputs), _core.as_tensor(updates)
    starts = _starts("slice_update", x, start_indices)
    if values.ndim != x.ndim:
        raise ValueError(
            f"slice_update: updates: expected {x.ndim} axes for {x.shape}, got {values.shape}"
        )
    stops = _stops("slice_update", x, starts, values.shape)
    key = tuple(np.s_[at:end] for at, end in zip(starts, stops, strict=True))
    places = np.arange(x.numel()).reshape(x.shape)[key]
    return scattering.replaced(x, places, values)


def _starts(who: str, x: Tensor, start_indices: TensorLike) -> list[int]:
    starts = [int(i) for i in np.asarray(_core.as_tensor(start_indices)).reshape(-1)]
    if len(starts) != x.ndim:
        raise ValueError(
            f"{who}: start_indices: expected {x.ndim} indices for shape {x.shape}, got "
            f"{len(starts)}"
        )
    return starts


def _stops(who: str, x: Tensor, starts: list[int], sizes: Sequence[int]) -> list[int]:
    stops = [at + size for at, size in zip(starts, sizes, strict=True)]
    for at, end, n in zip(starts, stops, x.shape, strict=True):
        if not 0 <= at <= end <= n:
            raise ValueError(
                f"{who}: a part of shape {tuple(sizes)} at {tuple(starts)} does not fit into shape "
                f"{x.shape}"
            )
    return stops


def select(
    condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0
) -> Tensor:
    """For each element the choice of the first condition that is true there.

    Args:
        condlist: conditions.
        choicelist: a choice for each condition.
        default: the value where none is true.

    Raises:
        ValueError: the lists are empty, or differ in length.

    Example:
        >>> select([[True, False], [True, True]], [[1.0, 2.0], [3.0, 4.0]]).tolist()
        [1.0, 4.0]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"select: expected as many choices as conditions, got {len(choicelist)} and "
            f"{len(condlist)}"
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = F.where(condition, choice, result)
    return _core.as_tensor(result)


def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Tensor:
    """Where values belong in a sorted vector, int32.

    Args:
        sorted_sequence: a vector in ascending order.
        values: the values.
        side: "left" for the place before values that are equal, "right" for that behind them.

    Raises:
        ValueError: the sequence is no vector, or another `side`.

    Example:
        >>> searchsorted([1.0, 2.0, 3.0], [2.0, 5.0]).tolist()
        [1, 3]
    """
    check_choice("searchsorted", "side", side, ("left", "right"))
    sorted_sequence = _core.as_tensor(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise ValueError(
            f"searchsorted: sorted_sequence: expected a vector, got shape {sorted_sequence.shape}"
        )
    places = shaping.ordered_places(sorted_sequence, values, side == "right", "searchsorted")
    return _core.as_tensor(np.asarray(places, np.int32))


def multi_hot(
    inputs: TensorLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    **kwargs: int,
) -> Tensor:
    """1 for each class that the integers along the last axis name, 0 for others.

    Args:
        inputs: integers. With one axis they are one sample. An integer outside of the classes
            counts for nothing.
        num_classes: the number of classes.
        axis: the place of the axis of classes in the result.
        dtype: the element type; float32 by default.
        sparse: only False is possible.
        kwargs: `num_tokens`, Keras's older name of `num_classes`.

    Raises:
        TypeError: neither `num_classes` nor `num_tokens` is given.

    Example:
        >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    count = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise TypeError(f"multi_hot: unknown argument {min(kwargs)!r}")
    count = check_count("multi_hot", "num_classes", count, 0)
    if count is None:
        raise TypeError("multi_hot: num_classes: expected an integer, got None")
    x = _core.as_tensor(inputs)
    summed = 1 if x.ndim > 1 else 0
    hot = one_hot(x, count, axis if x.ndim > 1 else -1, "float32", sparse)
    hot = F.max(hot, axes=summed)
    return hot if dtype is None else F.cast(hot, dtype=dtype)


def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of the rows that have the same number.

    Args:
        data: rows.
        segment_ids: a number for each row. Rows with a negative or too large one are left out.
        num_segments: how many sums; one more than the largest number by default.
        sorted: whether the numbers ascend; a hint for speed that changes nothing here.

    Raises:
        ValueError: there is not one number for each row.

    Example:
        >>> segment_sum([1.0, 2.0, 4.0], [0, 0, 2]).tolist()
        [3.0, 0.0, 4.0]
    """
    return _segments("sum", data, segment_ids, num_segments)


def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of the rows that have the same number; 1 of none. As `segment_sum`.

    Example:
        >>> segment_prod([3.0, 2.0, 4.0], [0, 0, 2]).tolist()
        [6.0, 1.0, 4.0]
    """
    return _segments("prod", data, segment_ids, num_segments)


def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest of the rows that have the same number; -infinity of none. As `segment_sum`.

    Example:
        >>> segment_max([3.0, 2.0, 4.0], [0, 0, 1]).tolist()
        [3.0, 4.0]
    """
    return _segments("amax", data, segment_ids, num_segments)


def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest of the rows that have the same number; infinity of none. As `segment_sum`.

    Example:
        >>> segment_min([3.0, 2.0, 4.0], [0, 0, 1]).tolist()
        [2.0, 4.0]
    """
    return _segments("amin", data, segment_ids, num_segments)


def _segments(how: str, data: TensorLike, ids: TensorLike, number: int | None) -> Tensor:
    who = f"segment_{how.removeprefix('a')}"
    number = check_count(who, "num_segments", number, 0)
    return scattering.segments(data, ids, number, how, who)
