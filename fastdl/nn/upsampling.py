"""Modules that give images other sizes, or cut them into windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.checks import check_choice, check_integer
from . import _resampling
from ._calls import OfTensor
from ._grids import sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


class Upsample(OfTensor):
    """Images, series or volumes in another size, see `nn.functional.interpolate`.

    Args:
        size: of the result, an integer or one for each axis of places.
        scale_factor: how many times larger it is; one of both is given.
        mode: "nearest", "linear" (3 axes), "bilinear", "bicubic" (4) or "trilinear" (5).
        align_corners: whether the centers of the outer pixels stay where they are; None is False.
        recompute_scale_factor: whether the factor is computed again from the sizes.

    Raises:
        ValueError: the mode is unknown. From a call, see `nn.functional.interpolate`.

    Source: `torch.nn.Upsample`.

    Example:
        >>> nn.Upsample(scale_factor=2)(fastdl.ones(1, 3, 4, 4)).shape
        (1, 3, 8, 8)
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor = scale_factor
        self.mode = check_choice(type(self).__name__, "mode", mode, _resampling.MODES)
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.resized(
            type(self).__name__,
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor}, mode={self.mode!r}"
        return f"size={self.size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` of images by the nearest pixel.

    Args:
        size: (height, width) of the result, or one number for both.
        scale_factor: how many times larger it is; one of both is given.

    Source: `torch.nn.UpsamplingNearest2d`.

    Example:
        >>> nn.UpsamplingNearest2d(scale_factor=2)(fastdl.ones(1, 3, 4, 4)).shape
        (1, 3, 8, 8)
    """

    def __init__(
        self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of images by bilinear interpolation with `align_corners=True`.

    Args:
        size: (height, width) of the result, or one number for both.
        scale_factor: how many times larger it is; one of both is given.

    Source: `torch.nn.UpsamplingBilinear2d`.

    Example:
        >>> nn.UpsamplingBilinear2d(scale_factor=2)(fastdl.ones(1, 3, 4, 4)).shape
        (1, 3, 8, 8)
    """

    def __init__(
        self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(OfTensor):
    """Channels become places: (..., C r^2, H, W) to (..., C, H r, W r).

    Args:
        upscale_factor: r.

    Raises:
        ValueError: r is below 1. From a call, if the channels are no multiple of r^2.

    Source: Shi et al. 2016; `torch.nn.PixelShuffle`.

    Example:
        >>> nn.PixelShuffle(2)(fastdl.ones(1, 12, 4, 4)).shape
        (1, 3, 8, 8)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = check_integer("PixelShuffle", "upscale_factor", upscale_factor, 1)

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(OfTensor):
    """Places become channels: (..., C, H r, W r) to (..., C r^2, H, W).

    Args:
        downscale_factor: r.

    Raises:
        ValueError: r is below 1. From a call, if height or width is no multiple of r.

    Source: `torch.nn.PixelUnshuffle`.

    Example:
        >>> nn.PixelUnshuffle(2)(fastdl.ones(1, 3, 8, 8)).shape
        (1, 12, 4, 4)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        who = "PixelUnshuffle"
        self.downscale_factor = check_integer(who, "downscale_factor", downscale_factor, 1)

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(OfTensor):
    """Takes the channels of (N, C, ...) from the groups in turn.

    Args:
        groups: the number of groups.

    Raises:
        ValueError: groups is below 1. From a call, if it does not divide the channels.

    Source: Zhang et al. 2018; `torch.nn.ChannelShuffle`.

    Example:
        >>> nn.ChannelShuffle(2)(fastdl.ones(1, 4, 2, 2)).shape
        (1, 4, 2, 2)
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = check_integer("ChannelShuffle", "groups", groups, 1)

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class _Windows(OfTensor):
    def __init__(self, kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> None:
        super().__init__()
        who = type(self).__name__
        given = (
            ("kernel_size", kernel_size, 1),
            ("dilation", dilation, 1),
            ("padding", padding, 0),
            ("stride", stride, 1),
        )
        for name, value, least in given:
            sizes(who, name, value, 2, least)
            setattr(self, name, value)

    def extra_repr(self) -> str:
        names = ("output_size", "kernel_size", "dilation", "padding", "stride")
        return ", ".join(f"{n}={getattr(self, n)}" for n in names if hasattr(self, n))


class Unfold(_Windows):
    """The windows of images as columns: (N, C, H, W) to (N, C * kH * kW, windows).

    Args:
        kernel_size: size of a window; an integer or a pair.
        dilation: distance of a window's places.
        padding: zeros on both sides.
        stride: distance of windows.

    Raises:
        ValueError: a size is out of its range. From a call, if a window does not fit.

    Source: `torch.nn.Unfold`.

    Example:
        >>> nn.Unfold(2)(fastdl.ones(1, 3, 4, 4)).shape
        (1, 12, 9)
    """

    kernel_size: Size
    dilation: Size
    padding: Size
    stride: Size

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Windows):
    """Adds columns up to images: (N, C * kH * kW, windows) to (N, C, H, W).

    Args:
        output_size: (H, W), or one number for both.
        kernel_size: size of a window; an integer or a pair.
        dilation: distance of a window's places.
        padding: zeros on both sides, which are cut off.
        stride: distance of windows.

    Raises:
        ValueError: a size is out of its range. From a call, if the columns do not fit.

    Source: `torch.nn.Fold`.

    Example:
        >>> nn.Fold((4, 4), 2)(fastdl.ones(1, 12, 9)).shape
        (1, 3, 4, 4)
    """

    kernel_size: Size
    dilation: Size
    padding: Size
    stride: Size

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        sizes("Fold", "output_size", output_size, 2, 1)
        self.output_size = output_size

    def forward(self, input: TensorLike) -> Tensor:
        return _resampling.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )
