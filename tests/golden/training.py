"""Writes training.json: losses, metrics and weights of networks that Keras trains in float64.

KERAS_BACKEND=torch python training.py
"""

import json
from pathlib import Path

import keras
import numpy as np

keras.config.set_floatx("float64")
random = np.random.RandomState(3)
SAMPLES, FEATURES, HIDDEN = 40, 5, 8
BATCH, STEPS, EPOCHS = 8, 20, 4

# Name, outputs' activation and number, loss, optimizer with its options, metrics.
CASES = [
    ("regression", None, 2, "mse", "SGD", {"learning_rate": 0.05, "momentum": 0.9}, ["mae"]),
    (
        "classifier",
        "softmax",
        3,
        "sparse_categorical_crossentropy",
        "Adam",
        {"learning_rate": 0.01},
        ["accuracy"],
    ),
    (
        "one_hot",
        "softmax",
        3,
        "categorical_crossentropy",
        "AdamW",
        {"learning_rate": 0.02, "weight_decay": 0.1, "clipnorm": 0.5},
        ["accuracy", "mse"],
    ),
    (
        "binary",
        "sigmoid",
        1,
        "binary_crossentropy",
        "RMSprop",
        {"learning_rate": 0.01},
        ["accuracy"],
    ),
    ("plain", None, 1, "huber", "SGD", {"learning_rate": 0.1}, None),
]


def numbers(*shape):
    return random.standard_normal(shape).round(3)


def digits(x):
    x = np.asarray(x, np.float64)
    return float(f"{float(x):.10g}") if x.ndim == 0 else [digits(v) for v in x]


def targets(name, units):
    if name in ("regression", "plain"):
        return numbers(SAMPLES, units)
    labels = random.randint(0, max(units, 2), SAMPLES)
    return np.eye(units)[labels] if name == "one_hot" else labels


def network(activation, units, weights, optimizer, options, loss, metrics):
    model = keras.Sequential(
        [
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(units, activation=activation),
        ]
    )
    model.build((None, FEATURES))
    model.set_weights(weights)
    rule = getattr(keras.optimizers, optimizer)(**options)
    model.compile(rule, loss, metrics=metrics)
    return model


def case(name, activation, units, loss, optimizer, options, metrics):
    x, y = numbers(SAMPLES, FEATURES), targets(name, units)
    weight = np.abs(numbers(SAMPLES))
    shapes = [(FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, units), (units,)]
    # Small enough that no probability is clipped, which not all of Keras's backends do.
    weights = [(numbers(*shape) / 2).round(3) for shape in shapes]
    arguments = [activation, units, loss, optimizer, options, metrics]

    def fresh():
        return network(activation, units, weights, optimizer, options, loss, metrics)

    model = fresh()
    steps = []
    for step in range(STEPS):
        part = slice(step * BATCH % SAMPLES, step * BATCH % SAMPLES + BATCH)
        model.reset_metrics()
        steps.append(model.train_on_batch(x[part], y[part], weight[part], return_dict=True))
    trained = [digits(w) for w in model.get_weights()]
    model = fresh()
    history = model.fit(
        x, y, BATCH, EPOCHS, shuffle=False, validation_split=0.25, verbose=0
    ).history
    return {
        "name": name,
        "arguments": arguments,
        "x": x.tolist(),
        "y": y.tolist(),
        "weight": weight.tolist(),
        "weights": [w.tolist() for w in weights],
        "steps": [{k: digits(v) for k, v in logs.items()} for logs in steps],
        "trained": trained,
        "history": {k: digits(v) for k, v in history.items()},
        "evaluated": digits(model.evaluate(x, y, BATCH, verbose=0)),
        "predicted": digits(model.predict(x[:4], verbose=0)),
    }


if __name__ == "__main__":
    text = ",\n".join(json.dumps(case(*arguments)) for arguments in CASES)
    Path(__file__).with_name("training.json").write_text(f"[\n{text}\n]\n")
