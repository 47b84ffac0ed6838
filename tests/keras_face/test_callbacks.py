"""Callbacks, called by a small imitation of a model's training."""

import io

import numpy as np
import pytest

import fastdl
from fastdl import callbacks, metrics, optimizers


class Model:
    """Calls the hooks as a training with these logs does."""

    def __init__(self):
        self.optimizer = optimizers.SGD(1.0)
        self.metrics = [metrics.SparseCategoricalAccuracy(name="accuracy")]
        self.stop_training = False
        self.weights = [np.zeros(1)]

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def run(self, hooks, epochs, **params):
        params = {"verbose": 0, "epochs": len(epochs), "steps": 1} | params
        hooks = callbacks.CallbackList(hooks, add_history=True, model=self, **params)
        hooks.on_train_begin()
        for epoch, logs in enumerate(epochs):
            hooks.on_epoch_begin(epoch)
            hooks.on_train_batch_begin(0)
            self.weights = [np.array([epoch])]
            hooks.on_train_batch_end(0, logs)
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)
        return self.history


def losses(*values):
    return [{"val_loss": value} for value in values]


def test_history_has_floats_sorted_by_name():
    history = Model().run(None, [{"loss": fastdl.tensor(0.5), "accuracy": 1}] * 2)
    assert history.epoch == [0, 1]
    assert history.history == {"accuracy": [1.0, 1.0], "loss": [0.5, 0.5]}
    assert list(history.history) == ["accuracy", "loss"]
    assert type(history.history["loss"][0]) is float


def test_history_keeps_values_per_class():
    history = Model().run(None, [{"f1": fastdl.tensor([0.5, 1.0])}])
    assert history.history["f1"][0].tolist() == [0.5, 1.0]


def test_hooks_are_called_in_order():
    calls = []
    hook = callbacks.LambdaCallback(
        on_train_begin=lambda logs: calls.append("train_begin"),
        on_epoch_begin=lambda epoch, logs: calls.append(("epoch_begin", epoch)),
        on_train_batch_begin=lambda batch, logs: calls.append(("batch_begin", batch)),
        on_train_batch_end=lambda batch, logs: calls.append(("batch_end", logs["loss"])),
        on_epoch_end=lambda epoch, logs: calls.append(("epoch_end", logs["loss"])),
        on_train_end=lambda logs: calls.append("train_end"),
    )
    Model().run([hook], [{"loss": 1.0}])
    assert calls == [
        "train_begin",
        ("epoch_begin", 0),
        ("batch_begin", 0),
        ("batch_end", 1.0),
        ("epoch_end", 1.0),
        "train_end",
    ]


def test_every_batch_is_needed_only_for_hooks_of_batches():
    class Batches(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            pass

    plain = callbacks.CallbackList([callbacks.EarlyStopping()], add_history=True, add_progbar=True)
    assert not any(plain.needs_every_batch(phase) for phase in ("train", "test", "predict"))
    assert callbacks.CallbackList(callbacks.TerminateOnNaN()).needs_every_batch("train")
    assert callbacks.CallbackList([[Batches()]]).needs_every_batch("test")
    assert not callbacks.CallbackList([Batches()]).needs_every_batch("train")
    hook = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert callbacks.CallbackList([hook]).needs_every_batch("train")


def test_early_stopping_and_best_weights():
    model = Model()
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    history = model.run([stop], losses(3, 1, 2, 2, 0))
    assert history.epoch == [0, 1, 2, 3]
    assert stop.stopped_epoch == 3 and stop.best == 1
    assert model.weights[0].item() == 1


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({"patience": 1}, (1, 2, 3), 2),
        ({"patience": 1, "min_delta": 0.5}, (3, 2.8, 2.6, 1), 2),
        ({"patience": 1, "mode": "max"}, (1, 2, 3), 3),
        ({"patience": 1, "baseline": 0.5}, (2, 1, 0.9), 3),
        ({"patience": 1, "start_from_epoch": 2}, (1, 2, 3, 4), 4),
        ({"patience": 1}, (float("nan"), float("nan"), 1), 2),
    ],
)
def test_when_early_stopping_stops(options, values, epochs):
    """Keras 3.15 stops after the same epochs for these values."""
    assert len(Model().run([callbacks.EarlyStopping(**options)], losses(*values)).epoch) == epochs


def test_direction_comes_from_the_metric():
    stop = callbacks.EarlyStopping(monitor="val_accuracy", patience=1)
    model = Model()
    assert len(model.run([stop], [{"val_accuracy": v} for v in (0.1, 0.2, 0.1)]).epoch) == 3
    assert stop.monitor_op is fastdl.ops.greater
    assert callbacks.EarlyStopping("val_loss").monitor_op is fastdl.ops.less
    stop = callbacks.EarlyStopping(monitor="val_other")
    with pytest.raises(ValueError, match="unknown whether a larger or a smaller 'val_other'"):
        Model().run([stop], [{"val_other": 1.0}])
    with pytest.raises(ValueError, match="unknown whether a larger or a smaller 'other'"):
        Model().run([callbacks.EarlyStopping(monitor="other")], [{"loss": 1.0}])
    with pytest.warns(UserWarning, match="no 'val_loss', they have loss"):
        Model().run([callbacks.EarlyStopping()], [{"loss": 1.0}])


def test_reduce_learning_rate_on_plateau():
    model = Model()
    reduce = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.3)
    history = model.run([reduce], losses(1, 1, 1, 1, 1, 1, 1, 1, 1))
    rates = [1.0, 1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]
    # The rates that Keras 3.15 logs, which are those before the change.
    np.testing.assert_allclose(history.history["learning_rate"], rates, rtol=1e-7)


@pytest.mark.parametrize("schedule", [lambda e, rate: rate / 2, lambda e: 0.5 ** (e + 1)])
def test_learning_rate_scheduler(schedule):
    model = Model()
    history = model.run([callbacks.LearningRateScheduler(schedule)], losses(1, 1))
    assert history.history["learning_rate"] == [0.5, 0.25]
    with pytest.raises(ValueError, match="expected it to return a number, got 'fast'"):
        Model().run([callbacks.LearningRateScheduler(lambda e: "fast")], losses(1))


def test_type_error_of_a_schedule_is_not_hidden():
    def broken(epoch, rate):
        return rate + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        Model().run([callbacks.LearningRateScheduler(broken)], losses(1))


def test_terminate_on_nan(capsys):
    model = Model()
    history = model.run(
        [callbacks.TerminateOnNaN()], [{"loss": 1.0}, {"loss": np.nan}, {"loss": 1.0}]
    )
    assert history.epoch == [0, 1]
    assert "Batch 0: the loss is nan" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="batch 0 is inf"):
        Model().run([callbacks.TerminateOnNaN(raise_error=True)], [{"loss": np.inf}])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    epochs = [{"loss": 0.5, "acc": 1.0}, {"loss": 0.25, "val_loss": 2.0}]
    Model().run([callbacks.CSVLogger(path)], epochs)
    assert path.read_text().splitlines() == [
        "epoch,acc,loss,val_acc,val_loss",
        "0,1.0,0.5,NA,NA",
        "1,NA,0.25,NA,2.0",
    ]
    Model().run([callbacks.CSVLogger(path, append=True)], epochs[:1])
    assert path.read_text().splitlines()[3:] == ["0,1.0,0.5,NA,NA"]
    Model().run([callbacks.CSVLogger(path, separator=";")], epochs[1:])
    assert path.read_text().splitlines() == ["epoch;loss;val_loss", "0;0.25;2.0"]


def test_progress_bar_shows_one_line_per_epoch_in_a_file(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    Model().run([callbacks.ProgbarLogger()], [{"loss": 0.5}, {"loss": 0.25}], verbose="auto")
    lines = out.getvalue().splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[0].endswith("loss: 0.5000")


def test_progress_bar_ends_its_line_when_interrupted(monkeypatch):
    out = io.StringIO()
    out.isatty = lambda: True
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    hooks = callbacks.CallbackList(add_progbar=True, model=Model(), verbose=1, epochs=1, steps=2)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    hooks.on_train_batch_end(0, {"loss": 1.0})
    hooks.interrupted()
    assert out.getvalue().endswith("\n")


def test_bad_arguments():
    with pytest.raises(TypeError, match="expected Callback objects, got int"):
        callbacks.CallbackList([1])
    with pytest.raises(ValueError, match="unknown hook 'on_epoch_finish'"):
        callbacks.LambdaCallback(on_epoch_finish=print)
    with pytest.raises(ValueError, match="mode: expected 'auto', 'min' or 'max', got 'up'"):
        callbacks.EarlyStopping(mode="up")
    with pytest.raises(ValueError, match="factor: expected a number below 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)


def test_a_lambda_callback_takes_attributes():
    seen = []
    hook = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, hook.label)), label="a", rate=0.5
    )
    hook.on_epoch_end(3, {})
    assert seen == [(3, "a")] and hook.rate == 0.5
