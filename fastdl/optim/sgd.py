"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._checks import check_number
from .._core import Tensor
from .._flat import Run
from .optimizer import Optimizer, _Engine


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for; as `torch.optim.SGD`.

    With `g = grad + weight_decay p` and, from the second step on,
    `buffer = momentum buffer + (1 - dampening) g` (the first sets it to g): `p -= lr buffer`, or
    by Nesterov's rule `p -= lr (g + momentum buffer)`.

    Args:
        params: tensors, `(name, tensor)` pairs or dicts of groups.
        lr: the learning rate.
        momentum: how much of the buffer stays at each step.
        dampening: how much of the gradient does not enter it.
        weight_decay: the share of each parameter that is added to its gradient.
        nesterov: whether Nesterov's rule is used; needs momentum and no dampening.
        maximize: whether steps go up the gradient.
        foreach, fused: accepted and without effect: steps are always fused.
        differentiable: False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _has_step = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        for option in ("lr", "momentum", "weight_decay"):
            check_number("SGD", option, group[option])
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov: needs a momentum above 0 and no dampening, got "
                f"momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _call(self, run: Run, engine: _Engine, step: Tensor) -> tuple[Any, ...]:
        buffer = run.states[0] if engine.slots else None
        return run.values, run.gradients, buffer, engine.hyper, step

    def _update(self, engine: _Engine, group: dict[str, Any]) -> None:
        for p, g, buffer, hyper, step in engine.calls:
            _core.sgd_(
                p,
                g,
                buffer,
                hyper,
                step,
                group["momentum"],
                group["nesterov"],
                group["dampening"],
                True,
                group["weight_decay"],
                0.0,  # decoupled decay
            )
