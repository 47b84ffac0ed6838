"""Generators are memory: several of them, in recorded steps too."""

import copy
import pickle
import threading

import numpy as np
import pytest

import fastdl
from fastdl import _core
from fastdl._base import functional

DRAWS = {
    "uniform": lambda g=None: functional.uniform([5], generator=g),
    "normal": lambda g=None: functional.normal([5], generator=g),
    "truncated_normal": lambda g=None: functional.truncated_normal([5], generator=g),
    "randint": lambda g=None: functional.randint([5], low=0, high=1 << 40, generator=g),
    "bernoulli": lambda g=None: functional.bernoulli(np.full(64, 0.5, "float32"), generator=g),
    "permutation": lambda g=None: functional.permutation(40, generator=g),
    "dropout": lambda g=None: functional.dropout(np.ones(64, "float32"), rate=0.5, generator=g),
}
every_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@every_draw
def test_a_generator_of_ones_own_gives_the_librarys_stream(draw):
    fastdl.manual_seed(11)
    expected = [draw().numpy() for _ in range(3)]
    end = fastdl.get_rng_state()
    own = _core.make_generator(11)
    for values in expected:
        np.testing.assert_array_equal(draw(own).numpy(), values)
    assert _core.get_rng_state(own) == end == fastdl.get_rng_state()


@every_draw
def test_recorded_steps_go_on_with_the_generator_they_drew_from(draw):
    own, twin = (fastdl.Generator().manual_seed(3) for _ in range(2))
    outside = fastdl.get_rng_state()

    def step(generator):
        with generator:
            return draw()

    recorder = _core.Recorder()
    first = step(own)
    recorder.stop()
    assert not recorder.problem
    first = first.numpy().copy()
    plan = _core.Plan(recorder, [], [])
    np.testing.assert_array_equal(first, step(twin).numpy())
    for _ in range(3):
        plan.replay()
        step(twin)
        assert own.get_state() == twin.get_state()
    own.set_state((5, 9))  # a replay continues from it
    plan.replay()
    twin.set_state((5, 9))
    step(twin)
    assert own.get_state() == twin.get_state()
    assert fastdl.get_rng_state() == outside


def test_replayed_values_follow_the_state():
    own = fastdl.Generator().manual_seed(3)
    recorder = _core.Recorder()
    with own:
        out = functional.uniform([4])
    recorder.stop()
    plan = _core.Plan(recorder, [], [out])
    for state in ((3, 0), (8, 100)):
        own.set_state(state)
        fastdl.set_rng_state(state)
        np.testing.assert_array_equal(plan.replay()[0].numpy(), functional.uniform([4]).numpy())


def test_a_result_that_nobody_needs_still_takes_its_numbers():
    generator = _core.make_generator(1)
    recorder = _core.Recorder()
    functional.uniform([8], generator=generator)
    kept = functional.uniform([8], generator=generator)
    recorder.stop()
    plan = _core.Plan(recorder, [], [kept])
    plan.replay()
    assert _core.get_rng_state(generator) == (1, 8)


def test_the_replacement_is_the_threads_own():
    fastdl.manual_seed(4)
    seen = []
    with fastdl.Generator().manual_seed(9):
        thread = threading.Thread(target=lambda: seen.append(fastdl.get_rng_state()))
        thread.start()
        thread.join()
        assert fastdl.initial_seed() == 9
    assert seen == [(4, 0)] and fastdl.initial_seed() == 4


def test_copies_go_their_own_way():
    g = fastdl.Generator().manual_seed((1 << 64) - 1)
    fastdl.rand(5, generator=g)
    for other in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert other.get_state() == g.get_state() == ((1 << 64) - 1, 2)
        fastdl.rand(1, generator=other)
        assert other.get_state() != g.get_state()
