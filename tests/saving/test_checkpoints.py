"""ModelCheckpoint and BackupAndRestore: files while training, and training after a kill."""

import os
import pathlib
import random
import signal
import subprocess
import threading

import children
import numpy as np
import pytest

import fastdl
from fastdl import callbacks, layers, models, optimizers
from fastdl.saving import models as model_files
from fastdl.saving.background import Writer

RNG = np.random.default_rng(4)
X = RNG.standard_normal((64, 5)).astype(np.float32)
Y = X[:, :1] * 2 - X[:, 1:2]
HERE = pathlib.Path(__file__).parent


def make():
    fastdl.manual_seed(1)
    model = models.Sequential([layers.Input((5,)), layers.Dense(7, "relu"), layers.Dense(1)])
    model.compile(optimizers.Adam(0.01), "mse")
    return model


def fit(model, *callbacks, epochs=4, **more):
    return model.fit(X, Y, batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks, **more)


# --- ModelCheckpoint


def test_a_file_for_each_epoch(tmp_path):
    model = make()
    seen = []
    note = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights())
    )
    path = tmp_path / "new" / "m-{epoch:02d}-{loss:.3f}.fastdl"
    history = fit(model, note, callbacks.ModelCheckpoint(path)).history
    names = [f"m-{i + 1:02d}-{loss:.3f}.fastdl" for i, loss in enumerate(history["loss"])]
    assert sorted(os.listdir(tmp_path / "new")) == sorted(names)
    for name, weights in zip(names, seen, strict=True):
        again = models.load_model(tmp_path / "new" / name)
        for got, wanted in zip(again.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(got, wanted)
    # Training goes on from any of them.
    model = models.load_model(tmp_path / "new" / names[1])
    assert fit(model, epochs=2).history["loss"] == history["loss"][2:]


def test_the_best_only(tmp_path, capsys):
    values = iter([3.0, 2.0, 4.0, 1.0])

    class Say(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["value"] = next(values)

    path = tmp_path / "best-{epoch}.safetensors"
    best = callbacks.ModelCheckpoint(
        path, "value", 1, save_best_only=True, save_weights_only=True, mode="min"
    )
    fit(make(), Say(), best)
    assert sorted(os.listdir(tmp_path)) == [f"best-{i}.safetensors" for i in (1, 2, 4)]
    out = capsys.readouterr().out
    assert "Epoch 3: value did not improve from 2" in out
    assert f"Epoch 4: saving weights to {tmp_path}" in out
    values = iter([3.0, 2.5])
    later = callbacks.ModelCheckpoint(
        tmp_path / "x{epoch}.fastdl", "value", save_best_only=True, mode="min",
        initial_value_threshold=2.7,
    )  # fmt: skip
    fit(make(), Say(), later, epochs=2)
    assert not (tmp_path / "x1.fastdl").exists() and (tmp_path / "x2.fastdl").exists()


def test_every_so_many_batches(tmp_path):
    path = tmp_path / "m-{epoch}-{batch}.fastdl"
    every = callbacks.ModelCheckpoint(path, save_freq=3)
    fit(make(), every)  # 4 batches an epoch
    names = ["m-1-3", "m-2-2", "m-3-1", "m-3-4", "m-4-3"]
    assert sorted(os.listdir(tmp_path)) == [f"{name}.fastdl" for name in names]
    again = models.load_model(tmp_path / "m-3-1.fastdl")
    assert int(again.optimizer.iterations) == 9


def test_an_epoch_costs_no_hooks_for_batches(tmp_path):
    for frequency, every in (("epoch", False), (5, True)):
        found = callbacks.ModelCheckpoint(tmp_path / "m.fastdl", save_freq=frequency)
        backup = callbacks.BackupAndRestore(tmp_path, frequency)
        for callback in (found, backup):
            assert callbacks.CallbackList([callback]).needs_every_batch("train") is every


def test_the_values_are_those_of_the_moment(tmp_path, monkeypatch):
    """The thread writes what was there when the checkpoint was due, not what came later."""
    go = threading.Event()
    write = model_files.archive.write

    def late(file, parts):
        assert go.wait(30)
        write(file, parts)

    monkeypatch.setattr(model_files.archive, "write", late)
    model = make()
    fit(model, epochs=1)
    weights = model.get_weights()
    writer = Writer()
    writer.start(model_files.saved_later(model, str(tmp_path / "m.fastdl")))
    fit(model, epochs=2)
    go.set()
    writer.wait()
    again = models.load_model(tmp_path / "m.fastdl")
    for got, wanted in zip(again.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert int(again.optimizer.iterations) == 4


def test_an_error_of_the_thread_ends_the_fit(tmp_path):
    (tmp_path / "m.fastdl").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        fit(make(), callbacks.ModelCheckpoint(tmp_path / "m.fastdl"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "m.h5"}, r"ends in \.fastdl or \.keras"),
        ({"filepath": "m.fastdl", "save_weights_only": True}, r"\.safetensors or \.weights\.h5"),
        ({"filepath": 3}, "expected a path"),
        ({"filepath": "m.fastdl", "save_freq": 0}, "save_freq"),
        ({"filepath": "m.fastdl", "save_freq": "batch"}, "save_freq"),
        ({"filepath": "m.fastdl", "save_best_only": "yes"}, "save_best_only"),
        ({"filepath": "m.fastdl", "mode": "best"}, "mode"),
        ({"filepath": "m.fastdl", "initial_value_threshold": "x"}, "initial_value_threshold"),
        ({"filepath": "m-{val_loss}.fastdl"}, "'val_loss'; there are epoch, loss"),
        ({"filepath": "m-{epoch:s}.fastdl"}, "cannot be filled in"),
    ],
)
def test_bad_arguments_of_checkpoints(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=message):
        fit(make(), callbacks.ModelCheckpoint(**arguments), epochs=1)
    assert os.listdir(tmp_path) == []


# --- BackupAndRestore


class Crash(callbacks.Callback):
    """Ends the process' fit at a batch."""

    def __init__(self, batch):
        super().__init__()
        self.left = batch

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise RuntimeError("crash")


@pytest.mark.parametrize("frequency", ["epoch", 1, 3])
@pytest.mark.parametrize("batch", [1, 4, 6, 8, 15])
def test_a_fit_goes_on(frequency, batch, tmp_path):
    def others():
        return [
            callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=1.0),
            callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        ]

    def run(*more):
        model = make()
        history = fit(model, *more, *others())
        return history.history, model.get_weights()

    wanted = run()
    folder = tmp_path / "backup"
    keep = lambda: callbacks.BackupAndRestore(folder, frequency)  # noqa: E731
    with pytest.raises(RuntimeError, match="crash"):
        run(keep(), Crash(batch))
    with pytest.raises(RuntimeError, match="crash"):
        run(keep(), Crash(2))  # once more, soon after
    got = run(keep())
    assert got[0] == wanted[0]
    for one, other in zip(got[1], wanted[1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not folder.exists()  # the fit has ended


def test_a_fit_that_has_ended_does_not_begin_again(tmp_path):
    keep = lambda: callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)  # noqa: E731
    model = make()
    fit(model, keep())
    again = make()
    assert fit(again, keep()).history == model.history.history
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(fit(again, keep(), epochs=6).epoch) == 6


def test_another_model_is_refused(tmp_path):
    fit(make(), callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    keep = callbacks.BackupAndRestore(tmp_path)
    other = models.Sequential([layers.Input((5,)), layers.Dense(8), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match="shape"):
        fit(other, keep)
    other = make()
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="of the optimizer Adam, the model has SGD"):
        fit(other, keep)
    with pytest.raises(ValueError, match=r"callbacks \['History'\], this fit has"):
        fit(make(), keep, callbacks.EarlyStopping("loss"), epochs=6)


def test_a_damaged_backup(tmp_path):
    keep = lambda: callbacks.BackupAndRestore(  # noqa: E731
        tmp_path, double_checkpoint=True, delete_checkpoint=False
    )
    model = make()
    fit(model, keep())
    assert sorted(os.listdir(tmp_path)) == ["latest.fastdl-backup", "previous.fastdl-backup"]
    path = tmp_path / "latest.fastdl-backup"
    path.write_bytes(path.read_bytes()[:500])
    again = make()
    with pytest.warns(UserWarning, match="the backup before the last one is used"):
        fit(again, keep())
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    path.write_bytes(b"")
    (tmp_path / "previous.fastdl-backup").unlink()
    with pytest.raises(ValueError, match=r"latest\.fastdl-backup"):
        fit(make(), keep())


def test_no_backups(tmp_path):
    fit(
        make(), callbacks.BackupAndRestore(tmp_path / "x", save_freq=False, delete_checkpoint=False)
    )
    assert os.listdir(tmp_path / "x") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup_dir": ""}, "expected a folder"),
        ({"backup_dir": None}, "expected a folder, got None"),
        ({"backup_dir": 3}, "expected a path"),
        ({"backup_dir": "x", "save_freq": "batch"}, "save_freq"),
        ({"backup_dir": "x", "save_freq": -1}, "save_freq"),
        ({"backup_dir": "x", "save_freq": True}, "save_freq"),
        ({"backup_dir": "x", "delete_checkpoint": "no"}, "delete_checkpoint"),
    ],
)
def test_bad_arguments_of_backups(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        callbacks.BackupAndRestore(**arguments)


def killed_runs(folder, kind, rng, kills):
    """Runs the program until it ends, killing it `kills` times. Returns what it printed."""
    for i in range(kills + 1):
        last = i == kills
        child = children.start(
            str(HERE / "killed.py"), str(folder), kind, "0" if last else "0.004", cwd=HERE
        )
        try:
            if last:
                out, errors = child.communicate(timeout=120)
                assert child.returncode == 0, errors
                return out.split()[-1]
            assert child.stdout.readline() == "ready\n"
            try:
                child.wait(timeout=rng.uniform(0, 0.35))
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
        finally:
            child.kill()
            child.communicate()
    raise AssertionError


@pytest.mark.parametrize("kind", ["epoch", "batches", "every"])
def test_killed_at_any_time(kind, tmp_path):
    """The program is killed at random times, and ends with the weights of one that was not."""
    rng = random.Random(int(os.environ.get("FASTDL_KILL_SEED", "5")))
    wanted = killed_runs(tmp_path / "alone", "none", rng, 0)
    kills = int(os.environ.get("FASTDL_KILLS", "4"))
    assert killed_runs(tmp_path / "backup", kind, rng, kills) == wanted


def test_without_the_value_to_watch_every_epoch_is_saved(tmp_path):
    keep = callbacks.ModelCheckpoint(
        tmp_path / "x{epoch}.fastdl", "other", save_best_only=True, mode="min"
    )
    with pytest.warns(UserWarning, match="the logs have no 'other'"):
        fit(make(), keep)
    assert "x1.fastdl" in os.listdir(tmp_path)  # as in Keras
