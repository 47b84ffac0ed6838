"""Grad-CAM against formulas and finite differences, and pictures of filters and feature maps."""

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops, utils

EPS = float(np.finfo(np.float32).eps)
X = np.random.default_rng(1).normal(size=(3, 12, 10, 3)).astype(np.float32)


def network(*head, first=None, **conv):
    fastdl.utils.set_random_seed(4)
    convolution = layers.Conv2D(6, 3, activation="tanh", name="maps", **conv)
    return models.Sequential([layers.Input(X.shape[1:]), first or convolution, *head])


def expected(maps, weights, size=(12, 10)):
    """Heat maps by NumPy, but for the resizing, from maps and the mean gradient of each."""
    heat = np.maximum((maps * weights[:, None, None, :]).sum(-1, keepdims=True), 0)
    heat = ops.image.resize(heat.astype(np.float32), size).numpy()[..., 0]
    return heat / np.maximum(heat.max((1, 2), keepdims=True), 1e-30)


def test_the_weights_are_those_of_a_dense_layer_after_a_global_mean():
    """There the gradient is the kernel divided by the number of places, for each class."""
    model = network(layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax"))
    maps = model.get_layer("maps")(X).numpy().astype(np.float64)
    kernel = model.layers[-1].kernel.numpy()
    for index in range(4):
        heat = utils.grad_cam(model, X, index)
        # Sums of six products; a maximum that is close to 0 divides their roundings.
        wanted = expected(maps, np.repeat(kernel[None, :, index], 3, 0))
        np.testing.assert_allclose(heat, wanted, atol=1e4 * EPS)
        assert heat.dtype == np.float32 and heat.shape == (3, 12, 10)
        assert heat.min() >= 0 and set(heat.max((1, 2))) <= {0.0, 1.0}
    several = utils.grad_cam(model, X, [2, 0, 1])
    for i, index in enumerate([2, 0, 1]):
        np.testing.assert_array_equal(several[i], utils.grad_cam(model, X, index)[i])
    best = model.predict(X, verbose=0).argmax(1)
    np.testing.assert_array_equal(utils.grad_cam(model, X), utils.grad_cam(model, X, best))
    np.testing.assert_array_equal(utils.grad_cam(model, X[1]), utils.grad_cam(model, X)[1])


def test_the_weights_are_means_of_differences():
    """Central differences of the class's score, in steps of 2^-3 of each place of each map."""
    model = network(
        layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(3)
    )
    head = model.layers[1:]
    maps = model.get_layer("maps")(X).numpy()

    def score(maps):
        y = fastdl.tensor(maps.astype(np.float32))
        for layer in head:
            y = layer(y)
        return y.numpy()[:, 1].astype(np.float64)

    weights, step = np.zeros((3, 6)), 2.0**-3
    for k in range(6):
        # The mean of gradients is the derivative along a shift of the whole map.
        shift = np.zeros(6)
        shift[k] = step
        weights[:, k] = (score(maps + shift) - score(maps - shift)) / (2 * step) / 80
    # The differences are off by step^2 / 6 of a third derivative.
    np.testing.assert_allclose(
        utils.grad_cam(model, X, 1, "maps"), expected(maps, weights), atol=0.03
    )


@pytest.mark.parametrize(
    "end",
    [
        lambda: [layers.Dense(4, activation="softmax")],
        lambda: [layers.Dense(4), layers.Softmax()],
        lambda: [layers.Dense(4), layers.Activation("softmax")],
        lambda: [layers.Dense(4, activation="sigmoid")],
    ],
)
def test_scores_are_those_before_the_softmax(end):
    """Also where probabilities are 0 or 1 in float32, and their gradients 0."""
    plain = network(layers.GlobalAveragePooling2D(), layers.Dense(4))
    plain.layers[-1].set_weights([plain.layers[-1].kernel.numpy() * 3000, np.zeros(4)])
    model = network(layers.GlobalAveragePooling2D(), *end())
    model.set_weights(plain.get_weights())
    for index in range(4):
        np.testing.assert_array_equal(
            utils.grad_cam(model, X, index), utils.grad_cam(plain, X, index)
        )


def test_frozen_models_and_other_layers():
    model = network(
        layers.MaxPooling2D(name="pool"),
        layers.Conv2D(5, 2, name="last"),
        layers.Flatten(),
        layers.Dense(2),
    )
    before = {name: utils.grad_cam(model, X, 0, name) for name in ("maps", "pool", "last")}
    np.testing.assert_array_equal(utils.grad_cam(model, X, 0), before["last"])
    model.trainable = False
    with fastdl.no_grad():
        for name, heat in before.items():
            np.testing.assert_array_equal(utils.grad_cam(model, X, 0, name), heat)
    assert all(weight.grad is None for weight in model.weights)


def test_channels_first_and_models_in_models():
    first = layers.Conv2D(6, 3, activation="tanh", data_format="channels_first", name="maps")
    model = models.Sequential([layers.Input((3, 12, 10)), first, layers.Flatten(), layers.Dense(2)])
    last = network(layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(2))
    last.set_weights(model.get_weights())
    heat = utils.grad_cam(model, X.transpose(0, 3, 1, 2), 1)
    np.testing.assert_allclose(heat, utils.grad_cam(last, X, 1, "maps"), atol=64 * EPS)

    base = models.Sequential([layers.Input(X.shape[1:]), layers.Conv2D(4, 3)], name="base")
    whole = models.Sequential(
        [layers.Input(X.shape[1:]), base, layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    np.testing.assert_array_equal(
        utils.grad_cam(whole, X, 1), utils.grad_cam(whole, X, 1, whole.get_layer("base"))
    )


def test_nothing_speaks_for_a_class():
    model = network(layers.GlobalAveragePooling2D(), layers.Dense(2))
    model.layers[-1].set_weights([np.zeros((6, 2)), np.zeros(2)])
    assert not utils.grad_cam(model, X, 1).any()


def dense_only():
    return models.Sequential([layers.Input((4,)), layers.Dense(2)])


def apart():
    """Maps that the output does not depend on."""
    image = layers.Input((6, 6, 1))
    flat = layers.Dense(2)(layers.Flatten()(image))
    unused = layers.Conv2D(2, 3, name="unused")(image)
    return fastdl.Model(image, flat + 0.0 * ops.mean(unused) * 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: utils.grad_cam(models.Sequential([layers.Dense(2)]), X), "model: expected a func"),
        (lambda: utils.grad_cam(dense_only(), np.ones((1, 4))), "model: expected a layer with an"),
        (lambda: utils.grad_cam(network(layers.Flatten()), X[:, :5]), r"x: .*\(3, 5, 10, 3\)"),
        (lambda: utils.grad_cam(network(layers.Flatten()), "x"), "grad_cam: x"),
        (lambda: utils.grad_cam(network(), X), r"model: expected one output, \(batch, classes\)"),
        (
            lambda: utils.grad_cam(network(layers.Flatten(), layers.Dense(2)), X, 2),
            "class_index: .* got 2",
        ),
        (
            lambda: utils.grad_cam(network(layers.Flatten(), layers.Dense(2)), X, [0, 1]),
            r"class_index: expected a class number, or 3 of them, got \[0, 1\]",
        ),
        (
            lambda: utils.grad_cam(network(layers.Flatten(), layers.Dense(2)), X, 0, "map"),
            "layer: .*'map'",
        ),
        (
            lambda: utils.grad_cam(
                network(layers.Flatten(name="flat"), layers.Dense(2)), X, 0, "flat"
            ),
            r"layer: expected one with an output of 4 axes.*'flat' with \(None, 480\)",
        ),
        (
            lambda: utils.plot_filters(network(layers.Flatten(name="flat")), "flat"),
            "plot_filters: layer",
        ),
        (lambda: utils.plot_filters("model", "flat"), "plot_filters: model: expected a model"),
        (lambda: utils.plot_filters(network(), "maps", max_filters=0), "max_filters: .*at least 1"),
        (lambda: utils.plot_activations(network(), X, "map"), "plot_activations: layer: .*'map'"),
        (lambda: utils.plot_activations(network(), X, "maps", max_maps=0), "max_maps"),
        (
            lambda: utils.plot_grad_cam(network(layers.Flatten(), layers.Dense(2)), X, alpha=2),
            r"plot_grad_cam: alpha: .*\[0, 1\]",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


class TestPictures:
    def test_feature_maps(self, tmp_path):
        model = network(layers.Flatten(), layers.Dense(7, name="units"))
        figure = utils.plot_activations(model, X, "maps", to_file=tmp_path / "m.png")
        maps = model.get_layer("maps")(X).numpy()[0]
        drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
        assert len(drawn) == 6 and (tmp_path / "m.png").stat().st_size > 1000
        for i, picture in enumerate(drawn):
            np.testing.assert_array_equal(picture, maps[:, :, i])
        text = figure._suptitle.get_text()
        assert text.startswith("maps: 6 maps of 10 x 8, values from -")
        one = utils.plot_activations(model, X[0], "maps", max_maps=4)
        assert one._suptitle.get_text().startswith("maps: 4 of 6 maps")
        bars = utils.plot_activations(model, X, "units").axes[0].patches
        np.testing.assert_allclose(
            [bar.get_height() for bar in bars], model.predict(X, verbose=0)[0], rtol=16 * EPS
        )

    def test_sequences(self):
        model = models.Sequential([layers.Input((9, 2)), layers.Conv1D(4, 3, name="steps")])
        figure = utils.plot_activations(model, np.ones((1, 9, 2)), "steps")
        assert figure.axes[0].images[0].get_array().shape == (4, 7)

    @pytest.mark.parametrize(
        ("layer", "axes", "title"),
        [
            (lambda: layers.Conv2D(5, (2, 3)), 5, "5 filters of 2 x 3"),
            (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), 6, "6 filters of 3 x 3"),
            (lambda: layers.SeparableConv2D(5, 3), 3, "3 filters of 3 x 3"),
            (lambda: layers.Conv2DTranspose(5, 3), 5, "5 filters of 3 x 3"),
        ],
    )
    def test_filters(self, layer, axes, title):
        made = layer()
        model = models.Sequential([layers.Input((8, 8, 3)), made])
        figure = utils.plot_filters(model, made)
        assert len(figure.axes) == axes and title in figure._suptitle.get_text()

    def test_filters_of_many_channels(self):
        model = models.Sequential([layers.Input((8, 8, 9)), layers.Conv2D(5, 3, name="c")])
        figure = utils.plot_filters(model, "c", max_filters=2)
        assert figure._suptitle.get_text() == "c: 2 of 5 filters of 3 x 3, 8 of 9 channels"
        kernel = model.layers[0].kernel.numpy()
        for place, axes in enumerate(figure.axes):
            i, j = divmod(place, 8)
            np.testing.assert_array_equal(axes.images[0].get_array(), kernel[:, :, j, i])

    def test_grad_cam(self, tmp_path):
        model = network(layers.Flatten(), layers.Dense(3))
        figure = utils.plot_grad_cam(model, X, [2, 0, 1], to_file=tmp_path / "cam.png")
        assert (tmp_path / "cam.png").stat().st_size > 1000
        heat = utils.grad_cam(model, X, [2, 0, 1])
        for i, axes in enumerate(figure.axes[1::2]):
            np.testing.assert_array_equal(axes.images[1].get_array(), heat[i])
        titles = [axes.get_title() for axes in figure.axes[1::2]]
        assert titles == ["class 2", "class 0", "class 1"]
        many = utils.plot_grad_cam(model, np.repeat(X, 7, 0))
        assert len(many.axes) == 32
