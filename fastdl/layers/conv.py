"""Convolutions: Conv1D to Conv3D, transposed, depthwise and separable ones.

The file is long because four constructors spell all their arguments, for help() and editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import activations, constraints, initializers, regularizers
from .._base import convolutions, images
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, prefixed
from .._base.registry import LAYERS
from .._core import Tensor
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Unpack

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .options import PlainOptions

    Size = int | Sequence[int]


class _Convolution(Layer):
    """What all convolutions share: geometry, weights with their settings, bias and activation."""

    rank: ClassVar[int]
    # The kernels of the class, by the prefix of their settings.
    _kernels: ClassVar[tuple[str, ...]] = ("kernel",)

    def _setup(
        self,
        kernel_size: Size,
        strides: Size,
        padding: str,
        data_format: str | None,
        dilation_rate: Size,
        activation: Identifier,
        use_bias: bool,
        settings: dict[str, Identifier],
    ) -> None:
        """Checks the arguments that all classes have; `settings` are those of the weights."""
        who = type(self).__name__
        self.kernel_size = images.check_sizes(who, "kernel_size", kernel_size, self.rank)
        self.strides = images.check_sizes(who, "strides", strides, self.rank)
        self.dilation_rate = images.check_sizes(who, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{who}: strides, dilation_rate: only one of them can be above 1, got "
                f"{self.strides} and {self.dilation_rate}"
            )
        causal = self.rank == 1 and self._may_be_causal
        known = ("valid", "same", "causal") if causal else ("valid", "same")
        padding = padding.lower() if isinstance(padding, str) else padding
        self.padding = check_choice(who, "padding", padding, known)
        self.data_format = images.check_format(who, data_format)
        self.activation = activation
        self.use_bias = check_flag(who, "use_bias", use_bias)
        modules: dict[str, Any] = {
            "initializer": initializers,
            "regularizer": regularizers,
            "constraint": constraints,
        }
        for name, value in settings.items():
            kind = name.rpartition("_")[2]
            setattr(self, name, modules[kind].get(value, f"{who}: {name}"))
        self.bias: Parameter | None = None
        self.input_spec = InputSpec(ndim=self.rank + 2)

    _may_be_causal = True

    @property
    def activation(self) -> Callable[..., Tensor]:
        """The function applied to the output; set it to a name or a function."""
        return self._activation

    @activation.setter
    def activation(self, value: Identifier) -> None:
        self._activation = activations.get(value, f"{type(self).__name__}: activation")
        self._fused = activations.fused_name(self._activation)

    @property
    def _first(self) -> bool:
        """Whether the channels come before the spatial axes."""
        return self.data_format == "channels_first"

    def _channels(self, input_shape: Shape) -> int:
        axis = 1 if self._first else -1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"the number of channels (axis {axis}) must be known, got shape {input_shape}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_kernel(self, prefix: str, shape: tuple[int, ...], name: str) -> Parameter:
        try:
            return self.add_weight(
                shape,
                getattr(self, f"{prefix}_initializer"),
                regularizer=getattr(self, f"{prefix}_regularizer"),
                constraint=getattr(self, f"{prefix}_constraint"),
                name=name,
            )
        except ValueError as error:  # of the initializer
            raise prefixed(f"{prefix}_initializer", error) from None

    def _add_bias(self, filters: int) -> None:
        if self.use_bias:
            self.bias = self._add_kernel("bias", (filters,), "bias")

    def _convolved(self, x: Tensor, kernel: Tensor, groups: int) -> Tensor:
        """The convolution of a channels-last tensor with the layer's window."""
        return convolutions.convolved(
            x,
            kernel,
            self.strides,
            self.padding,
            self.dilation_rate,
            groups,
            precision=self._dtype_policy._precision,
            **self._ending(),
        )

    def _ending(self) -> dict[str, Any]:
        """What the last convolution of the layer does besides: bias and activation."""
        return {"bias": self.bias, "activation": self._fused or ""}

    def _activated(self, y: Tensor) -> Tensor:
        return y if self._fused is not None else self._activation(y)

    def call(self, inputs: Tensor) -> Tensor:
        try:
            return images.in_last(inputs, self.data_format, self._call_last)
        except ValueError:
            self.compute_output_shape(inputs.shape)  # says it in the layer's terms where sizes fail
            raise

    def _call_last(self, x: Tensor) -> Tensor:
        """The output for channels last."""
        raise NotImplementedError

    def _filters_out(self) -> int:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        spatial = input_shape[2:] if self._first else input_shape[1:-1]
        sizes = [
            size if size is None else self._size_out(i, size) for i, size in enumerate(spatial)
        ]
        for i, size in enumerate(sizes):
            if size is not None and size < 1:
                raise ValueError(self._misfit(i, tuple(input_shape), spatial[i]))
        channels = self._filters_out()
        batch = input_shape[0]
        return (batch, channels, *sizes) if self._first else (batch, *sizes, channels)

    def _reach(self, i: int) -> int:
        """The places from the first to the last one of the kernel along a spatial axis."""
        return convolutions.reach(self.kernel_size[i], self.dilation_rate[i])

    def _size_out(self, i: int, size: int) -> int:
        """The size of the output along a spatial axis; below 1 where the input is too small."""
        if self.padding == "valid":
            size -= self._reach(i) - 1
        return -(-size // self.strides[i])

    def _misfit(self, i: int, shape: Shape, size: int | None) -> str:
        """The message for an input that is too small along a spatial axis."""
        dilated = f" (dilation_rate {self.dilation_rate})" if max(self.dilation_rate) > 1 else ""
        hint = "; use a smaller kernel or padding='same'" if self.padding == "valid" else ""
        return (
            f"a kernel of {self._reach(i)} places{dilated} does not fit into the {size} of spatial "
            f"axis {i} of an input of shape {shape}{hint}"
        )

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        modules: dict[str, Any] = {
            "initializer": initializers,
            "regularizer": regularizers,
            "constraint": constraints,
        }
        for kind, module in modules.items():
            for prefix in (*self._kernels, "bias"):
                name = f"{prefix}_{kind}"
                config[name] = module.serialize(getattr(self, name))
        return config


class _Conv(_Convolution):
    """A convolution with a kernel of shape (*kernel_size, channels in of a group, filters)."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        groups: int = 1,
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
        self.filters = check_integer(who, "filters", filters, 1)
        self.groups = check_integer(who, "groups", groups, 1)
        if self.filters % self.groups:
            raise ValueError(
                f"{who}: filters, groups: {self.filters} filters do not divide into {self.groups} "
                "groups"
            )
        self._setup(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"groups: the {channels} channels of the input do not divide into {self.groups} "
                "groups"
            )
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters), "kernel"
        )
        self._add_bias(self.filters)

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution with the layer's settings, without bias and activation.

        A subclass may override it, or call it with a kernel of its own.
        """

        def convolved(x: Tensor) -> Tensor:
            return convolutions.convolved(
                x,
                kernel,
                self.strides,
                self.padding,
                self.dilation_rate,
                self.groups,
                precision=self._dtype_policy._precision,
            )

        return images.in_last(inputs, self.data_format, convolved)

    def call(self, inputs: Tensor) -> Tensor:
        if type(self).convolution_op is _Conv.convolution_op:
            return super().call(inputs)  # bias and activation in one pass with the convolution
        y = self.convolution_op(inputs, self.kernel)
        if self.bias is not None:
            axes = (1,) * self.rank
            y = F.add(y, F.reshape(self.bias, shape=(-1, *axes)) if self._first else self.bias)
        return self._activation(y)

    def _call_last(self, x: Tensor) -> Tensor:
        return self._activated(self._convolved(x, self.kernel, self.groups))

    def _filters_out(self) -> int:
        return self.filters

    def get_config(self) -> Config:
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


@LAYERS.register("Convolution1D")
class Conv1D(_Conv):
    """A convolution along one axis: (samples, steps, channels) to (samples, steps, filters).

    Args:
        filters: channels of the output.
        kernel_size: places of the kernel; a number, or one for each axis. So are:
        strides: steps between two places of the kernel.
        dilation_rate: steps between two places within the kernel. At most one of both above 1.
        padding: "valid" for none, "same" for as many outputs as inputs (divided by the strides), or
            (Conv1D) "causal": an output does not depend on later inputs.
        data_format: "channels_last", or "channels_first" for (samples, channels, steps).
        groups: channels and filters are divided into so many groups, each convolved on its own.
        activation: name, function or layer; none unless given.
        use_bias: whether there is a bias.
        kernel_initializer: of the kernel (*kernel_size, channels // groups, filters);
            "glorot_uniform" unless given.
        bias_initializer: of the bias (filters,); "zeros" unless given.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections after each update.

    Raises:
        ValueError: an argument is none of these, channels or filters do not divide into groups, or
            the kernel does not fit into the input.

    Source: `keras.layers.Conv1D` of Keras 3.

    Example:
        >>> layers.Conv1D(8, 3, activation="relu")(np.ones((2, 10, 4))).shape
        (2, 8, 8)
    """

    rank = 1


@LAYERS.register("Convolution2D")
class Conv2D(_Conv):
    """A convolution of images: (samples, height, width, channels) to (..., filters).

    Arguments and errors as for `Conv1D`, without "causal".

    Source: `keras.layers.Conv2D` of Keras 3.

    Example:
        >>> layers.Conv2D(8, 3, padding="same")(np.ones((2, 10, 12, 3))).shape
        (2, 10, 12, 8)
    """

    rank = 2


@LAYERS.register("Convolution3D")
class Conv3D(_Conv):
    """A convolution of volumes: (samples, depth, height, width, channels) to (..., filters).

    Arguments and errors as for `Conv1D`, without "causal".

    Source: `keras.layers.Conv3D` of Keras 3.

    Example:
        >>> layers.Conv3D(4, (1, 3, 3), strides=(1, 2, 2))(np.ones((2, 4, 9, 9, 3))).shape
        (2, 4, 4, 4, 4)
    """

    rank = 3


class _ConvTranspose(_Convolution):
    """The gradient of a convolution as a layer, with a kernel (*kernel_size, filters, channels)."""

    _may_be_causal = False

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        dilation_rate: Size = 1,
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
        self.filters = check_integer(who, "filters", filters, 1)
        self._setup(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
        )
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = images.check_sizes(
                who, "output_padding", output_padding, self.rank, 0
            )
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{who}: output_padding: expected numbers below strides {self.strides}, got "
                    f"{self.output_padding}"
                )

    def build(self, input_shape: Shape) -> None:
        channels = self._channels(input_shape)
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, self.filters, channels), "kernel"
        )
        self._add_bias(self.filters)

    def _call_last(self, x: Tensor) -> Tensor:
        y = convolutions.transposed(
            x,
            self.kernel,
            self.strides,
            self.padding,
            self.output_padding,
            self.dilation_rate,
            self._dtype_policy._precision,
        )
        if self.bias is not None:
            y = F.add(y, self.bias)
        return self._activation(y)

    def _size_out(self, i: int, size: int) -> int:
        extra = None if self.output_padding is None else self.output_padding[i]
        return convolutions.transposed_size(
            size, self.kernel_size[i], self.strides[i], self.dilation_rate[i], self.padding, extra
        )

    def _misfit(self, i: int, shape: Shape, size: int | None) -> str:
        return (
            f"no output is left along spatial axis {i} of an input of shape {shape}, with "
            f"kernel_size {self.kernel_size}, padding {self.padding!r} and output_padding "
            f"{self.output_padding}"
        )

    def _filters_out(self) -> int:
        return self.filters

    def get_config(self) -> Config:
        more = {"filters": self.filters, "output_padding": self.output_padding}
        return {**super().get_config(), **more}


@LAYERS.register("Convolution1DTranspose")
class Conv1DTranspose(_ConvTranspose):
    """A transposed convolution: the gradient of the input of `Conv1D` as a layer.

    Args:
        output_padding: places added at the end of each axis, below the strides. None for
            `size * strides` outputs with "same", and with "valid" as many as the kernel reaches.
        filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias:
            and so on, as for `Conv1D`. The kernel is (*kernel_size, filters, channels). There is
            no "causal".

    Raises:
        ValueError: an argument is none of these.

    Source: `keras.layers.Conv1DTranspose` of Keras 3.

    Example:
        >>> layers.Conv1DTranspose(8, 3, strides=2, padding="same")(np.ones((2, 5, 4))).shape
        (2, 10, 8)
    """

    rank = 1


@LAYERS.register("Convolution2DTranspose")
class Conv2DTranspose(_ConvTranspose):
    """A transposed convolution of images. Arguments and errors as for `Conv1DTranspose`.

    Source: `keras.layers.Conv2DTranspose` of Keras 3.

    Example:
        >>> layers.Conv2DTranspose(8, 2, strides=2)(np.ones((2, 5, 6, 4))).shape
        (2, 10, 12, 8)
    """

    rank = 2


@LAYERS.register("Convolution3DTranspose")
class Conv3DTranspose(_ConvTranspose):
    """A transposed convolution of volumes. Arguments and errors as for `Conv1DTranspose`.

    Source: `keras.layers.Conv3DTranspose` of Keras 3.

    Example:
        >>> layers.Conv3DTranspose(2, 2, strides=2)(np.ones((1, 2, 3, 4, 4))).shape
        (1, 4, 6, 8, 2)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,  # which stands behind output_padding in the other two
        output_padding: Size | None = None,
        dilation_rate: Size = 1,
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


class _DepthwiseConv(_Convolution):
    """Each channel is convolved on its own, with a kernel (*kernel_size, channels, multiplier)."""

    _kernels = ("depthwise",)

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        depthwise_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        depthwise_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = check_integer(
            type(self).__name__, "depth_multiplier", depth_multiplier, 1
        )
        self._setup(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "depthwise_initializer": depthwise_initializer,
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._add_kernel("depthwise", shape, "kernel")
        self._add_bias(channels * self.depth_multiplier)
        self._outputs = channels * self.depth_multiplier

    def _call_last(self, x: Tensor) -> Tensor:
        kernel = convolutions.one_for_each_channel(self.kernel)
        return self._activated(self._convolved(x, kernel, x.shape[-1]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = input_shape[1] if self._first else input_shape[-1]
        if channels is not None:
            self._outputs = channels * self.depth_multiplier
        return super().compute_output_shape(input_shape)

    def _filters_out(self) -> int:
        return self._outputs

    def get_config(self) -> Config:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


@LAYERS.register
class DepthwiseConv1D(_DepthwiseConv):
    """A convolution along one axis, of each channel on its own.

    Args:
        depth_multiplier: outputs of each channel.
        depthwise_initializer: of the kernel (*kernel_size, channels, depth_multiplier).
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, ...: as for
            `Conv1D`, with "depthwise" in place of "kernel" in the names of settings.

    Raises:
        ValueError: an argument is none of these, or the kernel does not fit into the input.

    Source: `keras.layers.DepthwiseConv1D` of Keras 3.

    Example:
        >>> layers.DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 4))).shape
        (2, 8, 8)
    """

    rank = 1


@LAYERS.register
class DepthwiseConv2D(_DepthwiseConv):
    """A convolution of images, of each channel on its own. Arguments as for `DepthwiseConv1D`.

    Source: `keras.layers.DepthwiseConv2D` of Keras 3.

    Example:
        >>> layers.DepthwiseConv2D(3, padding="same")(np.ones((2, 10, 12, 4))).shape
        (2, 10, 12, 4)
    """

    rank = 2


class _SeparableConv(_Convolution):
    """A depthwise convolution, and then one of 1 place across all channels."""

    _kernels = ("depthwise", "pointwise")

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        depth_multiplier: int = 1,
        activation: Identifier = None,
        use_bias: bool = True,
        depthwise_initializer: Identifier = "glorot_uniform",
        pointwise_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        depthwise_regularizer: Identifier = None,
        pointwise_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        activity_regularizer: Identifier = None,
        depthwise_constraint: Identifier = None,
        pointwise_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        **kwargs: Unpack[PlainOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        who = type(self).__name__
        self.filters = check_integer(who, "filters", filters, 1)
        self.depth_multiplier = check_integer(who, "depth_multiplier", depth_multiplier, 1)
        self._setup(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "depthwise_initializer": depthwise_initializer,
                "pointwise_initializer": pointwise_initializer,
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "pointwise_regularizer": pointwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "pointwise_constraint": pointwise_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def build(self, input_shape: Shape) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self._add_kernel("depthwise", shape, "depthwise_kernel")
        self.pointwise_kernel = self._add_kernel(
            "pointwise",
            (*[1] * self.rank, channels * self.depth_multiplier, self.filters),
            "pointwise_kernel",
        )
        self._add_bias(self.filters)

    def _ending(self) -> dict[str, Any]:
        return {}

    def _call_last(self, x: Tensor) -> Tensor:
        kernel = convolutions.one_for_each_channel(self.depthwise_kernel)
        y = self._convolved(x, kernel, x.shape[-1])
        precision = self._dtype_policy._precision
        return self._activated(
            F.conv(y, self.pointwise_kernel, precision=precision, **super()._ending())
        )

    def _filters_out(self) -> int:
        return self.filters

    def get_config(self) -> Config:
        more = {"filters": self.filters, "depth_multiplier": self.depth_multiplier}
        return {**super().get_config(), **more}


@LAYERS.register("SeparableConvolution1D")
class SeparableConv1D(_SeparableConv):
    """A depthwise convolution along one axis, and then one of 1 place across all channels.

    Args:
        filters: channels of the output.
        depth_multiplier: outputs of each channel, between the two.
        depthwise_initializer: of the kernel (*kernel_size, channels, depth_multiplier).
        pointwise_initializer: of the kernel (1, channels * depth_multiplier, filters).
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, ...: as for
            `Conv1D`.

    Raises:
        ValueError: an argument is none of these, or the kernel does not fit into the input.

    Source: `keras.layers.SeparableConv1D` of Keras 3.

    Example:
        >>> layers.SeparableConv1D(8, 3)(np.ones((2, 10, 4))).shape
        (2, 8, 8)
    """

    rank = 1


@LAYERS.register("SeparableConvolution2D")
class SeparableConv2D(_SeparableConv):
    """A depthwise convolution of images, and then one of 1 pixel across all channels.

    Arguments and errors as for `SeparableConv1D`.

    Source: `keras.layers.SeparableConv2D` of Keras 3.

    Example:
        >>> layers.SeparableConv2D(8, 3, padding="same")(np.ones((2, 10, 12, 4))).shape
        (2, 10, 12, 8)
    """

    rank = 2


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
