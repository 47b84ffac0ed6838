"""The way from a table to the inputs of a network, and from its outputs to values of the target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_number, shown
from .encoders import ENCODERS, Oddities
from .kinds import Column, as_numbers, text_of

if TYPE_CHECKING:
    from .._base.types import Config
    from .tables import Table

_MOST_INTERVALS = 512  # of all columns
_MOST_VALUES = 100_000_000  # of all rows and intervals


class Preprocessing:
    """The encoders of a table's columns.

    Args:
        encoders: one for each column, by name, in the order of the inputs.
    """

    def __init__(self, encoders: dict[str, Any]) -> None:
        self.encoders = encoders

    @classmethod
    def fitted(cls, table: Table, columns: list[Column]) -> Preprocessing:
        """The encoders for these rows. Columns without an input that varies become "dropped"."""
        found = {}
        numbers = sum(column.kind == "number" for column in columns)
        bins = _bins(table.rows, numbers)
        for column in columns:
            if column.kind == "dropped":
                continue
            encoder = ENCODERS[column.kind].fitted(table.columns[column.name], column, bins)
            if encoder.inputs:
                found[column.name] = encoder
            else:
                column.kind, column.why = "dropped", "its values do not differ"
        return cls(found)

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(len(encoder.inputs) for encoder in self.encoders.values())

    @property
    def linear(self) -> np.ndarray:
        """The inputs that a linear model takes: those that are no intervals of a number."""
        places = self.places
        return np.concatenate(
            [
                np.arange(places[name].start, places[name].start + len(encoder.linear_inputs))
                for name, encoder in self.encoders.items()
            ]
        )

    @property
    def places(self) -> dict[str, slice]:
        """The inputs that belong to each column."""
        found, start = {}, 0
        for name, encoder in self.encoders.items():
            found[name] = slice(start, start + len(encoder.inputs))
            start = found[name].stop
        return found

    def encode(self, table: Table, who: str) -> tuple[np.ndarray, list[str]]:
        """The inputs for each row, and notes about odd values.

        Raises:
            ValueError: columns are missing. The message names them.
        """
        absent = [name for name in self.encoders if name not in table.columns]
        if absent:
            some = ", ".join(map(repr, absent[:20])) + ", ..." * (len(absent) > 20)
            raise ValueError(
                f"{who}: {table.label} lacks {len(absent)} column{'s' * (len(absent) > 1)} that "
                f"the model needs: {some}"
            )
        found = np.empty((table.rows, self.width), np.float32)
        notes: list[str] = []
        places = self.places
        for name, encoder in self.encoders.items():
            odd = Oddities()
            found[:, places[name]] = encoder.encode(table.columns[name], odd)
            notes += odd.notes(name, encoder.kind)
        return found, notes

    def get_config(self) -> Config:
        return {
            "columns": [
                {"name": name, "kind": encoder.kind, **encoder.get_config()}
                for name, encoder in self.encoders.items()
            ]
        }

    @classmethod
    def from_config(cls, config: Any) -> Preprocessing:
        """ValueError for what `get_config` does not return."""
        encoders: dict[str, Any] = {}
        for entry in _entries(config, "columns"):
            settings = dict(entry)
            name, kind = settings.pop("name", None), settings.pop("kind", None)
            if not isinstance(name, str) or name in encoders:
                raise ValueError(f"preprocessing: expected the name of a column, got {shown(name)}")
            if not isinstance(kind, str) or kind not in ENCODERS:
                raise ValueError(f"column {name!r}: unknown kind {shown(kind)}")
            try:
                encoders[name] = ENCODERS[kind](**settings)
            except (TypeError, ValueError) as error:
                raise ValueError(f"column {name!r}: {error}") from None
        return cls(encoders)


def _bins(rows: int, numbers: int) -> int:
    """The number of intervals for each column of numbers. They should not fill the memory."""
    most = min(_MOST_INTERVALS, _MOST_VALUES // max(rows, 1)) // max(numbers, 1)
    found = min(max(4, rows // 50), 16, most)
    return found if found >= 4 else 0


def _entries(config: Any, key: str) -> list[dict[str, Any]]:
    entries = config.get(key) if isinstance(config, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"preprocessing: expected a list of {key}, got {shown(entries)}")
    return entries


class Classes:
    """A target of classes.

    Args:
        name: the target's column.
        labels: the classes, sorted: all texts, integers, floats or bools.
    """

    task = "classification"

    def __init__(self, name: str, labels: list[Any]) -> None:
        kinds = {type(label) for label in labels} if isinstance(labels, list) else set()
        if len(kinds) != 1 or not kinds <= {str, int, float, bool} or len(labels) < 2:
            raise ValueError(f"target {name!r}: expected two or more classes, got {shown(labels)}")
        if len(set(labels)) < len(labels):
            raise ValueError(f"target {name!r}: expected different classes, got {shown(labels)}")
        self.name = name
        self.labels = labels

    @classmethod
    def fitted(cls, name: str, values: np.ndarray) -> Classes:
        """The classes of values without missing ones. 1.0 is the class 1."""
        labels = sorted(set(values)) if values.dtype == object else np.unique(values).tolist()
        if values.dtype.kind == "f" and all(float(label).is_integer() for label in labels):
            labels = [int(label) for label in labels]
        return cls(name, labels)

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """The number of each value's class, -1 for others."""
        places = {label: i for i, label in enumerate(self.labels)}
        places |= {text_of(label): i for i, label in enumerate(self.labels)}
        return np.array([places.get(value, -1) for value in values.tolist()], np.int64)

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """The classes with these numbers."""
        kind = object if isinstance(self.labels[0], str) else None
        return np.array(self.labels, kind)[numbers]

    @property
    def texts(self) -> list[str]:
        """The classes as texts."""
        return [text_of(label) for label in self.labels]

    def get_config(self) -> Config:
        return {"task": self.task, "name": self.name, "labels": self.labels}


class Values:
    """A target of numbers.

    Args:
        name: the target's column.
        mean, std: what standardization subtracts and divides by.
    """

    task = "regression"
    outputs = 1
    texts: tuple[str, ...] = ()  # of classes

    def __init__(self, name: str, mean: float, std: float) -> None:
        self.name = name
        self.mean = check_number(f"target {name!r}", "mean", mean, -math.inf)
        self.std = check_number(f"target {name!r}", "std", std, above=0.0)

    @classmethod
    def fitted(cls, name: str, values: np.ndarray) -> Values:
        numbers = values.astype(np.float64)
        unit = float(np.abs(numbers).max()) or 1.0  # squares of large numbers could overflow
        mean, std = (numbers / unit).mean(), (numbers / unit).std()
        return cls(name, float(mean) * unit, float(std) * unit or 1.0)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Standardized values (n, 1)."""
        z = (as_numbers(values) - self.mean) / self.std
        return z.astype(np.float32)[:, None]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of a network as values."""
        return outputs[:, 0].astype(np.float64) * self.std + self.mean

    def get_config(self) -> Config:
        return {"task": self.task, "name": self.name, "mean": self.mean, "std": self.std}


def target_from_config(config: Any) -> Classes | Values:
    """The target that `get_config` described. ValueError for anything else."""
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        settings = {key: value for key, value in config.items() if key != "task"}
        for kind in (Classes, Values):
            if config.get("task") == kind.task:
                try:
                    return kind(**settings)
                except TypeError as error:
                    raise ValueError(f"target: {error}") from None
    raise ValueError(f"expected the config of a target, got {shown(config)}")
