"""Layers that mix the images of a batch, and their labels, in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_number
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, box_mask, check_range, per_image

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions

_TRIES = 8


def log_gamma_values(size: int, alpha: float | Tensor) -> Tensor:
    """Logarithms of values of the gamma distribution with shape `alpha`, (size,).

    Source: Marsaglia and Tsang 2000, for alpha + 1 and with their correction. A try is refused with
    a probability below 1/20, so that all eight are refused once in 10^10 values.
    """
    d = F.add(alpha, 1.0 - 1.0 / 3.0)
    spread = F.rsqrt(d * 9.0)
    tries = []
    for _ in range(_TRIES):
        normal = F.normal(shape=(size,))
        root = normal * spread + 1.0
        positive = F.gt(root, 0.0)
        cube = root * root * root
        log = F.log(F.where(positive, cube, 1.0))
        limit = normal * normal * 0.5 + (1.0 - cube + log) * d
        fits = F.logical_and(positive, F.lt(F.log(1.0 - F.uniform(shape=(size,))), limit))
        tries.append((fits, log))
    found: float | Tensor = 0.0
    for fits, log in reversed(tries):
        found = F.where(fits, log, found)
    return found + F.log(d) + F.log(1.0 - F.uniform(shape=(size,))) / alpha


def symmetric_beta(size: int, alpha: float | Tensor) -> Tensor:
    """Values of the beta distribution with both parameters `alpha`, (size,), above 0.

    They come from logarithms of gamma values, which may be too small for floats themselves.
    """
    return F.sigmoid(log_gamma_values(size, alpha) - log_gamma_values(size, alpha))


class Mixing(Augmentation):
    """Base of the layers that mix each image with another of the batch."""

    def _relabelled(self, labels: Tensor, drawn: Transformation) -> Tensor:
        if labels.ndim == 1 and labels.dtype != "float32":
            raise ValueError(
                "labels: expected a row of probabilities for each image, as from "
                f"`utils.to_categorical`, got {labels.dtype} of shape {labels.shape}"
            )
        if labels.shape[0] != drawn["mix_weight"].shape[0]:
            raise ValueError(
                f"labels: expected a row for each of {drawn['mix_weight'].shape[0]} images, got "
                f"shape {labels.shape}"
            )
        weight = F.reshape(drawn["mix_weight"], shape=(-1, *[1] * (labels.ndim - 1)))
        labels = F.cast(labels, dtype="float32")
        return weight * labels + (1.0 - weight) * F.take(labels, drawn["permutation_order"])


@LAYERS.register
class MixUp(Mixing):
    """In training, gives weighted means of each image and another one of the batch, as floats.

    With a dict of "images" and "labels", rows of probabilities, labels are mixed likewise; without
    labels the model would learn that a mixture is its first image.

    Args:
        alpha: both parameters of the beta distribution of the weights, above 0. Small ones mix
            little.
        data_format: "channels_last" unless given; it changes nothing.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: alpha isn't above 0; an input with neither 3 nor 4 axes, labels that are class
            numbers.

    Source: Zhang et al. 2018; `keras.layers.MixUp` of Keras 3.

    Example:
        >>> batch = {"images": np.zeros((4, 8, 8, 3)), "labels": np.eye(4)}
        >>> layers.MixUp()(batch, training=True)["labels"].shape
        (4, 4)
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.alpha = check_number("MixUp", "alpha", alpha, above=0.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {
            "mix_weight": symmetric_beta(shape[0], self.alpha),
            "permutation_order": F.permutation(n=shape[0]),
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        weight = per_image(drawn["mix_weight"])
        return weight * images + (1.0 - weight) * F.take(images, drawn["permutation_order"])

    def _boxes(self, given: Any, drawn: Any, training: bool, sizes: Any) -> dict[str, Any]:
        if sizes is None:  # those of both images have the same meaning, whatever the size is
            relative = str(self.bounding_box_format).startswith("rel_")
            sizes = (1.0, 1.0) if relative else (math.inf, math.inf)
        return super()._boxes(given, drawn, training, sizes)

    def _moved_boxes(self, boxes: Tensor, drawn: Any, sizes: tuple[int, int]) -> Tensor:
        return self._of_both(boxes, drawn)

    def _with_boxes(self, found: dict[str, Any], boxes: Tensor, drawn: Any) -> dict[str, Any]:
        return {
            key: boxes if key == "boxes" else self._of_both(t, drawn) for key, t in found.items()
        }

    def _of_both(self, x: Tensor, drawn: Any) -> Tensor:
        """What belongs to the boxes of an image, and of the one that is mixed with it."""
        return F.concat([x, F.take(x, drawn["permutation_order"])], axis=1)

    def get_config(self) -> Config:
        return {**super().get_config(), "alpha": self.alpha}


@LAYERS.register
class CutMix(Mixing):
    """In training, puts a box of another image of the batch over each image. Images become floats.

    With a dict of "images" and "labels", rows of probabilities, labels are mixed by the areas. One
    image without a batch stays as it is.

    Args:
        factor: the range from which a batch's parameter of the beta distribution of the areas is
            drawn: two numbers in [0, 1], or f for 0 to f.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits; an input with neither 3 nor 4 axes, labels that are
            class numbers.

    Source: Yun et al. 2019; `keras.layers.CutMix` of Keras 3.

    Example:
        >>> batch = {"images": np.zeros((4, 8, 8, 3)), "labels": np.eye(4)}
        >>> layers.CutMix()(batch, training=True)["images"].shape
        (4, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Range = 1.0,
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = check_range("CutMix", "factor", factor, 0.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        height, width = self._sizes(shape)
        alpha = F.uniform(shape=(1,), low=self.factor[0], high=self.factor[1]) + 1e-6
        part = F.sqrt(1.0 - symmetric_beta(shape[0], alpha))
        mask, down, across = box_mask(self, shape, part, part)
        return {
            "mix_weight": 1.0 - down * across * (1.0 / (height * width)),
            "batch_masks": mask,
            "permutation_order": F.permutation(n=shape[0]),
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        other = F.take(images, drawn["permutation_order"])
        return F.where(drawn["batch_masks"], other, images)

    def get_config(self) -> Config:
        return {**super().get_config(), "factor": self.factor}
