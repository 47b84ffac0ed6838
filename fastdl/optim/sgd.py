"""Stochastic gradient descent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class SGD(Optimizer):
    """Gradient descent, with or without momentum, as `torch.optim.SGD`.

    With `g = grad + weight_decay p`, the first step sets `buffer = g`. Later steps set
    `buffer = momentum buffer + (1 - dampening) g`. Then `p -= lr buffer`, or by Nesterov's rule
    `p -= lr (g + momentum buffer)`.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        momentum: the share of the buffer that stays at each step.
        dampening: the share of the gradient that is not added to the buffer.
        weight_decay: the share of each parameter that is added to its gradient.
        nesterov: whether to use Nesterov's rule. It needs momentum and no dampening.
        maximize: whether steps go up the gradient.
        foreach, fused: without effect, since steps are always fused; not both may be True.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _has_step = False
    _rule = "sgd"
    _states: ClassVar[dict[str, str]] = {"momentum_buffer": "buffer"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
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

    def _check(self, group: Group) -> None:
        for option in ("lr", "momentum", "weight_decay"):
            check_number("SGD", option, group[option])
        check_number("SGD", "dampening", group["dampening"], -math.inf)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov: expected a momentum above 0 and no dampening, got "
                f"momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _parameters(self, group: Group) -> dict[str, float]:
        options = {name: group[name] for name in ("momentum", "dampening")}
        return {**options, "nesterov": bool(group["nesterov"])}
