"""Random programs of ops and in-place writes: replays against eager runs, bit for bit."""

import numpy as np
import pytest

import fastdl
from fastdl import _core

SMALL, LARGE = (4, 6), (130, 90)  # LARGE makes chains of several tiles


class Program:
    """A step of random statements about inputs, states and views of one flat state."""

    def __init__(self, seed, shape=SMALL):
        self.shape = shape
        self.rng = np.random.default_rng(seed)
        self.statements = [self._statement() for _ in range(self.rng.integers(3, 25))]
        self.results = self.rng.integers(0, 1000, size=self.rng.integers(1, 4))

    def _statement(self):
        """(kind, operands). Operands are numbers, taken modulo the number of values."""
        kinds = "unary binary matmul linear sum view assign assign add_ add_ iadd dropout cast made"
        return self.rng.choice(kinds.split()), self.rng.integers(0, 1000, size=4)

    def states(self):
        """Tensors that live from step to step: three whole tensors, four views of a flat one."""
        rng, size = np.random.default_rng(7), self.shape[0] * self.shape[1]
        whole = [fastdl.tensor(rng.standard_normal(self.shape).astype("f4")) for _ in range(3)]
        flat = fastdl.tensor(rng.standard_normal(4 * size).astype("f4"))
        return whole + [flat._view(self.shape, i * size) for i in range(4)]

    def step(self, inputs, states):
        values = [*inputs, *states]
        own = []  # results of this step
        for kind, (i, j, k, n) in self.statements:
            a, b = values[i % len(values)], values[j % len(values)]
            target = (states + own)[k % len(states + own)]
            if kind == "unary":
                made = (_core.tanh, _core.sigmoid, _core.neg, _core.copy, _core.relu)[n % 5](a)
            elif kind == "binary":
                made = (_core.add, _core.sub, _core.mul, _core.maximum)[n % 4](a, b)
            elif kind == "matmul":
                made = _core.matmul(_core.matmul(a, b, False, True), b, False, False)
                made = _core.tanh(made)
            elif kind == "linear":
                w = _core.matmul(a, b, True, False)
                made = _core.tanh(_core.linear(a, w, None, bool(n % 2), "relu" if n % 3 else ""))
            elif kind == "sum":
                made = _core.sub(a, _core.sum(b, [n % 2], True))
            elif kind == "view":
                made = _core.reshape(_core.tanh(_core.reshape(a, (a.numel(),))), self.shape)
            elif kind == "cast":
                made = _core.cast(_core.cast(_core.scale_shift(a, 100.0, 0.0), "int32"), "float32")
                made = _core.tanh(made)
            elif kind == "made":
                made = fastdl.zeros(*self.shape)
                own.append(made)
            elif kind == "dropout":
                made = _core.dropout(a, 0.5)
            else:
                if kind == "assign":
                    _core.assign_(target, a)
                elif kind == "add_":
                    _core.add_(target, _core.scale_shift(a, 0.25, 0.0))
                else:
                    target += _core.tanh(b)
                continue
            values.append(made)
            if n % 4 == 0:
                own.append(made)
        return [values[r % len(values)] for r in self.results]


def batch(seed, shape=SMALL):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype("f4") for _ in range(2)]


def numbers(tensors):
    return [t.numpy().copy() for t in tensors]


def eager(program, batches):
    states, found = program.states(), []
    fastdl.manual_seed(3)
    for values in batches:
        inputs = [fastdl.tensor(v) for v in values]
        found.append((numbers(program.step(inputs, states)), numbers(states)))
    return found


def replayed(program, batches, how):
    states, found = program.states(), []
    fastdl.manual_seed(3)
    slots = [fastdl.tensor(v) for v in batches[0]]
    recorder = _core.Recorder()
    outputs = program.step(slots, states)
    recorder.stop()
    found.append((numbers(outputs), numbers(states)))
    plan = _core.Plan(recorder, slots, outputs)
    for values in batches[1:]:
        if how == "replay":
            plan.replay([fastdl.tensor(v) for v in values])
        else:  # read in place
            feeds = [(fastdl.tensor(v), i) for i, v in enumerate(values)]
            assert _core.run_loop(plan, feeds, [], [], None, 0, program.shape[0], 1, 1e9) == 1
            for (data, _), v in zip(feeds, values, strict=True):
                np.testing.assert_array_equal(data.numpy(), v)
        found.append((numbers(plan.outputs), numbers(states)))
    return found


def check(program, want, got):
    for at, (w, g) in enumerate(zip(want, got, strict=True)):
        for part, x, y in zip(("results", "states"), w, g, strict=True):
            for a, b in zip(x, y, strict=True):
                np.testing.assert_array_equal(
                    a, b, err_msg=f"step {at}, {part}: {program.statements}"
                )


@pytest.mark.parametrize("how", ["replay", "loop"])
@pytest.mark.parametrize("block", range(10))
def test_replays_are_eager_runs(block, how):
    batches = [batch(s) for s in range(4)]
    with np.errstate(all="ignore"):
        for seed in range(block * 50, block * 50 + 50):
            program = Program(seed)
            check(program, eager(program, batches), replayed(program, batches, how))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("how", ["replay", "loop"])
def test_replays_tile_by_tile_are_eager_runs(threads, how):
    batches = [batch(s, LARGE) for s in range(3)]
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(threads)
    try:
        for seed in range(1000 * threads, 1000 * threads + 60):
            program = Program(seed, LARGE)
            check(program, eager(program, batches), replayed(program, batches, how))
    finally:
        fastdl.set_num_threads(before)
