"""Event files of TensorBoard, read back by the words of their format, and SwapEMAWeights."""

import json
import os
import struct
import zlib

import numpy as np
import pytest

import fastdl
from fastdl import callbacks, layers, models, optimizers
from fastdl._base import events
from fastdl.utils.tensorboard import SummaryWriter

X = np.random.default_rng(2).standard_normal((40, 5)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]


# --- an independent reader


def crc(data):
    """CRC-32C bit by bit: the polynomial 0x1EDC6F41, reflected."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    while data:
        length, check = struct.unpack("<QI", data[:12])
        assert crc(data[:8]) == check
        content = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == crc(content)
        yield content
        data = data[16 + length :]


def varint(data, i):
    value = shift = 0
    while True:
        byte = data[i]
        value |= (byte & 0x7F) << shift
        i, shift = i + 1, shift + 7
        if byte < 0x80:
            return value, i


def fields(data):
    """The fields of a message: number to list of values."""
    found, i = {}, 0
    while i < len(data):
        key, i = varint(data, i)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, i = varint(data, i)
        elif kind == 1:
            (value,), i = struct.unpack("<d", data[i : i + 8]), i + 8
        elif kind == 5:
            (value,), i = struct.unpack("<f", data[i : i + 4]), i + 4
        else:
            assert kind == 2
            length, i = varint(data, i)
            value, i = data[i : i + length], i + length
        found.setdefault(number, []).append(value)
    return found


def read(folder):
    """The values of a run by tag: pairs of step and message."""
    (name,) = os.listdir(folder)
    assert name.startswith("events.out.tfevents.")
    first, *rest = records((folder / name).read_bytes())
    assert fields(first)[3] == [b"brain.Event:2"]
    found = {}
    for record in rest:
        event = fields(record)
        assert abs(event[1][0] - 1.7e9) < 2e9  # seconds since 1970
        for value in fields(event[5][0])[1]:
            message = fields(value)
            found.setdefault(message[1][0].decode(), []).append((event.get(2, [0])[0], message))
    return found


def scalars(run, tag):
    return [(step, message[2][0]) for step, message in run[tag]]


def doubles(data):
    return np.frombuffer(data, "<f8")


def test_the_checksum():
    assert events.crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert events.crc32c(b"") == 0


def make(**options):
    fastdl.manual_seed(1)
    model = models.Sequential(
        [layers.Input((5,)), layers.Dense(8, "relu", name="a"), layers.Dense(1, name="b")],
        name="net",
    )
    options.setdefault("optimizer", optimizers.SGD(0.05))
    model.compile(loss="mse", metrics=["mae"], **options)
    return model


def fit(model, *callbacks, **options):
    options = {"batch_size": 8, "epochs": 3, "verbose": 0, "validation_split": 0.2, **options}
    return model.fit(X, Y, callbacks=callbacks, **options).history


def test_values_of_epochs(tmp_path):
    rate = optimizers.schedules.ExponentialDecay(0.05, 4, 0.5)
    history = fit(make(optimizer=optimizers.SGD(rate)), callbacks.TensorBoard(tmp_path))
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    for name in ("loss", "mae"):
        wanted = np.float32(history[name])
        assert scalars(train, f"epoch_{name}") == list(enumerate(wanted))
        wanted = np.float32(history[f"val_{name}"])
        assert scalars(validation, f"epoch_{name}") == list(enumerate(wanted))
        tag = f"evaluation_{name}_vs_iterations"
        assert scalars(validation, tag) == list(zip((4, 8, 12), wanted, strict=True))
    rates = [value for _, value in scalars(train, "epoch_learning_rate")]
    np.testing.assert_allclose(rates, [0.025, 0.0125, 0.00625], rtol=1e-6)
    assert set(train) == {
        *("epoch_loss", "epoch_mae", "epoch_learning_rate", "summary/text_summary", "keras")
    }


def test_the_model(tmp_path):
    model = make()
    fit(model, callbacks.TensorBoard(tmp_path), epochs=1)
    train = read(tmp_path / "train")
    for tag, plugin in (("keras", b"graph_keras_model"), ("summary/text_summary", b"text")):
        ((step, message),) = train[tag]
        assert step == 0 and fields(fields(message[9][0])[1][0])[1] == [plugin]
        tensor = fields(message[8][0])
        assert tensor[1] == [7]  # a tensor of texts
        (text,) = tensor[8]
        if tag == "keras":
            assert json.loads(text)["config"]["layers"][1]["config"]["name"] == "a"
        else:
            assert "a (Dense)" in text.decode()


def test_histograms_and_pictures(tmp_path):
    model = make()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True, write_graph=False)
    fit(model, board)
    train = read(tmp_path / "train")
    steps = [step for step, _ in train["net/a/kernel/histogram"]]
    assert steps == [0, 2]
    values = model.layers[0].kernel.numpy().astype(np.float64)
    found = fields(train["net/a/kernel/histogram"][-1][1][5][0])
    assert [found[i][0] for i in (1, 2, 3)] == [values.min(), values.max(), values.size]
    np.testing.assert_allclose(found[4][0], values.sum(), rtol=1e-12)
    np.testing.assert_allclose(found[5][0], (values**2).sum(), rtol=1e-12)
    limits, counts = doubles(found[6][0]), doubles(found[7][0])
    below = [(values <= limit).sum() for limit in limits[:-1]]
    assert counts.sum() == values.size and len(limits) == len(counts) == 30
    np.testing.assert_array_equal(np.cumsum(counts)[:-1], below)
    picture = fields(train["net/a/kernel/image"][-1][1][4][0])
    assert [picture[i][0] for i in (1, 2, 3)] == [5, 8, 1]
    png = picture[4][0]
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    length = int.from_bytes(png[33:37], "big")
    rows = np.frombuffer(zlib.decompress(png[41 : 41 + length]), np.uint8).reshape(5, 9)[:, 1:]
    scaled = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(rows, scaled * 255, atol=0.5 + 1e-9)


def test_weights_that_are_not_finite(tmp_path):
    model = make()
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    model.layers[0].kernel.assign(np.full((5, 8), np.nan, np.float32))
    fit(model, board, epochs=1)
    found = fields(read(tmp_path / "train")["net/a/kernel/histogram"][0][1][5][0])
    assert found[3] == [0.0]


def test_values_of_batches(tmp_path):
    for frequency, steps in (("batch", range(1, 13)), (5, (5, 10))):
        board = callbacks.TensorBoard(
            tmp_path / str(frequency), update_freq=frequency, write_steps_per_second=True
        )
        fit(make(), board)
        train = read(tmp_path / str(frequency) / "train")
        assert [step for step, _ in scalars(train, "batch_loss")] == list(steps)
        assert all(value > 0 for _, value in scalars(train, "batch_steps_per_second"))
    assert [step for step, _ in scalars(train, "epoch_steps_per_second")] == [0, 1, 2]
    assert not callbacks.CallbackList([callbacks.TensorBoard(tmp_path)]).needs_every_batch("train")


def test_a_second_fit_adds_a_file(tmp_path):
    model, board = make(), callbacks.TensorBoard(tmp_path)
    fit(model, board)
    fit(model, board, epochs=1)
    assert len(os.listdir(tmp_path / "train")) == 2


def test_values_are_there_after_a_crash(tmp_path):
    class Crash(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        fit(make(), callbacks.TensorBoard(tmp_path), Crash())
    assert len(scalars(read(tmp_path / "train"), "epoch_loss")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"log_dir": 3}, "log_dir"),
        ({"histogram_freq": -1}, "histogram_freq"),
        ({"update_freq": "often"}, "update_freq"),
        ({"update_freq": 0}, "update_freq"),
        ({"profile_batch": 2}, "profile_batch"),
        ({"embeddings_freq": 1}, "embeddings_freq"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((ValueError, TypeError), match=f"TensorBoard: {message}"):
        callbacks.TensorBoard(**arguments)


# --- SwapEMAWeights


def averaged():
    return make(optimizer=optimizers.SGD(0.05, use_ema=True, ema_momentum=0.8))


class Note(callbacks.Callback):
    """The weights after each step, and at the hooks of evaluation and epochs."""

    def __init__(self):
        super().__init__()
        self.steps, self.tested, self.epochs = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.model.get_weights())

    def on_test_begin(self, logs=None):
        self.tested.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())


@pytest.mark.parametrize("on_epoch", [False, True])
def test_evaluation_sees_the_average(on_epoch):
    plain, note = averaged(), Note()
    fit(plain, note)
    averages = []
    for i, weights in enumerate(note.steps):  # the average as its definition says
        weights = [w.astype(np.float64) for w in weights]
        if not i:
            average = weights
        average = [0.8 * a + 0.2 * w for a, w in zip(average, weights, strict=True)]
        averages.append(average)
    model, seen = averaged(), Note()
    fit(model, callbacks.SwapEMAWeights(swap_on_epoch=on_epoch), seen)
    for got, wanted in zip(seen.steps, note.steps, strict=True):  # training is the same
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    ends = [averages[i] for i in (3, 7, 11)]
    for found, wanted in ((seen.tested, ends), (seen.epochs, ends if on_epoch else None)):
        for got, average in zip(found, wanted or [note.steps[i] for i in (3, 7, 11)], strict=True):
            for a, b in zip(got, average, strict=True):
                # Twelve steps, each with two roundings of values below 2.
                np.testing.assert_allclose(a, b, atol=24 * 2**-23)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # the end of the fit writes the average


def test_predict_and_evaluate_bring_the_weights_back():
    model = averaged()
    fit(model, epochs=1)
    model.train_on_batch(X, Y)  # the average is another than the weights now
    weights = model.get_weights()
    swap = callbacks.SwapEMAWeights()
    out = model.predict(X, verbose=0)
    assert not np.array_equal(model.predict(X, verbose=0, callbacks=[swap]), out)
    model.evaluate(X, Y, verbose=0, callbacks=[swap])
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_resumed_fit_with_the_average_in_place(tmp_path):
    def run(*more):
        model = averaged()
        fit(model, callbacks.SwapEMAWeights(swap_on_epoch=True), *more)
        return model.get_weights()

    class Crash(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("crash")

    wanted = run()
    with pytest.raises(RuntimeError, match="crash"):
        run(callbacks.BackupAndRestore(tmp_path / "b"), Crash())
    for a, b in zip(run(callbacks.BackupAndRestore(tmp_path / "b")), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_optimizers_within_others(tmp_path):
    def wrapped():
        fastdl.manual_seed(1)
        inner = optimizers.SGD(0.05, use_ema=True, ema_momentum=0.8)
        return make(optimizer=optimizers.LossScaleOptimizer(inner))

    plain, note = wrapped(), Note()
    fit(plain, note)
    model, seen = wrapped(), Note()
    fit(model, callbacks.SwapEMAWeights(), seen)
    for got, wanted in zip(seen.steps, note.steps, strict=True):
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(seen.tested[0][0], seen.steps[3][0])
    kernels, others = optimizers.SGD(0.1, name="one"), optimizers.SGD(0.2, name="two")
    several = optimizers.MultiOptimizer(lambda v: kernels if v.ndim == 2 else others)
    fit(make(optimizer=several), callbacks.TensorBoard(tmp_path), epochs=1)
    train = read(tmp_path / "train")
    for name, rate in (("one", 0.1), ("two", 0.2)):
        ((_, value),) = scalars(train, f"epoch_learning_rate_{name}")
        assert value == np.float32(rate)


def test_an_optimizer_without_average():
    with pytest.raises(ValueError, match="SwapEMAWeights: expected an optimizer with use_ema=True"):
        fit(make(), callbacks.SwapEMAWeights())


def test_summary_writer(tmp_path):
    """PyTorch's writer: the tags and folders are those that it writes."""
    with SummaryWriter(tmp_path / "run") as writer:
        assert writer.get_logdir() == str(tmp_path / "run")
        writer.add_scalar("loss/train", 0.5, 3)
        writer.add_scalar("loss/train", fastdl.tensor([0.25], requires_grad=True), 4)
        writer.add_scalar("count", np.int64(7))
        writer.add_histogram("w", fastdl.tensor([1.0, 2.0, 4.0]), 5, bins=3)
        writer.add_text("note", "**b**", 2)
    run = read(tmp_path / "run")
    assert scalars(run, "loss/train") == [(3, 0.5), (4, 0.25)] and scalars(run, "count") == [(0, 7)]
    ((step, message),) = run["w"]
    values = fields(message[5][0])
    assert step == 5 and values[1] + values[2] == [1.0, 4.0]
    assert doubles(values[7][0]).tolist() == [1.0, 1.0, 1.0]
    ((step, message),) = run["note/text_summary"]
    assert step == 2 and fields(message[8][0])[8] == [b"**b**"]
    writer.add_scalars("a/b", {"x": 1.0, "y": 2}, 1)
    writer.flush()
    assert scalars(read(tmp_path / "run" / "a_b_x"), "a/b") == [(1, 1.0)]
    assert scalars(read(tmp_path / "run" / "a_b_y"), "a/b") == [(1, 2.0)]


def test_summary_writer_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SummaryWriter(comment="-c").close()
    (name,) = os.listdir("runs")
    assert name.endswith("-c") and os.listdir(f"runs/{name}")


def test_errors_of_the_writer(tmp_path):
    writer = SummaryWriter(tmp_path)
    for value in ("a", [1.0, 2.0], None):
        with pytest.raises(ValueError, match="add_scalar: scalar_value: expected a number"):
            writer.add_scalar("x", value)
    with pytest.raises(ValueError, match=r"tag_scalar_dict\['b'\]: expected a number"):
        writer.add_scalars("x", {"b": "c"})
    with pytest.raises(ValueError, match="add_scalar: global_step: expected"):
        writer.add_scalar("x", 1.0, -1)
    with pytest.raises(ValueError, match="add_histogram: bins: expected"):
        writer.add_histogram("x", [1.0], bins=0)
    with pytest.raises(AttributeError, match="no 'add_graph': it writes scalars, histograms and"):
        writer.add_graph(None)
    assert fastdl.utils.tensorboard.SummaryWriter is SummaryWriter
