"""Nadam: Adam with Nesterov's momentum."""

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
class Nadam(Optimizer):
    """Adam with Nesterov's momentum, which grows over the first steps.

    At step t, counted from 1, with `mu_t = beta_1 (1 - 0.5 0.96^t)` and their product
    `P_t = mu_1 ... mu_t`:

        m += (1 - beta_1) (g - m)
        v += (1 - beta_2) (g^2 - v)
        step = mu_(t+1) m / (1 - P_(t+1)) + (1 - mu_t) g / (1 - P_t)
        w -= lr step / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Source: Dozat (2016), "Incorporating Nesterov Momentum into Adam"; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the average gradient stays at each step, in [0, 1).
        beta_2: the same for the average square, in [0, 1).
        epsilon: keeps the quotient finite.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Nadam(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.8937
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
        self.beta_1 = check_number("Nadam", "beta_1", beta_1, below=1.0)
        self.beta_2 = check_number("Nadam", "beta_2", beta_2, below=1.0)
        self.epsilon = check_number("Nadam", "epsilon", epsilon)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("momentum", 0.0), ("velocity", 0.0)]

    def _update(self, run: Run) -> None:
        states = {"mean": run.states[0], "square": run.states[1]}
        parameters = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        self._step_by("nadam", run, states, {**parameters, "momentum_decay": 1.0})

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
