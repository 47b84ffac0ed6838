"""Muon: orthogonal steps for matrices, Adam for the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_number, shown
from .._base.matrices import orthogonal
from .._base.registry import OPTIMIZERS
from ._variables import path_of
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from .._core import Tensor
    from ._options import DecayedOptions
    from .schedules import Rate


@OPTIMIZERS.register
class Muon(Optimizer):
    """Momentum made orthogonal for matrices, and Adam for the other variables.

    For a variable with two axes:

        m = momentum m + g
        u = g + momentum m, or m without Nesterov's rule
        w -= lr rms_rate sqrt(max(rows, columns)) orthogonal(u)

    `orthogonal` divides u by its norm. Then it takes `ns_steps` steps of Newton and Schulz,
    `x = muon_a x + (muon_b x x' + muon_c (x x')^2) x`, which bring all singular values near 1.

    Variables with another number of axes, embeddings, and those that `exclude_layers` names are
    updated as by `Adam`. The output layer should be one of them.

    Source: Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks"; Liu et
    al. (2025), arXiv:2502.16982, for `rms_rate`; formulas of Keras 3.

    Args:
        learning_rate: a number, a schedule, or a function without arguments.
        adam_beta_1, adam_beta_2, epsilon: as for `Adam`.
        adam_weight_decay: the weight decay of the variables that Adam updates, or None.
        weight_decay: the weight decay of the other variables, or None.
        exclude_layers: regular expressions; Adam updates variables in whose path one is found.
        exclude_embeddings: whether Adam updates variables with "embedding" in their path.
        muon_a, muon_b, muon_c: the coefficients of the steps of Newton and Schulz.
        adam_lr_ratio: Adam's learning rate as a multiple of `learning_rate`.
        momentum: how much of m stays at each step, in [0, 1].
        ns_steps: the number of steps of Newton and Schulz.
        nesterov: whether Nesterov's rule is used.
        rms_rate: the root mean square of a step, divided by lr; None for one that is orthogonal.
        kwargs: see `Optimizer`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> w = fastdl.Variable([1.0])
        >>> fastdl.optimizers.Muon(0.1).apply([[2.0]], [w])
        >>> round(float(w), 4)
        0.8996
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Unpack[DecayedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1 = check_number("Muon", "adam_beta_1", adam_beta_1, below=1.0)
        self.adam_beta_2 = check_number("Muon", "adam_beta_2", adam_beta_2, below=1.0)
        self.adam_weight_decay = _optional("adam_weight_decay", adam_weight_decay)
        self.epsilon = check_number("Muon", "epsilon", epsilon)
        self.exclude_layers = _patterns(exclude_layers)
        self.exclude_embeddings = check_flag("Muon", "exclude_embeddings", exclude_embeddings)
        self.muon_a = check_number("Muon", "muon_a", muon_a, -math.inf)
        self.muon_b = check_number("Muon", "muon_b", muon_b, -math.inf)
        self.muon_c = check_number("Muon", "muon_c", muon_c, -math.inf)
        self.adam_lr_ratio = check_number("Muon", "adam_lr_ratio", adam_lr_ratio)
        self.momentum = check_number("Muon", "momentum", momentum, at_most=1.0)
        self.ns_steps = check_integer("Muon", "ns_steps", ns_steps, 0)
        self.nesterov = check_flag("Muon", "nesterov", nesterov)
        self.rms_rate = _optional("rms_rate", rms_rate)

    _slots = (("momentum", 0.0),)

    def build(self, variables: Iterable[Tensor]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = [
            self.add_variable_from_reference(variable, "velocity") if self._by_adam(i) else None
            for i, variable in enumerate(self._trainable_variables)
        ]

    def _by_adam(self, index: int) -> bool:
        variable = self._trainable_variables[index]
        path = path_of(variable, index)
        return (
            len(variable.shape) != 2
            or (self.exclude_embeddings and "embedding" in path.lower())
            or any(re.search(pattern, path) for pattern in self.exclude_layers)
        )

    def _decays(self) -> tuple[float | None, ...]:
        return self.weight_decay, self.adam_weight_decay

    def _decay_of(self, index: int) -> float:
        decay = self.adam_weight_decay if self._by_adam(index) else self.weight_decay
        return 0.0 if decay is None or self._is_excluded(index) else decay

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        index = self._get_variable_index(variable)
        momentum = self._flat.state_of(self._flat.states[0], index)
        velocity = self._velocities[index]
        if velocity is not None:
            self._adam_step(gradient, variable, momentum, velocity)
            return
        F.assign_(momentum, F.add(F.mul(momentum, self.momentum), gradient))
        update = F.add(gradient, F.mul(momentum, self.momentum)) if self.nesterov else momentum
        update = orthogonal(update, (self.muon_a, self.muon_b, self.muon_c), self.ns_steps)
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(variable.shape)) * self.rms_rate
        F.add_(variable, F.mul(update, F.mul(learning_rate, -scale)))

    def _adam_step(self, gradient: Tensor, variable: Tensor, mean: Tensor, square: Tensor) -> None:
        F.update_(
            rule="adam",
            p=variable,
            g=gradient,
            hyper=F.mul(self._hyper, self.adam_lr_ratio),
            step=self._updates,
            states={"mean": mean, "square": square},
            parameters={
                "beta_1": self.adam_beta_1,
                "beta_2": self.adam_beta_2,
                "epsilon_hat": self.epsilon,
            },
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }


def _optional(argument: str, value: float | None) -> float | None:
    return None if value is None else check_number("Muon", argument, value)


def _patterns(value: Sequence[str] | None) -> list[str]:
    if isinstance(value, str) or not isinstance(value, (Sequence, type(None))):
        raise ValueError(f"Muon: exclude_layers: expected a list of texts, got {shown(value)}")
    for pattern in value or ():
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"Muon: exclude_layers: expected regular expressions, got {shown(pattern)}: {error}"
            ) from None
    return list(value or ())
