"""Layers that spread values, blur and shear images, with the numbers of Keras 3; and Pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_integers, shown
from .._base.registry import LAYERS
from .._core import Tensor
from .._graph.calls import signature_of
from ..ops.image import gaussian_blur
from ..random import SeedGenerator
from ._augmentation import check_range, per_image
from .augmentation import Sampled
from .coloring import Tinting
from .layer import Layer
from .recoloring import Recoloring

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .._base.types import Config
    from .._core import TensorLike
    from ._augmentation import Range, Transformation
    from .options import ImageOptions, UnnamedOptions


@LAYERS.register
class AutoContrast(Recoloring):
    """Spreads the values of each channel of each image over `value_range`, at any time.

    A channel with one value stays as it is. Images become floats.

    Args:
        value_range: the least and the largest value of the images.

    Raises:
        ValueError: an input with neither 3 nor 4 axes.

    Source: `keras.layers.AutoContrast` of Keras 3.

    Example:
        >>> layers.AutoContrast((0, 1))([[[0.25], [0.5], [0.75]]]).tolist()
        [[[0.0], [0.5], [1.0]]]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, None, data_format, **kwargs)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        return {}

    def transform_images(
        self, images: TensorLike, transformation: Any = None, training: bool = True
    ) -> Tensor:
        """A batch of images with all values of the range."""
        return super().transform_images(images, {}, True)

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        axes, (least, most) = list(self._axes[:2]), self.value_range
        low = F.min(images, axes=axes, keepdims=True)
        spread = F.max(images, axes=axes, keepdims=True) - low
        some = F.gt(spread, 0.0)
        part = F.div(images - low, F.where(some, spread, 1.0))
        y = F.clip(part * (most - least) + least, lo=least, hi=most)
        return F.where(some, y, images)

    def get_config(self) -> Config:
        return {k: v for k, v in super().get_config().items() if k != "seed"}


@LAYERS.register
class Solarization(Recoloring):
    """In training, adds to the values and takes those above a threshold from the largest one.

    Args:
        addition_factor: the range of what is added, as a part of 255: two numbers in [0, 1], or f
            for 0 to f. (The first of two numbers counts without the factor 255, as in Keras 3.15.)
        threshold_factor: the range of the threshold, likewise.
        value_range: the least and the largest value of the images.
        seed: as for `RandomFlip`.
        data_format: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits.

    Source: `keras.layers.Solarization` of Keras 3.

    Example:
        >>> layers.Solarization()([[[0.0], [200.0]]], training=True).tolist()
        [[[255.0], [55.0]]]
    """

    def __init__(
        self,
        addition_factor: Range = 0.0,
        threshold_factor: Range = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | SeedGenerator | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        who = "Solarization"
        self.addition_factor = check_range(who, "addition_factor", addition_factor, 0.0, 1.0)
        self.threshold_factor = check_range(who, "threshold_factor", threshold_factor, 0.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        size = (shape[0], 1, 1, 1)
        factors = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        return {
            name: F.uniform(shape=size, low=low, high=high * 255.0)
            for name, (low, high) in factors.items()
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        least, most = self.value_range
        same = (least, most) == (0, 255)
        x = images if same else F.div(images - least, most - least) * 255.0
        x = F.clip(F.add(x, drawn["additions"]), lo=0.0, hi=255.0)
        x = F.where(F.lt(x, drawn["thresholds"]), x, 255.0 - x)
        return x if same else F.div(x, 255.0) * (most - least) + least

    def get_config(self) -> Config:
        factors = {
            "addition_factor": self.addition_factor,
            "threshold_factor": self.threshold_factor,
        }
        return {**super().get_config(), **factors}


@LAYERS.register
class RandomGaussianBlur(Tinting):
    """In training, blurs each image with a probability. Images become floats.

    Args:
        factor: the range of the probability, which is drawn for each image: two numbers in [0, 1],
            or f for 0 to f.
        kernel_size: the size of the window across and down, odd.
        sigma: the range of the standard deviations across and down, which are drawn for a batch:
            two numbers in [0, 1], or f for 0 to f.
        value_range: the least and the largest value of the images.
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor or sigma beyond its limits, or an even size.

    Source: `keras.layers.RandomGaussianBlur` of Keras 3.

    Example:
        >>> layers.RandomGaussianBlur()(np.ones((2, 5, 5, 3)), training=True).shape
        (2, 5, 5, 3)
    """

    _least = 0.0

    def __init__(
        self,
        factor: Range = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: Range = 1.0,
        value_range: Sequence[float] = (0, 255),
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        who = "RandomGaussianBlur"
        sizes = check_integers(who, "kernel_size", kernel_size, 1)
        pair = (sizes, sizes) if isinstance(sizes, int) else tuple(sizes)
        if len(pair) != 2 or not all(size % 2 for size in pair):
            raise ValueError(
                f"{who}: kernel_size: expected an odd number or two, got {shown(kernel_size)}"
            )
        self.kernel_size = pair
        self.sigma = check_range(who, "sigma", sigma, 0.0, 1.0)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        chance = self._drawn_factor(shape)
        low, high = self.sigma
        return {
            "should_apply_blur": F.lt(F.uniform(shape=(shape[0],)), chance),
            "blur_factor": F.uniform(shape=(2,), low=low, high=high) + 1e-6,
        }

    def _changed(self, images: Tensor, drawn: Transformation, exact: bool) -> Tensor:
        sigma = F.cast(drawn["blur_factor"], dtype="float32")
        blurred = gaussian_blur(images, self.kernel_size, sigma, self.data_format)  # type: ignore[arg-type]
        some = per_image(_core.as_tensor(drawn["should_apply_blur"]))
        return F.clip(
            F.where(some, blurred, images), lo=self.value_range[0], hi=self.value_range[1]
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "kernel_size": self.kernel_size, "sigma": self.sigma}


@LAYERS.register
class RandomShear(Sampled):
    """In training, shears each image: its rows or columns slide. Images become floats.

    Args:
        x_factor: the range of how far rows slide, for each row below: two numbers in [0, 1], or f
            for -f to f; in either direction.
        y_factor: the same for columns.
        interpolation: "bilinear" or "nearest".
        fill_mode: "reflect", "wrap", "constant" or "nearest", as for `RandomRotation`.
        fill_value: the value beyond the edges with "constant".
        data_format: as for `RandomFlip`.
        seed: as for `RandomFlip`.

    Raises:
        ValueError: a factor beyond its limits, an unknown mode or interpolation.

    Source: `keras.layers.RandomShear` of Keras 3.

    Example:
        >>> layers.RandomShear(0.2, 0.1)(np.ones((2, 5, 5, 3)), training=True).sum().item()
        150.0
    """

    def __init__(
        self,
        x_factor: Range = 0.0,
        y_factor: Range = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[ImageOptions],
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = _either_way("x_factor", x_factor)
        self.y_factor = _either_way("y_factor", y_factor)

    def _draw(self, shape: tuple[int, ...]) -> Transformation:
        size = (shape[0], 1)
        way = F.where(F.gt(F.uniform(shape=size), 0.5), -1.0, 1.0)
        (low, high), (least, most) = self.x_factor, self.y_factor
        parts = [
            F.uniform(shape=size, low=low, high=high),
            F.uniform(shape=size, low=least, high=most),
        ]
        return {"shear_factor": F.concat(parts, axis=1) * way, "input_shape": shape}

    def _matrix(self, drawn: Transformation, sizes: tuple[int, int]) -> list[Tensor]:
        x, y = F.split(F.cast(drawn["shear_factor"], dtype="float32"), sizes=[1, 1], axis=1)
        zero, one = F.mul(x, 0.0), F.add(F.mul(x, 0.0), 1.0)
        return [one, x, zero, y, one, zero]

    def get_config(self) -> Config:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


def _either_way(argument: str, value: Range) -> tuple[float, float]:
    """Two numbers in [0, 1], or f for -f to f. A config has the latter as two numbers."""
    if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] == -value[1]:
        value = value[1]
    low, high = check_range("RandomShear", argument, value, 0.0, 1.0)
    return (low, high) if isinstance(value, (list, tuple)) else (-high, high)


@LAYERS.register
class Pipeline(Layer):
    """Layers one after the other, for images and dicts of them.

    Args:
        layers: the layers.
        name: its name.

    Raises:
        TypeError: something in the list is no layer.

    Source: `keras.layers.Pipeline` of Keras 3.

    Example:
        >>> steps = layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)])
        >>> steps(np.full((2, 4, 4, 3), 255.0)).mean().item()
        1.0
    """

    _takes_several = True

    def __init__(
        self,
        layers: Sequence[Layer],
        name: str | None = None,
        **kwargs: Unpack[UnnamedOptions],
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(layers, (list, tuple)) or not all(isinstance(x, Layer) for x in layers):
            raise TypeError(f"Pipeline: layers: expected a list of layers, got {shown(layers)}")
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return list(self._pipeline_layers)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        for layer in self._pipeline_layers:
            told = mask is not None and signature_of(layer, "call").mask
            inputs = layer(inputs, **({"mask": mask} if told else {}))
            mask = None  # from here on tensors have theirs
        return inputs

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "layers": [LAYERS.serialize(layer) for layer in self._pipeline_layers],
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        given = config.get("layers")
        if not isinstance(given, (list, tuple)):
            raise ValueError(f"Pipeline: layers: expected a list of configs, got {shown(given)}")
        layers = [LAYERS.deserialize(layer) for layer in given]
        return cls(**{**config, "layers": layers})
