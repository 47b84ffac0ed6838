"""Layers that are active in training only, and penalties on activity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .._base import functional as F
from .._base.checks import check_fraction, check_number, check_shape
from .._base.formulas import alpha_dropped
from .._base.images import check_format
from .._base.registry import LAYERS
from .._core import Tensor
from ..random import SeedGenerator, generator_of, stream_of
from ..regularizers import L1L2
from ._config import plain_seed
from .core import Elementwise
from .input_spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike
    from typing_extensions import Unpack

    from .._base.dtype_policy import DTypePolicy
    from .._base.types import Config
    from .options import InputOptions, LayerOptions, PlainOptions


@LAYERS.register
class Dropout(Elementwise):
    """In training, sets a random part of the elements to 0 and divides the others by `1 - rate`.

    Args:
        rate: the part of the elements that is dropped, from 0 to 1.
        noise_shape: the shape of the random mask, which broadcasts to the input; None stands for a
            size of the input. `(None, 1, features)` drops the same features at each step.
        seed: an integer or a `random.SeedGenerator` gives the layer a separate random stream; with
            None it draws from the library's stream, which `utils.set_random_seed` starts.

    Raises:
        ValueError: the rate isn't between 0 and 1, or noise_shape isn't a shape.

    Source: Srivastava et al. 2014; `keras.layers.Dropout` of Keras 3.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.rate = check_fraction(type(self).__name__, "rate", rate)
        self.noise_shape = None
        if noise_shape is not None:
            self.noise_shape = check_shape("Dropout", "noise_shape", noise_shape, 1)
        self.seed = seed
        self.seed_generator = generator_of(seed, type(self).__name__)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:  # 1 / (1 - rate) would be infinite
            return inputs * 0.0
        with stream_of(self.seed_generator):
            if self.noise_shape is None:
                return F.dropout(inputs, rate=self.rate)
            shape = _noise_shape(self.noise_shape, inputs)
            kept = F.ge(F.uniform(shape=shape), self.rate)
        return inputs * (F.cast(kept, dtype=np.float32) * (1.0 / (1.0 - self.rate)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "rate": self.rate,
            "noise_shape": self.noise_shape,
            "seed": plain_seed(self.seed),
        }


class SpatialDropout(Dropout):
    """Base of the layers that drop whole channels."""

    _axes: ClassVar[int]

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | SeedGenerator | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        **kwargs: Unpack[InputOptions],
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = check_format(type(self).__name__, data_format)
        places = (1,) * self._axes
        self.noise_shape = (None, *places, None)
        if self.data_format == "channels_first":
            self.noise_shape = (None, None, *places)
        self.input_spec = InputSpec(ndim=self._axes + 2)

    def get_config(self) -> Config:
        config = {**super().get_config(), "data_format": self.data_format}
        for key in ("noise_shape", "trainable", "activity_regularizer"):
            config.pop(key, None)
        return config


@LAYERS.register
class SpatialDropout1D(SpatialDropout):
    """In training, sets a random part of the channels of sequences to 0, each of them as a whole.

    Inputs are `(batch, steps, channels)`. The other channels are divided by `1 - rate`.

    Args:
        rate: the part of the channels that is dropped, from 0 to 1.
        seed: as for `Dropout`.

    Raises:
        ValueError: the rate isn't between 0 and 1; an input of other rank.

    Source: Tompson et al. 2015; `keras.layers.SpatialDropout1D` of Keras 3.

    Example:
        >>> layers.SpatialDropout1D(0.5)(np.ones((2, 4, 3))).shape
        (2, 4, 3)
    """

    _axes = 1

    def __init__(
        self,
        rate: float,
        seed: int | SeedGenerator | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        **kwargs: Unpack[InputOptions],
    ) -> None:
        super().__init__(rate, None, seed, name, dtype, **kwargs)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["data_format"]
        return config


@LAYERS.register
class SpatialDropout2D(SpatialDropout):
    """In training, sets a random part of the channels of images to 0, each of them as a whole.

    Inputs are `(batch, height, width, channels)`. The other channels are divided by `1 - rate`.

    Args:
        rate: the part of the channels that is dropped, from 0 to 1.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.
        seed: as for `Dropout`.

    Raises:
        ValueError: the rate isn't between 0 and 1; an input of other rank.

    Source: Tompson et al. 2015; `keras.layers.SpatialDropout2D` of Keras 3.

    Example:
        >>> layers.SpatialDropout2D(0.5)(np.ones((2, 4, 4, 3))).shape
        (2, 4, 4, 3)
    """

    _axes = 2


@LAYERS.register
class SpatialDropout3D(SpatialDropout):
    """In training, sets a random part of the channels of volumes to 0, each of them as a whole.

    Inputs are `(batch, depth, height, width, channels)`.
    The other channels are divided by `1 - rate`.

    Args:
        rate: the part of the channels that is dropped, from 0 to 1.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.
        seed: as for `Dropout`.

    Raises:
        ValueError: the rate isn't between 0 and 1; an input of other rank.

    Source: Tompson et al. 2015; `keras.layers.SpatialDropout3D` of Keras 3.

    Example:
        >>> layers.SpatialDropout3D(0.5)(np.ones((2, 4, 4, 4, 3))).shape
        (2, 4, 4, 4, 3)
    """

    _axes = 3


@LAYERS.register
class GaussianNoise(Elementwise):
    """In training, adds normal values with deviation `stddev` (from 0 to 1).

    Args:
        stddev: the standard deviation.
        seed: as for `Dropout`.

    Raises:
        ValueError: `stddev` isn't between 0 and 1.
    """

    def __init__(
        self, stddev: float, seed: int | SeedGenerator | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.stddev = check_fraction("GaussianNoise", "stddev", stddev)
        self.seed = seed
        self.seed_generator = generator_of(seed, "GaussianNoise")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        with stream_of(self.seed_generator):
            return inputs + F.normal(shape=inputs.shape, std=self.stddev)

    def get_config(self) -> Config:
        return {**super().get_config(), "stddev": self.stddev, "seed": plain_seed(self.seed)}


@LAYERS.register
class GaussianDropout(Elementwise):
    """In training, multiplies by normal values of mean 1 and deviation `sqrt(rate / (1 - rate))`.

    Args:
        rate: as for `Dropout`, whose noise has the same deviation; below 1.
        seed: as for `Dropout`.

    Raises:
        ValueError: the rate isn't in [0, 1).

    Source: Srivastava et al. 2014; `keras.layers.GaussianDropout` of Keras 3.
    """

    def __init__(
        self, rate: float, seed: int | SeedGenerator | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.rate = check_number("GaussianDropout", "rate", rate, below=1.0)
        self.seed = seed
        self.seed_generator = generator_of(seed, "GaussianDropout")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        with stream_of(self.seed_generator):
            return inputs * F.normal(shape=inputs.shape, mean=1.0, std=deviation)

    def get_config(self) -> Config:
        return {**super().get_config(), "rate": self.rate, "seed": plain_seed(self.seed)}


@LAYERS.register
class AlphaDropout(Elementwise):
    """Dropout that keeps mean and deviation, for networks with `selu`.

    In training, a random part of the elements is set to the value that `selu` takes far below 0.
    Then all are scaled and shifted.

    Args:
        rate: the part of the elements that is set, from 0 to 1; with 1 all results are 0.
        noise_shape: as for `Dropout`.
        seed: as for `Dropout`.

    Raises:
        ValueError: the rate isn't between 0 and 1, or noise_shape isn't a shape.

    Source: Klambauer et al. 2017; `keras.layers.AlphaDropout` of Keras 3.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | SeedGenerator | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.rate = check_fraction("AlphaDropout", "rate", rate)
        self.noise_shape = None
        if noise_shape is not None:
            self.noise_shape = check_shape("AlphaDropout", "noise_shape", noise_shape, 1)
        self.seed = seed
        self.seed_generator = generator_of(seed, "AlphaDropout")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:  # the scale would be infinite
            return inputs * 0.0
        with stream_of(self.seed_generator):
            shape = _noise_shape(self.noise_shape, inputs)
            kept = F.ge(F.uniform(shape=shape), self.rate)
        return alpha_dropped(inputs, kept, self.rate)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "rate": self.rate,
            "noise_shape": self.noise_shape,
            "seed": plain_seed(self.seed),
        }


def _noise_shape(wanted: tuple[int | None, ...] | None, inputs: Tensor) -> tuple[int, ...]:
    """The shape of a random mask, with the inputs' sizes where none is wanted."""
    if wanted is None:
        return inputs.shape
    if len(wanted) != inputs.ndim:
        raise ValueError(
            f"noise_shape: expected {inputs.ndim} sizes for inputs of shape {inputs.shape}, got "
            f"{wanted}"
        )
    return tuple(o if s is None else s for s, o in zip(wanted, inputs.shape, strict=True))


@LAYERS.register
class ActivityRegularization(Elementwise):
    """Returns its input and adds `l1 * sum(|x|) + l2 * sum(x^2)`, per sample, to the losses."""

    _takes_several = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[PlainOptions]) -> None:
        check_number("ActivityRegularization", "l1", l1)
        check_number("ActivityRegularization", "l2", l2)
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def get_config(self) -> Config:
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}
