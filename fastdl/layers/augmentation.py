"""Layers that move the pixels of images at random in training, with the numbers of Keras 3."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import affine, sampling
from .._base import functional as F
from .._base import images as base
from .._base.boxes import around
from .._base.checks import check_choice, check_number
from .._base.moving import flipped
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, SizeGiven, check_range

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions, UnnamedImageOptions

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")
_FLIPS = ("horizontal_and_vertical", "horizontal", "vertical")


@LAYERS.register
class RandomFlip(Augmentation):
    """In training, mirrors each image with probability 1/2. Images become floats.

    Args:
        mode: "horizontal" exchanges left and right, "vertical" top and bottom,
            "horizontal_and_vertical" does both to the same images, as Keras 3.15 does.
        seed: an integer or a `random.SeedGenerator` gives the layer a separate random stream; with
            None it draws from the library's stream, which `utils.set_random_seed` starts.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: an unknown mode; an input with neither 3 nor 4 axes.

    Source: `keras.layers.RandomFlip` of Keras 3.

    Example:
        >>> layers.RandomFlip("horizontal")(np.ones((2, 4, 5, 3), np.uint8)).shape
        (2, 4, 5, 3)
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.mode = check_choice("RandomFlip", "mode", mode, _FLIPS)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {"flips": F.le(F.uniform(shape=(shape[0], 1, 1, 1)), 0.5), "input_shape": shape}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        down, across, _ = self._axes
        axes = {"horizontal": [across], "vertical": [down]}.get(self.mode, [down, across])
        return F.where(drawn["flips"], flipped(images, axes, "flip"), images)

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        left, top, right, bottom = F.split(boxes, sizes=[1, 1, 1, 1], axis=-1)
        height, width = sizes
        if self.mode != "vertical":
            left, right = width - right, width - left
        if self.mode != "horizontal":
            top, bottom = height - bottom, height - top
        mirrored = F.concat([left, top, right, bottom], axis=-1)
        return F.where(F.reshape(drawn["flips"], shape=(-1, 1, 1)), mirrored, boxes)

    def get_config(self) -> Config:
        return {**super().get_config(), "mode": self.mode}


class Sampled(Augmentation):
    """Base of the layers that read each pixel at another place of the image."""

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | SeedGenerator | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        who = type(self).__name__
        self.fill_mode = str(check_choice(who, "fill_mode", fill_mode, _FILL_MODES))
        self.interpolation = sampling.check_interpolation(who, interpolation)
        self.fill_value = check_number(who, "fill_value", fill_value, -math.inf)

    def _matrix(self, drawn: Transformation, sizes: tuple[int, int]) -> list[Tensor]:
        """The first six numbers that `ops.image.affine_transform` takes, (batch, 1) each."""
        raise NotImplementedError

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        return affine.affine_transform(
            images,
            F.concat(self._matrix(drawn, self._sizes(images.shape)), axis=1),
            "nearest" if exact else self.interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        # The matrix says where the pixel at a place comes from. A box goes the other way, and its
        # edges are half a pixel from the middles of pixels.
        numbers = self._matrix(drawn, sizes)
        a, b, c, d, e, f = (F.reshape(n, shape=(-1, 1, 1)) for n in numbers)
        scale = a * e - b * d
        from_x, from_y = 0.5 + c, 0.5 + f
        forward = [e, -b, b * from_y - e * from_x, -d, a, d * from_x - a * from_y]
        forward = [F.div(n, scale) for n in forward]
        forward[2], forward[5] = forward[2] + 0.5, forward[5] + 0.5
        return around(boxes, forward)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


@LAYERS.register
class RandomRotation(Sampled):
    """In training, turns each image about its middle by a random angle. Images become floats.

    Args:
        factor: the range of the angle in full turns, counterclockwise: two numbers in [-1, 1], or f
            for -f to f.
        fill_mode: how an image continues beyond its edges: "reflect" (by its mirror image), "wrap"
            (by itself), "nearest" (by its outermost pixels) or "constant" (by `fill_value`).
        interpolation: "bilinear" or "nearest".
        seed: as for `RandomFlip`.
        fill_value: the value beyond the edges with "constant".
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits, an unknown fill_mode or interpolation; an input with
            neither 3 nor 4 axes.

    Source: `keras.layers.RandomRotation` of Keras 3, on JAX.

    Example:
        >>> layer = layers.RandomRotation((0.25, 0.25), interpolation="nearest")
        >>> layer(np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), training=True)[:, :, 0].tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: Range,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = check_range("RandomRotation", "factor", factor, -1.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        low, high = self.factor
        return {"angle": F.uniform(shape=(shape[0],), low=low * 360.0, high=high * 360.0)}

    def _matrix(self, drawn: Transformation, sizes: tuple[int, int]) -> list[Tensor]:
        y, x = (0.5 * (n - 1) for n in sizes)
        angle = F.reshape(drawn["angle"] * (math.pi / 180.0), shape=(-1, 1))
        cos, sin = F.cos(angle), F.sin(angle)
        return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y]

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}


@LAYERS.register
class RandomZoom(Sampled):
    """In training, zooms each image at random about its middle. Images become floats.

    Args:
        height_factor: the range of the change of the height, two numbers in (-1, 1] or f for -f to
            f. Positive numbers zoom out, negative ones in.
        width_factor: that of the width; None keeps the ratio of height and width.
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomRotation`.

    Raises:
        ValueError: a factor beyond its limits, an unknown fill_mode or interpolation; an input with
            neither 3 nor 4 axes.

    Source: `keras.layers.RandomZoom` of Keras 3, on JAX.

    Example:
        >>> layers.RandomZoom(0.2)(np.ones((2, 4, 5, 3)), training=True).shape
        (2, 4, 5, 3)
    """

    def __init__(
        self,
        height_factor: Range,
        width_factor: Range | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        who = "RandomZoom"
        self._height = check_range(who, "height_factor", height_factor, -1.0, 1.0, above=-1.0)
        self._width = None
        if width_factor is not None:
            self._width = check_range(who, "width_factor", width_factor, -1.0, 1.0, above=-1.0)
        self.height_factor, self.width_factor = height_factor, width_factor

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        def zoom(limits: tuple[float, float]) -> Tensor:
            return F.uniform(shape=(shape[0], 1), low=1.0 + limits[0], high=1.0 + limits[1])

        height = zoom(self._height)
        width = height if self._width is None else zoom(self._width)
        return {"height_zoom": height, "width_zoom": width, "input_shape": shape}

    def _matrix(self, drawn: Transformation, sizes: tuple[int, int]) -> list[Tensor]:
        down, across = drawn["height_zoom"], drawn["width_zoom"]
        y, x = ((1.0 - zoom) * ((n - 1) / 2) for n, zoom in zip(sizes, (down, across), strict=True))
        none = F.scale_shift(down, factor=0.0)
        return [across, none, x, none, down, y]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


@LAYERS.register
class RandomTranslation(Sampled):
    """In training, shifts each image by a random part of its size. Images become floats.

    Args:
        height_factor: the range of the shift down, as a part of the height: two numbers in [-1, 1],
            or f for -f to f.
        width_factor: that of the shift to the right, as a part of the width.
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomRotation`.

    Raises:
        ValueError: a factor beyond its limits, an unknown fill_mode or interpolation; an input with
            neither 3 nor 4 axes.

    Source: `keras.layers.RandomTranslation` of Keras 3, on JAX.

    Example:
        >>> layer = layers.RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
        >>> layer(np.array([[[1.0], [2.0]]]), training=True)[:, :, 0].tolist()
        [[0.0, 1.0]]
    """

    def __init__(
        self,
        height_factor: Range,
        width_factor: Range,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        who = "RandomTranslation"
        self._height = check_range(who, "height_factor", height_factor, -1.0, 1.0)
        self._width = check_range(who, "width_factor", width_factor, -1.0, 1.0)
        self.height_factor, self.width_factor = height_factor, width_factor

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        height, width = self._sizes(shape)
        down = F.uniform(shape=(shape[0], 1), low=self._height[0], high=self._height[1])
        across = F.uniform(shape=(shape[0], 1), low=self._width[0], high=self._width[1])
        moves = F.concat([across * float(width), down * float(height)], axis=1)
        return {"translations": moves, "input_shape": shape}

    def _matrix(self, drawn: Transformation, sizes: tuple[int, int]) -> list[Tensor]:
        across, down = F.split(drawn["translations"], sizes=[1, 1], axis=1)
        none = F.scale_shift(down, factor=0.0)
        one = F.scale_shift(down, factor=0.0, shift=1.0)
        return [one, none, -across, none, one, -down]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }


@LAYERS.register
class RandomCrop(SizeGiven, Augmentation):
    """In training, cuts a part of the given size out of images, the same for a batch, as floats.

    In inference, and from images that are not larger, it takes the largest part in the middle with
    the ratio of `height` and `width` and resizes it, bilinearly.

    Args:
        height, width: the size.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a size below 1; an input with neither 3 nor 4 axes.

    Source: `keras.layers.RandomCrop` of Keras 3.

    Example:
        >>> layers.RandomCrop(3, 2)(np.ones((2, 4, 5, 3)), training=True).shape
        (2, 3, 2, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[UnnamedImageOptions],
    ) -> None:
        Augmentation.__init__(self, seed, data_format, name=name, **kwargs)
        self._take_size(height, width)

    def _larger(self, sizes: tuple[int, int]) -> bool:
        return sizes[0] > self.height and sizes[1] > self.width

    def _draw(self, shape: tuple[int, ...]) -> Any:
        sizes = self._sizes(shape)
        if not self._larger(sizes):
            return tuple(start for start, _ in base.crop_box(sizes, (self.height, self.width)))
        left = [n - k + 1 for n, k in zip(sizes, (self.height, self.width), strict=True)]
        return tuple(F.randint(shape=(), low=0, high=n) for n in left)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        x = F.cast(images, dtype="float32")
        cut = training and transformation is not None
        y = self._changed(x, transformation, False) if cut else self._whole(x, "bilinear")
        return base.as_before(y, self._out)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Tensor:
        masks = F.cast(segmentation_masks, dtype="float32")
        cut = training and transformation is not None
        y = self._changed(masks, transformation, True) if cut else self._whole(masks, "nearest")
        return base.as_before(y, segmentation_masks.dtype)

    def _whole(self, x: Tensor, interpolation: str) -> Tensor:
        size = (self.height, self.width)
        return base.resize_images(
            "crop", x, size, interpolation, False, True, False, 0.0, self.data_format
        )

    def _changed(self, images: Tensor, drawn: Any, exact: bool) -> Tensor:
        sizes = self._sizes(images.shape)
        if not self._larger(sizes):
            return self._whole(images, "nearest" if exact else "bilinear")
        for axis, start, size in zip(self._axes, drawn, (self.height, self.width), strict=False):
            index = np.arange(size, dtype=np.int32)
            images = F.take(images, index + F.cast(start, dtype=np.int32), axis=axis)
        return images

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        wanted = (self.height, self.width)
        starts: Any = drawn
        scales = [1.0, 1.0]
        if drawn is None or not self._larger(sizes):
            part = base.crop_box(sizes, wanted)
            starts = [start for start, _ in part]
            scales = [n / size for n, (_, size) in zip(wanted, part, strict=True)]
        y, x = (F.cast(_core.as_tensor(start), dtype="float32") for start in starts)
        left, top, right, bottom = F.split(boxes, sizes=[1, 1, 1, 1], axis=-1)
        moved = [
            F.sub(edge, start) * scale
            for edge, start, scale in zip(
                (left, top, right, bottom), (x, y, x, y), scales[::-1] * 2, strict=True
            )
        ]
        return F.concat(moved, axis=-1)
