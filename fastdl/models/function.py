"""Function and Operation: computations of graphs without weights or training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import tree
from .._base.checks import check_name, prefixed
from .._base.registry import snake_case, unique_name
from .._graph import symbolic
from .._graph.calls import convert
from .._graph.graph import Graph
from .._graph.symbolic import KerasTensor, symbolic_leaves

if TYPE_CHECKING:
    from .model import Symbols


class Function:
    """A function of tensors, from symbolic inputs and outputs. It is a `Model` without training.

    Args:
        inputs, outputs: KerasTensors or structures of them.
        name: its name; `function`, `function_1`, ... unless given.

    Raises:
        ValueError: the graph isn't connected, or inputs or outputs are no KerasTensors.

    Source: `keras.Function` of Keras 3.

    Example:
        >>> a, b = layers.Input((2,)), layers.Input((2,))
        >>> total = fastdl.Function([a, b], a * 2 + b)
        >>> total([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[3.0, 3.0]]
    """

    def __init__(self, inputs: Symbols, outputs: Symbols, name: str | None = None) -> None:
        self.name = check_name("Function", "name", name) or unique_name("function")
        try:
            self._graph = Graph(inputs, outputs)
        except ValueError as error:
            raise prefixed(f"function {self.name!r}", error) from None

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, as a flat list."""
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, as a flat list."""
        return list(self._graph.outputs)

    @property
    def layers(self) -> list[Any]:
        """The layers of the graph."""
        return list(self._graph.layers)

    @property
    def operations(self) -> list[Any]:
        """The layers and functions of the graph."""
        return list(self._graph.operations)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic outputs for other symbolic inputs."""
        return self._graph.infer(self._graph.take(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for shapes of the inputs."""
        outputs = self.compute_output_spec(tree.map_shapes(KerasTensor, input_shape))
        return tree.map_structure(lambda tensor: tensor.shape, outputs)

    def __call__(self, inputs: Any) -> Any:
        """The outputs for tensors or arrays; symbolic inputs become a part of another graph."""
        try:
            taken = self._graph.take(convert(inputs))
        except (TypeError, ValueError) as error:
            raise prefixed(f"function {self.name!r}", error) from None
        return self._graph.run(taken, None)

    def __repr__(self) -> str:
        return f"<Function name={self.name}>"


class Operation(symbolic.Operation):
    """A computation without weights of your own. Called on symbolic tensors it joins their graph.

    A subclass defines `call`; `compute_output_spec` is found by a call on zeros unless it is
    defined, too. A model with one cannot be rebuilt from its configuration; a `Layer` can.

    Args:
        name: its name; the class name in snake case, counted, unless given.

    Source: `keras.Operation` of Keras 3.

    Example:
        >>> class Twice(fastdl.Operation):
        ...     def call(self, x):
        ...         return x * 2
        >>> Twice()(fastdl.ones(2)).tolist(), Twice()(layers.Input((3,))).shape
        ([2.0, 2.0], (None, 3))
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(self.call, snake_case(type(self).__name__))
        self.name = check_name("Operation", "name", name) or self.name

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no call()")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """A call on symbolic tensors."""
        return self(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic results of a call on symbolic tensors."""
        return symbolic.infer(self.call, args, kwargs)

    def spec_in_graph(self, args: Any, kwargs: Any) -> Any:
        return self.compute_output_spec(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`call` on tensors and arrays; a part of a graph for symbolic tensors."""
        args = tuple(convert(arg) for arg in args)
        kwargs = {name: convert(value) for name, value in kwargs.items()}
        if not symbolic_leaves(args, kwargs):
            return self.call(*args, **kwargs)
        return super().__call__(*args, **kwargs)
