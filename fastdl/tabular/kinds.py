"""What the columns of a table are: numbers, categories, dates, or of no use.

The kind of a column is inferred from the rows that the model learns from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .._base.checks import shown
from .._base.tables import is_missing

KINDS = ("number", "category", "date")
MOST_CATEGORIES = 100  # values with a place of their own
# A column of texts of which more than this share are different is no category.
_MOST_DIFFERENT = 0.5
_FEW = 20  # values that may all be different

_TIME = r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
_FORMATS = {
    "year-month-day": (re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _TIME), (0, 1, 2)),
    "day.month.year": (re.compile(r"(\d{1,2})[-.](\d{1,2})[-.](\d{4})" + _TIME), (2, 1, 0)),
    "month/day/year": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME), (2, 0, 1)),
    "day/month/year": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME), (2, 1, 0)),
}
DATE_FORMATS = tuple(_FORMATS)


@dataclass
class Column:
    """What a column is.

    Attributes:
        name: the column.
        kind: one of `KINDS`; "dropped" if it has no use.
        why: the reason for dropping it.
        missing: how many of its values are missing.
        distinct: how many different values it has.
        format: how dates are written, for dates in texts.
    """

    name: str
    kind: str
    why: str = ""
    missing: int = 0
    distinct: int = 0
    format: str | None = None


def kind_of(name: str, values: np.ndarray, wanted: str | None = None) -> Column:
    """What a column is, by its values.

    Args:
        name: the column.
        values: its values, in the order of the file.
        wanted: the kind, if the user says it.

    Raises:
        ValueError: the values are not of the kind that is wanted.
    """
    gone = is_missing(values)
    present = values[~gone]
    missing = int(gone.sum())
    if not len(present):
        return Column(name, "dropped", "it has no values", missing)
    distinct = len(set(present)) if values.dtype == object else len(np.unique(present))
    column = Column(name, wanted or "", missing=missing, distinct=distinct)
    if distinct == 1 and not missing:
        column.kind, column.why = "dropped", f"all values are {_short(present[0])}"
        return column
    if wanted == "number" and values.dtype.kind in "OmM":
        wrong = [v for v in present if np.isnan(_as_number(v))]
        if wrong:
            raise ValueError(
                f"column {name!r}: kind: expected numbers, got {_short(wrong[0])} "
                f"({len(wrong)} of {len(present)} values are none)"
            )
    if wanted == "date" and values.dtype.kind != "M":
        column.format = date_format(present)
        if column.format is None:
            raise ValueError(
                f"column {name!r}: kind: expected dates as 2024-12-31, 31.12.2024 or 12/31/2024, "
                f"got {_short(present[0])} and others"
            )
    if wanted is not None:
        return column
    if values.dtype.kind in "fiu":
        column.kind = "number"
        if distinct == len(values) > 2 and _counts_rows(present):
            column.kind, column.why = "dropped", "it numbers the rows"
    elif values.dtype.kind == "b":
        column.kind = "category"
    elif values.dtype.kind == "M":
        column.kind = "date"
    elif values.dtype.kind == "m":
        column.kind = "number"
    else:
        column.format = date_format(present)
        column.kind = "category" if column.format is None else "date"
        if column.format is None and distinct > max(_FEW, _MOST_DIFFERENT * len(present)):
            column.kind = "dropped"
            column.why = f"{distinct} different texts in {len(present)} rows are no categories"
    return column


def _counts_rows(values: np.ndarray) -> bool:
    """Whether the numbers are 0, 1, 2, ... or 1, 2, 3, ... in the order of the rows."""
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def _short(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return shown(value)


def _as_number(value: object) -> float:
    if isinstance(value, str) and "_" not in value:
        try:
            return float(value)
        except ValueError:
            pass
    return float("nan")


def as_numbers(values: np.ndarray) -> np.ndarray:
    """Values as float64; NaN for what is missing or no number."""
    if values.dtype.kind == "O":
        known = {value: _as_number(value) for value in set(values)}
        return np.array([known[value] for value in values], np.float64)
    if values.dtype.kind == "m":
        seconds = values.astype("timedelta64[us]").astype(np.float64) / 1e6
        return np.where(np.isnat(values), np.nan, seconds)
    if values.dtype.kind == "M":
        return np.full(len(values), np.nan)
    return values.astype(np.float64)


def text_of(value: object) -> str:
    """A value as the text that stands for it in a CSV file: 1.0 is "1"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def as_texts(values: np.ndarray) -> np.ndarray:
    """Values as texts, with None for missing ones."""
    if values.dtype.kind == "O":
        return values
    gone = is_missing(values)
    uniques, places = np.unique(values[~gone], return_inverse=True)
    found = np.full(len(values), None, object)
    texts = np.array([text_of(v) for v in uniques.tolist()], object)
    found[~gone] = texts[places] if len(texts) else None
    return found


# --- dates


def _parts(text: str, name: str) -> tuple[int, ...] | None:
    """Year, month, day, hour, minute, second, microsecond, and minutes east of Greenwich."""
    pattern, (year, month, day) = _FORMATS[name]
    match = pattern.fullmatch(text)
    if match is None:
        return None
    found = match.groups()
    hour, minute, second, fraction, zone = found[3:]
    east = 0
    if zone and zone[0] in "+-":
        east = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    date = int(found[year]), int(found[month]), int(found[day])
    return (*date, int(hour or 0), int(minute or 0), int(second or 0), micro, east)


def _moment(text: str, name: str) -> np.datetime64:
    """The moment in UTC; NaT for a text that is no date of this format."""
    from datetime import datetime

    parts = _parts(text, name)
    if parts is not None:
        try:
            year, month, day, hour, minute, second, micro, east = parts
            moment = datetime(year, month, day, hour, minute, second, micro)
            return np.datetime64(moment).astype("datetime64[us]") - np.timedelta64(east, "m")
        except ValueError:  # the 30th of February
            pass
    return np.datetime64("NaT", "us")


def date_format(texts: np.ndarray) -> str | None:
    """The format in which all the texts are dates; None if there is none.

    Where days and months can be told apart by no value, the month comes first after slashes.
    """
    if not len(texts) or not isinstance(texts[0], str):
        return None
    fitting = [name for name in _FORMATS if not np.isnat(_moment(texts[0], name))]
    known = set(texts) if fitting else ()
    for name in fitting:
        if not any(np.isnat(_moment(text, name)) for text in known):
            return name
    return None


def as_dates(values: np.ndarray, name: str | None) -> np.ndarray:
    """Values as datetime64 in microseconds; NaT for what is missing or no date."""
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    nothing = np.datetime64("NaT", "us")
    if values.dtype.kind != "O":
        return np.full(len(values), nothing)
    formats = DATE_FORMATS[:1] if name is None else (name,)
    known = {
        value: nothing if value is None else _moment(value, formats[0]) for value in set(values)
    }
    return np.array([known[value] for value in values], "datetime64[us]")
