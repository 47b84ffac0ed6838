"""Types of results, gradients at singular points, long chains of additions."""

import math

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, metrics, ops
from fastdl.nn import functional as F

INF, NAN = math.inf, math.nan
T = fastdl.tensor


def same(got, want):
    """The values and the type of a tensor are those of an array."""
    want = np.asarray(want)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


# --- types

U = np.array([1, 200], np.uint8)
I32 = np.array([16777217, -5], np.int32)
I64 = np.array([16777217, -5])
MASK = np.array([True, False])
OTHER = np.array([True, True])

# PyTorch's results, as values of a type. NumPy agrees unless a comment says otherwise.
RESULTS = {
    "clamp of integers": (lambda: T(I64).clamp(min=0), np.array([16777217, 0])),
    "clamp of int32": (lambda: T(I32).clip(-3, 2**40), np.array([16777217, -3], np.int32)),
    "clamp with a float": (lambda: T(I32).clamp(max=2.0), np.array([2, -5], np.float32)),
    "clamp of int64 by more than a double holds": (
        lambda: T([2**62 + 3, 0]).clamp(min=1, max=2**62 + 1),
        np.array([2**62 + 1, 1]),
    ),
    "uint8 clipped to 256": (lambda: ops.clip(T(U), 0, 256), U),
    "uint8 clipped to -1": (lambda: ops.clip(T(U), -1, 300), U),
    "uint8 and 300": (lambda: T(U) + 300, np.array([45, 244], np.uint8)),
    "dot": (lambda: T(I64).dot(T(I64)), np.array(16777217**2 + 25)),
    "mv": (lambda: T(I32[None]).mv(T([1, 0], dtype="int32")), np.array([16777217], np.int32)),
    "@": (lambda: T(U) @ T(U), np.array(65, np.uint8)),
    "linear": (lambda: F.linear(T(I64[None]), T([[1, 0]]), T([1])), np.array([[16777218]])),
    "integers by floats": (lambda: T([2, 3]) @ T([0.5, 1]), np.array(4, np.float32)),
    "sum(dtype)": (lambda: T(I32).sum(dtype="int32"), np.array(16777212, np.int32)),
    "sum(dtype) wraps": (lambda: T(U).sum(dtype="uint8"), np.array(201, np.uint8)),
    "sum(dtype=bool)": (lambda: T([2, 2]).sum(dtype="bool"), np.array(True)),
    "div by truncation": (
        lambda: T([7, -7, -8, -1, 5]).div(T([2, 2, 2, 2, 0]), rounding_mode="trunc"),
        np.array([3, -3, -4, 0, 0]),  # division by 0 as in NumPy; PyTorch raises
    ),
    "div by truncation of large": (
        lambda: T([2**62 + 1]).div(-1, rounding_mode="trunc"),
        np.array([-(2**62) - 1]),
    ),
    "floor_divide of floats": (lambda: T([1.0]) // T([0.1]), np.array([9], np.float32)),
    "bool * bool": (lambda: T(MASK) * T(OTHER), MASK),
    "bool + bool": (lambda: T(MASK) + T(MASK), MASK),
    "bool + number": (lambda: T(MASK) + 1, np.array([2, 1])),
    "number - bool": (lambda: 1 - T(MASK), np.array([0, 1])),
    "bool.masked_fill": (lambda: T(OTHER).masked_fill(T(MASK), False), ~MASK),
    "int.masked_fill": (lambda: T(I32).masked_fill(T(MASK), 1), np.array([1, -5], np.int32)),
    "masked_fill_": (
        lambda: T(I32).clone().masked_fill_(T(MASK), 1.0),
        np.array([1, -5], np.int32),
    ),
    "rows by a product of masks": (lambda: T(I64)[T(MASK) * T(OTHER)], np.array([16777217])),
    "one_hot": (lambda: F.one_hot(T([1, 0])), np.array([[0, 1], [1, 0]])),
    "one_hot of three": (lambda: F.one_hot(T([1]), 3), np.array([[0, 1, 0]])),
    "add_ of a mask": (lambda: T(~MASK).clone().add_(T(MASK)), OTHER),
    "add_ of integers to floats": (lambda: T([0.5]).add_(1), np.array([1.5], np.float32)),
    "a cast saturates": (
        lambda: T([3e9, -INF, NAN]).to("int32"),
        np.array([2**31 - 1, -(2**31), 0], np.int32),
    ),
    "an array of float64 saturates": (
        lambda: T(np.array([2.0**53 + 2, 1e300, NAN, -1e300]), dtype="int64"),
        np.array([2**53 + 2, 2**63 - 1, 0, -(2**63)]),
    ),
    "an array of integers wraps": (lambda: T(np.array([300]), dtype="uint8"), np.uint8([44])),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_have_the_type_and_value_of_pytorch(name):
    compute, want = RESULTS[name]
    same(compute(), want)


REFUSED = {
    "sub: truth values": lambda: T(MASK) - T(MASK),
    "neg: truth values": lambda: -T(MASK),
    "add_: a result of type float32 does not fit into a tensor of type int64": lambda: T([1]).add_(
        1.5
    ),
    "mul_: a result of type float32": lambda: T([1]).mul_(1.5),
    "div_: a result of type float32": lambda: T([1]).div_(2),
    "pow_: a result of type float32": lambda: T([4]).pow_(0.5),
    "add_: a result of type int64 does not fit into a tensor of type bool": lambda: T(MASK).add_(1),
    "add_: a result of type float32 does not fit into a tensor of type int32": lambda: _core.add_(
        T(I32), 1.5
    ),
    "one_hot: class 5 at position 1 is outside": lambda: F.one_hot(T([0, 5]), 3),
    "one_hot: class -1 at position 0 is outside": lambda: F.one_hot(T([-1, 0]), 3),
    "one_hot: class -1": lambda: F.one_hot(T([-1, 0])),
    "one_hot: num_classes": lambda: F.one_hot(T([0]), 0),
    "maximum: 300 does not fit into uint8": lambda: fastdl.maximum(T(U), 300),
    "arange: 256 does not fit into uint8": lambda: fastdl.arange(250, 257, dtype="uint8"),
    "arange: -1 does not fit into uint8": lambda: ops.arange(3, -2, -1, dtype="uint8"),
    "randint: 256 does not fit into uint8": lambda: fastdl.randint(0, 257, (2,), dtype="uint8"),
    "randint: -129 does not fit": lambda: fastdl.random.randint((2,), -129, 3, dtype="int8"),
    "full: fill_value: 300 does not fit into uint8": lambda: ops.full((2,), 300, dtype="uint8"),
    "full_like: fill_value: -1 does not fit into uint8": lambda: ops.full_like(T(U), -1),
    "pad: value: 300 does not fit": lambda: fastdl.nn.functional.pad(T(U), (1, 1), value=300.0),
    "where: -1 does not fit into uint8": lambda: fastdl.where(T(MASK), T(U), -1),
    "300 does not fit into uint8": lambda: T([1, 300], dtype="uint8"),
    "accumulate_: total and rest": lambda: (lambda t: _core.accumulate_(t, t, 1))(T(1.0)),
    "accumulate_: a total of shape": lambda: _core.accumulate_(T([1.0, 2]), T(0.0), 1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_such_result_is_refused(message):
    with pytest.raises((TypeError, ValueError), match=message):
        REFUSED[message]()


def test_a_refused_update_changes_nothing():
    t = T([1, 2])
    with pytest.raises(TypeError):
        t.add_(0.5)
    same(t, np.array([1, 2]))


# --- gradients at singular points: PyTorch's, checked with version 2.13

# function, input, gradient of the sum of the result
SINGULAR = {
    "std of equal numbers": (lambda x: x.std(), [1, 1, 1], [0, 0, 0]),
    "std, uncorrected": (lambda x: x.std(correction=0), [1, 1, 1], [0, 0, 0]),
    "std of rows": (lambda x: x.std(1), [[1, 1], [1, 3]], [[0, 0], [-(0.5**0.5), 0.5**0.5]]),
    "var of one": (lambda x: x.var(), [1], [NAN]),
    "std of one": (lambda x: x.std(), [1], [NAN]),
    "norm": (lambda x: x.norm(), [0, 0], [0, 0]),
    "norm, p=3": (lambda x: x.norm(p=3), [0, 0, 0], [0, 0, 0]),
    "norm, p=3, one": (lambda x: x.norm(p=3), [0, 1, 0], [0, 1, 0]),
    "norm, p=1": (lambda x: x.norm(p=1), [0, 1], [0, 1]),
    "norm, p=1.5": (lambda x: x.norm(p=1.5), [0, 1], [0, 1]),
    "norm, p=0.5": (lambda x: x.norm(p=0.5), [0, 0], [0, 0]),
    "norm, p=0.5, one": (lambda x: x.norm(p=0.5), [0, 1], [0, 1]),
    "norm, p=inf": (lambda x: x.norm(p=INF), [0, 0], [0, 0]),
    "norm, p=inf, ties": (lambda x: x.norm(p=INF), [1, -1, 0], [0.5, -0.5, 0]),
    "norm, p=-inf": (lambda x: x.norm(p=-INF), [0, 0, 1], [0, 0, 0]),
    "norm, p=-1": (lambda x: x.norm(p=-1), [0, 1], [0, 0]),
    "max": (lambda x: x.max(), [1, NAN, 3], [0, 1, 0]),
    "max of rows": (lambda x: x.amax(1), [[1, NAN], [3, 3]], [[0, 1], [0.5, 0.5]]),
    "min": (lambda x: x.min(), [1, NAN, NAN], [0, 0.5, 0.5]),
    "maximum": (lambda x: fastdl.maximum(x, fastdl.zeros(3)), [1, NAN, 0], [1, 1, 0.5]),
    "minimum": (lambda x: fastdl.minimum(fastdl.zeros(3), x), [1, NAN, 0], [0, 1, 0.5]),
    "logsumexp": (lambda x: x.logsumexp(0), [-INF, 1], [0, 1]),
    "prod": (lambda x: x.prod(), [0, 0, 1], [0, 0, 0]),
    "normalize": (lambda x: F.normalize(x, dim=0), [0, 0], [1e12, 1e12]),
    "sqrt": (lambda x: x.sqrt(), [0], [INF]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_gradients_at_singular_points(name):
    function, values, want = SINGULAR[name]
    x = T(np.float32(values))
    x.requires_grad = True
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.float32(want), rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, (0, 1)])
def test_masked_softmax(axis):
    """Masked elements have probability 0, even if all are masked (Keras)."""
    x = np.float32([[1, 2, 3], [4, 5, 1e10]])
    mask = np.array([[True, True, False], [False, False, False]])
    layer = layers.Softmax(axis=axis)
    p = layer(x, mask=mask).numpy()
    e = np.exp(np.float64([1, 2]))
    np.testing.assert_allclose(p, [[*(e / e.sum()), 0], [0, 0, 0]], rtol=1e-6)
    same(layer(x, mask=mask.astype(np.float32)), p)
    same(layer(x, mask=mask.astype(np.int64) * 0), np.zeros_like(x))


# --- long chains

EPS = 2.0**-23
LONG = 2**24 + 12345


@pytest.fixture(scope="module")
def tenths():
    return np.full(LONG, 0.1, np.float32)


# The rounding errors of equal terms have the same sign. A plain chain is wrong by percents.
CHAINS = {
    "sum": (lambda x: x.sum(), lambda x: x.sum()),
    "mean": (lambda x: x.mean(), lambda x: x.mean()),
    "sum of columns": (
        lambda x: x[:-1].reshape(-1, 4).sum(0),
        lambda x: x[:-1].reshape(-1, 4).sum(0),
    ),
    "norm": (lambda x: x.norm(), lambda x: np.sqrt((x * x).sum())),
    "norm, p=1": (lambda x: x.norm(p=1), lambda x: x.sum()),
    "var": (lambda x: (x * _ramp(x)).var(), lambda x: (x * _ramp(x)).var(ddof=1)),
    "logsumexp": (lambda x: x.logsumexp(0), lambda x: np.log(np.exp(x).sum())),
    "mse": (lambda x: F.mse_loss(x, x * 3), lambda x: ((2 * x) ** 2).mean()),
    "softmax": (lambda x: (x * _ramp(x)).softmax(0)[:7], lambda x: _softmax(x * _ramp(x))[:7]),
    "log_softmax": (
        lambda x: (x * _ramp(x)).log_softmax(0)[:7],
        lambda x: np.log(_softmax(x * _ramp(x))[:7]),
    ),
    "softmax's gradient": (
        lambda x: _gradient(lambda t: (t.softmax(0) * (_ramp(t) + 1)).sum(), x * _ramp(x))[:1],
        lambda x: _softmax_gradient(x * _ramp(x), _ramp(x) + 1)[:1],
    ),
    "cross-entropy": (
        lambda x: F.cross_entropy((x * _ramp(x))[None], T([7])),
        lambda x: -np.log(_softmax(x * _ramp(x))[7]),
    ),
    "mean's gradient": (
        lambda x: _gradient(lambda t: (t[:, None] + T(np.float32([[1, 2]]))).mean(), x)[:7],
        lambda x: np.full(7, 1 / x.size),
    ),
    "gradient of a bias": (
        lambda x: _gradient(lambda b: (b * x[:-1].reshape(-1, 4)).sum(), T(np.ones(4, np.float32))),
        lambda x: x[:-1].reshape(-1, 4).sum(0),
    ),
    "cumsum": (lambda x: x.cumsum(0), lambda x: x.cumsum()),
    "cumsum of columns": (
        lambda x: x[:-1].reshape(-1, 4).cumsum(0),
        lambda x: x[:-1].reshape(-1, 4).cumsum(0),
    ),
}


def _ramp(x):
    n = x.numel() if isinstance(x, fastdl.Tensor) else x.size
    return np.arange(n, dtype=np.float32) % 7


def _softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def _softmax_gradient(x, g):
    p = _softmax(x)
    return p * (g - (p * g).sum())


def _gradient(function, x):
    x = x.detach()
    x.requires_grad = True
    function(x).backward()
    return x.grad


@pytest.mark.parametrize("name", CHAINS)
def test_long_chains(name, tenths):
    """Within 32 epsilons: balanced sums of 2^24 terms round about 20 times."""
    function, reference = CHAINS[name]
    got = function(T(tenths)).numpy()
    want = reference(tenths.astype(np.float64))
    error = np.abs(got / want - 1).max()
    assert error <= 32 * EPS


def test_the_gradient_of_a_long_cumsum(tenths):
    x = T(tenths)
    x.requires_grad = True
    x.cumsum(0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.arange(LONG, 0, -1), rtol=EPS)


# --- totals

MANY = 2**24


def totals_of(metric):
    return [float(v.numpy()) for v in metric.variables]


def test_totals_go_on_beyond_2_to_the_24th():
    m = metrics.Mean()
    m.update_state(1.0, sample_weight=float(MANY))
    for _ in range(1000):
        m.update_state([3.0])
    assert totals_of(m) == [MANY + 3000, MANY + 1000]
    assert m.result().item() == np.float32((MANY + 3000) / (MANY + 1000))


def test_a_recorded_step_keeps_the_rest():
    """The tracker of the loss in fit adds a thousand ones to 2^25, eager and replayed."""
    for eager in (True, False):
        m = metrics.Sum()
        m.update_state(np.float32([2 * MANY]))
        step = m.update_state if eager else fastdl.plan(lambda x, m=m: m.update_state(x))
        for _ in range(1000):
            step(T([1.0]))
        assert totals_of(m) == [2 * MANY + 1000]


def test_accuracy_of_many(monkeypatch):
    m = metrics.BinaryAccuracy()
    m.total.assign(float(MANY))
    m.count.assign(float(2 * MANY))
    for _ in range(64):
        m.update_state([1, 1, 0], [1, 1, 1])
    assert totals_of(m) == [MANY + 128, 2 * MANY + 192]


def test_a_metric_of_ones_own_counts_on():
    class Positives(metrics.Metric):
        def __init__(self):
            super().__init__(name="positives")
            self.count = self.add_variable(())

        def update_state(self, y_true):
            self.count.assign_add(fastdl.sum(fastdl.tensor(y_true) * 1.0))

        def result(self):
            return self.count

    m = Positives()
    m.update_state([float(MANY)])
    for _ in range(10):
        m.update_state([1.0])
    assert m.result().item() == MANY + 10
    m.count.assign_sub(7.0)
    m.count.assign_add(1.0)
    assert m.result().item() == MANY + 4


def test_reset_forgets_the_rest():
    m = metrics.Sum()
    m.update_state([float(2 * MANY), 0.0])
    m.update_state([1.0])
    m.reset_state()
    m.update_state([5.0])
    assert totals_of(m) == [5]
    for v in m.variables:  # a typical user's program
        v.assign(np.float32(2 * MANY))
    m.update_state([1.0])
    for v in m.variables:
        v.assign(0.0)
    m.update_state([0.25])
    assert totals_of(m) == [0.25]
