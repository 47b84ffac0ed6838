"""Padding and cropping of sequences, images and volumes, with the arguments of Keras 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import images
from .._base.registry import LAYERS
from .._core import Tensor
from ._grids import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import LayerOptions

    Sizes = int | Sequence[int]
    Widths = int | Sequence[int] | Sequence[Sequence[int]]


class ZeroPadding(Grid):
    """Base of the layers that put zeros around."""

    _keeps_dtype = True
    _widths: tuple[tuple[int, int], ...]

    def call(self, inputs: Tensor) -> Tensor:
        return images.padded(inputs, self._first, self._widths)

    def _new_sizes(self, sizes: Shape) -> Shape:
        pairs = zip(sizes, self._widths, strict=True)
        return tuple(None if n is None else n + low + high for n, (low, high) in pairs)


@LAYERS.register
class ZeroPadding1D(ZeroPadding):
    """Puts zeros before and after the steps: `(batch, steps, channels)`.

    Args:
        padding: how many, before and after; one integer counts for both.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, steps)`.

    Raises:
        ValueError: `padding` is neither an integer of at least 0 nor two; an input of other rank.

    Source: `keras.layers.ZeroPadding1D` of Keras 3.

    Example:
        >>> layers.ZeroPadding1D((0, 1))(np.ones((1, 2, 1)))[0, :, 0].tolist()
        [1.0, 1.0, 0.0]
    """

    _axes = 1

    def __init__(
        self, padding: Sizes = 1, data_format: str | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = images.check_sizes("ZeroPadding1D", "padding", padding, 2, 0)
        self._widths = ((self.padding[0], self.padding[1]),)

    def get_config(self) -> Config:
        return {**super().get_config(), "padding": self.padding}


@LAYERS.register
class ZeroPadding2D(ZeroPadding):
    """Puts zeros around images, `(batch, height, width, channels)`.

    Args:
        padding: how many: an integer for all sides, one for each axis, or pairs (before, after).
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: `padding` is none of these, or one is below 0; an input of other rank.

    Source: `keras.layers.ZeroPadding2D` of Keras 3.

    Example:
        >>> layers.ZeroPadding2D(1)(np.ones((2, 4, 5, 3))).shape
        (2, 6, 7, 3)
    """

    _axes = 2

    def __init__(
        self,
        padding: Widths = (1, 1),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = self._widths = images.check_widths("ZeroPadding2D", "padding", padding, 2)

    def get_config(self) -> Config:
        return {**super().get_config(), "padding": self.padding}


@LAYERS.register
class ZeroPadding3D(ZeroPadding):
    """Puts zeros around volumes, `(batch, depth, height, width, channels)`.

    Args:
        padding: how many: an integer for all sides, one for each axis, or pairs (before, after).
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: `padding` is none of these, or one is below 0; an input of other rank.

    Source: `keras.layers.ZeroPadding3D` of Keras 3.

    Example:
        >>> layers.ZeroPadding3D(1)(np.ones((2, 4, 5, 6, 3))).shape
        (2, 6, 7, 8, 3)
    """

    _axes = 3

    def __init__(
        self,
        padding: Widths = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = self._widths = images.check_widths("ZeroPadding3D", "padding", padding, 3)

    def get_config(self) -> Config:
        return {**super().get_config(), "padding": self.padding}


class Cropping(Grid):
    """Base of the layers that cut places off."""

    _keeps_dtype = True
    _widths: tuple[tuple[int, int], ...]

    def call(self, inputs: Tensor) -> Tensor:
        sizes = images.known_sizes(inputs, self.data_format)
        self._new_sizes(sizes)
        pairs = zip(sizes, self._widths, strict=True)
        box = [(low, n - low - high) for n, (low, high) in pairs]
        return images.cropped(inputs, self._first, box)

    def _new_sizes(self, sizes: Shape) -> Shape:
        pairs = zip(sizes, self._widths, strict=True)
        new = tuple(None if n is None else n - low - high for n, (low, high) in pairs)
        if any(n is not None and n <= 0 for n in new):
            raise ValueError(
                f"cropping: expected to leave something of each axis, got spatial sizes "
                f"{tuple(sizes)} and {self._widths} to cut off"
            )
        return new


@LAYERS.register
class Cropping1D(Cropping):
    """Cuts steps off at the beginning and the end: `(batch, steps, channels)`.

    Args:
        cropping: how many, at the beginning and the end; one integer counts for both.

    Raises:
        ValueError: `cropping` is neither an integer of at least 0 nor two; an input of other rank,
            or one of which nothing is left.

    Source: `keras.layers.Cropping1D` of Keras 3.

    Example:
        >>> layers.Cropping1D((0, 2))(np.ones((1, 5, 3))).shape
        (1, 3, 3)
    """

    _axes = 1

    def __init__(self, cropping: Sizes = (1, 1), **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.cropping = images.check_sizes("Cropping1D", "cropping", cropping, 2, 0)
        self._widths = ((self.cropping[0], self.cropping[1]),)

    def get_config(self) -> Config:
        config = {**super().get_config(), "cropping": self.cropping}
        del config["data_format"]
        return config


@LAYERS.register
class Cropping2D(Cropping):
    """Cuts the sides off images, `(batch, height, width, channels)`.

    Args:
        cropping: how many places: an integer for all sides, one for each axis, or pairs (before,
            after).
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, height, width)`.

    Raises:
        ValueError: `cropping` is none of these, or one is below 0; an input of other rank, or one
            of which nothing is left.

    Source: `keras.layers.Cropping2D` of Keras 3.

    Example:
        >>> layers.Cropping2D(1)(np.ones((2, 4, 5, 3))).shape
        (2, 2, 3, 3)
    """

    _axes = 2

    def __init__(
        self,
        cropping: Widths = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = self._widths = images.check_widths("Cropping2D", "cropping", cropping, 2)

    def get_config(self) -> Config:
        return {**super().get_config(), "cropping": self.cropping}


@LAYERS.register
class Cropping3D(Cropping):
    """Cuts the sides off volumes, `(batch, depth, height, width, channels)`.

    Args:
        cropping: how many places: an integer for all sides, one for each axis, or pairs (before,
            after).
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, depth, height, width)`.

    Raises:
        ValueError: `cropping` is none of these, or one is below 0; an input of other rank, or one
            of which nothing is left.

    Source: `keras.layers.Cropping3D` of Keras 3.

    Example:
        >>> layers.Cropping3D(1)(np.ones((2, 4, 5, 6, 3))).shape
        (2, 2, 3, 4, 3)
    """

    _axes = 3

    def __init__(
        self,
        cropping: Widths = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = self._widths = images.check_widths("Cropping3D", "cropping", cropping, 3)

    def get_config(self) -> Config:
        return {**super().get_config(), "cropping": self.cropping}
