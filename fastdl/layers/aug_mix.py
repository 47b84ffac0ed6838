"""AugMix: means of an image and chains of random changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base import sampling
from .._base.checks import check_flag, check_integer, check_number
from .._base.random import numpy_generator
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator
from ._augmentation import Augmentation, check_range, check_values
from .mixing import log_gamma_values, symmetric_beta
from .rand_augment import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config
    from ._augmentation import Range, Transformation
    from .options import ImageOptions

# Those that the paper's tests of robustness measure are left out unless asked for.
_MEASURED = (
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
)


@LAYERS.register
class AugMix(Augmentation):
    """In training, mixes images with chains of random changes of them. Images become floats.

    A chain is up to `chain_depth` of the changes of `RandAugment`, one after the other, the same
    for a batch. The chains are added up with random weights, and then mixed with the images, at a
    random weight, too. Labels, masks and boxes stay as they are. A step of `fit` with it runs
    eagerly, since each step makes other changes: it is meant for `map` of a data set.

    Args:
        value_range: the least and the largest value of the images.
        num_chains: how many chains are mixed.
        chain_depth: the most changes of a chain; each place may stay empty.
        factor: the range of the factors of changes: two numbers in [0, 1], or f for 0 to f.
        alpha: above 0; the parameter of the Dirichlet distribution of the chains' weights, and of
            the beta distribution of the weight of the images.
        all_ops: whether changes of brightness, color, contrast and sharpness are among them.
        interpolation: "bilinear" or "nearest".
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a number beyond its limits, an unknown interpolation; images without 1 or 3
            channels.

    Source: Hendrycks et al. 2020; `keras.layers.AugMix` of Keras 3.

    Example:
        >>> layers.AugMix(seed=1)(np.ones((2, 8, 8, 3)), training=True).shape
        (2, 8, 8, 3)
    """

    _masks_move = False

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Range = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        who = "AugMix"
        self.value_range = check_values(who, value_range)
        self.num_chains = check_integer(who, "num_chains", num_chains, 1)
        self.chain_depth = check_integer(who, "chain_depth", chain_depth, 0)
        self.factor = check_range(who, "factor", factor, 0.0, 1.0)
        self.alpha = check_number(who, "alpha", alpha, above=0.0)
        self.all_ops = check_flag(who, "all_ops", all_ops)
        self.interpolation = sampling.check_interpolation(who, interpolation)
        found = changes(self.factor, self.value_range, interpolation, data_format)
        self._changes = {k: v for k, v in found.items() if self.all_ops or k not in _MEASURED}

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        names = [*self._changes, None]
        rng = numpy_generator(None)
        chains = []
        for numbers in rng.integers(0, len(names), (self.num_chains, self.chain_depth)):
            chosen = [name for name in (names[int(n)] for n in numbers) if name is not None]
            chains.append(
                [
                    {"layer_name": name, "transformation": self._changes[name]._draw(shape)}
                    for name in chosen
                ]
            )
        return {
            "chain_mixing_weights": F.softmax(
                log_gamma_values(self.num_chains, self.alpha), axis=0
            ),
            "weight_sample": F.reshape(symmetric_beta(1, self.alpha), shape=()),
            "chain_transforms": chains,
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        weights = F.split(drawn["chain_mixing_weights"], sizes=[1] * self.num_chains, axis=0)
        mixed: Any = 0.0
        for weight, chain in zip(weights, drawn["chain_transforms"], strict=True):
            changed = images
            for step in chain:
                layer = self._changes[step["layer_name"]]
                changed = layer._changed(changed, step["transformation"], exact)
            mixed = F.add(F.mul(changed, weight), mixed)
        own = drawn["weight_sample"]
        low, high = self.value_range
        return F.clip(F.add(images * own, mixed * (1.0 - own)), lo=low, hi=high)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "num_chains": self.num_chains,
            "chain_depth": self.chain_depth,
            "factor": self.factor,
            "alpha": self.alpha,
            "all_ops": self.all_ops,
            "interpolation": self.interpolation,
        }
