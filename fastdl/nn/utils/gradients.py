"""Gradient clipping, and parameters as one vector."""

from __future__ import annotations

import math
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from ... import _core, _functions
from ..._base import functional as F
from ..._base.checks import check_flag, check_number, shown
from ..._base.notices import warn
from ..._core import ArgumentError, ShapeError, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable


def _tensors(who: str, argument: str, given: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """One tensor or several as a list."""
    if isinstance(given, Tensor):
        return [given]
    try:
        several = list(given)
    except TypeError:
        raise TypeError(f"{who}: {argument}: expected tensors, got {shown(given)}") from None
    for tensor in several:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{who}: {argument}: expected tensors, got {shown(tensor)}")
    if not several and isinstance(given, GeneratorType):
        warn(f"{who}: {argument} is an empty generator; was it read before?")
    return several


def _gradients(who: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    owners = _tensors(who, "parameters", parameters)
    return [p.grad for p in owners if p.grad is not None]


def _order(who: str, norm_type: Any) -> float:
    """The p of a p-norm; PyTorch takes the string "inf", too."""
    if isinstance(norm_type, str) and norm_type.lower() in ("inf", "-inf"):
        return float(norm_type)
    return check_number(who, "norm_type", norm_type, -math.inf, infinite=True)


def _norm(who: str, tensors: list[Tensor], order: float, error_if_nonfinite: bool) -> Tensor:
    if not tensors:
        return _core.full((), "float32", 0)
    norms = [_functions.norm(tensor, order) for tensor in tensors]
    total = _functions.norm(F.stack(norms), order)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"{who}: The total norm of order {order} for gradients from `parameters` is "
            "non-finite, so it cannot be clipped."
        )
    return total


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all values of some tensors, as if they were one vector.

    Args:
        tensors: one or several.
        norm_type: the p of the p-norm, `sum(|x| ** p) ** (1 / p)`; it may be infinity.
        error_if_nonfinite: whether to raise if the norm is infinite or NaN.
        foreach: accepted as in PyTorch; changes no result.

    Returns:
        The norm, a tensor without axes; 0 without tensors.

    Raises:
        RuntimeError: the norm isn't finite and `error_if_nonfinite` is set.

    Source: `torch.nn.utils.get_total_norm`.

    Example:
        >>> get_total_norm([fastdl.tensor([3.0]), fastdl.tensor([4.0])]).item()
        5.0
    """
    who = "get_total_norm"
    check_flag(who, "foreach", foreach)
    order, strict = (
        _order(who, norm_type),
        check_flag(who, "error_if_nonfinite", error_if_nonfinite),
    )
    before = _core.set_grad_enabled(False)
    try:
        return _norm(who, _tensors(who, "tensors", tensors), order, strict)
    finally:
        _core.set_grad_enabled(before)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Multiplies all gradients in place by `min(1, max_norm / (total_norm + 1e-6))`.

    Args:
        parameters: one or several. Those without a gradient are left out.
        max_norm: the largest norm allowed.
        total_norm: the norm of the gradients, from `get_total_norm`.
        foreach: accepted as in PyTorch; changes no result.

    Source: `torch.nn.utils.clip_grads_with_norm_`.

    Example:
        >>> p = nn.Parameter([3.0, 4.0])
        >>> p.grad = fastdl.tensor([3.0, 4.0])
        >>> clip_grads_with_norm_(p, 1.0, fastdl.tensor(10.0))
        >>> np.round(p.grad.numpy(), 4).tolist()
        [0.30000001192092896, 0.4000000059604645]
    """
    who = "clip_grads_with_norm_"
    check_flag(who, "foreach", foreach)
    most = check_number(who, "max_norm", max_norm, infinite=True)
    gradients = _gradients(who, parameters)
    before = _core.set_grad_enabled(False)
    try:
        factor = F.minimum(F.div(most, F.add(total_norm, 1e-6)), 1.0)
        for gradient in gradients:
            F.assign_(gradient, F.mul(gradient, factor))
    finally:
        _core.set_grad_enabled(before)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales all gradients in place so that their norm, taken together, is at most `max_norm`.

    The factor is `min(1, max_norm / (norm + 1e-6))`.

    Args:
        parameters: one or several. Those without a gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: the p of the p-norm; it may be infinity.
        error_if_nonfinite: whether to raise if the norm is infinite or NaN.
        foreach: accepted as in PyTorch; changes no result.

    Returns:
        The norm before scaling, a tensor without axes.

    Raises:
        RuntimeError: the norm isn't finite and `error_if_nonfinite` is set. Nothing is scaled.
        ValueError: `max_norm` is negative or no number, or `norm_type` is no number.
        TypeError: `parameters` aren't tensors.

    Source: `torch.nn.utils.clip_grad_norm_`.

    Example:
        >>> p = nn.Parameter([3.0, 4.0])
        >>> p.grad = fastdl.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_(p, 1.0).item()
        5.0
    """
    who = "clip_grad_norm_"
    check_flag(who, "foreach", foreach)
    check_number(who, "max_norm", max_norm, infinite=True)
    order, strict = (
        _order(who, norm_type),
        check_flag(who, "error_if_nonfinite", error_if_nonfinite),
    )
    owners = _tensors(who, "parameters", parameters)
    before = _core.set_grad_enabled(False)
    try:
        total = _norm(who, _gradients(who, owners), order, strict)
        clip_grads_with_norm_(owners, max_norm, total)
    finally:
        _core.set_grad_enabled(before)
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limits every gradient value in place to [-clip_value, clip_value].

    Args:
        parameters: one or several. Those without a gradient are left out.
        clip_value: the largest value allowed.
        foreach: accepted as in PyTorch; changes no result.

    Raises:
        ValueError: `clip_value` is negative or no number.
        TypeError: `parameters` aren't tensors.

    Source: `torch.nn.utils.clip_grad_value_`.

    Example:
        >>> p = nn.Parameter([3.0])
        >>> p.grad = fastdl.tensor([3.0])
        >>> nn.utils.clip_grad_value_(p, 1.0); p.grad.tolist()
        [1.0]
    """
    who = "clip_grad_value_"
    check_flag(who, "foreach", foreach)
    most = check_number(who, "clip_value", clip_value, infinite=True)
    gradients = _gradients(who, parameters)
    before = _core.set_grad_enabled(False)
    try:
        for gradient in gradients:
            F.assign_(gradient, F.clip(gradient, lo=-most, hi=most))
    finally:
        _core.set_grad_enabled(before)


def parameters_to_vector(parameters: Tensor | Iterable[Tensor]) -> Tensor:
    """The values of all parameters, one after the other, as a vector.

    Args:
        parameters: one or several tensors.

    Returns:
        A tensor of one axis. Gradients flow through it to the parameters.

    Raises:
        TypeError: `parameters` aren't tensors.
        ValueError: there is none.

    Source: `torch.nn.utils.parameters_to_vector`.

    Example:
        >>> parameters_to_vector([fastdl.zeros(2, 2), fastdl.ones(1)]).tolist()
        [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    several = _tensors("parameters_to_vector", "parameters", parameters)
    if not several:
        raise ArgumentError("parameters_to_vector: parameters: expected at least one, got none")
    return F.concat([F.reshape(p, shape=(-1,)) for p in several])


def vector_to_parameters(vec: Tensor, parameters: Tensor | Iterable[Tensor]) -> None:
    """Writes the parts of a vector into the parameters. The parameters keep their memory.

    Args:
        vec: a tensor with the values of all parameters, one after the other.
        parameters: one or several tensors.

    Raises:
        TypeError: `vec` or a parameter isn't a tensor.
        ValueError: the vector and the parameters differ in their number of values. Nothing is
            written then.

    Source: `torch.nn.utils.vector_to_parameters`.

    Example:
        >>> p, q = nn.Parameter([[0.0, 0.0]]), nn.Parameter([0.0])
        >>> vector_to_parameters(fastdl.tensor([1.0, 2.0, 3.0]), [p, q])
        >>> p.tolist(), q.tolist()
        ([[1.0, 2.0]], [3.0])
    """
    who = "vector_to_parameters"
    if not isinstance(vec, Tensor):
        raise TypeError(f"{who}: vec: expected a tensor, got {shown(vec)}")
    targets = _tensors(who, "parameters", parameters)
    sizes = [p.numel() for p in targets]
    if vec.shape != (sum(sizes),):
        raise ShapeError(
            f"{who}: vec: expected shape ({sum(sizes)},), as many values as the parameters have, "
            f"got shape {vec.shape}"
        )
    before = _core.set_grad_enabled(False)
    try:
        parts = F.split(vec.detach(), sizes=sizes) if targets else []
        for p, part in zip(targets, parts, strict=True):
            F.assign_(p, F.reshape(part, shape=p.shape))
    finally:
        _core.set_grad_enabled(before)
