"""Delays Ctrl-C while state changes that must be complete."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Handler: TypeAlias = Callable[[int, FrameType | None], object]

# The functions without the conversion to enums, which takes most of their time.
_plain = getattr(signal, "_signal", signal)
_get_handler: Callable[[int], Handler | int | None] = _plain.getsignal
_set_handler: Callable[[int, Handler | None], object] = _plain.signal
_SIGINT = int(signal.SIGINT)
_get_thread = threading.get_ident


class held_back:
    """A block during which Ctrl-C is only noted. Its handler is called after the block.

    Only the main thread gets signals, so in other threads the block has no effect. A handler that
    wasn't set in Python is left alone.

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
        self._handler: Handler | None = None
        if _get_thread() == threading.main_thread().ident:
            handler = _get_handler(_SIGINT)
            if callable(handler):
                self._handler = handler
                _set_handler(_SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._arrived is not None and _step is not None and _step.held is self:
            assert self._handler is not None
            self._handler(number, frame)  # the second Ctrl-C, and the update is done
        self._arrived = number, frame

    def __exit__(self, *exception: object) -> None:
        if self._handler is None:
            return
        if _step is not None and _step.held is None:
            _step.held = self
        else:
            self.release()

    def release(self) -> None:
        """Restores the handler, and calls it if Ctrl-C came."""
        _set_handler(_SIGINT, self._handler)
        if self._arrived is not None:
            assert self._handler is not None
            self._handler(*self._arrived)


class whole_step:
    """A block that Ctrl-C ends before its first `held_back` block, or after the whole block.

    A training step that has begun to update the weights is finished, as in a replay. Only a second
    Ctrl-C ends it earlier.
    """

    __slots__ = ("_outer", "held")

    def __enter__(self) -> None:
        global _step
        self.held: held_back | None = None
        self._outer = _step
        if _get_thread() == threading.main_thread().ident:
            _step = self

    def __exit__(self, *exception: object) -> None:
        global _step
        if _step is self:
            _step = self._outer
        if self.held is not None:
            self.held.release()


# The innermost block of the main thread.
_step: whole_step | None = None
