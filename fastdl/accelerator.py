"""Questions about the device beside the CPU, as in `torch.accelerator`."""

from __future__ import annotations

from . import cuda
from ._base.checks import check_flag
from ._base.device import device as _device


def is_available() -> bool:
    """Whether there is a device beside the CPU.

    Example:
        >>> fastdl.accelerator.is_available() == fastdl.cuda.is_available()
        True
    """
    return cuda.is_available()


def current_accelerator(check_available: bool = False) -> _device | None:
    """The device beside the CPU, None if there is none.

    Args:
        check_available: as in PyTorch, whether a device of the build must be usable. Here one that
            is not gives None in any case.

    Source: `torch.accelerator.current_accelerator` of PyTorch 2.13.

    Example:
        >>> found = fastdl.accelerator.current_accelerator()
        >>> device = found.type if found is not None else "cpu"
    """
    check_flag("current_accelerator", "check_available", check_available)
    return _device("cuda") if is_available() else None


def device_count() -> int:
    """How many there are."""
    return cuda.device_count()
