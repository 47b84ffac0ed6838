"""Optimizers around others: LossScaleOptimizer and MultiOptimizer."""

import copy
import json

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, optimizers

X = np.random.default_rng(0).standard_normal((64, 5)).astype("float32")
Y = X[:, :2] * 2 - 1


def network():
    fastdl.manual_seed(1)
    return models.Sequential(
        [layers.Input((5,)), layers.Dense(9, "tanh", name="body"), layers.Dense(2, name="head")]
    )


def fitted(optimizer, y=Y, epochs=3, **more):
    model = network()
    model.compile(optimizer, "mse", **more)
    history = model.fit(X, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return model, history.history["loss"]


def assert_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


INNER = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.01, weight_decay=0.1, clipnorm=1.0),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "average": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=4),
    "adafactor": lambda: optimizers.Adafactor(0.1),
}


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("name", INNER)
def test_scaled_training_is_that_of_the_inner_optimizer(name, eager):
    """The scales are powers of two, so that nothing is rounded."""
    alone, losses = fitted(INNER[name](), run_eagerly=eager)
    scaled = optimizers.LossScaleOptimizer(INNER[name](), 256.0, dynamic_growth_steps=10)
    model, others = fitted(scaled, run_eagerly=eager)
    assert losses == others
    assert_same(alone, model)
    assert float(scaled.dynamic_scale) == 256.0 * 2**2 and int(scaled.step_counter) == 4
    assert int(scaled.iterations) == int(alone.optimizer.iterations)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("name", INNER)
def test_a_step_that_overflows_did_not_happen(name, eager):
    def trained(bad):
        optimizer = optimizers.LossScaleOptimizer(INNER[name](), 256.0, dynamic_growth_steps=100)
        model = network()
        model.compile(optimizer, "mse", run_eagerly=eager)
        for i in range(9):
            if i in bad:
                model.train_on_batch(X[:8], Y[:8] * np.float32("inf"))
            model.train_on_batch(X[8 * i % 64 :][:8], Y[8 * i % 64 :][:8])
        return model

    clean, disturbed = trained(()), trained((0, 3, 4, 8))
    assert_same(clean, disturbed)
    assert float(clean.optimizer.dynamic_scale) == 256.0
    assert float(disturbed.optimizer.dynamic_scale) == 16.0
    assert int(clean.optimizer.iterations) == int(disturbed.optimizer.iterations)
    for one, other in zip(
        clean.optimizer.variables[3:], disturbed.optimizer.variables[3:], strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_schedule_waits_for_the_skipped_steps():
    """In fit, too, where the steps of a plan get their rates in advance."""
    y = Y.copy()
    y[8:16] = np.inf
    schedule = optimizers.schedules.PiecewiseConstantDecay([1, 3], [0.1, 0.01, 0.001])
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(schedule), 8.0)
    model, _ = fitted(optimizer, y, epochs=1)
    peer = network()
    peer.compile(optimizers.SGD(schedule), "mse")
    for i in (0, 2, 3, 4, 5, 6, 7):
        peer.train_on_batch(X[8 * i :][:8], Y[8 * i :][:8])
    assert_same(model, peer)
    assert int(optimizer.iterations) == 7


def test_scale_stays_a_number_that_can_change():
    w = fastdl.Variable([1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.0), 2.0**127, 1)
    optimizer.apply([[1.0]], [w])
    assert float(optimizer.dynamic_scale) == 2.0**127
    optimizer.dynamic_scale.assign(2.0**-126)
    optimizer.apply([[np.nan]], [w])
    assert float(optimizer.dynamic_scale) == 2.0**-126


def test_learning_rate_of_the_inner_optimizer():
    inner = optimizers.SGD(0.5)
    optimizer = optimizers.LossScaleOptimizer(inner)
    optimizer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.get_config() == optimizer.get_config()
    assert float(again.inner_optimizer.learning_rate) == 0.25


# --- several optimizers


def by_layer():
    sgd, adam = optimizers.SGD(0.1, momentum=0.9), optimizers.Adam(0.01)
    return optimizers.OptimizerMap(sgd, {".*/body/.*": adam})


@pytest.mark.parametrize("eager", [False, True])
def test_each_variable_is_updated_by_its_optimizer(eager):
    model, _ = fitted(optimizers.MultiOptimizer(by_layer()), run_eagerly=eager)
    peer = network()
    adam, sgd = optimizers.Adam(0.01), optimizers.SGD(0.1, momentum=0.9)
    loss = fastdl.losses.MeanSquaredError()
    for _ in range(3):
        for first in range(0, 64, 8):
            value = loss(Y[first : first + 8], peer(X[first : first + 8], training=True))
            for weight in peer.trainable_weights:
                weight.grad = None
            value.backward()
            gradients = [weight.grad for weight in peer.trainable_weights]
            adam.apply(gradients[:2], peer.trainable_weights[:2])
            sgd.apply(gradients[2:], peer.trainable_weights[2:])
    for a, b in zip(model.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=64 * np.finfo("f").eps)
    assert int(model.optimizer.iterations) == 24
    assert [type(o).__name__ for o in model.optimizer.optimizers] == ["Adam", "SGD"]


def test_schedules_of_several_optimizers_are_followed():
    rate = optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)

    def make():
        parts = optimizers.SGD(rate), optimizers.Adam(lambda: 0.01)
        return optimizers.MultiOptimizer(
            optimizers.OptimizerMap(parts[0], {".*/head/.*": parts[1]})
        )

    one, losses = fitted(make())
    other, eager = fitted(make(), run_eagerly=True)
    assert losses == eager
    assert_same(one, other)


def test_function_chooses_and_loss_is_scaled():
    parts = {"body": optimizers.SGD(0.1), "head": optimizers.Adam(0.01)}

    def choose(variable):
        return parts[variable.path.split("/")[-2]]

    scaled, losses = fitted(optimizers.MultiOptimizer(choose, loss_scale_factor=8.0))
    parts = {"body": optimizers.SGD(0.1), "head": optimizers.Adam(0.01)}
    plain, others = fitted(optimizers.MultiOptimizer(choose))
    assert losses == others
    assert_same(scaled, plain)
    assert scaled.optimizer.optimizers[0].loss_scale_factor == 8.0


def test_an_optimizer_of_another_model_is_refused():
    """It would go on to update the variables of that model."""
    used = optimizers.SGD(0.1)
    fitted(used, epochs=1)
    model = network()
    before = model.get_weights()
    model.compile(optimizers.MultiOptimizer(lambda variable: used), "mse")
    with pytest.raises(ValueError, match=r"MultiOptimizer: sgd.* built for other variables"):
        model.fit(X, Y, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile(optimizers.LossScaleOptimizer(used), "mse")
    with pytest.raises(ValueError, match="is unknown"):
        model.fit(X, Y, verbose=0)


def test_map_matches_paths():
    first, second, third = (optimizers.SGD(name=name) for name in "abc")
    chosen = optimizers.OptimizerMap(first)
    chosen["encoder/.*"] = second
    chosen["encoder/0"] = third
    assert [chosen[k] for k in ("encoder/0", "encoder/1", "encoder")] == [third, second, first]
    assert len(chosen) == 2 and list(chosen) == ["encoder/.*", "encoder/0"]
    del chosen["encoder/0"]
    assert chosen["encoder/0"] is second
    chosen[".*/9"] = third
    with pytest.raises(ValueError, match=r"'encoder/9' matches several keys: 'encoder/.\*', "):
        chosen["encoder/9"]
    with pytest.raises(ValueError, match="is there already"):
        chosen[".*/9"] = first


def test_config_keeps_what_is_one_optimizer():
    shared = optimizers.SGD(0.1)
    chosen = optimizers.OptimizerMap(optimizers.Adam(), {"a": shared, "b": shared})
    optimizer = optimizers.MultiOptimizer(chosen)
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.get_config() == optimizer.get_config()
    assert [type(o).__name__ for o in again.optimizers] == ["SGD", "Adam"]


def test_copies_train_their_own_variables():
    for make in (
        lambda: optimizers.MultiOptimizer(by_layer()),
        lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), 8.0),
    ):
        model, _ = fitted(make())
        other = copy.deepcopy(model)
        assert_same(model, other)
        for m in (model, other):
            m.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
        assert_same(model, other)


def test_options_of_older_configs_are_taken_with_their_defaults():
    config = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 4.0).get_config()
    older = {"clipnorm": None, "use_ema": False, "ema_momentum": 0.99, "dynamic": True}
    again = optimizers.LossScaleOptimizer.from_config({**config, **older})
    assert again.get_config() == config


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optimizers.LossScaleOptimizer("adam"), TypeError, "inner_optimizer: .*'adam'"),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0),
            ValueError,
            "clipnorm: give it to the inner optimizer, got 1.0",
        ),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), use_ema=True),
            ValueError,
            "use_ema: give it to the inner optimizer, got True",
        ),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), foo=3),
            ValueError,
            "unknown argument 'foo'",
        ),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False),
            ValueError,
            "dynamic: expected True.*loss_scale_factor",
        ),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), 0.0),
            ValueError,
            "initial_scale: .*got 0.0",
        ),
        (
            lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic_growth_steps=0),
            ValueError,
            "dynamic_growth_steps: .*got 0",
        ),
        (lambda: optimizers.MultiOptimizer(3), TypeError, "optimizer_map: .*got 3"),
        (lambda: optimizers.OptimizerMap("adam"), TypeError, "default_optimizer: .*'adam'"),
        (
            lambda: optimizers.OptimizerMap(optimizers.SGD(), {"a": 1}),
            TypeError,
            r"optimizer_map\['a'\]: .*got 1",
        ),
        (
            lambda: optimizers.OptimizerMap(optimizers.SGD(), {"(": optimizers.SGD()}),
            ValueError,
            "regular expression as key, got '\\('",
        ),
        (
            lambda: optimizers.MultiOptimizer(lambda v: None).build([fastdl.Variable([1.0])]),
            TypeError,
            "the optimizer of .*got None",
        ),
        (
            lambda: optimizers.MultiOptimizer(by_layer()).learning_rate,
            AttributeError,
            "MultiOptimizer has no learning_rate",
        ),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.pop("optimizer_map"), "MultiOptimizer: optimizer_map: .*got None"),
        (lambda c: c["optimizer_map"].pop("config"), "config of an OptimizerMap, got None"),
        (
            lambda c: c["optimizer_map"]["config"].pop("default_optimizer"),
            "OptimizerMap: default_optimizer: .*got None",
        ),
        (
            lambda c: c["optimizer_map"]["config"].update(optimizer_map=[1]),
            "OptimizerMap: optimizer_map: expected a dictionary, got",
        ),
    ],
)
def test_configs_that_lack_something(edit, message):
    config = optimizers.serialize(optimizers.MultiOptimizer(by_layer()))
    edit(config["config"])
    with pytest.raises(TypeError, match=message):
        optimizers.deserialize(config)
    with pytest.raises(TypeError, match=r"inner_optimizer: .*got None"):
        optimizers.deserialize({"class_name": "LossScaleOptimizer", "config": {}})


@pytest.mark.parametrize("kind", ["scheduler", "plateau"])
def test_callbacks_set_the_rates_of_all_optimizers(kind, capsys):
    first, rest = optimizers.SGD(0.1, name="first"), optimizers.Adam(0.01, name="rest")
    both = optimizers.MultiOptimizer(optimizers.OptimizerMap(rest, {".*dense_1/.*": first}))
    model = fastdl.Sequential([layers.Dense(2, name="dense_1"), layers.Dense(1, name="dense_2")])
    model.compile(both, "mse")
    callback = (
        fastdl.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
        if kind == "scheduler"
        else fastdl.callbacks.ReduceLROnPlateau("loss", 0.5, 1, 1, min_delta=1e9)
    )
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    history = model.fit(x, y, epochs=3, callbacks=[callback], verbose=0).history
    halvings = [1, 2, 3] if kind == "scheduler" else [0, 0, 1]
    for name, start in (("first", 0.1), ("rest", 0.01)):
        expected = [start / 2**n for n in halvings]
        np.testing.assert_allclose(history[f"learning_rate_{name}"], expected, rtol=1e-6)
    assert "the learning rate of first to 0.0" in capsys.readouterr().out


def test_a_scale_around_several_optimizers_counts_once():
    one, other = optimizers.SGD(0.1), optimizers.SGD(0.1)
    several = optimizers.MultiOptimizer(
        optimizers.OptimizerMap(other, {"one": one}), loss_scale_factor=5.0
    )
    assert one.loss_scale_factor == other.loss_scale_factor == 5.0
    scaled = optimizers.LossScaleOptimizer(several, initial_scale=10.0)
    assert one.loss_scale_factor is other.loss_scale_factor is several.loss_scale_factor is None
    variables = [fastdl.Variable([2.0], name="one"), fastdl.Variable([2.0], name="two")]
    scaled.apply([[10.0], [10.0]], variables)
    for variable in variables:  # 2 - 0.1 * 10 / 10
        assert variable.tolist() == pytest.approx([1.9], rel=1e-6)
