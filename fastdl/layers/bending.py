"""Layers that bend images at random in training, and Equalization, with the numbers of Keras 3."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images as base
from .._base import sampling
from .._base.boxes import hull
from .._base.checks import check_fraction, check_integer, check_number
from .._base.registry import LAYERS
from .._core import Tensor
from ..ops.image import gaussian_blur
from ..random import SeedGenerator, stream_of
from ._augmentation import Augmentation, check_range, check_values, per_image
from .recoloring import Recoloring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions


@LAYERS.register
class RandomPerspective(Augmentation):
    """In training, shows each image with a probability in perspective. Images become floats.

    Args:
        factor: the range of the probability, which is drawn for each image: two numbers in [0, 1],
            or f for 0 to f.
        scale: how far corners move, in [0, 1]: up to half of their distance from the first corner,
            which stays.
        interpolation: "bilinear" or "nearest".
        fill_value: the value beyond the edges.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor or scale beyond its limits, an unknown interpolation.

    Source: `keras.layers.RandomPerspective` of Keras 3.

    Example:
        >>> layers.RandomPerspective(scale=0.2)(np.ones((2, 5, 5, 3)), training=True).shape
        (2, 5, 5, 3)
    """

    def __init__(
        self,
        factor: Range = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        who = "RandomPerspective"
        self.factor = check_range(who, "factor", factor, 0.0, 1.0)
        self.scale = check_fraction(who, "scale", scale)
        self.interpolation = sampling.check_interpolation(who, interpolation)
        self.fill_value = check_number(who, "fill_value", fill_value, -math.inf)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        (low, high), count = self.factor, shape[0]
        chance = F.uniform(shape=(count,), low=low, high=high)
        some = F.lt(F.uniform(shape=(count,)), chance)
        height, width = self._sizes(shape)
        right, bottom = width - 1.0, height - 1.0
        corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float32)
        start = F.broadcast_to(corners, shape=(count, 4, 2))
        half = 0.5 * self.scale
        moves = F.uniform(shape=(count, 4, 2), low=-half, high=half)
        return {
            "apply_perspective": some,
            "start_points": start,
            "end_points": start + start * moves,
            "input_shape": shape,
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        start, end = (
            F.cast(drawn[name], dtype="float32") for name in ("start_points", "end_points")
        )
        how = "nearest" if exact else self.interpolation

        def seen(x: Tensor) -> Tensor:
            return sampling.perspective(x, start, end, how, self.fill_value)

        some = per_image(_core.as_tensor(drawn["apply_perspective"]))
        return F.where(some, base.in_last(images, self.data_format, seen), images)

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        points = (F.cast(drawn[name], dtype="float32") for name in ("start_points", "end_points"))
        a, b, c, d, e, f, g, h, _ = sampling.homography(*points)

        def moved(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            x, y = x - 0.5, y - 0.5  # from an edge to the middle of a pixel, and back
            below = g * x + h * y + 1.0
            to_x, to_y = F.div(a * x + b * y + c, below), F.div(d * x + e * y + f, below)
            return to_x + 0.5, to_y + 0.5

        some = F.reshape(_core.as_tensor(drawn["apply_perspective"]), shape=(-1, 1, 1))
        left, top, right, bottom = F.split(boxes, sizes=[1, 1, 1, 1], axis=-1)
        found = hull([moved(x, y) for x in (left, right) for y in (top, bottom)])
        return F.where(some, found, boxes)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


@LAYERS.register
class RandomElasticTransform(Augmentation):
    """In training, bends each image with a probability: pixels are read nearby, at random places.

    Images become floats. Moves of neighbouring pixels are alike: they are smoothed over a part of
    the image, which is drawn for a batch.

    Args:
        factor: the range of the probability, which is drawn for each image: two numbers in [0, 1],
            or f for 0 to f.
        scale: the range of the strength: two numbers in [0, 1], or f for 0 to f. With 1 pixels move
            by about a tenth of the image, and moves are smoothed over a twentieth of it.
        interpolation: "bilinear" or "nearest".
        fill_mode: "reflect", "wrap", "constant", "nearest" or "mirror".
        fill_value: the value beyond the edges with "constant".
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor or scale beyond its limits, an unknown mode or interpolation.

    Source: Simard, Steinkraus and Platt 2003; `keras.layers.RandomElasticTransform` of Keras 3.

    Example:
        >>> layers.RandomElasticTransform()(np.ones((2, 8, 8, 3)), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Range = 1.0,
        scale: Range = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        who = "RandomElasticTransform"
        self.factor = check_range(who, "factor", factor, 0.0, 1.0)
        self.scale = check_range(who, "scale", scale, 0.0, 1.0)
        self.interpolation = sampling.check_interpolation(who, interpolation)
        self.fill_mode = sampling.check_fill_mode(who, fill_mode)
        self.fill_value = check_number(who, "fill_value", fill_value, -math.inf)
        self.value_range = check_values(who, value_range)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        (low, high), (weak, strong), count = self.factor, self.scale, shape[0]
        chance = F.uniform(shape=(count,), low=low, high=high)
        some = F.lt(F.uniform(shape=(count,)), chance)
        strength = F.uniform(shape=(), low=weak, high=strong)
        return {"apply_transform": some, "moves": self._moves(shape, strength, strong)}

    def _moves(self, shape: tuple[int, ...], strength: Tensor, strong: float) -> Tensor:
        """How far each pixel moves down and across, (batch, height, width, 2)."""
        count, (height, width) = shape[0], self._sizes(shape)
        # The deviation of the moves, over which they are smoothed, too: as Keras has it.
        most = 0.05 * min(height, width)
        deviation = strength * most + 1e-6
        moves = F.normal(shape=(count, height, width, 2)) * deviation
        window = int(6 * most * strong) | 1
        sigma = F.stack([deviation, deviation])
        moves = gaussian_blur(moves, window, sigma, "channels_last")  # type: ignore[arg-type]
        return moves * (strength * (0.1 * max(height, width)))

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        height, width = self._sizes(images.shape)
        moves = drawn.get("moves")
        if moves is None:  # a transformation in Keras's form
            strength = F.cast(drawn["distortion_factor"], dtype="float32")
            with stream_of(drawn.get("seed", self.seed_generator)):
                moves = self._moves(images.shape, strength, 1.0)
        down, across = F.split(F.cast(moves, dtype="float32"), sizes=[1, 1], axis=3)
        rows = np.arange(height, dtype=np.float32)[:, None]
        places = [
            F.reshape(down, shape=(-1, height, width)) + rows,
            F.reshape(across, shape=(-1, height, width)) + np.arange(width, dtype=np.float32),
        ]
        how = "nearest" if exact else self.interpolation

        def bent(x: Tensor) -> Tensor:
            return sampling.at(x, places, how, self.fill_mode, self.fill_value)

        some = per_image(_core.as_tensor(drawn["apply_transform"]))
        y = F.where(some, base.in_last(images, self.data_format, bent), images)
        low, high = self.value_range
        return y if exact else F.clip(y, lo=low, hi=high)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
        }


@LAYERS.register
class Equalization(Recoloring):
    """In training, makes all values of a channel about equally frequent in a batch.

    A channel with values of one bin stays as it is. Images become floats.

    Args:
        value_range: the least and the largest value of the images.
        bins: into how many bins values are counted.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: bins below 1; an input with neither 3 nor 4 axes.

    Source: `keras.layers.Equalization` of Keras 3.

    Example:
        >>> layers.Equalization()([[[1.0], [2.0], [3.0]]], training=True).tolist()
        [[[0.0], [128.0], [255.0]]]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, None, data_format, **kwargs)
        self.bins = check_integer("Equalization", "bins", bins, 1)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        axis = self._axes[2]
        parts = F.split(images, sizes=[1] * images.shape[axis], axis=axis)
        return F.concat([self._equalized(part) for part in parts], axis=axis)

    def _equalized(self, x: Tensor) -> Tensor:
        least, most = self.value_range
        last = self.bins - 1
        scaled = F.div(x - least, most - least) * 255.0
        places = F.cast(F.clip(scaled * float(last) / 255.0, lo=0.0, hi=float(last)), dtype="int64")
        flat = F.reshape(places, shape=(-1,))
        ones = _core.full(flat.shape, "float32", 1.0)
        counts = F.scatter_add(ones, flat, axis=0, size=self.bins)
        total = F.cumsum(counts, axis=0)
        first = F.min(F.where(F.gt(total, 0.0), total, float("inf")))
        rest = F.max(total) - first
        table = F.div((total - first) * 255.0, F.where(F.eq(rest, 0.0), 1.0, rest))
        table = F.clip(F.round(table), lo=0.0, hi=255.0)
        found = F.reshape(F.take(table, flat), shape=x.shape)
        several = F.gt(F.sum(F.cast(F.gt(counts, 0.0), dtype="float32")), 1.0)
        y = F.where(several, found, scaled)
        return F.div(y, 255.0) * (most - least) + least

    def get_config(self) -> Config:
        config: dict[str, Any] = {**super().get_config(), "bins": self.bins}
        return {key: value for key, value in config.items() if key != "seed"}
