"""Layers that change the size of sequences, images and volumes, with the numbers of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images
from .._base.checks import check_flag, check_integer, check_number
from .._base.images import as_before
from .._base.registry import LAYERS
from .._core import Tensor
from ._augmentation import SizeGiven
from ._grids import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import ImageOptions, LayerOptions

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


class ToSize(SizeGiven):
    """Base of the layers that give images a size, and draw nothing."""

    def __init__(
        self,
        height: int,
        width: int,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._take_size(height, width)

    def _transformation(self, shape: tuple[int, ...], training: bool, seed: Any) -> Any:
        return {"input_shape": shape}  # nothing is drawn

    def transform_images(
        self, images: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Images, or one, in the new size."""
        raise NotImplementedError

    def _parts(self, sizes: tuple[int, int]) -> list[tuple[int, int]]:
        """For height and width, the first pixel and the number of those that become the image."""
        raise NotImplementedError

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        (y, height), (x, width) = self._parts(sizes)
        starts = np.array([x, y, x, y], np.float32)
        scales = np.array([self.width / width, self.height / height], np.float32)
        return F.mul(F.sub(boxes, starts), np.tile(scales, 2))


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
            input with neither 3 nor 4 axes; boxes of an unknown format.

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
        **kwargs: Unpack[ImageOptions],
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

    def _transformation(self, shape: tuple[int, ...], training: bool, seed: Any) -> Any:
        return self._sizes((1, *shape)[-4:])  # nothing is drawn

    def transform_images(
        self, images: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Images, or one, in the new size."""
        return self._resized(_core.as_tensor(images), self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Masks, or one, in the new size, with their own values only."""
        return self._resized(_core.as_tensor(segmentation_masks), "nearest")

    def _resized(self, x: Tensor, interpolation: str) -> Tensor:
        return images.resize_images(
            "resizing",
            x,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_value,
            self.data_format,
        )

    def _boxes(self, given: Any, drawn: Any, training: bool, sizes: Any) -> dict[str, Any]:
        """Boxes whose numbers are all -1 or all 0 are no boxes: they stay, as zeros."""
        found = super()._boxes(given, drawn, training, sizes or drawn)
        boxes = F.cast(given["boxes"], dtype=np.float32)
        none = F.logical_or(*(F.all(F.eq(boxes, n), axes=-1, keepdims=True) for n in (-1.0, 0.0)))
        return {**found, "boxes": F.where(none, 0.0, found["boxes"])}

    def _parts(self, sizes: tuple[int, int]) -> list[tuple[int, int]]:
        size = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            return list(images.crop_box(sizes, size))
        if self.pad_to_aspect_ratio:
            return [
                (-before, before + n + after)
                for (before, after), n in zip(images.pad_box(sizes, size), sizes, strict=True)
            ]
        return [(0, n) for n in sizes]

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

    def transform_images(
        self, images: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Images, or one, in the new size, as floats."""
        return as_before(self._cut(F.cast(images, dtype=np.float32), "bilinear"), self._out)

    def transform_segmentation_masks(
        self, segmentation_masks: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """Masks, or one, in the new size, with their own values only."""
        return self._cut(_core.as_tensor(segmentation_masks), "nearest")

    def _cut(self, x: Tensor, interpolation: str) -> Tensor:
        size = (self.height, self.width)
        first = x.ndim - (3 if self.data_format == "channels_last" else 2)
        if x.ndim in (3, 4):
            sizes = x.shape[first], x.shape[first + 1]
            if self._larger(sizes):
                return images.cropped(x, first, self._parts(sizes))
        return images.resize_images(
            "cropping", x, size, interpolation, False, True, False, 0.0, self.data_format
        )

    def _larger(self, sizes: Sequence[int]) -> bool:
        return sizes[0] >= self.height and sizes[1] >= self.width

    def _parts(self, sizes: tuple[int, int]) -> list[tuple[int, int]]:
        size = (self.height, self.width)
        if not self._larger(sizes):
            return list(images.crop_box(sizes, size))
        return [((n - k) // 2, k) for n, k in zip(sizes, size, strict=True)]
