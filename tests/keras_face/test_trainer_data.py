"""Data that training takes, and its errors for data and options that do not fit."""

import threading
import warnings

import numpy as np
import pytest
from trainings import assert_same, make_data, make_model, trained

import fastdl
from fastdl import layers, losses, models, optimizers

X, Y = make_data(32)


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


class Batches(fastdl.utils.PyDataset):
    """Four batches whose numbers tell the batch; it notes each request."""

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
    data, validation = Batches(), Batches(2)
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


class Threads(Batches):
    """Batches that differ, and the threads that made them."""

    def __init__(self, **options):
        super().__init__(9, **options)
        self.threads = set()

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        if index == 7 and self.length == 8:
            raise LookupError("batch 7")
        rng = np.random.default_rng(index)
        return rng.random((8, 6), np.float32), rng.integers(0, 3, 8)


def test_workers_of_a_py_dataset_are_threads():
    losses = []
    for workers in (1, 3):
        fastdl.utils.set_random_seed(0)
        model = make_model()
        model.compile("sgd", "sparse_categorical_crossentropy")
        data = Threads(workers=workers, max_queue_size=2)
        losses.append(model.fit(data, epochs=2, verbose=0).history["loss"])
        assert (threading.get_ident() in data.threads) == (workers == 1)
    assert losses[0] == losses[1]
    data.length = 8
    with pytest.raises(LookupError, match="batch 7"):
        model.fit(data, verbose=0)


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


# --- bad input: the message says what was expected and what came, and nothing has changed


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
        ((X, None), ValueError, "y: expected targets for the loss"),
        ((None, Y), ValueError, "fit: x: expected data, got None"),
        ((X, Y, 0), ValueError, "fit: batch_size: expected an integer of at least 1, got 0"),
        ((X, Y, 2.5), ValueError, "fit: batch_size: expected an integer .*, got 2.5"),
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
        ({"class_weight": [1, 2]}, TypeError, r"fit: class_weight: .* dict .*, got \[1, 2\]"),
        ({"class_weight": {"a": 1}}, ValueError, "class_weight: expected class indices as keys"),
        ({"class_weight": "even"}, TypeError, "class_weight: .* or 'balanced', got 'even'"),
        ({"callbacks": fastdl.callbacks.EarlyStopping}, TypeError, "the class EarlyStopping"),
        ({"validation_split": 1.5}, ValueError, r"fit: validation_split: .* \[0, 1\), got 1.5"),
        (
            {"validation_data": (X,)},
            ValueError,
            "validation_data: .*y: expected targets for the loss",
        ),
        ({"validation_data": (X, Y[:3])}, ValueError, "validation_data: .*x has 32 and y has 3"),
        ({"validation_data": (X[:, :5], Y)}, ValueError, r"expected shape \(None, 6\)"),
        ({"validation_data": (X, Y + 1)}, ValueError, "label 3 is out of range"),
        ({"epochs": 1.5}, ValueError, "fit: epochs: expected an integer .* 0, got 1.5"),
        ({"steps_per_epoch": 0}, ValueError, "fit: steps_per_epoch: .* 1, got 0"),
        ({"verbose": "loud"}, ValueError, "fit: verbose: expected 'auto', 0, 1 or 2, got 'loud'"),
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


def test_what_cannot_be_trained():
    model = make_model()
    model.compile(None, "sparse_categorical_crossentropy")
    model.evaluate(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"train_on_batch: model .* without an optimizer"):
        model.train_on_batch(X, Y)
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="fit: model .* has no trainable weights"):
        model.fit(X, Y, verbose=0)
    model = make_model()
    model.compile("sgd", losses.SparseCategoricalCrossentropy(reduction="none"))
    with pytest.raises(ValueError, match=r"needs a single number, got shape \(32,\); give it the"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_needs_compile(call):
    with pytest.raises(RuntimeError, match=rf"{call}: model 'sequential.*' must be compiled"):
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


def named(*names):
    inputs = [layers.Input((6,), name=name) for name in names]
    joined = layers.concatenate(inputs) if len(inputs) > 1 else inputs[0]
    model = models.Model(inputs if len(inputs) > 1 else inputs[0], layers.Dense(1)(joined))
    model.compile("sgd", "mse")
    return model


def test_inputs_may_be_given_by_name():
    one, two = named("a"), named("a", "b")
    stack = models.Sequential([layers.Input((6,), name="a"), layers.Dense(1)])
    np.testing.assert_array_equal(one.predict({"a": X}, verbose=0), one.predict(X, verbose=0))
    np.testing.assert_array_equal(stack.predict({"a": X}, verbose=0), stack.predict(X, verbose=0))
    np.testing.assert_array_equal(
        two.predict({"b": -X, "a": X}, verbose=0), two.predict([X, -X], verbose=0)
    )
    with pytest.warns(UserWarning, match=r"these are left out: \['b'\]"):
        one.evaluate({"b": X, "a": X}, Y, verbose=0)
    for model in (one, two):
        logs = model.evaluate({"b": X, "a": X}, Y, verbose=0)
        assert np.isfinite(model.fit({"a": X, "b": X}, Y, verbose=0).history["loss"]).all()
        assert np.isfinite(logs)
        assert np.isfinite(model.train_on_batch({"a": X, "b": X}, Y))


def test_names_of_other_inputs_are_an_error_that_lists_both():
    plain = models.Sequential([layers.Dense(1)])
    plain.compile("sgd", "mse")
    for model, given, message in (
        (named("a"), {"x": X}, r"missing input 'a'.*keys \['a'\], got \['x'\]"),
        (named("a", "b"), {"a": X, "c": X}, r"missing input 'b'.*\['a', 'b'\], got \['a', 'c'\]"),
        (plain, {"a": X}, r"layer 'dense\w*' \(Dense\): expected a tensor, got a dict .* \['a'\]"),
        (plain, [X], r"\(Dense\): expected a tensor, got a list of 1"),
    ):
        for use in (
            lambda model, x: model.fit(x, Y, verbose=0),
            lambda model, x: model.predict(x, verbose=0),
            lambda model, x: model.evaluate(x, Y, verbose=0),
            lambda model, x: model.predict_on_batch(x),
        ):
            with pytest.raises(ValueError, match=message):
                use(model, given)


@pytest.mark.parametrize(
    ("method", "given", "known"),
    [
        ("fit", "verbos", "verbose"),
        ("predict", "batchsize", "batch_size"),
        ("evaluate", "sampel_weight", "sample_weight"),
        ("compile", "optimiser", "optimizer"),
    ],
)
def test_an_unknown_argument_is_an_error_that_names_the_nearest(method, given, known):
    message = rf"^Model\.{method}\(\) got an unexpected keyword argument '{given}'. .*'{known}'\?$"
    with pytest.raises(TypeError, match=message):
        getattr(named("a"), method)(**{given: 1})


def test_a_type_error_within_a_step_is_left_alone():
    class Broken(models.Sequential):
        def call(self, x, training=None):
            return self.layers[0](x, verbos=3)

    model = Broken([layers.Dense(1)])
    with pytest.raises(TypeError, match="verbos") as caught:
        model.predict(X, verbose=0)
    assert "Model.predict" not in str(caught.value)


def test_warnings_point_at_the_users_line():
    model = models.Sequential([layers.Input((6,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    batches = ((X, Y) for _ in range(2))
    with pytest.warns(UserWarning, match="ran out") as caught:
        model.fit(batches, epochs=2, steps_per_epoch=2, verbose=0)
    model.trainable = False
    for call in (model.fit, model.train_on_batch):
        with pytest.warns(UserWarning, match="no trainable weights") as more:
            call(X, Y)
        caught.list.extend(more)
    model.trainable = True
    with pytest.warns(UserWarning, match="nothing_known") as more:
        stop = fastdl.callbacks.EarlyStopping("nothing_known", mode="min")
        model.fit(X, Y, verbose=0, callbacks=[stop])
    caught.list.extend(more)
    assert [warning.filename for warning in caught.list] == [__file__] * len(caught.list)
    assert len(caught.list) >= 4


def test_balanced_class_weights_need_all_targets():
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="'balanced' counts the classes of all samples"):
        model.fit(((X, Y) for _ in range(2)), class_weight="balanced", verbose=0)


def test_a_required_input_that_is_none():
    model = named("a")
    with pytest.raises(ValueError, match=r"fit: x: expected data, got \[None\]"):
        model.fit([None], Y, verbose=0)


def test_a_queue_of_no_batches_counts_as_one():
    class Ones(fastdl.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return np.ones((2, 6)), np.ones((2, 1))

    model = named("a")
    assert model.predict(Ones(workers=2, max_queue_size=0), verbose=0).shape == (6, 1)
