"""Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number, check_pair
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class Adam(Optimizer):
    """Adam (Kingma, Ba 2014, arXiv:1412.6980), as `torch.optim.Adam`.

    At step t, counted from 1, with `g = grad + weight_decay p`:

        m += (1 - beta1) (g - m)
        v += (1 - beta2) (g^2 - v)
        p -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        betas: the shares of the two averages that stay at each step, in [0, 1).
        eps: keeps the quotient finite.
        weight_decay: the share of each parameter that is added to its gradient; see
            `decoupled_weight_decay`.
        amsgrad: whether the divisor is the largest average square so far (arXiv:1904.09237).
        maximize: whether steps go up the gradient.
        foreach, capturable, fused: without effect, since steps are always fused; not both foreach
            and fused may be True.
        differentiable: only False.
        decoupled_weight_decay: whether `lr weight_decay p` is subtracted from the parameter
            instead (AdamW).

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Adam(model.parameters(), lr=1e-3)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "adam"
    _states: ClassVar[dict[str, str]] = {
        "exp_avg": "mean",
        "exp_avg_sq": "square",
        "max_exp_avg_sq": "largest",
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        who = type(self).__name__
        for option in ("lr", "eps", "weight_decay"):
            check_number(who, option, group[option])
        for i, beta in enumerate(check_pair(who, "betas", group["betas"])):
            check_number(who, f"betas[{i}]", beta, below=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        if group["amsgrad"]:
            return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return ("exp_avg", "exp_avg_sq")

    def _parameters(self, group: Group) -> dict[str, float]:
        beta1, beta2 = group["betas"]
        return {"beta_1": beta1, "beta_2": beta2, "epsilon": group["eps"]}


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv:1711.05101).

    Before each step `p -= lr weight_decay p`, as in `torch.optim.AdamW`.

    Args:
        weight_decay: the share of each parameter, times the learning rate, that a step subtracts.
        params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: as
            for `Adam`.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
