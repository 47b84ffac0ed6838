"""Writes compile_utils.json: totals, names and values of Keras's `compile` arguments.

KERAS_BACKEND=torch python compile_utils.py
"""

import json
from pathlib import Path

import keras
import numpy as np
from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics

random = np.random.RandomState(11)
INPUTS = {
    "column": (random.standard_normal((5, 1)), random.standard_normal((5, 1))),
    "bits": (random.randint(0, 2, 5), random.uniform(size=(5, 1))),
    "sparse": (random.randint(0, 3, 5), random.dirichlet(np.ones(3), 5)),
    "one_hot": (np.eye(3)[random.randint(0, 3, 5)], random.dirichlet(np.ones(3), 5)),
}
INPUTS = {k: tuple(x.round(3).astype("float32") for x in v) for k, v in INPUTS.items()}
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.0, 1.5], "float32")

# Outputs (keys of INPUTS, by position or by name), output names, loss, loss weights, metrics and
# weighted metrics.
CASES = [
    ("column", ["d"], "mse", None, ["mae", "mse"], None),
    ("column", ["d"], ["mae"], [2.0], {"d": ["mae"]}, ["mse"]),
    ("bits", ["d"], "crossentropy", None, ["accuracy"], ["accuracy"]),
    ("sparse", ["d"], "ce", None, ["acc", "accuracy"], None),
    ("one_hot", ["d"], "crossentropy", None, ["accuracy", "accuracy"], None),
    (["column", "sparse"], ["a", "b"], ["mse", "ce"], None, ["mae", ["acc"]], None),
    (["column", "sparse"], ["a", "b"], ["mse", "ce"], [0.5, 2.0], [None, ["acc"]], [["mse"], []]),
    (
        ["column", "bits"],
        ["a", "b"],
        {"a": "mse", "b": "ce"},
        {"a": 0.1, "b": 1.0},
        {"b": "acc"},
        None,
    ),
    (["column", "bits"], None, "mse", None, None, None),
    ({"z": "column", "b": "bits"}, None, {"z": "mse", "b": "mae"}, None, {"z": ["mae"]}, None),
    (["column", "column"], ["a", "b"], "mae", None, [["mae", "mae"], ["mse"]], [["mae"], None]),
]


def numbers(results):
    return {k: float(f"{float(keras.ops.convert_to_numpy(v)):.9g}") for k, v in results.items()}


def pick(outputs, part):
    if isinstance(outputs, str):
        return keras.ops.convert_to_tensor(INPUTS[outputs][part])
    if isinstance(outputs, dict):
        return {name: pick(key, part) for name, key in outputs.items()}
    return [pick(key, part) for key in outputs]


def case(outputs, names, loss, loss_weights, metrics, weighted):
    results = []
    for weight in (None, WEIGHTS):
        y, y_pred = pick(outputs, 0), pick(outputs, 1)
        compiled = CompileLoss(loss, loss_weights, output_names=names)
        measured = CompileMetrics(metrics, weighted, output_names=names)
        total = compiled(y, y_pred, weight)
        measured.update_state(y, y_pred, weight)
        results.append(
            {
                "total": numbers({"": total})[""],
                "losses": numbers({m.name: m.result() for m in compiled.metrics}),
                "metrics": numbers(measured.result()),
            }
        )
    arguments = [outputs, names, loss, loss_weights, metrics, weighted]
    return {"arguments": arguments, "results": results}


if __name__ == "__main__":
    golden = {
        "inputs": [{k: [x.tolist() for x in v] for k, v in INPUTS.items()}],
        "weights": [WEIGHTS.tolist()],
        "cases": [case(*arguments) for arguments in CASES],
    }
    text = ",\n".join(
        f'"{key}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
        for key, entries in golden.items()
    )
    Path(__file__).with_name("compile_utils.json").write_text("{\n" + text + "\n}\n")
