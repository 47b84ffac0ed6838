"""Initializers: their distributions, seeds, shapes and configs."""

import math

import numpy as np
import pytest

import fastdl
from fastdl import initializers

SHAPE = (300, 200)
COUNT = SHAPE[0] * SHAPE[1]

# name: (arguments, kind of distribution, its standard deviation), by Keras's definitions
SPREADS = {
    "RandomNormal": ({"stddev": 0.3}, "normal", 0.3),
    "TruncatedNormal": ({"stddev": 0.3}, "truncated", 0.3 * 0.87962566103423978),
    "RandomUniform": ({"minval": -0.2, "maxval": 0.2}, "uniform", 0.2 / math.sqrt(3)),
    "GlorotUniform": ({}, "uniform", math.sqrt(2 / 500)),
    "GlorotNormal": ({}, "truncated", math.sqrt(2 / 500)),
    "HeUniform": ({}, "uniform", math.sqrt(2 / 300)),
    "HeNormal": ({}, "truncated", math.sqrt(2 / 300)),
    "LecunUniform": ({}, "uniform", math.sqrt(1 / 300)),
    "LecunNormal": ({}, "truncated", math.sqrt(1 / 300)),
    "VarianceScaling": (
        {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        "normal",
        math.sqrt(3 / 200),
    ),
}
# The largest value of each distribution in standard deviations; for the normal one the largest of
# 60,000 values, which exceeds 6 with a probability of 1e-4.
LIMITS = {"uniform": math.sqrt(3), "truncated": 2 / 0.87962566103423978, "normal": 6.0}


@pytest.mark.parametrize("name", SPREADS)
def test_distribution(name):
    arguments, kind, deviation = SPREADS[name]
    fastdl.manual_seed(7)
    values = getattr(initializers, name)(**arguments)(SHAPE).numpy().astype(np.float64)
    assert values.shape == SHAPE
    # Five standard errors of mean and deviation; those of the normal distribution are the largest.
    assert abs(values.mean()) < 5 * deviation / math.sqrt(COUNT)
    assert abs(values.std() / deviation - 1) < 5 / math.sqrt(2 * COUNT)
    largest = np.abs(values).max() / deviation
    assert 0.95 * min(LIMITS[kind], 4.0) < largest <= LIMITS[kind] * (1 + 1e-6)


def test_constants():
    assert initializers.Zeros()((2, 2)).tolist() == [[0, 0], [0, 0]]
    assert initializers.Ones()((2,), dtype="int32").dtype == "int32"
    assert initializers.Constant(2.5)((2,)).tolist() == [2.5, 2.5]
    assert initializers.Constant([1.0, 2.0])((2, 2)).tolist() == [[1.0, 2.0]] * 2
    assert initializers.Identity(gain=2.0)((2, 3)).tolist() == [[2, 0, 0], [0, 2, 0]]
    with pytest.raises(ValueError, match=r"matrices only, got shape \(2,\)"):
        initializers.Identity()((2,))


@pytest.mark.parametrize("shape", [(8, 8), (12, 5), (5, 12), (2, 3, 4)])
def test_orthogonal(shape):
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape).numpy().astype(np.float64)
    matrix = values.reshape(-1, shape[-1])
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    # float32 QR of a dozen columns: a few dozen roundings of values up to 4
    expected = 4 * np.eye(matrix.shape[1])
    np.testing.assert_allclose(matrix.T @ matrix, expected, atol=64 * np.finfo(np.float32).eps)


def test_orthogonal_needs_two_axes():
    with pytest.raises(ValueError, match=r"two axes or more, got \(4,\)"):
        initializers.Orthogonal()((4,))


@pytest.mark.parametrize("name", [*SPREADS, "Orthogonal"])
def test_seeds(name):
    make = getattr(initializers, name)
    first = make(seed=5)
    a, b = first((4, 3)).numpy(), first((4, 3)).numpy()
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, make(seed=5)((4, 3)).numpy())
    assert np.any(a != make(seed=6)((4, 3)).numpy())

    fastdl.manual_seed(1)
    free = make()
    c, d = free((4, 3)).numpy(), free((4, 3)).numpy()
    assert np.any(c != d)
    fastdl.manual_seed(1)
    make(seed=5)((4, 3))  # a separate stream; the library's stream does not change
    np.testing.assert_array_equal(c, free((4, 3)).numpy())


def test_fans():
    assert initializers.compute_fans(()) == (1, 1)
    assert initializers.compute_fans((7,)) == (7, 7)
    assert initializers.compute_fans((3, 4)) == (3, 4)
    assert initializers.compute_fans((3, 3, 8, 16)) == (72, 144)
    assert initializers.compute_fans((2, 3, 4), input_axes=[0], output_axes=[1, 2]) == (2, 12)
    limit = math.sqrt(6 / 14)
    values = initializers.GlorotUniform(seed=0, input_axes=[0], output_axes=[1, 2])((2, 3, 4))
    assert np.abs(values.numpy()).max() <= limit


def test_identifiers():
    assert isinstance(initializers.get("glorot_uniform"), initializers.GlorotUniform)
    assert isinstance(initializers.get("HeNormal"), initializers.HeNormal)
    assert isinstance(initializers.get("normal"), initializers.RandomNormal)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    one = initializers.Ones()
    assert initializers.get(one) is one and initializers.get(None) is None
    assert initializers.get(3.0)((1,)).tolist() == [3.0]
    assert initializers.get(np.array([1.0, 2.0]))((2,)).tolist() == [1.0, 2.0]
    keras = {"module": "keras.initializers", "class_name": "Constant", "config": {"value": 2}}
    assert initializers.get(keras)((1,)).tolist() == [2.0]
    with pytest.raises(ValueError, match=r"'glorot_unifrom'. Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")


@pytest.mark.parametrize("name", [*SPREADS, "Orthogonal", "Constant", "Identity", "Zeros", "Ones"])
def test_config(name):
    initializer = getattr(initializers, name)(**SPREADS.get(name, ({},))[0])
    config = initializers.serialize(initializer)
    twin = initializers.deserialize(config)
    assert type(twin) is type(initializer) and initializers.serialize(twin) == config
    assert initializers.serialize(initializer.clone()) == config


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "bartlett", "boxcar", "tukey"])
def test_stft_is_a_windowed_fourier_transform(window, periodic):
    from scipy.signal import get_window

    values = get_window(window, 16, fftbins=periodic)
    signal = np.random.default_rng(0).normal(size=16)
    spectrum = np.fft.rfft(signal * values)
    for side, expected in (("real", spectrum.real), ("imag", spectrum.imag)):
        for given in (window, values):
            kernel = initializers.STFT(side, given, None, periodic)((16, 1, 9)).numpy()[:, 0]
            np.testing.assert_allclose(signal @ kernel, expected, atol=1e-5)
        for scaling, factor in (
            ("density", np.sqrt((values**2).sum())),
            ("spectrum", values.sum()),
        ):
            kernel = initializers.STFT(side, window, scaling, periodic)((16, 1, 9)).numpy()[:, 0]
            np.testing.assert_allclose(signal @ kernel, expected / factor, atol=1e-5)


def test_stft_in_a_config():
    for window in ("hamming", [0.5, 1.0, 0.5], None):
        initializer = initializers.STFT("imag", window, "spectrum", True)
        twin = initializers.deserialize(initializers.serialize(initializer))
        assert twin.get_config() == initializer.get_config()
        assert initializers.get("stft").get_config()["window"] == "hann"
        assert fastdl.equal(twin((3, 1, 4)), initializer((3, 1, 4)))


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda: initializers.STFT("left"), "STFT: side: expected .* got 'left'"),
        (lambda: initializers.STFT(window="none"), "STFT: window: expected .* got 'none'"),
        (lambda: initializers.STFT(scaling="x"), "STFT: scaling: expected .* got 'x'"),
        (lambda: initializers.STFT()((4, 3)), r"STFT: shape: expected \(frame length, 1"),
        (
            lambda: initializers.STFT(window=[1.0, 2.0])((4, 1, 3)),
            r"STFT: window: expected an array of shape \(4,\), got shape \(2,\)",
        ),
        (
            lambda: initializers.VarianceScaling(scale=0),
            "VarianceScaling: scale: expected a number above 0, got 0",
        ),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode: expected .* got 'fan'"),
        (lambda: initializers.VarianceScaling(distribution="x"), "distribution: expected .* got"),
        (
            lambda: initializers.GlorotUniform(seed="a"),
            "seed: expected an integer of at least 0, a SeedGenerator or None, got 'a'",
        ),
        (lambda: initializers.RandomNormal()((2,), "int32"), "floating-point values, not int32"),
    ],
)
def test_errors(make, pattern):
    with pytest.raises(ValueError, match=pattern):
        make()
