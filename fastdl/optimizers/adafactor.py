"""Adafactor: second moments of matrices as a row and a column."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._base import functional as F
from .._base.checks import check_flag, check_number
from .._base.registry import OPTIMIZERS
from ._variables import path_of
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.parameter import Parameter
    from .._base.types import Config
    from .._core import Tensor
    from ._options import OptimizerOptions
    from .schedules import Rate


@OPTIMIZERS.register
class Adafactor(Optimizer):
    """Steps divided by the root of an average square that is kept as one row and one column.

    At step t, counted from 1, with `rms(x) = sqrt(mean(x^2))` and `take = t^beta_2_decay`:

        r += take (mean(g^2 + epsilon_1, -1) - r)
        c += take (mean(g^2 + epsilon_1, -2) - c)
        v = r / mean(r, -1) c, an outer product
        u = g / sqrt(v)
        w -= max(epsilon_2, rms(w)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / clip_threshold)

    A variable with fewer than two axes has `v += take (g^2 + epsilon_1 - v)` instead.

    Source: Shazeer, Stern (2018), arXiv:1804.04235; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        beta_2_decay: how the share of the latest gradient falls with the steps.
        epsilon_1: added to the squares.
        epsilon_2: the least size of a variable for the size of its steps.
        clip_threshold: steps with a larger root mean square are scaled down.
        relative_step: as in Keras without effect, since the rate is at most 1 / sqrt(t) in any
            case.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Adafactor(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 0.001,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = check_number("Adafactor", "beta_2_decay", beta_2_decay, -math.inf)
        self.epsilon_1 = check_number("Adafactor", "epsilon_1", epsilon_1)
        self.epsilon_2 = check_number("Adafactor", "epsilon_2", epsilon_2)
        self.clip_threshold = check_number("Adafactor", "clip_threshold", clip_threshold, above=0.0)
        self.relative_step = check_flag("Adafactor", "relative_step", relative_step)

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        super().build(variables)
        self._moments: list[tuple[Parameter, ...]] = []
        for variable in self._trainable_variables:
            shape, name = variable.shape, path_of(variable, len(self._moments)).replace("/", "_")
            if len(shape) < 2:
                self._moments.append((self.add_variable(shape, name=f"{name}_velocity"),))
                continue
            rows = self.add_variable(shape[:-1], name=f"{name}_row")
            columns = self.add_variable((*shape[:-2], shape[-1]), name=f"{name}_column")
            self._moments.append((rows, columns))

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        step = F.cast(F.add(self._updates, 1), dtype="float32")
        rate = F.minimum(learning_rate, F.div(1.0, F.sqrt(step)))
        rate = F.mul(rate, F.maximum(_rms(variable), self.epsilon_2))
        take = F.pow(step, self.beta_2_decay)
        squares = F.add(F.square(gradient), self.epsilon_1)
        moments = self._moments[self._get_variable_index(variable)]
        for axis, moment in zip((-1, -2), moments, strict=False):
            mean = F.mean(squares, axes=[axis]) if len(moments) > 1 else squares
            kept = F.mul(moment, F.sub(1.0, take))
            F.assign_(moment, F.add(kept, F.mul(mean, take)))
        square: Tensor = moments[0]
        if len(moments) > 1:
            rows = F.div(square, F.mean(square, axes=[-1], keepdims=True))
            square = F.mul(rows.unsqueeze(-1), moments[1].unsqueeze(-2))
        update = F.div(gradient, F.sqrt(square))
        rate = F.div(rate, F.maximum(F.div(_rms(update), self.clip_threshold), 1.0))
        F.add_(variable, F.neg(F.mul(update, rate)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _rms(x: Tensor) -> Tensor:
    return F.sqrt(F.mean(F.square(x)))
