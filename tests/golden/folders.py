"""Writes folders.json: what Keras 3 reads from the folder of folder_cases.py.

Run from the tests folder's parent with Keras and TensorFlow installed:
    KERAS_BACKEND=tensorflow PYTHONPATH=tests python tests/golden/folders.py
"""

import json
import tempfile
from pathlib import Path

import folder_cases as cases
import keras
import numpy as np
import tensorflow as tf


def main():
    result = {"keras": keras.__version__, "readings": {}, "splits": {}}
    with tempfile.TemporaryDirectory() as name:
        cases.write(Path(name), lambda p, a: tf.io.write_file(p, tf.io.encode_png(a)))

        def read(**options):
            return keras.utils.image_dataset_from_directory(
                name, image_size=cases.SIZE, verbose=False, **options
            )

        def files(data):
            return [str(Path(path).relative_to(name)) for path in data.file_paths]

        for key, options in cases.READINGS.items():
            data = read(shuffle=False, batch_size=4, **options)
            batches = [batch if isinstance(batch, tuple) else (batch, None) for batch in data]
            entry = {"files": files(data), "class_names": data.class_names}
            entry["batches"] = [x.shape[0] for x, _ in batches]
            if batches[0][1] is not None:
                labels = np.concatenate([y.numpy() for _, y in batches])
                entry["labels"], entry["dtype"] = labels.tolist(), str(labels.dtype)
            if key in cases.KEPT:
                images = np.concatenate([x.numpy() for x, _ in batches])
                entry["images"] = np.round(images.astype(float), 4).tolist()
            result["readings"][key] = entry
        for key, options in cases.SPLITS.items():
            result["splits"][key] = files(read(**options))
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")


main()
