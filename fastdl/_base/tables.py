"""Tables of other packages as NumPy columns, without importing those packages.

A table is a DataFrame of pandas or polars, a Table or RecordBatch of pyarrow, a NumPy array with
named fields, or a list of dicts (records). A column is a Series of pandas or polars, or an Array or
ChunkedArray of pyarrow. A dict of columns is no table here: it is a structure of arrays already.

Columns become arrays of five kinds:

    numbers      the type of the column; float64 with NaN where integers are missing
    True, False  bool; float64 with NaN where values are missing
    text         object, of str, with None for missing values; so are categories that are text
    dates        datetime64, with NaT for missing values; times with a zone are in UTC
    durations    timedelta64, with NaT for missing values

A column of missing values alone has no kind: it is float64, all NaN.
"""

from __future__ import annotations

import datetime
import decimal
import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .checks import shown

_KINDS = {"M": "dates", "m": "durations", "O": "text"}  # other arrays hold numbers
# What to do with text, for messages.
ENCODE = "encode it with layers.StringLookup or utils.FeatureSpace, or drop the column"
_EXACT = 2**53  # float64 holds all integers up to this one


def is_table(value: object) -> bool:
    """Whether the value is a table: not an array, a column or a structure of arrays."""
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    if isinstance(value, list):
        return _is_records(value)
    return bool(_package(value)) and not _is_column(value)


def is_column(value: object) -> bool:
    """Whether the value is a column of a table: a Series, an Array, a ChunkedArray."""
    return bool(_package(value)) and _is_column(value)


def columns_of(table: Any, what: str = "table") -> dict[str, np.ndarray] | None:
    """The columns of a table by name, in order, each an array of one axis; None for other values.

    Args:
        table: any value.
        what: the argument, for messages.

    Raises:
        ValueError: two columns have one name, or columns differ in length.
        TypeError: a column holds values of several kinds, or values that are no numbers, texts,
            dates or durations; or the table is lazy. The message names the column.

    Names that are no strings become strings. A key that a record lacks is a missing value.
    """
    if not is_table(table):
        return None
    if isinstance(table, list):
        return _of_records(table, what)
    if isinstance(table, np.ndarray):
        if table.ndim != 1:
            raise ValueError(f"{what}: expected rows along one axis, got shape {table.shape}")
        return {name: _of_array(table[name], what, name) for name in table.dtype.names or ()}
    package = _package(table)
    if package == "lazy":
        raise _lazy(table, what)
    columns: Iterable[Any]
    if package == "polars":
        names, columns = list(table.columns), table.get_columns()
    elif package == "pyarrow":
        names, columns = list(table.schema.names), table.columns
    else:
        names = list(table.columns)
        columns = (table.iloc[:, i] for i in range(len(names)))
    labels = [name if isinstance(name, str) else str(name) for name in names]
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            raise ValueError(f"{what}: two columns have the name {label!r}; rename one of them")
        seen.add(label)
    convert = _CONVERTERS[package]
    return {
        label: convert(column, what, label) for label, column in zip(labels, columns, strict=True)
    }


def column_of(column: Any, what: str = "column", name: str | None = None) -> np.ndarray | None:
    """A column of a table as an array of one axis; None for other values.

    Args:
        column: any value.
        what: the argument, for messages.
        name: the column's name for messages; its own unless given.

    Raises:
        TypeError: as in `columns_of`.
    """
    if not is_column(column):
        return None
    package = _package(column)
    if package == "lazy":
        raise _lazy(column, what)
    if name is None:
        own = getattr(column, "name", None)
        name = None if own is None else str(own)
    return _CONVERTERS[package](column, what, name)


def as_column(values: Any, what: str, name: str | None = None) -> np.ndarray:
    """Values along one axis, a column of a table, an array, a list or a tuple, as a column's array.

    Raises:
        ValueError: the values have several axes.
        TypeError: as in `columns_of`.
    """
    found = column_of(values, what, name)
    if found is not None:
        return found
    if isinstance(values, (list, tuple)):
        return _of_objects(values, what, name)
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{_place(what, name)}: expected one axis, got shape {array.shape}")
    return _of_array(array, what, name)


def names_of(table: Any) -> list[str] | None:
    """The names of a table's columns; None if it has none, as a DataFrame of an array.

    The columns of such a DataFrame are numbered.
    """
    if isinstance(table, list):
        return list(dict.fromkeys(itertools.chain.from_iterable(table)))
    if isinstance(table, np.ndarray):
        return list(table.dtype.names or ())
    names = list(table.schema.names if _package(table) == "pyarrow" else table.columns)
    return names if all(isinstance(name, str) for name in names) else None


def kind_of(column: np.ndarray) -> str:
    """The kind of a column's array in words: "numbers", "text", "dates" or "durations"."""
    return _KINDS.get(column.dtype.kind, "numbers")


def is_missing(column: np.ndarray) -> np.ndarray:
    """Which values of a column's array are missing."""
    if column.dtype.kind == "O":
        return np.fromiter((value is None for value in column), bool, len(column))
    if column.dtype.kind in "Mm":
        return np.isnat(column)
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)


def matrix_of(columns: Mapping[str, np.ndarray], what: str, advice: str = ENCODE) -> np.ndarray:
    """Columns of numbers side by side: an array of shape (rows, columns).

    Args:
        columns: the arrays by name, as `columns_of` returns them; "" for one without a name.
        what: the argument, for messages.
        advice: what to do with text, for messages.

    Raises:
        ValueError: there are no columns.
        TypeError: a column holds no numbers. The message names it and shows a value.
    """
    if not columns:
        raise ValueError(f"{what}: expected a table with columns, got none")
    for name, column in columns.items():
        kind = kind_of(column)
        if kind == "numbers":
            continue
        there = column[~is_missing(column)]
        first = there[0] if len(there) else None
        if kind != "text":
            advice = "make numbers of them, as (a - b) / np.timedelta64(1, 'D'), or drop the column"
            first = str(first)
        raise TypeError(
            f"{_place(what, name)}: expected numbers, got {kind} such as {first!r}; {advice}"
        )
    dtype = np.result_type(*columns.values())
    whole = np.empty(
        (len(next(iter(columns.values()))), len(columns)),
        np.float32 if dtype == np.float64 else dtype,
    )
    for i, column in enumerate(columns.values()):
        with np.errstate(over="ignore"):  # as where an array becomes a tensor
            whole[:, i] = column.astype(dtype, copy=False)
    return whole


def without_tables(what: str, value: Any, advice: str = ENCODE) -> Any:
    """A table of numbers as an array of shape (rows, columns), a column as one of (rows, 1).

    Other values stay what they are. A column gets its second axis as in Keras.

    Raises:
        ValueError, TypeError: as `columns_of` and `matrix_of` do.
    """
    columns = columns_of(value, what)
    if columns is None:
        column = column_of(value, what)
        if column is None:
            return value
        columns = {str(getattr(value, "name", None) or ""): column}
    return matrix_of(columns, what, advice)


# --- what is a table


def _package(value: object) -> str:
    """The package whose table or column it is, "" for none."""
    if hasattr(value, "iloc"):  # also packages like pandas
        return "lazy" if hasattr(value, "compute") else "pandas"
    module = type(value).__module__.partition(".")[0]
    if module == "polars" and hasattr(value, "to_numpy"):
        return module
    if module == "polars" and hasattr(value, "collect"):
        return "lazy"
    if module == "pyarrow" and (hasattr(value, "schema") or hasattr(value, "to_numpy")):
        return module
    return ""


def _is_column(value: Any) -> bool:
    return not hasattr(value, "collect") and not hasattr(value, "columns")


def _is_records(value: list[Any]) -> bool:
    """Whether a list holds dicts of single values: dicts of arrays are structures."""
    return (
        bool(value)
        and all(isinstance(item, Mapping) and not hasattr(item, "shape") for item in value)
        and not any(getattr(leaf, "shape", ()) for item in value for leaf in item.values())
        and any(len(item) for item in value)
    )


def _place(what: str, name: str | None) -> str:
    return f"{what}: column {name!r}" if name else what


# --- columns of each package


def _of_pandas(column: Any, what: str, name: str | None) -> np.ndarray:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _of_array(column.to_numpy(), what, name)
    kind = type(dtype).__name__
    if kind == "SparseDtype":
        return _of_pandas(column.sparse.to_dense(), what, name)
    if kind == "CategoricalDtype":
        categories = _of_pandas(dtype.categories.to_series(), what, name)
        codes = column.cat.codes.to_numpy()
        return _chosen(categories, codes)
    if kind == "ArrowDtype":
        arrow = sys.modules["pyarrow"].chunked_array(column.array.__arrow_array__())
        return _of_pyarrow(arrow, what, name)
    if getattr(dtype, "kind", "") == "M":
        return column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    missing = column.isna().to_numpy()
    if getattr(dtype, "kind", "") in "biuf":  # an extension type: Int64, Float32, boolean
        if not missing.any():
            return column.to_numpy(dtype=dtype.numpy_dtype)
        return _with_nan(column[~missing].to_numpy(dtype=dtype.numpy_dtype), missing, what, name)
    return _of_objects(column.to_numpy(dtype=object, na_value=None), what, name)


def _of_polars(column: Any, what: str, name: str | None) -> np.ndarray:
    polars, dtype = sys.modules["polars"], column.dtype
    missing = column.is_null()
    if dtype.is_numeric() or dtype == polars.Boolean:
        if dtype.is_decimal() or dtype in (getattr(polars, "Int128", None),):
            column = column.cast(polars.Float64)
        if missing.any():
            return _with_nan(column.drop_nulls().to_numpy(), missing.to_numpy(), what, name)
        return column.to_numpy()
    if dtype == polars.Null:
        return np.full(len(column), np.nan)
    if dtype in (polars.Categorical, polars.Enum):
        column, dtype = column.cast(polars.String), polars.String
    if dtype == polars.String:
        return _objects(column.to_list())
    if dtype in (polars.Date, polars.Datetime, polars.Duration):
        return column.to_numpy()
    if dtype == polars.Object:
        return _of_objects(column.to_list(), what, name)
    raise _unexpected(what, name, f"values of type {dtype}")


def _of_pyarrow(column: Any, what: str, name: str | None) -> np.ndarray:
    arrow, kind = sys.modules["pyarrow"], column.type
    types = arrow.types
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_decimal(kind):
        column, kind = column.cast(arrow.float64()), arrow.float64()
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        if column.null_count:
            missing = _numpy_of(column.is_null())
            return _with_nan(_numpy_of(column.drop_null()), missing, what, name)
        return _numpy_of(column)
    if types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        return _objects(column.to_pylist())
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_duration(kind):
        return _numpy_of(column)
    raise _unexpected(what, name, f"values of type {kind}")


def _numpy_of(column: Any) -> np.ndarray:
    chunked = hasattr(column, "chunks")
    return column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False)


_CONVERTERS = {"pandas": _of_pandas, "polars": _of_polars, "pyarrow": _of_pyarrow}


# --- arrays and Python's values


def _of_array(array: np.ndarray, what: str, name: str | None) -> np.ndarray:
    kind = array.dtype.kind
    if kind in "biufMm":
        return array
    if kind == "U":
        return array.astype(object)
    if kind in "OT":
        return _of_objects(array, what, name)
    raise _unexpected(what, name, f"an array of type {array.dtype}")


def _of_records(records: list[Mapping[Any, Any]], what: str) -> dict[str, np.ndarray]:
    """Columns by the keys of all records, in the order in which they appear."""
    names = names_of(records) or []
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what}: expected records with strings as keys, got {shown(name)}")
    return {
        name: _of_objects([record.get(name) for record in records], what, name) for name in names
    }


_NUMBERS = (bool, np.bool_, int, float, np.integer, np.floating, decimal.Decimal)
_BOOLS = (bool, np.bool_)
_INTEGERS = (bool, np.bool_, int, np.integer)
_DATES = (datetime.date, np.datetime64)  # datetime is a date
_DURATIONS = (datetime.timedelta, np.timedelta64)


def _of_objects(values: Sequence[Any] | np.ndarray, what: str, name: str | None) -> np.ndarray:
    """Python's values as an array of the kind that they have in common.

    Raises:
        TypeError: values of several kinds, or of none. The message names the row.
    """
    types = set(map(type, values))
    if types == {str}:
        return _objects(values)
    nothing = {t for t in types if _is_nothing(t)}
    kinds = {t: _kind_of_type(t) for t in types - nothing}
    found = set(kinds.values())
    if found == {"numbers", "text"}:  # NaN stands for missing texts in pandas's columns
        floats = [t for t in kinds if issubclass(t, (float, np.floating))]
        others = [t for t, kind in kinds.items() if kind == "numbers" and t not in floats]
        if not others and all(v != v for v in values if type(v) in floats):
            nothing.update(floats)
            found = {"text"}
    if "" in found or len(found) > 1:
        raise _mixed(values, kinds, what, name)
    missing = np.fromiter((type(v) in nothing for v in values), bool, len(values))
    kind = found.pop() if found else "numbers"
    there = values if not nothing else [v for v in values if type(v) not in nothing]
    if kind == "text":
        result = np.empty(len(values), object)
        result[~missing] = [str.__str__(v) for v in there]
        return result
    if kind in ("dates", "durations"):
        result = np.full(len(values), "NaT", "datetime64[us]" if kind == "dates" else "m8[us]")
        result[~missing] = [_plain_date(v) for v in there]
        return result
    return _with_nan(_numbers(there, types - nothing, what, name), missing, what, name)


def _is_nothing(kind: type) -> bool:
    """Whether the type is that of None, pandas.NA or pandas.NaT."""
    return kind is type(None) or kind.__name__ in ("NAType", "NaTType")


def _kind_of_type(kind: type) -> str:
    kinds = {"text": str, "numbers": _NUMBERS, "dates": _DATES, "durations": _DURATIONS}
    # NumPy's timedelta64 is an integer, too.
    for word in ("durations", "dates", "numbers", "text"):
        if issubclass(kind, kinds[word]):  # type: ignore[arg-type]
            return word
    return ""


def _numbers(
    values: Sequence[Any] | np.ndarray, types: set[type], what: str, name: str | None
) -> np.ndarray:
    if types and all(issubclass(t, _BOOLS) for t in types):
        return np.array(values, bool)
    if types and all(issubclass(t, _INTEGERS) for t in types):
        for dtype in (np.int64, np.uint64):
            try:
                return np.array(values, dtype)
            except OverflowError:
                pass
        raise TypeError(f"{_place(what, name)}: expected integers of 64 bits, got larger ones")
    return np.array(values, np.float64)


def _plain_date(value: Any) -> Any:
    """A date or a time without its zone, in UTC."""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def _objects(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _chosen(categories: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The categories with these numbers; -1 is a missing value."""
    missing = codes < 0
    if not missing.any():
        return categories[codes]
    if categories.dtype.kind in "OMm":
        nothing = None if categories.dtype.kind == "O" else "NaT"
        rest = np.array([nothing], categories.dtype)
    else:
        rest, categories = np.array([np.nan]), categories.astype(np.float64)
    return np.concatenate([categories, rest])[codes]


def _with_nan(there: np.ndarray, missing: np.ndarray, what: str, name: str | None) -> np.ndarray:
    """The numbers in their places, with NaN in the others."""
    if not missing.any():
        return there
    if there.dtype.kind in "iu" and there.size and np.abs(there.astype(object)).max() > _EXACT:
        raise TypeError(
            f"{_place(what, name)}: values are missing, and others are integers beyond 2**53, "
            "which no number with NaN can hold; fill the missing values, or make it text"
        )
    dtype = there.dtype if there.dtype.kind == "f" else np.dtype(np.float64)
    result = np.full(len(missing), np.nan, dtype)
    result[~missing] = there
    return result


# --- messages


def _lazy(table: Any, what: str) -> TypeError:
    method = "collect" if hasattr(table, "collect") else "compute"
    kind = type(table).__name__
    return TypeError(f"{what}: expected a table in memory, got a {kind}; call its {method}() first")


def _unexpected(what: str, name: str | None, got: str) -> TypeError:
    return TypeError(
        f"{_place(what, name)}: expected numbers, texts, dates or durations, got {got}"
    )


def _mixed(
    values: Sequence[Any] | np.ndarray, kinds: dict[type, str], what: str, name: str | None
) -> TypeError:
    """The error for values of several kinds or of none."""
    first: dict[str, tuple[int, Any]] = {}
    for row, value in enumerate(values):
        kind = kinds.get(type(value))
        if kind is not None:
            first.setdefault(kind, (row, value))
    if "" in first:
        row, value = first[""]
        return _unexpected(what, name, f"a {type(value).__name__} in row {row}: {shown(value)}")
    parts = [f"{kind} such as {value!r} (row {row})" for kind, (row, value) in first.items()]
    return TypeError(
        f"{_place(what, name)}: expected values of one kind, got {' and '.join(parts)}; convert "
        "the column to one kind"
    )
