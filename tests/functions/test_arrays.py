"""Shapes, indices and matrices beside those of Keras and PyTorch (golden/arrays.py)."""

import json
from pathlib import Path

import array_cases as cases
import numpy as np
import pytest
from golden_lines import answer, check

import fastdl
from fastdl import ops
from fastdl.autograd import grad

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/arrays.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
# The peers compute matrices in float32: their error grows with the condition, here up to 50.
TOLERANCE = {"rtol": 64 * EPSILON, "of_largest": True}


@pytest.mark.parametrize("line", cases.lines(cases.KERAS))
def test_keras(line):
    answer(line, GOLDEN["keras"][line], {**cases.ARRAYS, "ops": ops}, **TOLERANCE)


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_torch(line):
    names = {**cases.ARRAYS, "torch": fastdl, "T": fastdl.tensor}
    answer(line, GOLDEN["torch"][line], names, **TOLERANCE)


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
    expected = GOLDEN["gradients"][line]  # first ones alone where PyTorch has no second
    check([*first, *second][: len(expected)], expected, line, rtol=1024 * EPSILON, of_largest=True)
