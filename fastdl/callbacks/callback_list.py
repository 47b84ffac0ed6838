"""CallbackList: several callbacks behind the interface of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.tree import flatten
from .backup import BackupAndRestore
from .callback import Callback, History
from .progbar_logger import ProgbarLogger

if TYPE_CHECKING:
    from .._base.types import Logs
    from .callback import Callbacks

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


def _overrides(callback: Callback, hook: str) -> bool:
    function = getattr(callback, hook)
    return getattr(function, "__func__", function) is not getattr(Callback, hook)


class CallbackList(Callback):
    """Calls each callback's hooks in order, those of `BackupAndRestore` last.

    The callbacks get the logs as floats, sorted by name as in Keras. All of them get one dict: each
    sees what the callbacks before it have added.

    Args:
        callbacks: a callback, a (nested) list of them, or None.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: the model.
        params: what `Callback.params` holds.
    """

    def __init__(
        self,
        callbacks: Callbacks = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Callback] = [] if callbacks is None else flatten(callbacks)
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "on_epoch_end"):
                kind = callback if isinstance(callback, type) else type(callback)
                raise TypeError(
                    f"callbacks: expected Callback objects, got "
                    f"{'the class ' if callback is kind else ''}{kind.__name__}"
                )
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        # A backup has what the others have seen of the same epoch.
        self.callbacks.sort(key=lambda callback: isinstance(callback, BackupAndRestore))
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def needs_every_batch(self, phase: str) -> bool:
        """Whether a callback has hooks for the batches of "train", "test" or "predict".

        If not, the loop may skip hooks for batches. The progress bar does not count: it shows
        what it is told.
        """
        return any(
            _overrides(callback, hook)
            for callback in self.callbacks
            if not isinstance(callback, ProgbarLogger)
            for hook in _BATCH_HOOKS[phase]
        )

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            elif isinstance(callback, BackupAndRestore):
                callback.others = [c for c in self.callbacks if c is not callback]
            callback.set_model(model)

    def interrupted(self) -> None:
        """Ends the progress bar's line after an exception."""
        for callback in self.callbacks:
            if isinstance(callback, ProgbarLogger):
                callback.abandon()

    def _call(self, hook: str, *args: int, logs: Logs | None) -> None:
        plain = _as_numbers(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*args, plain)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call("on_train_end", logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_end", epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_end", batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call("on_test_end", logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_end", batch, logs=logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call("on_predict_end", logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs=logs)


def _as_numbers(logs: Logs | None) -> Logs:
    return {name: _as_number(value) for name, value in sorted((logs or {}).items())}


def _as_number(value: Any) -> float | np.ndarray:
    try:
        return float(value)
    except (TypeError, ValueError):  # an array, for example a value for each class
        return np.asarray(value)
