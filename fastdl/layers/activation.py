"""Activation layers with settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import _core, activations, constraints, initializers, regularizers
from .._base import functional as F
from .._base.checks import check_integers, check_number
from .._base.registry import LAYERS
from .._core import ShapeError, Tensor
from .core import Elementwise
from .input_spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions


@LAYERS.register
class ReLU(Elementwise):
    """`activations.relu`: `max(x, 0)`, with a slope below the threshold and an upper limit.

    Args:
        max_value: the upper limit; none unless given.
        negative_slope: slope below the threshold; 0.0 unless given.
        threshold: 0.0 unless given.

    Raises:
        ValueError: one of them is negative.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = (
            max_value if max_value is None else check_number("ReLU", "max_value", max_value)
        )
        self.negative_slope = check_number("ReLU", "negative_slope", negative_slope)
        self.threshold = check_number("ReLU", "threshold", threshold)

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


@LAYERS.register
class LeakyReLU(Elementwise):
    """x where positive, `negative_slope * x` elsewhere; the slope is 0.3 unless given.

    Raises:
        ValueError: the slope is negative.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)  # its name in Keras 2
        super().__init__(**kwargs)
        self.negative_slope = check_number("LeakyReLU", "negative_slope", negative_slope)

    def call(self, inputs: Tensor) -> Tensor:
        return F.leaky_relu(inputs, slope=self.negative_slope)

    def get_config(self) -> Config:
        return {**super().get_config(), "negative_slope": self.negative_slope}


@LAYERS.register
class ELU(Elementwise):
    """x where positive, `alpha * (exp(x) - 1)` elsewhere; alpha is 1.0 unless given."""

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.alpha = check_number("ELU", "alpha", alpha, -math.inf)

    def call(self, inputs: Tensor) -> Tensor:
        return F.elu(inputs, alpha=self.alpha)

    def get_config(self) -> Config:
        return {**super().get_config(), "alpha": self.alpha}


@LAYERS.register
class PReLU(Elementwise):
    """x where positive, `alpha * x` elsewhere, with a trained alpha for each element.

    Args:
        alpha_initializer: "zeros" unless given.
        alpha_regularizer, alpha_constraint: penalty and projection of alpha.
        shared_axes: axes (from 1) along which elements share one alpha.
    """

    def __init__(
        self,
        alpha_initializer: Identifier = "Zeros",
        alpha_regularizer: Identifier = None,
        alpha_constraint: Identifier = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer, "PReLU: alpha_initializer")
        self.alpha_regularizer = regularizers.get(alpha_regularizer, "PReLU: alpha_regularizer")
        self.alpha_constraint = constraints.get(alpha_constraint, "PReLU: alpha_constraint")
        self.shared_axes: tuple[int, ...] | None = None
        if shared_axes is not None:
            axes = check_integers("PReLU", "shared_axes", shared_axes, 1)
            self.shared_axes = (axes,) if isinstance(axes, int) else axes

    def build(self, input_shape: Shape) -> None:
        shape = list(input_shape[1:])
        if max(self.shared_axes or (), default=0) > len(shape):
            raise ValueError(
                f"shared_axes: expected axes from 1 to {len(shape)} for inputs of shape "
                f"{input_shape}, got {self.shared_axes}"
            )
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            shape,  # type: ignore[arg-type]
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        fixed = {
            axis: size
            for axis, size in enumerate(input_shape)
            if axis and axis not in (self.shared_axes or ())
        }
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)

    def call(self, inputs: Tensor) -> Tensor:
        return F.relu(inputs) - self.alpha * F.relu(F.neg(inputs))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


@LAYERS.register
class Softmax(Elementwise):
    """Softmax along an axis or several; elements where `mask` is False get probability 0.

    A row that is masked entirely is 0. A mask of numbers keeps elements where it is above 0.5. A
    mask that comes with the input counts if it has as many axes; one of steps is handed on.

    Args:
        axis: the last one unless given.

    Raises:
        ValueError: the shape of the mask does not broadcast to that of the inputs.
    """

    _masks_steps = False
    _MASKED = -1e9  # replaces masked elements, as in Keras; their probability becomes 0

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = check_integers("Softmax", "axis", axis)

    def call(self, inputs: Tensor, mask: TensorLike | None = None) -> Tensor:
        if mask is None:
            return self._softmax(inputs)
        mask = _core.as_tensor(mask)
        pairs = zip(mask.shape[::-1], inputs.shape[::-1], strict=False)
        if mask.ndim > inputs.ndim or any(m not in (1, n) for m, n in pairs):
            raise ShapeError(
                f"mask: expected a shape that broadcasts to {inputs.shape}, got {mask.shape}"
            )
        if mask.dtype != "bool":
            mask = F.gt(mask, 0.5)
        probabilities = self._softmax(F.where(mask, inputs, self._MASKED))
        return F.where(mask, probabilities, 0.0)

    def _softmax(self, inputs: Tensor) -> Tensor:
        if isinstance(self.axis, int):
            return activations.softmax(inputs, self.axis)
        if len(self.axis) == 1:
            return activations.softmax(inputs, self.axis[0])
        return F.exp(inputs - F.logsumexp(inputs, axes=self.axis, keepdims=True))

    def get_config(self) -> Config:
        return {**super().get_config(), "axis": self.axis}
