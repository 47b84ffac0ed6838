"""Trainings give what Keras 3 gives: losses and metrics with their names and order, weights.

The golden values were computed by Keras 3.15 in float64 (golden/trainer.py).
"""

import json
from pathlib import Path

import numpy as np
import pytest
import trainer_cases as cases

import fastdl

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/trainer.json").read_text("utf-8"))
EPSILON = float(np.finfo(np.float32).eps)
# Each of 20 steps rounds weights and gradients of order 1 by half an epsilon.
TOLERANCE = 20 * EPSILON


pytestmark = pytest.mark.usefixtures("fresh_names")


def assert_same(actual, expected, where=""):
    if isinstance(expected, dict):
        assert list(actual) == expected["keys"], where
        for key, value in zip(expected["keys"], expected["values"], strict=True):
            assert_same(actual[key], value, f"{where}[{key!r}]")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), where
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_same(one, other, f"{where}[{i}]")
    elif isinstance(expected, str):
        assert actual == expected, where
    else:
        error = abs(float(actual) - expected) / max(1.0, abs(expected))
        assert error <= TOLERANCE, f"{where}: {actual} is not {expected}, {error / EPSILON} epsilon"


@pytest.mark.parametrize("optimizer", cases.OPTIMIZERS)
@pytest.mark.parametrize("problem", cases.PROBLEMS)
def test_twenty_steps(problem, optimizer):
    assert_same(cases.steps(fastdl, problem, optimizer), GOLDEN[f"{problem}-{optimizer}"])


# Keras warns as well where an output has no loss.
@pytest.mark.filterwarnings("ignore:SGD.apply. there is no gradient for score")
@pytest.mark.parametrize("training", cases.TRAININGS, ids=lambda t: t.__name__)
def test_training(training):
    assert_same(training(fastdl), GOLDEN[training.__name__])
