"""Writes helpers.json: what Keras gives for the lines of helper_cases.py.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python helpers.py
"""

import json
import sys
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parent.parent))
import helper_cases as cases

golden = {line: cases.shown(line, keras) for line in cases.lines()}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=0) + "\n")
for line, result in golden.items():
    if result.startswith("error"):
        print(line, result)
