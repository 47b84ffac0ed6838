"""Writes torch_programs.json: what PyTorch gives for the programs of tests/programs_*.py.

python torch_programs.py
"""

import importlib
import json
import sys
from pathlib import Path

import torch
import torch.nn.utils.parametrize
import torch.utils.checkpoint

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))


def rounded(x):
    if isinstance(x, (list, tuple)):
        return [rounded(v) for v in x]
    return float(f"{x:.9g}") if type(x) is float else x


if __name__ == "__main__":
    lines = []
    for file in sorted(TESTS.glob("programs_*.py")):
        for case in importlib.import_module(file.stem).CASES:
            key = f"{file.stem[9:]}.{case.__name__}"
            lines.append(f"{json.dumps(key)}: {json.dumps(rounded(case(torch)))}")
    Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
