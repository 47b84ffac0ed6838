"""Fractional max pooling as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .._base.checks import check_flag, shown
from .._base.module import Module
from .._core import ArgumentError
from ._fractional import check_fractional, checked, fractional_max_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import TensorLike

    Size = int | Sequence[int]
    Ratio = float | Sequence[float]


class _FractionalMaxPool(Module):
    """The largest elements of windows at random distances, which add up to the size (Graham 2014).

    Args:
        kernel_size: the size of a window; an integer, or one for each axis of places.
        output_size: how many windows there are along each axis; or
        output_ratio: their number as a part of the input's size, between 0 and 1.
        return_indices: whether to return the places of the elements, too.
        _random_samples: numbers from 0 to below 1 that place the windows, (N, C, axes of places);
            drawn in each call if None.

    Raises:
        ValueError: not exactly one of size and ratio is given, or one is out of its range. From a
            call, if the windows do not fit.
    """

    _rank: ClassVar[int]

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        return_indices: bool = False,
        _random_samples: TensorLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if output_size is not None and output_ratio is not None:
            raise ArgumentError(
                f"{who}: output_ratio: expected None beside output_size, got {shown(output_ratio)}"
            )
        check_fractional(who, self._rank, kernel_size, output_size, output_ratio)
        self.kernel_size, self.output_size, self.output_ratio = (
            kernel_size,
            output_size,
            output_ratio,
        )
        self.return_indices = check_flag(who, "return_indices", return_indices)
        samples = None if _random_samples is None else checked(who, _random_samples)
        self.register_buffer("_random_samples", samples)

    def forward(self, input: TensorLike) -> Any:
        found = fractional_max_pool(
            type(self).__name__,
            self._rank,
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self._random_samples,
        )
        return found if self.return_indices else found[0]


class FractionalMaxPool2d(_FractionalMaxPool):
    __doc__ = f"""{_FractionalMaxPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.FractionalMaxPool2d`.

    Example:
        >>> nn.FractionalMaxPool2d(2, output_ratio=0.7)(fastdl.ones(1, 3, 9, 9)).shape
        (1, 3, 6, 6)
    """
    _rank = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    __doc__ = f"""{_FractionalMaxPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.FractionalMaxPool3d`.

    Example:
        >>> nn.FractionalMaxPool3d(2, output_size=3)(fastdl.ones(1, 3, 5, 5, 5)).shape
        (1, 3, 3, 3, 3)
    """
    _rank = 3
