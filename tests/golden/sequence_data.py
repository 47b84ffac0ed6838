"""Writes sequence_data.json: what Keras 3 makes of sequence_cases.py.

Run from the tests folder's parent with Keras and TensorFlow installed:
    KERAS_BACKEND=tensorflow PYTHONPATH=tests python tests/golden/sequence_data.py
"""

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import sequence_cases as cases


def listed(batch):
    if isinstance(batch, tuple):
        return [listed(part) for part in batch]
    array = np.asarray(batch)
    if array.dtype == object:
        return [text.decode() for text in array.ravel()]
    return array.tolist()


def main():
    result = {"keras": keras.__version__, "padded": {}, "windows": {}, "texts": {}, "splits": {}}
    for name, (rows, options) in cases.PADDED.items():
        x = keras.utils.pad_sequences(rows, **options)
        result["padded"][name] = {"dtype": str(x.dtype), "values": x.tolist()}
    for name, (data, targets, options) in cases.WINDOWS.items():
        found = keras.utils.timeseries_dataset_from_array(data, targets, **options)
        result["windows"][name] = [listed(batch) for batch in found]
    with tempfile.TemporaryDirectory() as folder:
        cases.write(Path(folder))

        def read(**options):
            return keras.utils.text_dataset_from_directory(folder, verbose=False, **options)

        for name, options in cases.READINGS.items():
            data = read(shuffle=False, batch_size=4, **options)
            batches = [listed(batch) for batch in data]
            result["texts"][name] = {"batches": batches, "class_names": data.class_names}
        for name, options in cases.SPLITS.items():
            paths, *_ = keras.src.utils.dataset_utils.index_directory(
                folder, "inferred", (".txt",), shuffle=options.get("shuffle", True),
                seed=options.get("seed"), verbose=False,
            )  # fmt: skip
            split = keras.src.utils.dataset_utils.get_training_or_validation_split
            paths, _ = split(paths, None, options["validation_split"], options["subset"])
            result["splits"][name] = [str(Path(p).relative_to(folder)) for p in paths]
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


main()
