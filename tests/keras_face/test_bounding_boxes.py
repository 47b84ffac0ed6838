"""Bounding boxes: formats, comparisons and deltas, layers that move them; CLAHE and AugMix.

Numbers said to be Keras's are those of Keras 3.15.1 on JAX.
"""

import itertools

import numpy as np
import pytest

import fastdl
from fastdl import layers
from fastdl._base.boxes import FORMATS
from fastdl.utils import bounding_boxes as bb

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 40, 50
BOXES = np.array([[[12, 9, 27, 20]], [[20, 14, 36, 30]]], "float32")


def random_boxes(*shape):
    boxes = RNG.uniform(1, 20, (*shape, 4)).astype("float32")
    boxes[..., 2:] += boxes[..., :2]
    return boxes


# What the formats mean, by hand.
MEANINGS = {
    "xyxy": lambda a, b, c, d: (a, b, c, d),
    "yxyx": lambda a, b, c, d: (b, a, d, c),
    "xywh": lambda a, b, c, d: (a, b, c - a, d - b),
    "center_xywh": lambda a, b, c, d: ((a + c) / 2, (b + d) / 2, c - a, d - b),
    "center_yxhw": lambda a, b, c, d: ((b + d) / 2, (a + c) / 2, d - b, c - a),
}


def by_hand(boxes, form):
    x = np.float64(boxes)
    if form.startswith("rel_"):
        x = x / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return np.stack(MEANINGS[form.removeprefix("rel_")](*np.moveaxis(x, -1, 0)), -1)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(FORMATS, repeat=2)))
def test_formats(source, target):
    boxes = random_boxes(2, 3)
    found = bb.convert_format(by_hand(boxes, source), source, target.upper(), HEIGHT, WIDTH)
    np.testing.assert_allclose(found.numpy(), by_hand(boxes, target), rtol=1e-5, atol=1e-5)


def test_a_dict_is_not_changed():
    given = {"boxes": [[1, 2, 3, 5]], "labels": [4]}
    found = bb.convert_format(given, "xyxy", "xywh", dtype="int32")
    assert found["boxes"].tolist() == [[1, 2, 2, 3]] and found["boxes"].dtype == "int32"
    assert found["labels"] == [4] and given["boxes"] == [[1, 2, 3, 5]]


def test_clipping_pads_and_parts():
    given = {"boxes": [[-3, 5, 90, 9], [60, 1, 70, 2]], "labels": [[1, 2], [3, 4]]}
    found = bb.clip_to_image_size(given, HEIGHT, WIDTH)
    assert found["boxes"].tolist() == [[0, 5, 50, 9], [50, 1, 50, 2]]
    assert found["labels"].tolist() == [[1, 2], [-1, -1]]
    assert "labels" not in bb.clip_to_image_size({"boxes": [[0, 0, 1, 1]]}, 2, 2)
    relative = {"boxes": [[-0.5, 0.25, 1.5, 1.0]]}
    found = bb.clip_to_image_size(relative, bounding_box_format="rel_xyxy")
    assert found["boxes"].tolist() == [[0.0, 0.25, 1.0, 1.0]]
    assert bb.pad(bb.crop([[5, 6, 9, 9]], 2, 3, 4, 5), 2, 3).tolist() == [[5, 6, 8, 6]]


def test_affine_maps_are_those_of_keras():
    boxes = [[[10, 5, 30, 20], [40, 30, 44, 50]], [[0, 0, 9, 8], [3, 2, 60, 40]]]
    numbers = ([10, -50], [0.1, 0.2], [-0.3, 0.1], [1.2, 0.7], [5, 20], [-8, 3])
    size = {"height": 60, "width": 90, "center_x": 0.2, "center_y": 0.9}
    found = bb.affine_transform(np.float32(boxes), *map(np.float32, numbers), **size).numpy()
    wanted = [
        [[-1.21, -30.635, 27.719, -5.858], [42.956, -7.065, 53.999, 17.482]],
        [[32.801, 33.189, 38.079, 41.602], [21.294, 35.712, 49.869, 83.651]],
    ]
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    one = [column[0] for column in numbers]
    alone = bb.affine_transform(boxes[0], *one, **size)
    np.testing.assert_allclose(alone.numpy(), wanted[0], atol=2e-3)


def overlap(a, b):
    sides = [min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize("shapes", [((4,), (3,)), ((2, 4), (2, 3)), ((2, 4), (3,)), ((4,), (2, 3))])
def test_overlaps(shapes):
    one, two = (random_boxes(*shape) for shape in shapes)
    found = bb.compute_iou(by_hand(one, "yxyx"), by_hand(two, "yxyx"), "yxyx").numpy()
    a = np.broadcast_to(one, (2, 4, 4)) if found.ndim == 3 else one[None]
    b = np.broadcast_to(two, (2, 3, 4)) if found.ndim == 3 else two[None]
    wanted = [
        [[overlap(np.float64(x), y) for y in q] for x in p] for p, q in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(found.reshape(-1, 4, 3), wanted, atol=1e-5)
    relative = bb.compute_iou(
        by_hand(one, "rel_xywh"), by_hand(two, "rel_xywh"), "rel_xywh", image_shape=(40, 50, 3)
    )
    np.testing.assert_allclose(relative.numpy(), found, atol=1e-5)


def test_overlaps_of_filling():
    boxes = np.float32([[0, 0, 2, 2], [-1, -1, -1, -1]])
    found = bb.compute_iou(boxes, boxes, "xyxy", use_masking=True, mask_val=-7)
    np.testing.assert_allclose(found.numpy(), [[1, -7], [-7, -7]], atol=1e-6)


def test_complete_overlaps_are_those_of_keras():
    boxes = np.float32([[[10, 5, 30, 20], [40, 30, 44, 50]], [[0, 0, 9, 8], [3, 2, 60, 40]]])
    others = boxes[:, ::-1] + np.float32([1, 2, 3, 4])
    found = bb.compute_ciou(boxes, others, "xyxy").numpy()
    np.testing.assert_allclose(found, [[-0.42618, -0.37611], [-0.20192, -0.12561]], atol=2e-5)


@pytest.mark.parametrize("encoding", ["center_yxhw", "center_xywh"])
def test_deltas(encoding):
    anchors, boxes = random_boxes(5), random_boxes(2, 5)
    variance, shape = [0.1, 0.1, 0.2, 0.2], (HEIGHT, WIDTH, 3)
    rest = {"variance": variance, "image_shape": shape}
    found = bb.encode_box_to_deltas(
        by_hand(anchors, "rel_xyxy"), by_hand(boxes, "xywh"), "rel_xyxy", "xywh", encoding, **rest
    )
    a, b = by_hand(anchors, encoding), by_hand(boxes, encoding)
    wanted = np.concatenate(
        [(b[..., :2] - a[..., :2]) / a[..., 2:], np.log(b[..., 2:] / a[..., 2:])], -1
    )
    np.testing.assert_allclose(found.numpy(), wanted / variance, rtol=1e-4, atol=1e-4)
    back = bb.decode_deltas_to_boxes(
        {"one": anchors}, {"one": found}, "xyxy", "rel_yxyx", encoding, **rest
    )["one"]
    np.testing.assert_allclose(back.numpy(), by_hand(boxes, "rel_yxyx"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bb.convert_format([[1, 2, 3, 4]], "xyxy", "xy"), "target: expected one of"),
        (lambda: bb.convert_format([[1, 2, 3]], "xyxy", "xywh"), r"boxes: expected 4 numbers.*3\)"),
        (lambda: bb.convert_format([[1, 2, 3, 4]], "xyxy", "rel_xyxy", 3), "both are needed"),
        (lambda: bb.clip_to_image_size({"boxes": [[1, 2, 3, 4]]}, 3), "height, width"),
        (lambda: bb.clip_to_image_size([[1, 2, 3, 4]], 3, 3), "expected a dict with 'boxes'"),
        (lambda: bb.crop([[1, 2, 3, 4]], 0, 0, 1, 1, "xywh"), "expected 'xyxy', got 'xywh'"),
        (lambda: bb.compute_iou([1, 2, 3, 4], [[1, 2, 3, 4]], "xyxy"), "boxes1: expected"),
        (lambda: bb.compute_iou([[1, 2, 3, 4]], [[1, 2, 3, 4]], "rel_xyxy"), "image_shape"),
        (
            lambda: bb.encode_box_to_deltas([[1, 2, 3, 4]], [[1, 2, 3, 4]], "xyxy", "xyxy", "xywh"),
            "encoding_format: expected one of",
        ),
        (
            lambda: bb.decode_deltas_to_boxes(
                [[1, 2, 3, 4]], [[1, 2, 3, 4]], "xyxy", "xyxy", variance=[1.0]
            ),
            "variance: expected 4 numbers, got 1",
        ),
    ],
)
def test_wrong_boxes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- layers


def images():
    found = np.zeros((2, HEIGHT, WIDTH, 1), "float32")
    for image, ((x1, y1, x2, y2),) in zip(found, BOXES.astype(int), strict=True):
        image[y1:y2, x1:x2] = 1
    return found


SEEN = {"fill_mode": "constant", "interpolation": "nearest"}
MOVING = {
    "RandomFlip": lambda **k: layers.RandomFlip(seed=4, **k),
    "RandomFlip_vertical": lambda **k: layers.RandomFlip("vertical", seed=5, **k),
    "RandomRotation": lambda **k: layers.RandomRotation(0.1, seed=2, **SEEN, **k),
    "RandomZoom": lambda **k: layers.RandomZoom(0.3, 0.2, seed=3, **SEEN, **k),
    "RandomTranslation": lambda **k: layers.RandomTranslation(0.2, 0.2, seed=4, **SEEN, **k),
    "RandomShear": lambda **k: layers.RandomShear(0.2, 0.1, seed=5, **SEEN, **k),
    "RandomPerspective": lambda **k: layers.RandomPerspective(
        1.0, scale=0.5, interpolation="nearest", seed=6, **k
    ),
    "RandomCrop": lambda **k: layers.RandomCrop(30, 36, seed=7, **k),
    "RandomCrop_resizes": lambda **k: layers.RandomCrop(60, 60, seed=7, **k),
    "Resizing": lambda **k: layers.Resizing(60, 70, "nearest", **k),
    "Resizing_crop": lambda **k: layers.Resizing(80, 80, crop_to_aspect_ratio=True, **k),
    "Resizing_pad": lambda **k: layers.Resizing(64, 60, pad_to_aspect_ratio=True, **k),
    "CenterCrop": lambda **k: layers.CenterCrop(37, 46, **k),
    "CenterCrop_resizes": lambda **k: layers.CenterCrop(60, 60, **k),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
@pytest.mark.parametrize("form", ["xyxy", "rel_center_xywh"])
@pytest.mark.parametrize("name", MOVING)
def test_boxes_are_around_the_pixels_that_moved(name, form, order, training):
    layer = MOVING[name](bounding_box_format=form, data_format=order)
    x = images()
    if order == "channels_first":
        x = x.transpose(0, 3, 1, 2)
    boxes = {"boxes": by_hand(BOXES, form), "labels": np.array([[3], [4]])}
    found = layer({"images": x, "bounding_boxes": boxes}, training=training)
    y = found["images"].numpy().max(-1 if order == "channels_last" else 1)
    height, width = y.shape[1:]
    moved = bb.convert_format(found["bounding_boxes"]["boxes"], form, "xyxy", height, width)
    assert found["bounding_boxes"]["labels"].tolist() == [[3], [4]]
    for image, (box,) in zip(y, moved.numpy(), strict=True):
        rows, columns = np.nonzero(image > 0.5)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box, seen, atol=1.01)
    if training and name != "RandomCrop_resizes":
        assert np.abs(moved.numpy() - BOXES).max() > 1


def test_boxes_of_one_image_by_a_transformation():
    layer = layers.RandomFlip("horizontal", bounding_box_format="xyxy")
    drawn = {"flips": np.array([[True]]), "input_shape": (10, 8, 3)}
    boxes = {"boxes": [[2, 1, 4, 3], [6, 4, 8, 6]], "labels": [1, 2]}
    found = layer.transform_bounding_boxes(boxes, drawn)
    assert found["boxes"].tolist() == [[4, 1, 6, 3], [0, 4, 2, 6]]  # 8 - right, 8 - left
    assert found["labels"].tolist() == [1, 2]
    batch = {"boxes": [boxes["boxes"]], "labels": [boxes["labels"]]}
    again = layer.transform_bounding_boxes(batch, {**drawn, "input_shape": (1, 10, 8, 3)})
    assert again["boxes"].tolist() == [found["boxes"].tolist()]


def test_one_image_and_boxes_that_are_gone():
    layer = layers.RandomTranslation(
        (1.0, 1.0), 0.0, fill_mode="constant", bounding_box_format="xyxy"
    )
    data = {"images": images()[0], "bounding_boxes": {"boxes": BOXES[0], "labels": [7]}}
    found = layer(data, training=True)["bounding_boxes"]
    assert found["labels"].tolist() == [-1] and found["boxes"].shape == (1, 4)
    assert layer(data)["images"].shape == (40, 50, 1)
    assert data["bounding_boxes"]["labels"] == [7]


@pytest.mark.parametrize(
    "layer",
    [
        layers.Resizing(8, 10, bounding_box_format="xywh"),
        layers.CenterCrop(8, 10, bounding_box_format="xywh"),
    ],
)
def test_layers_that_give_a_size_take_all_that_belongs_to_images(layer):
    masks = images().astype("uint8")
    data = {
        "images": images() * 200,
        "labels": np.array([1, 2]),
        "segmentation_masks": masks,
        "bounding_boxes": {"boxes": by_hand(BOXES, "xywh"), "labels": np.array([[3], [4]])},
    }
    shapes = fastdl.tree.map_structure(np.shape, data)
    wanted = layer.compute_output_shape(shapes)
    assert wanted["images"] == wanted["segmentation_masks"] == (2, 8, 10, 1)
    for training in (True, False):
        found = layer(data, training=training)
        assert fastdl.tree.map_structure(lambda x: x.shape, found) == wanted
        assert found["segmentation_masks"].dtype == "uint8"
        assert set(np.unique(found["segmentation_masks"])) <= {0, 1}
        assert found["labels"].tolist() == [1, 2]
    one = layer({"images": images()[0], "segmentation_masks": masks[0]})
    assert one["images"].shape == one["segmentation_masks"].shape == (8, 10, 1)
    drawn = layer.get_random_transformation(data)
    assert drawn == (
        (40, 50) if isinstance(layer, layers.Resizing) else {"input_shape": (2, 40, 50, 1)}
    )
    moved = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)
    np.testing.assert_array_equal(moved["boxes"].numpy(), found["bounding_boxes"]["boxes"].numpy())
    np.testing.assert_array_equal(
        layer.transform_images(data["images"], drawn).numpy(), found["images"].numpy()
    )
    again = type(layer).from_config(layer.get_config())
    assert again.bounding_box_format == "xywh"


def test_boxes_that_are_padding_stay_padding():
    layer = layers.Resizing(80, 50, pad_to_aspect_ratio=True, bounding_box_format="xyxy")
    boxes = {"boxes": [[[-1, -1, -1, -1], [0, 0, 0, 0], [0, 0, 5, 5]]], "labels": [[-1, -1, 2]]}
    found = layer({"images": images()[:1], "bounding_boxes": boxes})["bounding_boxes"]
    assert found["boxes"].tolist() == [[[0, 0, 0, 0], [0, 0, 0, 0], [0, 20, 5, 25]]]
    assert found["labels"].tolist() == [[-1, -1, 2]]


def test_a_transformation_of_keras_bends_images():
    layer = layers.RandomElasticTransform(1.0, (1.0, 1.0), seed=3)
    drawn = {
        "apply_transform": np.array([True, False]),
        "distortion_factor": np.float32(0.8),
        "seed": fastdl.random.SeedGenerator(5),
    }
    x = images() * 255
    y = layer.transform_images(x, drawn).numpy()
    np.testing.assert_array_equal(y[1], x[1])
    assert np.abs(y[0] - x[0]).max() > 1
    one = {**drawn, "apply_transform": np.array([True]), "seed": 42}
    assert layer.transform_images(x[0], one).shape == x[0].shape


@pytest.mark.parametrize("form", ["xyxy", "xywh", "rel_xyxy"])
def test_boxes_of_mixed_images_need_no_size(form):
    layer = layers.MixUp(bounding_box_format=form)
    boxes = by_hand(BOXES, form).astype("float32")
    drawn = {"mix_weight": [0.5, 0.5], "permutation_order": np.array([1, 0])}
    found = layer.transform_bounding_boxes({"boxes": boxes}, drawn)["boxes"].numpy()
    np.testing.assert_allclose(found, np.concatenate([boxes, boxes[::-1]], 1), rtol=1e-6)


def test_pieces_of_a_transformation():
    layer = layers.RandomFlip("horizontal", seed=4, bounding_box_format="xyxy")
    data = {"images": images(), "bounding_boxes": {"boxes": BOXES}}
    drawn = layer.get_random_transformation(data)
    found = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)["boxes"].numpy()
    mirrored = np.stack([50 - BOXES[..., 2], BOXES[..., 1], 50 - BOXES[..., 0], BOXES[..., 3]], -1)
    np.testing.assert_array_equal(found, np.where(drawn["flips"].numpy()[..., 0], mirrored, BOXES))
    same = layer.transform_bounding_boxes(data["bounding_boxes"], drawn, training=False)["boxes"]
    np.testing.assert_array_equal(same.numpy(), BOXES)


def test_colors_leave_boxes_alone():
    data = {"images": images(), "bounding_boxes": {"boxes": BOXES, "labels": [[1], [2]]}}
    for kind in (layers.RandomBrightness(0.2), layers.RandomErasing(), layers.AugMix(seed=1)):
        kind.bounding_box_format = "xywh"
        found = kind(data, training=True)["bounding_boxes"]
        np.testing.assert_array_equal(found["boxes"].numpy(), BOXES)


def test_mixed_images_have_the_boxes_of_both():
    layer = layers.MixUp(seed=1, bounding_box_format="xyxy")
    data = {"images": images(), "bounding_boxes": {"boxes": BOXES, "labels": [[1], [2]]}}
    drawn = layer.get_random_transformation(data)
    found = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)
    order = drawn["permutation_order"].numpy()
    np.testing.assert_array_equal(found["boxes"].numpy(), np.concatenate([BOXES, BOXES[order]], 1))
    assert found["labels"].tolist() == [[1, 1 + order[0]], [2, 1 + order[1]]]


def test_rand_augment_moves_boxes_as_its_changes_do():
    layer = layers.RandAugment(num_ops=2, seed=5, bounding_box_format="xyxy")
    data = {"images": images(), "bounding_boxes": {"boxes": BOXES}}
    moved = 0
    for _ in range(6):
        drawn = layer.get_random_transformation(data)
        found = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)["boxes"].numpy()
        wanted = {"boxes": BOXES}
        for number in drawn["layer_idxes"].tolist():
            name = list(layer._changes)[number]
            step = layer._changes[name]
            step.bounding_box_format = "xyxy"
            change = {**drawn["transforms"][name], "input_shape": (2, HEIGHT, WIDTH, 1)}
            wanted = step.transform_bounding_boxes(wanted, change)
        np.testing.assert_allclose(found, np.asarray(wanted["boxes"]), atol=1e-3)
        moved += np.abs(found - BOXES).max() > 0.5
    assert moved


def test_what_layers_cannot_do_with_boxes():
    data = {"images": images(), "bounding_boxes": {"boxes": BOXES}}
    with pytest.raises(ValueError, match="does not know their format: give it bounding_box_format"):
        layers.RandomFlip()(data, training=True)
    for kind in (layers.CutMix, layers.RandomElasticTransform):
        with pytest.raises(ValueError, match="cannot move bounding boxes"):
            kind(bounding_box_format="xyxy")(data, training=True)
    with pytest.raises(ValueError, match="RandomZoom: bounding_box_format: expected one of"):
        layers.RandomZoom(0.2, bounding_box_format="xy")
    with pytest.raises(ValueError, match="expected a dict with 'boxes'"):
        layers.RandomFlip(bounding_box_format="xyxy")({**data, "bounding_boxes": BOXES})


def test_configs():
    layer = layers.RandomFlip(bounding_box_format="xyxy")
    assert layers.RandomFlip.from_config(layer.get_config()).bounding_box_format == "xyxy"
    assert "bounding_box_format" not in layers.RandomFlip().get_config()


@pytest.mark.parametrize("number", [1, 3, 5])
def test_the_number_of_boxes(number):
    layer = layers.MaxNumBoundingBoxes(number, fill_value=-2)
    boxes = random_boxes(2, 3)
    data = {
        "images": images(),
        "bounding_boxes": {"boxes": boxes, "labels": np.arange(6).reshape(2, 3)},
    }
    wanted = np.full((2, number, 4), -2, "float32")
    wanted[:, : min(number, 3)] = boxes[:, :number]
    found = layer(data)["bounding_boxes"]
    np.testing.assert_array_equal(found["boxes"].numpy(), wanted)
    labels = np.full((2, number), -2)
    labels[:, : min(number, 3)] = np.arange(6).reshape(2, 3)[:, :number]
    assert found["labels"].tolist() == labels.tolist()
    one = {"images": images()[0], "bounding_boxes": {"boxes": boxes[0], "labels": [0, 1, 2]}}
    assert layer(one)["bounding_boxes"]["labels"].tolist() == labels[0].tolist()
    shape = layer.compute_output_shape(
        {"images": (2, 8, 8, 3), "bounding_boxes": {"boxes": (2, 3, 4), "labels": (2, 3)}}
    )
    assert shape["bounding_boxes"] == {"boxes": (2, number, 4), "labels": (2, number)}


# --- CLAHE and AugMix


def test_clahe_has_the_numbers_of_keras():
    x = (np.arange(7 * 9).reshape(1, 7, 9, 1) ** 2 % 256).astype("float32")
    layer = layers.ContrastLimitedAdaptiveHistogramEqualization(
        tile_grid_size=(2, 3), clip_limit=20.0
    )
    wanted = [
        [0.0, 36.297, 47.915, 68.807, 96.223],
        [91.057, 211.476, 253.176, 93.505, 197.919],
        [45.305, 198.222, 75.091, 238.428, 173.415],
        [129.331, 59.67, 32.767, 25.513, 21.447],
    ]
    np.testing.assert_allclose(layer(x).numpy()[0, ::2, ::2, 0], wanted, atol=2e-3)
    first = layers.ContrastLimitedAdaptiveHistogramEqualization(
        (0, 1), 20.0, (2, 3), data_format="channels_first"
    )
    found = first(x.transpose(0, 3, 1, 2) / 255, training=True).numpy()[0, 0, ::2, ::2]
    np.testing.assert_allclose(found, np.divide(wanted, 255), atol=1e-5)


def test_clahe_of_one_tile_without_a_limit_is_equalization():
    x = RNG.integers(0, 256, (1, 16, 16, 1)).astype("uint8")
    layer = layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=0, tile_grid_size=(1, 1))
    below = np.cumsum(np.bincount(x.ravel(), minlength=256))
    table = (below - below[0]) * 255.0 / (256 - below[0])
    found = layer(x)
    assert found.dtype == "uint8"
    assert np.abs(found.numpy().astype(float) - table[x]).max() <= 1
    assert layer(x[0]).shape == (16, 16, 1)


def test_clahe_in_a_model_and_what_it_takes():
    layer = layers.ContrastLimitedAdaptiveHistogramEqualization()
    model = fastdl.Sequential([layers.Input((16, 16, 3)), layer])
    x = RNG.uniform(0, 255, (5, 16, 16, 3)).astype("float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), layer(x).numpy())
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x).numpy(), layer(x).numpy())
    with pytest.raises(ValueError, match="clip_limit"):
        layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=-1)
    with pytest.raises(ValueError, match="tile_grid_size"):
        layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(0, 2))


def test_aug_mix_is_its_chains_and_the_images():
    layer = layers.AugMix((0, 255), seed=3)
    x = RNG.uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    used = set()
    for _ in range(8):
        drawn = layer.get_random_transformation(x)
        weights, own = drawn["chain_mixing_weights"].numpy(), drawn["weight_sample"].item()
        assert weights.sum() == pytest.approx(1) and len(weights) == 3 and 0 <= own <= 1
        mixed = 0.0
        for weight, chain in zip(weights, drawn["chain_transforms"], strict=True):
            assert len(chain) <= 3
            changed = x
            for step in chain:
                used.add(step["layer_name"])
                change = layer._changes[step["layer_name"]]
                changed = change.transform_images(changed, step["transformation"]).numpy()
            mixed = mixed + weight * np.float64(changed)
        wanted = np.clip(own * x + (1 - own) * mixed, 0, 255)
        np.testing.assert_allclose(
            layer.transform_images(x, drawn).numpy(), wanted, rtol=1e-4, atol=1e-3
        )
    assert len(used) > 7
    np.testing.assert_array_equal(layer(x, training=False).numpy(), x)
    assert not np.array_equal(layer(x, training=True).numpy(), layer(x, training=True).numpy())


def test_aug_mix_with_a_seed_and_fewer_changes():
    x = RNG.uniform(0, 1, (2, 6, 6, 3)).astype("float32")
    twins = [layers.AugMix((0, 1), num_chains=2, all_ops=False, seed=4) for _ in range(2)]
    np.testing.assert_array_equal(*(layer(x, training=True).numpy() for layer in twins))
    assert "random_contrast" not in twins[0]._changes and len(twins[0]._changes) == 7
    again = layers.AugMix.from_config(twins[0].get_config())
    assert (again.num_chains, again.all_ops, again.factor) == (2, False, (0.0, 0.3))
    with pytest.raises(ValueError, match="AugMix: factor"):
        layers.AugMix(factor=1.5)
    with pytest.raises(ValueError, match="AugMix: alpha"):
        layers.AugMix(alpha=0.0)
