"""Writes trainer.json: what comes out of the trainings of trainer_cases.py in Keras, in float64.

KERAS_BACKEND=torch python trainer.py

With KERAS_BACKEND=jax JAX_ENABLE_X64=1 the numbers are the same, within the test's tolerance.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import trainer_cases as cases

keras.config.set_floatx("float64")


def plain(value):
    """The value in lists, dicts (as pairs, since their order counts) and rounded numbers."""
    if isinstance(value, dict):
        return {"keys": list(value), "values": [plain(v) for v in value.values()]}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (str, int)):
        return value
    value = np.asarray(value, np.float64)
    return float(f"{float(value):.10g}") if value.ndim == 0 else [plain(v) for v in value]


if __name__ == "__main__":
    golden = {}
    for problem in cases.PROBLEMS:
        for optimizer in cases.OPTIMIZERS:
            golden[f"{problem}-{optimizer}"] = plain(cases.steps(keras, problem, optimizer))
    for training in cases.TRAININGS:
        golden[training.__name__] = plain(training(keras))
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in golden.items())
    Path(__file__).with_name("trainer.json").write_text("{\n" + text + "\n}\n")
