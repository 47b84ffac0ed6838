"""Image folders are read as Keras 3 reads them, and whatever the files hold (golden/folders.py)."""

import gc
import json
import os
import signal
import struct
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import folder_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import layers, models, utils
from fastdl._base import ahead, pictures

Image = pytest.importorskip("PIL.Image")
GOLDEN = json.loads((Path(__file__).parents[1] / "golden/folders.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)
# Keras's bicubic weights come from a table of 1,024 entries, and its grey values are rounded apart.
TOLERANCE = {"bicubic": 0.25, "grayscale": 1.01}


def save(path, array):
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    cases.write(path, save)
    return path


def read(folder, **options):
    options = {"image_size": cases.SIZE, "verbose": False, **options}
    return utils.image_dataset_from_directory(folder, **options)


def names(data, folder):
    return [Path(path).relative_to(folder).as_posix() for path in data.file_paths]


def test_channels_first_holds_the_same_pixels(folder):
    last, first = (
        read(folder, shuffle=False, labels=None, data_format=f"channels_{order}")
        for order in ("last", "first")
    )
    for a, b in zip(last, first, strict=True):
        assert b.is_contiguous()
        np.testing.assert_array_equal(b.numpy(), a.numpy().transpose(0, 3, 1, 2))


@pytest.mark.parametrize("name", cases.READINGS)
def test_files_labels_and_pixels_are_those_of_keras(folder, name):
    golden = GOLDEN["readings"][name]
    data = read(folder, shuffle=False, batch_size=4, **cases.READINGS[name])
    assert names(data, folder) == golden["files"] and data.class_names == golden["class_names"]
    batches = [batch if isinstance(batch, tuple) else (batch, None) for batch in data]
    assert [len(x) for x, _ in batches] == golden["batches"] and len(data) == len(batches)
    if "labels" in golden:
        labels = np.concatenate([y.numpy() for _, y in batches])
        assert labels.tolist() == golden["labels"] and str(labels.dtype) == golden["dtype"]
    else:
        assert batches[0][1] is None
    if "images" in golden:
        images = np.concatenate([x.numpy() for x, _ in batches])
        # Keras's weights of an axis are float32, ours were rounded to it once.
        tolerance = TOLERANCE.get(name, 32 * EPS * 255)
        np.testing.assert_allclose(images, golden["images"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", cases.SPLITS)
def test_orders_and_splits_are_those_of_keras(folder, name):
    assert names(read(folder, **cases.SPLITS[name]), folder) == GOLDEN["splits"][name]


def test_both_parts(folder, capsys):
    options = {"validation_split": 0.3, "seed": 5, "batch_size": 1}
    both = read(folder, subset="both", verbose=True, **options)
    assert capsys.readouterr().out.splitlines() == [
        "Found 10 files belonging to 3 classes.",
        "Using 7 files for training.",
        "Using 3 files for validation.",
    ]
    for part, data in zip(("training", "validation"), both, strict=True):
        assert names(data, folder) == GOLDEN["splits"][part]
    # The validation files keep their order.
    first, second = ([y.item() for _, y in both[1]] for _ in range(2))
    assert first == second == both[1].labels.tolist()


class TestPasses:
    def means(self, data):
        return [x.mean().item() for x, _ in data]

    def test_each_pass_has_its_own_order(self, folder):
        data = read(folder, batch_size=1, seed=4)
        first, second = self.means(data), self.means(data)
        assert first != second and sorted(first) == sorted(second)
        again = read(folder, batch_size=1, seed=4)
        assert [self.means(again), self.means(again)] == [first, second]

    def test_without_a_seed_the_library_is_asked(self, folder):
        found = []
        for _ in range(2):
            utils.set_random_seed(6)
            data = read(folder, batch_size=1)
            found.append([self.means(data), self.means(data)])
        assert found[0] == found[1]

    @pytest.mark.parametrize("workers", [1, 7])
    def test_the_threads_change_nothing(self, folder, workers):
        one, other = (read(folder, batch_size=3, shuffle=False, workers=n) for n in (2, workers))
        for (x, y), (x2, y2) in zip(one, other, strict=True):
            assert fastdl.equal(x, x2) and fastdl.equal(y, y2)

    def test_two_passes_at_a_time(self, folder):
        data = read(folder, batch_size=2, shuffle=False)
        for (x, _), (x2, _) in zip(data, data, strict=True):
            assert fastdl.equal(x, x2)

    def test_single_images(self, folder):
        data = read(folder, batch_size=None, shuffle=False)
        x, y = next(iter(data))
        assert x.shape == (*cases.SIZE, 3) and y.shape == () and len(data) == 10
        with pytest.raises(TypeError, match="yields single samples"):
            network().fit(data)


def network():
    model = models.Sequential(
        [layers.Input((*cases.SIZE, 3)), layers.Rescaling(1 / 255), layers.Flatten()]
    )
    model.add(layers.Dense(3, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_models_take_it(folder):
    model, data = network(), read(folder, batch_size=4, seed=1)
    ordered = read(folder, batch_size=3, shuffle=False)
    history = model.fit(data, validation_data=ordered, epochs=3, verbose=0).history
    assert len(history["val_loss"]) == 3 and history["loss"][2] < history["loss"][0]
    x = np.concatenate([x.numpy() for x, _ in ordered])
    loss, _ = model.evaluate(x, ordered.labels, batch_size=3, verbose=0)
    assert loss == model.evaluate(ordered, verbose=0)[0]
    found = model.predict(read(folder, labels=None, batch_size=3, shuffle=False), verbose=0)
    np.testing.assert_array_equal(
        found, model.predict(read(folder, labels=None, batch_size=3, shuffle=False), verbose=0)
    )
    assert found.shape == (10, 3)


def test_a_fit_goes_on_in_the_middle_of_a_pass(folder, tmp_path):
    """The order of a pass belongs to the state that `BackupAndRestore` keeps."""

    class Stop(fastdl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations.numpy() == 7:
                raise KeyboardInterrupt

    def fit(callbacks):
        utils.set_random_seed(2)
        model = network()
        model.fit(
            read(folder, batch_size=2, seed=3),
            epochs=3,
            verbose=0,
            callbacks=[fastdl.callbacks.BackupAndRestore(tmp_path / "b", save_freq=1), *callbacks],
        )
        return model.get_weights()

    with pytest.raises(KeyboardInterrupt):
        fit([Stop()])
    resumed, plain = fit([]), fit([])
    for a, b in zip(resumed, plain, strict=True):
        np.testing.assert_array_equal(a, b)


# --- kinds of images


def only(tmp_path, save, name="a.png", **options):
    """The pixels of one file, in its own size."""
    (tmp_path / "one").mkdir(exist_ok=True)
    path = tmp_path / "one" / name
    save(path)
    return read(tmp_path, labels=None, **options)


def of(data):
    return next(iter(data)).numpy()[0]


GREY = (np.arange(48).reshape(6, 8) * 5).astype(np.uint8)


@pytest.mark.parametrize("kind", ["16 bits", "palette", "1 bit", "alpha", "gif", "bmp", "exif"])
def test_kinds(tmp_path, kind):
    expected = np.repeat(GREY[:, :, None], 3, 2)
    image = Image.fromarray(GREY)
    name = "a.png"
    if kind == "16 bits":
        image = Image.fromarray(GREY.astype(np.uint16) * 257)
    elif kind == "palette":
        image = image.convert("RGB").quantize(256)
    elif kind == "1 bit":
        image = Image.fromarray(GREY > 100)
        expected = np.where(expected > 100, 255, 0)
    elif kind == "alpha":
        image = Image.merge("LA", (image, Image.fromarray(GREY // 2)))
    elif kind in ("gif", "bmp"):
        name = f"a.{kind}"
    elif kind == "exif":  # the orientation is not applied, as in Keras
        exif = Image.Exif()
        exif[0x0112] = 6
        data = only(tmp_path, lambda path: image.save(path, exif=exif))
        np.testing.assert_array_equal(of(data), expected)
        return
    np.testing.assert_array_equal(of(only(tmp_path, image.save, name)), expected)


def test_jpeg_in_four_inks_and_the_first_image_of_an_animation(tmp_path):
    colors = Image.new("CMYK", cases.SIZE[::-1], (0, 255, 0, 0))
    image = of(only(tmp_path, colors.save, "a.jpg"))
    assert np.abs(image - [255, 0, 255]).max() <= 3
    (tmp_path / "one/a.jpg").unlink()
    frames = [Image.new("L", cases.SIZE[::-1], value) for value in (10, 200)]
    data = only(
        tmp_path, lambda p: frames[0].save(p, save_all=True, append_images=frames[1:]), "a.gif"
    )
    assert (of(data) == 10).all()


def test_long_images(tmp_path):
    """One that would have no pixels across keeps one."""
    data = only(tmp_path, Image.new("L", (1, 500), 90).save, pad_to_aspect_ratio=True)
    image = of(data)
    assert set(np.unique(image)) <= {0.0, 90.0} and (image > 0).any()
    for options in ({}, {"crop_to_aspect_ratio": True}):
        assert (of(read(tmp_path, labels=None, **options)) == 90).all()


# --- files that cannot be read


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def huge_png():
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9))
        + chunk(b"IEND", b"")
    )


def png_bytes():
    import io

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40, 3), np.uint8)).save(
        file, "PNG"
    )
    return file.getvalue()


BROKEN = {
    "empty": lambda: b"",
    "text": lambda: b"no image",
    "cut": lambda: png_bytes()[:900],
    "header": lambda: png_bytes()[:20],
    "flipped": lambda: png_bytes()[:60] + b"\xff" * 200 + png_bytes()[260:],
    "huge": huge_png,
    "program": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp"])
def test_a_broken_file_is_named_or_skipped(tmp_path, name, ending):
    for i in range(5):
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.new("RGB", (9, 9), (i, i, i)).save(tmp_path / "a" / f"{i}.png")
    path = tmp_path / "a" / f"2broken.{ending}"
    path.write_bytes(BROKEN[name]())
    data = read(tmp_path, batch_size=2, shuffle=False)
    seen = 0
    with pytest.raises(ValueError, match=r"cannot read the image '.*2broken\.") as caught:
        for _ in data:
            seen += 1
    assert seen == 1 and "image_dataset_from_directory" in str(caught.value)  # the batch before it
    with pytest.raises(ValueError, match="2broken"):
        network().fit(data, verbose=0)

    data = read(tmp_path, batch_size=2, shuffle=False, unreadable="skip")
    with pytest.warns(UserWarning, match=r"skipped 1 files: '.*2broken") as warned:
        first = [x.numpy()[:, 0, 0, 0].tolist() for x, _ in data]
    assert len(warned) == 1 and Path(warned[0].filename) == Path(__file__)
    assert first == [[0, 1], [2], [3, 4]] and data.skipped == [str(path)]
    assert [x.numpy()[:, 0, 0, 0].tolist() for x, _ in data] == [[0, 1], [2, 3], [4]]
    assert len(data) == 3


def test_bytes_at_random_never_crash(tmp_path):
    """Files whose bytes were changed are read or named."""
    rng = np.random.default_rng(3)
    (tmp_path / "a").mkdir()
    whole = {}
    for ending, kind in (("png", "PNG"), ("jpg", "JPEG"), ("gif", "GIF"), ("bmp", "BMP")):
        import io

        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (30, 30, 3), np.uint8)).save(file, kind)
        whole[ending] = np.frombuffer(file.getvalue(), np.uint8)
    for i in range(120):
        ending = list(whole)[i % 4]
        content = whole[ending].copy()
        places = rng.integers(0, min(len(content), 400), 1 + i % 5)
        content[places] = rng.integers(0, 256, len(places))
        (tmp_path / "a" / f"{i}.{ending}").write_bytes(content[: len(content) - i % 3 * 50])
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        data = read(tmp_path, unreadable="skip", labels=None, shuffle=False)
        count = sum(len(x) for x in data)
    assert count + len(data.skipped) == 120 and count and data.skipped


def test_the_limit_of_pillow_counts(tmp_path, monkeypatch):
    data = only(tmp_path, Image.new("RGB", (20, 20)).save)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 399)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own
        with pytest.raises(ValueError, match=r"a\.png.*20 x 20 pixels, more than .* = 399"):
            list(data)


def test_a_file_that_vanishes(tmp_path):
    data = only(tmp_path, Image.new("RGB", (20, 20)).save)
    (tmp_path / "one/a.png").unlink()
    with pytest.raises(ValueError, match=r"a\.png.*No such file"):
        list(data)


def test_many_skipped_files_are_one_warning(tmp_path):
    (tmp_path / "a").mkdir()
    for i in range(30):
        (tmp_path / "a" / f"{i:02}.png").write_text("")
    data = read(tmp_path, unreadable="skip", shuffle=False)
    with pytest.warns(UserWarning, match=r"skipped 30 files: .*09\.png.*, and 20 more") as warned:
        assert list(data) == []
    assert len(warned) == 1 and len(data) == 0


# --- threads


def our_threads():
    return [t for t in threading.enumerate() if t.name.startswith("fastdl-images")]


def none_left():
    """Whether the threads end; each may have one image to finish.

    Counted in looks, not by the clock, which goes on while the whole process is stopped.
    """
    for _ in range(6000):
        if not our_threads():
            return True
        time.sleep(0.005)
    return False


class TestThreads:
    @pytest.fixture(autouse=True)
    def without_those_of_earlier_tests(self):
        """An iterator that an error has left in a cycle ends when the cycle is collected."""
        gc.collect()

    def test_they_read_ahead_and_no_further(self, folder, monkeypatch):
        began, real = [], pictures.array_of
        monkeypatch.setattr(pictures, "array_of", lambda *a: began.append(a) or real(*a))
        passing = iter(read(folder, batch_size=1, shuffle=False))
        next(passing)
        deadline = time.monotonic() + 30
        while len(began) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)
        assert len(began) == 3
        passing.close()
        assert none_left()

    def test_they_end_with_the_pass(self, folder):
        list(read(folder))
        assert none_left()

    def test_they_end_when_nobody_reads_on(self, folder):
        passing = iter(read(folder, batch_size=1))
        next(passing)
        del passing
        gc.collect()
        assert none_left()

    def test_they_end_with_an_error_in_the_step(self, folder):
        class Fails(fastdl.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            network().fit(read(folder, batch_size=1), callbacks=[Fails()], verbose=0)
        gc.collect()
        assert none_left()

    def test_ctrl_c_while_a_file_is_read(self, folder, monkeypatch):
        real = pictures.array_of
        slow = threading.Event()

        def reading(*arguments):
            slow.set()
            time.sleep(0.2)
            return real(*arguments)

        monkeypatch.setattr(pictures, "array_of", reading)

        def interrupt():
            slow.wait()
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in read(folder, batch_size=10, workers=1):
                pass
        thread.join()
        gc.collect()
        assert none_left()

    def test_an_error_is_raised_in_its_place(self):
        def make(batch, place, part):
            if part == 3:
                raise ValueError("three")
            return part * 10

        batches = (("ab"[i % 2], [2 * i, 2 * i + 1]) for i in range(4))
        found = ahead.made_ahead(batches, make, 3, 2)
        assert next(found) == ("a", [0, 10])
        with pytest.raises(ValueError, match="three"):
            next(found)
        assert none_left()


# --- arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "guessed"}, "labels: expected 'inferred', numbers or None, got 'guessed'"),
        ({"labels": [1, 2]}, "labels: expected a class number for each of 10 files"),
        ({"label_mode": "text"}, "label_mode: .*'text'"),
        ({"label_mode": "binary"}, "label_mode='binary': expected two classes"),
        ({"class_names": ["cats", "cows"]}, "class_names: expected some of the folders .*'cows'"),
        ({"labels": None, "class_names": ["cats"]}, "class_names: expected None"),
        ({"color_mode": "bgr"}, "color_mode: .*'bgr'"),
        ({"batch_size": 0}, "batch_size: .*at least 1"),
        ({"image_size": (3, 0)}, "image_size: .*at least 1"),
        ({"image_size": (3, 4, 5)}, "image_size: expected 2 integers"),
        ({"shuffle": "yes"}, "shuffle: "),
        ({"seed": -1}, "seed: expected an integer"),
        ({"validation_split": 0.2}, "validation_split, subset: expected both or neither"),
        ({"subset": "training"}, "validation_split, subset: expected both or neither"),
        ({"subset": "test", "validation_split": 0.2}, "subset: .*'test'"),
        ({"subset": "training", "validation_split": 0.2}, "seed: expected an integer"),
        (
            {"subset": "training", "validation_split": 1.2, "seed": 1},
            r"validation_split: .*\(0, 1\)",
        ),
        ({"subset": "both", "validation_split": 0.01, "seed": 1}, "no validation images"),
        ({"interpolation": "area"}, "interpolation: .*'area'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "expected at most one"),
        ({"data_format": "first"}, "data_format: .*'first'"),
        ({"format": "torch"}, "format: .*'torch'"),
        ({"unreadable": "ignore"}, "unreadable: .*'ignore'"),
        ({"workers": 0}, "workers: .*at least 1"),
        ({"verbose": "loud"}, "verbose: "),
        ({"follow_links": "yes"}, "follow_links: "),
    ],
)
def test_errors(folder, options, message):
    with pytest.raises(ValueError, match=f"image_dataset_from_directory: .*{message}"):
        read(folder, **options)


def test_folders_that_are_none(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match="notes"):
        read(folder / "notes.txt")
    with pytest.raises(TypeError, match="directory: expected a path, got int"):
        read(3)
    with pytest.raises(ValueError, match=r"no images in .*names end in \.bmp"):
        read(tmp_path)


def test_links_to_folders_count_if_asked(folder, tmp_path):
    (tmp_path / "all").mkdir()
    os.symlink(folder / "cats", tmp_path / "all" / "linked")
    assert len(read(tmp_path, follow_links=True).file_paths) == 5
    with pytest.raises(ValueError, match="no images"):
        read(tmp_path)


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    Image.new("L", (4, 4)).save(tmp_path / "a" / "b" / "1.png")
    os.symlink(tmp_path / "a", tmp_path / "a" / "b" / "up")
    os.symlink(tmp_path / "a" / "b", tmp_path / "a" / "beside")
    files = read(tmp_path, follow_links=True, shuffle=False).file_paths
    assert [Path(f).relative_to(tmp_path / "a").as_posix() for f in files] == [
        "b/1.png",
        "beside/1.png",
    ]


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    """As the system refuses it; root, who may run the tests, can list every folder."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    real = os.scandir

    def scandir(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError, match="a/b"):
        read(tmp_path)


def test_without_pillow(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"Pillow: pip install 'fastdl\[images\]'"):
        read(folder)


def test_it_shows_itself(folder):
    assert repr(read(folder, batch_size=4)) == "<ImageDirectory: 10 files, 3 classes, 3 batches>"
