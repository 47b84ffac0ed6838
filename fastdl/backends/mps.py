"""Questions about Apple's GPUs, which fastdl does not use."""

from __future__ import annotations


def is_available() -> bool:
    """False.

    Example:
        >>> device = "mps" if fastdl.backends.mps.is_available() else "cpu"
    """
    return False


def is_built() -> bool:
    """False."""
    return False
