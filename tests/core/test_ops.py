"""Tests every op of the list with the table of cases in op_cases/."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from op_cases import CASES, Case, Draw
from op_cases.random import SEED

from fastdl import _core

EPS = float(np.finfo(np.float32).eps)

ISAS = _core.config()["isas"]


@contextmanager
def instruction_set(name: str):
    before = _core.config()["isa"]
    _core.select_isa(name)
    try:
        yield
    finally:
        _core.select_isa(before)


every_case = pytest.mark.parametrize("case", CASES, ids=str)
differentiable = pytest.mark.parametrize("case", [c for c in CASES if c.wrt], ids=str)


def as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def tensors_of(case: Case, arrays, requires_grad=False):
    out = [_core.tensor(a) for a in arrays]
    if requires_grad:
        for i in case.wrt:
            out[i].requires_grad = True
    return out


def run(case: Case, tensors):
    if case.rng:
        _core.manual_seed(SEED)
    return as_list(case.call(*tensors))


def exact(arrays):
    """The input of the reference: float32 widened without rounding."""
    return [a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays]


def quietly(f, arrays):
    """NumPy's results for infinities, overflow and empty means, without its warnings."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return [np.asarray(r) for r in as_list(f(*arrays))]


def reference(case: Case, arrays):
    return quietly(case.reference, arrays)


def check_forward(case: Case, arrays):
    actual = [t.numpy() for t in run(case, tensors_of(case, arrays))]
    inputs = exact(arrays)
    expected = reference(case, inputs)
    assert len(actual) == len(expected)
    scales = quietly(case.scale, inputs) if case.scale else [np.abs(e) for e in expected]
    scales = scales * len(expected) if len(scales) == 1 else scales
    for a, e, scale in zip(actual, expected, scales, strict=True):
        assert a.shape == e.shape
        if e.dtype != np.float64:
            assert a.dtype == e.dtype
            np.testing.assert_array_equal(a, e)
            continue
        assert a.dtype == np.float32
        special = ~np.isfinite(e)
        np.testing.assert_array_equal(a[special], e[special].astype(np.float32))
        with np.errstate(invalid="ignore"):  # infinities, compared above
            error = np.abs(a.astype(np.float64) - e)
            limit = np.broadcast_to(case.eps * EPS * np.asarray(scale), e.shape)
        bad = (error > limit) & ~special
        if case.eps == 0:
            bad = (a != e.astype(np.float32)) & ~special
        worst = np.max(error[bad] / np.maximum(limit[bad], 1e-300)) if bad.any() else 0
        assert not bad.any(), (
            f"{bad.sum()} of {e.size} off by up to {worst:.1f} times the tolerance"
        )


def test_every_op_has_a_case():
    assert {c.op for c in CASES} == set(_core.op_names())


@pytest.mark.parametrize("case", [c for c in CASES if c.empty], ids=str)
def test_without_elements(case):
    arrays = case.inputs(Draw("empty"))
    check_forward(case, arrays)
    if case.wrt:
        tensors = tensors_of(case, arrays, requires_grad=True)
        wrt = [tensors[i] for i in case.wrt]
        for t, g in zip(wrt, gradients(case, tensors, cotangents(case, tensors)), strict=True):
            assert g.shape == t.shape


@pytest.mark.parametrize("isa", ISAS)
@every_case
def test_forward(case, isa):
    with instruction_set(isa):
        check_forward(case, case.inputs(Draw("small", seed=1)))
        check_forward(case, case.inputs(Draw("big", seed=1)))


def bits(tensors):
    return [(t.numpy().dtype, t.numpy().shape, t.numpy().tobytes()) for t in tensors]


def everything(case: Case, arrays):
    """The bits of the results and of the gradients."""
    out = bits(run(case, tensors_of(case, arrays)))
    if case.wrt:
        tensors = tensors_of(case, arrays, requires_grad=True)
        out += bits(gradients(case, tensors, cotangents(case, tensors)))
    return out


@every_case
def test_thread_counts_agree_to_the_bit(case):
    arrays = case.inputs(Draw("big"))
    before = _core.num_threads()
    try:
        results = []
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            results.append(everything(case, arrays))
    finally:
        _core.set_num_threads(before)
    assert results[0] == results[1] == results[2]


# --- gradients ------------------------------------------------------------------------------------
#
# The references are float64, so numerical derivatives of them have errors of about 1e-10, far below
# float32's epsilon. The tests need no formulas of gradients.

STEP = 2e-3
# f'(x) from four values of f, with an error of STEP^4 f^(5) / 30.
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def cotangents(case: Case, tensors):
    """Fixed random weights of the results. The weighted sum is one number."""
    rng = np.random.default_rng(5)
    outputs = run(case, [t.detach() for t in tensors])
    return [rng.standard_normal(o.shape).astype(np.float32) for o in outputs]


def gradients(case: Case, tensors, weights, create_graph=False, outputs=None):
    if outputs is None:
        outputs = run(case, tensors)
    wrt = [tensors[i] for i in case.wrt]
    grads = _core.grad(outputs, [_core.tensor(w) for w in weights], wrt, True, create_graph)
    return [
        _core.tensor(np.zeros(t.shape, np.float32)) if g is None else g
        for t, g in zip(wrt, grads, strict=True)
    ]


def weighted(case: Case, arrays, weights) -> float:
    return sum(float((r * w).sum()) for r, w in zip(reference(case, arrays), weights, strict=True))


def along(case: Case, arrays, weights, directions) -> float:
    """The derivative of the weighted sum along each direction in turn.

    A direction has one array for each input of case.wrt.
    """
    if not directions:
        return weighted(case, arrays, weights)
    total = 0.0
    for steps, factor in STENCIL:
        moved = list(arrays)
        for i, v in zip(case.wrt, directions[0], strict=True):
            moved[i] = moved[i] + steps * STEP * v
        total += factor / STEP * along(case, moved, weights, directions[1:])
    return total


def units(case: Case, arrays):
    """All unit directions: one for each element of each input of case.wrt."""
    for k, i in enumerate(case.wrt):
        for j in range(arrays[i].size):
            direction = [np.zeros(arrays[n].shape) for n in case.wrt]
            direction[k].reshape(-1)[j] = 1
            yield direction


def flat(tensors):
    return np.concatenate([t.numpy().reshape(-1).astype(np.float64) for t in tensors])


def assert_gradient(actual, expected, eps):
    assert actual.shape == expected.shape
    limit = eps * EPS * np.abs(expected).max(initial=1e-3) + 1e-9
    assert np.abs(actual - expected).max(initial=0) <= limit


@differentiable
def test_gradient(case):
    arrays = case.inputs(Draw("small"))
    tensors = tensors_of(case, arrays, requires_grad=True)
    weights = cotangents(case, tensors)
    inputs = exact(arrays)
    expected = np.array([along(case, inputs, weights, [e]) for e in units(case, inputs)])
    for isa in ISAS:
        with instruction_set(isa):
            assert_gradient(flat(gradients(case, tensors, weights)), expected, case.grad_eps)


@differentiable
def test_gradient_with_many_elements(case):
    """One number: the derivative along a random direction."""
    arrays = case.inputs(Draw("big"))
    tensors = tensors_of(case, arrays, requires_grad=True)
    weights = cotangents(case, tensors)
    rng = np.random.default_rng(6)
    direction = [rng.uniform(-1, 1, arrays[i].shape) for i in case.wrt]
    grad = flat(gradients(case, tensors, weights))
    terms = grad * np.concatenate([v.reshape(-1) for v in direction])
    expected = along(case, exact(arrays), weights, [direction])
    # The errors of the entries are nearly independent of each other and of the direction.
    assert abs(terms.sum() - expected) <= case.grad_eps * EPS * np.sqrt((terms**2).sum())


@differentiable
def test_second_gradient(case):
    """The gradient of the gradient's product with fixed weights, against the second derivatives."""
    arrays = case.inputs(Draw("small"))
    tensors = tensors_of(case, arrays, requires_grad=True)
    weights = cotangents(case, tensors)
    first = gradients(case, tensors, weights, create_graph=True)
    rng = np.random.default_rng(7)
    direction = [rng.standard_normal(arrays[i].shape).astype(np.float32) for i in case.wrt]
    inputs = exact(arrays)
    expected = np.array([along(case, inputs, weights, [direction, e]) for e in units(case, inputs)])
    roots = [(g, v) for g, v in zip(first, direction, strict=True) if g.requires_grad]
    wrt = [tensors[i] for i in case.wrt]
    actual = np.zeros_like(expected)
    if roots:
        second = _core.grad(
            [g for g, _ in roots], [_core.tensor(v) for _, v in roots], wrt, True, False
        )
        actual = flat(
            [
                _core.tensor(np.zeros(t.shape, np.float32)) if g is None else g
                for t, g in zip(wrt, second, strict=True)
            ]
        )
    assert_gradient(actual, expected, 2 * case.grad_eps)


# --- plans ----------------------------------------------------------------------------------------


@every_case
def test_plan_agrees_with_eager_to_the_bit(case):
    """Results and gradients of a plan, recorded with some values and replayed with others."""
    recorded, replayed = (case.inputs(Draw("small", seed=s)) for s in (2, 3))

    def step(tensors):
        out = run(case, tensors)
        return out + (gradients(case, tensors, weights, outputs=out) if case.wrt else [])

    weights = cotangents(case, tensors_of(case, recorded))
    slots = tensors_of(case, recorded, requires_grad=True)
    recorder = _core.Recorder()
    try:
        outputs = step(slots)
    finally:
        recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, slots, outputs)
    expected = bits(step(tensors_of(case, replayed, requires_grad=True)))
    if case.rng:
        _core.manual_seed(SEED)
    assert bits(plan.replay(tensors_of(case, replayed))) == expected


@pytest.mark.parametrize("transpose_w", [False, True])
@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "gelu"]
)
def test_linear_fuses_activations(activation, transpose_w):
    """The values and gradients are those of a separate activation op."""
    activate = {
        "leaky_relu": lambda z: _core.leaky_relu(z, 0.2),
        "elu": lambda z: _core.elu(z, 1.0),
        "gelu": lambda z: _core.gelu(z, False),
    }.get(activation, getattr(_core, activation))
    d = Draw("small")
    arrays = [d.normal(37, 23), d.normal(*((19, 23) if transpose_w else (23, 19))), d.normal(19)]
    weight = d.normal(37, 19)
    results = []
    for f in (
        lambda x, w, b: _core.linear(x, w, b, transpose_w, activation),
        lambda x, w, b: activate(_core.linear(x, w, b, transpose_w, "")),
    ):
        tensors = [_core.tensor(a) for a in arrays]
        for t in tensors:
            t.requires_grad = True
        y = f(*tensors)
        y.backward(_core.tensor(weight))
        results.append([y.numpy(), *[t.grad.numpy() for t in tensors]])
    for fused, separate in zip(*results, strict=True):
        np.testing.assert_allclose(fused, separate, rtol=0, atol=4 * EPS * np.abs(separate).max())
