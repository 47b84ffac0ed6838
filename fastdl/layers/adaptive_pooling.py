"""Pooling to a size: windows that cover the input. Arguments and numbers are those of Keras 3."""

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
    from .options import LayerOptions

    Sizes = int | Sequence[int]


class AdaptivePooling(Grid):
    """Base of pooling to a size."""

    _mean: ClassVar[bool]

    def __init__(
        self,
        output_size: Sizes,
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.output_size = images.check_sizes(
            type(self).__name__, "output_size", output_size, self._axes
        )

    def call(self, inputs: Tensor) -> Tensor:
        return images.adaptive_pool(
            "pooling", inputs, self._mean, self.output_size, self.data_format
        )

    def _new_sizes(self, sizes: Shape) -> Shape:
        return self.output_size

    def get_config(self) -> Config:
        return {**super().get_config(), "output_size": self.output_size}


@LAYERS.register
class AdaptiveMaxPooling1D(AdaptivePooling):
    """Pools sequences to a size: the largest element of windows that cover the input.

    Inputs are `(batch, steps, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveMaxPooling1D` of Keras 3.

    Example:
        >>> layers.AdaptiveMaxPooling1D(3)(np.ones((2, 8, 3))).shape
        (2, 3, 3)
    """

    _axes = 1
    _mean = False


@LAYERS.register
class AdaptiveMaxPooling2D(AdaptivePooling):
    """Pools images to a size: the largest element of windows that cover the input.

    Inputs are `(batch, height, width, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer, or one for height and one for width.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveMaxPooling2D` of Keras 3.

    Example:
        >>> layers.AdaptiveMaxPooling2D(3)(np.ones((2, 8, 8, 3))).shape
        (2, 3, 3, 3)
    """

    _axes = 2
    _mean = False


@LAYERS.register
class AdaptiveMaxPooling3D(AdaptivePooling):
    """Pools volumes to a size: the largest element of windows that cover the input.

    Inputs are `(batch, depth, height, width, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer, or one for each axis.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveMaxPooling3D` of Keras 3.

    Example:
        >>> layers.AdaptiveMaxPooling3D(3)(np.ones((2, 8, 8, 8, 3))).shape
        (2, 3, 3, 3, 3)
    """

    _axes = 3
    _mean = False


@LAYERS.register
class AdaptiveAveragePooling1D(AdaptivePooling):
    """Pools sequences to a size: the mean of windows that cover the input.

    Inputs are `(batch, steps, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveAveragePooling1D` of Keras 3.

    Example:
        >>> layers.AdaptiveAveragePooling1D(3)(np.ones((2, 8, 3))).shape
        (2, 3, 3)
    """

    _axes = 1
    _mean = True


@LAYERS.register
class AdaptiveAveragePooling2D(AdaptivePooling):
    """Pools images to a size: the mean of windows that cover the input.

    Inputs are `(batch, height, width, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer, or one for height and one for width.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveAveragePooling2D` of Keras 3.

    Example:
        >>> layers.AdaptiveAveragePooling2D(3)(np.ones((2, 8, 8, 3))).shape
        (2, 3, 3, 3)
    """

    _axes = 2
    _mean = True


@LAYERS.register
class AdaptiveAveragePooling3D(AdaptivePooling):
    """Pools volumes to a size: the mean of windows that cover the input.

    Inputs are `(batch, depth, height, width, channels)`.
    Window i of n goes from `floor(i * size / n)` to `ceil((i + 1) * size / n)`.

    Args:
        output_size: the size of the output: an integer, or one for each axis.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: a size below 1; an input of other rank, or without places.

    Source: `keras.layers.AdaptiveAveragePooling3D` of Keras 3.

    Example:
        >>> layers.AdaptiveAveragePooling3D(3)(np.ones((2, 8, 8, 8, 3))).shape
        (2, 3, 3, 3, 3)
    """

    _axes = 3
    _mean = True
