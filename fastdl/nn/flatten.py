"""Flatten and Unflatten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _functions
from .._base.checks import check_integer, check_integers
from .._core import ArgumentError
from ._calls import OfTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike


class Flatten(OfTensor):
    """Joins the axes from `start_dim` to `end_dim`, by default all but the first.

    Example:
        >>> nn.Flatten()(fastdl.zeros(5, 2, 3)).shape
        (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = check_integer("Flatten", "start_dim", start_dim)
        self.end_dim = check_integer("Flatten", "end_dim", end_dim)

    def forward(self, input: TensorLike) -> Tensor:
        return _functions.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(OfTensor):
    """Cuts axis `dim` into axes of the given sizes.

    Example:
        >>> nn.Unflatten(1, (2, 3))(fastdl.zeros(5, 6)).shape
        (5, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = check_integer("Unflatten", "dim", dim)
        sizes = check_integers("Unflatten", "unflattened_size", unflattened_size, -1)
        self.unflattened_size: tuple[int, ...] = (sizes,) if isinstance(sizes, int) else sizes
        if not self.unflattened_size:
            raise ArgumentError("Unflatten: unflattened_size: expected at least one size, got none")

    def forward(self, input: TensorLike) -> Tensor:
        return _functions.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
