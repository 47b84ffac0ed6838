"""FeatureSpace: the columns of a table as the numbers that a model learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_integer, shown
from .._base.registry import LAYERS, suggestion, unique_name
from .._base.tables import columns_of
from .._core import Tensor
from .._graph.symbolic import KerasTensor
from ..layers import (
    CategoryEncoding,
    Concatenate,
    Discretization,
    HashedCrossing,
    Hashing,
    Identity,
    IntegerLookup,
    Layer,
    Normalization,
    Rescaling,
    StringLookup,
)
from ..layers.categories import CategoryLayer
from ..layers.vocabulary import Lookup
from ._features import Cross, Feature, FeatureInput

if TYPE_CHECKING:
    from .._base.types import Config
    from ..saving.files import Path

_BATCH = 32  # the samples that bounds of bins are found from at a time, as in Keras


@LAYERS.register
class FeatureSpace(Layer):
    """Encodes the columns of a table: numbers are scaled or cut into bins, categories one-hot.

    Args:
        features: for each column its kind: a name of the list below, or what the method of this
            name returns.
        output_mode: "concat" for one tensor of all features side by side, in the order of their
            names, crosses last; "dict" for a tensor of each.
        crosses: tuples of features whose combinations are hashed, or results of `cross`.
        crossing_dim: the number of bins of a cross.
        hashing_dim: the number of bins of features that are given as "string_hashed" or
            "integer_hashed".
        num_discretization_bins: the number of bins of features given as "float_discretized".
        name: "feature_space", counted, unless given.

    Raises:
        ValueError, TypeError: an argument is none of these.

    | kind | values | become |
    |---|---|---|
    | `float` | numbers | themselves |
    | `float_rescaled` | numbers | `x * scale + offset` |
    | `float_normalized` | numbers | mean 0 and variance 1 in the data of `adapt` |
    | `float_discretized` | numbers | bins, one-hot |
    | `integer_categorical`, `string_categorical` | categories | by a vocabulary, one-hot |
    | `integer_hashed`, `string_hashed` | categories | by a hash, one-hot |

    Data are dicts of columns or tables: DataFrames of pandas and polars, Tables of pyarrow, lists
    of dicts. Other columns are left alone. `adapt(data)` finds means, bounds and vocabularies. Then
    a call on data returns its encoding.

    A missing category (None, NaN) counts as unknown; a missing text that is hashed counts as "". A
    missing number is an error, as is a missing integer that is hashed: fill them first.

    `get_inputs` and `get_encoded_features` make a model that takes the raw columns, text included,
    and has the encoding in its file. A model may also be trained on the encoded tensors.

    Source: `keras.utils.FeatureSpace` of Keras 3.

    Example:
        >>> data = {"size": [1.0, 3.0], "color": ["red", "blue"]}
        >>> space = utils.FeatureSpace({"size": "float_normalized", "color": "string_categorical"})
        >>> space.adapt(data)
        >>> space({"size": [3.0], "color": ["blue"]}).tolist()
        [[0.0, 0.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        features: Mapping[str, str | Feature],
        output_mode: str = "concat",
        crosses: Sequence[Sequence[str] | Cross] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        who = f"FeatureSpace {self.name!r}"
        if not isinstance(features, Mapping) or not features:
            raise ValueError(
                f"{who}: features: expected a dict of features by name, got {shown(features)}"
            )
        self.output_mode = check_choice(who, "output_mode", output_mode, ("concat", "dict"))
        self.crossing_dim = check_integer(who, "crossing_dim", crossing_dim, 1)
        self.hashing_dim = check_integer(who, "hashing_dim", hashing_dim, 1)
        self.num_discretization_bins = check_integer(
            who, "num_discretization_bins", num_discretization_bins, 1
        )
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._cross(one) for one in _listed(who, crosses)]
        # Tracked, so that the statistics of Normalization are weights.
        self.preprocessors = {key: value.preprocessor for key, value in self.features.items()}
        self.crossers = {
            cross.name: HashedCrossing(cross.crossing_dim, name=_as_name(cross.name))
            for cross in self.crosses
        }
        twice = sorted(self.crossers.keys() & self.features.keys())
        if twice or len(self.crossers) < len(self.crosses):
            raise ValueError(f"{who}: crosses: expected different names, got one twice {twice}")
        self._is_adapted = False
        self._symbols: tuple[dict[str, KerasTensor], Any] | None = None

    def _feature(self, name: Any, value: Any) -> Feature:
        who = f"FeatureSpace {self.name!r}: features"
        if not isinstance(name, str):
            raise ValueError(f"{who}: expected names as keys, got {shown(name)}")
        if isinstance(value, Feature):
            return value
        if not isinstance(value, str) or value not in _KINDS:
            hint = suggestion(value, _KINDS) if isinstance(value, str) else ""
            raise ValueError(
                f"{who}: {name!r}: expected a Feature or one of {', '.join(_KINDS)}, got "
                f"{shown(value)}{'.' * bool(hint)}{hint}"
            )
        sizes = {
            "float_discretized": {"num_bins": self.num_discretization_bins},
            "integer_hashed": {"num_bins": self.hashing_dim},
            "string_hashed": {"num_bins": self.hashing_dim},
        }
        made: Feature = getattr(self, value)(name=name, **sizes.get(value, {}))
        return made

    def _cross(self, value: Any) -> Cross:
        cross = value if isinstance(value, Cross) else Cross(value, self.crossing_dim)
        who = f"FeatureSpace {self.name!r}: crosses: {cross.name}"
        for name in cross.feature_names:
            if name not in self.features:
                raise ValueError(
                    f"{who}: there is no feature {name!r}.{suggestion(name, self.features)}"
                )
            layer = self.features[name].preprocessor
            if getattr(layer, "output_mode", "") != "int":
                raise ValueError(
                    f"{who}: expected features of categories or bins, got {name!r}, whose "
                    f"{type(layer).__name__} gives no integers"
                )
        return cross

    # --- kinds of features

    @classmethod
    def cross(
        cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> Cross:
        """Features to cross, with a number of bins and an output mode ("one_hot" or "int")."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Layer, output_mode: str) -> Feature:
        """A feature with a layer of your own; see `Feature`.

        Args:
            dtype: "float32", "int32", "int64" or "string".
            preprocessor: the layer.
            output_mode: "float", "int" or "one_hot".
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:  # type: ignore[override]
        """Numbers as they are."""
        return Feature("float32", Identity(name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(
        cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None
    ) -> Feature:
        """Numbers times `scale`, plus `offset`."""
        layer = Rescaling(scale, offset, name=_layer_name(name, "float_rescaled"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with mean 0 and variance 1 in the data of `adapt`."""
        layer = Normalization(axis=-1, name=_layer_name(name, "float_normalized"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Sequence[Any] | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Numbers as bins, whose bounds `adapt` finds or `bin_boundaries` gives.

        With bounds, `num_bins` is None, or one more than their number.
        """
        label = _layer_name(name, "float_discretized")
        if bin_boundaries is None:
            layer = Discretization(num_bins=num_bins, name=label)
        else:
            layer = Discretization(bin_boundaries, name=label)
            count = len(layer.bin_boundaries or ()) + 1
            if num_bins not in (None, count):
                raise ValueError(
                    f"float_discretized: num_bins: the bounds make {count} bins, got "
                    f"{shown(num_bins)}"
                )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Integers that stand for categories, by a vocabulary; arguments as of `IntegerLookup`."""
        label = _layer_name(name, "integer_categorical")
        layer = IntegerLookup(max_tokens, num_oov_indices, name=label)
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Texts that stand for categories, by a vocabulary; arguments as of `StringLookup`."""
        label = _layer_name(name, "string_categorical")
        layer = StringLookup(max_tokens, num_oov_indices, name=label)
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Integers that stand for categories, by a hash."""
        layer = Hashing(num_bins, name=_layer_name(name, "integer_hashed"))
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Texts that stand for categories, by a hash."""
        layer = Hashing(num_bins, name=_layer_name(name, "string_hashed"))
        return Feature("string", layer, output_mode)

    # --- adapt

    def adapt(self, dataset: Any) -> None:
        """Finds means, bounds and vocabularies.

        Args:
            dataset: a dict of columns or a table; or batches of these, of which each may be the
                first of a tuple, as (x, y).

        Raises:
            ValueError: a column is missing, values are missing, or there is no data.
            TypeError: values are of another type, or the data is none of these.
        """
        what = f"FeatureSpace {self.name!r}: adapt"
        batches = [self._columns(one, what) for one in self._batches(dataset, what)]
        if not batches:
            raise ValueError(f"{what}: dataset: expected at least one batch, got none")
        for name, feature in self.features.items():
            if not _adapts(feature.preprocessor):
                continue
            parts = [feature.values(name, batch[name], what) for batch in batches]
            if len(parts) == 1 and isinstance(feature.preprocessor, Discretization):
                starts = range(0, len(parts[0]), _BATCH)
                parts = [parts[0][start : start + _BATCH] for start in starts]
            try:
                feature.preprocessor.adapt(iter(parts))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{what}: column {name!r}: {error}") from None
        self._is_adapted = True
        self._symbols = None
        self.built = True

    def _batches(self, dataset: Any, what: str) -> Any:
        if isinstance(dataset, Mapping) or columns_of(dataset, what) is not None:
            return [dataset]
        if isinstance(dataset, (str, np.ndarray, Tensor)) or not hasattr(dataset, "__iter__"):
            raise TypeError(
                f"{what}: dataset: expected a table, a dict of columns or batches of them, got "
                f"{shown(dataset)}"
            )
        return (one[0] if isinstance(one, tuple) else one for one in dataset)

    def _columns(self, data: Any, what: str) -> Mapping[str, Any]:
        columns = data if isinstance(data, Mapping) else columns_of(data, what)
        if columns is None:
            raise TypeError(f"{what}: expected a table or a dict of columns, got {shown(data)}")
        missing = [name for name in self.features if name not in columns]
        if missing:
            raise ValueError(f"{what}: columns are missing: {missing}; got {list(columns)}")
        return columns

    def _check_adapted(self) -> None:
        if not self._is_adapted and any(map(_adapts, self.preprocessors.values())):
            raise ValueError(
                f"FeatureSpace {self.name!r} has no statistics yet: call adapt(data) first"
            )

    # --- encoding

    def __call__(self, data: Any) -> Any:
        """The encoding of data.

        Args:
            data: a dict of columns, or a table. A dict of single values is one sample.

        Returns:
            A tensor of shape (samples, numbers), or a dict of them. A single sample has no first
            axis.

        Raises:
            ValueError: there are no statistics, a column is missing, or numbers are missing.
            TypeError: values are of another type.
        """
        what = f"FeatureSpace {self.name!r}"
        self._check_adapted()
        columns = self._columns(data, what)
        single = all(_is_single(columns[name]) for name in self.features)
        if single:
            columns = {name: [columns[name]] for name in self.features}
        numbers = {
            name: feature.numbers(name, columns[name], what)
            for name, feature in self.features.items()
        }
        sizes = {name: len(value) for name, value in numbers.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{what}: expected columns of one length, got {sizes}")
        for cross in self.crosses:
            parts = [numbers[name] for name in cross.feature_names]
            numbers[cross.name] = self.crossers[cross.name](parts)
        out = self._merged(numbers)
        if not single:
            return out
        return {k: v[0] for k, v in out.items()} if isinstance(out, dict) else out[0]

    def _merged(self, numbers: dict[str, Any]) -> Any:
        """The numbers of all features and crosses in their output modes."""
        modes = {name: feature.output_mode for name, feature in self.features.items()}
        crosses = {cross.name: cross.output_mode for cross in self.crosses}
        found: dict[str, Any] = {}
        for name in [*sorted(modes), *sorted(crosses)]:
            value = numbers[name]
            if {**modes, **crosses}[name] == "one_hot":
                if np.dtype(value.dtype).kind not in "iu":
                    raise ValueError(
                        f"feature {name!r}: output_mode 'one_hot' takes integers, but its "
                        f"preprocessor gives {value.dtype}"
                    )
                value = CategoryEncoding(self._depth(name), "multi_hot")(value)
            if self.output_mode == "concat" and np.dtype(value.dtype).kind in "iu":
                raise ValueError(
                    f"feature {name!r} gives integers, which are not put beside floats; use "
                    "output_mode='dict', or 'one_hot' for the feature"
                )
            found[name] = value
        if self.output_mode == "dict":
            return found
        return Concatenate(axis=-1)(list(found.values())) if len(found) > 1 else value

    def _depth(self, name: str) -> int:
        """The number of categories of a feature or a cross."""
        layer: Any = self.crossers.get(name) or self.preprocessors.get(name)
        if isinstance(layer, (StringLookup, IntegerLookup)):
            return layer.vocabulary_size()
        if isinstance(layer, (Hashing, HashedCrossing)):
            return layer.num_bins
        if isinstance(layer, Discretization):
            return layer.num_bins or len(layer.bin_boundaries or ()) + 1
        if isinstance(layer, CategoryEncoding):
            return layer.num_tokens
        raise ValueError(
            f"feature {name!r}: output_mode 'one_hot' takes a layer whose number of categories is "
            f"known, got {type(layer).__name__}; use 'int'"
        )

    # --- models

    def get_inputs(self) -> dict[str, KerasTensor]:
        """The inputs of a model on raw data: one for each feature, and one for each cross.

        The model takes tables and dicts of columns; it finds the values of crosses itself.

        Raises:
            ValueError: there are no statistics.
        """
        return dict(self._made_symbols()[0])

    def get_encoded_features(self) -> Any:
        """The encoding of `get_inputs`, for the first layer of a model: a KerasTensor, or a dict.

        Raises:
            ValueError: there are no statistics.
        """
        return self._made_symbols()[1]

    def _made_symbols(self) -> tuple[dict[str, KerasTensor], Any]:
        self._check_adapted()
        if self._symbols is None:
            # Copies: a model keeps its encoding when this object is adapted again.
            features = {
                name: Feature(one.dtype, _copied(one.preprocessor), one.output_mode)
                for name, one in self.features.items()
            }
            inputs, numbers = {}, {}
            for name, feature in features.items():
                inputs[name], numbers[name] = _input_of(name, feature)
            for cross in self.crosses:
                chosen = {name: features[name] for name in cross.feature_names}
                layer = FeatureInput(
                    chosen,
                    _copied(self.crossers[cross.name]),
                    batch_shape=(None, 1),
                    dtype="int64",
                    name=_as_name(cross.name),
                )
                inputs[cross.name] = numbers[cross.name] = layer.output
            self.__dict__["_symbols"] = (inputs, self._merged(numbers))
        assert self._symbols is not None
        return self._symbols

    # --- configuration and files

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "features": {name: one.get_config() for name, one in self.features.items()},
            "crosses": [cross.get_config() for cross in self.crosses],
            "output_mode": self.output_mode,
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: Config) -> FeatureSpace:
        """The object that `get_config` described, without the statistics of Normalization."""
        features = {name: Feature.from_config(one) for name, one in config["features"].items()}
        crosses = [Cross.from_config(one) for one in config["crosses"]]
        return cls(**{**config, "features": features, "crosses": crosses})

    def get_build_config(self) -> Config | None:
        """Whether there are statistics, and the shapes of layers with weights."""
        shapes = {
            name: layer.get_build_config()
            for name, layer in self.preprocessors.items()
            if layer.weights
        }
        return {"adapted": self._is_adapted, "preprocessors": shapes}

    def build_from_config(self, config: Config) -> None:
        """Makes the weights that `get_build_config` described."""
        for name, shapes in config["preprocessors"].items():
            if shapes is not None and not self.preprocessors[name].built:
                self.preprocessors[name].build_from_config(shapes)
        self._is_adapted = bool(config["adapted"])
        self.built = True

    def save(self, filepath: Path, overwrite: bool = True) -> None:
        """Writes the object with its statistics to a file; `FeatureSpace.load` reads it.

        Args:
            filepath: a path that ends in `.fastdl`.
            overwrite: whether there may be a file already.

        Raises:
            ValueError: the path has another ending.
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: the file cannot be written. The old file stays as it is.

        Example:
            >>> space = utils.FeatureSpace({"color": "string_categorical"})
            >>> space.adapt({"color": ["red", "blue"]})
            >>> space.save("colors.fastdl")
            >>> utils.FeatureSpace.load("colors.fastdl")({"color": ["blue"]}).tolist()
            [[0.0, 0.0, 1.0]]
        """
        from ..saving.models import save_model

        save_model(self, filepath, overwrite, include_optimizer=False)

    @classmethod
    def load(cls, filepath: Path) -> FeatureSpace:
        """The FeatureSpace in a file of `save`; `models.load_model` reads it, too.

        Raises:
            ValueError: the file is damaged, or has something else.
            OSError: the file cannot be read.
        """
        from ..saving.models import load_model

        found = load_model(filepath)
        if not isinstance(found, cls):
            raise ValueError(f"{filepath}: expected a {cls.__name__}, got a {type(found).__name__}")
        return found


_KINDS = (
    "float",
    "float_rescaled",
    "float_normalized",
    "float_discretized",
    "integer_categorical",
    "string_categorical",
    "integer_hashed",
    "string_hashed",
)


def _listed(who: str, crosses: Any) -> Sequence[Any]:
    if crosses is None:
        return ()
    if not isinstance(crosses, (list, tuple)):
        raise ValueError(f"{who}: crosses: expected a list of tuples, got {shown(crosses)}")
    return crosses


def _layer_name(name: str | None, kind: str) -> str:
    return f"{_as_name(name or unique_name(kind))}_preprocessor"


def _as_name(name: str) -> str:
    """A feature's name as that of a layer, which has no slash."""
    return name.replace("/", "_")


def _adapts(layer: Layer) -> bool:
    """Whether a layer has statistics that are not given."""
    if isinstance(layer, Normalization):
        return layer.input_mean is None
    if isinstance(layer, Discretization):
        return layer.num_bins is not None
    if isinstance(layer, Lookup):
        return not layer.is_given
    return hasattr(layer, "adapt")


def _is_single(value: Any) -> bool:
    """Whether it is one value and no column."""
    return isinstance(value, str) or value is None or np.ndim(value) == 0


def _copied(layer: Any) -> Any:
    twin = type(layer).from_config(layer.get_config())
    if layer.built and not twin.built:
        config = layer.get_build_config()
        if config is not None:
            twin.build_from_config(config)
        if layer.weights:
            twin.set_weights(layer.get_weights())
    return twin


def _input_of(name: str, feature: Feature) -> tuple[KerasTensor, Any]:
    """The input of a feature, and its numbers in the model."""
    layer = feature.preprocessor
    looks_up = isinstance(layer, CategoryLayer)
    shape: Any = (None, 1)
    dtype = "float32" if feature.dtype == "float32" else "int64"
    if isinstance(layer, CategoryLayer):
        shape = layer.compute_output_shape((None, 1))
        dtype = "int64" if layer.output_mode == "int" else "float32"
    made = FeatureInput(
        {name: feature}, None, looks_up, batch_shape=shape, dtype=dtype, name=_as_name(name)
    ).output
    return made, made if looks_up else layer(made)
