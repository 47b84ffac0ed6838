"""What PyTorch's programs set for all tensors, and its old names of typed tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .checks import check_callable, check_choice, check_flag, shown
from .creation import empty
from .device import device as _device

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


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
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


class BoolTensor(metaclass=_OfType):
    """A bool tensor, as `FloatTensor` makes one."""

    dtype = np.dtype("bool")
