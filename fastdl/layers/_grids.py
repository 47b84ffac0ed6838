"""Grid: the base of layers for sequences, images and volumes.

Their inputs have one to three axes of places besides the batch and the channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .._base import images
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import LayerOptions


class Grid(Layer):
    """Base of layers that change the sizes of `_axes` axes of places, not those of others."""

    _axes: ClassVar[int]

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.data_format = images.check_format(type(self).__name__, data_format)
        self.input_spec = InputSpec(ndim=self._axes + 2)

    @property
    def _first(self) -> int:
        """The first axis of places."""
        return 1 if self.data_format == "channels_last" else 2

    def _new_sizes(self, sizes: Shape) -> Shape:
        """The sizes of the output's axes of places; None where one is unknown."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = images.spatial_sizes(input_shape, self.data_format)
        return images.with_sizes(input_shape, self._new_sizes(sizes), self.data_format)

    def get_config(self) -> Config:
        return {**super().get_config(), "data_format": self.data_format}
