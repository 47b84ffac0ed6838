"""Warnings that point at the user's line, and warnings that are given once per process."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType

# Where the library's own files lie.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_said: set[str] = set()


def warn(message: str) -> None:
    """Gives a UserWarning that points at the user's line, outside of the library.

    Args:
        message: what happens, and what to do about it.
    """
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level += 1
        frame = frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level + 1)


def warn_once(message: str, stacklevel: int | None = None) -> None:
    """Gives a UserWarning, unless this message was given before.

    Args:
        message: what happens, and what to do about it.
        stacklevel: as for `warnings.warn`, counted from the caller; the user's line unless given.
    """
    if message in _said:
        return
    _said.add(message)
    if stacklevel is None:
        warn(message)
    else:
        warnings.warn(message, stacklevel=stacklevel + 1)
