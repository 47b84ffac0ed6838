"""Names that Keras programs use besides layers: operations in graphs, conversions, randomness."""

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops, random, utils

EPS = float(np.finfo(np.float32).eps)


# --- operations on the tensors of a graph

X = fastdl.Input((4, 6), name="x")


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: ops.mean(x, axis=-1, keepdims=True), (None, 4, 1)),
        (lambda x: fastdl.sum(x, axis=(1, 2)), (None,)),
        (lambda x: ops.concatenate([x, ops.relu(x)], axis=1), (None, 8, 6)),
        (lambda x: ops.stack([x, x], axis=1), (None, 2, 4, 6)),
        (lambda x: ops.transpose(x, (0, 2, 1)), (None, 6, 4)),
        (lambda x: ops.reshape(x, (-1, 24)), (None, 24)),
        (lambda x: ops.expand_dims(x, axis=-1), (None, 4, 6, 1)),
        (lambda x: ops.squeeze(x[:, :1], axis=1), (None, 6)),
        (lambda x: ops.matmul(x, np.ones((6, 2), np.float32)), (None, 4, 2)),
        (lambda x: ops.where(x > 0, x, 0.0), (None, 4, 6)),
        (lambda x: ops.one_hot(ops.argmax(x, axis=-1), 6), (None, 4, 6)),
        (lambda x: ops.split(x, 3, axis=2)[1], (None, 4, 2)),
        (lambda x: ops.softmax(ops.square(x) - 1.0, axis=-1), (None, 4, 6)),
    ],
)
def test_operations_stand_in_a_graph(function, shape):
    output = function(X)
    assert output.shape == shape
    model = models.Model(X, output)
    values = np.random.default_rng(0).standard_normal((3, 4, 6)).astype(np.float32)
    expected = function(fastdl.tensor(values)).numpy()
    np.testing.assert_array_equal(model.predict(values, verbose=0), expected)
    for twin in (models.clone_model(model), models.Model.from_config(model.get_config())):
        np.testing.assert_array_equal(twin.predict(values, verbose=0), expected)


def test_models_of_operations_train():
    x = layers.Input((5,))
    hidden = layers.Dense(8)(x)
    hidden = ops.concatenate([ops.relu(hidden), ops.mean(hidden, axis=-1, keepdims=True)], axis=-1)
    model = models.Model(x, layers.Dense(1)(hidden))
    model.compile("adam", "mse")
    data = np.random.default_rng(0).standard_normal((64, 5)).astype(np.float32)
    losses = model.fit(data, data[:, :1], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_errors_of_operations_in_a_graph_are_their_own():
    with pytest.raises(IndexError, match="axis 7"):
        ops.mean(X, axis=7)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        ops.expand_dims(X)
    with pytest.raises(TypeError, match="expected numbers"):
        ops.relu("x")


@pytest.mark.parametrize(
    "call",
    [
        lambda k, x: k.split(x, 2, axis=1)[1],
        lambda k, x: k.split(x, [1, -1], axis=1)[1],
        lambda k, x: k.repeat(x, 2, axis=1),
        lambda k, x: k.flip(x, axis=-1),
        lambda k, x: k.flip(x, axis=(0, 1)),
        lambda k, x: k.roll(x, 1, axis=1),
        lambda k, x: k.sort(x, axis=0),
    ],
)
def test_axis_means_what_it_means_in_numpy(call):
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_array_equal(call(ops, x).numpy(), call(np, x))


def test_parts_must_be_of_one_size():
    with pytest.raises(ValueError, match="an axis of size 4 can't be cut into 3 equal parts"):
        ops.split(np.ones((2, 4)), 3, axis=1)


# --- questions and conversions


def test_questions_and_conversions():
    assert ops.shape(X) == (None, 4, 6)
    assert ops.shape([[1.0, 2.0]]) == (1, 2)
    assert ops.ndim(X) == 3
    assert ops.size(np.ones((3, 4))) == 12
    assert ops.ravel([[1, 2], [3, 4]]).tolist() == [1, 2, 3, 4]
    assert ops.moveaxis(fastdl.zeros(2, 3, 4), 0, -1).shape == (3, 4, 2)
    assert [t.tolist() for t in ops.top_k([1.0, 3.0, 2.0], 2)] == [[3.0, 2.0], [1, 2]]
    w = fastdl.Parameter(fastdl.ones(2))
    assert not ops.stop_gradient(w * 2).requires_grad
    assert ops.convert_to_tensor([1, 2], dtype="float32").dtype == "float32"
    array = ops.convert_to_numpy(w)
    array[0] = 7.0
    assert w.tolist() == [1.0, 1.0]
    assert ops.zeros((2, 3)).shape == (2, 3)
    assert ops.ones_like(w).tolist() == [1.0, 1.0]
    assert not hasattr(ops, "no_such_operation")


def test_names_at_the_top_level():
    assert fastdl.keras is fastdl  # `tf.keras`, where tf is fastdl
    assert fastdl.Loss is fastdl.losses.Loss
    assert fastdl.Metric is fastdl.metrics.Metric
    assert fastdl.Optimizer is fastdl.optimizers.Optimizer
    assert fastdl.Initializer is fastdl.initializers.Initializer
    assert fastdl.Regularizer is fastdl.regularizers.Regularizer
    assert fastdl.InputSpec is layers.InputSpec
    assert fastdl.backend.floatx() == "float32"
    assert utils.Sequence is utils.PyDataset
    assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
    assert utils.pack_x_y_sample_weight(1, 2) == (1, 2)


# --- random numbers

DRAWS = {
    "normal": lambda seed: random.normal((4000,), 1.0, 2.0, seed=seed),
    "truncated": lambda seed: random.truncated_normal((4000,), 1.0, 2.0, seed=seed),
    "uniform": lambda seed: random.uniform((4000,), -1.0, 3.0, seed=seed),
    "randint": lambda seed: random.randint((4000,), -2, 5, seed=seed),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("seed", [None, 5, random.SeedGenerator(5)], ids=["none", "int", "object"])
def test_distributions(name, seed):
    fastdl.manual_seed(0)
    x = DRAWS[name](seed).numpy().astype(np.float64)
    # A normal distribution that is cut at two deviations has a deviation of 0.8796.
    deviation = {"normal": 2.0, "truncated": 2 * 0.8796, "uniform": 4 / 12**0.5, "randint": 2.0}
    # Five standard errors of the mean of 4000 values; that of the deviation is smaller.
    assert x.mean() == pytest.approx(1.0, abs=5 * deviation[name] / 4000**0.5)
    assert x.std() == pytest.approx(deviation[name], abs=5 * deviation[name] / 4000**0.5)
    low, high = {
        "normal": (-np.inf, np.inf),
        "truncated": (-3, 5),
        "uniform": (-1, 3),
        "randint": (-2, 4),
    }[name]
    assert x.min() >= low and x.max() <= high


def test_seeds():
    fastdl.manual_seed(3)
    generator = random.SeedGenerator(1)
    stream = [random.normal((4,), seed=generator).tolist() for _ in range(2)]
    assert stream[0] != stream[1]
    assert random.normal((4,), seed=random.SeedGenerator(1)).tolist() == stream[0]
    unseeded = random.normal((4,)).tolist()
    fastdl.manual_seed(3)
    assert random.normal((4,)).tolist() == unseeded  # the library's stream did not change
    assert random.uniform((4,), seed=9).tolist() == random.uniform((4,), seed=9).tolist()
    assert random.SeedGenerator(**generator.get_config()).seed == 1
    for wrong in ("a", -1, 1.5, True):
        with pytest.raises(
            ValueError, match="seed: expected an integer of at least 0, a SeedGenerator or None"
        ):
            random.normal((2,), seed=wrong)


def test_dropout_and_shuffle():
    x = np.ones((100, 50), np.float32)
    y = random.dropout(x, 0.2, seed=1).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / np.float32(0.8)}
    # Five standard errors, sqrt(0.2 * 0.8 / 5000), of 5000 draws with probability 0.2.
    assert (y == 0).mean() == pytest.approx(0.2, abs=5 * (0.16 / 5000) ** 0.5)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1)).numpy()
    assert (rows == rows[:, :1]).all()
    shuffled = random.shuffle(np.arange(20.0).reshape(10, 2), seed=2).numpy()
    assert sorted(shuffled[:, 0]) == list(range(0, 20, 2))
    assert (shuffled[:, 1] - shuffled[:, 0] == 1).all()
    assert sorted(random.shuffle(np.arange(6), axis=0).tolist()) == list(range(6))


def test_steps_that_draw_numbers_are_recorded():
    class Noisy(layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = random.SeedGenerator(7)

        def call(self, x):
            return x + random.normal(ops.shape(x), stddev=0.1, seed=self.generator)

    def train(eager):
        fastdl.manual_seed(4)
        model = models.Sequential([layers.Input((5,)), Noisy(), layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eager)
        return model.fit(x, x[:, :1], 16, 3, verbose=0).history["loss"]

    x = np.random.default_rng(0).standard_normal((64, 5)).astype(np.float32)
    assert train(True) == train(False)


def test_ops_by_kind():
    """`keras.ops.nn` and `keras.ops.numpy` have those functions that Keras lists there."""
    assert ops.nn.relu is ops.relu and ops.numpy.mean is ops.mean
    assert "softmax" in dir(ops.nn) and "softmax" not in dir(ops.numpy)
    assert len(dir(ops.nn)) >= 50 and len(dir(ops.numpy)) >= 200
    for module, name in ((ops.nn, "mean"), (ops.numpy, "softmax"), (ops.numpy, "cast")):
        with pytest.raises(AttributeError, match=rf"'fastdl.ops.\w+' has no attribute '{name}'"):
            getattr(module, name)
