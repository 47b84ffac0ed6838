"""Elementwise and special functions, reductions and statistics: results of Keras and PyTorch.

The golden values are results of both (golden/elementwise.py).
"""

import json
from pathlib import Path

import elementwise_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/elementwise.json").read_text("utf-8"))
# Special functions are rounded once; PyTorch computes them in float32, up to 32 ulp off. The golden
# values are rounded to 1e-7.
TOLERANCE = {"rtol": 32 * np.finfo(np.float32).eps, "atol": 1e-6}


def check(actual, expected, line):
    if isinstance(expected, list):
        assert isinstance(actual, (tuple, list)) and len(actual) == len(expected), line
        for one, other in zip(actual, expected, strict=True):
            check(one, other, line)
        return
    array = np.asarray(actual.detach() if isinstance(actual, fastdl.Tensor) else actual)
    assert str(array.dtype) == expected["dtype"], line
    assert list(array.shape) == expected["shape"], line
    values = np.array([float(v) for v in expected["values"]]).reshape(array.shape)
    np.testing.assert_allclose(array.astype("float64"), values, **TOLERANCE, err_msg=line)


def answer(line, face, names):
    expected = GOLDEN[face][line]
    names = {"np": np, **cases.ARRAYS, **names}
    if isinstance(expected, dict) and "error" in expected:
        with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)):
            eval(line, names)
    else:
        check(eval(line, names), expected, line)


@pytest.mark.parametrize("line", cases.lines(cases.KERAS))
def test_keras(line):
    answer(line, "keras", {"ops": ops})


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_torch(line):
    names = cases.helpers(fastdl, fastdl.tensor)
    answer(line, "torch", {"torch": fastdl, "T": fastdl.tensor, **names})
