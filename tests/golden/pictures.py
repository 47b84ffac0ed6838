"""Writes pictures.json: what Keras gives for the lines of picture_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python pictures.py
"""

import json
import sys
from pathlib import Path

from keras import ops

sys.path.insert(0, str(Path(__file__).parent.parent))
import faces_cases
import picture_cases as cases


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
