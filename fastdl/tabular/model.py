"""TableModel: a network that contains the preprocessing of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import shown
from .._base.registry import LAYERS
from .._base.tables import is_missing
from ..models import Model
from ..models.serialization import graph_config, graph_from_config
from .preprocessing import Classes, Preprocessing, Values, target_from_config
from .scores import classification_scores, regression_scores
from .tables import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from .._base.types import Config
    from ..models.model import Symbols
    from ..saving.files import Path

_BATCH = 4096


@LAYERS.register
class TableModel(Model):
    """A model of tables: `predict` takes a file or a table, and returns values of the target.

    `fastdl.tabular.train` makes it. `save` writes network and preprocessing to one file, which
    `fastdl.models.load_model` and `fastdl.tabular.load` read.

    As a Model it is the network alone: called on encoded rows (`encode`) it returns probabilities
    or standardized values, and `fit` goes on training with `encode(table)` and
    `target.encode(values)`.

    Args:
        inputs, outputs: the symbolic input (rows, inputs) and output of the network.
        preprocessing: the encoders of the columns.
        target: the target's column, with its classes or its scale.
        about: how it was trained, as plain JSON.
        name: of the model.

    Raises:
        ValueError: the network does not fit to the preprocessing or the target.

    Example:
        >>> table = {"size": [1.0, 2.0, 3.0, 4.0] * 10, "price": [10.0, 20.0, 30.0, 40.0] * 10}
        >>> model = fastdl.tabular.train(table, "price", epochs=1).model
        >>> model.predict({"size": [1.5, 2.5, None]}).shape
        (3,)
    """

    def __init__(
        self,
        inputs: Symbols,
        outputs: Symbols,
        preprocessing: Preprocessing,
        target: Classes | Values,
        about: Config | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        expected = [(None, preprocessing.width), (None, target.outputs)]
        found = [self.input_shape, self.output_shape]
        if found != expected:
            raise ValueError(
                f"model {self.name!r}: expected a network of shapes {expected[0]} to "
                f"{expected[1]}, got {found[0]} to {found[1]}"
            )
        self.preprocessing = preprocessing
        self.target = target
        self.about = dict(about or {})

    def encode(self, table: Any, **options: Any) -> np.ndarray:
        """The inputs of the network (rows, inputs), float32.

        Args:
            table: as for `predict`.
            options: of `read_table`, for a CSV file.
        """
        return self._encoded(table, "encode", options)[0]

    def read(self, table: Any, **options: Any) -> Table:
        """The table as `predict` reads it: categories are texts, as in training.

        Args:
            table: as for `predict`.
            options: of `read_table`, for a CSV file.
        """
        texts = [n for n, e in self.preprocessing.encoders.items() if e.kind != "number"]
        if isinstance(self.target, Classes) and isinstance(self.target.labels[0], str):
            texts.append(self.target.name)
        return read_table(table, **{"text": texts, **options})

    def _encoded(self, table: Any, who: str, options: Config) -> tuple[np.ndarray, list[str]]:
        who = f"model {self.name!r}: {who}"
        return self.preprocessing.encode(self.read(table, who=who, **options), who)

    def outputs_for(
        self, encoded: np.ndarray, batch_size: int | None = None, verbose: Any = 0
    ) -> np.ndarray:
        """The outputs of the network for encoded rows: probabilities, or standardized values."""
        if not len(encoded):
            return np.zeros((0, self.target.outputs), np.float32)
        found: np.ndarray = super().predict(encoded, batch_size or _BATCH, verbose)
        return found

    def predict(  # type: ignore[override]
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, **options: Any
    ) -> np.ndarray:
        """The class or the value of the target for each row.

        Args:
            x: the path of a CSV or Parquet file, a dict of columns, a table of pandas, polars or
                pyarrow, or a list of dicts. Columns that the model does not know are ignored.
                Missing values and unknown categories are fine.
            batch_size: how many rows the network takes at once; results do not depend on it.
            verbose: as in `Model.predict`.
            options: of `read_table`, for a CSV file.

        Returns:
            An array with one entry for each row, in order: classes as in the target's column, or
            float64 values.

        Raises:
            ValueError: columns are missing; the message names them. Or the file is damaged.
            TypeError: `x` is no table.
        """
        encoded = self._encoded(x, "predict", options)[0]
        return self.decode(self.outputs_for(encoded, batch_size, verbose))

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of the network as classes or values of the target."""
        if isinstance(self.target, Classes):
            return self.target.decode(outputs.argmax(axis=1))
        return self.target.decode(outputs)

    def predict_proba(
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, **options: Any
    ) -> np.ndarray:
        """The probability of each class (rows, classes), in the order of `target.labels`.

        Args:
            x, batch_size, verbose, options: as for `predict`.

        Raises:
            ValueError: the target has no classes, or as `predict` does.
        """
        if not isinstance(self.target, Classes):
            raise ValueError(f"model {self.name!r}: predict_proba: the target has no classes")
        encoded = self._encoded(x, "predict_proba", options)[0]
        return self.outputs_for(encoded, batch_size, verbose)

    def evaluate(  # type: ignore[override]
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, **options: Any
    ) -> dict[str, float]:
        """The scores of predictions for a table that has the target's column, by name.

        Args:
            x, batch_size, verbose, options: as for `predict`. Rows without a target do not count.

        Raises:
            ValueError: the target's column or another is missing, or it has unknown classes.
        """
        who = f"model {self.name!r}: evaluate"
        table = self.read(x, who=who, **options)
        name = self.target.name
        if name not in table.columns:
            raise ValueError(f"{who}: {table.label} lacks the target's column {name!r}")
        table = table.take(np.flatnonzero(~is_missing(table.columns[name])))
        if not table.rows:
            raise ValueError(f"{who}: {table.label} has no row with a target")
        encoded = self.preprocessing.encode(table, who)[0]
        outputs = self.outputs_for(encoded, batch_size, verbose)
        true = table.columns[name]
        if isinstance(self.target, Values):
            return regression_scores(true.astype(np.float64), self.target.decode(outputs))
        numbers = self.target.encode(true)
        if (numbers < 0).any():
            wrong = true[np.flatnonzero(numbers < 0)[0]]
            raise ValueError(f"{who}: column {name!r}: unknown class {shown(wrong)}")
        return classification_scores(numbers, outputs)

    # --- configuration

    def get_config(self) -> Config:
        assert self._graph is not None
        return {
            "name": self.name,
            "trainable": self.trainable,
            **graph_config(self._graph),
            "table": {
                "preprocessing": self.preprocessing.get_config(),
                "target": self.target.get_config(),
                "about": self.about,
            },
        }

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        table = config.get("table")
        if not isinstance(table, dict) or not isinstance(table.get("about"), dict):
            raise ValueError(f"{cls.__name__}: expected a config with 'table', got {shown(table)}")
        inputs, outputs = graph_from_config(config, custom_objects)
        return cls(
            inputs,
            outputs,
            Preprocessing.from_config(table.get("preprocessing")),
            target_from_config(table.get("target")),
            table["about"],
            config.get("name"),
        )


def load(filepath: Path) -> TableModel:
    """The model that `TableModel.save` wrote. The file holds no code.

    Raises:
        ValueError: the file is damaged, or holds another model.
        OSError: the file cannot be read.
    """
    from ..saving.models import load_model

    model = load_model(filepath)
    if not isinstance(model, TableModel):
        raise ValueError(
            f"{filepath}: expected a model of a table, made by fastdl.tabular.train or `fastdl "
            f"train`, got a {type(model).__name__}: fastdl.models.load_model() reads it"
        )
    return model
