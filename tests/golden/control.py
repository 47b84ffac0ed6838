"""Writes control.json: what Keras gives for the lines of control_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python control.py
"""

import json
import sys
from pathlib import Path

from keras import ops

sys.path.insert(0, str(Path(__file__).parent.parent))
import control_cases as cases
import faces_cases


def answer(line):
    try:
        return faces_cases.flat(eval(line, {"ops": ops, **cases.NAMES}))
    except Exception as error:
        return {"error": type(error).__name__}


golden = {line: answer(line) for line in cases.lines()}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=0) + "\n")
for line, result in golden.items():
    if "error" in result:
        print(line, result)
