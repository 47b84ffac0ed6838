"""Tables from files and from objects of other packages, as one array for each column."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, shown
from .._base.tables import as_column, columns_of
from .csv_files import DELIMITERS, read_csv

if TYPE_CHECKING:
    from typing import TypeAlias

    Columns: TypeAlias = "dict[str, np.ndarray]"


@dataclass
class Table:
    """Columns of one length.

    Attributes:
        columns: by name: float64 or another kind of number (NaN is missing), bool, datetime64 (NaT
            is missing) or an object array of texts (None is missing).
        label: where it comes from, for messages.
        notes: what is worth to know about the file.
    """

    columns: Columns
    label: str = "the table"
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def take(self, rows: np.ndarray) -> Table:
        """Some of the rows."""
        return Table({name: c[rows] for name, c in self.columns.items()}, self.label)


def read_table(
    source: Any,
    *,
    who: str = "read_table",
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    missing: Collection[str] = (),
    text: Collection[str] = (),
) -> Table:
    """A table from a CSV or Parquet file, a dict of columns, or a table of another package.

    Args:
        source: the path of a file, a dict of arrays, a table of pandas, polars or pyarrow, or a
            list of dicts.
        who: the function, for messages.
        encoding: of a CSV file: UTF-8 unless given.
        delimiter: between the cells of a CSV file; one of comma, semicolon, tab and bar, guessed
            from the first rows, unless given.
        decimal: "." or ",", the mark in the numbers of a CSV file. Unless given it is "," if a
            column has numbers only with it.
        missing: texts that mean a missing value in a CSV file, besides the empty one, `NA`, `NaN`,
            `null`, `None`, `?` and the like.
        text: columns that are texts even if all their cells are numbers, as codes are.

    Raises:
        ValueError: the file is damaged, empty or of another type; rows have different numbers of
            cells; two columns have one name. The message names the line.
        TypeError: the source is no table.
        ImportError: a Parquet file needs the package pyarrow: `pip install 'fastdl[tables]'`.
        OSError: the file cannot be read.

    Example:
        >>> with open("table.csv", "w") as file:
        ...     _ = file.write("size;color\\n1,5;red\\n;blue\\n")
        >>> read_table("table.csv").columns["size"].tolist()
        [1.5, nan]
    """
    if not isinstance(source, (str, os.PathLike)):
        return _of_object(source, who)
    path = os.fspath(source)
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"{who}: delimiter: expected one character, got {shown(delimiter)}")
    check_choice(who, "decimal", decimal, (".", ",", None))
    with open(path, "rb") as file:
        if file.read(4) == b"PAR1":
            return Table(_parquet_columns(path), str(path))
        file.seek(0)
        data = file.read()
    found = read_csv(
        data,
        str(path),
        encoding=encoding,
        delimiter=delimiter,
        decimal=decimal,
        missing=missing,
        text=text,
    )
    notes = []
    if delimiter is None and found.delimiter != ",":
        notes.append(f"cells are separated by {DELIMITERS[found.delimiter]}s")
    if decimal is None and found.decimal == ",":
        notes.append("numbers have decimal commas")
    return Table(found.columns, str(path), notes)


def _parquet_columns(path: str) -> Columns:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ImportError(
            f"{path}: Parquet files need the package pyarrow: pip install 'fastdl[tables]'"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except (ArrowException, OSError) as error:
        raise ValueError(f"{path}: the Parquet file cannot be read: {error}") from None
    return _checked(columns_of(table, path), path)


def _of_object(source: Any, who: str) -> Table:
    if isinstance(source, Table):
        return source
    if isinstance(source, dict):
        columns: Any = {str(name): as_column(v, who, str(name)) for name, v in source.items()}
    else:
        columns = columns_of(source, who)
    if columns is None:
        raise TypeError(
            f"{who}: expected the path of a CSV or Parquet file, a dict of columns, or a table of "
            f"pandas, polars or pyarrow, got {shown(source)}"
        )
    return Table(_checked(columns, who))


def _checked(columns: Any, who: str) -> Columns:
    """The columns, if there are some of one length."""
    if not columns:
        raise ValueError(f"{who}: the table has no columns")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{who}: expected columns of one length, got {lengths}")
    return dict(columns)
