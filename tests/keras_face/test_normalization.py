"""Normalizing layers: values of Keras over several batches, state, and special inputs."""

import json
import signal
import sys
from pathlib import Path

import normalization_cases as cases
import numpy as np
import pytest
from trainings import EPS, assert_same

import fastdl
from fastdl import _core, layers, models, ops

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import keras_files

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/normalization.json").read_text("utf-8"))


def assert_close(actual, expected, factor):
    """Within `factor` roundings of the largest value."""
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0))
    actual = np.asarray(actual).reshape(-1)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=factor * EPS * scale)


@pytest.mark.filterwarnings("ignore:.*rms_scaling")
@pytest.mark.parametrize("name", cases.KERAS)
def test_batches(name):
    """Outputs and gradients of three batches, then the state and a prediction."""
    make, shape = cases.KERAS[name]
    golden = GOLDEN["keras"][name]
    layer = make(fastdl)
    layer.build(shape)
    names = [[w.name, list(w.shape)] for w in layer.weights]
    assert names == golden["weights"]
    layer.set_weights([cases.state(w.shape, i, w.path) for i, w in enumerate(layer.weights)])
    assert len(layer.trainable_weights) == golden["trained"]
    for number, expected in enumerate(golden["steps"]):
        values, weight = cases.batch(shape, number)
        options = {"mask": cases.mask_of(shape, number)} if "mask" in name else {}
        x = fastdl.tensor(values, requires_grad=True)
        y = layer(x, training=True, **options)
        assert y.shape == layer.compute_output_shape(shape)
        # Means of up to 120 values, and with renorm their roundings of the steps before.
        assert_close(y.detach(), expected["output"], 16)
        loss = (y * weight[tuple(slice(n) for n in y.shape)]).sum()
        gradients = fastdl.autograd.grad(loss, [x, *layer.trainable_weights])
        for gradient, exact in zip(gradients, expected["grads"], strict=True):
            assert_close(gradient, exact, 64)
    for weight, expected in zip(layer.weights, golden["state"], strict=True):
        assert_close(weight.detach(), expected, 16)
    assert_close(layer(cases.batch(shape, 0)[0]), golden["inference"], 16)


# --- moving averages


def network(**options):
    """A stack with batch normalization after its first layer, and data for it."""
    fastdl.manual_seed(3)
    model = models.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, use_bias=False),
            layers.BatchNormalization(momentum=0.8, **options),
            layers.ReLU(),
            layers.Dense(2),
        ]
    )
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 6)).astype(np.float32)
    return model, x, np.stack([x[:, 0] * x[:, 1], x[:, 2]], axis=1)


def fitted(threads=None, eager=False, **options):
    model, x, y = network(**options)
    model.compile("adam", "mse", run_eagerly=eager)
    before = _core.num_threads()
    try:
        _core.set_num_threads(threads or before)
        history = model.fit(x, y, 16, 4, verbose=0).history
    finally:
        _core.set_num_threads(before)
    return model.get_weights(), history


@pytest.mark.parametrize("options", [{}, {"renorm": True}])
def test_recorded_and_eager_steps_agree_to_the_bit(options):
    assert_same(fitted(**options), fitted(eager=True, **options))
    assert_same(fitted(threads=1, **options), fitted(threads=7, **options))


def test_averages_move_in_training_alone():
    model, x, y = network()
    model.compile("sgd", "mse")
    norm = model.layers[1]
    model.predict(x, verbose=0), model.evaluate(x, y, verbose=0), model(x)
    assert not norm.moving_mean.numpy().any() and (norm.moving_variance.numpy() == 1).all()
    hidden = model.layers[0](x).numpy().astype(np.float64)
    model.fit(x, y, batch_size=60, epochs=1, verbose=0)
    np.testing.assert_allclose(norm.moving_mean, 0.2 * hidden.mean(0), rtol=0, atol=8 * EPS)
    expected = 0.8 + 0.2 * hidden.var(0)
    np.testing.assert_allclose(norm.moving_variance, expected, rtol=8 * EPS)
    before = model.get_weights()
    model.predict(x, verbose=0), model.evaluate(x, y, verbose=0), model(x)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_frozen_layer_normalizes_by_its_averages_and_trains_those_below():
    model, x, y = network()
    norm = model.layers[1]
    norm.trainable = False
    norm.moving_mean.assign(np.linspace(-1, 1, 8)), norm.moving_variance.assign(np.full(8, 2.0))
    model.compile("sgd", "mse")
    before = [w.numpy().copy() for w in norm.weights]
    kernel = model.layers[0].kernel.numpy().copy()
    model.fit(x, y, verbose=0)
    for one, two in zip(before, norm.weights, strict=True):
        np.testing.assert_array_equal(one, two.numpy())
    assert (model.layers[0].kernel.numpy() != kernel).any()
    some = np.tile(x[:, :1], 8)
    np.testing.assert_array_equal(norm(some, training=True), norm(some))
    norm.trainable = True
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert (norm.moving_mean.numpy() != before[2]).all()


def test_predictions_do_not_depend_on_the_batch():
    fastdl.manual_seed(0)
    model = models.Sequential(
        [
            layers.Input((4, 12)),
            layers.LayerNormalization(),
            layers.GroupNormalization(3),
            layers.BatchNormalization(),
            layers.RMSNormalization([1, 2]),
        ]
    )
    x = np.random.default_rng(0).standard_normal((33, 4, 12)).astype(np.float32)
    whole = model.predict(x, batch_size=33, verbose=0)
    for size in (1, 2, 7):
        np.testing.assert_array_equal(model.predict(x, batch_size=size, verbose=0), whole)


class Interrupted(models.Sequential):
    """Ctrl-C comes within an eager step, after the forward pass."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        signal.raise_signal(signal.SIGINT)
        return super().compute_loss(x, y, y_pred, sample_weight, training=training)


def test_a_step_that_has_moved_averages_is_finished():
    stack, x, y = network()
    model = Interrupted(stack.layers)
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, 16, verbose=0)
    assert int(model.optimizer.iterations) == 1
    norm = model.layers[1]
    assert norm.moving_mean.numpy().any()


class Holder(layers.Layer):
    """Finds its output shape by a run on zeros."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.BatchNormalization()

    def call(self, inputs):
        return self.norm(inputs, training=True)[:, :2]


def test_a_symbolic_call_leaves_averages_alone():
    layer = Holder()
    assert layer(layers.Input((4,))).shape == (None, 2)
    assert (layer.norm.moving_variance.numpy() == 1).all()
    assert not layer.norm.moving_mean.numpy().any()


@pytest.mark.parametrize("kind", ["fastdl", "keras"])
def test_a_saved_model_trains_on_to_the_bit(kind, tmp_path):
    if kind == "keras":
        pytest.importorskip("h5py")
    fastdl.manual_seed(0)
    model = keras_files.make(fastdl.keras)["norms"]
    x = keras_files.inputs()
    y = keras_files.targets("norms", x)
    model.train_on_batch(x, y)
    model.save(tmp_path / f"m.{kind}")
    twin = models.load_model(tmp_path / f"m.{kind}")
    for one in (model, twin):
        one.train_on_batch(x, y)
    np.testing.assert_array_equal(model.predict(x, verbose=0), twin.predict(x, verbose=0))
    for one, two in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


# --- special inputs


def test_a_large_mean_does_not_hide_the_variance():
    """The mean is 1e5 deviations: float32's own rounding of it would be 1 % of one."""
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((500, 3)) / 128).astype(np.float32)
    exact = x.astype(np.float64)
    for layer, axis in (
        (layers.BatchNormalization(epsilon=1e-9), 0),
        (layers.LayerNormalization(epsilon=1e-9), 1),
    ):
        expected = exact - exact.mean(axis, keepdims=True)
        expected /= np.sqrt(exact.var(axis, keepdims=True) + 1e-9)
        y = layer(x, training=True)
        np.testing.assert_allclose(y, expected, rtol=0, atol=16 * EPS * np.abs(expected).max())


def test_constant_inputs_give_beta():
    x = np.full((4, 6), 7.25, np.float32)
    for layer in (layers.BatchNormalization(), layers.LayerNormalization()):
        layer.build(x.shape)
        layer.beta.assign(np.arange(6.0))
        np.testing.assert_array_equal(layer(x, training=True), np.tile(np.arange(6.0), (4, 1)))


def test_integers_and_empty_batches():
    layer = layers.BatchNormalization()
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    exact = images.astype(np.float64)
    expected = (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(layer(images, training=True), expected, rtol=0, atol=8 * EPS)
    assert layer(np.zeros((0, 2, 2, 3))).shape == (0, 2, 2, 3)


def test_shared_memory_of_the_input_is_not_written():
    x = np.ones((3, 4), np.float32)
    layers.BatchNormalization()(x, training=True), layers.LayerNormalization()(x)
    np.testing.assert_array_equal(x, 1)


def test_functions_are_nodes_of_graphs():
    x = layers.Input((4,))
    mean, variance = ops.moments(x, axes=[0])
    y = ops.batch_normalization(x, mean, variance, -1)
    model = models.Model(x, ops.normalize(ops.rms_normalization(ops.layer_normalization(y))))
    data = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(model(data), axis=1), 1, rtol=8 * EPS)


def test_noise_of_gaussian_and_alpha_dropout():
    fastdl.manual_seed(0)
    x = np.ones((400, 400), np.float32)
    y = layers.GaussianDropout(0.2)(x, training=True).numpy()
    # 160,000 values: the error of mean and deviation is below 5 / 400 deviations.
    assert abs(y.mean() - 1) < 0.5 / 80 and abs(y.std() - 0.5) < 0.5 / 80
    normal = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    y = layers.AlphaDropout(0.3)(normal, training=True).numpy()
    assert abs(y.mean()) < 1 / 80 and abs(y.std() - 1) < 1 / 80
    floor = -1.6732632 * 1.0507010
    a = (0.7 * (1 + 0.3 * floor**2)) ** -0.5
    dropped = np.abs(y - a * floor * (1 - 0.3)) < 8 * EPS
    assert 0.29 < dropped.mean() < 0.31
    rows = layers.AlphaDropout(0.5, noise_shape=(None, 1))(normal, training=True).numpy()
    assert {len(set(row)) == 1 for row in rows} == {True, False}
    assert not layers.AlphaDropout(1.0)(x, training=True).numpy().any()
    for layer in (layers.GaussianDropout(0.5), layers.AlphaDropout(0.5)):
        np.testing.assert_array_equal(layer(x), x)


def test_a_kernel_of_zeros_stays():
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    layer.build((None, 3))
    u = layer.vector_u.numpy().copy()
    assert not layer(np.ones((1, 3)), training=True).numpy().any()
    np.testing.assert_array_equal(layer.vector_u.numpy(), u)


def test_scales_beside_the_input():
    rng = np.random.default_rng(0)
    x, wide, rows = (rng.normal(size=s) for s in ((2, 3, 4), (1, 3, 4), (2, 1, 1)))
    centered = x - x.mean(-1, keepdims=True)
    normal = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-7)
    single = [a.astype("float32") for a in (x, wide, rows, rows[0, 0])]
    got = ops.layer_normalization(*single[:3])
    np.testing.assert_allclose(got, normal * wide + rows, rtol=1e-4, atol=1e-5)
    got = ops.layer_normalization(single[0], np.arange(4, dtype="float32"), single[2])
    np.testing.assert_allclose(got, normal * np.arange(4) + rows, rtol=1e-4, atol=1e-5)
    roots = np.sqrt((x * x).mean(-1, keepdims=True) + 1e-7)
    got = ops.rms_normalization(single[0], single[1])
    np.testing.assert_allclose(got, x / roots * wide, rtol=1e-4, atol=1e-5)
    assert ops.rms_normalization(layers.Input((3, 4)), single[1]).shape == (None, 3, 4)
    for wrong in ((5, 3, 4), (3,), (2, 4)):
        with pytest.raises(ValueError, match=r"expected .*, got shape|broadcasts to \(2, 3, 4\)"):
            ops.rms_normalization(single[0], np.ones(wrong, "float32"))


X = np.ones((2, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.BatchNormalization(axis=3)(X), r"axis: expected one from -3 to 2 .*got 3"),
        (lambda: layers.BatchNormalization(synchronized=True), "synchronized: there is one device"),
        (
            lambda: layers.BatchNormalization()(X, training=True, mask=np.ones((2, 3, 4))),
            r"mask: expected 2 axes for inputs of shape \(2, 3, 4\)",
        ),
        (
            lambda: layers.BatchNormalization(renorm_clipping={"max": 2}),
            "renorm_clipping: expected a dict with keys of .*'rmin'",
        ),
        (
            lambda: layers.BatchNormalization(renorm_clipping={"rmin": 2, "rmax": 1}),
            "renorm_clipping: expected rmax of at least rmin",
        ),
        (lambda: layers.BatchNormalization()(layers.Input((None,))), "axis -1 .* must be known"),
        (lambda: layers.LayerNormalization(axis=[1, -2])(X), r"axis: expected different axes"),
        (lambda: layers.LayerNormalization(epsilon=-1), "epsilon: expected a number of at least 0"),
        (lambda: layers.GroupNormalization()(X), "groups: expected a divisor .* 4, got 32"),
        (lambda: layers.GroupNormalization(2, axis=0)(X), "axis: .* that of the samples, got 0"),
        (lambda: layers.GroupNormalization(0), "groups: expected a positive integer or -1, got 0"),
        (lambda: layers.RMSNormalization(axis=[])(X), "axis: expected different axes"),
        (
            lambda: layers.SpectralNormalization(layers.ReLU())(X),
            "layer: expected one with a kernel",
        ),
        (lambda: layers.SpectralNormalization(3), "layer: expected a layer, got 3"),
        (
            lambda: ops.batch_normalization(X, [0.0], [1.0], -1),
            "batch_normalization: mean: expected shape .4,., got .1,.",
        ),
        (lambda: ops.layer_normalization(X, epsilon=-1.0), "epsilon: expected a number"),
        (lambda: ops.moments(X, [0], synchronized=True), "synchronized: there is one device"),
        (lambda: ops.normalize(X, order=0), "order: expected an integer of at least 1, got 0"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_layer_takes_the_size_of_its_first_input():
    layer = layers.BatchNormalization()
    layer(X)
    with pytest.raises(ValueError, match="expected size 4 on axis -1, got 3"):
        layer(np.ones((2, 3, 3)))
