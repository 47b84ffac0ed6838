"""RandAugment: several random changes of images, chosen from eleven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base import sampling
from .._base.checks import check_integer
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, check_range, check_values
from .augmentation import RandomRotation, RandomTranslation
from .bending import Equalization
from .coloring import RandomColorDegeneration, RandomPosterization, RandomSharpness
from .contrasting import AutoContrast, RandomShear, Solarization
from .recoloring import RandomBrightness, RandomContrast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions


def changes(
    factor: tuple[float, float],
    value_range: tuple[float, float],
    interpolation: str,
    data_format: str | None,
) -> dict[str, Augmentation]:
    """Eleven layers that change images, by the names that Keras has for them."""
    order = {"data_format": data_format}
    moving: dict[str, Any] = {**order, "interpolation": interpolation}
    coloring: dict[str, Any] = {**order, "value_range": value_range}
    return {
        "random_shear": RandomShear(factor, factor, **moving),
        "random_translation": RandomTranslation(factor, factor, **moving),
        "random_rotation": RandomRotation(factor, **moving),
        "random_brightness": RandomBrightness(factor, **coloring),
        "random_color_degeneration": RandomColorDegeneration(factor, **coloring),
        "random_contrast": RandomContrast(factor, **coloring),
        "random_sharpness": RandomSharpness(factor, **coloring),
        "random_posterization": RandomPosterization(max(1, int(8 * factor[1])), **coloring),
        "solarization": Solarization(factor, factor, **coloring),
        "auto_contrast": AutoContrast(**coloring),
        "equalization": Equalization(**coloring),
    }


@LAYERS.register
class RandAugment(Augmentation):
    """In training, changes a batch in several ways, each chosen from eleven. Images become floats.

    They are `RandomShear`, `RandomTranslation`, `RandomRotation`, `RandomBrightness`,
    `RandomColorDegeneration`, `RandomContrast`, `RandomSharpness`, `RandomPosterization`,
    `Solarization`, `AutoContrast` and `Equalization`. All of them are computed in each step, and
    one is taken, as in Keras.

    Args:
        value_range: the least and the largest value of the images.
        num_ops: how many changes are made, one after the other.
        factor: the range of their factors: two numbers in [0, 1], or f for 0 to f.
        interpolation: "bilinear" or "nearest".
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits, an unknown interpolation; images without 1 or 3
            channels.

    Source: Cubuk et al. 2020; `keras.layers.RandAugment` of Keras 3.

    Example:
        >>> layers.RandAugment()(np.ones((2, 8, 8, 3)), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_ops: int = 2,
        factor: Range = 0.5,
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        who = "RandAugment"
        self.value_range = check_values(who, value_range)
        self.num_ops = check_integer(who, "num_ops", num_ops, 0)
        self.factor = found = check_range(who, "factor", factor, 0.0, 1.0)
        self.interpolation = sampling.check_interpolation(who, interpolation)
        self._changes = changes(found, self.value_range, interpolation, data_format)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        count = len(self._changes)
        chosen = F.randint(shape=(max(self.num_ops, 1),), low=0, high=count)
        drawn = {name: layer._draw(shape) for name, layer in self._changes.items()}
        return {"transforms": drawn, "layer_idxes": chosen}

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        chosen = F.cast(drawn["layer_idxes"], dtype="int64")
        for i in range(self.num_ops):
            number = F.slice(chosen, starts=[i], stops=[i + 1], steps=[1])
            before = images
            for place, (name, layer) in enumerate(self._changes.items()):
                if layer._masks_move or not exact:
                    changed = layer._changed(before, drawn["transforms"][name], exact)
                    images = F.where(F.eq(number, place), changed, images)
        return images

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        chosen = F.cast(drawn["layer_idxes"], dtype="int64")
        for i in range(self.num_ops):
            number = F.slice(chosen, starts=[i], stops=[i + 1], steps=[1])
            before = boxes
            for place, (name, layer) in enumerate(self._changes.items()):
                if layer._masks_move:
                    moved = layer._moved_boxes(before, drawn["transforms"][name], sizes)
                    boxes = F.where(F.eq(number, place), moved, boxes)
        return boxes

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "num_ops": self.num_ops,
            "factor": self.factor,
            "interpolation": self.interpolation,
        }
