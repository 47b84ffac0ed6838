"""Writes arrays.json: what Keras and PyTorch give for the lines of array_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python arrays.py
"""

import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import array_cases as cases

warnings.simplefilter("ignore")


def answer(line, names):
    try:
        return cases.flat(eval(line, {"np": np, **cases.ARRAYS, **names}))
    except Exception as error:
        return {"error": type(error).__name__}


def gradients(line):
    """The first and second gradients of the sum of squares, weighted by the places, in doubles."""
    leaves = {n: torch.tensor(cases.ARRAYS[n]).double().requires_grad_() for n in "XYZ"}

    def tensor(a):
        t = torch.from_numpy(np.array(a))
        return t.double() if t.is_floating_point() else t

    y = eval(line, {"np": np, **cases.ARRAYS, **leaves, "torch": torch, "T": tensor})
    weights = torch.arange(1.0, y.numel() + 1).reshape(y.shape) / y.numel()
    total = (y * y * weights).sum()
    used = [leaf for name, leaf in leaves.items() if name in line]
    first = torch.autograd.grad(total, used, create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), used)
    return [cases.flat(t.detach().float()) for t in (*first, *second)]


golden = {
    "keras": {line: answer(line, {"ops": keras.ops}) for line in cases.lines(cases.KERAS)},
    "torch": {
        line: answer(line, {"torch": torch, "T": lambda a: torch.from_numpy(np.array(a))})
        for line in cases.lines(cases.TORCH)
    },
    "gradients": {line: gradients(line) for line in cases.lines(cases.GRADIENTS)},
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=0, sort_keys=True) + "\n")
for face in ("keras", "torch"):
    for line, result in golden[face].items():
        if isinstance(result, dict) and "error" in result:
            print(line, result["error"])
