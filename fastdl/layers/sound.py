"""STFTSpectrogram: frequencies of sound over time, by kernels that can be trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import convolutions, fourier, images
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer
from .._base.registry import LAYERS
from .._base.settings import settings
from ..initializers import STFT
from .input_spec import InputSpec
from .layer import Layer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import Tensor, TensorLike
    from .options import LayerOptions

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@LAYERS.register
class STFTSpectrogram(Layer):
    """Spectrograms by convolutions whose kernels, cosines and sines, can be trained.

    Args:
        mode: what to return: "log" of the magnitude, "magnitude", "psd" for the power on both sides
            of the spectrum, "real" or "imag" for one part, "angle", or "stft" for both parts, the
            real one first.
        frame_length: samples of a frame.
        frame_step: samples from one frame to the next; half the frame unless given.
        fft_length: the length of the transform; the power of two from `frame_length` on unless
            given. There are `fft_length // 2 + 1` frequencies.
        window: "hann", "hamming", "blackman", "bartlett", "boxcar", an array of `frame_length`
            values, or None.
        periodic: whether the window is periodic, for spectra, or symmetric.
        scaling: "density" or "spectrum", as in `initializers.STFT`, or None.
        padding: "valid", or "same" for zeros that keep `samples / frame_step` frames.
        expand_dims: whether frequencies and channels are axes of their own, for layers of images.
        data_format: "channels_last" unless given: the order of the axes, in and out.

    Raises:
        ValueError: an argument out of its range, `frame_step` above `frame_length`, `fft_length`
            below it, or signals without a frame.

    Takes `(batch, samples, channels)`. Returns `(batch, frames, channels * frequencies)`, or
    `(batch, frames, frequencies, channels)` with `expand_dims`. With "channels_first"
    `(batch, channels, samples)` gives `(batch, channels * frequencies, frames)` or
    `(batch, channels, frames, frequencies)`. The weights are `real_kernel` and `imag_kernel`,
    `(frame_length, 1, frequencies)`; `trainable=False` keeps them as they are.

    Source: `keras.layers.STFTSpectrogram` of Keras 3.

    Example:
        >>> layer = layers.STFTSpectrogram(frame_length=256, frame_step=128, fft_length=512)
        >>> layer(np.zeros((3, 16000, 1))).shape
        (3, 124, 257)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: str | TensorLike | None = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = f"STFTSpectrogram {self.name!r}"
        self.mode = check_choice(who, "mode", mode, _MODES)
        self.frame_length = check_integer(who, "frame_length", frame_length, 2)
        self.frame_step = frame_step
        if frame_step is not None:
            check_integer(who, "frame_step", frame_step, 1, self.frame_length)
        self._step = self.frame_length // 2 if frame_step is None else int(frame_step)
        self.fft_length = fft_length
        if fft_length is not None:
            check_integer(who, "fft_length", fft_length, self.frame_length)
        self._length = int(fft_length or 2 ** math.ceil(math.log2(self.frame_length)))
        self._initializers = {
            side: _initializer(who, side, window, scaling, periodic) for side in ("real", "imag")
        }
        self.window = self._initializers["real"].window
        if isinstance(self.window, np.ndarray) and self.window.shape != (self.frame_length,):
            raise ValueError(
                f"{who}: window: expected an array of shape {(self.frame_length,)}, got shape "
                f"{self.window.shape}"
            )
        self.periodic = check_flag(who, "periodic", periodic)
        self.scaling = scaling
        self.padding = check_choice(who, "padding", padding, ("valid", "same"))
        self.expand_dims = check_flag(who, "expand_dims", expand_dims)
        self.data_format = images.check_format(who, data_format)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Shape) -> None:
        shape = (self.frame_length, 1, self._length // 2 + 1)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(
                shape, self._initializers["real"], name="real_kernel"
            )
        if self.mode != "real":
            self.imag_kernel = self.add_weight(
                shape, self._initializers["imag"], name="imag_kernel"
            )

    def call(self, inputs: Tensor) -> Tensor:
        last = self.data_format == "channels_last"
        signals = F.transpose(inputs, perm=(0, 2, 1)) if last else inputs
        batch, channels, samples = signals.shape
        if self._frames(samples) < 1:
            raise ValueError(
                f"expected signals of at least {self.frame_length} samples, the length of a "
                f"frame, got shape {inputs.shape}"
            )
        kernel: Tensor
        if self.mode == "real":
            kernel = self.real_kernel
        elif self.mode == "imag":
            kernel = self.imag_kernel
        else:
            kernel = F.concat([self.real_kernel, self.imag_kernel], axis=-1)
        signals = F.reshape(signals, shape=(batch * channels, samples, 1))
        found = self._of_parts(
            convolutions.convolved(signals, kernel, (self._step,), self.padding, (1,))
        )
        frames, frequencies = found.shape[1:]
        found = F.reshape(found, shape=(batch, channels, frames, frequencies))
        if self.expand_dims:
            return F.transpose(found, perm=(0, 2, 3, 1)) if last else found
        order = (0, 2, 1, 3) if last else (0, 1, 3, 2)
        size = channels * frequencies
        shape = (batch, frames, size) if last else (batch, size, frames)
        return F.reshape(F.transpose(found, perm=order), shape=shape)

    def _of_parts(self, parts: Tensor) -> Tensor:
        """What the mode says, of (signals, frames, frequencies), in most modes of both parts."""
        if self.mode in ("real", "imag", "stft"):
            return parts
        count = parts.shape[-1] // 2
        real, imag = parts[..., :count], parts[..., count:]
        if self.mode == "angle":
            return fourier.angle(real, imag)
        power = F.square(real) + F.square(imag)
        if self.mode == "psd":  # the inner frequencies stand for negative ones, too
            sides = np.full(count, 2.0, np.float32)
            sides[[0, -1]] = 1.0
            return power * _core.tensor(sides)
        magnitude = F.sqrt(F.maximum(power, settings.epsilon))
        return (
            magnitude if self.mode == "magnitude" else F.log(F.maximum(magnitude, settings.epsilon))
        )

    def _frames(self, samples: int) -> int:
        if self.padding == "same":
            return -(-samples // self._step)
        return max(0, 1 + (samples - self.frame_length) // self._step)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, one, other = input_shape
        last = self.data_format == "channels_last"
        samples, channels = (one, other) if last else (other, one)
        frames = None if samples is None else self._frames(samples)
        frequencies = (self._length // 2 + 1) * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            sizes = (frames, frequencies, channels) if last else (channels, frames, frequencies)
            return (batch, *sizes)
        size = None if channels is None else channels * frequencies
        return (batch, frames, size) if last else (batch, size, frames)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": _plain(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "data_format": self.data_format,
            "expand_dims": self.expand_dims,
        }


def _initializer(who: str, side: str, window: Any, scaling: Any, periodic: Any) -> STFT:
    """The kernel's initializer, which checks the arguments that it takes."""
    try:
        return STFT(side, window, scaling, periodic)
    except ValueError as error:
        raise ValueError(str(error).replace("STFT", who, 1)) from None


def _plain(window: Any) -> Any:
    return window.tolist() if isinstance(window, np.ndarray) else window
