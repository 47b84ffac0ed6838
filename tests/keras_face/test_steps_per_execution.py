"""steps_per_execution: hooks for batches come once for several steps, as in Keras 3.15.1."""

import numpy as np
import pytest

from fastdl import Sequential, callbacks, layers, optimizers

X = np.linspace(0, 1, 30, dtype="float32").reshape(10, 3)
Y = np.arange(10, dtype="float32").reshape(10, 1)
# The mean losses after each of five batches of a fit, and of an evaluation after it; from Keras.
TRAIN, TEST = (0.1772, 1.4524, 3.9022, 7.3596, 11.5353), (0.108, 0.7766, 2.4982, 5.2728, 9.1004)


class Seen(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.begun, self.ended = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append((batch, pytest.approx(logs["loss"], abs=1e-4)))

    on_test_batch_begin, on_test_batch_end = on_train_batch_begin, on_train_batch_end
    on_predict_batch_begin = on_train_batch_begin

    def on_predict_batch_end(self, batch, logs=None):
        self.ended.append((batch, logs["outputs"].shape))


def compiled(together):
    model = Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizers.SGD(0.01), "mse", steps_per_execution=together)
    return model


@pytest.mark.parametrize("source", ["arrays", "generator"])
@pytest.mark.parametrize(
    ("together", "begun", "ended"),
    [
        (1, [0, 1, 2, 3, 4], [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]),
        (2, [0, 2, 4], [(1, 1), (3, 3), (5, 4)]),
        (3, [0, 3], [(2, 2), (5, 4)]),
        (7, [0], [(6, 4)]),
    ],
)
def test_hooks_as_keras(together, begun, ended, source):
    def data():
        if source == "arrays":
            return {"x": X, "y": Y, "batch_size": 2}
        return {"x": ((X[i : i + 2], Y[i : i + 2]) for i in range(0, 10, 2))}

    model, seen = compiled(together), Seen()
    model.fit(**data(), shuffle=False, verbose=0, callbacks=seen)
    assert seen.begun == begun
    assert seen.ended == [(number, TRAIN[last]) for number, last in ended]
    assert int(model.optimizer.iterations) == 5
    seen = Seen()
    model.evaluate(**data(), verbose=0, callbacks=seen)
    assert (seen.begun, seen.ended) == (begun, [(number, TEST[last]) for number, last in ended])


def test_predict_hands_over_the_outputs_of_all_steps():
    seen = Seen()
    found = compiled(2).predict(X, batch_size=3, verbose=0, callbacks=seen)
    assert seen.begun == [0, 2] and seen.ended == [(1, (6, 1)), (3, (4, 1))]
    np.testing.assert_allclose(found, X.sum(1, keepdims=True), rtol=1e-6)


def test_a_callback_stops_after_an_execution():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = compiled(2)
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=Stop())
    assert int(model.optimizer.iterations) == 2


def test_an_epoch_has_exactly_the_steps_that_were_asked_for():
    model, seen = compiled(2), Seen()
    model.fit(X, Y, batch_size=2, steps_per_epoch=3, verbose=0, callbacks=seen)
    assert int(model.optimizer.iterations) == 3 and [number for number, _ in seen.ended] == [1, 3]


def test_what_is_counted_in_batches_counts_steps(tmp_path):
    model = compiled(2)
    path = str(tmp_path / "{batch}.safetensors")
    keep = callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3)
    model.fit(X, Y, batch_size=1, verbose=0, callbacks=keep)
    # The executions that pass 3, 6 and 9 steps end with 4, 6 and 10.
    assert {file.stem for file in tmp_path.iterdir()} == {"4", "6", "10"}


def test_the_attribute_may_change():
    model, seen = compiled(1), Seen()
    model.steps_per_execution = 5
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=seen)
    assert seen.begun == [0]
    model.steps_per_execution = 0
    with pytest.raises(ValueError, match=r"fit: steps_per_execution: expected an integer .* got 0"):
        model.fit(X, Y, verbose=0)
