"""Function and Operation: computations of graphs without weights or training."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from .._base import tree
from .._base.arguments import ConstructorSignature
from .._base.checks import check_name, prefixed
from .._base.registry import snake_case, unique_name
from .._graph import symbolic
from .._graph.calls import convert
from .._graph.graph import Graph
from .._graph.symbolic import KerasTensor, symbolic_leaves

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._base.types import Config
    from .model import Symbols


def _placeholder() -> NoReturn:
    """The operation of a KerasTensor that nothing made; it is never called."""
    raise NotImplementedError


class Function:
    """A function of tensors, from symbolic inputs and outputs. It is a `Model` without training.

    Args:
        inputs, outputs: KerasTensors or structures of them. Inputs need not be those of `Input`.
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
        for tensor in tree.leaves(inputs):
            if isinstance(tensor, KerasTensor) and not hasattr(tensor, "_node"):
                placeholder = symbolic.Operation(_placeholder)
                placeholder.name = tensor.name
                symbolic.Node(placeholder, (), {}, tensor)  # a KerasTensor that nothing made
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
    defined, too. `get_config` has the arguments of the constructor where they are plain values.

    Args:
        name: its name; the class name in snake case, counted, unless given.

    Attributes:
        input, output: of the first call on symbolic tensors: one tensor, or a list.

    Raises:
        ValueError: the name is no text, or contains "/".

    Source: `keras.Operation` of Keras 3.

    Example:
        >>> class Twice(fastdl.Operation):
        ...     def call(self, x):
        ...         return x * 2
        >>> Twice()(fastdl.ones(2)).tolist(), Twice()(layers.Input((3,))).shape
        ([2.0, 2.0], (None, 3))
    """

    _defaults = True  # this get_config is not one that a subclass defines
    __signature__ = ConstructorSignature()
    _init_args: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        operation = super().__new__(cls)
        operation.__dict__["_init_args"] = (args, kwargs)  # for get_config
        return operation

    def __init__(self, name: str | None = None) -> None:
        super().__init__(self.call, snake_case(type(self).__name__))
        self.name = check_name("Operation", "name", name) or self.name
        if "/" in self.name:
            raise ValueError(f"Operation: name: expected a text without '/', got {name!r}")

    @property
    def input(self) -> Any:
        """The symbolic tensors of the first call. AttributeError if there was none."""
        return _one_or_all(self._first_call().inputs)

    @property
    def output(self) -> Any:
        """The symbolic results of the first call. AttributeError if there was none."""
        return _one_or_all(self._first_call().outputs)

    def _first_call(self) -> symbolic.Node:
        if not self._inbound_nodes:
            raise AttributeError(f"operation {self.name!r} was not called on symbolic tensors")
        return self._inbound_nodes[0]

    def get_config(self) -> Config:
        """The arguments from which `from_config` makes an equal operation.

        Raises:
            NotImplementedError: the constructor has arguments that are no plain values, or takes
                any number of them by position, and the class doesn't define get_config.
        """
        return constructor_config(self)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The operation that `get_config` described."""
        return cls(**config)

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


def constructor_config(operation: Operation) -> Config:
    """The constructor's arguments as a config; only the name where the class has its own config."""
    cls = type(operation)
    signature = inspect.signature(cls.__init__)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    any_name = inspect.Parameter.VAR_KEYWORD in kinds
    name = {"name": operation.name} if any_name or "name" in signature.parameters else {}
    definer = next(base for base in cls.__mro__ if "get_config" in base.__dict__)
    if not definer.__dict__.get("_defaults", False):
        return name
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        raise NotImplementedError(
            f"{cls.__name__} needs a get_config(): its constructor takes any number of arguments"
        )
    args, kwargs = operation._init_args
    bound = signature.bind(operation, *args, **kwargs)
    bound.apply_defaults()
    config: Config = {}
    for key, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[key].kind
        config.update(value if kind is inspect.Parameter.VAR_KEYWORD else {key: value})
    for key, value in config.items():
        if not all(isinstance(x, (int, float, str, type(None))) for x in tree.leaves(value)):
            raise NotImplementedError(
                f"{cls.__name__} needs a get_config(): its argument {key!r} is no plain value but "
                f"{type(value).__name__}"
            )
    return {**config, **name}


def _one_or_all(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)
