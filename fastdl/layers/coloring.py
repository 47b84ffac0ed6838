"""Layers that change colors at random in training, with the numbers of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import coloring
from .._base import functional as F
from .._base.checks import check_fraction
from .._base.registry import LAYERS
from .._base.settings import settings
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, check_range, per_image
from .recoloring import RandomBrightness, RandomContrast, Recoloring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions


class Tinting(Recoloring):
    """Base of the layers that draw a factor for each image."""

    _least, _most = -1.0, 1.0  # the limits of the factor

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        who = type(self).__name__
        self.factor = check_range(who, "factor", factor, self._least, self._most)

    def _drawn_factor(self, shape: tuple[int, ...]) -> Tensor:
        low, high = self.factor
        return F.uniform(shape=(shape[0],), low=low, high=high)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {"factor": self._drawn_factor(shape)}

    def _gray(self, images: Tensor) -> Tensor:
        """The brightness of the images, with one channel."""
        if images.shape[self._axes[2]] == 1:
            return images
        if images.shape[self._axes[2]] != 3:
            raise ValueError(f"expected images with 1 or 3 channels, got shape {images.shape}")
        return coloring.gray(*F.split(images, sizes=[1, 1, 1], axis=self._axes[2]))

    def _in_hsv(self, images: Tensor, change: Any) -> Tensor:
        """The images, after a change of hue, saturation and value, each (batch, height, width)."""
        if images.shape[self._axes[2]] != 3:
            raise ValueError(f"expected images with 3 channels, got shape {images.shape}")

        def changed(*colors: Tensor) -> tuple[Tensor, ...]:
            return coloring.from_hsv(*change(*coloring.to_hsv(*colors)))

        return coloring.planes(images, self._axes[2], changed)

    def _scaled(self, x: Tensor, low: float, high: float, back: bool = False) -> Tensor:
        """Values of `value_range` as ones from `low` to `high`, or back."""
        source, target = tuple(self.value_range), (low, high)
        if source == target:
            return x
        if back:
            source, target = target, source
        part = F.div(x - source[0], source[1] - source[0])
        return part * (target[1] - target[0]) + target[0]

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}


def _of_planes(numbers: Any) -> Tensor:
    return F.reshape(F.cast(numbers, dtype="float32"), shape=(-1, 1, 1))


def _of_images(numbers: Any) -> Tensor:
    return per_image(F.cast(numbers, dtype="float32"))


@LAYERS.register
class RandomGrayscale(Augmentation):
    """In training, makes images gray, each with a probability. Images become floats.

    Args:
        factor: the probability.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor that isn't in [0, 1]; images without 1 or 3 channels.

    Source: `keras.layers.RandomGrayscale` of Keras 3.

    Example:
        >>> layers.RandomGrayscale(1.0)([[[100.0, 0.0, 0.0]]], training=True).numpy().round(2)
        array([[[29.89, 29.89, 29.89]]], dtype=float32)
    """

    _masks_move = False

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = check_fraction("RandomGrayscale", "factor", factor)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return F.lt(F.uniform(shape=(shape[0], 1, 1, 1)), self.factor)

    def _changed(self, images: Tensor, drawn: Any, exact: bool) -> Tensor:
        axis = self._axes[2]
        channels = images.shape[axis]
        if channels == 1:
            return images
        if channels != 3:
            raise ValueError(f"expected images with 1 or 3 channels, got shape {images.shape}")
        gray = coloring.gray(*F.split(images, sizes=[1, 1, 1], axis=axis))
        return F.where(drawn, gray, images)

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}


@LAYERS.register
class RandomHue(Tinting):
    """In training, turns the hue of each image by up to half a circle. Images become floats.

    Args:
        factor: the range of the turn, either way, as a part of half a circle: two numbers in
            [0, 1], or f for 0 to f.
        value_range: the least and the largest value of the images.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; images without 3 channels.

    Source: `keras.layers.RandomHue` of Keras 3.

    Example:
        >>> layer = layers.RandomHue((1.0, 1.0), value_range=(0, 1))
        >>> layer([[[1.0, 0.0, 0.0]]], training=True).tolist()
        [[[0.0, 1.0, 1.0]]]
    """

    _least = 0.0

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        turn = F.where(F.gt(F.uniform(shape=(shape[0],)), 0.5), -0.5, 0.5)
        return {"factor": turn * self._drawn_factor(shape)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        turn = _of_planes(drawn["factor"])

        def turned(hue: Tensor, saturation: Tensor, value: Tensor) -> tuple[Tensor, ...]:
            hue = hue + turn
            hue = F.where(F.gt(hue, 1.0), hue - 1.0, hue)
            return F.where(F.lt(hue, 0.0), hue + 1.0, hue), saturation, value

        y = self._in_hsv(self._scaled(images, 0.0, 1.0), turned)
        return self._scaled(F.clip(y, lo=0.0, hi=1.0), 0.0, 1.0, back=True)


@LAYERS.register
class RandomSaturation(Tinting):
    """In training, makes the colors of each image paler or stronger. Images become floats.

    Args:
        factor: the range of the change: two numbers in [-1, 1], or f for -f to f. The saturation
            is multiplied by f / (1 - f): 0.5 changes nothing, 0 makes gray, 1 makes pure colors.
        value_range: the bounds of the saturation after the change, as in Keras 3.15.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; images without 3 channels.

    Source: `keras.layers.RandomSaturation` of Keras 3.

    Example:
        >>> layer = layers.RandomSaturation((0.0, 0.0))
        >>> layer([[[0.8, 0.4, 0.2]]], training=True).numpy().round(3).tolist()[0][0][0] > 0.79
        True
    """

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        factor = self._drawn_factor(shape)
        return {"factor": F.div(factor, 1.0 - factor + settings.epsilon)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        factor, (low, high) = _of_planes(drawn["factor"]), self.value_range

        def paler(hue: Tensor, saturation: Tensor, value: Tensor) -> tuple[Tensor, ...]:
            return hue, F.clip(saturation * factor, lo=low, hi=high), value

        return self._in_hsv(images, paler)


@LAYERS.register
class RandomColorDegeneration(Tinting):
    """In training, moves the colors of each image towards gray. Images become floats.

    Args:
        factor: the range of how far: two numbers in [-1, 1], or f for -f to f. 0 changes nothing, 1
            makes gray; numbers below 0 make colors stronger.
        value_range: the least and the largest value of the images.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; images without 1 or 3 channels.

    Source: `keras.layers.RandomColorDegeneration` of Keras 3.

    Example:
        >>> layer = layers.RandomColorDegeneration((0.0, 0.0))
        >>> layer([[[9.0, 4.0, 2.0]]], training=True).tolist()
        [[[9.0, 4.0, 2.0]]]
    """

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {"factor": per_image(self._drawn_factor(shape))}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        y = images + _of_images(drawn["factor"]) * (self._gray(images) - images)
        return F.clip(y, lo=self.value_range[0], hi=self.value_range[1])


@LAYERS.register
class RandomInvert(Tinting):
    """In training, takes each image with a probability from the largest value: its negative.

    Args:
        factor: the range of the probability, which is drawn for each image: two numbers in [0, 1],
            or f for 0 to f.
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits.

    Source: `keras.layers.RandomInvert` of Keras 3.

    Example:
        >>> layers.RandomInvert((1.0, 1.0))([[[55.0]]], training=True).tolist()
        [[[200.0]]]
    """

    _least = 0.0

    def __init__(
        self,
        factor: Range = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        chance = self._drawn_factor(shape)
        return {"apply_inversion": F.lt(F.uniform(shape=(shape[0],)), chance)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        inverted = F.sub(self.value_range[1], images)
        return F.where(per_image(_core.as_tensor(drawn["apply_inversion"])), inverted, images)


@LAYERS.register
class RandomPosterization(Tinting):
    """In training, leaves some bits of the values of each image. Images become floats.

    Args:
        factor: the range of the number of bits: two numbers from 1 to 8, the second one excluded
            unless it is the first; or f for 1 to f.
        value_range: the least and the largest value of the images.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits.

    Source: `keras.layers.RandomPosterization` of Keras 3.

    Example:
        >>> layers.RandomPosterization((2, 2))([[[100.0], [200.0]]], training=True).tolist()
        [[[64.0], [192.0]]]
    """

    _least, _most = 1.0, 8.0

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        low, high = (int(bits) for bits in self.factor)
        bits = F.randint(shape=(shape[0],), low=low, high=max(high, low + 1))
        return {"shift_factor": F.sub(8, bits)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        step = F.pow(2.0, _of_images(drawn["shift_factor"]))
        y = F.floor(F.div(F.floor(self._scaled(images, 0.0, 255.0)), step)) * step
        return self._scaled(y, 0.0, 255.0, back=True)


@LAYERS.register
class RandomSharpness(Tinting):
    """In training, makes each image sharper or smoother. Images become floats.

    Args:
        factor: the range of the sharpness: two numbers in [0, 1], or f for 0 to f. 0 is the
            smoothed image, 0.5 the image, 1 as much sharper as the smoothed one is smoother.
        value_range: the least and the largest value of the images.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits.

    Source: `keras.layers.RandomSharpness` of Keras 3.

    Example:
        >>> layers.RandomSharpness((0.5, 0.5))(np.eye(3)[..., None], training=True).sum().item()
        3.0
    """

    _least = 0.0

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        down, across, _ = self._axes
        around = [1 if axis in (down, across) else 0 for axis in range(4)]
        padded = F.pad(images, before=around, after=around, value=0.0)
        sizes, total = images.shape, images * (5.0 / 13.0)
        for i, j in np.ndindex(3, 3):
            if (i, j) != (1, 1):
                starts, stops = [0] * 4, list(sizes)
                for axis, start in ((down, i), (across, j)):
                    starts[axis], stops[axis] = start, start + sizes[axis]
                part = F.slice(padded, starts=starts, stops=stops, steps=[1] * 4)
                total = total + part * (1.0 / 13.0)
        y = images + (1.0 - 2.0 * _of_images(drawn["factor"])) * (total - images)
        return F.clip(y, lo=self.value_range[0], hi=self.value_range[1])


@LAYERS.register
class RandomColorJitter(Recoloring):
    """In training, changes brightness, contrast, saturation and hue, one after the other.

    Args:
        value_range: the least and the largest value of the images.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: the factors of
            `RandomBrightness`, `RandomContrast`, `RandomSaturation` and `RandomHue`; None leaves
            one out.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; images without 3 channels for the last two.

    Source: `keras.layers.RandomColorJitter` of Keras 3.

    Example:
        >>> layer = layers.RandomColorJitter(brightness_factor=(0.1, 0.1))
        >>> layer([[[100.0, 0.0, 50.0]]], training=True).tolist()
        [[[125.5, 25.5, 75.5]]]
    """

    _parts = ("brightness", "contrast", "saturation", "hue")

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: Range | None = None,
        contrast_factor: Range | None = None,
        saturation_factor: Range | None = None,
        hue_factor: Range | None = None,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        kinds = (RandomBrightness, RandomContrast, RandomSaturation, RandomHue)
        factors = (brightness_factor, contrast_factor, saturation_factor, hue_factor)
        self._steps: dict[str, Any] = {}
        for part, kind, factor in zip(self._parts, kinds, factors, strict=True):
            if factor is not None:
                try:
                    self._steps[part] = kind(factor, value_range, data_format=data_format)
                except ValueError as error:
                    text = str(error).replace(f"{kind.__name__}: ", "").replace("factor: ", "", 1)
                    raise ValueError(f"RandomColorJitter: {part}_factor: {text}") from None

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {part: step._draw(shape) for part, step in self._steps.items()}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        for part, step in self._steps.items():
            images = step._changed(images, drawn[part], exact)
        return images

    def get_config(self) -> Config:
        factors = {f"{part}_factor": getattr(self, f"{part}_factor") for part in self._parts}
        return {**super().get_config(), **factors}
