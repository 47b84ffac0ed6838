"""Writes augmentations.json: what Keras 3 computes for the cases of augmentation_cases.py.

Run from the tests folder's parent with Keras and JAX installed:
    KERAS_BACKEND=jax JAX_ENABLE_X64=1 PYTHONPATH=tests python tests/golden/augmentations.py
"""

import json
from pathlib import Path

import augmentation_cases as cases
import image_cases
import jax
import keras
import numpy as np


def plain(array, digits=6):
    return np.round(np.asarray(array), digits).tolist()


def config_of(layer):
    return {k: v for k, v in layer.get_config().items() if k not in ("name", "dtype")}


def main():
    result = {"keras": keras.__version__, "layers": {}, "given": {}, "functions": {}}
    result["configs"] = {name: config_of(make(keras)) for name, make in cases.CONFIGS.items()}
    x = cases.images().astype("uint8")
    result["bytes"] = {
        fill: np.asarray(
            keras.ops.image.affine_transform(x, cases.MATRICES, fill_mode=fill, fill_value=7)
        ).tolist()
        for fill in cases.FILLS
    }
    keras.config.set_floatx("float64")
    for name, (make, shape) in cases.LAYERS.items():
        y = make(keras)(cases.images(shape).astype("float64"), training=True)
        result["layers"][name] = plain(y)
    for name, (make, shape, drawn) in cases.GIVEN.items():
        layer = make(keras)
        y = layer.transform_images(cases.images(shape).astype("float64"), drawn)
        labels = layer.transform_labels(cases.LABELS.astype("float64"), drawn)
        result["given"][name] = {"images": plain(y), "labels": plain(labels)}
    x = cases.images().astype("float64")
    for fill in cases.FILLS:
        for how in cases.INTERPOLATIONS:

            def function(x, fill=fill, how=how):
                return keras.ops.image.affine_transform(
                    x, cases.MATRICES.astype("float64"), how, fill, 7.0
                )

            y = function(x)
            weight = image_cases.weight_for(y.shape).astype("float64")
            gradient = jax.grad(lambda x, f=function, w=weight: (f(x) * w).sum())(x)
            result["functions"][f"{fill}_{how}"] = [plain(y), plain(gradient)]
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")


main()
