"""`fastdl.ops` has the meaning of keras.ops; the top level and Tensor's methods that of torch.

The golden values are results of Keras and PyTorch (golden/faces.py).
"""

import inspect
import json
from pathlib import Path

import faces_cases as cases
import numpy as np
import pytest
from golden_lines import answer

import fastdl
from fastdl import ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/faces.json").read_text("utf-8"))
OPS = sorted(name for name, value in vars(ops).items() if callable(value) and name[0] != "_")
# The errors of elementary functions are at most 4 ulp. Sums of a dozen terms round a dozen times.
# The golden values are rounded to 1e-7.
TOLERANCE = {"rtol": 16 * np.finfo(np.float32).eps, "atol": 4e-7}


@pytest.mark.parametrize("name", OPS)
def test_signatures_are_those_of_keras(name):
    parameters = inspect.signature(getattr(ops, name)).parameters.values()
    bare = [inspect.Parameter(p.name, p.kind, default=p.default) for p in parameters]
    assert str(inspect.Signature(bare)) == GOLDEN["signatures"][name]
    assert "Example:" in getattr(ops, name).__doc__


@pytest.mark.filterwarnings("ignore:.*rms_scaling")
@pytest.mark.parametrize("line", cases.lines(cases.KERAS))
def test_keras(line):
    answer(line, GOLDEN["keras"][line], {**cases.ARRAYS, "ops": ops}, **TOLERANCE)


@pytest.mark.parametrize("line", cases.lines(cases.TORCH))
def test_torch(line):
    names = {**cases.ARRAYS, "torch": fastdl, "T": fastdl.tensor}
    answer(line, GOLDEN["torch"][line], names, **TOLERANCE)


def test_names_of_the_other_face_are_named():
    with pytest.raises(AttributeError, match=r"functions of keras\.ops, fastdl itself those"):
        ops.cat  # noqa: B018
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_function'$"):
        ops.no_such_function  # noqa: B018
