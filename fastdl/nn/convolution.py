"""Convolutions as modules. Tensors are (N, C, places...), as in PyTorch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer
from .._base.device import check_target
from .._base.parameter import Parameter
from .._core import ArgumentError, ShapeError
from . import init
from ._calls import OfTensor
from ._convs import convolution, transposed_convolution
from ._grids import batched, continued, refused, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(OfTensor):
    """What convolutions share: geometry, weight and bias."""

    _rank: ClassVar[int]
    _transposed: ClassVar[bool] = False
    bias: Parameter | None

    def _setup(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        dilation: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Place | None,
        dtype: DTypeLike | None,
    ) -> None:
        who, rank = type(self).__name__, self._rank
        check_target(who, (), {"device": device, "dtype": dtype})
        self.in_channels = check_integer(who, "in_channels", in_channels, 0)
        self.out_channels = check_integer(who, "out_channels", out_channels, 0)
        self.kernel_size = sizes(who, "kernel_size", kernel_size, rank, 1)
        self.stride = sizes(who, "stride", stride, rank, 1)
        self.dilation = sizes(who, "dilation", dilation, rank, 1)
        self.groups = check_integer(who, "groups", groups, 1)
        self.padding_mode = check_choice(who, "padding_mode", padding_mode, _MODES)
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ArgumentError(
                    f"{who}: {name}: expected a multiple of the {self.groups} groups, got "
                    f"{getattr(self, name)}"
                )
        first, second = self.out_channels, self.in_channels
        if self._transposed:
            first, second = second, first
        shape = (first, second // self.groups, *self.kernel_size)
        self.weight = Parameter(_core.empty(shape, "float32"))
        if check_flag(who, "bias", bias):
            self.bias = Parameter(_core.empty((self.out_channels,), "float32"))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values: uniform in +-1 / sqrt(places and channels that a weight's row has)."""
        fan = math.prod(self.weight.shape[1:])
        bound = 1 / math.sqrt(fan) if fan else 0.0
        init.uniform_(self.weight, -bound, bound)  # the same as kaiming_uniform_(a=sqrt(5))
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _described(self, padding: Any, more: str = "") -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if padding not in ((0,) * self._rank,):
            text += f", padding={padding}"
        if self.dilation != (1,) * self._rank:
            text += f", dilation={self.dilation}"
        text += more
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    """The convolution of the input with filters, plus a bias.

    Args:
        in_channels: C, the channels of the input.
        out_channels: the number of filters.
        kernel_size: size of a filter; an integer, or one for each axis of places.
        stride: distance of windows.
        padding: places added on both sides; "valid" for none, "same" for as many as keep the size.
        dilation: distance of a window's places.
        groups: into how many groups channels and filters are cut. With `groups=in_channels` the
            convolution is depthwise.
        bias: whether there is a bias.
        padding_mode: what is added, "zeros", "reflect", "replicate" or "circular".
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (out_channels, in_channels / groups, kernel_size...). The first values are uniform
            in +-1 / sqrt(in_channels / groups * places of the kernel).
        bias: (out_channels) with values of the same distribution, or None.

    Raises:
        ValueError: an argument is out of its range, or channels do not divide into groups. From a
            call, if the input has other axes or channels, or is smaller than the kernel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self._setup(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip
        self.padding: Any = padding
        if not isinstance(padding, str):
            self.padding = sizes(who, "padding", padding, self._rank)
        elif check_choice(who, "padding", padding, ("valid", "same")) == "same":
            if max(self.stride) > 1:
                raise ArgumentError(
                    f"{who}: padding: expected a stride of 1 with 'same', got {self.stride}"
                )

    def forward(self, input: TensorLike) -> Tensor:
        who, padding = type(self).__name__, self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            x, is_batch = batched(who, input, self._rank)
            try:
                y = continued(F.channels_last(x), self._widths(), self.padding_mode)
            except ValueError as error:
                raise refused(who, error, x.shape if is_batch else x.shape[1:]) from None
            x = F.channels_first(y)
            input = x if is_batch else F.reshape(x, shape=x.shape[1:])
            padding = 0
        return convolution(
            who, self._rank, input, self.weight, self.bias, self.stride, padding, self.dilation,
            self.groups,
        )  # fmt: skip

    def _widths(self) -> list[tuple[int, int]]:
        if self.padding != "same":
            return [(p, p) for p in self.padding]
        reach = [(k - 1) * d for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        return [(n // 2, n - n // 2) for n in reach]

    def extra_repr(self) -> str:
        return self._described(self.padding)


class Conv1d(_Conv):
    __doc__ = f"""{_Conv.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.Conv1d`.

    Example:
        >>> nn.Conv1d(3, 8, 5, padding="same")(fastdl.ones(4, 3, 20)).shape
        (4, 8, 20)
    """
    _rank = 1


class Conv2d(_Conv):
    __doc__ = f"""{_Conv.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.Conv2d`.

    Example:
        >>> nn.Conv2d(3, 8, 3, stride=2, padding=1)(fastdl.ones(4, 3, 32, 32)).shape
        (4, 8, 16, 16)
    """
    _rank = 2


class Conv3d(_Conv):
    __doc__ = f"""{_Conv.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.Conv3d`.

    Example:
        >>> nn.Conv3d(1, 4, 3)(fastdl.ones(2, 1, 8, 8, 8)).shape
        (2, 4, 6, 6, 6)
    """
    _rank = 3


class _ConvTranspose(_ConvNd):
    """The transposed convolution: the gradient of a convolution with respect to its input.

    An output has (n - 1) * stride - 2 * padding + dilation * (size - 1) + output_padding + 1
    places.

    Args:
        in_channels: C, the channels of the input.
        out_channels: the channels of the output.
        kernel_size: size of a filter; an integer, or one for each axis of places.
        stride: distance of windows in the output.
        padding: places that are cut off both ends of the output.
        output_padding: places added at its end; less than stride or dilation.
        groups: into how many groups channels and filters are cut.
        bias: whether there is a bias.
        dilation: distance of a window's places.
        padding_mode: only "zeros" is possible.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        weight: (in_channels, out_channels / groups, kernel_size...). The first values are uniform
            in +-1 / sqrt(out_channels / groups * places of the kernel).
        bias: (out_channels) with values of the same distribution, or None.

    Raises:
        ValueError: an argument is out of its range, or channels do not divide into groups. From a
            call, if the input has other axes or channels.
    """

    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_choice(who, "padding_mode", padding_mode, ("zeros",))
        self._setup(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip
        self.padding = sizes(who, "padding", padding, self._rank)
        self.output_padding = sizes(who, "output_padding", output_padding, self._rank)

    def forward(self, input: TensorLike, output_size: Sequence[int] | None = None) -> Tensor:
        """The output. `output_size` chooses the sizes, instead of `output_padding`."""
        who, extra = type(self).__name__, self.output_padding
        if output_size is not None:
            extra = self._extra(_core.as_tensor(input), output_size)
        return transposed_convolution(
            who, self._rank, input, self.weight, self.bias, self.stride, self.padding, extra,
            self.groups, self.dilation,
        )  # fmt: skip

    def _extra(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        wanted = tuple(output_size)[-self._rank :]
        geometry = zip(
            x.shape[-self._rank :], self.kernel_size, self.stride, self.dilation, self.padding,
            strict=True,
        )  # fmt: skip
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, d, p in geometry]
        extra = tuple(n - k for n, k in zip(wanted, least, strict=False))
        if len(extra) != self._rank or any(
            not 0 <= n < s for n, s in zip(extra, self.stride, strict=True)
        ):
            raise ShapeError(
                f"{type(self).__name__}: output_size: expected sizes from {tuple(least)} on, less "
                f"than a stride {self.stride} more, got {tuple(output_size)}"
            )
        return extra

    def extra_repr(self) -> str:
        more = ""
        if self.output_padding != (0,) * self._rank:
            more = f", output_padding={self.output_padding}"
        return self._described(self.padding, more)


class ConvTranspose1d(_ConvTranspose):
    __doc__ = f"""{_ConvTranspose.__doc__}
    The input is (N, C, L) or (C, L).

    Source: `torch.nn.ConvTranspose1d`.

    Example:
        >>> nn.ConvTranspose1d(3, 8, 2, stride=2)(fastdl.ones(4, 3, 10)).shape
        (4, 8, 20)
    """
    _rank = 1


class ConvTranspose2d(_ConvTranspose):
    __doc__ = f"""{_ConvTranspose.__doc__}
    The input is (N, C, H, W) or (C, H, W).

    Source: `torch.nn.ConvTranspose2d`.

    Example:
        >>> nn.ConvTranspose2d(3, 8, 2, stride=2)(fastdl.ones(4, 3, 10, 10)).shape
        (4, 8, 20, 20)
    """
    _rank = 2


class ConvTranspose3d(_ConvTranspose):
    __doc__ = f"""{_ConvTranspose.__doc__}
    The input is (N, C, D, H, W) or (C, D, H, W).

    Source: `torch.nn.ConvTranspose3d`.

    Example:
        >>> nn.ConvTranspose3d(3, 8, 2, stride=2)(fastdl.ones(1, 3, 4, 4, 4)).shape
        (1, 8, 8, 8, 8)
    """
    _rank = 3
