"""Writes masks.json: what Keras 3 computes for the cases of mask_cases.py.

KERAS_BACKEND=tensorflow PYTHONPATH=tests python tests/golden/masks.py
With the JAX backend the metrics of fit do not see masks, which end where JAX traces the step.
"""

import json
import warnings
from pathlib import Path

import keras
import mask_cases as cases
import numpy as np
from keras.src.backend import get_keras_mask, set_keras_mask


def masked(x, mask):
    x = keras.ops.convert_to_tensor(x)
    if mask is not None:
        set_keras_mask(x, keras.ops.convert_to_tensor(mask))
    return x


def listed(x):
    if isinstance(x, (list, tuple)):
        return [listed(item) for item in x]
    return None if x is None else np.asarray(x).tolist()


def masks_of(outputs):
    if isinstance(outputs, (list, tuple)):
        return [listed(get_keras_mask(x)) for x in outputs]
    return listed(get_keras_mask(outputs))


def run(layer, *args, **kwargs):
    layer(*args, **kwargs)
    cases.fill(layer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = layer(*args, **kwargs)
    warned = any("does not support masking" in str(w.message) for w in caught)
    return {"output": listed(y), "mask": masks_of(y), "warned": warned}


def main():
    warnings.simplefilter("ignore")
    result = {"keras": keras.__version__, "layers": {}, "models": {}, "fits": {}}
    for name, (make, inputs, masks) in cases.LAYERS.items():
        tensors = [masked(x, mask) for x, mask in zip(inputs, masks, strict=True)]
        result["layers"][name] = run(make(keras), tensors if len(tensors) > 1 else tensors[0])
    for name, (make, inputs, masks) in cases.CALLS.items():
        tensors = {key: masked(x, masks[key]) for key, x in inputs.items()}
        result["layers"][name] = run(make(keras), **tensors)
    for name, make in cases.MODELS.items():
        result["models"][name] = run(make(keras), cases.BATCH)
    for name in cases.FITS:
        model, data = cases.compiled(keras, name)
        cases.fill(model)
        history = model.fit(**data, batch_size=2, epochs=3, shuffle=False, verbose=0).history
        result["fits"][name] = {
            "history": history,
            "evaluated": model.evaluate(**data, batch_size=3, verbose=0, return_dict=True),
            "weights": [listed(w) for w in model.get_weights()],
        }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=0) + "\n", encoding="utf-8")


main()
