"""Short tracebacks: errors show the user's lines, without the frames of this package below them.

One frame stays for the method that the user called (`fit`, a layer's call). The frames of the
user's own functions stay too (`call`, `train_step`, a callback). FASTDL_FULL_TRACEBACK=1 in the
environment, or `fastdl.config.disable_traceback_filtering()`, shows all frames.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from .notices import PACKAGE

P = ParamSpec("P")
Result = TypeVar("Result")

_filtering = os.environ.get("FASTDL_FULL_TRACEBACK", "0") in ("", "0")


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks of errors leave out the frames of this package."""
    return _filtering


def enable_traceback_filtering() -> None:
    """Leaves the frames of this package out of the tracebacks of errors (the default)."""
    global _filtering
    _filtering = True


def disable_traceback_filtering() -> None:
    """Shows all frames in the tracebacks of errors, to find faults in this package.

    Example:
        >>> fastdl.config.disable_traceback_filtering()
        >>> fastdl.config.is_traceback_filtering_enabled()
        False
        >>> fastdl.config.enable_traceback_filtering()
    """
    global _filtering
    _filtering = False


def shortened(error: Exception) -> Exception:
    """The error without this package's frames in its traceback. The caller raises it again."""
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


def at_the_callers_line(function: Callable[P, Result]) -> Callable[P, Result]:
    """Decorator: the function raises its errors with a short traceback."""

    @functools.wraps(function)
    def outermost(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904

    return outermost
