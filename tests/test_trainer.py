"""fit, evaluate, predict: in plans and out of them, data of every kind, bad input, Ctrl-C."""

import signal
import threading
import warnings

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, losses, metrics, models, optimizers

EPS = float(np.finfo(np.float32).eps)


def make_model(dropout=0.0, seed=3, outputs=3):
    fastdl.manual_seed(seed)
    return models.Sequential(
        [
            layers.Input(shape=(6,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(outputs, activation="softmax"),
        ]
    )


def make_data(n=70, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)


def trained(x, y, *, threads=None, isa=None, eager=False, dropout=0.0, **fit):
    model = make_model(dropout)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
    )
    before = _core.num_threads(), _core.config()["isa"]
    try:
        if threads:
            _core.set_num_threads(threads)
        if isa:
            _core.select_isa(isa)
        fastdl.manual_seed(11)
        history = model.fit(x, y, epochs=3, batch_size=16, verbose=0, **fit)
    finally:
        _core.set_num_threads(before[0])
        _core.select_isa(before[1])
    return model.get_weights(), history.history


def assert_same(a, b):
    for u, v in zip(a[0], b[0], strict=True):
        np.testing.assert_array_equal(u, v)
    assert a[1] == b[1]


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


def test_data_may_be_of_any_kind():
    x, y = make_data(64)
    expected = trained(x, y, shuffle=False)[1]["loss"]

    def batches():
        while True:
            for i in range(0, 64, 16):
                yield x[i : i + 16], y[i : i + 16]

    class Indexed:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return x[16 * i : 16 * i + 16], y[16 * i : 16 * i + 16]

    from fastdl.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(fastdl.tensor(x), fastdl.tensor(y)), batch_size=16)
    for data, options in (
        ((x.astype(np.float64), y.astype(np.int32)), {"shuffle": False}),
        ((x.tolist(), y.tolist()), {"shuffle": False}),
        ((np.asfortranarray(x), y.astype(np.float32)), {"shuffle": False}),
        ((fastdl.tensor(x), fastdl.tensor(y)), {"shuffle": False}),
        ((batches(), None), {"steps_per_epoch": 4}),
        ((Indexed(), None), {"shuffle": False}),
        ((loader, None), {}),
    ):
        assert trained(*data, **options)[1]["loss"] == expected


def test_steps_per_epoch_of_a_generator_goes_on_where_it_stopped():
    x, y = make_data(8)
    seen = []

    def batches():
        for i in range(6):
            seen.append(i)
            yield x, y

    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(batches(), epochs=3, steps_per_epoch=2, verbose=0)
    assert seen == list(range(6))


def test_class_and_sample_weights():
    x, y = make_data(48)
    table = {0: 1.0, 1: 2.0, 2: 0.5}
    by_class = trained(x, y, class_weight=table)
    by_sample = trained(x, y, sample_weight=np.array([table[int(k)] for k in y], np.float32))
    assert_same(by_class, by_sample)
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
    calls = []

    class Custom(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.tracker = metrics.Mean(name="mine")
            self.loss_function = losses.SparseCategoricalCrossentropy(from_logits=True)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            calls.append(1)
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
    assert len(calls) == 2


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
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=10**9, verbose=0)
    assert int(model.optimizer.iterations.numpy()) > steps
    assert all(np.isfinite(w).all() for w in model.get_weights())
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


class Batches(fastdl.utils.PyDataset):
    """Four batches of numbers that say which batch they are from; notes what is asked of it."""

    def __init__(self, length=4, **options):
        super().__init__(**options)
        self.length, self.calls = length, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.calls.append(index)
        return np.full((8, 6), index, np.float32), np.zeros(8, np.int64)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def test_batches_of_a_py_dataset_are_shuffled():
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    data, validation = Batches(workers=4), Batches(2)
    fastdl.manual_seed(0)
    model.fit(data, epochs=3, validation_data=validation, validation_steps=2, verbose=0)
    assert validation.calls == ["begin", 0, 1, "end"] * 3
    epochs = [data.calls[i : i + 6] for i in range(0, 18, 6)]
    assert all(e[0] == "begin" and e[5] == "end" for e in epochs)
    assert all(sorted(e[1:5]) == [0, 1, 2, 3] for e in epochs)
    assert any(e != epochs[0] for e in epochs)
    data.calls.clear()
    model.fit(data, epochs=1, shuffle=False, verbose=0)
    assert data.calls == ["begin", 0, 1, 2, 3, "end"]
    assert data.num_batches == 4


def test_a_py_dataset_without_length_has_no_end():
    class Endless(fastdl.utils.PyDataset):
        def __getitem__(self, index):
            seen.append(index)
            return X, Y

    seen = []
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(Endless(), epochs=2, steps_per_epoch=3, verbose=0)
    assert seen == list(range(6))
    assert Endless().num_batches is None
    with pytest.raises(NotImplementedError, match="PyDataset: a PyDataset defines __getitem__"):
        fastdl.utils.PyDataset()[0]


def test_data_that_run_out_end_the_epoch_or_the_training():
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="ran out before the first step of an epoch"):
        history = model.fit(((X, Y) for _ in range(3)), epochs=4, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ran out after 1 of 2 steps of an epoch"):
        history = model.fit(((X, Y) for _ in range(3)), epochs=2, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]
    with pytest.raises(ValueError, match="fit: the data yielded no batch"), pytest.warns():
        model.fit(iter([]), verbose=0)


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


def test_array_likes_are_arrays():
    class Frame:  # as of pandas: iterating gives the names of columns
        def __init__(self, values):
            self.values = values

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.values, dtype)

        def __len__(self):
            return len(self.values)

        def __iter__(self):
            return iter("abc")

    x, y = make_data(64)
    frames = Frame(x.astype(np.float64)), Frame(y)
    assert_same(
        trained(*frames, validation_data=frames, sample_weight=Frame(np.ones(64))),
        trained(x, y, validation_data=(x, y), sample_weight=np.ones(64, np.float32)),
    )


def test_schedules_move_in_steps_of_ones_own():
    calls = []

    class Twice(models.Sequential):
        def train_step(self, data):
            calls.append(1)
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
        calls.clear()
        model.fit(*data, **options, epochs=2, verbose=0)
        assert len(calls) == 2  # recorded
        assert int(model.optimizer.iterations.numpy()) == 32
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**8, rel=8 * EPS)


# --- bad input: the message says what was expected and what came, and nothing has changed

X, Y = make_data(32)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (X[:, :5], Y),
            ValueError,
            r"input 'input_.*': expected shape \(None, 6\), got \(32, 5\)",
        ),
        ((X[:, 0], Y), ValueError, r"expected shape \(None, 6\), got \(32,\)"),
        ((X.astype(object), Y), TypeError, "x: expected numbers, got an array of dtype object"),
        ((X.astype(str), Y), TypeError, "x: expected numbers, got an array of dtype <U"),
        ((X, np.where(Y == 0, np.nan, Y)), ValueError, r"y: \d+ of the labels are NaN"),
        ((X, Y + 1), ValueError, r"y: label 3 is out of range for an output of 3 classes"),
        ((X, Y - 1), ValueError, r"y: label -1 is out of range for an output of 3 classes"),
        ((X, Y + 0.5), ValueError, "y: class labels must be whole numbers"),
        ((X[:0], Y[:0]), ValueError, "fit: the data is empty"),
        ((X, Y[:31]), ValueError, "x has 32 and y has 31"),
        ((X, None), ValueError, "targets y are needed"),
        ((None, Y), ValueError, "expected data for x, got None"),
        ((X, Y, 0), ValueError, "batch_size must be at least 1, got 0"),
        ((X, Y, 2.5), TypeError, "batch_size must be an integer, got 2.5"),
        ((iter([]), Y), ValueError, "fit: y must be None, since x yields whole batches"),
        (
            (fastdl.data.TensorDataset(fastdl.tensor(X)),),
            TypeError,
            r"fit: x is a TensorDataset, which yields single samples; give DataLoader\(dataset",
        ),
    ],
)
def test_bad_data(arguments, error, message):
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    weights, steps = model.get_weights(), int(model.optimizer.iterations.numpy())
    with pytest.raises(error, match=message):
        model.fit(*arguments, verbose=0)
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations.numpy()) == steps


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"class_weight": [1, 2]}, TypeError, "class_weight: expected a dict.*, got list"),
        ({"class_weight": {"a": 1}}, ValueError, "class_weight: expected class indices as keys"),
        ({"callbacks": fastdl.callbacks.EarlyStopping}, TypeError, "the class EarlyStopping"),
        ({"validation_split": 1.5}, ValueError, "validation_split must lie between 0 and 1"),
        ({"validation_data": (X,)}, ValueError, "validation_data: .*targets y are needed"),
        ({"validation_data": (X, Y[:3])}, ValueError, "validation_data: .*x has 32 and y has 3"),
        ({"validation_data": (X[:, :5], Y)}, ValueError, r"expected shape \(None, 6\)"),
        ({"validation_data": (X, Y + 1)}, ValueError, "label 3 is out of range"),
        ({"epochs": 1.5}, ValueError, "epochs must be an integer of at least 0, got 1.5"),
        ({"steps_per_epoch": 0}, ValueError, "the number of steps must be at least 1, got 0"),
        ({"verbose": "loud"}, ValueError, "verbose: expected 'auto', 0, 1 or 2, got 'loud'"),
    ],
)
def test_bad_options_are_found_before_training(options, error, message):
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    weights = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(X, Y, **{"verbose": 0, **options})
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_needs_compile(call):
    with pytest.raises(RuntimeError, match=rf"{call}: model 'sequential.*' has to be compiled"):
        getattr(make_model(), call)(X, Y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adma"}, "adam"),
        ({"optimizer": "adam", "loss": "sparse_categorical_crosentropy"}, "sparse_cat"),
        ({"optimizer": "adam", "loss": "mse", "metrics": ["acuracy"]}, "accuracy"),
    ],
)
def test_unknown_names_get_a_suggestion(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_model().compile(**arguments)


def test_negative_learning_rate():
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.Adam(learning_rate=-1.0)


def test_targets_that_only_broadcast_warn_once():
    x = np.random.default_rng(0).standard_normal((32, 6)).astype(np.float32)
    model = models.Sequential([layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.warns(UserWarning) as record:
        model.fit(x, np.zeros((32, 4), np.float32), epochs=3, verbose=0)
    assert len(record) == 1
    assert "(32, 4)" in str(record[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = models.Sequential([layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, np.zeros(32, np.float32), verbose=0)  # a column, as in Keras


def test_a_thousand_batch_sizes_do_not_pile_up_plans():
    model = make_model()
    for n in range(1, 101):
        model.predict_on_batch(np.zeros((n, 6), np.float32))
    assert len(model._functions["predict"]._signatures) <= 16
