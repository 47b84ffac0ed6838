"""SparseAdam: Adam for the rows that have a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base import functional as F
from .._base.checks import check_number, check_pair
from ._whole import WholeOptimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, Params, _Engine


class SparseAdam(WholeOptimizer):
    """Adam for embeddings: rows without a gradient rest, and so do their states.

    As `torch.optim.SparseAdam`, but fastdl has no sparse tensors: gradients are dense, and rows of
    them that are all 0 count as absent. A step reads the whole gradient and writes only the rows
    that are present. For these, at step t, counted from 1:

        m += (1 - beta1) (g - m)
        v += (1 - beta2) (g^2 - v)
        p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate, above 0.
        betas: the shares of the two averages that stay at each step, in [0, 1).
        eps: keeps the quotient finite, above 0.
        maximize: whether steps go up the gradient.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> table = nn.Parameter(fastdl.ones(4, 2))
        >>> optimizer = optim.SparseAdam([table], lr=0.5)
        >>> table[fastdl.tensor([1, 3])].sum().backward()
        >>> optimizer.step()
        >>> [round(x, 4) for x in table[:, 0].tolist()]
        [1.0, 0.5, 1.0, 0.5]
    """

    _states: ClassVar[dict[str, str]] = {"exp_avg": "mean", "exp_avg_sq": "square"}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _check(self, group: Group) -> None:
        for option in ("lr", "eps"):
            check_number("SparseAdam", option, group[option], above=0.0)
        for i, beta in enumerate(check_pair("SparseAdam", "betas", group["betas"])):
            check_number("SparseAdam", f"betas[{i}]", beta, below=1.0)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _update_one(self, engine: _Engine, group: Group, index: int) -> None:
        flat = engine.flat
        parameter, gradient = flat.parameters[index].detach(), flat.homes[index]
        mean, square = (
            flat.state_of(flat.states[engine.slots[slot]], index) for slot in self._slots(group)
        )
        beta1, beta2 = group["betas"]
        F.update_(
            rule="adam",
            p=parameter,
            g=gradient,
            hyper=engine.hyper,
            step=engine.counts._view((), index),
            states={"mean": mean, "square": square},
            parameters={"beta_1": beta1, "beta_2": beta2, "epsilon_hat": group["eps"]},
            present_only=True,
        )
