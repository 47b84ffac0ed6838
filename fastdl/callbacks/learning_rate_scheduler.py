"""LearningRateScheduler: a learning rate for each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._base.checks import check_callable, check_number
from .callback import Callback, learning_rates, rated_optimizers

if TYPE_CHECKING:
    from .._base.types import Logs
    from ..optimizers import Optimizer


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch; that of each within MultiOptimizer.

    Args:
        schedule: called with `(epoch, learning_rate)`, or `(epoch)` if it takes one argument;
            returns the new learning rate.
        verbose: 1 prints it.

    Example:
        >>> halve = lambda epoch, rate: rate / 2 if epoch else rate
        >>> scheduler = fastdl.callbacks.LearningRateScheduler(halve)
        >>> history = model.fit(x, y, epochs=3, callbacks=[scheduler], verbose=0)
        >>> [round(rate, 5) for rate in history.history["learning_rate"]]
        [0.01, 0.005, 0.0025]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = check_callable("LearningRateScheduler", "schedule", schedule)
        check_number("LearningRateScheduler", "verbose", verbose)
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        for name, optimizer in rated_optimizers(self.model.optimizer):
            self._set_rate(epoch, optimizer, name)

    def _set_rate(self, epoch: int, optimizer: Optimizer, name: str) -> None:
        if self._takes_rate:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        else:
            rate = self.schedule(epoch)
        try:
            rate = float(rate)
        except (TypeError, ValueError):
            raise ValueError(
                f"LearningRateScheduler: schedule: expected it to return a number, got {rate!r}"
            ) from None
        optimizer.learning_rate = rate
        if self.verbose:
            whose = f" of {name}" if name else ""
            what = f"LearningRateScheduler sets the learning rate{whose} to {rate:g}"
            print(f"\nEpoch {epoch + 1}: {what}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs.update(learning_rates(self.model.optimizer))


def _takes_two(function: Callable[..., float]) -> bool:
    from inspect import signature

    try:
        signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True
