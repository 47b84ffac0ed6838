"""Questions about GPUs, and what programs ask of them. Without one, PyTorch answers the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from . import _core
from ._base.checks import check_integer


def is_available() -> bool:
    """Whether this build runs on a GPU.

    Example:
        >>> device = fastdl.device("cuda" if fastdl.cuda.is_available() else "cpu")
    """
    return bool(_core.config()["cuda"])


def device_count() -> int:
    """The number of GPUs that can be used."""
    return int(is_available())


def manual_seed(seed: int) -> None:
    """Has no effect: there is one generator of random numbers, that of `fastdl.manual_seed`.

    Raises:
        ValueError: the seed is no integer.

    Example:
        >>> fastdl.cuda.manual_seed(0)
    """
    check_integer("manual_seed", "seed", seed)


def manual_seed_all(seed: int) -> None:
    """Has no effect, as `manual_seed`."""
    check_integer("manual_seed_all", "seed", seed)


def empty_cache() -> None:
    """Has no effect: no memory of a GPU is kept."""


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: no GPU computes in bfloat16 here."""
    return False


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return is_available()


def memory_allocated(device: Any = None) -> int:
    """0: tensors of this build lie in the memory of the CPU.

    Example:
        >>> fastdl.cuda.memory_allocated(), fastdl.cuda.max_memory_allocated()
        (0, 0)
    """
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0, as `memory_allocated`."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0, as `memory_allocated`."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Has no effect: there is no memory of a GPU to count."""


def _needs_a_gpu(name: str) -> Callable[..., NoReturn]:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"cuda.{name}: this build of fastdl runs on no GPU")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Raises RuntimeError: it needs a GPU."
    return function


current_device = _needs_a_gpu("current_device")
get_device_capability = _needs_a_gpu("get_device_capability")
get_device_name = _needs_a_gpu("get_device_name")
get_device_properties = _needs_a_gpu("get_device_properties")
set_device = _needs_a_gpu("set_device")
synchronize = _needs_a_gpu("synchronize")
# Programs choose between these and the types of the CPU.
BoolTensor = _needs_a_gpu("BoolTensor")
ByteTensor = _needs_a_gpu("ByteTensor")
FloatTensor = _needs_a_gpu("FloatTensor")
IntTensor = _needs_a_gpu("IntTensor")
LongTensor = _needs_a_gpu("LongTensor")

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
