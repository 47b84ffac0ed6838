"""Writes preprocessing.json: what Keras 3 computes with layers that prepare numbers.

Run from the tests folder's parent with Keras and its PyTorch backend installed:
    KERAS_BACKEND=torch python tests/golden/preprocessing.py
"""

import json
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(9)
TABLE = (RNG.standard_normal((50, 3)) * [1, 20, 0.1] + [0, 5, -3]).round(3)
CUBE = RNG.uniform(-1, 1, (6, 4, 3)).round(3)
NUMBERS = RNG.integers(0, 5, (7, 4))
SKEWED = RNG.exponential(2.0, 300).round(3)

# Name, arguments, data for adapt (None for none), input.
CASES = [
    ("Normalization", {}, TABLE, TABLE[:5]),
    ("Normalization", {"axis": None}, TABLE, TABLE[:5]),
    ("Normalization", {"invert": True}, TABLE, TABLE[:5]),
    ("Normalization", {"axis": [1, 2]}, CUBE, CUBE),
    ("Normalization", {"axis": 1}, CUBE, CUBE),
    ("Normalization", {"mean": 3.0, "variance": 2.0}, None, TABLE[:4]),
    ("Normalization", {"mean": [1, 2, 3], "variance": [4, 0, 9]}, None, TABLE[:4]),
    ("Normalization", {"axis": [1, 2], "mean": [1, 2, 3], "variance": [4, 1, 9]}, None, CUBE),
    ("Normalization", {}, np.ones((4, 2)), np.ones((2, 2)) * 2),
    ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0]}, None, TABLE[:5]),
    ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0]}, None, np.array([0.0, 1.0, 2.0, -0.0])),
    ("Discretization", {"num_bins": 4}, SKEWED, SKEWED[:20]),
    ("Discretization", {"num_bins": 10, "epsilon": 0.05}, SKEWED, SKEWED[:20]),
    ("Discretization", {"num_bins": 3}, np.arange(10.0), np.arange(10.0)),
    ("Discretization", {"num_bins": 4, "output_mode": "one_hot"}, SKEWED, SKEWED[:6, None]),
    ("Discretization", {"num_bins": 4, "output_mode": "multi_hot"}, SKEWED, TABLE[:5]),
    ("Discretization", {"num_bins": 4, "output_mode": "count"}, SKEWED, TABLE[:5]),
    ("CategoryEncoding", {"num_tokens": 5}, None, NUMBERS),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, None, NUMBERS),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, None, NUMBERS[:, :1]),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, None, NUMBERS[:, 0]),
    ("CategoryEncoding", {"num_tokens": 6, "output_mode": "count"}, None, NUMBERS),
    ("CategoryEncoding", {"num_tokens": 5}, None, NUMBERS[0]),
]


def run(layers, case):
    name, arguments, data, x = case
    layer = getattr(layers, name)(**arguments)
    if data is not None:
        layer.adapt(data)
    if x.dtype.kind == "f":
        x = x.astype(np.float32)  # Keras's backends differ in what they make of float64
    return layer, np.asarray(layer(x))


def main():
    import keras

    found = []
    for case in CASES:
        layer, out = run(keras.layers, case)
        found.append(
            {
                "out": out.tolist(),
                "shape": list(out.shape),
                "weights": [np.asarray(w).tolist() for w in layer.get_weights()],
                "bounds": getattr(layer, "bin_boundaries", None),
            }
        )
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"keras": keras.__version__, "cases": found}))


if __name__ == "__main__":
    main()
