"""Schedule-free AdamW: averages in place of a falling learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._base import functional as F
from .._base.checks import check_integer, check_number
from .._base.registry import OPTIMIZERS
from .._engine.flat import Run
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from .._core import Tensor
    from ._options import OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class ScheduleFreeAdamW(Optimizer):
    """AdamW that needs no schedule of the learning rate.

    It keeps a sequence z, which takes the steps, and the mean x of all z. The weights lie between
    the two. At step t, counted from 1:

        v += (1 - beta_2) (g^2 - v)
        z -= lr min(1, t / warmup_steps) g / (sqrt(v / (1 - beta_2^t)) + epsilon)
        x += (z - x) / t
        w = (1 - beta_1) z + beta_1 x

    The state has z and v; x follows from z and w. z starts from the weights when the optimizer is
    built. Weights that are set later do not change it: make a new optimizer then.

    Source: Defazio et al. (2024), arXiv:2405.15682; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how near to x the weights are, in [0, 1].
        beta_2: how much of the average square stays at each step, in [0, 1).
        epsilon: keeps the quotient finite.
        warmup_steps: the learning rate grows over so many steps.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.ScheduleFreeAdamW(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = check_number("ScheduleFreeAdamW", "beta_1", beta_1, at_most=1.0)
        self.beta_2 = check_number("ScheduleFreeAdamW", "beta_2", beta_2, below=1.0)
        self.epsilon = check_number("ScheduleFreeAdamW", "epsilon", epsilon)
        self.warmup_steps = check_integer("ScheduleFreeAdamW", "warmup_steps", warmup_steps, 0)

    _slots = (("momentum", 0.0), ("velocity", 0.0))

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        super().build(variables)
        for i, variable in enumerate(self._trainable_variables):  # z starts from the weights
            F.assign_(self._flat.state_of(self._flat.states[0], i), variable.detach())

    def _update(self, run: Run) -> None:
        states = {"base": run.states[0], "square": run.states[1]}
        parameters = {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "warmup": self.warmup_steps,
            "epsilon": self.epsilon,
        }
        self._step_by("schedule_free", run, states, parameters)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
