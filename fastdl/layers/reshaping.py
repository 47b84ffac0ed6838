"""Layers that move elements without computing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_choice, check_integer, check_integers, check_shape, shown
from .._base.moving import is_integer
from .._base.registry import LAYERS
from .._base.settings import settings
from .._core import Tensor
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .options import LayerOptions


def _product(sizes: Sequence[int | None]) -> int | None:
    """The number of elements; None if a size is unknown."""
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


@LAYERS.register
class Flatten(Layer):
    """`(batch, a, b, ...)` to `(batch, a * b * ...)`, and `(batch,)` to `(batch, 1)`.

    Args:
        data_format: "channels_last" (the order of the elements in memory) unless given;
            "channels_first" flattens the elements in the order of a channels-last tensor.

    Example:
        >>> layers.Flatten()(np.ones((2, 3, 4))).shape
        (2, 12)
    """

    _keeps_dtype = True

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        check_choice(
            "Flatten", "data_format", data_format, (None, "channels_last", "channels_first")
        )
        self.data_format = data_format or settings.data_format
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = F.transpose(inputs, perm=(0, *range(2, inputs.ndim), 1))
        # Not (batch, -1): an empty batch would leave the second size open.
        return F.reshape(inputs, shape=(inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], _product(input_shape[1:]))

    def get_config(self) -> Config:
        return {**super().get_config(), "data_format": self.data_format}


@LAYERS.register
class Reshape(Layer):
    """Gives each sample the shape `target_shape`, in which one size may be -1 (or None).

    Raises:
        ValueError: more than one -1, or another number of elements than the input has.

    Example:
        >>> layers.Reshape((3, -1))(np.ones((2, 12))).shape
        (2, 3, 4)
    """

    _keeps_dtype = True

    def __init__(self, target_shape: Sequence[int | None], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        sizes = check_shape("Reshape", "target_shape", target_shape, -1)
        self.target_shape = tuple(-1 if size is None else size for size in sizes)
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Reshape: target_shape: expected sizes and at most one -1, got {target_shape}"
            )

    def _resolve(self, sizes: Shape) -> tuple[Any, ...]:
        total = _product(sizes)
        known = math.prod(size for size in self.target_shape if size != -1)
        open_size: int | None = None
        if total is not None:
            fits = total == known if -1 not in self.target_shape else known and total % known == 0
            if not fits:
                raise ValueError(
                    f"cannot reshape samples of shape {tuple(sizes)} to the target_shape "
                    f"{self.target_shape}"
                )
            open_size = total // known if known else 0
        return tuple(open_size if size == -1 else size for size in self.target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        return F.reshape(inputs, shape=(inputs.shape[0], *self._resolve(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self._resolve(input_shape[1:]))

    def get_config(self) -> Config:
        return {**super().get_config(), "target_shape": self.target_shape}


@LAYERS.register
class Permute(Layer):
    """Reorders the axes of each sample; axes are counted from 1.

    Raises:
        ValueError: `dims` isn't an order of 1, 2, ..., or the input has another number of axes.

    Example:
        >>> layers.Permute((2, 1))(np.ones((5, 3, 4))).shape
        (5, 4, 3)
    """

    _keeps_dtype = True

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        axes = check_integers("Permute", "dims", dims)
        self.dims: tuple[int, ...] = (axes,) if isinstance(axes, int) else axes
        if not self.dims or sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: dims: expected the numbers 1 to {len(self.dims)} in some order, got "
                f"{self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        return F.transpose(inputs, perm=(0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def get_config(self) -> Config:
        return {**super().get_config(), "dims": self.dims}


@LAYERS.register
class RepeatVector(Layer):
    """`(batch, features)` to `(batch, n, features)`, each vector n times.

    Raises:
        TypeError: n isn't an integer.
        ValueError: n is less than 1, or the input hasn't two axes.
    """

    _keeps_dtype = True

    def __init__(self, n: int, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not is_integer(n) or isinstance(n, bool):
            raise TypeError(f"RepeatVector: n: expected an integer, got {shown(n)}")
        self.n = check_integer("RepeatVector", "n", n, 1)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        batch, features = inputs.shape
        rows = F.reshape(inputs, shape=(batch, 1, features))
        return F.broadcast_to(rows, shape=(batch, self.n, features))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> Config:
        return {**super().get_config(), "n": self.n}
