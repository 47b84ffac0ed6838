"""Ctrl-C within one long call: the call stops, and the state is as before the call.

A timer thread sends the signal while the call computes. A stopped call raises, so no test compares
times. The products are so large that they take many times the delay.
"""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import fastdl
from fastdl import _core

SIZE = 3072  # their product takes at least 0.2 seconds on any CPU that runs the tests


def raise_soon(seconds=0.02):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def large(n=SIZE):
    return fastdl.tensor(np.ones((n, n), np.float32))


@pytest.fixture
def handler():
    """Counts SIGINT and lets the program go on."""
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    yield seen
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_eager_product_is_stopped(threads):
    before = _core.num_threads()
    _core.set_num_threads(threads)
    try:
        a, b = large(), large()
        with pytest.raises(KeyboardInterrupt):
            raise_soon()
            for _ in range(100):
                _core.matmul(a, b)
        np.testing.assert_array_equal(_core.matmul(a, b).numpy()[:3, :3], SIZE)
    finally:
        _core.set_num_threads(before)


def test_a_handler_that_goes_on_gets_the_whole_product(handler):
    a, b = large(), large()
    timer = raise_soon()
    c = _core.matmul(a, b)
    while not handler:
        c = _core.matmul(a, b)
    timer.join()
    np.testing.assert_array_equal(c.numpy(), np.full((SIZE, SIZE), SIZE, np.float32))


def test_a_product_in_a_plan_is_stopped(handler):
    a, w = large(), large()
    recorder = _core.Recorder()
    out = _core.matmul(a, w)
    recorder.stop()
    plan = _core.Plan(recorder, [a], [out])
    # If the handler returns, the call starts again and the replay is complete.
    timer = raise_soon()
    plan.replay([a])
    while not handler:
        plan.replay([a])
    timer.join()
    np.testing.assert_array_equal(plan.outputs[0].numpy()[::97], SIZE)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        raise_soon()
        for _ in range(100):
            plan.replay([a])
    (again,) = plan.replay([a])
    np.testing.assert_array_equal(again.numpy()[::97], SIZE)


def test_a_convolution_with_its_tail_is_stopped(handler):
    """The tail overwrites the result of the convolution, which starts again from the beginning."""
    rng = np.random.default_rng(0)
    x = _core.tensor(rng.standard_normal((8, 128, 128, 64)).astype(np.float32))
    w = _core.tensor(rng.standard_normal((3, 3, 64, 64)).astype(np.float32))

    def step(x):
        y = _core.conv(x, w, low=[1, 1], high=[1, 1])
        return _core.relu(_core.add(_core.mul(y, 2.0), x))

    recorder = _core.Recorder()
    out = step(x)
    recorder.stop()
    plan = _core.Plan(recorder, [x], [out])
    assert str(plan).count("with it: ") == 3
    wanted = step(x).numpy().copy()
    for delay in (0.004, 0.008, 0.012, 0.016):
        before = len(handler)
        timer = raise_soon(delay)
        while len(handler) == before:
            plan.replay([x])
            np.testing.assert_array_equal(plan.outputs[0].numpy(), wanted)
        timer.join()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        raise_soon()
        for _ in range(1000):
            plan.replay([x])
    np.testing.assert_array_equal(plan.replay([x])[0].numpy(), wanted)


def test_a_convolution_that_places_parts_is_stopped(handler):
    """Its tail cuts and joins its rows, and does so again when the convolution starts again."""
    rng = np.random.default_rng(0)
    x = _core.tensor(rng.standard_normal((8, 128, 128, 48)).astype(np.float32))
    w = _core.tensor(rng.standard_normal((3, 3, 48, 40)).astype(np.float32))

    def step(x):
        a, b = _core.split(_core.conv(x, w, low=[1, 1], high=[1, 1]), [13, 27], -1)
        return _core.relu(_core.concat([_core.tanh(b), x, a], -1))

    recorder = _core.Recorder()
    out = step(x)
    recorder.stop()
    plan = _core.Plan(recorder, [x], [out])
    assert str(plan).count("with it: copy") == 4
    wanted = step(x).numpy().copy()
    for delay in (0.004, 0.008, 0.012, 0.016):
        before = len(handler)
        timer = raise_soon(delay)
        while len(handler) == before:
            plan.replay([x])
            np.testing.assert_array_equal(plan.outputs[0].numpy(), wanted)
        timer.join()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        raise_soon()
        for _ in range(1000):
            plan.replay([x])
    np.testing.assert_array_equal(plan.replay([x])[0].numpy(), wanted)


def test_a_tail_that_changes_state_is_not_stopped():
    """The state was read before the tail overwrites it, so the step cannot be abandoned then."""
    x = _core.tensor(np.ones((8, 128, 128, 64), np.float32))
    w = _core.tensor(np.zeros((3, 3, 64, 64), np.float32))
    state = _core.tensor(np.zeros(x.shape, np.float32))

    def step(x):
        mean = _core.mean(state)
        _core.assign_(state, _core.add(_core.conv(x, w, low=[1, 1], high=[1, 1]), mean + 1.0))

    recorder = _core.Recorder()
    step(x)
    recorder.stop()
    plan = _core.Plan(recorder, [x], [])
    assert str(plan).count("with it: ") == 1
    for delay in (0.004, 0.008, 0.012, 0.016):
        _core.assign_(state, 0.0)
        with pytest.raises(KeyboardInterrupt):
            raise_soon(delay)
            for _ in range(1000):
                plan.replay([x])
        assert len(np.unique(state.numpy())) == 1


def test_an_update_in_place_is_not_stopped():
    """The call cannot be undone, so the signal is handled after it."""
    target = fastdl.tensor(np.zeros(1 << 24, np.float32))
    one = fastdl.tensor(np.ones(1 << 24, np.float32))
    added = 0
    with pytest.raises(KeyboardInterrupt):
        raise_soon(0.01)
        for _ in range(1000):
            _core.add_(target, one)
            added += 1
    values = np.unique(target.numpy())
    assert len(values) == 1
    assert values[0] in (added, added + 1)


def test_other_threads_run_during_a_long_call():
    """The call releases the interpreter, so another thread runs while the product computes."""
    a, b = large(), large()
    steps = []
    done = threading.Event()

    def count():
        while not done.is_set():
            steps.append(1)

    other = threading.Thread(target=count)
    other.start()
    try:
        while not steps:
            pass
        before = len(steps)
        _core.matmul(a, b)
        after = len(steps)
    finally:
        done.set()
        other.join()
    # If the call held the interpreter, the other thread would run once or twice at most.
    assert after > before + 1000


def test_python_handlers_are_left_as_they_were():
    before = signal.getsignal(signal.SIGINT)
    a = large(1024)
    _core.matmul(a, a)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
