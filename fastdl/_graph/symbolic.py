"""Tensors without values, and the graph that calls on them leave behind.

`Input(...)` gives a `KerasTensor`: a shape (None where it is open), an element type and a name.
Calling a layer or a liftable function on one doesn't compute: it notes a `Node` and returns the
KerasTensors of its outputs. `fastdl.models.Model` turns such a graph into a model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from .. import _core
from .._base import tree
from .._base.dtypes import as_dtype
from .._base.registry import snake_case, unique_name
from .._base.tracebacks import shortened
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

Shape = tuple["int | None", ...]


class History(NamedTuple):
    """Where a KerasTensor comes from: output `tensor_index` of the `node_index`-th call."""

    operation: Any
    node_index: int
    tensor_index: int


Operator = Callable[["KerasTensor", Any], "KerasTensor"]


def _binary(function: Callable[[Any, Any], Any], name: str) -> tuple[Operator, Operator]:
    """An operator of KerasTensor as a node of the graph, and the one with operands exchanged."""

    def forward(self: KerasTensor, other: Any) -> KerasTensor:
        return Operation(function, name)(self, other)

    def backward(self: KerasTensor, other: Any) -> KerasTensor:
        return Operation(function, name)(other, self)

    return forward, backward


class KerasTensor:
    """A tensor of a graph: known shape and element type, no values.

    Arithmetic, comparison and indexing give further KerasTensors.

    Args:
        shape: sizes, None where the size isn't fixed.
        dtype: element type; float32 unless given.
        name: `keras_tensor`, counted, unless given.
    """

    __slots__ = ("_node", "_tensor_index", "dtype", "name", "shape")
    __array_ufunc__ = None  # `array + keras_tensor` is ours, not NumPy's
    _node: Node
    _tensor_index: int

    def __init__(
        self, shape: Sequence[int | None], dtype: Any = "float32", name: str | None = None
    ) -> None:
        self.shape: Shape = tuple(None if size is None else int(size) for size in shape)
        self.dtype = as_dtype(dtype)
        self.name = name or unique_name("keras_tensor")

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def _keras_history(self) -> History:
        node = self._node
        index = node.operation._inbound_nodes.index(node)
        return History(node.operation, index, self._tensor_index)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _no_values(self, what: str) -> NoReturn:
        raise TypeError(
            f"{what} needs the values of a tensor, but {self!r} is symbolic: it stands for a "
            "tensor in a model's graph. Use the functions of fastdl.ops, or put the computation "
            "into a layer's call() or a layers.Lambda."
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._no_values("conversion to an array")

    def __bool__(self) -> NoReturn:
        self._no_values("a condition")

    def __float__(self) -> NoReturn:
        self._no_values("float()")

    def __int__(self) -> NoReturn:
        self._no_values("int()")

    def __iter__(self) -> NoReturn:
        self._no_values("iteration")

    def __len__(self) -> NoReturn:
        self._no_values("len()")

    def __getitem__(self, index: Any) -> KerasTensor:
        return Operation(operator.getitem, "get_item")(self, index)

    __add__, __radd__ = _binary(operator.add, "add")
    __sub__, __rsub__ = _binary(operator.sub, "subtract")
    __mul__, __rmul__ = _binary(operator.mul, "multiply")
    __truediv__, __rtruediv__ = _binary(operator.truediv, "divide")
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv, "floor_divide")
    __mod__, __rmod__ = _binary(operator.mod, "mod")
    __pow__, __rpow__ = _binary(operator.pow, "power")
    __matmul__, __rmatmul__ = _binary(operator.matmul, "matmul")
    __lt__ = _binary(operator.lt, "less")[0]
    __le__ = _binary(operator.le, "less_equal")[0]
    __gt__ = _binary(operator.gt, "greater")[0]
    __ge__ = _binary(operator.ge, "greater_equal")[0]

    def __neg__(self) -> KerasTensor:
        return Operation(operator.neg, "negative")(self)

    def __abs__(self) -> KerasTensor:
        return Operation(operator.abs, "absolute")(self)


class Node:
    """One call of a layer or function in a graph: its arguments and its outputs."""

    __slots__ = ("args", "inputs", "kwargs", "operation", "outputs", "outputs_struct")

    def __init__(
        self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.inputs = symbolic_leaves(args, kwargs)
        self.outputs_struct = outputs
        self.outputs = tree.flatten(outputs)
        for index, tensor in enumerate(self.outputs):
            tensor._node = self
            tensor._tensor_index = index
        operation._inbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """Whether it is the start of a graph: an InputLayer's only node."""
        return not self.inputs

    @property
    def parents(self) -> list[Node]:
        """The nodes whose outputs this one takes."""
        return [tensor._node for tensor in self.inputs]


class Operation:
    """A function as a node of a graph. It has no state and is not listed among a model's layers."""

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.kind = name or snake_case(function.__name__)
        self.name = unique_name(self.kind)
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not symbolic_leaves(args, kwargs):
            return self.function(*args, **kwargs)
        try:
            outputs = self.compute_output_spec(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors the function returns for these arguments."""
        return infer(self.function, args, kwargs)

    def get_config(self) -> dict[str, Any]:
        """Name and function; only functions of `operator` and of this package can be rebuilt."""
        function = self.function
        path = f"{function.__module__}:{function.__qualname__}"
        return {"name": self.name, "kind": self.kind, "function": path}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Operation:
        """The operation that `get_config` described.

        Raises:
            ValueError: the function is none of `operator` and of this package.
        """
        import importlib

        module, _, name = config["function"].partition(":")
        if module != "_operator" and module.split(".")[0] != __name__.split(".")[0]:
            raise ValueError(
                f"a model's config names the function {config['function']!r}, which isn't part of "
                "this library; use a layer of your own for it"
            )
        operation = cls(getattr(importlib.import_module(module), name), config["kind"])
        operation.name = config["name"]
        return operation


def symbolic_leaves(*structures: Any) -> list[KerasTensor]:
    """The KerasTensors in some arguments, first to last."""
    return [leaf for leaf in tree.leaves(structures) if isinstance(leaf, KerasTensor)]


def infer(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The KerasTensors for what `function` returns on symbolic arguments.

    It is run twice on zeros, without gradients, with different numbers in place of None: sizes of
    the results that differ between the runs are None.
    """
    first = _run_on_zeros(function, args, kwargs, batch=2, other=32)
    second = _run_on_zeros(function, args, kwargs, batch=3, other=48)
    supply = tree.leaves(second)

    def compare(one: Any) -> KerasTensor:
        two = next(supply)
        if not isinstance(one, Tensor) or one.ndim != two.ndim:
            raise TypeError(
                f"{getattr(function, '__qualname__', function)} must return tensors of a fixed "
                f"rank to stand in a model's graph, got {type(one).__name__}"
            )
        sizes = [a if a == b else None for a, b in zip(one.shape, two.shape, strict=True)]
        return KerasTensor(sizes, one.dtype)

    return tree.map_structure(compare, first)


def _run_on_zeros(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    batch: int,
    other: int,
) -> Any:
    def zeros(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        sizes = [other if size is None else size for size in leaf.shape]
        if sizes and leaf.shape[0] is None:
            sizes[0] = batch
        return _core.full(tuple(sizes), leaf.dtype, 0)

    before = _core.set_grad_enabled(False)
    try:
        real_args = tree.map_structure(zeros, args)
        return function(*real_args, **tree.map_structure(zeros, kwargs))
    finally:
        _core.set_grad_enabled(before)
