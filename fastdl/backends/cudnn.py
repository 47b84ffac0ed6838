"""Switches of PyTorch's GPU kernels. They can be set and have no effect here.

Results on the CPU are the same in each run, as `deterministic` asks for.
"""

from __future__ import annotations

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
