"""Convolutions, pooling, resizing and padding of `nn` against PyTorch's outputs and gradients."""

import json
from pathlib import Path

import image_module_cases as cases
import numpy as np
import pytest

import fastdl
import fastdl.nn.functional as F
from fastdl import nn

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden/image_modules.json").read_text(encoding="utf-8")
)["cases"]
EPS = float(np.finfo(np.float32).eps)


def tensor(array, parameter):
    return fastdl.tensor(array, requires_grad=parameter is None)


def close(found, wanted, what):
    """Some hundred float32 roundings of the largest value: sums of up to some hundred terms."""
    wanted = np.array(wanted)
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(
        np.asarray(found.numpy(), np.float64).reshape(-1), wanted, rtol=0, atol=200 * EPS * scale,
        err_msg=what,
    )  # fmt: skip


@pytest.mark.parametrize("case", cases.CASES, ids=cases.name_of)
def test_outputs_and_gradients_are_those_of_pytorch(case):
    text, shape = case
    row = GOLDEN[cases.name_of(case)]
    y, x, parameters = cases.evaluate(text, shape, nn, F, tensor)
    assert list(y.shape) == row["shape"]
    if "grads" not in row:
        assert y.dtype == "int64" and y.flatten().tolist() == row["output"]
        return
    close(y, row["output"], "output")
    weight = fastdl.tensor(cases.values(text, tuple(y.shape), -1 & 0xFFFF))
    (y * weight).sum().backward()
    for found, wanted in zip((x, *parameters), row["grads"], strict=True):
        assert found.grad.shape == found.shape
        close(found.grad, wanted, "gradient")
