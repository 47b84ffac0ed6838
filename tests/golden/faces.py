"""Writes faces.json: what Keras and PyTorch give for the lines of faces_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python faces.py
"""

import inspect
import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import faces_cases as cases

warnings.simplefilter("ignore")


def answer(line, names):
    try:
        return cases.flat(eval(line, {"np": np, **cases.ARRAYS, **names}))
    except Exception as error:
        return {"error": type(error).__name__}


signatures = {}
for name in dir(keras.ops):
    function = getattr(keras.ops, name)
    if callable(function) and not name.startswith("_"):
        signatures[name] = str(inspect.signature(function))
golden = {
    "signatures": signatures,
    "keras": {line: answer(line, {"ops": keras.ops}) for line in cases.lines(cases.KERAS)},
    "torch": {
        line: answer(line, {"torch": torch, "T": lambda a: torch.from_numpy(np.array(a))})
        for line in cases.lines(cases.TORCH)
    },
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=0, sort_keys=True) + "\n")
for face in ("keras", "torch"):
    for line, result in golden[face].items():
        if isinstance(result, dict) and "error" in result:
            print(line, result["error"])
