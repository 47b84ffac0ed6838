"""Products and training with unusual memory layouts, and sizes that are no multiples of blocks."""

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models, nn

U = 2.0**-24  # the largest relative change of a number by one rounding to float32


def at_an_odd_byte(a):
    return np.frombuffer(b"-" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def backwards(a):
    return np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]


def with_gaps(a):
    wide = np.full((2 * a.shape[0], 3 * a.shape[1]), np.nan, a.dtype)
    wide[::2, ::3] = a
    return wide[::2, ::3]


def swapped_bytes(a):
    return a.astype(a.dtype.newbyteorder(">"))


# The same values in other forms. test_core_tensor.py tests their conversion to tensors.
LAYOUTS = [
    at_an_odd_byte,
    read_only,
    backwards,
    with_gaps,
    np.asfortranarray,
    swapped_bytes,
    np.float64,
]
PRIMES = [(2, 3, 5), (7, 13, 11), (1, 997, 3), (4, 211, 1), (101, 131, 127), (29, 3, 307)]
EMPTY = [(0, 5, 3), (3, 0, 5), (4, 7, 0), (0, 0, 0)]


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def test_layouts_are_what_they_say():
    a = normal(5, 7)
    for change in LAYOUTS:
        np.testing.assert_array_equal(change(a), a)
    assert at_an_odd_byte(a).ctypes.data % 2 == 1 and not at_an_odd_byte(a).flags.aligned
    assert backwards(a).strides < (0, 0) and with_gaps(a).strides == (2 * 84, 12)


def check_product(got, a, b, more=0, offset=0.0):
    """Each element is a sum of k products: k roundings, and one more if the products are rounded.

    So its error is at most (k + 1) U times the sum of the products' magnitudes (Higham 2002,
    section 3.1). `more` counts further roundings of the result.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    size = np.abs(a) @ np.abs(b) + np.abs(offset)
    roundings = (a.shape[1] + 1 + more) * U
    assert got.shape == size.shape and got.dtype == np.float32
    assert (np.abs(got - (a @ b + offset)) <= roundings / (1 - roundings) * size).all()


@pytest.mark.parametrize("change", LAYOUTS)
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_products(change, transpose_a, transpose_b):
    for m, k, n in PRIMES + EMPTY:
        a, b = normal(m, k), normal(k, n, seed=1)
        left, right = (a.T if transpose_a else a), (b.T if transpose_b else b)
        got = _core.matmul(change(left.copy()), change(right.copy()), transpose_a, transpose_b)
        check_product(got.numpy(), a, b)
        if not (transpose_a or transpose_b):
            same = (fastdl.tensor(change(a)) @ change(b)).numpy()
            np.testing.assert_array_equal(same, got.numpy())


@pytest.mark.parametrize("change", LAYOUTS)
def test_layers(change):
    for m, k, n in [*PRIMES, (0, 5, 3)]:
        x, w, bias = normal(m, k), normal(k, n, seed=1), normal(n, seed=2)
        dense, linear = layers.Dense(n), nn.Linear(k, n)
        dense.build((None, k))
        dense.set_weights([change(w), bias])
        linear.load_state_dict({"weight": change(w.T.copy()), "bias": bias})
        for got in (dense(change(x)), linear(fastdl.tensor(change(x)))):
            check_product(got.detach().numpy(), x, w, more=1, offset=bias.astype(np.float64))


def regression():
    model = models.Sequential([layers.Input((13,)), layers.Dense(3)])
    model.compile(fastdl.optimizers.SGD(0.5), "mse")
    model.set_weights([normal(13, 3, seed=5), normal(3, seed=6)])
    return model


def test_a_step_of_training_against_float64():
    x, y = normal(31, 13), normal(31, 3, seed=1)
    model = regression()
    (w, b), rate, count = (a.astype(np.float64) for a in model.get_weights()), 0.5, 31 * 3
    model.fit(x, y, batch_size=31, verbose=0)
    error = x @ w + b - y
    # A prediction is a sum of 13 products and a bias. A gradient is a sum of 31 products of it,
    # scaled by two roundings; then a product with the rate and a difference.
    size = np.abs(x) @ np.abs(w) + np.abs(b) + np.abs(y)
    scale = rate * 2 / count
    for got, before, factor in zip(
        model.get_weights(), (w, b), (x.astype(np.float64), np.ones((31, 1))), strict=True
    ):
        want = before - scale * (factor.T @ error).reshape(before.shape)
        bound = np.abs(factor).T @ (16 * U * size + 36 * U * np.abs(error))
        bound = scale * bound.reshape(before.shape) + 2 * U * (np.abs(before) + np.abs(want))
        assert (np.abs(got - want) <= 1.01 * bound).all()


@pytest.mark.parametrize("change", LAYOUTS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_training_and_predictions(change, shuffle):
    """61 samples in batches of 7: the last one has 5."""
    x, y = normal(61, 13), normal(61, 3, seed=1)

    def trained(x, y):
        fastdl.manual_seed(0)
        model = regression()
        model.fit(x, y, batch_size=7, epochs=3, shuffle=shuffle, verbose=0)
        calls = [model.predict(x, batch_size=7, verbose=0) for _ in range(2)]
        return [
            *model.get_weights(),
            *calls,
            *(model.predict_on_batch(x) for _ in range(4)),
            model.train_on_batch(x, y),
            model.evaluate(x, y, batch_size=7, verbose=0),
        ]

    odd = change(x), change(y)
    for got, want in zip(trained(*odd), trained(x, y), strict=True):
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(odd[0], x)
    np.testing.assert_array_equal(odd[1], y)
