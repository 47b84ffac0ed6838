"""RMSprop: steps divided by the root of a moving average of squared gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._base.checks import check_fraction, check_number
from .._base.registry import OPTIMIZERS
from .._engine.flat import Run
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from ._options import OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class RMSprop(Optimizer):
    """`velocity = rho velocity + (1 - rho) g^2` and `w -= lr g / sqrt(velocity + epsilon)`.

    Source: G. Hinton, "Neural Networks for Machine Learning", lecture 6; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        rho: how much of the average stays at each step, in [0, 1].
        momentum: in [0, 1]; above 0 the steps are accumulated.
        epsilon: added under the root.
        centered: whether to subtract the squared average gradient under the root, which then holds
            an estimate of the variance.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.RMSprop(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.6838
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = check_fraction("RMSprop", "rho", rho)
        self.momentum = check_fraction("RMSprop", "momentum", momentum)
        self.epsilon = check_number("RMSprop", "epsilon", epsilon)
        self.centered = bool(centered)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        slots = [("velocity", 0.0)]
        if self.momentum:
            slots.append(("momentum", 0.0))
        if self.centered:
            slots.append(("average_gradient", 0.0))
        return slots

    def _update(self, run: Run) -> None:
        names = ["square"]
        if self.momentum:
            names.append("velocity")
        if self.centered:
            names.append("average")
        self._step_by(
            "rmsprop",
            run,
            dict(zip(names, run.states, strict=False)),
            {"rho": self.rho, "momentum": self.momentum, "inner_epsilon": self.epsilon},
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
