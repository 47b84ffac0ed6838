"""pad_sequences, timeseries_dataset_from_array and text_dataset_from_directory give Keras's data.

The golden values were made by Keras 3 on TensorFlow (golden/sequence_data.py).
"""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import sequence_cases as cases

import fastdl
from fastdl import layers, utils

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/sequence_data.json").read_text("utf-8"))


def listed(batch):
    if isinstance(batch, tuple):
        return [listed(part) for part in batch]
    return batch.tolist()


@pytest.mark.parametrize("name", cases.PADDED)
def test_padded_sequences(name):
    rows, options = cases.PADDED[name]
    golden = GOLDEN["padded"][name]
    found = utils.pad_sequences(rows, **options)
    assert str(found.dtype) == golden["dtype"] and found.tolist() == golden["values"]
    if rows and not isinstance(rows, tuple):
        arrays = [np.asarray(row) for row in rows]
        assert utils.pad_sequences(arrays, **options).tolist() == golden["values"]


def test_padded_texts():
    found = utils.pad_sequences([["a"], ["b", "cc"]], dtype=object, value="-")
    assert found.tolist() == [["-", "a"], ["b", "cc"]]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: utils.pad_sequences([[1]], padding="left"), "padding: expected 'pre' or 'post'"),
        (lambda: utils.pad_sequences([[1]], truncating=3), "truncating: expected"),
        (lambda: utils.pad_sequences([[1]], value="x"), "value: expected a number"),
        (lambda: utils.pad_sequences(3), "sequences: expected a list of sequences, got 3"),
        (lambda: utils.pad_sequences([[1], 2]), "expected a list of sequences, got 2"),
        (lambda: utils.pad_sequences([]), "maxlen: expected an integer"),
        (lambda: utils.pad_sequences([[1]], maxlen=-1), "maxlen: expected an integer"),
        (lambda: utils.pad_sequences([[[1, 2]], [[3]]]), r"item 1 has \(1,\)"),
        (lambda: utils.pad_sequences([[1], ["a"]]), "sequences: item 1: "),
        (lambda: utils.pad_sequences([[1], [2**40]]), "sequences: item 1: "),
    ],
)
def test_errors_of_pad_sequences(call, text):
    with pytest.raises(ValueError, match=f"pad_sequences: .*{text}|pad_sequences: {text}"):
        call()


def test_no_place_at_all():
    assert utils.pad_sequences([[1, 2], [3]], maxlen=0).shape == (2, 0)


class TestWindows:
    @pytest.mark.parametrize("name", cases.WINDOWS)
    def test_windows(self, name):
        data, targets, options = cases.WINDOWS[name]
        found = utils.timeseries_dataset_from_array(data, targets, **options)
        batches = [listed(batch) for batch in found]
        assert batches == GOLDEN["windows"][name]
        assert len(found) == len(batches)

    def test_shuffled_passes(self):
        """Each window once, in a new order, which the seed determines."""

        def passes(seed):
            data = utils.timeseries_dataset_from_array(
                np.arange(50), np.arange(50), 4, batch_size=10, shuffle=True, seed=seed
            )
            return [[i for _, y in data for i in y.tolist()] for _ in range(2)]

        one, two = passes(3)
        assert sorted(one) == sorted(two) == list(range(47))
        assert one != two and passes(3) == [one, two] and passes(4) != [one, two]
        for x, y in utils.timeseries_dataset_from_array(
            np.arange(9), np.arange(9), 3, shuffle=True
        ):
            np.testing.assert_array_equal(x.numpy(), y.numpy()[:, None] + np.arange(3))

    def test_memory(self):
        """A hundred thousand windows of a thousand steps are no 400 MB."""
        data = utils.timeseries_dataset_from_array(np.zeros(101_000, np.float32), None, 1000)
        assert len(data) == 782 and next(iter(data)).shape == (128, 1000)

    def test_fit(self):
        rows = np.sin(np.arange(200) / 9).astype(np.float32)
        data = utils.timeseries_dataset_from_array(
            rows[:-8, None], rows[8:], 8, batch_size=32, shuffle=True, seed=0
        )
        model = fastdl.Sequential([layers.Input((8, 1)), layers.Flatten(), layers.Dense(1)])
        model.compile(fastdl.optimizers.Adam(0.05), "mse")
        history = model.fit(data, epochs=40, verbose=0).history["loss"]
        assert history[-1] < 1e-3 < history[0]
        assert model.predict(data.map(lambda x, y: x), verbose=0).shape == (185, 1)

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"sequence_length": 0}, "sequence_length: expected an integer of at least 1"),
            ({"sampling_rate": 0}, "sampling_rate"),
            ({"sequence_stride": 0}, "sequence_stride"),
            ({"batch_size": 0}, "batch_size"),
            ({"start_index": 20}, "start_index"),
            ({"end_index": 21}, "end_index"),
            ({"start_index": 5, "end_index": 5}, "end_index"),
            ({"format": "np"}, "format"),
            ({"sequence_length": 21}, "no window fits: .* need 21 steps, there are 20"),
            ({"targets": [], "sequence_length": 2}, "no window fits: .* and 0 targets"),
            ({"data": 3.0}, "data: expected an array"),
            ({"data": [["a"]]}, "data: "),
        ],
    )
    def test_errors(self, options, text):
        given = {"data": cases.SERIES, "targets": None, "sequence_length": 3, **options}
        with pytest.raises(ValueError, match=f"timeseries_dataset_from_array: {text}"):
            utils.timeseries_dataset_from_array(**given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts")
    cases.write(path)
    return path


def read(folder, **options):
    return utils.text_dataset_from_directory(folder, **{"verbose": False, **options})


class TestTexts:
    @pytest.mark.parametrize("name", cases.READINGS)
    def test_readings(self, folder, name):
        data = read(folder, shuffle=False, batch_size=4, **cases.READINGS[name])
        golden = GOLDEN["texts"][name]
        assert data.class_names == golden["class_names"]
        batches = list(data)
        assert [listed(batch) for batch in batches] == golden["batches"]
        assert len(data) == len(batches)
        if isinstance(batches[0], tuple):
            kinds = {"categorical": "float32", "binary": "float32"}
            assert batches[0][1].dtype == kinds.get(name, "int32")

    @pytest.mark.parametrize("name", cases.SPLITS)
    def test_splits(self, folder, name):
        data = read(folder, **cases.SPLITS[name])
        paths = [os.path.relpath(path, folder) for path in data.file_paths]
        assert paths == GOLDEN["splits"][name]

    def test_both_parts(self, folder, capsys):
        train, valid = read(folder, validation_split=0.3, subset="both", seed=5, verbose=True)
        assert not set(train.file_paths) & set(valid.file_paths)
        assert len(train.file_paths) + len(valid.file_paths) == 9
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "Found 9 files belonging to 3 classes."
        assert said[1:] == ["Using 7 files for training.", "Using 2 files for validation."]
        assert repr(train) == "<TextDirectory: 7 files, 3 classes, 1 batches>"

    def test_a_length_counts_characters(self, folder):
        """Keras on TensorFlow counts bytes, and cuts characters."""
        data = read(folder, shuffle=False, max_length=4, labels=None)
        texts = {t for batch in data for t in batch}
        assert texts == {"bad", "", "dull", "fine", "ünïc", "grea", "good", "so-s", "hm"}

    def test_passes_have_new_orders(self, folder):
        data = read(folder, seed=2, batch_size=2)
        passes = [[t for x, _ in data for t in x] for _ in range(4)]
        assert len({tuple(p) for p in passes}) > 1
        assert len({tuple(sorted(p)) for p in passes}) == 1
        again = read(folder, seed=2, batch_size=2)
        assert [[t for x, _ in again for t in x] for _ in range(4)] == passes

    def test_map(self, folder):
        data = read(folder, shuffle=False, batch_size=4)
        sizes = data.map(lambda x, y: (np.float32([[len(t)] for t in x]), y))
        longer = sizes.map(lambda x, y: x + 1)
        assert len(sizes) == len(longer) == 3 and sizes.class_names == data.class_names
        assert next(iter(sizes))[0].tolist() == [[3.0], [0.0], [10.0], [4.0]]
        assert next(iter(longer)).tolist() == [[4.0], [1.0], [11.0], [5.0]]
        model = fastdl.Sequential([layers.Input((1,)), layers.Dense(3)])
        loss = fastdl.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(sizes, epochs=2, verbose=0)

    def test_single_texts(self, folder):
        data = read(folder, shuffle=False, batch_size=None)
        text, label = next(iter(data))
        assert text == "bad" and label.shape == () and len(data) == 9
        with pytest.raises(TypeError, match="single samples"):
            fastdl.Sequential([layers.Dense(1)]).predict(data)

    def test_a_file_that_is_no_text(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "x.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ValueError, match=r"cannot read the text '.*x\.txt': 'utf-8' codec"):
            list(read(tmp_path))

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"labels": "guessed"}, "labels: expected 'inferred'"),
            ({"label_mode": "one_hot"}, "label_mode"),
            ({"label_mode": "binary"}, "expected two classes"),
            ({"class_names": ["pos", "no"]}, "class_names: expected some of the folders"),
            ({"subset": "training"}, "validation_split, subset: expected both or neither"),
            ({"max_length": -1}, "max_length"),
            ({"format": "csv"}, "format"),
            ({"labels": [1, 2]}, "labels: expected a class number for each of 9 files"),
        ],
    )
    def test_errors(self, folder, options, text):
        with pytest.raises(ValueError, match=f"text_dataset_from_directory: .*{text}|{text}"):
            read(folder, **options)

    def test_no_texts(self, tmp_path):
        with pytest.raises(ValueError, match=r"no texts in .*; files whose names end in \.txt"):
            read(tmp_path, labels=None)
