"""Convolutions and pooling of random sizes against sums in float64.

The sizes in `op_cases` are chosen by hand. Hypothesis looks for combinations that nobody chose. The
examples are the same in each run.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from op_cases import conv, pool

from fastdl import _core

EPS = float(np.finfo(np.float32).eps)


def examples(count):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        suppress_health_check=quiet,
    )  # fmt: skip


def axes(draw, rank, low, high):
    return [draw(st.integers(low, high)) for _ in range(rank)]


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(found, wanted, scale, eps):
    """The errors are roundings relative to `scale`, the reference of the magnitudes."""
    found = found.numpy()
    assert found.shape == wanted.shape and found.dtype == np.float32
    np.testing.assert_array_less(np.abs(found - wanted), eps * EPS * scale + 1e-30)


@st.composite
def convolutions(draw, depthwise=False):
    """The shapes of x and w, and strides, low, high, dilations, groups."""
    rank = draw(st.integers(1, 3))
    kernel = axes(draw, rank, 1, 5 - rank)
    strides, dilations = axes(draw, rank, 1, 4), axes(draw, rank, 1, 3)
    low, high = axes(draw, rank, 0, 4), axes(draw, rank, 0, 4)
    more = axes(draw, rank, 0, (40, 12, 4)[rank - 1])
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    fits = [max(1, r - a - b) for r, a, b in zip(reach, low, high, strict=True)]
    sizes = [n + m for n, m in zip(fits, more, strict=True)]
    groups = draw(st.integers(1, 40 if depthwise else 4))
    inputs = 1 if depthwise else draw(st.integers(1, 20))
    filters = draw(st.integers(1, 3 if depthwise else 40))
    x = (draw(st.integers(0, 3)), *sizes, inputs * groups)
    return x, (*kernel, inputs, filters * groups), (strides, low, high, dilations, groups)


def check_convolutions(setting, seed):
    """The convolution and its two gradients, which are ops of their own."""
    x_shape, w_shape, options = setting
    x, w, bias = (
        numbers(seed, *x_shape),
        numbers(seed + 1, *w_shape),
        numbers(seed + 2, w_shape[-1]),
    )
    exact = [a.astype(np.float64) for a in (x, w, bias)]
    wanted = conv.conv(*exact, *options)
    # Sums of up to 1,280 products as chains whose roundings average out, as in op_cases.
    scale = conv.conv(*map(np.abs, exact), *options)
    close(_core.conv(x, w, bias, *options), wanted, scale, 40)

    y = numbers(seed + 3, *wanted.shape)
    sizes, exact_y = x_shape[1:-1], y.astype(np.float64)
    found = _core.conv_input(y, w, sizes, *options)
    scale = conv.conv_input(np.abs(exact_y), np.abs(exact[1]), sizes, *options)
    close(found, conv.conv_input(exact_y, exact[1], sizes, *options), scale, 40)

    kernel = w_shape[:-2]
    found = _core.conv_kernel(x, y, kernel, *options)
    scale = conv.conv_kernel(np.abs(exact[0]), np.abs(exact_y), kernel, *options)
    close(found, conv.conv_kernel(exact[0], exact_y, kernel, *options), scale, 40)


@examples(250)
@given(convolutions(), st.integers(0, 2**16))
def test_convolutions(setting, seed):
    check_convolutions(setting, seed)


@examples(150)
@given(convolutions(depthwise=True), st.integers(0, 2**16))
def test_depthwise_convolutions(setting, seed):
    check_convolutions(setting, seed)


@st.composite
def poolings(draw):
    """The shape of x, and window, strides, dilation, low, high, ceil_mode."""
    rank = draw(st.integers(1, 3))
    window, strides = axes(draw, rank, 1, 6 - rank), axes(draw, rank, 1, 4)
    dilation = axes(draw, rank, 1, 2) if draw(st.booleans()) else [1] * rank
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    low, high = ([draw(st.integers(0, r - 1)) for r in reach] for _ in range(2))
    more = axes(draw, rank, 0, (40, 10, 3)[rank - 1])
    ceil_mode = draw(st.booleans())
    # With ceil_mode a window may end beyond the padding, by less than a stride.
    ends = [n + (s - 1) * ceil_mode for n, s in zip(high, strides, strict=True)]
    fits = [max(1, r - a - b) for r, a, b in zip(reach, low, ends, strict=True)]
    sizes = [n + m for n, m in zip(fits, more, strict=True)]
    x = (draw(st.integers(1, 3)), *sizes, draw(st.integers(1, 40)))
    return x, (window, strides, dilation, low, high, ceil_mode)


@examples(200)
@given(poolings(), st.integers(0, 2**16), st.booleans())
def test_pooling(setting, seed, count_padding):
    shape, options = setting
    try:
        found = list(pool.windows(np.empty(shape), *options))
    except IndexError:  # of the reference: with dilation a window may lie between the places
        with pytest.raises(ValueError, match=r"with dilation . a window has no place in axis"):
            _core.max_pool(np.zeros(shape, np.float32), *options)
        return
    ties = np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)
    largest, places = _core.max_pool_with_indices(ties, *options)
    np.testing.assert_array_equal(largest.numpy(), pool.largest(ties, found))
    np.testing.assert_array_equal(places.numpy(), pool.indices(ties, found))

    x = numbers(seed, *shape)
    np.testing.assert_array_equal(_core.max_pool(x, *options).numpy(), pool.largest(x, found))
    window, strides, dilation, low, high, ceil_mode = options
    if max(dilation) == 1:
        exact = x.astype(np.float64)
        means = _core.avg_pool(x, window, strides, low, high, ceil_mode, count_padding)
        # Up to 27 additions, then a division.
        close(means, pool.mean(exact, found, count_padding), pool.magnitude(exact, found), 12)


@examples(100)
@given(st.data(), st.integers(0, 2**16))
def test_adaptive_pooling(data, seed):
    rank = data.draw(st.integers(1, 3))
    sizes = axes(data.draw, rank, 1, (40, 12, 6)[rank - 1])
    size = axes(data.draw, rank, 1, (20, 8, 5)[rank - 1])
    x = numbers(seed, data.draw(st.integers(1, 3)), *sizes, data.draw(st.integers(1, 40)))
    found, exact = list(pool.adaptive(x, size)), x.astype(np.float64)
    largest, places = _core.adaptive_max_pool_with_indices(x, size)
    np.testing.assert_array_equal(largest.numpy(), pool.largest(x, found))
    np.testing.assert_array_equal(places.numpy(), pool.indices(x, found))
    close(
        _core.adaptive_avg_pool(x, size), pool.mean(exact, found), pool.magnitude(exact, found), 32
    )
