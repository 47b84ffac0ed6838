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

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
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
    if not _filtering:
        return error
    kept = []
    frame = error.__traceback__
    while frame is not None:
        if not frame.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            kept.append(frame)
        frame = frame.tb_next
    shown: TracebackType | None = None
    for frame in reversed(kept):
        shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(shown)


def at_the_callers_line(function: Function) -> Function:
    """Decorator: errors leave the function with a short traceback."""

    @functools.wraps(function)
    def outermost(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904

    return outermost  # type: ignore[return-value]
