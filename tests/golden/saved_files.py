"""Writes the files that later versions must read: `python saved_files.py`, with this version.

A new format gets new names; files that are there stay.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent / "saved"


def data():
    x = np.random.default_rng(8).standard_normal((24, 5)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def later(model):
    """What comes of another fit."""
    x, y = data()
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history
    return {"loss": history["loss"], "weights": [w.tolist() for w in model.get_weights()]}


def main():
    import fastdl
    from fastdl import layers, models, ops, optimizers

    x, _ = data()
    fastdl.manual_seed(4)
    a = layers.Input((5,), name="a")
    b = layers.Dense(6, activation="relu", kernel_regularizer="l2", name="b")(a[:, 1:] * 2.0)
    c = layers.Dropout(0.25, seed=3, name="c")(ops.concatenate([a, b], axis=-1))
    model = models.Model(a, layers.Dense(2, activation="softmax", name="d")(c), name="model")
    rate = optimizers.schedules.CosineDecay(0.05, 20)
    model.compile(optimizers.AdamW(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    later(model)
    model.save(HERE / "format1.fastdl")
    model.save_weights(HERE / "weights1.safetensors")
    state = {"model": model.state_dict(), "epoch": 3, "more": [(1, 2.5), None, np.arange(3.0)]}
    fastdl.save(state, HERE / "state1.safetensors")
    found = {"outputs": model.predict(x, verbose=0).tolist(), "later": later(model)}
    (HERE / "format1.json").write_text(json.dumps({"fastdl": fastdl.__version__, **found}))


if __name__ == "__main__":
    main()
