"""Dropout of channels and of values that keep mean and deviation, by their definitions."""

import re
from unittest import mock

import numpy as np
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn
from fastdl._base import functional as base
from fastdl._base import notices

SHAPES = {1: (40, 25, 4), 2: (40, 25, 2, 3), 3: (40, 25, 2, 2, 2)}


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("held", [False, True])
def test_whole_channels_are_dropped(rank, held):
    fastdl.manual_seed(0)
    shape = SHAPES[rank]
    x = np.random.default_rng(0).random(shape).astype(np.float32) + 1
    given = fastdl.tensor(x)
    if held:  # as it comes from a convolution
        given = base.channels_first(base.channels_last(given))
    y = getattr(nn, f"Dropout{rank}d")(0.25)(given).numpy()
    channels = y.reshape(*shape[:2], -1)
    kept = (channels != 0).all(-1)
    assert ((channels == 0).all(-1) | kept).all()
    # 1,000 channels: the share of kept ones has a deviation of 0.014.
    assert abs(kept.mean() - 0.75) < 0.06
    # x / 0.75, with a rounding of the factor and one of the product.
    np.testing.assert_allclose(
        y[kept], (x / np.float32(0.75))[kept], rtol=4 * np.finfo(np.float32).eps
    )


def test_axes_without_a_batch():
    fastdl.manual_seed(0)
    for call, shape, channels in (
        (F.dropout1d, (300, 5), 1),
        (F.dropout2d, (20, 30, 5), 2),  # which PyTorch takes for (N, C, L)
        (F.dropout3d, (300, 2, 2, 2), 1),
    ):
        y = call(fastdl.ones(*shape), 0.5).numpy()
        flat = y.reshape(*shape[:channels], -1)
        assert {*np.unique(flat)} == {0.0, 2.0} and (flat == flat[..., :1]).all()


@pytest.mark.parametrize("shape", [(300, 20), (300, 20, 2, 2, 2)])
def test_dropout2d_takes_other_axes_with_a_warning(shape):
    """PyTorch's `feature_dropout`: one number for each sample and channel."""
    fastdl.manual_seed(0)
    with mock.patch.object(notices, "_said", set()):
        with pytest.warns(
            UserWarning, match=f"Dropout2d: expected .* 3 or 4 axes, got {len(shape)}"
        ):
            y = nn.Dropout2d(0.25)(fastdl.ones(*shape)).numpy()
    flat = y.reshape(*shape[:2], -1)
    assert (flat == flat[..., :1]).all()
    # 6,000 numbers: the share of kept ones has a deviation of 0.006.
    assert abs((flat[..., 0] != 0).mean() - 0.75) < 0.03
    for name, few in (("Dropout1d", (2, 2, 2, 2)), ("Dropout2d", (4,)), ("Dropout3d", (2, 2, 2))):
        with pytest.raises(ValueError, match=f"{name}: expected an input of"):
            getattr(nn, name)()(fastdl.ones(*few))


def test_alpha_dropout_keeps_mean_and_deviation():
    fastdl.manual_seed(0)
    x = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    y = nn.AlphaDropout(0.3)(fastdl.tensor(x)).numpy()
    # Deviations of the mean and the deviation of 200,000 values: about 0.0025.
    assert abs(y.mean()) < 0.012 and abs(y.std() - 1) < 0.012
    # The share of values that are the floor, -scale * alpha, scaled and shifted (equation of the
    # paper, in float64).
    floor, p = -1.6732632423543772 * 1.0507009873554805, 0.3
    scale = ((1 - p) * (1 + p * floor**2)) ** -0.5
    low = scale * floor * (1 - p)
    dropped = np.abs(y - low) < 1e-5
    assert abs(dropped.mean() - p) < 0.006
    np.testing.assert_allclose(
        y[~dropped], (x[~dropped] * scale - scale * floor * p), rtol=0, atol=4e-6
    )


@pytest.mark.parametrize("name", ["Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"])
def test_ends_of_the_range(name):
    shape = SHAPES[int(name[-2])] if name[-1] == "d" else (3,)
    x = fastdl.ones(*shape)
    kind = getattr(nn, name)
    assert (kind(1.0)(x).numpy() == 0).all()
    assert (kind(0.0)(x).numpy() == 1).all()
    assert (kind(0.5).eval()(x).numpy() == 1).all()
    with pytest.raises(ValueError, match=re.escape(f"{name}: p: expected a number in [0, 1]")):
        kind(1.5)


def test_gradients_pass_where_values_do():
    fastdl.manual_seed(0)
    x = fastdl.ones(4, 6, 3, requires_grad=True)
    y = F.dropout1d(x, 0.5)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_inplace_of_the_activations():
    for call, wanted in (
        (F.relu6, [0.0, 6.0]),
        (F.hardtanh, [-1.0, 1.0]),
        (F.hardswish, [0.0, 8.0]),
        (F.mish, None),
    ):
        x = fastdl.tensor([-8.0, 8.0])
        expected = call(x).tolist()
        assert call(x, inplace=True) is x and x.tolist() == expected
        if wanted:
            assert expected == wanted
