"""keras.ops.custom_gradient and jvp, and Fourier transforms of complex numbers."""

import numpy as np
import pytest

import fastdl
from fastdl import layers, ops

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def leaf(values):
    return fastdl.tensor(values, requires_grad=True)


@ops.custom_gradient
def log1pexp(x):
    e = ops.exp(x)

    def grad(*args, upstream=None):  # the form of Keras's documentation
        if upstream is None:
            (upstream,) = args
        return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

    return ops.log(1 + e), grad


def test_a_gradient_of_its_own():
    x = leaf([100.0, 1.0, -2.0])
    y = log1pexp(x)
    np.testing.assert_allclose(y.numpy()[1:], np.logaddexp(0, [1.0, -2.0]), rtol=1e-6)
    (first,) = fastdl.autograd.grad(y.sum(), [x], create_graph=True)
    sigmoid = 1 / (1 + np.exp(-np.array([100.0, 1.0, -2.0])))
    np.testing.assert_allclose(first.numpy(), sigmoid, rtol=1e-6)
    # What grad() computes from e depends on x.
    (second,) = fastdl.autograd.grad(first[1:].sum(), [x])
    np.testing.assert_allclose(second.numpy()[1:], (sigmoid * (1 - sigmoid))[1:], rtol=1e-5)


def test_without_gradients_it_is_the_function():
    assert not log1pexp(fastdl.ones(2)).requires_grad
    with fastdl.no_grad():
        assert not log1pexp(leaf([1.0])).requires_grad
    assert log1pexp([0.0]).numpy() == pytest.approx(np.log(2))


def _nested(upstream):
    return [upstream["s"] * 2, None], upstream["t"][0] * 3


def _by_position(s, t):
    return s * 2, t * 3


def test_structures_of_arguments_and_outputs():
    @ops.custom_gradient
    def f(pair, c, scale=1.0):
        return {"s": pair[0] * c * scale, "t": [pair[1] + c]}, _nested

    a, b, c = leaf([1.0]), leaf([2.0]), leaf([3.0])
    found = f([a, b], c, scale=5.0)
    assert found["s"].tolist() == [15.0] and found["t"][0].tolist() == [5.0]
    (found["s"] * 10 + found["t"][0] * 100).sum().backward()
    assert (a.grad.tolist(), b.grad, c.grad.tolist()) == ([20.0], None, [300.0])


@pytest.mark.parametrize(
    "grad",
    [
        lambda up: (up[0] * 2, up[1] * 3),
        lambda *args, upstream: (upstream[0] * 2, upstream[1] * 3 + 0 * args[0]),
        _by_position,
    ],
)
def test_forms_of_the_gradient(grad):
    a, b = leaf([1.0, 1.0]), leaf([2.0, 2.0])
    one, two = ops.custom_gradient(lambda x, y: ((x * y, x + y), grad))(a, b)
    (one * 10 + two * 100).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([20.0] * 2, [300.0] * 2)


def test_an_output_without_a_gradient_gives_zeros_and_one_tensor_may_be_given_twice():
    a = leaf([1.0])
    double = ops.custom_gradient(lambda x, y: ((x, y * 2), lambda up: (up[0] * 3, up[1] + 5)))
    double(a, a)[0].sum().backward()
    assert a.grad.tolist() == [8.0]


def test_any_number_of_arguments():
    many = [leaf([float(i)]) for i in range(40)]

    @ops.custom_gradient
    def total(*xs):
        return sum(xs), lambda up: [up * i for i in range(len(xs))]

    total(*many).sum().backward()
    assert [x.grad.item() for x in many] == list(range(40))


def test_integers_among_the_arguments():
    @ops.custom_gradient
    def take(x, i):
        return ops.take(x, i, axis=0), lambda up: (fastdl.full((3,), 2.0) * up, None)

    x = leaf([1.0, 2.0, 3.0])
    take(x, fastdl.tensor(1)).backward()
    assert x.grad.tolist() == [2.0] * 3


class Reversed(layers.Layer):
    """The gradient with another sign and a factor: a gradient reversal layer."""

    factor = 2.0

    def call(self, x):
        @ops.custom_gradient
        def reverse(x):
            return x, lambda up: up * -self.factor

        return reverse(x)


@pytest.mark.parametrize("eager", [True, False])
def test_within_steps_of_fit(eager):
    layer, head = layers.Dense(2), layers.Dense(1)
    model = fastdl.Sequential([layers.Input((3,)), layer, Reversed(), head])
    model.compile(fastdl.optimizers.SGD(0.1), "mse", run_eagerly=eager)
    w, b, v, c = (np.float64(a) for a in model.get_weights())
    y = X[:, :1]
    model.fit(X, y, batch_size=8, epochs=5, shuffle=False, verbose=0)
    x = np.float64(X)
    for _ in range(5):
        h = x @ w + b
        d = 2 * (h @ v + c - y) / 8
        e = -2.0 * d @ v.T
        w, b, v, c = w - 0.1 * x.T @ e, b - 0.1 * e.sum(0), v - 0.1 * h.T @ d, c - 0.1 * d.sum(0)
    for found, wanted in zip(model.get_weights(), (w, b, v, c), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_plan_notices_another_factor():
    layer = Reversed()

    @fastdl.plan
    def gradient(x):
        x = fastdl.reshape(x, x.shape)
        x.requires_grad = True
        return fastdl.autograd.grad(layer(x).sum(), [x])[0]

    for _ in range(4):
        assert gradient(fastdl.ones(2)).tolist() == [-2.0] * 2
    layer.factor = 3.0
    assert gradient(fastdl.ones(2)).tolist() == [-3.0] * 2


def test_a_tensor_that_is_no_argument_is_an_error():
    w = fastdl.Variable([2.0], name="scale")
    f = ops.custom_gradient(lambda x: (x * w, lambda up: up))
    with pytest.raises(ValueError, match=r"no argument \(scale\)"):
        f(leaf([1.0]))
    with pytest.raises(ValueError, match="no argument"):
        f(fastdl.ones(1))
    computed = w * 2
    with pytest.raises(ValueError, match="no argument"):
        ops.custom_gradient(lambda x: (x * computed, lambda up: up))(leaf([1.0]))
    stopped = ops.custom_gradient(lambda x: (x * ops.stop_gradient(w), lambda up: up))
    assert stopped(leaf([1.0])).tolist() == [2.0]
    x = leaf([1.0])
    middle = x * 3  # an argument that was computed
    ops.custom_gradient(lambda m: (m * m, lambda up: up * 7))(middle).backward()
    assert x.grad.tolist() == [21.0]


@pytest.mark.parametrize(
    ("grad", "message"),
    [
        (lambda up: (up, up, up), "for each of 2 arguments, got 3"),
        (lambda up: up, "for each of 2 arguments, got 1"),
        (lambda up: (up, fastdl.ones(3)), r"of shape \(1,\), got \(3,\)"),
    ],
)
def test_wrong_gradients(grad, message):
    y = ops.custom_gradient(lambda a, b: (a * b, grad))(leaf([1.0]), leaf([2.0]))
    with pytest.raises(RuntimeError, match=message):
        y.backward()


def test_wrong_functions():
    with pytest.raises(TypeError, match=r"expected a pair \(output, grad_fn\)"):
        ops.custom_gradient(lambda x: x)(leaf([1.0]))
    with pytest.raises(TypeError, match="custom_gradient: f"):
        ops.custom_gradient(3)


# --- jvp


def test_jvp():
    a, b, da, db = X[0], X[1], X[2], X[3]

    def f(a, b):
        return {"s": a * b, "t": (ops.sin(a),)}

    values, derivatives = ops.jvp(f, (a, b), (da, db))
    np.testing.assert_allclose(values["s"].numpy(), a * b, rtol=1e-6)
    np.testing.assert_allclose(derivatives["s"].numpy(), da * b + a * db, rtol=1e-5)
    np.testing.assert_allclose(derivatives["t"][0].numpy(), np.cos(a) * da, rtol=1e-5)


def test_jvp_with_more_results():
    value, derivative, aux = ops.jvp(
        lambda p: (p["x"] ** 2, "more"), [{"x": 3.0}], [{"x": 2.0}], True
    )
    assert (value.item(), derivative.item(), aux) == (9.0, 12.0, "more")


def test_jvp_can_be_differentiated():
    """d/dw of d/dx (w x)^2 = 2 w^2 x, as in networks that solve differential equations."""
    w = fastdl.Variable(3.0)
    _, derivative = ops.jvp(lambda x: (w * x) ** 2, (2.0,), (1.0,))
    assert derivative.item() == pytest.approx(36)
    derivative.backward()
    assert w.grad.item() == pytest.approx(24)


def test_wrong_arguments_of_jvp():
    with pytest.raises(TypeError, match="primals: expected a tuple or list"):
        ops.jvp(ops.sin, 1.0, (1.0,))
    with pytest.raises(ValueError, match=r"tangents: .*\[\(\)\], got \[\(2,\)\]"):
        ops.jvp(ops.sin, (1.0,), (np.ones(2),))
    with pytest.raises(ValueError, match="expected fun to return a pair"):
        ops.jvp(ops.sin, (1.0,), (1.0,), has_aux=True)


# --- complex numbers as pairs


@pytest.mark.parametrize("shape", [(1,), (2,), (5,), (8,), (2, 3, 12), (3, 509), (2, 1024)])
def test_transforms_of_complex_signals(shape):
    rng = np.random.default_rng(1)
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    pair = (z.real.astype("float32"), z.imag.astype("float32"))
    wanted = np.fft.fft(z)
    real, imag = ops.fft(pair)
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(real.numpy() + 1j * imag.numpy(), wanted, atol=2e-6 * scale)


@pytest.mark.parametrize("shape", [(1, 1), (4, 6), (2, 5, 7), (300, 4)])
def test_transforms_of_images(shape):
    rng = np.random.default_rng(2)
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    pair = (z.real.astype("float32"), z.imag.astype("float32"))
    for function, reference in ((ops.fft2, np.fft.fft2), (ops.ifft2, np.fft.ifft2)):
        wanted = reference(z)
        real, imag = function(pair)
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(real.numpy() + 1j * imag.numpy(), wanted, atol=2e-6 * scale)


def test_gradients_and_symbols_of_transforms():
    real, imag = leaf(X), leaf(X[::-1].copy())
    (a, b) = ops.fft2((real, imag))
    (fastdl.sum(a * a) + fastdl.sum(b * b)).backward()  # Parseval: 2 n x
    np.testing.assert_allclose(real.grad.numpy(), 2 * 24 * X, rtol=1e-4, atol=1e-4)
    x = layers.Input((4, 6))
    assert [y.shape for y in ops.ifft2((x, x))] == [(None, 4, 6)] * 2


def test_wrong_pairs():
    with pytest.raises(ValueError, match=r"fft: x: expected .real part, imaginary part"):
        ops.fft(X)
    with pytest.raises(ValueError, match="at least 2 axes"):
        ops.fft2((X[0], X[0]))
    with pytest.raises(ValueError, match="not empty"):
        ops.ifft2((np.ones((0, 3)), np.ones((0, 3))))


def test_view_as_real():
    z = np.array([[1 + 2j, -3j]])
    assert ops.view_as_real(z).tolist() == [[[1.0, 2.0], [0.0, -3.0]]]
    assert ops.view_as_real([np.inf, 2]).tolist() == [[np.inf, 0.0], [2.0, 0.0]]
    assert ops.view_as_real(layers.Input((3,))).shape == (None, 3, 2)


def test_cdist():
    a, b = X[:5].reshape(1, 5, 3), np.stack([X[5:], X[:3]])
    wanted = np.linalg.norm(np.float64(a)[:, :, None] - b[:, None], axis=-1)
    np.testing.assert_allclose(ops.cdist(a, b).numpy(), wanted, rtol=1e-5)
    assert ops.cdist([[1], [4]], [[1]]).tolist() == [[0.0], [3.0]]
    assert ops.cdist(layers.Input((4, 3)), layers.Input((6, 3))).shape == (None, 4, 6)
    for wrong in (([1.0], [[1.0]]), ([[1.0]], [[1.0, 2.0]])):
        with pytest.raises(ValueError, match="cdist: expected"):
            ops.cdist(*wrong)
