"""Files from addresses, kept on this machine: `get_file`."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, BinaryIO

from .._base.checks import check_choice, check_flag, check_name, shown
from .._base.notices import warn
from .._base.progress import Progress
from ..saving.files import path_of, replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..saving.files import Path

WHO = "get_file"
_TIMEOUT_SECONDS = 60
_LENGTHS = {32: "md5", 64: "sha256"}
_FORMATS = ("tar", "zip")


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: Path | None = None,
    force_download: bool = False,
) -> str:
    """A file from an address, which is downloaded unless it is on this machine already.

    The content is written beside its place and renamed when it is complete and has the digest that
    is given, so a part of a file is never found there.

    Args:
        fname: the name of the file here; by default that of the address.
        origin: the address.
        untar, md5_hash: older names: `extract` with "tar", and `file_hash` with "md5".
        file_hash: the digest that the file must have, in hexadecimal digits. Give one unless you
            trust the network and the server.
        cache_subdir: the folder of `cache_dir` to keep it in.
        hash_algorithm: "sha256", "md5" or "auto", by the length of the digest.
        extract: whether to unpack an archive. Files of it that would land outside of the folder are
            an error.
        archive_format: "tar" (also compressed), "zip", "auto" for both, a list, or None for none.
        cache_dir: the folder of files that are kept: by default `$FASTDL_HOME`, else `~/.fastdl`.
        force_download: whether to download it in any case.

    Returns:
        The path of the file; with `extract` of the folder that it was unpacked to.

    Raises:
        ValueError: there is no address, or the file has another digest.
        OSError: the address cannot be read, or the folder not be written to.

    Source: `keras.utils.get_file` of Keras 3.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.txt").write_text("some data")
        >>> path = utils.get_file("b.txt", (folder / "a.txt").as_uri(), cache_dir=folder)
        ... # doctest: +ELLIPSIS
        Downloading ...
        >>> pathlib.Path(path).relative_to(folder).as_posix(), pathlib.Path(path).read_text()
        ('datasets/b.txt', 'some data')
    """
    from urllib.parse import urlsplit

    if not isinstance(origin, str) or not origin:
        raise ValueError(f"{WHO}: origin: expected the address of the file, got {shown(origin)}")
    force = check_flag(WHO, "force_download", force_download)
    unpack = check_flag(WHO, "extract", extract) or check_flag(WHO, "untar", untar)
    formats = ("tar",) if untar else _archive_formats(archive_format)
    name = check_name(WHO, "fname", fname) or os.path.basename(urlsplit(origin).path)
    if not name or name in (".", "..") or os.path.basename(name) != name:
        raise ValueError(
            f"{WHO}: fname: expected the name of a file, got {shown(fname or origin)}; "
            "cache_dir and cache_subdir name the folder"
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(file_hash, hash_algorithm)
    folder = os.path.join(_cache(cache_dir), path_of(cache_subdir, f"{WHO}: cache_subdir"))
    os.makedirs(folder, exist_ok=True)
    unpacked = os.path.join(folder, name)
    target = unpacked
    if unpack:
        if fname and "." in name:
            unpacked = os.path.join(folder, f"{name.partition('.')[0]}_extracted")
        else:
            target = os.path.join(folder, f"{name}_archive")
    if force or not os.path.exists(target) or not _has_digest(target, file_hash, algorithm):
        _download(origin, target, file_hash, algorithm)
    if not unpack:
        return target
    _extract(target, unpacked, formats)
    return unpacked


def _cache(cache_dir: Path | None) -> str:
    if cache_dir is not None:
        return os.path.expanduser(path_of(cache_dir, f"{WHO}: cache_dir"))
    return os.environ.get("FASTDL_HOME") or os.path.join(os.path.expanduser("~"), ".fastdl")


def _archive_formats(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    found = _FORMATS if value == "auto" else (value,) if isinstance(value, str) else tuple(value)
    return tuple(check_choice(WHO, "archive_format", one, _FORMATS) for one in found)


def _algorithm(digest: str | None, name: str) -> str:
    """The name of the hash algorithm; "" if there is no digest to compare with."""
    check_choice(WHO, "hash_algorithm", name, ("auto", "sha256", "md5"))
    if digest is None:
        return ""
    size = len(digest) if isinstance(digest, str) else 0
    expected = _LENGTHS.get(size)
    if expected is None or name not in ("auto", expected):
        kinds = "32 digits of md5 or 64 of sha256" if name == "auto" else f"a digest of {name}"
        raise ValueError(f"{WHO}: file_hash: expected {kinds}, got {shown(digest)}")
    return expected


def _digest(file: BinaryIO, algorithm: str) -> str:
    import hashlib

    found = hashlib.new(algorithm, usedforsecurity=False)
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


def _has_digest(path: str, expected: str | None, algorithm: str) -> bool:
    """Whether a file that is kept is right; if not, a warning says that it is downloaded again."""
    if expected is None:
        return True
    with open(path, "rb") as file:
        if _digest(file, algorithm) == expected.lower():
            return True
    warn(f"{WHO}: {path} has another {algorithm} digest than {expected}: it is downloaded again")
    return False


def _download(origin: str, target: str, expected: str | None, algorithm: str) -> None:
    from urllib.request import Request, urlopen

    request = Request(origin, headers={"User-Agent": "fastdl"})
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as source, replacing(target, WHO) as file:
            length = source.headers.get("Content-Length") or ""
            total = int(length) if length.isdecimal() else None
            done = 0
            with Progress(total, f"Downloading {origin}", unit="B") as progress:
                while piece := source.read(1 << 16):
                    file.write(piece)
                    done += len(piece)
                    progress.update(done)
            if total is not None and done < total:
                raise OSError(f"{WHO}: {origin}: it ended after {done} of {total} bytes")
            file.seek(0)
            if expected is not None and (found := _digest(file, algorithm)) != expected.lower():
                raise ValueError(
                    f"{WHO}: {origin}: its {algorithm} digest is {found}, expected {expected}"
                )
    except OSError as error:
        if str(error).startswith(WHO):
            raise
        raise OSError(f"{WHO}: {origin}: {error}") from error


def _extract(archive: str, folder: str, formats: Sequence[str]) -> None:
    """Unpacks an archive beside the folder and renames it. A warning if it is none."""
    import tarfile
    import zipfile

    beside = f"{folder}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        if "tar" in formats and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                os.makedirs(beside)
                tar.extractall(beside, filter="data")  # no files outside, no devices
        elif "zip" in formats and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                for name in zipped.namelist():
                    if os.path.isabs(name) or ".." in name.replace("\\", "/").split("/"):
                        raise ValueError(f"{WHO}: {archive}: the file {name!r} would be outside")
                zipped.extractall(beside)
        else:
            warn(f"{WHO}: {archive} is no archive of the formats {', '.join(formats) or 'none'}")
            return
        if os.path.lexists(folder):
            shutil.rmtree(folder)
        os.replace(beside, folder)
    except tarfile.TarError as error:
        raise ValueError(f"{WHO}: {archive}: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
