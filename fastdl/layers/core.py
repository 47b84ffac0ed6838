"""Dense, Activation and the layers that apply a plain function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, activations, constraints, initializers, regularizers
from .._base import functional as F
from .._base import tree
from .._base.checks import check_callable, check_flag, check_integer, shown
from .._base.parameter import Parameter
from .._base.registry import LAYERS, custom_object_scope
from .._base.settings import settings
from .._core import Tensor
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Kwargs, Shape, Shapes
    from .._core import TensorLike
    from .options import LayerOptions, PlainOptions


@LAYERS.register
class Dense(Layer):
    """`activation(x @ kernel + bias)` along the last axis: `(..., in)` to `(..., units)`.

    Args:
        units: size of the output, at least 1.
        activation: name, function or layer; none unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel `(in, units)`; "glorot_uniform" unless given.
        bias_initializer: of the bias `(units,)`; "zeros" unless given.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections after each update.

    Raises:
        ValueError: `units` isn't a positive integer; an input with fewer than two axes, of unknown
            last size, or of another last size than the first one.

    Source: `keras.layers.Dense` of Keras 3.

    Example:
        >>> layers.Dense(3, activation="relu")(np.ones((2, 4))).shape
        (2, 3)
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Identifier = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        who = type(self).__name__
        self.units = check_integer(who, "units", units, 1)
        self.activation = activation
        self.use_bias = check_flag(who, "use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer, f"{who}: kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, f"{who}: bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, f"{who}: kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, f"{who}: bias_regularizer")
        self.kernel_constraint = constraints.get(kernel_constraint, f"{who}: kernel_constraint")
        self.bias_constraint = constraints.get(bias_constraint, f"{who}: bias_constraint")
        self.bias: Parameter | None = None
        self.input_spec = InputSpec(min_ndim=2)

    @property
    def activation(self) -> Callable[..., Tensor]:
        """The function applied to the output; set it to a name or a function."""
        return self._activation

    @activation.setter
    def activation(self, value: Identifier) -> None:
        self._activation = activations.get(value, f"{type(self).__name__}: activation")
        self._fused = activations.fused_name(self._activation)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"the last axis of the input must be known, got shape {input_shape}")
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Tensor) -> Tensor:
        y = F.linear(
            inputs,
            self.kernel,
            bias=self.bias,
            activation=self._fused or "",
            precision=self._dtype_policy._precision,
        )
        return y if self._fused is not None else self._activation(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    @classmethod
    def from_config(cls, config: Config) -> Dense:
        keras_only = ("lora_rank", "lora_alpha", "quantization_config")
        return cls(**{key: value for key, value in config.items() if key not in keras_only})


class Elementwise(Layer):
    """Base of layers whose output has the shape of their input, and its mask."""

    supports_masking = True
    _stateless = True  # those with weights define build()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)


@LAYERS.register
class Activation(Elementwise):
    """Applies an activation function, given as name, function or layer.

    Example:
        >>> layers.Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, activation: Identifier, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation, "Activation: activation")

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def get_config(self) -> Config:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


@LAYERS.register
class Identity(Elementwise):
    """Returns its input."""

    _takes_several = True
    _keeps_dtype = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tree.map_shapes(tuple, input_shape)


@LAYERS.register
class Rescaling(Layer):
    """`x * scale + offset`, as floats: for images of bytes.

    Args:
        scale, offset: numbers, or lists with one number for each size of the last axis; with
            `set_image_data_format("channels_first")` that of the channels of images, the third
            from the end.

    Example:
        >>> layers.Rescaling(1 / 255)(np.array([[0, 255]], np.uint8)).tolist()
        [[0.0, 1.0]]
    """

    supports_masking = True

    def __init__(
        self, scale: TensorLike, offset: TensorLike = 0.0, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.scale = _checked_factor("scale", scale)
        self.offset = _checked_factor("offset", offset)
        self._channels_first = settings.data_format == "channels_first"

    def build(self, input_shape: Shape) -> None:
        first = self._channels_first and len(input_shape) > 2
        size = input_shape[-3 if first else -1] if input_shape else 1
        for argument, value in (("scale", self.scale), ("offset", self.offset)):
            sizes = getattr(_factor(value), "shape", ())
            if sizes and size is not None and sizes[0 if first else -1] not in (1, size):
                raise ValueError(
                    f"{argument}: expected a number or {size} of them for inputs of shape "
                    f"{input_shape}, got {shown(value)}"
                )

    def call(self, inputs: Tensor) -> Tensor:
        x = F.cast(inputs, dtype=np.float32)
        factors = [_factor(self.scale), _factor(self.offset)]
        if self._channels_first and inputs.ndim > 2:
            factors = [_for_channels(factor) for factor in factors]
        return x * factors[0] + factors[1]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> Config:
        plain = {"scale": _plain(self.scale), "offset": _plain(self.offset)}
        return {**super().get_config(), **plain}


def _checked_factor(argument: str, value: TensorLike) -> TensorLike:
    try:
        tensor = _core.as_tensor(value)
    except (TypeError, ValueError):
        tensor = None
    if tensor is None or not tensor.numel() or tensor.dtype == "bool":
        raise ValueError(f"Rescaling: {argument}: expected numbers, got {shown(value)}")
    return value


def _factor(value: TensorLike) -> float | Tensor:
    return value if isinstance(value, (int, float)) else _core.as_tensor(value)


def _for_channels(factor: float | Tensor) -> float | Tensor:
    """A list of numbers in a shape for images with channels first."""
    if not isinstance(factor, Tensor) or not factor.ndim:
        return factor
    return F.reshape(factor, shape=(*factor.shape, *(1,) * (3 - factor.ndim)))


def _plain(value: TensorLike) -> Any:
    """A number or numbers, for a config."""
    array = isinstance(value, (Tensor, np.ndarray, np.generic))
    return value.tolist() if array else value  # type: ignore[union-attr]


@LAYERS.register
class Lambda(Layer):
    """Applies a function of tensors; for computations without weights.

    Args:
        function: takes the input (a tensor or a structure of tensors), and `training` or `mask`
            if it has such an argument.
        output_shape: shape of the output without the batch axis, or a function of the input shape;
            inferred by a run on zeros unless given.
        mask: the mask of the output: a function of the input and its mask, or an array. Without it
            the output has no mask.
        arguments: further keyword arguments for the function.

    Raises:
        TypeError: `function` can't be called.
        ValueError: `arguments` is no dict of keyword arguments.

    Example:
        >>> layers.Lambda(lambda x: x * 2)(np.ones((1, 2))).tolist()
        [[2.0, 2.0]]
    """

    _takes_several = True
    _rebinds = True  # the function is the user's
    arguments: Kwargs
    _output_shape: Shapes | Callable[..., Shapes] | None

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Shapes | Callable[..., Shapes] | None = None,
        mask: Callable[[Any, Any], Any] | TensorLike | None = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        check_callable("Lambda", "function", function)
        import inspect

        self.function = function
        self.supports_masking = mask is not None
        try:
            self.mask = mask if mask is None or callable(mask) else _core.as_tensor(mask)
        except (TypeError, ValueError):
            raise ValueError(
                f"Lambda: mask: expected a function or an array, got {shown(mask)}"
            ) from None
        try:
            named: dict[Any, Any] = {} if arguments is None else dict(arguments)
        except (TypeError, ValueError):
            named = {0: arguments}
        if not all(isinstance(name, str) for name in named):
            raise ValueError(
                f"Lambda: arguments: expected a dict of keyword arguments, got {shown(arguments)}"
            )
        self.__dict__["arguments"] = named
        self.__dict__["_output_shape"] = output_shape
        taken = inspect.signature(function).parameters
        self._takes_training, self._takes_mask = "training" in taken, "mask" in taken

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        named = self.arguments
        if self._takes_mask:
            named = {**named, "mask": mask}
        if self._takes_training:
            named = {**named, "training": training}
        return self.function(inputs, **named)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        own: Any = self.mask
        return own(inputs, mask) if callable(own) else own

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return self._infer_output_spec(args, kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self._output_shape
        if given is None:
            return super().compute_output_shape(input_shape)
        if callable(given):
            return given(input_shape)
        first = input_shape if tree.is_shape(input_shape) else tree.flatten(input_shape)
        batch = first[0]
        return tree.map_shapes(lambda sizes: (batch, *sizes), given)

    def get_config(self) -> Config:
        named = getattr(self.function, "_registered_name", None)
        config = {
            **super().get_config(),
            "function": named or self.function,
            "output_shape": self._output_shape,
            "arguments": dict(self.arguments),
        }
        if self.mask is not None:
            named = getattr(self.mask, "_registered_name", None)
            config["mask"] = self.mask if callable(self.mask) else self.mask.tolist()
            config["mask"] = named or config["mask"]
        return config

    @classmethod
    def from_config(
        cls,
        config: Config,
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Lambda:
        """The layer that `get_config` described.

        Args:
            config: its arguments; functions as they are, or by their registered names.
            custom_objects: functions by their names.
            safe_mode: None, True or False, without an effect: no config has code in it.
        """
        if safe_mode is not None:
            check_flag("Lambda.from_config", "safe_mode", safe_mode)
        if custom_objects:
            with custom_object_scope(custom_objects):
                return cls.from_config(config)
        functions = {
            key: activations.get(config[key])
            for key in ("function", "mask")
            if isinstance(config.get(key), str)
        }
        return cls(**{**config, **functions})
