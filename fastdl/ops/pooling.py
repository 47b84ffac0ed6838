"""Pooling of sequences, images and volumes: `(batch, places..., channels)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import images

if TYPE_CHECKING:
    from .._core import IntOrInts, Tensor, TensorLike


def _pool(
    who: str,
    inputs: TensorLike,
    mean: bool,
    pool_size: IntOrInts,
    strides: IntOrInts | None,
    padding: str,
    data_format: str | None,
) -> Tensor:
    x = _core.as_tensor(inputs)
    order = images.check_format(who, data_format)
    axes = max(x.ndim - 2, 1)
    window = images.check_sizes(who, "pool_size", pool_size, axes)
    steps = window if strides is None else images.check_sizes(who, "strides", strides, axes)
    return images.pool(who, x, mean, window, steps, images.check_padding(who, padding), order)


def max_pool(
    inputs: TensorLike,
    pool_size: IntOrInts,
    strides: IntOrInts | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of each window.

    Args:
        inputs: `(batch, places..., channels)` with one to three axes of places.
        pool_size: the window's size: an integer, or one for each axis of places.
        strides: the distance between windows; `pool_size` unless given.
        padding: "valid" takes windows within the input, "same" pads it so that there is a window
            for each step of `strides`.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, places...)`.

    Raises:
        ValueError: a size below 1, an unknown padding, an input of another rank, or, with padding
            "valid", one that is smaller than the window.

    Example:
        >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
        [[[3.0], [2.0]]]
    """
    return _pool("max_pool", inputs, False, pool_size, strides, padding, data_format)


def average_pool(
    inputs: TensorLike,
    pool_size: IntOrInts,
    strides: IntOrInts | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window, in which the padding does not count.

    Args:
        inputs, pool_size, strides, padding, data_format: as for `max_pool`.

    Raises:
        ValueError: as for `max_pool`.

    Example:
        >>> average_pool([[[1.0], [3.0], [2.0]]], 2, padding="same").tolist()
        [[[2.0], [2.0]]]
    """
    return _pool("average_pool", inputs, True, pool_size, strides, padding, data_format)


def _adaptive(
    who: str, inputs: TensorLike, mean: bool, output_size: IntOrInts, data_format: str | None
) -> Tensor:
    x = _core.as_tensor(inputs)
    order = images.check_format(who, data_format)
    size = images.check_sizes(who, "output_size", output_size, max(x.ndim - 2, 1))
    return images.adaptive_pool(who, x, mean, size, order)


def adaptive_max_pool(
    inputs: TensorLike, output_size: IntOrInts, data_format: str | None = None
) -> Tensor:
    """Pools to a size: the largest elements of windows that cover the input.

    Args:
        inputs: `(batch, places..., channels)` with one to three axes of places.
        output_size: the size of the output: an integer, or one for each axis of places.
        data_format: "channels_last" unless given; "channels_first" takes
            `(batch, channels, places...)`.

    Raises:
        ValueError: a size below 1, or an input of another rank.

    Example:
        >>> adaptive_max_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
        [[[3.0], [3.0]]]
    """
    return _adaptive("adaptive_max_pool", inputs, False, output_size, data_format)


def adaptive_average_pool(
    inputs: TensorLike, output_size: IntOrInts, data_format: str | None = None
) -> Tensor:
    """Pools to a size: the means of windows that cover the input.

    Args:
        inputs, output_size, data_format: as for `adaptive_max_pool`.

    Raises:
        ValueError: as for `adaptive_max_pool`.

    Example:
        >>> adaptive_average_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
        [[[2.0], [2.5]]]
    """
    return _adaptive("adaptive_average_pool", inputs, True, output_size, data_format)
