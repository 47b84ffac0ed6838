"""Sequential: a model whose layers follow one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base import tree
from .._base.checks import prefixed
from .._base.context import context
from .._base.registry import LAYERS
from .._core import Tensor
from .._graph.graph import Graph
from .._graph.masks import with_masks
from .._graph.symbolic import KerasTensor
from ..layers.input_layer import InputLayer
from ..layers.layer import Layer
from .model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self

    from .._base.types import Config


class _OtherSize(Exception):
    """The inputs have another size than the first data had."""


@LAYERS.register
class Sequential(Model):
    """A stack of layers, each applied to the output of the one before.

    The weights are made as soon as the shape of the input is known: from an `Input` in first
    place, from `input_shape` or `input_dim` of the first layer, or from the first data. In the last
    case later data may have another shape, if the layers take it.

    Args:
        layers: the layers, in order; more can be added with `add`.
        trainable: as in `Layer`.
        name: `sequential`, counted, unless given.

    Raises:
        ValueError: something that isn't a layer, two layers with one name, a second Input.

    Source: `keras.Sequential` of Keras 3, except that an input shape taken from data leaves the
    batch size open.

    Example:
        >>> model = models.Sequential([layers.Dense(3, activation="relu"), layers.Dense(1)])
        >>> model(np.ones((2, 4))).shape
        (2, 1)
    """

    # The layers, with the InputLayer first if the input is known. Then _tensors holds the symbolic
    # input and the output of each layer.
    _stack: list[Layer]
    _tensors: list[KerasTensor]
    _fixed = True  # whether an Input says the size; otherwise that of the first data is one of many

    def __init__(
        self,
        layers: Iterable[Layer | KerasTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self.__dict__.update(_stack=[], _tensors=[])
        for layer in layers or ():
            self._push(layer)
        self._refresh()

    # --- the stack

    def add(self, layer: Layer | KerasTensor, rebuild: bool = True) -> None:
        """Puts a layer (or the result of `Input`) on top.

        Raises:
            ValueError: it isn't a layer, its name is taken, or it is a second Input.
        """
        self._push(layer)
        self._refresh()

    def _push(self, layer: Layer | KerasTensor) -> None:
        """`add` without the new graph, whose cost grows with the number of layers."""
        if isinstance(layer, KerasTensor) and isinstance(layer._node.operation, InputLayer):
            layer = layer._node.operation
        stack = self._stack
        label = f"model {self.name!r}"
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{label}: only layers can be added, got {layer!r} (of type {type(layer).__name__})"
            )
        if any(other.name == layer.name and other is not layer for other in stack):
            raise ValueError(f"{label} already has a layer named {layer.name!r}: names are unique")
        if isinstance(layer, InputLayer) and stack:
            raise ValueError(f"{label}: an Input must be the first layer, and the only one")
        if not stack and not isinstance(layer, InputLayer):
            first = _input_for(layer)
            if first is not None:
                stack.append(first)
                self._tensors.append(first.output)
        if isinstance(layer, InputLayer):
            self._tensors.append(layer.output)
        elif self._tensors:
            self._tensors.append(self._apply(layer, self._tensors[-1]))
        stack.append(layer)
        if not isinstance(layer, InputLayer):
            self._modules[layer.name] = layer

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer and returns it.

        Raises:
            ValueError: there are no layers.
        """
        if not self.layers:
            raise ValueError(f"model {self.name!r} has no layer to remove")
        layer = self._stack.pop()
        if self._tensors:
            self._tensors.pop()
        if layer not in self._stack:
            self._modules.pop(layer.name, None)
        self._refresh()
        return layer

    def _apply(self, layer: Layer, x: KerasTensor) -> KerasTensor:
        outside = context.scope
        context.scope = self._scope or self._first_scope()
        try:
            outputs = layer(x)
        finally:
            context.scope = outside
        if not isinstance(outputs, KerasTensor):
            raise ValueError(
                f"model {self.name!r}: layers of a Sequential have one output, {layer.name!r} "
                f"returns {type(outputs).__name__}"
            )
        return outputs

    def _refresh(self) -> None:
        tensors = self._tensors
        self._adopt(Graph(tensors[0], tensors[-1]) if len(tensors) > 1 else None)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, value: object) -> None:
        raise AttributeError("'layers' lists the model's layers; use add() and pop()")

    # --- computation

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for an input of this shape, the batch axis included.

        Raises:
            ValueError: there are no layers, or the model is built for another shape.
        """
        if not self.layers:
            raise ValueError(f"model {self.name!r} has no layers: add() some before using it")
        if not tree.is_shape(input_shape):
            if input_shape is not None:
                try:
                    tree.map_shapes(tuple, input_shape)
                except ValueError as error:
                    raise prefixed(f"model {self.name!r}: build: input_shape", error) from None
            return  # a structure of inputs: the layers are built as they are called
        wanted = (None, *input_shape[1:])
        if self._tensors:
            own = self._tensors[0].shape
            if (None, *own[1:]) != wanted:
                raise ValueError(
                    f"model {self.name!r} takes inputs of shape {own}, it cannot be built for "
                    f"{tuple(input_shape)}"
                )
            return
        first = InputLayer(batch_shape=wanted, dtype=self._stack[0].input_dtype)
        tensors: list[KerasTensor] = [first.output]
        for layer in self._stack:
            try:
                tensors.append(self._apply(layer, tensors[-1]))
            except NotImplementedError:
                return  # a layer's outputs have no form before the call: there is no graph
        self.__dict__.update(_stack=[first, *self._stack], _tensors=tensors, _fixed=False)
        self._refresh()

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._graph is not None:
            try:
                if mask is None:
                    return self._graph.run(self._from_graph(inputs), training)
                if not self._is_other_size(inputs):
                    return super().call(inputs, training, mask)
            except _OtherSize:
                pass
            inputs = self._in_own_type(inputs)
        if mask is not None:
            inputs = with_masks(inputs, mask, replace=True)
        for layer in self.layers:  # there is no graph for several inputs, or for another size
            inputs = layer(inputs, training=training)
        return inputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._graph is not None and args and self._is_other_size(args[0]):
            return self._infer_output_spec(args, kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        shape = args[0] if args else next(iter(kwargs.values()), None)
        if tree.is_shape(shape) and self._is_other_size(KerasTensor(shape)):
            for layer in self.layers:
                shape = layer.compute_output_shape(shape)
            return shape
        return super().compute_output_shape(*args, **kwargs)

    def _from_graph(self, inputs: Any) -> list[Any]:
        """The inputs of the graph. The error for another size costs nothing where there is none."""
        try:
            return self._graph.take(inputs)  # type: ignore[union-attr]
        except ValueError:
            if self._is_other_size(inputs):
                raise _OtherSize from None
            raise

    def _is_other_size(self, inputs: Any) -> bool:
        """Whether they are no inputs of the graph, but may be some of the layers.

        The sizes of the first data are no limit: a convolution takes images of any size.
        """
        if self._fixed or not self._tensors or not isinstance(inputs, (Tensor, KerasTensor)):
            return False
        own, shape = self._tensors[0].shape, inputs.shape
        pairs = list(zip(own[1:], shape[1:], strict=False))
        return len(own) == len(shape) and any(a and b and a != b for a, b in pairs)

    def _in_own_type(self, inputs: Any) -> Any:
        own = self._tensors[0].dtype
        if isinstance(inputs, Tensor) and inputs.dtype != own:
            return F.cast(inputs, dtype=own)
        return inputs

    def _wants_lists(self) -> bool:
        return False

    def _is_functional(self) -> bool:
        return False

    def _ends_masks(self, outputs: Any) -> bool:
        return False  # the layers within warn

    # --- configuration

    def get_config(self) -> Config:
        from ..layers import serialize

        config = {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [serialize(layer) for layer in (self._stack if self._fixed else self.layers)],
        }
        if self._tensors:
            config["build_input_shape"] = self._tensors[0].shape
        return config

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, object] | None = None
    ) -> Self:
        from ..layers import deserialize

        layers = [deserialize(layer, custom_objects) for layer in config["layers"]]
        model = cls(layers, name=config.get("name"))
        if config.get("trainable", True) is False:
            model.__dict__["_trainable"] = False  # layers have theirs from their own configs
        shape = config.get("build_input_shape")
        if shape and not model._tensors:
            model.build(shape)
        return model


def _input_for(layer: Layer) -> InputLayer | None:
    """The Input that a first layer asks for, by `input_shape=` or by being a model with one."""
    if layer._input_shape_arg is not None:
        return InputLayer(
            shape=layer._input_shape_arg,
            batch_size=layer._batch_size_arg,
            dtype=layer.input_dtype,
        )
    graph = getattr(layer, "_graph", None)
    if graph is not None and len(graph.inputs) == 1:
        return InputLayer(batch_shape=graph.inputs[0].shape, dtype=graph.inputs[0].dtype)
    return None
