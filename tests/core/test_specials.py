"""NaN and infinity propagate as in IEEE 754: in all instruction sets, eager and in plans."""

import math

import numpy as np
import pytest
from trainings import make_data, make_model

import fastdl
from fastdl import _core, layers, losses, models, ops, optim, optimizers

INF, NAN = float("inf"), float("nan")
SIZES = (1, 2, 7, 16, 33, 70)  # below, at and above the sizes of vectors


@pytest.fixture(params=_core.runnable_isas(), autouse=True)
def isa(request):
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


def both(function, *arrays):
    """The result of an eager call. A plan gives the same bits."""
    tensors = [fastdl.tensor(a) for a in arrays]
    want = function(*tensors).numpy().copy()
    plan = fastdl.plan(function)
    for other in (0, 0, 1):  # recorded with other values
        got = plan(*(t if other else t * 0.0 for t in tensors)).numpy()
    assert got.tobytes() == want.tobytes()
    return want


def with_specials():
    """Ordinary numbers with one NaN or infinity at the first, a middle or the last place."""
    for n in SIZES:
        for value in (NAN, INF, -INF):
            for at in sorted({0, n // 2, n - 1}):
                x = np.resize(np.float32([0.5, -1.5, 0.25]), n)
                x[at] = value
                yield x


# Elementwise functions with NumPy's function of that name, or with the definition.
ELEMENTS = {
    "relu": (ops.relu, lambda x: np.maximum(x, 0)),
    "leaky_relu": (ops.leaky_relu, None),
    "maximum": (lambda x: ops.maximum(x, -1.0), lambda x: np.maximum(x, -1)),
    "maximum, right": (lambda x: ops.maximum(fastdl.ones(()), x), lambda x: np.maximum(1, x)),
    "minimum": (lambda x: ops.minimum(x, 0.3), lambda x: np.minimum(x, np.float32(0.3))),
    "clip": (lambda x: ops.clip(x, -1, 0.3), lambda x: np.clip(x, -1, np.float32(0.3))),
    "sigmoid": (ops.sigmoid, None),
    "tanh": (ops.tanh, None),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements(name):
    function, reference = ELEMENTS[name]
    for x in with_specials():
        y = both(function, x)
        np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
        if reference is not None:
            np.testing.assert_array_equal(y, reference(x))


def test_slopes_of_infinities():
    assert both(ops.leaky_relu, np.float32([INF, -INF])).tolist() == [INF, -INF]
    assert both(ops.sigmoid, np.float32([INF, -INF])).tolist() == [1, 0]
    assert both(ops.tanh, np.float32([INF, -INF])).tolist() == [1, -1]


@pytest.mark.parametrize("name", ["max", "min", "sum", "mean"])
@pytest.mark.parametrize("axis", [0, 1])
def test_reductions(name, axis):
    for line in with_specials():
        x = np.stack([line, np.ones_like(line), -line], 1 - axis)
        got = both(lambda t: getattr(_core, name)(t, [axis], False), x)
        want = getattr(np, name)(x, axis)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_array_equal(got[~np.isfinite(want)], want[~np.isfinite(want)])
        assert np.isfinite(got[1])


def test_rows_of_softmax_and_cross_entropy():
    """A NaN or +infinity makes its row NaN for every label. -infinity has no effect."""
    for line in with_specials():
        x = np.stack([line, np.ones_like(line)])
        n = len(line)
        bad = n == 1 or line.min() != -INF
        for label in sorted({0, n - 1}):
            labels = np.array([label, label])
            p = both(lambda t: fastdl.softmax(t, -1), x)
            one_hot = np.eye(n, dtype=np.float32)[labels]
            loss = both(lambda t, q=labels: losses.sparse_categorical_crossentropy(q, t, True), x)
            dense = both(lambda t, q=one_hot: losses.categorical_crossentropy(q, t, True), x)
            assert np.isnan(p[0]).all() == np.isnan(p[0]).any() == bad
            assert np.isnan(loss[0]) == bad
            assert np.isnan(dense[0]) or not bad
            assert np.isfinite(p[1]).all() and np.isfinite(loss[1]) and np.isfinite(dense[1])
            if not bad:
                assert (loss[0] == INF) == (line[label] == -INF)
                assert p[0][line == -INF].tolist() == [0]


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("shape", [(1, 5, 1), (3, 4, 7), (37, 19, 53), (2, 600, 31)])
def test_products(shape, transpose_a, transpose_b):
    """Compared with sums of products: 0 * inf and inf - inf are NaN, and no term is skipped."""
    m, k, n = shape
    rng = np.random.default_rng(0)
    for value in (NAN, INF, -INF):
        a, b = rng.integers(-2, 3, (m, k)), rng.integers(-2, 3, (k, n))
        a, b = a.astype(np.float32), b.astype(np.float32)
        a[m // 2, k - 1] = b[k // 2, n - 1] = value
        with np.errstate(invalid="ignore"):
            # Without a BLAS, since it may skip zeros. Sums of whole numbers are exact.
            want = (a[:, :, None] * b[None]).sum(1)
        a, b = (a.T.copy() if transpose_a else a), (b.T.copy() if transpose_b else b)
        got = both(lambda a, b: _core.matmul(a, b, transpose_a, transpose_b), a, b)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
def test_layers_with_their_activation(activation):
    x = np.ones((5, 11), np.float32)
    x[3, 10] = NAN
    layer = layers.Dense(21, activation=activation)
    layer(x)  # builds it
    assert np.isnan(both(lambda t: layer(t), x)).tolist() == [[i == 3] * 21 for i in range(5)]


OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: optimizers.Adam(0.1),
    "AMSGrad": lambda: optimizers.Adam(0.1, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.1),
    "RMSprop": lambda: optimizers.RMSprop(0.1, centered=True, momentum=0.9),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adamax": lambda: optimizers.Adamax(0.1),
    "Nadam": lambda: optimizers.Nadam(0.1),
    "Adadelta": lambda: optimizers.Adadelta(0.1),
    "Ftrl": lambda: optimizers.Ftrl(0.1),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.1),
    "clipvalue": lambda: optimizers.Adam(0.1, clipvalue=0.5),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_carry_nan_and_hurt_nobody_else(name):
    for n in SIZES:
        for at in sorted({0, n // 2, n - 1}):
            optimizer = OPTIMIZERS[name]()
            v, g = fastdl.Variable(np.ones(n, np.float32)), np.ones(n, np.float32)
            g[at] = NAN
            optimizer.apply([fastdl.tensor(g)], [v])
            optimizer.apply([fastdl.tensor(np.ones(n, np.float32))], [v])  # the NaN is in its state
            assert np.isnan(v.numpy()).tolist() == [i == at for i in range(n)]


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("value", [NAN, INF])
def test_a_norm_that_is_none_is_seen(clip, value):
    """The norm is NaN or infinite. The bad element becomes NaN and is not lost."""
    optimizer, v = optimizers.SGD(0.1, **{clip: 1.0}), fastdl.Variable(np.ones(3, np.float32))
    optimizer.apply([fastdl.tensor([1.0, value, 1.0])], [v])
    assert math.isnan(v.numpy()[1])


def test_torch_updates_carry_nan():
    for make in (
        optim.SGD,
        optim.Adam,
        optim.AdamW,
        optim.RMSprop,
        optim.Adagrad,
        optim.Adamax,
        optim.NAdam,
        optim.RAdam,
        optim.Adadelta,
        optim.Rprop,
        optim.ASGD,
    ):
        p = fastdl.ones(35, requires_grad=True)
        optimizer = make([p], lr=0.1)
        p.grad = fastdl.tensor(np.where(np.arange(35) == 33, np.float32(NAN), np.float32(1)))
        optimizer.step()
        assert np.flatnonzero(np.isnan(p.detach().numpy())).tolist() == [33]


@pytest.mark.parametrize("eager", [False, True])
def test_training_on_a_nan_is_seen(eager):
    x, y = make_data(64)
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    assert np.isfinite(model.predict(x, verbose=0)).all()
    x[63, 5] = NAN
    assert np.isnan(model.predict(x, verbose=0)).any(1).tolist() == [i == 63 for i in range(64)]
    assert math.isnan(model.evaluate(x, y, verbose=0))
    history = model.fit(x, y, batch_size=16, shuffle=False, verbose=0).history
    assert math.isnan(history["loss"][0])
    assert np.isnan(model.get_weights()[-1]).all()


def test_a_model_of_one_layer_multiplies_zero_by_infinity():
    model = models.Sequential([layers.Input((2,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.set_weights([np.float32([[1, 0], [0, 1]]), np.zeros(2, np.float32)])
    x = np.float32([[INF, 1], [2, 3]])
    for _ in range(4):
        np.testing.assert_array_equal(model.predict_on_batch(x), [[INF, NAN], [2, 3]])
