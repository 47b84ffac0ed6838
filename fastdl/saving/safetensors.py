"""The safetensors format: named tensors in a file that holds no code.

    8 bytes    the length n of the header, little-endian
    n bytes    the header, JSON: {name: {"dtype", "shape", "data_offsets": [begin, end]}, ...,
               "__metadata__": {string: string}}
    the rest   the values of the tensors, row-major and little-endian, without gaps

Source: the description of the format by the package `safetensors`. Its files can be read here, and
the package reads those that are written here.
"""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from .. import _core
from .._base.dtypes import as_dtype
from .._core import Tensor
from .files import Region, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    Value = Tensor | np.ndarray

_ALIGNMENT = 64  # of the first value within the file
_MOST_HEADER = 100_000_000  # bytes; the limit of the package, too
_MOST_AXES = 64

# The format's names of types, and NumPy's. bfloat16 is read and written as 16-bit integers.
_TYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "uint16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
}
_NAMES = {kind: name for name, kind in _TYPES.items() if name != "BF16"} | {"bfloat16": "BF16"}
# Types that a tensor cannot have, and those that hold their values. float64 is rounded.
_WIDER = {
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "float64": "float32",
}


class Entry(NamedTuple):
    """What the header says of a tensor: type, shape and the bytes of its values."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def _bytes_of(value: Value) -> np.ndarray:
    """The values as an array of bytes, without a copy where that is possible."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = _core.bits_of(value) if value.dtype == "bfloat16" else value.numpy()
    if sys.byteorder == "big" or value.dtype.byteorder == ">":
        value = value.astype(value.dtype.newbyteorder("<"))
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8)


def write(
    file: BinaryIO, tensors: Mapping[str, Value], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes tensors and arrays at the current place of a file.

    The header lists them in the given order. Their values are ordered by the size of an element,
    as the package does, so that each is aligned.

    Raises:
        ValueError: a name is no text that UTF-8 can hold, or "__metadata__".
        TypeError: a type that the format lacks.
    """
    kinds = {name: as_dtype(value.dtype).name for name, value in tensors.items()}
    for name, kind in kinds.items():
        if kind not in _NAMES:
            raise TypeError(f"{name!r}: values of type {kind} cannot be saved")
        if name == "__metadata__":
            raise ValueError("'__metadata__' is no possible name of a tensor")
    sizes = {name: _itemsize(kinds[name]) for name in tensors}
    places: dict[str, tuple[int, int]] = {}
    end = 0
    in_file = sorted(tensors, key=lambda name: -sizes[name])
    for name in in_file:
        begin, end = end, end + math.prod(tensors[name].shape) * sizes[name]
        places[name] = begin, end
    header: dict[str, Any] = {} if not metadata else {"__metadata__": dict(metadata)}
    for name, value in tensors.items():
        shape = [int(size) for size in value.shape]
        header[name] = {
            "dtype": _NAMES[kinds[name]],
            "shape": shape,
            "data_offsets": list(places[name]),
        }
    try:
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"a name cannot be written in UTF-8: {error}") from None
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    if len(text) > _MOST_HEADER:
        raise ValueError(
            f"names and shapes take {len(text)} bytes, the format allows {_MOST_HEADER}"
        )
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for name in in_file:
        file.write(_bytes_of(tensors[name]).data)


def _itemsize(kind: str) -> int:
    return 2 if kind == "bfloat16" else np.dtype(kind).itemsize


class TensorFile:
    """The tensors of a file, or of a part of one. The header is read and checked at once.

    Args:
        region: the file or the part.

    Attributes:
        entries: by name, in the order of the header.
        metadata: the texts under "__metadata__".

    Raises:
        ValueError: the header is damaged, or does not fit the size of the file.
    """

    def __init__(self, region: Region) -> None:
        self.label = label = region.label
        length = int.from_bytes(region.part(0, 8).read(), "little")
        if length > _MOST_HEADER or length > region.size - 8:
            raise ValueError(
                f"{label}: a header of {length} bytes does not fit a file of {region.size} bytes; "
                "this is no safetensors file, or it is damaged"
            )
        self._values = region.part(8 + length, region.size - 8 - length)
        header = parse_json(region.part(8, length).read(), f"{label}: header")
        if not isinstance(header, dict):
            raise ValueError(f"{label}: header: expected an object, got {type(header).__name__}")
        self.metadata = self._checked_metadata(header.pop("__metadata__", {}))
        self.entries = {name: self._entry(name, entry) for name, entry in header.items()}
        self._check_places()

    def _checked_metadata(self, given: object) -> dict[str, str]:
        if isinstance(given, dict) and all(isinstance(v, str) for v in given.values()):
            return given
        raise ValueError(f"{self.label}: header: '__metadata__': expected texts by name")

    def _entry(self, name: str, given: Any) -> Entry:
        where = f"{self.label}: tensor {name!r}"
        if not isinstance(given, dict) or set(given) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"{where}: expected 'dtype', 'shape' and 'data_offsets' in the header")
        kind, shape, places = given["dtype"], given["shape"], given["data_offsets"]
        if not isinstance(kind, str) or kind not in _TYPES:
            raise ValueError(f"{where}: unknown type {kind!r}")
        if not _are_sizes(shape) or len(shape) > _MOST_AXES:
            raise ValueError(f"{where}: 'shape': expected a list of sizes, got {shape!r}"[:200])
        if not _are_sizes(places) or len(places) != 2 or places[0] > places[1]:
            raise ValueError(f"{where}: 'data_offsets': expected two places, got {places!r}"[:200])
        begin, end = places
        if math.prod(shape) * np.dtype(_TYPES[kind]).itemsize != end - begin:
            raise ValueError(
                f"{where}: shape {tuple(shape)} of {kind} does not fit {end - begin} bytes"
            )
        return Entry(kind, tuple(shape), begin, end)

    def _check_places(self) -> None:
        """ValueError unless the tensors fill the file without gaps and overlaps."""
        end = 0
        for name, entry in sorted(self.entries.items(), key=lambda item: item[1][2:]):
            if entry.begin != end:
                what = "overlaps another one" if entry.begin < end else "leaves a gap before it"
                raise ValueError(f"{self.label}: tensor {name!r}: its place {what}")
            end = entry.end
        if end != self._values.size:
            raise ValueError(
                f"{self.label}: the tensors end at byte {end}, the file at {self._values.size}; it "
                "is damaged or incomplete"
            )

    def array(self, name: str, memory: memoryview | None = None) -> np.ndarray:
        """The values in NumPy's type of them; those of bfloat16 as 16-bit integers.

        Args:
            name: the tensor.
            memory: the whole file in memory, to use it without a copy.
        """
        entry = self.entries[name]
        place = self._values.part(entry.begin, entry.end - entry.begin, f"{self.label}: {name!r}")
        kind = np.dtype(_TYPES[entry.kind])
        if memory is not None and place.size:
            flat = np.frombuffer(memory[place.start : place.start + place.size], kind)
        else:
            flat = np.empty(math.prod(entry.shape), kind)
            place.read_into(flat.view(np.uint8).data)
        if kind == np.bool_ and (flat.view(np.uint8) > 1).any():
            raise ValueError(f"{self.label}: tensor {name!r}: a value of BOOL is neither 0 nor 1")
        if sys.byteorder == "big":
            flat = flat.byteswap()
        return flat.reshape(entry.shape)

    def tensor(self, name: str, memory: memoryview | None = None) -> Tensor:
        """The values as a tensor. Types that tensors lack become the next wider one.

        Raises:
            ValueError: a number of 64 bits without sign is too large.
        """
        array = self.array(name, memory)
        if self.entries[name].kind == "BF16":
            return _core.bfloat16_of(array)
        if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{self.label}: tensor {name!r}: {array.max()} does not fit int64")
        wider = _WIDER.get(array.dtype.name)
        return _core.as_tensor(array.astype(wider) if wider else array, keep_type=True)


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)
