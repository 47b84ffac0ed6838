"""The losses of `nn.functional`, with PyTorch's arguments, reductions and numbers.

`reduction` is "mean", "sum" or "none" everywhere; anything else raises ValueError. PyTorch's older
arguments for it, `size_average` and `reduce`, are taken by name, see `older_reduction`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import (
    check_choice,
    check_flag,
    check_fraction,
    check_integer,
    check_number,
    prefixed,
)
from .._base.moving import broadcast
from .._base.notices import warn_once
from .._core import ArgumentError, ShapeError

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


_REDUCTIONS = ("mean", "sum", "none")


def _reduced(who: str, loss: Tensor, reduction: str) -> Tensor:
    if not isinstance(reduction, str):  # an array has no truth value
        check_choice(who, "reduction", reduction, _REDUCTIONS)
    if reduction == "mean":
        return F.mean(loss)
    if reduction == "sum":
        return F.sum(loss)
    check_choice(who, "reduction", reduction, _REDUCTIONS)
    return loss


def older_reduction(
    who: str, size_average: bool | None, reduce: bool | None, reduction: str = "mean"
) -> str:
    """The reduction that PyTorch's older arguments ask for; `reduction` if both are None.

    `reduce=False` is "none", else `size_average=False` is "sum", else it is "mean". One warning
    says what to write.

    Raises:
        ValueError: one of them is neither True nor False.
    """
    if size_average is None and reduce is None:
        return reduction
    average = size_average is None or check_flag(who, "size_average", size_average)
    reduced = reduce is None or check_flag(who, "reduce", reduce)
    found = ("mean" if average else "sum") if reduced else "none"
    warn_once(f"{who}: size_average and reduce are PyTorch's older names: use reduction={found!r}")
    return found


def _weights(who: str, argument: str, value: TensorLike) -> Tensor:
    """The value as a tensor; the message of an error names the function and its argument."""
    try:
        return _core.as_tensor(value)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: {argument}", error) from None


def _weighted(who: str, one: Tensor, other: TensorLike, argument: str = "weight") -> Tensor:
    """The product; the message of an error names the function and its argument."""
    try:
        return F.mul(one, other)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: {argument}", error) from None


def _weighted_mean(who: str, loss: Tensor, weights: Tensor, reduction: str) -> Tensor:
    """The loss reduced. The mean is over the weights; bools are weights of 0 and 1."""
    if not isinstance(reduction, str) or reduction != "mean":
        return _reduced(who, loss, reduction)
    total = F.sum(weights)
    # If all weights are 0, the mean is NaN and its gradients are 0, as in PyTorch.
    none = F.eq(total, 0.0)
    mean = F.div(F.sum(loss), F.where(none, 1.0, total))
    return F.where(none, math.nan, mean)


def _pair(who: str, input: TensorLike, target: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors. As in PyTorch a warning says if their shapes differ."""
    input, target = _core.as_tensor(input), _core.as_tensor(target)
    if input.shape != target.shape:
        import warnings

        warnings.warn(
            f"{who}: the target's shape {target.shape} differs from the input's {input.shape}; "
            "broadcasting the two is likely to give wrong results",
            stacklevel=4,
        )
    return input, target


def _spread(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the shape that they broadcast to, for an operation that does not broadcast itself."""
    if input.shape == target.shape:
        return input, target
    shape = broadcast("loss", input.shape, target.shape)
    return F.broadcast_to(input, shape=shape), F.broadcast_to(target, shape=shape)


def mse_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    weight: TensorLike | None = None,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The squared error `(input - target)^2`.

    Args:
        input: predictions.
        target: targets, of the same shape. Other shapes are broadcast, with a warning.
        reduction: see the module.
        weight: factors of the elements' losses. The mean is then over the weights.

    Example:
        >>> mse_loss([1.0, 2.0], [1.0, 4.0]).item()
        2.0
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("mse_loss", size_average, reduce)
    input, target = _pair("mse_loss", input, target)
    return _elementwise("mse_loss", F.square(F.sub(input, target)), weight, reduction)


def l1_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    weight: TensorLike | None = None,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The absolute error `|input - target|`. Arguments as for `mse_loss`.

    Example:
        >>> l1_loss([1.0, 2.0], [1.0, 4.0]).item()
        1.0
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("l1_loss", size_average, reduce)
    input, target = _pair("l1_loss", input, target)
    return _elementwise("l1_loss", F.abs(F.sub(input, target)), weight, reduction)


def _elementwise(who: str, loss: Tensor, weight: TensorLike | None, reduction: str) -> Tensor:
    if weight is None:
        return _reduced(who, loss, reduction)
    try:
        weight = F.broadcast_to(weight, shape=loss.shape)
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: weight", error) from None
    return _weighted_mean(who, F.mul(loss, weight), weight, reduction)


def huber_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: TensorLike | None = None,
) -> Tensor:
    """`d^2 / 2` where `|d| < delta`, `delta * (|d| - delta / 2)` elsewhere; d = input - target.

    Raises:
        ValueError: delta isn't positive.

    Example:
        >>> huber_loss([0.0, 3.0], [1.0, 0.0], reduction="none").tolist()
        [0.5, 2.5]
    """
    delta = check_number("huber_loss", "delta", delta, above=0.0, infinite=True)
    input, target = _pair("huber_loss", input, target)
    loss = F.huber(*_spread(input, target), delta=delta)
    return _elementwise("huber_loss", loss, weight, reduction)


def smooth_l1_loss(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    beta: float = 1.0,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`huber_loss` with delta beta, divided by beta. For beta 0 it is the absolute error.

    Raises:
        ValueError: beta is negative.

    Example:
        >>> smooth_l1_loss([0.0, 3.0], [1.0, 0.0], reduction="none").tolist()
        [0.5, 2.5]
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("smooth_l1_loss", size_average, reduce)
    beta = check_number("smooth_l1_loss", "beta", beta)
    input, target = _pair("smooth_l1_loss", input, target)
    if beta == 0:
        return _reduced("smooth_l1_loss", F.abs(F.sub(input, target)), reduction)
    loss = F.huber(*_spread(input, target), delta=beta)
    return _reduced("smooth_l1_loss", loss if beta == 1 else F.div(loss, beta), reduction)


# --- two classes


def binary_cross_entropy(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`-target * log(input) - (1 - target) * log(1 - input)` of probabilities.

    Logarithms are at least -100, and the gradient's denominator `input (1 - input)` is at least
    1e-12, as in PyTorch. If the input is the direct result of `sigmoid`, the loss is computed from
    the input of `sigmoid`. Its value and gradient are then exact.

    Args:
        input: probabilities.
        target: targets in [0, 1], of the same shape.
        weight: factors of the elements' losses.
        reduction: see the module. The mean is over the elements.

    Raises:
        ValueError: the shapes differ, or a value of the input is outside [0, 1].

    Example:
        >>> binary_cross_entropy([0.5], [1.0]).item()
        0.6931471824645996
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("binary_cross_entropy", size_average, reduce)
    input, target = _core.as_tensor(input), _core.as_tensor(target)
    who = "binary_cross_entropy"
    _check_same(who, input, target)
    source = input._logits
    if source is not None and source[1] == "sigmoid":
        loss = F.sigmoid_cross_entropy(source[0], target)
    else:
        checked = _checked_probabilities(who, input)
        loss = F.mul(_loss_of_probabilities(input, target), checked)
    return _reduced(who, loss if weight is None else _weighted(who, loss, weight), reduction)


def _loss_of_probabilities(p: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy, element by element.

    Near 0 and 1 the gradient of the logarithms is 0 times infinity. There the value is a constant,
    and a further term, whose value is 0, has PyTorch's gradient `(p - target) / 1e-12`.
    """
    inside = F.gt(F.mul(p, F.sub(1.0, p)), 1e-12)
    safe = F.where(inside, p, 0.5)
    loss = _entropy(F.log(safe), F.log(F.sub(1.0, safe)), target)
    fixed = p.detach()
    log_p = F.maximum(F.log(fixed), -100.0)
    log_not_p = F.maximum(F.log(F.sub(1.0, fixed)), -100.0)
    slope = F.div(F.sub(fixed, target.detach()), 1e-12)
    steep = F.mul(slope, F.sub(p, fixed))
    return F.where(inside, loss, F.add(_entropy(log_p, log_not_p, target), steep))


def _entropy(log_p: Tensor, log_not_p: Tensor, target: Tensor) -> Tensor:
    return F.neg(F.add(F.mul(target, log_p), F.mul(F.sub(1.0, target), log_not_p)))


def _checked_probabilities(who: str, p: Tensor) -> Tensor | float:
    """The number 1. ValueError unless all probabilities are in [0, 1].

    The check is an op, `take` from a table of one row. So a replay makes it, too, if the result is
    used.
    """
    if not p.numel():
        return 1.0
    low, high = F.min(p.detach()), F.max(p.detach())
    good = F.logical_and(F.ge(low, 0.0), F.le(high, 1.0))
    try:
        one = _core.full((1,), "float32", 1.0)
        return F.take(one, F.cast(F.logical_not(good), dtype="int64"))
    except IndexError:
        raise ArgumentError(
            f"{who}: expected probabilities in [0, 1], got {low.item()} to {high.item()}; for "
            f"logits use {who}_with_logits"
        ) from None


def binary_cross_entropy_with_logits(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: str = "mean",
    pos_weight: TensorLike | None = None,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`binary_cross_entropy(sigmoid(input), target)`, without overflow.

    Args:
        input: logits.
        target: targets in [0, 1], of the same shape.
        weight: factors of the elements' losses.
        reduction: see the module. The mean is over the elements.
        pos_weight: factors of the term of positive targets; they are broadcast.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> binary_cross_entropy_with_logits([0.0], [1.0]).item()
        0.6931471824645996
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("binary_cross_entropy_with_logits", size_average, reduce)
    input, target = _core.as_tensor(input), _core.as_tensor(target)
    who = "binary_cross_entropy_with_logits"
    _check_same(who, input, target)
    if pos_weight is None:
        loss = F.sigmoid_cross_entropy(input, target)
    else:
        excess = F.sub(_weights(who, "pos_weight", pos_weight), 1.0)
        factor = F.add(_weighted(who, excess, target, "pos_weight"), 1.0)
        loss = F.add(
            F.mul(F.sub(1.0, target), input),
            F.mul(factor, F.softplus(F.neg(input))),
        )
    return _reduced(who, loss if weight is None else _weighted(who, loss, weight), reduction)


def _check_same(who: str, input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        raise ShapeError(
            f"{who}: target: expected the input's shape {input.shape}, got {target.shape}"
        )


# --- many classes


def cross_entropy(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`-log(softmax(input)[target])`, computed in one pass over the logits.

    Args:
        input: logits, (C), (N, C) or (N, C, d1, ...).
        target: class indices in the input's shape without C, or probabilities in its full shape.
        weight: (C), factors of the classes. With indices, the mean is then over the weights.
        ignore_index: samples with this index do not count and have no gradient.
        reduction: see the module.
        label_smoothing: in [0, 1], the part of the target that is spread evenly over the classes.

    Raises:
        ValueError: shapes don't fit, an index is not a class, or the smoothing is out of range.

    Example:
        >>> cross_entropy([[0.0, 0.0]], [1]).item()
        0.6931471824645996
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("cross_entropy", size_average, reduce)
    input, target = _core.as_tensor(input), _core.as_tensor(target)
    label_smoothing = check_fraction("cross_entropy", "label_smoothing", label_smoothing)
    check_integer("cross_entropy", "ignore_index", ignore_index)
    if target.dtype == np.float32:
        if ignore_index >= 0:
            raise ArgumentError(
                "cross_entropy: ignore_index: expected none beside probabilities, got "
                f"{ignore_index}"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    logits = _classes_last("cross_entropy", input, target)
    if weight is None and label_smoothing == 0.0:
        loss = F.sparse_softmax_cross_entropy(logits, target, ignore_index=ignore_index)
        if not isinstance(reduction, str) or reduction != "mean":
            return _reduced("cross_entropy", loss, reduction)
        # If no sample counts, the loss is NaN and its gradient is 0.
        return F.div(F.sum(loss), F.sum(F.ne(target, ignore_index)))
    logs = F.log_softmax(logits)
    return _nll("cross_entropy", logs, target, weight, ignore_index, reduction, label_smoothing)


def _soft_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: TensorLike | None,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    if input.shape != target.shape:
        indices = input.shape[:1] + input.shape[2:]
        raise ShapeError(
            f"cross_entropy: for input of shape {input.shape} expected integer class indices of "
            f"shape {indices if input.ndim > 1 else ()} or float32 probabilities of shape "
            f"{input.shape}, got float32 of shape {target.shape}"
        )
    if input.ndim > 2:
        order = (0, *range(2, input.ndim), 1)
        input, target = F.transpose(input, perm=order), F.transpose(target, perm=order)
    if label_smoothing > 0:
        even = label_smoothing / input.shape[-1]
        target = F.add(F.mul(target, 1.0 - label_smoothing), even)
    if weight is None:
        loss = F.softmax_cross_entropy(input, target)
    else:
        terms = F.mul(_weighted("cross_entropy", target, weight), F.log_softmax(input))
        loss = F.neg(F.sum(terms, axes=-1))
    return _reduced("cross_entropy", loss, reduction)


def nll_loss(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """`-input[target]` of log-probabilities. Arguments as for `cross_entropy`, but only indices.

    Example:
        >>> nll_loss([[-1.0, -2.0]], [1]).item()
        2.0
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("nll_loss", size_average, reduce)
    input, target = _core.as_tensor(input), _core.as_tensor(target)
    check_integer("nll_loss", "ignore_index", ignore_index)
    logs = _classes_last("nll_loss", input, target)
    return _nll("nll_loss", logs, target, weight, ignore_index, reduction, 0.0)


def _classes_last(who: str, input: Tensor, target: Tensor) -> Tensor:
    """The input with the classes on the last axis. The target is checked."""
    shape = input.shape
    if not shape:
        raise ShapeError(f"{who}: expected input of shape (C), (N, C) or (N, C, ...), got a scalar")
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if target.dtype.kind not in "iu" or target.shape != expected:
        raise ShapeError(
            f"{who}: for input of shape {shape} expected integer class indices of shape "
            f"{expected}, got {target.dtype} of shape {target.shape}"
        )
    return F.transpose(input, perm=(0, *range(2, len(shape)), 1)) if len(shape) > 2 else input


def _nll(
    who: str,
    logs: Tensor,
    target: Tensor,
    weight: TensorLike | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    """The loss of each sample is its class's weight times -log p, smoothed over all classes."""
    counted = F.ne(target, ignore_index)
    classes = logs.shape[-1]
    # An ignored index need not be a class; it becomes 0, and its loss is set to 0 below. `gather`
    # would count a negative index from the end; it becomes `classes`, which is out of range.
    index = F.where(counted, F.where(F.lt(target, 0), classes, target), 0)
    try:
        chosen = F.gather(logs, F.reshape(index, shape=(*target.shape, 1)), axis=-1)
    except IndexError:
        raise ArgumentError(f"{who}: target: a class index is outside [0, {classes})") from None
    loss = F.neg(F.reshape(chosen, shape=target.shape))
    weights = counted
    if weight is not None:
        weight = _weights(who, "weight", weight)
        if weight.shape != (classes,):
            raise ShapeError(
                f"{who}: weight: expected one for each of {classes} classes, got shape "
                f"{weight.shape}"
            )
        weights = F.mul(F.take(weight, index), counted)
        loss = F.mul(loss, weights)
    else:
        loss = F.mul(loss, counted)
    if label_smoothing > 0:
        spread = F.sum(logs if weight is None else F.mul(logs, weight), axes=-1)
        even = F.mul(F.mul(spread, counted), -label_smoothing / classes)
        loss = F.add(F.mul(loss, 1.0 - label_smoothing), even)
    return _weighted_mean(who, loss, weights, reduction)
