"""Model: a layer that can be trained; functional when made from inputs and outputs."""

from __future__ import annotations

from os import fspath
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .._base import tree
from .._base.checks import check_callable, check_integer, check_name, prefixed
from .._base.context import context
from .._base.registry import LAYERS, suggestion
from .._base.tracebacks import at_the_callers_line
from .._graph.calls import NAMED_ERRORS, name_error
from .._graph.graph import Graph
from .._graph.masks import with_masks
from .._graph.symbolic import KerasTensor, symbolic_leaves
from ..layers.layer import Layer
from ..random import SeedGenerator
from .intake import Intake
from .own_inputs import with_own_inputs
from .trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from typing_extensions import Self, Unpack

    from .._base.types import Config, Items, Kwargs, Shape
    from .._core import Tensor
    from ..layers.options import LayerOptions
    from ..saving.files import Path

    # The inputs or outputs of a graph.
    Symbols: TypeAlias = "KerasTensor | Items[Symbols] | Mapping[str, Symbols]"


def _is_functional(args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
    positional = len(args) == 2 or (len(args) == 1 and "outputs" in kwargs)
    return positional or ("inputs" in kwargs and "outputs" in kwargs)


@LAYERS.register
class Model(Trainer, Layer):
    """A network with `compile`, `fit`, `evaluate` and `predict`. Made in one of two ways:

    - `Model(inputs, outputs)`: functional, the graph between symbolic inputs and outputs, each a
      KerasTensor or a list or dict of them. Layers may be shared, models stand for layers.
    - a subclass with `call(self, inputs, training=None)`, and possibly its own `train_step`.

    A subclass may be functional, too: by `super().__init__(inputs=..., outputs=...)`, or by
    calling the subclass with inputs and outputs.

    Args:
        inputs, outputs: as above.
        name: the class name in snake case, counted, unless given.
        trainable: as in `Layer`.

    Raises:
        ValueError: the graph isn't connected, two layers have one name, or inputs or outputs are
            no KerasTensors.

    Source: `keras.Model` of Keras 3.

    Example:
        >>> x = layers.Input(shape=(4,))
        >>> model = models.Model(inputs=x, outputs=layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    _kind = "model"
    _defaults = True
    _builds = False  # build() is for users; the first call builds the layers
    _graph: Graph | None = None
    _takes_one = True  # whether an array may be the only input

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        if cls is Model and _is_functional(args, kwargs):
            return super().__new__(Functional, *args, **kwargs)  # type: ignore[return-value]
        return super().__new__(cls, *args, **kwargs)

    @overload
    def __init__(
        self, inputs: Symbols, outputs: Symbols, *, name: str | None = None, trainable: bool = True
    ) -> None: ...
    @overload
    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            self._init_functional(*args, **kwargs)
        else:
            super().__init__(*args, **kwargs)

    def _init_functional(
        self, inputs: Symbols, outputs: Symbols, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        try:
            graph = with_own_inputs(Graph(inputs, outputs))
        except ValueError as error:
            error.args = (f"model {self.name!r}: {error}",)
            raise
        self._adopt(graph)
        for layer in graph.layers:
            self._modules[layer.name] = layer

    def _is_functional(self) -> bool:
        return self._graph is not None

    def _adopt(self, graph: Graph | None) -> None:
        one = graph is None or isinstance(graph.inputs_struct, KerasTensor)
        self.__dict__.update(_graph=graph, built=graph is not None, _takes_one=one)
        if graph is not None and self._scope is None:
            self._first_scope()
        self._forget_steps()

    def __getstate__(self) -> dict[str, object]:
        # Recorded steps work on this model's weights: a copy records its own.
        own = ("_runners", "_fit_position")
        return {key: value for key, value in self.__dict__.items() if key not in own}

    # --- computation

    def _arguments_of(self, args: Any) -> Any:
        if not args or (type(args[0]) is np.ndarray and self._takes_one):
            return args
        return (Intake(self, within=True).x("inputs", args[0]), *args[1:])

    if not TYPE_CHECKING:  # a checker sees Layer's: a subclass may take any arguments

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """The outputs; a model that isn't functional defines it."""
            if self._graph is None:
                raise NotImplementedError(
                    f"{type(self).__name__} has no call(self, inputs): define it, or give inputs "
                    "and outputs to make the model functional"
                )
            taken = self._graph.take(inputs)
            if mask is not None:
                taken = with_masks(taken, mask, replace=True)
            return self._graph.run(taken, training)

    def _wants_lists(self) -> bool:
        return self._graph is None

    def _ends_masks(self, outputs: Any) -> bool:
        return self._graph is None and super()._ends_masks(outputs)  # the layers within warn

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape (None for open sizes, as the batch size).

        Not needed before `fit` or a call on data.

        Raises:
            ValueError: `input_shape` is no shape or structure of shapes.
        """
        if self._graph is None:
            kwargs: Kwargs = {}
            try:
                inputs = tree.map_shapes(KerasTensor, input_shape)
            except (TypeError, ValueError) as error:
                raise prefixed(f"model {self.name!r}: build: input_shape", error) from None
            calls = context.__dict__
            before = self._enter(calls, (inputs,), kwargs)
            try:  # not by calling the model: a subclass's build() may be calling this one
                self._infer_output_spec((inputs,), kwargs)
            except NAMED_ERRORS as error:
                name_error(error, self)
                raise
            finally:
                calls["root"], calls["training"], calls["scope"] = before
            self._clear_losses()

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        graph = self._graph
        if graph is None or len(args) != 1 or not symbolic_leaves(args):
            return self._infer_output_spec(args, kwargs)
        return graph.infer(graph.take(args[0]))

    # --- structure

    @property
    def layers(self) -> list[Layer]:
        """The layers, for a functional model in the order of computation."""
        if self._graph is not None:
            return list(self._graph.layers)
        return self._flatten_layers(include_self=False, recursive=False)

    @layers.setter
    def layers(self, value: object) -> None:
        raise AttributeError("'layers' lists the model's layers; choose another attribute name")

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with this name, or at this place in `layers`.

        Raises:
            ValueError: no such layer (the nearest name is suggested), or not exactly one argument.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer takes either a name or an index")
        layers = self.layers
        who = f"model {self.name!r}: get_layer"
        if index is not None:
            index = check_integer(who, "index", index)
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"model {self.name!r} has {len(layers)} layers, none at index {index}"
                )
            return layers[index]
        check_name(who, "name", name)
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        raise ValueError(
            f"model {self.name!r} has no layer {name!r}.{suggestion(name, names)} "
            f"Its layers are {names}."
        )

    def _known_graph(self, what: str) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"model {self.name!r} has no {what}: it isn't functional"
                + (", or not built yet" if type(self).__name__ == "Sequential" else "")
            )
        return self._graph

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, as a flat list. AttributeError when the model has no graph."""
        return list(self._known_graph("inputs").inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, as a flat list. AttributeError when the model has no graph."""
        return list(self._known_graph("outputs").outputs)

    @property
    def input(self) -> KerasTensor | Any:
        """The symbolic inputs as they were given."""
        return self._known_graph("input").inputs_struct

    @property
    def output(self) -> KerasTensor | Any:
        """The symbolic outputs as they were given."""
        return self._known_graph("output").outputs_struct

    @property
    def input_shape(self) -> Shape | Any:
        """The shape of the input, or a list of shapes."""
        return _one_or_all([x.shape for x in self._known_graph("input_shape").inputs])

    @property
    def output_shape(self) -> Shape | Any:
        """The shape of the output, or a list of shapes."""
        return _one_or_all([x.shape for x in self._known_graph("output_shape").outputs])

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs."""
        return [x._node.operation.name for x in self._known_graph("output_names").outputs]

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for an input shape."""
        if self._graph is None:
            return super().compute_output_shape(*args, **kwargs)
        shape = args[0] if args else next(iter(kwargs.values()))
        inputs = tree.map_shapes(KerasTensor, shape)
        outputs = self._graph.infer(self._graph.take(inputs))
        return tree.map_structure(lambda tensor: tensor.shape, outputs)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
        *,
        show_flops: bool = False,
    ) -> None:
        """Prints a table of the layers, their output shapes and numbers of weights, as Keras does.

        Args:
            line_length: width of the table; that of the terminal less 4, at most 88 (108 with a
                column of connections), unless given.
            positions: where the columns end, as parts of the width.
            print_fn: called with the whole text; `print` unless given.
            expand_nested: whether to list the layers of models in the model, too.
            show_trainable: whether to add a column that tells whether layers are trainable.
            layer_range: names (or patterns) of the first and the last layer to list.
            show_flops: whether to add the multiply-adds of a prediction for one sample, and the
                bytes of inputs, outputs and weights that it reads and writes. A "?" stands for
                layers with code of their own. The page on images says how they are counted.

        Raises:
            ValueError: `layer_range` matches no layers, or the table does not fit into the width.
        """
        from .summary import ASCII, summary_text

        text = summary_text(
            self, line_length, positions, expand_nested, show_trainable, layer_range, show_flops
        )
        if print_fn is not None:
            check_callable("summary", "print_fn", print_fn)(text)
            return
        try:
            print(text)
        except UnicodeEncodeError:  # an output that has no box characters
            print(text.translate(ASCII))

    def _repr_html_(self) -> str:
        """The table of `summary` for notebooks."""
        from .summary import summary_html

        return summary_html(self)

    # --- saving

    def save(
        self, filepath: Path, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Writes the model to one file; see `fastdl.saving.save_model`."""
        from ..saving.models import save_model

        save_model(self, filepath, overwrite, zipped, **kwargs)

    def export(
        self,
        filepath: Path,
        format: str = "fastdl",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model to one file for predictions, without the state of training.

        `fastdl.models.load_model` reads it. There is no writer of other libraries' formats.

        Args:
            filepath: the path; the ending of the format is added if it has none of them.
            format: "fastdl", or "keras" for a file that Keras reads (with the package h5py).
            verbose: whether to print the path.
            input_signature: None: a model takes inputs of all shapes that fit its layers.

        Raises:
            ValueError: another format, such as Keras's "tf_saved_model" and "onnx"; an input
                signature; an ending of another format; or the model isn't built.
            TypeError: other arguments.

        Source: `keras.Model.export` of Keras 3.

        Example:
            >>> model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(1)])
            >>> model.export("served")
            >>> fastdl.models.load_model("served.fastdl").predict(np.ones((1, 3)), verbose=0).shape
            (1, 1)
        """
        from ..saving.models import save_model

        who = "export"
        if format not in ("fastdl", "keras"):
            raise ValueError(
                f"{who}: format: expected 'fastdl' or 'keras', got {format!r}: no other library's "
                "format can be written"
            )
        if kwargs:
            raise TypeError(f"{who}: unknown argument {next(iter(kwargs))!r}")
        if input_signature is not None:
            raise ValueError(f"{who}: input_signature: expected None: the layers have the shapes")
        if not self.built:
            raise ValueError(
                f"{who}: model {self.name!r} isn't built yet: call it on data or build(input_shape)"
            )
        path = fspath(filepath)
        if not path.endswith((".fastdl", ".keras")):
            path += f".{format}"
        if not path.endswith(f".{format}"):
            raise ValueError(f"{who}: filepath: expected the ending .{format}, got {path!r}")
        save_model(self, path, include_optimizer=False)
        if verbose:
            print(f"Saved the model to {path}")

    def save_weights(self, filepath: Path, overwrite: bool = True) -> None:
        """Writes the weights to a file.

        Args:
            filepath: a path that ends in `.safetensors`, for a file with the names of
                `state_dict()`; or in `.weights.h5`, for one that Keras reads, too, which takes the
                package h5py.
            overwrite: whether there may be a file already.

        Raises:
            ValueError: the path has another ending, or the model has no weights yet.
            FileExistsError: there is a file, and `overwrite` is False. (Keras asks at the
                terminal.)
            OSError: the file cannot be written. The old file stays as it is.

        Source: `keras.Model.save_weights` of Keras 3.
        """
        from ..saving.weights import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(
        self,
        filepath: Path,
        skip_mismatch: bool = False,
        by_name: bool | None = None,
        mmap: bool = False,
    ) -> None:
        """Reads weights from a file: all of them or, if something does not fit, none.

        Args:
            filepath: a safetensors file, a file of `save`, or Keras's `.weights.h5` (which takes
                the package h5py).
            skip_mismatch: whether weights that the file lacks, or has in another shape, keep their
                values, with a warning.
            by_name: True takes the weights that have the same name in the model and the file, and
                leaves others alone. False goes by their order. Unless given it is by name, or by
                order where the names differ (as those of layers do that were made later) and all
                shapes agree.
            mmap: whether weights use the file's memory in place; see `fastdl.models.load_model`.

        Raises:
            ValueError: names, shapes or types differ, the model has no weights yet, or the file is
                damaged. The message lists what differs.
            OSError: the file cannot be read.

        Source: `keras.Model.load_weights` of Keras 3; `by_name` as in Keras 2.

        Example:
            >>> model = fastdl.Sequential([layers.Input((3,)), layers.Dense(2)])
            >>> model.save_weights("model.safetensors")
            >>> model.load_weights("model.safetensors")
        """
        from ..saving.weights import load_weights

        load_weights(self, filepath, skip_mismatch, by_name, mmap)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as a JSON text, for `models.model_from_json`.

        Args:
            kwargs: arguments of `json.dumps`.

        Raises:
            TypeError: a config holds a value that JSON cannot hold; the message names its place.
        """
        import json

        from ..saving.models import model_config

        return json.dumps(model_config(self), **kwargs)

    def get_build_config(self) -> Config | None:
        """The shapes that the model was built for, with an open batch size.

        A functional model or a Sequential has them in its config: None.
        """
        config = None if self._graph is not None else super().get_build_config()
        if config is None:
            return None

        def opened(sizes: Shape) -> Shape:
            return (None, *sizes[1:]) if sizes else sizes

        return {
            key: None if shape is None else tree.map_shapes(opened, shape)
            for key, shape in config.items()
        }

    def _generator_states(self) -> list[Tensor]:
        """The states of the random streams in attributes of the model and its layers."""
        found = (s.state if isinstance(s, SeedGenerator) else s._state for s in self._streams())
        return list({id(state): state for state in found}.values())

    # --- configuration

    def get_config(self) -> Config:
        if self._graph is None or type(self).__init__ is not Model.__init__:
            return super().get_config()
        from .serialization import graph_config

        return {"name": self.name, "trainable": self.trainable, **graph_config(self._graph)}

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        if "input_layers" not in config:
            return cls(**config)
        from .serialization import graph_from_config

        inputs, outputs = graph_from_config(config, custom_objects)
        model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
        if config.get("trainable", True) is False:
            model.__dict__["_trainable"] = False  # layers have theirs from their own configs
        return model


for _name in ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch"):
    setattr(Model, _name, at_the_callers_line(getattr(Model, _name)))


class _AnyFunctional(type):
    """Makes models of the user's own classes instances of `Functional` if they have a graph."""

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Functional and isinstance(instance, Model) and instance._is_functional()


@LAYERS.register
class Functional(Model, metaclass=_AnyFunctional):
    """What `Model(inputs, outputs)` returns."""

    @property
    def operations(self) -> list[Any]:
        """The layers and operations of the graph, from the inputs on."""
        return list(self._known_graph("operations").operations)


def _one_or_all(shapes: list[Shape]) -> Shape | Any:
    return shapes[0] if len(shapes) == 1 else shapes
