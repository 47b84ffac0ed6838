"""Writes keras_layers.json: what Keras 3 computes for the cases of keras_cases.py.

Run from the tests folder's parent with Keras and its PyTorch backend installed:
    KERAS_BACKEND=torch COLUMNS=80 PYTHONPATH=tests python tests/golden/keras_layers.py
Outputs are computed in float64; summaries are those of float32 models on 80 columns.
"""

import json
from pathlib import Path

import keras
import keras_cases as cases
import numpy as np
import torch


def listed(x):
    if isinstance(x, dict):
        return {key: listed(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [listed(value) for value in x]
    return np.asarray(x.detach() if hasattr(x, "detach") else x).tolist()


def doubled(x):
    if isinstance(x, dict):
        return {key: doubled(value) for key, value in x.items()}
    if isinstance(x, list):
        return [doubled(value) for value in x]
    return torch.tensor(x, dtype=torch.float64)


def fill(layer):
    layer.set_weights(cases.weights_for([w.shape for w in layer.weights]))
    return [[w.path.split("/", 1)[-1], list(w.shape)] for w in layer.weights]


def summaries():
    for name, (make, _) in cases.MODELS.items():
        for options in ({}, {"show_trainable": True}, {"expand_nested": True}):
            keras.backend.clear_session()
            text = []
            make(keras).summary(print_fn=text.append, **options)
            yield {"model": name, "options": options, "text": text[0].rstrip("\n")}


def main():
    result = {"keras": keras.__version__, "summaries": list(summaries())}
    keras.config.set_floatx("float64")
    result["activations"] = {
        name: listed(keras.activations.get(name)(doubled(cases.filled((4, 6), 1, 4.0))))
        for name in cases.ACTIVATIONS
    }
    result["layers"] = {}
    for name, (make, shapes) in cases.LAYERS.items():
        layer = make(keras)
        inputs = doubled(cases.inputs_for(shapes))
        layer(inputs)
        weights = fill(layer)
        result["layers"][name] = {"weights": weights, "output": listed(layer(inputs))}
    result["models"] = {}
    for name, (make, shapes) in cases.MODELS.items():
        model = make(keras)
        weights = fill(model)
        inputs = doubled(cases.inputs_for(shapes))
        result["models"][name] = {
            "weights": [shape for _, shape in weights],
            "layers": [layer.name for layer in model.layers],
            "output": listed(model(inputs)),
        }
    matrix = torch.tensor(cases.filled((4, 3), 5), dtype=torch.float64)
    result["regularizers"] = {
        name: listed(make(keras)(matrix)) for name, make in cases.REGULARIZERS.items()
    }
    result["constraints"] = {
        name: listed(make(keras)(matrix)) for name, make in cases.CONSTRAINTS.items()
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


main()
