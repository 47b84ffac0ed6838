"""Writes feature_space.json: what Keras 3's FeatureSpace makes of a table.

Run from the tests folder's parent with Keras and TensorFlow installed:
    KERAS_BACKEND=tensorflow python tests/golden/feature_space.py
"""

import json
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(12)
ROWS = 150
DATA = {
    "age": RNG.normal(40, 12, ROWS).round(2).tolist(),
    "income": RNG.exponential(1000.0, ROWS).round(1).tolist(),
    "height": RNG.normal(170, 9, ROWS).round(1).tolist(),
    "score": RNG.uniform(-1, 1, ROWS).round(3).tolist(),
    "city": RNG.choice(["Rome", "Oslo", "Lima", "Bonn", ""], ROWS, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    .astype(object)
    .tolist(),
    "plan": RNG.choice([1, 5, 9, 70], ROWS).tolist(),
    "zip": RNG.integers(0, 10_000, ROWS).tolist(),
    "agent": [f"agent-{i}" for i in RNG.integers(0, 40, ROWS)],
}
NEW = {name: column[:12] for name, column in DATA.items()}
NEW["city"] = ["Kiel", *NEW["city"][1:]]
NEW["plan"] = [-3, *NEW["plan"][1:]]

KINDS = {
    "age": "float_normalized",
    "income": "float_discretized",
    "height": "float_rescaled",
    "score": "float",
    "city": "string_categorical",
    "plan": "integer_categorical",
    "zip": "integer_hashed",
    "agent": "string_hashed",
}


def made(space):
    """The cases: arguments of FeatureSpace."""
    return [
        {
            "features": KINDS,
            "crosses": [("plan", "city"), ("agent", "income")],
            "crossing_dim": 10,
            "hashing_dim": 6,
            "num_discretization_bins": 5,
        },
        {
            "features": {
                "age": space.float_discretized(num_bins=4, output_mode="int"),
                "height": space.float_rescaled(scale=0.01, offset=-1.5),
                "city": space.string_categorical(max_tokens=4, num_oov_indices=2),
                "plan": space.integer_categorical(max_tokens=3, output_mode="int"),
                "zip": space.integer_hashed(num_bins=7, output_mode="int"),
                "agent": space.string_hashed(num_bins=7),
            },
            "crosses": [
                space.cross(("city", "plan"), crossing_dim=9, output_mode="int"),
                space.cross(("zip", "age"), crossing_dim=5),
            ],
            "output_mode": "dict",
        },
        {"features": {"score": "float"}},
    ]


def plain(out):
    if isinstance(out, dict):
        return {name: np.asarray(value).tolist() for name, value in out.items()}
    return np.asarray(out).tolist()


def run(space, arguments):
    features = space(**arguments)
    features.adapt(DATA)
    one = {name: column[3] for name, column in DATA.items()}
    if len(arguments["features"]) < len(DATA):  # Keras takes no further columns
        kept = arguments["features"]
        return [
            plain(features({name: NEW[name] for name in kept})),
            plain(features({name: one[name] for name in kept})),
        ]
    return [plain(features(NEW)), plain(features(one))]


def main():
    import keras

    space = keras.utils.FeatureSpace
    found = [run(space, arguments) for arguments in made(space)]
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"keras": keras.__version__, "cases": found}))


if __name__ == "__main__":
    main()
