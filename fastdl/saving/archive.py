"""A model's file: a zip archive of a few parts, stored without compression.

Nothing in an archive is ever unpacked to a folder. A part starts at a multiple of 64 bytes, so that
tensors in it are aligned and can be mapped into memory.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from .files import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ALIGNMENT = 64
_LOCAL_HEADER = struct.Struct("<4s5HL2L2H")  # the beginning of a part, before its name
_LONG_SIZES = 20  # bytes of the field for sizes beyond 4 GiB, which zipfile adds
_OWN_FIELD = 0xFD1D  # a field without meaning, which fills up to the alignment
_DAY = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes
_BLOCK = 1 << 20


def write(file: BinaryIO, parts: Mapping[str, Callable[[BinaryIO], object]]) -> None:
    """Writes an archive. Each part is a function that writes its content to a file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _DAY)
            info.external_attr = 0o644 << 16
            begin = file.tell() + _LOCAL_HEADER.size + len(name.encode()) + _LONG_SIZES
            fill = -(begin + 4) % _ALIGNMENT
            info.extra = struct.pack("<2H", _OWN_FIELD, fill) + bytes(fill)
            with archive.open(info, "w", force_zip64=True) as part:
                content(part)  # type: ignore[arg-type]


def read(region: Region, most: int = 1000) -> dict[str, Region]:
    """The parts of an archive by name.

    Args:
        region: the archive.
        most: how many parts there may be.

    Raises:
        ValueError: it is no archive, it is damaged, a part is compressed or encrypted, or parts
            overlap or have one name.
    """
    label = region.label
    try:
        with zipfile.ZipFile(region.file) as archive:
            infos = archive.infolist()
    except Exception as error:  # zipfile raises many kinds for damaged archives
        raise ValueError(f"{label}: this is no zip archive, or it is damaged: {error}") from None
    if len(infos) > most:
        raise ValueError(f"{label}: expected at most {most} parts, got {len(infos)}")
    parts: dict[str, Region] = {}
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        where = f"{label}: part {info.filename!r}"
        if info.filename in parts:
            raise ValueError(f"{where}: there are two parts of this name")
        if info.flag_bits & 1:
            raise ValueError(f"{where}: it is encrypted")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"{where}: it is compressed; parts must be stored as they are")
        if info.header_offset < end:
            raise ValueError(f"{where}: it overlaps another part")
        header = region.part(info.header_offset, _LOCAL_HEADER.size, where)
        signature, *_, name_length, extra_length = _LOCAL_HEADER.unpack(header.read())
        if signature != b"PK\x03\x04":
            raise ValueError(f"{where}: it does not begin where the archive says")
        begin = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        parts[info.filename] = part = region.part(begin, info.file_size, where)
        part.checksum = info.CRC
        end = begin + info.file_size
    return parts


def verify(part: Region) -> None:
    """ValueError unless the part has the checksum that was written with it."""
    part.file.seek(part.start)
    left, checksum = part.size, 0
    while left:
        block = part.file.read(min(left, _BLOCK))
        if not block:
            raise ValueError(f"{part.label}: the file ends too early")
        checksum = zlib.crc32(block, checksum)
        left -= len(block)
    if checksum != part.checksum:
        raise ValueError(f"{part.label}: the checksum is wrong; the file is damaged")
