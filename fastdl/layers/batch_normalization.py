"""BatchNormalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import initializers
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_integer, check_number, shown
from .._base.registry import LAYERS
from .._base.settings import settings
from .._engine.statistics import move_averages
from .input_spec import InputSpec
from .normalization import Scaled, known_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from .._base.parameter import Parameter
    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor, TensorLike
    from .options import LayerOptions


@LAYERS.register
class BatchNormalization(Scaled):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with moments over the batch.

    In training mean and variance are those of the batch, over all axes but one, and
    `moving_mean` and `moving_variance` move towards them. Otherwise these two are used. A layer
    with `trainable=False` uses them in training, too, and leaves them as they are.

    Args:
        axis: the axis of the channels, each of which is normalized by itself.
        momentum: the share of a moving average that a step keeps.
        epsilon: is added to the variance.
        center: whether there is a `beta`.
        scale: whether there is a `gamma`.
        beta_initializer, gamma_initializer: of the trained weights, with a value for each channel.
        moving_mean_initializer, moving_variance_initializer: of the moving averages.
        beta_regularizer, gamma_regularizer: penalties on the weights.
        beta_constraint, gamma_constraint: projections after each update.
        renorm: whether batches are corrected by averages of their own, so that training computes
            nearly what inference does (batch renormalization, Ioffe 2017).
        renorm_clipping: a dict with the limits "rmin" and "rmax" of the correction's factor and
            "dmax" of its shift, in deviations.
        renorm_momentum: as `momentum`, for these averages.
        synchronized: there is one device; True raises.

    Raises:
        ValueError: an argument is out of its range, `axis` isn't an axis of the input, or
            `synchronized` is set. From a call, if a mask hasn't the input's shape without the last
            axis.

    Source: Ioffe & Szegedy 2015; `keras.layers.BatchNormalization` of Keras 3. In a call `mask`
    says which elements count for the moments: one value for each place along the other axes.

    Example:
        >>> layer = layers.BatchNormalization()
        >>> layer(np.array([[1.0], [3.0]]), training=True).numpy().round(2).tolist()
        [[-1.0], [1.0]]
        >>> layer.moving_mean.numpy()  # 0.99 * 0 + 0.01 * 2
        array([0.02], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Identifier = "zeros",
        gamma_initializer: Identifier = "ones",
        moving_mean_initializer: Identifier = "zeros",
        moving_variance_initializer: Identifier = "ones",
        beta_regularizer: Identifier = None,
        gamma_regularizer: Identifier = None,
        beta_constraint: Identifier = None,
        gamma_constraint: Identifier = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float | None] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
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
        who = type(self).__name__
        self.axis = check_integer(who, "axis", axis)
        self.momentum = check_fraction(who, "momentum", momentum)
        self.moving_mean_initializer = initializers.get(
            moving_mean_initializer, f"{who}: moving_mean_initializer"
        )
        self.moving_variance_initializer = initializers.get(
            moving_variance_initializer, f"{who}: moving_variance_initializer"
        )
        self.renorm = check_flag(who, "renorm", renorm)
        self.renorm_clipping = _checked_clipping(renorm_clipping)
        self.renorm_momentum = check_fraction(who, "renorm_momentum", renorm_momentum)
        self.synchronized = check_flag(who, "synchronized", synchronized)
        if self.synchronized:
            raise ValueError(
                f"{who}: synchronized: there is one device, so there are no other batches to take "
                "moments with; expected False, got True"
            )

    def build(self, input_shape: Shape) -> None:
        channels = known_size(self.axis, input_shape)
        self._make_weights((channels,))
        mean, variance = self.moving_mean_initializer, self.moving_variance_initializer
        self.moving_mean = self._make_average("moving_mean", channels, mean)
        self.moving_variance = self._make_average("moving_variance", channels, variance)
        if self.renorm:
            self.moving_stddev = self._make_deviation("moving_stddev", channels)
            self.renorm_mean = self._make_average("renorm_mean", channels, mean)
            self.renorm_stddev = self._make_deviation("renorm_stddev", channels)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def _make_average(self, name: str, channels: int, initializer: Identifier) -> Parameter:
        return self.add_weight((channels,), initializer, trainable=False, name=name)

    def _make_deviation(self, name: str, channels: int) -> Parameter:
        variance = initializers.get(self.moving_variance_initializer)
        return self._make_average(
            name, channels, lambda shape, dtype=None: F.sqrt(variance(shape, dtype=dtype))
        )

    def call(
        self, inputs: Tensor, training: bool = False, mask: TensorLike | None = None
    ) -> Tensor:
        if mask is not None:
            mask = self._spread(mask, inputs)
        options: Any = {"axis": self.axis, "epsilon": self.epsilon}
        if not training or not self.trainable:
            return F.frozen_batch_norm(
                inputs,
                self.moving_mean,
                self.moving_variance,
                scale=self.gamma,
                offset=self.beta,
                **options,
            )
        if mask is None and not self.renorm:
            y, mean, variance = F.batch_norm(inputs, scale=self.gamma, offset=self.beta, **options)
            self._move(mean, variance)
            return y
        mean, variance = self._moments(inputs, mask)
        gamma: Tensor | None = self.gamma
        beta: Tensor | None = self.beta
        if self.renorm:
            gamma, beta = self._corrected(mean.detach(), variance.detach())
        self._move(mean.detach(), variance.detach())
        return F.frozen_batch_norm(inputs, mean, variance, scale=gamma, offset=beta, **options)

    def _spread(self, mask: TensorLike, inputs: Tensor) -> Tensor:
        """The mask for each element of the inputs, 0 or 1."""
        counted = F.cast(F.ne(mask, 0), dtype="float32")
        if counted.ndim != inputs.ndim - 1:
            raise ValueError(
                f"mask: expected {inputs.ndim - 1} axes for inputs of shape {inputs.shape}, got "
                f"shape {counted.shape}"
            )
        return F.broadcast_to(F.reshape(counted, shape=(*counted.shape, 1)), shape=inputs.shape)

    def _moments(self, inputs: Tensor, counted: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel; with `counted` those of the elements where it is 1."""
        axes = [i for i in range(inputs.ndim) if i != self.axis % inputs.ndim]
        if counted is None:
            mean, variance = F.moments(inputs, axes=axes)
            return mean, variance
        number = F.sum(counted, axes=axes, keepdims=True) + settings.epsilon
        kept = F.where(counted, inputs, 0.0)
        mean = F.sum(kept, axes=axes, keepdims=True) / number
        distance = F.where(counted, inputs - mean, 0.0)
        variance = F.sum(F.square(distance), axes=axes, keepdims=True) / number
        channels = (inputs.shape[self.axis],)
        return F.reshape(mean, shape=channels), F.reshape(variance, shape=channels)

    def _corrected(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and offset of a batch with these moments: `(x r + d) gamma + beta` of x normal."""
        least = self.epsilon**0.5
        deviation = F.maximum(self.renorm_stddev, least)
        r = F.sqrt(variance + self.epsilon) / deviation
        d = (mean - self.renorm_mean) / deviation
        limits = self.renorm_clipping or {}
        low, high, shift = (limits.get(name) for name in _LIMITS)
        if low is not None:
            r = F.maximum(r, low)
        if high is not None:
            r = F.minimum(r, high)
        if shift is not None:
            d = F.clip(d, lo=-shift, hi=shift)
        if self.gamma is not None:
            r, d = r * self.gamma, d * self.gamma
        return r, d if self.beta is None else d + self.beta

    def _move(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the averages towards the moments of a batch."""
        share = 1 - self.momentum
        if not self.renorm:
            pairs = [(self.moving_mean, mean), (self.moving_variance, variance)]
            return move_averages(pairs, share)
        deviation = F.sqrt(variance + self.epsilon)
        move_averages(
            [(self.renorm_mean, mean), (self.renorm_stddev, deviation)], 1 - self.renorm_momentum
        )
        move_averages([(self.moving_mean, mean), (self.moving_stddev, deviation)], share)
        square = F.square(self.moving_stddev) - self.epsilon
        return move_averages([(self.moving_variance, F.relu(square))], 1.0)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": self.synchronized,
        }


_LIMITS = ("rmin", "rmax", "dmax")  # of a correction


def _checked_clipping(value: Mapping[str, float | None] | None) -> dict[str, float] | None:
    """The limits of a correction. ValueError if there are others, or they contradict each other."""
    if value is None:
        return None
    who = "BatchNormalization: renorm_clipping"
    try:
        given: dict[str, Any] = dict(value)
    except (TypeError, ValueError):
        given = {"": value}
    if not set(given) <= set(_LIMITS):
        raise ValueError(f"{who}: expected a dict with keys of {_LIMITS}, got {shown(value)}")
    limits = {
        name: check_number(who, name, limit) for name, limit in given.items() if limit is not None
    }
    if "rmin" in limits and "rmax" in limits and limits["rmax"] < limits["rmin"]:
        raise ValueError(f"{who}: expected rmax of at least rmin, got {shown(value)}")
    return limits
