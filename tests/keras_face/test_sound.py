"""Fourier transforms, spectrograms, MFCC: values of Keras in float64, and formulas of NumPy."""

import json
import math
import pathlib
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, ops
from fastdl._base import fourier
from fastdl.models import costs

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import sound as cases  # noqa: E402

STORED = json.loads((GOLDEN / "sound.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
# One product, of odd length too; two rounds of a square, of odd factors, of unequal ones.
LENGTHS = (1, 2, 3, 16, 25, 255, 256, 257, 400, 512, 529, 1000, 1024, 2047, 2048, 16000)


def assert_close(actual, expected, length, scale=None):
    """Errors of sums of `length` random terms grow with its root, in roundings of the largest."""
    expected = np.asarray(expected)
    actual = actual.numpy()
    assert actual.shape == expected.shape
    scale = np.abs(expected).max(initial=1e-3) if scale is None else scale
    atol = 4 * math.sqrt(length) * EPSILON * scale
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("index", range(len(cases.LAYERS)))
def test_layers_of_keras(index):
    name, options, shape = cases.LAYERS[index]
    expected = np.array(STORED["layers"][index])
    layer = getattr(layers, name)(**options)
    x = cases.sound(*shape)
    found = layer(x).numpy()
    assert found.shape == expected.shape
    assert layer.compute_output_shape(shape) == found.shape
    if options.get("mode") == "angle":
        # Where there is nearly no imaginary part the angle is pi or -pi by chance.
        turn = np.abs(found - expected)
        assert np.minimum(turn, 2 * np.pi - turn).max() < 64 * EPSILON * np.pi
        return
    # Logarithms turn roundings of the largest power into errors of small ones. Keras computes the
    # edges of the mel bands in float32, where a band's slopes lose 5 of 24 bits.
    logs = options.get("mode", "log" if name == "STFTSpectrogram" else "") == "log"
    logs = logs or (name == "MelSpectrogram" and options.get("power_to_db", True))
    scale = 100 if logs else max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=64 * EPSILON * scale)


@pytest.mark.parametrize("index", range(len(cases.TRANSFORMS)))
def test_short_time_transforms_of_keras(index):
    (*sizes, window, center), shape = cases.TRANSFORMS[index]
    real, imag, back = map(np.array, STORED["transforms"][index])
    chosen = {"window": window, "center": center}
    found = ops.stft(cases.sound(*shape), *sizes, **chosen)
    scale = max(np.abs(real).max(), np.abs(imag).max())
    assert_close(found[0], real, sizes[2], scale)
    assert_close(found[1], imag, sizes[2], scale)
    again = ops.istft(found, *sizes, **chosen)
    inner = slice(None) if window is not None else slice(sizes[2], -sizes[2])
    assert_close(again[..., inner], back[..., inner], sizes[2], np.abs(back).max())


@pytest.mark.parametrize("length", LENGTHS)
def test_fourier_transform(length):
    x = np.random.default_rng(length).standard_normal((2, 3, length)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64))
    scale = np.abs(expected).max()
    real, imag = ops.rfft(x)
    assert_close(real, expected.real, length, scale)
    assert_close(imag, expected.imag, length, scale)
    assert_close(ops.irfft((real, imag), length), x, length)


@pytest.mark.parametrize("length", [8, 700, 1024])
@pytest.mark.parametrize("samples", [7, 8, 9, 699, 1030])
def test_transform_of_another_length(length, samples):
    x = np.random.default_rng(0).standard_normal((2, samples)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64), length)
    real, imag = ops.rfft(x, length)
    assert_close(real, expected.real, length, np.abs(expected).max())
    assert_close(imag, expected.imag, length, np.abs(expected).max())
    parts = ops.rfft(x)
    whole = np.fft.rfft(x.astype(np.float64))
    assert_close(
        ops.irfft(parts, length), np.fft.irfft(whole, length), samples, np.abs(x).max() * 9
    )


@pytest.mark.parametrize("length", [5, 16, 1024])
def test_gradient_of_the_transforms(length):
    """They are linear: the gradient of a sum with weights is the transposed map of the weights."""
    rng = np.random.default_rng(1)
    count = length // 2 + 1
    matrix = np.fft.rfft(np.eye(length))
    a, b = rng.standard_normal((2, count))
    x = fastdl.nn.Parameter(fastdl.tensor(rng.standard_normal(length).astype(np.float32)))
    real, imag = ops.rfft(x)
    (real * fastdl.tensor(a) + imag * fastdl.tensor(b)).sum().backward()
    assert_close(x.grad, matrix.real @ a + matrix.imag @ b, length)
    p, q = (fastdl.nn.Parameter(fastdl.tensor(v.astype(np.float32))) for v in (a, b))
    w = rng.standard_normal(length)
    (ops.irfft((p, q), length) * fastdl.tensor(w)).sum().backward()
    basis = np.eye(count)
    assert_close(p.grad, np.fft.irfft(basis, length) @ w, length)
    assert_close(q.grad, np.fft.irfft(1j * basis, length) @ w, length)


@pytest.mark.parametrize("sizes", [(400, 160, 512), (512, 128, 512), (600, 150, 1024)])
@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_inverse_short_time_transform(sizes, window):
    x = np.random.default_rng(2).standard_normal((2, 5000)).astype(np.float32)
    found = ops.stft(x, *sizes, window=window)
    back = ops.istft(found, *sizes, window=window)
    assert_close(back, x[:, : back.shape[-1]], sizes[2])
    assert back.shape[-1] > 5000 - sizes[1]
    short = ops.istft(found, *sizes, length=3000, window=window)
    assert (short == back[:, :3000]).all()


def test_angles():
    rng = np.random.default_rng(3)
    real, imag = rng.standard_normal((2, 10000)).astype(np.float32)
    real[:3], imag[1:4], real[4], imag[4] = 0, 0, -1, 0
    expected = np.arctan2(imag.astype(np.float64), real)
    found = fourier.angle(fastdl.tensor(real), fastdl.tensor(imag)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2 * EPSILON * np.pi)
    a, b = (fastdl.nn.Parameter(fastdl.tensor(v[10:])) for v in (real, imag))
    fourier.angle(a, b).sum().backward()
    squares = real[10:].astype(np.float64) ** 2 + imag[10:] ** 2
    # The gradient is that of a polynomial, whose derivative is good to some more roundings.
    np.testing.assert_allclose(a.grad.numpy() * squares, -imag[10:], atol=64 * EPSILON)
    np.testing.assert_allclose(b.grad.numpy() * squares, real[10:], atol=64 * EPSILON)


def bands(x, rate, length, stride, count):
    """The power in HTK's bands, (signals, frames, bands), by NumPy's transform in float64."""
    x = np.pad(x.astype(np.float64), ((0, 0), (length // 2, length // 2)), mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    frames = np.lib.stride_tricks.sliding_window_view(x, length, axis=-1)[:, ::stride]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    edges = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (20.0, rate / 2)), count + 2)
    places = 2595 * np.log10(1 + np.linspace(0, rate / 2, length // 2 + 1) / 700)
    rows = [np.interp(places, edges[i : i + 3], [0, 1, 0]) for i in range(count)]
    return power @ np.array(rows).T


@pytest.mark.parametrize("norm", ["ortho", None])
@pytest.mark.parametrize("lifter", [0, 22])
@pytest.mark.parametrize("log_mels", [False, True])
def test_mfcc(norm, lifter, log_mels):
    x = cases.sound(2, 4000)
    sizes = {"fft_length": 256, "sequence_stride": 80, "num_mel_bins": 20, "sampling_rate": 8000}
    layer = layers.MFCC(13, log_mels, norm, lifter, **sizes)
    found = bands(x, 8000, 256, 80, 20)
    if log_mels:
        found = np.log(np.maximum(found, 1e-10))
    else:
        found = 10 * np.log10(np.maximum(found, 1e-10))
        found = np.maximum(found, found.max(axis=(1, 2), keepdims=True) - 80)
    angles = np.pi * (np.arange(20) + 0.5) * np.arange(13)[:, None] / 20
    expected = 2 * np.einsum("sfb,cb->scf", found, np.cos(angles))
    if norm:
        expected *= np.where(np.arange(13) == 0, math.sqrt(1 / 80), math.sqrt(1 / 40))[:, None]
    if lifter:
        expected *= (1 + lifter / 2 * np.sin(np.pi * np.arange(1, 14) / lifter))[:, None]
    actual = layer(x)
    assert layer.compute_output_shape((None, 4000)) == (None, *actual.shape[1:])
    assert_close(actual, expected, 256)


@pytest.mark.parametrize(
    "layer",
    [
        layers.MelSpectrogram(fft_length=256, sequence_stride=80, num_mel_bins=20),
        layers.MelSpectrogram(fft_length=1024, sequence_stride=80, num_mel_bins=20),
        layers.MFCC(fft_length=256, sequence_stride=80, num_mel_bins=20),
    ],
    ids=["mel", "two_rounds", "mfcc"],
)
def test_a_prediction_does_not_depend_on_its_neighbours(layer):
    x = np.random.default_rng(4).standard_normal((5, 2000)).astype(np.float32)
    x *= 10.0 ** np.arange(5)[:, None]  # the loudest would cut the others, by top_db
    together = layer(x).numpy()
    for i in range(5):
        assert (layer(x[i : i + 1]).numpy()[0] == together[i]).all()
        assert (layer(x[i]).numpy() == together[i]).all()


def test_signals_of_any_shape_and_type():
    layer = layers.MelSpectrogram(fft_length=64, sequence_stride=20, num_mel_bins=6)
    x = np.random.default_rng(5).integers(-1000, 1000, (2, 3, 200))
    found = layer(x.astype(np.int32))
    assert found.shape == (2, 3, 6, 11)
    assert (found[1, 2] == layer(x[1, 2].astype(np.float32))).all()
    for samples in range(33, 100):  # the shape that is stated is the one that comes
        shape = layer(np.zeros(samples)).shape
        assert layer.compute_output_shape((samples,)) == shape


def test_within_models():
    """Symbolic shapes, unknown lengths, training through the kernels, saving, replays."""
    x = cases.sound(12, 320)
    y = np.arange(12) % 2
    inputs = layers.Input((320,))
    mel = layers.MelSpectrogram(fft_length=64, sequence_stride=16, num_mel_bins=8)(inputs)
    assert mel.shape == (None, 8, 21)
    stft = layers.Reshape((320, 1))(inputs)
    stft = layers.STFTSpectrogram(frame_length=32, expand_dims=True)(stft)
    assert stft.shape == (None, 19, 17, 1)
    flat = layers.concatenate([layers.Flatten()(mel), layers.Flatten()(stft)])
    model = fastdl.Model(inputs, layers.Dense(2, "softmax")(flat))
    model.compile("adam", "sparse_categorical_crossentropy")
    kernel = next(w for w in model.trainable_weights if w.name == "real_kernel")
    before = kernel.numpy().copy()
    losses = model.fit(x, y, epochs=3, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and (kernel.numpy() != before).any()
    twin = fastdl.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert (twin(x) == model(x)).all()
    assert (model.predict(x, verbose=0) == model(x).numpy()).all()
    any_length = layers.Input((None,))
    assert layers.MFCC()(any_length).shape == (None, 13, None)
    real, imag = ops.stft(layers.Input((100,)), 16, 4, 16)
    assert real.shape == imag.shape == (None, 26, 9)


def test_extract_sequences():
    x = np.arange(24).reshape(2, 12)
    found = ops.extract_sequences(x, 5, 3).numpy()
    assert (found == np.lib.stride_tricks.sliding_window_view(x, 5, -1)[:, ::3]).all()


WRONG = {
    "mode": (lambda: layers.STFTSpectrogram("logs"), "STFTSpectrogram .*: mode: .* 'logs'"),
    "frame": (lambda: layers.STFTSpectrogram(frame_length=-3), "frame_length: .* got -3"),
    "step": (lambda: layers.STFTSpectrogram(frame_step=-1), "frame_step: .* 1 to 256, got -1"),
    "far": (lambda: layers.STFTSpectrogram(frame_step=300), "frame_step: .* got 300"),
    "fft": (lambda: layers.STFTSpectrogram(fft_length=200), "fft_length: .* 256, got 200"),
    "window": (
        lambda: layers.STFTSpectrogram(window="none"),
        "STFTSpectrogram .*: window: .* 'none'",
    ),
    "values": (
        lambda: layers.STFTSpectrogram(window=[1.0]),
        r"window: .*\(256,\), got shape \(1,\)",
    ),
    "scaling": (lambda: layers.STFTSpectrogram(scaling="x"), "STFTSpectrogram .*: scaling: .* 'x'"),
    "padding": (lambda: layers.STFTSpectrogram(padding="causal"), "padding: .* got 'causal'"),
    "short": (
        lambda: layers.STFTSpectrogram(name="s")(np.zeros((1, 255, 1))),
        "'s'.* at least 256 samples",
    ),
    "axes": (lambda: layers.STFTSpectrogram(name="s")(np.zeros((1, 500))), "'s'"),
    "long": (lambda: layers.MelSpectrogram(64, sequence_length=65), "sequence_length: .* got 65"),
    "stride": (lambda: layers.MelSpectrogram(sequence_stride=-1), "sequence_stride: .* got -1"),
    "hann": (lambda: layers.MelSpectrogram(window="blackman"), "MelSpectrogram .*: window"),
    "array": (lambda: layers.MelSpectrogram(window=[1, 2]), r"window: .*\(2048,\)"),
    "lowest": (lambda: layers.MelSpectrogram(min_freq=8000), "min_freq: .* got 8000"),
    "order": (lambda: layers.MelSpectrogram(min_freq=900, max_freq=90), "max_freq: .* got 90"),
    "mirror": (
        lambda: layers.MelSpectrogram(64, name="m")(np.zeros(32)),
        "'m'.* more than 32 samples",
    ),
    "number": (lambda: layers.MelSpectrogram(64, name="m")(1.0), "'m'"),
    "many": (lambda: layers.MFCC(30, num_mel_bins=20), "MFCC .*: num_mfcc: .* 1 to 20, got 30"),
    "norm": (lambda: layers.MFCC(norm="l2"), "MFCC .*: norm: .* got 'l2'"),
    "ops_window": (lambda: ops.stft(np.zeros(9), 4, 2, 4, window="x"), "stft: window: .* got 'x'"),
    "ops_stride": (lambda: ops.stft(np.zeros(9), 4, -2, 4), "stft: sequence_stride: .* got -2"),
    "ops_fft": (
        lambda: ops.stft(np.zeros(9), 4, 2, 3),
        "stft: fft_length: .* at least .* 4, got 3",
    ),
    "ops_short": (lambda: ops.stft(np.zeros(3), 4, 2, 4, center=False), "stft: .* 4 samples"),
    "pair": (lambda: ops.irfft(np.zeros((3, 3))), "irfft: x: .*real part"),
    "parts": (lambda: ops.irfft((np.zeros(3), np.zeros(4))), "irfft: x: .*one shape"),
    "one": (lambda: ops.irfft((np.zeros(1), np.zeros(1))), "irfft: x: .*2 frequencies"),
    "prime": (lambda: ops.rfft(np.zeros(16001)), "rfft: fft_length: 16001 .* take 16384"),
    "empty": (lambda: ops.rfft(np.zeros((2, 0))), "rfft: x: .*not empty"),
    "length": (
        lambda: ops.istft((np.zeros((3, 3)), np.zeros((3, 3))), 4, 2, 4, length=7),
        "istft: length: .* at most 6",
    ),
    "sequences": (lambda: ops.extract_sequences([1.0], 2, 1), "extract_sequences: .* 2 samples"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name):
    make, pattern = WRONG[name]
    with pytest.raises(ValueError, match=pattern):
        make()


def test_multiply_adds():
    """Those of `summary(show_flops=True)`: each entry of each matrix, at each frame."""
    rows = {
        "stft": (layers.STFTSpectrogram("stft", frame_length=16), (80, 2), 9 * 2 * 16 * 2 * 9),
        "real": (layers.STFTSpectrogram("real", frame_length=16), (80, 2), 9 * 2 * 16 * 9),
        "mel": (
            layers.MelSpectrogram(64, 10, num_mel_bins=8),
            (100,),
            11 * (64 * 2 * 33 + 33 * 8),
        ),
        "mfcc": (
            layers.MFCC(5, fft_length=64, sequence_stride=10, num_mel_bins=8),
            (100,),
            11 * (64 * 2 * 33 + 33 * 8 + 8 * 5),
        ),
    }
    for layer, shape, expected in rows.values():
        model = fastdl.Sequential([layers.Input(shape), layer])
        assert costs.cost_of(layer, model._graph).multiply_adds == expected
    # Two rounds of 32 * 64, each of which has a matrix for cosines and one for sines.
    assert fourier.products(2048) == 64 * 2 * 32 * 32 + 32 * 2 * 64 * 2 * 33
