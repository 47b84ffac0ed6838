"""Writes sound.json: what Keras 3 computes of sound, in float64.

Run from the tests folder's parent with Keras and JAX installed:
    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/sound.py
"""

import json
from pathlib import Path

import numpy as np


def sound(*shape):
    """A chirp with some noise, and the next signal a little different; the same everywhere."""
    steps = np.arange(int(np.prod(shape)), dtype=np.float64)
    values = np.sin(0.02 * steps + 2e-4 * steps**2) + 0.3 * np.sin(steps**2 * 1.7 + 0.4)
    return values.astype(np.float32).reshape(shape)


WINDOW = np.linspace(0.1, 1.0, 12).tolist()
SHORT = {"fft_length": 64, "sequence_stride": 20, "num_mel_bins": 8, "sampling_rate": 800}

# name, arguments, shape of the input
LAYERS = [
    *(
        ("STFTSpectrogram", {"mode": mode, "frame_length": 16}, (2, 50, 2))
        for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
    ),
    ("STFTSpectrogram", {"frame_length": 12, "frame_step": 5, "fft_length": 16}, (1, 40, 1)),
    ("STFTSpectrogram", {"frame_length": 12, "window": WINDOW, "scaling": None}, (1, 40, 1)),
    ("STFTSpectrogram", {"frame_length": 12, "window": None, "mode": "psd"}, (1, 40, 1)),
    (
        "STFTSpectrogram",
        {"frame_length": 12, "window": "hamming", "periodic": True, "scaling": "spectrum"},
        (1, 40, 1),
    ),
    *(
        (
            "STFTSpectrogram",
            {"frame_length": 12, "expand_dims": dims, "data_format": order, "padding": padding},
            (2, 2, 31) if order == "channels_first" else (2, 31, 2),
        )
        for dims in (False, True)
        for order in ("channels_first", "channels_last")
        for padding in ("valid", "same")
    ),
    ("MelSpectrogram", SHORT, (300,)),
    ("MelSpectrogram", SHORT, (1, 300)),
    ("MelSpectrogram", SHORT | {"sequence_length": 50, "window": "hamming"}, (1, 300)),
    ("MelSpectrogram", SHORT | {"sequence_length": 12, "window": WINDOW}, (1, 300)),
    ("MelSpectrogram", SHORT | {"power_to_db": False, "window": None}, (3, 100)),
    ("MelSpectrogram", SHORT | {"power_to_db": False, "mag_exp": 1.0}, (3, 100)),
    ("MelSpectrogram", SHORT | {"power_to_db": False, "mag_exp": 1.3}, (3, 100)),
    ("MelSpectrogram", SHORT | {"top_db": 10.0, "ref_power": 0.01}, (1, 300)),
    ("MelSpectrogram", SHORT | {"min_power": 0.5, "min_freq": 50, "max_freq": 300.5}, (1, 300)),
    ("MelSpectrogram", SHORT | {"fft_length": 1200, "sequence_stride": 500}, (1, 700)),
    ("MelSpectrogram", SHORT | {"fft_length": 75}, (1, 300)),
]
# sequence_length, sequence_stride, fft_length, window, center; shape of the signals
TRANSFORMS = [
    ((16, 4, 16, "hann", True), (2, 3, 50)),
    ((12, 3, 16, "hamming", True), (50,)),
    ((12, 5, 15, WINDOW, False), (1, 50)),
    ((12, 6, 12, None, True), (1, 48)),
    ((500, 125, 600, "hann", True), (1, 1500)),
]


def main():
    import keras

    keras.config.set_floatx("float64")
    layers = [
        np.asarray(getattr(keras.layers, name)(**options)(sound(*shape).astype(np.float64)))
        for name, options, shape in LAYERS
    ]
    transforms = []
    for options, shape in TRANSFORMS:
        *sizes, window, center = options
        chosen = {"window": window, "center": center}
        pair = keras.ops.stft(sound(*shape).astype(np.float64), *sizes, **chosen)
        back = keras.ops.istft(pair, *sizes, **chosen)
        transforms.append([*(np.asarray(part) for part in pair), np.asarray(back)])
    found = {
        "keras": keras.__version__,
        "layers": [out.round(9).tolist() for out in layers],
        "transforms": [[out.round(9).tolist() for out in outs] for outs in transforms],
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
