"""Gradients of large weights that are never complete in memory.

They are products, and the optimizer computes and uses a few rows at a time. Training must have the
same bits as with complete gradients.
"""

import signal

import numpy as np
import pytest

import fastdl
from fastdl import _core, constraints, layers, models, optimizers
from fastdl.optimizers import optimizer as optimizer_module
from fastdl.optimizers._gradients import Gradients

IN, OUT = 1030, 1020  # more than 2^20 elements, so large; not a multiple of `ROWS` rows
ROWS = 400
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 30)).astype("float32")
Y = RNG.normal(size=(24, 3)).astype("float32")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(optimizer_module, "_PART", ROWS * OUT)


class Tied(layers.Layer):
    """x w w^T: two gradients for one weight."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], OUT))

    def call(self, x):
        return _core.matmul(_core.matmul(x, self.w, False, False), self.w, False, True)


class Factors(layers.Layer):
    """x (a b): the gradient of one weight reads the other."""

    def build(self, input_shape):
        self.a = self.add_weight((input_shape[-1], OUT))
        self.b = self.add_weight((OUT, IN))

    def call(self, x):
        w = _core.matmul(self.a, self.b, False, False)
        return _core.matmul(x, w, False, False)


class Product(layers.Layer):
    """x w, or x w^T, by an operator."""

    def __init__(self, transposed):
        super().__init__()
        self.transposed = transposed

    def build(self, input_shape):
        shape = (input_shape[-1], OUT)
        self.w = self.add_weight(shape[::-1] if self.transposed else shape)

    def call(self, x):
        return _core.matmul(x, self.w, False, self.transposed)


def large(**options):
    return lambda: layers.Dense(OUT, activation="tanh", **options)


def trained(make_optimizer, make_layer, waiting, monkeypatch, batch=8):
    """A model after seven steps (three with batches of 24): eager, recorded and replayed steps."""
    fastdl.manual_seed(1)
    model = models.Sequential([layers.Dense(IN, activation="tanh"), make_layer(), layers.Dense(3)])
    model.compile(make_optimizer(), "mse")
    with monkeypatch.context() as patch:
        if not waiting:
            patch.setattr(optimizers.Optimizer, "_looks_once", lambda self: False)
        model.fit(X, Y, batch_size=batch, epochs=2, verbose=0)
        model.train_on_batch(X[:batch], Y[:batch])
    return model


def touched_rows(model, index=2):
    """The number of rows that were written to the memory for a weight's gradient."""
    return int(np.any(model.optimizer._flat.homes[index].numpy(), 1).sum())


def assert_same(model, other):
    assert len(model.optimizer.variables) == len(other.optimizer.variables)
    for a, b in zip(
        [*model.weights, *model.optimizer.variables],
        [*other.weights, *other.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "adam": optimizers.Adam,
    "amsgrad": lambda: optimizers.Adam(amsgrad=True, weight_decay=0.01),
    "adamw": optimizers.AdamW,
    "rmsprop": lambda: optimizers.RMSprop(momentum=0.5, centered=True),
    "adagrad": optimizers.Adagrad,
    "nadam": optimizers.Nadam,
    "schedule-free": optimizers.ScheduleFreeAdamW,
    "several": lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.Adam())),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "average": lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=3),
}
LAYERS = {
    "dense": large(),
    "constraint": large(kernel_constraint=constraints.MaxNorm(0.5)),
    "product": lambda: Product(False),
    "transposed": lambda: Product(True),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimizer_gives_the_same(make, monkeypatch):
    model = trained(make, large(), True, monkeypatch)
    assert touched_rows(model) == ROWS
    other = trained(make, large(), False, monkeypatch)
    assert touched_rows(other) == IN
    assert_same(model, other)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_every_product_gives_the_same(make, monkeypatch):
    model = trained(optimizers.Adam, make, True, monkeypatch)
    assert touched_rows(model) <= ROWS + 10  # parts of the transposed weight have 396 rows
    assert_same(model, trained(optimizers.Adam, make, False, monkeypatch))


WHOLE = {
    "two gradients": (optimizers.Adam, Tied),
    "gradients that read weights": (optimizers.Adam, Factors),
    "a regularizer's too": (optimizers.Adam, large(kernel_regularizer="orthogonal")),
    "clipnorm": (lambda: optimizers.Adam(clipnorm=0.1), large()),
    "clipvalue": (lambda: optimizers.Adam(clipvalue=0.01), large()),
    "global_clipnorm": (lambda: optimizers.Adam(global_clipnorm=0.1), large()),
    "loss_scale_factor": (lambda: optimizers.Adam(loss_scale_factor=8.0), large()),
    "lamb": (optimizers.Lamb, large()),
    "adafactor": (optimizers.Adafactor, large()),
    "muon": (optimizers.Muon, large()),
    "scaling": (lambda: optimizers.LossScaleOptimizer(optimizers.Adam(), 8.0), large()),
    "accumulation": (lambda: optimizers.Adam(gradient_accumulation_steps=2), large()),
}


@pytest.mark.parametrize(("make", "layer"), WHOLE.values(), ids=WHOLE)
def test_gradients_that_are_needed_as_a_whole_are_made(make, layer, monkeypatch):
    model = trained(make, layer, True, monkeypatch)
    assert touched_rows(model) == IN
    assert_same(model, trained(make, layer, False, monkeypatch))


SEEN = []  # a global: plans do not see its changes


def test_an_optimizer_of_ones_own_sees_whole_gradients(monkeypatch):

    class Plain(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            SEEN.append(gradient.shape)
            self.assign_sub(variable, gradient * learning_rate)

    class Watching(optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            SEEN.extend(g.shape for g in grads)
            super().apply(grads, trainable_variables)

    for make in (lambda: Plain(0.01), Watching):
        SEEN.clear()
        model = trained(make, large(), True, monkeypatch)
        assert (IN, OUT) in SEEN
        assert_same(model, trained(make, large(), False, monkeypatch))


@pytest.mark.filterwarnings("ignore:mixed_bfloat16")  # a CPU without it computes in float32
def test_bfloat16_gives_the_same(monkeypatch):
    """Whether a product is rounded depends on its whole shape.

    The last part has 5 rows; a product of 5 rows would not be rounded. Batches of fewer than 16 are
    not rounded either.
    """
    monkeypatch.setattr(optimizer_module, "_PART", 205 * OUT)
    fastdl.set_dtype_policy("mixed_bfloat16")
    try:
        model = trained(optimizers.Adam, large(), True, monkeypatch, batch=24)
        other = trained(optimizers.Adam, large(), False, monkeypatch, batch=24)
    finally:
        fastdl.set_dtype_policy("float32")
    assert touched_rows(model) == 205
    assert_same(model, other)
    if _core.config()["bfloat16"]:
        exact = trained(optimizers.Adam, large(), True, monkeypatch, batch=24)
        assert any(
            (a.numpy() != b.numpy()).any()
            for a, b in zip(model.weights, exact.weights, strict=True)
        )


def test_ctrl_c_leaves_no_half_of_an_update(monkeypatch):
    updates = []
    update = optimizers.Adam._update

    def interrupted(self, run):
        update(self, run)
        updates.append(run)
        if len(updates) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(optimizers.Adam, "_update", interrupted)
    fastdl.manual_seed(1)
    model = models.Sequential([layers.Dense(IN), layers.Dense(OUT)])
    model.compile("adam", "mse")
    y = np.zeros((8, OUT), "float32")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:8], y, verbose=0)
    assert len(updates) == 5  # two stretches of small weights, and the large kernel in three parts
    assert int(model.optimizer.iterations) == 1

    fastdl.manual_seed(1)
    other = models.Sequential([layers.Dense(IN), layers.Dense(OUT)])
    other.compile("adam", "mse")
    other.fit(X[:8], y, verbose=0)
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


# --- products without an optimizer


def gradients_of(shape, waiting=True, depth=8, w=None):
    """(x, the gradient of sum(cos(x w)) for a w in a flat buffer)."""
    from fastdl._engine.flat import FlatParameters

    w = fastdl.nn.Parameter(RNG.normal(size=shape).astype("float32") / 30)
    flat = FlatParameters([w], "test")
    x = fastdl.tensor(RNG.normal(size=(depth, shape[0])).astype("float32"))
    y = fastdl.sum(fastdl.cos(x @ w))
    sink = Gradients([w], waiting)
    _core.grad_into(sink, [y], [None], [w])
    return x.numpy(), w.numpy(), sink.found[0], flat


def test_rows_of_a_product_are_those_of_the_gradient():
    x, w, g, flat = gradients_of((IN, OUT))
    assert isinstance(g, _core.Product)
    assert g.shape == (IN, OUT)
    assert not flat.homes[0].numpy().any()
    x64, w64 = x.astype("float64"), w.astype("float64")
    expected = x64.T @ -np.sin(x64 @ w64)
    # The argument of the sine is a sum of 1030 terms; the gradient is a sum of 8 terms.
    atol = 1100 * np.finfo("float32").eps * np.abs(x).max()
    np.testing.assert_allclose(g.rows(0, IN).numpy(), expected, rtol=0, atol=atol)
    whole = g.rows(0, IN).numpy()
    for first, count in ((0, 1), (5, 17), (1000, 30), (IN, 0)):
        np.testing.assert_array_equal(g.rows(first, count).numpy(), whole[first : first + count])
    with pytest.raises(IndexError, match=r"shape \(1030, 1020\), got 2 from 1029 on"):
        g.rows(IN - 1, 2)
    with pytest.raises(IndexError, match="from -1 on"):
        g.rows(-1, 2)
    with pytest.raises(IndexError, match="got -1"):
        g.rows(3, -1)


def test_small_gradients_and_too_much_at_once_do_not_wait():
    assert isinstance(gradients_of((100, 100))[2], fastdl.Tensor)
    assert isinstance(gradients_of((IN, OUT), waiting=False)[2], fastdl.Tensor)
    # At most 2^34 operations are delayed: 2 * 1030 * 1020 for each row of x.
    for depth, kind in ((8000, _core.Product), (8200, fastdl.Tensor)):
        assert isinstance(gradients_of((IN, OUT), depth=depth)[2], kind)
