"""Intake: the tables that a model is given, as arrays; columns are taken by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base import tree
from .._base.checks import shown
from .._base.tables import columns_of, is_column, is_table, matrix_of, names_of, without_tables
from .._core import Tensor
from .._graph.symbolic import KerasTensor
from .data_adapters import is_stream

if TYPE_CHECKING:
    from .trainer import Trainer

    Columns = Mapping[str, np.ndarray]

# What to do with text among targets.
_NUMBER = "number the classes, for example with layers.StringLookup(num_oov_indices=0)"
_MOST_NAMES = 6  # that a message lists


class Intake:
    """Makes arrays of the tables in x, y and sample_weight.

    A model that takes its inputs by name, from a dict or as several Inputs, gets a column for each
    of them. Another model gets one array of shape (rows, columns). It remembers the names of the
    columns from the first fit on, and later tables are put into that order.

    Args:
        model: the model.
        learns: whether the model learns from the data, and remembers the names.
        within: whether the model is being called, maybe within a step. Tensors are then values of
            its inputs; otherwise the inputs of a FeatureSpace take raw values only.

    Attributes:
        names: for each table in x the names of its columns; None before the first one.
    """

    def __init__(self, model: Trainer, learns: bool = False, within: bool = False) -> None:
        self._model = model
        self._learns = learns
        self._within = within
        self._graph = getattr(model, "_graph", None)
        self.names: list[list[str] | None] | None = model.__dict__.get("_feature_names")

    def keep(self) -> None:
        """Has a model that learns remember the names of the columns."""
        if self._learns and self.names is not None:
            self._model.__dict__["_feature_names"] = self.names

    def x(self, what: str, x: Any) -> Any:
        """x without tables.

        Raises:
            ValueError: the table lacks a column, or has one that the first fit did not have.
            TypeError: a column holds no numbers.
        """
        inputs = _by_name(self._graph, "inputs")
        if inputs is not None and any(map(_features_of, inputs.values())):
            return self._of_features(what, x, inputs)
        if _is_plain(x):
            return x
        if is_table(x):
            if inputs is None:
                return self._in_order(what, [x])[0]
            return self._of_inputs(what, columns_of(x, what) or {}, inputs)
        if isinstance(x, (list, tuple)) and any(map(is_table, x)):
            return self._in_order(what, x)
        return x

    def y(self, what: str, y: Any) -> Any:
        """y or sample_weight without tables: an array, or one for each of several outputs.

        Raises:
            TypeError: a column holds no numbers.
        """
        if _is_plain(y):
            return y
        if is_column(y):
            return without_tables(what, y, _NUMBER)
        if not is_table(y):
            return y
        columns = columns_of(y, what) or {}
        outputs = _by_name(self._graph, "outputs")
        if outputs is None or not outputs.keys() <= columns.keys():
            return matrix_of(columns, what, _NUMBER)
        return {name: matrix_of({name: columns[name]}, what, _NUMBER) for name in outputs}

    def data(self, who: str, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """x, y and sample_weight without tables."""
        return (
            self.x(f"{who}: x", x),
            self.y(f"{who}: y", y),
            self.y(f"{who}: sample_weight", sample_weight),
        )

    def _of_inputs(self, what: str, columns: Columns, inputs: Mapping[str, KerasTensor]) -> Any:
        """A column for each input; columns that no input takes are left out."""
        optional = [n for n in inputs if getattr(inputs[n]._node.operation, "optional", False)]
        self._check_columns(what, columns, [name for name in inputs if name not in optional])
        return {
            name: matrix_of({name: columns[name]}, what) if name in columns else None
            for name in inputs
        }

    def _of_features(self, what: str, x: Any, inputs: Mapping[str, KerasTensor]) -> Any:
        """The values of inputs, of which some take the columns of features."""
        columns = x if isinstance(x, Mapping) else columns_of(x, what)
        if columns is None:
            if self._within or is_stream(x):
                return x
            raise TypeError(
                f"{what}: model {self._model.name!r} takes the columns of a FeatureSpace: expected "
                f"a table or a dict of columns, got {shown(x)}"
            )
        found: dict[str, Any] = {}
        for name, tensor in inputs.items():
            features = _features_of(tensor)
            value = columns.get(name)
            if features and self._within and isinstance(value, (Tensor, KerasTensor)):
                found[name] = value
            elif features:
                self._check_columns(what, columns, features)
                found[name] = tensor._node.operation.encode(columns, what)  # type: ignore
            elif columns is x:
                found[name] = value
            else:
                self._check_columns(what, columns, [name])
                found[name] = matrix_of({name: columns[name]}, what)
        return found

    def _check_columns(self, what: str, columns: Mapping[str, Any], wanted: Sequence[str]) -> None:
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise ValueError(
                f"{what}: expected a column for each input of model {self._model.name!r}; missing "
                f"{_listed(missing)}, got {_listed(list(columns))}"
            )

    def _in_order(self, what: str, tables: Sequence[Any]) -> Any:
        """Each table as an array, with its columns in the order of the first fit."""
        known = self.names or []
        names = known if len(known) == len(tables) else [None] * len(tables)
        found: list[Any] = []
        remembered: list[list[str] | None] = []
        for table, wanted in zip(tables, names, strict=True):
            columns = columns_of(table, what)
            own = None if columns is None else names_of(table)
            remembered.append(own if wanted is None else wanted)
            if columns is None:
                found.append(table)
                continue
            if wanted is not None and own is not None:
                columns = self._ordered(what, columns, wanted)
            found.append(matrix_of(columns, what))
        if any(remembered):
            self.names = remembered
        return tuple(found) if isinstance(tables, tuple) else found

    def _ordered(self, what: str, columns: Columns, wanted: list[str]) -> dict[str, np.ndarray]:
        missing = [name for name in wanted if name not in columns]
        unknown = [name for name in columns if name not in wanted]
        if missing or unknown:
            differences = {"missing": missing, "unknown": unknown}
            parts = [f"{word} {_listed(names)}" for word, names in differences.items() if names]
            raise ValueError(
                f"{what}: expected the columns {_listed(wanted)}, with which model "
                f"{self._model.name!r} was trained: {', '.join(parts)}; an array is taken without "
                "names"
            )
        return {name: columns[name] for name in wanted}


def _is_plain(data: Any) -> bool:
    """Whether there is nothing to do, as for most data."""
    if type(data) is np.ndarray:
        return data.dtype.names is None
    return data is None or type(data) is Tensor


def _by_name(graph: Any, side: str) -> dict[str, KerasTensor] | None:
    """The inputs or outputs of a graph that are taken by name; None if it has but one."""
    if graph is None:
        return None
    structure, tensors = getattr(graph, f"{side}_struct"), getattr(graph, side)
    if isinstance(structure, dict):
        nested = any(tree.is_nested(item) for item in structure.values())
        return None if nested else structure
    if len(tensors) == 1:
        return None
    if side == "inputs":
        return {tensor.name: tensor for tensor in tensors}
    return {tensor._node.operation.name: tensor for tensor in tensors}


def _features_of(tensor: KerasTensor) -> list[str]:
    """The features whose raw values an input takes; none for other inputs."""
    operation: Any = tensor._node.operation
    return list(operation.features) if hasattr(operation, "encode") else []


def _listed(names: list[str]) -> str:
    some = ", ".join(map(repr, names[:_MOST_NAMES]))
    return f"[{some}{', ...' * (len(names) > _MOST_NAMES)}]"
