"""Adafactor: second moments of matrices as a row and a column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_number, check_pair
from ._whole import WholeOptimizer, decay, gradient_of, rate_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import Tensor
    from .optimizer import Group, Params, _Engine

_FACTORS = ("row_var", "col_var")


class Adafactor(WholeOptimizer):
    """Adafactor (Shazeer, Stern 2018, arXiv:1804.04235), as `torch.optim.Adafactor`.

    At step t, counted from 1, with `rms(x) = sqrt(mean(x^2))` and `take = t^beta2_decay`:

        row += take (mean(g^2, -1) - row)
        col += take (mean(g^2, -2) - col)
        v = max(row col / max(mean(row), eps[0]), eps[0]^2), an outer product
        u = g / sqrt(v)
        size = max(eps[1], rms(p)) min(lr, 1 / sqrt(t))
        p -= lr weight_decay p
        p -= size u / max(1, rms(u) / d)

    A parameter with fewer than two axes has `variance += take (g^2 - variance)` instead.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups.
        lr: the learning rate.
        beta2_decay: how the share of the latest gradient falls with the steps, at most 0.
        eps: the least root of v (None: the distance of 1 from the next number), and the least
            size of a parameter for the size of its steps.
        d: steps with a larger root mean square are scaled down, at least 1.
        weight_decay: the share of each parameter, times the learning rate, that a step subtracts.
        foreach: without effect.
        maximize: whether steps go up the gradient.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> optimizer = optim.Adafactor(model.parameters(), lr=1e-2)
        >>> optimizer.zero_grad()
        >>> nn.functional.mse_loss(model(x), y).backward()
        >>> optimizer.step()
    """

    _states: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        for option in ("lr", "weight_decay"):
            check_number("Adafactor", option, group[option])
        check_number("Adafactor", "beta2_decay", group["beta2_decay"], -math.inf, at_most=0.0)
        check_number("Adafactor", "d", group["d"], 1.0)
        for i, eps in enumerate(check_pair("Adafactor", "eps", group["eps"])):
            if i or eps is not None:
                check_number("Adafactor", f"eps[{i}]", eps)

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ()

    def _state_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        if name == "row_var":
            return (*shape[:-1], 1)
        return (*shape[:-2], 1, shape[-1]) if name == "col_var" and len(shape) > 1 else shape

    def _make_state(self, engine: _Engine, indices: Iterable[int]) -> None:
        for i in indices:
            parameter = engine.flat.parameters[i]
            if not self.state[parameter]:
                names = _FACTORS if len(parameter.shape) > 1 else ("variance",)
                shapes = {name: self._state_shape(name, parameter.shape) for name in names}
                states = {name: _core.full(s, "float32", 0.0) for name, s in shapes.items()}
                self.state[parameter] = {"step": engine.counts._view((), i), **states}

    def _restore(self, engine: _Engine, group: Group, entries: list[dict[str, np.ndarray]]) -> None:
        super()._restore(engine, group, entries)
        for parameter, arrays in zip(engine.flat.parameters, entries, strict=True):
            for name, state in self.state[parameter].items() if arrays else ():
                if name != "step" and name in arrays:
                    F.assign_(state, arrays[name])

    def _update_one(self, engine: _Engine, group: Group, index: int) -> None:
        parameter = engine.flat.parameters[index]
        state, parameter = self.state[parameter], parameter.detach()
        gradient = gradient_of(engine, group, index)
        least, least_size = group["eps"]
        least = float(np.finfo(np.float32).eps if least is None else least)
        step = F.cast(F.add(state["step"], 1), dtype="float32")
        take = F.pow(step, float(group["beta2_decay"]))
        rate = rate_of(engine)
        size = F.maximum(_rms(parameter), float(least_size))
        size = F.mul(size, F.minimum(rate, F.div(1.0, F.sqrt(step))))
        decay(parameter, rate, group["weight_decay"])
        squares = F.square(gradient)
        if "variance" in state:
            square = _follow(state["variance"], squares, take)
        else:
            row = _follow(state["row_var"], F.mean(squares, axes=[-1], keepdims=True), take)
            column = _follow(state["col_var"], F.mean(squares, axes=[-2], keepdims=True), take)
            mean = F.mean(row, axes=[-2], keepdims=True)
            square = F.div(F.mul(row, column), F.maximum(mean, least))
        update = F.div(gradient, F.sqrt(F.maximum(square, least * least)))
        size = F.div(size, F.maximum(F.div(_rms(update), float(group["d"])), 1.0))
        F.add_(parameter, F.neg(F.mul(update, size)))


def _follow(average: Tensor, value: Tensor, take: Tensor) -> Tensor:
    F.add_(average, F.mul(F.sub(value, average), take))
    return average


def _rms(x: Tensor) -> Tensor:
    return F.sqrt(F.mean(F.square(x)))
