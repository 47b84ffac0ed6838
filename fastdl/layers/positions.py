"""Layers that tell where in a sequence a step is."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, initializers
from .._base import functional as F
from .._base.checks import check_integer, check_number
from .._base.decoding import first_position
from .._base.registry import LAYERS
from .._core import Tensor
from .core import Elementwise
from .input_spec import InputSpec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions


@LAYERS.register
class PositionEmbedding(Elementwise):
    """A trained row for each position, in the shape of the input: to be added to the input.

    `(..., steps, features)` gives the rows of positions 0 to steps - 1, repeated along the axes in
    front. A call takes `start_index`, the first position (an integer or an integer tensor), or
    `positions`, integers of shape `(steps,)` or `(batch, steps)`. The mask of the input is handed
    on, so that `Add()([x, position])` has it.

    Args:
        sequence_length: the number of positions, at least 1.
        initializer: of the table `(sequence_length, features)`; "glorot_uniform" unless given.

    Raises:
        ValueError: `sequence_length` isn't a positive integer, or the input has fewer than two
            axes.
        IndexError: a step has a position that isn't in the table.

    Source: `PositionEmbedding` of KerasHub.

    Example:
        >>> x = layers.Embedding(100, 8)(np.array([[4, 2, 7]]))
        >>> (x + layers.PositionEmbedding(50)(x)).shape
        (1, 3, 8)
    """

    def __init__(
        self,
        sequence_length: int,
        initializer: Identifier = "glorot_uniform",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = "PositionEmbedding"
        self.sequence_length = check_integer(who, "sequence_length", sequence_length, 1)
        self.initializer = initializers.get(initializer, f"{who}: initializer")
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"the last axis of the input must be known, got shape {input_shape}")
        self.position_embeddings = self.add_weight(
            (self.sequence_length, features), self.initializer, name="embeddings"
        )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(
        self,
        inputs: Tensor,
        start_index: TensorLike = 0,
        positions: TensorLike | None = None,
    ) -> Tensor:
        if positions is None:
            start = first_position(start_index)
            positions = _core.as_tensor(np.arange(inputs.shape[-2])) + start
        who = f"{self._kind} {self.name!r} (PositionEmbedding): positions"
        rows = F.embedding(self.position_embeddings, positions, who=who)
        return F.broadcast_to(rows, shape=inputs.shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }


@LAYERS.register
class SinePositionEncoding(Elementwise):
    """Sines and cosines of the position, in the shape of the input: to be added to the input.

    `(..., steps, features)` gives, for a position t, `sin(t w_i)` at the even features 2i and
    `cos(t w_i)` at the odd ones, `w_i = max_wavelength^(-2i / features)`. A call takes
    `start_index`, the first position (an integer or an integer tensor). The mask of the input is
    handed on, so that `Add()([x, position])` has it.

    Args:
        max_wavelength: the longest period, divided by 2 pi.

    Raises:
        ValueError: `max_wavelength` isn't a positive number, or the input has fewer than two axes.

    Source: Vaswani et al. 2017; `SinePositionEncoding` of KerasHub.

    Example:
        >>> layers.SinePositionEncoding()(np.zeros((1, 2, 4))).numpy()[0, 0].tolist()
        [0.0, 1.0, 0.0, 1.0]
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = check_number(
            "SinePositionEncoding", "max_wavelength", max_wavelength, above=0
        )
        self.input_spec = InputSpec(min_ndim=2)

    def call(self, inputs: Tensor, start_index: TensorLike = 0) -> Tensor:
        steps, features = inputs.shape[-2:]
        sines, cosines = _waves(steps, features, self.max_wavelength, start_index, None)
        pairs = F.reshape(F.stack([sines, cosines], axis=-1), shape=(steps, -1))
        if features % 2:
            pairs = pairs[:, :features]
        return F.broadcast_to(pairs, shape=inputs.shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}


@LAYERS.register
class RotaryEmbedding(Elementwise):
    """Turns pairs of features by an angle that grows with the position: for queries and keys.

    Feature i of the first half and of the second half, (a, b), becomes `(a cos(t w_i) - b sin(t
    w_i), b cos(t w_i) + a sin(t w_i))` at position t, `w_i = max_wavelength^(-2i / features)`. So
    the product of two turned vectors depends on the distance of their positions alone. The input
    may have any axes, with heads or without: `(batch, steps, heads, features)`.

    A call takes `start_index`, the first position (an integer or an integer tensor), or
    `positions`, numbers of shape `(steps,)` or `(batch, steps)`.

    Args:
        max_wavelength: the longest period, divided by 2 pi.
        scaling_factor: positions are divided by it, for sequences longer than those of training.
        sequence_axis, feature_axis: the axes of steps and of features, which are an even number.

    Raises:
        ValueError: numbers that aren't positive, an odd number of features, or axes that the input
            does not have.

    Source: Su et al. 2021; `RotaryEmbedding` of KerasHub.

    Example:
        >>> layers.RotaryEmbedding()(np.ones((2, 5, 4, 8))).shape
        (2, 5, 4, 8)
    """

    def __init__(
        self,
        max_wavelength: float = 10000,
        scaling_factor: float = 1.0,
        sequence_axis: int = 1,
        feature_axis: int = -1,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = "RotaryEmbedding"
        self.max_wavelength = check_number(who, "max_wavelength", max_wavelength, above=0)
        self.scaling_factor = check_number(who, "scaling_factor", scaling_factor, above=0)
        self.sequence_axis = check_integer(who, "sequence_axis", sequence_axis)
        self.feature_axis = check_integer(who, "feature_axis", feature_axis)

    def call(
        self,
        inputs: Tensor,
        start_index: TensorLike = 0,
        positions: TensorLike | None = None,
    ) -> Tensor:
        rank = inputs.ndim
        axes = [self.sequence_axis, self.feature_axis]
        if not all(-rank <= axis < rank for axis in axes) or len({a % rank for a in axes}) < 2:
            raise ValueError(
                f"sequence_axis, feature_axis: expected two axes of an input of shape "
                f"{inputs.shape}, got {self.sequence_axis} and {self.feature_axis}"
            )
        steps, features = (inputs.shape[axis] for axis in axes)
        if features % 2:
            raise ValueError(f"expected an even number of features, got shape {inputs.shape}")
        longest, scale = self.max_wavelength, self.scaling_factor
        waves = _waves(steps, features, longest, start_index, positions, scale)
        places = [axis % rank for axis in axes]
        sines, cosines = (_placed(wave, rank, places) for wave in waves)
        a, b = F.split(inputs, sizes=[features // 2] * 2, axis=self.feature_axis)
        turned = [a * cosines - b * sines, b * cosines + a * sines]
        return F.concat(turned, axis=self.feature_axis)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "max_wavelength": self.max_wavelength,
            "scaling_factor": self.scaling_factor,
            "sequence_axis": self.sequence_axis,
            "feature_axis": self.feature_axis,
        }


def _frequencies(features: int, wavelength: float) -> np.ndarray:
    return wavelength ** (-2.0 * np.arange((features + 1) // 2) / features)


def _waves(
    steps: int,
    features: int,
    wavelength: float,
    start: TensorLike,
    positions: TensorLike | None,
    scale: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Sines and cosines of the angles, (steps, pairs of features).

    Positions that are known beforehand have exact angles: in float32 those of far ones are rounded.
    """
    start = first_position(start)
    if positions is None and isinstance(start, (int, np.integer)):
        table = _table(steps, features, wavelength, int(start), scale)
        # A plan would compare an array that something else holds, before each replay.
        sines, cosines = (_core.as_tensor(wave) for wave in table.copy())
        return sines, cosines
    if positions is None:
        positions = _core.as_tensor(np.arange(steps)) + start
    frequencies = _core.as_tensor(_frequencies(features, wavelength) / scale)
    positions = F.cast(positions, dtype="float32")
    angles = F.reshape(positions, shape=(*positions.shape, 1)) * frequencies
    return F.sin(angles), F.cos(angles)


@functools.lru_cache(maxsize=8)
def _table(steps: int, features: int, wavelength: float, start: int, scale: float) -> np.ndarray:
    positions = (np.arange(steps) + start) / scale
    angles = positions[:, None] * _frequencies(features, wavelength)
    return np.stack([np.sin(angles), np.cos(angles)])


def _placed(wave: Tensor, rank: int, places: list[int]) -> Tensor:
    """A table of (steps, pairs), or one for each sample, with its axes in these places."""
    if wave.ndim > len(places):
        places = [0, *places]
    order = sorted(range(len(places)), key=places.__getitem__)
    shape = [1] * rank
    for axis in order:
        shape[places[axis]] = wave.shape[axis]
    return F.reshape(F.transpose(wave, perm=order), shape=shape)
