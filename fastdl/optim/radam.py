"""RAdam: Adam whose first steps are rectified."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number, check_pair
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class RAdam(Optimizer):
    """RAdam (Liu et al. 2019, arXiv:1908.03265), as `torch.optim.RAdam`.

    While few squares are averaged their root is not reliable, and steps are those of momentum
    alone. At step t, counted from 1, with `g = grad + weight_decay p`:

        m += (1 - beta1) (g - m)
        v += (1 - beta2) (g^2 - v)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        p -= lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(v) + eps)    if rho > 5
        p -= lr m / (1 - beta1^t)                                          otherwise

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        betas: the shares of the two averages that stay at each step, in [0, 1).
        eps: keeps the quotient finite.
        weight_decay: the share of each parameter that is added to its gradient; see
            `decoupled_weight_decay`.
        decoupled_weight_decay: whether `lr weight_decay p` is subtracted from the parameter
            instead.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.RAdam(model.parameters(), lr=1e-3)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "radam"
    _states: ClassVar[dict[str, str]] = {"exp_avg": "mean", "exp_avg_sq": "square"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "eps", "weight_decay"):
            check_number("RAdam", option, group[option])
        for i, beta in enumerate(check_pair("RAdam", "betas", group["betas"])):
            check_number("RAdam", f"betas[{i}]", beta, below=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _parameters(self, group: Group) -> dict[str, float]:
        beta1, beta2 = group["betas"]
        return {"beta_1": beta1, "beta_2": beta2, "epsilon": group["eps"]}
