"""Networks train as in Keras: each step's loss and metrics, the weights, `fit`'s history.

The golden values were computed by Keras in float64 (golden/training.py).
"""

import json
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import layers, optimizers

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/training.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
BATCH, EPOCHS = 8, 4
# Each of twenty steps rounds the weights and their changes by half an epsilon.
TOLERANCE = 20 * EPSILON


def network(case):
    activation, units, loss, optimizer, options, metrics = case["arguments"]
    hidden = len(case["weights"][1])
    model = fastdl.models.Sequential(
        [layers.Dense(hidden, activation="relu"), layers.Dense(units, activation=activation)]
    )
    model.build((None, len(case["x"][0])))
    model.set_weights([np.array(w) for w in case["weights"]])
    model.compile(getattr(optimizers, optimizer)(**options), loss, metrics=metrics)
    return model


def data(case):
    return (np.array(case[key]) for key in ("x", "y", "weight"))


def assert_near(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    error = np.abs(actual - expected) / np.maximum(1, np.abs(expected))
    assert error.max() < TOLERANCE, error.max() / EPSILON


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_steps(case):
    model = network(case)
    x, y, weight = data(case)
    for step, expected in enumerate(case["steps"]):
        part = slice(step * BATCH % len(x), step * BATCH % len(x) + BATCH)
        model.reset_metrics()
        logs = model.train_on_batch(x[part], y[part], weight[part], return_dict=True)
        assert set(logs) == set(expected)
        for name, value in expected.items():
            assert_near(logs[name], value)
    for actual, expected in zip(model.get_weights(), case["trained"], strict=True):
        assert_near(actual, expected)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_fit_evaluate_predict(case):
    model = network(case)
    x, y, _ = data(case)
    history = model.fit(
        x, y, BATCH, EPOCHS, shuffle=False, validation_split=0.25, verbose=0
    ).history
    assert set(history) == set(case["history"])
    for name, values in case["history"].items():
        assert_near(history[name], values)
    assert_near(model.evaluate(x, y, BATCH, verbose=0), case["evaluated"])
    assert_near(model.predict(x[:4], verbose=0), case["predicted"])
