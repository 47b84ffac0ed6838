"""Normalizations of `nn.functional`, with PyTorch's arguments and numbers.

Channels are axis 1, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_integer, check_integers, check_number, check_values, shown
from .._core import ArgumentError, ShapeError
from .._engine.statistics import move_averages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

_EPSILON = float(np.finfo(np.float32).eps)


def batch_norm(
    input: TensorLike,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`(x - mean) / sqrt(variance + eps) * weight + bias` for each channel.

    Args:
        input: (N, C) or (N, C, ...).
        running_mean, running_var: (C), the moments outside of training. In training they move
            towards those of the batch (the variance divided by n - 1); None for none.
        weight, bias: (C), or None.
        training: whether the moments are those of the batch.
        momentum: how far the running moments move.
        eps: is added to the variance.

    Raises:
        ValueError: one value for each channel in training, no running moments otherwise, another
            number of channels, or eps is negative (in training: not positive).

    Source: `torch.nn.functional.batch_norm`.

    Example:
        >>> batch_norm([[1.0], [3.0]], None, None, training=True).numpy().round(3)
        array([[-1.],
               [ 1.]], dtype=float32)
    """
    share = check_number("batch_norm", "momentum", momentum, -math.inf)
    return normalized_batch(
        "batch_norm", input, running_mean, running_var, weight, bias, training, share, eps
    )


def normalized_batch(
    who: str,
    input: TensorLike,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: TensorLike | None,
    bias: TensorLike | None,
    training: bool,
    share: float | Tensor,
    eps: float,
) -> Tensor:
    """`batch_norm` with a share that may be a tensor."""
    x = _with_channels(who, input)
    _check_channels(who, x, weight, bias, running_mean, running_var)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError(
                f"{who}: running_mean, running_var: expected both outside of training, got None"
            )
        eps = check_number(who, "eps", eps)
        return F.frozen_batch_norm(
            x, running_mean, running_var, scale=weight, offset=bias, axis=1, epsilon=eps
        )
    eps = check_number(who, "eps", eps, above=0.0)
    count = x.numel() // max(1, x.shape[1])
    _check_count(who, count, x)
    y, mean, variance = F.batch_norm(x, scale=weight, offset=bias, axis=1, epsilon=eps)
    if not count:  # no samples, no moments
        return y
    unbiased = F.mul(variance, count / max(1, count - 1))
    averages = ((running_mean, mean), (running_var, unbiased))
    move_averages([(a, value) for a, value in averages if a is not None], share)
    return y


def instance_norm(
    input: TensorLike,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """As `batch_norm`, with moments over the places of each sample and channel.

    Args:
        input: (N, C, ...).
        running_mean, running_var: (C), or None. If the moments are those of the input, they move
            towards their means over the samples.
        weight, bias: (C), or None.
        use_input_stats: whether the moments are those of the input, else the running ones.
        momentum: how far the running moments move.
        eps: is added to the variance.

    Raises:
        ValueError: one place for each channel, no running moments where they are used, another
            number of channels, or eps is negative.

    Source: `torch.nn.functional.instance_norm`.

    Example:
        >>> instance_norm([[[1.0, 3.0]]]).numpy().round(3)
        array([[[-1.,  1.]]], dtype=float32)
    """
    who, x = "instance_norm", _with_channels("instance_norm", input)
    share = check_number(who, "momentum", momentum, -math.inf)
    if not use_input_stats:
        return normalized_batch(who, x, running_mean, running_var, weight, bias, False, share, eps)
    channels, places = x.shape[1], math.prod(x.shape[2:])
    _check_channels(who, x, weight, bias, running_mean, running_var)
    if places == 1:
        raise ShapeError(
            f"{who}: expected more than one place for each channel, got an input of shape {x.shape}"
        )
    eps = check_number(who, "eps", eps)
    if running_mean is not None or running_var is not None:
        mean, variance = F.moments(x.detach(), axes=list(range(2, x.ndim)))
        unbiased = F.mul(variance, places / max(1, places - 1))
        averages = ((running_mean, F.mean(mean, axes=0)), (running_var, F.mean(unbiased, axes=0)))
        move_averages([(a, value) for a, value in averages if a is not None], share)
    if not channels:
        return F.copy(x)
    return F.group_norm(x, groups=channels, scale=weight, offset=bias, axis=1, epsilon=eps)


def group_norm(
    input: TensorLike,
    num_groups: int,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes each sample over groups of channels.

    Args:
        input: (N, C) or (N, C, ...).
        num_groups: into how many groups the channels are cut; it divides their number.
        weight, bias: (C), or None.
        eps: is added to the variance.

    Raises:
        ValueError: `num_groups` isn't a positive divisor of C, or there is one value in all.

    Source: `torch.nn.functional.group_norm`.

    Example:
        >>> group_norm([[1.0, 3.0, 5.0, 9.0]], 2).numpy().round(3)
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """
    who, x = "group_norm", _with_channels("group_norm", input)
    groups = check_integer(who, "num_groups", num_groups, 1)
    if x.shape[1] % groups:
        raise ShapeError(
            f"{who}: num_groups: expected a divisor of the number of channels {x.shape[1]}, got "
            f"{groups}"
        )
    _check_channels(who, x, weight, bias)
    _check_count(who, x.numel() // groups, x)
    eps = check_number(who, "eps", eps)
    return F.group_norm(x, groups=groups, scale=weight, offset=bias, axis=1, epsilon=eps)


def layer_norm(
    input: TensorLike,
    normalized_shape: int | Sequence[int],
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes over the last axes.

    Args:
        input: a tensor whose shape ends with `normalized_shape`.
        normalized_shape: the sizes of the axes over which mean and variance are taken.
        weight, bias: of that shape, or None.
        eps: is added to the variance.

    Raises:
        ValueError: the input's shape ends otherwise, weight or bias has another shape, or eps is
            negative.

    Source: `torch.nn.functional.layer_norm`.

    Example:
        >>> layer_norm([[1.0, 3.0]], 2).numpy().round(3)
        array([[-1.,  1.]], dtype=float32)
    """
    who, x = "layer_norm", _core.as_tensor(input)
    axes = _last_axes(who, x, normalized_shape, weight=weight, bias=bias)
    eps = check_number(who, "eps", eps)
    return F.layer_norm(x, axes=axes, scale=weight, offset=bias, epsilon=eps)


def rms_norm(
    input: TensorLike,
    normalized_shape: int | Sequence[int],
    weight: TensorLike | None = None,
    eps: float | None = None,
) -> Tensor:
    """`x / sqrt(mean(x^2) + eps) * weight` with the mean over the last axes.

    Args:
        input: a tensor whose shape ends with `normalized_shape`.
        normalized_shape: the sizes of the axes over which the mean is taken.
        weight: of that shape, or None.
        eps: is added to the mean square; float32's epsilon unless given.

    Raises:
        ValueError: the input's shape ends otherwise, the weight has another shape, or eps is
            negative.

    Source: `torch.nn.functional.rms_norm`.

    Example:
        >>> rms_norm([[3.0, 4.0]], 2).numpy().round(3)
        array([[0.849, 1.131]], dtype=float32)
    """
    who, x = "rms_norm", _core.as_tensor(input)
    axes = _last_axes(who, x, normalized_shape, weight=weight)
    epsilon = _EPSILON if eps is None else check_number(who, "eps", eps)
    return F.rms_norm(x, axes=axes, scale=weight, epsilon=epsilon)


def local_response_norm(
    input: TensorLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """`x / (k + alpha * m)^beta`, where m is the mean square over `size` neighbouring channels.

    Channels beyond the first and the last one count as 0.

    Args:
        input: (N, C, ...), with at least three axes.
        size: the number of channels.
        alpha, beta, k: numbers.

    Raises:
        ValueError: the input has fewer axes, or size isn't a positive integer.

    Source: Krizhevsky et al. 2012; `torch.nn.functional.local_response_norm`.

    Example:
        >>> local_response_norm([[[2.0], [0.0]]], 1, alpha=1.0, beta=1.0, k=4.0).tolist()
        [[[0.25], [0.0]]]
    """
    who, x = "local_response_norm", _core.as_tensor(input)
    size = check_integer(who, "size", size, 1)
    alpha, beta, k = (
        check_number(who, name, value, -math.inf)
        for name, value in (("alpha", alpha), ("beta", beta), ("k", k))
    )
    if x.ndim < 3:
        raise ShapeError(f"{who}: expected an input of at least 3 axes, got shape {x.shape}")
    around = [0] * (x.ndim - 2)
    squares = F.pad(
        F.square(x), before=[0, size // 2, *around], after=[0, (size - 1) // 2, *around]
    )
    total = F.mul(x, 0.0)
    for first in range(size):
        stops = [*x.shape]
        stops[1] += first
        starts = [0, first, *around]
        total = F.add(total, F.slice(squares, starts=starts, stops=stops, steps=[1] * x.ndim))
    return F.div(x, F.pow(F.scale_shift(total, factor=alpha / size, shift=k), beta))


def _with_channels(who: str, input: TensorLike) -> Tensor:
    x = _core.as_tensor(input)
    if x.ndim < 2:
        raise ShapeError(f"{who}: expected an input of at least 2 axes, got shape {x.shape}")
    return x


def _check_channels(
    who: str,
    x: Tensor,
    weight: TensorLike | None,
    bias: TensorLike | None,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
) -> None:
    """Errors unless each of these has a value for each channel, and averages are tensors."""
    averages = {"running_mean": running_mean, "running_var": running_var}
    for name, value in averages.items():
        if value is not None and not isinstance(value, _core.Tensor):
            raise TypeError(f"{who}: {name}: expected a tensor or None, got {shown(value)}")
    for name, values in {**averages, "weight": weight, "bias": bias}.items():
        check_values(who, name, values, (x.shape[1],))


def _check_count(who: str, count: int, x: Tensor) -> None:
    if count == 1:
        raise ShapeError(
            f"{who}: expected more than one value to take the moments of, got an input of shape "
            f"{x.shape}"
        )


def _last_axes(
    who: str, x: Tensor, normalized_shape: int | Sequence[int], **weights: TensorLike | None
) -> list[int]:
    sizes = check_integers(who, "normalized_shape", normalized_shape, 0)
    sizes = (sizes,) if isinstance(sizes, int) else sizes
    if not sizes or x.shape[max(0, x.ndim - len(sizes)) :] != sizes:
        raise ShapeError(
            f"{who}: normalized_shape: expected the sizes of the last axes of an input of shape "
            f"{x.shape}, got {sizes}"
        )
    for name, weight in weights.items():
        check_values(who, name, weight, sizes)
    return list(range(x.ndim - len(sizes), x.ndim))
