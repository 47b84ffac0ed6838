"""Writes images.json: what Keras 3 computes for the cases of image_cases.py, in float64.

Run from the tests folder's parent with Keras and JAX installed:
    KERAS_BACKEND=jax JAX_ENABLE_X64=1 PYTHONPATH=tests python tests/golden/images.py

Of each case it keeps the output, the gradient of its sum with weights, and the config of a layer.
It also writes saved/keras-images.keras, whose output it keeps, too.
"""

import json
from pathlib import Path

import image_cases as cases
import jax
import keras
import numpy as np


def both(function, shape):
    x = cases.input_for(shape).astype("float64")
    y = np.asarray(function(x))
    weight = cases.weight_for(y.shape).astype("float64")
    gradient = jax.grad(lambda x: (function(x) * weight).sum())(x)
    # Sums of these would change by less than float32 rounds.
    return [np.round(np.asarray(a), 9).tolist() for a in (y, gradient)]


def main():
    result = {"keras": keras.__version__, "layers": {}, "functions": {}, "bytes": {}}
    model = cases.model(keras)
    model.set_weights([cases.weight_for(w.shape) for w in model.weights])
    path = Path(__file__).with_suffix(".json")
    model.save(path.parent / "saved/keras-images.keras")
    result["file"] = model.predict(cases.input_for((3, 16, 12, 3)), verbose=0).tolist()
    keras.config.set_floatx("float64")
    for name, (make, shape) in cases.LAYERS.items():
        layer = make(keras)
        output, gradient = both(layer, shape)
        config = {k: v for k, v in layer.get_config().items() if k not in ("name", "dtype")}
        result["layers"][name] = {"output": output, "gradient": gradient, "config": config}
    for name, (function, shape) in cases.FUNCTIONS.items():
        output, gradient = both(lambda x, f=function: f(keras, x), shape)
        result["functions"][name] = {"output": output, "gradient": gradient}
    keras.config.set_floatx("float32")
    picture = (np.arange(2 * 5 * 7 * 3).reshape(2, 5, 7, 3) * 37 % 256).astype("uint8")
    for kind in ("bilinear", "nearest", "bicubic"):
        y = np.asarray(keras.layers.Resizing(4, 9, interpolation=kind)(picture))
        result["bytes"][kind] = {"dtype": str(y.dtype), "output": y.tolist()}
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")


main()
