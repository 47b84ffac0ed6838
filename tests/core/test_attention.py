"""Attention beyond the op table: blocks, bits, memory, special values, errors.

The definition in float64 is that of the op table (op_cases/attention.py).
"""

from __future__ import annotations

import os
import signal
import threading

import children
import numpy as np
import pytest
from op_cases.attention import attended, attention, probabilities

import fastdl
from fastdl import _core

EPS = float(np.finfo(np.float32).eps)
ISAS = _core.config()["isas"]


@pytest.fixture(params=ISAS)
def isa(request):
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


@pytest.fixture
def threads():
    before = _core.num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


def draw(*sizes, seed=0, heads=(2, 2), widths=(8, 8), batch=2):
    """query, key, value and a gradient of the result, heads first."""
    rng = np.random.default_rng(seed)
    queries, keys = sizes
    shapes = [(heads[0], queries, widths[0]), (heads[1], keys, widths[0])]
    shapes += [(heads[1], keys, widths[1]), (heads[0], queries, widths[1])]
    return [rng.standard_normal((batch, *s)).astype(np.float32) for s in shapes]


def run(query, key, value, **options):
    return _core.attention(query, key, value, heads_first=True, **options).numpy()


def gradients(query, key, value, dy, create_graph=False, **options):
    tensors = [_core.tensor(x) for x in (query, key, value)]
    for t in tensors:
        t.requires_grad = True
    y = _core.attention(*tensors, heads_first=True, **options)
    return [g.numpy() for g in _core.grad([y], [_core.tensor(dy)], tensors, False, create_graph)]


def reference_gradients(query, key, value, dy, scale=None, **options):
    """The gradients, and the sums of the magnitudes of their terms."""
    q, k, v, g = (np.asarray(x, np.float64) for x in (query, key, value, dy))
    scale = 1 / np.sqrt(q.shape[-1]) if scale is None else scale
    shape, group = k.shape, q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    p = probabilities(q, k, scale=scale, **options)
    dp = g @ np.swapaxes(v, 2, 3)

    def products(dx, p, q, k, g):
        dk, dv = np.swapaxes(dx, 2, 3) @ q * abs(scale), np.swapaxes(p, 2, 3) @ g
        dk, dv = (d.reshape(*shape[:2], group, shape[2], d.shape[-1]).sum(2) for d in (dk, dv))
        return dx @ k * abs(scale), dk, dv

    dx = p * (dp - (dp * p).sum(-1, keepdims=True)) * np.sign(scale)
    size = p * (np.abs(dp) + (np.abs(dp) * p).sum(-1, keepdims=True))
    return products(dx, p, q, k, g), products(size, p, *map(np.abs, (q, k, g)))


def check(arrays, sensitivity=1.0, **options):
    """`sensitivity`: how large scores are, whose errors are factors of the weights."""
    expected = attention(*(x.astype(np.float64) for x in arrays[:3]), heads_first=True, **options)
    limit = 16 * EPS * sensitivity
    size = np.abs(arrays[2]).max(initial=0)
    assert np.abs(run(*arrays[:3], **options) - expected).max(initial=0) <= limit * size
    expected, sizes = reference_gradients(*arrays, **options)
    for actual, e, s in zip(gradients(*arrays, **options), expected, sizes, strict=True):
        assert actual.shape == e.shape
        assert np.abs(actual - e).max(initial=0) <= limit * s.max(initial=0)


# --- sizes


@pytest.mark.parametrize("queries", [1, 2, 5, 6, 7, 63, 64, 65, 97, 300])
@pytest.mark.parametrize("keys", [1, 2, 15, 16, 17, 63, 65, 255, 257, 512, 513, 1100])
def test_lengths_around_tiles_and_blocks(queries, keys):
    arrays = draw(queries, keys, batch=1)
    check(arrays)
    check(arrays, causal=True, offset=np.array(keys - queries))


@pytest.mark.parametrize(
    "widths", [(1, 1), (3, 5), (16, 64), (64, 17), (65, 1), (80, 96), (257, 130)]
)
def test_widths(isa, widths):
    check(draw(70, 530, widths=widths, batch=1), causal=True, offset=np.array(460))


@pytest.mark.parametrize("heads", [(1, 1), (3, 3), (6, 2), (8, 1)])
@pytest.mark.parametrize("queries", [1, 2, 40])
def test_groups_of_heads(heads, queries):
    check(draw(queries, 90, heads=heads))
    check(draw(queries, 90, heads=heads), causal=True, offset=np.array([50, 7]))


def test_long_sequences():
    check(draw(3000, 3000, heads=(1, 1), widths=(16, 16), batch=1))
    check(draw(3000, 3000, heads=(1, 1), widths=(16, 16), batch=1), causal=True)


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (0, 0)])
def test_no_queries_or_no_keys(sizes):
    arrays = draw(*sizes)
    assert not run(*arrays[:3]).any()
    for actual, like in zip(gradients(*arrays), arrays, strict=False):
        assert actual.shape == like.shape
        assert not actual.any()


@pytest.mark.parametrize("empty", ["batch", "heads", "value_width"])
def test_other_extents_of_zero(empty):
    arrays = draw(
        4,
        5,
        batch=0 if empty == "batch" else 2,
        heads=(0, 0) if empty == "heads" else (2, 2),
        widths=(3, 0) if empty == "value_width" else (3, 3),
    )
    assert run(*arrays[:3]).shape == arrays[3].shape
    for actual, like in zip(gradients(*arrays), arrays, strict=False):
        assert actual.shape == like.shape
        assert not actual.any()


def test_only_the_gradients_that_are_asked_for():
    q, k, v, dy = draw(70, 300)
    every = gradients(q, k, v, dy)
    for wanted in range(3):
        tensors = [_core.tensor(x) for x in (q, k, v)]
        tensors[wanted].requires_grad = True
        y = _core.attention(*tensors, heads_first=True)
        (g,) = _core.grad([y], [_core.tensor(dy)], [tensors[wanted]], False, False)
        np.testing.assert_array_equal(g.numpy(), every[wanted])


# --- what queries attend to


def test_the_default_scale_is_that_of_the_width():
    q, k, v, _ = draw(4, 6, widths=(9, 3))
    np.testing.assert_array_equal(run(q, k, v), run(q, k, v, scale=1 / 3))


def test_one_key_gives_its_value():
    q, k, v, _ = draw(5, 1)
    np.testing.assert_array_equal(run(q, k, v, scale=2.0), np.repeat(v, 5, 2))


def test_a_query_without_keys_gives_zero():
    q, k, v, dy = draw(7, 20)
    mask = np.ones((7, 20), bool)
    mask[[0, 3]] = False
    bias = np.where(mask, 0, -np.inf).astype(np.float32)
    for options in ({"mask": mask}, {"mask": bias}, {"bias": bias}):
        y = run(q, k, v, **options)
        assert not y[:, :, [0, 3]].any()
        assert y[:, :, [1, 2, 4]].all()
        grads = gradients(q, k, v, dy, **options)
        assert not grads[0][:, :, [0, 3]].any()
        assert all(np.isfinite(g).all() for g in grads)
    # Even if the values are not numbers, since nothing is attended.
    y = run(q, np.full_like(k, np.nan), np.full_like(v, np.nan), lengths=np.array([0, 0]))
    assert not y.any()


def test_offset_of_a_key_value_cache():
    """Negative ones leave queries without keys, large ones restrict nothing."""
    q, k, v, dy = draw(4, 9)
    for offset in (-5, -2, 0, 3, 8, 100, 2**62, -(2**62)):
        check((q, k, v, dy), causal=True, offset=np.array(offset))


def test_keys_beyond_the_lengths_are_not_read():
    q, k, v, dy = draw(70, 600)
    lengths = np.array([530, 17], np.int32)
    expected = [run(q, k, v, lengths=lengths), *gradients(q, k, v, dy, lengths=lengths)]
    for b, n in enumerate(lengths):
        k[b, :, n:] = v[b, :, n:] = np.nan
    actual = [run(q, k, v, lengths=lengths), *gradients(q, k, v, dy, lengths=lengths)]
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)
    assert not actual[2][0, :, 530:].any()
    assert not actual[3][1, :, 17:].any()


def test_keys_that_are_not_written_yet_are_not_read():
    """A cache has room for more keys than queries attend to."""
    q, k, v, _ = draw(1, 100)
    expected = run(q, k, v, causal=True, offset=np.array(30))
    k[:, :, 31:] = v[:, :, 31:] = np.nan
    np.testing.assert_array_equal(run(q, k, v, causal=True, offset=np.array(30)), expected)


@pytest.mark.parametrize(
    "shape",
    [(), (1,), (20,), (7, 1), (7, 20), (2, 1, 20), (2, 1, 1, 20), (2, 2, 7, 20), (2, 1, 1, 1)],
)
def test_shapes_of_masks(shape):
    rng = np.random.default_rng(1)
    arrays = draw(7, 20)
    mask = rng.random(shape) < 0.6
    bias = rng.standard_normal(shape).astype(np.float32)
    check(arrays, mask=np.asarray(mask))
    check(arrays, bias=np.asarray(bias))
    check(arrays, mask=np.asarray(mask), bias=np.asarray(bias), causal=True)
    both = np.where(mask, bias, -np.inf).astype(np.float32)
    np.testing.assert_array_equal(run(*arrays[:3], mask=both), run(*arrays[:3], bias=both))


def test_layouts_agree_to_the_bit():
    q, k, v, dy = draw(70, 600, heads=(4, 2), widths=(24, 40))
    expected = [run(q, k, v, causal=True), *gradients(q, k, v, dy, causal=True)]
    turned = [_core.tensor(np.swapaxes(x, 1, 2).copy()) for x in (q, k, v)]
    for t in turned:
        t.requires_grad = True
    y = _core.attention(*turned, causal=True)
    grads = _core.grad([y], [_core.tensor(np.swapaxes(dy, 1, 2).copy())], turned, False, False)
    for actual, e in zip([y, *grads], expected, strict=True):
        np.testing.assert_array_equal(np.swapaxes(actual.numpy(), 1, 2), e)


# --- special values


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_huge_scores(size):
    q, k, v, dy = draw(40, 600, widths=(16, 16))
    q, k = q * np.float32(np.sqrt(size)), k * np.float32(np.sqrt(size))
    check((q, k, v, dy), sensitivity=4 * size)
    check((q, k, v, dy), sensitivity=4 * size, bias=np.zeros((1, 1), np.float32))


def test_not_a_number_shows():
    q, k, v, dy = draw(40, 600)
    q[0, 0, 3, 0] = np.nan
    y = run(q, k, v)
    assert np.isnan(y[0, 0, 3]).all()
    assert np.isfinite(np.delete(y[0, 0], 3, 0)).all() and np.isfinite(y[1]).all()
    assert np.isnan(gradients(q, k, v, dy)[0][0, 0, 3]).all()
    q, k, v, dy = draw(40, 600)
    k[0, 1, 580] = np.nan
    y = run(q, k, v)
    assert np.isnan(y[0, 1]).all() and np.isfinite(y[0, 0]).all()
    q, k, v, dy = draw(40, 600)
    v[0, 1, 7, 2] = np.nan
    y = run(q, k, v)
    assert np.isnan(y[0, 1, :, 2]).all() and np.isfinite(y[0, 1, :, 3]).all()


def test_an_infinite_score_gives_nan():
    q, k, v, _ = draw(3, 20)
    bias = np.zeros((3, 20), np.float32)
    bias[1, 5] = np.inf
    y = run(q, k, v, bias=bias)
    assert np.isnan(y[:, :, 1]).all() and np.isfinite(y[:, :, [0, 2]]).all()


def test_masked_scores_may_be_anything():
    q, k, v, _ = draw(3, 20)
    mask = np.arange(20) != 5
    expected = run(q, k, v, mask=mask)
    k[:, :, 5] = np.nan
    np.testing.assert_array_equal(run(q, k, v, mask=mask), expected)


# --- bits


@pytest.mark.parametrize("causal", [False, True])
def test_a_query_does_not_depend_on_the_others(isa, causal):
    """So a cache of keys gives the bits of a pass over the whole sequence."""
    q, k, v, _ = draw(700, 700, heads=(4, 2), widths=(24, 24), batch=1)
    whole = run(q, k, v, causal=causal)
    for i in (0, 1, 15, 16, 300, 511, 512, 699):
        alone = run(q[:, :, i : i + 1], k, v, causal=causal, offset=np.array(i) if causal else None)
        np.testing.assert_array_equal(alone[:, :, 0], whole[:, :, i])
    if causal:  # nor on keys that come later
        np.testing.assert_array_equal(
            run(q[:, :, :600], k[:, :, :600], v[:, :, :600], causal=True), whole[:, :, :600]
        )


def test_a_sample_does_not_depend_on_the_others(isa):
    arrays = draw(90, 600, heads=(4, 2), batch=5)
    whole = [run(*arrays[:3], causal=True), *gradients(*arrays, causal=True)]
    for b in range(5):
        one = [x[b : b + 1] for x in arrays]
        parts = [run(*one[:3], causal=True), *gradients(*one, causal=True)]
        for w, p in zip(whole, parts, strict=True):
            np.testing.assert_array_equal(w[b : b + 1], p)


@pytest.mark.parametrize(
    "sizes",
    [
        dict(sizes=(1, 3000), heads=(2, 1), batch=1),  # blocks of keys are tasks
        dict(sizes=(40, 1200), heads=(3, 3), batch=1),
        dict(sizes=(900, 900), heads=(1, 1), batch=1),
        dict(sizes=(700, 700), heads=(6, 3), batch=1),
        dict(sizes=(300, 300), heads=(5, 5), batch=1),
    ],
    ids=str,
)
@pytest.mark.parametrize("causal", [False, True])
def test_threads_change_no_bit(isa, threads, sizes, causal):
    sizes = dict(sizes)
    queries, keys = sizes.pop("sizes")
    arrays = draw(queries, keys, widths=(32, 32), **sizes)
    options = {"causal": causal, "offset": np.array(keys - queries) if causal else None}
    results = []
    for n in (1, 2, 3, 5, 16):
        threads(n)
        found = [run(*arrays[:3], **options), *gradients(*arrays, **options)]
        results.append([x.tobytes() for x in found])
    assert all(r == results[0] for r in results)


def test_a_plan_reads_offset_and_lengths_anew():
    q, k, v, _ = draw(1, 40)
    slots = [_core.tensor(x) for x in (q, k, v)]
    offset, lengths = _core.tensor(np.array(3)), _core.tensor(np.array([40, 2]))
    recorder = _core.Recorder()
    y = _core.attention(*slots, None, True, None, True, None, offset, lengths)
    recorder.stop()
    assert not recorder.problem
    plan = _core.Plan(recorder, [*slots, offset, lengths], [y])
    for at, used in ((3, [40, 2]), (17, [40, 9]), (39, [5, 0])):
        (found,) = plan.replay([*slots, _core.tensor(np.array(at)), _core.tensor(np.array(used))])
        expected = run(q, k, v, causal=True, offset=np.array(at), lengths=np.array(used))
        np.testing.assert_array_equal(found.numpy(), expected)
    with pytest.raises(ValueError, match="attention: lengths: 41 of sample 1 is outside"):
        plan.replay([*slots, offset, _core.tensor(np.array([1, 41]))])


# --- dropout


def test_the_gradient_drops_the_same_weights():
    """The fused gradient against that by ordinary ops."""
    arrays = draw(50, 601, heads=(4, 2))
    options = {"dropout": 0.3, "causal": True, "offset": np.array(551)}
    found = []
    for create_graph in (False, True):
        _core.manual_seed(5)
        found.append(gradients(*arrays, create_graph=create_graph, **options))
    for fused, by_ops in zip(*found, strict=True):
        np.testing.assert_allclose(fused, by_ops, rtol=0, atol=32 * EPS * np.abs(by_ops).max())


def test_dropout_keeps_the_mean():
    q, k, _, _ = draw(64, 512, batch=4)
    ones = np.ones((4, 2, 512, 1), np.float32)
    _core.manual_seed(0)
    y = run(0 * q, k, ones, dropout=0.4)
    kept = y * 0.6 * 512  # a count of 512 draws for each of 512 queries
    np.testing.assert_allclose(kept, np.round(kept), atol=1e-3)
    assert abs(y.mean() - 1) < 4 * np.sqrt(0.4 / 0.6 / (512 * 512))


def test_each_call_draws_anew():
    arrays = draw(5, 9)
    _core.manual_seed(0)
    first, second = (run(*arrays[:3], dropout=0.5) for _ in range(2))
    assert (first != second).any()
    generator = _core.make_generator(3)
    run(*arrays[:3], dropout=0.5, generator=generator)
    assert _core.get_rng_state(generator) == (3, 2 * 2 * 5 * 12 // 4)


# --- gradients by ordinary ops (the op table has second gradients, and those of biases)


def test_gradients_by_ops_are_those_of_the_fused_op():
    rng = np.random.default_rng(3)
    arrays = draw(30, 70, heads=(4, 2))
    options = {
        "mask": rng.random((30, 70)) < 0.5,
        "lengths": np.array([66, 0]),
        "causal": True,
        "offset": np.array([-3, 20]),
        "bias": np.where(rng.random((2, 1, 1, 70)) < 0.1, -np.inf, 1).astype(np.float32),
    }
    fused, by_ops = (gradients(*arrays, create_graph=c, **options) for c in (False, True))
    for f, o in zip(fused, by_ops, strict=True):
        assert np.isfinite(o).all()
        np.testing.assert_allclose(f, o, rtol=0, atol=16 * EPS * np.abs(o).max())


# --- long calls

LENGTH = 16384


def test_memory_is_linear_in_the_length(tmp_path):
    """A matrix of scores would take 1 GiB."""
    code = f"""
import numpy as np
from fastdl import _core

def mib(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(key))

rng = np.random.default_rng(0)
t = [_core.tensor(rng.standard_normal((1, 1, {LENGTH}, 64)).astype("f")) for _ in range(4)]
for x in t[:3]:
    x.requires_grad = True
before = mib("VmRSS")
y = _core.attention(*t[:3], causal=True, heads_first=True)
_core.grad([y], [t[3]], t[:3], False, False)
print(mib("VmHWM") - before)
"""
    assert float(children.output(code, tmp_path, FASTDL_NUM_THREADS="2")) < 80


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("heads", [1, 2])
def test_a_long_call_is_stopped(backward, heads, threads):
    threads(2)
    tensors = [
        _core.tensor(x)
        for x in draw(LENGTH, LENGTH, heads=(heads, heads), widths=(32, 32), batch=1)
    ]
    for t in tensors[:3]:
        t.requires_grad = True
    y = None

    def forward():
        return _core.attention(*tensors[:3], causal=True, heads_first=True)

    if backward:
        y = forward()
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        for _ in range(100):
            if backward:
                _core.grad([y], [tensors[3]], tensors[:3], True, False)
            else:
                forward()


# --- errors

F = np.float32
Q, K = np.ones((2, 3, 4, 5), F), np.ones((2, 6, 2, 5), F)  # (batch, length, heads, width)
BAD = {
    "attention: argument 'query' must be a tensor, got None": (TypeError, (None, K, K), {}),
    "attention: argument 'value' must be a tensor, got None": (TypeError, (Q, K, None), {}),
    "attention: expected 'query' of shape (batch, length, heads, width), got shape (3, 4, 5)": (
        ValueError,
        (Q[0], K, K),
        {},
    ),
    "attention: expected 'key' of shape (batch, heads, length, width), got shape (6, 2, 5)": (
        ValueError,
        (Q, K[0], K),
        {"heads_first": True},
    ),
    "attention: the batch sizes differ, got query of shape (2, 3, 4, 5), key (1, 6, 2, 5)": (
        ValueError,
        (Q, K[:1], K),
        {},
    ),
    "attention: query and key must have the same width": (ValueError, (Q, K[..., :3], K), {}),
    "attention: the width must be at least 1": (ValueError, (Q[..., :0], K[..., :0], K), {}),
    "attention: key and value must have the same length": (ValueError, (Q, K, K[:, :5]), {}),
    "attention: key and value must have the same number of heads": (
        ValueError,
        (Q, K, K[:, :, :1]),
        {},
    ),
    "attention: the heads of query must be a multiple of those of key, got query of shape": (
        ValueError,
        (Q[:, :, :3], K, K),
        {},
    ),
    "attention: 'mask' of shape (3, 5) does not broadcast to (2, 4, 3, 6)": (
        ValueError,
        (Q, K, K, np.ones((3, 5), bool)),
        {},
    ),
    "attention: 'bias' of shape (1, 1, 1, 1, 6) does not broadcast": (
        ValueError,
        (Q, K, K, np.ones((1, 1, 1, 1, 6), F)),
        {},
    ),
    "attention: 'mask' must be bool or float32, got int64": (
        TypeError,
        (Q, K, K, np.ones((3, 6), np.int64)),
        {},
    ),
    "attention: 'bias' must be float32, got bool": (
        TypeError,
        (Q, K, K),
        {"bias": np.ones((3, 6), bool)},
    ),
    "attention: expected a bool mask beside a bias": (
        ValueError,
        (Q, K, K, np.ones((3, 6), F)),
        {"bias": np.ones((3, 6), F)},
    ),
    "attention: 'offset' has no meaning unless causal is True": (
        ValueError,
        (Q, K, K),
        {"offset": 1},
    ),
    "attention: expected one 'offset', or one for each sample, of shape (2,), got (3,)": (
        ValueError,
        (Q, K, K),
        {"causal": True, "offset": [1, 2, 3]},
    ),
    "attention: argument 'offset' must be of an integer type, got float32": (
        TypeError,
        (Q, K, K),
        {"causal": True, "offset": 1.5},
    ),
    "attention: expected 'lengths' of shape (2,), one for each sample, got (1,)": (
        ValueError,
        (Q, K, K),
        {"lengths": [1]},
    ),
    "attention: lengths: 7 of sample 1 is outside [0, 6]": (
        ValueError,
        (Q, K, K),
        {"lengths": [6, 7]},
    ),
    "attention: lengths: -1 of sample 0 is outside [0, 6]": (
        ValueError,
        (Q, K, K),
        {"lengths": [-1, 0]},
    ),
    "attention: expected a finite scale, got inf": (ValueError, (Q, K, K), {"scale": np.inf}),
    "attention: dropout must lie in [0, 1), got 1": (ValueError, (Q, K, K), {"dropout": 1}),
    "attention: argument 'query' must be of a type to compute with": (
        TypeError,
        (_core.tensor(Q.astype(np.float16), keep_type=True), K, K),
        {},
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_errors(message):
    kind, arguments, options = BAD[message]
    with pytest.raises(kind) as e:
        _core.attention(*arguments, **options)
    assert message in str(e.value)


def test_integers_become_floats():
    q = np.arange(24, dtype=np.int64).reshape(1, 3, 2, 4)
    y = _core.attention(q, q, q, scale=0.01)
    assert y.dtype == fastdl.float32
    np.testing.assert_array_equal(
        y.numpy(), _core.attention(*[q.astype(F)] * 3, scale=0.01).numpy()
    )


def test_the_definition_of_the_tests():
    """`attended` against its sentence."""
    found = attended(np.zeros((2, 1, 3, 5)), causal=True, offset=[1, 0], lengths=[4, 2])
    for b, i, j in np.ndindex(2, 3, 5):
        assert found[b, 0, i, j] == (j <= [1, 0][b] + i and j < [4, 2][b])
