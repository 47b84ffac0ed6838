"""Writes files of Keras and what its models compute: `python keras_files.py`, with Keras 3.15.

It writes `saved/keras-*.keras`, `saved/keras-*.weights.h5` and `saved/keras.json`, the outputs for
the inputs of `inputs()` and the weights after one more step of training.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent / "saved"


def inputs(width=6, count=8):
    return np.random.default_rng(12).standard_normal((count, width)).astype(np.float32)


def make(keras):
    """The models by name, compiled."""
    layers = keras.layers
    stack = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.Dropout(0.0, seed=1),
            layers.Dense(5, use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed=3)),
            layers.LeakyReLU(negative_slope=0.1),
            layers.Dense(3, activation="softmax", kernel_constraint="max_norm"),
        ]
    )
    stack.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    a = layers.Input((6,), name="a")
    b = layers.Dense(4, activation="gelu", name="b")
    joined = layers.Concatenate()([b(a), layers.Rescaling(2.0, offset=1.0)(a)])
    inner = keras.Sequential([layers.Input((10,)), layers.Dense(4), layers.Activation("tanh")])
    c = layers.Add()([inner(joined), b(a)])
    graph = keras.Model(a, [layers.Dense(2, name="one")(c), layers.Flatten(name="two")(c)])
    graph.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss=["mse", "mae"])
    norms = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8),
            layers.BatchNormalization(momentum=0.8),
            layers.ReLU(),
            layers.Reshape((2, 4)),
            layers.GroupNormalization(groups=2),
            layers.LayerNormalization(axis=[1, 2]),
            layers.RMSNormalization(),
            layers.Flatten(),
            layers.SpectralNormalization(layers.Dense(3)),
            layers.BatchNormalization(renorm=True),
            layers.UnitNormalization(),
        ]
    )
    norms.compile(keras.optimizers.SGD(0.1), loss="mse")
    s = layers.Input((6,), name="s")
    ids = keras.ops.cast(keras.ops.minimum(keras.ops.absolute(s) * 3.0, 9.0), "int32")
    words = layers.Embedding(10, 4, mask_zero=True)(ids)
    mean = layers.GlobalAveragePooling1D()(layers.TimeDistributed(layers.Dense(3))(words))
    heads = layers.EinsumDense("abc,cde->abde", (6, 2, 4), bias_axes="de")(
        layers.ReversibleEmbedding(10, 4)(ids)
    )
    back = layers.EinsumDense("...de,dec->...c", 3, "tanh", "c")(heads)
    rest = layers.GlobalAveragePooling1D()(layers.Masking(0.5)(back))
    steps = keras.Model(s, layers.Add()([mean, rest]))
    steps.compile(keras.optimizers.Adam(0.01), loss="mse")
    return {"stack": stack, "graph": graph, "norms": norms, "steps": steps}


def targets(name, x):
    labels = (x[:, 0] > 0).astype("int32")
    return {"stack": labels, "graph": [x[:, :2], x[:, :4]], "norms": x[:, :3], "steps": x[:, 3:]}[
        name
    ]


def main():
    import keras

    HERE.mkdir(exist_ok=True)
    x, found = inputs(), {}
    for name, model in make(keras).items():
        y = targets(name, x)
        for _ in range(2):
            model.train_on_batch(x, y)
        model.save(HERE / f"keras-{name}.keras")
        model.save_weights(HERE / f"keras-{name}.weights.h5")
        outputs = model.predict(x, verbose=0)
        model.train_on_batch(x, y)
        found[name] = {
            "outputs": [
                np.asarray(o).tolist() for o in (outputs if name == "graph" else [outputs])
            ],
            "later": [w.tolist() for w in model.get_weights()],
        }
    (HERE / "keras.json").write_text(json.dumps({"keras": keras.__version__, **found}))


if __name__ == "__main__":
    main()
