"""Keras' side, on the backend that KERAS_BACKEND names (jax by default)."""

from __future__ import annotations

import os

from . import keras_networks, keras_sequences, networks, sequences
from .rows import data_for, load_mnist, repeat

os.environ.setdefault("KERAS_BACKEND", "jax")


IMPORTS = "keras"  # what the row "import" imports


def name_and_version() -> str:
    import keras

    return f"keras {keras.__version__} on {keras.backend.backend()}"


def _model(sizes):
    import keras

    hidden = [keras.layers.Dense(n, activation="relu") for n in sizes[1:-1]]
    last = keras.layers.Dense(sizes[-1], activation=None if sizes[-1] == 1 else "softmax")
    model = keras.Sequential([keras.layers.Input(shape=(sizes[0],)), *hidden, last])
    model.compile("adam", "mse" if sizes[-1] == 1 else "sparse_categorical_crossentropy")
    return model


def mlp(sizes, batch):
    x, y = data_for(sizes, batch)
    model = _model(sizes)
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0), per=len(x) // batch
    )


def mlp_bf16(sizes, batch):
    import keras

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    return mlp(sizes, batch)


def network(name, batch):
    import keras

    x, y = networks.data_for(name, batch)
    model = keras_networks.model(keras, name)
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0), per=len(x) // batch
    )


def network_bf16(name, batch):
    import keras

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    return network(name, batch)


def network_predict(name, batch):
    import keras
    import numpy as np

    x = np.random.default_rng(0).random((batch, *networks.NETWORKS[name].image), np.float32)
    model = keras_networks.model(keras, name)
    return repeat(lambda: model.predict_on_batch(x))


def sequence(name):
    import keras

    x, y = sequences.gpt_data() if name == "gpt" else sequences.recurrent_data()
    model = keras_sequences.gpt(keras) if name == "gpt" else keras_sequences.recurrent(keras, name)
    batch = sequences.GPT.batch if name == "gpt" else sequences.RECURRENT.batch
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0), per=len(x) // batch
    )


def sequence_bf16(name):
    import keras

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    return sequence(name)


def cold_mnist():
    (x, y), (x_test, y_test) = load_mnist()
    model = _model((784, 512, 10))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=128, epochs=5, verbose=0)
    return {"accuracy": model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1]}
