"""How results travel from a worker to the parent: arrays in shared memory without a name.

The memory is a file that only its descriptors name (memfd), so nothing is left when a process is
killed. Where the system has none, and for small results, the arrays are part of the message.
"""

from __future__ import annotations

import os
import pickle
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SHARED_FROM = 1 << 16  # bytes of arrays in a result: fewer are sent sooner than mapped
_LINE = 64  # bytes: tensors share the memory of arrays that begin at a cache line


def send(connection: Connection, head: tuple[Any, ...], value: Any) -> None:
    """Sends a result.

    Raises:
        Exception: what pickling raises; then nothing has been sent.
    """
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    sizes = [view.nbytes for view in views]
    if sum(sizes) < _SHARED_FROM or not hasattr(os, "memfd_create"):
        copies = [bytearray(view) for view in views]  # of bytes, arrays would be read-only
        connection.send_bytes(pickle.dumps((head, body, copies, None), protocol=5))
        return
    from multiprocessing.reduction import send_handle

    starts, total = _places(sizes)
    file = os.memfd_create("fastdl-batch")
    try:
        os.truncate(file, total)
        for start, view in zip(starts, views, strict=True):
            _write(file, view, start)
        connection.send_bytes(pickle.dumps((head, body, None, sizes), protocol=5))
        send_handle(connection, file, None)
    finally:
        os.close(file)


class Arrived:
    """A result that has arrived. `value()` makes its objects; `drop()` frees what it holds."""

    _file = -1

    def __init__(self, connection: Connection) -> None:
        self.head, self._body, self._buffers, self._sizes = pickle.loads(connection.recv_bytes())
        if self._sizes is not None:
            from multiprocessing.reduction import recv_handle

            try:
                self._file = recv_handle(connection)
            except (RuntimeError, IndexError) as error:  # the worker died before it sent it
                raise EOFError from error

    def value(self) -> Any:
        """The objects; once."""
        if self._sizes is None:
            return pickle.loads(self._body, buffers=self._buffers)
        starts, total = _places(self._sizes)
        try:
            memory = _mapped(self._file, total)
        finally:
            self.drop()
        parts = [
            memory[start : start + size] for start, size in zip(starts, self._sizes, strict=True)
        ]
        return pickle.loads(self._body, buffers=parts)

    def drop(self) -> None:
        """Closes the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.drop()


def _places(sizes: list[int]) -> tuple[list[int], int]:
    """Where each buffer begins, and how long all are together."""
    starts, end = [], 0
    for size in sizes:
        starts.append(end)
        end += -(-size // _LINE) * _LINE
    return starts, end


def _write(file: int, view: memoryview, start: int) -> None:
    """All of it: one call writes 2 GiB at the most."""
    while view.nbytes:
        written = os.pwrite(file, view, start)
        view, start = view[written:], start + written


@lru_cache(1)
def _system() -> Any:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    size, number, pointer = ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p
    library.mmap.restype = pointer
    library.mmap.argtypes = [pointer, size, number, number, number, ctypes.c_int64]
    library.munmap.argtypes = [pointer, size]
    return library


def _mapped(file: int, size: int) -> memoryview:
    """The memory of a file, kept until nothing uses it.

    Python's `mmap` keeps a descriptor open for each mapping, so a program that keeps a thousand
    batches would have too many files open.
    """
    import ctypes
    import mmap

    address = _system().mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file, 0)
    if address == ctypes.c_void_p(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, f"DataLoader: mapping a batch: {os.strerror(code)}")
    memory = (ctypes.c_char * size).from_address(address)
    weakref.finalize(memory, _system().munmap, address, size).atexit = False
    return memoryview(memory).cast("B")
