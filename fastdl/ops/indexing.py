"""Operations that pick values by index.

Indices are integer tensors or lists of integers. Negative indices count from the end. An index out
of range raises IndexError. Results that are indices are int32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import moving, picking
from .._base.checks import check_count, check_integer, prefixed
from .._base.outside import only_shapes_matter
from .._base.results import ValuesIndices
from .._core import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import TensorLike


def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The entries of one axis at `indices`. Without an axis x is flattened.

    The axes of `indices` replace the axis.

    Example:
        >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).tolist()
        [[2.0, 1.0], [4.0, 3.0]]
    """
    return picking.taken(x, indices, axis)


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """One value for each index along an axis. The other axes of both broadcast.

    Without an axis both are flattened.

    Raises:
        ValueError: x and indices differ in rank, or do not broadcast.

    Example:
        >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1]], axis=1).tolist()
        [[2.0], [4.0]]
    """
    return picking.along(x, indices, axis, "take_along_axis")


def one_hot(
    x: TensorLike,
    num_classes: int,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
) -> Tensor:
    """A new axis with 1 at the index and 0 elsewhere.

    Args:
        x: integers, or floats, which are cut off. An integer outside of the classes gives zeros.
        num_classes: the size of the new axis.
        axis: the place of the new axis in the result.
        dtype: the element type; float32 by default.
        sparse: only False is possible.

    Example:
        >>> one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _no_sparse("one_hot", sparse)
    num_classes = check_integer("one_hot", "num_classes", num_classes, 0)
    try:
        hot = F.one_hot(x, depth=num_classes)
    except (TypeError, ValueError) as error:
        try:
            hot = F.one_hot(F.cast(x, dtype="int32"), depth=num_classes)
        except (TypeError, ValueError):
            raise prefixed("one_hot: x", error) from None
    if check_integer("one_hot", "axis", axis) != -1:
        hot = moving.moved(hot, -1, axis, "one_hot")
    return hot if dtype is None else F.cast(hot, dtype=dtype)


def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The positions of the values that aren't zero: one vector of indices for each axis.

    Example:
        >>> [where.tolist() for where in nonzero([[0.0, 5.0], [7.0, 0.0]])]
        [[0, 1], [1, 0]]
    """
    return tuple(_core.as_tensor(p.astype(np.int32)) for p in picking.positions(x))


def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The order that sorts one axis. None sorts the flattened input.

    Equal values keep their order. NaN counts as largest.

    Example:
        >>> argsort([3.0, 1.0, 2.0]).tolist()
        [1, 2, 0]
    """
    x, axis = _flat_for_none(x, axis)
    return F.cast(F.order(x, axis=axis), dtype="int32")


def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """One axis sorted. None sorts the flattened input. Gradients flow to the values.

    Example:
        >>> sort([3.0, 1.0, 2.0]).tolist()
        [1.0, 2.0, 3.0]
    """
    x, axis = _flat_for_none(x, axis)
    return F.gather(x, F.order(x, axis=axis), axis=axis) if x.ndim else x


def _flat_for_none(x: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    x = _core.as_tensor(x)
    return (F.reshape(x, shape=(-1,)), 0) if axis is None else (x, axis)


def top_k(x: TensorLike, k: int, sorted: bool = True) -> ValuesIndices:
    """The k largest values of the last axis with their indices.

    The values are always in order; `sorted` has no effect.

    Raises:
        ValueError: k is larger than the axis.

    Example:
        >>> top_k([1.0, 3.0, 2.0], 2).indices.tolist()
        [1, 2]
    """
    values, indices = picking.first_in_order(x, k, -1, True, "top_k")
    return ValuesIndices(values, F.cast(indices, dtype="int32"))


@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    *,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Tensor: ...
@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Tensor | tuple[Tensor, ...]: ...
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Tensor | tuple[Tensor, ...]:
    """The distinct values in ascending order.

    Args:
        x: input. Without an axis it is flattened.
        sorted: without effect, since the values are always in order.
        return_index: whether to return the first position of each value.
        return_inverse: whether to return the place of each element of x among the values.
        return_counts: whether to return how often each value occurs.
        axis: compares slices along this axis instead of single values.
        size: the number of values to return. Further values are cut off, missing ones filled in.
        fill_value: fills in missing values; the smallest value by default.

    Returns:
        The values. With `return_index`, `return_inverse` or `return_counts`, a tuple that begins
        with them.

    Raises:
        ValueError: `size` is no integer of at least 0, or an empty x leaves nothing to fill with.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    size = check_count("unique", "size", size, 0)
    if only_shapes_matter():  # other values than 0 are all different: their number is not known
        array = _core.as_tensor(x).numpy()
        x = np.arange(array.size).reshape(array.shape).astype(array.dtype) if array.any() else x
    try:
        values, first, inverse, counts = picking.different(x, axis)
    except (TypeError, ValueError) as error:
        raise prefixed("unique" if axis is None else "unique: axis", error) from None
    if size is not None:
        at = axis or 0
        have = values.shape[at]
        if size and not have and fill_value is None:
            raise ValueError(
                f"unique: fill_value: expected a value for x without elements, which has "
                f"no value to fill size {size} with, got None"
            )
        order = np.minimum(np.arange(size), have)
        none = _core.full((1,), "int64", 0)
        if fill_value is None:
            filler = F.take(values, np.zeros(min(have, 1), np.int64), axis=at)
        else:
            shape = tuple(1 if i == at % values.ndim else n for i, n in enumerate(values.shape))
            try:
                filler = _core.full(shape, values.dtype, fill_value)
            except (TypeError, ValueError) as error:
                raise prefixed("unique: fill_value", error) from None
        values = F.take(F.concat([values, filler], axis=at), order, axis=at)
        first = F.take(F.concat([first, F.take(first, [0]) if have else none]), order)
        counts = F.take(F.concat([counts, none]), order)
    result = [values]
    for wanted, indices in (
        (return_index, first),
        (return_inverse, inverse),
        (return_counts, counts),
    ):
        if wanted:
            result.append(F.cast(indices, dtype="int32"))
    return result[0] if len(result) == 1 else tuple(result)


def bincount(
    x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> Tensor:
    """How often each of 0, 1, ... up to the largest value occurs; `minlength` counts or more.

    Args:
        x: integers. With two axes, each row is counted for itself.
        weights: the weight of each value, in the shape of x; 1 by default.
        minlength: the smallest number of counts.
        sparse: only False is possible.

    Returns:
        int32, or the type of the weights; int32 for weights that are truth values.

    Raises:
        ValueError: a value is negative.
        TypeError: the values aren't integers.

    Example:
        >>> bincount([0, 2, 2]).tolist()
        [1, 0, 2]
    """
    _no_sparse("bincount", sparse)
    x = _core.as_tensor(x)
    if x.ndim == 2:
        length = max(minlength, int(F.max(x).item()) + 1 if x.numel() else 0)
        rows = range(x.shape[0])
        chosen = weights if weights is None else _core.as_tensor(weights)
        return F.stack(
            [bincount(x[i], None if chosen is None else chosen[i], length) for i in rows]
        )
    if weights is None:
        return F.cast(picking.counts(x, None, minlength, "bincount"), dtype="int32")
    weights = _core.as_tensor(weights)
    kinds = {"f": None, "b": "int32"}  # else integers of one type
    kind = kinds.get(weights.dtype.kind, weights.dtype.name)
    return picking.counts(x, weights, minlength, "bincount", kind)


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The last two axes with zeros above the k-th diagonal.

    Example:
        >>> tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 0.0], [3.0, 4.0]]
    """
    return picking.triangle(x, k, True, "tril")


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The last two axes with zeros below the k-th diagonal.

    Example:
        >>> triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [[1.0, 2.0], [0.0, 4.0]]
    """
    return picking.triangle(x, k, False, "triu")


def _no_sparse(who: str, sparse: bool) -> None:
    if sparse:
        raise ValueError(f"{who}: sparse: expected False, since there are no sparse tensors")
