"""Names of element types, and Keras's rules for the type of a result of several."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .._core import ArgumentError
from .checks import shown

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

FLOATS = ("bfloat16", "float16", "float32", "float64")
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
# Keras's names for types that no tensor of the library has, too.
NAMES = (*FLOATS, *INTEGERS, "bool", "string", "complex64", "complex128")
_OF_PYTHON = {bool: "bool", int: "int32", float: "float32", str: "string", "int": "int32"}

# From each type to the next ones above it. "int" and "float" are Python's numbers.
_ABOVE = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """The name of an element type: of one of NumPy, Python or PyTorch, a name, or None (float32).

    Raises:
        ValueError: no type of Keras.

    Source: `keras.backend.standardize_dtype` of Keras 3, on JAX: `int` is int32.

    Example:
        >>> backend.standardize_dtype(np.float32), backend.standardize_dtype(int)
        ('float32', 'int32')
    """
    if dtype is None:
        return "float32"
    name: Any = dtype
    if isinstance(dtype, (type, str)):
        name = _OF_PYTHON.get(dtype, dtype)
    for attribute in ("name", "__name__"):
        if hasattr(name, attribute):
            name = getattr(name, attribute)
            break
    if str(name).startswith("torch."):  # PyTorch's own types have no name
        name = str(name)
    name = name.rpartition(".")[2] if isinstance(name, str) and "." in name else name
    if name not in NAMES:
        raise ArgumentError(f"dtype: expected the name of an element type, got {shown(dtype)}")
    return str(name)


def is_float_dtype(dtype: DTypeLike | None) -> bool:
    """Whether a type is a floating one.

    Example:
        >>> backend.is_float_dtype("bfloat16"), backend.is_float_dtype("int32")
        (True, False)
    """
    return standardize_dtype(dtype) in FLOATS


def is_int_dtype(dtype: DTypeLike | None) -> bool:
    """Whether a type is an integer one; "bool" is none.

    Example:
        >>> backend.is_int_dtype("uint8"), backend.is_int_dtype("bool")
        (True, False)
    """
    return standardize_dtype(dtype) in INTEGERS


@lru_cache(64)
def _bounds(name: str) -> frozenset[str]:
    """A type and all types above it."""
    return frozenset((name,)).union(*map(_bounds, _ABOVE[name]))


def result_type(*dtypes: Any) -> str:
    """The type of a result of operands of these types, by Keras's rules.

    Args:
        dtypes: element types. `int` and `float` stand for Python's numbers, which give way to the
            types of tensors. None is float32.

    Raises:
        ValueError: a text or a complex type among others: Keras has no rule for the former, and
            there are no complex tensors.

    Source: `keras.backend.result_type` of Keras 3, on TensorFlow: int64 and float64 stay.

    Example:
        >>> backend.result_type("int32", "float16"), backend.result_type("uint8", "int8")
        ('float16', 'int16')
        >>> backend.result_type("bfloat16", float), backend.result_type(int, int)
        ('bfloat16', 'int32')
    """
    if not dtypes:
        return "float32"
    weak = [dtype is int or dtype is float for dtype in dtypes]
    names = [standardize_dtype(dtype) for dtype in dtypes]
    if len(set(names)) == 1:
        return names[0]
    wrong = [name for name in names if name not in _ABOVE]
    if wrong:
        raise ArgumentError(f"result_type: no rule for {wrong[0]!r} together with another type")
    if not all(weak):
        names = [
            name.rstrip("0123456789") if python else name
            for name, python in zip(names, weak, strict=True)
        ]
    common = frozenset.intersection(*map(_bounds, names))
    found = next(name for name in common if common <= _bounds(name))
    return {"int": "int32", "float": "float32"}.get(found, found)
