"""Layers that change images at random give what Keras 3 gives for the same draw, and draw well."""

import json
from pathlib import Path

import augmentation_cases as cases
import image_cases
import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops
from fastdl.layers.mixing import symmetric_beta

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/augmentations.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)
MAKERS = {name: make for name, (make, _, _) in cases.GIVEN.items()}
RANDOM = {
    "RandomFlip": layers.RandomFlip,
    "RandomRotation": lambda **k: layers.RandomRotation(0.3, **k),
    "RandomZoom": lambda **k: layers.RandomZoom(0.3, 0.2, **k),
    "RandomTranslation": lambda **k: layers.RandomTranslation(0.3, 0.3, **k),
    "RandomCrop": lambda **k: layers.RandomCrop(4, 5, **k),
    "RandomContrast": lambda **k: layers.RandomContrast((0.5, 0.5), **k),
    "RandomBrightness": lambda **k: layers.RandomBrightness(0.3, **k),
    "RandomErasing": layers.RandomErasing,
    "RandomGrayscale": layers.RandomGrayscale,
    "RandomHue": lambda **k: layers.RandomHue(0.5, **k),
    "RandomSaturation": lambda **k: layers.RandomSaturation((0.1, 0.9), **k),
    "RandomColorDegeneration": lambda **k: layers.RandomColorDegeneration(0.5, **k),
    "RandomInvert": layers.RandomInvert,
    "RandomPosterization": lambda **k: layers.RandomPosterization((1, 8), **k),
    "RandomSharpness": lambda **k: layers.RandomSharpness(1.0, **k),
    "RandomGaussianBlur": layers.RandomGaussianBlur,
    "RandomPerspective": lambda **k: layers.RandomPerspective(scale=0.4, **k),
    "RandomElasticTransform": layers.RandomElasticTransform,
    "RandAugment": layers.RandAugment,
    "RandomShear": lambda **k: layers.RandomShear(0.5, 0.3, **k),
    "RandomColorJitter": lambda **k: layers.RandomColorJitter((0, 255), 0.3, 0.3, 0.6, 0.3, **k),
    "Solarization": lambda **k: layers.Solarization(0.5, 0.5, **k),
    "MixUp": lambda **k: layers.MixUp(1.0, **k),
    "CutMix": layers.CutMix,
}


def assert_close(actual, expected):
    """Within 64 roundings of 255. Coordinates, up to 30, are rounded to float32, and a rounding of
    one of them counts as often as neighbouring pixels differ."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=64 * EPS * 255)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_pixels_with_a_range_of_one_number(name):
    make, shape = cases.LAYERS[name]
    assert_close(make(fastdl)(cases.images(shape), training=True), GOLDEN["layers"][name])


@pytest.mark.parametrize("name", cases.GIVEN)
def test_pixels_and_labels_of_a_given_draw(name):
    make, shape, drawn = cases.GIVEN[name]
    layer, golden = make(fastdl), GOLDEN["given"][name]
    assert_close(layer.transform_images(cases.images(shape), drawn), golden["images"])
    assert_close(layer.transform_labels(cases.LABELS, drawn), golden["labels"])


@pytest.mark.parametrize("fill", cases.FILLS)
@pytest.mark.parametrize("how", cases.INTERPOLATIONS)
def test_affine_transform_and_its_gradient(fill, how):
    x = fastdl.tensor(cases.images(), requires_grad=True)
    y = ops.image.affine_transform(x, cases.MATRICES, how, fill, 7.0)
    output, gradient = GOLDEN["functions"][f"{fill}_{how}"]
    assert_close(y.detach(), output)
    (y * fastdl.tensor(image_cases.weight_for(y.shape))).sum().backward()
    assert_close(x.grad, gradient)


@pytest.mark.parametrize("fill", cases.FILLS)
def test_affine_transform_rounds_bytes(fill):
    x = cases.images().astype(np.uint8)
    y = ops.image.affine_transform(x, cases.MATRICES, fill_mode=fill, fill_value=7)
    assert str(y.dtype) == "uint8"
    # A value that is a half but for rounding may go either way.
    difference = np.abs(y.numpy().astype(int) - np.asarray(GOLDEN["bytes"][fill]))
    halves = np.asarray(GOLDEN["functions"][f"{fill}_bilinear"][0]) % 1 - 0.5
    assert (difference <= (np.abs(halves) < 64 * EPS * 255)).all()


def test_affine_transform_of_one_image_and_in_a_graph():
    x, matrix = cases.images(), cases.MATRICES[0]
    several = ops.image.affine_transform(x, matrix, fill_mode="wrap")
    one = ops.image.affine_transform(x[1], matrix, fill_mode="wrap")
    np.testing.assert_array_equal(several[1].numpy(), one.numpy())
    inputs = fastdl.Input(x.shape[1:])
    model = fastdl.Model(inputs, ops.image.affine_transform(inputs, matrix, fill_mode="wrap"))
    np.testing.assert_array_equal(model.predict(x, verbose=0), several.numpy())


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
@pytest.mark.parametrize("fill", cases.FILLS)
def test_affine_transform_reads_within_the_image_whatever_the_matrix(value, fill):
    matrix = np.array([1, 0, value, 0, 1, value, 0, 0], np.float32)
    for how in cases.INTERPOLATIONS:
        ops.image.affine_transform(cases.images(), matrix, how, fill)


@pytest.mark.parametrize("name", RANDOM)
def test_inference_leaves_images_as_floats(name):
    x = cases.images().astype(np.uint8)
    y = RANDOM[name]()(x, training=False)
    assert str(y.dtype) == "float32"
    if name != "RandomCrop":
        np.testing.assert_array_equal(y.numpy(), x)
    inner = models.Sequential([layers.Input(x.shape[1:], dtype="uint8"), RANDOM[name]()])
    np.testing.assert_array_equal(inner.predict(x, verbose=0), y.numpy())


@pytest.mark.parametrize("name", RANDOM)
def test_seeds_and_streams(name):
    """A seed gives the same images at the first call, others at the second; so does the library's
    stream. Images of a batch differ."""
    x = np.repeat(cases.images((1, 12, 12, 3)), 16, 0) + np.arange(16.0).reshape(-1, 1, 1, 1)
    one, two = RANDOM[name](seed=7), RANDOM[name](seed=7)
    first, second = (one(x, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, two(x, training=True).numpy())
    assert not np.array_equal(first, second)
    streams = []
    for _ in range(2):
        fastdl.utils.set_random_seed(3)
        streams.append(RANDOM[name]()(x, training=True).numpy())
    np.testing.assert_array_equal(*streams)


@pytest.mark.parametrize("name", RANDOM)
def test_recorded_steps_draw_as_eager_ones(name):
    """The same losses over several steps of a recorded fit and of an eager one, whose draws change
    from step to step."""

    def losses(eager):
        fastdl.utils.set_random_seed(5)
        x = cases.images((8, 9, 9, 3)) / 255
        model = models.Sequential(
            [layers.Input((9, 9, 3)), RANDOM[name](seed=2), layers.Flatten(), layers.Dense(1)]
        )
        model.compile("sgd", "mse", run_eagerly=eager)
        return model.fit(x, np.ones(8), batch_size=4, epochs=3, shuffle=False, verbose=0).history

    assert losses(True) == losses(False)


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_single_images_batches_and_symbolic_shapes(name, order):
    shape = (12, 9, 3) if order == "channels_last" else (3, 12, 9)
    layer = RANDOM[name](data_format=order)
    x = cases.images((4, *shape))
    batch = layer(x, training=True).shape
    assert layer(x[0], training=True).shape == batch[1:]
    assert layer.compute_output_shape((None, *shape)) == (None, *batch[1:])
    assert layer(fastdl.Input(shape)).shape == (None, *batch[1:])


@pytest.mark.parametrize("name", RANDOM)
def test_config_is_that_of_keras(name):
    golden = GOLDEN["configs"][name]
    layer = cases.CONFIGS[name](fastdl)
    config = json.loads(json.dumps(layer.get_config()))
    # Keras makes up a seed for RandomCrop, and leaves out data_format or the seed of some layers.
    assert {k: config[k] for k in golden} == golden
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    type(layer).from_config({k: v for k, v in golden.items() if k != "seed"})


def test_files(tmp_path):
    """Streams of layers are kept, and Keras finds them where its own layers have them."""
    h5py = pytest.importorskip("h5py")
    x = cases.images((4, 9, 9, 3))
    made = [RANDOM[name](seed=i) for i, name in enumerate(RANDOM)]
    model = models.Sequential([layers.Input((9, 9, 3)), *made])
    model(x, training=True)
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    expected = model(x, training=True).numpy()
    np.testing.assert_array_equal(again(x, training=True).numpy(), expected)
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as store:
        found = [name for name in store["layers"] if "generator/vars/0" in store["layers"][name]]
    assert len(found) == len(made)
    model.save(tmp_path / "m.keras")
    for a, b in zip(models.load_model(tmp_path / "m.keras").layers, made, strict=True):
        assert a.get_config() == b.get_config()


def test_the_type_of_the_images_follows_dtype():
    x = cases.images().astype(np.uint8)
    layer = layers.RandomBrightness((0.5, 0.5), dtype="uint8")
    y = layer(x, training=True)
    assert str(y.dtype) == "uint8" and y.numpy().max() == 255
    assert str(layer(fastdl.Input((4, 4, 3), dtype="uint8")).dtype) == "uint8"


class TestDicts:
    def test_labels_and_masks_go_with_their_images(self):
        x = cases.images((4, 12, 9, 3))
        masks = (x[..., :1] > 100).astype(np.uint8)
        for name in ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation"):
            layer = RANDOM[name](fill_mode="constant") if name != "RandomFlip" else RANDOM[name]()
            batch = {"images": x, "labels": np.arange(4), "segmentation_masks": masks}
            out = layer(batch, training=True)
            assert out["labels"].tolist() == [0, 1, 2, 3] and set(batch) == set(out)
            assert str(out["segmentation_masks"].dtype) == "uint8"
            if name != "RandomFlip":
                continue
            expected = (out["images"].numpy()[..., :1] > 100).astype(np.uint8)
            np.testing.assert_array_equal(out["segmentation_masks"].numpy(), expected)

    def test_cut_mix_keeps_the_areas(self):
        """The part of an image that stays is the label's, but for pixels at the box's edges."""
        n = 64
        x = np.ones((n, 20, 20, 1)) * np.arange(n).reshape(-1, 1, 1, 1)
        out = layers.CutMix(seed=1)({"images": x, "labels": np.eye(n)}, training=True)
        images, labels = out["images"].numpy(), out["labels"].numpy()
        np.testing.assert_allclose(labels.sum(1), 1, atol=4 * EPS)
        own = (images == np.arange(n).reshape(-1, 1, 1, 1)).mean((1, 2, 3))
        # Each side of a box, of at most 20 pixels, is rounded by less than a pixel.
        np.testing.assert_allclose(own, np.diag(labels), atol=2 / 20)

    def test_mix_up_weights_are_those_of_the_labels(self):
        n = 32
        x = np.ones((n, 3, 3, 1)) * np.arange(n).reshape(-1, 1, 1, 1)
        out = layers.MixUp(1.0, seed=1)({"images": x, "labels": np.eye(n)}, training=True)
        mixed = out["labels"].numpy() @ np.arange(n)
        np.testing.assert_allclose(out["images"].numpy()[:, 0, 0, 0], mixed, atol=64 * EPS * n)

    def test_in_a_graph(self):
        images, labels = fastdl.Input((8, 8, 3)), fastdl.Input((4,))
        out = layers.MixUp()({"images": images, "labels": labels})
        model = fastdl.Model([images, labels], out["labels"])
        y = model.predict([np.zeros((4, 8, 8, 3)), np.eye(4)], verbose=0)
        np.testing.assert_array_equal(y, np.eye(4))


class TestDraws:
    """Moments of draws, with five deviations of their own error."""

    N = 20_000

    @pytest.mark.parametrize("alpha", [1e-6, 0.2, 1.0, 3.0])
    def test_beta(self, alpha):
        fastdl.manual_seed(4)
        b = symmetric_beta(self.N, alpha).numpy().astype(np.float64)
        variance = 1 / (4 * (2 * alpha + 1))
        assert np.isfinite(b).all() and 0 <= b.min() <= b.max() <= 1
        assert abs(b.mean() - 0.5) < 5 * np.sqrt(variance / self.N)
        assert abs(b.var() - variance) < 5 * variance * np.sqrt(2 / self.N)

    def test_flips(self):
        flips = layers.RandomFlip(seed=1)._draw((self.N, 2, 2, 1))["flips"].numpy()
        assert abs(flips.mean() - 0.5) < 5 * 0.5 / np.sqrt(self.N)

    def test_crops_reach_all_places(self):
        layer = layers.RandomCrop(3, 4, seed=1)
        found = {
            tuple(int(s.item()) for s in layer.get_random_transformation(np.zeros((5, 6, 1))))
            for _ in range(200)
        }
        assert found == {(i, j) for i in range(3) for j in range(3)}

    def test_erasing_happens_as_often_as_asked(self):
        layer = layers.RandomErasing((0.3, 0.3), fill_value=1.0, seed=2)
        changed = layer(np.zeros((2000, 6, 6, 1)), training=True).numpy().any((1, 2, 3))
        # A box of 2 % of a side of 6 may lie between two pixels.
        assert 0.2 < changed.mean() < 0.3 + 5 * np.sqrt(0.3 * 0.7 / 2000)


def test_small_images_are_cropped_as_in_inference():
    x = cases.images((2, 5, 9, 1))
    layer = layers.RandomCrop(8, 6)
    expected = ops.image.resize(x, (8, 6), crop_to_aspect_ratio=True)
    for training in (True, False):
        np.testing.assert_array_equal(layer(x, training=training).numpy(), expected.numpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomFlip("sideways"), "RandomFlip: mode: .*'sideways'"),
        (lambda: layers.RandomRotation(1.5), r"RandomRotation: factor: .*\[-1, 1\], got 1.5"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "factor: expected a number or two"),
        (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), "fill_mode: .*'mirror'"),
        (lambda: layers.RandomRotation(0.1, interpolation="bicubic"), "interpolation: .*'bicubic'"),
        (lambda: layers.RandomZoom(-1.0), r"RandomZoom: height_factor: .*\(-1, 1\], got -1"),
        (lambda: layers.RandomZoom(0.1, "a"), "RandomZoom: width_factor: .*'a'"),
        (lambda: layers.RandomTranslation(0.1, 2), "RandomTranslation: width_factor: .*got 2"),
        (lambda: layers.RandomCrop(0, 3), "RandomCrop: height: .*at least 1"),
        (lambda: layers.RandomContrast(-0.1), r"RandomContrast: factor: .*\[0, 1\]"),
        (lambda: layers.RandomBrightness(0.1, (1,)), "value_range: expected two numbers"),
        (lambda: layers.RandomErasing(fill_value=[1, 2]), "fill_value: expected a number, three"),
        (lambda: layers.MixUp(0), "MixUp: alpha: expected a number above 0"),
        (lambda: layers.CutMix(2.0), r"CutMix: factor: .*\[0, 1\]"),
        (lambda: layers.RandomFlip(seed=-1), "RandomFlip: seed"),
        (lambda: layers.RandomFlip()(np.zeros((2, 3))), r"RandomFlip.*with 3 or 4 axes.*\(2, 3\)"),
        (lambda: layers.RandomFlip()([np.zeros((2, 2, 1))] * 2), "RandomFlip.*got a list"),
        (lambda: layers.RandomFlip()({"labels": np.zeros(3)}), "RandomFlip.*'images'"),
        (
            lambda: layers.RandomFlip()({"images": np.zeros((2, 2, 1)), "bounding_boxes": [[1]]}),
            "bounding_boxes",
        ),
        (
            lambda: layers.MixUp()(
                {"images": np.zeros((3, 2, 2, 1)), "labels": np.arange(3)}, training=True
            ),
            "MixUp.*labels: expected a row of probabilities",
        ),
        (
            lambda: layers.CutMix()(
                {"images": np.zeros((3, 2, 2, 1)), "labels": np.eye(2)}, training=True
            ),
            r"CutMix.*labels: expected a row for each of 3 images, got shape \(2, 2\)",
        ),
        (
            lambda: layers.RandomErasing(fill_value=[1, 2, 3])(np.zeros((3, 3, 1)), training=True),
            "RandomErasing.*fill_value",
        ),
        (lambda: ops.image.affine_transform(np.zeros((2, 3)), np.zeros(8)), "images: expected"),
        (
            lambda: ops.image.affine_transform(np.zeros((2, 3, 3, 1)), np.zeros((3, 8))),
            "transform: expected eight numbers for all images or for each of 2",
        ),
        (
            lambda: ops.image.affine_transform(np.zeros((3, 3, 1)), np.zeros(8), "cubic"),
            "interpolation: .*'cubic'",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rand_augment_is_its_changes_one_after_the_other():
    x = fastdl.tensor(cases.images())
    layer = layers.RandAugment(seed=3)
    drawn = layer.get_random_transformation(x)
    changes = list(layer._changes.items())
    for one, two in ((0, 7), (3, 3), (10, 1), (9, 6)):
        expected = x
        for place in (one, two):
            name, change = changes[place]
            expected = change._changed(expected, drawn["transforms"][name], False)
        given = {**drawn, "layer_idxes": np.array([one, two])}
        np.testing.assert_array_equal(layer.transform_images(x, given).numpy(), expected.numpy())
