"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import tree
from .._base.checks import check_callable, check_flag, shown
from ..layers.input_layer import InputLayer
from ..layers.layer import Layer
from ..losses.loss import Loss
from ..metrics.metric import Metric
from ..optimizers.optimizer import Optimizer
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
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model with new layers of the same settings, connected in the same way.

    A compiled model's clone is compiled, with an optimizer and metrics of its own. Another class of
    model is made anew from its config, and built for the same shapes.

    Args:
        model: the model.
        input_tensors: KerasTensors to use as inputs, in place of new ones.
        clone_function: called with each layer, returns the new one; by default a new layer is made
            from the old one's config.
        call_function: called with each new layer and the arguments of its call, returns the result,
            as `layer(*args, **kwargs)` does. For functional models.
        recursive: whether `clone_function` and `call_function` get the layers of models within the
            model, in place of those models.

    Raises:
        TypeError: the model is none.
        ValueError: a model that is neither functional nor a Sequential is to be cloned with
            `input_tensors` or a function, or a Sequential with `call_function`.

    Source: `keras.models.clone_model` of Keras 3.

    Example:
        >>> twin = models.clone_model(models.Sequential([layers.Input((2,)), layers.Dense(1)]))
        >>> twin.count_params()
        3
    """
    if not isinstance(model, Model):
        raise TypeError(f"clone_model: model: expected a model, got {type(model).__name__}")
    functions: dict[str, Any] = {"clone_function": clone_function, "call_function": call_function}
    for argument, function in functions.items():
        if function is not None:
            check_callable("clone_model", argument, function)
    inner = check_flag("clone_model", "recursive", recursive)

    def clone(layer: Layer) -> Layer:
        if isinstance(layer, InputLayer):
            return type(layer).from_config(layer.get_config())
        if isinstance(layer, Model) and (inner or clone_function is None):
            given = functions if inner and _is_known(layer) else {}
            if isinstance(layer, Sequential):
                given = {**given, "call_function": None}
            return clone_model(layer, recursive=inner, **given)
        if clone_function is not None:
            return clone_function(layer)
        return type(layer).from_config(layer.get_config())

    twin: Model
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                f"clone_model: call_function: expected None for the Sequential {model.name!r}, "
                "whose layers are only listed"
            )
        twin = _sequential(model, input_tensors, clone)
    elif _is_known(model):
        twin = _functional(model, input_tensors, clone, call_function)
    else:
        given = [name for name, value in functions.items() if value is not None]
        if given or input_tensors is not None:
            raise ValueError(
                f"clone_model: {', '.join(given) or 'input_tensors'}: expected None for the model "
                f"{model.name!r} of class {type(model).__name__}, which is neither functional nor "
                "a Sequential"
            )
        twin = type(model).from_config(model.get_config())
        shapes = model.get_build_config()
        if shapes and not twin.built:
            twin.build_from_config(shapes)
    settings = model.get_compile_config()
    if settings is not None:
        twin.compile_from_config({key: _anew(value) for key, value in settings.items()})
    return twin


def _is_known(model: Layer) -> bool:
    """Whether the model is what its graph or its list of layers says, and no more."""
    if isinstance(model, Sequential):
        return True
    own = type(model).get_config is not Model.get_config
    return isinstance(model, Model) and model._graph is not None and not own


def _sequential(
    model: Sequential, input_tensors: Any, clone: Callable[[Layer], Layer]
) -> Sequential:
    fresh: list[Any] = [] if input_tensors is None else tree.flatten(input_tensors)
    fixed = model._fixed or input_tensors is not None
    old = model._stack if fixed and input_tensors is None else model.layers
    made = {layer: clone(layer) for layer in old}  # one that is there twice has one clone
    twin = Sequential(
        [*fresh, *(made[layer] for layer in old)], trainable=model.trainable, name=model.name
    )
    if not fixed:
        twin.build(model._tensors[0].shape)
    return twin


def _functional(
    model: Model,
    input_tensors: Any,
    clone: Callable[[Layer], Layer],
    call_function: Callable[..., Any] | None,
) -> Model:
    graph: Any = model._graph
    made = {layer.name: clone(layer) for layer in model.layers}
    given = None
    if input_tensors is not None:
        flat = tree.flatten(input_tensors)
        own = graph.inputs_struct
        keys = [sorted(x) if isinstance(x, dict) else None for x in (own, input_tensors)]
        if keys[0] != keys[1]:
            raise ValueError(
                f"clone_model: input_tensors: expected the structure of the inputs of model "
                f"{model.name!r}, {shown(own)}, got {shown(input_tensors)}"
            )
        if len(flat) != len(graph.inputs):
            raise ValueError(
                f"clone_model: input_tensors: expected {len(graph.inputs)} for model "
                f"{model.name!r}, got {len(flat)}"
            )
        given = {own.name: x for own, x in zip(graph.inputs, flat, strict=True)}
    inputs, outputs = graph_from_config(
        graph_config(graph, plain=False), layers=made, inputs=given, call=call_function
    )
    # A class with arguments of its own cannot be made from inputs and outputs.
    cls = type(model) if type(model).__init__ is Model.__init__ else Functional
    return cls(inputs, outputs, name=model.name, trainable=model.trainable)


def _anew(value: Any) -> Any:
    """Optimizers, losses and metrics, also in lists and dicts, made anew from their configs."""
    if isinstance(value, dict):
        return {key: _anew(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_anew(item) for item in value]
    if isinstance(value, (Optimizer, Metric, Loss)):
        return type(value).from_config(value.get_config())
    return value
