"""Models of tables: from a CSV file, a Parquet file or a DataFrame to predictions.

`train` reads a table, finds out what its columns are, trains, and says how good the model is. The
model contains its preprocessing: `predict` takes tables. The command `fastdl train` does the same.

Example:
    >>> x = np.random.default_rng(0).normal(size=100)
    >>> result = fastdl.tabular.train({"x": x, "y": 3 * x + 1}, target="y", epochs=30)
    >>> result.scores["network"]["R2"] > 0.9
    True
    >>> result.model.save("line.fastdl")
    >>> fastdl.tabular.load("line.fastdl").predict({"x": [1.0]}).shape
    (1,)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import TableModel as TableModel
    from .model import load as load
    from .tables import Table as Table
    from .tables import read_table as read_table
    from .training import TrainResult as TrainResult
    from .training import train as train

# Where names live that are loaded on first use.
_HOMES = {"model": "TableModel load", "tables": "Table read_table", "training": "TrainResult train"}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = ["Table", "TableModel", "TrainResult", "load", "read_table", "train"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            from importlib import import_module

            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        from .._base.missing import missing

        raise missing(__name__, name)
