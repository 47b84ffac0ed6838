"""Convolutions and linear layers with the batch normalization after them in one; `skip_init`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from ..._base import functional as F
from ..._base.parameter import Parameter
from ..._core import ArgumentError, ShapeError
from ...autograd.modes import no_grad

if TYPE_CHECKING:
    from ..._base.module import Module
    from ..._core import Tensor

    Pair = tuple[Parameter, Parameter]

Fused = TypeVar("Fused", bound="Module")


def _fused(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
    scale: Tensor | None,
    shift: Tensor | None,
    axis: int,
) -> Pair:
    with no_grad():
        factor = F.rsqrt(F.add(variance, eps))
        if scale is not None:
            factor = F.mul(factor, scale)
        shape = [1] * weight.ndim
        shape[axis] = -1
        moved = F.neg(mean) if bias is None else F.sub(bias, mean)
        moved = F.mul(moved, factor)
        if shift is not None:
            moved = F.add(moved, shift)
        whole = F.mul(weight, F.reshape(factor, shape=shape))
    needs = weight.requires_grad
    return Parameter(whole, needs), Parameter(moved, needs if bias is None else bias.requires_grad)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> Pair:
    """Weight and bias of a convolution that normalizes its results, too.

    Args:
        conv_w, conv_b: of the convolution; the bias may be None.
        bn_rm, bn_rv, bn_eps: running mean and variance, and what is added to the variance.
        bn_w, bn_b: of the normalization; None for ones and zeros.
        transpose: whether the convolution is transposed.

    Source: `torch.nn.utils.fuse_conv_bn_weights`.
    """
    axis = 1 if transpose else 0
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, axis)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> Pair:
    """Weight and bias of a linear layer that normalizes its results, as `fuse_conv_bn_weights`.

    Source: `torch.nn.utils.fuse_linear_bn_weights`.
    """
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _module(first: Fused, bn: Any, axis: int, who: str) -> Fused:
    if first.training or bn.training:
        raise ArgumentError(f"{who}: expected both modules in evaluation mode")
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError(f"{who}: bn: expected running mean and variance")
    made: Any = copy.deepcopy(first)
    weight, bias = _fused(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, axis
    )
    made.weight, made.bias = weight, bias
    found: Fused = made
    return found


def fuse_conv_bn_eval(conv: Fused, bn: Module, transpose: bool = False) -> Fused:
    """A convolution that gives what `conv` and then `bn` give in evaluation mode.

    Args:
        conv: a convolution.
        bn: a batch normalization with running moments.
        transpose: whether the convolution is transposed.

    Raises:
        ValueError: one is in training mode, or there are no running moments.

    Source: `torch.nn.utils.fuse_conv_bn_eval`.

    Example:
        >>> conv, bn = nn.Conv2d(2, 3, 1).eval(), nn.BatchNorm2d(3).eval()
        >>> x = fastdl.ones(1, 2, 2, 2)
        >>> fastdl.allclose(nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
        True
    """
    return _module(conv, bn, 1 if transpose else 0, "fuse_conv_bn_eval")


def fuse_linear_bn_eval(linear: Fused, bn: Module) -> Fused:
    """A linear layer that gives what `linear` and then `bn` give in evaluation mode.

    Raises:
        ValueError: one is in training mode, there are no running moments, or features and
            channels differ.

    Source: `torch.nn.utils.fuse_linear_bn_eval`.
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise ShapeError(
            f"fuse_linear_bn_eval: bn: expected {linear.out_features} channels, got "
            f"{bn.num_features}"
        )
    return _module(linear, bn, 0, "fuse_linear_bn_eval")


def skip_init(module_cls: type[Fused], *args: Any, **kwargs: Any) -> Fused:
    """Makes a module. Its parameters have some values or other: set them before you use it.

    Source: `torch.nn.utils.skip_init`.

    Example:
        >>> nn.utils.skip_init(nn.Linear, 2, 3).weight.shape
        (3, 2)
    """
    return module_cls(*args, **kwargs)
