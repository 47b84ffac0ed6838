"""Layers, models, activations, regularizers and constraints give what Keras 3 gives.

The golden values were computed by Keras in float64 (golden/keras_layers.py).
"""

import json
from pathlib import Path

import keras_cases as cases
import numpy as np
import pytest

import fastdl

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/keras_layers.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps


def assert_close(actual, expected, ulps=8):
    """Within `ulps` roundings of the largest value: sums of a dozen products and one function."""
    if isinstance(expected, dict):
        assert set(actual) == set(expected)
        for key in expected:
            assert_close(actual[key], expected[key], ulps)
        return
    if isinstance(actual, list):
        for one, other in zip(actual, expected, strict=True):
            assert_close(one, other, ulps)
        return
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(1e-3, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=ulps * EPSILON * scale)


def fill(layer):
    layer.set_weights(cases.weights_for([w.shape for w in layer.weights]))


pytestmark = pytest.mark.usefixtures("fresh_names")


@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_activation(name):
    x = cases.filled((4, 6), 1, 4.0)
    assert_close(fastdl.activations.get(name)(fastdl.tensor(x)), GOLDEN["activations"][name])


def test_every_activation_has_its_case():
    names = {row[0].__name__ for row in fastdl.activations._TABLE}
    assert set(cases.ACTIVATIONS) - {"swish"} == names - {"threshold", "sparsemax"}


@pytest.mark.parametrize("name", [n for n in cases.ACTIVATIONS if n != "glu"])
def test_dense_with_an_activation_equals_dense_then_activation(name):
    x = fastdl.tensor(cases.filled((4, 6), 2))
    fused, plain = fastdl.layers.Dense(5, name), fastdl.layers.Dense(5)
    fused(x), plain(x)
    fill(fused), fill(plain)
    expected = fastdl.activations.get(name)(plain(x))
    assert_close(fused(x), expected.numpy())


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer(name):
    make, shapes = cases.LAYERS[name]
    golden = GOLDEN["layers"][name]
    layer, inputs = make(fastdl), cases.inputs_for(shapes)
    layer(inputs)
    expected = [[name.split("/")[-1], shape] for name, shape in golden["weights"]]
    assert [[w.name, list(w.shape)] for w in layer.weights] == expected
    fill(layer)
    assert_close(layer(inputs), golden["output"])


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer_in_a_model(name):
    """The symbolic shape is the real one, and the model computes what the layer does."""
    make, shapes = cases.LAYERS[name]
    xs = [fastdl.Input(shape[1:]) for shape in shapes]
    layer = make(fastdl)
    output = layer(xs if len(xs) > 1 else xs[0])
    model = fastdl.Model(xs, output)
    fill(layer)
    actual = model(cases.inputs_for(shapes))
    assert_close(actual, GOLDEN["layers"][name]["output"])
    assert output.shape == (None, *actual.shape[1:])
    inferred = fastdl.layers.Layer.compute_output_shape(
        layer, [(None, *shape[1:]) for shape in shapes] if len(xs) > 1 else (None, *shapes[0][1:])
    )
    assert inferred == output.shape


@pytest.mark.parametrize("name", cases.MODELS)
def test_model(name):
    make, shapes = cases.MODELS[name]
    golden = GOLDEN["models"][name]
    model = make(fastdl)
    assert [layer.name for layer in model.layers] == golden["layers"]
    assert [list(w.shape) for w in model.weights] == golden["weights"]
    fill(model)
    assert_close(model(cases.inputs_for(shapes)), golden["output"])


@pytest.mark.parametrize("name", cases.MODELS)
def test_model_from_its_config_and_cloned(name):
    make, shapes = cases.MODELS[name]
    model = make(fastdl)
    config = fastdl.layers.serialize(model)
    for twin in (fastdl.layers.deserialize(config), fastdl.models.clone_model(model)):
        assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
        assert not set(twin.weights) & set(model.weights)
        fill(twin)
        assert_close(twin(cases.inputs_for(shapes)), GOLDEN["models"][name]["output"])


@pytest.mark.parametrize("name", cases.REGULARIZERS)
def test_regularizer(name):
    matrix = fastdl.tensor(cases.filled((4, 3), 5))
    penalty = cases.REGULARIZERS[name](fastdl)(matrix)
    assert_close(penalty, GOLDEN["regularizers"][name])


@pytest.mark.parametrize("name", cases.CONSTRAINTS)
def test_constraint(name):
    matrix = fastdl.tensor(cases.filled((4, 3), 5))
    assert_close(cases.CONSTRAINTS[name](fastdl)(matrix), GOLDEN["constraints"][name])


@pytest.mark.parametrize(
    "golden", GOLDEN["summaries"], ids=lambda g: "-".join([g["model"], *g["options"]])
)
def test_summary(golden, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = []
    cases.MODELS[golden["model"]][0](fastdl).summary(print_fn=text.append, **golden["options"])
    assert text[0].split("\n") == golden["text"].split("\n")
