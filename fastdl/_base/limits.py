"""finfo and iinfo: the limits of an element type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .checks import shown
from .dtypes import as_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class _Limits:
    """What `finfo` and `iinfo` share: equality, and a text of all values."""

    dtype: str
    bits: int
    min: float
    max: float

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.dtype))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"


class finfo(_Limits):
    """The limits of a type of floats.

    Args:
        type: float32, float16 or bfloat16; float32 if left out.

    Attributes:
        eps: the distance from 1 to the next larger number.
        max, min: the largest number, and the negative of it.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: 10 to the power of minus the decimal digits that are kept.
        bits: the size of a number.
        dtype: the name of the type.

    Raises:
        TypeError: a type of other than floats.

    Source: `torch.finfo`.

    Example:
        >>> fastdl.finfo(fastdl.float16).max
        65504.0
    """

    def __init__(self, type: DTypeLike | None = None) -> None:
        found = as_dtype("float32" if type is None else type)
        if found.kind != "f":
            raise TypeError(f"finfo: type: expected one of floats, got {shown(str(found))}")
        self.dtype = found.name
        self.bits = 8 * found.itemsize
        if found.name == "bfloat16":  # float32 without its last 16 bits
            self.eps, self.max, self.resolution = 2.0**-7, 2.0**127 * (2 - 2.0**-7), 0.01
            self.tiny = 2.0**-126
        else:
            limits = np.finfo(found)
            self.eps, self.max = float(limits.eps), float(limits.max)
            self.resolution, self.tiny = 10.0**-limits.precision, float(limits.tiny)
        self.min, self.smallest_normal = -self.max, self.tiny


class iinfo(_Limits):
    """The limits of a type of integers.

    Args:
        type: uint8, int8, int32 or int64.

    Attributes:
        max, min: the largest and the smallest number.
        bits: the size of a number.
        dtype: the name of the type.

    Raises:
        TypeError: a type of other than integers.

    Source: `torch.iinfo`.

    Example:
        >>> fastdl.iinfo(fastdl.int8).min
        -128
    """

    def __init__(self, type: DTypeLike) -> None:
        found = as_dtype(type)
        if found.kind not in "iu":
            raise TypeError(f"iinfo: type: expected one of integers, got {shown(str(found))}")
        limits = np.iinfo(found)
        self.dtype, self.bits = found.name, limits.bits
        self.min, self.max = int(limits.min), int(limits.max)
