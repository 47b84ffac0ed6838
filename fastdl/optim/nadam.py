"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .._base.checks import check_number, check_pair
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class NAdam(Optimizer):
    """NAdam (Dozat 2016, "Incorporating Nesterov Momentum into Adam"), as `torch.optim.NAdam`.

    At step t, counted from 1, with `g = grad + weight_decay p`,
    `mu_t = beta1 (1 - 0.5 0.96^(t momentum_decay))` and the product `P_t = mu_1 ... mu_t`:

        m += (1 - beta1) (g - m)
        v += (1 - beta2) (g^2 - v)
        step = mu_(t+1) m / (1 - P_(t+1)) + (1 - mu_t) g / (1 - P_t)
        p -= lr step / (sqrt(v / (1 - beta2^t)) + eps)

    The product is computed from t. So it is that of the present betas, where PyTorch multiplies
    those of each step.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        betas: the shares of the two averages that stay at each step, in [0, 1).
        eps: keeps the quotient finite.
        weight_decay: the share of each parameter that is added to its gradient; see
            `decoupled_weight_decay`.
        momentum_decay: how fast the momentum grows to beta1.
        decoupled_weight_decay: whether `lr weight_decay p` is subtracted from the parameter
            instead.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.NAdam(model.parameters(), lr=2e-3)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "nadam"
    _states: ClassVar[dict[str, str]] = {"exp_avg": "mean", "exp_avg_sq": "square"}
    _scalars = ("step", "mu_product")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "eps", "weight_decay", "momentum_decay"):
            check_number("NAdam", option, group[option])
        for i, beta in enumerate(check_pair("NAdam", "betas", group["betas"])):
            check_number("NAdam", f"betas[{i}]", beta, below=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _parameters(self, group: Group) -> dict[str, float]:
        beta1, beta2 = group["betas"]
        decay = group["momentum_decay"]
        return {"beta_1": beta1, "beta_2": beta2, "momentum_decay": decay, "epsilon": group["eps"]}

    def _derived(self, group: Group, steps: int) -> dict[str, float]:
        decay = float(group["momentum_decay"])
        return {"mu_product": _product_of_momenta(float(group["betas"][0]), decay, steps)}


@lru_cache(maxsize=8)  # the parameters of a group have made the same steps
def _product_of_momenta(beta1: float, decay: float, steps: int) -> float:
    powers = 0.96 ** (decay * np.arange(1, steps + 1))
    return float(np.prod(beta1 * (1.0 - 0.5 * powers)))
