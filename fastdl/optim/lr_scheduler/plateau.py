"""ReduceLROnPlateau: lowers the learning rate when a metric stops improving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..._base.checks import check_choice, check_number, check_numbers
from ..optimizer import Optimizer
from .scheduler import check_optimizer, per_group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsFloat


class ReduceLROnPlateau:
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
        self.min_lrs = check_numbers(
            who, "min_lr", per_group(who, "min_lr", min_lr, optimizer), -math.inf
        )
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = [float(group["lr"]) for group in optimizer.param_groups]

    def is_better(self, value: float, best: float) -> bool:
        """Whether a value improves on the best one by more than the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * (value - best) > self.threshold
        return sign * (value - best * (1 + sign * self.threshold)) > 0

    def step(self, metrics: SupportsFloat) -> None:
        """Reads the metric of an epoch, and lowers the rate if the metric stopped improving."""
        current = float(metrics)
        self.last_epoch += 1
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, low in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                rate = max(group["lr"] * self.factor, low)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """All attributes except the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Loads what `state_dict` returned."""
        self.__dict__.update(state_dict)
