"""Optimizer: the base class of the PyTorch-style optimizers."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.buffer import Uninitialized
from .._base.checks import check_flag, shown
from .._core import Tensor
from .._engine.flat import FlatParameters
from ._hooks import Hooked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    # "params" and options by name. Each optimizer has its own options, and users may add others.
    Group: TypeAlias = dict[str, Any]
    # Tensors, pairs of name and tensor, or groups.
    Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]

Loss = TypeVar("Loss")


# The options that are True, False or None.
_FLAGS = (
    *("amsgrad", "capturable", "centered", "decoupled_weight_decay", "differentiable"),
    *("foreach", "fused", "maximize", "nesterov"),
)


class _Engine:
    """A group's parameters in flat buffers, and the calls that update them."""

    __slots__ = (
        "calls",
        "complete",
        "counts",
        "counts_array",
        "flat",
        "hyper",
        "hyper_array",
        "indices",
        "moves",
        "options",
        "rate",
        "selected",
        "slots",
        "targets",
        "wanted",
    )

    def __init__(self, parameters: Sequence[Tensor], who: str) -> None:
        self.flat = FlatParameters(parameters, who)
        # The update ops read it: the learning rate and a factor of the gradient.
        self.hyper = _core.full((2,), "float32", 1.0)
        self.hyper_array: np.ndarray = self.hyper.numpy()
        self.rate: float | None = None
        # For each parameter the number of its steps.
        self.counts = _core.full((len(parameters),), "int64", 0)
        self.counts_array: np.ndarray = self.counts.numpy()
        # The existing states with their positions, and the states that the options need.
        self.slots: dict[str, int] = {}
        self.wanted: tuple[str, ...] = ()
        self.forget()

    def forget(self) -> None:
        """Drops the calls. The next step makes them anew."""
        self.selected: tuple[bool, ...] | None = None
        self.complete = False
        self.targets: list[tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]] = []
        self.options: tuple[object, ...] = ()  # those of `calls`
        self.calls: list[partial[None]] = []
        self.indices: list[int] = []
        self.moves = self.flat.moves

    def make_calls(
        self, rule: str, parameters: dict[str, float], l2: float, decay: float
    ) -> list[partial[None]]:
        """The calls that update the targets and count the step."""
        options = parameters, l2, decay
        if options != self.options:
            self.calls = [
                partial(
                    F.update_,
                    rule,
                    values,
                    gradients,
                    self.hyper,
                    step,
                    states,
                    parameters,
                    l2=l2,
                    decay=decay,
                )
                for values, gradients, step, states in self.targets
            ]
            counts = (
                [self.counts]
                if self.complete
                else [self.counts._view((1,), i) for i in self.indices]
            )
            self.calls += [partial(F.increment_, count) for count in counts]
            self.options = options
        return self.calls

    def set_rate(self, rate: float | Tensor) -> None:
        self.hyper_array[0] = rate
        # A tensor can change its value, so it is read in every step.
        self.rate = rate if isinstance(rate, float) else None


class Optimizer(Hooked):
    """Base class of the optimizers in `fastdl.optim`. Interface and numbers are PyTorch's.

    The parameters of a group are moved into one contiguous buffer, their gradients and states into
    other buffers. So a step is one pass over memory. `param_groups`, `state`, `state_dict()` and
    `load_state_dict()` are as in PyTorch. The tensors in `state` are views of the buffers.

    Args:
        params: tensors, `(name, tensor)` pairs, or groups: dicts with a list of them as "params"
            and options.
        defaults: the options of groups that don't set them.

    Raises:
        TypeError: `params` is a tensor, or an item of it isn't a float32 tensor.
        ValueError: there is no parameter, or one is given twice.
    """

    # The groups' options are compared before each replay. The rest follows from them.
    _bookkeeping = frozenset(("_engines", "state"))
    # Whether PyTorch's state has "step", and whether it exists before the first step.
    _has_step = True
    _state_from_start = False
    _slot_values: ClassVar[dict[str, str]] = {}  # the option with which a slot starts, else 0
    # PyTorch's states of one number each. All but the steps follow from them, see `_derived`.
    _scalars: ClassVar[tuple[str, ...]] = ("step",)
    # A rule of `_core.update_rules()`, and its names for PyTorch's slots.
    _rule: ClassVar[str]
    _states: ClassVar[dict[str, str]]

    def __init__(self, params: Params, defaults: Group) -> None:
        who = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(
                f"{who}: params: expected an iterable of tensors or dicts, got one tensor"
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        self._engines: list[_Engine] = []
        if not hasattr(params, "__iter__"):
            raise TypeError(
                f"{who}: params: expected an iterable of tensors or dicts, got {shown(params)}"
            )
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{who}: params: expected at least one parameter, got none")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Adds a group: a dict with "params" and options. Missing options come from `defaults`.

        Raises:
            TypeError: the group isn't a dict with "params", or a parameter isn't a float32 tensor.
            ValueError: it has no parameter, or a parameter is in another group already.
        """
        who = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(
                f"{who}: param_group: expected a dict with 'params', got "
                f"{type(param_group).__name__}"
            )
        group = dict(param_group)
        given = group["params"]
        entries = [given] if isinstance(given, Tensor) else list(given)
        if entries and isinstance(entries[0], tuple):
            group["param_names"] = [name for name, _ in entries]
            entries = [parameter for _, parameter in entries]
        if any(isinstance(parameter, Uninitialized) for parameter in entries):
            raise ValueError(
                f"{who}: params: a parameter of a lazy module has no shape yet; call the module "
                "with an input before"
            )
        for other in self.param_groups[:1]:
            if ("param_names" in group) != ("param_names" in other):
                raise ValueError(
                    f"{who}: params: expected names for the parameters of all groups or of none"
                )
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if any(id(parameter) in known for parameter in entries):
            raise ValueError(f"{who}: some parameters appear in more than one parameter group")
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        for name in _FLAGS:
            check_flag(who, name, group.get(name))
        if group.get("differentiable"):
            raise ValueError(f"{who}: differentiable: expected False, got True")
        if group.get("foreach") and group.get("fused"):
            raise ValueError(f"{who}: foreach and fused cannot be True together")
        group["params"] = entries
        self._check(group)
        engine = _Engine(entries, who)
        self.param_groups.append(group)
        self._engines.append(engine)
        if self._state_from_start:
            self._make_slots(engine, group)
            self._make_state(engine, range(len(entries)))

    # --- what a subclass defines

    def _check(self, group: Group) -> None:
        """Raises ValueError if an option is out of its range."""
        raise NotImplementedError

    def _slots(self, group: Group) -> tuple[str, ...]:
        """The names of the states that these options need."""
        raise NotImplementedError

    def _parameters(self, group: Group) -> dict[str, float]:
        """The rule's hyper-parameters."""
        raise NotImplementedError

    def _derived(self, group: Group, steps: int) -> dict[str, float]:
        """The numbers in PyTorch's state that follow from the number of steps."""
        return {}

    def _state_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a state of a parameter of this shape."""
        return shape

    # --- the step

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Sets the parameters' gradients to None, or fills them with zeros in place."""
        for engine in self._engines:
            if set_to_none:
                engine.flat.drop_gradients()
                continue
            for parameter in engine.flat.parameters:
                if parameter.grad is not None:
                    F.assign_(parameter.grad, 0.0)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Updates the parameters that have a gradient.

        Args:
            closure: computes the loss and its gradients anew, and returns the loss.

        Returns:
            The closure's result; None without a closure.
        """
        loss = None
        if closure is not None:
            before = _core.set_grad_enabled(True)
            try:
                loss = closure()
            finally:
                _core.set_grad_enabled(before)
        updates: list[partial[None]] = []
        for group, engine in zip(self.param_groups, self._engines, strict=True):
            if not (
                engine.complete and engine.flat.at_home() and self._slots(group) == engine.wanted
            ):
                self._select(engine, group)
            if not engine.targets:
                continue
            if group["lr"] is not engine.rate:
                engine.set_rate(group["lr"])
            engine.hyper_array[1] = -1.0 if group.get("maximize") else 1.0
            updates += self._updates(engine, group)
        # Python handles signals only between its own instructions. The updates run without any, so
        # Ctrl-C leaves weights, states and counts as before or after a whole step.
        any(map(partial.__call__, updates))  # all return None, so this is a loop in C
        return loss

    def _updates(self, engine: _Engine, group: Group) -> list[partial[None]]:
        """The calls of a step for the selected parameters of a group."""
        decay = group.get("weight_decay", 0.0)
        l2, decay = (0.0, decay) if group.get("decoupled_weight_decay") else (decay, 0.0)
        return engine.make_calls(self._rule, self._parameters(group), l2, decay)

    def _select(self, engine: _Engine, group: Group) -> None:
        """Makes the calls for the parameters that have a gradient now."""
        flat = engine.flat
        selected = flat.bring_home([parameter.grad for parameter in flat.parameters])
        self._make_slots(engine, group)
        if flat.moves != engine.moves:
            engine.forget()
        if selected == engine.selected:
            return
        engine.selected = selected
        engine.complete = all(selected)
        engine.indices = [i for i, chosen in enumerate(selected) if chosen]
        self._make_state(engine, engine.indices)
        # Parameters with different numbers of steps are updated by different calls.
        runs = flat.runs(selected, key=engine.counts_array.__getitem__)
        engine.options = ()
        engine.targets = [
            (
                run.values,
                run.gradients,
                engine.counts._view((), run.indices[0]),
                {self._states[slot]: run.states[engine.slots[slot]] for slot in engine.wanted},
            )
            for run in runs
        ]

    def _make_slots(self, engine: _Engine, group: Group) -> None:
        wanted = self._slots(group)
        if wanted != engine.wanted:
            engine.wanted = wanted
            engine.forget()
        missing = [name for name in engine.wanted if name not in engine.slots]
        for name in missing:
            option = self._slot_values.get(name)
            engine.flat.add_state(float(group[option]) if option else 0.0)
            engine.slots[name] = len(engine.slots)
        if missing:
            for parameter in engine.flat.parameters:
                self.state.pop(parameter, None)

    def _make_state(self, engine: _Engine, indices: Iterable[int]) -> None:
        """Makes the entries of parameters in `state`."""
        flat = engine.flat
        for i in indices:
            parameter = flat.parameters[i]
            if not self.state[parameter]:
                entry: dict[str, Tensor] = {}
                if self._has_step:
                    entry["step"] = engine.counts._view((), i)
                for name, position in engine.slots.items():
                    entry[name] = flat.state_of(flat.states[position], i)
                self.state[parameter] = entry

    # --- saving

    def state_dict(self) -> dict[str, Any]:
        """State and options in PyTorch's layout. Parameters are numbered through all groups.

        Returns:
            A dict with "state" and "param_groups". The tensors share the optimizer's memory;
            `copy.deepcopy` makes a snapshot.
        """
        numbers: dict[int, int] = {}
        groups = []
        group_of: dict[int, Group] = {}
        for group in self.param_groups:
            group_of.update((id(p), group) for p in group["params"])
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(parameter)]: self._packed(entry, group_of[id(parameter)])
            for parameter, entry in self.state.items()
            if entry
        }
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def _packed(self, entry: dict[str, Tensor], group: Group) -> dict[str, Tensor]:
        if "step" not in entry:
            return entry
        numbers = {"step": float(entry["step"]), **self._derived(group, int(entry["step"]))}
        slots = {name: value for name, value in entry.items() if name != "step"}
        return {**{name: _core.tensor(value) for name, value in numbers.items()}, **slots}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Loads what `state_dict()` returned, here or in PyTorch.

        Raises:
            ValueError: the number or the sizes of the groups differ, or a shape. Nothing is
                changed then.
        """
        who = f"{type(self).__name__}.load_state_dict"
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in groups]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(
                f"{who}: expected parameter groups of {own} parameters, got groups of {sizes}"
            )
        loaded: list[list[dict[str, np.ndarray]]] = []
        for group, saved in zip(self.param_groups, groups, strict=True):
            entries = []
            for parameter, number in zip(group["params"], saved["params"], strict=True):
                entry = state_dict["state"].get(number, {})
                arrays = {k: np.asarray(v) for k, v in entry.items() if v is not None}
                for name, array in arrays.items():
                    if name in self._scalars:
                        continue
                    expected = self._state_shape(name, parameter.shape)
                    if array.shape != expected:
                        raise ValueError(
                            f"{who}: {name!r} of parameter {number}: expected shape {expected}, "
                            f"got {array.shape}"
                        )
                entries.append(arrays)
            loaded.append(entries)
        self.state.clear()
        for group, saved, engine, entries in zip(
            self.param_groups, groups, self._engines, loaded, strict=True
        ):
            group.update({name: value for name, value in saved.items() if name != "params"})
            self._restore(engine, group, entries)

    def _restore(self, engine: _Engine, group: Group, entries: list[dict[str, np.ndarray]]) -> None:
        self._make_slots(engine, group)
        engine.forget()
        flat = engine.flat
        for i, arrays in enumerate(entries):
            # PyTorch's SGD counts no steps. If there is a momentum, there was a first step.
            engine.counts_array[i] = int(arrays.get("step", bool(arrays)))
            for name, position in engine.slots.items():
                option = self._slot_values.get(name)
                initial = float(group[option]) if option else 0.0
                F.assign_(flat.state_of(flat.states[position], i), arrays.get(name, initial))
        self._make_state(engine, [i for i, arrays in enumerate(entries) if arrays])

    def __reduce__(self) -> tuple[object, ...]:
        """A copy is built anew, on the copies of the parameters."""
        return _rebuild, (type(self), self.param_groups, self.defaults, self.state_dict())

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _rebuild(
    cls: type[Optimizer],
    groups: list[Group],
    defaults: Group,
    state: dict[str, Any],
) -> Optimizer:
    optimizer = cls.__new__(cls)
    Optimizer.__init__(optimizer, groups, defaults)
    optimizer.load_state_dict(state)
    return optimizer
