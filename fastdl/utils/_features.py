"""The parts of a FeatureSpace: features, crosses, and the inputs of models that take their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_integer, prefixed, shown
from .._base.registry import LAYERS
from .._base.tables import as_column, matrix_of
from .._core import Tensor
from ..layers import InputLayer, Layer
from ..layers.categories import CategoryLayer

if TYPE_CHECKING:
    from .._base.types import Config

_TYPES = ("float32", "int32", "int64", "string")


class Feature:
    """A feature of a `FeatureSpace`: the type of its values, their layer, and what becomes of them.

    Args:
        dtype: "float32", "int32", "int64" or "string".
        preprocessor: the layer. For strings it takes text, as `StringLookup` and `Hashing` do.
        output_mode: "float" for the layer's output as it is, "int" for its integers, "one_hot" for
            rows of 0 and 1.

    Raises:
        ValueError, TypeError: an argument is none of these.
    """

    def __init__(self, dtype: str, preprocessor: Layer, output_mode: str) -> None:
        self.dtype = check_choice("Feature", "dtype", dtype, _TYPES)
        if not isinstance(preprocessor, Layer):
            raise TypeError(f"Feature: preprocessor: expected a layer, got {shown(preprocessor)}")
        if dtype == "string" and not isinstance(preprocessor, CategoryLayer):
            raise ValueError(
                "Feature: preprocessor: expected a layer that takes text, as StringLookup or "
                f"Hashing, got {type(preprocessor).__name__}"
            )
        self.preprocessor = preprocessor
        modes = ("int", "one_hot", "float")
        self.output_mode = check_choice("Feature", "output_mode", output_mode, modes)

    def get_config(self) -> Config:
        """The arguments, for `from_config`."""
        return {
            "dtype": self.dtype,
            "preprocessor": LAYERS.serialize(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Feature:
        """The feature that `get_config` described."""
        return cls(**{**config, "preprocessor": LAYERS.deserialize(config["preprocessor"])})

    def values(self, name: str, given: Any, what: str) -> np.ndarray:
        """The values of the feature: an array of shape (rows, columns) of its type.

        Missing texts are None, missing integers NaN.

        Raises:
            ValueError: values of a float feature are missing.
            TypeError: values are of another type.
        """
        array, shape = _column(name, given, what)
        if self.dtype == "float32":
            array = matrix_of({name: array}, what)
            missing = int(np.isnan(array).sum()) if array.dtype.kind == "f" else 0
            if missing:
                raise ValueError(
                    f"{what}: column {name!r}: expected numbers, but {missing} of {len(array)} are "
                    "missing (NaN); fill them, for example with the column's median"
                )
            array = array.astype(np.float32)
        elif self.dtype != "string" and array.dtype.kind == "f":
            there = array[~np.isnan(array)]
            wrong = there[there != np.floor(there)]
            if wrong.size:
                raise TypeError(
                    f"{what}: column {name!r}: expected integers, got {wrong[0].item()!r}"
                )
        return array.reshape(shape)

    def numbers(self, name: str, given: Any, what: str) -> Any:
        """What the layer makes of the values; errors name the feature."""
        values = self.values(name, given, what)
        try:
            return self.preprocessor(values)
        except (TypeError, ValueError) as error:
            raise prefixed(f"{what}: column {name!r}", error) from None


def _column(name: str, given: Any, what: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Values in one axis, as a column's array, and their shape with a second axis."""
    if isinstance(given, Tensor):
        given = given.numpy()
    if isinstance(given, (list, tuple)) and any(isinstance(v, (list, tuple)) for v in given):
        given = np.array(given, object)
    if isinstance(given, np.ndarray) and given.ndim > 1:
        return as_column(given.ravel(), what, name), given.shape
    array = as_column(given, what, name)
    return array, (len(array), 1)


class Cross:
    """Features that are crossed: each combination of their categories is hashed into a bin.

    Args:
        feature_names: the features.
        crossing_dim: the number of bins.
        output_mode: "int" for the bins, "one_hot" for rows of 0 and 1.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        several = isinstance(feature_names, (list, tuple)) and len(feature_names) >= 2
        if not several or not all(isinstance(name, str) for name in feature_names):
            raise ValueError(
                f"Cross: feature_names: expected two names or more, got {shown(feature_names)}"
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = check_integer("Cross", "crossing_dim", crossing_dim, 1)
        self.output_mode = check_choice("Cross", "output_mode", output_mode, ("int", "one_hot"))

    @property
    def name(self) -> str:
        """The names of the features, joined by "_X_"."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> Config:
        """The arguments, for `from_config`."""
        return {
            "feature_names": list(self.feature_names),
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: Config) -> Cross:
        """The cross that `get_config` described."""
        return cls(**config)


@LAYERS.register
class FeatureInput(InputLayer):
    """An input of a model that takes the raw values of features, text among them.

    `fit`, `evaluate` and `predict` call `encode` on the columns they are given. The steps of the
    model see its result: there are no tensors of text.

    Args:
        features: the features by name.
        crosser: the layer that joins several features; None for one.
        looks_up: whether the feature's own layer is applied here, and not in the model.
        batch_shape, dtype, name: as for `InputLayer`.
    """

    features: Mapping[str, Feature]

    def __init__(
        self,
        features: Mapping[str, Feature],
        crosser: Layer | None = None,
        looks_up: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Not as attributes that are tracked: these layers have no weights, and are in no graph.
        self.__dict__.update(features=features, crosser=crosser, looks_up=looks_up)

    def encode(self, columns: Mapping[str, Any], what: str) -> Any:
        """The values of the input for columns by name; errors name the column."""
        parts = [
            feature.numbers(name, columns[name], what)
            if self.looks_up
            else feature.values(name, columns[name], what)
            for name, feature in self.features.items()
        ]
        return parts[0] if self.crosser is None else self.crosser(parts)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "features": {name: one.get_config() for name, one in self.features.items()},
            "crosser": None if self.crosser is None else LAYERS.serialize(self.crosser),
            "looks_up": self.looks_up,
        }

    @classmethod
    def from_config(cls, config: Config) -> FeatureInput:
        """The input that `get_config` described."""
        features = {name: Feature.from_config(one) for name, one in config["features"].items()}
        crosser = config["crosser"] and LAYERS.deserialize(config["crosser"])
        return cls(**{**config, "features": features, "crosser": crosser})
