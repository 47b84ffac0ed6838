"""Programs of tests/programs_*.py: what they give is what PyTorch gives."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import fastdl

TESTS = Path(__file__).parent.parent
GOLDEN = json.loads((TESTS / "golden/torch_programs.json").read_text(encoding="utf-8"))
CASES = {
    f"{file.stem[9:]}.{case.__name__}": case
    for file in sorted(TESTS.glob("programs_*.py"))
    for case in importlib.import_module(file.stem).CASES
}
EPS = float(np.finfo(np.float32).eps)


def agree(found, wanted, where):
    if isinstance(wanted, list):
        assert isinstance(found, (list, tuple)) and len(found) == len(wanted), (where, found)
        for i, (f, w) in enumerate(zip(found, wanted, strict=True)):
            agree(f, w, f"{where}[{i}]")
    elif isinstance(wanted, float) and isinstance(found, (int, float)):
        # PyTorch computes in float32, too: a few hundred roundings of both.
        limit = 200 * EPS * max(1.0, abs(wanted))
        assert found == wanted or abs(found - wanted) <= limit, (where, found, wanted)
    else:
        assert found == wanted, (where, found, wanted)


def test_all_programs_have_their_values():
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", CASES)
def test_a_program_gives_what_pytorch_gives(name):
    agree(CASES[name](fastdl), GOLDEN[name], name)
