"""Convolutions: the same bits for any number of threads, instruction set and batch."""

import numpy as np
import pytest

from fastdl import _core

# sizes of x with the batch, channels in and out, kernel, strides, low, high, groups
SHAPES = {
    "few channels": ((5, 21, 19), 3, 40, [3, 3], [1, 1], [1, 1], [1, 1], 1),
    "one channel": ((9, 33, 10), 1, 33, [10, 4], [2, 2], [4, 1], [5, 2], 1),
    "many": ((4, 18, 17), 48, 70, [3, 3], [1, 1], [1, 1], [1, 1], 1),
    "strided": ((4, 18, 17), 20, 24, [3, 3], [2, 2], [0, 0], [1, 1], 1),
    "pointwise": ((3, 31, 29), 40, 50, [1, 1], [1, 1], [0, 0], [0, 0], 1),
    "narrow pointwise": ((3, 31, 29), 7, 7, [1, 1], [1, 1], [0, 0], [0, 0], 1),
    "groups": ((4, 18, 17), 32, 24, [3, 3], [1, 1], [1, 1], [1, 1], 4),
    "depthwise": ((9, 33, 34), 70, 70, [3, 3], [1, 1], [1, 1], [1, 1], 70),
    "depthwise strided": ((9, 33, 34), 24, 24, [3, 3], [2, 2], [0, 0], [1, 1], 24),
    "depthwise small images": ((300, 3, 4), 40, 40, [3, 3], [1, 1], [1, 1], [1, 1], 40),
    "depthwise long rows": ((2, 5000), 9, 9, [9], [1], [4], [4], 9),
    "multiplied": ((9, 33, 34), 24, 48, [3, 3], [1, 1], [1, 1], [1, 1], 24),
}


def results(shape, batch=None):
    """The output, the gradient of the input and that of the kernel."""
    (n, *sizes), cin, cout, kernel, strides, low, high, groups = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, *sizes, cin)).astype(np.float32)[:batch]
    w = _core.tensor(rng.standard_normal((*kernel, cin // groups, cout)).astype(np.float32))
    options = (strides, low, high, [1] * len(kernel), groups)
    x = _core.tensor(x)
    y = _core.conv(x, w, None, *options)
    dx = _core.conv_input(y, w, sizes, *options)
    return [np.asarray(t) for t in (y, dx, _core.conv_kernel(x, y, kernel, *options))]


@pytest.fixture
def settings():
    before = _core.config()["isa"], _core.num_threads()
    yield
    _core.select_isa(before[0])
    _core.set_num_threads(before[1])


@pytest.mark.parametrize("id", SHAPES)
def test_bits(id, settings):
    for isa in _core.config()["isas"]:
        _core.select_isa(isa)
        _core.set_num_threads(1)
        first = results(SHAPES[id])
        for threads in (2, 3):
            _core.set_num_threads(threads)
            for a, b in zip(first, results(SHAPES[id]), strict=True):
                np.testing.assert_array_equal(a, b)
        for a, b in zip(first[:2], results(SHAPES[id], batch=1), strict=False):
            np.testing.assert_array_equal(a[:1], b)
        if isa == "avx2":
            with_fma = first
        elif isa == "avx512":
            for a, b in zip(first, with_fma, strict=True):
                np.testing.assert_array_equal(a, b)
