"""Adadelta: steps of the size of earlier steps."""

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
class Adadelta(Optimizer):
    """Steps whose size follows that of earlier steps, relative to the gradients.

        v = rho v + (1 - rho) g^2
        d = sqrt(a + epsilon) / sqrt(v + epsilon) g
        a = rho a + (1 - rho) d^2
        w -= lr d

    The paper has no learning rate, which is a rate of 1. Keras's default is 0.001.

    Source: Zeiler (2012), arXiv:1212.5701; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        rho: how much of the average squares stays at each step, in [0, 1].
        epsilon: added under the roots. It sets the size of the first step.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Adadelta(1.0).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9986
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = check_number("Adadelta", "rho", rho, at_most=1.0)
        self.epsilon = check_number("Adadelta", "epsilon", epsilon)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("accumulated_grad", 0.0), ("accumulated_delta_var", 0.0)]

    def _update(self, run: Run) -> None:
        states = {"square": run.states[0], "delta": run.states[1]}
        self._step_by("adadelta", run, states, {"rho": self.rho, "epsilon": self.epsilon})

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
