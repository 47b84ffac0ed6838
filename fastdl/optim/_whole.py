"""Optimizers whose update looks at a whole parameter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._base import functional as F
from .._engine.interrupts import held_back
from .optimizer import Optimizer

if TYPE_CHECKING:
    from .._core import Tensor
    from .optimizer import Group, _Engine


class WholeOptimizer(Optimizer):
    """Base class of optimizers that update one parameter after the other by functional ops."""

    def _updates(self, engine: _Engine, group: Group) -> list[partial[None]]:
        return [partial(self._update_all, engine, group)]

    def _update_all(self, engine: _Engine, group: Group) -> None:
        with held_back():  # Ctrl-C waits for the whole update
            for i in engine.indices:
                self._update_one(engine, group, i)
            for i in engine.indices:
                F.increment_(engine.counts._view((1,), i))

    def _update_one(self, engine: _Engine, group: Group, index: int) -> None:
        """Updates a parameter and its state."""
        raise NotImplementedError

    def _parameters(self, group: Group) -> dict[str, float]:
        return {}


def rate_of(engine: _Engine) -> Tensor:
    """The learning rate, as a tensor that a recorded step reads."""
    return engine.hyper._view((), 0)


def gradient_of(engine: _Engine, group: Group, index: int) -> Tensor:
    """The gradient, negated for `maximize`."""
    gradient = engine.flat.homes[index]
    return F.neg(gradient) if group.get("maximize") else gradient


def decay(parameter: Tensor, rate: Tensor, share: float) -> None:
    """Takes a share of the parameter, times the learning rate, off it."""
    if share:
        F.assign_(parameter, F.sub(parameter, F.mul(parameter, F.mul(rate, float(share)))))
