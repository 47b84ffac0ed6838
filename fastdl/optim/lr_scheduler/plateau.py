"""ReduceLROnPlateau: lowers the learning rate when a metric stops improving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._base.checks import check_choice, check_number, check_numbers, shown
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_optimizer, per_group, rates_of, set_rate

if TYPE_CHECKING:
    from typing import SupportsFloat


class ReduceLROnPlateau(LRScheduler):
    """Lowers the learning rate when a metric stops improving.

    Args:
        optimizer: the optimizer whose learning rates are set.
        mode: "min" if a smaller metric is better, "max" if a larger one is.
        factor: the factor for the rate, below 1.
        patience: the number of epochs without improvement that are tolerated.
        threshold: smaller improvements do not count.
        threshold_mode: whether the threshold is relative to the best value ("rel") or absolute
            ("abs").
        cooldown: the number of epochs after a change that do not count.
        min_lr: the lowest rate; a number, or a list with one for each group.
        eps: smaller changes of the rate are not made.

    Raises:
        ValueError: `factor` isn't below 1, or a mode is unknown.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`.

    Example:
        >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
        >>> scheduler.step(0.5)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        who = "ReduceLROnPlateau"
        check_optimizer(who, optimizer)
        check_number(who, "factor", factor, -math.inf, below=1.0)
        check_choice(who, "mode", mode, ("min", "max"))
        check_choice(who, "threshold_mode", threshold_mode, ("rel", "abs"))
        for argument, value in (
            ("patience", patience),
            ("threshold", threshold),
            ("cooldown", cooldown),
            ("eps", eps),
        ):
            check_number(who, argument, value, -math.inf, infinite=True)
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = min_lr if isinstance(min_lr, (int, float)) else None
        self.min_lrs = check_numbers(
            who, "min_lr", per_group(who, "min_lr", min_lr, optimizer), -math.inf
        )
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = rates_of(optimizer)

    def _lowest(self) -> list[float]:
        """`min_lr` of each group. Groups may have been added since the scheduler was made."""
        count = len(self.optimizer.param_groups)
        if len(self.min_lrs) != count:
            if self.default_min_lr is None:
                raise ValueError(
                    f"ReduceLROnPlateau: min_lr: expected {count} values, one for each parameter "
                    f"group, got {len(self.min_lrs)}; groups were added, so extend min_lrs"
                )
            self.min_lrs = [float(self.default_min_lr)] * count
        return self.min_lrs

    def is_better(self, value: float, best: float) -> bool:
        """Whether a value improves on the best one by more than the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * (value - best) > self.threshold
        return sign * (value - best * (1 + sign * self.threshold)) > 0

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs do not count now."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat) -> None:  # type: ignore[override]
        """Reads the metric of an epoch, and lowers the rate if the metric stopped improving.

        Args:
            metrics: the metric: a number, or a tensor of one element. NaN is no improvement.

        Raises:
            ValueError: `metrics` is no number; or groups were added to the optimizer, and `min_lr`
                is a list for those before.
        """
        try:
            current = float(metrics)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"ReduceLROnPlateau.step: metrics: expected a number, got {shown(metrics)}"
            ) from None
        self.last_epoch += 1
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, low in zip(self.optimizer.param_groups, self._lowest(), strict=True):
                before = float(group["lr"])
                rate = max(before * self.factor, low)
                if before - rate > self.eps:
                    set_rate(group, rate)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = rates_of(self.optimizer)
