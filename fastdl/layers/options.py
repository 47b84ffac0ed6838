"""The arguments that layers take besides their own, for annotations of `**kwargs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.dtype_policy import DTypePolicy
    from .._base.registry import Identifier


class InputOptions(TypedDict, total=False):
    """The shape of the input of the first layer of a `Sequential`."""

    input_shape: Sequence[int | None] | int
    input_dim: int | None
    batch_input_shape: Sequence[int | None]
    batch_shape: Sequence[int | None]
    batch_size: int | None


class UnnamedOptions(InputOptions, total=False):
    """The arguments of `Layer`, but for the name."""

    activity_regularizer: Identifier
    trainable: bool
    dtype: DTypeLike | DTypePolicy | None
    autocast: bool


class PlainOptions(InputOptions, total=False):
    """The arguments of `Layer`, but for the activity regularizer."""

    trainable: bool
    dtype: DTypeLike | DTypePolicy | None
    autocast: bool
    name: str | None


class LayerOptions(PlainOptions, total=False):
    """The arguments of `Layer`."""

    activity_regularizer: Identifier


class UnnamedImageOptions(UnnamedOptions, total=False):
    """The arguments of layers that change images, but for the name."""

    bounding_box_format: str | None


class ImageOptions(LayerOptions, total=False):
    """The arguments of layers that change images."""

    bounding_box_format: str | None
