"""Questions about GPUs, and a switch of PyTorch's that has no effect here."""

from __future__ import annotations

from types import SimpleNamespace

from .. import cuda as _gpus

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """Whether this build can run on a GPU.

    Example:
        >>> fastdl.backends.cuda.is_built() == fastdl.cuda.is_available()
        True
    """
    return _gpus.is_available()
