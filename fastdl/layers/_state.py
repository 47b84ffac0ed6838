"""LayerState: the weights, sublayers and metrics of a layer, and how assignment registers them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .. import _core, constraints, initializers, regularizers
from .._base import functional as F
from .._base.checks import prefixed
from .._base.context import context, path_of
from .._base.dtype_policy import DTypePolicy, policy_from
from .._base.dtypes import as_dtype
from .._base.module import Module
from .._base.moving import is_integer
from .._base.parameter import Parameter
from .._base.random import Generator
from .._base.watch import about_to_change, noted_names
from .._core import Tensor
from ..random import SeedGenerator
from ._tracking import TrackedDict, TrackedList

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from numpy.typing import DTypeLike

    from .._base.registry import Identifier
    from .._core import TensorLike
    from ..metrics import Metric

    # The parameters of a module, or its buffers.
    Weights: TypeAlias = "dict[str, Parameter | None] | dict[str, Tensor | None]"

_FLOAT32 = np.dtype("float32")
_NO_STREAMS = ("_parameters", "_buffers", "_modules", "_inbound_nodes", "_init_args")


class _Unset:
    """What a layer has in the place of an attribute before `Layer.__init__` has run.

    An attribute of the class makes that of the layer slower, so these are ones that calls do not
    read.
    """

    def __get__(self, layer: object, kind: type) -> Any:
        if layer is None:
            return self
        raise RuntimeError(f"{kind.__name__}: its __init__() does not call super().__init__()")


class LayerState(Module):
    """An `nn.Module` with Keras's rules for its registries.

    Trained weights are its parameters, the others its buffers; both are `Parameter`s.
    Lists, tuples and dicts of weights and layers are tracked, too.
    """

    _kind = "layer"  # the word for it in messages
    _foreign: tuple[Module, ...] = ()  # submodules that are not layers; a call sets their mode
    _announced = Module._announced | {"_metrics", "_foreign"}
    # Each call replaces these, or only building and saving read them.
    _bookkeeping = Module._bookkeeping | frozenset(
        (
            "_build_shapes",
            "_building",
            "_compile_arguments",
            "_feature_names",
            "_fit_position",
            "_given",
            "_inbound_nodes",
            "_init_args",
            "_loss_layers",
            "_losses",
            "_losses_call",
            "_runners",
            "_scope",
            "_taken",
            "_unassigned",
        )
    )
    _trainable: bool
    _policy: DTypePolicy  # what `dtype` means: one policy, or a map by paths
    _dtype_policy: DTypePolicy  # that of this layer
    _metrics: list[Metric]
    _unassigned: dict[Tensor, str]  # weights of add_weight that aren't attributes yet
    name: str
    built: bool
    # Its path: its name, and those of the layers in whose call it was first built or called.
    _scope: str | None = None
    _building = False  # whether build() runs
    if not TYPE_CHECKING:
        name = _parameters = _modules = _Unset()

    # --- weights

    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer: Identifier = None,
        dtype: DTypeLike | None = None,
        *,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Identifier = None,
        constraint: Identifier = None,
        aggregation: str | None = "none",
        name: str | None = None,
    ) -> Parameter:
        """Makes a weight, tracks it and returns it.

        Args:
            shape: its shape; a scalar unless given.
            initializer: name, object, function or value; "glorot_uniform" unless given, "zeros"
                for integer types.
            dtype: float32 unless given.
            trainable: whether training changes it.
            autocast: accepted, without an effect; weights are always float32, and only products
                round them.
            aggregation: "none", "mean", "sum", "only_first_replica" or None; without an effect,
                since there is one device.
            regularizer: penalty added to `losses`.
            constraint: projection applied by `fit` after each update.
            name: "variable" unless given.

        Raises:
            ValueError: a size isn't known, the initializer gives another shape, aggregation is none
                of those, or `call` makes the weight: each call would make another one.
        """
        if isinstance(shape, str):  # Keras 2 had the name first
            raise ValueError(
                f"{self._kind} {self.name!r}: add_weight: shape: expected sizes, got {shape!r}; "
                f"give the name by its name: name={shape!r}"
            )
        if context.root is not None and context.scope == self._scope and not self._building:
            raise ValueError(
                f"{self._kind} {self.name!r}: call() makes the weight {name!r}, and would make "
                "another one each time; make it in __init__() or build()"
            )
        if aggregation not in (None, "none", "mean", "sum", "only_first_replica"):
            raise ValueError(
                f"{self._kind} {self.name!r}: aggregation of weight {name!r}: expected None, "
                f"'none', 'mean', 'sum' or 'only_first_replica', got {aggregation!r}"
            )
        sizes = (shape,) if is_integer(shape) else tuple(() if shape is None else shape)
        if any(size is None or size < 0 for size in sizes):
            raise ValueError(
                f"{self._kind} {self.name!r}: the shape of weight {name!r} must be known, got "
                f"{sizes}"
            )
        kind = as_dtype(self.dtype if dtype is None else dtype)
        if context.room is not None:
            value = self._without_values(sizes, kind, name)
        else:
            if initializer is None:
                initializer = "glorot_uniform" if kind == _FLOAT32 else "zeros"
            try:
                value = _core.as_tensor(initializers.get(initializer)(sizes, dtype=kind))
            except ValueError as error:
                raise ValueError(f"the initializer of weight {name!r}: {error}") from error
        if value.shape != sizes:
            raise ValueError(
                f"{self._kind} {self.name!r}: the initializer of weight {name!r} gave shape "
                f"{value.shape}, expected {sizes}"
            )
        label = name or "variable"
        weight = Parameter(
            F.cast(value, dtype=kind),
            trainable and kind == _FLOAT32,
            name=label,
            path=f"{self._scope or path_of(self.name)}/{label}",
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        registry: Weights = self._parameters if weight.requires_grad else self._buffers
        key = label
        while key in registry:
            key = f"{label}_{len(registry)}"
        registry[key] = weight
        self._unassigned[weight] = key
        if not self._trainable:
            weight.requires_grad = False
        if context.made is not None and not weight.requires_grad:
            context.made.append((weight, weight.numpy()))
        return weight

    def _without_values(
        self, sizes: tuple[int, ...], kind: np.dtype[Any], name: str | None
    ) -> Tensor:
        """The value of a weight that a file will overwrite. ValueError if the file has no room."""
        assert context.room is not None
        context.room -= math.prod(sizes) * kind.itemsize
        if context.room < 0:
            raise ValueError(
                f"{self._kind} {self.name!r}: weight {name!r} of shape {sizes} is larger than what "
                "the file has"
            )
        return _core.full(sizes, kind, 0.0)

    def _collect_weights(self, found: dict[Any, None]) -> None:
        for weight in (*self._parameters.values(), *self._buffers.values()):
            if weight is not None:
                found[weight] = None
        for module in self._modules.values():
            if isinstance(module, LayerState):
                module._collect_weights(found)
            elif module is not None:
                found.update(dict.fromkeys((*module.parameters(), *module.buffers())))

    @property
    def weights(self) -> list[Parameter]:
        """All weights, each once: this layer's trained ones, its others, then its sublayers'."""
        found: dict[Any, None] = {}  # a PyTorch module may have plain tensors as buffers
        self._collect_weights(found)
        return list(found)

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes; none where `trainable` is False."""
        return [w for w in self.weights if w.requires_grad] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Parameter]:
        """The other weights; all of them where `trainable` is False."""
        return [w for w in self.weights if not w.requires_grad] if self._trainable else self.weights

    trainable_variables = trainable_weights

    @property
    def variables(self) -> list[Parameter]:
        """The weights, then the states of the random streams in attributes (`SeedGenerator`)."""
        return [*self.weights, *self._seed_states()]

    @property
    def non_trainable_variables(self) -> list[Parameter]:
        """The weights that training leaves alone, then the states of the random streams."""
        return [*self.non_trainable_weights, *self._seed_states()]

    def _seed_states(self) -> list[Parameter]:
        return [s.state for s in self._streams() if isinstance(s, SeedGenerator)]

    def _streams(self) -> list[SeedGenerator | Generator]:
        """The random streams in attributes of this layer and of those below, each once."""
        found: dict[int, SeedGenerator | Generator] = {}

        def look(values: Iterable[object]) -> None:
            for value in values:
                if isinstance(value, (SeedGenerator, Generator)):
                    found[id(value)] = value
                elif isinstance(value, (list, tuple)):
                    look(value)
                elif isinstance(value, dict):
                    look(value.values())

        for layer in self._flatten_layers():
            # To look at all attributes takes time.
            ours = type(layer).__module__.startswith("fastdl.")
            look((layer.seed_generator,) if ours and hasattr(layer, "seed_generator") else ())
            if not ours:
                look(value for key, value in layer.__dict__.items() if key not in _NO_STREAMS)
        return list(found.values())

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for all sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        if value is not self._trainable:
            about_to_change(self, "_trainable")
            self.__dict__["_trainable"] = value
            _core.raise_epoch()
        for weight in self._parameters.values():
            if weight is not None:
                weight.requires_grad = value
        for module in self._modules.values():
            if isinstance(module, LayerState):
                module.trainable = value
            elif module is not None:
                module.requires_grad_(value)

    def _first_scope(self) -> str:
        """The path of the layer, which is that of its first call or build for good."""
        state = self.__dict__
        scope: str = path_of(self.name)
        state["_scope"], state["_dtype_policy"] = scope, self._policy.of_layer(scope)
        return scope

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights as arrays, in the order of `weights`."""
        return [np.array(weight.detach().numpy()) for weight in self.weights]

    def set_weights(self, weights: Sequence[TensorLike]) -> None:
        """Overwrites the weights with arrays in the order of `weights`: all of them or none.

        Raises:
            ValueError: another number of arrays, or one of another shape than its weight.
        """
        own = self.weights
        label = f"{self._kind} {self.name!r}"
        try:
            count = len(weights)
            if count != len(own):
                raise ValueError(f"expected {len(own)} arrays, got {count}")
            values = [_core.as_tensor(value) for value in weights]
        except (TypeError, ValueError) as error:
            raise prefixed(f"{label}: set_weights: weights", error) from None
        for weight, value in zip(own, values, strict=True):
            if weight.shape != value.shape:
                raise ValueError(
                    f"{label}: set_weights: weights: weight {getattr(weight, 'path', '')!r} has "
                    f"shape {weight.shape}, got an array of shape {value.shape}"
                )
        before = _core.set_grad_enabled(False)
        try:
            for weight, value in zip(own, values, strict=True):
                F.assign_(weight, value)
        finally:
            _core.set_grad_enabled(before)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: the layer has no weights yet because it hasn't been built.
        """
        if not self.built:
            raise ValueError(
                f"{self._kind} {self.name!r} isn't built yet: call it on data or build(input_shape)"
            )
        return sum(math.prod(weight.shape) for weight in self.weights)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        found: dict[LayerState, None] = {self: None} if include_self else {}

        def visit(layer: LayerState) -> None:
            for module in layer._modules.values():
                if isinstance(module, LayerState) and module not in found:
                    found[module] = None
                    if recursive:
                        visit(module)

        visit(self)
        return list(found)

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that are attributes of this layer or of those below."""
        return [metric for layer in self._flatten_layers() for metric in layer._metrics]

    @property
    def dtype(self) -> str:
        """The element type of weights, and of the tensors that the layer computes with."""
        return self._dtype_policy.variable_dtype

    compute_dtype = dtype
    variable_dtype = dtype
    input_dtype = dtype

    @property
    def dtype_policy(self) -> DTypePolicy:
        """How the layer multiplies matrices; set it to a policy or its name.

        A layer that was given a `DTypePolicyMap` returns that. A policy that is set goes into it,
        for the path of the layer.
        """
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: DTypeLike | DTypePolicy | None) -> None:
        path = self._scope or ""
        policy = self._policy.with_layer(path, policy_from(value))
        about_to_change(self, "_dtype_policy")
        self.__dict__["_policy"] = policy
        self.__dict__["_dtype_policy"] = policy.of_layer(path)
        _core.raise_epoch()

    def register_forward_hook(self, *_: object, **__: object) -> NoReturn:
        """Raises NotImplementedError: a functional model doesn't call its layers one by one."""
        raise NotImplementedError(
            "layers and models take no forward hooks; Model(model.inputs, layer.output) gives a "
            "layer's output"
        )

    register_forward_pre_hook = register_forward_hook
    register_full_backward_hook = register_backward_hook = register_forward_hook
    register_full_backward_pre_hook = register_forward_hook

    # --- attributes

    def __setattr__(self, name: str, value: object) -> None:
        state = self.__dict__
        if "_metrics" not in state:
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name) and _sets(type(self), name):
            about_to_change(self, name)
            object.__setattr__(self, name, value)
            if name in noted_names:
                _core.raise_epoch()
        else:
            old = state.get(name)
            same = old is value and name in state
            if not same:
                about_to_change(self, name)
            if name in state:
                self._forget(name)
            state[name] = self._track(name, value)
            # `model.history`, for one, changes with each `fit`, and no recorded step looks at it.
            if not same and (name in noted_names or _may_hold_weights(old, value)):
                _core.raise_epoch()

    def __delattr__(self, name: str) -> None:
        about_to_change(self, name)
        if name in self.__dict__:
            self._forget(name)
        object.__delattr__(self, name)
        _core.raise_epoch()

    def _track(self, name: str, value: Any) -> Any:
        """Registers the weights, layers and metrics in `value`; returns the value to store."""
        if isinstance(value, (int, float, str, np.ndarray, type(None))):
            return value
        if isinstance(value, Parameter):
            self._register_weight(name, value)
        elif isinstance(value, Module):
            self._modules[name] = value
            if not isinstance(value, LayerState):
                self.__dict__["_foreign"] = (*self._foreign, value)
        elif type(value) is list:
            return TrackedList(self, name, value)
        elif type(value) is dict:
            return TrackedDict(self, name, value)
        elif type(value) is tuple:
            return tuple(self._track(f"{name}.{i}", item) for i, item in enumerate(value))
        elif hasattr(value, "update_state") and hasattr(value, "reset_state"):
            self._metrics.append(value)
        return value

    def _register_weight(self, name: str, weight: Parameter) -> None:
        key = self._unassigned.pop(weight, None)
        if key is None:
            registry: Weights = self._parameters if weight.requires_grad else self._buffers
            registry[name] = weight
        elif key != name:  # the weight takes the attribute's name and keeps its position
            trained = any(weight is other for other in self._parameters.values())
            registry = self._parameters if trained else self._buffers
            items: list[Any] = [(name if k == key else k, v) for k, v in registry.items()]
            registry.clear()
            registry.update(items)

    def _forget(self, name: str) -> None:
        """Undoes the tracking of an attribute."""
        old = self.__dict__[name]
        if isinstance(old, (TrackedList, TrackedDict, tuple)):
            for item in list(old.values() if isinstance(old, dict) else old):
                self._untrack(item, f"{name}.")
        elif isinstance(old, (Tensor, Module)) or hasattr(old, "update_state"):
            self._untrack(old, name)

    def _untrack(self, item: object, prefix: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            for key in [k for k, v in registry.items() if v is item and k.startswith(prefix)]:
                del registry[key]
        self.__dict__["_metrics"] = [metric for metric in self._metrics if metric is not item]
        self.__dict__["_foreign"] = tuple(m for m in self._foreign if m is not item)


def _sets(kind: type, name: str) -> bool:
    """Whether a class has a property or another descriptor with a setter of this name."""
    member = next(c.__dict__[name] for c in kind.__mro__ if name in c.__dict__)
    return hasattr(member, "__set__")


def _may_hold_weights(*values: object) -> bool:
    """Whether some value is of a kind that `LayerState._track` registers."""
    kinds = (Tensor, Module, list, dict, tuple)
    return any(isinstance(v, kinds) or hasattr(v, "update_state") for v in values)
