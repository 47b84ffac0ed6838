"""Rprop: steps by the signs of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base.checks import check_number, check_pair
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params


class Rprop(Optimizer):
    """Rprop (Riedmiller, Braun 1993), as `torch.optim.Rprop`. For gradients of all data at once.

    Each element has a step size. While the gradient keeps its sign the size is multiplied by
    `etas[1]`, when the sign changes by `etas[0]`. Then `p -= sign(grad) step_size`; where the sign
    has changed the element rests, and the gradient counts as 0 in the next step.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the first step size. Later changes have no effect.
        etas: the two factors; the first is in (0, 1), the second above 1.
        step_sizes: the smallest and the largest step size.
        foreach, capturable: without effect, since steps are always fused.
        maximize: whether steps go up the gradient.
        differentiable: only False.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Rprop(model.parameters(), lr=1e-2)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _rule = "rprop"
    _states: ClassVar[dict[str, str]] = {"prev": "previous", "step_size": "step_size"}
    _slot_values: ClassVar[dict[str, str]] = {"step_size": "lr"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        check_number("Rprop", "lr", group["lr"])
        shrink, grow = check_pair("Rprop", "etas", group["etas"])
        check_number("Rprop", "etas[0]", shrink, above=0.0, below=1.0)
        check_number("Rprop", "etas[1]", grow, above=1.0)
        for i, size in enumerate(check_pair("Rprop", "step_sizes", group["step_sizes"])):
            check_number("Rprop", f"step_sizes[{i}]", size)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("prev", "step_size")

    def _parameters(self, group: Group) -> dict[str, float]:
        shrink, grow = group["etas"]
        least, most = group["step_sizes"]
        return {"eta_minus": shrink, "eta_plus": grow, "step_min": least, "step_max": most}
