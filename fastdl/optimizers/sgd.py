"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._base.checks import check_flag, check_fraction
from .._base.registry import OPTIMIZERS
from .._engine.flat import Run
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from ._options import OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    Without momentum `w -= lr g`. With it `velocity = momentum velocity - lr g` and
    `w += velocity`, or by Nesterov's rule `w += momentum velocity - lr g`. (PyTorch's velocity
    isn't scaled by the learning rate; `fastdl.optim.SGD` follows it.) Without momentum and weight
    decay a step of `fit` touches only those rows of an embedding's table that the batch read.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        momentum: in [0, 1].
        nesterov: whether Nesterov's rule is used.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.SGD(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.8
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = check_fraction("SGD", "momentum", momentum)
        self.nesterov = check_flag("SGD", "nesterov", nesterov)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("momentum", 0.0)] if self.momentum else []

    def _rests(self) -> bool:
        return not self.momentum

    def _update(self, run: Run) -> None:
        states = {"velocity": run.states[0]} if self.momentum else {}
        parameters = {"momentum": self.momentum, "nesterov": self.nesterov}
        self._step_by("sgd", run, states, parameters)

    def get_config(self) -> Config:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
