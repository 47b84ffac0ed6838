"""Writes elementwise.json: what Keras and PyTorch give for the lines of elementwise_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python elementwise.py
"""

import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import elementwise_cases as cases

warnings.simplefilter("ignore")


def answer(line, names):
    names = {"np": np, **cases.ARRAYS, **names}
    if "torch" in names:
        names |= cases.helpers(torch, names["T"])
    try:
        return cases.flat(eval(line, names))
    except Exception as error:
        return {"error": type(error).__name__}


golden = {
    "keras": {line: answer(line, {"ops": keras.ops}) for line in cases.lines(cases.KERAS)},
    "torch": {
        line: answer(line, {"torch": torch, "T": lambda a: torch.from_numpy(np.array(a))})
        for line in cases.lines(cases.TORCH)
    },
}
text = json.dumps(golden, sort_keys=True).replace('}, "', '},\n"')
Path(__file__).with_suffix(".json").write_text(text + "\n")
for face in ("keras", "torch"):
    for line, result in golden[face].items():
        if isinstance(result, dict) and "error" in result:
            print(line, result["error"])
