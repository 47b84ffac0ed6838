"""Pooling of all places of a sequence, an image or a volume, with the numbers of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._base import functional as F
from .._base import images
from .._base.checks import check_flag
from .._base.registry import LAYERS
from .._core import Tensor
from ._grids import Grid

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import LayerOptions


class GlobalPooling(Grid):
    """Base of pooling of all places."""

    _stateless = True

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = check_flag(type(self).__name__, "keepdims", keepdims)

    @property
    def _places(self) -> tuple[int, ...]:
        return tuple(range(self._first, self._first + self._axes))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.keepdims:
            return images.with_sizes(input_shape, (1,) * self._axes, self.data_format)
        return images.with_sizes(input_shape, (), self.data_format)

    def get_config(self) -> Config:
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling(GlobalPooling):
    """Base of the layers that take the largest element."""

    _keeps_dtype = True

    def call(self, inputs: Tensor) -> Tensor:
        return F.max(inputs, axes=self._places, keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """Base of the layers that take the mean."""

    def call(self, inputs: Tensor) -> Tensor:
        return F.mean(inputs, axes=self._places, keepdims=self.keepdims)


@LAYERS.register
class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest element of each channel of sequences.

    `(batch, steps, channels)` becomes `(batch, channels)`.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank, or without places.

    Source: `keras.layers.GlobalMaxPooling1D` of Keras 3.

    Example:
        >>> layers.GlobalMaxPooling1D()(np.ones((2, 8, 3))).shape
        (2, 3)
    """

    _axes = 1


@LAYERS.register
class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest element of each channel of images.

    `(batch, height, width, channels)` becomes `(batch, channels)`.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank, or without places.

    Source: `keras.layers.GlobalMaxPooling2D` of Keras 3.

    Example:
        >>> layers.GlobalMaxPooling2D()(np.ones((2, 8, 8, 3))).shape
        (2, 3)
    """

    _axes = 2


@LAYERS.register
class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest element of each channel of volumes.

    `(batch, depth, height, width, channels)` becomes `(batch, channels)`.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank, or without places.

    Source: `keras.layers.GlobalMaxPooling3D` of Keras 3.

    Example:
        >>> layers.GlobalMaxPooling3D()(np.ones((2, 8, 8, 8, 3))).shape
        (2, 3)
    """

    _axes = 3


@LAYERS.register
class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each channel of sequences.

    `(batch, steps, channels)` becomes `(batch, channels)`.

    A call takes `mask`, `(batch, steps)`: the mean is that of the steps whose mask is true, NaN if
    there is none.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank.

    Source: `keras.layers.GlobalAveragePooling1D` of Keras 3.

    Example:
        >>> layers.GlobalAveragePooling1D()(np.ones((2, 8, 3))).shape
        (2, 3)
    """

    _axes = 1
    _makes_masks = False

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        axis = self._first
        counted = F.cast(F.ne(mask, 0), dtype=np.float32)
        channel = 2 if axis == 1 else 1
        shape = (*counted.shape[:channel], 1, *counted.shape[channel:])
        counted = F.reshape(counted, shape=shape)
        total = F.sum(F.where(counted, inputs, 0.0), axes=axis, keepdims=self.keepdims)
        return total / F.sum(counted, axes=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """There is none: the output has no steps."""


@LAYERS.register
class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel of images.

    `(batch, height, width, channels)` becomes `(batch, channels)`.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank.

    Source: `keras.layers.GlobalAveragePooling2D` of Keras 3.

    Example:
        >>> layers.GlobalAveragePooling2D()(np.ones((2, 8, 8, 3))).shape
        (2, 3)
    """

    _axes = 2


@LAYERS.register
class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel of volumes.

    `(batch, depth, height, width, channels)` becomes `(batch, channels)`.

    Args:
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.
        keepdims: whether the axes of places stay, with size 1.

    Raises:
        ValueError: an input of other rank.

    Source: `keras.layers.GlobalAveragePooling3D` of Keras 3.

    Example:
        >>> layers.GlobalAveragePooling3D()(np.ones((2, 8, 8, 8, 3))).shape
        (2, 3)
    """

    _axes = 3
