"""Writes lookups.json: what Keras 3 and its TensorFlow compute with layers of categories.

Run from the tests folder's parent with Keras and TensorFlow installed:
    KERAS_BACKEND=tensorflow python tests/golden/lookups.py
"""

import json
import random
import string
from pathlib import Path

import numpy as np

random.seed(4)
WORDS = ["tea", "milk", "", "Grüße", "茶", "a", "b", "ab", "[UNK]", "x" * 40, "y" * 90]
CITIES = random.choices(["Rome", "Oslo", "Lima", "Bonn", "Bern"], [5, 4, 4, 1, 1], k=60)
GRID = np.array(CITIES[:24]).reshape(6, 4).tolist()
IDS = [7, 7, 7, 3, 3, -5, 2**40, 3, 0, 12, 12]
SALT = [133, 137]

# Layer, arguments, data for adapt (None for none), inputs.
CASES = [
    ("StringLookup", {}, CITIES, ["Oslo", "Rome", "Kiel", ""]),
    ("StringLookup", {"mask_token": ""}, CITIES, [["Oslo", ""], ["Kiel", "Bern"]]),
    ("StringLookup", {"max_tokens": 4}, CITIES, CITIES[:9]),
    ("StringLookup", {"num_oov_indices": 3}, CITIES, ["Kiel", "Ulm", "Rome", "Köln"]),
    ("StringLookup", {"num_oov_indices": 5, "salt": 9}, CITIES, ["Kiel", "Ulm", "Rome"]),
    ("StringLookup", {"num_oov_indices": 3, "mask_token": "-"}, CITIES, ["-", "Ulm", "Rome"]),
    ("StringLookup", {"num_oov_indices": 0}, CITIES, ["Rome", "Bern"]),
    ("StringLookup", {"vocabulary": ["b", "a"]}, None, [["a"], ["b"], ["c"]]),
    ("StringLookup", {"vocabulary": ["[UNK]", "b", "a"]}, None, ["a", "b", "c"]),
    ("StringLookup", {"vocabulary": ["b", "a"], "output_mode": "one_hot"}, None, ["a", "c"]),
    ("StringLookup", {"output_mode": "one_hot"}, CITIES, [["Oslo"], ["Kiel"]]),
    ("StringLookup", {"output_mode": "multi_hot", "mask_token": "Oslo"}, GRID, GRID),
    ("StringLookup", {"output_mode": "count", "num_oov_indices": 2}, GRID[:2], GRID),
    ("StringLookup", {"output_mode": "tf_idf"}, GRID, GRID),
    ("StringLookup", {"output_mode": "tf_idf", "mask_token": "Oslo"}, GRID, GRID),
    (
        "StringLookup",
        {"output_mode": "tf_idf", "max_tokens": 9, "pad_to_max_tokens": True},
        GRID,
        GRID,
    ),
    (
        "StringLookup",
        {"vocabulary": ["a", "b"], "idf_weights": [0.5, 2.0], "output_mode": "tf_idf"},
        None,
        [["a", "a", "c"], ["b", "c", "c"]],
    ),
    (
        "StringLookup",
        {"output_mode": "count", "max_tokens": 8, "pad_to_max_tokens": True},
        GRID,
        GRID,
    ),
    ("IntegerLookup", {}, IDS, [[7, 3], [99, 0]]),
    ("IntegerLookup", {"mask_token": 0}, IDS, [7, 0, -5, 2**40, 8]),
    ("IntegerLookup", {"max_tokens": 3}, IDS, IDS),
    ("IntegerLookup", {"num_oov_indices": 3}, IDS, [-7, -1, 1, 5, 8, 12]),
    ("IntegerLookup", {"num_oov_indices": 3, "oov_method": "farmhash"}, IDS, [-7, -1, 1, 5, 8]),
    (
        "IntegerLookup",
        {"num_oov_indices": 3, "oov_method": "farmhash", "salt": SALT},
        IDS,
        [-7, -1, 1, 5, 8, 12],
    ),
    ("IntegerLookup", {"vocabulary": [5, -2, 9], "num_oov_indices": 0}, None, [9, 5, -2]),
    ("IntegerLookup", {"vocabulary": [5, 2], "invert": True}, None, [0, 1, 2, 3, -4]),
    ("IntegerLookup", {"output_mode": "one_hot"}, IDS, [[7], [99]]),
    ("IntegerLookup", {"output_mode": "multi_hot", "mask_token": 7}, IDS, [[7, 3], [99, 0]]),
    ("IntegerLookup", {"output_mode": "count"}, IDS, [[7, 7, 3], [99, 0, 98]]),
    ("Hashing", {"num_bins": 1000}, None, WORDS),
    ("Hashing", {"num_bins": 1000, "salt": SALT}, None, WORDS),
    ("Hashing", {"num_bins": 7, "mask_value": ""}, None, [WORDS[:3], WORDS[3:6]]),
    ("Hashing", {"num_bins": 1, "mask_value": ""}, None, WORDS),
    ("Hashing", {"num_bins": 1000}, None, [-5, 0, 12, 2**40]),
    ("Hashing", {"num_bins": 1000, "salt": 3}, None, [[-5, 0], [12, 2**40]]),
    ("Hashing", {"num_bins": 9, "mask_value": 12}, None, [-5, 0, 12]),
    ("Hashing", {"num_bins": 9}, None, [1.5, -2.5, 3.0]),
    ("Hashing", {"num_bins": 4, "output_mode": "one_hot"}, None, [["a"], ["b"]]),
    ("Hashing", {"num_bins": 4, "output_mode": "multi_hot"}, None, GRID),
    ("Hashing", {"num_bins": 4, "output_mode": "count"}, None, GRID),
    ("HashedCrossing", {"num_bins": 1000}, None, [WORDS, list(range(-3, len(WORDS) - 3))]),
    ("HashedCrossing", {"num_bins": 1000}, None, [IDS, IDS[::-1], IDS]),
    ("HashedCrossing", {"num_bins": 6}, None, [[["a"], ["b"]], [["c"], ["d"]]]),
    ("HashedCrossing", {"num_bins": 6, "output_mode": "one_hot"}, None, [["a", "b"], ["c", "d"]]),
    ("HashedCrossing", {"num_bins": 6, "output_mode": "one_hot"}, None, [[["a"]], [["c"]]]),
]
# Texts of every length up to two blocks and more, for the hashes themselves.
TEXTS = ["".join(random.choices(string.ascii_letters + "äß€", k=n)) for n in range(200)]


def run(layers, case, array):
    """The layer and its output; `array` makes an array of a nested list."""
    name, arguments, data, x = case
    layer = getattr(layers, name)(**arguments)
    if data is not None:
        layer.adapt(array(data))
    x = [array(one) for one in x] if name == "HashedCrossing" else array(x)
    return layer, np.asarray(layer(x))


def main():
    import keras
    import tensorflow as tf

    found = []
    for case in CASES:
        layer, out = run(keras.layers, case, np.array)
        vocabulary = None
        if hasattr(layer, "get_vocabulary"):
            vocabulary = [v if isinstance(v, str) else int(v) for v in layer.get_vocabulary()]
        found.append({"out": out.tolist(), "shape": list(out.shape), "vocabulary": vocabulary})
    most = 2**63 - 1
    hashes = {
        "fast": tf.strings.to_hash_bucket_fast(TEXTS, most).numpy().tolist(),
        "strong": tf.strings.to_hash_bucket_strong(TEXTS, most, SALT).numpy().tolist(),
    }
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({**versions, "cases": found, "hashes": hashes}))


if __name__ == "__main__":
    main()
