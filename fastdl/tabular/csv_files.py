"""CSV files as columns: texts and numbers, with the standard library and NumPy alone.

A column whose cells are all numbers, or missing, is float64 with NaN for missing cells. Any other
column is an object array of texts, with None for missing cells. What a column is depends on all of
its cells, never on where a block of rows ends.
"""

from __future__ import annotations

import csv
import gc
import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np

from .._base.checks import shown

MISSING = frozenset(
    "#N/A #NA -NaN -nan <NA> ? N/A NA NULL NaN NaT None NAN Null n/a nan null none".split()
) | {""}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_BLOCK = 1 << 16  # rows
_SAMPLE = 100  # rows from which the delimiter is guessed

# Codes and long identifiers, which a number would change: 0042, 1_2, 12345678901234567.
_NO_NUMBER = re.compile(r"_|^[ \t]*[+-]?(?:0\d+|\d{16,})[ \t]*$", re.MULTILINE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")
_WITH_COMMA = re.compile(r"[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d*)(?:,\d+)?(?:[eE][+-]?\d+)?")
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive: an Excel sheet or a model. Save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel sheet: save it as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format", "an SQLite database"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"ARROW1", "an Arrow file; CSV and Parquet are read"),
)


class CsvTable:
    """What a CSV file holds.

    Attributes:
        columns: an array for each column.
        delimiter, decimal: how the cells and the parts of a number are separated.
    """

    def __init__(self, columns: dict[str, np.ndarray], delimiter: str, decimal: str) -> None:
        self.columns = columns
        self.delimiter = delimiter
        self.decimal = decimal


def read_csv(
    data: bytes,
    label: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    missing: Collection[str] = (),
    text: Collection[str] = (),
) -> CsvTable:
    """The columns of a CSV text, whose first line has their names.

    Args:
        data: the content of the file.
        label: the file, for messages.
        encoding: UTF-8, with or without a byte order mark, unless given.
        delimiter: between cells; guessed from the first rows unless given.
        decimal: "." or ","; "," unless given if a column has numbers only with it.
        missing: texts that mean a missing value, besides the usual ones.
        text: columns that are texts, even if all cells are numbers.

    Raises:
        ValueError: the file is empty, has a header only, is no text in this encoding, rows differ
            in their number of cells, two columns have one name, or a quote is not closed. The
            message names the line.
    """
    content = _decoded(data, label, encoding)
    if not content.strip():
        raise ValueError(f"{label}: the file is empty")
    delimiter = _guessed_delimiter(content) if delimiter is None else delimiter
    names, line = _header(content, delimiter, label)
    markers = MISSING | frozenset(missing)
    as_text = {i for i, name in enumerate(names) if name in text}
    used = decimal or "."
    while True:
        parts: list[list[np.ndarray]] = [[] for _ in names]
        for block in _blocks(content, delimiter, len(names), label):
            for i, cells in enumerate(block):
                numbers = None
                if i not in as_text:
                    numbers = _numbers(cells, used, markers, bool(missing))
                parts[i].append(_texts(cells, markers) if numbers is None else numbers)
        if not parts[0]:
            raise ValueError(f"{label}: there are no rows below the names in line {line}")
        # A column that began as numbers and has a text later is read again, as it was written.
        mixed = {i for i, found in enumerate(parts) if _is_mixed(found)}
        if decimal is None and used == "." and _has_decimal_commas(parts, as_text, delimiter):
            used = ","
        elif not mixed:
            break
        else:
            as_text |= mixed
    columns = {name: _joined(found) for name, found in zip(names, parts, strict=True)}
    return CsvTable(columns, delimiter, used)


def _decoded(data: bytes, label: str, encoding: str | None) -> str:
    kind = next((kind for magic, kind in _SIGNATURES if data.startswith(magic)), None)
    if kind is not None:
        raise ValueError(f"{label}: expected CSV or Parquet, but this is {kind}")
    if encoding is None:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ValueError(f"{label}: the text is in UTF-16: give the encoding utf-16")
        if b"\0" in data[: 1 << 16]:
            raise ValueError(
                f"{label}: expected CSV or Parquet, but this is no text: byte "
                f"{data.index(0)} is 0 (for a text in UTF-16 give the encoding)"
            )
    try:
        text = data.decode(encoding or "utf-8")
    except LookupError:
        raise ValueError(f"{label}: unknown encoding {shown(encoding)}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = "; for files of Windows try the encoding cp1252" if encoding is None else ""
        raise ValueError(
            f"{label}: line {line} is no text in {encoding or 'UTF-8'}: byte {error.start} of the "
            f"file is 0x{data[error.start]:02x}{hint}"
        ) from None
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{label}: line {line} has a character of code 0: this is no text")
    return text


def _guessed_delimiter(content: str) -> str:
    """The one that gives the first rows one number of cells, and of these the most cells."""
    sample = content[: 1 << 18]
    best, found = (0.0, 1), ","
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            counts = [len(row) for row in islice(reader, _SAMPLE) if row]
        except csv.Error:
            continue
        if len(counts) > 2 and len(sample) < len(content) and len(counts) < _SAMPLE:
            counts.pop()  # the sample may end within it
        score = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
        if counts[0] > 1 and score > best:
            best, found = score, delimiter
    return found


def _header(content: str, delimiter: str, label: str) -> tuple[list[str], int]:
    """The names of the columns, and the line where they end."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        row = next(row for row in reader if row)
    except csv.Error as error:
        raise ValueError(f"{label}: line {reader.line_num}: {_reason(error)}") from None
    names = [name.strip() or f"column_{i}" for i, name in enumerate(row, 1)]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(
                f"{label}: columns {names.index(name) + 1} and {i + 1} have one name, {name!r}: "
                "rename one of them"
            )
    return names, reader.line_num


def _reason(error: csv.Error) -> str:
    reason = str(error)
    if "end of data" in reason:
        return "a quote is opened and not closed until the end of the file"
    return f"it is no valid CSV: {reason}"


@contextmanager
def _without_gc() -> Iterator[None]:
    """Many lists of texts are made, none of which is part of a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _blocks(content: str, delimiter: str, count: int, label: str) -> Iterator[list[list[str]]]:
    """The cells of some rows at a time, by column."""
    whole = _quoted_rows if '"' in content else _plain_rows
    with _without_gc():
        yield from whole(content, delimiter, count, label)


def _plain_rows(content: str, delimiter: str, count: int, label: str) -> Iterator[list[list[str]]]:
    """What `csv.reader` gives for a text without quotes, several times faster."""
    lines = content.split("\n")
    names = next(i for i, line in enumerate(lines) if line)
    last = next(i for i in range(len(lines) - 1, -1, -1) if lines[i])
    for start in range(names + 1, last + 1, _BLOCK):
        block = lines[start : min(start + _BLOCK, last + 1)]
        if count > 1:
            commas = list(map(str.count, block, [delimiter] * len(block)))
            if commas.count(count - 1) != len(block):
                for i, (line, found) in enumerate(zip(block, commas, strict=True)):
                    if line and found != count - 1:
                        raise _ragged(label, start + i + 1, found + 1, count)
                block = [line for line in block if line]
            if block:
                flat = delimiter.join(block).split(delimiter)
                yield [flat[i::count] for i in range(count)]
        else:
            wide = next((i for i, line in enumerate(block) if delimiter in line), None)
            if wide is not None:
                cells = block[wide].count(delimiter) + 1
                raise _ragged(label, start + wide + 1, cells, count)
            yield [block]  # an empty line is a missing value


def _quoted_rows(content: str, delimiter: str, count: int, label: str) -> Iterator[list[list[str]]]:
    end = len(content.rstrip("\n"))
    reader = csv.reader(io.StringIO(content[:end], newline=""), delimiter=delimiter, strict=True)
    limit = csv.field_size_limit()
    next(row for row in reader if row)
    while True:
        rows: list[list[str]] = []
        before = reader.line_num
        try:
            csv.field_size_limit(max(limit, len(content)))
            for row in islice(reader, _BLOCK):
                if len(row) != count and (row or count == 1):
                    if row:
                        raise _ragged(label, before + 1, len(row), count)
                    row = [""]
                if row:
                    rows.append(row)
                before = reader.line_num
        except csv.Error as error:
            raise ValueError(f"{label}: line {before + 1}: {_reason(error)}") from None
        finally:
            csv.field_size_limit(limit)
        if before == reader.line_num and not rows:
            return
        if rows:
            yield [list(column) for column in zip(*rows, strict=True)]


def _ragged(label: str, line: int, found: int, count: int) -> ValueError:
    return ValueError(
        f"{label}: line {line} has {found} cell{'s' * (found != 1)}, the first line has {count}"
    )


def _numbers(
    cells: list[str], decimal: str, missing: frozenset[str], own_markers: bool
) -> np.ndarray | None:
    """The cells as numbers; None if one is neither a number nor missing."""
    values = None if own_markers or decimal == "," else _floats(cells)
    if values is None:
        cells = ["nan" if cell in missing or cell.strip() in missing else cell for cell in cells]
        values = _floats(cells) if decimal == "." else None
    if values is None:
        joined = "".join(cells)
        if "," not in joined and (decimal == "." or "." not in joined):
            values = _floats(cells) if decimal == "," else None
        else:
            plain = [_without_commas(cell.strip(), decimal) for cell in cells]
            values = None if None in plain else _floats(plain)  # type: ignore[arg-type]
            if values is None and decimal == ",":
                values = _floats(cells)  # a column of another program, with points
    if values is None or _NO_NUMBER.search("\n".join(cells)):
        return None
    return values


def _floats(cells: list[str]) -> np.ndarray | None:
    try:
        return np.array(cells, np.float64)
    except ValueError:
        return None


def _without_commas(cell: str, decimal: str) -> str | None:
    """A number as Python writes it; None if it has commas in other places."""
    if decimal == ",":
        if cell != "nan" and not _WITH_COMMA.fullmatch(cell):
            return None
        return cell.replace(".", "").replace(",", ".")
    if "," in cell and not _THOUSANDS.fullmatch(cell):
        return None
    return cell.replace(",", "")


def _texts(cells: list[str], missing: frozenset[str]) -> np.ndarray:
    """The cells without spaces around them. Equal ones are one object, to save memory."""
    known: dict[str, str | None] = {}
    found = np.empty(len(cells), object)
    for i, cell in enumerate(cells):
        if cell not in known:
            stripped = cell.strip()
            known[cell] = None if stripped in missing else stripped
        found[i] = known[cell]
    return found


def _is_mixed(parts: list[np.ndarray]) -> bool:
    kinds = {part.dtype.kind for part in parts if part.dtype.kind == "O" or _has_numbers(part)}
    return len(kinds) > 1


def _has_numbers(part: np.ndarray) -> bool:
    return not np.isnan(part).all()


def _has_decimal_commas(parts: list[list[np.ndarray]], as_text: set[int], delimiter: str) -> bool:
    """Whether a column of texts has numbers only, with commas that cannot be for thousands."""
    for i, column in enumerate(parts):
        if i in as_text:
            continue
        cells = {cell for part in column if part.dtype == object for cell in part} - {None}
        if not cells or not all(_WITH_COMMA.fullmatch(cell) for cell in cells):
            continue
        commas = [cell for cell in cells if "," in cell]
        if any(delimiter != "," or not _THOUSANDS.fullmatch(cell) for cell in commas):
            return True
    return False


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    if all(part.dtype.kind == "f" for part in parts):
        return np.concatenate(parts)
    nothing = [p if p.dtype == object else np.full(len(p), None, object) for p in parts]
    return np.concatenate(nothing)
