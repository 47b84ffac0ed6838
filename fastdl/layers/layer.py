"""Layer: the base class of Keras-style layers and models. An `nn.Module` that builds itself.

The file is long because a call, its masks and its losses depend on each other.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import regularizers
from .._base import tree
from .._base.checks import check_count, check_shape, shown
from .._base.context import context
from .._base.dtype_policy import DTypePolicy, policy_from
from .._base.notices import warn_once
from .._base.registry import LAYERS, snake_case, unique_name
from .._base.scopes import get_stateless_scope
from .._base.tracebacks import shortened
from .._base.watch import current
from .._core import Tensor, has_mask, set_rebinding
from .._graph.calls import (
    NAMED_ERRORS,
    Signature,
    argument_shapes,
    convert,
    name_error,
    shape_of,
    signature_of,
    trial,
)
from .._graph.masks import fill_masks, first_argument, has_masks, masks_of, with_masks
from .._graph.symbolic import KerasTensor, Node, infer, symbolic_leaves
from ._config import ConstructorSignature, has_own_config, plain_config
from ._stateless import StatelessCalls
from .input_spec import check_inputs, check_single

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from numpy.typing import DTypeLike
    from typing_extensions import Self, Unpack

    from .._base.registry import Identifier
    from .._base.types import Args, Config, Kwargs, Tensors
    from .options import InputOptions

_FLOAT32 = np.dtype("float32")
_ERRORS = (*NAMED_ERRORS, KeyError, AttributeError)


@LAYERS.register_base
class Layer(StatelessCalls):
    """A computation with weights, which are made when the shape of the first input is known.

    A subclass defines `call(self, inputs, ...)` and, when it has weights, `build(self,
    input_shape)` with `self.add_weight(...)`. Weights, layers, lists and dicts of them that are
    assigned to attributes are tracked. `call` may take `training` and `mask`. `training` says
    whether the model is being fitted; a layer hands it on to the layers that it calls. `mask` is
    the mask of the input, None if it has none (`compute_mask` and `supports_masking` say which mask
    the output has). With several tensors `call` may take `x_mask` for an argument `x`.

    Every layer is an `nn.Module`: `parameters()`, `state_dict()` and `train()` work, Modules can be
    attributes of layers, and layers can be attributes of Modules.

    Args:
        activity_regularizer: penalty on the output (name, object or function), divided by the
            batch size and added to `losses`.
        trainable: whether training changes the weights.
        dtype: "float32", or "mixed_bfloat16" for products of operands rounded to bfloat16 (see
            `DTypePolicy`); by default the policy of `set_dtype_policy`.
        autocast: accepted, without an effect; float inputs are always float32.
        name: the class name in snake case, counted, unless given.
        input_shape, input_dim, batch_input_shape, batch_size: shape of the input (without the
            batch axis), for the first layer of a `Sequential`.

    Raises:
        ValueError: unsupported dtype, a name that isn't a string or contains "/".
        TypeError: unknown argument.

    Source: `keras.layers.Layer` of Keras 3.

    Example:
        >>> class Scale(layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    _defaults = True  # this get_config is not one that a subclass defines
    _taken: Signature | None = None  # what call() takes; read once per class
    _rebinds = False  # whether `x += y` within call() makes a new tensor, as Keras's tensors do
    _keeps_dtype = False  # whether the output has the input's element type, else float32
    _may_compute_again = True  # whether a `RematScope` has effect
    _takes_settings = False  # whether numbers and texts may be arguments by position
    _takes_several = False  # whether the first argument may be several tensors
    _builds = False  # whether the first call calls build()
    _stateless = False  # whether it never has weights or layers: it is built when it is made
    _generator_group = "seed_generator"  # where files of Keras have its random state
    # In files of Keras an attribute with a public property goes by the property's name.
    _public_names: ClassVar[dict[str, str]] = {}
    _input_shape_arg: tuple[int | None, ...] | None = None
    _batch_size_arg: int | None = None
    # Whether outputs have masks: those that compute_mask makes of the inputs'. Otherwise masks end.
    supports_masking = False
    _makes_masks = False  # whether compute_mask may return a mask for inputs that have none
    _masks_steps = True  # whether call() takes the mask of an input that has more axes than it
    activity_regularizer: Callable[[Tensor], Tensor] | None
    _inbound_nodes: list[Node]
    _losses: list[Tensor]  # of add_loss
    _losses_call: int  # the outermost call in which they were added
    _loss_layers: list[Layer]  # layers that added losses in this layer's outermost call
    _init_args: tuple[Args, Kwargs]

    __signature__ = ConstructorSignature()

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        layer = super().__new__(cls)
        layer.__dict__["_init_args"] = (args, kwargs)  # for get_config
        return layer

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            cls._taken = None
            cls._rebinds = not cls.__module__.startswith("fastdl.")
        if "compute_mask" in cls.__dict__:
            cls.supports_masking = cls.__dict__.get("supports_masking", True)
            cls._makes_masks = cls.__dict__.get("_makes_masks", True)
        if "build" in cls.__dict__:
            cls._builds = cls.__dict__.get("_builds", True)
            cls.build = _recorded(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Identifier = None,
        trainable: bool = True,
        dtype: DTypeLike | DTypePolicy | None = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Unpack[InputOptions],
    ) -> None:
        early = self.__dict__.copy()  # attributes that a subclass sets before this call
        super().__init__()
        kind = type(self).__name__
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"{kind}: name: expected a string without '/', got {shown(name)}")
        if not isinstance(trainable, bool):
            raise ValueError(f"{kind}: trainable: expected True or False, got {shown(trainable)}")
        name = name or unique_name(snake_case(kind))
        policy = _policy_of(dtype, kind)
        self.__dict__.update(
            name=name,
            built=self._stateless and not self._builds,
            autocast=autocast,
            input_spec=None,
            activity_regularizer=regularizers.get(
                activity_regularizer, f"{kind}: activity_regularizer"
            ),
            training=False,
            _trainable=trainable,
            _policy=policy,
            _dtype_policy=policy.of_layer(""),
            _inbound_nodes=[],
            _metrics=[],
            _losses=[],
            _losses_call=0,
            _loss_layers=[],
            _unassigned={},
            _build_shapes=None,
        )
        if context.remat is not None:
            context.remat.take_up(self)
        self._take_shape_arguments(kwargs)
        if kwargs:
            raise TypeError(f"{kind}: unknown argument {next(iter(kwargs))!r}")
        if len(early) > 1:  # there is "_init_args"
            for key, value in early.items():
                setattr(self, key, value)

    def _take_shape_arguments(self, kwargs: InputOptions) -> None:
        batch_size = kwargs.pop("batch_size", None)
        batch_shape = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
        shape = kwargs.pop("input_shape", None)
        input_dim = kwargs.pop("input_dim", None)
        kind = type(self).__name__
        check_count(kind, "batch_size", batch_size, 0)
        if batch_shape is not None:
            batch_shape = check_shape(kind, "batch_input_shape", batch_shape)
            if not batch_shape:
                raise ValueError(f"{kind}: batch_input_shape: expected at least one size, got ()")
            batch_size, shape = batch_shape[0], batch_shape[1:]
        if input_dim is not None:
            shape = (check_count(kind, "input_dim", input_dim, 0),)
        if shape is not None:
            shape = check_shape(kind, "input_shape", shape)
            self.__dict__.update(_input_shape_arg=shape, _batch_size_arg=batch_size)

    # --- building

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape; layers with weights define it."""
        self.built = True

    def _ensure_built(self, args: Args, kwargs: Kwargs) -> None:
        if not self._builds:  # the sublayers build themselves; the call sets `built` afterwards
            self.__dict__["_build_shapes"] = None
            return
        shapes = argument_shapes(self, args, kwargs)
        wanted = signature_of(self, "build")
        if len(wanted.names) == 1 or not wanted.required:
            self.build(next(iter(shapes.values()), None))
            return
        missing = [name for name in wanted.required if name not in shapes]
        if missing:
            call = signature_of(self, "call")
            absent = [n for n in call.required if n not in (*call.names[: len(args)], *kwargs)]
            if absent:
                raise TypeError(f"missing the argument {absent[0]!r} of call()")
            raise ValueError(
                f"build() takes {missing[0]!r}, but the arguments of call() give only the shapes "
                f"{list(shapes)}"
            )
        self.build(**{name: shapes[name] for name in wanted.names if name in shapes})

    def _end_first_call(self, args: Args, kwargs: Kwargs) -> None:
        """Notes the shape of the first call; none if it was for build() to do so."""
        noted: tuple[Any, ...] = ()
        if not self._builds:
            shapes = argument_shapes(self, args, kwargs)
            noted = ((next(iter(shapes.values()), None),), {})
        self.__dict__["_build_shapes"] = noted
        if not self.built:
            self.built = True

    # --- calling

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; every layer defines it."""
        raise self._without_call()

    def _without_call(self) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no call(self, inputs)")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """PyTorch's name for `call`."""
        return self.call(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        masked = self._makes_masks or has_mask(args)
        if kwargs or len(args) != 1 or type(args[0]) is not Tensor:
            try:
                args = tuple(convert(x) for x in self._arguments_of(args))
                kwargs = {key: convert(x) for key, x in kwargs.items()}
                check_single(self, args[0] if args else kwargs.get("inputs"))
                if len(args) > 1 and not self._takes_settings:
                    _check_positional(args)
            except NAMED_ERRORS as error:
                name_error(error, self)
                raise shortened(error)  # noqa: B904
            if symbolic_leaves(args, kwargs):
                return self._call_symbolic(args, kwargs)
            masked = masked or self._may_take_masks(args, kwargs)
        calls = context.__dict__  # the attributes one by one take as long as a small layer
        before = self._enter(calls, args, kwargs)
        rebinds = set_rebinding(True) if self._rebinds else None
        try:
            if not self.built or self.input_spec is not None:
                self._prepare(args, kwargs)
            if masked:
                outputs = self._call_with_masks(args, kwargs)
            else:
                outputs = self.call(*args, **kwargs)
            if self._build_shapes is None:
                self._end_first_call(args, kwargs)
            if self.activity_regularizer is not None:
                for output in tree.leaves(outputs):
                    loss = self.activity_regularizer(output)
                    self.add_loss(loss / (output.shape[0] or 1) if output.ndim else loss)
            return outputs
        except Exception as error:
            if isinstance(error, _ERRORS):
                name_error(error, self)
            raise shortened(error)  # noqa: B904
        finally:
            calls["root"], calls["training"], calls["scope"] = before
            if rebinds is not None:
                set_rebinding(rebinds)

    def _arguments_of(self, args: Args) -> Args:
        """The arguments of a call, as they are given. A model takes tables by their columns."""
        return args

    def _enter(
        self, calls: dict[str, Any], args: Args, kwargs: Kwargs
    ) -> tuple[Layer | None, bool | None, str]:
        """Makes this call the innermost one and returns the root, mode and path before it.

        The mode comes from the call's arguments, else from the calling layer, else from the
        layer itself.
        """
        scope = self._scope or self._first_scope()  # or the error that __init__() did not run
        root, outer, _ = before = calls["root"], calls["training"], calls["scope"]
        taken = self._taken or self._read_signature()
        training = kwargs.pop("training", None) if kwargs else None
        place = taken.training_index
        positional = place is not None and len(args) > place
        if positional:
            training = args[place]  # type: ignore[index]
        if training is None:
            training = outer
            if training is None:
                training = taken.default_training
                if training is None:
                    training = self.training
        if taken.training and not positional:
            kwargs["training"] = training
        if kwargs and not taken.mask and kwargs.get("mask", self) is None:
            del kwargs["mask"]
        if self._foreign:
            for module in self._foreign:
                watch = current()
                if watch is not None:
                    watch.set_mode(module, bool(training))
                elif module.training != training:
                    module.train(bool(training))
        if root is None:
            calls["root"] = self
            calls["number"] += 1
            if self._loss_layers:
                self._clear_losses()
        calls["training"] = training
        calls["scope"] = scope
        return before

    def _read_signature(self) -> Signature:
        type(self)._taken = taken = Signature(self.call)
        return taken

    def _prepare(self, args: Args, kwargs: Kwargs) -> None:
        """Checks the first argument and builds the layer unless it is built."""
        if self.input_spec is not None and args:
            check_inputs(self.input_spec, args[0])
        if not self.built:
            self._ensure_built(args, kwargs)
            if self.input_spec is not None and args:  # build may have made it stricter
                check_inputs(self.input_spec, args[0])

    def _call_symbolic(self, args: Args, kwargs: Kwargs) -> Any:
        given = dict(kwargs)
        calls = context.__dict__
        before = self._enter(calls, args, kwargs)
        try:
            self._prepare(args, kwargs)
            outputs = self.spec_in_graph(args, kwargs)
        except Exception as error:
            if isinstance(error, _ERRORS):
                name_error(error, self)
            raise shortened(error)  # noqa: B904
        finally:
            calls["root"], calls["training"], calls["scope"] = before
        if self._build_shapes is None:
            self._end_first_call(args, kwargs)
        self.built = True
        self._clear_losses()
        Node(self, args, given, outputs)
        return outputs

    def spec_in_graph(self, args: Args, kwargs: Kwargs) -> Any:
        """The KerasTensors that a call on these KerasTensors returns, with their masks."""
        taken = self._taken or self._read_signature()
        given = dict(kwargs)
        called, masks = fill_masks(taken, args, given, self._masks_steps)
        accepted = signature_of(self, "compute_output_spec")
        if not accepted.takes_anything:
            names = (*kwargs, *accepted.names)
            given = {key: value for key, value in given.items() if key in names}
        outputs = self.compute_output_spec(*called, **given)
        if not (self._makes_masks or has_masks(masks)):
            return outputs
        inputs = first_argument(taken, args, kwargs)
        return self._with_masks(outputs, inputs, masks, self._infer_masks)

    def _infer_masks(self, inputs: Any, masks: Any) -> Any:
        with trial(self):
            return infer(self.compute_mask, (inputs, masks), {}, optional=True)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call on these KerasTensors returns."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return self._infer_output_spec(args, kwargs)
        shapes = argument_shapes(self, args, kwargs)
        wanted = signature_of(self, "compute_output_shape").names
        if len(wanted) > 1 and set(wanted) <= set(shapes):
            shape = self.compute_output_shape(**{name: shapes[name] for name in wanted})
        else:
            shape = self.compute_output_shape(next(iter(shapes.values())))
        dtype = symbolic_leaves(args, kwargs)[0].dtype if self._keeps_dtype else _FLOAT32
        return tree.map_shapes(lambda sizes: KerasTensor(sizes, dtype), shape)

    def _infer_output_spec(self, args: Args, kwargs: Kwargs) -> Any:
        with trial(self):
            return infer(self.call, args, kwargs)

    # --- masks

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The masks of the outputs.

        A layer defines it that makes masks or changes them; it then also gets unmasked inputs. For
        other layers that set `supports_masking` it is the mask of the inputs.

        Args:
            inputs: the first argument of the call.
            previous_mask: its masks, in the same structure; None for a tensor without one.

        Returns:
            A mask for each output, with None for no mask, or None for none at all.
        """
        return previous_mask

    def _may_take_masks(self, args: Args, kwargs: Kwargs) -> bool:
        """Whether a call has masks, or wants to know that its tensors have none."""
        if kwargs and (kwargs.get("mask") is not None or has_mask(kwargs)):
            return True
        taken = self._taken or self._read_signature()
        return taken.mask and (
            len(args) > taken.names.index("mask")
            or (self._wants_lists() and tree.is_nested(first_argument(taken, args, kwargs)))
        )

    def _wants_lists(self) -> bool:
        """Whether `call` takes a list of masks for a list of inputs, even if these have none."""
        return True

    def _call_with_masks(self, args: Args, kwargs: Kwargs) -> Any:
        taken = self._taken or self._read_signature()
        args, masks = fill_masks(taken, args, kwargs, self._masks_steps)
        inputs = first_argument(taken, args, kwargs)
        return self._with_masks(self.call(*args, **kwargs), inputs, masks, self.compute_mask)

    def _with_masks(
        self, outputs: Any, inputs: Any, masks: Any, compute: Callable[[Any, Any], Any]
    ) -> Any:
        """The outputs with their masks; those that `call` gave them stay."""
        if self.supports_masking:
            if all(mask is not None for mask in tree.leaves(masks_of(outputs))):
                return outputs
            found = compute(inputs, masks)
            return outputs if found is None else with_masks(outputs, found)
        if has_masks(masks) and self._ends_masks(outputs):
            warn_once(
                f"{self._kind} {self.name!r} ({type(self).__name__}) does not support masks: its "
                "output has none, so all steps count in the layers after it. A layer of your own "
                "hands the mask on with supports_masking = True"
            )
        return outputs

    def _ends_masks(self, outputs: Any) -> bool:
        """Whether the outputs have lost the inputs' masks, which gives a warning."""
        return not has_masks(masks_of(outputs))

    def may_give_masks(self) -> bool:
        """Whether outputs may have masks where inputs have none."""
        own = type(self).__module__.startswith("fastdl.")
        return self._makes_masks or bool(self._modules) or not own

    def callable_in_graph(self, told: bool, several: bool) -> tuple[Callable[..., Any], bool]:
        """The function that a model's graph calls, and whether it passes `training` to it.

        It is `call` itself where `__call__` would add nothing: the graph has checked the inputs
        and built the layer, and has no masks.

        Args:
            told: whether the node has a `training` argument already.
            several: whether the first argument is a structure.
        """
        taken = signature_of(self, "call")
        plain = (
            type(self).__call__ is Layer.__call__
            and not self._makes_masks
            and self.activity_regularizer is None
            and not self._foreign
            and not told
            and not (several and taken.mask and self._wants_lists())
        )
        if plain:
            return self.call, taken.training
        return self, not told

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for an input shape, with None for unknown sizes."""
        if type(self).call is Layer.call:
            raise self._without_call()
        inputs = [tree.map_shapes(KerasTensor, shape) for shape in args]
        named = {
            key.removesuffix("_shape"): tree.map_shapes(KerasTensor, shape)
            for key, shape in kwargs.items()
        }
        if len(args) == 0 and list(named) == ["input"]:
            inputs, named = [named["input"]], {}
        return shape_of(self._infer_output_spec(tuple(inputs), named))

    # --- losses

    def add_loss(self, loss: Tensors) -> None:
        """Adds a scalar tensor (or several) to `losses`; for use inside `call`.

        Raises:
            ValueError: it isn't a tensor.
        """
        if self._losses_call != context.number:
            self._losses.clear()
            self.__dict__["_losses_call"] = context.number
        scope = get_stateless_scope()
        for value in tree.leaves(loss):
            if not isinstance(value, Tensor):
                raise ValueError(f"add_loss takes tensors made in call(), got {value!r}")
            self._losses.append(value)
            if scope is not None and scope.collect_losses:
                scope.add_loss(value)
        root = context.root or self
        if not any(layer is self for layer in root._loss_layers):
            root._loss_layers.append(self)
        watch = current()
        if watch is not None and not any(layer is self for layer in watch.losses):
            watch.losses.append(self)

    @property
    def losses(self) -> list[Tensor]:
        """The losses that the last call added, here and in sublayers, and penalties of weights."""
        return self._losses_without(())

    def _losses_without(self, penalized: Container[int]) -> list[Tensor]:
        """`losses` without the penalties of some weights, given by their identity."""
        losses = [loss for layer in self._flatten_layers() for loss in layer._losses]
        # In a stateless call other values are in the places of the weights.
        weights = self._given or [(weight, weight) for weight in self.trainable_weights]
        for weight, value in weights:
            regularizer = getattr(weight, "regularizer", None)
            if regularizer is not None and id(weight) not in penalized:
                losses.append(regularizer(value))
        return losses

    def _clear_losses(self) -> None:
        for layer in self._loss_layers:
            layer._losses.clear()
        self._loss_layers.clear()

    # --- structure

    @property
    def input(self) -> KerasTensor | Any:
        """The symbolic input of the first call. AttributeError when there was none."""
        node = self._first_node("input")
        return node.inputs[0] if len(node.inputs) == 1 else node.args[0] if node.args else []

    @property
    def output(self) -> KerasTensor | Any:
        """The symbolic output of the first call. AttributeError when there was none."""
        return self._first_node("output").outputs_struct

    def _first_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"{self._kind} {self.name!r} has no {what}: it hasn't been called symbolically"
            )
        return self._inbound_nodes[0]

    # --- configuration

    def get_config(self) -> Config:
        """The arguments from which `from_config` rebuilds the layer.

        Raises:
            NotImplementedError: the constructor has arguments that are no plain values, and the
                class doesn't define get_config.
        """
        config: Config = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = _config_of(self._policy)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config if has_own_config(type(self)) else plain_config(self, config)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer, without weights yet, from what `get_config` returned.

        Raises:
            ConfigError: a value in it is wrong. It is a TypeError, as in Keras, and a ValueError.
        """
        try:
            return cls(**config)
        except ValueError as error:
            raise ConfigError(*error.args) from None

    def get_build_config(self) -> Config | None:
        """The shapes that the layer was built for, for `build_from_config`; None if it isn't."""
        if not self.built or not self._build_shapes:
            return None
        args, kwargs = self._build_shapes
        if len(args) == 1 and not kwargs:
            return {"input_shape": args[0]}
        names = signature_of(self, "build").names
        return {"shapes_dict": {**dict(zip(names, args, strict=False)), **kwargs}}

    def build_from_config(self, config: Config) -> None:
        """Makes the weights for the shapes that `get_build_config` returned."""
        if "shapes_dict" in config:
            self.build(**config["shapes_dict"])
        elif config.get("input_shape") is not None:
            self.build(config["input_shape"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _check_positional(args: Args) -> None:
    """Settings of a call go by their names, as in Keras: by position they could be mistaken."""
    for i, x in enumerate(args):
        if isinstance(x, (bool, int, float, str)):
            raise ValueError(
                f"argument {i + 1} of the call: only tensors go by position, got {shown(x)}; give "
                "it by its name"
            )


class ConfigError(TypeError, ValueError):
    """A layer cannot be made from a config."""


def _recorded(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps a layer's build() so that it records that it ran, and for which shapes."""

    @functools.wraps(build)
    def recorded(self: Layer, *args: Any, **kwargs: Any) -> None:
        registries: tuple[dict[Any, Any], ...] = (
            self._parameters,
            self._buffers,
            self._modules,
            self._unassigned,
        )
        before = [dict(registry) for registry in registries]
        outside, inner = context.scope, self._building
        context.scope = self._scope or self._first_scope()
        self.__dict__["_building"] = True
        try:
            build(self, *args, **kwargs)
        except BaseException:  # also Ctrl-C: the next attempt must make the same weights
            for registry, content in zip(registries, before, strict=True):
                registry.clear()
                registry.update(content)
            raise
        finally:
            context.scope = outside
            self.__dict__["_building"] = inner
        self.__dict__.update(built=True, _build_shapes=(args, kwargs))

    return recorded


def _config_of(policy: DTypePolicy) -> str | Config:
    """The name of a policy, or the config of a map."""
    if type(policy) is DTypePolicy:
        return policy.name
    from .. import dtype_policies

    return dtype_policies.serialize(policy)


def _policy_of(dtype: DTypeLike | DTypePolicy | None, kind: str) -> DTypePolicy:
    try:
        if isinstance(dtype, dict):  # Keras's config of one
            from .. import dtype_policies

            return dtype_policies.get(dtype)
        return policy_from(dtype)
    except ValueError as error:
        where = f"{kind}: dtype" if isinstance(dtype, dict) else kind
        raise ValueError(f"{where}: {error}") from None
