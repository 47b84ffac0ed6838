"""Elementwise ops over rows of a few elements, as of three channels: many are taken at a time."""

import itertools

import numpy as np
import pytest

import fastdl

# Around the lengths up to which rows are put together, in tiles of 1,024 elements.
INNER = [1, 2, 3, 31, 32, 33, 127, 128, 129, 600]
ROWS = [2, 7, 4099]


def _layouts(rows, inner):
    """Shapes that broadcast to (2, rows, inner)."""
    return [
        (2, rows, inner),
        (rows, inner),
        (inner,),
        (2, 1, inner),
        (2, rows, 1),
        (rows, 1),
        (2, 1, 1),
        (1, 1, 1),
    ]


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("rows", ROWS)
def test_every_pair_of_layouts(rows, inner):
    if rows * inner > 600_000:
        rows = 999
    rng = np.random.default_rng(inner)
    shapes = _layouts(rows, inner)
    operands = {shape: rng.integers(-9, 10, shape).astype(np.float32) for shape in shapes}
    for a, b in itertools.product(shapes, shapes):
        x, y = operands[a], operands[b]
        want = x - y  # of small integers: exact
        got = (fastdl.tensor(x) - fastdl.tensor(y)).numpy()
        np.testing.assert_array_equal(got, want, err_msg=f"{a} - {b}")


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float32"])
@pytest.mark.parametrize("inner", [3, 33, 128])
def test_every_type(dtype, inner):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 90, (2, 501, inner)).astype(dtype)
    for shape in [(inner,), (501, 1), (2, 1, inner)]:
        y = rng.integers(1, 90, shape).astype(dtype)
        np.testing.assert_array_equal((fastdl.tensor(x) * fastdl.tensor(y)).numpy(), x * y)
        np.testing.assert_array_equal((fastdl.tensor(x) < fastdl.tensor(y)).numpy(), x < y)
        np.testing.assert_array_equal((fastdl.tensor(x) // fastdl.tensor(y)).numpy(), x // y)


@pytest.mark.parametrize("inner", [3, 40, 128])
def test_three_operands(inner):
    rng = np.random.default_rng(1)
    condition = rng.random((700, 1)) < 0.5
    x = rng.standard_normal((700, inner)).astype(np.float32)
    y = rng.standard_normal(inner).astype(np.float32)
    got = fastdl.where(fastdl.tensor(condition), fastdl.tensor(x), fastdl.tensor(y)).numpy()
    np.testing.assert_array_equal(got, np.where(condition, x, y))
