"""Tensors without values, and the graph of calls on them.

`Input(...)` makes a `KerasTensor`: a shape (None for an open size), an element type and a name.
Calling a layer or a liftable function on one does not compute. It adds a `Node` to the graph and
returns KerasTensors for the outputs. `fastdl.models.Model` turns such a graph into a model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from .. import _core
from .._base import tree
from .._base.dtypes import as_dtype
from .._base.outside import shapes_only
from .._base.registry import snake_case, unique_name
from .._base.tracebacks import shortened
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from numpy.typing import DTypeLike

    from .._base.types import Args, Kwargs, Shape
    from .._core import Index, TensorLike

    class GraphLayer(Protocol):
        """A layer as graphs use it."""

        name: str
        _kind: str
        _inbound_nodes: list[Node]

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
        def spec_in_graph(self, args: Args, kwargs: Kwargs) -> Any: ...
        def callable_in_graph(
            self, told: bool, several: bool
        ) -> tuple[Callable[..., object], bool]: ...
        def may_give_masks(self) -> bool: ...


class History(NamedTuple):
    """The origin of a KerasTensor: output `tensor_index` of the `node_index`-th call."""

    operation: GraphLayer | Operation
    node_index: int
    tensor_index: int


Operator = Callable[["KerasTensor", "TensorLike"], "KerasTensor"]

# The functions of `operator` that graphs have, by name.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "neg": operator.neg,
    "abs": operator.abs,
    "invert": operator.invert,
}
# The modules whose functions take KerasTensors.
_MODULES = (
    *("fastdl", "fastdl.ops", "fastdl.ops.image", "fastdl.ops.linalg", "fastdl.linalg"),
    *("fastdl.activations", "fastdl.special", __name__),
)


def _binary(function: Callable[..., object], name: str) -> tuple[Operator, Operator]:
    """An operator of KerasTensor as a node of the graph, and the one with exchanged operands."""
    _OPERATORS[function.__name__] = function

    def forward(self: KerasTensor, other: TensorLike) -> KerasTensor:
        return Operation(function, name)(self, other)

    def backward(self: KerasTensor, other: TensorLike) -> KerasTensor:
        return Operation(function, name)(other, self)

    return forward, backward


def _check_dense(sparse: bool, ragged: bool, record_history: bool) -> None:
    from .._base.checks import check_flag

    check_flag("KerasTensor", "record_history", record_history)
    for name, value in (("sparse", sparse), ("ragged", ragged)):
        if check_flag("KerasTensor", name, value):
            raise ValueError(f"KerasTensor: {name}: expected False, got {value!r}")


def _sizes(shape: Sequence[int | None]) -> Shape:
    """The shape as a tuple of Python's integers and None."""
    from .._base.checks import KindError, check_integer, shown

    if not hasattr(shape, "__iter__"):
        raise KindError(f"KerasTensor: shape: expected the sizes of all axes, got {shown(shape)}")
    return tuple(None if n is None else check_integer("KerasTensor", "shape", n, 0) for n in shape)


def _slots_of(self: Any) -> tuple[None, dict[str, Any]]:
    """The state of an object with slots, which the oldest forms of pickles do not find."""
    return None, {name: getattr(self, name) for name in self.__slots__ if hasattr(self, name)}


class SymbolicError(TypeError, ValueError, NotImplementedError):
    """Something needs the values of a symbolic tensor. Keras raises all three of these."""


class KerasTensor:
    """A tensor of a graph: it has a shape and an element type, but no values.

    Arithmetic, comparison and indexing give further KerasTensors, and so do the methods `reshape`
    and `squeeze`, which are the functions of `fastdl.ops`.

    Args:
        shape: the sizes; None for a size that is not fixed.
        dtype: the element type; float32 by default.
        sparse, ragged: False: tensors are dense.
        record_history: accepted; what made a tensor is always known.
        name: the name; `keras_tensor`, `keras_tensor_1`, ... by default.

    Raises:
        ValueError: `sparse` or `ragged` is true, or a size is no integer of at least 0.
    """

    __slots__ = ("_mask", "_node", "_tensor_index", "dtype", "name", "shape")
    __getstate__ = _slots_of
    __array_ufunc__ = None  # NumPy leaves `array + keras_tensor` to this class
    _node: Node
    _tensor_index: int
    _mask: KerasTensor | None  # the form of the mask that the tensor will have

    if TYPE_CHECKING:  # set by `ops`, a room above

        def reshape(self, newshape: int | Sequence[int]) -> KerasTensor: ...
        def squeeze(self, axis: int | Sequence[int] | None = None) -> KerasTensor: ...

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: DTypeLike = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if sparse or ragged or not record_history:
            _check_dense(sparse, ragged, record_history)
        self.shape: Shape = _sizes(shape)
        self.dtype = as_dtype(dtype)
        self.name = name or unique_name("keras_tensor")
        self._mask = None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def sparse(self) -> bool:
        """False: tensors are dense."""
        return False

    @property
    def ragged(self) -> bool:
        """False: rows have one length."""
        return False

    @property
    def _keras_history(self) -> History:
        node = self._node
        index = node.operation._inbound_nodes.index(node)
        return History(node.operation, index, self._tensor_index)

    @property
    def _keras_mask(self) -> KerasTensor | None:
        """The mask as a part of the graph: what layers will have given the tensor by then."""
        return None if self._mask is None else Operation(keras_mask)(self)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _no_values(self, what: str) -> NoReturn:
        raise SymbolicError(
            f"{what} needs the values of a tensor, but {self!r} is symbolic: it has no values. Use "
            "the functions of fastdl.ops, or put the computation into a layer's call() or a "
            "layers.Lambda."
        )

    def __array__(self, *args: object, **kwargs: object) -> NoReturn:
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

    def __getitem__(self, index: Index) -> KerasTensor:
        return Operation(operator.getitem, "get_item")(self, index)

    __add__, __radd__ = _binary(operator.add, "add")
    __sub__, __rsub__ = _binary(operator.sub, "subtract")
    __mul__, __rmul__ = _binary(operator.mul, "multiply")
    __truediv__, __rtruediv__ = _binary(operator.truediv, "divide")
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv, "floor_divide")
    __mod__, __rmod__ = _binary(operator.mod, "mod")
    __pow__, __rpow__ = _binary(operator.pow, "power")
    __matmul__, __rmatmul__ = _binary(operator.matmul, "matmul")
    __and__, __rand__ = _binary(operator.and_, "logical_and")
    __or__, __ror__ = _binary(operator.or_, "logical_or")
    __xor__, __rxor__ = _binary(operator.xor, "logical_xor")
    __lt__ = _binary(operator.lt, "less")[0]
    __le__ = _binary(operator.le, "less_equal")[0]
    __gt__ = _binary(operator.gt, "greater")[0]
    __ge__ = _binary(operator.ge, "greater_equal")[0]

    def __neg__(self) -> KerasTensor:
        return Operation(operator.neg, "negative")(self)

    def __invert__(self) -> KerasTensor:
        return Operation(operator.invert, "logical_not")(self)

    def __abs__(self) -> KerasTensor:
        return Operation(operator.abs, "absolute")(self)


class Node:
    """One call of a layer or function in a graph: its arguments and its outputs."""

    __slots__ = ("args", "inputs", "kwargs", "operation", "outputs", "outputs_struct")
    __getstate__ = _slots_of

    def __init__(
        self,
        operation: GraphLayer | Operation,
        args: Args,
        kwargs: Kwargs,
        outputs: object,
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.inputs = symbolic_leaves(args, kwargs)
        self.outputs_struct = outputs
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        for index, tensor in enumerate(self.outputs):
            tensor._node = self
            tensor._tensor_index = index
        operation._inbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """Whether it is an InputLayer's node, with which a graph begins."""
        return not self.inputs

    @property
    def parents(self) -> list[Node]:
        """The nodes whose outputs are the inputs of this one."""
        return [tensor._node for tensor in self.inputs]


class Operation:
    """A function as a node of a graph. It has no state and is not listed among a model's layers."""

    def __init__(self, function: Callable[..., object], name: str | None = None) -> None:
        self.function = function
        self.kind = name or snake_case(function.__name__)
        self.name = unique_name(self.kind)
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: object, **kwargs: object) -> Any:
        if not symbolic_leaves(args, kwargs):
            return self.function(*args, **kwargs)
        try:
            outputs = self.spec_in_graph(args, kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904
        Node(self, args, kwargs, outputs)
        return outputs

    def spec_in_graph(self, args: Args, kwargs: Kwargs) -> Any:
        """The KerasTensors that the function returns for these arguments."""
        spec = getattr(self.function, "_spec", None)  # for those that may not run on zeros
        return infer(self.function, args, kwargs) if spec is None else spec(args, kwargs)

    def get_config(self) -> dict[str, str]:
        """Name and function. Only functions of `operator` and of this package can be rebuilt."""
        function = self.function
        path = f"{function.__module__}:{function.__qualname__}"
        return {"name": self.name, "kind": self.kind, "function": path}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> Operation:
        """The operation that `get_config` described.

        Raises:
            ValueError: the function is neither of `operator` nor of this package.
        """
        import importlib

        module, _, name = str(config["function"]).partition(":")
        function = _OPERATORS.get(name) if module == "_operator" else None
        if module in _MODULES and not name.startswith("_"):
            function = getattr(importlib.import_module(module), name, None)
            if not getattr(function, "_takes_symbols", False):
                function = None
        if function is None:
            raise ValueError(
                f"config: expected a function of fastdl or operator, got {config['function']!r}; "
                "put it into a layer of your own"
            )
        operation = cls(function, config["kind"])
        operation.name = config["name"]
        return operation


def keras_mask(x: Tensor) -> Tensor | None:
    """The mask of a tensor."""
    return x._keras_mask


keras_mask.__dict__["_takes_symbols"] = True


def like(x: Any) -> KerasTensor:
    """A new KerasTensor of the form of a tensor."""
    return KerasTensor(x.shape, x.dtype)


def is_keras_tensor(x: object) -> bool:
    """Whether it is a symbolic tensor, as `Input` returns one.

    Example:
        >>> backend.is_keras_tensor(layers.Input((3,))), backend.is_keras_tensor(fastdl.ones(3))
        (True, False)
    """
    return isinstance(x, KerasTensor)


def symbolic_leaves(*structures: object) -> list[KerasTensor]:
    """The KerasTensors in some arguments, first to last."""
    return [leaf for leaf in tree.leaves(structures) if isinstance(leaf, KerasTensor)]


def infer(
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    optional: bool = False,
) -> Any:
    """The KerasTensors that `function` returns for symbolic arguments.

    The function runs twice, on zeros and on ones, without gradients, with different numbers in
    place of None. Sizes of the results that differ between the runs become None; so do those that
    depend on values. A function of tensors runs a third time, since the parts into which 2 and 3
    samples are split may have one size by chance. With unknown sizes beside that of the batch it
    runs on sizes of 1, too: `x[:, :5]` of a shorter x has fewer than 5 places. With `optional` the
    results may be None themselves. If these numbers do not fit, unknown sizes are taken from other
    tensors and from arguments: those of the shapes (None, 3) and (2, None) can only be 2 and 3
    where they broadcast. Smaller ones are tried, too. After an index that is out of range, unknown
    sizes are larger.
    """
    try:
        runs = _runs(function, args, kwargs, _TRIALS)
    except (ValueError, IndexError) as error:
        for known, sizes in _sizes_to_try(function, args, kwargs, isinstance(error, IndexError)):
            try:
                runs = _runs(function, _replaced(args, known), _replaced(kwargs, known), sizes)
                break
            except (ValueError, IndexError):
                continue
        else:
            raise error from None  # that of the shapes as they were given
    first, *more = runs
    count = len(tree.flatten(first))
    if any(len(tree.flatten(run)) != count for run in more):
        raise ValueError(
            f"{getattr(function, '__name__', function)}: the number of results depends on a size "
            "that is not known in a model's graph"
        )
    supplies = [tree.leaves(run) for run in more]

    def compare(one: object) -> KerasTensor | None:
        return form(one, [next(supply) for supply in supplies])

    def form(one: object, others: list[Any]) -> KerasTensor | None:
        if one is None and optional:
            return None
        if not isinstance(one, Tensor) or any(other.ndim != one.ndim for other in others):
            raise TypeError(
                f"{getattr(function, '__qualname__', function)}: expected tensors of a fixed rank "
                f"as results in a model's graph, got {type(one).__name__}"
            )
        shapes = [other.shape for other in others]
        sizes = [n if all(s[i] == n for s in shapes) else None for i, n in enumerate(one.shape)]
        tensor = KerasTensor(sizes, one.dtype)
        if one._keras_mask is not None:
            tensor._mask = form(one._keras_mask, [other._keras_mask for other in others])
        return tensor

    return tree.map_structure(compare, first)


# What stands for None in each run: as the first axis, and as any other one.
_TRIALS = ((2, 32), (3, 48), (8, 72))
_LARGER = ((32, 32), (48, 48))  # a first axis that is no batch, beside sizes that follow
_SMALLER = ((2, 4), (3, 5), (4, 6))  # what is padded to a given size must not be larger


def _runs(
    function: Callable[..., object],
    args: Any,
    kwargs: dict[str, object],
    sizes: Sequence[tuple[int, int]],
) -> list[Any]:
    first = _run(function, args, kwargs, *sizes[0], 0)
    try:
        runs = [first, _run(function, args, kwargs, *sizes[1], 1)]
    except Exception:  # 1 may be no index where 0 is one
        runs = [first, _run(function, args, kwargs, *sizes[1], 0)]
    open_sizes = any(None in leaf.shape for leaf in symbolic_leaves(args, kwargs))
    if len(sizes) > 2 and open_sizes and getattr(function, "_takes_symbols", False):
        try:
            runs.append(_run(function, args, kwargs, *sizes[2], 0))
        except ValueError:  # a size that follows from others
            pass
    if len(sizes) > 2 and any(None in leaf.shape[1:] for leaf in symbolic_leaves(args, kwargs)):
        short = _short(function, args, kwargs, sizes[0][0])
        if _ranks(short) == _ranks(first):
            runs.append(short)
    return runs


def _short(
    function: Callable[..., object], args: Any, kwargs: dict[str, object], batch: int
) -> object:
    """The results for unknown sizes of 1; None if there are none."""
    try:
        return _run(function, args, kwargs, batch, 1, 0)
    except Exception:  # a window is larger, for example
        return None


def _ranks(results: Any) -> list[int | None]:
    return [getattr(leaf, "ndim", None) for leaf in tree.flatten(results)]


def _replaced(structure: Any, by: dict[int, KerasTensor]) -> Any:
    return tree.map_structure(lambda leaf: by.get(id(leaf), leaf), structure)


def _sizes_to_try(
    function: Callable[..., object], args: Any, kwargs: dict[str, object], indexed: bool
) -> Iterator[tuple[dict[int, KerasTensor], Sequence[tuple[int, int]]]]:
    """Tensors with sizes in place of unknown ones, by the id of what they replace, and numbers.

    With `indexed`, an index was out of range, so sizes are tried that are larger than any index.
    """
    tensors = symbolic_leaves(args, kwargs)
    if indexed:
        yield from _sizes_for_indices(tensors, tree.leaves((args, kwargs)))
    arrays = [x for x in tree.leaves((args, kwargs)) if isinstance(x, (Tensor, np.ndarray))]
    yield _sizes_to_broadcast(tensors, arrays), _LARGER
    yield {}, _SMALLER
    shapes = [x.shape[1:] for x in tensors] + [x.shape for x in arrays]
    for size in sorted({size for shape in shapes for size in shape if size}):
        yield {}, ((2, size), (3, size))  # as in a product of the shapes (2, None) and (3, 4)
    if not getattr(function, "_takes_symbols", False):
        return  # a layer runs code of others, which may be long
    known = {size for tensor in tensors for size in tensor.shape if size is not None}
    known |= {x for x in tree.leaves((args, kwargs)) if type(x) is int and 0 < x < 1000}
    for tensor in tensors:
        for axis in (i for i, size in enumerate(tensor.shape) if size is None):
            for size in sorted(known)[:8]:
                shape = (*tensor.shape[:axis], size, *tensor.shape[axis + 1 :])
                yield {id(tensor): KerasTensor(shape, tensor.dtype, name=tensor.name)}, _TRIALS


def _sizes_for_indices(
    tensors: list[KerasTensor], leaves: Iterable[object]
) -> Iterator[tuple[dict[int, KerasTensor], Sequence[tuple[int, int]]]]:
    if any(tensor.shape[1:].count(None) > 2 for tensor in tensors):
        return  # it would be many places
    indices = [abs(x) for x in leaves if type(x) is int and abs(x) < 1_000_000]
    most = max(indices, default=1000) + 2
    yield {}, ((2, most), (3, most + 16), (8, most + 40))
    yield {}, ((most, most), (most + 1, most + 16), (most + 6, most + 40))


def _sizes_to_broadcast(
    tensors: list[KerasTensor], arrays: list[Tensor | np.ndarray]
) -> dict[int, KerasTensor]:
    """Tensors with unknown sizes that follow from the others', by the id of what they replace."""
    found = {}
    shapes = [x.shape for x in (*tensors, *arrays)]
    for tensor in tensors:
        sizes = list(tensor.shape)
        for place in range(-len(sizes), 0):
            if sizes[place] is None:
                beside = {s[place] for s in shapes if len(s) >= -place} - {None, 1}
                if len(beside) == 1:
                    sizes[place] = beside.pop()
        if tuple(sizes) != tuple(tensor.shape):
            found[id(tensor)] = KerasTensor(sizes, tensor.dtype)
            found[id(tensor)]._mask = tensor._mask
    return found


def _run(
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    batch: int,
    other: int,
    value: int,
) -> object:
    """The function's result for tensors that are `value` everywhere."""

    def filled(leaf: object) -> object:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if leaf._mask is not None:
            return _core.with_mask(values(leaf), values(leaf._mask))
        return values(leaf)

    def values(leaf: KerasTensor) -> Tensor:
        sizes = [other if size is None else size for size in leaf.shape]
        if sizes and leaf.shape[0] is None:
            sizes[0] = batch
        return _core.full(tuple(sizes), leaf.dtype, value)

    before = _core.set_grad_enabled(False)
    try:
        real_args = tree.map_structure(filled, args)
        with shapes_only():
            return function(*real_args, **tree.map_structure(filled, kwargs))
    finally:
        _core.set_grad_enabled(before)
