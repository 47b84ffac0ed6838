"""Functions of `nn.functional` that are others under another name or with fixed options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from ._adaptive_pools import adaptive_pool
from ._convs import conv1d
from ._pools import max_pool1d, max_pool2d, max_pool3d
from ._resampling import channel_shuffle, interpolate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]


def max_pool1d_with_indices(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d` with the places of the elements, whatever `return_indices` says."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool2d` with the places of the elements, whatever `return_indices` says."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool3d` with the places of the elements, whatever `return_indices` says."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(
    input: TensorLike, output_size: Any, return_indices: bool = False
) -> Any:
    """`adaptive_max_pool1d` with the places of the elements, whatever `return_indices` says."""
    who = "adaptive_max_pool1d_with_indices"
    return adaptive_pool(who, 1, input, output_size, mean=False, indices=True)


def adaptive_max_pool2d_with_indices(
    input: TensorLike, output_size: Any, return_indices: bool = False
) -> Any:
    """`adaptive_max_pool2d` with the places of the elements, whatever `return_indices` says."""
    who = "adaptive_max_pool2d_with_indices"
    return adaptive_pool(who, 2, input, output_size, mean=False, indices=True)


def adaptive_max_pool3d_with_indices(
    input: TensorLike, output_size: Any, return_indices: bool = False
) -> Any:
    """`adaptive_max_pool3d` with the places of the elements, whatever `return_indices` says."""
    who = "adaptive_max_pool3d_with_indices"
    return adaptive_pool(who, 3, input, output_size, mean=False, indices=True)


def conv_tbc(input: TensorLike, weight: TensorLike, bias: TensorLike, pad: int = 0) -> Tensor:
    """`conv1d` of sequences whose steps come first.

    Args:
        input: (steps, samples, channels in).
        weight: (window, channels in, channels out).
        bias: (channels out).
        pad: zeros at both ends.

    Returns:
        (steps, samples, channels out).

    Raises:
        ValueError: the shapes do not fit together.

    Source: `torch.nn.functional.conv_tbc`.

    Example:
        >>> conv_tbc(fastdl.ones(5, 1, 2), fastdl.ones(3, 2, 1), fastdl.zeros(1)).shape
        (3, 1, 1)
    """
    x, w = _core.as_tensor(input), _core.as_tensor(weight)
    if x.ndim != 3 or w.ndim != 3:
        raise _core.ArgumentError(
            "conv_tbc: input, weight: expected (steps, samples, channels) and (window, in, out), "
            f"got shapes {x.shape} and {w.shape}"
        )
    x, w = F.transpose(x, perm=(1, 2, 0)), F.transpose(w, perm=(2, 1, 0))
    return F.transpose(conv1d(x, w, bias, padding=pad), perm=(2, 0, 1))


def native_channel_shuffle(input: TensorLike, groups: int) -> Tensor:
    """`channel_shuffle`."""
    return channel_shuffle(input, groups)


def upsample(
    input: TensorLike,
    size: Size | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate`, by its name before PyTorch 0.4.1."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: TensorLike,
    size: Size | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """`interpolate` with the mode "nearest".

    Example:
        >>> upsample_nearest([[[1.0, 2.0]]], scale_factor=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: TensorLike,
    size: Size | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """`interpolate` with the mode "bilinear" and corners that stay where they are."""
    return interpolate(input, size, scale_factor, "bilinear", True)
