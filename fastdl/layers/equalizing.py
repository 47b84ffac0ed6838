"""Layers that equalize images, or the number of their boxes, the same in training and inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import images as base
from .._base.checks import check_integer, check_number, check_pair
from .._base.registry import LAYERS
from .._core import Tensor
from ._augmentation import Augmentation, check_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import ImageOptions

_BINS = 256


@LAYERS.register
class ContrastLimitedAdaptiveHistogramEqualization(Augmentation):
    """Makes values about equally frequent in parts of an image, but raises contrast only so far.

    The image is cut into tiles. Counts of values beyond a limit are spread over all values, and a
    pixel is mapped as its four nearest tiles say, by their distances. Each channel counts alone.

    Args:
        value_range: the least and the largest value of the images.
        clip_limit: the most that a value may count, in multiples of what it counts where all are
            equally frequent; 0 for no limit.
        tile_grid_size: how many tiles there are down and across.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a number beyond its limits; an input with neither 3 nor 4 axes.

    The result has the type of the images.

    Source: Zuiderveld 1994; `keras.layers.ContrastLimitedAdaptiveHistogramEqualization` of Keras 3.

    Example:
        >>> layer = layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
        >>> layer(np.ones((1, 8, 8, 3), "uint8")).shape
        (1, 8, 8, 3)
    """

    _masks_move = False

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(None, data_format, **kwargs)
        who = type(self).__name__
        self.value_range = check_values(who, value_range)
        self.clip_limit = check_number(who, "clip_limit", clip_limit, 0.0)
        rows, columns = check_pair(who, "tile_grid_size", tile_grid_size)
        self.tile_grid_size = (
            check_integer(who, "tile_grid_size", rows, 1),
            check_integer(who, "tile_grid_size", columns, 1),
        )

    def _draw(self, shape: tuple[int, ...]) -> None:
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        given = _core.as_tensor(images)
        low, high = self.value_range
        x = F.div(F.cast(given, dtype="float32") - low, high - low) * 255.0
        y = base.in_last(x, self.data_format, self._equalized)
        return F.cast(F.div(y, 255.0) * (high - low) + low, dtype=given.dtype)

    def _equalized(self, x: Tensor) -> Tensor:
        count, height, width, channels = x.shape
        grid = self.tile_grid_size
        tile = [-(-size // parts) for size, parts in zip((height, width), grid, strict=True)]
        for axis, (size, parts, length) in enumerate(
            zip((height, width), grid, tile, strict=True), 1
        ):
            if parts * length > size:
                mirrored = np.pad(np.arange(size), (0, parts * length - size), "symmetric")
                x = F.take(x, mirrored, axis=axis)
        values = F.cast(F.clip(x, lo=0.0, hi=255.0), dtype="int64")
        tables = self._tables(values, tile)
        places = [
            _neighbours(parts, length, size)
            for parts, length, size in zip(grid, tile, (height, width), strict=True)
        ]
        values = F.slice(
            values, starts=[0, 0, 0, 0], stops=[count, height, width, channels], steps=[1, 1, 1, 1]
        )
        # Where the table of tile (0, 0) of each image and channel begins.
        first = np.arange(count * channels).reshape(count, 1, 1, channels) * (grid[0] * grid[1])
        found: Any = 0.0
        for row, part in places[0]:
            for column, share in places[1]:
                tiles = row[:, None] * grid[1] + column
                index = (first + tiles[:, :, None]) * _BINS
                weights = (part[:, None] * share)[:, :, None].astype(np.float32)
                found = F.add(F.mul(F.take(tables, F.add(values, index)), weights), found)
        return found

    def _tables(self, values: Tensor, tile: list[int]) -> Tensor:
        """What becomes of each value: of each image, channel and tile, in one row."""
        count, height, width, channels = values.shape
        rows, columns = self.tile_grid_size
        order = np.arange(count * channels).reshape(count, 1, 1, channels) * (rows * columns)
        tiles = (np.arange(height) // tile[0])[:, None] * columns + np.arange(width) // tile[1]
        index = F.reshape(F.add(values, (order + tiles[:, :, None]) * _BINS), shape=(-1,))
        total = count * channels * rows * columns
        ones = _core.full(index.shape, "float32", 1.0)
        counts = F.reshape(
            F.scatter_add(ones, index, axis=0, size=total * _BINS), shape=(total, _BINS)
        )
        pixels = float(tile[0] * tile[1])
        if self.clip_limit:
            kept = F.minimum(counts, self.clip_limit * pixels / _BINS)
            counts = kept + F.sum(counts - kept, axes=1, keepdims=True) * (1.0 / _BINS)
        below = F.cumsum(counts, axis=1)
        least = F.min(below, axes=1, keepdims=True)
        rest = F.sub(pixels, least)
        table = F.div((below - least) * 255.0, F.where(F.eq(rest, 0.0), 1.0, rest))
        return F.reshape(F.clip(table, lo=0.0, hi=255.0), shape=(-1,))

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        return self._infer_output_spec((data,), {"training": training})

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "value_range": self.value_range,
            "clip_limit": self.clip_limit,
            "tile_grid_size": self.tile_grid_size,
        }
        return {key: value for key, value in config.items() if key != "seed"}


def _neighbours(parts: int, length: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The tiles before and after each place along an axis, and their shares by the distance."""
    place = np.arange(size) / length - 0.5
    before = np.floor(place).astype(int)
    share = place - before
    inside = [np.clip(tile, 0, parts - 1) for tile in (before, before + 1)]
    return [(inside[0], 1.0 - share), (inside[1], share)]


@LAYERS.register
class MaxNumBoundingBoxes(Augmentation):
    """Gives every image the same number of boxes: some are left out, or empty ones are added.

    It takes and returns a dict with "images" and "bounding_boxes". All else stays as it is.

    Args:
        max_number: the number of boxes.
        fill_value: what the numbers and labels of added boxes are.

    Raises:
        ValueError: `max_number` below 0; an input with neither 3 nor 4 axes.

    Source: `keras.layers.MaxNumBoundingBoxes` of Keras 3.

    Example:
        >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.array([[5, 6]])}
        >>> data = {"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes}
        >>> layers.MaxNumBoundingBoxes(3)(data)["bounding_boxes"]["labels"].tolist()
        [[5, 6, -1]]
    """

    _masks_move = False

    def __init__(
        self, max_number: int, fill_value: int = -1, **kwargs: Unpack[ImageOptions]
    ) -> None:
        kwargs.setdefault("bounding_box_format", "xyxy")  # which changes nothing
        super().__init__(None, **kwargs)
        who = "MaxNumBoundingBoxes"
        self.max_number = check_integer(who, "max_number", max_number, 0)
        self.fill_value = check_integer(who, "fill_value", fill_value)

    def _draw(self, shape: tuple[int, ...]) -> None:
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        return _core.as_tensor(images)

    def _boxes(self, given: Any, drawn: Any, training: bool, sizes: Any) -> dict[str, Any]:
        found = super()._boxes(given, drawn, training, sizes)
        return {key: self._filled(value) for key, value in found.items()}

    def _filled(self, x: Tensor) -> Tensor:
        ends = [min(n, self.max_number) if i == 1 else n for i, n in enumerate(x.shape)]
        x = F.slice(x, starts=[0] * x.ndim, stops=ends, steps=[1] * x.ndim)
        missing = self.max_number - x.shape[1]
        if not missing:
            return x
        more = _core.full((x.shape[0], missing, *x.shape[2:]), x.dtype, self.fill_value)
        return F.concat([x, more], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        found = super().compute_output_shape(input_shape)
        if isinstance(found, dict) and isinstance(found.get("bounding_boxes"), dict):
            boxes: dict[str, Shape] = found["bounding_boxes"]
            batch = len(found["images"]) - 3
            found["bounding_boxes"] = {
                key: (*shape[:batch], self.max_number, *shape[batch + 1 :])
                for key, shape in boxes.items()
            }
        return found

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        return self._infer_output_spec((data,), {"training": training})

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "max_number": self.max_number,
            "fill_value": self.fill_value,
        }
        return {key: value for key, value in config.items() if key != "seed"}
