"""Writes keras_functions.json: for the functions of graphs that files of Keras may have, the
arguments of Keras's class, with Keras 3.15: `KERAS_BACKEND=jax python keras_functions.py`.

It also reads files that fastdl wrote, given as arguments, and prints the largest difference between
Keras's outputs and those in the `.npz` beside each.
"""

import importlib
import inspect
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent


def main():
    import keras

    for path in map(pathlib.Path, sys.argv[1:]):
        model = keras.models.load_model(path)
        with np.load(path.with_suffix(".npz")) as arrays:
            difference = np.abs(model.predict(arrays["x"], verbose=0) - arrays["y"]).max()
        print(path.name, difference)
    if sys.argv[1:]:
        return
    found = {}
    for name in ("core", "image", "math", "nn", "numpy"):
        module = importlib.import_module(f"keras.src.ops.{name}")
        for kind, cls in vars(module).items():
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                arguments = [a for a in inspect.signature(cls.__init__).parameters if a != "self"]
                found[f"{name}.{kind}"] = arguments
    text = json.dumps(found, indent=0, sort_keys=True)
    (HERE / "keras_functions.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
