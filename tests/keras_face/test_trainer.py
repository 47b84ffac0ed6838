"""fit, evaluate, predict: recorded and eager steps, callbacks, Ctrl-C."""

import signal
import threading

import numpy as np
import pytest
import runs
from trainings import EPS, assert_same, make_data, make_model, trained

import fastdl
from fastdl import _core, layers, losses, metrics, models, optimizers

X, Y = make_data(32)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("isa", _core.runnable_isas())
def test_eager_and_plan_give_the_same_bits(dropout, isa):
    x, y = make_data()
    assert_same(
        trained(x, y, dropout=dropout, isa=isa),
        trained(x, y, dropout=dropout, isa=isa, eager=True),
    )


def test_one_two_and_seven_threads_give_the_same_bits():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((300, 200)).astype(np.float32), rng.integers(0, 10, 300)

    def weights(threads):
        fastdl.manual_seed(1)
        model = models.Sequential(
            [layers.Dense(300, activation="tanh"), layers.Dropout(0.2), layers.Dense(10)]
        )
        model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
        before = _core.num_threads()
        _core.set_num_threads(threads)
        try:
            model.fit(x, y, epochs=2, batch_size=128, verbose=0)
        finally:
            _core.set_num_threads(before)
        return model.get_weights()

    for threads in (2, 7):
        for a, b in zip(weights(1), weights(threads), strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_same_seed_gives_the_same_run_and_another_one_does_not():
    x, y = make_data()
    assert_same(trained(x, y, dropout=0.3), trained(x, y, dropout=0.3))
    model = make_model(seed=4)
    assert not np.array_equal(model.get_weights()[0], make_model(seed=3).get_weights()[0])


def test_history_has_keras_keys_and_one_value_per_epoch():
    x, y = make_data()
    history = trained(x, y, validation_split=0.2)[1]
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(len(values) == 3 for values in history.values())
    assert history["loss"][-1] < history["loss"][0]


def test_reported_loss_is_the_mean_over_samples_while_training():
    # With a learning rate of 0 the mean over batches, weighted by size, is the loss of all data.
    x, y = make_data(50)
    model = make_model()
    model.compile(optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    logs = model.fit(x, y, batch_size=16, verbose=0).history
    p = model.predict(x, verbose=0).astype(np.float64)
    expected = -np.log(p[np.arange(50), y]).mean()
    # Sums of 50 float32 values of order 1: 50 roundings of half an epsilon at most.
    assert logs["loss"][0] == pytest.approx(expected, rel=50 * EPS)
    assert logs["accuracy"][0] == pytest.approx((p.argmax(1) == y).mean())
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    assert results["loss"] == pytest.approx(expected, rel=50 * EPS)


def test_predict_gives_the_bits_of_the_last_and_of_every_batch_size():
    x, _ = make_data(70)
    model = make_model()
    whole = model.predict(x, batch_size=70, verbose=0)
    for batch_size in (1, 16, 32, 64, 100):
        np.testing.assert_array_equal(model.predict(x, batch_size=batch_size, verbose=0), whole)
    np.testing.assert_array_equal(model.predict_on_batch(x), whole)
    np.testing.assert_array_equal(model(x).numpy(), whole)
    np.testing.assert_array_equal(model.predict(x, 32, steps=2, verbose=0), whole[:64])
    # Without a batch size the steps say how large the batches are, as in Keras.
    np.testing.assert_array_equal(model.predict(x, steps=2, verbose=0), whole)


def test_predictions_follow_new_weights():
    x, _ = make_data()
    model = make_model()
    for _ in range(3):
        model.predict(x, verbose=0)  # recorded by now
    model.set_weights([w * 0 for w in model.get_weights()])
    np.testing.assert_allclose(model.predict(x, verbose=0), 1 / 3, rtol=1e-6)


def test_recorded_predictions_survive_that_training_moves_the_parameters():
    x, y = make_data()
    model = make_model()
    for _ in range(3):
        model.predict(x, verbose=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x).numpy())


def test_frozen_layers_stay_when_trainable_changes_between_fits():
    x, y = make_data()
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])


def test_class_and_sample_weights():
    x, y = make_data(48)
    table = {0: 1.0, 1: 2.0, 2: 0.5}
    by_class = trained(x, y, class_weight=table)
    by_sample = trained(x, y, sample_weight=np.array([table[int(k)] for k in y], np.float32))
    assert_same(by_class, by_sample)
    counts = np.bincount(y)
    balanced = trained(x, y, class_weight="balanced")
    assert_same(balanced, trained(x, y, class_weight=dict(enumerate(48 / (3 * counts)))))
    # Of the training part alone.
    rest = np.bincount(y[:36])
    split = {"validation_split": 0.25}
    assert_same(
        trained(x, y, class_weight="balanced", **split),
        trained(x, y, class_weight=dict(enumerate(36 / (3 * rest))), **split),
    )
    zero = trained(x, y, sample_weight=np.zeros(48, np.float32))
    assert zero[1]["loss"] == [0.0, 0.0, 0.0]


def test_schedules_move_in_plans_as_in_eager_steps():
    x, y = make_data()

    def run(eager):
        model = make_model()
        rate = optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5)
        model.compile(optimizers.SGD(rate), "sparse_categorical_crossentropy", run_eagerly=eager)
        fastdl.manual_seed(5)
        model.fit(x, y, epochs=3, batch_size=16, verbose=0)
        return model.get_weights()

    for a, b in zip(run(True), run(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_callbacks_see_every_batch_and_may_stop_training():
    x, y = make_data(64)
    seen = []

    class Watch(fastdl.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))
            if len(seen) == 6:
                self.model.stop_training = True

    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=16, epochs=5, callbacks=[Watch()], verbose=0)
    assert [batch for batch, _ in seen] == [0, 1, 2, 3, 0, 1]


def test_custom_train_step_is_recorded_too():
    x, y = make_data(64)

    class Custom(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.tracker = metrics.Mean(name="mine")
            self.loss_function = losses.SparseCategoricalCrossentropy(from_logits=True)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            runs.count[self.name] += 1
            x, y = data
            loss = self.loss_function(y, self(x, training=True))
            self.zero_grad()
            loss.backward()
            weights = self.trainable_weights
            self.optimizer.apply([w.grad for w in weights], weights)
            self.tracker.update_state(loss.detach())
            return {"mine": self.tracker.result()}

    model = Custom()
    model.compile(optimizer="adam")
    history = model.fit(x, y, epochs=4, batch_size=16, verbose=0).history
    assert history["mine"][-1] < history["mine"][0]
    assert runs.count[model.name] == 2


def test_a_step_that_reads_values_runs_eagerly_and_says_so_once():
    x, y = make_data(64)

    class Reader(models.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            return {"loss": float(logs["loss"])}

    model = Reader([layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="runs eagerly, without a plan") as record:
        history = model.fit(x, y, epochs=3, batch_size=16, verbose=0).history
    assert len(record) == 1
    assert history["loss"][-1] < history["loss"][0]


def test_ctrl_c_leaves_a_model_that_can_go_on():
    x, y = make_data(512)
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    steps = int(model.optimizer.iterations.numpy())
    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
        model.fit(x, y, epochs=10**9, verbose=0)
    assert int(model.optimizer.iterations.numpy()) > steps
    assert all(np.isfinite(w).all() for w in model.get_weights())
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


def test_batch_hooks_come_once_for_each_batch():
    calls = []

    class Watch(fastdl.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            calls.append(("train", batch))

        def on_train_batch_end(self, batch, logs=None):
            calls.append((batch, sorted(logs)))

        def on_test_batch_begin(self, batch, logs=None):
            calls.append(("test", batch))

        def on_predict_batch_begin(self, batch, logs=None):
            calls.append(("predict", batch))

        def on_predict_batch_end(self, batch, logs=None):
            calls.append((batch, len(logs["outputs"])))

    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    trained = [("train", 0), (0, ["loss"]), ("train", 1), (1, ["loss"])]
    for data in (X, Y), (((X, Y) for _ in range(2)), None):
        model.fit(*data, batch_size=16, callbacks=[Watch()], verbose=0)
        assert calls == trained
        calls.clear()
    model.evaluate(X, Y, 16, callbacks=[Watch()], verbose=0)
    assert calls == [("test", 0), ("test", 1)]
    calls.clear()
    model.predict(X, 20, callbacks=[Watch()], verbose=0)
    assert calls == [("predict", 0), (0, 20), ("predict", 1), (1, 12)]


def test_evaluation_and_prediction_may_be_stopped():
    class Stop(fastdl.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    whole = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X, 8, 0, callbacks=[Stop()]), whole[:16])
    part = model.evaluate(X, Y, 8, 0, callbacks=[Stop()])
    assert part == pytest.approx(model.evaluate(X[:16], Y[:16], verbose=0), rel=16 * EPS)


def test_schedules_move_in_steps_of_ones_own():
    class Twice(models.Sequential):
        def train_step(self, data):
            runs.count[self.name] += 1
            super().train_step(data)
            return super().train_step(data)

    def batches():
        while True:
            yield X, Y

    x, y = make_data(64)
    for data, options in (((x, y), {"batch_size": 8}), ((batches(),), {"steps_per_epoch": 8})):
        rate = optimizers.schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5)
        model = Twice([layers.Dense(3, activation="softmax")])
        model.compile(optimizers.SGD(rate), "sparse_categorical_crossentropy")
        model.fit(*data, **options, epochs=2, verbose=0)
        assert runs.count[model.name] == 2  # recorded
        assert int(model.optimizer.iterations.numpy()) == 32
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**8, rel=8 * EPS)


def test_a_thousand_batch_sizes_do_not_pile_up_plans():
    model = make_model()
    for n in range(1, 101):
        model.predict_on_batch(np.zeros((n, 6), np.float32))
    assert len(model._runner("predict").function._signatures) <= 64


def test_a_step_given_to_one_model_alone_is_its_own():
    class Twice(models.Sequential):
        def train_step(self, data):
            super().train_step(data)
            return super().train_step(data)

    def fitted(kind):
        fastdl.manual_seed(3)
        model = kind([layers.Input((6,)), layers.Dense(3, activation="softmax")])
        rate = optimizers.schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5)
        model.compile(optimizers.SGD(rate), "sparse_categorical_crossentropy")
        if kind is models.Sequential:
            built_in = model.train_step

            def twice(data):
                built_in(data)
                return built_in(data)

            model.train_step = twice
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
        return model

    one, other = fitted(Twice), fitted(models.Sequential)
    assert int(other.optimizer.iterations.numpy()) == 32
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
