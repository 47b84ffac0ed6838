"""A question about oneDNN, which PyTorch uses on CPUs; fastdl has kernels of its own."""

from __future__ import annotations


def is_available() -> bool:
    """False.

    Example:
        >>> fastdl.backends.mkldnn.is_available()
        False
    """
    return False
