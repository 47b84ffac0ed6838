"""Writes more_modules.json: rarer modules of PyTorch, in float64, with gradients.

PYTHONPATH=tests python tests/golden/more_modules.py
"""

import json
from pathlib import Path

import image_module_cases as cases
import torch
from more_module_cases import CASES

torch.set_default_dtype(torch.float64)


def tensor(array, parameter):
    return torch.tensor(array, dtype=torch.float64, requires_grad=parameter is None)


def listed(t):
    return [float(f"{v:.10g}") for v in t.detach().reshape(-1).tolist()]


found = {"version": torch.__version__, "cases": {}}
for case in CASES:
    text, shape = case
    y, x, parameters = cases.evaluate(text, shape, torch.nn, torch.nn.functional, tensor)
    row = {"shape": list(y.shape), "output": listed(y)}
    if y.is_floating_point():
        weight = torch.tensor(cases.values(text, tuple(y.shape), -1 & 0xFFFF), dtype=torch.float64)
        (y * weight).sum().backward()
        row["grads"] = [listed(t.grad) for t in (x, *parameters)]
    found["cases"][cases.name_of(case)] = row
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(found, separators=(",", ":")).replace('},"', '},\n"') + "\n")
