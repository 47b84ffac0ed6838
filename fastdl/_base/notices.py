"""Warnings that are given once in the life of the process."""

from __future__ import annotations

import warnings

_said: set[str] = set()


def warn_once(message: str, stacklevel: int = 2) -> None:
    """A UserWarning, unless this message was given before.

    Args:
        message: what happens, and what to do about it.
        stacklevel: as of `warnings.warn`, counted from the caller.
    """
    if message in _said:
        return
    _said.add(message)
    warnings.warn(message, stacklevel=stacklevel + 1)
