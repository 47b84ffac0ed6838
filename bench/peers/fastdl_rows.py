"""fastdl's side of the comparison: `fit` on arrays, shuffled; `predict_on_batch`."""

from __future__ import annotations

from . import keras_networks, keras_sequences, networks, sequences
from .rows import NoPart, data_for, load_mnist, repeat, stored

IMPORTS = "fastdl"  # what the row "import" imports


def name_and_version() -> str:
    import fastdl

    return f"fastdl {fastdl.__version__} ({fastdl._core.config()['isa']})"


def _model(sizes):
    from fastdl import layers, models

    hidden = [layers.Dense(n, activation="relu") for n in sizes[1:-1]]
    last = layers.Dense(sizes[-1], activation=None if sizes[-1] == 1 else "softmax")
    model = models.Sequential([layers.Input(shape=(sizes[0],)), *hidden, last])
    model.compile("adam", "mse" if sizes[-1] == 1 else "sparse_categorical_crossentropy")
    return model


def mlp(sizes, batch):
    x, y = data_for(sizes, batch)
    model = _model(sizes)
    epochs = max(1, 3200 // batch // 8)
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0),
        per=epochs * len(x) // batch,
    )


def mlp_bf16(sizes, batch):
    import fastdl

    if not hasattr(fastdl, "set_dtype_policy"):
        raise NoPart("this fastdl has no set_dtype_policy")
    fastdl.set_dtype_policy("mixed_bfloat16")
    return mlp(sizes, batch)


def matmul(m, n, k, a_t, b_t):
    import fastdl

    a, b = (fastdl.rand(*shape) for shape in stored(m, n, k, a_t, b_t))
    if a_t or b_t:  # what @ calls too, with the operands as they are stored
        product = fastdl._core.matmul
        return repeat(lambda: product(a, b, a_t, b_t))
    return repeat(lambda: a @ b)


def predict(sizes, batch):
    import numpy as np

    x = np.random.default_rng(0).random((batch, sizes[0]), np.float32)
    model = _model(sizes)
    return repeat(lambda: model.predict_on_batch(x))


def network(name, batch):
    import fastdl

    x, y = networks.data_for(name, batch)
    model = keras_networks.model(fastdl, name)
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0), per=len(x) // batch
    )


def network_bf16(name, batch):
    import fastdl

    fastdl.mixed_precision.set_global_policy("mixed_bfloat16")
    return network(name, batch)


def network_predict(name, batch):
    import numpy as np

    import fastdl

    x = np.random.default_rng(0).random((batch, *networks.NETWORKS[name].image), np.float32)
    model = keras_networks.model(fastdl, name)
    return repeat(lambda: model.predict_on_batch(x))


def convolution(part, size, channels, window, stride, depthwise, batch):
    import fastdl
    from fastdl._base import functional as F

    groups = channels if depthwise else 1
    total = max(0, (networks.out_size(size, window, stride, "same") - 1) * stride + window - size)
    low, high = [total // 2] * 2, [total - total // 2] * 2
    options = {"strides": [stride] * 2, "low": low, "high": high, "groups": groups}
    x = fastdl.rand(batch, size, size, channels)
    w = fastdl.rand(window, window, channels // groups, channels)
    y = F.conv(x, w, **options)
    runs = {
        "forward": lambda: F.conv(x, w, **options),
        "data": lambda: F.conv_input(y, w, sizes=[size] * 2, **options),
        "weights": lambda: F.conv_kernel(x, y, sizes=[window] * 2, **options),
    }
    return repeat(runs[part])


def sequence(name):
    import fastdl

    x, y = sequences.gpt_data() if name == "gpt" else sequences.recurrent_data()
    model = (
        keras_sequences.gpt(fastdl) if name == "gpt" else keras_sequences.recurrent(fastdl, name)
    )
    batch = sequences.GPT.batch if name == "gpt" else sequences.RECURRENT.batch
    return repeat(
        lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0), per=len(x) // batch
    )


def sequence_bf16(name):
    import fastdl

    fastdl.mixed_precision.set_global_policy("mixed_bfloat16")
    return sequence(name)


def attention(length, causal, batch, heads, width):
    import fastdl
    from fastdl.nn import functional as F

    parts = [fastdl.rand(batch, heads, length, width, requires_grad=True) for _ in range(3)]
    weight = fastdl.rand(batch, heads, length, width)

    def run():
        y = F.scaled_dot_product_attention(*parts, is_causal=causal)
        return fastdl.autograd.grad(y, parts, weight)

    return repeat(run)


def generate(tokens):
    import fastdl

    model = keras_sequences.gpt(fastdl, fastdl.layers.PositionEmbedding(sequences.GPT.context))
    return repeat(lambda: fastdl.utils.generate(model, [0], tokens), per=tokens)


def lstm_step(units):
    import numpy as np

    import fastdl

    layers = fastdl.layers
    x = np.random.default_rng(0).random((1, 1, units), np.float32)
    model = fastdl.Sequential(
        [layers.Input(batch_shape=(1, 1, units)), layers.LSTM(units, stateful=True)]
    )
    return repeat(lambda: model.predict_on_batch(x))


def cold_mnist():
    (x, y), (x_test, y_test) = load_mnist()
    model = _model((784, 512, 10))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=128, epochs=5, verbose=0)
    return {"accuracy": model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1]}
