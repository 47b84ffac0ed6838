"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..layers.input_layer import InputLayer
from ..layers.layer import Layer
from .model import Functional, Model
from .sequential import Sequential
from .serialization import graph_config, graph_from_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Symbols


def clone_model(
    model: Model,
    input_tensors: Symbols | None = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Model:
    """A model with new layers of the same settings, connected in the same way.

    Args:
        model: a functional model or a `Sequential`.
        input_tensors: KerasTensors to use as inputs, in place of new ones.
        clone_function: called with each layer, returns the new one; by default a new layer is made
            from the old one's config.

    Raises:
        ValueError: the model is neither functional nor a Sequential.

    Example:
        >>> twin = models.clone_model(models.Sequential([layers.Input((2,)), layers.Dense(1)]))
        >>> twin.count_params()
        3
    """

    def clone(layer: Layer) -> Layer:
        if clone_function is not None:
            return clone_function(layer)
        return type(layer).from_config(layer.get_config())

    if isinstance(model, Sequential):
        fresh: list[Any] = [] if input_tensors is None else [input_tensors]
        old = model._stack if input_tensors is None else model.layers
        fresh += [_clone(layer, clone) for layer in old]
        return Sequential(fresh, trainable=model.trainable, name=model.name)
    if model._graph is None or not isinstance(model, Functional):
        raise ValueError(
            f"clone_model takes functional and Sequential models, got {model.name!r} of class "
            f"{type(model).__name__}"
        )
    made = {layer.name: _clone(layer, clone) for layer in model.layers}
    inputs, outputs = graph_from_config(graph_config(model._graph, plain=False), layers=made)
    clone_ = Functional(inputs, outputs, name=model.name)
    return clone_ if input_tensors is None else Functional(input_tensors, clone_(input_tensors))


def _clone(layer: Layer, clone: Callable[[Layer], Layer]) -> Layer:
    if isinstance(layer, InputLayer):
        return type(layer).from_config(layer.get_config())
    return clone(layer)
