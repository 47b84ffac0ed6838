"""How the columns of a table become numbers for a network.

An encoder is fitted on the rows that the model learns from. Its config is plain JSON, with all that
it needs for other rows.

    number    standardized; the inverse hyperbolic sine before if values are far from the others.
              Besides, how much of each of some intervals lies below the number, from 0 to 1: with
              these a network learns steps and bends as easily as trees do (Gorishniy et al., 2022)
    category  1 at the value's place, 0 elsewhere; rare and unknown values share the place "other"
    date      time since the first date, year, month, day of the year, weekday, hour

Missing numbers are the median, and missing dates the mean. A further input says that a value is
missing, if that was so in the rows to learn from. A missing category has its own place.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_flag, check_integer, check_number, shown
from .._base.tables import is_missing
from .kinds import DATE_FORMATS, MOST_CATEGORIES, Column, as_dates, as_numbers, as_texts

if TYPE_CHECKING:
    from .._base.types import Config

_FAR = 10.0  # quartile distances from the median
_MOST = 20.0  # standard deviations, the largest input of a network
_RARE = 2  # rows
_DAY = 86_400_000_000  # microseconds


@dataclass
class Oddities:
    """What was odd about the values of a column.

    Attributes:
        missing: how many are missing, where none was in the rows to learn from.
        unknown: how many are of no known category, and some of these.
        wrong: how many are no numbers or dates.
        infinite: how many are infinite.
    """

    missing: int = 0
    unknown: int = 0
    examples: list[str] = field(default_factory=list)
    wrong: int = 0
    infinite: int = 0

    def notes(self, name: str, kind: str) -> list[str]:
        """Sentences about them."""
        found = []
        if self.unknown:
            some = ", ".join(map(repr, self.examples))
            found.append(f"column {name!r}: {self.unknown} values are unknown: {some}")
        if self.wrong:
            found.append(f"column {name!r}: {self.wrong} values are no {kind}s: taken as missing")
        if self.missing:
            found.append(
                f"column {name!r}: {self.missing} values are missing; none was in training"
            )
        if self.infinite:
            found.append(
                f"column {name!r}: {self.infinite} values are infinite: taken as the largest or "
                "smallest number"
            )
        return found


def _standard(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; 0 for what is constant but for rounding."""
    mean, std = float(values.mean()), float(values.std())
    return mean, std if std > 1e-12 * max(abs(mean), 1e-300) else 0.0


class Number:
    """The encoder of numbers.

    Args:
        unit: the largest size of a number, by which all are divided.
        low, high: the smallest and the largest number, in units.
        center, scale: the median and the distance of the quartiles, in units.
        tails: whether the inverse hyperbolic sine comes before standardization.
        mean, std: what standardization subtracts and divides by. The input is missing if std is 0.
        missing: whether there is an input for missing values.
        edges: the bounds of the intervals, in units, rising.
    """

    kind = "number"

    def __init__(
        self,
        unit: float,
        low: float,
        high: float,
        center: float,
        scale: float,
        tails: bool,
        mean: float,
        std: float,
        missing: bool,
        edges: list[float],
    ) -> None:
        who = "the encoder of numbers"
        self.unit = check_number(who, "unit", unit, above=0.0)
        self.low = check_number(who, "low", low, -1.0)
        self.high = check_number(who, "high", high, self.low)
        self.center = check_number(who, "center", center, -1.0)
        self.scale = check_number(who, "scale", scale, above=0.0)
        self.tails = check_flag(who, "tails", tails)
        self.mean = check_number(who, "mean", mean, -math.inf)
        self.std = check_number(who, "std", std)
        self.missing = check_flag(who, "missing", missing)
        if not isinstance(edges, list):
            raise ValueError(f"{who}: edges: expected a list of numbers, got {shown(edges)}")
        self.edges = [check_number(who, "edges", edge, -1.0, at_most=1.0) for edge in edges]
        if any(b <= a for a, b in itertools.pairwise(self.edges)) or len(edges) == 1:
            raise ValueError(f"{who}: edges: expected rising numbers, got {shown(edges)}")

    @classmethod
    def fitted(cls, values: np.ndarray, column: Column, bins: int) -> Number:
        numbers = as_numbers(values)
        gone = np.isnan(numbers)
        finite = numbers[np.isfinite(numbers)]
        if not len(finite):
            raise ValueError(f"column {column.name!r}: there are no finite numbers")
        unit = float(np.abs(finite).max()) or 1.0
        present = finite / unit
        low, center, high = float(present.min()), float(np.median(present)), float(present.max())
        quartiles = np.quantile(present, [0.25, 0.75])
        scale = float(quartiles[1] - quartiles[0]) or (high - low) / 2 or 1.0
        tails = max(high - center, center - low) > _FAR * scale
        made = cls(unit, low, high, center, scale, tails, 0.0, 1.0, bool(gone.any()), [])
        made.mean, made.std = _standard(made._spread(numbers[~gone] / unit))
        if made.std and bins > 1:
            made.edges = _edges(present, bins)
        return made

    def _spread(self, u: np.ndarray) -> np.ndarray:
        """Numbers in units, before standardization."""
        limited = np.where(np.isinf(u), np.clip(u, self.low, self.high), u)
        with np.errstate(over="ignore"):
            r = (limited - self.center) / self.scale
        return np.arcsinh(r) if self.tails else r

    def encode(self, values: np.ndarray, odd: Oddities) -> np.ndarray:
        numbers = as_numbers(values)
        gone = np.isnan(numbers)
        if values.dtype.kind in "OM":
            odd.wrong = int(gone.sum() - is_missing(values).sum())
        odd.infinite = int(np.isinf(numbers).sum())
        if not self.missing:
            odd.missing = int(gone.sum()) - odd.wrong
        parts = []
        if self.std:
            with np.errstate(over="ignore"):
                u = np.where(gone, self.center, numbers / self.unit)
                z = (self._spread(u) - self.mean) / self.std
            parts.append(np.clip(z, -_MOST, _MOST))
        if self.missing:
            parts.append(gone)
        for a, b in itertools.pairwise(self.edges):
            parts.append((np.clip(u, a, b) - a) / (b - a))
        return _stacked(parts, len(values))

    @property
    def inputs(self) -> list[str]:
        intervals = max(0, len(self.edges) - 1)
        return self.linear_inputs + [f"interval {i}" for i in range(1, intervals + 1)]

    @property
    def linear_inputs(self) -> list[str]:
        return ["value"] * bool(self.std) + ["missing"] * self.missing

    def get_config(self) -> Config:
        return dict(vars(self))


class Category:
    """The encoder of categories.

    Args:
        values: the texts that have a place of their own.
        other: whether there is a place for others.
        missing: whether there is one for missing values.
    """

    kind = "category"

    def __init__(self, values: list[str], other: bool, missing: bool) -> None:
        who = "the encoder of categories"
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise ValueError(f"{who}: values: expected a list of texts, got {shown(values)}")
        if len(set(values)) < len(values):
            raise ValueError(f"{who}: values: expected different texts, got {shown(values)}")
        self.values = values
        self.other = check_flag(who, "other", other)
        self.missing = check_flag(who, "missing", missing)

    @classmethod
    def fitted(cls, values: np.ndarray, column: Column, bins: int) -> Category:
        counts = Counter(as_texts(values).tolist())
        missing = counts.pop(None, 0) > 0
        known = sorted((v for v in counts if counts[v] >= _RARE), key=lambda v: (-counts[v], v))
        known = sorted(known[:MOST_CATEGORIES])
        return cls(known, len(known) < len(counts), missing)

    def encode(self, values: np.ndarray, odd: Oddities) -> np.ndarray:
        texts = as_texts(values)
        places: dict[Any, int] = {text: i for i, text in enumerate(self.values)}
        count = len(self.inputs)
        places[None] = count - 1 if self.missing else -1
        other = len(self.values) if self.other else -1
        rows = np.array([places.get(text, other) for text in texts], np.int64)
        if not self.missing:
            odd.missing = int(is_missing(texts).sum())
        unknown = Counter(text for text in texts if text not in places)
        odd.unknown = sum(unknown.values())
        odd.examples = [text for text, _ in unknown.most_common(3)]
        found = np.zeros((len(values), count), np.float32)
        there = np.flatnonzero(rows >= 0)
        found[there, rows[there]] = 1
        return found

    @property
    def inputs(self) -> list[str]:
        return [*self.values, *["other"] * self.other, *["missing"] * self.missing]

    linear_inputs = inputs

    def get_config(self) -> Config:
        return dict(vars(self))


_DATE_PARTS = ("days", "year", "month", "sin of the year", "cos of the year")
_CLOCK_PARTS = ("sin of the day", "cos of the day")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ALL_PARTS = _DATE_PARTS + _CLOCK_PARTS + _WEEKDAYS


class Date:
    """The encoder of dates.

    Args:
        format: how dates in texts are written, one of `kinds.DATE_FORMATS`; None for moments.
        parts: the inputs that vary: their places among all that there can be.
        means, stds: of these.
        missing: whether there is an input for missing values.
    """

    kind = "date"

    def __init__(
        self,
        format: str | None,
        parts: list[int],
        means: list[float],
        stds: list[float],
        missing: bool,
    ) -> None:
        who = "the encoder of dates"
        self.format = check_choice(who, "format", format, (*DATE_FORMATS, None))
        for name, given in (("parts", parts), ("means", means), ("stds", stds)):
            if not isinstance(given, list) or len(given) != len(parts):
                raise ValueError(
                    f"{who}: {name}: expected a list of {len(parts)} numbers, got {shown(given)}"
                )
        self.parts = [check_integer(who, "parts", p, 0, len(_ALL_PARTS) - 1) for p in parts]
        self.means = [check_number(who, "means", mean, -math.inf) for mean in means]
        self.stds = [check_number(who, "stds", std, above=0.0) for std in stds]
        self.missing = check_flag(who, "missing", missing)

    @classmethod
    def fitted(cls, values: np.ndarray, column: Column, bins: int) -> Date:
        moments = as_dates(values, column.format)
        gone = np.isnat(moments)
        parts = _date_parts(moments[~gone])
        standards = [_standard(part) for part in parts]
        kept = [i for i, (_, std) in enumerate(standards) if std]
        means, stds = [standards[i][0] for i in kept], [standards[i][1] for i in kept]
        return cls(column.format, kept, means, stds, bool(gone.any()))

    def encode(self, values: np.ndarray, odd: Oddities) -> np.ndarray:
        moments = as_dates(values, self.format)
        gone = np.isnat(moments)
        odd.wrong = int(gone.sum() - is_missing(values).sum())
        if not self.missing:
            odd.missing = int(gone.sum()) - odd.wrong
        parts = _date_parts(moments[~gone])
        columns = []
        for place, mean, std in zip(self.parts, self.means, self.stds, strict=True):
            column = np.zeros(len(values))
            with np.errstate(over="ignore"):
                column[~gone] = np.clip((parts[place] - mean) / std, -_MOST, _MOST)
            columns.append(column)
        if self.missing:
            columns.append(gone)
        return _stacked(columns, len(values))

    @property
    def inputs(self) -> list[str]:
        return [_ALL_PARTS[part] for part in self.parts] + ["missing"] * self.missing

    linear_inputs = inputs

    def get_config(self) -> Config:
        return dict(vars(self))


def _date_parts(moments: np.ndarray) -> list[np.ndarray]:
    """The inputs that a date can have, in the order of `_ALL_PARTS`."""
    days = moments.astype("datetime64[D]")
    day_numbers = days.astype(np.int64)
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    clock = (moments.astype(np.int64) - day_numbers * _DAY) / _DAY
    in_year = (days - years).astype(np.int64) / 365.25 * 2 * np.pi
    weekday = (day_numbers + 3) % 7  # 1970 began on a Thursday
    return [
        day_numbers + clock,
        years.astype(np.float64) + 1970,
        (months - years).astype(np.float64) + 1,
        np.sin(in_year),
        np.cos(in_year),
        np.sin(clock * 2 * np.pi),
        np.cos(clock * 2 * np.pi),
        *((weekday == i).astype(np.float64) for i in range(7)),
    ]


def _edges(values: np.ndarray, bins: int) -> list[float]:
    """Bounds of intervals that hold about as many values each; none if there are two values."""
    known = np.unique(values)
    if len(known) <= 2:
        return []
    if len(known) > bins + 1:
        shares = np.linspace(0, 1, bins + 1)
        known = np.unique(np.quantile(values, shares, method="nearest"))
    return known.tolist() if len(known) > 2 else []


def _stacked(columns: list[np.ndarray], rows: int) -> np.ndarray:
    if not columns:
        return np.zeros((rows, 0), np.float32)
    return np.stack(columns, axis=1).astype(np.float32)


ENCODERS: dict[str, Any] = {cls.kind: cls for cls in (Number, Category, Date)}
