"""Pooling: the largest element or the mean of windows.

The layers for sequences, images and volumes differ in the number of axes alone; each of them is a
few lines over a base. Arguments and numbers are those of Keras 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base import images
from .._base.registry import LAYERS
from .._core import Tensor
from ._grids import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import UnnamedOptions

    Sizes = int | Sequence[int]


class Pooling(Grid):
    """Base of pooling over windows."""

    _stateless = True
    _mean: ClassVar[bool]

    def __init__(
        self,
        pool_size: Sizes,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        who = type(self).__name__
        self.pool_size = images.check_sizes(who, "pool_size", pool_size, self._axes)
        self.strides = self.pool_size
        if strides is not None:
            self.strides = images.check_sizes(who, "strides", strides, self._axes)
        self.padding = images.check_padding(who, padding)

    def call(self, inputs: Tensor) -> Tensor:
        return images.pool(
            "pooling",
            inputs,
            self._mean,
            self.pool_size,
            self.strides,
            self.padding,
            self.data_format,
        )

    def _new_sizes(self, sizes: Shape) -> Shape:
        return images.pooled_sizes("pooling", sizes, self.pool_size, self.strides, self.padding)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
        }


@LAYERS.register
class MaxPooling1D(Pooling):
    """The largest element of each window of sequences.

    Of equal elements the first one gets the gradient. Inputs are `(batch, steps, channels)`.

    Args:
        pool_size: the window's size: an integer.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.MaxPooling1D` of Keras 3.

    Example:
        >>> layers.MaxPooling1D(2)(np.ones((2, 8, 3))).shape
        (2, 4, 3)
    """

    _axes = 1
    _mean = False

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@LAYERS.register
class MaxPooling2D(Pooling):
    """The largest element of each window of images.

    Of equal elements the first one gets the gradient.
    Inputs are `(batch, height, width, channels)`.

    Args:
        pool_size: the window's size: an integer, or one for height and one for width.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.MaxPooling2D` of Keras 3.

    Example:
        >>> layers.MaxPooling2D(2)(np.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    _axes = 2
    _mean = False

    def __init__(
        self,
        pool_size: Sizes = (2, 2),
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@LAYERS.register
class MaxPooling3D(Pooling):
    """The largest element of each window of volumes.

    Of equal elements the first one gets the gradient.
    Inputs are `(batch, depth, height, width, channels)`.

    Args:
        pool_size: the window's size: an integer, or one for each axis.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.MaxPooling3D` of Keras 3.

    Example:
        >>> layers.MaxPooling3D(2)(np.ones((2, 8, 8, 8, 3))).shape
        (2, 4, 4, 4, 3)
    """

    _axes = 3
    _mean = False

    def __init__(
        self,
        pool_size: Sizes = (2, 2, 2),
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@LAYERS.register
class AveragePooling1D(Pooling):
    """The mean of each window of sequences.

    Places of the padding do not count. Inputs are `(batch, steps, channels)`.

    Args:
        pool_size: the window's size: an integer.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.AveragePooling1D` of Keras 3.

    Example:
        >>> layers.AveragePooling1D(2)(np.ones((2, 8, 3))).shape
        (2, 4, 3)
    """

    _axes = 1
    _mean = True


@LAYERS.register
class AveragePooling2D(Pooling):
    """The mean of each window of images.

    Places of the padding do not count. Inputs are `(batch, height, width, channels)`.

    Args:
        pool_size: the window's size: an integer, or one for height and one for width.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.AveragePooling2D` of Keras 3.

    Example:
        >>> layers.AveragePooling2D(2)(np.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    _axes = 2
    _mean = True


@LAYERS.register
class AveragePooling3D(Pooling):
    """The mean of each window of volumes.

    Places of the padding do not count. Inputs are `(batch, depth, height, width, channels)`.

    Args:
        pool_size: the window's size: an integer, or one for each axis.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown padding; an input of other rank, or, with padding
            "valid", one that is smaller than the window.

    Source: `keras.layers.AveragePooling3D` of Keras 3.

    Example:
        >>> layers.AveragePooling3D(2)(np.ones((2, 8, 8, 8, 3))).shape
        (2, 4, 4, 4, 3)
    """

    _axes = 3
    _mean = True
