"""Data sets in one file: where it is looked for, what is refused, and what becomes of the content.

The files are small ones in the form of the published ones, in whose place they stand. Orders of
samples are those of NumPy's `RandomState`, as in Keras 3.15.
"""

import hashlib
import io
import json
import pickle
import tarfile

import numpy as np
import pytest

import fastdl
from fastdl.datasets import (
    _files,
    _pickles,
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    imdb,
    reuters,
)

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("FASTDL_HOME", "FASTDL_DATA"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


def publish(monkeypatch, module, content, name="_FILE", folder="http://127.0.0.1:9/"):
    """Makes `content` the published file of a data set, at an address that does not answer."""
    file = getattr(module, name)
    digest = hashlib.new(file.algorithm, content).hexdigest()
    changed = file._replace(digest=digest, folder=folder, most=len(content) + 100)
    monkeypatch.setattr(module, name, changed)
    return changed


def put(folder, file, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file.name).write_bytes(content)
    return folder


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **{key: np.asarray(value) for key, value in arrays.items()})
    return stream.getvalue()


def texts(count):
    found = np.empty(count, dtype=object)
    found[:] = [[int(n) for n in RNG.integers(1, 20, RNG.integers(1, 9))] for _ in range(count)]
    return found


# --- places


def test_places(tmp_path, home, monkeypatch):
    x, y = RNG.normal(size=(10, 3)), np.arange(10.0)
    content = npz(x=x, y=y)
    file = publish(monkeypatch, boston_housing, content)
    load = boston_housing.load_data
    with pytest.raises(FileNotFoundError, match=r"put boston_housing.npz into .*boston_housing"):
        load()
    (wanted, _), (_, last) = load(put(tmp_path / "here", file, content))
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    np.testing.assert_array_equal(wanted, x[order[:8]])
    np.testing.assert_array_equal(last, y[order[8:]])
    np.testing.assert_array_equal(load(tmp_path / "here" / file.name)[0][0], wanted)
    with pytest.raises(FileNotFoundError, match=r"path: expected the file boston_housing.npz"):
        load(tmp_path)
    damaged = put(tmp_path / "damaged", file, content[:-1] + b"x")
    with pytest.raises(ValueError, match=r"SHA256 digest is .* damaged or another"):
        load(damaged)
    for own in (tmp_path / "data", tmp_path / "data" / "boston_housing"):
        put(own, file, content)
        monkeypatch.setenv("FASTDL_DATA", str(tmp_path / "data"))
        np.testing.assert_array_equal(load()[0][0], wanted)
        (own / file.name).unlink()
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path / "none"))
    with pytest.raises(NotADirectoryError, match="FASTDL_DATA"):
        load()
    monkeypatch.delenv("FASTDL_DATA")
    cache = put(home / ".fastdl" / "datasets" / "boston_housing", file, content)
    np.testing.assert_array_equal(load("any.npz")[0][0], wanted)
    put(cache, file, content[:-1])  # is downloaded again, where there is a network
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        load()


def test_a_download_is_kept(tmp_path, home, monkeypatch):
    content = npz(x=np.eye(6), y=np.arange(6))
    source = tmp_path / "server"
    file = publish(monkeypatch, boston_housing, content, folder=source.as_uri() + "/")
    put(source, file, content)
    first = boston_housing.load_data(test_split=0.0)
    kept = home / ".fastdl" / "datasets" / "boston_housing"
    assert [p.name for p in kept.iterdir()] == [file.name]
    (source / file.name).unlink()
    np.testing.assert_array_equal(boston_housing.load_data(test_split=0)[0][0], first[0][0])
    assert first[1][0].shape == (0, 6)
    (kept / file.name).unlink()
    put(source, file, content + b"x" * 200)
    with pytest.raises(FileNotFoundError, match="sends more than"):
        boston_housing.load_data()
    assert not list(kept.iterdir())


# --- tables


def test_california_has_two_versions(tmp_path, monkeypatch):
    x, y = np.arange(1400.0).reshape(700, 2), np.arange(700.0)
    content = npz(x=x, y=y)
    folder = put(tmp_path, publish(monkeypatch, california_housing, content), content)
    (a, _), (_, b) = california_housing.load_data(path=folder, test_split=0.25, seed=4)
    order = np.arange(700)
    np.random.RandomState(4).shuffle(order)
    np.testing.assert_array_equal(a, x[order[:525]])
    np.testing.assert_array_equal(b, y[order[525:]])
    (a, _), (_, b) = california_housing.load_data("small", folder)
    assert len(a) == 480 and len(b) == 120 and b.max() < 600


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: california_housing.load_data("tiny"), "version: expected"),
        (lambda: california_housing.load_data(test_split=1), "test_split"),
        (lambda: boston_housing.load_data(test_split=-0.1), "test_split"),
        (lambda: reuters.load_data(test_split="a"), "test_split"),
        (lambda: imdb.load_data(num_words=-1), "num_words"),
        (lambda: imdb.load_data(skip_top=None), "skip_top"),
        (lambda: reuters.load_data(maxlen=1.5), "maxlen"),
        (lambda: cifar100.load_data("all"), "label_mode: expected"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- pictures


def archive(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, value in files.items():
            content = pickle.dumps(value, protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def batch(count, **labels):
    data = RNG.integers(0, 256, (count, 3072)).astype(np.uint8)
    return {b"data": data, **{key.encode(): value for key, value in labels.items()}}


def test_cifar10(tmp_path, monkeypatch):
    folder = "cifar-10-batches-py/"
    parts = [batch(2, labels=[i, i + 1]) for i in range(6)]
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    content = archive({folder + name: part for name, part in zip(names, parts, strict=True)})
    where = put(tmp_path, publish(monkeypatch, cifar10, content), content)
    (x, y), (z, t) = cifar10.load_data(where)
    assert x.shape == (10, 32, 32, 3) and z.shape == (2, 32, 32, 3) and x.dtype == np.uint8
    assert y.dtype == t.dtype == np.uint8 and y.shape == (10, 1)
    assert y[:, 0].tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5] and t[:, 0].tolist() == [5, 6]
    rows = parts[1][b"data"][0].reshape(3, 32, 32)
    np.testing.assert_array_equal(x[2], np.moveaxis(rows, 0, -1))
    fastdl.config.set_image_data_format("channels_first")
    try:
        np.testing.assert_array_equal(cifar10.load_data(where)[0][0][2], rows)
    finally:
        fastdl.config.set_image_data_format("channels_last")


def test_cifar100(tmp_path, monkeypatch):
    train = batch(3, fine_labels=[10, 20, 30], coarse_labels=[1, 2, 3])
    test = batch(1, fine_labels=[40], coarse_labels=[4])
    content = archive({"cifar-100-python/train": train, "cifar-100-python/test": test})
    where = put(tmp_path, publish(monkeypatch, cifar100, content), content)
    (x, y), (z, t) = cifar100.load_data(path=where)
    assert x.shape == (3, 32, 32, 3) and z.shape == (1, 32, 32, 3)
    assert y.tolist() == [[10], [20], [30]] and t.tolist() == [[40]] and y.dtype == np.int64
    assert cifar100.load_data("coarse", where)[1][1].tolist() == [[4]]


# --- texts


def coded(rows, start, oov, first, most, skip):
    """What the arguments mean, one number after the other."""
    found = []
    for row in rows:
        numbers = ([start] if start is not None else []) + [n + (first or 0) for n in row]
        kept = []
        for n in numbers:
            if skip <= n < most:
                kept.append(n)
            elif oov is not None:
                kept.append(oov)
        found.append(kept)
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"num_words": 9, "skip_top": 4},
        {"start_char": None, "oov_char": None, "index_from": None, "num_words": 12},
        {"start_char": None, "index_from": 5, "maxlen": 6, "seed": 7},
    ],
)
def test_imdb(tmp_path, monkeypatch, arguments):
    x = {"train": texts(30), "test": texts(20)}
    y = {"train": np.arange(30), "test": np.arange(20)}
    content = npz(x_train=x["train"], y_train=y["train"], x_test=x["test"], y_test=y["test"])
    where = put(tmp_path, publish(monkeypatch, imdb, content), content)
    train, test = imdb.load_data(where, **arguments)
    start, oov = arguments.get("start_char", 1), arguments.get("oov_char", 2)
    first, maxlen = arguments.get("index_from", 3), arguments.get("maxlen") or 99
    random = np.random.RandomState(arguments.get("seed", 113))
    rows, labels = {}, {}
    for part in ("train", "test"):
        order = np.arange(len(x[part]))
        random.shuffle(order)
        extra = start is not None
        order = [i for i in order if len(x[part][i]) + extra < maxlen]
        rows[part], labels[part] = [x[part][i] for i in order], y[part][order]
    largest = max(n for part in rows.values() for row in part for n in row) + (first or 0)
    most, skip = arguments.get("num_words") or largest, arguments.get("skip_top", 0)
    for part, found in (("train", train), ("test", test)):
        assert found[0].dtype == object and all(type(row) is list for row in found[0])
        assert list(found[0]) == coded(rows[part], start, oov, first, most, skip)
        np.testing.assert_array_equal(found[1], labels[part])
    with pytest.raises(ValueError, match="no review has fewer than 1 numbers"):
        imdb.load_data(where, maxlen=1)


def test_reuters(tmp_path, monkeypatch):
    x, y = texts(20), np.arange(20)
    content = npz(x=x, y=y)
    where = put(tmp_path, publish(monkeypatch, reuters, content), content)
    (a, b), (c, d) = reuters.load_data(where, num_words=10)
    order = np.arange(20)
    np.random.RandomState(113).shuffle(order)
    wanted = coded(x[order], 1, 2, 3, 10, 0)
    assert list(a) == wanted[:16] and list(c) == wanted[16:]
    assert [*b, *d] == list(order)
    names = reuters.get_label_names()
    assert len(set(names)) == 46 and names[0] == "cocoa" and names[45] == "lead"


@pytest.mark.parametrize("module", [imdb, reuters])
def test_numbers_of_words(tmp_path, monkeypatch, module):
    content = json.dumps({"the": 1, "film": 2}).encode()
    file = publish(monkeypatch, module, content, "_WORDS")
    assert file.algorithm == "md5"
    assert module.get_word_index(put(tmp_path, file, content)) == {"the": 1, "film": 2}


def test_pickles_run_no_code():
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    with pytest.raises(ValueError, match=r"builtins.print is no part of an array"):
        _pickles.unpickled(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="a pickle that is no array"):
        _pickles.unpickled(b"")
    for protocol in range(5):
        given = {b"a": np.arange(3), b"b": [1, "two"]}
        found = _pickles.unpickled(pickle.dumps(given, protocol))
        assert found[b"a"].tolist() == [0, 1, 2] and found[b"b"][0] == 1


def test_every_digest_is_whole():
    for module in (boston_housing, california_housing, cifar10, cifar100, imdb, reuters):
        assert len(module._FILE.digest) == 64 and int(module._FILE.digest, 16)
        assert module._FILE.folder.startswith("https://")
    assert isinstance(_files.PublishedFile._fields, tuple)
