"""`fastdl.ops.image` and the functions of labels: Keras's results, gradients, graphs."""

import json
from pathlib import Path

import numpy as np
import picture_cases as cases
import pytest
from golden_lines import answer

import fastdl
from fastdl import layers, models, ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/pictures.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize("line", cases.lines())
def test_results_are_those_of_keras(line):
    # Sums of up to some dozens of terms of about 1; projections amplify the errors of places by
    # the differences between pixels.
    atol = 256 * EPS if "perspective" in line else 16 * EPS
    names = {"ops": ops, **cases.NAMES}
    answer(line, GOLDEN[line], names, rtol=64 * EPS, atol=atol)


# Functions of images (batch, 5, 6, 3).
OF_IMAGES = [
    lambda x: ops.image.rgb_to_grayscale(x),
    lambda x: ops.image.rgb_to_hsv(x),
    lambda x: ops.image.hsv_to_rgb(x),
    lambda x: ops.image.crop_images(x, 1, 1, 1, 1),
    lambda x: ops.image.pad_images(x, 1, 1, 1, 1),
    lambda x: ops.image.extract_patches(x, 2),
    lambda x: ops.image.gaussian_blur(x),
    lambda x: ops.image.sobel_edges(x),
    lambda x: ops.image.perspective_transform(x, cases.CORNERS, cases.MOVED),
    lambda x: ops.image.scale_and_translate(x[0], (5, 9, 3), [1.5], [0.2], (1,), "linear"),
    lambda x: ops.image.ssim(x, x * x, filter_size=3),
    lambda x: ops.psnr(x, x * x, 1.0),
    lambda x: ops.binary_crossentropy(np.round(cases.RGB), ops.sigmoid(x)),
    lambda x: ops.categorical_crossentropy(np.round(cases.RGB), x, from_logits=True),
]


# Colors where the formulas of hue have no kinks.
SMOOTH = {1: [0.7, 0.5, 0.3], 2: [0.08, 0.5, 0.3]}


@pytest.mark.parametrize("number", range(len(OF_IMAGES)))
def test_gradients_are_those_of_finite_differences(number):
    function = OF_IMAGES[number]
    values = np.random.default_rng(1).uniform(0.2, 0.8, (2, 5, 6, 3)).astype("float32")
    if number in SMOOTH:
        values = np.float32(values * 0.05 + SMOOTH[number])
    x = fastdl.tensor(values, requires_grad=True)
    y = function(x)
    weights = np.random.default_rng(2).standard_normal(y.shape).astype("float32")
    (y * weights).sum().backward()
    direction = np.random.default_rng(3).standard_normal(values.shape).astype("float32")
    step = np.float32(2**-9)
    ends = [
        (np.float64(function(fastdl.tensor(values + s * direction)).numpy()) * weights).sum()
        for s in (step, -step)
    ]
    slope = (ends[0] - ends[1]) / (2 * step)
    # A float32's rounding over the step, 2^-24 / 2^-9, for sums of some hundred terms; curvature.
    assert (x.grad.numpy() * direction).sum() == pytest.approx(slope, rel=5e-3, abs=5e-3)


@pytest.mark.parametrize("function", OF_IMAGES[:9])
def test_they_stand_in_a_graph_and_in_recorded_steps(function):
    x = layers.Input((5, 6, 3))
    model = models.Model(x, function(x))
    values = np.random.default_rng(0).random((3, 5, 6, 3)).astype("float32")
    expected = function(fastdl.tensor(values)).numpy()
    np.testing.assert_array_equal(model.predict(values, batch_size=1, verbose=0), expected)
    twin = models.Model.from_config(model.get_config())
    np.testing.assert_array_equal(twin.predict(values, verbose=0), expected)


def test_elastic_transform_moves_pixels_by_the_seed():
    image = cases.BIG
    np.testing.assert_allclose(
        ops.image.elastic_transform(image, alpha=0.0, seed=1), image, rtol=2 * EPS
    )
    one, two, three = (ops.image.elastic_transform(image, 4.0, 2.0, seed=s) for s in (1, 1, 2))
    assert fastdl.equal(one, two) and not fastdl.equal(one, three)
    assert 0 <= one.numpy().min() and one.numpy().max() <= 1  # means of pixels
    moved = ops.image.elastic_transform(np.full((1, 6, 6, 1), 7, "uint8"), seed=1)
    assert moved.dtype == "uint8" and (moved.numpy() == 7).all()


def brute_force(logs, blank):
    """All label sequences with their log-probabilities, from all paths."""
    import itertools

    found = {}
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        labels = tuple(c for c, _ in itertools.groupby(path) if c != blank)
        score = sum(logs[t, c] for t, c in enumerate(path))
        found[labels] = np.logaddexp(found.get(labels, -np.inf), score)
    return sorted(found.items(), key=lambda one: -one[1])


def test_a_wide_beam_finds_the_most_probable_labels():
    logits = np.random.default_rng(5).standard_normal((1, 5, 3)).astype("float32")
    logs = logits[0] - np.log(np.exp(logits[0]).sum(1, keepdims=True))
    for blank in (0, 2):
        best = brute_force(np.float64(logs), blank)[:4]
        paths, scores = ops.ctc_decode(logits, [5], "beam_search", 500, 4, mask_index=blank)
        for place, (labels, score) in enumerate(best):
            assert tuple(c for c in paths[place, 0].tolist() if c >= 0) == labels
            assert scores[0, place].item() == pytest.approx(score, abs=16 * EPS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.image.gaussian_blur(np.ones((3, 3))), "gaussian_blur: images"),
        (lambda: ops.image.gaussian_blur(np.ones((3, 3, 1)), 0), "gaussian_blur: kernel_size"),
        (lambda: ops.image.extract_patches(np.ones((3, 3, 1)), 5), "extract_patches: "),
        (lambda: ops.image.ssim(np.ones((9, 9, 1)), np.ones((9, 9, 1))), "ssim: filter_size"),
        (lambda: ops.image.crop_images(cases.RGB, 1), "expected two of"),
        (lambda: ops.image.elastic_transform(cases.RGB, sigma=0), "elastic_transform: sigma"),
        (lambda: ops.ctc_decode(cases.TIMES, [1]), "ctc_decode: expected inputs"),
        (lambda: ops.multi_hot([1]), "multi_hot: num_classes"),
        (lambda: ops.image.no_such, "fastdl.ops.image"),
    ],
)
def test_errors_name_the_function(call, message):
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        call()
