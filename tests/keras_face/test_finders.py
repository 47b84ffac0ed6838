"""find_learning_rate and find_batch_size: what they find, and that they leave all as it was."""

import random
import sys

import numpy as np
import pytest

import fastdl
from fastdl import layers, optimizers, utils
from fastdl._finders import batch_size, learning_rate, trials

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((200, 6)).astype(np.float32)
Y = (X[:, :1] - 2 * X[:, 1:2]).astype(np.float32)


def network(optimizer="sgd", built=True):
    utils.set_random_seed(5)
    first = [layers.Input((6,))] if built else []
    model = fastdl.Sequential(
        [*first, layers.Dense(8, "relu"), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def state_of(model):
    """All that a search must leave as it is."""
    return [
        *(np.array(w) for w in model.get_weights()),
        *(np.array(v.numpy()) for v in model.optimizer.variables),
        np.array(fastdl.get_rng_state(), np.uint64),
        np.random.get_state()[1],  # noqa: NPY002
        np.array(random.getstate()[1]),
    ]


def assert_same(before, after):
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


# --- learning rates


@pytest.mark.filterwarnings("ignore:find_learning_rate. the loss did not fall")  # in 12 steps
def test_rates_and_losses_are_those_of_training_by_hand():
    model = network(optimizers.Adam(0.5))
    found = utils.find_learning_rate(model, X, Y, 20, min_rate=1e-5, max_rate=1e-1, steps=12)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-5, 1e-1, 12), rtol=1e-12)
    by_hand = network(optimizers.Adam(0.5))
    order = np.random.default_rng(0)
    losses = []
    for step, rate in enumerate(found.rates):
        if step % 10 == 0:
            rows = order.permutation(200)
        chosen = rows[step % 10 * 20 :][:20]
        by_hand.optimizer.learning_rate = rate
        losses.append(by_hand.train_on_batch(X[chosen], Y[chosen], return_dict=True)["loss"])
    np.testing.assert_array_equal(found.losses, losses)
    assert model.optimizer.learning_rate.item() == 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.1, momentum=0.9, use_ema=True),
        lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 9)),
        lambda: optimizers.RMSprop(lambda: 0.01),
        lambda: optimizers.AdamW(0.1, gradient_accumulation_steps=2, clipnorm=1.0),
    ],
)
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.filterwarnings("ignore:find_learning_rate. the loss did not fall")
def test_the_model_and_its_optimizer_stay_as_they_are(make, trained):
    models = [network(make()), network(make())]
    for model in models:
        utils.set_random_seed(9)
        if trained:
            model.fit(X, Y, verbose=0)
    before = state_of(models[0])
    utils.find_learning_rate(models[0], X, Y)
    utils.find_batch_size(models[0], X, Y, seconds=0, batch_sizes=[4, 8])
    assert_same(before, state_of(models[0]))
    assert models[0].optimizer.built == trained
    # Training goes on as if nothing had been.
    for model in models:
        utils.set_random_seed(9)
        model.fit(X, Y, epochs=2, verbose=0)
    assert_same(models[1].get_weights(), models[0].get_weights())


def test_a_model_without_weights_yet():
    model = network(built=False)
    before = fastdl.get_rng_state()
    utils.find_learning_rate(model, X, Y)
    utils.find_batch_size(model, X, Y, seconds=0)
    assert not model.built and fastdl.get_rng_state() == before
    model.fit(X, Y, verbose=0)
    other = network(built=False)
    other.fit(X, Y, verbose=0)
    assert_same(other.get_weights(), model.get_weights())


def batches_until(error, count):
    for step in range(count):
        np.random.rand()  # noqa: NPY002
        random.random()
        yield X[step : step + 8], Y[step : step + 8]
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("name", ["find_learning_rate", "find_batch_size"])
def test_an_interrupt_or_error_leaves_all_as_it_was(error, name):
    model = network(optimizers.Adam())
    model.fit(X, Y, verbose=0)
    before = state_of(model)
    with pytest.raises(error):
        getattr(utils, name)(model, batches_until(error, 7))
    assert_same(before, state_of(model))


@pytest.mark.parametrize("module", [learning_rate, batch_size])
def test_an_interrupt_within_a_step(monkeypatch, module):
    model = network(optimizers.Adam())
    before = state_of(model)

    def interrupted(who, given):
        copy = trials.copied(who, given)
        name = "train_on_batch" if module is learning_rate else "fit"
        train = getattr(copy, name)

        def step(*arguments, **options):
            train(*arguments, **options)
            raise KeyboardInterrupt

        copy.__dict__[name] = step
        return copy

    monkeypatch.setattr(module, "copied", interrupted)
    with pytest.raises(KeyboardInterrupt):
        getattr(utils, f"find_{module.__name__.rpartition('.')[2]}")(model, X, Y)
    assert_same(before, state_of(model))


def streams():
    dataset = fastdl.data.TensorDataset(fastdl.tensor(X), fastdl.tensor(Y))

    class Pages(utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return X[40 * i : 40 * i + 40], Y[40 * i : 40 * i + 40], np.ones(40, np.float32)

    generator = fastdl.Generator().manual_seed(3)
    yield fastdl.data.DataLoader(dataset, batch_size=16, shuffle=True, generator=generator)
    yield Pages()
    yield ((X[i : i + 10], Y[i : i + 10]) for i in range(100))


@pytest.mark.parametrize("number", range(3))
def test_streams_of_batches(number):
    model = network()
    data = list(streams())[number]
    generator = getattr(data, "generator", None)
    state = generator and generator.get_state()
    found = utils.find_learning_rate(model, data)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) > 50
    assert found.suggestion is not None
    sizes = utils.find_batch_size(model, list(streams())[number], seconds=0, batch_sizes=[16, 64])
    assert sizes.batch_sizes == [16, 64] and all(s > 0 for s in sizes.samples_per_second)
    assert (generator and generator.get_state()) == state


def test_several_inputs_and_weights():
    a, b = layers.Input((6,), name="a"), layers.Input((1,), name="b")
    outputs = layers.Dense(1)(layers.Concatenate()([a, b]))
    model = fastdl.Model({"a": a, "b": b}, outputs)
    model.compile("sgd", "mse")
    data, weights = {"a": X, "b": Y}, np.linspace(0, 1, 200, dtype=np.float32)
    found = utils.find_learning_rate(model, data, Y, sample_weight=weights)
    assert found.suggestion is not None
    assert utils.find_batch_size(model, data, Y, sample_weight=weights, seconds=0).suggestion >= 8
    classes = fastdl.Sequential([layers.Dense(2, "softmax")])
    classes.compile("adam", "sparse_categorical_crossentropy")
    labels = (Y[:, 0] > 0).astype(np.int32)
    utils.find_learning_rate(classes, X, labels, class_weight={0: 1.0, 1: 3.0})


def made(losses, **options):
    """The result for a model whose steps have these losses."""
    rates = np.geomspace(1e-5, 1.0, len(losses))
    arguments = {"smoothing": 0.5, "stop_at": 2.0, **options}
    return learning_rate._summary(rates, np.array(losses), False, **arguments)


def test_the_suggestion_is_where_the_loss_falls_fastest():
    exponent = np.linspace(-5, 0, 101)  # log10 of the rate
    losses = 1 - 0.8 / (1 + np.exp(-6 * (exponent + 2.5))) + np.exp(12 * (exponent + 0.5))
    found = made(losses)
    assert 10**-2.7 < found.suggestion < 10**-2.3
    assert found.minimum == pytest.approx(found.rates[np.argmin(losses)], rel=0.3)
    # A last loss that is huge does not move it.
    assert made([*losses, 1e30]).suggestion == pytest.approx(found.suggestion, rel=0.2)
    assert made([*losses, np.inf]).suggestion == pytest.approx(found.suggestion, rel=0.2)
    shifted = made(losses - 5)  # losses may be negative
    assert shifted.suggestion == pytest.approx(found.suggestion, rel=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_noise_at_small_rates_is_no_fall(seed):
    exponent = np.linspace(-5, 0, 101)
    losses = 2 - 0.5 / (1 + np.exp(-5 * (exponent + 1.5)))
    losses += 0.2 * np.random.RandomState(seed).standard_normal(101) * (exponent < -2.5)
    losses += np.exp(12 * (exponent + 0.4))
    assert 10**-2.2 < made(losses, smoothing=0.8).suggestion < 10**-0.8


@pytest.mark.parametrize("losses", [np.ones(50), np.linspace(1, 2, 50), np.ones(50) * -1])
def test_no_suggestion_without_a_fall(losses):
    with pytest.warns(UserWarning, match="the loss did not fall with any rate"):
        found = made(losses)
    assert found.suggestion is None and found.minimum is None


def test_it_stops_when_the_loss_grows():
    found = utils.find_learning_rate(network(), X, Y, max_rate=1e6, steps=200)
    assert found.diverged and len(found.rates) < 200 and found.suggestion < 1.0
    assert np.isfinite(found.smoothed).all()


def test_a_loss_that_is_not_finite_from_the_start():
    with pytest.raises(ValueError, match="the loss is nan with the first batch, before any update"):
        utils.find_learning_rate(network(), X * np.nan, Y)


# --- batch sizes


class Clock:
    """Time that passes only in steps: `costs(size)` seconds each."""

    def __init__(self, costs):
        self.costs, self.now = costs, 0.0

    def __call__(self):
        return self.now

    def copied(self, who, model):
        clock = self

        class Stub:
            def fit(self, x, y, batch_size, epochs, **options):
                assert len(x) % batch_size == 0  # no batch is smaller
                clock.now += clock.costs(batch_size) * (len(x) // batch_size) * epochs

        return Stub()


def searched(monkeypatch, costs, samples=200, **options):
    clock = Clock(costs)
    monkeypatch.setattr(batch_size, "perf_counter", clock)
    monkeypatch.setattr(batch_size, "copied", clock.copied)
    x = np.ones((samples, 6), np.float32)
    return utils.find_batch_size(network(), x, x[:, :1], **options)


def test_the_smallest_size_near_the_best_speed(monkeypatch):
    # 1 s for each step and 10 ms for each sample: never more than 100 samples per second.
    found = searched(monkeypatch, lambda size: 1 + size / 100, 5000)
    assert found.batch_sizes == [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
    np.testing.assert_allclose(
        found.samples_per_second, [size / (1 + size / 100) for size in found.batch_sizes]
    )
    assert found.suggestion == 1024  # 91.1, and 90 % of 97.6 are 87.9
    assert found.reason == "the largest size was reached"
    exact = searched(monkeypatch, lambda size: 1 + size / 100, 5000, tolerance=0.0)
    assert exact.suggestion == 4096


def test_the_search_ends_when_larger_batches_are_no_faster(monkeypatch):
    found = searched(monkeypatch, lambda size: max(size, 32) ** 2, 5000)
    assert found.batch_sizes == [8, 16, 32, 64, 128, 256] and found.suggestion == 32
    assert found.reason == "larger batches are no faster"


def test_memory_sets_a_limit(monkeypatch):
    used = iter([0, 100, 0, 200, 0, 400, 0, 800])
    monkeypatch.setattr(batch_size, "_in_use", lambda: next(used))
    found = searched(monkeypatch, lambda size: 1.0, 5000, memory_limit=500, tolerance=0)
    assert found.memory == [100, 200, 400] and found.suggestion == 32
    assert found.reason == "batches of 64 would take more than 500 bytes of memory"


def test_a_size_that_does_not_fit(monkeypatch):
    def costs(size):
        if size > 16:
            raise MemoryError
        return 1.0

    found = searched(monkeypatch, costs)
    assert found.suggestion == 16 and found.reason == "batches of 32 did not fit into memory"
    with pytest.raises(MemoryError):
        searched(monkeypatch, lambda size: costs(99))
    used = iter([0, 1000, 0, 2000])
    monkeypatch.setattr(batch_size, "_in_use", lambda: next(used))
    with pytest.warns(UserWarning, match="even batches of 8 take 1000 bytes, more than 500"):
        assert searched(monkeypatch, lambda size: 1.0, memory_limit=500).suggestion == 8


def test_sizes_of_small_data_and_given_ones(monkeypatch):
    assert searched(monkeypatch, lambda size: 1.0, 5).batch_sizes == [5]
    found = searched(monkeypatch, lambda size: 1.0, 5, batch_sizes=[3, 300])
    assert found.batch_sizes == [3, 300] and found.suggestion == 300


def test_memory_of_a_step_grows_with_the_batch():
    # The activations of 8 + 1 units, and their gradients, in float32.
    found = utils.find_batch_size(network(), X, Y, seconds=0, batch_sizes=[1000, 4000, 16000])
    growth = np.diff(found.memory) / np.diff(found.batch_sizes)
    assert (growth > 8 * 4).all() and (growth < 6 * 8 * 4 * 4).all()


def test_available_memory():
    assert 1 << 20 < trials.available_memory() < 1 << 50


# --- arguments and pictures


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: utils.find_learning_rate(3, X, Y), TypeError, "model: expected a model, got 3"),
        (
            lambda m: utils.find_learning_rate(fastdl.Sequential([layers.Dense(1)]), X, Y),
            RuntimeError,
            "find_learning_rate: model .* must be compiled first",
        ),
        (lambda m: utils.find_learning_rate(m, X, Y, min_rate=0), ValueError, "min_rate: expected"),
        (
            lambda m: utils.find_learning_rate(m, X, Y, max_rate=1e-9),
            ValueError,
            "max_rate: expected a number above 1e-07, got 1e-09",
        ),
        (lambda m: utils.find_learning_rate(m, X, Y, steps=3), ValueError, "steps: expected an in"),
        (lambda m: utils.find_learning_rate(m, X, Y, smoothing=1.0), ValueError, "smoothing: exp"),
        (lambda m: utils.find_learning_rate(m, X, Y, stop_at=1), ValueError, "stop_at: expected a"),
        (lambda m: utils.find_learning_rate(m, X, Y, 0), ValueError, "batch_size: expected an int"),
        (lambda m: utils.find_learning_rate(m, X, Y, seed=-1), ValueError, "seed: expected an int"),
        (
            lambda m: utils.find_learning_rate(m, X, Y[:7]),
            ValueError,
            "find_learning_rate: all arrays must have the same number of samples",
        ),
        (
            lambda m: utils.find_learning_rate(m, ((X, Y) for _ in range(4))),
            ValueError,
            "x: expected at least 10 batches, but the data ended after 4",
        ),
        (lambda m: utils.find_batch_size("m", X, Y), TypeError, "model: expected a model, got 'm'"),
        (lambda m: utils.find_batch_size(m, iter(())), ValueError, "the data yielded no batch"),
        (
            lambda m: utils.find_batch_size(m, X, Y, batch_sizes=[8, 4]),
            ValueError,
            "batch_sizes: expected ascending sizes, got",
        ),
        (lambda m: utils.find_batch_size(m, X, Y, batch_sizes=8), ValueError, "expected ascending"),
        (lambda m: utils.find_batch_size(m, X, Y, batch_sizes=[0]), ValueError, "batch_sizes: exp"),
        (lambda m: utils.find_batch_size(m, X, Y, tolerance=2), ValueError, "tolerance: expected"),
        (lambda m: utils.find_batch_size(m, X, Y, seconds=-1), ValueError, "seconds: expected a n"),
        (lambda m: utils.find_batch_size(m, X, Y, memory_limit=0), ValueError, "memory_limit: exp"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call(network())


def test_a_model_that_cannot_be_copied():
    model = network()
    model.source = (i for i in range(3))
    with pytest.raises(TypeError, match=r"find_learning_rate: model .* can't be copied, .*generat"):
        utils.find_learning_rate(model, X, Y)


def test_plots_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = r"LearningRateTest.plot needs matplotlib: pip install 'fastdl\[plot\]'"
    with pytest.raises(ImportError, match=message):
        made(np.linspace(2, 1, 20)).plot()
    found = batch_size.BatchSizeTest([8], [1.0], [1], 8, "")
    with pytest.raises(ImportError, match=r"BatchSizeTest.plot needs matplotlib: pip install"):
        found.plot()


def test_plots(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = made(np.linspace(2, 1, 20))
    axes = found.plot()
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "learning rate"
    assert f"suggestion: {found.suggestion:.2g}" in axes.get_legend_handles_labels()[1]
    axes.figure.savefig(tmp_path / "rates.png")
    sizes = batch_size.BatchSizeTest([8, 16], [1.0, 2.0], [1, 2], 16, "")
    own = pyplot.subplots()[1]
    assert sizes.plot(own) is own and own.get_ylabel() == "samples per second"
    own.figure.savefig(tmp_path / "sizes.png")
    assert (tmp_path / "rates.png").stat().st_size > 5000
    pyplot.close("all")
