"""Data sets in IDX files: found on disk or downloaded, and checked to the last byte before use.

The IDX format: two zero bytes, a type (8: unsigned bytes), the number of dimensions, each dimension
as a big-endian 32-bit integer, then the values, the last dimension running fastest.
"""

from __future__ import annotations

import os
import struct
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._base.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTES = 8
_TIMEOUT_SECONDS = 30


class IdxFile(NamedTuple):
    """The known properties of one file."""

    name: str  # on servers and in local copies also with ".gz"
    shape: tuple[int, ...]
    sha256: str  # of the unpacked file

    @property
    def header_size(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        return self.header_size + prod(self.shape)


class IdxDataset(NamedTuple):
    """Four files that belong together, and where they are published."""

    name: str  # of its folder
    title: str
    mirrors: tuple[str, ...]  # the files are at mirror + name + ".gz"
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile

    @property
    def files(self) -> tuple[IdxFile, ...]:
        return self.train_images, self.train_labels, self.test_images, self.test_labels


def load(dataset: IdxDataset, path: str | os.PathLike[str] | None) -> tuple[Split, Split]:
    """Reads the data set from the folder `path`, or from the first place that has it.

    See `fastdl.datasets.mnist.load_data` for the places and the errors.
    """
    if path is not None and not _is_keras_cache_name(path):
        contents = _from_folder(dataset, os.fspath(path))
    else:
        contents = _from_anywhere(dataset)
    x_train, y_train, x_test, y_test = (
        # The copy makes the arrays writable and frees the unpacked file.
        np.frombuffer(content, np.uint8, offset=file.header_size).reshape(file.shape).copy()
        for file, content in zip(dataset.files, contents, strict=True)
    )
    return (x_train, y_train), (x_test, y_test)


def cache_folder(dataset: IdxDataset) -> str:
    """`$FASTDL_HOME/datasets/<name>`, where FASTDL_HOME is `~/.fastdl` unless set."""
    return os.path.join(home_folder(), "datasets", dataset.name)


def home_folder() -> str:
    """`$FASTDL_HOME`, or `~/.fastdl`."""
    return os.environ.get("FASTDL_HOME") or os.path.join(os.path.expanduser("~"), ".fastdl")


def _is_keras_cache_name(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a bare name like "mnist.npz", which in Keras names a file in its cache."""
    name = os.fspath(path)
    return name.endswith(".npz") and os.path.basename(name) == name


def _from_folder(dataset: IdxDataset, folder: str) -> list[bytes]:
    if not os.path.isdir(folder):
        raise NotADirectoryError(
            f"path: expected a folder with the files of {dataset.title} ({_names(dataset.files)}), "
            f"got {folder!r}, which is no folder"
        )
    missing = [file for file in dataset.files if _find(file, folder) is None]
    if missing:
        raise FileNotFoundError(
            f"path: {folder!r} lacks files of {dataset.title}: {_names(missing)} (plain or as .gz)"
        )
    return [_read(file, str(_find(file, folder))) for file in dataset.files]


def _from_anywhere(dataset: IdxDataset) -> list[bytes]:
    own = os.environ.get("FASTDL_DATA")
    if own and not os.path.isdir(own):
        raise NotADirectoryError(
            f"FASTDL_DATA: expected a folder, got {own!r}, which is none: correct the environment "
            "variable or unset it"
        )
    cache = cache_folder(dataset)
    contents: dict[IdxFile, bytes] = {}
    for file in dataset.files:
        if own and (found := _find(file, os.path.join(own, dataset.name))):
            contents[file] = _read(file, found)
        elif found := _find(file, cache):
            try:
                contents[file] = _read(file, found)
            except ValueError:
                pass  # damaged: a download replaces it
    missing = [file for file in dataset.files if file not in contents]
    for number, file in enumerate(missing):
        try:
            contents[file] = _download(file, dataset.mirrors)
        except OSError as error:
            raise FileNotFoundError(
                f"{dataset.title} is not on this machine and could not be downloaded.\n{error}\n"
                f"Without a network, put these files, plain or as .gz, into {cache} "
                f"(or into {dataset.name}/ in the folder that the environment variable FASTDL_DATA "
                f"names, or into any folder given as path=): {_names(missing[number:])}"
            ) from None
        keep(contents[file], os.path.join(cache, file.name))
    return [contents[file] for file in dataset.files]


def _names(files: tuple[IdxFile, ...] | list[IdxFile]) -> str:
    return ", ".join(file.name for file in files)


def _find(file: IdxFile, folder: str) -> str | None:
    for name in (file.name, file.name + ".gz"):
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            return candidate
    return None


def _read(file: IdxFile, path: str) -> bytes:
    with open(path, "rb") as stream:
        return unpack(stream.read(), file, path)


def unpack(raw: bytes, file: IdxFile, source: str) -> bytes:
    """The unpacked file, checked; `raw` may be gzip-compressed.

    Raises:
        ValueError: it is another file or damaged; the message names `source` and what is wrong.
    """
    from hashlib import sha256

    content = _inflate(raw, file.size + 1, source) if raw.startswith(_GZIP_MAGIC) else raw
    magic = struct.pack(">HBB", 0, _UNSIGNED_BYTES, len(file.shape))
    if content[:4] != magic:
        raise ValueError(
            f"{source}: not the IDX file expected: starts with {content[:4].hex() or 'nothing'}, "
            f"expected {magic.hex()} (unsigned bytes in {len(file.shape)} dimensions)"
        )
    if len(content) >= file.header_size:
        shape = struct.unpack(f">{len(file.shape)}I", content[4 : file.header_size])
        if shape != file.shape:
            raise ValueError(f"{source}: holds values of shape {shape}, expected {file.shape}")
    if len(content) < file.size:
        raise ValueError(f"{source}: ends after {len(content)} of {file.size} bytes (truncated?)")
    if len(content) > file.size:
        raise ValueError(f"{source}: holds more than the {file.size} bytes expected")
    digest = sha256(content).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"{source}: the SHA-256 digest of its unpacked content is {digest}, "
            f"expected {file.sha256}: the content is damaged or another data set's"
        )
    return content


def _inflate(raw: bytes, limit: int, source: str) -> bytes:
    """The content of a gzip file, or its first `limit` bytes."""
    import zlib

    # Unlike the gzip module this stops at the limit.
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = stream.decompress(raw, limit)
    except zlib.error as error:
        raise ValueError(f"{source}: damaged gzip file: {error}") from None
    if not stream.eof and len(content) < limit:
        raise ValueError(f"{source}: the gzip file ends too early (truncated?)")
    return content


def _download(file: IdxFile, mirrors: tuple[str, ...]) -> bytes:
    """The unpacked and checked file from the first mirror that has it.

    Raises:
        OSError: no mirror has it; the message gives the reason of each.
    """
    from http.client import HTTPException

    reasons = []
    for mirror in mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            # Content that resists compression grows by a few bytes per block and a header.
            return unpack(fetch(url, limit=file.size + file.size // 100 + 1000), file, url)
        except (OSError, HTTPException) as error:
            reasons.append(f"{url}: {error}")
        except ValueError as error:  # its message names the address
            reasons.append(str(error))
    raise OSError("\n".join(reasons))


def fetch(url: str, limit: int) -> bytes:
    from urllib.request import Request, urlopen

    data = bytearray()
    request = Request(url, headers={"User-Agent": "fastdl"})
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        with Progress(total, f"Downloading {url}", unit="B") as progress:
            while piece := response.read(1 << 16):
                data += piece
                progress.update(len(data))
                if len(data) > limit:
                    raise ValueError(f"{url}: sends more than {limit} bytes")
    return bytes(data)


def keep(content: bytes, path: str) -> None:
    """Writes the file under a temporary name and renames it.

    So no process ever finds a part of it under the final name.
    """
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "xb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        if not isinstance(error, OSError):
            raise
        import warnings

        warnings.warn(
            f"the data set is used but could not be kept for the next time: {error} "
            "(the environment variable FASTDL_HOME names another folder for it)",
            stacklevel=5,  # the call of load_data()
        )
