"""Lamb: Adam whose steps are in proportion to the weights of each variable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_number
from .._base.matrices import norm
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
class Lamb(Optimizer):
    """Adam with a step for each variable in proportion to its norm, for large batches.

    At step t, counted from 1, with the Euclidean norms of a whole variable:

        m += (1 - beta_1) (g - m)
        v += (1 - beta_2) (g^2 - v)
        d = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
        w -= lr norm(w) / norm(d) d

    Where a norm is 0 the ratio is 1.

    Source: You et al. (2019), arXiv:1904.00962; formulas of Keras 3.

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
        >>> fastdl.optimizers.Lamb(0.1).apply([[2.0]], [w])
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
        self.beta_1 = check_number("Lamb", "beta_1", beta_1, below=1.0)
        self.beta_2 = check_number("Lamb", "beta_2", beta_2, below=1.0)
        self.epsilon = check_number("Lamb", "epsilon", epsilon)

    _slots = (("momentum", 0.0), ("velocity", 0.0))
    _takes_parts = False  # norms are those of whole variables

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        super().build(variables)
        self._directions = self._flat.add_state()  # between two steps it has no meaning
        self._one = _core.full((1,), "float32", 1.0)

    def _update(self, run: Run) -> None:
        self._decay(run)
        directions = run.states[-1]
        F.assign_(directions, 0.0)
        F.update_(
            rule="adam",
            p=directions,
            g=run.gradients,
            hyper=self._one,
            step=self._updates,
            states={"mean": run.states[0], "square": run.states[1]},
            parameters={"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon},
        )
        for i in run.indices:
            variable = self._trainable_variables[i]
            direction = self._flat.state_of(self._directions, i)
            length, stride = norm(variable), norm(direction)
            ratio = F.where(F.gt(length, 0.0), F.div(length, stride), 1.0)
            ratio = F.where(F.gt(stride, 0.0), ratio, 1.0)
            F.add_(variable, F.mul(direction, F.mul(ratio, self._learning_rate_variable)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
