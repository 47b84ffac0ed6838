"""CyclicLR: the rate rises and falls between two bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..._base.checks import (
    check_callable,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_numbers,
)
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_optimizer, per_group, set_rate, state_of


class CyclicLR(LRScheduler):
    """The rate rises and falls between two bounds, step by step (arXiv:1506.01186).

    With `s` the share of the way from the lower to the upper bound that a triangle of
    `step_size_up + step_size_down` steps gives, the rate is
    `base_lr + (max_lr - base_lr) * s * scale`. With `cycle_momentum` the momentum (SGD) or the
    first beta (Adam) is `max_momentum - (max_momentum - base_momentum) * s * scale`.

    Args:
        optimizer: the optimizer whose learning rates are set.
        base_lr: the lower bound, or a list with one for each group.
        max_lr: the upper bound, or a list with one for each group.
        step_size_up: the number of steps in which the rate rises.
        step_size_down: the number of steps in which it falls; `step_size_up` unless given.
        mode: what `scale` is: 1 ("triangular"), 1 halved with each cycle ("triangular2"), or
            `gamma ** step` ("exp_range"). Without a meaning if `scale_fn` is given.
        gamma: the factor for "exp_range".
        scale_fn: a function of one number that gives `scale` instead.
        scale_mode: what `scale_fn` gets: the number of the cycle, from 1 on ("cycle"), or that of
            the step, from 0 on ("iterations").
        cycle_momentum: whether the momentum changes too.
        base_momentum, max_momentum: its bounds, or lists with one for each group.
        last_epoch: -1 starts anew, and sets the rates to `base_lr`.

    Raises:
        ValueError: an argument is out of its range, or `cycle_momentum` is set and the optimizer
            has no momentum.

    Source: `torch.optim.lr_scheduler.CyclicLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.CyclicLR(sgd, 0.01, 0.05, step_size_up=2)
        >>> for _ in range(2):
        ...     sgd.step()
        ...     scheduler.step()
        >>> sgd.param_groups[0]["lr"], sgd.param_groups[0]["momentum"]
        (0.05, 0.8)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        who = "CyclicLR"
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        groups = optimizer.param_groups
        bases, tops, self.base_momentums, self.max_momentums = (
            check_numbers(who, argument, per_group(who, argument, value, optimizer), -math.inf)
            for argument, value in (
                ("base_lr", base_lr),
                ("max_lr", max_lr),
                ("base_momentum", base_momentum),
                ("max_momentum", max_momentum),
            )
        )
        up = check_number(who, "step_size_up", step_size_up, above=0.0)
        down = up
        if step_size_down is not None:
            down = check_number(who, "step_size_down", step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if scale_fn is None:
            check_choice(who, "mode", mode, ("triangular", "triangular2", "exp_range"))
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        else:
            check_callable(who, "scale_fn", scale_fn)
        self.mode = mode
        self.gamma = check_number(who, "gamma", gamma, -math.inf)
        self.scale_mode = check_choice(who, "scale_mode", scale_mode, ("cycle", "iterations"))
        self._scale_fn_custom = scale_fn
        self.cycle_momentum = check_flag(who, "cycle_momentum", cycle_momentum)
        if cycle_momentum and not all("momentum" in g or "betas" in g for g in groups):
            raise ValueError(
                f"{who}: cycle_momentum: expected an optimizer with momentum or betas, or False"
            )
        self.max_lrs, self._bases = tops, bases
        if last_epoch == -1:
            for group, rate, low, high in zip(
                groups, bases, self.base_momentums, self.max_momentums, strict=True
            ):
                set_rate(group, rate)
                if cycle_momentum:
                    group.update(max_momentum=high, base_momentum=low)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = self._bases
        del self._bases

    def scale_fn(self, x: float) -> float:
        """The scale in cycle or step `x`."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 0.5 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        done = 1.0 + self.last_epoch / self.total_size - cycle
        ratio = self.step_ratio
        share = done / ratio if done <= ratio else (done - 1) / (ratio - 1)
        share *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, pairs, strict=True):
                momentum = high - (high - low) * share
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        bases = getattr(self, "_bases", self.base_lrs)  # the groups may have other initial rates
        return [low + (high - low) * share for low, high in zip(bases, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer; of `scale_fn` that of a callable object."""
        return {**super().state_dict(), "_scale_fn_custom": state_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict` returned."""
        own = {name: value for name, value in state_dict.items() if name != "_scale_fn_custom"}
        super().load_state_dict(own)
        state = state_dict.get("_scale_fn_custom")
        if state is not None and self._scale_fn_custom is not None:
            vars(self._scale_fn_custom).update(state)
