"""Writes recurrent_layers.json with Keras, or recurrent_modules.json with PyTorch (float64).

KERAS_BACKEND=jax PYTHONPATH=tests python tests/golden/recurrent.py layers
PYTHONPATH=tests python tests/golden/recurrent.py modules
"""

import json
import sys
from pathlib import Path

import image_module_cases
import numpy as np
import recurrent_cases as cases


def write(name, found):
    path = Path(__file__).parent / f"recurrent_{name}.json"
    path.write_text(json.dumps(found, separators=(",", ":")).replace('},"', '},\n"') + "\n")


def layers():
    import keras

    found = {}
    for name, case in cases.layer_cases().items():
        _, _, outputs = cases.output(keras, *case)
        found[name] = [
            {"shape": list(y.shape), "y": [round(float(v), 6) for v in np.asarray(y).ravel()]}
            for y in outputs
        ]
    write("layers", found)


def modules():
    import torch

    torch.set_default_dtype(torch.float64)

    def tensor(array, parameter):
        return torch.tensor(array, dtype=torch.float64, requires_grad=parameter is None)

    def listed(t):
        return [float(f"{v:.10g}") for v in t.detach().reshape(-1).tolist()]

    found = {}
    for text, shape in cases.MODULES:
        y, x, parameters = image_module_cases.evaluate(text, shape, torch.nn, None, tensor)
        weight = image_module_cases.values(text, tuple(y.shape), -1 & 0xFFFF)
        (y * torch.tensor(weight, dtype=torch.float64)).sum().backward()
        grads = [listed(t.grad) for t in (x, *parameters)]
        key = f"{text} {shape}"
        found[key] = {"shape": list(y.shape), "output": listed(y), "grads": grads}
    write("modules", found)


if __name__ == "__main__":
    {"layers": layers, "modules": modules}[sys.argv[1]]()
