"""Writes conv.json, the outputs of Keras 3.15's layers: `KERAS_BACKEND=jax python conv.py`."""

import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import conv_cases  # noqa: E402


def main():
    import keras

    found = {}
    for id, case in conv_cases.cases().items():
        layer, _, y = conv_cases.output(keras, *case)
        found[id] = {
            "weights": [list(w.shape) for w in layer.weights],
            "shape": list(y.shape),
            "y": [round(float(v), 6) for v in np.asarray(y).ravel()],
        }
    (HERE / "conv.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
