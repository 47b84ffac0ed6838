"""Losses of `nn.functional` that compare distributions, with PyTorch's arguments and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_number
from .._core import ArgumentError, ShapeError
from ._losses import _pair, _reduced, older_reduction

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def kl_div(
    input: TensorLike,
    target: TensorLike,
    reduction: str = "mean",
    log_target: bool = False,
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The Kullback-Leibler divergence, `target (log(target) - input)`, of log-probabilities.

    Args:
        input: logarithms of probabilities.
        target: probabilities, of the same shape; 0 contributes 0.
        reduction: "mean" (over the elements), "batchmean" (the sum, divided by the length of the
            first axis: the divergence as it is defined), "sum" or "none".
        log_target: whether the target, too, holds logarithms.

    Raises:
        ValueError: unknown reduction.

    Example:
        >>> kl_div([[-1.0, -1.0]], [[0.5, 0.5]], reduction="batchmean").item()
        0.3068528175354004
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("kl_div", size_average, reduce)
    check_choice("kl_div", "reduction", reduction, ("mean", "batchmean", "sum", "none"))
    input, target = _pair("kl_div", input, target)
    if check_flag("kl_div", "log_target", log_target):
        loss = F.mul(F.exp(target), F.sub(target, input))
    else:
        log = F.log(F.where(F.eq(target, 0.0), 1.0, target))
        loss = F.sub(F.mul(target, log), F.mul(target, input))
    if reduction != "batchmean":
        return _reduced("kl_div", loss, reduction)
    total = F.sum(loss)
    return F.div(total, input.shape[0]) if input.ndim else total


def poisson_nll_loss(
    input: TensorLike,
    target: TensorLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    *,
    size_average: bool | None = None,
    reduce: bool | None = None,
) -> Tensor:
    """The negative log-likelihood of counts: `exp(input) - target input`.

    Args:
        input: the logarithm of the expected count, or the count itself.
        target: counts, of the same shape.
        log_input: if False, the input is a count and the loss `input - target log(input + eps)`.
        full: whether to add Stirling's approximation of `log(target!)` for targets above 1.
        eps: keeps the logarithm of an input of 0 finite.
        reduction: see the module `_losses`.

    Raises:
        ValueError: eps is negative, or unknown reduction.

    Example:
        >>> poisson_nll_loss([0.0, 0.0], [1.0, 3.0]).item()
        1.0
    """
    if size_average is not None or reduce is not None:
        reduction = older_reduction("poisson_nll_loss", size_average, reduce)
    eps = check_number("poisson_nll_loss", "eps", eps)
    input, target = _pair("poisson_nll_loss", input, target)
    target = F.cast(target, dtype="float32")
    if check_flag("poisson_nll_loss", "log_input", log_input):
        loss = F.sub(F.exp(input), F.mul(target, input))
    else:
        loss = F.sub(input, F.mul(target, F.log(F.add(input, eps))))
    if check_flag("poisson_nll_loss", "full", full):
        large = F.gt(target, 1.0)
        safe = F.where(large, target, 1.0)
        log = F.log(safe)
        stirling = F.add(
            F.sub(F.mul(safe, log), safe), F.mul(F.add(log, math.log(2 * math.pi)), 0.5)
        )
        loss = F.add(loss, F.where(large, stirling, 0.0))
    return _reduced("poisson_nll_loss", loss, reduction)


def _variances(input: Tensor, var: TensorLike) -> Tensor:
    """The variances in a shape that broadcasts to the input's."""
    var = _core.as_tensor(var)
    if var.ndim == 0:
        return F.broadcast_to(F.cast(var, dtype="float32"), shape=input.shape)
    if var.shape == input.shape:
        return var
    if var.shape == input.shape[:-1]:
        return F.reshape(var, shape=(*var.shape, 1))
    differing = [v for x, v in zip(input.shape, var.shape, strict=False) if x != v]
    if var.ndim != input.ndim or differing != [1]:
        raise ShapeError(
            f"gaussian_nll_loss: var: for input of shape {input.shape} expected a number, or that "
            f"shape, also without the last axis or with one axis of length 1; got {var.shape}"
        )
    return var


def _checked_variances(var: Tensor) -> Tensor | float:
    """The number 1. ValueError if a variance is negative.

    The check is an op, `take` from a table of one row. So a replay makes it, too.
    """
    if not var.numel():
        return 1.0
    low = F.min(var.detach())
    try:
        one = _core.full((1,), "float32", 1.0)
        return F.take(one, F.cast(F.lt(low, 0.0), dtype="int64"))
    except IndexError:
        raise ArgumentError(
            f"gaussian_nll_loss: var: expected variances of at least 0, got {low.item()}"
        ) from None


def gaussian_nll_loss(
    input: TensorLike,
    target: TensorLike,
    var: TensorLike,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of a normal distribution: `(log(var) + d^2 / var) / 2`.

    d is `input - target`. Variances below eps count as eps; their gradient is that at eps.

    Args:
        input: expected values.
        target: targets, of the same shape.
        var: variances: a number, or a tensor of the input's shape, also without the last axis or
            with one axis of length 1.
        full: whether to add the constant `log(2 pi) / 2`.
        eps: the smallest variance.
        reduction: see the module `_losses`.

    Raises:
        ValueError: a variance is negative, eps isn't positive, shapes don't fit, or unknown
            reduction.

    Example:
        >>> gaussian_nll_loss([0.0, 0.0], [1.0, 3.0], 1.0).item()
        2.5
    """
    eps = check_number("gaussian_nll_loss", "eps", eps, above=0.0)
    input, target = _pair("gaussian_nll_loss", input, target)
    var = _variances(input, var)
    one = _checked_variances(var)
    fixed = var.detach()
    var = F.add(var, F.sub(F.maximum(fixed, eps), fixed))
    loss = F.mul(F.add(F.log(var), F.div(F.square(F.sub(input, target)), var)), 0.5)
    if check_flag("gaussian_nll_loss", "full", full):
        loss = F.add(loss, 0.5 * math.log(2 * math.pi))
    return _reduced("gaussian_nll_loss", F.mul(loss, one), reduction)
