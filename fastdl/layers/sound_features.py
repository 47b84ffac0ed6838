"""Layers that describe sound as hearing does: MelSpectrogram and MFCC."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import fourier
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, check_number
from .._base.registry import LAYERS
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import Tensor, TensorLike
    from .options import LayerOptions


@LAYERS.register
class MelSpectrogram(Layer):
    """Mel spectrograms: the power of a signal in bands as wide as those of hearing, over time.

    Args:
        fft_length: the length of the transform.
        sequence_stride: samples from one frame to the next.
        sequence_length: samples of the window; `fft_length` unless given.
        window: "hann" or "hamming", periodic, an array of `sequence_length` values, or None.
        sampling_rate: samples per second.
        num_mel_bins: the number of bands.
        min_freq, max_freq: the lowest and the highest frequency in Hertz; half the sampling rate
            unless `max_freq` is given.
        power_to_db: whether to return decibels, `10 * log10(S / ref_power)`.
        top_db: the decibels that a value may lie below the largest one of its signal; None for any.
        mag_exp: the exponent of the magnitude: 2 for the power.
        min_power: the least power, and the least `ref_power`, of which the logarithm is taken.
        ref_power: the power of 0 decibels.

    Raises:
        ValueError: an argument out of its range, a window longer than the transform, or a signal
            of at most half its length, which cannot be mirrored at the ends.

    Takes `(..., samples)`: one signal, or several. Returns `(..., num_mel_bins, frames)`, where
    frame i is around sample `i * sequence_stride`. The scale is that of HTK, 2595 log10(1 + f /
    700); each band is a triangle of height 1. A band that is narrower than the transform resolves
    stays empty.

    Source: `keras.layers.MelSpectrogram` of Keras 3. There `top_db` counts from the largest value
    of the batch, so that a prediction depends on its neighbours.

    Example:
        >>> layer = layers.MelSpectrogram(fft_length=512, sequence_stride=160, num_mel_bins=40)
        >>> layer(np.zeros((2, 16000))).shape
        (2, 40, 101)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | TensorLike | None = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float | None = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"{type(self).__name__} {self.name!r}"
        self.fft_length = check_integer(who, "fft_length", fft_length, 2)
        self.sequence_stride = check_integer(who, "sequence_stride", sequence_stride, 1)
        length = self.fft_length if sequence_length is None else sequence_length
        self.sequence_length = check_integer(who, "sequence_length", length, 1, self.fft_length)
        self._window = fourier.window_values(who, window, self.sequence_length, self.fft_length)
        named = window is None or isinstance(window, str)
        self.window: Any = window if named else np.asarray(window, np.float64)
        self.sampling_rate = check_integer(who, "sampling_rate", sampling_rate, 2)
        self.num_mel_bins = check_integer(who, "num_mel_bins", num_mel_bins, 1)
        self.min_freq = check_number(who, "min_freq", min_freq, below=self.sampling_rate / 2)
        highest = self.sampling_rate // 2 if max_freq is None else max_freq
        self.max_freq = check_number(who, "max_freq", highest, above=self.min_freq)
        self.power_to_db = check_flag(who, "power_to_db", power_to_db)
        self.top_db = None if top_db is None else check_number(who, "top_db", top_db)
        self.mag_exp = check_number(who, "mag_exp", mag_exp, above=0.0)
        self.min_power = check_number(who, "min_power", min_power, above=0.0)
        self.ref_power = check_number(who, "ref_power", ref_power, -math.inf)
        self._bands = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
        )
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        bands = self._in_bands(inputs)
        return fourier.swapped(self._decibels(bands) if self.power_to_db else bands)

    def _in_bands(self, inputs: Tensor) -> Tensor:
        """(..., frames, bands)"""
        signals = F.cast(inputs, dtype="float32")
        real, imag = fourier.stft(signals, self._window, self.sequence_stride)
        power = F.square(real) + F.square(imag)
        if self.mag_exp != 2:
            power = F.root(power) if self.mag_exp == 1 else F.pow(power, self.mag_exp / 2)
        return F.matmul(power, self._bands)

    def _decibels(self, power: Tensor) -> Tensor:
        reference = math.log10(max(abs(self.ref_power), self.min_power))
        found = F.log(F.maximum(power, self.min_power))
        found = F.scale_shift(found, factor=10 / math.log(10), shift=-10 * reference)
        if self.top_db is None:
            return found
        return F.maximum(found, F.max(found, axes=(-2, -1), keepdims=True) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Tensor:
        """The matrix `(num_spectrogram_bins, num_mel_bins)` that sums a spectrum in bands.

        Args:
            num_mel_bins: the number of bands.
            num_spectrogram_bins: the number of frequencies, `fft_length // 2 + 1`.
            sampling_rate: samples per second.
            lower_edge_hertz, upper_edge_hertz: the ends of the lowest and the highest band.
            dtype: the element type.

        Source: as `MelSpectrogram.linear_to_mel_weight_matrix` of Keras 3, in float64.
        """
        hertz = np.linspace(0.0, sampling_rate / 2, num_spectrogram_bins)
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        places = _mel(hertz)[:, np.newaxis]
        lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (places - lower) / (center - lower), (upper - places) / (upper - center)
        matrix = np.maximum(0.0, np.minimum(rising, falling))
        matrix[0] = 0.0  # HTK leaves the constant part out
        return F.cast(_core.tensor(matrix.astype(np.float32)), dtype=dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        *outer, samples = input_shape
        frames = None
        if samples is not None:
            frames = fourier.frame_count(samples, self.fft_length, self.sequence_stride, True)
        return (*outer, self.num_mel_bins, frames)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "fft_length": self.fft_length,
            "sequence_stride": self.sequence_stride,
            "sequence_length": self.sequence_length,
            "window": self.window.tolist() if isinstance(self.window, np.ndarray) else self.window,
            "sampling_rate": self.sampling_rate,
            "num_mel_bins": self.num_mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "power_to_db": self.power_to_db,
            "top_db": self.top_db,
            "mag_exp": self.mag_exp,
            "min_power": self.min_power,
            "ref_power": self.ref_power,
        }


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


@LAYERS.register
class MFCC(MelSpectrogram):
    """Mel-frequency cepstral coefficients: the shape of the spectrum over time in few numbers.

    They are the DCT-II along the bands of the logarithm of a `MelSpectrogram`. The first one is the
    loudness, the next ones the coarse shape; the fine one, such as the pitch, is left out.

    Args:
        num_mfcc: the number of coefficients, at most `num_mel_bins`.
        log_mels: whether to take the natural logarithm of the powers, of at least `min_power`,
            instead of decibels as `ref_power` and `top_db` say.
        norm: "ortho" for a DCT that keeps lengths, or None for twice the sums.
        lifter: above 0, coefficient i is multiplied by `1 + lifter / 2 * sin(pi (i + 1) / lifter)`,
            so that higher ones, which are small, count as much.
        fft_length, sequence_stride, sequence_length, window, sampling_rate: as for
            `MelSpectrogram`.
        num_mel_bins, min_freq, max_freq, top_db, mag_exp, min_power, ref_power: likewise.

    Raises:
        ValueError: as for `MelSpectrogram`, or more coefficients than bands.

    Takes `(..., samples)` and returns `(..., num_mfcc, frames)`.

    Source: the conventions of `librosa.feature.mfcc` and `torchaudio.transforms.MFCC` for DCT and
    lifter, on the HTK bands of `MelSpectrogram`; Davis and Mermelstein (1980), Comparison of
    parametric representations for monosyllabic word recognition. Keras has no such layer.

    Example:
        >>> layer = layers.MFCC(13, fft_length=512, sequence_stride=160, num_mel_bins=40)
        >>> layer(np.zeros((2, 16000))).shape
        (2, 13, 101)
    """

    def __init__(
        self,
        num_mfcc: int = 13,
        log_mels: bool = False,
        norm: str | None = "ortho",
        lifter: float = 0.0,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | TensorLike | None = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        top_db: float | None = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            fft_length,
            sequence_stride,
            sequence_length,
            window,
            sampling_rate,
            num_mel_bins,
            min_freq,
            max_freq,
            True,
            top_db,
            mag_exp,
            min_power,
            ref_power,
            **kwargs,
        )
        who = f"MFCC {self.name!r}"
        self.num_mfcc = check_integer(who, "num_mfcc", num_mfcc, 1, self.num_mel_bins)
        self.log_mels = check_flag(who, "log_mels", log_mels)
        self.norm = check_choice(who, "norm", norm, ("ortho", None))
        self.lifter = check_number(who, "lifter", lifter)
        self._transform = _core.tensor(self._dct().astype(np.float32))

    def _dct(self) -> np.ndarray:
        """(bands, coefficients), with the lifter."""
        orders, bands = np.arange(self.num_mfcc), self.num_mel_bins
        matrix = 2 * np.cos(np.pi / bands * (np.arange(bands)[:, np.newaxis] + 0.5) * orders)
        if self.norm == "ortho":
            matrix *= np.sqrt(0.5 / bands)
            matrix[:, 0] *= np.sqrt(0.5)
        if self.lifter:
            matrix *= 1 + self.lifter / 2 * np.sin(np.pi * (orders + 1) / self.lifter)
        return matrix

    def call(self, inputs: Tensor) -> Tensor:
        bands = self._in_bands(inputs)
        if self.log_mels:
            bands = F.log(F.maximum(bands, self.min_power))
        else:
            bands = self._decibels(bands)
        return fourier.swapped(F.matmul(bands, self._transform))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        *outer, _, frames = super().compute_output_shape(input_shape)
        return (*outer, self.num_mfcc, frames)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["power_to_db"]
        return {
            **config,
            "num_mfcc": self.num_mfcc,
            "log_mels": self.log_mels,
            "norm": self.norm,
            "lifter": self.lifter,
        }
