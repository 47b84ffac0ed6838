"""Files that are replaced as a whole, and parts of files to read from."""

from __future__ import annotations

import json
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = "str | os.PathLike[str]"


def path_of(path: object, who: str) -> str:
    """A path as a string. TypeError for anything else."""
    if isinstance(path, (str, os.PathLike)):
        name = os.fspath(path)
        if isinstance(name, str):
            return name
    raise TypeError(f"{who}: expected a path, got {type(path).__name__}")


@contextmanager
def replacing(path: Path, who: str, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A new file, to write and read, that takes the place of `path` when the block has ended.

    Until then, and whenever the block fails, the old file stays as it is. The content reaches the
    disk before the name does. A symbolic link stays one, and a file keeps its permissions.

    Args:
        path: the file.
        who: the function, for messages.
        overwrite: whether there may be a file already.

    Raises:
        FileExistsError: there is a file, and `overwrite` is False.
        OSError: the file cannot be written: no such folder, no permission, a full disk.
        ValueError: `path` is no regular file.
    """
    name = path_of(path, who)
    target = os.path.realpath(name)
    mode = _mode_of(target, name, who, overwrite)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{who}: there is no folder {os.path.dirname(name) or folder!r}")
    beside = os.path.join(folder, f".fastdl-{os.getpid()}-{os.urandom(6).hex()}.tmp")
    try:
        # The mode of a new file is what the umask leaves of 0o666.
        number = os.open(
            beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
        )
        with os.fdopen(number, "w+b") as file:
            if mode is not None:
                os.chmod(beside, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(beside)
        # Writes fail without a name, on a full disk for example.
        if isinstance(error, OSError) and error.errno and error.filename in (None, beside):
            error.filename = name
        raise
    _sync_folder(folder)


def _mode_of(target: str, name: str, who: str, overwrite: bool) -> int | None:
    """The permissions of the file that is replaced, None if there is none."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{who}: {name!r} is a folder")
    if not stat.S_ISREG(found.st_mode):  # a device or a pipe, which a rename would remove
        raise ValueError(f"{who}: {name!r} is no regular file")
    if not overwrite:
        raise FileExistsError(f"{who}: {name!r} exists; overwrite=True replaces it")
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{who}: {name!r} is write-protected")
    return stat.S_IMODE(found.st_mode)


def _sync_folder(folder: str) -> None:
    """Makes the new name outlast a power failure. Not all systems can open a folder."""
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


class Region:
    """A part of a file that is open for reading.

    Args:
        file: the file, which can seek.
        start, size: the part, in bytes.
        label: its name in messages.

    Attributes:
        checksum: the CRC-32 that an archive says it has, None if there is none.
    """

    checksum: int | None = None

    def __init__(self, file: BinaryIO, start: int, size: int, label: str) -> None:
        self.file = file
        self.start = start
        self.size = size
        self.label = label

    @classmethod
    def whole(cls, file: BinaryIO, label: str) -> Region:
        """All of a file."""
        return cls(file, 0, file.seek(0, os.SEEK_END), label)

    def part(self, start: int, size: int, label: str = "") -> Region:
        """A part of this part. ValueError if it ends beyond it."""
        if start < 0 or size < 0 or start + size > self.size:
            raise ValueError(
                f"{label or self.label}: bytes {start} to {start + size} are beyond the end; the "
                "file is damaged or incomplete"
            )
        return Region(self.file, self.start + start, size, label or self.label)

    def read(self) -> bytes:
        """The bytes."""
        data = bytearray(self.size)
        self.read_into(memoryview(data))
        return bytes(data)

    def read_into(self, buffer: memoryview) -> None:
        """Fills a buffer of this size. ValueError if the file has become shorter."""
        self.file.seek(self.start)
        done = 0
        while done < self.size:
            count = self.file.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not count:
                raise ValueError(f"{self.label}: the file ends too early")
            done += count


def mapped(file: BinaryIO) -> memoryview:
    """A file in memory. Pages that are written become the process's own."""
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def parse_json(data: bytes, label: str) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        ValueError: it is no such text, nested too deeply, or an object has a name twice.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise ValueError(f"{twice!r} is there twice")
        return found

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except RecursionError:
        raise ValueError(f"{label}: the JSON text is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{label}: no valid JSON text: {error}") from None
