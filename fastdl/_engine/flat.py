"""Flat parameter buffers: an optimizer updates all parameters in one pass.

There is one buffer for the values of all parameters, one for their gradients and one for each kind
of optimizer state. All have the same layout, so one call updates all parameters:

    values     | kernel      |pad| bias |pad| kernel   ...
    gradients  | kernel.grad |pad| ...
    state      | ...

A parameter that lies in another optimizer's buffer stays there, since two optimizers may share a
model. The updates then run over the longest contiguous stretches. A parameter also stays where it
is if a tensor (`w.data`, `w.detach()`) or a NumPy array shares its memory: if it moved, they would
keep old values. Such a parameter is a buffer of its own, which costs one more update call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from sys import getrefcount
from typing import Any
from weakref import WeakSet

from .. import _core
from .._base import functional as F
from .._core import Tensor

# Float32 elements in a cache line. Every parameter starts on a line of its own. The padding holds
# zeros, in the gradients too, so a sum over a stretch is the sum over its parameters.
_LINE = 16

_gradient_of = attrgetter("grad")
# The reference count of an object that only a list holds. It differs between Python versions.
_ALONE = max(map(getrefcount, [object()]))


def _padded(numel: int) -> int:
    return -(-numel // _LINE) * _LINE


class _Buffer:
    """The values and the gradients of some parameters, each in one piece of memory.

    Args:
        size: the number of elements, with padding.
        values: the memory of a parameter that others see; new memory by default.
    """

    __slots__ = ("__weakref__", "gradients", "others_see", "size", "values")

    def __init__(self, size: int, values: Tensor | None = None) -> None:
        self.size = size
        self.others_see = values is not None
        self.values = _core.full((size,), "float32", 0.0) if values is None else values
        self.gradients = _core.full((size,), "float32", 0.0)

    def offset_of(self, parameter: Tensor) -> int | None:
        """The place of the parameter's values in this buffer, None if they lie elsewhere."""
        if not parameter._shares_storage(self.values):
            return None
        offset = parameter._offset - self.values._offset
        return offset if 0 <= offset < self.size else None


# Buffers in use. A Parameter keeps its buffer alive (`_flat_buffer`). So an optimizer that
# replaces another one finds the parameters in place, and they need not move.
_buffers: WeakSet[_Buffer] = WeakSet()


class Run:
    """A stretch of parameters that one call updates.

    Attributes:
        values, gradients: 1-d views of the buffers.
        states: 1-d views of the state buffers, in the order in which they were added.
        indices: the parameters, as positions in the optimizer's list, in memory order.
        key: the value of `key` that these parameters share (see `FlatParameters.runs`).
        ids: the rows of a table that the gradients belong to, see `FlatParameters.table`; or None.
    """

    __slots__ = ("gradients", "ids", "indices", "key", "states", "values")

    def __init__(
        self,
        values: Tensor,
        gradients: Tensor,
        states: tuple[Tensor, ...],
        indices: list[int],
        key: Any,
        ids: Tensor | None = None,
    ) -> None:
        self.values = values
        self.gradients = gradients
        self.states = states
        self.indices = indices
        self.key = key
        self.ids = ids


class FlatParameters:
    """Parameters with their gradients and optimizer states in flat buffers.

    Parameters that lie in no buffer yet are moved into a new one, in the given order. They keep
    their identity and values, but point at new memory. `backward()` writes their gradients into
    the gradient buffer.

    Args:
        parameters: float32 tensors that are leaves.
        who: the optimizer's name, for error messages.

    Raises:
        TypeError: a parameter isn't a float32 tensor.
        ValueError: a parameter is given twice or is not a leaf, or there is none.

    Example:
        >>> w, b = nn.Parameter(fastdl.zeros(2, 3)), nn.Parameter(fastdl.zeros(3))
        >>> flat = FlatParameters([w, b], "SGD")
        >>> [run.indices for run in flat.runs()]
        [[0, 1]]
    """

    def __init__(self, parameters: Sequence[Tensor], who: str) -> None:
        self.parameters = list(parameters)
        _check(self.parameters, who)
        self._places: list[tuple[_Buffer, int]] = []
        self.homes: list[Tensor] = []
        writes = _core.writes_in_place()
        try:
            self._gather()
        finally:
            _core.set_writes_in_place(writes)  # moving values changes none
        order: dict[_Buffer, int] = {}
        for buffer, _ in self._places:
            order.setdefault(buffer, len(order))
        self._memory_order = sorted(
            range(len(self.parameters)),
            key=lambda i: (order[self._places[i][0]], self._places[i][1]),
        )
        self._state_offsets = [0] * len(self.parameters)
        self._state_size = 0
        for i in self._memory_order:
            self._state_offsets[i] = self._state_size
            self._state_size += _padded(self.parameters[i].numel())
        self.states: list[Tensor] = []
        # Counts the parameters that got another place. Runs made before that are stale.
        self.moves = 0
        # No parameter has moved since this was read.
        self._layout = _core.layout_version()

    def _gather(self) -> None:
        """Finds each parameter's place. Those without one are moved into a new buffer."""
        found = [_find(p) or _stays(p) for p in self.parameters]
        size = sum(
            _padded(p.numel()) for p, place in zip(self.parameters, found, strict=True) if not place
        )
        buffer = _Buffer(size)
        offset = 0
        for parameter, place in zip(self.parameters, found, strict=True):
            if place is None:
                place = buffer, offset
                self.homes.append(_move(parameter, *place))
                offset += _padded(parameter.numel())
            else:
                self.homes.append(_settle(parameter, *place))
            self._places.append(place)
        if size:
            _buffers.add(buffer)
        _core.empty_cache()  # frees the memory that the parameters left

    def add_state(self, initial: float = 0.0) -> Tensor:
        """A new state buffer filled with `initial`. Runs made from now on have a view of it."""
        state = _core.full((self._state_size,), "float32", initial)
        self.states.append(state)
        return state

    def state_of(self, state: Tensor, index: int) -> Tensor:
        """The part of a state buffer that belongs to a parameter, in the parameter's shape."""
        return state._view(self.parameters[index].shape, self._state_offsets[index])

    def at_home(self) -> bool:
        """Whether all parameters and gradients lie in their places, as they usually do."""
        return self._layout == _core.layout_version() and all(
            map(is_, map(_gradient_of, self.parameters), self.homes)
        )

    def bring_home(self, gradients: Sequence[Tensor | None]) -> tuple[bool, ...]:
        """Copies gradients that lie elsewhere into place.

        Parameters that point at other memory (`parameter.data = ...`) are moved back with their
        new values. They stay there if others see that memory; then `moves` counts up.

        Returns:
            For each parameter, whether it has a gradient.

        Raises:
            ValueError: a gradient has another shape than its parameter.
        """
        self.take_back()
        for i, (gradient, home) in enumerate(zip(gradients, self.homes, strict=True)):
            if gradient is not None and gradient is not home:
                if tuple(gradient.shape) != home.shape:
                    raise ValueError(
                        f"gradient of parameter {i}: expected shape {home.shape}, "
                        f"got {tuple(gradient.shape)}"
                    )
                F.assign_(home, gradient.detach())
        return tuple(gradient is not None for gradient in gradients)

    def take_back(self) -> None:
        """Moves parameters that point at other memory back, or makes that memory their place."""
        if self._layout == _core.layout_version():
            return
        for i, (parameter, home) in enumerate(zip(self.parameters, self.homes, strict=True)):
            if parameter.shape != home.shape:
                raise RuntimeError(
                    f"parameter {i} had shape {home.shape} and has {parameter.shape} now: make a "
                    "new optimizer"
                )
        for i, (parameter, (buffer, offset)) in enumerate(
            zip(self.parameters, self._places, strict=True)
        ):
            if buffer.offset_of(parameter) != offset:
                place = _find(parameter)
                if place is None or place in self._places:  # of another parameter, tied to this
                    place = _stays(parameter)
                if place is not None:
                    _settle(parameter, *place)
                    parameter._set_data(parameter.detach())  # a step being recorded is dropped
                elif buffer.others_see:  # they keep the old values
                    place = _Buffer(parameter.numel()), 0
                    _buffers.add(place[0])
                    _move(parameter, *place)
                else:
                    _move(parameter, buffer, offset)
                if place is not None:
                    self._places[i] = place
                    self.moves += 1
            place_of_gradient = parameter._grad_home
            assert place_of_gradient is not None
            self.homes[i] = place_of_gradient
        self._layout = _core.layout_version()

    def drop_gradients(self) -> None:
        """Sets the parameters' gradients to None.

        The next `backward()` writes into the buffer. Gradients that are still referenced
        (`kept = w.grad`) therefore get memory of their own and keep their values.
        """
        if max(map(getrefcount, self.homes)) > _ALONE:
            for i, count in enumerate(map(getrefcount, self.homes)):
                if count > _ALONE:
                    self._hand_over(i)
        for parameter in self.parameters:
            parameter.grad = None

    def _hand_over(self, index: int) -> None:
        kept, parameter = self.homes[index], self.parameters[index]
        buffer, offset = self._places[index]
        kept._set_data(F.copy(kept))
        parameter._grad_home = buffer.gradients._view(parameter.shape, offset)
        self.take_back()

    def runs(
        self,
        selected: Sequence[bool] | None = None,
        key: Callable[[int], Any] = lambda index: None,
    ) -> list[Run]:
        """The longest contiguous stretches of the selected parameters (None: all).

        A stretch ends where `key(index)` changes. Parameters with different keys are updated
        differently.
        """
        stretches: list[tuple[Any, list[int]]] = []
        for i in self._memory_order:
            if selected is not None and not selected[i]:
                continue
            this = key(i)
            if stretches and stretches[-1][0] == this and self._follows(stretches[-1][1][-1], i):
                stretches[-1][1].append(i)
            else:
                stretches.append((this, [i]))
        return [self._run(indices, this) for this, indices in stretches]

    def part(self, index: int, first: int, count: int, memory: Tensor, key: Any) -> Run:
        """Some rows of a matrix, with their gradients at the start of `memory`."""
        buffer, start = self._places[index]
        width = self.parameters[index].shape[1]
        shape = (count * width,)
        state_start = self._state_offsets[index] + first * width
        return Run(
            buffer.values._view(shape, start + first * width),
            memory._view(shape, 0),
            tuple(state._view(shape, state_start) for state in self.states),
            [index],
            key,
        )

    def table(self, index: int, ids: Tensor, gradients: Tensor, key: Any) -> Run:
        """A matrix, with gradients of the rows that `ids` name. All views have its shape."""
        buffer, start = self._places[index]
        values = buffer.values._view(self.parameters[index].shape, start)
        states = tuple(self.state_of(state, index) for state in self.states)
        return Run(values, gradients, states, [index], key, ids)

    def _follows(self, first: int, second: int) -> bool:
        buffer, offset = self._places[first]
        end = offset + _padded(self.parameters[first].numel())
        state_end = self._state_offsets[first] + _padded(self.parameters[first].numel())
        return self._places[second] == (buffer, end) and self._state_offsets[second] == state_end

    def _run(self, indices: list[int], key: Any) -> Run:
        buffer, start = self._places[indices[0]]
        last = indices[-1]
        shape = (self._places[last][1] + self.parameters[last].numel() - start,)
        state_start = self._state_offsets[indices[0]]
        return Run(
            buffer.values._view(shape, start),
            buffer.gradients._view(shape, start),
            tuple(state._view(shape, state_start) for state in self.states),
            indices,
            key,
        )


def _check(parameters: Sequence[object], who: str) -> None:
    if not parameters:
        raise ValueError(f"{who}: expected at least one parameter, got none")
    seen: set[int] = set()
    for i, parameter in enumerate(parameters):
        if not isinstance(parameter, Tensor):
            raise TypeError(
                f"{who}: parameter {i}: expected a tensor, got {type(parameter).__name__}"
            )
        if parameter.dtype != "float32":
            raise TypeError(f"{who}: parameter {i}: expected float32, got {parameter.dtype}")
        if not parameter.is_leaf:
            raise ValueError(
                f"{who}: parameter {i}: expected a leaf, got a tensor that was computed from others"
            )
        if id(parameter) in seen:
            raise ValueError(f"{who}: parameter {i}, of shape {parameter.shape}, is given twice")
        seen.add(id(parameter))


def _find(parameter: Tensor) -> tuple[_Buffer, int] | None:
    if parameter._grad_home is not None:
        for buffer in _buffers:
            offset = buffer.offset_of(parameter)
            if offset is not None:
                return buffer, offset
    return None


def _stays(parameter: Tensor) -> tuple[_Buffer, int] | None:
    """A buffer over the parameter's own memory, if others see it and it may be written."""
    if not parameter._memory_is_shared or parameter._memory_is_read_only:
        return None
    buffer = _Buffer(parameter.numel(), parameter._view((parameter.numel(),), 0))
    _buffers.add(buffer)
    return buffer, 0


def _move(parameter: Tensor, buffer: _Buffer, offset: int) -> Tensor:
    """Moves a parameter into a buffer. Returns the place of its gradient there."""
    values = buffer.values._view(parameter.shape, offset)
    F.assign_(values, parameter.detach())
    parameter._set_data(values)
    return _settle(parameter, buffer, offset)


def _settle(parameter: Tensor, buffer: _Buffer, offset: int) -> Tensor:
    """Gives a parameter the place of its gradient in the buffer that holds its values."""
    home = parameter._grad_home
    place = buffer.gradients._offset + offset
    if home is None or not home._shares_storage(buffer.gradients) or home._offset != place:
        home = buffer.gradients._view(parameter.shape, offset)
    parameter._grad_home = home
    gradient = parameter.grad
    if gradient is not None and gradient is not home:
        F.assign_(home, gradient.detach())
        parameter.grad = home
    if hasattr(parameter, "__dict__"):
        parameter.__dict__["_flat_buffer"] = buffer
    return home
