"""Ops beside NumPy, matrix multiplication also beside plain Cython: eager calls, new results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import fastdl
from fastdl._base import functional as F


@dataclass(frozen=True)
class Op:
    """One op both ways. `floats`: arrays of the operand's size that it has to read and write."""

    fastdl: Callable
    numpy: Callable
    floats: float


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _halves(x):
    """Windows of 2 x 2 pixels, along the second and fourth axis."""
    height, width, channels = x.shape
    return x.reshape(height // 2, 2, width // 2, 2, channels)


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
# Functions of images of three channels in (0, 1): rows of three elements, where a kernel for each
# would be mostly calls.
CHANNELS = {
    "mul_channels": Op(lambda x: x * x[0, 0], lambda x: x * x[0, 0], 2),
    "sub_pixels": Op(lambda x: x - x[..., :1], lambda x: x - x[..., :1], 3),
    "sum_channels": Op(lambda x: x.sum((0, 1)), lambda x: x.sum((0, 1)), 1),
    "var_channels": Op(lambda x: x.var((0, 1), False), lambda x: x.var((0, 1)), 1),
    "max_pool": Op(
        lambda x: fastdl.ops.max_pool(x[None], 2)[0], lambda x: _halves(x).max((1, 3)), 1.25
    ),
    "average_pool": Op(
        lambda x: fastdl.ops.average_pool(x[None], 2)[0], lambda x: _halves(x).mean((1, 3)), 1.25
    ),
    "enlarged": Op(
        lambda x: fastdl.ops.image.resize(x, (1024, 1024), interpolation="nearest"),
        lambda x: x.repeat(2, 0).repeat(2, 1),
        5,
    ),
}
# Mean and variance in one pass over memory; running sums, which fastdl keeps in double.
OPS |= {
    "var": Op(lambda x: x.var(unbiased=False), lambda x: x.var(), 1),
    "var_rows": Op(lambda x: x.var(0, False), lambda x: x.var(0), 1),
    "var_columns": Op(lambda x: x.var(1, False), lambda x: x.var(1), 1),
    "cumsum": Op(lambda x: x.cumsum(0), lambda x: x.cumsum(0, np.float64).astype(np.float32), 2),
}


def _norm(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(
        x.var(axes, keepdims=True) + np.float32(1e-5)
    )


# The moments take a pass, and the result another one: three arrays where x isn't in the cache.
OPS |= {
    "batch_norm": Op(
        lambda x: fastdl.nn.functional.batch_norm(x, None, None, training=True),
        lambda x: _norm(x, 0),
        3,
    ),
    "layer_norm": Op(
        lambda x: fastdl.nn.functional.layer_norm(x, x.shape[1:]), lambda x: _norm(x, 1), 2
    ),
}
CHANNELS |= {
    "batch_norm_channels": Op(
        lambda x: F.batch_norm(x)[0],
        lambda x: _norm(x, (0, 1)),
        3,
    ),
}


@dataclass(frozen=True)
class Typed:
    """A function of an array of values below 200, of another type. `moved`: bytes an element."""

    dtype: str
    fastdl: Callable
    numpy: Callable
    moved: float


TYPED = {
    "cast_uint8": Typed("uint8", lambda x: x.float(), lambda x: x.astype(np.float32), 5),
    "cast_to_uint8": Typed("float32", lambda x: x.byte(), lambda x: x.astype(np.uint8), 5),
    "cast_float16": Typed("float16", lambda x: x.float(), lambda x: x.astype(np.float32), 6),
    "cast_int64": Typed("int64", lambda x: x.float(), lambda x: x.astype(np.float32), 12),
    "add_int64": Typed("int64", lambda x: x + x, lambda x: x + x, 24),
    "mul_int32": Typed("int32", lambda x: x * x, lambda x: x * x, 12),
    "maximum_uint8": Typed(
        "uint8", lambda x: fastdl.maximum(x, x[0]), lambda x: np.maximum(x, x[0]), 2
    ),
    "equal_int64": Typed("int64", lambda x: x == 7, lambda x: x == 7, 9),
    "transpose_int32": Typed("int32", lambda x: x.T, lambda x: np.ascontiguousarray(x.T), 8),
    "huber": Typed(
        "float32",
        lambda x: fastdl.nn.functional.huber_loss(x, x[:1].expand(x.shape), "none", 100.0),
        lambda x: _huber(x - x[:1], np.float32(100)),
        8,
    ),
}


def _huber(d, delta):
    size = np.abs(d)
    return np.where(size <= delta, d * d / 2, delta * (size - delta / 2))


# Rows and columns: a small network's layer; a large one's.
SHAPES = [(32, 64), (1024, 1024)]
MATMULS = [(32, 64, 64), (256, 256, 256), (1024, 1024, 1024)]
# Few elements, each a long sum, as the weight gradients of convolutions; last, two vectors.
LONG_MATMULS = [(64, 64, 50176), (27, 16, 200000), (10, 4, 1000000), (1, 1, 4000000)]


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


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("name", CHANNELS)
def test_channels(name, library, machine, timed, benchmark):
    benchmark.group = f"{name} of 512 x 512 x 3"
    op = CHANNELS[name]
    x = np.random.default_rng(0).random((512, 512, 3), np.float32)
    ours, theirs = op.fastdl(fastdl.tensor(x)), op.numpy(x)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-6)
    function, argument = (op.numpy, x) if library == "numpy" else (op.fastdl, fastdl.tensor(x))
    timed(lambda: function(argument), machine, moved=4 * op.floats * x.size)


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=["x".join(map(str, s)) for s in SHAPES])
@pytest.mark.parametrize("name", TYPED)
def test_typed(name, shape, library, machine, timed, benchmark):
    benchmark.group = f"{name} of {shape[0]} x {shape[1]}"
    op = TYPED[name]
    x = np.random.default_rng(0).integers(0, 200, shape).astype(op.dtype)
    ours, theirs = op.fastdl(fastdl.tensor(x)), op.numpy(x)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6)
    function, argument = (op.numpy, x) if library == "numpy" else (op.fastdl, fastdl.tensor(x))
    timed(lambda: function(argument), machine, moved=op.moved * x.size)


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("columns", [1, 64])
def test_scatter_add(columns, library, machine, timed, benchmark):
    """The gradient of an embedding: rows added at random places."""
    benchmark.group = f"scatter_add of 2^19 floats in rows of {columns}"
    rng = np.random.default_rng(0)
    count = 2**19 // columns
    places, values = rng.integers(0, count, count), rng.random((count, columns), np.float32)
    ours, at = fastdl.tensor(values), fastdl.tensor(places)

    def add():
        if library == "fastdl":
            return fastdl._core.scatter_add(ours, at, axis=0, size=count).numpy()
        total = np.zeros((count, columns), np.float32)
        np.add.at(total, places, values)
        return total

    wanted = np.zeros((count, columns))
    np.add.at(wanted, places, values)
    np.testing.assert_allclose(add(), wanted, rtol=1e-5)
    timed(add, machine, moved=3 * 4 * 2**19 + 8 * count)


@pytest.mark.parametrize("library", ["fastdl", "numpy"])
@pytest.mark.parametrize("columns", [1, 64])
def test_put(columns, library, machine, timed, benchmark):
    """Rows written at random places, some of them twice."""
    benchmark.group = f"put of 2^19 floats in rows of {columns}"
    rng = np.random.default_rng(0)
    count = 2**19 // columns
    places, values = rng.integers(0, count, count), rng.random((count, columns), np.float32)
    target = np.zeros((count, columns), np.float32)
    if library == "fastdl":
        target, values, places = (fastdl.tensor(a) for a in (target, values, places))

    def put():
        target[places] = values

    timed(put, machine, moved=2 * 4 * 2**19 + 8 * count)


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


@pytest.mark.parametrize("transposed", ["nn", "tn", "nt", "tt"])
@pytest.mark.parametrize("threads", ["one", "all"])
@pytest.mark.parametrize("m, n, k", LONG_MATMULS)
def test_long_matmul(m, n, k, threads, transposed, core, machine, timed, benchmark):
    benchmark.group = f"matmul {m}x{k}x{n}, {threads} of the threads"
    a, b = _operands(m, n, k)
    a = fastdl.tensor(np.ascontiguousarray(a.T) if transposed[0] == "t" else a)
    b = fastdl.tensor(np.ascontiguousarray(b.T) if transposed[1] == "t" else b)

    def product():
        return fastdl._core.matmul(a, b, transposed[0] == "t", transposed[1] == "t")

    before = fastdl.get_num_threads()
    fastdl.set_num_threads(1 if threads == "one" else before)
    try:
        floors = core if threads == "one" else machine
        timed(product, floors, 2.0 * m * n * k, 4.0 * (m * k + k * n + m * n))
    finally:
        fastdl.set_num_threads(before)


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
