"""Gradient clipping, and parameters as one vector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core, _functions
from .._base import functional as F
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import TensorLike


def _with_gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p for p in tensors if p.grad is not None]


def _scaled(parameter: Tensor, factor: TensorLike) -> None:
    """Multiplies the gradient in place."""
    gradient = _gradient(parameter)
    F.assign_(gradient, F.mul(gradient, factor))


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scales all gradients in place so that their norm, taken together, is at most `max_norm`.

    Args:
        parameters: one or several. Those without a gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: the p of the p-norm; it may be infinity.
        error_if_nonfinite: whether to raise if the norm is infinite or NaN.

    Returns:
        The norm before scaling, a tensor without axes.

    Raises:
        RuntimeError: the norm isn't finite and `error_if_nonfinite` is set. Nothing is scaled.

    Example:
        >>> p = nn.Parameter([3.0, 4.0])
        >>> p.grad = fastdl.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_(p, 1.0).item()
        5.0
    """
    owners = _with_gradients(parameters)
    if not owners:
        return _core.full((), "float32", 0)
    before = _core.set_grad_enabled(False)
    try:
        norms = [_functions.norm(_gradient(p), norm_type) for p in owners]
        total = _functions.norm(F.stack(norms), norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is "
                "non-finite, so it cannot be clipped."
            )
        factor = F.minimum(F.div(max_norm, F.add(total, 1e-6)), 1.0)
        for p in owners:
            _scaled(p, factor)
    finally:
        _core.set_grad_enabled(before)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limits every gradient value in place to [-clip_value, clip_value].

    Example:
        >>> p = nn.Parameter([3.0])
        >>> p.grad = fastdl.tensor([3.0])
        >>> nn.utils.clip_grad_value_(p, 1.0); p.grad.tolist()
        [1.0]
    """
    before = _core.set_grad_enabled(False)
    try:
        for p in _with_gradients(parameters):
            F.assign_(_gradient(p), F.clip(_gradient(p), lo=-clip_value, hi=clip_value))
    finally:
        _core.set_grad_enabled(before)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The values of all parameters, one after the other, as a vector.

    Example:
        >>> parameters_to_vector([fastdl.zeros(2, 2), fastdl.ones(1)]).tolist()
        [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    return F.concat([F.reshape(p, shape=(-1,)) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Writes the parts of a vector into the parameters.

    Raises:
        ValueError: the vector and the parameters differ in their number of values.
    """
    targets = list(parameters)
    parts = F.split(vec.detach(), sizes=[p.numel() for p in targets])
    before = _core.set_grad_enabled(False)
    try:
        for p, part in zip(targets, parts, strict=True):
            F.assign_(p, F.reshape(part, shape=p.shape))
    finally:
        _core.set_grad_enabled(before)
