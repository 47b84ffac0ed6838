"""Keras-style optimizers: golden trajectories, options and bad input.

The golden values were computed by Keras in float64 (golden/optimizers.py).
"""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models, optimizers
from fastdl.optimizers import schedules

HERE = Path(__file__).parents[1]
GOLDEN = json.loads((HERE / "golden/optimizers.json").read_text("utf-8"))
EPSILON = np.finfo(np.float32).eps
SHAPES = ((2, 3), (3,), (3, 1))


def arrays(flat):
    """A row of the golden file as arrays of the parameters' shapes."""
    sizes = [int(np.prod(shape)) for shape in SHAPES]
    parts = np.split(np.array(flat, np.float32), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, SHAPES, strict=True)]


def variables():
    names = ("dense/kernel", "dense/bias", "out/kernel")
    return [
        fastdl.Variable(value, name=name.split("/")[1], path=name)
        for value, name in zip(arrays(GOLDEN["start"][0]), names, strict=True)
    ]


def flat(tensors):
    return np.concatenate([t.numpy().ravel() for t in tensors])


def ids(case):
    return "-".join([case["name"], *(f"{k}={v}" for k, v in case["options"].items())])


def assert_near(actual, expected, steps):
    """Each step rounds the parameter and its change, by at most half an epsilon each."""
    size = np.maximum(1, np.abs(expected))
    np.testing.assert_array_less(np.abs(actual - expected) / size, steps * EPSILON)


KERAS_CASES = [case for case in GOLDEN["cases"] if case["peer"] == "keras"]


@pytest.mark.parametrize("case", KERAS_CASES, ids=ids)
def test_trajectory(case):
    trained = variables()
    optimizer = getattr(optimizers, case["name"])(**case["options"])
    for step, row in enumerate(GOLDEN["gradients"]):
        optimizer.apply(arrays(row), trained)
        if str(step) in case["rows"]:
            assert_near(flat(trained), np.array(case["rows"][str(step)]), step + 1)
    steps = len(GOLDEN["gradients"]) // (case["options"].get("gradient_accumulation_steps") or 1)
    assert int(optimizer.iterations) == steps


@pytest.mark.parametrize("case", KERAS_CASES, ids=ids)
def test_recorded_step_is_the_step(case):
    eager, replayed = (getattr(optimizers, case["name"])(**case["options"]) for _ in range(2))
    ours, theirs = variables(), variables()
    rows = [[fastdl.tensor(g) for g in arrays(row)] for row in GOLDEN["gradients"]]
    replayed.build(theirs)
    recorder = _core.Recorder()
    try:
        replayed.apply(rows[0], theirs)
    finally:
        recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, rows[0], [])
    eager.apply(rows[0], ours)
    for row in rows[1:]:
        eager.learning_rate = replayed.learning_rate = 0.05
        eager.apply(row, ours)
        plan.replay(row)
    np.testing.assert_array_equal(flat(ours), flat(theirs))
    assert int(eager.iterations) == int(replayed.iterations)


@pytest.mark.parametrize("case", KERAS_CASES, ids=ids)
def test_config_makes_an_equal_optimizer(case):
    optimizer = getattr(optimizers, case["name"])(**case["options"])
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_variables_can_be_saved_and_set():
    trained, gradients = variables(), arrays(GOLDEN["gradients"][0])
    one = optimizers.Adam(0.01)
    one.apply(gradients, trained)
    other, copies = optimizers.Adam(0.5), variables()
    other.build(copies)
    for target, variable in zip(copies, trained, strict=True):
        target.assign(variable)
    other.set_weights([v.numpy() for v in one.variables])
    one.apply(gradients, trained)
    other.apply(gradients, copies)
    np.testing.assert_array_equal(flat(trained), flat(copies))
    assert [v.name for v in one.variables[:4]] == [
        "iteration",
        "learning_rate",
        "dense_kernel_momentum",
        "dense_kernel_velocity",
    ]
    with pytest.raises(ValueError, match="expected arrays of shapes"):
        other.set_weights([np.zeros(3)])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copy_trains_the_copied_variables(copied):
    one = variables()
    optimizer = optimizers.AdamW(0.01, weight_decay=0.1)
    optimizer.exclude_from_weight_decay([one[0]], ["bias"])
    optimizer.apply(arrays(GOLDEN["gradients"][0]), one)
    other, again = copied((one, optimizer))
    assert again._trainable_variables[0] is other[0]
    for row in GOLDEN["gradients"][1:4]:
        optimizer.apply(arrays(row), one)
        again.apply(arrays(row), other)
    np.testing.assert_array_equal(flat(one), flat(other))
    again.apply(arrays(GOLDEN["gradients"][4]), other)
    assert not np.array_equal(flat(one), flat(other))


def test_learning_rate_can_be_changed_in_every_way():
    trained = [fastdl.Variable([0.0])]
    optimizer = optimizers.SGD(1.0)
    optimizer.apply([[1.0]], trained)
    optimizer.learning_rate = 0.5
    optimizer.apply([[1.0]], trained)
    optimizer.learning_rate.assign(0.25)
    optimizer.apply([[1.0]], trained)
    assert float(trained[0]) == -1.75
    assert float(optimizer.learning_rate) == optimizer.get_config()["learning_rate"] == 0.25


def test_learning_rate_may_be_a_function():
    rates = iter([1.0, 0.5])
    optimizer, trained = optimizers.SGD(lambda: next(rates)), [fastdl.Variable([0.0])]
    optimizer.apply([[1.0]], trained)
    optimizer.apply([[1.0]], trained)
    assert float(trained[0]) == -1.5


def test_weight_decay_spares_what_is_excluded():
    trained = variables()
    before = [v.numpy().copy() for v in trained]
    optimizer = optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[trained[2]], var_names=["bias"])
    optimizer.apply([np.zeros(shape) for shape in SHAPES], trained)
    np.testing.assert_allclose(trained[0].numpy(), before[0] * 0.95, rtol=2 * EPSILON)
    np.testing.assert_array_equal(trained[1].numpy(), before[1])
    np.testing.assert_array_equal(trained[2].numpy(), before[2])
    with pytest.raises(ValueError, match="the optimizer is already built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_missing_gradient_leaves_the_variable_alone():
    trained = variables()
    before = [v.numpy().copy() for v in trained]
    optimizer = optimizers.SGD(0.1)
    with pytest.warns(UserWarning, match="no gradient for dense/bias"):
        optimizer.apply([np.ones(SHAPES[0]), None, np.ones(SHAPES[2])], trained)
    np.testing.assert_array_equal(trained[1].numpy(), before[1])
    for i in (0, 2):
        np.testing.assert_allclose(trained[i].numpy(), before[i] - 0.1, atol=2 * EPSILON)
    with pytest.raises(ValueError, match="no gradient was given for any variable"):
        optimizer.apply([None] * 3)


def test_apply_accepts_a_subset_in_another_order():
    trained = variables()
    optimizer = optimizers.SGD(1.0)
    optimizer.build(trained)
    before = [v.numpy().copy() for v in trained]
    optimizer.apply_gradients([(np.full(SHAPES[2], 2.0), trained[2]), (np.ones(3), trained[1])])
    np.testing.assert_array_equal(trained[0].numpy(), before[0])
    np.testing.assert_array_equal(trained[1].numpy(), before[1] - 1)
    np.testing.assert_array_equal(trained[2].numpy(), before[2] - 2)


def test_gradients_given_are_not_changed_by_clipping():
    gradient = fastdl.tensor([3.0, 4.0])
    optimizer, trained = optimizers.SGD(1.0, clipnorm=1.0), [fastdl.Variable([0.0, 0.0])]
    optimizer.apply([gradient], trained)
    assert gradient.tolist() == [3.0, 4.0]
    np.testing.assert_allclose(trained[0].numpy(), [-0.6, -0.8], rtol=2 * EPSILON)


def test_clipping_a_zero_gradient_gives_zero():
    optimizer, trained = optimizers.SGD(1.0, global_clipnorm=1.0), [fastdl.Variable([1.0])]
    optimizer.apply([[0.0]], trained)
    assert float(trained[0]) == 1.0


def test_constraint_holds_after_the_step():
    variable = fastdl.Variable([1.0, -1.0], constraint=lambda w: fastdl.relu(w))
    optimizers.SGD(1.0).apply([[0.0, 0.0]], [variable])
    assert variable.tolist() == [1.0, 0.0]


def test_moving_average_is_written_at_the_end():
    optimizer, trained = (
        optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5),
        [fastdl.Variable([0.0])],
    )
    optimizer.apply([[-1.0]], trained)  # value 1, average 1
    optimizer.apply([[-2.0]], trained)  # value 3, average 2
    assert float(trained[0]) == 3.0
    optimizer.finalize_variable_values(trained)
    assert float(trained[0]) == 2.0


def test_optimizer_of_ones_own():
    class Heavy(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.steps = self.add_optimizer_variables(variables, "step")

        def update_step(self, gradient, variable, learning_rate):
            step = self.steps[self._get_variable_index(variable)]
            self.assign(step, step * 0.9 + gradient * learning_rate)
            self.assign_sub(variable, step)

    own, peer = Heavy(0.1, weight_decay=0.05), optimizers.SGD(0.1, 0.9, weight_decay=0.05)
    ours, theirs = variables(), variables()
    for row in GOLDEN["gradients"][:5]:
        own.apply(arrays(row), ours)
        peer.apply(arrays(row), theirs)
    assert_near(flat(ours), flat(theirs), 5)
    assert own.variables[2].name == "dense_kernel_step"


def test_ftrl_stands_still_where_its_formula_would_divide_by_zero():
    trained = [fastdl.Variable([1.0, -2.0])]
    optimizer = optimizers.Ftrl(0.0, initial_accumulator_value=0.0)
    optimizer.apply([[1.0, 1.0]], trained)
    assert trained[0].tolist() == [1.0, -2.0]
    assert all(not v.numpy().any() for v in optimizer.variables[2:])
    optimizer.learning_rate = 0.1
    optimizer.apply([[0.0, 1.0]], trained)  # the first element has had no gradient yet
    assert float(trained[0][0]) == 1.0 and float(trained[0][1]) != -2.0


def test_ftrl_makes_exact_zeros():
    trained = [fastdl.Variable([1.0, 1.0])]
    optimizer = optimizers.Ftrl(0.1, l1_regularization_strength=0.5)
    for _ in range(3):
        optimizer.apply([[0.01, -3.0]], trained)
    assert float(trained[0][0]) == 0.0 and float(trained[0][1]) > 0.0


def test_nadam_goes_on_after_a_million_steps():
    """The product of the momenta has vanished then, and a step is that of mu = beta_1."""
    optimizer, trained = optimizers.Nadam(0.1), [fastdl.Variable([1.0])]
    optimizer.build(trained)
    optimizer._calls_variable.assign(10**6)
    optimizer.apply([[2.0]], trained)
    mean, root = 0.2, np.sqrt(0.004)
    expected = 1 - 0.1 * (0.9 * mean + 0.1 * 2.0) / (root + 1e-7)
    assert_near(flat(trained), np.array([expected]), 4)


WHOLE = {
    "lamb": lambda: optimizers.Lamb(0.01, weight_decay=0.1),
    "adafactor": lambda: optimizers.Adafactor(0.01, weight_decay=0.1),
    "muon": lambda: optimizers.Muon(0.01, exclude_layers=["out"]),
    "schedule-free": lambda: optimizers.ScheduleFreeAdamW(0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("name", WHOLE)
def test_excluded_variables_do_not_decay(name):
    trained, optimizer = variables(), WHOLE[name]()
    before = [v.numpy().copy() for v in trained]
    optimizer.exclude_from_weight_decay(var_names=["kernel"])
    for _ in range(2):  # the first step of schedule-free AdamW ends at its base in any case
        optimizer.apply([np.zeros(shape) for shape in SHAPES], trained)
    changes = [np.abs(v.numpy() - b).max() for v, b in zip(trained, before, strict=True)]
    assert [bool(change > 8 * EPSILON) for change in changes] == [False, True, False]


@pytest.mark.parametrize("name", WHOLE)
def test_missing_gradients_and_copies(name):
    trained, optimizer = variables(), WHOLE[name]()
    before = trained[1].numpy().copy()
    with pytest.warns(UserWarning, match="no gradient for dense/bias"):
        optimizer.apply([np.ones(SHAPES[0]), None, np.ones(SHAPES[2])], trained)
    np.testing.assert_array_equal(trained[1].numpy(), before)
    others, again = copy.deepcopy((trained, optimizer))
    for row in GOLDEN["gradients"][:3]:
        optimizer.apply(arrays(row), trained)
        again.apply(arrays(row), others)
    np.testing.assert_array_equal(flat(trained), flat(others))


def test_lamb_takes_plain_steps_where_a_norm_is_zero():
    trained = [fastdl.Variable([0.0, 0.0]), fastdl.Variable([3.0, 4.0])]
    optimizers.Lamb(0.1).apply([[1.0, -1.0], [0.0, 0.0]], trained)
    np.testing.assert_allclose(trained[0].numpy(), [-0.1, 0.1], rtol=4 * EPSILON)
    assert trained[1].tolist() == [3.0, 4.0]


def test_adafactor_keeps_a_row_and_a_column_of_each_matrix():
    trained = [fastdl.Variable(np.ones((4, 5, 6))), fastdl.Variable(np.ones(7))]
    optimizer = optimizers.Adafactor(0.1)
    optimizer.build(trained)
    assert [v.shape for v in optimizer.variables[2:]] == [(4, 5), (4, 6), (7,)]
    optimizer.apply([np.ones((4, 5, 6)), np.ones(7)], trained)
    assert np.unique(trained[0].numpy()).size == 1


def test_muon_orthogonalizes_matrices_only():
    """The third coefficients make the steps converge: singular values of 1, to a few roundings."""
    random = np.random.default_rng(0)
    for shape in ((3, 5), (5, 3)):
        start, gradient = np.zeros(shape, "f"), random.standard_normal(shape)
        variable = fastdl.Variable(start, name="w")
        exact = {"muon_a": 1.875, "muon_b": -1.25, "muon_c": 0.375, "ns_steps": 20}
        optimizers.Muon(1.0, rms_rate=None, **exact).apply([gradient], [variable])
        values = np.linalg.svd(variable.numpy().astype(float), compute_uv=False)
        np.testing.assert_allclose(values, 1.0, atol=32 * EPSILON)
        left, _, right = np.linalg.svd(gradient, full_matrices=False)
        np.testing.assert_allclose(variable.numpy(), -left @ right, atol=1e-5)


def test_muon_leaves_embeddings_biases_and_named_layers_to_adam():
    shapes = {"token_embedding/table": (4, 3), "dense/kernel": (3, 3), "dense/bias": (3,)}
    shapes["head/kernel"] = (3, 2)
    trained = [fastdl.nn.Parameter(np.ones(s), name=n, path=n) for n, s in shapes.items()]
    optimizer = optimizers.Muon(exclude_layers=["^head"])
    optimizer.build(trained)
    names = [v.name for v in optimizer.variables if v.name.endswith("velocity")]
    assert names == [
        f"{n}_velocity" for n in ("token_embedding_table", "dense_bias", "head_kernel")
    ]
    everything = optimizers.Muon(exclude_embeddings=False)
    everything.build([fastdl.Variable(np.ones((4, 3)), name="embedding", path="embedding")])
    assert not [v for v in everything.variables if v.name.endswith("velocity")]


def test_schedule_free_weights_lie_between_the_base_and_its_mean():
    trained = [fastdl.Variable([1.0, -1.0])]
    optimizer = optimizers.ScheduleFreeAdamW(0.1, beta_1=0.75)
    optimizer.build(trained)
    bases = []
    for gradient in ([1.0, 2.0], [0.5, -3.0], [-1.0, 0.1]):
        optimizer.apply([gradient], trained)
        bases.append(optimizer.variables[2].numpy().copy())
    mean = np.mean(bases, axis=0)
    np.testing.assert_allclose(flat(trained), 0.25 * bases[-1] + 0.75 * mean, rtol=8 * EPSILON)


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM", "adamw", "rmsprop", "RMSprop", "sgd"])
def test_names(name):
    assert type(optimizers.get(name)).__name__.lower() == name.lower()


def test_get_takes_objects_and_configs():
    optimizer = optimizers.SGD(0.5)
    assert optimizers.get(optimizer) is optimizer
    config = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    assert float(optimizers.get(config).learning_rate) == 0.5
    with pytest.raises(ValueError, match=r"unknown optimizer 'adm'.*'adam'"):
        optimizers.get("adm")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(-0.1), r"Adam: learning_rate: .*at least 0, got -0.1"),
        (
            lambda: optimizers.Adam("fast"),
            r"Adam: learning_rate: .* got 'fast'",
        ),
        (lambda: optimizers.Adam(float("nan")), r"learning_rate: .*got nan"),
        (lambda: optimizers.Adam(beta_1=1.0), r"Adam: beta_1: .*\[0, 1\), got 1.0"),
        (lambda: optimizers.AdamW(weight_decay=None), r"AdamW: weight_decay: .*None"),
        (lambda: optimizers.SGD(momentum=2), r"SGD: momentum: .*\[0, 1\], got 2"),
        (lambda: optimizers.RMSprop(epsilon=-1), r"RMSprop: epsilon: .*got -1"),
        (lambda: optimizers.Adadelta(rho=1.5), r"Adadelta: rho: .*1.5"),
        (lambda: optimizers.Nadam(beta_2=-1), r"Nadam: beta_2: .*got -1"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), r"Ftrl: learning_rate_power: .*got 0.5"),
        (lambda: optimizers.Muon(ns_steps=-1), r"Muon: ns_steps: .*got -1"),
        (lambda: optimizers.Muon(exclude_layers="out"), r"Muon: exclude_layers: .*got 'out'"),
        (lambda: optimizers.Muon(exclude_layers=["("]), r"Muon: exclude_layers: .*got '\('"),
        (lambda: optimizers.Adafactor(clip_threshold=0), r"Adafactor: clip_threshold: .*got 0"),
        (lambda: optimizers.ScheduleFreeAdamW(warmup_steps=1.5), r"warmup_steps: .*got 1.5"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), r"SGD: at most one of clipnorm"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), r"at least 2, got 1"),
        (lambda: optimizers.SGD().apply([[1.0]]), r"SGD.apply: .*not built yet"),
        (lambda: schedules.CosineDecay(0.1, 0), r"CosineDecay: decay_steps: .*above 0, got 0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), r"1 values and 1 boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([5, 2], [1, 2, 3]), r"ascending steps, got \[5"),
        (lambda: schedules.ExponentialDecay(0.1, 10, -0.5), r"decay_rate: .* at least 0, got -0.5"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=-1), r"power: expected a number of at l"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=-1), r"CosineDecay: warmup_steps: "),
        (lambda: schedules.CosineDecay(0.1, 10)("a"), r"CosineDecay: step: expected a number or"),
        (lambda: schedules.CosineDecay(0.1, 10)(None), r"step: expected .* array, got None"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("argument", "meant"), [("lr", "learning_rate"), ("clip_norm", "clipnorm"), ("beta1", "beta_1")]
)
def test_unknown_arguments(argument, meant):
    with pytest.raises(TypeError, match=f"Adam: unknown argument '{argument}'.*'{meant}'"):
        optimizers.Adam(**{argument: 0.1})


def test_bad_gradients_leave_everything_as_it_was():
    trained = variables()
    optimizer = optimizers.SGD(0.1)
    optimizer.build(trained)
    before = flat(trained)
    with pytest.raises(ValueError, match=r"expected shape \(3,\), got \(4,\)"):
        optimizer.apply([np.ones(SHAPES[0]), np.ones(4), np.ones(SHAPES[2])], trained)
    with pytest.raises(ValueError, match="one gradient for each of 3 variables, got 1"):
        optimizer.apply([np.ones(SHAPES[0])], trained)
    with pytest.raises(ValueError, match="is unknown"):
        optimizer.apply([[1.0]], [fastdl.Variable([1.0])])
    np.testing.assert_array_equal(flat(trained), before)
    assert int(optimizer.iterations) == 0


def test_bad_variables():
    variable = fastdl.Variable([1.0])
    with pytest.raises(ValueError, match="given twice"):
        optimizers.SGD().build([variable, variable])
    with pytest.raises(ValueError, match="at least one parameter"):
        optimizers.SGD().build([])
    with pytest.raises(TypeError, match="parameter 0: expected a tensor, got list"):
        optimizers.SGD().build([[1.0]])
    with pytest.raises(TypeError, match="expected float32, got int64"):
        optimizers.SGD().build([fastdl.tensor([1])])
    with pytest.raises(ValueError, match="expected a leaf, got a tensor that was computed"):
        optimizers.SGD().build([variable * 2])


def test_reprs_show_the_settings():
    schedule = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    text = (
        "ExponentialDecay(initial_learning_rate=0.1, decay_steps=10, decay_rate=0.9, "
        "staircase=False, name='ExponentialDecay')"
    )
    assert repr(schedule) == text
    assert repr(optimizers.SGD(0.1, name="mine")) == "<SGD name=mine, learning_rate=0.1>"
    assert repr(optimizers.Adam(schedule, name="a")) == f"<Adam name=a, learning_rate={text}>"
    assert repr(fastdl.regularizers.L1(0.5)) == "L1(l1=0.5)"
    assert repr(fastdl.initializers.Constant(2.0)) == "Constant(value=2.0)"
    assert repr(fastdl.constraints.UnitNorm()) == "UnitNorm(axis=0)"

    class Own(optimizers.schedules.LearningRateSchedule):
        pass

    assert repr(Own()) == "Own()"


# Names of settings that are read when the optimizer is made: the state depends on them.
_OF_THE_STATE = {"initial_accumulator_value", "ema_momentum", "gradient_accumulation_steps"}


def changeable():
    """Each built-in optimizer with the name of each number among its settings."""
    wrappers = ("LossScaleOptimizer", "MultiOptimizer", "Optimizer", "OptimizerMap")
    for name, cls in vars(optimizers).items():
        if isinstance(cls, type) and issubclass(cls, optimizers.Optimizer) and name not in wrappers:
            config = cls(weight_decay=0.01).get_config()
            for key, value in config.items():
                number = isinstance(value, float) and not isinstance(value, bool)
                if number and key != "learning_rate" and key not in _OF_THE_STATE:
                    yield name, key


@pytest.mark.parametrize("eager", [False, True], ids=["recorded", "eager"])
@pytest.mark.parametrize(("name", "key"), list(changeable()))
def test_settings_may_change_between_steps(name, key, eager):
    """An optimizer whose setting changes goes on as one that was made with the new setting."""
    x = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)

    def make(config):
        fastdl.manual_seed(1)
        stack = [layers.Input((5,)), layers.Dense(6, activation="tanh"), layers.Dense(2)]
        model = models.Sequential(stack)
        model.compile(getattr(optimizers, name).from_config(config), "mse", run_eagerly=eager)
        return model

    def fit(model):
        model.fit(x, x[:, :2], batch_size=8, epochs=2, verbose=0, shuffle=False)
        return model.get_weights()

    config = getattr(optimizers, name)(weight_decay=0.01).get_config()
    config["learning_rate"] = 0.05
    if "momentum" in config:  # without momentum there is no state for it
        config["momentum"] = 0.5
    new = config[key] * 0.5 + 0.004
    model, other = make(config), make({**config, key: new})
    fit(model)
    other.optimizer.build(other.trainable_weights)
    other.set_weights(model.get_weights())
    other.optimizer.set_weights([np.array(v.numpy()) for v in model.optimizer.variables])
    setattr(model.optimizer, key, new)
    for got, wanted in zip(fit(model), fit(other), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(
    ("make", "key", "value"),
    [
        (lambda **kw: optimizers.SGD(0.1, **kw), "momentum", 0.9),
        (lambda **kw: optimizers.RMSprop(0.1, **kw), "momentum", 0.9),
        (lambda **kw: optimizers.RMSprop(0.1, momentum=0.5, centered=True, **kw), "momentum", 0.0),
        (lambda **kw: optimizers.Adam(0.1, **kw), "amsgrad", True),
    ],
)
def test_a_setting_that_needs_other_state_is_refused(make, key, value, average):
    """Else it would take the state of another option, such as the moving average, for its own."""
    w = fastdl.Variable([1.0, 2.0])
    optimizer = make(use_ema=average)
    optimizer.apply([[1.0, 1.0]], [w])
    before = w.numpy().copy()
    setattr(optimizer, key, value)
    with pytest.raises(ValueError, match="its settings now need the state"):
        optimizer.apply([[1.0, 1.0]], [w])
    np.testing.assert_array_equal(w.numpy(), before)
