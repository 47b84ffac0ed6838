"""Fourier transforms, short-time too: products with matrices of cosines and sines.

A transform of length n = n1 * n2 is two rounds of small products (Cooley and Tukey, 1965): n1 sums
over every n2-th sample, and n2 sums of those, rotated. A short one is a single product. So all
of it is differentiable and runs in plans, on any device.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._core import ArgumentError, ShapeError
from . import functional as F
from . import images
from .checks import check_choice, shown

if TYPE_CHECKING:
    from .._core import Tensor

WINDOWS = ("hann", "hamming")
_SINGLE = 256  # up to this length one product takes less time than two rounds
_LARGEST = 2**26  # elements of a matrix: 256 MiB
_MINIMAX = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)


class _Rounds(NamedTuple):
    """The matrices of a transform in two rounds."""

    first: Tensor  # (2 n1, n1): cosines above sines
    second: Tensor  # (n1, 2 n2, 2 k2) with k2 = n2 // 2 + 1: products of complex numbers


def _angles(rows: int, columns: int, length: int) -> np.ndarray:
    """2 pi r c / length. The product is reduced while it is an integer, so large ones are exact."""
    return (np.outer(np.arange(rows), np.arange(columns)) % length) * (2 * np.pi / length)


def _float32(values: np.ndarray) -> Tensor:
    return _core.tensor(values.astype(np.float32))


def _factor(length: int) -> int:
    """The largest divisor up to the root of the length; 1 where one product is better."""
    if length <= _SINGLE:
        return 1
    found = next(n for n in range(math.isqrt(length), 0, -1) if length % n == 0)
    return found if found >= 8 else 1


@lru_cache(8)
def _rounds(length: int) -> _Rounds:
    n1 = _factor(length)
    n2 = length // n1
    first = _angles(n1, n1, n1)
    # Frequency k1 + n1 * k2 at (k1, n2, k2), so that the rotation is part of the product.
    places = np.arange(n1)[:, np.newaxis] + n1 * np.arange(n2 // 2 + 1)
    turns = np.arange(n2)[:, np.newaxis] * places[:, np.newaxis] % length * (2 * np.pi / length)
    cos, sin = np.cos(turns), np.sin(turns)
    return _Rounds(
        _float32(np.concatenate([np.cos(first), -np.sin(first)])),
        _float32(np.block([[cos, -sin], [sin, cos]])),
    )


@lru_cache(8)
def _single(length: int) -> Tensor:
    """(length, 2 frequencies): cosines beside negative sines."""
    frequencies = length // 2 + 1
    if length * frequencies * 2 > _LARGEST:
        raise ArgumentError(
            f"fft_length: {length} is too large for a length without a divisor near its root; "
            f"take {2 ** math.ceil(math.log2(length))}"
        )
    angles = _angles(length, frequencies, length)
    return _float32(np.concatenate([np.cos(angles), -np.sin(angles)], axis=1))


def _part(x: Tensor, axis: int, first: int, last: int) -> Tensor:
    """The elements from first to last along the last axis, -1, or the one before, -2."""
    if (first, last) == (0, x.shape[axis]):
        return x
    return x[..., first:last] if axis == -1 else x[..., first:last, :]


def _with_length(x: Tensor, length: int) -> Tensor:
    """The last axis cut, or filled up with zeros, to a length."""
    x = _part(x, -1, 0, min(length, x.shape[-1]))
    missing = length - x.shape[-1]
    return images.padded(x, x.ndim - 1, [(0, missing)]) if missing else x


def rfft(x: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary parts of the frequencies 0 to length // 2 of the last axis.

    Raises:
        ValueError: the length is too large for one product, and has no divisor for two rounds.
    """
    count, n1, outer = length // 2 + 1, _factor(length), x.shape[:-1]
    x = _with_length(x, length)
    if n1 == 1:
        both = F.matmul(x, _single(length))
        return _part(both, -1, 0, count), _part(both, -1, count, 2 * count)
    first, second = _rounds(length)
    n2, signals = length // n1, math.prod(outer)
    k2 = n2 // 2 + 1
    sums = F.matmul(first, F.reshape(x, shape=(signals, n1, n2)))
    sums = F.transpose(F.reshape(sums, shape=(signals, 2, n1, n2)), perm=(2, 0, 1, 3))
    found = F.matmul(F.reshape(sums, shape=(n1, signals, 2 * n2)), second)
    found = F.transpose(F.reshape(found, shape=(n1, signals, 2, k2)), perm=(2, 1, 3, 0))
    parts = _part(F.reshape(found, shape=(2, *outer, k2 * n1)), -1, 0, count)
    return parts[0], parts[1]


def irfft(real: Tensor, imag: Tensor, length: int) -> Tensor:
    """The signal with these parts of the frequencies 0 to length // 2.

    It is the transposed `rfft`, with the weights of the inverse. Frequencies beyond are ignored,
    missing ones are 0, and so are the imaginary parts of the first and, if the length is even, the
    last one.

    Raises:
        ValueError: as for `rfft`.
    """
    count, n1, outer = length // 2 + 1, _factor(length), real.shape[:-1]
    weights = np.full(count, 2.0 / length)
    weights[0] = 1.0 / length
    if length % 2 == 0:
        weights[-1] = 1.0 / length
    scale = _float32(weights)
    real, imag = _with_length(real, count) * scale, _with_length(imag, count) * scale
    if n1 == 1:
        return F.matmul(F.concat([real, imag], axis=-1), _single(length), transpose_b=True)
    first, second = _rounds(length)
    n2, signals = length // n1, math.prod(outer)
    k2 = n2 // 2 + 1
    parts = _with_length(F.stack([real, imag]), k2 * n1)
    parts = F.transpose(F.reshape(parts, shape=(2, signals, k2, n1)), perm=(3, 1, 0, 2))
    sums = F.matmul(F.reshape(parts, shape=(n1, signals, 2 * k2)), second, transpose_b=True)
    sums = F.transpose(F.reshape(sums, shape=(n1, signals, 2, n2)), perm=(1, 2, 0, 3))
    found = F.matmul(first, F.reshape(sums, shape=(signals, 2 * n1, n2)), transpose_a=True)
    return F.reshape(found, shape=(*outer, length))


def fft(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
    """The transform of complex signals along the last axis: those of their two parts, together.

    Raises:
        ValueError: as for `rfft`.
    """
    length = real.shape[-1]

    def whole(part: Tensor, sign: float) -> Tensor:
        """All frequencies: the second half mirrors the first one."""
        mirrored = np.arange((length + 1) // 2 - 1, 0, -1)
        if not len(mirrored):
            return part
        return F.concat([part, F.mul(F.take(part, mirrored, axis=-1), sign)], axis=-1)

    a, b = rfft(real, length), rfft(imag, length)
    return (
        F.sub(whole(a[0], 1.0), whole(b[1], -1.0)),
        F.add(whole(a[1], -1.0), whole(b[0], 1.0)),
    )


def ifft(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of `fft`."""
    imag, real = fft(imag, real)
    scale = 1.0 / real.shape[-1]
    return F.mul(real, scale), F.mul(imag, scale)


def products(length: int) -> int:
    """The multiplications of `rfft` for one signal."""
    n1 = _factor(length)
    if n1 == 1:
        return length * 2 * (length // 2 + 1)
    return 2 * n1 * length + 4 * length * (length // n1 // 2 + 1)


def swapped(x: Tensor) -> Tensor:
    """The last two axes swapped."""
    axes = list(range(x.ndim))
    return F.transpose(x, perm=(*axes[:-2], axes[-1], axes[-2]))


def window_values(who: str, window: Any, length: int, fft_length: int) -> np.ndarray:
    """A window of the length, float64, in the middle of `fft_length` places.

    Args:
        who: the layer or function, for the message.
        window: "hann" or "hamming", periodic; an array; or None for ones everywhere.
        length: the window's length.
        fft_length: the length of the result; the places around the window are 0.

    Raises:
        ValueError: another name, or an array of another shape.
    """
    if window is None:
        return np.ones(fft_length)
    if isinstance(window, str):
        check_choice(who, "window", window, WINDOWS)
        values = (np.hanning if window == "hann" else np.hamming)(length + 1)[:-1]
        if length == 1:
            values = np.ones(1)
    else:
        try:
            values = np.asarray(window, np.float64)
        except (TypeError, ValueError):
            values = np.empty(())
        if values.shape != (length,):
            raise ShapeError(
                f"{who}: window: expected 'hann', 'hamming', None or an array of shape "
                f"{(length,)}, got {shown(window)}"
            )
    before = (fft_length - length) // 2
    return np.pad(values, (before, fft_length - length - before))


def frame_count(samples: int, length: int, stride: int, center: bool) -> int:
    """The number of frames of a signal; 0 or less if it is too short."""
    return 1 + (samples + 2 * (length // 2) * center - length) // stride


def frames(x: Tensor, length: int, stride: int) -> Tensor:
    """The stretches of a length along the last axis, a stride apart: (..., frames, length).

    Raises:
        ValueError: the axis is shorter than a stretch.
    """
    samples = x.shape[-1]
    count = frame_count(samples, length, stride, False)
    if samples < length:
        raise ShapeError(
            f"expected signals of at least {length} samples, the length of a frame, got shape "
            f"{x.shape}"
        )
    # What lies together is taken together.
    block = math.gcd(length, stride)
    used = _part(x, -1, 0, (count - 1) * stride + length)
    blocks = F.reshape(used, shape=(*x.shape[:-1], used.shape[-1] // block, block))
    places = np.arange(count)[:, np.newaxis] * (stride // block) + np.arange(length // block)
    return F.reshape(F.take(blocks, places, axis=-2), shape=(*x.shape[:-1], count, length))


def stft(x: Tensor, window: np.ndarray, stride: int, center: bool = True) -> tuple[Tensor, Tensor]:
    """The short-time Fourier transform of the last axis: parts (..., frames, frequencies).

    Args:
        x: signals, float32.
        window: as `window_values` returns it; its length is that of the transform.
        stride: samples from one frame to the next.
        center: whether the signal is mirrored at its ends, so that frame i is around sample
            i * stride, instead of beginning there.

    Raises:
        ValueError: the signal is too short for a frame or for its mirror image.
    """
    length = len(window)
    half = length // 2
    if center:
        if x.shape[-1] <= half:
            raise ShapeError(
                f"expected signals of more than {half} samples, half the length of the transform, "
                f"which are mirrored at the ends, got shape {x.shape}"
            )
        ends = (np.arange(half, 0, -1), x.shape[-1] - 2 - np.arange(half))
        before, after = (F.take(x, places, axis=-1) for places in ends)
        x = F.concat([before, x, after], axis=-1)
    return rfft(frames(x, length, stride) * _float32(window), length)


def istft(real: Tensor, imag: Tensor, window: np.ndarray, stride: int, normalized: bool) -> Tensor:
    """The sum of the frames' signals where they overlap, with what `center` has added.

    Args:
        real, imag: (..., frames, frequencies).
        window: as for `stft`.
        stride: as for `stft`.
        normalized: whether to divide by the sum of the squares of the windows that overlap, which
            makes this the inverse.
    """
    length, count = len(window), real.shape[-2]
    total = length + stride * (count - 1)
    pieces = irfft(real, imag, length)
    if normalized:
        pieces = pieces * _float32(window)
    outer = pieces.shape[:-2]
    places = (np.arange(count)[:, np.newaxis] * stride + np.arange(length)).ravel()
    flat = F.reshape(pieces, shape=(*outer, count * length))
    summed = F.scatter_add(flat, places, axis=-1, size=total)
    if not normalized:
        return summed
    norm = np.bincount(places, np.tile(window**2, count), total)
    return summed * _float32(1.0 / np.where(norm > 1e-10, norm, 1.0))


def angle(real: Tensor, imag: Tensor) -> Tensor:
    """The angle of complex numbers, in (-pi, pi]; 0 at 0.

    The arctangent on [0, 1] is that of S. Moshier's Cephes library, good to 2 roundings.
    """
    x, y = F.abs(real), F.abs(imag)
    small, large = F.minimum(x, y), F.maximum(x, y)
    steep = F.gt(small, large * math.tan(math.pi / 8))
    above = F.where(steep, small - large, small)
    below = F.where(steep, small + large, large)
    t = above / F.where(F.eq(below, 0.0), 1.0, below)
    z = F.square(t)
    a, b, c, d = _MINIMAX
    found = (((z * a + b) * z + c) * z + d) * z * t + t
    found = found + F.where(steep, math.pi / 4, 0.0)
    found = F.where(F.gt(y, x), math.pi / 2 - found, found)
    found = F.where(F.lt(real, 0.0), math.pi - found, found)
    return F.where(F.lt(imag, 0.0), -found, found)
