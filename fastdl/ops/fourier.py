"""Fourier transforms of signals and images. Complex numbers are pairs of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import fourier
from .._base import functional as F
from .._base.checks import check_count, check_flag, check_integer, prefixed, shown

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def _signals(who: str, x: TensorLike, least: int = 1) -> Tensor:
    given = _core.as_tensor(x)
    if given.ndim < least or not given.shape[-1]:
        raise ValueError(
            f"{who}: x: expected at least {least} axes, the last one not empty, got shape "
            f"{given.shape}"
        )
    return F.cast(given, dtype="float32")


def _pair(who: str, x: Any, least: int) -> tuple[Tensor, Tensor]:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{who}: x: expected (real part, imaginary part), got {shown(x)}")
    real, imag = (_signals(who, part, least) for part in x)
    if real.shape != imag.shape:
        raise ValueError(
            f"{who}: x: expected parts of one shape, got {real.shape} and {imag.shape}"
        )
    return real, imag


def _sizes(who: str, sequence_length: int, sequence_stride: int, fft_length: int) -> None:
    check_integer(who, "sequence_length", sequence_length, 1)
    check_integer(who, "sequence_stride", sequence_stride, 1)
    if check_integer(who, "fft_length", fft_length, 1) < sequence_length:
        raise ValueError(
            f"{who}: fft_length: expected at least sequence_length, {sequence_length}, got "
            f"{fft_length}"
        )


def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """The stretches of a length along the last axis, a stride apart.

    Args:
        x: `(..., samples)`.
        sequence_length: the length of each.
        sequence_stride: the distance from one to the next.

    Returns:
        `(..., sequences, sequence_length)`.

    Raises:
        ValueError: the axis is shorter than a sequence, or a size below 1.

    Example:
        >>> extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    who = "extract_sequences"
    check_integer(who, "sequence_length", sequence_length, 1)
    check_integer(who, "sequence_stride", sequence_stride, 1)
    x = _core.as_tensor(x)
    if not x.ndim:
        raise ValueError(f"{who}: x: expected at least one axis, got a number")
    try:
        return fourier.frames(x, sequence_length, sequence_stride)
    except ValueError as error:
        raise prefixed(who, error) from None


def rfft(x: TensorLike, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform of real signals.

    Args:
        x: `(..., samples)`, float32.
        fft_length: cuts the signal to this length, or fills it up with zeros; its own unless given.

    Returns:
        The real and the imaginary part, each `(..., fft_length // 2 + 1)`.

    Raises:
        ValueError: no samples, a length below 1, or a length above 8,000 that is nearly prime.

    Errors are a few roundings of the largest value; the time is that of a product of matrices.

    Example:
        >>> real, imag = rfft([1.0, 0.0, -1.0, 0.0])
        >>> real.tolist()
        [0.0, 2.0, 0.0]
    """
    check_count("rfft", "fft_length", fft_length, 1)
    signals = _signals("rfft", x)
    try:
        return fourier.rfft(signals, signals.shape[-1] if fft_length is None else fft_length)
    except ValueError as error:
        raise prefixed("rfft", error) from None


def irfft(x: tuple[TensorLike, TensorLike], fft_length: int | None = None) -> Tensor:
    """The signal of a Fourier transform: the inverse of `rfft`.

    Args:
        x: the real and the imaginary part, each `(..., frequencies)`, float32.
        fft_length: the length of the signal; `2 * (frequencies - 1)` unless given. Frequencies
            above `fft_length // 2` are ignored, missing ones count as 0.

    Returns:
        `(..., fft_length)`.

    Raises:
        ValueError: x is no such pair, or no length is left.

    Example:
        >>> irfft(rfft([1.0, 2.0, 3.0, 4.0])).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    check_count("irfft", "fft_length", fft_length, 1)
    real, imag = _pair("irfft", x, 1)
    length = 2 * (real.shape[-1] - 1) if fft_length is None else fft_length
    if length < 1:
        raise ValueError("irfft: x: expected at least 2 frequencies, or fft_length, got 1")
    try:
        return fourier.irfft(real, imag, length)
    except ValueError as error:
        raise prefixed("irfft", error) from None


def _complex(who: str, x: Any, axes: int, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """The transform along each of the last axes."""
    real, imag = _pair(who, x, axes)
    if 0 in real.shape[-axes:]:
        raise ValueError(f"{who}: x: expected axes that are not empty, got shape {real.shape}")
    transform = fourier.ifft if inverse else fourier.fft
    try:
        real, imag = transform(real, imag)
        if axes == 2:
            turned = transform(fourier.swapped(real), fourier.swapped(imag))
            real, imag = (fourier.swapped(part) for part in turned)
    except ValueError as error:
        raise prefixed(who, error) from None
    return real, imag


def fft(x: tuple[TensorLike, TensorLike]) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform of complex signals along the last axis.

    Args:
        x: the real and the imaginary part, each `(..., samples)`, float32.

    Returns:
        The real and the imaginary part, each `(..., samples)`.

    Raises:
        ValueError: x is no such pair, has no samples, or more than 8,000 that are nearly prime.

    Source: `keras.ops.fft` of Keras 3.

    Example:
        >>> [part.tolist() for part in fft(([1.0, 2.0], [0.0, 1.0]))]
        [[3.0, -1.0], [1.0, -1.0]]
    """
    return _complex("fft", x, 1)


def fft2(x: tuple[TensorLike, TensorLike]) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last two axes.

    Args:
        x: the real and the imaginary part, each `(..., rows, columns)`, float32.

    Returns:
        The real and the imaginary part, of the same shape.

    Raises:
        ValueError: as for `fft`, or fewer than two axes.

    Source: `keras.ops.fft2` of Keras 3.

    Example:
        >>> real, imag = fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))
        >>> [(part.numpy().round(3) + 0.0).tolist() for part in (real, imag)]
        [[[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]]]
    """
    return _complex("fft2", x, 2)


def ifft2(x: tuple[TensorLike, TensorLike]) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`.

    Args:
        x: the real and the imaginary part, each `(..., rows, columns)`, float32.

    Returns:
        The real and the imaginary part, of the same shape.

    Raises:
        ValueError: as for `fft2`.

    Source: `keras.ops.ifft2` of Keras 3.

    Example:
        >>> real, imag = ifft2(([[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]]))
        >>> [(part.numpy().round(3) + 0.0).tolist() for part in (real, imag)]
        [[[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]
    """
    return _complex("ifft2", x, 2, inverse=True)


def view_as_real(x: Any) -> Tensor:
    """The real and the imaginary part of each number along a new last axis.

    Args:
        x: numbers of any shape, such as a NumPy array of complex numbers. Tensors are real.

    Returns:
        `(..., 2)`, float32.

    Source: `keras.ops.view_as_real` of Keras 3.

    Example:
        >>> view_as_real(np.array([1 + 2j, 3.0])).tolist()
        [[1.0, 2.0], [3.0, 0.0]]
    """
    if isinstance(x, (np.ndarray, list, tuple, complex)) and np.iscomplexobj(x):
        numbers = np.asarray(x)
        return _core.tensor(np.stack([numbers.real, numbers.imag], -1).astype(np.float32))
    real = F.cast(_core.as_tensor(x), dtype="float32")
    return F.stack([real, _core.full(real.shape, "float32", 0.0)], axis=-1)


def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """The short-time Fourier transform: that of stretches of a signal, one after the other.

    Args:
        x: `(..., samples)`, float32.
        sequence_length: the length of the window.
        sequence_stride: samples from one stretch to the next.
        fft_length: the length of each transform, in whose middle the window lies.
        window: "hann" or "hamming", periodic, an array, or None for all `fft_length` samples as
            they are.
        center: whether stretch i is around sample `i * sequence_stride`, by mirroring the signal at
            its ends, or begins there.

    Returns:
        The real and the imaginary part, each `(..., stretches, fft_length // 2 + 1)`.

    Raises:
        ValueError: `fft_length` is below `sequence_length`, a size below 1, an unknown window, or a
            signal that is too short.

    Example:
        >>> real, imag = stft([0.0, 1.0, 2.0, 3.0, 4.0], 3, 2, 3)
        >>> real.numpy().round(3).tolist()
        [[0.75, -0.375], [3.75, -1.875], [5.25, -2.625]]
    """
    _sizes("stft", sequence_length, sequence_stride, fft_length)
    values = fourier.window_values("stft", window, sequence_length, fft_length)
    signals = _signals("stft", x)
    try:
        return fourier.stft(signals, values, sequence_stride, check_flag("stft", "center", center))
    except ValueError as error:
        raise prefixed("stft", error) from None


def istft(
    x: tuple[TensorLike, TensorLike],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | TensorLike | None = "hann",
    center: bool = True,
) -> Tensor:
    """The signal of a short-time Fourier transform: the inverse of `stft` with these arguments.

    Args:
        x: the real and the imaginary part, each `(..., stretches, fft_length // 2 + 1)`.
        sequence_length, sequence_stride, fft_length, center: as for `stft`.
        length: the number of samples to return; all that the stretches cover unless given.
        window: as for `stft`. The sums are divided by those of the squared windows that overlap;
            with None they are not, as in Keras.

    Returns:
        `(..., samples)`.

    Raises:
        ValueError: x is no such pair, a size is out of its range, an unknown window, or the
            stretches do not cover `length`.

    Example:
        >>> x = [0.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]
        >>> istft(stft(x, 4, 2, 4), 4, 2, 4).numpy().round(3).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]
    """
    _sizes("istft", sequence_length, sequence_stride, fft_length)
    check_count("istft", "length", length, 1)
    values = fourier.window_values("istft", window, sequence_length, fft_length)
    cut = fft_length // 2 if check_flag("istft", "center", center) else 0
    real, imag = _pair("istft", x, 2)
    if not real.shape[-2]:
        raise ValueError(f"istft: x: expected at least one stretch, got shape {real.shape}")
    try:
        signals = fourier.istft(real, imag, values, sequence_stride, window is not None)
    except ValueError as error:
        raise prefixed("istft", error) from None
    end = signals.shape[-1] - cut if length is None else cut + length
    if not cut < end <= signals.shape[-1]:
        raise ValueError(
            f"istft: length: expected at most {signals.shape[-1] - cut} samples, which the "
            f"stretches cover, got {end - cut}"
        )
    return signals[..., cut:end]
