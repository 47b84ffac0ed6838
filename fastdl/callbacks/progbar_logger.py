"""ProgbarLogger: the progress display of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.progress import Progress, mode_from_verbose
from .callback import Callback

if TYPE_CHECKING:
    from .._base.types import Logs


class ProgbarLogger(Callback):
    """Shows progress, time and metrics; `verbose` of `fit`, `evaluate` and `predict` adds one.

    On a terminal and in a notebook it is a bar, elsewhere one line for each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self._progress: Progress | None = None
        self._in_fit = False

    def _start(self, title: str = "") -> None:
        params = self.params or {}
        self._progress = Progress(
            params.get("steps"), title, mode=mode_from_verbose(params.get("verbose", "auto"))
        )

    def _update(self, batch: int, logs: Logs | None) -> None:
        if self._progress is not None:
            steps = (self.params or {}).get("steps")
            # The last steps of `steps_per_execution` may be past the end.
            self._progress.update(batch + 1 if steps is None else min(batch + 1, steps), logs)

    def _finish(self, logs: Logs | None) -> None:
        if self._progress is not None:
            self._progress.close(logs)
            self._progress = None

    def abandon(self) -> None:
        """Ends the bar's line after an exception."""
        if self._progress is not None:
            self._progress.abandon()
            self._progress = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        epochs = (self.params or {}).get("epochs", 1)
        self._start(f"Epoch {epoch + 1}/{epochs}" if epochs > 1 else "")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._update(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._start()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._update(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)
