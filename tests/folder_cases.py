"""A folder of images, made alike for Keras and for fastdl, and the arguments it is read with."""

import numpy as np

SIZES = {
    "cats": [(20, 30), (31, 17), (8, 8), (40, 40), (5, 34)],
    "dogs": [(12, 9), (9, 33), (25, 7)],
}
SIZES["birds"] = [(16, 16), (7, 21)]


def pixels(height, width, channels, start):
    """Irregular bytes with smooth parts."""
    i, j, k = np.ogrid[:height, :width, :channels]
    return ((i * 7 + j * 3 + k * 50 + start * 11 + (i * j) % 13 * 5) % 256).astype(np.uint8)


def write(folder, save):
    """PNG files of 1, 3 and 4 channels, by `save(path, array)`, one in a folder of a folder."""
    for number, (name, sizes) in enumerate(sorted(SIZES.items())):
        for i, (height, width) in enumerate(sizes):
            below = folder / name / ("more" if i == 3 else "")
            below.mkdir(parents=True, exist_ok=True)
            channels = (3, 4, 1)[i % 3]
            array = pixels(height, width, channels, number * 10 + i)
            save(str(below / f"{i}.{'PNG' if i == 1 else 'png'}"), array)
    (folder / "notes.txt").write_text("no image")
    (folder / "cats" / "notes.txt").write_text("no image")


# name: arguments of image_dataset_from_directory
READINGS = {
    "plain": {},
    "nearest": {"interpolation": "nearest"},
    "bicubic": {"interpolation": "bicubic"},
    "lanczos3": {"interpolation": "lanczos3"},
    "crop": {"crop_to_aspect_ratio": True},
    "pad": {"pad_to_aspect_ratio": True},
    "first": {"data_format": "channels_first"},
    "rgba": {"color_mode": "rgba"},
    "grayscale": {"color_mode": "grayscale"},
    "categorical": {"label_mode": "categorical"},
    "binary": {"label_mode": "binary", "class_names": ["dogs", "cats"]},
    "none": {"labels": None},
    "own": {"labels": [3, 1, 3, 1, 3, 1, 1, 1, 1, 7]},
}
# Those whose pixels are kept; of others the labels and the order are.
KEPT = "plain nearest bicubic lanczos3 crop pad first rgba grayscale".split()
SPLITS = {
    "training": {"validation_split": 0.3, "subset": "training", "seed": 5},
    "validation": {"validation_split": 0.3, "subset": "validation", "seed": 5},
    "sorted": {"validation_split": 0.25, "subset": "validation", "shuffle": False},
    "shuffled": {"seed": 9},
}
SIZE = (6, 8)
