"""Callback: the base class, and callbacks that need no more than its hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._base.checks import check_callable, check_flag

if TYPE_CHECKING:
    from typing import TypeAlias

    from .._base.types import Items, Logs

    # As `fit` takes them: one callback, or lists of them.
    Callbacks: TypeAlias = "Callback | Items[Callbacks] | None"


class Callback:
    """Base class of callbacks: hooks that `fit`, `evaluate` and `predict` call.

    Override the hooks that are needed. `self.model` is the model. `self.params` is a dict with
    the keys "verbose", "epochs" and "steps". `logs` holds the values of loss and metrics. Setting
    `self.model.stop_training = True` ends `fit` after the current step.

    A hook for batches makes `fit` return to Python at each step, which costs time.

    Example:
        >>> class Report(fastdl.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs["loss"])
    """

    model: Any = None  # the model, from `set_model` on

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self.model = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before all hooks with `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before all hooks with the model."""
        self.model = model

    def _steps_together(self) -> int:
        """The number of steps for which hooks for batches are called once."""
        return int(getattr(self.model, "steps_per_execution", 1))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """At the end of `fit`, with the last epoch's logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """At the start of an epoch of `fit`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """At the end of an epoch of `fit`; validation results have names with `val_`."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step of `fit`, counted from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step of `fit`, with the means of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """At the start of `evaluate`, or of validation within `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """At the end of `evaluate`, or of validation within `fit`."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate`."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """At the end of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`."""


def inner_optimizers(optimizer: Any) -> list[Any]:
    """The optimizers that update weights: those within LossScaleOptimizer and MultiOptimizer."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return list(getattr(inner, "optimizers", None) or [inner])


def rated_optimizers(optimizer: Any) -> list[tuple[str, Any]]:
    """The optimizers that have a learning rate, each with its name; "" for a single one."""
    found = inner_optimizers(optimizer)
    return [(one.name if len(found) > 1 else "", one) for one in found]


def learning_rates(optimizer: Any) -> dict[str, float]:
    """The learning rates as logs: `learning_rate`, or `learning_rate_NAME` of each of several."""
    return {
        f"learning_rate{'_' * bool(name)}{name}": float(one.learning_rate)
        for name, one in rated_optimizers(optimizer)
    }


class LambdaCallback(Callback):
    """A callback of functions given by the name of their hook.

    Args:
        on_epoch_begin, on_epoch_end: called with `(epoch, logs)`.
        on_train_begin, on_train_end: called with `(logs)`.
        on_train_batch_begin, on_train_batch_end: called with `(batch, logs)`.
        kwargs: functions for other hooks, whose names begin with `on_`, and attributes of the
            callback.

    Raises:
        ValueError: a name begins with `on_`, and there is no such hook.

    Example:
        >>> report = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., object] | None = None,
        on_epoch_end: Callable[..., object] | None = None,
        on_train_begin: Callable[..., object] | None = None,
        on_train_end: Callable[..., object] | None = None,
        on_train_batch_begin: Callable[..., object] | None = None,
        on_train_batch_end: Callable[..., object] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if name.startswith("on_") and not hasattr(Callback, name):
                from .._base.registry import suggestion

                known = [hook for hook in dir(Callback) if hook.startswith("on_")]
                raise ValueError(f"LambdaCallback: unknown hook {name!r}.{suggestion(name, known)}")
            if function is not None and name.startswith("on_"):
                check_callable("LambdaCallback", name, function)
            if function is not None or not hasattr(Callback, name):
                setattr(self, name, function)


class History(Callback):
    """Records each epoch's logs. `fit` returns a `History`.

    Attributes:
        epoch: the epochs' numbers.
        history: for each name in the logs the list of its values.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float | Any]] = {}

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history) or 'nothing yet'}>"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def state_dict(self) -> dict[str, Any]:
        """The epochs so far, for a fit that is resumed."""
        return {"epoch": self.epoch, "history": self.history}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.epoch, self.history = list(state["epoch"]), dict(state["history"])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class TerminateOnNaN(Callback):
    """Ends training when the loss is no longer a finite number.

    Args:
        raise_error: whether to raise a RuntimeError instead of ending quietly.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = check_flag("TerminateOnNaN", "raise_error", raise_error)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        from math import isfinite

        loss = (logs or {}).get("loss")
        if loss is None or isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: the loss of batch {batch} is {loss}")
        print(f"Batch {batch}: the loss is {loss}, training ends")
        self.model.stop_training = True
