"""Plans: the recorded calls, replays with the bits of an eager run, and steps without a plan."""

import numpy as np
import pytest
import runs
from plans import chains, random, recorded

import fastdl
from fastdl import _core


def test_replay_follows_its_inputs():
    x = fastdl.tensor(random(4, 3))
    w = fastdl.tensor(random(3, 2, seed=1))
    plan = recorded(lambda x: fastdl.tanh(x @ w) * 2.0, [x])
    other = random(4, 3, seed=2)
    (out,) = plan.replay([fastdl.tensor(other)])
    np.testing.assert_array_equal(
        out.numpy(), (fastdl.tanh(fastdl.tensor(other) @ w) * 2.0).numpy()
    )


def test_state_in_place_accumulates_and_parameters_are_read_anew():
    x, total = fastdl.tensor(random(5)), fastdl.zeros(())
    w = fastdl.tensor(2.0)

    def step(x):
        _core.add_(total, fastdl.sum(x * w))
        return total

    plan = recorded(step, [x])
    before = total.item()
    plan.replay([x])
    assert total.item() == np.float32(before) + np.float32(before)
    _core.assign_(w, 0.0)
    now = total.item()
    plan.replay([x])
    assert total.item() == now


def test_memory_filled_outside_of_ops_is_restored_at_each_replay():
    x = fastdl.tensor(random(3))

    def step(x):
        buffer = fastdl.zeros(3)
        _core.add_(buffer, x)
        return buffer * 1.0

    plan = recorded(step, [x])
    for _ in range(3):
        (out,) = plan.replay([x])
        np.testing.assert_array_equal(out.numpy(), x.numpy())


def test_dead_calls_are_dropped_and_assignments_elided():
    x, home = fastdl.tensor(random(8, 4)), fastdl.zeros(8, 4)

    def step(x):
        fastdl.exp(x)  # its result is not used
        _core.assign_(home, fastdl.relu(x))
        return fastdl.sum(home)

    plan = recorded(step, [x])
    names = [line.split("(")[0] for line in str(plan).splitlines()]
    assert names == ["relu", "sum"]
    plan.replay([fastdl.tensor(-np.ones((8, 4), np.float32))])
    np.testing.assert_array_equal(home.numpy(), 0)


def test_assignment_is_kept_where_the_target_is_read_before():
    x, home = fastdl.tensor(random(4)), fastdl.tensor(random(4, seed=1))

    def step(x):
        y = fastdl.exp(x)
        old = home + 0.0  # reads the target after y was made
        _core.assign_(home, y)
        return old

    plan = recorded(step, [x])
    first = home.numpy().copy()
    other = fastdl.tensor(random(4, seed=5))
    (old,) = plan.replay([other])
    np.testing.assert_array_equal(old.numpy(), first)
    np.testing.assert_array_equal(home.numpy(), fastdl.exp(other).numpy())


def test_intermediates_share_memory():
    x = fastdl.tensor(random(40, 40))

    def step(x):
        for _ in range(20):
            x = x @ x
        return fastdl.sum(x)

    plan = recorded(step, [x])
    assert plan.arena_bytes <= 2 * 6400 + 64  # two buffers take turns


def test_elementwise_calls_write_over_inputs_that_nobody_reads_again():
    x, y = fastdl.tensor(random(40, 30)), fastdl.tensor(random(40, 30, seed=1))

    def step(x, y):
        kept = fastdl.tanh(x)
        z = fastdl.exp(kept * y)  # one new array for both
        return fastdl.sum(z * kept)  # written over either

    plan = recorded(step, [x, y])
    assert plan.arena_bytes == 2 * 4800
    (got,) = plan.replay([y, x])
    assert got.item() == step(y, x).item()


def test_elementwise_calls_of_one_shape_run_tile_by_tile():
    a, b = random(300, 100), random(300, 100, seed=1)
    row, column = random(100, seed=2), random(300, 1, seed=3)
    factor = fastdl.tensor(1.5)

    def step(a, b, row, column):
        y = fastdl.tanh(a) * factor + b * b
        y = fastdl.where(y > 0.25, y * row, fastdl.exp(y) - column)
        return y, fastdl.sum(fastdl.sigmoid(fastdl.reshape(a, (-1,))) * 2.0)

    inputs = [fastdl.tensor(v) for v in (a, b, row, column)]
    plan = recorded(step, inputs)
    assert chains(plan) == [
        ["tanh", "mul", "mul", "add", "gt", "mul", "exp", "sub", "where"],
        ["sigmoid", "mul"],
        ["sum"],
    ]
    assert plan.arena_bytes <= 4 * 30000 + 64  # `sum` reads it; all else stays in tiles
    other = [fastdl.tensor(v[::-1].copy()) for v in (a, b, row, column)]
    want = [t.numpy().copy() for t in step(*other)]
    for threads in (1, 2, 3):
        before = fastdl.get_num_threads()
        fastdl.set_num_threads(threads)
        try:
            got = [t.numpy().copy() for t in plan.replay(other)]
        finally:
            fastdl.set_num_threads(before)
        for x, y in zip(want, got, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("shape", [(2, 4096), (8192,), (3, 3000), (9001,), (4097, 2), (5, 1, 2000)])
def test_tiles_that_do_not_divide_the_work(shape):
    x = random(*shape)
    last = random(shape[-1], seed=4)
    inputs = [fastdl.tensor(x), fastdl.tensor(last)]
    plan = recorded(lambda x, last: fastdl.exp(x * 0.5) - last * x, inputs)
    assert len(chains(plan)) == 1
    other = random(*shape, seed=9)
    (got,) = plan.replay([fastdl.tensor(other), fastdl.tensor(last)])
    want = np.exp(other.astype("f8") * 0.5) - last * other.astype("f8")
    np.testing.assert_allclose(got.numpy(), want, rtol=8 * 2**-23, atol=8 * 2**-23)


def test_an_error_within_a_chain_is_the_op_s_own():
    base, power = np.full(20000, 2, np.int32), np.full(20000, 3, np.int32)
    plan = recorded(lambda b, p: (b + b) ** (p + p), [fastdl.tensor(base), fastdl.tensor(power)])
    assert len(chains(plan)) == 1
    power[17000] = -1
    with pytest.raises(ValueError, match="pow: integers cannot be raised to a negative power"):
        plan.replay([fastdl.tensor(base), fastdl.tensor(power)])
    power[17000] = 3
    (got,) = plan.replay([fastdl.tensor(base), fastdl.tensor(power)])
    np.testing.assert_array_equal(got.numpy(), 4**6)


def test_random_ops_draw_as_in_eager_runs():
    x = fastdl.tensor(np.ones((64, 32), np.float32))

    def step(x):
        return _core.dropout(x, 0.5)

    fastdl.manual_seed(7)
    eager = [step(x).numpy().copy() for _ in range(4)]
    fastdl.manual_seed(7)
    plan = recorded(step, [x])
    replayed = [plan.outputs[0].numpy().copy()]
    replayed += [plan.replay([x])[0].numpy().copy() for _ in range(3)]
    for a, b in zip(eager, replayed, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(eager[0], eager[1])


@pytest.mark.parametrize("read", ["item", "numpy", "tolist", "__bool__", "__float__"])
def test_reading_a_value_within_the_step_is_a_problem(read):
    x = fastdl.tensor(random(1))
    with pytest.raises(RuntimeError, match="was read in Python within the step"):
        recorded(lambda x: (getattr(x * 2.0, read)(), x + 1.0)[1], [x])


def test_reading_a_constant_is_none():
    x, constant = fastdl.tensor(random(3)), fastdl.tensor([2.0])
    plan = recorded(lambda x: x * constant * constant.item(), [x])
    np.testing.assert_array_equal(plan.replay([x])[0].numpy(), x.numpy() * 4)


def test_wrong_inputs_are_refused_and_name_what_was_recorded():
    x = fastdl.tensor(random(4, 3))
    plan = recorded(lambda x: x + 1.0, [x])
    with pytest.raises(TypeError, match=r"input 0 was recorded with dtype float32, got int64"):
        plan.replay([fastdl.tensor(np.zeros((4, 3), np.int64))])
    with pytest.raises(ValueError, match=r"input 0 was recorded with shape \(4, 3\), got \(4, 2\)"):
        plan.replay([fastdl.zeros(4, 2)])
    with pytest.raises(ValueError, match="expected 1 inputs, got 0"):
        plan.replay([])


def test_one_recorder_at_a_time_and_none_left_behind_by_an_error():
    recorder = _core.Recorder()
    with pytest.raises(RuntimeError, match="already being recorded"):
        _core.Recorder()
    recorder.stop()

    def bad(x):
        raise KeyError("inside")

    with pytest.raises(KeyError):
        recorded(bad, [fastdl.zeros(1)])
    _core.Recorder().stop()


def test_loop_checks_its_arguments():
    x = fastdl.tensor(random(4, 3))
    plan = recorded(lambda x: fastdl.sum(x), [x])
    data = fastdl.tensor(random(10, 3))

    def loop(data=data, indices=None, first=0, batch=4, steps=2):
        return _core.run_loop(plan, [(data, 0)], [], [], indices, first, batch, steps, 1e9)

    assert loop() == 2
    with pytest.raises(IndexError, match="3 batches of 4 from sample 0 exceed the 10 samples"):
        loop(steps=3)
    with pytest.raises(ValueError, match=r"recorded with shape \(4, 3\), got batches of shape \(5"):
        loop(batch=5)
    with pytest.raises(TypeError, match="recorded with dtype float32, got int32"):
        loop(data=fastdl.tensor(np.zeros((10, 3), np.int32)))
    with pytest.raises(IndexError, match="index 10 is out of range for 10 samples"):
        loop(indices=fastdl.tensor(np.array([0, 1, 2, 10])), steps=1)
    with pytest.raises(ValueError, match="batch of at least 1"):
        loop(batch=0)


@pytest.mark.parametrize("width", [1, 3, 700, 5000])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_loop_gathers_the_rows_that_the_indices_name(threads, width):
    data = np.arange(50 * width, dtype=np.float32).reshape(50, width)
    labels = np.arange(50)
    seen, seen_labels = fastdl.zeros(30, width), fastdl.tensor(np.zeros(30, np.int64))
    x, y = fastdl.tensor(data[:6]), fastdl.tensor(labels[:6])

    def step(x, y):  # the rest of earlier batches moves up
        older = fastdl.concat([seen[6:], x])
        older_labels = fastdl.concat([seen_labels[6:], y])
        _core.assign_(seen, older)
        _core.assign_(seen_labels, older_labels)
        return fastdl.sum(x)

    plan = recorded(step, [x, y])
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(threads)
    try:
        for seed in range(10):
            order = np.random.default_rng(seed).permutation(50)
            feeds = [(fastdl.tensor(data), 0), (fastdl.tensor(labels), 1)]
            done = _core.run_loop(plan, feeds, [], [], fastdl.tensor(order), 7, 6, 5, 1e9)
            assert done == 5
            np.testing.assert_array_equal(seen.numpy(), data[order[7:37]])
            np.testing.assert_array_equal(seen_labels.numpy(), labels[order[7:37]])
    finally:
        fastdl.set_num_threads(before)


def test_public_plan_gives_results_of_ones_own():
    runs.count.clear()

    @fastdl.plan
    def scores(x, w):
        runs.count["scores"] += 1
        return {"p": fastdl.softmax(x @ w, -1)}

    w = fastdl.tensor(random(3, 2))
    inputs = [fastdl.tensor(random(4, 3, seed=s)) for s in range(6)]
    results = [scores(x, w)["p"] for x in inputs]
    assert runs.count["scores"] == 2
    for x, p in zip(inputs, results, strict=True):
        np.testing.assert_array_equal(p.numpy(), fastdl.softmax(x @ w, -1).numpy())
    scores(inputs[0], fastdl.tensor(random(3, 5)))  # another shape, another recording
    assert runs.count["scores"] == 3


def test_public_plan_runs_eagerly_what_it_cannot_record():
    @fastdl.plan
    def positive(x):
        return x if fastdl.sum(x).item() > 0 else -x

    ones = fastdl.tensor(np.ones(3, np.float32))
    positive(ones)
    with pytest.warns(UserWarning, match="runs eagerly, without a plan: the value of a tensor"):
        positive(ones)
    np.testing.assert_array_equal(positive(-ones).numpy(), 1)


def identity_models():
    inputs = fastdl.Input(shape=(2, 3))
    flat = fastdl.layers.Flatten()(inputs)
    return {
        "reshaped": (fastdl.Model(inputs, flat), lambda x: [x.reshape(-1, 6)]),
        "itself and more": (
            fastdl.Model(inputs, [inputs, fastdl.layers.Dense(1)(flat)]),
            lambda x: [x],
        ),
    }


@pytest.mark.parametrize("name", ["reshaped", "itself and more"])
def test_outputs_that_are_inputs_follow_the_data(name):
    model, expected = identity_models()[name]
    x = random(40, 2, 3)
    for _ in range(3):
        got = model.predict(x, batch_size=8, verbose=0)
        first = got[0] if isinstance(got, list) else got
        np.testing.assert_array_equal(first, expected(x)[0])


def test_inputs_changed_within_the_step_leave_the_data_alone():
    x = fastdl.tensor(random(4, 3))

    def step(x):
        x -= fastdl.mean(x, 0, True)
        return fastdl.sum(x * x)

    plan = recorded(step, [x])
    data = random(8, 3)
    data.flags.writeable = False
    want = [step(fastdl.tensor(data[i : i + 4])).item() for i in (0, 4)]
    for i in range(2):
        done = _core.run_loop(plan, [(fastdl.as_tensor(data), 0)], [], [], None, 4 * i, 4, 1, 1e9)
        assert done == 1 and plan.outputs[0].item() == want[i]


def test_values_in_the_memory_of_the_plan():
    a, b = fastdl.tensor([1.0]), fastdl.tensor([2.0])
    plan = recorded(lambda a, b: (b, a, a - b), [a, b])
    swapped = plan.replay(plan.outputs[:2])
    assert [t.item() for t in swapped] == [1, 2, 1]


def test_a_bad_label_leaves_model_and_optimizer_as_they_were():
    model = fastdl.Sequential([fastdl.layers.Dense(4, activation="relu"), fastdl.layers.Dense(3)])
    loss = fastdl.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    x, y = random(16, 5), np.arange(16) % 3
    for _ in range(3):
        model.train_on_batch(x, y)
    bad = y.copy()
    bad[7] = 3
    before = model.get_weights(), int(model.optimizer.iterations)
    with pytest.raises(ValueError, match="label 3"):
        model.train_on_batch(x, bad)
    for a, b in zip(before[0], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations) == before[1]

    other = fastdl.models.clone_model(model)
    other.compile("sgd", loss)
    other.set_weights(model.get_weights())
    want = other.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] == want
    model.train_on_batch(x, y)
    assert int(model.optimizer.iterations) == before[1] + 1


def test_an_error_amid_a_replay_stops_before_what_follows():
    state, labels = fastdl.zeros(3), fastdl.tensor(np.array([0, 1, 1]))

    def step(x, labels):
        loss = _core.sparse_softmax_cross_entropy(x, labels, -1)
        _core.add_(state, loss)
        return loss * 1.0

    x = fastdl.tensor(random(3, 2))
    plan = recorded(step, [x, labels])
    first = state.numpy().copy()
    with pytest.raises(ValueError, match="label 2 of sample 1"):
        plan.replay([x, fastdl.tensor(np.array([0, 2, 1]))])
    np.testing.assert_array_equal(state.numpy(), first)
    plan.replay([x, fastdl.tensor(np.array([0, 1, 1]))])
    np.testing.assert_array_equal(state.numpy(), first + first)


def test_one_array_through_two_tensors_is_a_problem_if_it_is_changed():
    array = random(4)
    a, b = fastdl.as_tensor(array), fastdl.as_tensor(array)
    recorded(lambda x: a * b * x, [fastdl.ones(4)])  # read only: none

    def step(x):
        _core.assign_(a, fastdl.exp(x))
        return b + 0.0

    with pytest.raises(RuntimeError, match="also uses through another tensor"):
        recorded(step, [fastdl.ones(4)])


def test_arrays_of_the_step_that_it_changes_are_a_problem():
    def step(x):
        total = fastdl.as_tensor(np.zeros(4, np.float32))
        _core.add_(total, x)
        return total * 1.0

    with pytest.raises(RuntimeError, match="became a tensor within the step was changed in place"):
        recorded(step, [fastdl.ones(4)])


def test_memory_read_before_it_is_changed_is_restored_too():
    def step(x):
        total = fastdl.zeros(4)
        seen = total + x
        _core.add_(total, seen)
        return total * 1.0

    plan = recorded(step, [fastdl.ones(4)])
    for _ in range(2):
        assert plan.replay([fastdl.ones(4)])[0].tolist() == [1] * 4


def test_a_recording_becomes_one_plan():
    recorder = _core.Recorder()
    y = fastdl.ones(2) + 1.0
    _core.Plan(recorder, [], [y])
    with pytest.raises(RuntimeError, match="made into a plan already"):
        _core.Plan(recorder, [], [y])


def test_loops_too_long_to_count():
    plan = recorded(lambda x: x + 1.0, [fastdl.ones(3)])
    with pytest.raises(ValueError, match="more than there can be"):
        _core.run_loop(plan, [], [], [], None, 2**62, 2**62, 2**62, 1.0)
    with pytest.raises(TypeError, match="data of input 0 are None"):
        _core.run_loop(plan, [(None, 0)], [], [], None, 0, 3, 1, 1.0)


def test_arguments_are_not_changed():
    @fastdl.plan
    def doubled(x):
        x.mul_(2.0)
        return x + 1.0

    x = fastdl.arange(3.0)
    for _ in range(4):
        assert doubled(x).tolist() == [1.0, 3.0, 5.0]
        assert x.tolist() == [0.0, 1.0, 2.0]


# --- chains


@pytest.mark.parametrize("threads", [1, 3])
def test_chains_with_rows_and_columns(threads):
    """All kinds of operands: whole, one row, one column, one number, and partial."""
    rng = np.random.default_rng(3)
    shape = (37, 6, 50)
    whole = [fastdl.tensor(rng.standard_normal(shape).astype("f4")) for _ in range(2)]
    row, column = fastdl.tensor(random(6, 50, seed=5)), fastdl.tensor(random(37, 1, 1, seed=6))
    partial, last = fastdl.tensor(random(6, 1, seed=7)), fastdl.tensor(random(50, seed=8))
    mask = fastdl.tensor(rng.random((37, 1, 1)) > 0.5)

    def step(a, b):
        y = fastdl.relu(a * row + column) * b
        z = fastdl.where(mask, y, a - column)
        z = fastdl.maximum(column, z) * partial + last
        return fastdl.where(y > 0.5, z * z, fastdl.exp(row) * y), z < y, z

    plan = recorded(step, whole)
    assert max(len(c) for c in chains(plan)) > 8
    other = [fastdl.tensor(t.numpy()[::-1].copy()) for t in whole]
    want = [t.numpy().copy() for t in step(*other)]
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(threads)
    try:
        got = [t.numpy().copy() for t in plan.replay(other)]
    finally:
        fastdl.set_num_threads(before)
    for w, g in zip(want, got, strict=True):
        np.testing.assert_array_equal(w, g)


def test_chains_of_many_calls_and_types():
    x = fastdl.tensor(random(9001))

    def step(x):
        kept, y = [], x
        for i in range(40):
            y = fastdl.sin(y * 1.5) + (y > 0.25)
            if i % 7 == 0:
                kept.append(y)
        whole = _core.cast(y * 100.0, "int32")
        for k in kept:
            whole = whole + _core.cast(k * 10.0, "int32")
        return y, whole + whole

    plan = recorded(step, [x])
    assert len(chains(plan)) == 1
    assert plan.arena_bytes == 0  # the whole chain works in tiles
    other = fastdl.tensor(random(9001, seed=2))
    for w, g in zip(step(other), plan.replay([other]), strict=True):
        np.testing.assert_array_equal(w.numpy(), g.numpy())
