"""Writes attention.json, the outputs of Keras's attention layers:

KERAS_BACKEND=jax PYTHONPATH=tests python tests/golden/attention.py
"""

import json
from pathlib import Path

import attention_cases as cases
import keras
import numpy as np

found = {}
for text, call in cases.CASES:
    layer, _, outputs = cases.output(keras, text, call)
    found[text + call] = {
        "weights": [list(w.shape) for w in layer.get_weights()],
        "outputs": [
            {"shape": list(y.shape), "y": [round(float(v), 6) for v in np.asarray(y).ravel()]}
            for y in outputs
        ],
    }
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(found, separators=(",", ":")).replace('},"', '},\n"') + "\n")
