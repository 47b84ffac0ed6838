"""Tracebacks of errors end at the user's lines: frames of this package below them are left out.

One frame stays for the method that was called (`fit`, a layer's call), and those of what the user
wrote below it (`call`, `train_step`, a callback). FASTDL_FULL_TRACEBACK=1 in the environment, or
`fastdl.config.disable_traceback_filtering()`, shows all frames.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from .notices import PACKAGE

Function = TypeVar("Function", bound=Callable[..., Any])

_filtering = os.environ.get("FASTDL_FULL_TRACEBACK", "0") in ("", "0")


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks of errors leave out the frames of this package."""
    return _filtering


def enable_traceback_filtering() -> None:
    """Leaves the frames of this package out of the tracebacks of errors, as by default."""
    global _filtering
    _filtering = True


def disable_traceback_filtering() -> None:
    """Shows all frames in the tracebacks of errors, to look for faults in this package.

    Example:
        >>> fastdl.config.disable_traceback_filtering()
        >>> fastdl.config.is_traceback_filtering_enabled()
        False
        >>> fastdl.config.enable_traceback_filtering()
    """
    global _filtering
    _filtering = False


def shortened(error: Exception) -> Exception:
    """The error without this package's frames in its traceback, to be raised again."""
    if _filtering:
        _shorten(error, set())
    return error


def _shorten(error: BaseException, done: set[int]) -> None:
    done.add(id(error))
    for earlier in (error.__cause__, error.__context__):
        if earlier is not None and id(earlier) not in done:
            _shorten(earlier, done)
    kept = []
    frame = error.__traceback__
    while frame is not None:
        if not frame.tb_frame.f_code.co_filename.startswith(PACKAGE):
            kept.append(frame)
        frame = frame.tb_next
    shown: TracebackType | None = None
    for frame in reversed(kept):
        shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    error.__traceback__ = shown


def at_the_callers_line(function: Function) -> Function:
    """Decorator: errors leave the function with a short traceback."""

    @functools.wraps(function)
    def outermost(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904

    return outermost  # type: ignore[return-value]
