"""ASGD: gradient descent with an average of the parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class ASGD(Optimizer):
    """Averaged gradient descent (Polyak, Juditsky 1992), as `torch.optim.ASGD`.

    After t steps, with `g = grad + weight_decay p`:

        eta = lr / (1 + lambd lr t)^alpha
        p = (1 - lambd eta) p - eta g
        ax += (p - ax) / max(1, t - t0)

    `state[p]["ax"]` is the average. A new learning rate acts at once, in PyTorch a step later.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        lambd: the share of each parameter, times eta, that a step subtracts.
        alpha: the power by which eta falls.
        t0: the step after which the average begins.
        weight_decay: the share of each parameter that is added to its gradient.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.ASGD(model.parameters(), lr=1e-2)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "asgd"
    _states: ClassVar[dict[str, str]] = {"ax": "average"}
    _scalars = ("step", "eta", "mu")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "lambd", "weight_decay"):
            check_number("ASGD", option, group[option])
        for option in ("alpha", "t0"):
            check_number("ASGD", option, group[option], -math.inf)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("ax",)

    def _parameters(self, group: Group) -> dict[str, float]:
        return {"lambda": group["lambd"], "alpha": group["alpha"], "t0": group["t0"]}

    def _derived(self, group: Group, steps: int) -> dict[str, float]:
        lr = float(group["lr"])
        eta = lr / (1.0 + group["lambd"] * lr * steps) ** group["alpha"]
        return {"eta": eta, "mu": 1.0 / max(1.0, steps - group["t0"])}
