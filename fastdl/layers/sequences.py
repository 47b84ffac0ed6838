"""Layers of sequences: masks of their steps, and a layer for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core, ops
from .._base import functional as F
from .._base.checks import shown
from .._base.registry import LAYERS
from .._core import Tensor, with_mask
from .core import Elementwise

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions


@LAYERS.register
class Masking(Elementwise):
    """Masks the steps whose features all have one value, and sets them to 0.

    `(..., steps, features)` gets a mask `(..., steps)`, which the layers after it take.

    Args:
        mask_value: that value, a number, or a list with one for each feature.

    Raises:
        ValueError: `mask_value` is something else, or does not fit the number of features.

    Source: `keras.layers.Masking` of Keras 3.

    Example:
        >>> y = layers.Masking(-1)(np.array([[[1.0, 2.0], [-1.0, 3.0], [-1.0, -1.0]]]))
        >>> y.tolist(), y._keras_mask.tolist()
        ([[[1.0, 2.0], [-1.0, 3.0], [0.0, 0.0]]], [[True, True, False]])
    """

    _keeps_dtype = True

    def __init__(self, mask_value: TensorLike = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        try:
            value = _core.as_tensor(mask_value)
        except (TypeError, ValueError):
            value = None
        if value is None or value.ndim > 1:
            raise ValueError(
                f"Masking: mask_value: expected a number, or one for each feature, got "
                f"{shown(mask_value)}"
            )
        self.mask_value = value if value.ndim else mask_value

    def build(self, input_shape: Shape) -> None:
        sizes = getattr(self.mask_value, "shape", ())
        last = input_shape[-1] if input_shape else 1
        if sizes and last is not None and sizes[0] not in (1, last):
            raise ValueError(
                f"mask_value: expected a number or {last} of them for inputs of shape "
                f"{input_shape}, got {sizes[0]}"
            )

    def call(self, inputs: Tensor) -> Tensor:
        counted = F.any(F.ne(inputs, self.mask_value), axes=-1, keepdims=True)
        kept = F.where(counted, inputs, 0)
        return with_mask(kept, F.reshape(counted, shape=inputs.shape[:-1]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where a feature has another value than `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self) -> Config:
        value: Any = self.mask_value
        value = value.tolist() if isinstance(value, Tensor) else value
        return {**super().get_config(), "mask_value": value}
