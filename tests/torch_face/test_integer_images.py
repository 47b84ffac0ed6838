"""Convolutions and pools of integers: integers, against sums in Python's own integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import fastdl
from fastdl.nn import functional as F

BIG = 2**40 + 1  # float32 would round it


def places(out, strides, dilations, low, kernel):
    """Each window's number, and each of its taps with its place in the input."""
    for window in itertools.product(*(range(n) for n in out)):
        for tap in itertools.product(*(range(k) for k in kernel)):
            at = zip(window, strides, low, tap, dilations, strict=True)
            yield window, tap, tuple(o * s - p + t * d for o, s, p, t, d in at)


def inside(at, size):
    return all(0 <= a < n for a, n in zip(at, size, strict=True))


def numbers(shape, dtype="int64", seed=0):
    rng = np.random.default_rng(seed)
    values = rng.integers(-9, 10, shape)
    return (values * BIG if dtype == "int64" else values).astype(dtype)


GEOMETRIES = [
    ((7,), (3,), (1,), (1,), (0,), 1),
    ((7,), (3,), (2,), (2,), (2,), 2),
    ((5, 6), (2, 3), (2, 1), (1, 2), (1, 2), 2),
    ((3, 4, 3), (2, 2, 1), (1, 2, 1), (2, 1, 1), (1, 0, 0), 1),
]


@pytest.mark.parametrize(("size", "kernel", "strides", "dilations", "low", "groups"), GEOMETRIES)
def test_a_convolution_of_integers_is_exact(size, kernel, strides, dilations, low, groups):
    rank = len(size)
    x = numbers((2, 4, *size))
    w = numbers((6, 4 // groups, *kernel), "int32", 1).astype("int64")
    bias = numbers((6,), "int64", 2)
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, d, p in zip(size, kernel, strides, dilations, low, strict=True)
    ]
    want = np.zeros((2, 6, *out), "int64") + bias.reshape(-1, *[1] * rank)
    back = np.zeros_like(x)
    for window, tap, at in places(out, strides, dilations, low, kernel):
        if not inside(at, size):
            continue
        for f in range(6):
            g = f // (6 // groups)
            mine = slice(g * (4 // groups), (g + 1) * (4 // groups))
            want[(slice(None), f, *window)] += (
                x[(slice(None), mine, *at)] @ w[(f, slice(None), *tap)]
            )
    y = getattr(F, f"conv{rank}d")(x, w, bias, strides, low, dilations, groups)
    assert y.dtype == "int64"
    np.testing.assert_array_equal(y.numpy(), want)

    # The transposed convolution scatters what the convolution gathers.
    for window, tap, at in places(out, strides, dilations, low, kernel):
        if not inside(at, size):
            continue
        for f in range(6):
            g = f // (6 // groups)
            mine = slice(g * (4 // groups), (g + 1) * (4 // groups))
            back[(slice(None), mine, *at)] += (
                want[(slice(None), f, *window)][:, None] * w[(f, slice(None), *tap)]
            )
    least = [
        (n - 1) * s + d * (k - 1) + 1 - 2 * p
        for n, k, s, d, p in zip(out, kernel, strides, dilations, low, strict=True)
    ]
    extra = [n - k for n, k in zip(size, least, strict=True)]
    z = getattr(F, f"conv_transpose{rank}d")(want, w, None, strides, low, extra, groups, dilations)
    assert z.dtype == "int64"
    np.testing.assert_array_equal(z.numpy(), back)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_the_largest_of_integers_and_its_place(dtype, ceil_mode):
    x = numbers((2, 3, 5, 6), dtype)
    x[0, 0] = np.iinfo(dtype).min  # as low as what stands for the padding
    y, at = F.max_pool2d(x, (3, 2), (2, 2), (1, 1), (1, 2), ceil_mode, return_indices=True)
    f, f_at = F.max_pool2d(
        (x // BIG if dtype == "int64" else x).astype("float32"), (3, 2), (2, 2), (1, 1), (1, 2),
        ceil_mode, return_indices=True,
    )  # fmt: skip
    assert y.dtype == dtype and at.dtype == "int64" and y.shape == f.shape
    np.testing.assert_array_equal(at.numpy()[1:], f_at.numpy()[1:])
    rows = x.reshape(2, 3, 30)
    picked = np.take_along_axis(rows, at.numpy().reshape(2, 3, -1), axis=2)
    np.testing.assert_array_equal(y.numpy().reshape(2, 3, -1), picked)
    assert F.max_pool1d(x[0], 2).dtype == dtype


@pytest.mark.parametrize(
    ("divisor", "padding"), [(None, True), (None, False), (3, True), (-2, True)]
)
def test_means_of_integers_are_rounded_towards_0(divisor, padding):
    x = numbers((1, 2, 5, 5), "int64")
    y = F.avg_pool2d(x, 3, 2, 1, True, padding, divisor)
    assert y.dtype == "int64"
    for c, i, j in itertools.product(range(2), range(3), range(3)):
        rows, columns = (range(2 * i - 1, 2 * i + 2), range(2 * j - 1, 2 * j + 2))
        found = [x[0, c, a, b] for a in rows for b in columns if inside((a, b), (5, 5))]
        total = sum(int(v) for v in found)
        by = divisor if divisor is not None else 9 if padding else len(found)
        want = abs(total) // abs(by) * (1 if (total < 0) == (by < 0) else -1)
        assert int(y.numpy()[0, c, i, j]) == want


def test_a_window_that_ends_beyond_the_padding():
    assert F.max_pool1d(fastdl.tensor([[1, 5]]), 3, 2, ceil_mode=True).tolist() == [[5]]


def test_integers_beside_floats_are_floats():
    y = F.conv1d([[[1, 2, 3]]], [[[0.5, 1.0]]])
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y.numpy(), [[[2.5, 4.0]]])
