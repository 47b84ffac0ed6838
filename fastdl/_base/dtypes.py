"""The element types: NumPy's, and bfloat16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .._core import DTypeError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class _BFloat16:
    """The type of 16-bit floats with float32's range and 8 bits of precision.

    It is used like one of NumPy's types: `t.dtype == fastdl.bfloat16` and `t.dtype == "bfloat16"`
    hold, and with the package ml_dtypes also `t.dtype == ml_dtypes.bfloat16`.
    """

    name = "bfloat16"
    kind = "f"
    itemsize = 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of the package ml_dtypes. TypeError if that is not installed."""
        try:
            import ml_dtypes
        except ImportError:
            raise TypeError(
                "NumPy has no bfloat16 of its own: install the package ml_dtypes, or cast the "
                "tensor to float32 first"
            ) from None
        return np.dtype(ml_dtypes.bfloat16)

    def __eq__(self, other: object) -> bool:
        if other is self or other == "bfloat16":
            return True
        name = getattr(other, "name", getattr(other, "__name__", None))
        return name == "bfloat16" and isinstance(other, np.dtype | type)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return "fastdl.bfloat16"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return "bfloat16"


float32 = np.dtype("float32")
float16 = np.dtype("float16")
# It has the attributes of a NumPy type that the library reads.
bfloat16 = cast("np.dtype[Any]", _BFloat16())
int64 = np.dtype("int64")
int32 = np.dtype("int32")
int8 = np.dtype("int8")
uint8 = np.dtype("uint8")


def as_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """As `numpy.dtype`, but knows bfloat16."""
    if isinstance(dtype, str | _BFloat16) and dtype == "bfloat16":
        return bfloat16
    if dtype is float:  # as everywhere: a float without a number of bits
        return float32
    try:
        return np.dtype(dtype)
    except (TypeError, ValueError):
        if getattr(dtype, "dtype", None) is bfloat16:  # BFloat16Tensor
            return bfloat16
        from .checks import shown  # which the import of the package does without

        raise DTypeError(
            f"dtype {shown(dtype)} is not supported; possible: float32, float16, bfloat16, int64, "
            "int32, int8, uint8, bool"
        ) from None


def check_float(who: str, dtype: DTypeLike) -> None:
    """TypeError unless it is a type of floats."""
    found = as_dtype(dtype)
    if found.kind != "f":
        raise DTypeError(f"{who}: dtype: expected a type of floats, got {found}")


def check_computed(who: str, dtype: DTypeLike) -> None:
    """TypeError unless it is float32, the type of what the function computes."""
    found = as_dtype(dtype)
    if found != float32:
        raise DTypeError(f"{who}: dtype: the result is float32, got {found}; cast the result")


def check_fits(who: str, value: object, dtype: np.dtype[Any]) -> None:
    """ValueError if a Python integer is outside the range of an integer type."""
    if type(value) is int and dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if not bounds.min <= value <= bounds.max:
            raise ValueError(f"{who}: {value} does not fit into {dtype}")


def check_all_fit(who: str, values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> None:
    """The same for ordered integers: the first and the last one count."""
    if values.size and values.dtype.kind == "i":
        check_fits(who, values[0].item(), dtype)
        check_fits(who, values[-1].item(), dtype)


def check_range_fits(who: str, low: Any, high: Any, dtype: np.dtype[Any]) -> None:
    """The same for the integers from `low` up to but not including `high`."""
    check_fits(who, int(low), dtype)
    check_fits(who, int(high) - 1, dtype)
