"""An interrupted fit continues to the same bits, from its position, weights and optimizer."""

import pickle
import signal
import threading
import warnings

import children
import numpy as np
import pytest
import runs

import fastdl
from fastdl import callbacks, layers, metrics, models, optimizers
from fastdl.data import DataLoader, TensorDataset

RNG = np.random.default_rng(5)
X = RNG.standard_normal((90, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)


class Twice(models.Sequential):
    """Makes two updates in each step, unlike the built-in step."""

    def train_step(self, data):
        super().train_step(data)
        return super().train_step(data)


class Mine(models.Sequential):
    """Returns logs that are not metrics of the model."""

    def train_step(self, data):
        return {"mine": super().train_step(data)["loss"] * 2.0}


def stack(kind=models.Sequential, seed=None, rate=None, eager=False):
    def make():
        fastdl.manual_seed(3)
        model = kind(
            [
                layers.Input((6,)),
                layers.Dense(16, activation="relu"),
                layers.Dropout(0.4, seed=seed),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile(
            optimizers.Adam(rate() if rate else 0.01, weight_decay=0.01),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            run_eagerly=eager,
        )
        fastdl.manual_seed(11)
        return model

    return make


def two_outputs():
    fastdl.manual_seed(3)
    x = layers.Input((6,))
    hidden = layers.Dropout(0.3)(layers.Dense(8, activation="tanh")(x))
    outputs = [layers.Dense(3, "softmax", name="a")(hidden), layers.Dense(1, name="b")(hidden)]
    model = models.Model(x, outputs)
    model.compile(
        "sgd",
        ["sparse_categorical_crossentropy", "mse"],
        metrics=[["accuracy"], ["mae"]],
    )
    fastdl.manual_seed(11)
    return model


def halving():
    return optimizers.schedules.ExponentialDecay(0.02, decay_steps=4, decay_rate=0.5)


class Pieces(fastdl.utils.PyDataset):
    """Batches made with random numbers, like augmented images."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        rows = slice(15 * i, 15 * i + 15)
        return fastdl.tensor(X[rows]) + 0.1 * fastdl.randn(15, 6), Y[rows]


class Shuffled(Pieces):
    """Draws its own order at the start of each epoch."""

    def on_epoch_begin(self):
        self.order = fastdl.randperm(6).tolist()

    def __getitem__(self, i):
        return super().__getitem__(self.order[i])


def batches():
    while True:
        for i in range(0, 90, 10):
            yield X[i : i + 10], Y[i : i + 10]


def loader(generator=None):
    data = TensorDataset(fastdl.tensor(X), fastdl.tensor(Y))
    return DataLoader(data, batch_size=16, shuffle=True, generator=generator)


ARRAYS = {"x": X, "y": Y, "batch_size": 16, "epochs": 4}
CASES = {
    "arrays": (stack(), lambda: ARRAYS),
    "not shuffled": (stack(), lambda: {**ARRAYS, "shuffle": False}),
    "eager": (stack(eager=True), lambda: ARRAYS),
    "a layer with a seed": (stack(seed=7), lambda: ARRAYS),
    "a schedule": (stack(rate=halving), lambda: ARRAYS),
    "a step of one's own": (stack(Twice, rate=halving), lambda: ARRAYS),
    "logs of one's own": (stack(Mine), lambda: ARRAYS),
    "validation": (stack(), lambda: {**ARRAYS, "validation_split": 0.2}),
    "epochs shorter than the data": (
        stack(),
        lambda: {**ARRAYS, "batch_size": 9, "steps_per_epoch": 5},
    ),
    "several outputs": (two_outputs, lambda: {**ARRAYS, "y": [Y, X[:, 2]]}),
    "DataLoader": (stack(), lambda: {"x": loader(), "epochs": 4}),
    "DataLoader with a generator": (
        stack(),
        lambda: {"x": loader(fastdl.Generator().manual_seed(4)), "epochs": 4},
    ),
    "PyDataset": (stack(), lambda: {"x": Pieces(), "epochs": 4}),
    "PyDataset with an order of its own": (stack(), lambda: {"x": Shuffled(), "epochs": 4}),
    "PyDataset in parts": (stack(), lambda: {"x": Pieces(), "epochs": 4, "steps_per_epoch": 3}),
    "generator": (stack(), lambda: {"x": batches(), "epochs": 4, "steps_per_epoch": 6}),
}


class Stop(Exception):
    pass


class Interrupt(callbacks.Callback):
    """Raises in a hook, the n-th time it is called."""

    def __init__(self, hook, times):
        super().__init__()
        self.left = times
        setattr(self, hook, self.hook)

    def hook(self, *_, **__):
        self.left -= 1
        if not self.left:
            raise Stop


class GoOn(callbacks.Callback):
    """Restores a state of `state_of`."""

    def __init__(self, state):
        super().__init__()
        self.state = state

    def on_train_begin(self, logs=None):
        weights, optimizer, position = self.state
        self.model.set_weights(weights)
        if optimizer:
            self.model.optimizer.build(self.model.trainable_weights)
            self.model.optimizer.set_weights(optimizer)
        self.model._fit_position.load_state_dict(position)


def state_of(model):
    optimizer = model.optimizer
    state = (
        model.get_weights(),
        [np.array(v) for v in optimizer.variables] if optimizer.built else [],
        model._fit_position.state_dict(),
    )
    return pickle.loads(pickle.dumps(state))


def plain(value):
    """Whether a value consists of numbers, strings, arrays, lists and dicts."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return type(value) in (int, float, str, np.ndarray)


def result_of(model):
    found = [*model.get_weights(), *(np.array(v) for v in model.optimizer.variables)]
    return [*found, np.array(fastdl.get_rng_state(), np.uint64)]


def uninterrupted(make, options):
    model = make()
    history = model.fit(**options(), verbose=0)
    return result_of(model), history.history


def check_goes_on(make, options, state):
    """A new model continues from the state. The result is that of a fit without interruption."""
    want, history = uninterrupted(make, options)
    fastdl.manual_seed(99)
    model = make()
    fastdl.manual_seed(98)
    first = state[2]["epoch"]
    got = model.fit(**options(), verbose=0, callbacks=[GoOn(state)])
    for a, b in zip(want, result_of(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert got.epoch == list(range(first, 4))
    assert got.history == {name: values[first:] for name, values in history.items() if first < 4}


HOOKS = [
    ("on_train_batch_end", 1),
    ("on_train_batch_end", 9),
    ("on_train_batch_begin", 9),
    ("on_epoch_end", 1),
    ("on_epoch_begin", 3),
    ("on_train_begin", 1),
    ("on_train_end", 1),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("hook", "times"), HOOKS)
def test_a_fit_that_an_exception_ended_goes_on_to_the_same_bits(case, hook, times):
    make, options = CASES[case]
    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt(hook, times)])
    state = state_of(model)
    assert plain(state[2])
    check_goes_on(make, options, state)


@pytest.mark.parametrize("case", CASES)
def test_a_state_taken_in_a_callback_is_as_good(case):
    make, options = CASES[case]
    taken = []

    class Take(callbacks.Callback):
        def take(self):
            taken.append(state_of(self.model))

        def on_train_batch_end(self, batch, logs=None):
            self.take()

        def on_train_batch_begin(self, batch, logs=None):
            self.take()

        def on_epoch_end(self, epoch, logs=None):
            self.take()

    model = make()
    model.fit(**options(), verbose=0, callbacks=[Take()])
    for state in taken[1::3]:
        check_goes_on(make, options, state)


def test_validation_that_was_interrupted_is_done_again():
    make, options = CASES["validation"]
    for hook, times in (("on_test_begin", 2), ("on_test_batch_end", 3), ("on_test_end", 1)):
        model = make()
        with pytest.raises(Stop):
            model.fit(**options(), verbose=0, callbacks=[Interrupt(hook, times)])
        check_goes_on(make, options, state_of(model))


@pytest.mark.parametrize("kind", [models.Sequential, Twice])
def test_ctrl_c_in_the_core_goes_on_to_the_same_bits(kind):
    x = RNG.standard_normal((40_000, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    make = stack(kind)
    options = {"x": x, "y": y, "batch_size": 8, "epochs": 4}
    steps = set()
    for wait in (0.02, 0.05, 0.13):
        model = make()
        with pytest.raises(KeyboardInterrupt):
            threading.Timer(wait, signal.raise_signal, [signal.SIGINT]).start()
            model.fit(**{**options, "epochs": 10**9}, verbose=0)
        state = state_of(model)
        position = state[2]
        steps.add(position["step"])
        updates = int(model.optimizer.iterations.numpy()) // (2 if kind is Twice else 1)
        assert position["epoch"] * 5000 + position["step"] == updates
        if position["epoch"] < 4:
            check_goes_on(make, lambda: options, state)
    assert steps != {0}


def test_ctrl_c_between_batches_goes_on_to_the_same_bits():
    make = stack(seed=7)
    options = {"x": Pieces(), "epochs": 4}
    for wait in (0.004, 0.01, 0.017, 0.1):
        model = make()
        timer = threading.Timer(wait, signal.raise_signal, [signal.SIGINT])
        begin = callbacks.LambdaCallback(on_train_begin=lambda _, timer=timer: timer.start())
        with pytest.raises(KeyboardInterrupt):
            model.fit(Pieces(), epochs=10**9, callbacks=[begin], verbose=0)
        state = state_of(model)
        position = state[2]
        updates = int(model.optimizer.iterations.numpy()) if model.optimizer.built else 0
        assert position["epoch"] * 6 + position["step"] == updates
        if position["epoch"] < 4:
            check_goes_on(make, lambda: options, state)


class Interrupted(models.Sequential):
    """Ctrl-C comes within a step that runs eagerly, after the update of the weights."""

    left = 0

    def train_step(self, data):
        logs = super().train_step(data)
        runs.count[self.name] += 1
        for _ in range(runs.count["signals"] if runs.count[self.name] == self.left else 0):
            signal.raise_signal(signal.SIGINT)
        runs.count["after"] += 1
        return logs


@pytest.mark.parametrize("at", [1, 9])
def test_an_eager_step_that_has_updated_weights_is_finished(at):
    make = stack(Interrupted, eager=True)
    options = {**ARRAYS}
    model = make()
    model.left = at
    runs.count["signals"], runs.count["after"] = 1, 0
    with pytest.raises(KeyboardInterrupt):
        model.fit(**options, verbose=0)
    assert runs.count["after"] == at
    state = state_of(model)
    assert (state[2]["epoch"], state[2]["step"]) == divmod(at, 6)
    check_goes_on(make, lambda: options, state)


def test_a_second_ctrl_c_does_not_wait_for_the_step():
    model = stack(Interrupted, eager=True)()
    model.left = 3
    runs.count["signals"], runs.count["after"] = 2, 0
    with pytest.raises(KeyboardInterrupt):
        model.fit(**ARRAYS, verbose=0)
    assert runs.count["after"] == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_epoch_whose_last_logs_nobody_read_has_those_of_its_metrics():
    make, options = CASES["arrays"]
    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt("on_train_batch_end", 12)])
    weights, optimizer, position = state_of(model)
    assert (position["epoch"], position["step"]) == (1, 6)
    check_goes_on(make, options, (weights, optimizer, {**position, "logs": {}}))


OTHER_PROCESS = """
import pickle, numpy as np, fastdl
import test_position as t
with open("state", "rb") as file:
    state = pickle.load(file)
make, options = t.CASES["a layer with a seed"]
model = make()
model.fit(**options(), verbose=0, callbacks=[t.GoOn(state)])
with open("result", "wb") as file:
    pickle.dump(t.result_of(model), file)
"""


def test_another_process_goes_on(tmp_path):
    make, options = CASES["a layer with a seed"]
    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt("on_train_batch_end", 9)])
    (tmp_path / "state").write_bytes(pickle.dumps(state_of(model)))
    place = f"import sys; sys.path[:0] = {[p for p in __import__('sys').path if p]!r}\n"
    children.output(place + OTHER_PROCESS, tmp_path)
    got = pickle.loads((tmp_path / "result").read_bytes())
    for a, b in zip(uninterrupted(make, options)[0], got, strict=True):
        np.testing.assert_array_equal(a, b)


def test_metrics_that_are_made_at_a_first_batch_go_on():
    labels = np.eye(3, dtype=np.float32)[Y]

    def make():
        fastdl.manual_seed(3)
        model = models.Sequential([layers.Input((6,)), layers.Dense(3, activation="softmax")])
        chosen = [metrics.F1Score(average="macro"), metrics.AUC(name="auc"), "accuracy"]
        model.compile("adam", "categorical_crossentropy", metrics=chosen)
        return model

    def options():
        return {**ARRAYS, "y": labels}

    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt("on_train_batch_end", 9)])
    check_goes_on(make, options, state_of(model))


def test_a_rate_that_a_callback_lowers_each_epoch_is_lowered_once():
    make = stack()

    def rate(epoch, rate):
        return rate * 0.5

    def options():
        return {**ARRAYS, "callbacks": [callbacks.LearningRateScheduler(rate)]}

    want = make()
    want.fit(**options(), verbose=0)
    model = make()
    listed = [callbacks.LearningRateScheduler(rate), Interrupt("on_train_batch_end", 9)]
    with pytest.raises(Stop):
        model.fit(**{**options(), "callbacks": listed}, verbose=0)
    again = make()
    listed = [GoOn(state_of(model)), callbacks.LearningRateScheduler(rate)]
    again.fit(**{**options(), "callbacks": listed}, verbose=0)
    for a, b in zip(want.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_comes_after_a_fit_does_not_move_its_position():
    model = stack()()
    with pytest.raises(Stop):
        model.fit(**ARRAYS, verbose=0, callbacks=[Interrupt("on_train_batch_end", 9)])
    before = repr(model._fit_position.state_dict())
    fastdl.randn(7)
    model.train_on_batch(X, Y)
    model.evaluate(X, Y, verbose=0)
    assert repr(model._fit_position.state_dict()) == before


def test_steps_that_a_callback_does_are_none_of_the_epoch():
    class Extra(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.train_on_batch(X[:8], Y[:8])
            assert self.model._fit_position.step == batch + 1

        def on_train_batch_begin(self, batch, logs=None):
            assert self.model._fit_position.step == batch

    stack()().fit(**ARRAYS, verbose=0, callbacks=[Extra()])


def test_a_position_of_another_fit_is_refused():
    make, options = CASES["arrays"]
    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt("on_train_batch_end", 9)])
    weights, optimizer, position = state_of(model)

    def go_on(make=make, position=position, **changed):
        callback = GoOn((weights, optimizer, position))
        make().fit(**{**options(), **changed}, verbose=0, callbacks=[callback])

    with pytest.raises(ValueError, match=r"'batch_size': 16.*'batch_size': 32"):
        go_on(batch_size=32)
    with pytest.raises(ValueError, match=r"'samples': 90.*'samples': 80"):
        go_on(x=X[:80], y=Y[:80])
    with pytest.raises(ValueError, match="no order, random"):
        go_on(position={k: v for k, v in position.items() if k not in ("order", "random")})
    with pytest.raises(
        ValueError, match="the state has 1 random generators, but model and data have 2"
    ):
        go_on(make=stack(seed=3))
    with pytest.raises(ValueError, match="the state has metrics' totals of shapes"):
        go_on(position={**position, "metrics": position["metrics"][1:]})


def test_a_stream_that_is_too_short_is_refused():
    make, options = CASES["generator"]
    model = make()
    with pytest.raises(Stop):
        model.fit(**options(), verbose=0, callbacks=[Interrupt("on_train_batch_end", 9)])
    short = ((X[:10], Y[:10]) for _ in range(5))
    with pytest.raises(ValueError, match="cannot continue after batch 9: the data ends after"):
        make().fit(**{**options(), "x": short}, verbose=0, callbacks=[GoOn(state_of(model))])


def test_copies_of_a_model_have_no_position():
    model = stack()()
    model.fit(**ARRAYS, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = pickle.loads(pickle.dumps(model))
    assert "_fit_position" not in vars(copy)
