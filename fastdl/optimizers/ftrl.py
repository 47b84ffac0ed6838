"""Ftrl: follow the regularized leader, which sets weights to exact zeros."""

from __future__ import annotations

import math
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
class Ftrl(Optimizer):
    """Follow the regularized leader, for large linear models with few weights that aren't 0.

    With `power = -learning_rate_power`:

        n = accumulator + g^2
        z += g + 2 l2_shrinkage w - (n^power - accumulator^power) / lr w
        w = (clip(z, -l1, l1) - z) / ((beta + n^power) / lr + 2 l2)
        accumulator = n

    A step with a learning rate of 0 changes nothing, where Keras divides by it.

    Source: McMahan et al. (2013), "Ad Click Prediction: a View from the Trenches"; formulas of
    Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        learning_rate_power: how fast steps shrink, at most 0; 0 for steps of a fixed size.
        initial_accumulator_value: what the accumulators start from.
        l1_regularization_strength: weights with a smaller |z| become 0.
        l2_regularization_strength: pulls weights to 0.
        l2_shrinkage_regularization_strength: the same, through the gradient.
        beta: the part of the divisor that doesn't grow.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Ftrl(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.7451
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = check_number(
            "Ftrl", "learning_rate_power", learning_rate_power, -math.inf, at_most=0.0
        )
        self.initial_accumulator_value = check_number(
            "Ftrl", "initial_accumulator_value", initial_accumulator_value
        )
        self.l1_regularization_strength = check_number(
            "Ftrl", "l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = check_number(
            "Ftrl", "l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = check_number(
            "Ftrl", "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = check_number("Ftrl", "beta", beta)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("accumulator", self.initial_accumulator_value), ("linear", 0.0)]

    def _update(self, run: Run) -> None:
        states = {"accumulator": run.states[0], "linear": run.states[1]}
        parameters = {
            "power": self.learning_rate_power,
            "l1": self.l1_regularization_strength,
            "l2": self.l2_regularization_strength,
            "l2_shrinkage": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
        self._step_by("ftrl", run, states, parameters)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
