"""Adamax: Adam with the largest gradient in place of the root of an average square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._base.checks import check_number
from .._base.registry import OPTIMIZERS
from .._engine.flat import Run
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from ._options import OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class Adamax(Optimizer):
    """Steps along a moving average of gradients over a decaying maximum of their magnitudes.

    At step t, counted from 1:

        m += (1 - beta_1) (g - m)
        u = max(beta_2 u, |g|)
        w -= lr / (1 - beta_1^t) m / (u + epsilon)

    Source: Kingma, Ba (2014), arXiv:1412.6980, section 7.1; epsilon as in Keras 3.
    (`fastdl.optim.Adamax` adds it where PyTorch does.)

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the average gradient stays at each step, in [0, 1).
        beta_2: how much of the maximum stays, in [0, 1).
        epsilon: keeps the quotient finite.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Adamax(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = check_number("Adamax", "beta_1", beta_1, below=1.0)
        self.beta_2 = check_number("Adamax", "beta_2", beta_2, below=1.0)
        self.epsilon = check_number("Adamax", "epsilon", epsilon)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("momentum", 0.0), ("norm", 0.0)]

    def _update(self, run: Run) -> None:
        states = {"mean": run.states[0], "norm": run.states[1]}
        parameters = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        self._step_by("adamax", run, states, parameters)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
