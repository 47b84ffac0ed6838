"""Ready networks: their sizes, training, files, and errors."""

import re

import numpy as np
import pytest

import fastdl
from fastdl import applications

# name: (function, arguments, the number of weights, and where that is from)
NETWORKS = {
    # 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85
    "lenet": (applications.LeNet5, {}, 61706),
    # The convolutions of 16, 32 and 64 filters, 4 for each filter's normalization, a dense layer.
    "resnet8": (
        applications.ResNet8,
        {},
        16 * (27 + 144 + 144)
        + 32 * (144 + 288 + 16)
        + 64 * (288 + 576 + 32)
        + 4 * 3 * (16 + 32 + 64)
        + 10 * 65,
    ),
    "resnet20": (applications.ResNet20, {}, None),
    "resnet18": (applications.ResNet18, {"input_shape": (32, 32, 3), "classes": 10}, None),
    # As keras.applications of Keras 3.15.1 with these arguments.
    "mobilenet": (
        applications.MobileNet,
        {"input_shape": (96, 96, 3), "alpha": 0.25, "classes": 2},
        219058,
    ),
    "mobilenetv2": (
        applications.MobileNetV2,
        {"input_shape": (96, 96, 3), "alpha": 0.35, "classes": 2},
        412770,
    ),
    "dscnn": (applications.DSCNN, {"dropout": 0.0}, None),
    "vgg": (applications.VGG, {"dense": (32,)}, None),
    "vgg16": (applications.VGG16, {"input_shape": (32, 32, 3), "include_top": False}, 14714688),
    "vgg19": (applications.VGG19, {"input_shape": (32, 32, 3), "include_top": False}, 20024384),
    "unet": (applications.UNet, {"input_shape": (32, 32, 1), "filters": 4}, None),
}
SMALL = ("lenet", "resnet8", "dscnn", "unet")


def images(model, count=4):
    rng = np.random.default_rng(0)
    return rng.random((count, *model.input_shape[1:]), np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes(name):
    function, arguments, weights = NETWORKS[name]
    fastdl.utils.set_random_seed(0)
    model = function(**arguments)
    if weights is not None:
        assert model.count_params() == weights
    y = model.predict(images(model, 2), verbose=0)
    assert y.shape == (2, *model.output_shape[1:]) and np.isfinite(y).all()


@pytest.mark.parametrize("name", SMALL)
def test_training_lowers_the_loss_of_a_batch(name):
    function, arguments, _ = NETWORKS[name]
    fastdl.utils.set_random_seed(0)
    model = function(**arguments)
    x = images(model, 8)
    if name == "unet":
        y, loss = (x > 0.5).astype(np.float32), "binary_crossentropy"
    else:
        y, loss = np.arange(8) % 2, "sparse_categorical_crossentropy"
    model.compile(fastdl.optimizers.Adam(0.01), loss)
    losses = [model.train_on_batch(x, y) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", SMALL)
def test_files(name, tmp_path):
    function, arguments, _ = NETWORKS[name]
    model = function(**arguments)
    model.save_weights(tmp_path / "w.safetensors")
    again = function(**arguments, weights=tmp_path / "w.safetensors")
    np.testing.assert_array_equal(
        again.predict(images(model), verbose=0), model.predict(images(model), verbose=0)
    )
    model.save(tmp_path / "m.fastdl")
    whole = fastdl.models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(
        whole.predict(images(model), verbose=0), model.predict(images(model), verbose=0)
    )


def test_features():
    for pooling, shape in (
        (None, (None, 8, 8, 64)),
        ("avg", (None, 64)),
        ("max", (None, 64)),
    ):
        model = applications.ResNet8(include_top=False, pooling=pooling)
        assert model.output_shape == shape


def test_a_unet_takes_images_of_other_sizes():
    model = applications.UNet((None, None, 3), filters=4, depth=2)
    for size in ((8, 12), (16, 16)):
        assert model(np.ones((1, *size, 3), np.float32)).shape == (1, *size, 1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: applications.LeNet5((28, 28)), "LeNet5: input_shape: expected (height, width, ch"),
        (lambda: applications.LeNet5((8, 8, 1)), "sizes of at least 16, got (8, 8, 1)"),
        (lambda: applications.UNet((60, 60, 1)), "at least 8, multiples of 8, got (60, 60, 1)"),
        (lambda: applications.ResNet8(classes=0), "ResNet8: classes: expected"),
        (lambda: applications.ResNet8(pooling="mean"), "ResNet8: pooling: expected"),
        (lambda: applications.MobileNet(alpha=0), "MobileNet: alpha: expected a number above 0"),
        (lambda: applications.VGG16(weights="imagenet"), "VGG16: weights: expected None"),
        (lambda: applications.VGG19((8, 8, 3)), "VGG19: input_shape: expected"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("network", [applications.MobileNet, applications.VGG16])
def test_without_the_top_images_may_have_any_size(network):
    options = {"alpha": 0.05} if network is applications.MobileNet else {}
    model = network(include_top=False, **options)
    assert model.input_shape == (None, None, None, 3)  # as in Keras
    assert model.compute_output_shape((2, 64, 96, 3))[:3] == (2, 2, 3)
