"""Ctrl-C kept waiting while state changes that must change as a whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

# Without the conversion to enums around them, which takes most of their time.
_get_handler: Any = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_set_handler: Any = getattr(signal.signal, "__wrapped__", signal.signal)
_SIGINT = int(signal.SIGINT)
_get_thread = threading.get_ident


class held_back:
    """While the block runs Ctrl-C is only noted; afterwards its handler is called.

    Only the main thread gets signals, so in others nothing happens. A handler that wasn't set in
    Python is left alone.

    Example:
        >>> done = False
        >>> try:
        ...     with held_back():
        ...         signal.raise_signal(signal.SIGINT)
        ...         done = True
        ... except KeyboardInterrupt:
        ...     print(done)
        True
    """

    __slots__ = ("_arrived", "_handler")

    def __enter__(self) -> None:
        self._arrived: tuple[int, FrameType | None] | None = None
        self._handler: Any = None
        if _get_thread() == threading.main_thread().ident:
            handler = _get_handler(_SIGINT)
            if callable(handler):
                _set_handler(_SIGINT, self._note)
                self._handler = handler

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._arrived = number, frame

    def __exit__(self, *exception: object) -> None:
        if self._handler is not None:
            _set_handler(_SIGINT, self._handler)
            if self._arrived is not None:
                self._handler(*self._arrived)
