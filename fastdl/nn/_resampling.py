"""Other sizes of images: interpolate, pixel_shuffle, unfold and fold, with PyTorch's numbers."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import patches
from .._base.checks import check_choice, check_flag, check_integer, check_number, shown
from .._base.images import cubic
from .._core import ArgumentError, ShapeError
from ._grids import batched, of_batch, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike

    Size = int | Sequence[int]

MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact")
_RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _centers(new: int, size: int, scale: float, align: bool) -> np.ndarray:
    """The places in the input that the new ones lie at."""
    if align:
        return np.arange(new) * ((size - 1) / (new - 1) if new > 1 else 0.0)
    return (np.arange(new) + 0.5) * scale - 0.5


@lru_cache(64)
def _matrix(size: int, new: int, scale: float, mode: str, align: bool, antialias: bool) -> Tensor:
    """The matrix (new, size) that resizes an axis."""
    matrix = np.zeros((new, size))
    rows = np.arange(new)
    if mode.startswith("nearest"):
        half = 0.5 if mode == "nearest-exact" else 0.0
        # PyTorch computes the places in float32.
        places = ((rows + half).astype(np.float32) * np.float32(scale)).astype(np.int64)
        matrix[rows, np.minimum(places, size - 1)] = 1.0
    elif antialias:
        width = max(scale, 1.0)
        distance = np.abs(_centers(new, size, scale, align)[:, None] - np.arange(size)) / width
        matrix = cubic(distance) if mode == "bicubic" else np.maximum(0, 1 - distance)
        matrix /= matrix.sum(1, keepdims=True)
    else:
        centers = _centers(new, size, scale, align)
        if mode != "bicubic" and not align:
            centers = np.maximum(centers, 0.0)
        first = np.floor(centers).astype(np.int64)
        for offset in range(-1, 3) if mode == "bicubic" else range(2):
            distance = np.abs(centers - (first + offset))
            share = cubic(distance, -0.75) if mode == "bicubic" else 1 - distance
            np.add.at(matrix, (rows, np.clip(first + offset, 0, size - 1)), share)
    return _core.tensor(matrix.astype(np.float32))


def interpolate(
    input: TensorLike,
    size: Size | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Images, series or volumes in another size.

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W), floats. Pixels of uint8 are rounded.
        size: of the result, an integer or one for each axis.
        scale_factor: how many times larger it is; one of both is given.
        mode: "nearest", "nearest-exact", "area", "linear" (3 axes), "bilinear", "bicubic" (4) or
            "trilinear" (5).
        align_corners: whether the centers of the outer pixels, not their edges, stay where they
            are; for the last four modes. None is False.
        recompute_scale_factor: whether the factor is computed again from the sizes.
        antialias: whether the kernel of "bilinear" and "bicubic" widens when an image shrinks.

    Raises:
        ValueError: both or none of `size` and `scale_factor`, a mode that is unknown or for
            another number of axes, or an option that the mode does not have.

    Source: `torch.nn.functional.interpolate`.

    Example:
        >>> interpolate([[[1.0, 2.0]]], scale_factor=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    return resized(
        "interpolate", input, size, scale_factor, mode, align_corners, recompute_scale_factor,
        antialias,
    )  # fmt: skip


def resized(
    who: str,
    input: TensorLike,
    size: Size | None,
    scale_factor: float | Sequence[float] | None,
    mode: str,
    align_corners: bool | None,
    recompute_scale_factor: bool | None,
    antialias: bool = False,
) -> Tensor:
    """`interpolate`."""
    x = _core.as_tensor(input)
    rank = x.ndim - 2
    if not 1 <= rank <= 3:
        raise ShapeError(f"{who}: expected an input of 3 to 5 axes, got shape {x.shape}")
    check_choice(who, "mode", mode, MODES)
    if _RANKS.get(mode, rank) != rank:
        raise ShapeError(
            f"{who}: mode: expected an input of {_RANKS[mode] + 2} axes with {mode!r}, got shape "
            f"{x.shape}"
        )
    if align_corners is not None and mode not in _RANKS:
        raise ArgumentError(f"{who}: align_corners: expected None with mode {mode!r}")
    align = align_corners is not None and check_flag(who, "align_corners", align_corners)
    if check_flag(who, "antialias", antialias) and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"{who}: antialias: expected False with mode {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"{who}: size, scale_factor: expected one of them, got {shown(size)} and "
            f"{shown(scale_factor)}"
        )
    if recompute_scale_factor is not None:
        check_flag(who, "recompute_scale_factor", recompute_scale_factor)
    old, pixels = x.shape[2:], x.dtype == "uint8"
    if size is not None:
        new, factors = sizes(who, "size", size, rank, 1), None
        if recompute_scale_factor:
            raise ArgumentError(
                f"{who}: recompute_scale_factor: expected a scale_factor, got a size"
            )
    else:
        factors = _factors(who, scale_factor, rank)
        new = tuple(math.floor(n * f) for n, f in zip(old, factors, strict=True))
        if max(new) > 2**31:
            raise ShapeError(
                f"{who}: scale_factor: expected at most {2**31} places along an axis, got "
                f"{scale_factor} for shape {x.shape}"
            )
        if recompute_scale_factor or mode == "area":
            factors = None
    if not all(new) or not all(old):
        raise ShapeError(f"{who}: expected images with places, got shape {x.shape} and size {new}")

    def along_axes(x: Tensor) -> Tensor:
        if mode == "area":
            y = F.adaptive_avg_pool(x, size=new)
            return F.floor(F.add(y, 0.5)) if pixels else y
        # Pixels of bytes are rounded along each axis, the last one first, as PyTorch does.
        for axis in reversed(range(rank)) if pixels else range(rank):
            scale = old[axis] / new[axis] if factors is None else 1.0 / factors[axis]
            if old[axis] != new[axis] or scale != 1.0:
                matrix = _matrix(old[axis], new[axis], scale, mode, align, antialias)
                x = F.resample(x, matrix, axis=axis + 1)
                x = F.clip(F.floor(F.add(x, 0.5)), lo=0.0, hi=255.0) if pixels else x
        return x

    if not pixels:
        return of_batch(who, x, rank, along_axes)
    y = of_batch(who, F.cast(x, dtype="float32"), rank, along_axes)
    return F.cast(y, dtype="uint8")


def _factors(who: str, value: Any, rank: int) -> list[float]:
    given = list(value) if isinstance(value, (tuple, list)) else [value] * rank
    if len(given) != rank:
        raise ArgumentError(
            f"{who}: scale_factor: expected a number or {rank} of them, got {shown(value)}"
        )
    return [check_number(who, "scale_factor", f, above=0.0) for f in given]


def pixel_shuffle(input: TensorLike, upscale_factor: int) -> Tensor:
    """Channels become places: (..., C r^2, H, W) to (..., C, H r, W r).

    Raises:
        ValueError: the channels are no multiple of r^2, or there are less than 3 axes.

    Source: Shi et al. 2016; `torch.nn.functional.pixel_shuffle`.

    Example:
        >>> pixel_shuffle([[[1.0]], [[2.0]], [[3.0]], [[4.0]]], 2).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """
    who, x = "pixel_shuffle", _core.as_tensor(input)
    r = check_integer(who, "upscale_factor", upscale_factor, 1)
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise ShapeError(
            f"{who}: expected (..., channels, H, W) with a multiple of {r * r} channels, got "
            f"shape {x.shape}"
        )

    def shuffled(x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        y = F.reshape(x, shape=(n, h, w, c // (r * r), r, r))
        return F.reshape(
            F.transpose(y, perm=(0, 1, 4, 2, 5, 3)), shape=(n, h * r, w * r, c // (r * r))
        )

    return _of_images(who, x, shuffled)


def pixel_unshuffle(input: TensorLike, downscale_factor: int) -> Tensor:
    """The reverse of `pixel_shuffle`: (..., C, H r, W r) to (..., C r^2, H, W).

    Raises:
        ValueError: height or width is no multiple of r, or there are less than 3 axes.

    Source: `torch.nn.functional.pixel_unshuffle`.

    Example:
        >>> pixel_unshuffle([[[1.0, 2.0], [3.0, 4.0]]], 2).tolist()
        [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]
    """
    who, x = "pixel_unshuffle", _core.as_tensor(input)
    r = check_integer(who, "downscale_factor", downscale_factor, 1)
    if x.ndim < 3 or x.shape[-1] % r or x.shape[-2] % r:
        raise ShapeError(
            f"{who}: expected (..., channels, H, W) with sizes that are multiples of {r}, got "
            f"shape {x.shape}"
        )

    def gathered(x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        y = F.reshape(x, shape=(n, h // r, r, w // r, r, c))
        return F.reshape(
            F.transpose(y, perm=(0, 1, 3, 5, 2, 4)), shape=(n, h // r, w // r, c * r * r)
        )

    return _of_images(who, x, gathered)


def channel_shuffle(input: TensorLike, groups: int) -> Tensor:
    """Takes the channels of (N, C, ...) from the groups in turn: (groups, C / groups) transposed.

    Source: Zhang et al. 2018; `torch.nn.functional.channel_shuffle`.

    Example:
        >>> channel_shuffle([[[1.0], [2.0], [3.0], [4.0]]], 2).tolist()
        [[[1.0], [3.0], [2.0], [4.0]]]
    """
    who, x = "channel_shuffle", _core.as_tensor(input)
    groups = check_integer(who, "groups", groups, 1)
    if x.ndim < 3 or x.shape[1] % groups:
        raise ShapeError(
            f"{who}: expected (N, C, places...) with a multiple of {groups} channels, got shape "
            f"{x.shape}"
        )
    order = np.arange(x.shape[1]).reshape(groups, -1).T.ravel()
    return F.channels_first(F.take(F.channels_last(x), order, axis=x.ndim - 1))


def _of_images(who: str, x: Tensor, function: Any) -> Tensor:
    """`of_batch` for images with any number of leading axes."""
    lead = x.shape[:-3]
    if len(lead) != 1:
        x = F.reshape(x, shape=(math.prod(lead), *x.shape[-3:]))
    y = of_batch(who, x, 2, function)
    return y if len(lead) == 1 else F.reshape(y, shape=(*lead, *y.shape[1:]))


# --- unfold and fold


def unfold(
    input: TensorLike,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """The windows of images as columns: (N, C, H, W) to (N, C * kH * kW, windows).

    Raises:
        ValueError: the input has neither 3 nor 4 axes, or a window does not fit into it.

    Source: `torch.nn.functional.unfold`.

    Example:
        >>> unfold(fastdl.ones(1, 3, 4, 4), 2).shape
        (1, 12, 9)
    """
    x, is_batch = batched("unfold", input, 2)
    windows = [
        sizes("unfold", name, value, 2, least)
        for name, value, least in _named(kernel_size, dilation, padding, stride)
    ]
    y = patches.unfolded(x, windows, "unfold")
    return y if is_batch else F.reshape(y, shape=y.shape[1:])


def _named(
    kernel_size: Size, dilation: Size, padding: Size, stride: Size
) -> tuple[tuple[str, Size, int], ...]:
    """The name, the value and the least value of each option of a window."""
    return (
        ("kernel_size", kernel_size, 1),
        ("dilation", dilation, 1),
        ("padding", padding, 0),
        ("stride", stride, 1),
    )


def fold(
    input: TensorLike,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """Adds columns up to images, as the gradient of `unfold`: (N, C * kH * kW, windows) to
    (N, C, H, W).

    Raises:
        ValueError: the input has neither 2 nor 3 axes, or its columns do not fit the sizes.

    Source: `torch.nn.functional.fold`.

    Example:
        >>> fold(fastdl.ones(1, 12, 9), (4, 4), 2).shape
        (1, 3, 4, 4)
    """
    x, is_batch = batched("fold", input, 1)
    size = sizes("fold", "output_size", output_size, 2, 1)
    windows = [
        sizes("fold", name, value, 2, least)
        for name, value, least in _named(kernel_size, dilation, padding, stride)
    ]
    y = patches.folded(x, size, windows, "fold")
    return y if is_batch else F.reshape(y, shape=y.shape[1:])
