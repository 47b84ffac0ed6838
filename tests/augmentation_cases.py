"""Layers that change images at random, described once for Keras and for fastdl: `k` is either.

`golden/augmentations.py` runs them with Keras on JAX and stores the results. test_augmentations.py
runs them with fastdl and compares. What is drawn is fixed: by ranges of one number, or given.
"""

import numpy as np
from image_cases import FIRST

SHAPE = (3, 7, 9, 3)
FIRST_SHAPE = (3, 3, 7, 9)
FILLS = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")
MATRICES = np.array(
    [
        [0.913, 0.311, -2.377, -0.237, 1.139, 1.719, 0.0, 0.0],
        [1.533, 0.0, -20.371, 0.0, 1.417, -16.133, 0.0, 0.0],
        [1.0, 0.0, 0.617, 0.0, 1.0, -0.733, 0.0, 0.0],
    ],
    np.float32,
)


def images(shape=SHAPE):
    """Values from 0 to 255 in no order."""
    return (np.arange(np.prod(shape)) * 37 % 251).reshape(shape).astype(np.float32)


# name: (function from the package to a layer, shape of its input)
LAYERS = {}
for fill in FILLS:
    for how in INTERPOLATIONS:
        options = {"fill_mode": fill, "interpolation": how, "fill_value": 7.0}
        LAYERS |= {
            f"RandomRotation_{fill}_{how}": (
                lambda k, o=options: k.layers.RandomRotation((0.11, 0.11), **o),
                SHAPE,
            ),
            f"RandomZoom_{fill}_{how}": (
                lambda k, o=options: k.layers.RandomZoom((0.7, 0.7), (-0.33, -0.33), **o),
                SHAPE,
            ),
            f"RandomTranslation_{fill}_{how}": (
                lambda k, o=options: k.layers.RandomTranslation((0.41, 0.41), (-0.7, -0.7), **o),
                SHAPE,
            ),
        }
LAYERS |= {
    "RandomRotation_first": (
        lambda k: k.layers.RandomRotation((-0.2, -0.2), **FIRST),
        FIRST_SHAPE,
    ),
    "RandomRotation_one": (lambda k: k.layers.RandomRotation((0.3, 0.3)), SHAPE[1:]),
    "RandomZoom_first": (lambda k: k.layers.RandomZoom((-0.4, -0.4), **FIRST), FIRST_SHAPE),
    "RandomTranslation_first": (
        lambda k: k.layers.RandomTranslation((0.3, 0.3), (0.1, 0.1), **FIRST),
        FIRST_SHAPE,
    ),
    "RandomContrast": (lambda k: k.layers.RandomContrast((0.0, 0.0)), SHAPE),
    "RandomBrightness": (lambda k: k.layers.RandomBrightness((0.3, 0.3)), SHAPE),
    "RandomBrightness_darker": (
        lambda k: k.layers.RandomBrightness((-0.2, -0.2), value_range=(10, 200)),
        SHAPE,
    ),
    "RandomBrightness_one": (lambda k: k.layers.RandomBrightness((0.1, 0.1)), SHAPE[1:]),
}

FLIPS = np.array([True, False, True]).reshape(3, 1, 1, 1)
ORDER = np.array([2, 0, 1])
WEIGHTS = np.array([0.25, 1.0, 0.6], np.float32)
BOX = np.zeros((3, 7, 9, 3), bool)
BOX[:, 2:5, 1:7] = True
FACTORS = np.array([0.5, 1.7, 1.0], np.float32).reshape(3, 1, 1, 1)

# name: (function from the package to a layer, shape of its input, what was drawn)
GIVEN = {
    "RandomFlip": (lambda k: k.layers.RandomFlip(), SHAPE, {"flips": FLIPS}),
    "RandomFlip_horizontal": (
        lambda k: k.layers.RandomFlip("horizontal"),
        SHAPE,
        {"flips": FLIPS},
    ),
    "RandomFlip_vertical_first": (
        lambda k: k.layers.RandomFlip("vertical", **FIRST),
        FIRST_SHAPE,
        {"flips": FLIPS},
    ),
    "RandomCrop": (lambda k: k.layers.RandomCrop(4, 5), SHAPE, (3, 2)),
    "RandomCrop_first": (lambda k: k.layers.RandomCrop(4, 5, **FIRST), FIRST_SHAPE, (0, 4)),
    "RandomContrast": (
        lambda k: k.layers.RandomContrast(0.5),
        SHAPE,
        {"contrast_factor": FACTORS},
    ),
    "RandomContrast_first": (
        lambda k: k.layers.RandomContrast(0.5, value_range=(20, 220), **FIRST),
        FIRST_SHAPE,
        {"contrast_factor": FACTORS},
    ),
    "RandomErasing": (
        lambda k: k.layers.RandomErasing(),
        SHAPE,
        {"apply_erasing": FLIPS.ravel(), "batch_masks": BOX, "fill_value": np.float32(9)},
    ),
    "MixUp": (
        lambda k: k.layers.MixUp(),
        SHAPE,
        {"mix_weight": WEIGHTS, "permutation_order": ORDER},
    ),
    "CutMix": (
        lambda k: k.layers.CutMix(),
        SHAPE,
        {"mix_weight": WEIGHTS, "permutation_order": ORDER, "batch_masks": BOX},
    ),
}
CORNERS = np.float32([[[0, 0], [8, 0], [0, 6], [8, 6]]] * 3)
MOVED = CORNERS * np.float32([1.3, 0.9]) + np.float32([[0, 0], [0.4, 0], [0, -0.7], [0.3, 0.2]])
TURNS = np.array([0.3, -0.45, 0.1], np.float32)
SHIFTS = np.array([1, 6, 4])
COLORS = {
    "RandomGrayscale": ({}, FLIPS),
    "RandomHue": ({"factor": 0.5}, {"factor": TURNS}),
    "RandomSaturation": ({"factor": 0.5}, {"factor": np.abs(TURNS) * 3}),
    "RandomColorDegeneration": ({"factor": 0.5}, {"factor": TURNS.reshape(3, 1, 1, 1)}),
    "RandomInvert": ({"value_range": (0, 250)}, {"apply_inversion": FLIPS.ravel()}),
    "RandomPosterization": ({"factor": 5}, {"shift_factor": SHIFTS}),
    "RandomSharpness": ({"factor": 0.5}, {"factor": np.abs(TURNS) * 2}),
    "RandomGaussianBlur": (
        {"kernel_size": (3, 5)},
        {"should_apply_blur": FLIPS.ravel(), "blur_factor": np.array([0.7, 0.4])},
    ),
    "RandomShear": ({"x_factor": 0.3, "fill_mode": "wrap"}, {"shear_factor": MATRICES[:, :2] / 3}),
}
for name, (options, drawn) in COLORS.items():
    GIVEN[name] = (lambda k, n=name, o=options: getattr(k.layers, n)(**o), SHAPE, drawn)
    if name != "RandomSharpness":  # Keras exchanges height and width there
        GIVEN[f"{name}_first"] = (
            lambda k, n=name, o=options: getattr(k.layers, n)(**o, **FIRST),
            FIRST_SHAPE,
            drawn,
        )
ADDED = np.array([10.0, 90.0, 0.0]).reshape(3, 1, 1, 1)
GIVEN |= {
    "Solarization": (
        lambda k: k.layers.Solarization(0.1),
        SHAPE,
        {"additions": ADDED, "thresholds": ADDED * 2 + 40},
    ),
    "Solarization_range": (
        lambda k: k.layers.Solarization(0.1, value_range=(-10, 300)),
        SHAPE,
        {"additions": ADDED, "thresholds": ADDED * 2 + 40},
    ),
    "RandomPosterization_range": (
        lambda k: k.layers.RandomPosterization(5, value_range=(-20, 260)),
        SHAPE,
        {"shift_factor": SHIFTS},
    ),
    "RandomPerspective": (
        lambda k: k.layers.RandomPerspective(fill_value=3.0),
        SHAPE,
        {"apply_perspective": FLIPS.ravel(), "start_points": CORNERS, "end_points": MOVED},
    ),
    "Equalization": (lambda k: k.layers.Equalization(), SHAPE, {}),
    "Equalization_bins": (lambda k: k.layers.Equalization((0, 255), 20), SHAPE, {}),
    "Equalization_range": (lambda k: k.layers.Equalization((0, 300)), SHAPE, {}),
    "Equalization_first": (lambda k: k.layers.Equalization(**FIRST), FIRST_SHAPE, {}),
    "AutoContrast": (lambda k: k.layers.AutoContrast(), SHAPE, None),
    "AutoContrast_range": (lambda k: k.layers.AutoContrast((-10, 300)), SHAPE, None),
}
LABELS = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], np.float32)
# Configs of Keras's layers, which make the same layers here.
CONFIGS = {
    "RandomFlip": lambda k: k.layers.RandomFlip("vertical", seed=3),
    "RandomRotation": lambda k: k.layers.RandomRotation(0.2),
    "RandomZoom": lambda k: k.layers.RandomZoom((-0.2, 0.3), fill_mode="wrap"),
    "RandomTranslation": lambda k: k.layers.RandomTranslation(0.2, (0.0, 0.3)),
    "RandomCrop": lambda k: k.layers.RandomCrop(3, 4, seed=5),
    "RandomContrast": lambda k: k.layers.RandomContrast(0.2),
    "RandomBrightness": lambda k: k.layers.RandomBrightness(0.2, value_range=(0, 1)),
    "RandomErasing": lambda k: k.layers.RandomErasing(0.2, fill_value=[1.0, 2.0, 3.0]),
    "RandomGrayscale": lambda k: k.layers.RandomGrayscale(0.3, seed=2),
    "RandomHue": lambda k: k.layers.RandomHue(0.3, value_range=(0, 1)),
    "RandomSaturation": lambda k: k.layers.RandomSaturation((0.2, 0.6)),
    "RandomColorDegeneration": lambda k: k.layers.RandomColorDegeneration(0.4),
    "RandomInvert": lambda k: k.layers.RandomInvert(0.4),
    "RandomPosterization": lambda k: k.layers.RandomPosterization((3, 5)),
    "RandomSharpness": lambda k: k.layers.RandomSharpness((0.2, 0.4)),
    "RandomGaussianBlur": lambda k: k.layers.RandomGaussianBlur(0.4, 5, (0.2, 0.8)),
    "RandomShear": lambda k: k.layers.RandomShear(0.4, (0.2, 0.3), fill_mode="wrap"),
    "RandomColorJitter": lambda k: k.layers.RandomColorJitter((0, 1), 0.2, None, (0.1, 0.3)),
    "Solarization": lambda k: k.layers.Solarization(0.2, (0.1, 0.4)),
    "RandomPerspective": lambda k: k.layers.RandomPerspective(0.3, 0.4, "nearest"),
    "RandomElasticTransform": lambda k: k.layers.RandomElasticTransform(0.3, 0.4, fill_mode="wrap"),
    "Equalization": lambda k: k.layers.Equalization((0, 1), 30),
    "RandAugment": lambda k: k.layers.RandAugment((0, 1), 3, 0.3, "nearest"),
    "AutoContrast": lambda k: k.layers.AutoContrast((0, 1)),
    "MixUp": lambda k: k.layers.MixUp(0.3),
    "CutMix": lambda k: k.layers.CutMix((0.2, 0.6)),
}
