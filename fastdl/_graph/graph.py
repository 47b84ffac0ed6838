"""Graph: the computation of a functional model, from inputs to outputs, as a list of steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base import tree
from .._base.notices import warn
from .._base.watch import current
from .._core import Tensor, has_mask, with_mask
from .calls import NAMED_ERRORS, name_error
from .symbolic import KerasTensor, Node, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    import numpy as np

    from .._base.types import Shape
    from .symbolic import GraphLayer

    Member: TypeAlias = GraphLayer | Operation

# (call, source, target, takes_training, member, with_masks, may_give). The source is the index of
# the argument, or a function that makes the arguments of all values. The target is the index of the
# result, or a list of indices for its leaves. With_masks replaces (call, takes_training) once there
# are masks, which can be after a member that may_give them.
Caller = tuple[Callable[..., object], bool]
Step = tuple[Callable[..., object], Any, Any, bool, "Member", Caller, bool]


class _Slot:
    """Stands in a node's arguments for the value with this index."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Graph:
    """The computation between symbolic inputs and outputs.

    Args:
        inputs, outputs: KerasTensors or structures of them.

    Raises:
        ValueError: a leaf is not a KerasTensor, there are no inputs or outputs, an output needs an
            input that is missing, or two layers have the same name.
    """

    def __init__(self, inputs: object, outputs: object) -> None:
        self.inputs_struct: Any = inputs
        self.outputs_struct = outputs
        self.inputs = _checked(inputs, "inputs")
        self.outputs = _checked(outputs, "outputs")
        if len(set(map(id, self.inputs))) < len(self.inputs):
            raise ValueError("inputs: expected each input once, got one of them twice")
        self.nodes, order = self._sort()
        self.operations = self._sort_operations(order)
        for name, count in Counter(operation.name for operation in self.operations).items():
            if count > 1:
                raise ValueError(
                    f"expected layers with different names, got {count} with the name {name!r}"
                )
        # Of the Keras face, so their type has no name here.
        self.layers: list[Any] = [op for op in self.operations if not isinstance(op, Operation)]
        self._steps: list[Step] | None = None
        self._accepted: tuple[int, ...] | None = None  # the last shape of a single input
        self._warned = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_steps": None}  # a copy makes new steps, for its own layers

    # --- order

    def _sort(self) -> tuple[list[Node], dict[Member, int]]:
        """The nodes in an order of computation, and the order in which operations were found."""
        given = set(map(id, self.inputs))
        done: dict[Node, None] = {}
        order: dict[Member, int] = {}
        for output in self.outputs:
            # Depth first without recursion: graphs may be deeper than Python's stack.
            stack: list[tuple[KerasTensor, Sequence[KerasTensor] | None]] = [(output, None)]
            while stack:
                tensor, pending = stack.pop()
                node = tensor._node
                if node in done:
                    continue
                if pending is None:
                    if id(tensor) in given and not node.is_input:
                        continue  # computed outside of this graph
                    order.setdefault(node.operation, len(order))
                    pending = node.inputs
                    if node.is_input and id(tensor) not in given:
                        raise ValueError(
                            f"graph disconnected: an output needs the input {tensor.name!r}, but "
                            f"the inputs are {[t.name for t in self.inputs]}"
                        )
                if pending:
                    stack.append((tensor, pending[1:] or ()))
                    stack.append((pending[0], None))
                else:
                    done[node] = None
        return list(done), order

    def _sort_operations(self, order: dict[Member, int]) -> list[Member]:
        """The operations in Keras's order: by their distance from the outputs.

        It is the order of `layers` and therefore of `weights`.
        """
        depths: dict[Node, int] = {}
        operation_depths: dict[Member, int] = {}
        known = set(self.nodes)
        for node in reversed(self.nodes):
            depth = max(depths.setdefault(node, 0), operation_depths.get(node.operation, 0))
            depths[node] = operation_depths[node.operation] = depth
            for parent in node.parents:
                if parent in known:
                    depths[parent] = max(depth + 1, depths.get(parent, 0))
        for tensor in self.inputs:  # inputs that no output needs
            if tensor._node.is_input and tensor._node.operation not in operation_depths:
                operation_depths[tensor._node.operation] = 0
                order[tensor._node.operation] = -1
        return sorted(operation_depths, key=lambda each: (-operation_depths[each], order[each]))

    # --- execution

    def _compile(self) -> list[Step]:
        nodes = [node for node in self.nodes if not node.is_input]
        last: dict[int, Node] = {}  # the last node that reads a tensor, by its id
        for node in nodes:
            last.update(dict.fromkeys(map(id, node.inputs), node))
        kept = set(map(id, self.outputs))
        slots = {id(tensor): index for index, tensor in enumerate(self.inputs)}
        steps: list[Step] = []
        size = len(slots)
        free: list[int] = []  # places whose tensor no later node reads
        for node in nodes:
            (call, training), with_masks = _callables_of(node)
            source = _source_of(node, slots)
            read = dict.fromkeys(map(id, node.inputs))
            free += [slots[key] for key in read if last[key] is node and key not in kept]
            targets = []
            for tensor in node.outputs:
                if not free:
                    free.append(size)
                    size += 1
                targets.append(free.pop())
                # The output of a layer may be a given input.
                slots.setdefault(id(tensor), targets[-1])
            free += [
                index
                for tensor, index in zip(node.outputs, targets, strict=True)
                if slots[id(tensor)] != index or (id(tensor) not in last and id(tensor) not in kept)
            ]
            target = targets if tree.is_nested(node.outputs_struct) else targets[0]
            may_give = not isinstance(node.operation, Operation) and node.operation.may_give_masks()
            steps.append((call, source, target, training, node.operation, with_masks, may_give))
        self._size = size
        self._results = [slots[id(tensor)] for tensor in self.outputs]
        return steps

    def run(self, inputs: Sequence[object], training: bool | None) -> Any:
        """The outputs for tensors that `take` returned."""
        if self._steps is None:
            self._steps = self._compile()
        values: list[object] = [None] * self._size
        values[: len(inputs)] = inputs
        operation: Member | None = None
        masked = has_mask(inputs)
        watch = current()
        if watch is not None:
            for step in self._steps:
                watch.note_call(step[0])
        try:
            for step in self._steps:
                call, source, target, takes_training, operation, with_masks, may_give = step
                if masked:
                    call, takes_training = with_masks
                if source.__class__ is int:
                    if takes_training:
                        result = call(values[source], training=training)
                    else:
                        result = call(values[source])
                else:
                    args, kwargs = source(values)
                    if takes_training:
                        kwargs["training"] = training
                    result = call(*args, **kwargs)
                if may_give and not masked:
                    masked = has_mask(result)
                if target.__class__ is int:
                    values[target] = result
                else:
                    for index, leaf in zip(target, tree.leaves(result), strict=True):
                        values[index] = leaf
        except NAMED_ERRORS as error:
            if operation is not None and not isinstance(operation, Operation):
                name_error(error, operation)
            raise
        return self._pack([values[index] for index in self._results])

    def _pack(self, values: Sequence[object]) -> Any:
        if not tree.is_nested(self.outputs_struct):
            return values[0]
        packed = tree.pack(self.outputs_struct, values)
        return packed[0] if len(packed) == 1 and not isinstance(packed, dict) else packed

    def infer(self, inputs: list[KerasTensor]) -> Any:
        """The KerasTensors of the outputs for other symbolic inputs."""
        if all(_same_form(x, own) for x, own in zip(inputs, self.inputs, strict=True)):
            return self._pack([_of_form(t.shape, t.dtype, t._mask) for t in self.outputs])
        known = {id(own): x for own, x in zip(self.inputs, inputs, strict=True)}

        def value(leaf: object) -> object:
            return known[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        for node in self.nodes:
            if node.is_input:
                continue
            args = tree.map_structure(value, node.args)
            kwargs = tree.map_structure(value, node.kwargs)
            results = tree.flatten(node.operation.spec_in_graph(args, kwargs))
            for tensor, result in zip(node.outputs, results, strict=True):
                known.setdefault(id(tensor), result)
        return self._pack([known[id(tensor)] for tensor in self.outputs])

    # --- inputs

    def take(self, inputs: object) -> list[Any]:
        """The tensors of a call's argument in the order of `inputs`, cast and checked.

        Raises:
            TypeError: a leaf is not a tensor.
            ValueError: the structure differs, a key is missing, or a shape does not fit its Input.
        """
        if type(inputs) is Tensor and len(self.inputs) == 1:
            own = self.inputs[0]
            if inputs.shape == self._accepted and inputs.dtype == own.dtype:
                return [inputs]
            fitted = _fitted(inputs, own)
            if fitted is inputs:
                self._accepted = inputs.shape
            return [fitted]
        flat = self._flatten(inputs)
        return [_fitted(x, own) for x, own in zip(flat, self.inputs, strict=True)]

    def _flatten(self, inputs: object) -> list[Any]:
        struct = self.inputs_struct
        names = [tensor.name for tensor in self.inputs]
        if isinstance(inputs, dict):
            by_key = isinstance(struct, dict) and all(
                isinstance(tensor, KerasTensor) for tensor in struct.values()
            )
            if by_key or not isinstance(struct, dict):
                keys = sorted(struct) if by_key else names
                for key in keys:
                    if key not in inputs:
                        raise ValueError(
                            f"missing input {key!r}: expected a dict with the keys {keys}, got "
                            f"{list(inputs)}"
                        )
                if len(inputs) > len(keys):
                    extra = sorted(str(key) for key in inputs if key not in keys)
                    self._warn(f"{keys}; these are left out: {extra}")
                return [inputs[key] for key in keys]
        elif isinstance(struct, dict) and list(struct) != sorted(struct):
            raise ValueError(
                f"expected a dict with the keys {list(struct)}, got {type(inputs).__name__}"
            )
        flat = tree.flatten(inputs)
        if len(flat) != len(self.inputs):
            raise ValueError(f"expected {len(self.inputs)} input(s) {names}, got {len(flat)}")
        if isinstance(struct, dict) and not isinstance(inputs, dict) and len(flat) > 1:
            self._warn(f"{list(struct)}; a {type(inputs).__name__} is taken in this order")
        return flat

    def _warn(self, message: str) -> None:
        """Says once that inputs have another structure."""
        if not self._warned:
            self._warned = True
            warn(f"inputs: expected a dict with the keys {message}")


def _fitted(x: object, own: KerasTensor) -> Tensor | KerasTensor | None:
    """`x` with the type and the rank of an Input. ValueError if its shape doesn't fit."""
    if x is None:
        if getattr(own._node.operation, "optional", False):
            return None
        raise ValueError(f"input {own.name!r}: expected a tensor, got None; it isn't optional")
    if not isinstance(x, (Tensor, KerasTensor)):
        raise TypeError(f"input {own.name!r}: expected a tensor or an array, got {x!r}")
    shape: Any = x.shape
    wanted = own.shape
    if len(shape) != len(wanted):
        if len(shape) == len(wanted) + 1 and shape[-1] == 1:
            shape = shape[:-1]
        elif len(shape) == len(wanted) - 1 and wanted[-1] == 1:
            shape = (*shape, 1)
    fits = len(shape) == len(wanted) and all(
        a == b or a is None or b is None
        for a, b in zip(shape[1:], wanted[1:], strict=True)  # the batch size may always vary
    )
    if not fits:
        raise ValueError(f"input {own.name!r}: expected shape {wanted}, got {x.shape}")
    if isinstance(x, KerasTensor):
        return x if shape is x.shape else _of_form(shape, own.dtype, x._mask)
    fitted = x
    if shape is not x.shape and shape != x.shape:
        fitted = F.reshape(x, shape=shape)
    if fitted.dtype != own.dtype:
        fitted = F.cast(fitted, dtype=own.dtype)
    mask = x._keras_mask
    return fitted if fitted is x or mask is None else with_mask(fitted, mask)


def _same_form(x: KerasTensor, own: KerasTensor) -> bool:
    return x.shape == own.shape and x._mask is own._mask is None


def _of_form(shape: Shape, dtype: np.dtype[Any], mask: KerasTensor | None) -> KerasTensor:
    tensor = KerasTensor(shape, dtype)
    tensor._mask = mask
    return tensor


def _checked(structure: object, what: str) -> list[KerasTensor]:
    tensors = tree.flatten(structure)
    if not tensors:
        raise ValueError(f"{what}: expected at least one KerasTensor, got none")
    for tensor in tensors:
        if not isinstance(tensor, KerasTensor) or not hasattr(tensor, "_node"):
            raise ValueError(
                f"{what}: expected the result of layers.Input or of layers called on it, got "
                f"{tensor!r} (of type {type(tensor).__name__})"
            )
    return tensors


def _callables_of(node: Node) -> tuple[Caller, Caller]:
    """The function of a node, and whether it takes `training`; then the same for masked inputs."""
    operation = node.operation
    if isinstance(operation, Operation):
        return (operation.function, False), (operation.function, False)
    told = node.kwargs.get("training") is not None
    several = bool(node.args) and tree.is_nested(node.args[0])
    return operation.callable_in_graph(told, several), (operation, not told)


def _source_of(
    node: Node, slots: dict[int, int]
) -> int | Callable[[list[object]], tuple[Any, dict[str, object]]]:
    """The source of a step: see `Step`."""
    if len(node.args) == 1 and isinstance(node.args[0], KerasTensor) and not node.kwargs:
        return slots[id(node.args[0])]

    def mark(leaf: object) -> object:
        return _Slot(slots[id(leaf)]) if isinstance(leaf, KerasTensor) else leaf

    args = tree.map_structure(mark, node.args)
    kwargs = tree.map_structure(mark, node.kwargs)
    if len(args) == 1 and not kwargs and isinstance(args[0], list):
        if all(isinstance(item, _Slot) for item in args[0]):
            indices = [item.index for item in args[0]]
            return lambda values: (([values[index] for index in indices],), {})

    def fetch(values: list[object]) -> tuple[Any, Any]:
        def value(leaf: object) -> object:
            return values[leaf.index] if isinstance(leaf, _Slot) else leaf

        return tree.map_structure(value, args), tree.map_structure(value, kwargs)

    return fetch


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs that a symbolic tensor is computed from, each once.

    Raises:
        ValueError: it is no symbolic tensor.

    Source: `keras.utils.get_source_inputs` of Keras 3.

    Example:
        >>> a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
        >>> [x.name for x in utils.get_source_inputs(a + b)]
        ['a', 'b']
    """
    _checked(tensor, "get_source_inputs: tensor")
    found: dict[KerasTensor, None] = {}
    seen: set[Node] = set()
    stack = [tensor]
    while stack:  # without recursion: graphs may be deeper than Python's stack
        one = stack.pop()
        if one._node.is_input:
            found[one] = None
        elif one._node not in seen:
            seen.add(one._node)
            stack += reversed(one._node.inputs)
    return list(found)
