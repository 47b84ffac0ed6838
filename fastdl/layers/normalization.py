"""Layers that normalize: over each sample's features, or over groups of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import constraints, initializers, regularizers
from .._base import formulas
from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_integers, check_number, shown
from .._base.moving import is_integer
from .._base.notices import warn_once
from .._base.registry import LAYERS
from .._core import AxisError
from .core import Elementwise
from .input_spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import LayerOptions


def place_of(axis: int, shape: Shape) -> int:
    """The axis, counted from the front. ValueError if inputs of this shape don't have it."""
    rank = len(shape)
    if not -rank <= axis < rank:
        raise AxisError(
            f"axis: expected one from {-rank} to {rank - 1} for inputs of shape {shape}, got {axis}"
        )
    return axis % rank


def known_size(axis: int, shape: Shape) -> int:
    """The size of an axis. ValueError if it isn't known, or there is no such axis."""
    size = shape[place_of(axis, shape)]
    if size is None:
        raise ValueError(f"axis {axis} of the input must be known, got shape {shape}")
    return size


def places_of(axis: int | Sequence[int], shape: Shape) -> list[int]:
    """One or several axes, counted from the front and in order, each once."""
    axes = (axis,) if isinstance(axis, int) else axis
    places = sorted(place_of(one, shape) for one in axes)
    if not places or len(set(places)) < len(places):
        raise ValueError(f"axis: expected different axes of inputs of shape {shape}, got {axis}")
    return places


class Scaled(Elementwise):
    """Base of normalizations that multiply by `gamma` and add `beta` in the end."""

    gamma: Parameter | None
    beta: Parameter | None

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Identifier,
        gamma_initializer: Identifier,
        beta_regularizer: Identifier,
        gamma_regularizer: Identifier,
        beta_constraint: Identifier,
        gamma_constraint: Identifier,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        self.epsilon = check_number(who, "epsilon", epsilon)
        self.center = check_flag(who, "center", center)
        self.scale = check_flag(who, "scale", scale)
        self.beta_initializer = initializers.get(beta_initializer, f"{who}: beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, f"{who}: gamma_initializer")
        self.beta_regularizer = regularizers.get(beta_regularizer, f"{who}: beta_regularizer")
        self.gamma_regularizer = regularizers.get(gamma_regularizer, f"{who}: gamma_regularizer")
        self.beta_constraint = constraints.get(beta_constraint, f"{who}: beta_constraint")
        self.gamma_constraint = constraints.get(gamma_constraint, f"{who}: gamma_constraint")
        self.gamma = self.beta = None

    def _make_weights(self, shape: tuple[int, ...]) -> None:
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


@LAYERS.register
class LayerNormalization(Scaled):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, for each sample by itself.

    Args:
        axis: the axis, or the axes, over which mean and variance are taken; the last one unless
            given.
        epsilon: is added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: of the weights, whose shape is that of the axes.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.
        rms_scaling: divides x by its deviation without subtracting the mean; Keras has it for old
            models. `RMSNormalization` is what other libraries call by that name.

    Raises:
        ValueError: `axis` isn't one or several axes of the input, or `epsilon` is negative.

    Source: Ba et al. 2016; `keras.layers.LayerNormalization` of Keras 3. Weights of several axes
    have the input's order; Keras sorts the numbers, so axes like [1, -1] change places there.

    Example:
        >>> layers.LayerNormalization()(np.array([[1.0, 3.0]])).numpy().round(3)
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Identifier = "zeros",
        gamma_initializer: Identifier = "ones",
        beta_regularizer: Identifier = None,
        gamma_regularizer: Identifier = None,
        beta_constraint: Identifier = None,
        gamma_constraint: Identifier = None,
        *,
        rms_scaling: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = check_integers("LayerNormalization", "axis", axis)
        self.rms_scaling = check_flag("LayerNormalization", "rms_scaling", rms_scaling)
        if self.rms_scaling:
            warn_once(
                "LayerNormalization: rms_scaling: it divides by the deviation, not by the root "
                "mean square; RMSNormalization does the latter",
                stacklevel=3,
            )

    def build(self, input_shape: Shape) -> None:
        places = places_of(self.axis, input_shape)
        if self.rms_scaling:
            self.scale, self.center = True, False  # as Keras builds it
        self._make_weights(tuple(known_size(place, input_shape) for place in places))

    def call(self, inputs: Tensor) -> Tensor:
        axes = places_of(self.axis, inputs.shape)
        if self.rms_scaling:
            return formulas.scaled_by_deviation(inputs, self.gamma, axes, self.epsilon)
        return F.layer_norm(
            inputs, axes=axes, scale=self.gamma, offset=self.beta, epsilon=self.epsilon
        )

    def get_config(self) -> Config:
        config = {**super().get_config(), "axis": self.axis}
        return {**config, "rms_scaling": True} if self.rms_scaling else config


@LAYERS.register
class GroupNormalization(Scaled):
    """Normalizes each sample over groups of channels, and over all places.

    Args:
        groups: into how many groups the channels are cut; it divides their number. -1 makes each
            channel a group (instance normalization).
        axis: the axis of the channels.
        epsilon: is added to the variance.
        center: whether there is a `beta`, with one value for each channel.
        scale: whether there is a `gamma`, with one value for each channel.
        beta_initializer, gamma_initializer: of the weights.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.

    Raises:
        ValueError: `groups` isn't -1 or a positive divisor of the number of channels, or `axis`
            isn't an axis of the input other than that of the samples.

    Source: Wu & He 2018; `keras.layers.GroupNormalization` of Keras 3.

    Example:
        >>> layers.GroupNormalization(groups=2)(np.ones((1, 5, 5, 8))).shape
        (1, 5, 5, 8)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Identifier = "zeros",
        gamma_initializer: Identifier = "ones",
        beta_regularizer: Identifier = None,
        gamma_regularizer: Identifier = None,
        beta_constraint: Identifier = None,
        gamma_constraint: Identifier = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if not is_integer(groups) or (groups < 1 and groups != -1):
            raise ValueError(
                "GroupNormalization: groups: expected a positive integer or -1, got "
                f"{shown(groups)}"
            )
        self.groups = int(groups)
        self.axis = check_integer("GroupNormalization", "axis", axis)

    def build(self, input_shape: Shape) -> None:
        channels = known_size(self.axis, input_shape)
        if place_of(self.axis, input_shape) == 0:
            raise ValueError(f"axis: expected one other than that of the samples, got {self.axis}")
        if channels % self.groups:
            raise ValueError(
                f"groups: expected a divisor of the number of channels {channels}, got "
                f"{self.groups}"
            )
        self._make_weights((channels,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Tensor) -> Tensor:
        return F.group_norm(
            inputs,
            groups=inputs.shape[self.axis] if self.groups == -1 else self.groups,
            scale=self.gamma,
            offset=self.beta,
            axis=self.axis,
            epsilon=self.epsilon,
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}


@LAYERS.register
class RMSNormalization(Elementwise):
    """`x / sqrt(mean(x^2) + epsilon) * scale`, for each sample by itself.

    Args:
        axis: the axis, or the axes, over which the mean is taken; the last one unless given.
        epsilon: is added to the mean square.

    Raises:
        ValueError: `axis` isn't one or several axes of the input, or `epsilon` is negative.

    Source: Zhang & Sennrich 2019; `keras.layers.RMSNormalization` of Keras 3, which multiplies by
    the scale along the last axis, whatever `axis` is.

    Example:
        >>> layers.RMSNormalization()(np.array([[3.0, 4.0]])).numpy().round(3)
        array([[0.849, 1.131]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-6,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.axis = check_integers("RMSNormalization", "axis", axis)
        self.epsilon = check_number("RMSNormalization", "epsilon", epsilon)

    def build(self, input_shape: Shape) -> None:
        places = places_of(self.axis, input_shape)
        shape = tuple(known_size(place, input_shape) for place in places)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, inputs: Tensor) -> Tensor:
        axes = places_of(self.axis, inputs.shape)
        return F.rms_norm(inputs, axes=axes, scale=self.scale, epsilon=self.epsilon)

    def get_config(self) -> Config:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


@LAYERS.register
class UnitNormalization(Elementwise):
    """Scales the input so that its 2-norm along `axis` is 1; zeros stay zeros.

    Args:
        axis: one axis, or several that are taken together; the last one unless given.

    Raises:
        ValueError: axis is neither an integer nor several.

    Source: `keras.layers.UnitNormalization` of Keras 3.

    Example:
        >>> layers.UnitNormalization()(np.array([[3.0, 4.0]])).numpy().round(3)
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = check_integers("UnitNormalization", "axis", axis)

    def call(self, inputs: Tensor) -> Tensor:
        squares = F.sum(F.square(inputs), axes=self.axis, keepdims=True)
        return inputs * F.rsqrt(F.maximum(squares, 1e-24))

    def get_config(self) -> Config:
        return {**super().get_config(), "axis": self.axis}
