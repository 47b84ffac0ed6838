"""Convolution layers: Keras's outputs, training, configs, files and bad input."""

import json
from pathlib import Path

import conv_cases
import numpy as np
import pytest

import fastdl
from fastdl import layers, ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "conv.json").read_text())
CASES = conv_cases.cases()


@pytest.mark.parametrize("id", CASES)
def test_outputs_of_keras(id):
    golden = GOLDEN[id]
    layer, x, y = conv_cases.output(fastdl, *CASES[id])
    assert [list(w.shape) for w in layer.weights] == golden["weights"]
    assert list(y.shape) == golden["shape"] == list(layer.compute_output_shape(x.shape))
    # Values are written with six decimals; sums of at most 30 products below 1.
    np.testing.assert_allclose(y.numpy().ravel(), golden["y"], atol=4e-6)
    twin = layers.deserialize(layers.serialize(layer))
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    assert fastdl.equal(twin(x), y)


def network():
    fastdl.utils.set_random_seed(0)
    model = fastdl.Sequential(
        [
            layers.Input((9, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.SeparableConv2D(5, 3, strides=2, activation="tanh"),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.DepthwiseConv2D(2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    return model


X = np.random.default_rng(0).normal(size=(40, 9, 8, 2)).astype("float32")
Y = X[:, 4, 4, :1] * X[:, 3, 4, 1:]


def test_training_is_recorded_and_the_same_eagerly_and_with_threads(recwarn, tmp_path):
    def run(threads=1, **options):
        model = network()
        model.run_eagerly = options.get("eager", False)
        before = fastdl.get_num_threads()
        fastdl.set_num_threads(threads)
        try:
            loss = model.fit(X, Y, batch_size=16, epochs=6, verbose=0).history["loss"]
        finally:
            fastdl.set_num_threads(before)
        return model, loss

    model, loss = run()
    assert loss[-1] < loss[0]
    for options in ({"eager": True}, {"threads": 2}, {"threads": 3}):
        other, again = run(**options)
        assert again == loss
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not [w for w in recwarn if "eagerly" in str(w.message)]
    whole = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X[7:8], verbose=0)[0], whole[7])
    model.save(tmp_path / "m.fastdl")
    again = fastdl.models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(again.predict(X, verbose=0), whole)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: layers.Conv2D(4, (3,)), None, r"Conv2D: kernel_size: expected 2 integers, got"),
        (lambda: layers.Conv2D(0, 3), None, "Conv2D: filters: .* 1, got 0"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), None, "only one of them"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), None, "padding: expected 'valid' or"),
        (lambda: layers.Conv2D(4, 3, data_format="nchw"), None, "data_format: expected"),
        (lambda: layers.Conv2D(4, 3, groups=3), None, "4 filters do not divide into 3 groups"),
        (lambda: layers.Conv2D(6, 3, groups=3), (1, 5, 5, 4), "4 channels .* into 3"),
        (lambda: layers.Conv2D(4, 3), (1, 5, 5), r"expected 4 axes|ndim"),
        (lambda: layers.Conv2D(4, 6), (1, 5, 5, 2), "kernel of 6 places does not fit into .*5"),
        (
            lambda: layers.Conv2D(4, 3, dilation_rate=2, data_format="channels_first"),
            (1, 2, 9, 4),
            r"'conv2d.*kernel of 5 places .dilation_rate \(2, 2\). .* 4 of spatial axis 1 .*"
            r"\(1, 2, 9, 4\); use a smaller kernel or padding='same'",
        ),
        (
            lambda: layers.Conv1DTranspose(4, 2, 2, "same", output_padding=0),
            (1, 1, 3),
            r"no output is left along spatial axis 0 of an input of shape \(1, 1, 3\)",
        ),
        (lambda: layers.Conv2D(4, 3, strides=2**40), None, "strides: expected at most 2147483647"),
        (
            lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2),
            None,
            r"output_padding: expected numbers below strides \(2, 2\), got \(2, 2\)",
        ),
    ],
)
def test_bad_input(make, shape, message):
    with pytest.raises(ValueError, match=message):
        layer = make()
        layer(np.ones(shape, "float32"))


class _Standardized(layers.Conv2D):
    """Keras's guide to subclassing convolutions: the kernel is standardized before its use."""

    def convolution_op(self, inputs, kernel):
        mean, var = ops.moments(kernel, axes=[0, 1, 2], keepdims=True)
        return super().convolution_op(inputs, (kernel - mean) / ops.sqrt(var + 1e-10))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_convolution_op_can_be_overridden(data_format):
    options = {
        "strides": 2,
        "padding": "same",
        "groups": 2,
        "data_format": data_format,
        "bias_initializer": "ones",
    }
    own = _Standardized(4, 3, activation="relu", **options)
    plain = layers.Conv2D(4, 3, activation="relu", **options)
    x = np.random.default_rng(0).random((2, 6, 6, 6), np.float32)
    own(x), plain(x)
    kernel = own.get_weights()[0].astype(np.float64)
    kernel = (kernel - kernel.mean((0, 1, 2))) / np.sqrt(kernel.var((0, 1, 2)) + 1e-10)
    plain.set_weights([kernel, np.ones(4)])
    # Sums of 27 products of about 1, rounded twice.
    np.testing.assert_allclose(own(x).numpy(), plain(x).numpy(), rtol=0, atol=2e-5)
    # Called by itself it is the convolution alone.
    alone = plain.convolution_op(fastdl.tensor(x), plain.kernel)
    with_bias = ops.relu(alone + 1.0)
    np.testing.assert_allclose(with_bias.numpy(), plain(x).numpy(), rtol=0, atol=2e-6)
