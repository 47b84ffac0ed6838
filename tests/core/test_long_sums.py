"""Products whose sums are long, and subnormal numbers in them."""

from __future__ import annotations

import numpy as np
import pytest

import fastdl
from fastdl import nn

LONG = 50176  # a weight gradient of a convolution: 16 images of 56 x 56
# Relative to the rms of the result. With equal terms, blocks of 1,024 of k round by less than
# 1,024 / 2 half units in the last place (3e-5), and the sum of 49 blocks by 49 / 2 (1.5e-6). With
# other terms the error is far smaller.
MOST = 3e-5

TERMS = {
    "normal": lambda rng, shape: rng.standard_normal(shape, dtype=np.float32),
    "relu": lambda rng, shape: np.maximum(rng.standard_normal(shape, dtype=np.float32), 0),
    "constant": lambda rng, shape: np.full(shape, 0.1, np.float32),
}


def error(result, exact) -> float:
    """The largest error, relative to the rms of the exact values."""
    return float(np.abs(np.asarray(result) - exact).max() / np.sqrt(np.mean(exact**2)))


@pytest.fixture(params=TERMS)
def terms(request):
    rng = np.random.default_rng(0)
    return lambda *shape: TERMS[request.param](rng, shape)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(request.param)
    yield request.param
    fastdl.set_num_threads(before)


@pytest.mark.parametrize("m, n", [(1, 1), (1, 40), (3, 5), (27, 16), (64, 70)])
@pytest.mark.parametrize("layout", range(4))
def test_products(m, n, layout, terms, threads) -> None:
    transpose_a, transpose_b = bool(layout & 1), bool(layout & 2)
    a, b = terms(m, LONG), terms(LONG, n)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    left, right = (
        fastdl.tensor(a.T.copy() if transpose_a else a),
        fastdl.tensor(b.T.copy() if transpose_b else b),
    )
    left = left.T if transpose_a else left
    right = right.T if transpose_b else right
    assert error(left @ right, exact) < MOST


def test_batched(terms, threads) -> None:
    a, b = terms(3, 2, LONG), terms(3, LONG, 5)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert error(fastdl.tensor(a) @ fastdl.tensor(b), exact) < MOST


def test_vectors(threads) -> None:
    for value in (0.1, 0.3, 0.7, 1.1):
        x = np.full(4_000_000, value, np.float32)
        exact = np.float64(x[0]) ** 2 * len(x)
        # 3,907 blocks: a sum of equal blocks rounds by at most half as many units.
        assert abs(float(fastdl.dot(fastdl.tensor(x), fastdl.tensor(x))) / exact - 1) < 1.5e-4


@pytest.mark.parametrize("keras", [False, True])
def test_gradients_of_linear(keras, terms, threads) -> None:
    x, g = terms(LONG, 27), terms(LONG, 16)
    layer = nn.Linear(27, 16)
    if keras:
        layer = fastdl.layers.Dense(16)
        layer.build((None, 27))
    weight, bias = (layer.kernel, layer.bias) if keras else (layer.weight, layer.bias)
    (layer(fastdl.tensor(x)) * fastdl.tensor(g)).sum().backward()
    exact = x.astype(np.float64).T @ g.astype(np.float64)
    assert error(weight.grad, exact if keras else exact.T) < MOST
    assert error(bias.grad, g.astype(np.float64).sum(0)) < MOST


def test_prediction(terms, threads) -> None:
    """From the third prediction on the weight is packed. The results are the same."""
    x, w = terms(8, LONG), terms(LONG, 17)
    model = fastdl.Sequential([fastdl.layers.Dense(17, use_bias=False)])
    model.build((None, LONG))
    model.layers[0].set_weights([w])
    predictions = [model.predict_on_batch(x) for _ in range(5)]
    assert error(predictions[0], x.astype(np.float64) @ w.astype(np.float64)) < MOST
    for p in predictions[1:]:
        np.testing.assert_array_equal(p, predictions[0])


def test_threads_do_not_show() -> None:
    rng = np.random.default_rng(0)
    before = fastdl.get_num_threads()
    a, b = (
        rng.standard_normal((20, 30_000), np.float32),
        rng.standard_normal((30_000, 9), np.float32),
    )
    results = []
    try:
        for threads in (1, 2, 3, 7):
            fastdl.set_num_threads(threads)
            results.append((fastdl.tensor(a) @ fastdl.tensor(b)).numpy())
    finally:
        fastdl.set_num_threads(before)
    for r in results[1:]:
        np.testing.assert_array_equal(r, results[0])


# --- subnormals: zeros in products, but not in elementwise ops

LEAST = np.float32(2.0**-126)  # normal


def test_products_flush_subnormals(threads) -> None:
    tiny = np.full((40, 40), LEAST / 2, np.float32)
    one = np.eye(40, dtype=np.float32)
    for m in (1, 4, 40):
        left = fastdl.tensor(tiny[:m])
        assert not (left @ fastdl.tensor(one)).numpy().any(), "operands"
        assert not (fastdl.tensor(one[:m]) @ fastdl.tensor(tiny).T).numpy().any(), "operands"
        small = fastdl.tensor(np.full((m, 40), 2.0**-70, np.float32))
        assert not (small @ small.T).numpy().any(), "products"
    y = nn.functional.linear(fastdl.zeros((4, 40)), fastdl.tensor(one), fastdl.tensor(tiny[0]))
    assert not y.numpy().any(), "the bias of a product"


def test_elementwise_ops_keep_subnormals(threads) -> None:
    x = fastdl.tensor(np.full(100_000, LEAST / 4, np.float32))
    w = fastdl.ones((64, 64))
    for _ in range(3):
        w @ w  # its threads flush subnormals
        for y, expected in (
            (x + x, LEAST / 2),
            (x * 0.5, LEAST / 8),
            (fastdl.relu(x), LEAST / 4),
            (x.abs(), LEAST / 4),
        ):
            np.testing.assert_array_equal(y.numpy(), np.full(100_000, expected, np.float32))


def test_subnormals_in_a_plan() -> None:
    """A replay gives the results of an eager step, in products and in other ops."""
    rng = np.random.default_rng(0)
    x = np.ldexp(rng.standard_normal((32, 40)), rng.integers(-135, -60, (32, 40))).astype(
        np.float32
    )

    class Small(fastdl.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = fastdl.layers.Dense(50, "relu"), fastdl.layers.Dense(9)

        def call(self, x):
            return self.outer(self.inner(x) * 2.0**-60) + x.sum() * 0.5

    model = Small()
    eager = model(fastdl.tensor(x)).numpy()
    for _ in range(5):
        np.testing.assert_array_equal(model.predict_on_batch(x), eager)
