"""Normalizing layers: values of Keras over several batches, state, and special inputs."""

import json
from pathlib import Path

import normalization_cases as cases
import numpy as np
import pytest
from trainings import EPS

import fastdl
from fastdl import layers, models, ops

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
