"""Convolutions of operands rounded to bfloat16, against float64 sums of rounded operands."""

import itertools

import numpy as np
import pytest
from op_cases import conv as reference

from fastdl import _core

HAS_BF16 = _core.config()["bfloat16"] is not None
KINDS = _core.runnable_bf16() if HAS_BF16 else []


@pytest.fixture(autouse=True)
def as_before():
    threads = _core.num_threads()
    yield
    _core.set_num_threads(threads)
    if KINDS:
        _core.select_bf16(KINDS[-1])


def rounded(x):
    """To bfloat16: nearest, ties to even."""
    bits = x.view(np.uint32)
    bits = (bits + (0x7FFF + (bits >> 16 & 1)).astype(np.uint32)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


# Input sizes, channels in, channels out, kernel, strides, low, high, dilations.
SHAPES = {
    "same": ([13, 14], 32, 40, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
    "valid": ([9, 8], 64, 33, [3, 3], [1, 1], [0, 0], [0, 0], [1, 1]),
    "few-channels": ([12, 17], 16, 16, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
    "odd-channels": ([12, 7], 19, 47, [3, 5], [1, 1], [0, 2], [1, 2], [1, 1]),
    "padded-channels": ([9, 9], 50, 65, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
    "strided": ([18, 19], 32, 32, [3, 3], [2, 2], [1, 0], [1, 1], [1, 1]),
    "strided-few": ([18, 19], 17, 30, [3, 3], [2, 3], [1, 0], [1, 1], [1, 1]),
    "stride-beyond-kernel": ([19, 17], 32, 48, [1, 2], [3, 4], [0, 0], [0, 0], [1, 1]),
    "dilated": ([17, 15], 33, 32, [3, 2], [1, 1], [2, 3], [2, 0], [2, 3]),
    "dilated-few": ([17, 15], 16, 24, [3, 3], [1, 1], [2, 3], [2, 3], [2, 3]),
    "dilated-strided": ([17, 26], 32, 32, [3, 4], [2, 3], [2, 1], [2, 2], [2, 2]),
    "much-padding": ([5, 4], 32, 32, [2, 2], [1, 2], [5, 4], [3, 6], [1, 1]),
    "whole": ([7, 6], 32, 32, [4, 3], [1, 1], [0, 0], [0, 0], [1, 1]),
    "pointwise": ([9, 11], 96, 64, [1, 1], [1, 1], [0, 0], [0, 0], [1, 1]),
    "pointwise-strided": ([19, 21], 40, 64, [1, 1], [2, 2], [0, 0], [0, 0], [1, 1]),
    "1d": ([61], 48, 32, [5], [1], [2], [2], [1]),
    "causal": ([61], 24, 32, [3], [1], [4], [0], [2]),
    "3d": ([6, 5, 7], 32, 32, [3, 2, 3], [2, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]),
    "large": ([40, 61], 32, 32, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
    "long-sum": ([5, 6], 300, 20, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1]),
}


def draw(id, batch):
    sizes, cin, cout, kernel, *rest = SHAPES[id]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *sizes, cin)).astype(np.float32)
    w = rng.standard_normal((*kernel, cin, cout)).astype(np.float32)
    out = reference.sizes_of(x, kernel, *rest)
    y = rng.standard_normal((batch, *out, cout)).astype(np.float32)
    bias = rng.standard_normal(cout).astype(np.float32)
    return x, w, bias, y, (*rest, 1)


def check(actual, exact, terms, first, second):
    """Compares with sums of products of rounded operands, which float32 holds exactly.

    Each of at most `terms` additions rounds to half an epsilon of a partial sum.
    """
    round_them = rounded if HAS_BF16 else (lambda x: x)
    first, second = (round_them(t).astype(np.float64) for t in (first, second))
    bound = (terms + 4) * 2.0**-24 * exact(np.abs(first), np.abs(second))
    assert (np.abs(actual - exact(first, second)) <= bound).all()


@pytest.mark.parametrize(("id", "kind"), [*itertools.product(SHAPES, KINDS or [None])])
def test_sums_of_rounded_operands(id, kind):
    if kind:
        _core.select_bf16(kind)
    x, w, bias, y, options = draw(id, 5)
    spatial, kernel, taps = x.shape[1:-1], w.shape[:-2], int(np.prod(w.shape[:-2]))
    found = []
    for threads in (1, 2, 7):
        _core.set_num_threads(threads)
        mixed = {"precision": "bfloat16"}
        found.append(
            [
                _core.conv(x, w, bias, *options, "relu", **mixed).numpy(),
                _core.conv(x, w, None, *options, **mixed).numpy(),
                _core.conv_input(y, w, spatial, *options, **mixed).numpy(),
                _core.conv_kernel(x, y, kernel, *options, **mixed).numpy(),
            ]
        )
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    with_bias, forward, data, weights = found[0]
    np.testing.assert_array_equal(with_bias, np.maximum(forward + bias, 0))
    terms = taps * x.shape[-1]
    check(forward, lambda a, b: reference.conv(a, b, None, *options), terms, x, w)
    terms = taps * y.shape[-1]
    check(data, lambda a, b: reference.conv_input(a, b, spatial, *options), terms, y, w)
    terms = int(np.prod(y.shape[:-1]))
    check(weights, lambda a, b: reference.conv_kernel(a, b, kernel, *options), terms, x, y)


@pytest.mark.parametrize("id", ["same", "strided", "few-channels", "whole", "pointwise", "large"])
def test_the_batch_changes_no_bit(id):
    x, w, bias, y, options = draw(id, 9)
    whole = _core.conv(x, w, bias, *options, precision="bfloat16").numpy()
    data = _core.conv_input(y, w, x.shape[1:-1], *options, precision="bfloat16").numpy()
    for part in (slice(0, 1), slice(1, 4), slice(4, 9)):
        one = _core.conv(x[part], w, bias, *options, precision="bfloat16").numpy()
        np.testing.assert_array_equal(one, whole[part])
        one = _core.conv_input(y[part], w, x.shape[1:-1], *options, precision="bfloat16").numpy()
        np.testing.assert_array_equal(one, data[part])


def test_gradients_of_kernels_for_few_pixels_are_float32():
    x, _, _, y, options = draw("whole", 3)  # 16 pixels each
    alike = [
        (
            _core.conv_kernel(x[:n], y[:n], [4, 3], *options, precision="bfloat16").numpy()
            == _core.conv_kernel(x[:n], y[:n], [4, 3], *options).numpy()
        ).all()
        for n in (1, 3)
    ]
    assert alike == [True, True]
    x, y = np.concatenate([x, x]), np.concatenate([y, y])
    mixed = _core.conv_kernel(x, y, [4, 3], *options, precision="bfloat16").numpy()
    exact = _core.conv_kernel(x, y, [4, 3], *options).numpy()
    assert (mixed != exact).any() == HAS_BF16


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("pixel", [(5, 6), (0, 0), (4, 13), (12, 13)])
def test_nan_and_infinity_reach_their_outputs_alone(value, pixel):
    x, w, _, y, options = draw("same", 3)
    row, column = pixel
    reached = np.zeros(y.shape[:3], bool)
    reached[1, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
    for source in (x, y):
        source[1, row, column, 3] = value
    forward = _core.conv(x, w, None, *options, precision="bfloat16").numpy()
    np.testing.assert_array_equal(~np.isfinite(forward).all(-1), reached)
    data = _core.conv_input(y, w, x.shape[1:-1], *options, precision="bfloat16").numpy()
    np.testing.assert_array_equal(~np.isfinite(data).all(-1), reached)
    dw = _core.conv_kernel(x, np.ones_like(y), [3, 3], *options, precision="bfloat16").numpy()
    assert not np.isfinite(dw[1, 1, 3]).any() and np.isfinite(np.delete(dw, 3, axis=2)).all()


def test_small_and_grouped_convolutions_are_float32():
    rng = np.random.default_rng(1)
    for shape, groups in [((2, 9, 9, 15), 1), ((2, 3, 3, 32), 1), ((2, 9, 9, 64), 2)]:
        x = rng.standard_normal(shape).astype(np.float32)
        w = rng.standard_normal((3, 3, shape[-1] // groups, 32)).astype(np.float32)
        np.testing.assert_array_equal(
            _core.conv(x, w, groups=groups, precision="bfloat16").numpy(),
            _core.conv(x, w, groups=groups).numpy(),
        )


def test_empty_batch():
    x, w, bias, y, options = draw("same", 0)
    assert _core.conv(x, w, bias, *options, precision="bfloat16").shape == y.shape
    assert _core.conv_input(y, w, [13, 14], *options, precision="bfloat16").shape == x.shape
    assert not _core.conv_kernel(x, y, [3, 3], *options, precision="bfloat16").numpy().any()
