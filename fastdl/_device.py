"""device: there is one, the CPU. What PyTorch programs say about devices is checked, not obeyed."""

from __future__ import annotations

from typing import Any

import numpy as np


class device:
    """`device('cpu')`, comparable with PyTorch's. Any other type raises RuntimeError."""

    __slots__ = ("index", "type")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        kind, _, number = str(type).partition(":")
        if kind != "cpu":
            raise RuntimeError(f"device: fastdl computes on 'cpu' only, got {str(type)!r}")
        self.type = kind
        self.index = int(number) if number else index

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU = device("cpu")


def split_target(who: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> np.dtype | None:
    """The dtype asked for by the arguments of a `to(...)` call, None where it names only a device.

    Accepts `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)` and PyTorch's keywords
    `non_blocking` and `copy`, which change nothing here.
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
        elif isinstance(argument, str) and argument.partition(":")[0] in _DEVICE_TYPES:
            where = argument
        elif hasattr(argument, "dtype") and hasattr(argument, "shape"):
            dtype = argument.dtype  # a tensor whose type is to be taken
        else:
            dtype = argument
    if where is not None:
        device(where)
    return None if dtype is None else np.dtype(dtype)


_DEVICE_TYPES = frozenset({"cpu", "cuda", "mps", "xpu", "meta", "xla"})


def check_target(who: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """For modules: raises unless the target of a `to(...)` call is float32 on the CPU."""
    dtype = split_target(who, args, kwargs)
    if dtype is not None and dtype != np.float32:
        raise TypeError(f"{who}: parameters are float32, got {dtype}")
