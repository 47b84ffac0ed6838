"""Keras' side, on the backend that KERAS_BACKEND names (jax by default)."""

from __future__ import annotations

import os

from .rows import load_mnist, repeat

os.environ.setdefault("KERAS_BACKEND", "jax")


def library() -> str:
    import keras

    return f"keras {keras.__version__} on {keras.backend.backend()}"


def import_() -> None:
    import keras  # noqa: F401


def _model():
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input(shape=(784,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def mlp_512() -> list[float]:
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.random((12800, 784), np.float32), rng.integers(0, 10, 12800)
    model = _model()
    return repeat(lambda: model.fit(x, y, batch_size=128, epochs=1, verbose=0), 5, per=100)


def cold_mnist() -> dict[str, float]:
    (x, y), (x_test, y_test) = load_mnist()
    model = _model()
    model.fit(x, y, batch_size=128, epochs=5, verbose=0)
    return {"accuracy": model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1]}
