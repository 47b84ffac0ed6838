"""Callbacks that watch a metric from epoch to epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from .._base.checks import check_choice, check_flag, check_number, shown
from .._base.notices import warn
from .callback import Callback, learning_rates, rated_optimizers

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from .._base.types import Logs
    from ..optimizers import Optimizer


class MonitorCallback(Callback):
    """Base of callbacks that watch a metric.

    Args:
        monitor: the metric's name in the logs.
        mode: "min" if smaller is better, "max" if larger is better, "auto" to ask the metric.
        min_delta: smaller changes do not count.

    Raises:
        ValueError: unknown mode.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        who = type(self).__name__
        if not isinstance(monitor, str):
            raise ValueError(f"{who}: monitor: expected a metric's name, got {shown(monitor)}")
        check_choice(who, "mode", mode, ("auto", "min", "max"))
        check_number(who, "min_delta", min_delta, -math.inf, infinite=True)
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._larger_is_better: bool | None = None

    def _direction(self) -> bool:
        """Whether larger is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for entry in getattr(self.model, "metrics", []):
            for metric in getattr(entry, "metrics", [entry]):
                direction = getattr(metric, "_direction", None)
                if direction and (name == metric.name or name.endswith(f"_{metric.name}")):
                    return direction == "up"
        if name == "loss" or name.endswith("_loss"):
            return False
        raise ValueError(
            f"{type(self).__name__}: monitor: it is unknown whether a larger or a smaller "
            f"{self.monitor!r} is better; give mode='max' or mode='min'"
        )

    @property
    def monitor_op(self) -> Callable[..., Any]:
        """`ops.greater` if larger values of the metric are better, else `ops.less`."""
        from .. import ops

        return ops.greater if self._wants_more() else ops.less

    def _wants_more(self) -> bool:
        """Whether larger is better; found out once."""
        if self._larger_is_better is None:
            self._larger_is_better = self._direction()
        return self._larger_is_better

    def _improves(self, value: float, reference: float | None) -> bool:
        larger = self._wants_more()
        if reference is None:
            return True
        if larger:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    # What a fit that is resumed needs to know of a callback.
    _state: ClassVar[tuple[str, ...]] = ()

    def state_dict(self) -> dict[str, Any]:
        """What the callback has seen so far, for a fit that is resumed."""
        return {name: getattr(self, name) for name in self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        for name in self._state:
            setattr(self, name, state[name])

    def _current(self, logs: Logs) -> float | None:
        value = logs.get(self.monitor)
        if value is None:
            self._wants_more()  # an error if no metric has such a name
            warn(
                f"{type(self).__name__}: monitor: the logs have no {self.monitor!r}, they have "
                f"{', '.join(logs) or 'no values'}"
            )
        return value


class EarlyStopping(MonitorCallback):
    """Ends training when a metric has stopped improving.

    Args:
        monitor, min_delta, mode: as for `ReduceLROnPlateau`.
        patience: epochs without improvement after which training ends.
        verbose: 1 prints a line when that happens.
        baseline: a value to improve on; epochs that don't count as without improvement.
        restore_best_weights: whether to restore the weights of the best epoch at the end.
        start_from_epoch: the first epoch that counts.

    Example:
        >>> stop = fastdl.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
        >>> history = model.fit(
        ...     x, y, validation_split=0.2, epochs=100, callbacks=[stop], verbose=0
        ... )
    """

    _state = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        for argument, value in (
            ("patience", patience),
            ("start_from_epoch", start_from_epoch),
            ("baseline", 0 if baseline is None else baseline),
        ):
            check_number("EarlyStopping", argument, value, -math.inf, infinite=True)
        check_flag("EarlyStopping", "restore_best_weights", restore_best_weights)
        check_number("EarlyStopping", "verbose", verbose)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_weights: list[np.ndarray] | None = None
        self.best_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self._current(logs or {})
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            # Needed even if no epoch ever improves: all values may be NaN.
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch, {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a metric has stopped improving.

    Args:
        monitor: the metric's name in the logs.
        factor: the factor of the learning rate, below 1.
        patience: epochs without improvement after which that happens.
        verbose: 1 prints a line when that happens.
        mode: "min" if smaller is better, "max" if larger is better, "auto" to ask the metric.
        min_delta: smaller changes do not count.
        cooldown: epochs after a change that do not count.
        min_lr: the smallest learning rate.

    Raises:
        ValueError: `factor` isn't below 1, or unknown mode.
    """

    _state = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        who = "ReduceLROnPlateau"
        check_number(who, "factor", factor, -math.inf, below=1.0)
        for argument, value in (("patience", patience), ("cooldown", cooldown), ("min_lr", min_lr)):
            check_number(who, argument, value, -math.inf, infinite=True)
        check_number(who, "verbose", verbose)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs.update(learning_rates(self.model.optimizer))
        current = self._current(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience and any(self._reduced(epoch)):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduced(self, epoch: int) -> list[bool]:
        """Reduces the learning rate of each optimizer; whether it could."""
        return [
            self._reduce(epoch, optimizer, name)
            for name, optimizer in rated_optimizers(self.model.optimizer)
        ]

    def _reduce(self, epoch: int, optimizer: Optimizer, name: str) -> bool:
        rate = float(optimizer.learning_rate)
        if rate <= self.min_lr:
            return False
        rate = max(rate * self.factor, self.min_lr)
        optimizer.learning_rate = rate
        if self.verbose:
            whose = f" of {name}" if name else ""
            print(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau sets the learning rate{whose} to {rate:g}"
            )
        return True
