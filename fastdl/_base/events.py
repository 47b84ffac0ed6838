"""Event files of TensorBoard: records with checksums, each a message in protobuf's encoding.

Source: the messages Event, Summary, HistogramProto, SummaryMetadata and TensorProto of TensorFlow,
and its record format: length, masked CRC-32C of the length, data, masked CRC-32C of the data.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
import zlib
from collections.abc import Sequence

import numpy as np

_SECONDS = 10.0
_counter = itertools.count()


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of some bytes."""
    value, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


# --- protobuf: each field is a key (number and wire type) and a value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _bytes(number: int, value: bytes | str) -> bytes:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _doubles(number: int, values: Sequence[float]) -> bytes:
    return _bytes(number, struct.pack(f"<{len(values)}d", *values))


# --- values of a summary


def scalar(tag: str, value: float) -> bytes:
    """A number."""
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    return _bytes(1, tag) + _float(2, rounded)


def histogram(tag: str, values: np.ndarray, buckets: int = 30) -> bytes:
    """How the values are distributed. Those that are not finite do not count."""
    flat = np.asarray(values, np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    counts, edges = np.histogram(flat, buckets) if flat.size else (np.zeros(1), np.zeros(2))
    bounds = (flat.min(), flat.max()) if flat.size else (0.0, 0.0)
    message = (
        _double(1, bounds[0])
        + _double(2, bounds[1])
        + _double(3, flat.size)
        + _double(4, flat.sum())
        + _double(5, np.square(flat).sum())
        + _doubles(6, edges[1:].tolist())
        + _doubles(7, counts.astype(np.float64).tolist())
    )
    return _bytes(1, tag) + _bytes(5, message)


def image(tag: str, pixels: np.ndarray) -> bytes:
    """A grey picture of shape (height, width), uint8."""
    height, width = pixels.shape
    message = _integer(1, height) + _integer(2, width) + _integer(3, 1) + _bytes(4, _png(pixels))
    return _bytes(1, tag) + _bytes(4, message)


def text(tag: str, value: str, plugin: str) -> bytes:
    """A text for one of TensorBoard's plugins, "text" or "graph_keras_model"."""
    strings = 7  # DT_STRING
    tensor = _integer(1, strings) + _bytes(2, b"") + _bytes(8, value)
    content = b"1" if plugin == "graph_keras_model" else b""
    metadata = _bytes(1, _bytes(1, plugin) + _bytes(2, content))
    return _bytes(1, tag) + _bytes(8, tensor) + _bytes(9, metadata)


def _png(pixels: np.ndarray) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter, none
    rows[:, 1:] = pixels
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


class EventFile:
    """A new event file in a folder, which is made if it is missing.

    Values are kept until `flush`, or for at most `_SECONDS`. Between writes the file is closed, so
    that a fit that fails leaves nothing open.

    Args:
        folder: the folder. TensorBoard shows each folder as a run.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        now, number = time.time(), next(_counter)
        name = (
            f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{number}.v2"
        )
        self._path = os.path.join(folder, name)
        self._waiting = bytearray()
        self._write(_double(1, now) + _bytes(3, "brain.Event:2"))
        self.flush()

    def _write(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        self._waiting += length + _masked(length) + event + _masked(event)

    def add(self, step: int, values: Sequence[bytes]) -> None:
        """Adds values of a summary at a step."""
        now = time.time()
        summary = b"".join(_bytes(1, value) for value in values)
        self._write(_double(1, now) + _integer(2, step) + _bytes(5, summary))
        if now - self._flushed > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what was added to the file."""
        with open(self._path, "ab") as file:
            file.write(self._waiting)
        self._waiting.clear()
        self._flushed = time.time()
