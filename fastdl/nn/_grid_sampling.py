"""Images at places that a grid names: `affine_grid` and `grid_sample` of `nn.functional`."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_flag
from .._core import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike


def affine_grid(
    theta: TensorLike, size: Sequence[int], align_corners: bool | None = None
) -> Tensor:
    """The places at which `grid_sample` reads, for affine maps of images or volumes.

    Args:
        theta: (N, 2, 3) for images, (N, 3, 4) for volumes.
        size: of the result of `grid_sample`, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centers of the outer pixels, or their outer edges;
            None is False.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ValueError: shapes that don't fit.

    Source: Jaderberg et al. 2015; `torch.nn.functional.affine_grid`.

    Example:
        >>> affine_grid([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], (1, 1, 1, 2), True).tolist()
        [[[[-1.0, 0.0], [1.0, 0.0]]]]
    """
    matrices = _core.as_tensor(theta)
    places = tuple(size)[2:]
    rank = len(places)
    if rank not in (2, 3) or matrices.shape != (size[0], rank, rank + 1):
        raise ShapeError(
            "affine_grid: theta, size: expected (N, 2, 3) and (N, C, H, W), or (N, 3, 4) and "
            f"(N, C, D, H, W), got {matrices.shape} and {tuple(size)}"
        )
    aligned = check_flag("affine_grid", "align_corners", bool(align_corners))
    axes = []
    for count in places:
        line = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1)
        axes.append(line if aligned else line * (count - 1) / count)
    grids = np.meshgrid(*axes, indexing="ij")[::-1]  # x comes first
    base = np.stack([*(g.ravel() for g in grids), np.ones(math.prod(places))], -1)
    grid = F.matmul(base.astype(np.float32), matrices, transpose_b=True)
    return F.reshape(grid, shape=(size[0], *places, rank))


def grid_sample(
    input: TensorLike,
    grid: TensorLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of images or volumes at the places of a grid.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W), float.
        grid: (N, h, w, 2) or (N, d, h, w, 3): x, y and z of each place, from -1 to 1.
        mode: "bilinear" (of volumes trilinear), "nearest", or "bicubic" (images only).
        padding_mode: outside of the input are "zeros", the values of the "border", or those of
            its "reflection".
        align_corners: whether -1 and 1 are the centers of the outer pixels, or their outer edges;
            None is False.

    Returns:
        (N, C, h, w) or (N, C, d, h, w).

    Raises:
        ValueError: shapes that don't fit, an unknown mode.

    Source: `torch.nn.functional.grid_sample`.

    Example:
        >>> grid_sample([[[[1.0, 3.0]]]], [[[[0.0, 0.0]]]]).tolist()
        [[[[2.0]]]]
    """
    who = "grid_sample"
    x, where = _core.as_tensor(input), _core.as_tensor(grid)
    rank = x.ndim - 2
    mode = check_choice(who, "mode", mode, ("bilinear", "nearest", "bicubic"))
    padding = check_choice(who, "padding_mode", padding_mode, ("zeros", "border", "reflection"))
    aligned = check_flag(who, "align_corners", bool(align_corners))
    expected = (x.shape[:1], rank) if rank in (2, 3) else None
    if expected != (where.shape[:1], where.shape[-1] if where.ndim == x.ndim else 0):
        raise ShapeError(
            f"{who}: input, grid: expected (N, C, H, W) and (N, h, w, 2), or (N, C, D, H, W) and "
            f"(N, d, h, w, 3), got {x.shape} and {where.shape}"
        )
    if mode == "bicubic" and rank == 3:
        raise ShapeError(f"{who}: mode: 'bicubic' is for images, got an input of shape {x.shape}")
    if 0 in x.shape[2:]:
        raise ShapeError(f"{who}: input: expected places, got shape {x.shape}")
    sampler = _Sampler(x, padding, aligned)
    parts = F.split(where, sizes=(1,) * rank, axis=-1)
    places = []
    for part, size in zip(reversed(parts), x.shape[2:], strict=True):
        part = F.reshape(part, shape=where.shape[:-1])
        # -1 is the center of the first pixel, or its outer edge.
        factor, shift = ((size - 1) / 2, (size - 1) / 2) if aligned else (size / 2, (size - 1) / 2)
        place = F.scale_shift(part, factor=factor, shift=shift)
        places.append(place if mode == "bicubic" else sampler.inside(place, size))
    if mode == "nearest":
        return sampler.sum([[(F.round(place), None)] for place in places])
    taps = _cubic_taps if mode == "bicubic" else _linear_taps
    return sampler.sum([taps(place) for place in places])


def _linear_taps(place: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    low = F.floor(place).detach()
    high = F.sub(place, low)
    return [(low, F.sub(1.0, high)), (F.add(low, 1.0), high)]


def _cubic_taps(place: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """Cubic convolution (Keys 1981) with -3/4, as in PyTorch."""
    low = F.floor(place).detach()
    t = F.sub(place, low)
    a = -0.75

    def near(d: Tensor) -> Tensor:  # up to a distance of 1
        return F.add(F.mul(F.mul(F.sub(F.mul(d, a + 2), a + 3), d), d), 1.0)

    def far(d: Tensor) -> Tensor:  # from 1 to 2
        return F.sub(F.mul(F.add(F.mul(F.sub(F.mul(d, a), 5 * a), d), 8 * a), d), 4 * a)

    weights = [far(F.add(t, 1.0)), near(t), near(F.sub(1.0, t)), far(F.sub(2.0, t))]
    return [(F.add(low, float(i - 1)), weight) for i, weight in enumerate(weights)]


class _Sampler:
    """Reads pixels at places, each axis of places by itself."""

    def __init__(self, x: Tensor, padding: str, aligned: bool) -> None:
        self._shape = x.shape
        self._padding = padding
        self._aligned = aligned
        rank = x.ndim - 2
        rows = F.transpose(x, perm=(0, *range(2, rank + 2), 1))
        self._rows = F.reshape(rows, shape=(-1, x.shape[1]))

    def inside(self, place: Tensor, size: int) -> Tensor:
        """The place, moved into the image as the padding mode says."""
        if self._padding == "border":
            return F.clip(place, lo=0.0, hi=size - 1)
        if self._padding == "reflection":
            low, high = (0.0, size - 1.0) if self._aligned else (-0.5, size - 0.5)
            span = high - low
            if span == 0:
                return F.mul(place, 0.0)
            distance = F.abs(F.sub(place, low))
            flips = F.floor(F.div(distance, span)).detach()
            rest = F.sub(distance, F.mul(flips, span))
            odd = F.eq(F.mod(flips, 2.0), 1.0)
            place = F.add(F.where(odd, F.sub(span, rest), rest), low)
            return F.clip(place, lo=0.0, hi=size - 1)
        return place

    def sum(self, taps: list[list[tuple[Tensor, Tensor | None]]]) -> Tensor:
        """The sum over all combinations of the axes' pixels, times their weights."""
        sizes = self._shape[2:]
        axes = []
        for tap, size in zip(taps, sizes, strict=True):
            found = []
            for place, weight in tap:
                place = self.inside(place, size)
                valid = F.logical_and(F.ge(place, 0.0), F.le(place, size - 1))
                index = F.cast(F.where(valid, place, 0.0), dtype="int64")
                valid = F.cast(valid, dtype="float32")
                found.append((index, valid if weight is None else F.mul(weight, valid)))
            axes.append(found)
        shape = axes[0][0][0].shape
        samples = np.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
        total = None
        for chosen in itertools.product(*axes):
            index, factor = F.mul(samples, 1), None
            for (place, weight), size in zip(chosen, sizes, strict=True):
                index = F.add(F.mul(index, size), place)
                factor = weight if factor is None else F.mul(factor, weight)
            assert factor is not None
            part = F.take(self._rows, index)
            part = F.mul(part, F.reshape(factor, shape=(*shape, 1)))
            total = part if total is None else F.add(total, part)
        assert total is not None
        rank = len(sizes)
        return F.transpose(total, perm=(0, rank + 1, *range(1, rank + 1)))
