"""ReduceLROnPlateau: lower rates when a metric has stopped improving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..._base.checks import check_choice, check_number, check_numbers
from ..optimizer import Optimizer
from .scheduler import check_optimizer, per_group


class ReduceLROnPlateau:
    """Lowers the rate when a metric has stopped improving.

    Args:
        optimizer: whose learning rates are set.
        mode: "min" if a smaller metric is better, "max" if a larger one is.
        factor: what the rate is multiplied by, below 1.
        patience: epochs without improvement after which that happens with the next one.
        threshold: smaller changes count as none.
        threshold_mode: "rel": relative to the best value; "abs": absolute.
        cooldown: epochs after a change in which none is counted.
        min_lr: rates aren't lowered below this; a number or a list of one for each group.
        eps: changes below this aren't made.

    Raises:
        ValueError: `factor` isn't below 1, or an unknown mode.

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

    def step(self, metrics: Any) -> None:
        """Takes in an epoch's metric, and lowers the rate if it is time."""
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
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.__dict__.update(state_dict)
