"""Layers that change the values of images at random in training, with the numbers of Keras 3."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._base import functional as F
from .._base.checks import check_number, check_numbers, shown
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, box_mask, check_range, check_values, per_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions


class Recoloring(Augmentation):
    """Base of the layers that change values within a range; masks stay as they are."""

    _masks_move = False

    def __init__(
        self,
        value_range: Sequence[float],
        seed: int | SeedGenerator | None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.value_range = check_values(type(self).__name__, value_range)

    def get_config(self) -> Config:
        return {**super().get_config(), "value_range": self.value_range}


@LAYERS.register
class RandomContrast(Recoloring):
    """In training, moves the values of each image away from the mean of their channel, or to it.

    `(x - mean) * c + mean`, where c is drawn for each image, as floats within `value_range`.

    Args:
        factor: (low, high), numbers in [0, 1], draws c from 1 - low to 1 + high. A number f draws
            from 1 to 1 + f, as Keras 3.15 does; its documentation says from 1 - f.
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; an input with neither 3 nor 4 axes.

    Source: `keras.layers.RandomContrast` of Keras 3.

    Example:
        >>> layer = layers.RandomContrast((0.0, 1.0))
        >>> layer(np.full((4, 4, 3), 9.0), training=True).mean().item()
        9.0
    """

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = check_range("RandomContrast", "factor", factor, 0.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        low, high = self.factor
        size = (shape[0], 1, 1, 1)
        return {"contrast_factor": F.uniform(shape=size, low=1.0 - low, high=1.0 + high)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        mean = F.mean(images, axes=list(self._axes[:2]), keepdims=True)
        y = (images - mean) * drawn["contrast_factor"] + mean
        return F.clip(y, lo=self.value_range[0], hi=self.value_range[1])

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}


@LAYERS.register
class RandomBrightness(Recoloring):
    """In training, adds a random number to each image, as floats within `value_range`.

    Args:
        factor: the range of the number, as a part of the width of `value_range`: two numbers in
            [-1, 1], or f for -f to f.
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; an input with neither 3 nor 4 axes.

    Source: `keras.layers.RandomBrightness` of Keras 3.

    Example:
        >>> layer = layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))
        >>> layer([[[0.25], [0.75]]], training=True)[0, :, 0].tolist()
        [0.75, 1.0]
    """

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = check_range("RandomBrightness", "factor", factor, -1.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        width = self.value_range[1] - self.value_range[0]
        low, high = (part * width for part in self.factor)
        return {"rgb_delta": F.uniform(shape=(shape[0], 1, 1, 1), low=low, high=high)}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        y = images + drawn["rgb_delta"]
        return F.clip(y, lo=self.value_range[0], hi=self.value_range[1])

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}


@LAYERS.register
class RandomErasing(Recoloring):
    """In training, overwrites a random box of each image. Images become floats.

    Args:
        factor: the range of the probability that an image is changed: two numbers in [0, 1], or f
            for 0 to f. Keras draws it anew for each image.
        scale: the range of what is drawn for height and width of the box: the square root of it is
            the part of the image's height or width.
        fill_value: a number, or three for images with three channels; None fills with normal values
            of mean 0 and the deviation `value_range[1]`. They are kept within `value_range`.
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor or scale beyond its limits; an input with neither 3 nor 4 axes.

    Source: Zhong et al. 2020; `keras.layers.RandomErasing` of Keras 3.

    Example:
        >>> layer = layers.RandomErasing((1.0, 1.0), scale=(0.25, 0.25), fill_value=0.0)
        >>> layer(np.ones((8, 8, 1)), training=True).sum().item()
        48.0
    """

    def __init__(
        self,
        factor: Range = 1.0,
        scale: Range = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        who = "RandomErasing"
        self.factor = check_range(who, "factor", factor, 0.0, 1.0)
        self.scale = check_range(who, "scale", scale, 0.0, 1.0)
        if isinstance(fill_value, (list, tuple)):
            if len(check_numbers(who, "fill_value", fill_value, -math.inf)) != 3:
                raise ValueError(
                    f"{who}: fill_value: expected a number, three or None, got {shown(fill_value)}"
                )
        elif fill_value is not None:
            fill_value = check_number(who, "fill_value", fill_value, -math.inf)
        self.fill_value = fill_value

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        low, high = self.scale
        across, down = (F.sqrt(F.uniform(shape=(shape[0],), low=low, high=high)) for _ in "xy")
        mask, _, _ = box_mask(self, shape, down, across)
        low, high = self.factor
        probability = F.uniform(shape=(shape[0],), low=low, high=high)
        changed = F.lt(F.uniform(shape=(shape[0],)), probability)
        return {
            "apply_erasing": changed,
            "batch_masks": mask,
            "fill_value": self._filling(shape),
        }

    def _filling(self, shape: tuple[int, ...]) -> Tensor | np.ndarray | float:
        low, high = self.value_range
        if self.fill_value is None:
            return F.clip(F.normal(shape=shape) * high, lo=low, hi=high)
        values = np.clip(np.asarray(self.fill_value, np.float32), low, high)
        if not values.ndim:
            return float(values)
        channels = shape[self._axes[2]]
        if channels != 3:
            raise ValueError(f"fill_value: expected a number for images of {channels} channels")
        return values.reshape([3 if i == self._axes[2] else 1 for i in range(4)])

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        box = F.logical_and(drawn["batch_masks"], per_image(drawn["apply_erasing"]))
        return F.where(box, drawn["fill_value"], images)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "fill_value": self.fill_value,
        }
