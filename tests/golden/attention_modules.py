"""Writes attention_modules.json with PyTorch (float64).

PYTHONPATH=tests python tests/golden/attention_modules.py
"""

import json
from pathlib import Path

import attention_module_cases as cases
import image_module_cases as evaluation
import torch


def listed(t):
    return [float(f"{v:.8g}") for v in t.detach().reshape(-1).tolist()]


def main():
    torch.set_default_dtype(torch.float64)
    made = {
        "ints": lambda values: torch.tensor(values, dtype=torch.int64),
        "flags": lambda values: torch.tensor(values, dtype=torch.bool),
        "floats": lambda values: torch.tensor(values, dtype=torch.float64),
        "NINF": float("-inf"),
    }

    def tensor(array, parameter):
        return torch.tensor(array, dtype=torch.float64, requires_grad=parameter is None)

    found = {}
    for text, shape in cases.CASES:
        y, x, parameters = evaluation.evaluate(
            text, shape, torch.nn, torch.nn.functional, tensor, made
        )
        weight = evaluation.values(text, tuple(y.shape), -1 & 0xFFFF)
        (y * torch.tensor(weight, dtype=torch.float64)).sum().backward()
        grads = [None if t.grad is None else listed(t.grad) for t in (x, *parameters)]
        found[f"{text} {shape}"] = {"shape": list(y.shape), "output": listed(y), "grads": grads}
    for options in cases.NETS:
        state = torch.nn.Transformer(**options).state_dict()
        found[f"Transformer {options}"] = {name: list(value.shape) for name, value in state.items()}
    path = Path(__file__).parent / "attention_modules.json"
    path.write_text(json.dumps(found, separators=(",", ":")).replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main()
