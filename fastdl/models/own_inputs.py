"""Models of a part of a graph: symbolic tensors that layers made become inputs."""

from __future__ import annotations

from typing import Any

from .._base import tree
from .._graph.graph import Graph
from .._graph.symbolic import KerasTensor
from ..layers.input_layer import InputLayer


def with_own_inputs(graph: Graph) -> Graph:
    """The graph with an `InputLayer` for each input that is the result of a layer.

    What is computed from such an input is called anew. So the model has a config of its own, in
    which nothing lies outside of it.
    """
    if all(tensor._node.is_input for tensor in graph.inputs):
        return graph
    known: dict[int, KerasTensor] = {}
    for tensor in graph.inputs:
        if not tensor._node.is_input:
            known[id(tensor)] = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype).output

    def value(leaf: Any) -> Any:
        return known.get(id(leaf), leaf)

    for node in graph.nodes:
        if not any(id(tensor) in known for tensor in node.inputs):
            continue
        args, kwargs = (tree.map_structure(value, part) for part in (node.args, node.kwargs))
        results = tree.flatten(node.operation(*args, **kwargs))
        for tensor, result in zip(node.outputs, results, strict=True):
            known.setdefault(id(tensor), result)
    return Graph(
        tree.map_structure(value, graph.inputs_struct),
        tree.map_structure(value, graph.outputs_struct),
    )
