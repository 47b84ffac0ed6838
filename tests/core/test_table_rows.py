"""An embedding's gradient as the rows that were read: the same bits, and only they are touched."""

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models, optimizers
from fastdl.optimizers._gradients import Gradients

WORDS, WIDTH, BATCH, LENGTH = 1500, 20, 8, 6
RNG = np.random.default_rng(0)
X = RNG.integers(1, 40, (7 * BATCH, LENGTH)).astype("int32")  # few words, so that they repeat
Y = RNG.normal(size=(7 * BATCH, 1)).astype("float32")


def trained(make_optimizer, rows, monkeypatch, x=X, make=None, **table):
    """A model after seven steps: eager, recorded and replayed ones."""
    fastdl.manual_seed(1)
    make = make or layers.Embedding
    model = models.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            make(WORDS, WIDTH, name="words", **table),
            layers.LSTM(5),
            layers.Dense(1),
        ]
    )
    model.compile(make_optimizer(), "mse")
    with monkeypatch.context() as patch:
        if not rows:
            patch.setattr(Gradients, "__init__", without_rows)
        model.fit(x, Y, batch_size=BATCH, epochs=2, verbose=0)
        model.train_on_batch(x[:BATCH], Y[:BATCH])
    return model


def without_rows(self, variables, parts, rows=(), make=Gradients.__init__):
    make(self, variables, parts)


def state(model):
    return [t.numpy() for t in (*model.weights, *model.optimizer.variables)]


def was_dense(model):
    return model.optimizer._flat.homes[0].numpy().any()


def several():
    """Plain SGD for the table, Adam for the rest."""
    by_layer = optimizers.OptimizerMap(default_optimizer=optimizers.Adam())
    by_layer[".*words.*"] = optimizers.SGD(0.1)
    return optimizers.MultiOptimizer(by_layer)


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "average": lambda: optimizers.SGD(0.1, use_ema=True),
    "several": several,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_bits_as_all_rows(name, monkeypatch):
    found = trained(OPTIMIZERS[name], True, monkeypatch)
    wanted = trained(OPTIMIZERS[name], False, monkeypatch)
    assert not was_dense(found) and was_dense(wanted)
    for a, b in zip(state(found), state(wanted), strict=True):
        np.testing.assert_array_equal(a, b)
    if name == "average":  # in the end all weights become their averages, which rounds
        return
    moved = found.layers[0].embeddings.numpy()
    start = trained(lambda: optimizers.SGD(0.0), True, monkeypatch).layers[0].embeddings.numpy()
    assert sorted(np.flatnonzero((moved != start).any(1))) == sorted(set(X.ravel().tolist()))


def test_a_constraint_acts_on_the_whole_table(monkeypatch):
    options = {"embeddings_constraint": fastdl.constraints.MaxNorm(0.1, axis=1)}
    found = trained(OPTIMIZERS["sgd"], True, monkeypatch, **options)
    wanted = trained(OPTIMIZERS["sgd"], False, monkeypatch, **options)
    assert not was_dense(found)
    for a, b in zip(state(found), state(wanted), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (np.linalg.norm(found.layers[0].embeddings.numpy(), axis=1) < 0.1001).all()


DENSE = {
    "adam": (optimizers.Adam, {}),
    "rmsprop": (optimizers.RMSprop, {}),
    "momentum": (lambda: optimizers.SGD(0.1, momentum=0.9), {}),
    "decay": (lambda: optimizers.SGD(0.1, weight_decay=0.1), {}),
    "clip": (lambda: optimizers.SGD(0.1, global_clipnorm=1.0), {}),
    "accumulated": (lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2), {}),
    "penalty": (lambda: optimizers.SGD(0.1), {"embeddings_regularizer": "l2"}),
}


@pytest.mark.parametrize("name", DENSE)
def test_all_rows_where_the_rule_changes_all(name, monkeypatch):
    make_optimizer, options = DENSE[name]
    assert was_dense(trained(make_optimizer, True, monkeypatch, **options))


def test_all_rows_where_many_were_read(monkeypatch):
    x = RNG.integers(1, WORDS, (7 * BATCH, WORDS // BATCH)).astype("int32")
    assert was_dense(trained(OPTIMIZERS["sgd"], True, monkeypatch, x=x))


def sunk(loss, inputs, rows):
    sink = Gradients(inputs, False, rows)
    _core.grad_into(sink, [loss], [None], inputs)
    return sink.found


def table(words=10, width=3):
    return fastdl.nn.Parameter(RNG.normal(size=(words, width)).astype("float32"))


def test_a_sink_gets_rows():
    w = table()
    ids = fastdl.tensor([[3, 5], [3, 0]])
    (rows,) = sunk(fastdl.sum(fastdl.sin(_core.embedding(w, ids))), [w], [0])
    assert isinstance(rows, _core.Rows) and rows.ids.tolist() == ids.tolist()
    np.testing.assert_allclose(rows.values.numpy(), np.cos(w.detach().numpy())[ids], rtol=1e-6)


@pytest.mark.parametrize("use", ["twice", "elsewhere", "unwanted", "own values"])
def test_a_sink_gets_the_whole_where_rows_are_not_all(use):
    w, v = table(), table(2)
    ids = fastdl.tensor([3, 0])
    y = _core.embedding(w, ids)
    if use == "twice":
        y = y + _core.embedding(w, ids)
    loss = fastdl.sum(y * 2.0)
    if use == "elsewhere":
        loss = loss + fastdl.sum(w)
    if use == "own values":  # the rows of the gradient are the memory of another weight
        found = Gradients([w, v], False, [0])
        _core.grad_into(found, [y], [v.detach()], [w, v])
        assert isinstance(found.found[0], fastdl.Tensor)
        np.testing.assert_array_equal(found.found[0].numpy()[[3, 0]], v.detach().numpy())
        return
    (whole,) = sunk(loss, [w], [] if use == "unwanted" else [0])
    expected = np.zeros((10, 3)) + (use == "elsewhere")
    expected[[3, 0]] += 4 if use == "twice" else 2
    np.testing.assert_array_equal(whole.numpy(), expected)


def test_bad_numbers_of_rows():
    w = table()
    with pytest.raises(IndexError, match="grad_into: rows: expected numbers of 1 inputs, got 3"):
        sunk(fastdl.sum(w), [w], [3])


def test_apply_takes_rows_and_rows_without_ids():
    w = fastdl.Variable(np.ones((10, 3), "float32"))
    ids = fastdl.tensor(np.zeros((0,), "int64"))
    optimizer = optimizers.SGD(0.5)
    optimizer.build([w])
    found = sunk(fastdl.sum(_core.embedding(w, ids)) + 0.0, [w], [0])
    optimizer.apply(found, [w])
    assert (w.numpy() == 1).all()
    found = sunk(fastdl.sum(_core.embedding(w, fastdl.tensor([4, 4]))), [w], [0])
    optimizer.apply(found, [w])
    assert w.numpy()[:, 0].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]
