"""Weights that prediction packs once: same bits, never an old weight, bounded memory."""

import gc

import children
import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models, nn

MANY = 6  # an unchanged weight is packed after this many replays


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def dense_model(inputs=120, units=70):
    model = models.Sequential([layers.Input((inputs,)), layers.Dense(units, activation="tanh")])
    model.compile("sgd", "mse")
    return model


def predicted(model, x, times=MANY):
    """The prediction. It has the same bits each time."""
    results = [model.predict_on_batch(x) for _ in range(times)]
    for r in results[1:]:
        np.testing.assert_array_equal(r, results[0])
    return results[0]


def fresh(model, x):
    """The first, eager prediction of a new model with the same weights."""
    new = dense_model(*model.weights[0].shape)
    new.set_weights(model.get_weights())
    return new.predict_on_batch(x)


@pytest.fixture(autouse=True)
def _nothing_is_left():
    gc.collect()
    before = _core.prepacked_bytes()
    yield
    gc.collect()
    assert _core.prepacked_bytes() == before


@pytest.mark.parametrize("rows", [5, 8, 13, 64])
@pytest.mark.parametrize(("inputs", "units"), [(16, 16), (17, 49), (300, 95), (257, 513)])
def test_packed_weights_give_the_same_bits(rows, inputs, units):
    model, x = dense_model(inputs, units), random(rows, inputs)
    got = predicted(model, x)
    assert _core.prepacked_bytes() >= 4 * inputs * units
    np.testing.assert_array_equal(got, fresh(model, x))


@pytest.mark.parametrize("rows", [5, 33])
def test_a_weight_stored_transposed(rows):
    linear, x = nn.Linear(90, 40), fastdl.tensor(random(rows, 90))
    step = fastdl.plan(lambda x: linear(x))
    with fastdl.no_grad():
        want = linear(x).numpy().copy()
        for _ in range(MANY):
            np.testing.assert_array_equal(step(x).numpy(), want)
    assert _core.prepacked_bytes() >= 4 * 90 * 40


def set_weights(model):
    model.set_weights([2 * w for w in model.get_weights()])


def assign(model):
    model.weights[0].assign(model.weights[0] * 0.5)


def train(model):
    model.train_on_batch(random(9, 120, seed=3), random(9, 70, seed=4))


def fit(model):
    model.fit(random(64, 120, seed=3), random(64, 70, seed=4), batch_size=16, epochs=2, verbose=0)


def write_through_numpy(model):
    np.asarray(model.weights[0])[...] *= 3


def write_through_memory(model):
    memoryview(model.weights[0].detach())[0, 0] += 7.0


@pytest.mark.parametrize(
    "change", [set_weights, assign, train, fit, write_through_numpy, write_through_memory]
)
def test_a_changed_weight_is_seen_at_once(change):
    model, x = dense_model(), random(11, 120)
    predicted(model, x)
    for _ in range(3):
        before = predicted(model, x)
        change(model)
        after = predicted(model, x)
        assert not np.array_equal(before, after)
        np.testing.assert_array_equal(after, fresh(model, x))


def test_an_array_that_shares_a_weight_may_write_at_any_time():
    model, x = dense_model(), random(11, 120)
    predicted(model, x)
    shared = np.asarray(model.weights[0])
    held = _core.prepacked_bytes()
    for factor in (2, 3, 4):
        predicted(model, x)
        shared *= factor
        np.testing.assert_array_equal(model.predict_on_batch(x), fresh(model, x))
    assert _core.prepacked_bytes() < held or held == 0
    shared[...] = random(120, 70, seed=5)
    del shared
    np.testing.assert_array_equal(predicted(model, x), fresh(model, x))


def test_plans_share_the_copy():
    model = dense_model()
    before = _core.prepacked_bytes()
    predicted(model, random(11, 120))
    one = _core.prepacked_bytes() - before
    assert one > 0
    for rows in (12, 13, 14):
        predicted(model, random(rows, 120))
    assert _core.prepacked_bytes() - before == one


def test_copies_are_bounded():
    model = dense_model(3000, 3000)  # 36 MB
    x = random(8, 3000)
    got = predicted(model, x)
    assert _core.prepacked_bytes() < 2**25
    np.testing.assert_array_equal(got, fresh(model, x))


def test_weights_of_others_and_few_rows_are_not_packed():
    shared = random(64, 64)
    w, before = fastdl.as_tensor(shared), _core.prepacked_bytes()
    step = fastdl.plan(lambda x: _core.linear(x, w, None, False, ""))
    for _ in range(MANY):
        step(fastdl.tensor(random(9, 64)))
    model = dense_model()
    predicted(model, random(4, 120))
    assert _core.prepacked_bytes() == before


def test_a_weight_that_is_an_input_of_the_plan():
    step = fastdl.plan(lambda x, w: _core.linear(x, w, None, False, ""))
    x = fastdl.tensor(random(9, 64))
    for seed in range(MANY):
        w = fastdl.tensor(random(64, 64, seed=seed))
        np.testing.assert_array_equal(
            step(x, w).numpy(), _core.linear(x, w, None, False, "").numpy()
        )


def test_no_memory_for_a_packed_weight(tmp_path):
    """The weight is then read unpacked, with the same result. It is packed when there is memory."""
    code = """
import resource
import numpy as np, fastdl
from fastdl import _core, layers
rng = np.random.default_rng(0)
x = rng.standard_normal((64, 1024)).astype(np.float32)
model = fastdl.Sequential([layers.Input((1024,)), layers.Dense(4096)])
model.compile("sgd", "mse")
want = model.predict_on_batch(x)
model.predict_on_batch(x)
_core.empty_cache()
now = int(open("/proc/self/statm").read().split()[0]) * 4096
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (now + (12 << 20), limits[1]))  # results: 1 MB, weight: 16
for _ in range(6):
    assert np.array_equal(model.predict_on_batch(x), want)
refused = _core.prepacked_bytes() == 0
resource.setrlimit(resource.RLIMIT_AS, limits)
model.set_weights([2 * w for w in model.get_weights()])
for _ in range(6):
    assert np.array_equal(model.predict_on_batch(x), 2 * want)
print(refused, _core.prepacked_bytes() >= 16 << 20)
"""
    assert children.output(code, tmp_path) == "True True\n"
