"""Configs of functional models: the graph as plain data, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import tree
from .._graph.symbolic import KerasTensor, Node, Operation
from ..layers import deserialize, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._base.types import Config
    from .._graph.graph import Graph
    from ..layers import Layer
    from .model import Symbols


def graph_config(graph: Graph) -> Config:
    """The layers with their calls, the inputs and the outputs, in Keras's form."""
    numbers: dict[int, list[str | int]] = {}  # tensor to [layer name, which call, which output]
    calls: dict[object, list[Node]] = {operation: [] for operation in graph.operations}
    for node in [*(t._node for t in graph.inputs), *graph.nodes]:
        nodes = calls.get(node.operation)
        if nodes is not None and node not in nodes:
            for index, tensor in enumerate(node.outputs):
                numbers[id(tensor)] = [node.operation.name, len(nodes), index]
            nodes.append(node)

    def encode(leaf: object) -> object:
        if isinstance(leaf, KerasTensor):
            config = {
                "shape": leaf.shape,
                "dtype": leaf.dtype.name,
                "keras_history": numbers[id(leaf)],
            }
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(leaf, slice):
            config = {"start": leaf.start, "stop": leaf.stop, "step": leaf.step}
            return {"class_name": "__slice__", "config": config}
        if leaf is Ellipsis:
            return {"class_name": "__ellipsis__", "config": {}}
        return leaf

    layers = []
    for operation in graph.operations:
        config = serialize(operation)
        config["name"] = operation.name
        config["inbound_nodes"] = [
            {
                "args": tree.map_structure(encode, node.args),
                "kwargs": tree.map_structure(encode, node.kwargs),
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
) -> tuple[Symbols, Symbols]:
    """New layers, called as the config says; returns the inputs and the outputs.

    With `layers`, those are called under their names, and none are made from configs.

    Raises:
        ValueError: a call needs a tensor that no call makes.
    """
    made: dict[tuple[str, int, int], KerasTensor] = {}
    waiting: list[tuple[str, Any, int, Config]] = []
    for layer_config in config["layers"]:
        name = layer_config["name"]
        if layer_config["class_name"] == "Operation":
            layer: Any = Operation.from_config(layer_config["config"])
        elif layers is not None:
            layer = layers[name]
        else:
            layer = deserialize(layer_config, custom_objects)
        if not layer_config["inbound_nodes"]:
            made[name, 0, 0] = layer.output
        for index, call in enumerate(layer_config["inbound_nodes"]):
            waiting.append((name, layer, index, call))

    while waiting:
        left = []
        for name, layer, index, call in waiting:
            try:
                args, kwargs = (_decode(call[key], made) for key in ("args", "kwargs"))
            except KeyError:
                left.append((name, layer, index, call))
                continue
            outputs = layer(*args, **kwargs)
            for number, tensor in enumerate(tree.leaves(outputs)):
                made[name, index, number] = tensor
        if len(left) == len(waiting):
            raise ValueError(
                f"the config has calls whose inputs no layer makes: {[call[0] for call in left]}"
            )
        waiting = left
    return _tensors(config["input_layers"], made), _tensors(config["output_layers"], made)


def _tensors(places: Any, made: dict[tuple[str, int, int], KerasTensor]) -> Any:
    """A structure of places `[layer name, call, output]` as a structure of tensors."""
    if isinstance(places, dict):
        return {key: _tensors(place, made) for key, place in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        return made[places[0], places[1], places[2]]
    items = [_tensors(place, made) for place in places]
    return tuple(items) if isinstance(places, tuple) else items


def _decode(x: Any, made: dict[tuple[str, int, int], KerasTensor]) -> Any:
    if isinstance(x, dict):
        kind = x.get("class_name")
        if kind == "__keras_tensor__":
            return made[tuple(x["config"]["keras_history"])]
        if kind == "__slice__":
            return slice(*(x["config"][key] for key in ("start", "stop", "step")))
        if kind == "__ellipsis__":
            return Ellipsis
        return {key: _decode(item, made) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        items = [_decode(item, made) for item in x]
        return tuple(items) if isinstance(x, tuple) else items
    return x
