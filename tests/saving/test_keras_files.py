"""Files of Keras: what Keras wrote gives the same here, and Keras can read what is written here.

`tests/golden/keras_files.py` wrote the files, with Keras.
"""

import builtins
import json
import pathlib
import re
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, models

h5py = pytest.importorskip("h5py")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import keras_files  # noqa: E402

SAVED = GOLDEN / "saved"
WANTED = json.loads((SAVED / "keras.json").read_text())
EPS = float(np.finfo(np.float32).eps)
NAMES = ("stack", "graph", "norms", "steps", "recurrent")


def outputs(model):
    found = model.predict(keras_files.inputs(), verbose=0)
    return found if isinstance(found, list) else [found]


def close(got, wanted):
    """Sums of ten terms in another order, layer after layer; values are below 10."""
    np.testing.assert_allclose(got, wanted, rtol=32 * EPS, atol=64 * EPS)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_keras(name):
    model = models.load_model(SAVED / f"keras-{name}.keras")
    for got, wanted in zip(outputs(model), WANTED[name]["outputs"], strict=True):
        close(got, wanted)
    # Training goes on with the state of the optimizer.
    assert int(model.optimizer.iterations) == 2
    x = keras_files.inputs()
    model.train_on_batch(x, keras_files.targets(name, x))
    for got, wanted in zip(model.get_weights(), WANTED[name]["later"], strict=True):
        close(got, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_keras(name, tmp_path):
    model = keras_files.make(fastdl.keras)[name]
    model.load_weights(SAVED / f"keras-{name}.weights.h5")
    for got, wanted in zip(outputs(model), WANTED[name]["outputs"], strict=True):
        close(got, wanted)
    # The same file, but for the state of the optimizer, which has not been used here, and for the
    # random state of a Dropout of nothing, which Keras's has not.
    model.save_weights(tmp_path / "w.weights.h5")
    ours, theirs = (
        listed(p) for p in (tmp_path / "w.weights.h5", SAVED / f"keras-{name}.weights.h5")
    )
    assert ours.keys() == theirs.keys()
    for path, array in theirs.items():
        assert ours[path].dtype == array.dtype
        np.testing.assert_array_equal(ours[path], array, err_msg=path)


def listed(path):
    """All arrays of a file by their paths, without those of optimizers and random states."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and not re.search("optimizer|seed_generator", name):
            found[name] = np.array(item)

    with h5py.File(path, "r") as store:
        store.visititems(note)
    return found


class Nested(models.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(3)
        self.parts = [layers.Dense(4), [layers.Dense(5)], layers.Dense(4)]
        self._named = {"x": layers.Dense(2), "y": layers.Dense(1)}

    def call(self, x):
        y = self.parts[2](self.parts[1][0](self.parts[0](self.first(x))))
        return self._named["x"](y) + self._named["y"](y)


def test_layers_of_a_subclass_go_by_their_attributes(tmp_path):
    model, other = Nested(), Nested()
    x = keras_files.inputs()
    out = model(x).numpy()
    other(x)
    model.save_weights(tmp_path / "w.weights.h5")
    assert {path.rpartition("/vars")[0] for path in listed(tmp_path / "w.weights.h5")} == {
        *("first", "parts/dense", "parts/container/dense", "parts/dense_1"),
        *("_named/dense", "_named/dense_1"),
    }
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(other(x).numpy(), out)


def stack(*widths, names=None):
    names = names or [None] * len(widths)
    dense = [layers.Dense(w, name=n) for w, n in zip(widths, names, strict=True)]
    return models.Sequential([layers.Input((6,)), *dense])


def test_weights_that_do_not_fit(tmp_path):
    path = tmp_path / "w.weights.h5"
    stack(4, 3, names=["a", "b"]).save_weights(path)
    for other, message in (
        (stack(4, 2), r"layers/dense_1\) \[\(4, 3\), \(3,\)\]"),
        (stack(4, 3, 3), "is not in the file"),
        (stack(4), "no layer for 'layers/dense_1'"),
    ):
        before = other.get_weights()
        with pytest.raises(ValueError, match=message):
            other.load_weights(path)
        for one, two in zip(other.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, two)
        with pytest.warns(UserWarning, match="keep their values"):
            other.load_weights(path, skip_mismatch=True)
    other = stack(4, 7, names=["b", "a"])
    with pytest.raises(ValueError, match="shapes"):
        other.load_weights(path, by_name=True)
    other = stack(4, 7, names=["a", "c"])
    other.load_weights(path, by_name=True)
    with pytest.raises(ValueError, match="no weight of the model is in the file"):
        stack(4, names=["z"]).load_weights(path, by_name=True)


def spoiled(change):
    def make(path):
        with h5py.File(path, "r+") as store:
            change(store)

    return make


def soft(store):
    del store["layers/dense/vars/0"]
    store["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense_1/vars/0")


def external(store):
    del store["layers/dense/vars/0"]
    store["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def outside(store):
    group = store["layers/dense/vars"]
    del group["0"]
    group.create_dataset("0", (6, 4), "f4", external=[("/etc/passwd", 0, 96)])


def virtual(store):
    group = store["layers/dense/vars"]
    del group["0"]
    layout = h5py.VirtualLayout((6, 4), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (6, 4))
    group.create_virtual_dataset("0", layout)


def huge(store):
    group = store["layers/dense/vars"]
    del group["0"]
    group.create_dataset("0", (10**6, 10**7), "f4", chunks=(1000, 1000), compression="gzip")


def texts(store):
    group = store["layers/dense/vars"]
    del group["1"]
    group["1"] = [b"a", b"b", b"c", b"d"]


def no_array(store):
    del store["layers/dense/vars/1"]
    store.create_group("layers/dense/vars/1")


def no_number(store):
    store.move("layers/dense/vars/1", "layers/dense/vars/x")


SPOILED = {
    "soft link": (spoiled(soft), "no array|links"),
    "external link": (spoiled(external), "no array|links"),
    "link of a group": (
        spoiled(lambda store: store.__setitem__("more", h5py.ExternalLink("/etc/passwd", "/"))),
        "links are not followed",
    ),
    "values outside": (spoiled(outside), "values in another file"),
    "virtual": (spoiled(virtual), "values in another file"),
    "huge": (spoiled(huge), "shapes"),
    "texts": (spoiled(texts), "no numbers"),
    "no array": (spoiled(no_array), "is no array"),
    "no number": (spoiled(no_number), "is missing"),
    "keras 2": (spoiled(lambda store: store.attrs.__setitem__("layer_names", [b"a"])), "Keras 2"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:1000]), "HDF5|damaged"),
    "text": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\nhello"), "HDF5|damaged"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_spoiled_files(kind, tmp_path):
    make, message = SPOILED[kind]
    path = tmp_path / "w.weights.h5"
    stack(4, 3).save_weights(path)
    make(path)
    model = stack(4, 3)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as caught:
        model.load_weights(path)
    assert str(path) in str(caught.value)
    for one, two in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)


def test_without_h5py(tmp_path, monkeypatch):
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name == "h5py":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fake)
    with pytest.raises(ImportError, match=r"pip install 'fastdl\[hdf5\]'"):
        stack(4).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ImportError, match=r"pip install 'fastdl\[hdf5\]'"):
        models.load_model(SAVED / "keras-stack.keras")
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_wrong_kind(tmp_path):
    with pytest.raises(ValueError, match=r"load_model\(\) reads it"):
        stack(4).load_weights(SAVED / "keras-stack.keras")
    with pytest.raises(ValueError, match=r"load_weights\(\) reads weights"):
        models.load_model(SAVED / "keras-stack.weights.h5")
