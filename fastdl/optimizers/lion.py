"""Lion: steps of one size, in the direction of the sign of a moving average."""

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
class Lion(Optimizer):
    """Steps of the learning rate's size along the sign of an average gradient.

        w -= lr sign(beta_1 m + (1 - beta_1) g)
        m = beta_2 m + (1 - beta_2) g

    It keeps one state for each weight, half of Adam's. Since all steps are of one size, the
    learning rate should be 3 to 10 times smaller than Adam's, and a weight decay larger.

    Source: Chen et al. (2023), arXiv:2302.06675; arguments and defaults of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the average counts in a step's direction, in (0, 1].
        beta_2: how much of the average stays at each step, in [0, 1].
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Lion(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = check_number("Lion", "beta_1", beta_1)
        self.beta_2 = check_number("Lion", "beta_2", beta_2)
        if not 0 < self.beta_1 <= 1:
            raise ValueError(f"Lion: beta_1: expected a number in (0, 1], got {beta_1!r}")
        if self.beta_2 > 1:
            raise ValueError(f"Lion: beta_2: expected a number in [0, 1], got {beta_2!r}")

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        return [("momentum", 0.0)]

    def _update(self, run: Run) -> None:
        parameters = {"beta_1": self.beta_1, "beta_2": self.beta_2}
        self._step_by("lion", run, {"mean": run.states[0]}, parameters)

    def get_config(self) -> Config:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
