"""What PyTorch's programs set for all tensors, and its old names of typed tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .checks import check_callable, check_choice, check_flag, check_integer, shown
from .creation import empty
from .device import device as _device
from .dtypes import as_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def set_default_device(device: str | _device | None) -> None:
    """Takes the CPU, on which tensors are made anyway.

    Raises:
        RuntimeError: another device; make tensors there with `device=...`.

    Example:
        >>> fastdl.set_default_device("cpu")
    """
    if device is not None and _device(device).type != "cpu":
        raise RuntimeError(
            f"set_default_device: expected 'cpu', got {shown(str(device))}; fastdl makes tensors "
            "on the CPU, and others with device=..."
        )


def get_default_device() -> _device:
    """The CPU."""
    return _device("cpu")


def set_default_dtype(d: DTypeLike) -> None:
    """Takes float32, the type of tensors that are made without one.

    Raises:
        TypeError: another type.

    Example:
        >>> fastdl.set_default_dtype(fastdl.float32)
    """
    try:
        known = np.dtype(d) == np.float32
    except TypeError:
        known = False
    if not known:
        raise TypeError(f"set_default_dtype: expected float32, got {shown(d)}")


def get_default_dtype() -> np.dtype[Any]:
    """float32."""
    return np.dtype("float32")


_precisions = ("highest", "high", "medium")
_precision = "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """Allows products of lower precision, which fastdl does not use: they stay in float32.

    Args:
        precision: "highest", "high" or "medium".

    Raises:
        ValueError: another name.

    Example:
        >>> fastdl.set_float32_matmul_precision("high")
        >>> fastdl.get_float32_matmul_precision()
        'high'
    """
    global _precision
    _precision = check_choice("set_float32_matmul_precision", "precision", precision, _precisions)


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given; "highest" at first."""
    return _precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for results that are the same in each run. Here they are in any case.

    Args:
        mode, warn_only: without an effect.

    Example:
        >>> fastdl.use_deterministic_algorithms(True)
        >>> fastdl.are_deterministic_algorithms_enabled()
        True
    """
    check_flag("use_deterministic_algorithms", "mode", mode)
    check_flag("use_deterministic_algorithms", "warn_only", warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """True: results are the same in each run, and with any number of threads."""
    return True


class memory_format:
    """An order of values in memory, for arguments `memory_format`, which have no effect.

    Source: `torch.memory_format`.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"


# The library decides how values lie: those of images channels-last.
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = memory_format("strided")  # a layout, the only one


def is_inference_mode_enabled() -> bool:
    """Whether no gradients are recorded: `inference_mode` does what `no_grad` does."""
    return not _core.grad_enabled()


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: Any = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """Returns what it is given, a module or a function; called without one, it is a decorator.

    Nothing is translated: `fit` records steps by itself, and `fastdl.plan` records others. The
    other arguments have no effect.

    Raises:
        TypeError: `model` can't be called.

    Source: `torch.compile`.

    Example:
        >>> net = nn.Linear(2, 3)
        >>> fastdl.compile(net, mode="reduce-overhead") is net
        True
    """
    if model is None:
        return lambda function: compile(function)
    return check_callable("compile", "model", model)


_TYPE_NAMES = {
    "float32": "FloatTensor",
    "float16": "HalfTensor",
    "bfloat16": "BFloat16Tensor",
    "int64": "LongTensor",
    "int32": "IntTensor",
    "int8": "CharTensor",
    "uint8": "ByteTensor",
    "bool": "BoolTensor",
}


def name_of_type(dtype: DTypeLike) -> str:
    """PyTorch's name of tensors of a type, such as "torch.FloatTensor"."""
    return f"torch.{_TYPE_NAMES[str(dtype)]}"


def type_by_name(name: Any) -> Any:
    """The type whose tensors have such a name, or are made by such a function. Others stay."""
    last = name if isinstance(name, str) else getattr(name, "__name__", "")
    module, _, last = last.rpartition(".")
    found = [dtype for dtype, known in _TYPE_NAMES.items() if known == last]
    if not found:
        if isinstance(name, str):
            raise TypeError(f"type: dtype: expected a type of tensors, got {shown(name)}")
        return name
    if module not in ("", "torch", "fastdl"):
        raise TypeError(f"type: dtype: expected a type on the CPU, got {shown(name)}")
    return found[0]


def set_default_tensor_type(t: Any) -> None:
    """Takes FloatTensor, whose type tensors have anyway; the older form of `set_default_dtype`.

    Raises:
        TypeError: another type.

    Example:
        >>> fastdl.set_default_tensor_type("torch.FloatTensor")
    """
    if type_by_name(t) != "float32":
        raise TypeError(f"set_default_tensor_type: expected FloatTensor, got {shown(t)}")


def set_flush_denormal(mode: bool) -> bool:
    """Says whether numbers too small for full precision may count as 0; the library decides.

    Returns:
        False: the setting cannot be changed.

    Example:
        >>> fastdl.set_flush_denormal(True)
        False
    """
    check_flag("set_flush_denormal", "mode", mode)
    return False


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """False: nothing warns, since results are the same in each run."""
    return False


def get_deterministic_debug_mode() -> int:
    """2, as if every other algorithm were an error."""
    return 2


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Takes "default", "warn", "error" or 0, 1, 2 without an effect: results are the same.

    Raises:
        ValueError: another mode.

    Example:
        >>> fastdl.set_deterministic_debug_mode("error")
    """
    if debug_mode not in (0, 1, 2, "default", "warn", "error"):
        raise _core.ArgumentError(
            "set_deterministic_debug_mode: debug_mode: expected 'default', 'warn', 'error' or 0 to "
            f"2, got {shown(debug_mode)}"
        )


def get_num_interop_threads() -> int:
    """1: operations run one after the other."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Takes a number of threads without an effect: operations run one after the other.

    Raises:
        ValueError: no number of 1 or more.

    Example:
        >>> fastdl.set_num_interop_threads(2)
    """
    check_integer("set_num_interop_threads", "num", num, 1)


def set_warn_always(b: bool) -> None:
    """Takes whether each warning comes every time, without an effect: Python's filters decide.

    Example:
        >>> fastdl.set_warn_always(False)
    """
    check_flag("set_warn_always", "b", b)


def is_warn_always_enabled() -> bool:
    """False: Python's filters decide."""
    return False


class _OfType(type):
    """Of the old names of typed tensors: called they make one, and they stand for the type."""

    dtype: np.dtype[Any]

    def __call__(cls, *data: Any) -> Any:
        if all(isinstance(size, (int, np.integer)) for size in data):
            return empty(*map(int, data) if data else (0,), dtype=cls.dtype)
        (values,) = data
        return _core.tensor(values, cls.dtype)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _core.Tensor) and instance.dtype == cls.dtype


class FloatTensor(metaclass=_OfType):
    """A float32 tensor of values, or without values of a shape given by integers.

    Example:
        >>> fastdl.FloatTensor([1, 2]).tolist(), fastdl.FloatTensor(2, 3).shape
        ([1.0, 2.0], (2, 3))
        >>> fastdl.arange(2).type(fastdl.FloatTensor).dtype == "float32"
        True
    """

    dtype = np.dtype("float32")


class LongTensor(metaclass=_OfType):
    """An int64 tensor, as `FloatTensor` makes one.

    Example:
        >>> fastdl.LongTensor([1, 2]).dtype == "int64"
        True
    """

    dtype = np.dtype("int64")


class IntTensor(metaclass=_OfType):
    """An int32 tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("int32")


class ByteTensor(metaclass=_OfType):
    """A uint8 tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("uint8")


class HalfTensor(metaclass=_OfType):
    """A float16 tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("float16")


class BFloat16Tensor(metaclass=_OfType):
    """A bfloat16 tensor, as `FloatTensor` makes one."""

    dtype = as_dtype("bfloat16")


class CharTensor(metaclass=_OfType):
    """An int8 tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("int8")


class BoolTensor(metaclass=_OfType):
    """A bool tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("bool")
