"""Keras's calls without state, state trees, own variables, functions and operations of graphs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

import fastdl
from fastdl import callbacks, initializers, layers, metrics, models, ops, optimizers, regularizers

EPS = float(np.finfo(np.float32).eps)
X = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")
Y = X[:, :1] ** 2


def values(variables):
    return [np.array(v.numpy()) for v in variables]


def same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


class Pair(layers.Layer):
    """Weights in a list, a tuple and a dict."""

    def build(self, shape):
        size = (shape[-1],)
        self.listed = [self.add_weight(shape=size, name="a")]
        self.paired = (self.add_weight(shape=size, name="b"), 3)
        self.named = {"c": self.add_weight(shape=size, name="c")}

    def call(self, x):
        return x * self.listed[0] * self.paired[0] + self.named["c"]


def two_layers():
    x = layers.Input((4,))
    return models.Model(x, layers.Dense(2)(layers.Dense(3)(x)))


LAYERS = [
    lambda: layers.Dense(3, kernel_regularizer="l2"),
    lambda: fastdl.Sequential([layers.Dense(3, activation="relu"), layers.BatchNormalization()]),
    lambda: fastdl.Sequential([layers.Reshape((2, 2)), layers.LSTM(3)]),
    lambda: fastdl.Sequential([layers.Reshape((2, 2, 1)), layers.Conv2D(2, 2)]),
    Pair,
    two_layers,
]


@pytest.mark.parametrize("make", LAYERS)
def test_a_stateless_call_is_a_call_of_a_layer_with_these_weights(make):
    layer, twin = make(), make()
    layer(X), twin(X)
    own, others = values(layer.variables), values(twin.variables)
    given = [fastdl.tensor(w, requires_grad=True) for w in values(twin.trainable_variables)]
    y, state, losses = layer.stateless_call(
        given, values(twin.non_trainable_variables), X, training=True, return_losses=True
    )
    expected = twin(X, training=True)
    np.testing.assert_array_equal(y.detach().numpy(), expected.detach().numpy())
    same(state, values(twin.non_trainable_variables))
    same(values(layer.variables), own)
    same(losses, [loss.detach() for loss in twin.losses])
    sum([(y * y).sum(), *losses]).backward()
    sum([(expected * expected).sum(), *twin.losses]).backward()
    for one, other in zip(given, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), rtol=8 * EPS, atol=1e-6)
    assert all(w.grad is None for w in layer.trainable_variables)
    assert len(others) == len(own)


def test_a_stateless_call_with_its_own_weights_and_plain_arrays():
    layer = layers.Dense(3)
    layer.build((None, 4))
    arrays = layer.get_weights()
    for given in (layer.trainable_variables, arrays):
        y, state = layer.stateless_call(given, [], X)
        np.testing.assert_array_equal(y.detach().numpy(), layer(X).detach().numpy())
        assert state == []
    y, _ = layer.stateless_call(layer.trainable_variables, [], X)
    y.sum().backward()
    assert layer.kernel.grad is not None


def test_a_failed_call_leaves_the_weights():
    layer = Pair()
    layer(X)
    before = layer.listed[0], layer.paired, layer.named["c"]
    with pytest.raises((ValueError, RuntimeError)):
        layer.stateless_call([np.ones(4, "float32")] * 3, [], np.ones((2, 3), "float32"))
    assert (layer.listed[0], layer.paired, layer.named["c"]) == before
    assert isinstance(layer.listed[0], fastdl.Variable)


def test_a_custom_loop_of_jax_form_trains_like_fit():
    def make():
        fastdl.utils.set_random_seed(3)
        model = fastdl.Sequential(
            [
                layers.Input((4,)),
                layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
                layers.BatchNormalization(),
                layers.Dense(1),
            ]
        )
        model.compile(optimizers.Adam(0.01), "mse")
        return model

    reference, model = make(), make()
    for _ in range(3):
        reference.train_on_batch(X, Y)
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    trained = model.trainable_variables
    fixed = model.non_trainable_variables
    state = optimizer.variables
    loss_of = fastdl.losses.MeanSquaredError()
    start = values(model.variables)
    for _ in range(3):
        trained = [fastdl.tensor(np.array(w.detach().numpy()), requires_grad=True) for w in trained]
        y, fixed, losses = model.stateless_call(
            trained, fixed, X, training=True, return_losses=True
        )
        sum([loss_of(Y, y), *losses]).backward()
        trained, state = optimizer.stateless_apply(state, [w.grad for w in trained], trained)
    same(values(model.variables), start)
    found = [*trained, *fixed]
    wanted = [*reference.trainable_variables, *reference.non_trainable_variables]
    for one, other in zip(found, wanted, strict=True):
        # The penalty's gradient is added in another order.
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=64 * EPS, atol=64 * EPS)


def test_stateless_metrics():
    for metric, batches in (
        (metrics.Mean(), [(X,), (Y,)]),
        (metrics.MeanSquaredError(), [(Y, Y * 2), (Y, Y + 1)]),
        (metrics.AUC(num_thresholds=7), [(Y > 1, np.float32(Y < 2) * 0.7)]),
    ):
        state = metric.stateless_reset_state()
        before = values(metric.variables)
        for batch in batches:
            state = metric.stateless_update_state(state, *batch)
        found = metric.stateless_result(state)
        same(values(metric.variables), before)
        for batch in batches:
            metric.update_state(*batch)
        np.testing.assert_array_equal(found.numpy(), metric.result().numpy())
        assert metric.dtype == "float32"
    with pytest.raises(ValueError, match="metric_variables: expected 2 values, got 1"):
        metrics.Mean().stateless_result([0.0])


def test_stateless_loss_of_a_model():
    model = fastdl.Sequential([layers.Input((4,)), layers.Dense(1, kernel_regularizer="l2")])
    model.compile("sgd", "mse", metrics=["mae"])
    model.train_on_batch(X, Y)
    others = [w * 2 for w in model.get_weights()]
    y = model.stateless_call(others, [], X)[0]
    before = values(model.metrics_variables)
    loss, (trained, fixed, state) = model.stateless_compute_loss(
        others, [], values(model.metrics_variables), x=X, y=Y, y_pred=y
    )
    plain = ((Y - X @ others[0] - others[1]) ** 2).mean() + 0.01 * (others[0] ** 2).sum()
    assert loss.item() == pytest.approx(plain, rel=16 * EPS)
    assert len(trained) == 2 and fixed == [] and len(state) == len(before)
    same(values(model.metrics_variables), before)


def test_state_trees_go_out_and_in():
    def make():
        model = fastdl.Sequential(
            [
                layers.Input((4,)),
                layers.Dense(2, name="one"),
                layers.BatchNormalization(name="two"),
            ],
            name="net",
        )
        model.compile(optimizers.Adam(name="adam"), "mse", metrics=["mae"])
        return model

    one, other = make(), make()
    one.fit(X, X[:, :2], verbose=0)
    other.fit(X, X[:, :2] * 2, verbose=0)
    tree = one.get_state_tree("numpy_array")
    assert set(tree["trainable_variables"]["net"]) == {"one", "two"}
    assert set(tree["non_trainable_variables"]["net"]["two"]) == {"moving_mean", "moving_variance"}
    assert set(tree["metrics_variables"]) == {"loss", "mean_absolute_error"}  # as in Keras
    paths = [v.path for v in (*one.optimizer.variables[:3], *one.metrics_variables[:2])]
    assert paths == [
        *("adam/iteration", "adam/learning_rate", "adam/net_one_kernel_momentum"),
        *("loss/total", "loss/count"),
    ]
    other.set_state_tree(tree)
    same(values(other.variables), values(one.variables))
    same(values(other.optimizer.variables), values(one.optimizer.variables))
    same(values(other.metrics_variables), values(one.metrics_variables))
    kept = values(other.variables)
    with pytest.raises(ValueError, match="there is no variable 'net/one/none'"):
        other.set_state_tree(
            {"trainable_variables": {"net": {"one": {"bias": [9.0, 9.0], "none": 1.0}}}}
        )
    same(values(other.variables), kept)
    one.get_state_tree()["trainable_variables"]["net"]["one"]["bias"].fill_(7.0)
    same(values(one.variables), kept)


def test_own_variables_go_out_and_in():
    one, other = layers.Dense(2), layers.Dense(2)
    one.build((None, 4)), other.build((None, 4))
    store = {}
    one.save_own_variables(store)
    other.load_own_variables(store)
    assert list(store) == ["0", "1"]
    same(other.get_weights(), one.get_weights())
    with pytest.raises(ValueError, match="expected 2 values"):
        other.load_own_variables({"0": store["0"]})
    optimizer = optimizers.Adam()
    optimizer.build(one.trainable_variables)
    optimizer.apply([np.ones((4, 2), "float32"), np.ones(2, "float32")])
    store = {}
    optimizer.save_own_variables(store)
    twin = optimizers.Adam()
    twin.build(other.trainable_variables)
    twin.load_own_variables(store)
    same(values(twin.variables), values(optimizer.variables))


def test_names_of_layers():
    layer = layers.Dense(2, name="one")
    assert layer.path is None and layers.Dense.input_spec is None
    weight = layer.add_variable((3,), "ones", name="w")
    assert weight.path == "one/w" and layer.metrics_variables == []
    assert layer.symbolic_call(layers.Input((4,))).shape == (None, 2)
    with pytest.raises(ValueError, match="symbolic_call"):
        layer.symbolic_call(X)
    assert models.Model.jit_compile.fget(None) is False
    model = models.Sequential([layers.Dense(1)])
    for value in (True, "auto", None, False):
        model.jit_compile = value
        assert model.jit_compile is False
    with pytest.raises(ValueError, match=r"jit_compile: expected 'auto', True, .* got 'yes'"):
        model.jit_compile = "yes"
    assert initializers.STFTInitializer is initializers.stft is initializers.STFT
    assert regularizers.orthogonal_regularizer is regularizers.OrthogonalRegularizer
    assert fastdl.version() == fastdl.__version__


# --- functions and operations of graphs


def test_a_function_computes_its_graph():
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    dense = layers.Dense(2)
    function = fastdl.Function({"a": a, "b": b}, [dense(a) + ops.sum(b), a * b], name="f")
    found = function({"a": X, "b": X * 2})
    expected = (dense(X) + X.sum() * 2).detach().numpy()
    np.testing.assert_allclose(found[0].detach().numpy(), expected, rtol=16 * EPS)
    np.testing.assert_array_equal(found[1].numpy(), X * X * 2)
    assert function.layers and function.compute_output_shape({"a": (3, 4), "b": (3, 4)})[1] == (
        3,
        4,
    )
    with pytest.raises(ValueError, match="function 'f': "):
        function({"a": X})


class Scaled(fastdl.Operation):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def test_an_operation_stands_in_a_graph():
    x = layers.Input((4,))
    operation = Scaled(3.0, name="triple")
    model = models.Model(x, operation(layers.Dense(2)(x)))
    expected = (model.layers[-1](X) * 3.0).detach().numpy()
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)
    np.testing.assert_array_equal(operation(X).numpy(), X * 3.0)
    assert operation.name == "triple"
    with pytest.raises(NotImplementedError, match=r"Operation has no call"):
        fastdl.Operation()(X)


def test_a_function_of_tensors_that_no_input_made():
    a, b = (fastdl.KerasTensor((2, 3)) for _ in range(2))
    y = [(a + b) * 3, (a + b) ** 2]
    function = fastdl.Function([a, b], y)
    ones = np.ones((2, 3))
    assert [t.numpy()[0, 0] for t in function([ones, ones])] == [6.0, 4.0]
    others = [fastdl.KerasTensor((2, 3)) for _ in range(2)]
    again = fastdl.Function(others, function(others))
    assert [t.numpy()[0, 0] for t in again([ones, ones * 0])] == [3.0, 1.0]
    with pytest.raises(ValueError, match="an output needs the input"):
        fastdl.Function([a], y)


def test_the_first_call_of_an_operation():
    class Sum(fastdl.Operation):
        def call(self, x, y):
            return x + y, x

    operation = Sum()
    with pytest.raises(AttributeError, match="was not called on symbolic tensors"):
        operation.input  # noqa: B018
    x, y = layers.Input((2,)), layers.Input((2,))
    found = operation(x, y=y)
    operation(y, x)
    assert operation.input == [x, y] and operation.output == list(found)
    with pytest.raises(ValueError, match="name: expected a text without '/'"):
        Sum(name="a/b")


@fastdl.saving.register_keras_serializable("tests")
class Affine(fastdl.Operation):
    def __init__(self, factor, *, shift=1.0, name=None):
        super().__init__(name=name)
        self.factor, self.shift = factor, shift

    def call(self, x):
        return x * self.factor + self.shift


class WithConfig(Scaled):
    def get_config(self):
        return {**super().get_config(), "factor": 3.0}


class Nameless(fastdl.Operation):
    def __init__(self, size=2):
        super().__init__()


class Many(fastdl.Operation):
    def __init__(self, *sizes):
        super().__init__()


def test_configs_of_operations():  # those of Keras 3.15.1
    operation = Affine(0.5, name="half")
    assert operation.get_config() == {"factor": 0.5, "shift": 1.0, "name": "half"}
    again = Affine.from_config(operation.get_config())
    assert again.get_config() == operation.get_config()
    assert Scaled(2.0, name="s").get_config() == {"factor": 2.0, "name": "s"}
    assert WithConfig([1], name="w").get_config() == {"factor": 3.0, "name": "w"}
    assert Nameless().get_config() == {"size": 2}
    for unknown in (Affine(object()), Many(1, 2)):
        with pytest.raises(NotImplementedError, match="needs a get_config"):
            unknown.get_config()


def test_a_model_with_an_operation_can_be_saved(tmp_path):
    x = layers.Input((4,))
    model = models.Model(x, layers.Dense(2)(Affine(3.0, name="triple")(x)))
    expected = model(X).numpy()
    for name in ("m.fastdl", "m.keras"):
        model.save(tmp_path / name)
        np.testing.assert_array_equal(models.load_model(tmp_path / name)(X).numpy(), expected)
    twin = models.clone_model(model)
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(X).numpy(), expected)


def test_what_needs_values_is_every_error_of_keras():
    x = fastdl.KerasTensor((2,))
    for kind in (TypeError, ValueError, NotImplementedError):
        for use in (np.array, list, float, ops.convert_to_numpy):
            with pytest.raises(kind, match="needs the values of a tensor"):
                use(x)


# --- sending logs


def test_remote_monitor_sends_the_logs():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((self.path, self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        root = f"http://127.0.0.1:{server.server_port}"
        model = fastdl.Sequential([layers.Dense(1)])
        model.compile("sgd", "mse")
        for as_json in (True, False):
            monitor = callbacks.RemoteMonitor(root, headers={"X-Key": "k"}, send_as_json=as_json)
            model.fit(X, Y, epochs=1, verbose=0, callbacks=[monitor])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [path for path, _, _ in got] == ["/publish/epoch/end/"] * 2 and got[0][1] == "k"
    sent = [json.loads(got[0][2]), json.loads(parse_qs(got[1][2])["data"][0])]
    assert all(logs["epoch"] == 0 and logs["loss"] > 0 for logs in sent)
    with pytest.warns(UserWarning, match="could not send"):
        callbacks.RemoteMonitor("http://127.0.0.1:9").on_epoch_end(0, {"loss": np.ones(1)})
