"""Losses of `nn.functional` with margins: of pairs, triplets and labels; PyTorch's numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core, _functions
from .._base import functional as F
from .._base.checks import check_callable, check_flag, check_number, shown
from .._core import ArgumentError, ShapeError
from ._losses import _pair, _reduced, _weighted, _weights, older_reduction

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

_LAST = (-1,)


def check_margin(who: str, margin: float) -> float:
    """The margin as a float. ValueError if it is no finite number."""
    return check_number(who, "margin", margin, -math.inf)


def check_power(who: str, p: int) -> int:
    """p if it is 1 or 2.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(p, bool) or not isinstance(p, (int, float)) or p not in (1, 2):
        raise ArgumentError(f"{who}: p: expected 1 or 2, got {shown(p)}")
    return int(p)


def pairwise_distance(
    x1: TensorLike, x2: TensorLike, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm along the last axis of `x1 - x2 + eps`.

    Args:
        x1, x2: (..., d), broadcast against each other.
        p: the norm, see `fastdl.norm`.
        eps: keeps the gradient finite where both are equal.
        keepdim: whether to keep the last axis.

    Example:
        >>> pairwise_distance([[0.0, 0.0]], [[3.0, 4.0]], eps=0.0).tolist()
        [5.0]
    """
    return _functions.norm(F.add(F.sub(x1, x2), eps), p, -1, keepdim)


# --- pairs and triplets


def cosine_embedding_loss(
    input1: TensorLike,
    input2: TensorLike,
    target: TensorLike,
    margin: float = 0.0,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`1 - cos` for targets of 1 and `max(cos - margin, 0)` for targets of -1.

    `cos` is that of the angle between the two inputs; 1e-12 is added to their squared norms.

    Args:
        input1, input2: vectors, (N, d) or (d).
        target: 1 or -1, (N), or a scalar for inputs (d). Others contribute 0.
        margin: cosines below it suffice for a target of -1.
        reduction: see the module `_losses`.

    Raises:
        ValueError: shapes don't fit, or unknown reduction.

    Example:
        >>> x, y = [[1.0, 0.0], [1.0, 0.0]], [[0.6, 0.8], [0.6, 0.8]]
        >>> cosine_embedding_loss(x, y, [1, -1], reduction="none").numpy().round(4)
        array([0.4, 0.6], dtype=float32)
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("cosine_embedding_loss", size_average, reduce)
    who = "cosine_embedding_loss"
    margin = check_margin(who, margin)
    input1, input2 = _core.as_tensor(input1), _core.as_tensor(input2)
    target = _core.as_tensor(target)
    if input1.shape != input2.shape or input1.ndim not in (1, 2):
        raise ShapeError(
            f"{who}: expected two inputs of one shape (N, d) or (d), got {input1.shape} and "
            f"{input2.shape}"
        )
    if target.shape != input1.shape[:-1]:
        raise ShapeError(f"{who}: target: expected shape {input1.shape[:-1]}, got {target.shape}")
    product = F.sum(F.mul(input1, input2), axes=_LAST)
    one, other = (F.rsqrt(F.add(F.sum(F.square(x), axes=_LAST), 1e-12)) for x in (input1, input2))
    cosine = F.mul(F.mul(product, one), other)
    same = F.where(F.eq(target, 1), F.sub(1.0, cosine), 0.0)
    different = F.where(F.eq(target, -1), F.relu(F.sub(cosine, margin)), 0.0)
    return _reduced(who, F.add(same, different), reduction)


def margin_ranking_loss(
    input1: TensorLike,
    input2: TensorLike,
    target: TensorLike,
    margin: float = 0.0,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`max(-target (input1 - input2) + margin, 0)`.

    Args:
        input1, input2: scores, of shapes that broadcast and have the same number of axes.
        target: 1 where the first score should be larger, -1 where the second should.
        margin: by how much.
        reduction: see the module `_losses`.

    Raises:
        ValueError: the numbers of axes differ, or unknown reduction.

    Example:
        >>> margin_ranking_loss([1.0, 1.0], [3.0, 0.0], [1, 1], reduction="none").tolist()
        [2.0, 0.0]
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("margin_ranking_loss", size_average, reduce)
    margin = check_margin("margin_ranking_loss", margin)
    input1, input2 = _core.as_tensor(input1), _core.as_tensor(input2)
    target = _core.as_tensor(target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            "margin_ranking_loss: expected inputs and target with the same number of axes, got "
            f"shapes {input1.shape}, {input2.shape} and {target.shape}"
        )
    loss = F.relu(F.sub(margin, F.mul(target, F.sub(input1, input2))))
    return _reduced("margin_ranking_loss", loss, reduction)


def hinge_embedding_loss(
    input: TensorLike,
    target: TensorLike,
    margin: float = 1.0,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The input, a distance, for targets of 1 and `max(margin - input, 0)` for targets of -1.

    Args:
        input: distances.
        target: 1 or -1, of the same shape. For others both terms count.
        margin: distances above it suffice for a target of -1.
        reduction: see the module `_losses`.

    Example:
        >>> hinge_embedding_loss([0.25, 0.25], [1, -1], reduction="none").tolist()
        [0.25, 0.75]
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("hinge_embedding_loss", size_average, reduce)
    margin = check_margin("hinge_embedding_loss", margin)
    input, target = _pair("hinge_embedding_loss", input, target)
    apart = F.where(F.ne(target, 1), F.relu(F.sub(margin, input)), 0.0)
    near = F.where(F.ne(target, -1), input, 0.0)
    return _reduced("hinge_embedding_loss", F.add(apart, near), reduction)


def triplet_margin_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`max(d(anchor, positive) - d(anchor, negative) + margin, 0)`; d is `pairwise_distance`.

    Args:
        anchor, positive, negative: vectors, (..., d), with the same number of axes.
        margin: by how much the negative should be farther; above 0.
        p, eps: see `pairwise_distance`.
        swap: whether the smaller one of d(anchor, negative) and d(positive, negative) counts.
        reduction: see the module `_losses`.

    Raises:
        ValueError: the margin isn't positive, the numbers of axes differ, or unknown reduction.

    Example:
        >>> triplet_margin_loss([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 4.0]], eps=0.0).item()
        2.0
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("triplet_margin_loss", size_average, reduce)

    def distance(x1: Tensor, x2: Tensor) -> Tensor:
        return pairwise_distance(x1, x2, p, eps)

    return _triplet(
        "triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction
    )


def triplet_margin_with_distance_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own.

    Args:
        anchor, positive, negative, margin, swap, reduction: as for `triplet_margin_loss`.
        distance_function: takes two tensors, gives their distances; `pairwise_distance` if None.

    Raises:
        TypeError: the distance is no function.
        ValueError: as for `triplet_margin_loss`.

    Example:
        >>> x, y, z = [[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 4.0]]
        >>> largest = lambda a, b: fastdl.amax(abs(a - b), -1)
        >>> triplet_margin_with_distance_loss(x, y, z, distance_function=largest).item()
        1.0
    """
    who = "triplet_margin_with_distance_loss"
    distance: Callable[[Tensor, Tensor], Tensor] = pairwise_distance
    if distance_function is not None:
        distance = check_callable(who, "distance_function", distance_function)
    return _triplet(who, anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    who: str,
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    margin = check_number(who, "margin", margin, above=0.0)
    anchor, positive, negative = (_core.as_tensor(one) for one in (anchor, positive, negative))
    if not anchor.ndim == positive.ndim == negative.ndim or not anchor.ndim:
        raise ShapeError(
            f"{who}: expected anchor, positive and negative with the same number of axes, got "
            f"shapes {anchor.shape}, {positive.shape} and {negative.shape}"
        )
    far = distance(anchor, negative)
    if check_flag(who, "swap", swap):
        far = F.minimum(far, distance(positive, negative))
    loss = F.relu(F.add(F.sub(distance(anchor, positive), far), margin))
    return _reduced(who, loss, reduction)


# --- labels


def soft_margin_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`log(1 + exp(-target input))`, without overflow.

    Args:
        input: scores.
        target: 1 or -1, of the same shape.
        reduction: see the module `_losses`.

    Example:
        >>> soft_margin_loss([0.0, 1000.0], [1, -1], reduction="none").tolist()
        [0.6931471824645996, 1000.0]
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("soft_margin_loss", size_average, reduce)
    input, target = _pair("soft_margin_loss", input, target)
    return _reduced("soft_margin_loss", F.softplus(F.neg(F.mul(target, input))), reduction)


def multilabel_soft_margin_loss(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The binary cross-entropy of logits, averaged over the classes.

    Args:
        input: logits, (N, ..., C) or (C).
        target: 0 or 1, of the same shape.
        weight: (C), factors of the classes.
        reduction: see the module `_losses`; the loss has the shape without C.

    Raises:
        ValueError: shapes don't fit, or unknown reduction.

    Example:
        >>> multilabel_soft_margin_loss([[0.0, 0.0]], [[0, 1]]).item()
        0.6931471824645996
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("multilabel_soft_margin_loss", size_average, reduce)
    who = "multilabel_soft_margin_loss"
    input, target = _pair(who, input, target)
    if not input.ndim:
        raise ShapeError(f"{who}: expected input of shape (..., C), got a scalar")
    input, target = _broadcast(input, F.cast(target, dtype="float32"))
    loss = F.sigmoid_cross_entropy(input, target)
    if weight is not None:
        loss = _weighted(who, loss, weight)
    return _reduced(who, F.mean(loss, axes=_LAST), reduction)


def _broadcast(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    if one.shape == other.shape:
        return one, other
    return F.add(one, F.mul(other, 0.0)), F.add(other, F.mul(one.detach(), 0.0))


def _rows(who: str, input: TensorLike) -> Tensor:
    """Scores (N, C); those of one sample become one row."""
    input = _core.as_tensor(input)
    if input.ndim not in (1, 2) or not input.shape[-1]:
        raise ShapeError(f"{who}: expected input of shape (N, C) or (C), got {input.shape}")
    return input if input.ndim == 2 else F.reshape(input, shape=(1, input.shape[0]))


def _class_indices(who: str, target: TensorLike, *shapes: tuple[int, ...]) -> Tensor:
    target = _core.as_tensor(target)
    if target.dtype.kind not in "iu" or target.shape not in shapes:
        raise ShapeError(
            f"{who}: target: expected integer class indices of shape {shapes[0]}, got "
            f"{target.dtype} of shape {target.shape}"
        )
    return target


def _chosen(who: str, scores: Tensor, index: Tensor) -> Tensor:
    """The scores of classes; ValueError if an index is no class."""
    classes = scores.shape[-1]
    # `gather` would count a negative index from the end.
    index = F.where(F.lt(index, 0), classes, index)
    try:
        return F.gather(scores, index, axis=-1)
    except IndexError:
        raise ArgumentError(f"{who}: target: a class index is outside [0, {classes})") from None


def multi_margin_loss(
    input: TensorLike,
    target: TensorLike,
    p: int = 1,
    margin: float = 1.0,
    weight: TensorLike | None = None,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The sum over the other classes i of `max(margin - x[target] + x[i], 0)^p`, divided by C.

    Args:
        input: scores x, (N, C) or (C).
        target: class indices, (N), or a scalar for an input (C).
        p: 1 or 2.
        margin: by how much the target's score should be larger.
        weight: (C), factors of the targets' classes.
        reduction: see the module `_losses`; the mean is over the samples.

    Raises:
        ValueError: shapes don't fit, an index is no class, or an argument is out of its range.

    Example:
        >>> multi_margin_loss([[0.5, 0.25, 0.0]], [0], reduction="none").numpy().round(4)
        array([0.4167], dtype=float32)
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("multi_margin_loss", size_average, reduce)
    who = "multi_margin_loss"
    p, margin = check_power(who, p), check_margin(who, margin)
    input = _core.as_tensor(input)
    input = input if input.ndim else F.reshape(input, shape=(1,))
    shape = input.shape[:-1]
    rows = _rows(who, input)
    count, classes = rows.shape
    target = _class_indices(who, target, shape, *[(1,)] * (not shape))
    column = F.reshape(F.cast(target, dtype="int64"), shape=(count, 1))
    gap = F.relu(F.add(F.sub(rows, _chosen(who, rows, column)), margin))
    own = F.one_hot(F.reshape(column, shape=(count,)), depth=classes)
    gap = F.where(F.gt(own, 0.0), 0.0, gap if p == 1 else F.square(gap))
    loss = F.mean(gap, axes=_LAST)
    if weight is not None:
        weight = _weights(who, "weight", weight)
        if weight.shape != (classes,):
            raise ShapeError(
                f"{who}: weight: expected one for each of {classes} classes, got shape "
                f"{weight.shape}"
            )
        loss = F.mul(loss, F.take(weight, F.reshape(column, shape=(count,))))
    return _reduced(who, F.reshape(loss, shape=target.shape), reduction)


def multilabel_margin_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The sum over target classes j and others i of `max(1 - x[j] + x[i], 0)`, divided by C.

    It takes memory for N C^2 numbers.

    Args:
        input: scores x, (N, C) or (C).
        target: of the same shape; a row lists its classes up to the first -1.
        reduction: see the module `_losses`; the mean is over the samples.

    Raises:
        ValueError: shapes don't fit, an index is neither a class nor -1, or unknown reduction.

    Example:
        >>> multilabel_margin_loss([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]]).numpy().round(4)
        np.float32(0.85)
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("multilabel_margin_loss", size_average, reduce)
    who = "multilabel_margin_loss"
    input = _core.as_tensor(input)
    shape = input.shape or (1,)
    rows = _rows(who, F.reshape(input, shape=shape))
    count, classes = rows.shape
    target = _class_indices(who, target, shape, input.shape)
    target = F.reshape(F.cast(target, dtype="int64"), shape=(count, classes))
    end = F.eq(target, -1)
    listed = F.eq(F.cumsum(F.cast(end, dtype="int64"), axis=-1), 0)
    scores = _chosen(who, rows, F.where(end, 0, target))
    marks = F.one_hot(F.where(listed, target, -1), depth=classes)
    others = F.eq(F.sum(marks, axes=(1,), keepdims=True), 0.0)
    gaps = F.sub(
        F.add(F.reshape(rows, shape=(count, 1, classes)), 1.0),
        F.reshape(scores, shape=(count, classes, 1)),
    )
    counted = F.logical_and(F.reshape(listed, shape=(count, classes, 1)), others)
    loss = F.div(F.sum(F.where(counted, F.relu(gaps), 0.0), axes=(1, 2)), float(classes))
    return _reduced(who, F.reshape(loss, shape=shape[:-1]), reduction)
