"""Switches of PyTorch's GPU kernels. They can be set and have no effect here.

Results on the CPU are the same in each run, as `deterministic` asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """False: fastdl does not use cuDNN.

    Example:
        >>> fastdl.backends.cudnn.is_available()
        False
    """
    return False


def version() -> None:
    """None: there is no cuDNN."""


@contextmanager
def flags(**switches: Any) -> Iterator[None]:
    """Sets switches for a `with` block, which has no effect.

    Raises:
        TypeError: there is no switch of this name.

    Example:
        >>> with fastdl.backends.cudnn.flags(enabled=False):
        ...     pass
    """
    known = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")
    for name in switches:
        if name not in known:
            raise TypeError(f"flags: unexpected argument {name!r}; possible: {', '.join(known)}")
    yield
