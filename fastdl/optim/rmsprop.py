"""RMSprop: steps divided by the root of a moving average of squared gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class RMSprop(Optimizer):
    """RMSprop (G. Hinton's lecture 6), as `torch.optim.RMSprop`.

    With `g = grad + weight_decay p`: `v = alpha v + (1 - alpha) g^2` and
    `p -= lr g / (sqrt(v) + eps)`.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        alpha: the share of the average that stays at each step.
        eps: added to the root.
        weight_decay: the share of each parameter that is added to its gradient.
        momentum: the share of the earlier steps that is added to each step.
        centered: whether the squared average gradient is subtracted from v.
        maximize: whether steps go up the gradient.
        capturable, foreach: without effect, since steps are always fused.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.RMSprop(model.parameters(), lr=1e-2, alpha=0.9)
    """

    _rule = "rmsprop"
    _states: ClassVar[dict[str, str]] = {
        "square_avg": "square",
        "grad_avg": "average",
        "momentum_buffer": "buffer",
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "alpha", "eps", "weight_decay", "momentum"):
            check_number("RMSprop", option, group[option])

    def _slots(self, group: Group) -> tuple[str, ...]:
        if group["centered"]:
            if group["momentum"]:
                return ("square_avg", "momentum_buffer", "grad_avg")
            return ("square_avg", "grad_avg")
        return ("square_avg", "momentum_buffer") if group["momentum"] else ("square_avg",)

    def _parameters(self, group: Group) -> dict[str, float]:
        return {"rho": group["alpha"], "momentum": group["momentum"], "epsilon": group["eps"]}
