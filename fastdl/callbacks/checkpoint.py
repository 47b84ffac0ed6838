"""ModelCheckpoint: writes the model to files while it is trained."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._base.checks import check_flag, check_integer, check_number, shown
from .monitor import MonitorCallback

if TYPE_CHECKING:
    from .._base.types import Logs
    from ..saving.files import Path


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, every epoch or every so many batches.

    The values are copied, and the file is written beside the training by a thread of its own. It
    takes its name when it is complete. An error while writing is raised at the next checkpoint, or
    at the end of `fit`.

    Args:
        filepath: a path that ends in `.fastdl` or `.keras`, or, with `save_weights_only`, in
            `.safetensors` or `.weights.h5`. `{epoch}`, counted from 1, `{batch}` and names of the
            logs are filled in: "model-{epoch:02d}-{val_loss:.2f}.fastdl". Missing folders are made.
        monitor, mode: the value that `save_best_only` watches, as for `EarlyStopping`.
        verbose: 1 prints a line for each file.
        save_best_only: whether to save only when `monitor` is better than ever before. Where the
            logs lack it, every file is written, with a warning.
        save_weights_only: whether to save the weights alone.
        save_freq: "epoch", or the number of batches between two checkpoints. They are counted over
            all epochs.
        initial_value_threshold: the value of `monitor` that the first file has to improve on.

    Raises:
        ValueError: an argument is none of these, or `filepath` has another ending or names a value
            that the logs lack.
        OSError: a file cannot be written.

    Source: `keras.callbacks.ModelCheckpoint` of Keras 3.

    Example:
        >>> best = fastdl.callbacks.ModelCheckpoint(
        ...     "best.fastdl", monitor="loss", save_best_only=True
        ... )
        >>> history = model.fit(x, y, epochs=2, callbacks=[best], verbose=0)
        >>> fastdl.models.load_model("best.fastdl").count_params()
        3
    """

    _state = ("best", "_batches")

    def __init__(
        self,
        filepath: Path,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        from ..saving.files import path_of

        who = "ModelCheckpoint"
        self.filepath = path_of(filepath, f"{who}: filepath")
        self.verbose = check_number(who, "verbose", verbose)
        self.save_best_only = check_flag(who, "save_best_only", save_best_only)
        self.save_weights_only = check_flag(who, "save_weights_only", save_weights_only)
        if initial_value_threshold is not None:
            check_number(who, "initial_value_threshold", initial_value_threshold, -float("inf"))
        endings = (
            (".safetensors", ".weights.h5") if self.save_weights_only else (".fastdl", ".keras")
        )
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"{who}: filepath: with save_weights_only={self.save_weights_only} expected a name "
                f"that ends in {' or '.join(endings)}, got {self.filepath!r}"
            )
        self.save_freq = check_save_freq(who, save_freq)
        self.best = initial_value_threshold
        self._batches = 0
        self._epoch = 0
        self._writer: Any = None
        if self.save_freq != "epoch":  # a hook for batches costs time: only then there is one
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from ..saving.background import Writer

        self._writer = Writer()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def _count_batch(self, batch: int, logs: Logs | None = None) -> None:
        together = self._steps_together()
        self._batches += together
        if self._batches % int(self.save_freq) < together:
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._writer.wait()

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        place = f"Epoch {epoch + 1}" if batch is None else f"Batch {self._batches}"
        if self.save_best_only:
            current = self._current(logs)
            if current is not None:
                if not self._improves(current, self.best):
                    if self.verbose:
                        print(f"\n{place}: {self.monitor} did not improve from {self.best:.5g}")
                    return
                self.best = current
        path = self._path(epoch, batch, logs)
        if self.verbose:
            what = "weights" if self.save_weights_only else "the model"
            print(f"\n{place}: saving {what} to {path}")
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        from ..saving.models import saved_later
        from ..saving.weights import weights_saved_later

        later = weights_saved_later if self.save_weights_only else saved_later
        self._writer.start(later(self.model, path))

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        number = {} if batch is None else {"batch": batch + 1}
        try:
            return self.filepath.format(epoch=epoch + 1, **number, **logs)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            names = ", ".join(["epoch", *number, *logs])
            raise ValueError(
                f"ModelCheckpoint: filepath: {self.filepath!r} cannot be filled in: {error}; there "
                f"are {names}"
            ) from None


def check_save_freq(who: str, save_freq: Any) -> int | str:
    """ "epoch", or a number of batches. ValueError for anything else."""
    if isinstance(save_freq, str):
        if save_freq == "epoch":
            return save_freq
        raise ValueError(f"{who}: save_freq: expected 'epoch' or a number, got {shown(save_freq)}")
    return check_integer(who, "save_freq", save_freq, 1)
