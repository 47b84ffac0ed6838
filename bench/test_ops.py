"""Ops beside NumPy, matrix multiplication also beside plain Cython: eager calls, new results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import fastdl


@dataclass(frozen=True)
class Op:
    """One op both ways. `floats`: arrays of the operand's size that it has to read and write."""

    fastdl: Callable
    numpy: Callable
    floats: float


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# Functions of one matrix x in (0, 1).
OPS = {
    "add": Op(lambda x: x + x, lambda x: x + x, 3),
    "add_scalar": Op(lambda x: x + 1.0, lambda x: x + np.float32(1), 2),
    "add_row": Op(lambda x: x + x[0], lambda x: x + x[0], 2),
    "mul": Op(lambda x: x * x, lambda x: x * x, 3),
    "div": Op(lambda x: x / x, lambda x: x / x, 3),
    "greater": Op(lambda x: x > 0.5, lambda x: x > np.float32(0.5), 1.25),
    "where": Op(
        lambda x: fastdl.where(x > 0.5, x, -x), lambda x: np.where(x > np.float32(0.5), x, -x), 2
    ),
    "exp": Op(fastdl.exp, np.exp, 2),
    "log": Op(fastdl.log, np.log, 2),
    "tanh": Op(fastdl.tanh, np.tanh, 2),
    "relu": Op(fastdl.relu, lambda x: np.maximum(x, 0), 2),
    "sigmoid": Op(fastdl.sigmoid, lambda x: 1 / (1 + np.exp(-x)), 2),
    "softmax": Op(lambda x: fastdl.softmax(x), _softmax, 2),
    "sum": Op(lambda x: x.sum(), lambda x: x.sum(), 1),
    "sum_rows": Op(lambda x: x.sum(0), lambda x: x.sum(0), 1),
    "sum_columns": Op(lambda x: x.sum(1), lambda x: x.sum(1), 1),
    "argmax": Op(lambda x: x.argmax(1), lambda x: x.argmax(1), 1),
    "transpose": Op(lambda x: x.T, lambda x: np.ascontiguousarray(x.T), 2),
}
# Rows and columns: a small network's layer; a large one's.
SHAPES = [(32, 64), (1024, 1024)]
MATMULS = [(32, 64, 64), (256, 256, 256), (1024, 1024, 1024)]


@pytest.fixture(scope="module")
def cython():
    from .cython_library import build

    module = build()
    if module is None:
        pytest.skip("Cython is not installed: pip install cython setuptools")
    return module


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=["x".join(map(str, s)) for s in SHAPES])
@pytest.mark.parametrize("name", OPS)
def test_op(name, shape, library, machine, timed, benchmark):
    benchmark.group = f"{name} of {shape[0]} x {shape[1]}"
    op = OPS[name]
    x = np.random.default_rng(0).random(shape, np.float32) * np.float32(0.9) + np.float32(0.05)
    ours, theirs = op.fastdl(fastdl.tensor(x)), op.numpy(x)
    # Sums of up to 2^20 numbers and functions of 4 ulp, in another order than NumPy's.
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)
    function, argument = (op.numpy, x) if library == "numpy" else (op.fastdl, fastdl.tensor(x))
    timed(lambda: function(argument), machine, moved=4 * op.floats * x.size)


def _operands(m, n, k):
    rng = np.random.default_rng(0)
    return rng.random((m, k), np.float32), rng.random((k, n), np.float32)


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("m, n, k", MATMULS)
def test_matmul(m, n, k, library, machine, timed, benchmark):
    benchmark.group = f"matmul {m}x{k}x{n}"
    a, b = _operands(m, n, k)
    if library == "fastdl":
        a, b = fastdl.tensor(a), fastdl.tensor(b)
    timed(lambda: a @ b, machine, 2.0 * m * n * k, 4.0 * (m * k + k * n + m * n))


@pytest.mark.parametrize("m, n, k", MATMULS)
def test_matmul_cython(m, n, k, cython, machine, timed, benchmark):
    benchmark.group = f"matmul {m}x{k}x{n}"
    a, b = _operands(m, n, k)
    # Both round k sums, each in an order of its own.
    np.testing.assert_allclose(cython.matmul(a, b), a @ b, rtol=k * 2**-23)
    timed(lambda: cython.matmul(a, b), machine, 2.0 * m * n * k, 4.0 * (m * k + k * n + m * n))


# Elementwise calls in a row, which a plan runs tile by tile.
CHAINS = {
    "numbers": (lambda ops, x, row: ops.maximum(x * 2.0 + 1.0, 0.0) * x - 0.5 * x, 6),
    "rows": (lambda ops, x, row: ops.maximum(x * row + row, 0.0) * x - row * x, 6),
    "activations": (lambda ops, x, row: ops.tanh(x * 2.0 + 1.0) * ops.exp(x) - x, 6),
}


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("shape", [(256, 256), (4096, 1024)], ids=["256x256", "4096x1024"])
@pytest.mark.parametrize("name", CHAINS)
def test_chain(name, shape, library, machine, timed, benchmark):
    function, calls = CHAINS[name]
    benchmark.group = f"{calls} elementwise calls ({name}) of {shape[0]} x {shape[1]}"
    rng = np.random.default_rng(0)
    x, row = (rng.standard_normal(s).astype(np.float32) for s in (shape, shape[1:]))
    want = function(np, x, row)
    if library == "fastdl":
        x, row = fastdl.tensor(x), fastdl.tensor(row)
        recorder = fastdl._core.Recorder()
        result = function(fastdl, x, row)
        recorder.stop()
        plan = fastdl._core.Plan(recorder, [x, row], [result])
        assert len(plan) == calls
        plan.replay([x, row])
        np.testing.assert_allclose(plan.outputs[0].numpy(), want, rtol=1e-5, atol=1e-5)
        timed(lambda: plan.replay([x, row]), machine, moved=8.0 * want.size)
    else:
        timed(lambda: function(np, x, row), machine, moved=8.0 * want.size)


# --- lowering: from a recording to a plan


@pytest.mark.parametrize("calls", [1000, 4000, 16000])
def test_lowering(calls, benchmark):
    benchmark.group = f"lowering of {calls:,} calls"
    rng = np.random.default_rng(0)
    x, w = (fastdl.tensor(rng.standard_normal((16, 16)).astype(np.float32) / 4) for _ in range(2))
    states = fastdl.zeros(256 * (calls // 10))

    def record():
        recorder = fastdl._core.Recorder()
        h = x
        for i in range(calls // 10):  # ten calls each: products, elementwise ones, an assignment
            h = fastdl.tanh(h @ w) * 0.5 + h
            h = fastdl.relu(h @ w) - h * 0.1
            fastdl._core.assign_(states._view((16, 16), 256 * i), h * 0.9)
        recorder.stop()
        return (recorder, h), {}

    def lower(recorder, h):
        return fastdl._core.Plan(recorder, [x], [h])

    benchmark.pedantic(lower, setup=record, rounds=5)
