"""Refused input with a clear error, and state after an interrupt."""

import importlib
import importlib.util
import signal
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, metrics, nn, optim
from fastdl._base import notices

T = fastdl.tensor


@pytest.fixture(autouse=True)
def nothing_said():
    """Each test gives the warnings that are given once per process."""
    before = set(notices._said)
    notices._said.clear()
    yield
    notices._said.update(before)


# --- Ctrl-C


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that signal")
def test_an_interrupted_step_is_whole(monkeypatch):
    """With gradients of -1 and a rate of 1, each weight is the number of its steps."""
    weights = [nn.Parameter(fastdl.zeros(n)) for n in (3, 5000)]
    optimizer = optim.SGD([{"params": [w]} for w in weights], lr=1.0)
    for w in weights:
        w.grad = fastdl.full(w.shape, -1.0)
    optimizer.step()

    def interrupt(number, frame):
        raise KeyboardInterrupt

    dropped = []  # Python ignores interrupts within the callback of a weak reference
    monkeypatch.setattr(sys, "unraisablehook", lambda event: dropped.append(event.exc_type))
    before = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        for i in range(200):
            try:
                signal.setitimer(signal.ITIMER_REAL, (50 + 7 * i) * 1e-6)
                for _ in range(10_000):
                    optimizer.step()
            except KeyboardInterrupt:
                interrupts += 1
            steps = [engine.counts_array.tolist() for engine in optimizer._engines]
            assert [[w.numpy().min(), w.numpy().max()] for w in weights] == [2 * s for s in steps]
            assert steps[0] == steps[1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert set(dropped) <= {KeyboardInterrupt}
    assert interrupts + len(dropped) == 200


def test_no_signal_handler_is_left():
    before = signal.getsignal(signal.SIGINT)
    linear = nn.Linear(2, 2)
    linear(fastdl.ones(1, 2)).sum().backward()
    optim.SGD(linear.parameters(), lr=0.1).step()
    assert signal.getsignal(signal.SIGINT) is before


# --- refused input


def test_numpy_integers_are_sizes():
    n = np.prod((2, 3))
    inputs = layers.Input(shape=(n,))
    x = layers.Reshape((np.int64(2), np.int32(3)))(layers.Dense(np.int64(6))(inputs))
    x = layers.Flatten()(layers.Softmax(axis=np.int64(-1))(x))
    x = layers.RepeatVector(np.int64(2))(x)
    model = fastdl.Model(inputs, x)
    assert model.predict(np.ones((3, 6), "f4"), verbose=0).shape == (3, 2, 6)
    assert layers.Input(batch_shape=(np.int64(4), 3)).shape == (4, 3)
    layer = layers.Layer()
    assert layer.add_weight(shape=n).shape == (6,)
    assert fastdl.zeros(n).shape == fastdl.ones(6).reshape(n).shape == (6,)
    data = fastdl.data.TensorDataset(fastdl.zeros(6, 2))
    assert len(fastdl.data.DataLoader(data, batch_size=np.int64(4))) == 2


def test_tables_of_pandas():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "bool": [True, False, True],
            "float": [0.5, 1.5, 2.5],
            "nullable": pd.array([1, None, 3], "Int64"),
            "object": np.array([1, 2.5, True], object),
        }
    )
    from fastdl.models.data_conversion import to_tensors

    expected = [[1, 1, 0.5, 1, 1], [2, 0, 1.5, np.nan, 2.5], [3, 1, 2.5, 3, 1]]
    np.testing.assert_array_equal(to_tensors("x", table).numpy(), expected)
    dummies = pd.get_dummies(pd.Series(["a", "b", "a"]))
    np.testing.assert_array_equal(to_tensors("x", dummies).numpy(), [[1, 0], [0, 1], [1, 0]])
    assert to_tensors("y", table["int"]).dtype == "int64"
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(table[["int", "bool"]], table["float"], verbose=0)
    table["name"] = ["a", "b", "c"]
    with pytest.raises(
        ValueError, match=r"x: .* unknown \['float', 'nullable', 'object', 'name'\]"
    ):
        model.fit(table, table["float"], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"validation_split": "0.2"}, ValueError, r"validation_split: expected a number"),
        ({"validation_freq": 0}, ValueError, r"validation_freq: expected an integer of at least 1"),
        ({"validation_freq": "often"}, ValueError, r"validation_freq: expected an integer"),
        ({"validation_data": iter(())}, ValueError, r"fit: validation_data yielded no batch"),
    ],
)
def test_arguments_of_fit(arguments, error, message):
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(error, match=message):
        model.fit(np.ones((8, 2), "f4"), np.ones((8, 1), "f4"), verbose=0, **arguments)


def test_a_validation_generator_that_is_used_up():
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((8, 2), "f4"), np.ones((8, 1), "f4")
    with pytest.warns(UserWarning, match=r"fit: validation_data is used up"):
        history = model.fit(x, y, validation_data=iter([(x, y)]), epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3 and len(history.history["val_loss"]) == 1
    assert repr(history) == "<History of 3 epochs: loss, val_loss>"


def test_thresholds_without_end():
    with pytest.raises(
        ValueError, match=r"AUC: num_thresholds: expected an integer from 2 to 1000000"
    ):
        metrics.AUC(num_thresholds=2**63)


def test_deep_sequential_models_are_built_in_linear_time(monkeypatch):
    from fastdl.models import sequential

    made = []
    graph = sequential.Graph
    monkeypatch.setattr(sequential, "Graph", lambda *a: made.append(1) or graph(*a))
    model = fastdl.Sequential([layers.Input((2,)), *(layers.Activation("relu") for _ in range(50))])
    assert len(made) == 1
    assert model(fastdl.ones(1, 2)).shape == (1, 2)


def test_layers_lists_layers():
    assert not {"Any", "annotations"} & set(dir(layers))
    assert {"Dense", "Input", "get"} <= set(dir(layers))


# --- arrays over copies made by indexing: a write would be lost


@pytest.mark.parametrize(
    "array",
    [
        lambda x: x[0].numpy(),
        lambda x: np.asarray(x[1:]),
        lambda x: x.T.numpy(),
        lambda x: next(iter(x)).numpy(),
        lambda x: x.split(1)[0].numpy(),
        lambda x: x.expand(2, 2, 3).numpy(),
    ],
)
def test_an_array_over_a_copy_that_indexing_made_is_read_only(array):
    x = fastdl.zeros(2, 3)
    with pytest.raises(ValueError, match="read-only"):
        array(x)[...] = 3
    own = array(x).copy()
    own[...] = 3
    x.numpy()[0] = 5  # shared
    x.view(3, 2).numpy()[2] = 7
    assert x.tolist() == [[5, 5, 5], [0, 7, 7]]
    own = x[0].clone().numpy()
    own[...] = 1
    assert x[0].tolist() == [5, 5, 5]


# --- sparse matrices


class Sparse:
    """The common attributes of the classes of scipy.sparse."""

    shape = (4, 3)

    def tocsr(self):
        return self

    def toarray(self):
        return np.ones(self.shape, "float32")

    def __getitem__(self, rows):
        return self

    def __iter__(self):
        return iter([self] * 4)


def sparse_matrices():
    yield Sparse()
    if importlib.util.find_spec("scipy"):
        sparse = importlib.import_module("scipy.sparse")
        for name in ("csr_matrix", "coo_matrix", "csc_array", "lil_matrix", "dok_matrix"):
            yield getattr(sparse, name)(np.ones((4, 3), "float32"))


@pytest.mark.parametrize("x", [*sparse_matrices()], ids=lambda x: type(x).__name__)
def test_sparse_matrices_are_refused_with_the_way_out(x):
    model = fastdl.Sequential([layers.Dense(1)])
    for call in (lambda: model(x), lambda: layers.Dense(1)(x)):
        with pytest.raises(TypeError, match=r"inputs: .* a sparse matrix .*pass inputs\.toarray"):
            call()
    with pytest.raises(TypeError):
        fastdl.tensor(x)
