"""Functions of shapes, indices and matrices beside the peers' (golden/arrays.py)."""

import json
from pathlib import Path

import array_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import ops
from fastdl.autograd import grad

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/arrays.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps


def check(actual, expected, line, rtol=64 * EPSILON):
    """The peers compute matrices in float32: their error grows with the condition, here up to 50.

    The golden values are rounded to 1e-7.
    """
    if isinstance(expected, list):
        assert isinstance(actual, (tuple, list)) and len(actual) == len(expected), line
        for one, other in zip(actual, expected, strict=True):
            check(one, other, line, rtol)
        return
    array = np.asarray(actual)
    assert str(array.dtype) == expected["dtype"], line
    assert list(array.shape) == expected["shape"], line
    values = np.array([float(v) for v in expected["values"]]).reshape(array.shape)
    finite = np.abs(values[np.isfinite(values)]).max(initial=0)
    bounds = {"rtol": rtol, "atol": 4e-7 + rtol * finite}
    np.testing.assert_allclose(array.astype("float64"), values, **bounds, err_msg=line)


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
    answer(line, "torch", {"torch": fastdl, "T": lambda a: fastdl.tensor(a)})


@pytest.mark.parametrize("line", cases.lines(cases.GRADIENTS))
def test_gradients(line):
    leaves = {n: fastdl.tensor(cases.ARRAYS[n], requires_grad=True) for n in "XYZ"}
    y = eval(line, {"np": np, **cases.ARRAYS, **leaves, "torch": fastdl, "T": fastdl.tensor})
    weights = np.arange(1.0, y.numel() + 1).reshape(y.shape) / y.numel()
    used = [leaf for name, leaf in leaves.items() if name in line]
    first = grad((y * y * weights).sum(), used, create_graph=True)
    squares = [(g * g).sum() for g in first]
    second = grad(sum(squares[1:], squares[0]), used)
    # Sums of some hundred terms in float32 that cancel; PyTorch's are doubles.
    check([*first, *second], GOLDEN["gradients"][line], line, rtol=1024 * EPSILON)
