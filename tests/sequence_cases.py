"""Padded sequences, windows of series and folders of texts, described once for Keras and fastdl."""

import numpy as np

ROWS = [[1, 2, 3], [], [4], [5, 6, 7, 8, 9]]
PAIRS = [[[1, 2], [3, 4]], [], [[5, 6]]]

# name: (sequences, arguments of pad_sequences)
PADDED = {
    "plain": (ROWS, {}),
    "longer": (ROWS, {"maxlen": 7}),
    "cut": (ROWS, {"maxlen": 2}),
    "cut_post": (ROWS, {"maxlen": 2, "truncating": "post"}),
    "post": (ROWS, {"padding": "post"}),
    "both_post": (ROWS, {"padding": "post", "truncating": "post", "maxlen": 4, "value": -1}),
    "floats": ([[0.5, 1.5], [2.5]], {"dtype": "float32", "value": -0.25}),
    "truncated_floats": ([[0.5, 1.7], [-2.5]], {}),
    "pairs": (PAIRS, {"value": 9}),
    "pairs_cut": (PAIRS, {"maxlen": 1, "padding": "post"}),
    "tuples": (((1, 2), (3,)), {"dtype": "int64"}),
    "nothing_but_empty": ([[], []], {}),
}

SERIES = np.arange(60, dtype="float32").reshape(20, 3)
AIMS = np.arange(20, dtype="int32") * 10

# name: (data, targets, arguments of timeseries_dataset_from_array)
WINDOWS = {
    "plain": (SERIES, None, {"sequence_length": 4, "batch_size": 5}),
    "targets": (SERIES[:-4], AIMS[4:], {"sequence_length": 4, "batch_size": 7}),
    "stride": (SERIES, AIMS, {"sequence_length": 4, "sequence_stride": 3}),
    "rate": (SERIES, AIMS, {"sequence_length": 4, "sampling_rate": 3}),
    "both": (SERIES, AIMS, {"sequence_length": 3, "sampling_rate": 2, "sequence_stride": 5}),
    "part": (SERIES, AIMS, {"sequence_length": 3, "start_index": 4, "end_index": 15}),
    "fewer_targets": (SERIES, AIMS[:6], {"sequence_length": 3}),
    "line": (SERIES[:, 0], AIMS, {"sequence_length": 5, "batch_size": 8}),
    "samples": (SERIES, AIMS, {"sequence_length": 17, "batch_size": None}),
}

TEXTS = {
    "pos": ["fine", "good film", "ünïcode — ok\nsecond line", "great"],
    "neg": ["bad", "dull\r\nlong", ""],
    "unsure": ["so-so", "hm"],
}


def write(folder):
    """Text files, one in a folder of a folder, and files that do not count."""
    for name, texts in TEXTS.items():
        for i, text in enumerate(texts):
            below = folder / name / ("more" if i == 1 else "")
            below.mkdir(parents=True, exist_ok=True)
            path = below / f"{i}.{'TXT' if i == 2 else 'txt'}"
            path.write_bytes(text.encode())
        (folder / name / "notes.md").write_text("no text")


# name: arguments of text_dataset_from_directory
READINGS = {
    "plain": {},
    "categorical": {"label_mode": "categorical"},
    "binary": {"label_mode": "binary", "class_names": ["pos", "neg"]},
    "none": {"labels": None},
    "own": {"labels": [3, 1, 3, 1, 3, 1, 1, 1, 7]},
}
SPLITS = {
    "training": {"validation_split": 0.3, "subset": "training", "seed": 5},
    "validation": {"validation_split": 0.3, "subset": "validation", "seed": 5},
    "sorted": {"validation_split": 0.25, "subset": "validation", "shuffle": False},
}
