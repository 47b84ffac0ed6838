"""Files are replaced as a whole: whatever goes wrong, the old one stays."""

import errno
import gc
import os
import stat
import subprocess
import sys

import children
import pytest

from fastdl.saving.files import replacing


def test_the_new_file_has_the_old_permissions(tmp_path):
    path = tmp_path / "x"
    old = os.umask(0o027)
    try:
        with replacing(path, "test") as file:
            file.write(b"1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640  # what the umask leaves
    finally:
        os.umask(old)
    path.chmod(0o604)
    with replacing(path, "test") as file:
        file.write(b"2")
    assert path.read_bytes() == b"2" and stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link", "test") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_the_old_file(error, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path, "test") as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


def test_what_cannot_be_replaced(tmp_path):
    for path, error, message in (
        (tmp_path, IsADirectoryError, "is a folder"),
        (tmp_path / "no" / "x", FileNotFoundError, "there is no folder"),
        ("/dev/null", ValueError, "no regular file"),
    ):
        with pytest.raises(error, match=message), replacing(path, "test"):
            pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="no regular file"), replacing(tmp_path / "pipe", "test"):
        pass
    assert os.path.exists("/dev/null")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="write-protected"), replacing(path, "test"):
        pass
    assert path.read_bytes() == b"old"


def test_a_failing_disk(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), replacing(path, "test") as file:
        file.write(b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["x"]


FULL_DISK = """
import resource, signal
import numpy as np, fastdl
from fastdl import layers, models
model = models.Sequential([layers.Input((300,)), layers.Dense(300)])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for call in (lambda: model.save("m.fastdl"), lambda: model.save_weights("w.safetensors"),
             lambda: fastdl.save(model.state_dict(), "s.safetensors")):
    try:
        call()
    except OSError as error:
        print(type(error).__name__, error.filename)
"""


def test_a_file_that_may_not_grow(tmp_path):
    names = ["m.fastdl", "s.safetensors", "w.safetensors"]
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    printed = [f"OSError {name}" for name in ("m.fastdl", "w.safetensors", "s.safetensors")]
    assert children.output(FULL_DISK, tmp_path).splitlines() == printed
    assert sorted(os.listdir(tmp_path)) == names
    assert all((tmp_path / name).read_bytes() == b"old" for name in names)


KILLED = """
import fastdl
from fastdl import layers, models
model = models.Sequential([layers.Input((600,)), layers.Dense(600)])
model.save("m.fastdl")
print("ready", flush=True)
while True:
    model.save("m.fastdl")
"""


def test_a_killed_process_leaves_a_whole_file(tmp_path):
    from fastdl import models

    for delay in (0.01, 0.03, 0.07):
        child = children.start("-c", KILLED, cwd=tmp_path)
        assert child.stdout.readline() == "ready\n"
        try:
            child.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            pass
        child.kill()
        child.communicate()
        assert models.load_model(tmp_path / "m.fastdl").count_params() == 600 * 601


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_file_stays_open(tmp_path):
    from fastdl import layers, models

    model = models.Sequential([layers.Input((3,)), layers.Dense(1)])
    gc.collect()  # closes what earlier tests have left
    count = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        model.save(tmp_path / "m.fastdl")
        models.load_model(tmp_path / "m.fastdl")
        with pytest.raises(ValueError):
            models.load_model(__file__)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= count
