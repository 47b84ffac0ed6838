"""Files of earlier versions, and of PyTorch, are read. `tests/golden` has what wrote them."""

import json
import pathlib
import sys

import numpy as np
import pytest

import fastdl
from fastdl import models, nn

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import saved_files  # noqa: E402
import torch_files  # noqa: E402

SAVED = GOLDEN / "saved"
EPS = float(np.finfo(np.float32).eps)


def close(got, wanted, steps=1):
    """Instruction sets differ in the last bits of exp, and sums by as much; steps add up."""
    np.testing.assert_allclose(got, wanted, rtol=64 * steps * EPS, atol=64 * steps * EPS)


def test_a_model_of_format_1():
    wanted = json.loads((SAVED / "format1.json").read_text())
    x, _ = saved_files.data()
    model = models.load_model(SAVED / "format1.fastdl")
    close(model.predict(x, verbose=0), wanted["outputs"])
    later = saved_files.later(model)
    close(later["loss"], wanted["later"]["loss"], steps=6)
    for got, weights in zip(later["weights"], wanted["later"]["weights"], strict=True):
        close(got, weights, steps=6)


def test_weights_and_states_of_format_1():
    model = models.load_model(SAVED / "format1.fastdl")
    state = fastdl.load(SAVED / "state1.safetensors")
    weights = fastdl.load(SAVED / "weights1.safetensors")
    assert list(state["model"]) == list(weights) == list(model.state_dict())
    for name, tensor in model.state_dict().items():
        assert fastdl.equal(tensor, weights[name]) and fastdl.equal(tensor, state["model"][name])
    assert state["epoch"] == 3 and state["more"][:2] == [(1, 2.5), None]
    np.testing.assert_array_equal(state["more"][2], np.arange(3.0))


@pytest.mark.parametrize(("name", "eps"), [("torch", EPS), ("torch-half", 2.0**-11)])
def test_a_state_dict_of_pytorch(name, eps):
    wanted = json.loads((SAVED / "torch.json").read_text())["outputs"]
    model = torch_files.make(nn)
    state = fastdl.load(SAVED / f"{name}.safetensors")
    assert {t.dtype.name for t in state.values()} == {"float16" if "half" in name else "float32"}
    model.load_state_dict(state)
    # Two sums of 8 terms, each below 4, and a rounding of each weight.
    np.testing.assert_allclose(
        model(fastdl.tensor(torch_files.inputs())).detach(), wanted, atol=32 * eps
    )
