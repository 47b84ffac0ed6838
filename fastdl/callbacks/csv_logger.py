"""CSVLogger: each epoch's logs as a row of a file."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

from .callback import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._base.types import Logs


class CSVLogger(Callback):
    """Writes each epoch's logs as a row of a CSV file; "NA" stands for a missing value.

    Args:
        filename: the file.
        separator: between the fields.
        append: whether to add rows to an existing file.

    Example:
        >>> logger = fastdl.callbacks.CSVLogger("log.csv")
        >>> history = model.fit(x, y, epochs=3, callbacks=[logger], verbose=0)
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file: IO[str] | None = None
        self._write_row: Callable[[list[object]], object] | None = None
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from csv import writer

        self._close()
        self._file = open(self.filename, "a" if self.append else "w", newline="")
        self._write_row = writer(self._file, delimiter=self.separator).writerow
        self._names = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        assert self._file is not None and self._write_row is not None
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in self._names):
                # Columns for validation, which may begin in a later epoch; as in Keras.
                self._names += [f"val_{name}" for name in self._names]
            if self._file.tell() == 0:
                self._write_row(["epoch", *self._names])
        self._write_row([epoch, *(_field(logs.get(name, "NA")) for name in self._names)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _field(value: Any) -> object:
    return value.tolist() if getattr(value, "ndim", 0) else value
