"""Pooling as modules. Tensors are (N, C, places...), as in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .._base.checks import check_count, check_flag, check_number
from .._base.module import Module
from . import _adaptive_pools, _pools, _unpools
from ._calls import OfTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]
    Sizes = int | None | Sequence[int | None]


class _MaxPool(Module):
    """The largest element of each window.

    Args:
        kernel_size: size of a window; an integer, or one for each axis of places.
        stride: distance of windows; None: their size.
        padding: places added on both sides, which are never chosen; at most half a window.
        dilation: distance of a window's places.
        return_indices: whether to return the places of the elements, too.
        ceil_mode: whether a last window may end beyond the input.

    Raises:
        ValueError: a size is out of its range. From a call, if the input has other axes or is
            smaller than a window.
    """

    _rank: ClassVar[int]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        _pools.check_window(who, self._rank, kernel_size, stride, padding, dilation)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = check_flag(who, "return_indices", return_indices)
        self.ceil_mode = check_flag(who, "ceil_mode", ceil_mode)

    def forward(self, input: TensorLike) -> Any:
        return _pools.max_pool(
            type(self).__name__, self._rank, input, self.kernel_size, self.stride, self.padding,
            self.dilation, self.ceil_mode, self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    __doc__ = f"""{_MaxPool.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.MaxPool1d`.

    Example:
        >>> nn.MaxPool1d(2)(fastdl.ones(1, 3, 8)).shape
        (1, 3, 4)
    """
    _rank = 1


class MaxPool2d(_MaxPool):
    __doc__ = f"""{_MaxPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.MaxPool2d`.

    Example:
        >>> nn.MaxPool2d(2)(fastdl.ones(1, 3, 8, 8)).shape
        (1, 3, 4, 4)
    """
    _rank = 2


class MaxPool3d(_MaxPool):
    __doc__ = f"""{_MaxPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.MaxPool3d`.

    Example:
        >>> nn.MaxPool3d(2)(fastdl.ones(1, 3, 8, 8, 8)).shape
        (1, 3, 4, 4, 4)
    """
    _rank = 3


class _MaxUnpool(Module):
    """Puts the elements that max pooling chose back to their places; others are 0.

    Args:
        kernel_size: size of a window of the pooling.
        stride: distance of windows; None: their size.
        padding: places added on both sides.

    Raises:
        ValueError: a size is out of its range. From a call, if the indices do not have the input's
            shape or lie outside of the output, or the output's size does not fit.
    """

    _rank: ClassVar[int]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        _pools.check_window(type(self).__name__, self._rank, kernel_size, stride, padding)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def forward(
        self, input: TensorLike, indices: TensorLike, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """The output, of the least size that the pooling's input can have had unless given."""
        return _unpools.max_unpool(
            type(self).__name__, self._rank, input, indices, self.kernel_size, self.stride,
            self.padding, output_size,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    __doc__ = f"""{_MaxUnpool.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.MaxUnpool1d`.

    Example:
        >>> nn.MaxUnpool1d(2)(*nn.MaxPool1d(2, return_indices=True)(fastdl.ones(1, 3, 4))).shape
        (1, 3, 4)
    """
    _rank = 1


class MaxUnpool2d(_MaxUnpool):
    __doc__ = f"""{_MaxUnpool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.MaxUnpool2d`.

    Example:
        >>> nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(fastdl.ones(1, 3, 4, 4))).shape
        (1, 3, 4, 4)
    """
    _rank = 2


class MaxUnpool3d(_MaxUnpool):
    __doc__ = f"""{_MaxUnpool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.MaxUnpool3d`.

    Example:
        >>> pool = nn.MaxPool3d(2, return_indices=True)
        >>> nn.MaxUnpool3d(2)(*pool(fastdl.ones(1, 3, 4, 4, 4))).shape
        (1, 3, 4, 4, 4)
    """
    _rank = 3


class _AvgPool(OfTensor):
    """The mean of each window.

    Args:
        kernel_size: size of a window; an integer, or one for each axis of places.
        stride: distance of windows; None: their size.
        padding: zeros added on both sides; at most half a window.
        ceil_mode: whether a last window may end beyond the input.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: what sums are divided by, whatever their places (2 and 3 axes).

    Raises:
        ValueError: a size is out of its range. From a call, if the input has other axes or is
            smaller than a window.
    """

    _rank: ClassVar[int]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        _pools.check_window(who, self._rank, kernel_size, stride, padding)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = check_flag(who, "ceil_mode", ceil_mode)
        self.count_include_pad = check_flag(who, "count_include_pad", count_include_pad)
        self.divisor_override = check_count(who, "divisor_override", divisor_override)

    def forward(self, input: TensorLike) -> Tensor:
        return _pools.avg_pool(
            type(self).__name__, self._rank, input, self.kernel_size, self.stride, self.padding,
            self.ceil_mode, self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L) or (C, L).

    Args:
        kernel_size: size of a window.
        stride: distance of windows; None: their size.
        padding: zeros added on both sides; at most half a window.
        ceil_mode: whether a last window may end beyond the input.
        count_include_pad: whether the padding counts in the mean.

    Raises:
        ValueError: a size is out of its range. From a call, if the input has other axes or is
            smaller than a window.

    Source: `torch.nn.AvgPool1d`.

    Example:
        >>> nn.AvgPool1d(2)(fastdl.ones(1, 3, 8)).shape
        (1, 3, 4)
    """

    _rank = 1

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    __doc__ = f"""{_AvgPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.AvgPool2d`.

    Example:
        >>> nn.AvgPool2d(2)(fastdl.ones(1, 3, 8, 8)).shape
        (1, 3, 4, 4)
    """
    _rank = 2


class AvgPool3d(_AvgPool):
    __doc__ = f"""{_AvgPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.AvgPool3d`.

    Example:
        >>> nn.AvgPool3d(2)(fastdl.ones(1, 3, 8, 8, 8)).shape
        (1, 3, 4, 4, 4)
    """
    _rank = 3


class _LPPool(OfTensor):
    """The p-norm of each window, `sum(x ** p) ** (1 / p)`.

    Args:
        norm_type: p, above 0.
        kernel_size: size of a window; an integer, or one for each axis of places.
        stride: distance of windows; None: their size.
        ceil_mode: whether a last window may end beyond the input.

    Raises:
        ValueError: a size is out of its range. From a call, if the input has other axes or is
            smaller than a window.
    """

    _rank: ClassVar[int]

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        _pools.check_window(who, self._rank, kernel_size, stride, 0)
        self.norm_type = check_number(who, "norm_type", norm_type, above=0.0)
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = check_flag(who, "ceil_mode", ceil_mode)

    def forward(self, input: TensorLike) -> Tensor:
        return _pools.lp_pool(
            type(self).__name__, self._rank, input, self.norm_type, self.kernel_size, self.stride,
            self.ceil_mode,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    __doc__ = f"""{_LPPool.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.LPPool1d`.

    Example:
        >>> nn.LPPool1d(2, 2)(fastdl.ones(1, 3, 8)).shape
        (1, 3, 4)
    """
    _rank = 1


class LPPool2d(_LPPool):
    __doc__ = f"""{_LPPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.LPPool2d`.

    Example:
        >>> nn.LPPool2d(2, 2)(fastdl.ones(1, 3, 8, 8)).shape
        (1, 3, 4, 4)
    """
    _rank = 2


class LPPool3d(_LPPool):
    __doc__ = f"""{_LPPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.LPPool3d`.

    Example:
        >>> nn.LPPool3d(2, 2)(fastdl.ones(1, 3, 8, 8, 8)).shape
        (1, 3, 4, 4, 4)
    """
    _rank = 3


class _Adaptive(Module):
    _rank: ClassVar[int]

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        _adaptive_pools.check_output_size(type(self).__name__, self._rank, output_size)
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(_Adaptive):
    """The mean of windows that cover the input.

    Args:
        output_size: how many windows there are along each axis of places; None keeps its size.

    Raises:
        ValueError: a size below 1. From a call, if the input has other axes, or no places.
    """

    def forward(self, input: TensorLike) -> Tensor:
        pooled: Tensor = _adaptive_pools.adaptive_pool(
            type(self).__name__, self._rank, input, self.output_size, mean=True
        )
        return pooled


class _AdaptiveMaxPool(_Adaptive):
    """The largest element of windows that cover the input.

    Args:
        output_size: how many windows there are along each axis of places; None keeps its size.
        return_indices: whether to return the places of the elements, too.

    Raises:
        ValueError: a size below 1. From a call, if the input has other axes, or no places.
    """

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = check_flag(type(self).__name__, "return_indices", return_indices)

    def forward(self, input: TensorLike) -> Any:
        return _adaptive_pools.adaptive_pool(
            type(self).__name__, self._rank, input, self.output_size, mean=False,
            indices=self.return_indices,
        )  # fmt: skip


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    __doc__ = f"""{_AdaptiveAvgPool.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.AdaptiveAvgPool1d`.

    Example:
        >>> nn.AdaptiveAvgPool1d(2)(fastdl.ones(1, 3, 5)).shape
        (1, 3, 2)
    """
    _rank = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    __doc__ = f"""{_AdaptiveAvgPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.AdaptiveAvgPool2d`.

    Example:
        >>> nn.AdaptiveAvgPool2d(2)(fastdl.ones(1, 3, 5, 5)).shape
        (1, 3, 2, 2)
    """
    _rank = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    __doc__ = f"""{_AdaptiveAvgPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.AdaptiveAvgPool3d`.

    Example:
        >>> nn.AdaptiveAvgPool3d(2)(fastdl.ones(1, 3, 5, 5, 5)).shape
        (1, 3, 2, 2, 2)
    """
    _rank = 3


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    __doc__ = f"""{_AdaptiveMaxPool.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.AdaptiveMaxPool1d`.

    Example:
        >>> nn.AdaptiveMaxPool1d(2)(fastdl.ones(1, 3, 5)).shape
        (1, 3, 2)
    """
    _rank = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    __doc__ = f"""{_AdaptiveMaxPool.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.AdaptiveMaxPool2d`.

    Example:
        >>> nn.AdaptiveMaxPool2d(2)(fastdl.ones(1, 3, 5, 5)).shape
        (1, 3, 2, 2)
    """
    _rank = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    __doc__ = f"""{_AdaptiveMaxPool.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.AdaptiveMaxPool3d`.

    Example:
        >>> nn.AdaptiveMaxPool3d(2)(fastdl.ones(1, 3, 5, 5, 5)).shape
        (1, 3, 2, 2, 2)
    """
    _rank = 3
