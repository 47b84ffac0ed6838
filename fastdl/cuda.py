"""Questions about GPUs: `is_available` and `device_count`."""

from __future__ import annotations

from . import _core


def is_available() -> bool:
    """Whether this build runs on a GPU.

    Example:
        >>> device = fastdl.device("cuda" if fastdl.cuda.is_available() else "cpu")
    """
    return bool(_core.config()["cuda"])


def device_count() -> int:
    """The number of GPUs that can be used."""
    return int(is_available())
