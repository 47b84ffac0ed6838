"""device: where a tensor lies. The core knows the CPU; extensions register other devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._core import Tensor
from .dtypes import as_dtype

if TYPE_CHECKING:
    from typing import TypeAlias, TypedDict

    from numpy.typing import DTypeLike

    Place: TypeAlias = "str | device"
    # What `to(...)` takes by position (bools are `non_blocking` and `copy`), and by keyword.
    Target: TypeAlias = DTypeLike | Place | Tensor | bool

    class TargetOptions(TypedDict, total=False):
        dtype: DTypeLike | None
        device: Place | None
        non_blocking: bool
        copy: bool
        memory_format: object


class device:
    """Where a tensor lies: a type of device and, if there are several of it, an index.

    In a `with` block it is where new tensors are made: on the CPU, as everywhere. A device that
    PyTorch knows, such as "cuda", can be named and compared; what would lie there is an error.

    Raises:
        RuntimeError: no extension has registered such a device, and PyTorch knows none. The message
            lists those that can be used. A `with` block of another device than the CPU.

    Source: `torch.device`, `keras.device`.

    Example:
        >>> fastdl.device("cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        kind, _, number = str(type).partition(":")
        self.type = kind
        self.index = int(number) if number.isdecimal() else index
        if kind not in _DEVICE_TYPES:
            name_of(self)

    def __enter__(self) -> device:
        if self.type != "cpu":
            raise RuntimeError(
                f"device: a block makes its tensors on the CPU, got {str(self)!r}; make them there "
                "and move them with to()"
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the block."""

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _registered(where: device) -> str | None:
    """The core's name for a device, None for an unknown one. Without an index it is the first."""
    if where.type == "cpu":
        return "cpu"
    names = _core.device_names()
    return next((n for n in (str(where), f"{where.type}:0") if n in names), None)


def name_of(where: device) -> str:
    """The core's name for a device.

    Raises:
        RuntimeError: nothing can lie there.
    """
    name = _registered(where)
    if name is None:
        known = ", ".join(map(repr, _core.device_names()))
        raise RuntimeError(f"device: unknown device {str(where)!r}; possible: {known}")
    return name


# Those of PyTorch.
_DEVICE_TYPES = frozenset({"cpu", "cuda", "mps", "xpu", "meta", "xla"})
CPU = device("cpu")


def device_of(t: Tensor) -> device:
    """The device that the tensor lies on."""
    name = t._device
    return CPU if name == "cpu" else device(name)


def moved(t: Tensor, where: str | device) -> Tensor:
    """The tensor on a device. A tensor that lies there already is returned itself."""
    name = name_of(device(where))
    return t if t._device == name else _core.to_device(t, name)


def split_target(
    who: str, args: tuple[Target, ...], kwargs: TargetOptions
) -> tuple[np.dtype[Any] | None, device | None]:
    """The dtype and the device that the arguments of a `to(...)` call ask for, None for none.

    Accepts `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)` and PyTorch's keywords
    `non_blocking`, `copy` and `memory_format`.
    """
    unknown = set(kwargs) - {"device", "dtype", "non_blocking", "copy", "memory_format"}
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
        elif isinstance(argument, Tensor):
            dtype, where = argument.dtype, device_of(argument)
        elif hasattr(argument, "shape") and not isinstance(argument, type):  # an array
            dtype = getattr(argument, "dtype", argument)
        else:
            dtype = argument
    place = None if where is None else device(where)
    if place is not None:
        name_of(place)
    return None if dtype is None else as_dtype(dtype), place


def _names_a_device(text: str) -> bool:
    kind = text.partition(":")[0]
    return kind in _DEVICE_TYPES or any(kind == n.partition(":")[0] for n in _core.device_names())


def check_target(who: str, args: tuple[Target, ...], kwargs: TargetOptions) -> None:
    """Raises unless a module's `to(...)` call asks for float32 on the CPU."""
    try:
        dtype, where = split_target(who, args, kwargs)
    except (RuntimeError, TypeError) as error:
        from .checks import prefixed  # which the import of the package does without

        raise prefixed(who, error) from None
    if dtype is not None and dtype != np.float32:
        raise TypeError(f"{who}: dtype: expected float32 for parameters, got {dtype}")
    if where is not None and where.type != "cpu":
        raise RuntimeError(f"{who}: expected 'cpu' for parameters, got {str(where)!r}")
