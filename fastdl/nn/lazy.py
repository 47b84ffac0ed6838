"""Lazy modules: the first input tells the sizes of their parameters.

The file is long because the constructors spell all their arguments, for help() and editors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core
from .._base.buffer import Uninitialized, UninitializedBuffer, UninitializedParameter
from .._base.module import Module
from .._core import ShapeError
from .convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .linear import Linear
from .normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .convolution import Size


class _Lazy(Module):
    """Base of lazy modules. At its first call one becomes a module of the class it stands for."""

    cls_to_become: ClassVar[type[Module]]
    _options: dict[str, Any]

    def _wait(self, options: dict[str, Any]) -> None:
        """Makes the module without a number of inputs. `options` are the other arguments."""
        self.cls_to_become.__init__(self, 0, **options)
        self._options = options
        for name, parameter in self._parameters.items():
            if parameter is not None:
                setattr(self, name, UninitializedParameter())
        for name, buffer in self._buffers.items():
            if buffer is not None and buffer.ndim:
                setattr(self, name, UninitializedBuffer())
        self.register_forward_pre_hook(_first_call, with_kwargs=True)

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        members = (*self._parameters.values(), *self._buffers.values())
        return any(isinstance(member, Uninitialized) for member in members)

    def _size(self, shape: tuple[int, ...]) -> int:
        """The number of inputs, from the shape of an input."""
        raise NotImplementedError

    def initialize_parameters(self, input: Any) -> None:
        """Makes the parameters that this input needs; it becomes a module of the usual class."""
        made = self.cls_to_become(self._size(_core.as_tensor(input).shape), **self._options)
        for registry, new in (
            (self._parameters, made._parameters),
            (self._buffers, made._buffers),
        ):
            for name, value in new.items():
                if isinstance(registry[name], Uninitialized):
                    self._register(registry, name, value)
        registered = {*made._parameters, *made._buffers}
        kept = {*registered, "training", *Module._announced}
        for name, value in made.__dict__.items():
            if name not in kept:
                setattr(self, name, value)
        del self._options
        for key, (hook, *_) in list(self._forward_pre_hooks.items()):
            if hook is _first_call:
                del self._forward_pre_hooks[key]
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        _core.raise_epoch()


def _first_call(module: _Lazy, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = args[0] if args else kwargs.get("input")
    if given is None:
        raise TypeError(f"{type(module).__name__}: expected an input")
    module.initialize_parameters(given)


_NOTE = """
    The parameters are made at the first call, which also makes the module one of the usual class.
    Give them to an optimizer after that.
"""


class LazyLinear(_Lazy, Linear):
    __doc__ = f"""`Linear` that takes `in_features` from its first input.
    {_NOTE}
    Args:
        out_features: size of the last axis of the output.
        bias: whether there is a bias.
        device: "cpu" or None.
        dtype: float32 or None.

    Source: `torch.nn.LazyLinear`.

    Example:
        >>> layer = nn.LazyLinear(2)
        >>> layer(fastdl.zeros(5, 3)).shape, layer
        ((5, 2), Linear(in_features=3, out_features=2, bias=True))
    """
    cls_to_become = Linear

    def __init__(
        self,
        out_features: int,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        _check("LazyLinear", device, dtype)
        self._wait({"out_features": out_features, "bias": bias})

    def _size(self, shape: tuple[int, ...]) -> int:
        if not shape:
            raise ShapeError("LazyLinear: expected an input (..., in_features), got shape ()")
        return shape[-1]


def _check(who: str, device: Place | None, dtype: DTypeLike | None) -> None:
    from .._base.device import check_target

    check_target(who, (), {"device": device, "dtype": dtype})


class _OfChannels(_Lazy):
    _axes: ClassVar[tuple[int, ...]]  # how many the input has, without samples and with them
    _batched: ClassVar[bool] = False  # whether there are always samples

    def _size(self, shape: tuple[int, ...]) -> int:
        if len(shape) not in self._axes:
            wanted = " or ".join(map(str, self._axes))
            raise ShapeError(
                f"{type(self).__name__}: expected an input of {wanted} axes, got shape {shape}"
            )
        return shape[1 if self._batched or len(shape) == max(self._axes) else 0]


class LazyConv1d(_OfChannels, Conv1d):
    __doc__ = f"""`Conv1d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `Conv1d`, and so are all other arguments.

    Source: `torch.nn.LazyConv1d`.

    Example:
        >>> nn.LazyConv1d(2, 3)(fastdl.zeros(4, 3, 5)).shape
        (4, 2, 3)
    """
    cls_to_become = Conv1d
    _axes = (2, 3)

    def __init__(
        self,
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
        _check("LazyConv1d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "dilation": dilation,
                "groups": groups,
                "bias": bias,
                "padding_mode": padding_mode,
            }
        )


class LazyConv2d(_OfChannels, Conv2d):
    __doc__ = f"""`Conv2d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `Conv2d`, and so are all other arguments.

    Source: `torch.nn.LazyConv2d`.

    Example:
        >>> nn.LazyConv2d(2, 3)(fastdl.zeros(4, 3, 5, 5)).shape
        (4, 2, 3, 3)
    """
    cls_to_become = Conv2d
    _axes = (3, 4)

    def __init__(
        self,
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
        _check("LazyConv2d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "dilation": dilation,
                "groups": groups,
                "bias": bias,
                "padding_mode": padding_mode,
            }
        )


class LazyConv3d(_OfChannels, Conv3d):
    __doc__ = f"""`Conv3d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `Conv3d`, and so are all other arguments.

    Source: `torch.nn.LazyConv3d`.

    Example:
        >>> nn.LazyConv3d(2, 3)(fastdl.zeros(4, 3, 5, 5, 5)).shape
        (4, 2, 3, 3, 3)
    """
    cls_to_become = Conv3d
    _axes = (4, 5)

    def __init__(
        self,
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
        _check("LazyConv3d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "dilation": dilation,
                "groups": groups,
                "bias": bias,
                "padding_mode": padding_mode,
            }
        )


class LazyConvTranspose1d(_OfChannels, ConvTranspose1d):
    __doc__ = f"""`ConvTranspose1d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `ConvTranspose1d`, and so are all other arguments.

    Source: `torch.nn.LazyConvTranspose1d`.

    Example:
        >>> nn.LazyConvTranspose1d(2, 3)(fastdl.zeros(4, 3, 5)).shape
        (4, 2, 7)
    """
    cls_to_become = ConvTranspose1d
    _axes = (2, 3)

    def __init__(
        self,
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
        _check("LazyConvTranspose1d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "output_padding": output_padding,
                "groups": groups,
                "bias": bias,
                "dilation": dilation,
                "padding_mode": padding_mode,
            }
        )


class LazyConvTranspose2d(_OfChannels, ConvTranspose2d):
    __doc__ = f"""`ConvTranspose2d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `ConvTranspose2d`, and so are all other arguments.

    Source: `torch.nn.LazyConvTranspose2d`.

    Example:
        >>> nn.LazyConvTranspose2d(2, 3)(fastdl.zeros(4, 3, 5, 5)).shape
        (4, 2, 7, 7)
    """
    cls_to_become = ConvTranspose2d
    _axes = (3, 4)

    def __init__(
        self,
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
        _check("LazyConvTranspose2d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "output_padding": output_padding,
                "groups": groups,
                "bias": bias,
                "dilation": dilation,
                "padding_mode": padding_mode,
            }
        )


class LazyConvTranspose3d(_OfChannels, ConvTranspose3d):
    __doc__ = f"""`ConvTranspose3d` that takes `in_channels` from its first input.
    {_NOTE}
    Args:
        out_channels: as for `ConvTranspose3d`, and so are all other arguments.

    Source: `torch.nn.LazyConvTranspose3d`.

    Example:
        >>> nn.LazyConvTranspose3d(2, 3)(fastdl.zeros(4, 3, 5, 5, 5)).shape
        (4, 2, 7, 7, 7)
    """
    cls_to_become = ConvTranspose3d
    _axes = (4, 5)

    def __init__(
        self,
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
        _check("LazyConvTranspose3d", device, dtype)
        self._wait(
            {
                "out_channels": out_channels,
                "kernel_size": kernel_size,
                "stride": stride,
                "padding": padding,
                "output_padding": output_padding,
                "groups": groups,
                "bias": bias,
                "dilation": dilation,
                "padding_mode": padding_mode,
            }
        )


class LazyBatchNorm1d(_OfChannels, BatchNorm1d):
    __doc__ = f"""`BatchNorm1d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `BatchNorm1d`.

    Source: `torch.nn.LazyBatchNorm1d`.

    Example:
        >>> nn.LazyBatchNorm1d()(fastdl.zeros(4, 3, 5)).shape
        (4, 3, 5)
    """
    cls_to_become = BatchNorm1d
    _axes = (2, 3)
    _batched = True

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyBatchNorm1d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )


class LazyBatchNorm2d(_OfChannels, BatchNorm2d):
    __doc__ = f"""`BatchNorm2d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `BatchNorm2d`.

    Source: `torch.nn.LazyBatchNorm2d`.

    Example:
        >>> nn.LazyBatchNorm2d()(fastdl.zeros(4, 3, 5, 5)).shape
        (4, 3, 5, 5)
    """
    cls_to_become = BatchNorm2d
    _axes = (4,)
    _batched = True

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyBatchNorm2d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )


class LazyBatchNorm3d(_OfChannels, BatchNorm3d):
    __doc__ = f"""`BatchNorm3d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `BatchNorm3d`.

    Source: `torch.nn.LazyBatchNorm3d`.

    Example:
        >>> nn.LazyBatchNorm3d()(fastdl.zeros(4, 3, 5, 5, 5)).shape
        (4, 3, 5, 5, 5)
    """
    cls_to_become = BatchNorm3d
    _axes = (5,)
    _batched = True

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyBatchNorm3d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )


class LazyInstanceNorm1d(_OfChannels, InstanceNorm1d):
    __doc__ = f"""`InstanceNorm1d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `InstanceNorm1d`.

    Source: `torch.nn.LazyInstanceNorm1d`.

    Example:
        >>> nn.LazyInstanceNorm1d()(fastdl.zeros(4, 3, 5)).shape
        (4, 3, 5)
    """
    cls_to_become = InstanceNorm1d
    _axes = (2, 3)

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyInstanceNorm1d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )


class LazyInstanceNorm2d(_OfChannels, InstanceNorm2d):
    __doc__ = f"""`InstanceNorm2d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `InstanceNorm2d`.

    Source: `torch.nn.LazyInstanceNorm2d`.

    Example:
        >>> nn.LazyInstanceNorm2d()(fastdl.zeros(4, 3, 5, 5)).shape
        (4, 3, 5, 5)
    """
    cls_to_become = InstanceNorm2d
    _axes = (3, 4)

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyInstanceNorm2d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )


class LazyInstanceNorm3d(_OfChannels, InstanceNorm3d):
    __doc__ = f"""`InstanceNorm3d` that takes `num_features` from its first input.
    {_NOTE}
    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for `InstanceNorm3d`.

    Source: `torch.nn.LazyInstanceNorm3d`.

    Example:
        >>> nn.LazyInstanceNorm3d()(fastdl.zeros(4, 3, 5, 5, 5)).shape
        (4, 3, 5, 5, 5)
    """
    cls_to_become = InstanceNorm3d
    _axes = (4, 5)

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        _check("LazyInstanceNorm3d", device, dtype)
        self._wait(
            {
                "eps": eps,
                "momentum": momentum,
                "affine": affine,
                "track_running_stats": track_running_stats,
                "bias": bias,
            }
        )
