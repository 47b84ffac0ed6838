"""Names of PyTorch at the top level and of tensors: PyTorch's results (golden/names.py)."""

import json
from pathlib import Path

import name_cases as cases
import numpy as np
import pytest

import fastdl

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/names.json").read_text("utf-8"))
TOLERANCE = {"rtol": 64 * np.finfo(np.float32).eps, "atol": 4e-6}  # sums of some dozen terms


def made(function, x):
    function(x)
    return x


def check(actual, expected, line):
    if isinstance(expected, str):
        assert actual == expected, line
        return
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


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_names(line):
    expected = GOLDEN[line]
    names = {"np": np, **cases.ARRAYS, "torch": fastdl, "T": fastdl.tensor, "made": made}
    if isinstance(expected, dict) and "error" in expected:
        with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)):
            eval(line, names)
    else:
        check(eval(line, names), expected, line)
