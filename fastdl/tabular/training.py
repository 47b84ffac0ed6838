"""train: from a table to a model, its scores, and what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_choice, check_integer, check_number, shown
from .._base.registry import suggestion
from .._base.tables import is_missing
from ..models.model import Functional
from . import linear, networks
from .importance import permutation_importance
from .kinds import KINDS, Column, as_numbers, date_format, kind_of
from .model import TableModel
from .preprocessing import Classes, Preprocessing, Values
from .scores import LOWER_IS_BETTER, classification_scores, regression_scores
from .tables import Table, read_table

if TYPE_CHECKING:
    from ..saving.files import Path

TASKS = ("auto", "classification", "regression")
_LEAST_ROWS = 10
_FEW_NUMBERS = 20  # different whole numbers that are classes, if each stands for some rows
_ROWS_OF_A_CLASS = 10


@dataclass
class TrainResult:
    """What `train` found.

    Attributes:
        model: the model.
        scores: by kind of model ("network", "linear", "trivial") the scores on the test rows.
        importance: for each column its "mean" and "std", the loss of quality when it is shuffled.
        columns: what the columns are, with those that were dropped and why.
        history: of each network, by name, the values of each epoch.
        notes: what is worth to know about the data.
        test_rows: the numbers of the rows of the table that were kept for the test.
        y_true: for these rows the class numbers, or the values.
        outputs: for these rows probabilities (n, classes), or values (n,).
        train_count: how many rows the model learned from.
        seconds: how long the training of the networks took.
    """

    model: TableModel
    scores: dict[str, dict[str, float]]
    importance: list[dict[str, Any]]
    columns: list[Column]
    history: list[dict[str, list[float]]]
    notes: list[str]
    test_rows: np.ndarray
    y_true: np.ndarray
    outputs: np.ndarray
    train_count: int
    seconds: float
    settings: networks.Settings
    label: str = field(default="the table")

    def summary(self) -> str:
        """The scores beside those of the simpler models, as a text."""
        names = list(self.scores["network"])
        kinds = {"network": "fastdl", "linear": "linear model", "trivial": trivial_name(self.model)}
        lines = [" " * 16 + "".join(f"{name:>11}" for name in names)]
        for key, label in kinds.items():
            values = "".join(f"{number_text(self.scores[key][name]):>11}" for name in names)
            lines.append(f"{label:<16}{values}")
        return "\n".join(lines)

    def report(self, filepath: Path, model_file: str = "model.fastdl") -> None:
        """Writes a report as one HTML file, with pictures if matplotlib is installed.

        Args:
            filepath: the file, which is replaced when the new one is complete.
            model_file: the name of the model's file, for the lines that say how to use it.

        Raises:
            OSError: the file cannot be written.
        """
        from .report import write_report

        write_report(self, filepath, model_file)

    def __repr__(self) -> str:
        return f"TrainResult of {self.label}\n{self.summary()}"


def trivial_name(model: TableModel) -> str:
    """What a model does that ignores the columns."""
    return "most frequent" if isinstance(model.target, Classes) else "mean"


def number_text(value: float) -> str:
    """A score as tables show it."""
    if value != value:
        return "-"
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def train(
    table: Any,
    target: str,
    *,
    task: str = "auto",
    test: float = 0.2,
    epochs: int | None = None,
    seed: int = 0,
    kinds: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    missing: Collection[str] = (),
    tell: Callable[[str], object] | None = None,
) -> TrainResult:
    """Trains a model to predict a column of a table from the others.

    Columns of numbers, categories, dates, and with missing values are encoded; those without use
    (constants, row numbers, texts that are all different) are dropped. Several small networks are
    trained, each until it no longer improves on rows that were held out, and averaged. A part of
    the rows is kept for the test: nothing is fitted to it. The same seed gives the same model.

    Args:
        table: the path of a CSV or Parquet file, a dict of columns, a table of pandas, polars or
            pyarrow, or a list of dicts.
        target: the column to predict. Rows where it is missing are left out.
        task: "classification", "regression", or "auto": classification for texts, for true and
            false, and for whole numbers of which at most 20 are different, each 10 times or more
            on average.
        test: the share of rows that are kept for the test, in (0, 1), of each class the same.
        epochs: the most passes over the data; chosen by the number of rows unless given.
        seed: of the choice of rows and of the networks.
        kinds: "number", "category" or "date" for columns, by name, where it is not to be inferred.
        drop: columns to leave out.
        encoding, delimiter, decimal, missing: of a CSV file, see `read_table`.
        tell: called with lines about the progress.

    Returns:
        A `TrainResult`: the model, its scores beside those of a linear model and of one that
        ignores the columns, and the importance of each column.

    Raises:
        ValueError: a column is not there, the target has one class only or infinite values, there
            are fewer than 10 rows, no column is of use, or the file is damaged. The message says
            which.
        TypeError: `table` is no table.
        OSError: the file cannot be read.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(100, 2))
        >>> table = {"a": x[:, 0], "b": x[:, 1], "class": np.where(x[:, 0] > 0, "yes", "no")}
        >>> result = fastdl.tabular.train(table, "class", epochs=20)
        >>> result.importance[0]["column"]
        'a'
    """
    who = "train"
    check_choice(who, "task", task, TASKS)
    test = check_number(who, "test", test, above=0.0, below=1.0)
    seed = check_integer(who, "seed", seed, 0, 2**32 - 1)
    if epochs is not None:
        epochs = check_integer(who, "epochs", epochs, 1)
    if isinstance(drop, str):
        raise TypeError(f"{who}: drop: expected names of columns, got the text {drop!r}")
    kinds = dict(kinds or {})
    for name, kind in kinds.items():
        check_choice(who, f"kinds[{name!r}]", kind, KINDS)
    data = read_table(
        table,
        who=who,
        encoding=encoding,
        delimiter=delimiter,
        decimal=decimal,
        missing=missing,
        text=[name for name, kind in kinds.items() if kind == "category"],
    )
    label, notes = data.label, list(data.notes)
    for argument, names in (("target", [target]), ("drop", drop), ("kinds", kinds)):
        for name in names:
            if name not in data.columns:
                raise _absent(f"{who}: {argument}", name, data)
    if target in drop or target in kinds:
        raise ValueError(f"{who}: target: the column {target!r} is in drop or kinds, too")
    data, goal = _with_target(data, target, task, notes)
    say = tell or (lambda line: None)
    many = f"{goal.outputs} classes" if isinstance(goal, Classes) else "numbers"
    say(f"{label}: {data.rows:,} rows, {len(data.columns)} columns; target {target!r} ({many})")

    y_all = goal.encode(data.columns[target])
    learn, kept = _split(y_all if isinstance(goal, Classes) else None, data.rows, test, seed)
    columns = [
        Column(name, "dropped", "it was to be dropped")
        if name in drop
        else kind_of(name, data.columns[name], kinds.get(name))
        for name in data.columns
        if name != target
    ]
    rows = data.take(learn)
    if isinstance(goal, Values):
        goal = Values.fitted(target, rows.columns[target])
    preprocessing = Preprocessing.fitted(rows, columns)
    for column in columns:
        if column.kind == "dropped":
            notes.append(f"column {column.name!r} is dropped: {column.why}")
    if not preprocessing.width:
        why = "; ".join(f"{column.name!r}: {column.why}" for column in columns) or "there is none"
        raise ValueError(f"{who}: {label}: no column is of use to predict {target!r}: {why}")
    x, odd = preprocessing.encode(rows, who)
    notes += odd
    for note in notes:
        say(note)
    y = goal.encode(rows.columns[target])
    x_test, _ = preprocessing.encode(data.take(kept), who)
    say(f"{len(learn):,} rows to learn from, {len(kept):,} for the test")

    settings = networks.settings_for(len(x))
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    start = perf_counter()
    network, history = networks.trained(x, y, goal.outputs, settings, seed, say)
    seconds = perf_counter() - start
    assert isinstance(network, Functional)
    model = TableModel(network.input, network.output, preprocessing, goal, name="table_model")
    outputs = model.outputs_for(x_test)
    scores = {"network": _scores(goal, data, kept, target, outputs)}
    plain = preprocessing.linear
    scores["linear"] = _scores(
        goal, data, kept, target, _linear_outputs(goal, x[:, plain], y, x_test[:, plain])
    )
    scores["trivial"] = _scores(goal, data, kept, target, _trivial_outputs(goal, y, len(kept)))
    true = _true(goal, data, kept, target)
    importance = permutation_importance(
        model.outputs_for, x_test, true, preprocessing.places, goal, seed=seed
    )
    model.about = {
        "fastdl": _core.version,
        "trained_on": len(learn),
        "tested_on": len(kept),
        "scores": {
            kind: {name: None if value != value else value for name, value in found.items()}
            for kind, found in scores.items()
        },
        "importance": importance,
        "dropped": {column.name: column.why for column in columns if column.kind == "dropped"},
        "settings": {**asdict(settings), "units": list(settings.units)},
        "epochs": [len(found["loss"]) for found in history],
        "seed": seed,
        "test": test,
    }
    return TrainResult(
        model=model,
        scores=scores,
        importance=importance,
        columns=columns,
        history=history,
        notes=notes,
        test_rows=kept,
        y_true=true,
        outputs=outputs if isinstance(goal, Classes) else goal.decode(outputs),
        train_count=len(learn),
        seconds=seconds,
        settings=settings,
        label=label,
    )


def _absent(who: str, name: object, data: Table) -> ValueError:
    names = list(data.columns)
    some = ", ".join(map(repr, names[:20])) + ", ..." * (len(names) > 20)
    hint = suggestion(name, names)
    return ValueError(f"{who}: {data.label} has no column {shown(name)}.{hint} It has {some}")


# --- the target


def _with_target(
    data: Table, name: str, task: str, notes: list[str]
) -> tuple[Table, Classes | Values]:
    """The rows that have a target, and what the target is."""
    gone = is_missing(data.columns[name])
    where = f"train: target: column {name!r}"
    if gone.any():
        notes.append(f"{int(gone.sum()):,} rows without a target are left out")
        data = data.take(np.flatnonzero(~gone))
    values = data.columns[name]
    if len(values) < _LEAST_ROWS:
        raise ValueError(f"{where}: expected at least {_LEAST_ROWS} rows, got {len(values)}")
    as_date = task == "auto" and date_format(values) is not None
    if values.dtype.kind in "mM" or as_date:
        raise ValueError(f"{where}: expected classes or numbers, got dates or durations")
    distinct = len(set(values)) if values.dtype == object else len(np.unique(values))
    if distinct == 1:
        raise ValueError(f"{where}: all values are {shown(values.tolist()[0])}")
    if values.dtype.kind in "fiu" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise ValueError(f"{where}: expected finite numbers, got {count} infinite ones")
    if task == "auto":
        task = _task_of(values, distinct)
        if task == "classification" and values.dtype.kind != "O" and distinct > 2:
            notes.append(
                f"the {distinct} numbers of the target are taken as classes (the task regression "
                "takes them as numbers)"
            )
    if task == "regression":
        if values.dtype.kind == "O":
            numbers = as_numbers(values)
            if np.isnan(numbers).any():
                wrong = values[np.flatnonzero(np.isnan(numbers))[0]]
                raise ValueError(f"{where}: expected numbers for regression, got {shown(wrong)}")
            data.columns[name] = numbers
        return data, Values.fitted(name, data.columns[name])
    if distinct > max(2, len(values) // 2):
        raise ValueError(
            f"{where}: {distinct} different values in {len(values)} rows are no classes"
            + ("; for numbers choose the task regression" if values.dtype.kind in "fiu" else "")
        )
    return data, Classes.fitted(name, values)


def _task_of(values: np.ndarray, distinct: int) -> str:
    if values.dtype.kind in "Ob" or distinct == 2:
        return "classification"
    whole = values.dtype.kind in "iu" or (values == np.floor(values)).all()
    few = distinct <= _FEW_NUMBERS and distinct * _ROWS_OF_A_CLASS <= len(values)
    return "classification" if whole and few else "regression"


def _split(
    classes: np.ndarray | None, rows: int, test: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows to learn from and those for the test, each in the order of the table.

    Of each class the same share is for the test, but one row at least is learned from.
    """
    order = np.random.default_rng(seed).permutation(rows)
    groups = [order]
    if classes is not None:
        codes = classes[order]
        groups = np.split(
            order[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1]
        )
    chosen = [g[: min(round(test * len(g)), len(g) - 1)] for g in groups if len(g)]
    kept = np.sort(np.concatenate(chosen))
    if not len(kept):
        kept = np.sort(max(groups, key=len)[:1])
    mask = np.ones(rows, bool)
    mask[kept] = False
    return np.flatnonzero(mask), kept


# --- the scores


def _true(goal: Classes | Values, data: Table, rows: np.ndarray, name: str) -> np.ndarray:
    values = data.columns[name][rows]
    return goal.encode(values) if isinstance(goal, Classes) else values.astype(np.float64)


def _scores(
    goal: Classes | Values, data: Table, rows: np.ndarray, name: str, outputs: np.ndarray
) -> dict[str, float]:
    true = _true(goal, data, rows, name)
    if isinstance(goal, Classes):
        return classification_scores(true, outputs)
    return regression_scores(true, goal.decode(outputs))


def _linear_outputs(
    goal: Classes | Values, x: np.ndarray, y: np.ndarray, test: np.ndarray
) -> np.ndarray:
    if isinstance(goal, Classes):
        return linear.linear_probabilities(x, y, goal.outputs, test)
    return linear.linear_values(x, y, test)[:, None]


def _trivial_outputs(goal: Classes | Values, y: np.ndarray, rows: int) -> np.ndarray:
    """The shares of the classes, or the mean, for each row."""
    if isinstance(goal, Classes):
        return np.tile(np.bincount(y, minlength=goal.outputs) / len(y), (rows, 1))
    return np.full((rows, 1), float(y.mean(dtype=np.float64)))


__all__ = ["LOWER_IS_BETTER", "TrainResult", "number_text", "train", "trivial_name"]
