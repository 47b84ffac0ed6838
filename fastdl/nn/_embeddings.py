"""Rows of a table by their indices, and sums, means and maxima of bags of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, check_number
from .._core import ArgumentError, DTypeError, ShapeError
from ..autograd import no_grad

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def embedding(
    input: TensorLike,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table that the indices name.

    Args:
        input: indices, integers of any shape.
        weight: the table, (rows, features).
        padding_idx: a row that gets no gradient; negative ones count from the end.
        max_norm: rows that are used and have a larger norm are scaled down to it, in the table.
        norm_type: which norm that is: 2 for the Euclidean one.
        scale_grad_by_freq: whether the gradient of a row is divided by how often it is used.
        sparse: without an effect: gradients are dense.

    Returns:
        The shape of the input and (features,).

    Raises:
        IndexError: an index is negative, or not below the number of rows. The message names the
            first such index and its place. Recorded steps raise it, too.
        TypeError: the indices are no integers.
        ValueError: the table has not two axes, or `padding_idx` names none of its rows.

    Source: `torch.nn.functional.embedding`.

    Example:
        >>> embedding([2, 0], fastdl.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
    """
    options = (max_norm, norm_type, scale_grad_by_freq, sparse)
    return looked_up("embedding", input, weight, padding_idx, *options)


def looked_up(
    who: str,
    input: TensorLike,
    weight: Tensor,
    padding_idx: int | None,
    max_norm: float | None,
    norm_type: float,
    scale_grad_by_freq: bool,
    sparse: bool,
) -> Tensor:
    """`embedding` of a module or function that errors name."""
    check_flag(who, "sparse", sparse)
    table = _table(who, weight)
    padding = check_row(who, padding_idx, table.shape[0])
    indices = _indices(who, "input", input)
    if max_norm is not None:
        _limit_rows(who, table, indices, max_norm, norm_type)
    rows = _rows(who, table, indices, check_flag(who, "scale_grad_by_freq", scale_grad_by_freq))
    if padding is None or not rows.requires_grad:
        return rows
    used = F.reshape(F.ne(indices, padding), shape=(*indices.shape, 1))
    return F.where(used, rows, rows.detach())


def embedding_bag(
    input: TensorLike,
    weight: Tensor,
    offsets: TensorLike | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: TensorLike | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum over each bag of rows of a table. An empty bag gives 0.

    Args:
        input: indices, integers: (bags, length), or (n) for bags that `offsets` tells apart.
        weight: the table, (rows, features).
        offsets: where each bag begins in an input of one axis; the first is 0.
        max_norm, norm_type, scale_grad_by_freq: see `embedding`.
        mode: "sum", "mean" or "max".
        sparse: without an effect: gradients are dense.
        per_sample_weights: factors of the rows, of the shape of the input; for mode "sum" alone.
        include_last_offset: whether the last of the offsets is the end of the last bag.
        padding_idx: a row that counts in no bag and gets no gradient.

    Returns:
        (bags, features).

    Raises:
        IndexError: an index is negative, or not below the number of rows; offsets are not sorted,
            do not begin with 0, or lie behind the end of the input.
        TypeError: the indices or offsets are no integers.
        ValueError: an argument of another shape or value; offsets beside an input of two axes, or
            none beside one of one axis.
        NotImplementedError: `per_sample_weights` in another mode.

    Source: `torch.nn.functional.embedding_bag`.

    Example:
        >>> table = fastdl.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> embedding_bag([0, 2, 1], table, [0, 2], mode="sum").tolist()
        [[4.0, 6.0], [2.0, 3.0]]
    """
    more = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, per_sample_weights)
    end = (include_last_offset, padding_idx)
    return joined("embedding_bag", input, weight, offsets, *more, *end)


def joined(
    who: str,
    input: TensorLike,
    weight: Tensor,
    offsets: TensorLike | None,
    max_norm: float | None,
    norm_type: float,
    scale_grad_by_freq: bool,
    mode: str,
    sparse: bool,
    per_sample_weights: TensorLike | None,
    include_last_offset: bool,
    padding_idx: int | None,
) -> Tensor:
    """`embedding_bag` of a module or function that errors name."""
    check_choice(who, "mode", mode, ("sum", "mean", "max"))
    by_count = check_flag(who, "scale_grad_by_freq", scale_grad_by_freq)
    if mode == "max" and (by_count or check_flag(who, "sparse", sparse)):
        argument = "scale_grad_by_freq" if by_count else "sparse"
        raise ArgumentError(f"{who}: {argument}: expected False with mode 'max', got True")
    check_flag(who, "sparse", sparse)
    table = _table(who, weight)
    padding = check_row(who, padding_idx, table.shape[0])
    indices = _indices(who, "input", input)
    factors = _factors(who, per_sample_weights, indices, mode)
    has_end = check_flag(who, "include_last_offset", include_last_offset)
    bags, count = _bags(who, indices, offsets, has_end)
    if max_norm is not None:
        _limit_rows(who, table, indices, max_norm, norm_type)
    rows = F.reshape(_rows(who, table, indices, by_count), shape=(-1, table.shape[1]))
    indices = F.reshape(indices, shape=(-1,))
    if padding is not None:  # what counts in no bag lies in one more, which is cut off
        bags = F.where(F.ne(indices, padding), bags, count)
    if mode == "max":
        return _largest(rows, bags, count)
    if factors is not None:
        rows = F.mul(rows, factors)
    total = _first(F.scatter_add(rows, bags, axis=0, size=count + 1), count)
    if mode == "sum":
        return total
    return F.div(total, F.reshape(F.maximum(_sizes(bags, count), 1.0), shape=(count, 1)))


def check_row(who: str, padding_idx: int | None, rows: int) -> int | None:
    """`padding_idx` counted from the beginning.

    Raises:
        ValueError: there is no such row.
    """
    if padding_idx is None:
        return None
    index = check_integer(who, "padding_idx", padding_idx)
    if not -rows <= index < rows:
        raise ArgumentError(
            f"{who}: padding_idx: expected an index from {-rows} to {rows - 1} of the {rows} rows, "
            f"got {index}"
        )
    return index % rows


def _table(who: str, weight: TensorLike) -> Tensor:
    table = _core.as_tensor(weight)
    if table.ndim != 2:
        raise ShapeError(f"{who}: weight: expected 2 axes, got shape {tuple(table.shape)}")
    return table


def _indices(who: str, argument: str, value: TensorLike) -> Tensor:
    indices = _core.as_tensor(value)
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"{who}: {argument}: expected integers, got {indices.dtype}")
    return F.cast(indices, dtype="int64")


def _without_negative(indices: Tensor, size: int) -> Tensor:
    """Makes negative indices too large: the core would count them from the end."""
    return F.where(F.lt(indices, 0), size, indices)


def _rows(who: str, table: Tensor, indices: Tensor, by_count: bool) -> Tensor:
    """The rows; their gradients are divided by how often each is used if `by_count`."""
    rows = F.embedding(table, indices, who=who)
    if not by_count or not rows.requires_grad:
        return rows
    ones = _core.full(indices.shape, "float32", 1.0)
    counts = F.scatter_add(ones, indices, axis=0, size=table.shape[0])
    counts = F.take(counts, indices, axis=0)
    value = rows.detach()
    return F.add(value, F.div(F.sub(rows, value), F.reshape(counts, shape=(*indices.shape, 1))))


def _limit_rows(
    who: str, table: Tensor, indices: Tensor, max_norm: float, norm_type: float
) -> None:
    """Scales the rows that are used in the table, as PyTorch does."""
    most = check_number(who, "max_norm", max_norm, -math.inf)
    power = check_number(who, "norm_type", norm_type, -math.inf, infinite=True)
    with no_grad():
        places = F.reshape(indices, shape=(-1,))
        rows = F.reshape(_rows(who, table, indices, False), shape=(-1, table.shape[1]))
        norms = _norms(rows, power)
        scales = F.where(F.gt(norms, most), F.div(most, F.add(norms, 1e-7)), 1.0)
        F.put_(table, places, F.mul(rows, scales), axis=0)


def _norms(rows: Tensor, power: float) -> Tensor:
    """The norm of each row, with an axis of one."""
    sizes = F.abs(rows)
    if math.isinf(power):
        reduced = F.max if power > 0 else F.min
        return reduced(sizes, axes=-1, keepdims=True)
    if power == 0:
        return F.sum(F.cast(F.ne(sizes, 0.0), dtype="float32"), axes=-1, keepdims=True)
    if power == 2:
        return F.sqrt(F.sum(F.square(rows), axes=-1, keepdims=True))
    return F.pow(F.sum(F.pow(sizes, power), axes=-1, keepdims=True), 1 / power)


# --- bags


def _factors(
    who: str, per_sample_weights: TensorLike | None, indices: Tensor, mode: str
) -> Tensor | None:
    if per_sample_weights is None:
        return None
    factors = _core.as_tensor(per_sample_weights)
    if factors.shape != indices.shape:
        raise ShapeError(
            f"{who}: per_sample_weights: expected the shape {tuple(indices.shape)} of the input, "
            f"got {tuple(factors.shape)}"
        )
    if mode != "sum":
        raise NotImplementedError(
            f"{who}: per_sample_weights: expected mode 'sum' beside them, got {mode!r}"
        )
    return F.reshape(factors, shape=(-1, 1))


def _bags(
    who: str, indices: Tensor, offsets: TensorLike | None, has_end: bool
) -> tuple[Tensor, int]:
    """The bag of each index, and their number; what lies behind the last bag has that number."""
    if indices.ndim == 2:
        if offsets is not None:
            raise ShapeError(f"{who}: offsets: expected None beside an input of two axes")
        count, length = indices.shape
        return _core.as_tensor(np.repeat(np.arange(count), length)), count
    if indices.ndim != 1:
        raise ShapeError(f"{who}: input: expected 1 or 2 axes, got shape {tuple(indices.shape)}")
    if offsets is None:
        raise ArgumentError(f"{who}: offsets: expected them beside an input of one axis, got None")
    begins, size = _indices(who, "offsets", offsets), indices.shape[0]
    if begins.ndim != 1 or begins.shape[0] < has_end:
        raise ShapeError(
            f"{who}: offsets: expected one axis{', at least one' if has_end else ''}, got shape "
            f"{tuple(begins.shape)}"
        )
    count = begins.shape[0] - has_end
    if not begins.shape[0]:
        return _core.full((size,), "int64", 0), 0
    # Each counts from the one before, so a first one above 0 or a fall would become negative.
    steps = F.concat([F.neg(begins[:1]), F.sub(begins[1:], begins[:-1])])
    ones = _core.full(begins.shape, "int64", 1)
    try:
        marks = F.where(F.lt(steps, 0), size + 1, _without_negative(begins, size + 1))
        begun = F.scatter_add(ones, marks, axis=0, size=size + 1)
    except IndexError:
        raise IndexError(
            f"{who}: offsets: expected sorted ones from 0 (the first) to {size}, got "
            f"{begins.tolist()}"
        ) from None
    return F.sub(F.cumsum(begun, axis=0), 1)[:size], count


def _first(x: Tensor, count: int) -> Tensor:
    return F.slice(x, starts=[0] * x.ndim, stops=[count, *x.shape[1:]], steps=[1] * x.ndim)


def _sizes(bags: Tensor, count: int) -> Tensor:
    ones = _core.full(bags.shape, "float32", 1.0)
    return _first(F.scatter_add(ones, bags, axis=0, size=count + 1), count)


def _largest(rows: Tensor, bags: Tensor, count: int) -> Tensor:
    """The largest value of each bag and feature, the first one of equal ones; 0 for no value.

    Values are sorted, largest first, then by bag in an order that is kept: the first of each bag is
    what is wanted. The numbers of values in bags change no shape, so a plan can replay it.
    """
    size, features = rows.shape
    if not size:
        return _core.full((count, features), "float32", 0.0)
    falling = F.order(rows, axis=0, descending=True)
    by_bag = F.order(F.take(bags, falling, axis=0), axis=0)
    places = F.gather(falling, by_bag, axis=0)
    sizes = F.cast(_sizes(bags, count), dtype="int64")
    begins = F.minimum(F.sub(F.cumsum(sizes, axis=0), sizes), size - 1)
    found = F.gather(rows, F.take(places, begins, axis=0), axis=0)
    return F.where(F.reshape(F.gt(sizes, 0), shape=(count, 1)), found, 0.0)
