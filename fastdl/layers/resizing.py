"""Layers that change the size of sequences, images and volumes, with the numbers of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._base import functional as F
from .._base import images
from .._base.checks import check_flag, check_integer, check_number
from .._base.registry import LAYERS
from .._core import Tensor
from ._grids import Grid
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import LayerOptions

    Sizes = int | Sequence[int]


class UpSampling(Grid):
    """Base of upsampling by whole factors."""

    _keeps_dtype = True
    _factors: tuple[int, ...]
    interpolation = "nearest"

    def call(self, inputs: Tensor) -> Tensor:
        sizes = images.known_sizes(inputs, self.data_format)
        new = [n * k for n, k in zip(sizes, self._factors, strict=True)]
        return images.resize(inputs, self._first, new, self.interpolation)

    def _new_sizes(self, sizes: Shape) -> Shape:
        return tuple(n and n * k for n, k in zip(sizes, self._factors, strict=True))


@LAYERS.register
class UpSampling1D(UpSampling):
    """Repeats each step: `(batch, steps, channels)` to `(batch, steps * size, channels)`.

    Args:
        size: how often.

    Raises:
        ValueError: `size` isn't an integer of at least 1; an input of other rank.

    Source: `keras.layers.UpSampling1D` of Keras 3.

    Example:
        >>> layers.UpSampling1D(2)([[[1.0], [2.0]]]).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """

    _axes = 1

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.size = check_integer("UpSampling1D", "size", size, 1)
        self._factors = (self.size,)

    def get_config(self) -> Config:
        config = {**super().get_config(), "size": self.size}
        del config["data_format"]
        return config


@LAYERS.register
class UpSampling2D(UpSampling):
    """Enlarges images, `(batch, height, width, channels)`, by whole factors.

    Args:
        size: the factor, or one for height and one for width.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.
        interpolation: "nearest" repeats rows and columns; "bilinear", "bicubic", "lanczos3" and
            "lanczos5" as for `ops.image.resize`.

    Raises:
        ValueError: a factor below 1, an unknown interpolation; an input of other rank.

    Source: `keras.layers.UpSampling2D` of Keras 3.

    Example:
        >>> layers.UpSampling2D((1, 2))(np.ones((2, 4, 5, 3))).shape
        (2, 4, 10, 3)
    """

    _axes = 2

    def __init__(
        self,
        size: Sizes = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self._factors = images.check_sizes("UpSampling2D", "size", size, 2)
        self.interpolation = images.check_interpolation("UpSampling2D", interpolation)

    def get_config(self) -> Config:
        return {**super().get_config(), "size": self.size, "interpolation": self.interpolation}


@LAYERS.register
class UpSampling3D(UpSampling):
    """Repeats the places of volumes, `(batch, depth, height, width, channels)`.

    Args:
        size: how often, or a number for each axis.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: a factor below 1; an input of other rank.

    Source: `keras.layers.UpSampling3D` of Keras 3.

    Example:
        >>> layers.UpSampling3D(2)(np.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 1)
    """

    _axes = 3

    def __init__(
        self,
        size: Sizes = (2, 2, 2),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self._factors = images.check_sizes("UpSampling3D", "size", size, 3)

    def get_config(self) -> Config:
        return {**super().get_config(), "size": self.size}


class ToSize(Layer):
    """Base of the layers that give images, or one image without a batch, a size."""

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        self.height = check_integer(who, "height", height, 1)
        self.width = check_integer(who, "width", width, 1)
        self.data_format = images.check_format(who, data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "expected an image or a batch of them, with 3 or 4 axes, got shape "
                f"{tuple(input_shape)}"
            )
        rank, shape = len(input_shape), list(input_shape)
        first = rank - (3 if self.data_format == "channels_last" else 2)
        shape[first : first + 2] = self.height, self.width
        return tuple(shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "data_format": self.data_format,
        }


@LAYERS.register
class Resizing(ToSize):
    """Gives images a size: `(batch, height, width, channels)`, or one image without a batch.

    Integers, such as images of bytes, stay integers; the results are rounded.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: take the largest part in the middle that has the new ratio of height
            and width.
        pad_to_aspect_ratio: put `fill_value` around the image to get that ratio.
        fill_mode: "constant".
        fill_value: the value around images.
        antialias: whether to smooth where an image shrinks.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1, an unknown interpolation, cropping together with padding; an
            input with neither 3 nor 4 axes.

    Source: `keras.layers.Resizing` of Keras 3, on JAX.

    Example:
        >>> layers.Resizing(2, 2)(np.ones((5, 8, 6, 3), np.uint8)).shape
        (5, 2, 2, 3)
    """

    _keeps_dtype = True

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(height, width, data_format, **kwargs)
        who = "Resizing"
        self.interpolation = images.check_interpolation(who, interpolation)
        self.crop_to_aspect_ratio = check_flag(who, "crop_to_aspect_ratio", crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = check_flag(who, "pad_to_aspect_ratio", pad_to_aspect_ratio)
        images.check_resizing(who, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, fill_mode)
        self.fill_mode = fill_mode
        self.fill_value = check_number(who, "fill_value", fill_value, -np.inf)
        self.antialias = check_flag(who, "antialias", antialias)

    def call(self, inputs: Tensor) -> Tensor:
        return images.resize_images(
            "resizing",
            inputs,
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_value,
            self.data_format,
        )

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


@LAYERS.register
class CenterCrop(ToSize):
    """The middle of images, `(batch, height, width, channels)`, or of one image, as floats.

    An image that is too small is enlarged: the largest part in the middle that has the ratio of
    `height` and `width` is resized, bilinearly.

    Args:
        height, width: the new size.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: a size below 1; an input with neither 3 nor 4 axes.

    Source: `keras.layers.CenterCrop` of Keras 3.

    Example:
        >>> layers.CenterCrop(2, 4)(np.ones((5, 8, 6, 3))).shape
        (5, 2, 4, 3)
    """

    def call(self, inputs: Tensor) -> Tensor:
        size = (self.height, self.width)
        x = F.cast(inputs, dtype=np.float32)
        first = x.ndim - (3 if self.data_format == "channels_last" else 2)
        if x.ndim in (3, 4):
            left = [n - k for n, k in zip(x.shape[first : first + 2], size, strict=True)]
            if min(left) >= 0:
                box = [(rest // 2, k) for rest, k in zip(left, size, strict=True)]
                return images.cropped(x, first, box)
        return images.resize_images(
            "cropping", x, size, "bilinear", False, True, False, 0.0, self.data_format
        )
