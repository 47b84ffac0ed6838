"""BackupAndRestore: an interrupted fit goes on where its last backup was made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._base.checks import check_flag
from .._base.notices import warn
from .callback import Callback
from .checkpoint import check_save_freq

if TYPE_CHECKING:
    from .._base.types import Logs
    from ..saving.files import Path

_NAME = "latest.fastdl-backup"
_BEFORE = "previous.fastdl-backup"


class BackupAndRestore(Callback):
    """Makes backups of a fit in a folder. The same `fit`, run again, goes on from the last one.

    A backup holds weights, optimizer, all random states, the position within the epoch with its
    order of samples, the metrics so far, and the state of callbacks. So a fit that was killed at
    any time, even by `kill -9` or a power failure, ends with the weights of one that was not, bit
    for bit. Run the same program again: same model, same data, same arguments of `fit`.

    Values are copied, and files are written beside the training. A backup takes its name when it is
    complete.

    Args:
        backup_dir: a folder for the backups of this fit alone. It is made if it is missing.
        save_freq: "epoch", or the number of batches between two backups; False for none.
        double_checkpoint: whether the backup before the last one is kept, to fall back to if the
            last one is damaged.
        delete_checkpoint: whether the backups are removed when the fit has ended.

    Raises:
        ValueError: an argument is none of these, or, when `fit` begins, the backup is of another
            model, optimizer or data.
        OSError: a file cannot be read or written.

    State of callbacks is what their `state_dict()` returns, where they have one. The library's have
    it where it matters; give your own `state_dict()` and `load_state_dict(state)` if they need it.
    NumPy's and Python's random states are not part of a backup.

    Source: `keras.callbacks.BackupAndRestore` of Keras 3.

    Example:
        >>> backup = fastdl.callbacks.BackupAndRestore("backup")
        >>> history = model.fit(x, y, epochs=2, callbacks=[backup], verbose=0)
    """

    # The callbacks of the same fit; set by `CallbackList`.
    others: Sequence[Callback] = ()

    def __init__(
        self,
        backup_dir: Path,
        save_freq: int | str | bool = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        from ..saving.files import path_of

        who = "BackupAndRestore"
        if backup_dir is None or (isinstance(backup_dir, str) and not backup_dir):
            raise ValueError(f"{who}: backup_dir: expected a folder, got {backup_dir!r}")
        self.backup_dir = path_of(backup_dir, f"{who}: backup_dir")
        self.save_freq = save_freq if save_freq is False else check_save_freq(who, save_freq)
        self.double_checkpoint = check_flag(who, "double_checkpoint", double_checkpoint)
        self.delete_checkpoint = check_flag(who, "delete_checkpoint", delete_checkpoint)
        self._batches = 0
        self._writer: Any = None
        if not isinstance(self.save_freq, (str, bool)):
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]

    def _path(self, name: str) -> str:
        return os.path.join(self.backup_dir, name)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from ..saving.background import Writer
        from ..saving.backup import restore

        self._writer, self._batches = Writer(), 0
        os.makedirs(self.backup_dir, exist_ok=True)
        for name in (_NAME, _BEFORE):
            path = self._path(name)
            if not os.path.exists(path):
                continue
            try:
                more = restore(self.model, path)
            except ValueError as error:
                if name == _NAME and os.path.exists(self._path(_BEFORE)):
                    warn(f"BackupAndRestore: the backup before the last one is used: {error}")
                    continue
                raise
            self._batches = more["batches"]
            self._restore_others(more["callbacks"])
            return

    def _restore_others(self, states: list[Any]) -> None:
        """Restores the callbacks of the fit, which have all begun: this one comes last."""
        kept = [c for c in self.others if hasattr(c, "load_state_dict")]
        if [type(c).__name__ for c in kept] != [name for name, _ in states]:
            raise ValueError(
                f"BackupAndRestore: the backup has the state of the callbacks "
                f"{[name for name, _ in states]}, this fit has {[type(c).__name__ for c in kept]}"
            )
        for callback, (_, state) in zip(kept, states, strict=True):
            callback.load_state_dict(state)

    def _count_batch(self, batch: int, logs: Logs | None = None) -> None:
        together = self._steps_together()
        self._batches += together
        if self._batches % int(self.save_freq) < together:
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._writer.wait()
        if self.delete_checkpoint:
            for name in (_NAME, _BEFORE):
                with suppress(FileNotFoundError):
                    os.unlink(self._path(name))
            with suppress(OSError):  # other files may be there
                os.rmdir(self.backup_dir)

    def _save(self) -> None:
        from ..saving.backup import saved_later

        states = [
            [type(c).__name__, c.state_dict()]
            for c in self.others
            if hasattr(c, "state_dict") and hasattr(c, "load_state_dict")
        ]
        before = self._path(_BEFORE) if self.double_checkpoint else None
        more = {"batches": self._batches, "callbacks": states}
        self._writer.start(saved_later(self.model, self._path(_NAME), before, more))
