"""Configs of functional models: the graph as plain data, and back."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from .._base import tree
from .._graph.symbolic import KerasTensor, Node, Operation, symbolic_leaves
from ..layers import deserialize, serialize
from ..saving.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._base.types import Config
    from .._graph.graph import Graph
    from ..layers import Layer
    from .model import Symbols

    Place = tuple[str, int, int]  # of a tensor: layer name, which call, which output


def graph_config(graph: Graph, plain: bool = True) -> Config:
    """The layers with their calls, the inputs and the outputs, in Keras's form.

    Args:
        graph: the graph.
        plain: whether the arguments of calls become values that JSON can hold. Else all but
            KerasTensors stay what they are.

    Raises:
        TypeError: with `plain`, an argument of a call is no such value.
    """
    numbers: dict[int, list[str | int]] = {}  # tensor to [layer name, which call, which output]
    calls: dict[object, list[Node]] = {operation: [] for operation in graph.operations}
    for node in [*(t._node for t in graph.inputs), *graph.nodes]:
        nodes = calls.get(node.operation)
        if nodes is not None and node not in nodes:
            for index, tensor in enumerate(node.outputs):
                numbers[id(tensor)] = [node.operation.name, len(nodes), index]
            nodes.append(node)

    def encode_symbol(leaf: object) -> Config | None:
        if not isinstance(leaf, KerasTensor):
            return None
        config = {
            "shape": list(leaf.shape),
            "dtype": leaf.dtype.name,
            "keras_history": numbers[id(leaf)],
        }
        return {"class_name": "__keras_tensor__", "config": config}

    def encode_arguments(arguments: Any, name: str) -> Any:
        if not plain:
            return tree.map_structure(lambda leaf: encode_symbol(leaf) or leaf, arguments)
        where = f"an argument in the call of {name!r}"
        return encode(arguments, where, special=encode_symbol)

    layers = []
    for operation in graph.operations:
        config = serialize(operation)
        name = config["name"] = operation.name
        config["inbound_nodes"] = [
            {
                "args": encode_arguments(list(node.args), name),
                "kwargs": encode_arguments(dict(node.kwargs), name),
            }
            for node in calls[operation]
            if not node.is_input
        ]
        layers.append(config)
    return {
        "layers": layers,
        "input_layers": tree.map_structure(lambda t: numbers[id(t)], graph.inputs_struct),
        "output_layers": tree.map_structure(lambda t: numbers[id(t)], graph.outputs_struct),
    }


def graph_from_config(
    config: Config,
    custom_objects: Mapping[str, object] | None = None,
    layers: Mapping[str, Layer] | None = None,
    inputs: Mapping[str, KerasTensor] | None = None,
    call: Callable[..., Any] | None = None,
) -> tuple[Symbols, Symbols]:
    """New layers, called as the config says; returns the inputs and the outputs.

    With `layers`, those are called under their names, and none are made from configs. `inputs` take
    the place of the Inputs of these names. `call` calls a layer with its arguments.

    Raises:
        ValueError: a call needs a tensor that no call makes.
    """
    made: dict[Place, KerasTensor] = {}
    calls: list[tuple[str, Any, int, Config]] = []
    for layer_config in config["layers"]:
        name = layer_config["name"]
        if layer_config["class_name"] == "Operation":
            layer: Any = Operation.from_config(layer_config["config"])
        elif layers is not None and name in layers:
            layer = layers[name]
        else:
            layer = deserialize(layer_config, custom_objects)
        if not layer_config["inbound_nodes"]:
            made[name, 0, 0] = layer.output if inputs is None else inputs.get(name, layer.output)
        for index, arguments in enumerate(layer_config["inbound_nodes"]):
            calls.append((name, layer, index, arguments))

    # Calls are made in the order of the config, each as soon as its inputs are there.
    missing = [_needed(call, made) for *_, call in calls]
    waiting: dict[Place, list[int]] = {}
    for position, places in enumerate(missing):
        for place in places:
            waiting.setdefault(place, []).append(position)
    ready = [position for position, places in enumerate(missing) if not places]
    finished = 0
    while ready:
        position = heapq.heappop(ready)
        name, layer, index, arguments = calls[position]
        finished += 1
        args, kwargs = (_decoded(arguments[key], made, name) for key in ("args", "kwargs"))
        if not symbolic_leaves(args, kwargs):
            raise ValueError(f"the config has a call of {name!r} without an input")
        if call is None or isinstance(layer, Operation):
            results = layer(*args, **kwargs)
        else:
            results = call(layer, *args, **kwargs)
        for number, tensor in enumerate(tree.leaves(results)):
            made[name, index, number] = tensor
            for later in waiting.pop((name, index, number), ()):
                missing[later].discard((name, index, number))
                if not missing[later]:
                    heapq.heappush(ready, later)
    if finished < len(calls):
        names = [name for (name, *_), places in zip(calls, missing, strict=True) if places]
        raise ValueError(f"the config has calls whose inputs no layer makes: {names}")
    return _tensors(config["input_layers"], made), _tensors(config["output_layers"], made)


def _tensors(places: Any, made: dict[Place, KerasTensor]) -> Any:
    """A structure of places `[layer name, call, output]` as a structure of tensors."""
    if isinstance(places, dict):
        return {key: _tensors(place, made) for key, place in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        if tuple(places) not in made:
            raise ValueError(f"the config has an input or output that no layer makes: {places}")
        return made[places[0], places[1], places[2]]
    items = [_tensors(place, made) for place in places]
    return tuple(items) if isinstance(places, tuple) else items


def _needed(call: Config, made: dict[Place, KerasTensor]) -> set[Place]:
    """The places of the tensors that a call takes and that are not there yet."""
    found: set[Place] = set()

    def note(kind: str, config: Config) -> Any:
        if kind == "__keras_tensor__":
            found.add(_place_of(config))
        return config

    for key in ("args", "kwargs"):
        decode(call[key], "a call", note)
    return found - made.keys()


def _place_of(config: Config) -> Place:
    name, index, number = config["keras_history"]
    return name, index, number


def _decoded(arguments: Any, made: dict[Place, KerasTensor], name: str) -> Any:
    """The arguments of a call, with the tensors that are there for those in the config."""

    def tensor(kind: str, config: Config) -> Any:
        return made[_place_of(config)] if kind == "__keras_tensor__" else config

    return decode(arguments, f"an argument in the call of {name!r}", tensor)
