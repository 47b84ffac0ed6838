"""What layers of categories share: inputs that may be text, columns or tables, and output modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_flag, check_integer, shown
from .._base.tables import as_column, columns_of, is_missing, kind_of
from .._base.tracebacks import shortened
from .._core import Tensor
from .._graph.calls import NAMED_ERRORS, name_error
from .._graph.symbolic import KerasTensor, symbolic_leaves
from .layer import Layer
from .preprocessing import encoded, encoded_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.types import Shape


class CategoryLayer(Layer):
    """A layer of categories. Its `call` takes arrays, columns, tables and lists as they come.

    Text is no tensor: such inputs are looked up at once, never within a model's graph.
    """

    output_mode: str

    def __init__(self, **kwargs: Any) -> None:
        dtype = kwargs.get("dtype")
        if isinstance(dtype, str) and dtype in ("int64", "int32", "string"):  # Keras's configs
            del kwargs["dtype"]
        super().__init__(**kwargs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if symbolic_leaves((inputs,)):
            return super().__call__(inputs)
        try:
            outputs = self.call(inputs)
        except NAMED_ERRORS as error:
            name_error(error, self)
            raise shortened(error)  # noqa: B904
        if not self.built:
            self.built = True
        return outputs

    def _depth(self) -> int:
        """The number of categories: the size of the last axis unless `output_mode` is "int"."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.output_mode == "int":
            return input_shape
        return encoded_shape(input_shape or (1,), self._depth(), self.output_mode)

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = np.dtype("int64" if self.output_mode == "int" else "float32")
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    def _encoded(self, numbers: Tensor) -> Tensor:
        if self.output_mode == "int":
            return numbers
        return encoded(numbers, self._depth(), self.output_mode)


def whole(inputs: Any) -> Any:
    """Inputs as one array or nested list: the columns of a table side by side."""
    columns = columns_of(inputs, "inputs")
    if columns is None:
        return inputs
    found = [column.astype(object) for column in columns.values()]
    return np.stack(found, 1) if found else np.zeros((0, 0), object)


def values_of(inputs: Any, wanted: str = "") -> tuple[np.ndarray, tuple[int, ...]]:
    """The values of inputs in one axis, as a column's array, and the shape of the inputs.

    Args:
        inputs: text or numbers: one, an array, a nested list, a column, a table.
        wanted: "text" or "numbers"; "" for either.

    Raises:
        TypeError: the values are of another kind, or of several.
    """
    inputs = whole(inputs)
    if isinstance(inputs, Tensor):
        inputs = inputs.numpy()
    if isinstance(inputs, (str, bytes)):
        inputs = np.array(inputs, object)
    if isinstance(inputs, (list, tuple)):
        try:
            inputs = np.array(inputs, object)
        except ValueError:
            raise ValueError("inputs: expected rows of one length") from None
        if any(isinstance(item, (list, tuple)) for item in inputs.ravel()):
            raise ValueError("inputs: expected rows of one length")
    if isinstance(inputs, np.ndarray) and inputs.ndim != 1:
        shape = inputs.shape
        values = as_column(_text_of(inputs.ravel()), "inputs")
    else:
        values = as_column(_text_of(inputs), "inputs")
        shape = values.shape
    kind = kind_of(values)
    if wanted and kind != wanted:
        if wanted == "text" and kind == "numbers" and is_missing(values).all():
            return np.full(len(values), None, object), shape
        there = values[~is_missing(values)]
        first = there.tolist()[:1]
        got = f"{kind} such as {first[0]!r}" if first else kind
        hint = "IntegerLookup" if wanted == "text" else "StringLookup"
        raise TypeError(f"inputs: expected {wanted}, got {got}; layers.{hint} takes {kind}")
    if kind not in ("text", "numbers"):
        raise TypeError(f"inputs: expected text or integers, got {kind}")
    return values, shape


def _text_of(values: Any) -> Any:
    """Bytes as text, of UTF-8."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "S":
        return np.array([value.decode() for value in values.tolist()], object)
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        if any(isinstance(value, bytes) for value in values):
            found = [v.decode() if isinstance(v, bytes) else v for v in values]
            values = np.empty(len(found), object)
            values[:] = found
    return values


def integers_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as int64, and which of them are missing (0 in their place).

    Raises:
        ValueError: a number has a fraction, or does not fit into int64.
    """
    missing = is_missing(values)
    if values.dtype.kind == "f":
        there = np.where(missing, 0, values)
        wrong = (there != np.floor(there)) | (np.abs(there) >= 2.0**63)
        if wrong.any():
            raise ValueError(f"inputs: expected integers, got {there[wrong][0]!r}")
        values = there
    elif values.dtype == np.uint64 and values.size and values.max() >= 2**63:
        raise ValueError(f"inputs: expected integers below 2**63, got {values.max()}")
    return values.astype(np.int64), missing


def checked_salt(who: str, salt: Any) -> list[int] | None:
    """The key of a salted hash: two integers. One integer stands for both."""
    if salt is None:
        return None
    parts: Sequence[Any] = [salt, salt]
    if isinstance(salt, (list, tuple)):
        parts = salt
    if len(parts) != 2:
        raise ValueError(f"{who}: salt: expected an integer or two, got {shown(salt)}")
    return [check_integer(who, "salt", part) for part in parts]


def dense_only(who: str, sparse: Any) -> bool:
    """False. ValueError if sparse outputs are asked for."""
    if check_flag(who, "sparse", sparse):
        raise ValueError(f"{who}: sparse: sparse outputs are not supported")
    return False


def as_numbers(found: Any, shape: tuple[int, ...]) -> Tensor:
    """Indices as a tensor of int64 in the shape of the inputs."""
    return _core.as_tensor(np.asarray(found, np.int64).reshape(shape))
