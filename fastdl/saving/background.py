"""Writer: writes files in a thread of its own, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Writer:
    """Runs functions that write files, beside the training.

    There is one at a time: a new one waits until the one before has ended. The error of a function
    is raised by the next call. Python does not end before a thread that writes.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, function: Callable[[], object]) -> None:
        """Waits for the function before, and starts this one."""
        self.wait()

        def run() -> None:
            try:
                function()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name="fastdl-writer")
        self._thread.start()

    def wait(self) -> None:
        """Waits until the function that runs has ended, and raises its error."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error
