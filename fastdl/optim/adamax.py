"""Adamax: Adam with the largest gradient in place of the root of an average square."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number, check_pair
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class Adamax(Optimizer):
    """Adamax (Kingma, Ba 2014, arXiv:1412.6980, section 7.1), as `torch.optim.Adamax`.

    At step t, counted from 1, with `g = grad + weight_decay p`:

        m += (1 - beta1) (g - m)
        u = max(beta2 u, |g| + eps)
        p -= lr / (1 - beta1^t) m / u

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        betas: the shares of the average and of the maximum that stay at each step, in [0, 1).
        eps: added to the magnitudes.
        weight_decay: the share of each parameter that is added to its gradient.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Adamax(model.parameters(), lr=2e-3)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "adamax"
    _states: ClassVar[dict[str, str]] = {"exp_avg": "mean", "exp_inf": "norm"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "eps", "weight_decay"):
            check_number("Adamax", option, group[option])
        for i, beta in enumerate(check_pair("Adamax", "betas", group["betas"])):
            check_number("Adamax", f"betas[{i}]", beta, below=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def _parameters(self, group: Group) -> dict[str, float]:
        beta1, beta2 = group["betas"]
        return {"beta_1": beta1, "beta_2": beta2, "inner_epsilon": group["eps"]}
