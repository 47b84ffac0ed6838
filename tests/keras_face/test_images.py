"""Layers and functions of images give what Keras 3 gives, and gradients, too (golden/images.py)."""

import json
from pathlib import Path

import image_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/images.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)


pytestmark = pytest.mark.usefixtures("fresh_names")


def assert_close(actual, expected, ulps=16):
    """Within `ulps` roundings of the largest value: sums of a dozen products, and weights that were
    rounded to float32."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    scale = np.abs(expected).max(initial=1e-3)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=ulps * EPS * scale)


def check(function, shape, golden):
    x = fastdl.tensor(cases.input_for(shape), requires_grad=True)
    y = function(x)
    assert_close(y.detach(), golden["output"])
    (y * fastdl.tensor(cases.weight_for(y.shape))).sum().backward()
    assert_close(x.grad, golden["gradient"])


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer(name):
    make, shape = cases.LAYERS[name]
    check(make(fastdl), shape, GOLDEN["layers"][name])


@pytest.mark.parametrize("name", cases.FUNCTIONS)
def test_function(name):
    function, shape = cases.FUNCTIONS[name]
    check(lambda x: function(fastdl, x), shape, GOLDEN["functions"][name])


@pytest.mark.parametrize("name", cases.LAYERS)
def test_config_is_that_of_keras(name):
    """And a layer made from Keras's config, whose tuples are lists in a file, is the same."""
    layer = cases.LAYERS[name][0](fastdl)
    config = layer.get_config()
    expected = GOLDEN["layers"][name]["config"]
    assert json.loads(json.dumps({k: config[k] for k in expected})) == expected
    twin = type(layer).from_config({**expected, "name": config["name"]})
    assert twin.get_config() == config


@pytest.mark.parametrize("name", cases.LAYERS)
def test_layer_in_a_model(name):
    """The symbolic shape is the real one, also with unknown sizes, and so is a recorded step."""
    make, shape = cases.LAYERS[name]
    if len(shape) == 3 and name.endswith("_one"):
        return
    layer = make(fastdl)
    inputs = fastdl.Input(shape[1:])
    output = layer(inputs)
    model = fastdl.Model(inputs, output)
    x = cases.input_for(shape)
    assert output.shape == (None, *layer(x).shape[1:])
    np.testing.assert_array_equal(model.predict(x, verbose=0), layer(x).numpy())
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    unknown = [None if (i >= 1) == first else n for i, n in enumerate(shape[1:])]
    if not first:
        unknown = [*[None] * (len(shape) - 2), shape[-1]]
    wanted = layer.compute_output_shape((None, *unknown))
    assert len(wanted) == len(output.shape)
    for known, size in zip(output.shape, wanted, strict=True):
        assert size is None or size == known


@pytest.mark.parametrize("name", cases.FUNCTIONS)
def test_function_on_symbolic_inputs(name):
    function, shape = cases.FUNCTIONS[name]
    if name.startswith("pad_"):
        return  # they pad the batch
    inputs = fastdl.Input(shape[1:])
    model = fastdl.Model(inputs, function(fastdl, inputs))
    x = cases.input_for(shape)
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), function(fastdl, fastdl.tensor(x)).numpy()
    )


@pytest.mark.parametrize("kind", ["bilinear", "nearest", "bicubic"])
def test_images_of_bytes_stay_bytes(kind):
    picture = (np.arange(2 * 5 * 7 * 3).reshape(2, 5, 7, 3) * 37 % 256).astype(np.uint8)
    y = layers.Resizing(4, 9, interpolation=kind)(picture)
    golden = GOLDEN["bytes"][kind]
    assert str(y.dtype) == golden["dtype"]
    # A value that is a half but for rounding may go either way.
    difference = np.abs(y.numpy().astype(int) - np.asarray(golden["output"]))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01
    symbolic = layers.Resizing(4, 9)(fastdl.Input((5, 7, 3), dtype="uint8"))
    assert str(symbolic.dtype) == "uint8"


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.ZeroPadding2D(1),
        lambda: layers.Cropping2D(1),
        lambda: layers.UpSampling2D(2),
        lambda: layers.GlobalMaxPooling2D(),
    ],
)
def test_layers_that_move_values_keep_their_type(make):
    x = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3).astype(np.uint8)
    exact = make()(x.astype(np.float32)).numpy()
    y = make()(x)
    assert str(y.dtype) == "uint8"
    np.testing.assert_array_equal(y.numpy(), exact.astype(np.uint8))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_mean_of_masked_steps(data_format, keepdims):
    x = cases.filled((3, 5, 4), 2)
    x[0, 1] = np.nan  # masked, so it must not count
    mask = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool)
    expected = np.stack([row[m].mean(0) for row, m in zip(x.astype(float), mask, strict=True)])
    first = data_format == "channels_first"
    layer = layers.GlobalAveragePooling1D(data_format, keepdims)
    y = layer(np.moveaxis(x, 2, 1) if first else x, mask=mask)
    if keepdims:
        expected = np.expand_dims(expected, 2 if first else 1)
    assert_close(y, expected)
    nothing = layers.GlobalAveragePooling1D()(x[1:], mask=np.zeros((2, 5), bool))
    assert np.isnan(nothing.numpy()).all()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_spatial_dropout_drops_whole_channels(axes):
    fastdl.utils.set_random_seed(1)
    shape = (40, *(3, 4, 5)[:axes], 50)
    y = getattr(layers, f"SpatialDropout{axes}D")(0.25)(np.ones(shape), training=True).numpy()
    flat = y.reshape(40, -1, 50)
    assert (flat == flat[:, :1]).all()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    # The share kept, of 2,000 channels: its deviation is sqrt(0.25 * 0.75 / 2000) = 0.0097.
    assert abs((flat[:, 0] > 0).mean() - 0.75) < 5 * 0.0097
    if axes > 1:
        first = getattr(layers, f"SpatialDropout{axes}D")(0.5, data_format="channels_first")
        y = first(np.ones((4, 6, *(3, 4, 5)[:axes])), training=True).numpy().reshape(4, 6, -1)
        assert (y == y[:, :, :1]).all() and 0 < (y == 0).mean() < 1


def test_words_may_be_in_capitals():
    layer = layers.MaxPooling2D(2, padding="SAME", data_format="Channels_First")
    assert (layer.padding, layer.data_format) == ("same", "channels_first")


def test_aliases_are_the_same_classes():
    for axes in (1, 2, 3):
        for alias, name in (("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling")):
            for prefix in ("", "Global"):
                alias_of = getattr(layers, f"{prefix}{alias}{axes}D")
                assert alias_of is getattr(layers, f"{prefix}{name}{axes}D")


ONES = np.ones((2, 4, 5, 3), np.float32)
LINE = np.ones((2, 4, 3), np.float32)


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (
            lambda: layers.MaxPooling2D(0),
            "MaxPooling2D: pool_size: expected an integer of at least 1, got 0",
        ),
        (
            lambda: layers.MaxPooling2D((2, 2, 2)),
            r"pool_size: expected 2 integers, got \(2, 2, 2\)",
        ),
        (lambda: layers.AveragePooling1D(2, strides=0), "AveragePooling1D: strides: expected"),
        (
            lambda: layers.MaxPooling3D(2, padding="full"),
            "MaxPooling3D: padding: expected 'valid' or 'same', got 'full'",
        ),
        (
            lambda: layers.MaxPooling2D(data_format="channel_last"),
            "data_format: expected 'channels_last', .* got 'channel_last'. Did you mean",
        ),
        (
            lambda: layers.AdaptiveMaxPooling2D((None, 2)),
            "AdaptiveMaxPooling2D: output_size: expected",
        ),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "ZeroPadding1D: padding: expected 2 integers"),
        (
            lambda: layers.ZeroPadding2D(-1),
            "ZeroPadding2D: padding: expected an integer of at least 0, got -1",
        ),
        (
            lambda: layers.Cropping2D(((1, -1), (0, 0))),
            r"Cropping2D: cropping: expected an integer of at least 0, or 2 of them or of pairs, "
            r"got \(\(1, -1\), \(0, 0\)\)",
        ),
        (lambda: layers.Cropping3D((1, 2)), "Cropping3D: cropping: .* or 3 of them or of pairs"),
        (lambda: layers.UpSampling1D((2,)), "UpSampling1D: size: expected an integer"),
        (lambda: layers.UpSampling2D(2, interpolation="area"), "UpSampling2D: interpolation"),
        (lambda: layers.SpatialDropout2D(1.5), "SpatialDropout2D: rate"),
        (lambda: layers.Resizing(0, 3), "Resizing: height: expected an integer of at least 1"),
        (
            lambda: layers.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "Resizing: crop_to_aspect_ratio, pad_to_aspect_ratio: expected at most one",
        ),
        (lambda: layers.Resizing(2, 2, fill_mode="wrap"), "Resizing: fill_mode: .*'constant'"),
        (lambda: layers.CenterCrop(2, 2.5), "CenterCrop: width"),
        (
            lambda: ops.conv(ONES, np.ones((2, 3, 4))),
            r"conv: kernel: expected 4 axes .*\(2, 3, 4\)",
        ),
        (lambda: ops.conv(ONES, np.ones((2, 2, 2, 4))), "conv: expected inputs with a multiple of"),
        (
            lambda: ops.conv(ONES, np.ones((2, 2, 3, 4)), padding="causal"),
            "conv: padding: expected",
        ),
        (
            lambda: ops.depthwise_conv(ONES, np.ones((2, 2, 4, 1))),
            "depthwise_conv: kernel: expected 3 channels",
        ),
        (
            lambda: ops.separable_conv(ONES, np.ones((2, 2, 3, 1)), np.ones((2, 1, 3, 4))),
            "separable_conv: pointwise_kernel: expected 4 axes",
        ),
        (
            lambda: ops.conv_transpose(ONES, np.ones((2, 2, 4, 3)), 2, output_padding=2),
            "conv_transpose: output_padding: expected numbers below strides",
        ),
        (lambda: ops.max_pool(ONES, 2, padding="some"), "max_pool: padding"),
        (lambda: ops.average_pool(LINE, (2, 2)), "average_pool: pool_size: expected an integer"),
        (lambda: ops.max_pool(np.ones(3), 2), r"max_pool: expected 3 axes .* got shape \(3,\)"),
        (lambda: ops.adaptive_max_pool(ONES, 0), "adaptive_max_pool: output_size"),
        (lambda: ops.image.resize(ONES, (3, 0)), "resize: size: expected"),
        (lambda: ops.image.resize(ONES[0, 0], (3, 3)), r"resize: .* got shape \(5, 3\)"),
        (lambda: ops.pad(LINE, ((1, 1), (2, 2))), "pad: pad_width: expected .* or 3 pairs"),
        (lambda: ops.pad(LINE, -1), "pad: pad_width: expected"),
        (lambda: ops.pad(LINE, 1, mode="mean"), "pad: mode: expected 'constant', 'edge'"),
        (
            lambda: ops.pad(LINE, 1, mode="edge", constant_values=1),
            "constant_values: expected None",
        ),
        (lambda: ops.pad(LINE[:0], 1, mode="edge"), "pad: axis 0 .* has no elements"),
    ],
)
def test_bad_arguments(make, pattern):
    with pytest.raises(ValueError, match=pattern):
        make()


@pytest.mark.parametrize(
    ("make", "shape", "pattern"),
    [
        (lambda: layers.MaxPooling2D(5), (2, 4, 5, 3), r"window \(5, 5\) .* sizes \(4, 5\)"),
        (lambda: layers.AveragePooling1D(5), (2, 4, 3), r"window \(5,\) with .* sizes \(4,\)"),
        (
            lambda: layers.MaxPooling2D(2),
            (2, 4, 3),
            r"expected 4 axes, got 3 \(shape \(2, 4, 3\)\)",
        ),
        (
            lambda: layers.Cropping2D((2, 1)),
            (2, 4, 5, 3),
            r"sizes \(4, 5\) .*\(\(2, 2\), \(1, 1\)\)",
        ),
        (lambda: layers.GlobalMaxPooling1D(), (2, 3), "expected 3 axes, got 2"),
        (lambda: layers.Resizing(2, 2), (2, 3), r"with 3 or 4 axes, got shape \(2, 3\)"),
    ],
)
def test_inputs_that_do_not_fit(make, shape, pattern):
    """The error names the layer, eagerly and in a graph."""
    layer = make()
    with pytest.raises(ValueError, match=rf"layer '{layer.name}' .*{pattern}"):
        layer(np.ones(shape, np.float32))
    with pytest.raises(ValueError, match=rf"layer '{layer.name}' "):
        layer(fastdl.Input(batch_shape=shape))


@pytest.mark.parametrize(
    "layer",
    [layers.MaxPooling1D, layers.GlobalMaxPooling1D, lambda: layers.AdaptiveMaxPooling1D(2)],
)
def test_an_input_without_places(layer):
    with pytest.raises(ValueError, match=r"^layer '.*pooling1d'.*\(2, 0, 3\)|sizes \(0,\)"):
        layer()(np.ones((2, 0, 3), np.float32))


def test_an_empty_batch():
    x = np.ones((0, *cases.IMAGE[1:]), np.float32)
    for make, shape in cases.LAYERS.values():
        layer = make(fastdl)
        if shape == cases.IMAGE and getattr(layer, "data_format", "") == "channels_last":
            assert layer(x).shape[0] == 0


def test_training_a_model_with_them(tmp_path):
    """A step of training, recorded and replayed, and files of both kinds."""
    fastdl.utils.set_random_seed(0)
    model = fastdl.Sequential(
        [
            layers.Input((9, 8, 2)),
            layers.ZeroPadding2D(1),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.SpatialDropout2D(0.2),
            layers.AveragePooling2D(2),
            layers.Resizing(4, 4),
            layers.Dense(5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    x = cases.filled((20, 9, 8, 2), 1)
    y = x.mean((1, 2, 3))[:, None]
    history = model.fit(x, y, epochs=3, batch_size=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    for ending in ("keras", "fastdl"):
        if ending == "keras":
            pytest.importorskip("h5py")
        model.save(tmp_path / f"m.{ending}")
        again = models.load_model(tmp_path / f"m.{ending}")
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_file_of_keras(tmp_path):
    """Layers and functions of images from Keras's own file, and written as such a file again.

    Keras 3.15 on JAX has read the file that is written here and gave the same outputs.
    """
    pytest.importorskip("h5py")
    path = Path(__file__).parents[1] / "golden/saved/keras-images.keras"
    model = models.load_model(path)
    x = cases.input_for((3, 16, 12, 3))
    assert_close(model(x), GOLDEN["file"])
    model.save(tmp_path / "again.keras")
    again = models.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    ours = cases.model(fastdl)
    ours.set_weights(model.get_weights())
    np.testing.assert_array_equal(ours(x).numpy(), model(x).numpy())
