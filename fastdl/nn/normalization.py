"""Modules that normalize. Channels are axis 1, as in PyTorch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_integer, check_integers, check_number
from .._base.device import check_target
from .._base.module import Module
from .._base.parameter import Parameter
from .._core import ArgumentError, ShapeError
from . import functional, init
from ._calls import OfTensor
from ._norms import normalized_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike


def _register_weights(module: Module, shape: tuple[int, ...], weight: bool, bias: bool) -> None:
    """Adds the parameters `weight` (ones) and `bias` (zeros), None where there is none."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        value = _core.full(shape, "float32", 1.0 if name == "weight" else 0.0)
        module.register_parameter(name, Parameter(value) if wanted else None)


def _reset_weights(module: Module) -> None:
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)


class _Tracking(OfTensor):
    """Base of modules that keep running moments of the channels."""

    _ranks: tuple[int, ...] = ()  # of the inputs
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Place | None,
        dtype: DTypeLike | None,
        bias: bool,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.num_features = check_integer(who, "num_features", num_features, 0)
        self.eps = check_number(who, "eps", eps)
        if momentum is not None:
            momentum = check_number(who, "momentum", momentum, -math.inf)
        self.momentum = momentum
        self.affine = check_flag(who, "affine", affine)
        self.track_running_stats = check_flag(who, "track_running_stats", track_running_stats)
        shape = (self.num_features,)
        shifted = check_flag(who, "bias", bias)
        _register_weights(self, shape, self.affine, self.affine and shifted)
        tracked = self.track_running_stats
        self.register_buffer("running_mean", _core.full(shape, "float32", 0.0) if tracked else None)
        self.register_buffer("running_var", _core.full(shape, "float32", 1.0) if tracked else None)
        self.register_buffer("num_batches_tracked", _core.tensor(0) if tracked else None)

    def reset_running_stats(self) -> None:
        """Sets the running moments to 0 and 1, and the number of batches to 0."""
        values = ((self.running_mean, 0.0), (self.running_var, 1.0), (self.num_batches_tracked, 0))
        for buffer, value in values:
            if buffer is not None:
                F.assign_(buffer, value)

    def reset_parameters(self) -> None:
        """Also sets weight and bias to ones and zeros."""
        self.reset_running_stats()
        _reset_weights(self)

    def _check_input(self, x: Tensor) -> None:
        if x.ndim not in self._ranks:
            wanted = " or ".join(map(str, self._ranks))
            raise ShapeError(
                f"{type(self).__name__}: expected an input of {wanted} axes, got shape {x.shape}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Tracking):
    """`(x - mean) / sqrt(variance + eps) * weight + bias` for each channel.

    In training mean and variance are those of the batch, and the running ones move towards them.
    In evaluation they are the running ones, if there are any.

    Args:
        num_features: the number of channels, C.
        eps: is added to the variance.
        momentum: how far the running moments move towards those of a batch; None takes the mean
            over all batches.
        affine: whether there are weight and bias.
        track_running_stats: whether there are running moments.
        device: "cpu" or None.
        dtype: float32 or None.
        bias: whether there is a bias, if affine.

    Attributes:
        weight, bias: (C), at first ones and zeros, or None.
        running_mean, running_var: (C), at first zeros and ones, or None. The variance is divided
            by n - 1.
        num_batches_tracked: how many batches they have seen, or None.

    Raises:
        ValueError: an argument is out of its range. From a call, if the input has another number of
            axes or channels, or one value for each channel in training.

    Source: Ioffe & Szegedy 2015; PyTorch's module of this name.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: TensorLike) -> Tensor:
        x = _core.as_tensor(input)
        self._check_input(x)
        who = type(self).__name__
        if x.shape[1] != self.num_features:
            raise ShapeError(
                f"{who}: expected {self.num_features} channels on axis 1, got shape {x.shape}"
            )
        mean, variance, count = self.running_mean, self.running_var, self.num_batches_tracked
        if not self.training:
            training = mean is None and variance is None
            return normalized_batch(
                who, x, mean, variance, self.weight, self.bias, training, 0.0, self.eps
            )
        if not self.track_running_stats:
            mean = variance = count = None
        share: float | Tensor = 0.0 if self.momentum is None else self.momentum
        if self.momentum is None and count is not None:
            share = F.reciprocal(F.cast(F.add(count, 1), dtype="float32"))
        y = normalized_batch(who, x, mean, variance, self.weight, self.bias, True, share, self.eps)
        if count is not None:
            F.increment_(count)
        return y


class BatchNorm1d(_BatchNorm):
    __doc__ = f"""{_BatchNorm.__doc__}
    The input is (N, C) or (N, C, L).

    Example:
        >>> nn.BatchNorm1d(3)(fastdl.ones(4, 3)).shape
        (4, 3)
    """
    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = f"""{_BatchNorm.__doc__}
    The input is (N, C, H, W).

    Example:
        >>> nn.BatchNorm2d(3)(fastdl.ones(4, 3, 5, 5)).shape
        (4, 3, 5, 5)
    """
    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    __doc__ = f"""{_BatchNorm.__doc__}
    The input is (N, C, D, H, W).

    Example:
        >>> nn.BatchNorm3d(3)(fastdl.ones(4, 3, 5, 5, 5)).shape
        (4, 3, 5, 5, 5)
    """
    _ranks = (5,)


class _InstanceNorm(_Tracking):
    """As batch normalization, with moments over the places of each sample and channel.

    They are those of the input in evaluation, too, unless running moments are tracked.

    Args:
        num_features: the number of channels, C.
        eps: is added to the variance.
        momentum: how far the running moments move; None leaves them as they are.
        affine: whether there are weight and bias.
        track_running_stats: whether there are running moments, which evaluation then uses.
        device: "cpu" or None.
        dtype: float32 or None.
        bias: whether there is a bias, if affine.

    Raises:
        ValueError: an argument is out of its range. From a call, if the input has another number of
            axes or channels, or one place for each channel.

    Source: Ulyanov et al. 2016; PyTorch's module of this name.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: TensorLike) -> Tensor:
        x = _core.as_tensor(input)
        self._check_input(x)
        single = x.ndim == min(self._ranks)
        if single:
            x = F.reshape(x, shape=(1, *x.shape))
        if x.shape[1] != self.num_features and (self.affine or self.track_running_stats):
            raise ShapeError(
                f"{type(self).__name__}: expected {self.num_features} channels, got shape "
                f"{x.shape[1:] if single else x.shape}"
            )
        y = functional.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return F.reshape(y, shape=y.shape[1:]) if single else y


class InstanceNorm1d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    The input is (N, C, L), or (C, L) for one sample.

    Example:
        >>> nn.InstanceNorm1d(3)(fastdl.ones(4, 3, 5)).shape
        (4, 3, 5)
    """
    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    The input is (N, C, H, W), or (C, H, W) for one sample.

    Example:
        >>> nn.InstanceNorm2d(3)(fastdl.ones(4, 3, 5, 5)).shape
        (4, 3, 5, 5)
    """
    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    The input is (N, C, D, H, W), or (C, D, H, W) for one sample.

    Example:
        >>> nn.InstanceNorm3d(3)(fastdl.ones(4, 3, 5, 5, 5)).shape
        (4, 3, 5, 5, 5)
    """
    _ranks = (4, 5)


class GroupNorm(OfTensor):
    """Normalizes each sample over groups of channels.

    Args:
        num_groups: into how many groups the channels are cut.
        num_channels: the number of channels, C.
        eps: is added to the variance.
        affine: whether there are weight and bias, (C).
        device: "cpu" or None.
        dtype: float32 or None.
        bias: whether there is a bias, if affine.

    Raises:
        ValueError: `num_groups` doesn't divide `num_channels`, or an argument is out of its range.

    Source: Wu & He 2018; `torch.nn.GroupNorm`.

    Example:
        >>> nn.GroupNorm(2, 6)(fastdl.ones(4, 6, 5, 5)).shape
        (4, 6, 5, 5)
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        who = "GroupNorm"
        check_target(who, (), {"device": device, "dtype": dtype})
        self.num_groups = check_integer(who, "num_groups", num_groups, 1)
        self.num_channels = check_integer(who, "num_channels", num_channels, 0)
        if self.num_channels % self.num_groups:
            raise ArgumentError(
                f"{who}: num_groups: expected a divisor of the number of channels "
                f"{self.num_channels}, got {self.num_groups}"
            )
        self.eps = check_number(who, "eps", eps)
        self.affine = check_flag(who, "affine", affine)
        shape, shifted = (self.num_channels,), check_flag(who, "bias", bias)
        _register_weights(self, shape, self.affine, self.affine and shifted)

    def reset_parameters(self) -> None:
        """Sets weight and bias to ones and zeros."""
        _reset_weights(self)

    def forward(self, input: TensorLike) -> Tensor:
        x = _core.as_tensor(input)
        if x.ndim > 1 and x.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: expected {self.num_channels} channels on axis 1, got shape {x.shape}"
            )
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


def _checked_shape(who: str, value: int | Sequence[int]) -> tuple[int, ...]:
    sizes = check_integers(who, "normalized_shape", value, 0)
    sizes = (sizes,) if isinstance(sizes, int) else sizes
    if not sizes:
        raise ArgumentError(f"{who}: normalized_shape: expected at least one size, got ()")
    return sizes


class LayerNorm(OfTensor):
    """Normalizes over the last axes.

    Args:
        normalized_shape: the sizes of these axes.
        eps: is added to the variance.
        elementwise_affine: whether there are weight and bias, of that shape.
        bias: whether there is a bias, if affine.
        device: "cpu" or None.
        dtype: float32 or None.

    Raises:
        ValueError: an argument is out of its range. From a call, if the input's shape ends
            otherwise.

    Source: Ba et al. 2016; `torch.nn.LayerNorm`.

    Example:
        >>> nn.LayerNorm(3)(fastdl.ones(2, 3)).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = "LayerNorm"
        check_target(who, (), {"device": device, "dtype": dtype})
        self.normalized_shape = _checked_shape(who, normalized_shape)
        self.eps = check_number(who, "eps", eps)
        self.elementwise_affine = check_flag(who, "elementwise_affine", elementwise_affine)
        affine, shifted = self.elementwise_affine, check_flag(who, "bias", bias)
        _register_weights(self, self.normalized_shape, affine, affine and shifted)

    def reset_parameters(self) -> None:
        """Sets weight and bias to ones and zeros."""
        _reset_weights(self)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(OfTensor):
    """`x / sqrt(mean(x^2) + eps) * weight` with the mean over the last axes.

    Args:
        normalized_shape: the sizes of these axes.
        eps: is added to the mean square; float32's epsilon unless given.
        elementwise_affine: whether there is a weight, of that shape.
        device: "cpu" or None.
        dtype: float32 or None.

    Raises:
        ValueError: an argument is out of its range. From a call, if the input's shape ends
            otherwise.

    Source: Zhang & Sennrich 2019; `torch.nn.RMSNorm`.

    Example:
        >>> nn.RMSNorm(2)(fastdl.tensor([[3.0, 4.0]])).numpy().round(3)
        array([[0.849, 1.131]], dtype=float32)
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = "RMSNorm"
        check_target(who, (), {"device": device, "dtype": dtype})
        self.normalized_shape = _checked_shape(who, normalized_shape)
        self.eps = None if eps is None else check_number(who, "eps", eps)
        self.elementwise_affine = check_flag(who, "elementwise_affine", elementwise_affine)
        value = _core.full(self.normalized_shape, "float32", 1.0)
        self.register_parameter("weight", Parameter(value) if self.elementwise_affine else None)

    def reset_parameters(self) -> None:
        """Sets the weight to ones."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class LocalResponseNorm(OfTensor):
    """`x / (k + alpha * m)^beta`, where m is the mean square over `size` neighbouring channels.

    Args:
        size: the number of channels.
        alpha, beta, k: numbers.

    Raises:
        ValueError: an argument is out of its range. From a call, if the input has fewer than three
            axes.

    Source: Krizhevsky et al. 2012; `torch.nn.LocalResponseNorm`.

    Example:
        >>> nn.LocalResponseNorm(2)(fastdl.ones(4, 3, 5)).shape
        (4, 3, 5)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        who = type(self).__name__
        self.size = check_integer(who, "size", size, 1)
        self.alpha = check_number(who, "alpha", alpha, -math.inf)
        self.beta = check_number(who, "beta", beta, -math.inf)
        self.k = check_number(who, "k", k, -math.inf)

    def forward(self, input: TensorLike) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """`LocalResponseNorm` with the defaults of its older form, for images.

    Source: `torch.nn.CrossMapLRN2d`.

    Example:
        >>> nn.CrossMapLRN2d(3)(fastdl.zeros(1, 4, 2, 2)).shape
        (1, 4, 2, 2)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)
