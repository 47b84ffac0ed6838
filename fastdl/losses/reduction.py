"""From elementwise losses to one number: ranks, sample weights, masks and reductions of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import functional as F
from .._base.checks import check_choice
from .._core import Tensor

if TYPE_CHECKING:
    from .._core import TensorLike

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def check_reduction(who: str, reduction: str | None) -> str | None:
    """`reduction` if it is a known one.

    Raises:
        ValueError: it isn't; the message names the loss.
    """
    chosen: str | None = check_choice(who, "reduction", reduction, REDUCTIONS)
    return chosen


def _aligned(
    x: tuple[int, ...], y: tuple[int, ...], expand_rank_1: bool = True
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if len(x) == len(y) + 1 and x[-1] == 1:
        return (x, (*y, 1)) if len(y) == 1 and expand_rank_1 else (x[:-1], y)
    if len(y) == len(x) + 1 and y[-1] == 1:
        return ((*x, 1), y) if len(x) == 1 and expand_rank_1 else (x, y[:-1])
    return x, y


def same_rank(x: Tensor, y: Tensor, expand_rank_1: bool = True) -> tuple[Tensor, Tensor]:
    """Both tensors, with equal ranks if they differed by a last axis of length 1.

    (n,) and (n, 1) become (n, 1) both; (n, m) and (n, m, 1) become (n, m) both.
    """
    x_shape, y_shape = _aligned(x.shape, y.shape, expand_rank_1)
    if x_shape != x.shape:
        x = F.reshape(x, shape=x_shape)
    if y_shape != y.shape:
        y = F.reshape(y, shape=y_shape)
    return x, y


def _broadcasts(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(x), reversed(y), strict=False))


def divide_no_nan(x: TensorLike, y: TensorLike) -> Tensor:
    """x / y, and 0 where y is 0."""
    zero = F.eq(y, 0.0)
    return F.where(zero, 0.0, F.div(x, F.where(zero, 1.0, y)))


def masked_weight(sample_weight: TensorLike | None, mask: Tensor, reduction: str | None) -> Tensor:
    """The sample weights, with 0 where the mask is False.

    If a mean over all entries follows, the other weights are scaled up: the result is then the mean
    over the valid entries.
    """
    weight = F.cast(mask, dtype="float32")
    if reduction in ("mean", "sum_over_batch_size"):
        valid = F.sum(weight)
        weight = F.mul(weight, divide_no_nan(float(mask.numel()), valid))
    if sample_weight is None:
        return weight
    weight, given = same_rank(weight, F.cast(sample_weight, dtype="float32"))
    if not _broadcasts(weight.shape, given.shape):
        raise ValueError(
            f"sample_weight: shape {given.shape} does not fit a mask of shape {weight.shape}"
        )
    return F.mul(given, weight)


def reduce_weighted(
    values: Tensor,
    sample_weight: TensorLike | None = None,
    mask: Tensor | None = None,
    reduction: str | None = "sum_over_batch_size",
) -> Tensor:
    """Weights elementwise losses and reduces them.

    "sum_over_batch_size" (also "mean") divides the weighted sum by the number of values,
    "mean_with_sample_weight" by the sum of the weights; "none" leaves the values as they are.
    """
    if mask is not None:
        sample_weight = masked_weight(sample_weight, mask, reduction)
    if sample_weight is not None:
        sample_weight = F.cast(sample_weight, dtype="float32")
        values, sample_weight = same_rank(values, sample_weight)
        if not _broadcasts(sample_weight.shape, values.shape):
            raise ValueError(
                f"sample_weight: shape {sample_weight.shape} does not fit losses of shape "
                f"{values.shape}"
            )
        values = F.mul(values, sample_weight)
    if reduction in (None, "none") or values.ndim == 0:
        return values
    if reduction == "sum":
        return F.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        total = F.sum(values)
        return divide_no_nan(total, F.sum(sample_weight))
    return F.mean(values)


def check_broadcast(
    y_shape: tuple[int, ...], out_shape: tuple[int, ...], who: str = "the loss"
) -> str | None:
    """Says how targets fit outputs for a loss that compares them element by element.

    Returns:
        None if the shapes are equal by the rule of `same_rank`. Else the text of a warning: the
        shapes only broadcast, so each target is compared with several outputs.

    Raises:
        ValueError: the shapes don't broadcast.

    Example:
        >>> check_broadcast((32,), (32, 1)) is None
        True
    """
    y, out = _aligned(tuple(y_shape), tuple(out_shape))
    if y == out:
        return None
    if not _broadcasts(y, out):
        raise ValueError(
            f"{who}: targets of shape {tuple(y_shape)} do not fit outputs of shape "
            f"{tuple(out_shape)}"
        )
    return (
        f"{who}: targets of shape {tuple(y_shape)} and outputs of shape {tuple(out_shape)} differ "
        "and are broadcast against each other, so the loss compares each target with several "
        "outputs; give both the same shape if that is not meant"
    )
