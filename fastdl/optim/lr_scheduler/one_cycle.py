"""OneCycleLR: one rise and one fall."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from ..._base.checks import (
    check_choice,
    check_count,
    check_flag,
    check_fraction,
    check_integer,
    check_number,
    check_numbers,
)
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_optimizer, per_group


class OneCycleLR(LRScheduler):
    """One rise and one fall over all of training, step by step (arXiv:1708.07120).

    The rate rises from `max_lr / div_factor` to `max_lr`. It then falls to the first rate divided
    by `final_div_factor`. With `cycle_momentum` the momentum (SGD) or the first beta (Adam) changes
    in the opposite direction.

    Args:
        optimizer: the optimizer whose learning rates are set.
        max_lr: the highest rate, or a list with one for each group.
        total_steps: the number of steps; or pass `epochs` and `steps_per_epoch`.
        epochs, steps_per_epoch: their product is the number of steps.
        pct_start: the share of the steps in which the rate rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum changes too.
        base_momentum, max_momentum: the bounds of the momentum.
        div_factor: the quotient of `max_lr` and the first rate.
        final_div_factor: the quotient of the first rate and the last rate.
        three_phase: whether the rate first falls to the first rate, as fast as it rose, and then
            to the last rate.
        last_epoch: -1 starts anew.

    Raises:
        ValueError: the number of steps isn't known, or another argument is out of its range.
            `step` raises it after the last step.

    Source: `torch.optim.lr_scheduler.OneCycleLR`.

    Example:
        >>> sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> scheduler = optim.lr_scheduler.OneCycleLR(sgd, max_lr=1.0, total_steps=100)
        >>> round(scheduler.get_last_lr()[0], 6)
        0.04
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        who = "OneCycleLR"
        check_optimizer(who, optimizer)
        check_integer(who, "last_epoch", last_epoch, -1)
        check_count(who, "epochs", epochs, 1)
        check_count(who, "steps_per_epoch", steps_per_epoch, 1)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(f"{who}: expected total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        self.total_steps = check_integer(who, "total_steps", total_steps, 1)
        check_fraction(who, "pct_start", pct_start)
        self.anneal_strategy = check_choice(
            who, "anneal_strategy", anneal_strategy, ("cos", "linear")
        )
        self.cycle_momentum = check_flag(who, "cycle_momentum", cycle_momentum)
        check_flag(who, "three_phase", three_phase)
        check_number(who, "div_factor", div_factor, above=0.0)
        check_number(who, "final_div_factor", final_div_factor, above=0.0)
        # For each phase its last step, and the names of a group's values at its start and end.
        rise = float(pct_start * total_steps) - 1
        last = float(total_steps - 1)
        if three_phase:
            self._phases = [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (2 * rise, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._phases = [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (last, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        if last_epoch == -1:
            lows, highs, tops = (
                check_numbers(who, argument, per_group(who, argument, value, optimizer))
                for argument, value in (
                    ("base_momentum", base_momentum),
                    ("max_momentum", max_momentum),
                    ("max_lr", max_lr),
                )
            )
            for group, top, low, high in zip(
                optimizer.param_groups, tops, lows, highs, strict=True
            ):
                initial = top / div_factor
                group.update(initial_lr=initial, max_lr=top, min_lr=initial / final_div_factor)
                if cycle_momentum:
                    group.update(base_momentum=low, max_momentum=high)
        if cycle_momentum and not all(
            "momentum" in group or "betas" in group for group in optimizer.param_groups
        ):
            raise ValueError(f"{who}: cycle_momentum: expected an optimizer with momentum or betas")
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step: expected at most {self.total_steps} steps, got step {step}"
            )
        ends = [phase[0] for phase in self._phases]
        number = min(bisect_left(ends, step), len(ends) - 1)
        end, rate_from, rate_to, momentum_from, momentum_to = self._phases[number]
        start = ends[number - 1] if number else 0.0
        share = (step - start) / (end - start) if end != start else 1.0
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[rate_from], group[rate_to], share))
            if self.cycle_momentum:
                momentum = self._between(group[momentum_from], group[momentum_to], share)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return rates
