"""The data sets: where files are looked for, what is refused, and that downloads leave no ruins.

Downloads come from a server of our own on 127.0.0.1: four small files in the form of MNIST's.
"""

import gzip
import hashlib
import http.server
import os
import pathlib
import signal
import struct
import textwrap
import threading

import children
import numpy as np
import pytest

from fastdl.datasets import _idx, digits, fashion_mnist, mnist

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
REAL_MNIST = (
    pathlib.Path(os.environ.get("FASTDL_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    / "mnist"
)


def idx_bytes(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def make_arrays():
    rng = np.random.default_rng(1)
    shapes = {
        "train-images-idx3-ubyte": (300, 28, 28),
        "train-labels-idx1-ubyte": (300,),
        "t10k-images-idx3-ubyte": (50, 28, 28),
        "t10k-labels-idx1-ubyte": (50,),
    }
    return {
        name: rng.integers(0, 10 if len(shape) == 1 else 256, shape).astype(np.uint8)
        for name, shape in shapes.items()
    }


ARRAYS = make_arrays()
PLAIN = {name: idx_bytes(array) for name, array in ARRAYS.items()}
PACKED = {name: gzip.compress(content, mtime=0) for name, content in PLAIN.items()}
NAMES = list(ARRAYS)


def small_dataset(*mirrors):
    files = (
        _idx.IdxFile(name, array.shape, hashlib.sha256(PLAIN[name]).hexdigest())
        for name, array in ARRAYS.items()
    )
    return _idx.IdxDataset("mnist", "Small MNIST", mirrors, *files)


class Server:
    """Serves the packed files; `replies` replaces the answer for a name by a function."""

    def __init__(self):
        self.requests = []
        self.replies = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rpartition("/")[2].removesuffix(".gz")
                outer.requests.append(name)
                outer.replies.get(name, outer.whole)(self, PACKED[name])

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @staticmethod
    def whole(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home, no variables set, and no proxy between us and our server."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for variable in ("FASTDL_HOME", "FASTDL_DATA"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


@pytest.fixture
def cache(home):
    return home / ".fastdl" / "datasets" / "mnist"


def put(folder, contents, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name + suffix)).write_bytes(content)
    return folder


def check(loaded):
    (x_train, y_train), (x_test, y_test) = loaded
    for array, name in zip((x_train, y_train, x_test, y_test), NAMES, strict=True):
        assert array.dtype == np.uint8
        assert array.flags.writeable and array.flags.c_contiguous
        np.testing.assert_array_equal(array, ARRAYS[name])


def files_in(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


# --- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize("contents, suffix", [(PLAIN, ""), (PACKED, ".gz"), (PACKED, "")])
def test_path_may_hold_plain_or_packed_files(tmp_path, contents, suffix):
    folder = put(tmp_path / "here", contents, suffix)
    check(_idx.load(small_dataset(), folder))
    check(_idx.load(small_dataset(), str(folder)))


def test_fastdl_data_comes_before_the_cache(tmp_path, monkeypatch, cache):
    put(tmp_path / "data" / "mnist", PACKED, ".gz")
    put(cache, {name: b"broken" for name in NAMES})
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path / "data"))
    check(_idx.load(small_dataset(), None))


def test_files_may_be_in_different_places(tmp_path, monkeypatch, cache, server):
    put(tmp_path / "data" / "mnist", {NAMES[0]: PLAIN[NAMES[0]]})
    put(cache, {NAMES[1]: PLAIN[NAMES[1]]})
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path / "data"))
    check(_idx.load(small_dataset(server.address), None))
    assert server.requests == NAMES[2:]


def test_keras_cache_name_is_ignored(cache):
    put(cache, PLAIN)
    check(_idx.load(small_dataset(), "mnist.npz"))


def test_fastdl_home_moves_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTDL_HOME", str(tmp_path / "elsewhere"))
    put(tmp_path / "elsewhere" / "datasets" / "mnist", PLAIN)
    check(_idx.load(small_dataset(), None))


def test_public_functions_use_their_data_sets(cache, home, monkeypatch):
    monkeypatch.setattr(mnist, "_DATASET", small_dataset())
    monkeypatch.setattr(fashion_mnist, "_DATASET", small_dataset()._replace(name="fashion_mnist"))
    put(cache, PLAIN)
    put(home / ".fastdl" / "datasets" / "fashion_mnist", PACKED, ".gz")
    check(mnist.load_data())
    check(fashion_mnist.load_data())


# --- what is refused ----------------------------------------------------------------------------


def test_path_that_is_no_folder(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"")
    with pytest.raises(
        NotADirectoryError, match=r"path: expected a folder .*train-images-idx3-ubyte"
    ):
        _idx.load(small_dataset(), tmp_path / "mnist.npz")


def test_path_that_lacks_files_is_not_completed_from_elsewhere(tmp_path, cache, server):
    put(cache, PLAIN)
    folder = put(tmp_path / "half", {NAMES[0]: PLAIN[NAMES[0]], NAMES[3]: PLAIN[NAMES[3]]})
    with pytest.raises(FileNotFoundError, match=f"lacks .*: {NAMES[1]}, {NAMES[2]} "):
        _idx.load(small_dataset(server.address), folder)
    assert server.requests == []


def flipped(content, position):
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


IMAGES = NAMES[0]
OTHER_COUNT = idx_bytes(ARRAYS[IMAGES][:-1])
BROKEN = {
    "empty": (b"", "starts with nothing, expected 00000803"),
    "text": (b"<html>Not found</html>", "starts with 3c68746d, expected 00000803"),
    "wrong type": (flipped(PLAIN[IMAGES], 2), "starts with 00000903"),
    "another file": (PLAIN[NAMES[1]], "starts with 00000801"),
    "wrong count": (OTHER_COUNT, r"shape \(299, 28, 28\), expected \(300, 28, 28\)"),
    "header only": (PLAIN[IMAGES][:10], "ends after 10 of 235216 bytes"),
    "truncated": (PLAIN[IMAGES][:-1], "ends after 235215 of 235216 bytes"),
    "too long": (PLAIN[IMAGES] + b"\0", "holds more than the 235216 bytes"),
    "one bit": (flipped(PLAIN[IMAGES], 5000), "SHA-256 digest"),
    "packed truncated": (PACKED[IMAGES][:-5], "gzip file ends too early"),
    "packed half": (PACKED[IMAGES][:1000], "gzip file ends too early"),
    "packed one bit": (flipped(PACKED[IMAGES], 5000), "gzip|SHA-256"),
    "packed one bit of its check": (
        flipped(PACKED[IMAGES], -8 % len(PACKED[IMAGES])),
        "damaged gzip",
    ),
    "packed other content": (gzip.compress(OTHER_COUNT), r"shape \(299, 28, 28\)"),
    "packed too long": (gzip.compress(PLAIN[IMAGES] + bytes(10**6)), "holds more than"),
}


def test_a_variable_that_names_no_folder_is_an_error(cache, tmp_path, monkeypatch):
    put(cache, PLAIN)  # the data would be found there
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(NotADirectoryError, match=r"FASTDL_DATA: expected a folder, got .*nowhere"):
        _idx.load(small_dataset(), None)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("place", ["path", "FASTDL_DATA"])
def test_broken_files_of_the_user_are_errors_that_name_them(tmp_path, monkeypatch, kind, place):
    content, message = BROKEN[kind]
    folder = put(tmp_path / "mnist", {**PLAIN, IMAGES: content})
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=message) as error:
        _idx.load(small_dataset(), folder if place == "path" else None)
    assert str(folder / IMAGES) in str(error.value)


# --- downloads ----------------------------------------------------------------------------------


def test_download_fills_the_cache_once_and_shows_progress(cache, server, capsys):
    check(_idx.load(small_dataset(server.address), None))
    assert files_in(cache) == sorted(NAMES)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in shown] == [
        f"Downloading {server.address}{name}.gz" for name in NAMES
    ]
    check(_idx.load(small_dataset(server.address), None))
    assert server.requests == NAMES


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_in_the_cache_is_downloaded_again(cache, server, kind):
    put(cache, {**PLAIN, IMAGES: BROKEN[kind][0]})
    check(_idx.load(small_dataset(server.address), None))
    assert server.requests == [IMAGES]
    assert (cache / IMAGES).read_bytes() == PLAIN[IMAGES]


def replies():
    def content(content):
        return lambda handler, _: Server.whole(handler, content)

    def partial(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])

    def endless(handler, content):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(100_000))
        except OSError:
            pass

    return {
        "partial": (partial, "ends too early"),
        "endless": (endless, "sends more than 238568 bytes"),
        "missing": (lambda handler, _: handler.send_error(404), "404"),
        "no answer": (lambda handler, _: handler.connection.close(), "could not be downloaded"),
        **{kind: (content(broken), message) for kind, (broken, message) in BROKEN.items()},
    }


REPLIES = replies()


@pytest.mark.parametrize("kind", REPLIES)
def test_a_broken_download_is_neither_used_nor_kept(cache, server, kind):
    reply, message = REPLIES[kind]
    server.replies[IMAGES] = reply
    with pytest.raises(FileNotFoundError, match=message):
        _idx.load(small_dataset(server.address), None)
    assert files_in(cache) == []


def test_the_next_mirror_is_tried(cache, server):
    server.replies[IMAGES] = REPLIES["missing"][0]
    good = Server()
    try:
        check(_idx.load(small_dataset(server.address, good.address), None))
    finally:
        good.close()
    assert good.requests == [IMAGES]


def test_offline_the_error_says_which_files_to_put_where(cache):
    server = Server()
    address = server.address
    server.close()
    put(cache, {NAMES[1]: PLAIN[NAMES[1]]})
    with pytest.raises(FileNotFoundError) as error:
        _idx.load(small_dataset(address), None)
    message = str(error.value)
    assert f"{NAMES[0]}, {NAMES[2]}, {NAMES[3]}" in message
    for part in ("Small MNIST", address, str(cache), ".gz", "FASTDL_DATA", "path="):
        assert part in message


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_while_keeping_a_file_leaves_nothing(cache, server, monkeypatch, error):
    def interrupted(*args):
        raise error

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(error):
        _idx.load(small_dataset(server.address), None)
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written_is_a_warning(home, server):
    home.write_bytes(b"a file where a folder should be")
    with pytest.warns(UserWarning, match="could not be kept .*FASTDL_HOME") as warnings:
        check(_idx.load(small_dataset(server.address), None))
    assert len(warnings) == len(NAMES)


CHILD = textwrap.dedent("""
    import signal, sys
    # A shell may have told us to ignore interrupts, and we inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from fastdl.datasets import _idx
    address, *files = sys.argv[1:]
    files = [_idx.IdxFile(name, tuple(map(int, shape.split("x"))), sha256)
             for name, shape, sha256 in (file.split(":") for file in files)]
    dataset = _idx.IdxDataset("mnist", "Small MNIST", (address,), *files)
    (x_train, *_), *_ = _idx.load(dataset, None)
    print("sum", int(x_train.sum()))
""")


def start_child(address, cwd):
    """Another process that loads the data set."""
    files = [
        ":".join([file.name, "x".join(map(str, file.shape)), file.sha256])
        for file in small_dataset().files
    ]
    return children.start("-c", CHILD, address, *files, cwd=cwd)


def test_ctrl_c_in_the_middle_of_a_download_leaves_nothing(cache, server, tmp_path):
    halfway, release = threading.Event(), threading.Event()

    def stalled(handler, content):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        halfway.set()
        release.wait()

    server.replies[NAMES[2]] = stalled
    child = start_child(server.address, tmp_path)
    try:
        assert halfway.wait(60)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    finally:
        release.set()
        child.kill()
        child.communicate()
    assert "KeyboardInterrupt" in errors
    assert files_in(cache) == sorted(NAMES[:2])  # whole ones stay, of the third there is nothing


def test_two_processes_at_once_leave_one_good_copy(cache, server, tmp_path):
    # Each file is sent only when both processes have asked for it.
    for name in NAMES:
        barrier = threading.Barrier(2, timeout=60)

        def together(handler, content, barrier=barrier):
            barrier.wait()
            Server.whole(handler, content)

        server.replies[name] = together
    both = [start_child(server.address, tmp_path) for _ in range(2)]
    results = [child.communicate(timeout=120) for child in both]
    for child, (output, errors) in zip(both, results, strict=True):
        assert child.returncode == 0, errors
        assert f"sum {ARRAYS[IMAGES].sum()}" in output
    assert sorted(server.requests) == sorted(NAMES * 2)
    assert files_in(cache) == sorted(NAMES)
    check(_idx.load(small_dataset(), None))


# --- the real ones ------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL_MNIST.is_dir(), reason=f"MNIST is not in {REAL_MNIST}")
def test_real_mnist():
    (x_train, y_train), (x_test, y_test) = mnist.load_data(REAL_MNIST)
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    # The published numbers of digits, and the usual mean and deviation of the training pixels.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(y_train), counts)
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    np.testing.assert_array_equal(np.bincount(y_test), counts)
    assert x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    np.testing.assert_array_equal(y_train[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])


@pytest.mark.parametrize("dataset", [mnist._DATASET, fashion_mnist._DATASET])
def test_specifications_are_well_formed(dataset):
    assert [file.size for file in dataset.files] == [47040016, 60008, 7840016, 10008]
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in dataset.files)
    assert len({file.sha256 for file in mnist._DATASET.files + fashion_mnist._DATASET.files}) == 8
    assert all(mirror.endswith("/") for mirror in dataset.mirrors)


def test_digits():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1442, 8, 8) and x_test.shape == (355, 8, 8)
    assert y_train.shape == (1442,) and y_test.shape == (355,)
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8 and array.flags.writeable and array.flags.c_contiguous
    assert x_train.max() == x_test.max() == 16
    # The number of pictures of each digit in the source, as its description gives it.
    counts = np.bincount(np.concatenate([y_train, y_test]))
    np.testing.assert_array_equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(np.bincount(y_test), counts // 5)
    # The first picture, a zero, as in the first row of the source's file.
    np.testing.assert_array_equal(x_train[0, 0], [0, 0, 5, 13, 9, 1, 0, 0])
    assert y_train[0] == 0
    # No picture is in both parts.
    train = {picture.tobytes() for picture in x_train}
    assert not any(picture.tobytes() in train for picture in x_test)
