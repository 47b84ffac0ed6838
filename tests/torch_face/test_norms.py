"""Normalizing modules: values of PyTorch over several batches, state, errors."""

import json
from pathlib import Path

import normalization_cases as cases
import numpy as np
import pytest
from trainings import EPS

import fastdl
from fastdl import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/normalization.json").read_text("utf-8"))


def assert_close(actual, expected, factor):
    """Within `factor` roundings of the largest value."""
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0))
    actual = np.asarray(actual).reshape(-1)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=factor * EPS * scale)


@pytest.mark.parametrize("name", cases.TORCH)
def test_batches(name):
    """Outputs and gradients of three batches, then the state and a prediction."""
    kind, options, shape = cases.TORCH[name]
    golden = GOLDEN["torch"][name]
    module = getattr(nn, kind)(**options)
    assert repr(module) == golden["repr"]
    state = module.state_dict()
    assert list(state) == list(golden["state"])
    module.load_state_dict(
        {
            key: cases.state(value.shape, i, key) if value.ndim else value
            for i, (key, value) in enumerate(state.items())
        }
    )
    for number, expected in enumerate(golden["steps"]):
        values, weight = cases.batch(shape, number)
        x = fastdl.tensor(values, requires_grad=True)
        module.zero_grad()
        y = module(x)
        assert_close(y.detach(), expected["output"], 16)
        (y * weight).sum().backward()
        for tensor, exact in zip((x, *module.parameters()), expected["grads"], strict=True):
            assert_close(tensor.grad, exact, 64)
    for key, expected in golden["state"].items():
        assert_close(module.state_dict()[key], expected, 16)
    module.eval()
    assert_close(module(cases.batch(shape, 0)[0]).detach(), golden["inference"], 16)
