"""device: where a tensor lies. There is the CPU; extensions register others."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from .._core import Tensor
from .dtypes import as_dtype


class device:
    """`device('cpu')`, comparable with PyTorch's: a type and, where there are several, an index.

    RuntimeError for a device that no extension has registered; it lists those that exist.

    Example:
        >>> fastdl.device("cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        kind, _, number = str(type).partition(":")
        self.type = kind
        self.index = int(number) if number.isdecimal() else index
        if _registered(self) is None:
            known = ", ".join(map(repr, _core.device_names()))
            raise RuntimeError(f"device: unknown device {str(type)!r}; possible: {known}")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _registered(where: device) -> str | None:
    """The core's name for a device; without an index it is the first one of its type."""
    if where.type == "cpu":
        return "cpu"
    names = _core.device_names()
    return next((n for n in (str(where), f"{where.type}:0") if n in names), None)


CPU = device("cpu")


def device_of(t: Tensor) -> device:
    """Where the tensor lies."""
    name = t._device
    return CPU if name == "cpu" else device(name)


def moved(t: Tensor, where: str | device) -> Tensor:
    """The tensor on another device; the tensor itself if it lies there."""
    name = _registered(device(where))
    assert name is not None
    return t if t._device == name else _core.to_device(t, name)


def split_target(
    who: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[np.dtype[Any] | None, device | None]:
    """The dtype and the device asked for by the arguments of a `to(...)` call, or None.

    Accepts `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)` and PyTorch's keywords
    `non_blocking` and `copy`.
    """
    unknown = set(kwargs) - {"device", "dtype", "non_blocking", "copy"}
    if unknown:
        raise TypeError(f"{who}: unexpected argument '{min(unknown)}'")
    dtype = kwargs.get("dtype")
    where = kwargs.get("device")
    for argument in args:
        if isinstance(argument, bool) or argument is None:
            continue  # non_blocking, copy
        if isinstance(argument, device):
            where = argument
        elif isinstance(argument, str) and _names_a_device(argument):
            where = argument
        elif isinstance(argument, Tensor):  # whose type and place are to be taken
            dtype, where = argument.dtype, device_of(argument)
        elif hasattr(argument, "shape") and hasattr(argument, "dtype"):  # bfloat16 has no shape
            dtype = argument.dtype
        else:
            dtype = argument
    return None if dtype is None else as_dtype(dtype), None if where is None else device(where)


def _names_a_device(text: str) -> bool:
    kind = text.partition(":")[0]
    return kind in _DEVICE_TYPES or any(kind == n.partition(":")[0] for n in _core.device_names())


_DEVICE_TYPES = frozenset({"cpu", "cuda", "mps", "xpu", "meta", "xla"})


def check_target(who: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """For modules: raises unless the target of a `to(...)` call is float32 on the CPU."""
    try:
        dtype, where = split_target(who, args, kwargs)
    except (RuntimeError, TypeError) as error:
        raise type(error)(f"{who}: {error}") from None
    if dtype is not None and dtype != np.float32:
        raise TypeError(f"{who}: dtype: parameters are float32, got {dtype}")
    if where is not None and where.type != "cpu":
        raise RuntimeError(f"{who}: parameters lie on 'cpu', got {str(where)!r}")
