"""Adagrad: steps divided by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan, Singer 2011), as `torch.optim.Adagrad`.

    At step t, counted from 0, with `g = grad + weight_decay p`: `sum += g^2` and
    `p -= lr / (1 + t lr_decay) g / (sqrt(sum) + eps)`.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        lr_decay: how fast the learning rate falls.
        weight_decay: the share of each parameter that is added to its gradient.
        initial_accumulator_value: the first value of the sums.
        eps: added to the root.
        foreach, fused: without effect, since steps are always fused; not both may be True.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Adagrad(model.parameters(), lr=0.1)
    """

    _state_from_start = True
    _slot_values: ClassVar[dict[str, str]] = {"sum": "initial_accumulator_value"}

    _rule = "adagrad"
    _states: ClassVar[dict[str, str]] = {"sum": "accumulator"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            check_number("Adagrad", option, group[option])

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def _parameters(self, group: Group) -> dict[str, float]:
        return {"lr_decay": group["lr_decay"], "epsilon": group["eps"]}
