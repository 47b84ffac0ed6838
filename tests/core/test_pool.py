"""Pooling beyond the table of cases: large windows, long sums, special values, what is kept."""

from __future__ import annotations

import numpy as np
import pytest

from fastdl import _core

EPS = float(np.finfo(np.float32).eps)
RNG = np.random.default_rng(0)


def gradient_of(call, x, g):
    leaf = _core.tensor(x)
    leaf.requires_grad = True
    (_core.mul(call(leaf), g)).sum().backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize("channels", [1, 3, 8, 17, 70])
@pytest.mark.parametrize("window", [(16, 16), (17, 16), (5, 60)])
def test_the_gradient_goes_to_the_place_of_the_value(window, channels):
    """Windows of up to 256 places and of more, whose positions are kept as bytes and as int32."""
    x = RNG.integers(0, 9, (2, 40, 70, channels)).astype(np.float32)
    y, places = _core.max_pool_with_indices(x, window, (3, 4))
    g = RNG.integers(-4, 5, y.shape).astype(np.float32)  # sums of these are exact
    expected = np.zeros((2, 40 * 70, channels), np.float32)
    n, _, _, c = np.indices(y.shape)
    np.add.at(expected, (n, places.numpy(), c), g)
    actual = gradient_of(lambda x: _core.max_pool(x, window, (3, 4)), x, g)
    np.testing.assert_array_equal(actual, expected.reshape(x.shape))
    chosen = x.reshape(2, -1, channels)[n, places.numpy(), c]
    np.testing.assert_array_equal(chosen, y.numpy())


@pytest.mark.parametrize("channels", [1, 9])
def test_of_equal_values_the_first_and_of_nans_the_last_is_chosen(channels):
    """As in PyTorch."""
    rows = np.array([[3, 3, 1], [-np.inf] * 3, [np.nan, 5, np.nan], [0.0, -0.0, -1]], np.float32)
    x = np.repeat(rows.reshape(4, 3, 1), channels, 2)
    _, places = _core.max_pool_with_indices(x, 3)
    np.testing.assert_array_equal(
        places.numpy()[:, 0], np.repeat([[0], [0], [2], [0]], channels, 1)
    )


@pytest.mark.parametrize("channels", [1, 16])
def test_a_value_in_the_padding_is_never_chosen(channels):
    x = np.full((1, 3, 3, channels), -np.inf, np.float32)
    y, places = _core.max_pool_with_indices(x, (2, 2), (2, 2), None, (1, 1), (1, 1))
    assert np.isneginf(y.numpy()).all()
    np.testing.assert_array_equal(places.numpy()[0, :, :, 0], [[0, 1], [3, 4]])


@pytest.mark.parametrize("channels", [1, 16])
def test_means_of_many_equal_numbers(channels):
    """Sums of 10,000 terms consist of runs of 32, so they round less than one chain would."""
    x = np.full((1, 10_000, channels), 0.1, np.float32)
    exact = np.float32(0.1)
    y = _core.avg_pool(x, 10_000).numpy()
    # 31 additions within a run and 312 of the runs, most of whose errors have one sign. One chain
    # is off by 800 EPS.
    np.testing.assert_allclose(y, exact, rtol=40 * EPS)
    image = _core.avg_pool(np.full((1, 100, 100, channels), 0.1, np.float32), (100, 100)).numpy()
    np.testing.assert_allclose(image, exact, rtol=8 * EPS)


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_a_sample_does_not_depend_on_its_batch(channels):
    x = RNG.standard_normal((33, 12, 13, channels)).astype(np.float32)
    for call in (
        lambda x: _core.max_pool(x, (3, 3), (2, 2), None, (1, 1), (1, 1)),
        lambda x: _core.avg_pool(x, (3, 3), (2, 2), (1, 1), (1, 1)),
        lambda x: _core.adaptive_avg_pool(x, (5, 4)),
    ):
        whole = call(x).numpy()
        for i in (0, 32):
            np.testing.assert_array_equal(call(x[i : i + 1]).numpy(), whole[i : i + 1])


def test_infinities_stay_in_their_windows():
    """A window with few channels reads lanes beyond its own places, which must not count."""
    for channels in (1, 2, 16):
        x = np.zeros((1, 9, channels), np.float32)
        x[0, 4] = np.nan
        y = _core.avg_pool(x, 2, 1, 1, 1).numpy()[0, :, 0]
        assert np.isnan(y).tolist() == [i in (4, 5) for i in range(10)]


def test_the_positions_are_made_only_for_gradients():
    x = _core.tensor(np.ones((1, 4, 4, 8), np.float32))
    recorder = _core.Recorder()
    y = _core.max_pool(x, (2, 2))
    recorder.stop()
    (call,) = _core.Plan(recorder, [x], [y]).listing
    assert len(call[2]) == 1
