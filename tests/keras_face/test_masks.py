"""Masks travel from layer to layer, into losses and metrics, as in Keras 3 (golden/masks.py)."""

import gc
import json
import warnings
from pathlib import Path

import mask_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, losses, metrics, models, ops
from fastdl._base import notices

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/masks.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
X = fastdl.tensor(cases.X)
STEPS = cases.STEPS


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())
    fastdl.utils.clear_session()


def masked(x, mask):
    x = fastdl.tensor(x)
    return x if mask is None else _core.with_mask(x, mask)


def mask_of(x):
    if isinstance(x, (list, tuple)):
        return [mask_of(item) for item in x]
    return None if x._keras_mask is None else x._keras_mask.tolist()


def assert_close(actual, expected, ulps=16):
    """Within some roundings of the largest value: sums of a dozen products, one function each."""
    if isinstance(actual, (list, tuple)):
        for one, other in zip(actual, expected, strict=True):
            assert_close(one, other, ulps)
        return
    expected = np.asarray(expected)
    scale = max(1e-3, np.abs(expected).max(initial=0.0))
    actual = np.asarray(actual)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ulps * EPSILON * scale)


def run(golden, layer, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(*args, **kwargs)
    cases.fill(layer)
    notices._said.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = layer(*args, **kwargs)
    assert any("does not support masks" in str(w.message) for w in caught) == golden["warned"]
    assert_close(y, golden["output"])
    assert mask_of(y) == golden["mask"]


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer(name):
    make, inputs, masks = cases.LAYERS[name]
    tensors = [masked(x, mask) for x, mask in zip(inputs, masks, strict=True)]
    run(GOLDEN["layers"][name], make(fastdl), tensors if len(tensors) > 1 else tensors[0])
    for x, mask in zip(tensors, masks, strict=True):
        assert mask_of(x) == (None if mask is None else mask.tolist())  # as it was


@pytest.mark.parametrize("name", cases.CALLS)
def test_call_of_several_arguments(name):
    make, inputs, masks = cases.CALLS[name]
    tensors = {key: masked(x, masks[key]) for key, x in inputs.items()}
    run(GOLDEN["layers"][name], make(fastdl), **tensors)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer_in_a_graph(name):
    """A functional model gives its layers the masks, and symbolic outputs have their form."""
    make, inputs, masks = cases.LAYERS[name]
    given = [fastdl.Input(batch_shape=x.shape, dtype=str(x.dtype)) for x in inputs]
    handed = [
        x if mask is None else layers.Lambda(lambda x: x, mask=mask)(x)
        for x, mask in zip(given, masks, strict=True)
    ]
    layer = make(fastdl)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = layer(handed if len(handed) > 1 else handed[0])
        model = models.Model(given, y)
        cases.fill(layer)
        tensors = [fastdl.tensor(x) for x in inputs]
        values = model(tensors if len(tensors) > 1 else tensors[0])
    golden = GOLDEN["layers"][name]
    assert_close(values, golden["output"])
    assert mask_of(values) == golden["mask"]
    outputs = [*y] if isinstance(y, (list, tuple)) else [y]
    real = [*values] if isinstance(values, (list, tuple)) else [values]
    for symbol, value in zip(outputs, real, strict=True):
        assert (symbol._mask is None) == (value._keras_mask is None)
        if symbol._mask is not None:
            assert symbol._mask.shape[1:] == value._keras_mask.shape[1:]


@pytest.mark.parametrize("name", cases.MODELS)
def test_model(name):
    """Keras also warns for a model within, although its layers have the masks."""
    golden = {**GOLDEN["models"][name], "warned": False}
    run(golden, cases.MODELS[name](fastdl), fastdl.tensor(cases.BATCH))


@pytest.mark.parametrize("name", cases.MODELS)
def test_predictions_are_those_of_a_call(name):
    model = cases.MODELS[name](fastdl)
    y = model(cases.BATCH)
    for _ in range(3):  # eager, recorded, replayed
        predicted = model.predict_on_batch(cases.BATCH)
        predicted = predicted if isinstance(y, (list, tuple)) else [predicted]
        expected = y if isinstance(y, (list, tuple)) else [y]
        for one, other in zip(predicted, expected, strict=True):
            np.testing.assert_array_equal(one, other.numpy())


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("name", cases.FITS)
def test_fit(name, eagerly):
    """Three epochs of two steps; each step multiplies the error of the one before by about 2."""
    golden = GOLDEN["fits"][name]
    model, data = cases.compiled(fastdl, name)
    model.run_eagerly = eagerly
    cases.fill(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(**data, batch_size=2, epochs=3, shuffle=False, verbose=0).history
    evaluated = model.evaluate(**data, batch_size=3, verbose=0, return_dict=True)
    assert list(history) == list(golden["history"])
    for key, values in golden["history"].items():
        assert_close(history[key], values, 1024)
        assert_close(evaluated[key], golden["evaluated"][key], 1024)
    for weight, expected in zip(model.weights, golden["weights"], strict=True):
        assert_close(weight.numpy(), expected, 1024)


def test_fit_and_predict_are_recorded():
    model, data = cases.compiled(fastdl, "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no step runs eagerly
        model.fit(**data, batch_size=2, epochs=3, verbose=0)
        model.predict(cases.BATCH, batch_size=2, verbose=0)
    for kind in ("train", "predict"):
        signatures = model._runners[kind].function._signatures.values()
        assert all(s.plan is not None and not s.eager for s in signatures)


class TestTensors:
    def test_results_of_functions_have_none(self):
        x = masked(X, STEPS)
        for y in (x + 1.0, x[:1], x.reshape(-1), x.detach(), x.clone(), fastdl.relu(x), ops.abs(x)):
            assert y._keras_mask is None

    def test_it_cannot_be_set(self):
        with pytest.raises(AttributeError):
            X._keras_mask = STEPS

    def test_a_change_in_place_keeps_it(self):
        x = masked(cases.X.copy(), STEPS)
        x += 1.0
        assert mask_of(x) == STEPS.tolist()
        w = fastdl.tensor(cases.X, requires_grad=True)
        y = _core.with_mask(w * 1.0, STEPS)
        y += 1.0  # a new tensor: the tape needs the old one
        assert mask_of(y) == STEPS.tolist()

    def test_it_follows_its_mask(self):
        """A mask is a tensor like any other: writing into it changes what counts."""
        mask = fastdl.tensor(STEPS)
        x = _core.with_mask(X, mask)
        mask[0] = False
        assert mask_of(x) == [[False] * 3, STEPS[1].tolist()]

    def test_it_is_alive_as_long_as_its_tensor(self):
        x = masked(cases.X, STEPS.copy())
        y = layers.ReLU()(x)
        del x
        gc.collect()
        assert mask_of(y) == STEPS.tolist()

    def test_a_mask_has_none_itself(self):
        mask = _core.with_mask(fastdl.tensor(STEPS), STEPS)
        assert _core.with_mask(X, mask)._keras_mask._keras_mask is None

    def test_the_input_that_a_layer_returns_gets_none(self):
        class Kept(layers.Layer):
            def call(self, x):
                return x

            def compute_mask(self, inputs, previous_mask):
                return STEPS

        x = fastdl.tensor(cases.X)
        y = Kept()(x)
        assert mask_of(y) == STEPS.tolist() and x._keras_mask is None
        assert y.data_ptr() == x.data_ptr()

    def test_the_weight_that_a_layer_returns_gets_none(self):
        class Table(layers.Layer):
            supports_masking = True

            def build(self, shape):
                self.w = self.add_weight(shape[1:], "ones")

            def call(self, x):
                return self.w

        layer = Table()
        y = layer(masked(X, STEPS))
        assert layer.w._keras_mask is None and mask_of(y) == STEPS.tolist()
        y.sum().backward()
        np.testing.assert_array_equal(layer.w.grad.numpy(), np.ones((3, 4)))

    def test_gradients_and_logits_come_through(self):
        w = fastdl.tensor(cases.X, requires_grad=True)
        y = _core.with_mask(fastdl.softmax(w * 2.0, -1), STEPS)
        assert y._logits is not None and y.grad_fn == "softmax"
        (y * fastdl.tensor(cases.Y)).sum().backward()
        masked_grad, w.grad = w.grad, None
        (fastdl.softmax(w * 2.0, -1) * fastdl.tensor(cases.Y)).sum().backward()
        np.testing.assert_array_equal(masked_grad.numpy(), w.grad.numpy())

    def test_a_model_does_not_mark_the_tensor_of_its_caller(self):
        x = fastdl.Input((3, 4))
        model = models.Model(x, layers.Dense(2)(x))
        given = fastdl.tensor(cases.X)
        assert mask_of(model(given, mask=STEPS)) == STEPS.tolist()
        assert given._keras_mask is None


class TestCalls:
    def test_an_explicit_mask_comes_first(self):
        layer = layers.GlobalAveragePooling1D()
        y = layer(masked(X, STEPS), mask=cases.OTHER)
        np.testing.assert_array_equal(y.numpy(), layer(masked(X, cases.OTHER)).numpy())
        named = cases.Halves.supporting(fastdl)(X, mask=cases.OTHER)
        assert mask_of(named) == cases.OTHER.tolist()

    def test_by_position(self):
        layer = cases.Halves.supporting(fastdl)
        by_name = layer(X, mask=STEPS)
        for y in (layer(X, STEPS), layer(masked(X, STEPS), None)):
            np.testing.assert_array_equal(y.numpy(), by_name.numpy())
            assert mask_of(y) == STEPS.tolist()

    def test_a_layer_that_takes_no_mask_refuses_one(self):
        with pytest.raises(TypeError, match=r"layer 'dense' .*'mask'"):
            layers.Dense(2)(X, mask=STEPS)

    def test_softmax_leaves_a_mask_of_steps_alone(self):
        y = layers.Softmax()(masked(X, STEPS))
        np.testing.assert_array_equal(y.numpy(), layers.Softmax()(X).numpy())
        assert mask_of(y) == STEPS.tolist()

    def test_dropout_in_training(self):
        y = layers.Dropout(0.5)(masked(X, STEPS), training=True)
        assert mask_of(y) == STEPS.tolist()

    def test_batch_normalization_counts_unmasked_steps_only(self):
        layer = layers.BatchNormalization(momentum=0.0)
        layer(masked(X, STEPS), training=True)
        rows = cases.X[STEPS].astype(np.float64)
        # The mean is divided by the number plus Keras's epsilon of 1e-7.
        assert_close(layer.moving_mean.numpy(), rows.mean(0))
        assert_close(layer.moving_variance.numpy(), rows.var(0))

    def test_rms_normalization_hands_it_on(self):
        """Keras 3.15 does not, but its other layers that work step by step do."""
        assert mask_of(layers.RMSNormalization()(masked(X, STEPS))) == STEPS.tolist()

    def test_a_mask_of_another_batch_size_is_an_error(self):
        with pytest.raises(ValueError, match="global_average"):
            layers.GlobalAveragePooling1D()(masked(X, np.ones((3, 3), bool)))

    def test_a_layer_may_set_supports_masking_when_it_likes(self):
        layer = cases.Halves.silent(fastdl)
        with pytest.warns(UserWarning, match="supports_masking = True"):
            assert layer(masked(X, STEPS))._keras_mask is None
        layer.supports_masking = True
        assert mask_of(layer(masked(X, STEPS))) == STEPS.tolist()

    def test_that_change_is_seen_by_a_recorded_step(self):
        model = fastdl.Sequential([layers.Masking(), layer := cases.Halves.silent(fastdl)])
        model.add(layers.Lambda(lambda x, mask: x if mask is None else x * 0.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(3):
                assert model.predict_on_batch(cases.ZEROS).any()
            layer.supports_masking = True
            for _ in range(3):
                assert not model.predict_on_batch(cases.ZEROS).any()

    def test_nested_inputs_of_a_model(self):
        a, b = fastdl.Input((3, 4), name="a"), fastdl.Input((3, 4), name="b")
        model = models.Model({"a": a, "b": b}, layers.Add()([a, b]))
        y = model({"b": masked(cases.Y, cases.OTHER), "a": masked(X, STEPS)})
        assert mask_of(y) == (STEPS | cases.OTHER).tolist()

    def test_a_sequential_that_has_no_graph(self):
        model = fastdl.Sequential([layers.Add(), layers.Dense(2)])
        y = model([masked(X, STEPS), masked(cases.Y, STEPS)])
        assert mask_of(y) == STEPS.tolist()
        assert mask_of(model([X, X], mask=[STEPS, STEPS])) == STEPS.tolist()

    def test_inputs_that_an_input_converts(self):
        x = fastdl.Input((3,), dtype="float32")
        model = models.Model(x, layers.Identity()(x))
        assert mask_of(model(masked(cases.IDS, STEPS))) == STEPS.tolist()

    def test_a_mask_in_the_graph(self):
        """`x._keras_mask` of a symbolic tensor is the mask that its value will have."""
        ids = fastdl.Input((3,), dtype="int32")
        x = layers.Embedding(4, 2, mask_zero=True)(ids)
        lengths = ops.sum(ops.cast(x._keras_mask, "float32"), axis=-1)
        model = models.Model(ids, [x, lengths])
        assert model(cases.IDS)[1].tolist() == [2.0, 1.0]
        twin = models.Model.from_config(model.get_config())
        assert twin(cases.IDS)[1].tolist() == [2.0, 1.0]
        assert ids._keras_mask is None

    def test_the_mask_of_an_embedding_as_an_argument(self):
        ids = fastdl.Input((3,), dtype="int32")
        table = layers.Embedding(4, 2, mask_zero=True)
        x = layers.Embedding(4, 2)(ids)
        pooled = layers.GlobalAveragePooling1D()(x, mask=table.compute_mask(ids, None))
        model = models.Model(ids, pooled)
        rows = model.layers[1].get_weights()[0]
        expected = [rows[[3, 1]].mean(0), rows[[2]].mean(0)]
        assert_close(model(cases.IDS).numpy(), expected)

    def test_a_model_with_other_sizes(self):
        """The symbolic masks of a nested model that is called on another length."""
        ids = fastdl.Input((None,), dtype="int32")
        inner = models.Model(ids, layers.Embedding(4, 2, mask_zero=True)(ids))
        outer = fastdl.Input((7,), dtype="int32")
        x = inner(outer)
        assert x._mask.shape == (None, 7)


class TestLosses:
    def test_a_loss_averages_over_unmasked_steps(self):
        y = masked(cases.X, STEPS)
        rows = (cases.X - cases.Y).astype(np.float64)[STEPS]
        assert_close(losses.MeanSquaredError()(cases.Y, y), (rows**2).mean())
        assert_close(losses.MeanSquaredError(reduction="sum")(cases.Y, y), (rows**2).mean(-1).sum())

    def test_weights_of_another_shape(self):
        y = masked(cases.X, STEPS)
        with pytest.raises(ValueError, match=r"sample_weight: shape .* does not fit a mask"):
            losses.MeanSquaredError()(cases.Y, y, np.ones(2))

    def test_a_metric_counts_unmasked_steps(self):
        y = masked(cases.X, STEPS)
        metric = metrics.MeanMetricWrapper(losses.mean_absolute_error)
        metric.update_state(cases.Y, y)
        rows = np.abs(cases.X - cases.Y).astype(np.float64)[STEPS]
        assert_close(metric.result(), rows.mean())

    def test_nothing_but_padding(self):
        y = masked(cases.X, np.zeros((2, 3), bool))
        assert losses.MeanSquaredError()(cases.Y, y).item() == 0.0


@pytest.mark.parametrize(
    "layer", [layers.Add(), layers.Maximum(), layers.Concatenate()], ids=lambda x: x.name
)
def test_masks_of_layers_that_merge_are_lists(layer):
    x, y = (fastdl.Input((4, 5)) for _ in range(2))
    mask = np.ones((1, 4), bool)
    assert layer.compute_mask([x, y], None) is None
    for inputs, given, message in (
        ([x, y], mask, "compute_mask: mask: expected a list"),
        (x, [None, None], "compute_mask: inputs: expected a list"),
        ([x, y], [None], "compute_mask: mask: expected 2 masks, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            layer.compute_mask(inputs, given)


def test_a_subclass_with_a_build_of_its_own_is_not_built_yet():
    class Own(layers.Masking):
        def build(self, input_shape):
            self.seen = input_shape

    layer = Own()
    assert not layer.built and layers.Masking().built
    layer(np.ones((1, 2, 3)))
    assert layer.seen == (1, 2, 3)


def test_an_input_layer_names_its_argument():
    with pytest.warns(UserWarning, match="the argument is called shape"):
        assert layers.InputLayer(input_shape=(2, 3)).batch_shape == (None, 2, 3)


@pytest.mark.parametrize("shape", [(2, 3), (1, 1, 3), (4,)])
def test_masks_of_softmax_fit_its_inputs(shape):
    layer = layers.Softmax()
    with pytest.raises(ValueError, match=r"mask: expected a shape that broadcasts to \(1, 3\)"):
        layer(np.ones((1, 3)), mask=np.ones(shape))
    found = layer(np.ones((2, 3)), mask=np.array([1.0, 0.0, 1.0]))
    assert found.tolist() == [[0.5, 0.0, 0.5]] * 2
