"""Adadelta: steps of the size of earlier steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, arXiv:1212.5701), as `torch.optim.Adadelta`.

    With `g = grad + weight_decay p`:

        v = rho v + (1 - rho) g^2
        d = sqrt(a + eps) / sqrt(v + eps) g
        a = rho a + (1 - rho) d^2
        p -= lr d

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        rho: the share of the average squares that stays at each step, in [0, 1].
        eps: added under the roots. It sets the size of the first step.
        weight_decay: the share of each parameter that is added to its gradient.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Adadelta(model.parameters(), lr=1.0)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "adadelta"
    _states: ClassVar[dict[str, str]] = {"square_avg": "square", "acc_delta": "delta"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "capturable": capturable,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "eps", "weight_decay"):
            check_number("Adadelta", option, group[option])
        check_number("Adadelta", "rho", group["rho"], at_most=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _parameters(self, group: Group) -> dict[str, float]:
        return {"rho": group["rho"], "epsilon": group["eps"]}
