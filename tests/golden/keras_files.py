"""Writes files of Keras and what its models compute: `python keras_files.py`, with Keras 3.15.

With names of models after it, `python keras_files.py recurrent`, it leaves the others as they are.
It writes `saved/keras-*.keras`, `saved/keras-*.weights.h5` and `saved/keras.json`, the outputs for
the inputs of `inputs()` and the weights after one more step of training.
"""

import json
import pathlib
import sys

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
    sequence = layers.Input((6,), name="t")
    x = layers.Reshape((6, 1))(sequence)
    x = layers.Dense(4)(x)
    x = layers.MultiHeadAttention(2, 3, use_gate=True)(x, x)
    x = layers.GroupQueryAttention(2, 4, 2, use_gate=True)(x, x, use_causal_mask=True)
    x = layers.Attention(use_scale=True)([x, layers.AdditiveAttention()([x, x])])
    cells = [layers.LSTMCell(3), layers.GRUCell(2)]
    x = layers.Bidirectional(layers.RNN(cells, return_sequences=True))(x)
    x = layers.ConvLSTM1D(2, 2, return_sequences=True)(layers.Reshape((6, 4, 1))(x))
    x = layers.TimeDistributed(layers.GRU(3))(x)
    recurrent = keras.Model(sequence, layers.SimpleRNN(3)(layers.LSTM(4, return_sequences=True)(x)))
    recurrent.compile(keras.optimizers.Adam(0.01), loss="mse")
    return {
        "stack": stack,
        "graph": graph,
        "norms": norms,
        "steps": steps,
        "recurrent": recurrent,
    }


def targets(name, x):
    labels = (x[:, 0] > 0).astype("int32")
    return {
        "stack": labels,
        "graph": [x[:, :2], x[:, :4]],
        "norms": x[:, :3],
        "steps": x[:, 3:],
        "recurrent": x[:, :3],
    }[name]


def main():
    import keras

    HERE.mkdir(exist_ok=True)
    x, path, wanted = inputs(), HERE / "keras.json", sys.argv[1:]
    found = json.loads(path.read_text()) if wanted else {}
    for name, model in make(keras).items():
        if wanted and name not in wanted:
            continue
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
    path.write_text(json.dumps({**found, "keras": keras.__version__}))


if __name__ == "__main__":
    main()
