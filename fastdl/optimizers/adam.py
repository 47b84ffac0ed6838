"""Adam, and AdamW, which is Adam with weight decay by default."""

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
    from ._options import DecayedOptions, OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class Adam(Optimizer):
    """Steps along a moving average of gradients over the root of one of their squares.

    At step t, counted from 1:

        m += (1 - beta_1) (g - m)
        v += (1 - beta_2) (g^2 - v)
        w -= lr sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Source: Kingma, Ba (2014), arXiv:1412.6980, in the form before section 2.1, as in Keras 3.
    (`fastdl.optim.Adam` scales epsilon as PyTorch does.)

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_1: how much of the average gradient stays at each step, in [0, 1).
        beta_2: the same for the average square.
        epsilon: keeps the quotient finite.
        amsgrad: whether to divide by the largest average square so far (arXiv:1904.09237).
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Adam(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        who = type(self).__name__
        self.beta_1 = check_number(who, "beta_1", beta_1, below=1.0)
        self.beta_2 = check_number(who, "beta_2", beta_2, below=1.0)
        self.epsilon = check_number(who, "epsilon", epsilon)
        self.amsgrad = bool(amsgrad)

    def _active_slots(self) -> Sequence[tuple[str, float]]:
        slots = [("momentum", 0.0), ("velocity", 0.0)]
        if self.amsgrad:
            slots.append(("velocity_hat", 0.0))
        return slots

    def _update(self, run: Run) -> None:
        states = {"mean": run.states[0], "square": run.states[1]}
        if self.amsgrad:
            states["largest"] = run.states[2]
        self._step_by(
            "adam",
            run,
            states,
            {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon_hat": self.epsilon},
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


@OPTIMIZERS.register
class AdamW(Adam):
    """Adam with decoupled weight decay: `w -= lr weight_decay w` before each step.

    Source: Loshchilov, Hutter (2019), arXiv:1711.05101; defaults of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        weight_decay: a step subtracts this part of each weight, times the learning rate, from it.
        beta_1, beta_2, epsilon, amsgrad: as for `Adam`.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range, or `weight_decay` is None.

    Example:
        >>> optimizer = fastdl.optimizers.AdamW(1e-3, weight_decay=0.01)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[DecayedOptions],
    ) -> None:
        check_number("AdamW", "weight_decay", weight_decay)
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )
