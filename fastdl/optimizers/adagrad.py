"""Adagrad: steps divided by the root of the sum of all squared gradients so far."""

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
class Adagrad(Optimizer):
    """`accumulator += g^2` and `w -= lr g / sqrt(accumulator + epsilon)`.

    Without weight decay a step of `fit` touches only those rows of an embedding's table that the
    batch read, since the others do not change.

    Source: Duchi, Hazan, Singer (2011), "Adaptive Subgradient Methods"; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        initial_accumulator_value: what the accumulators start from.
        epsilon: added under the root.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Adagrad(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9012
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = check_number(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = check_number("Adagrad", "epsilon", epsilon)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("accumulator", self.initial_accumulator_value)]

    def _rests(self) -> bool:
        return True

    def _update(self, run: Run) -> None:
        states = {"accumulator": run.states[0]}
        self._step_by("adagrad", run, states, {"inner_epsilon": self.epsilon})

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
