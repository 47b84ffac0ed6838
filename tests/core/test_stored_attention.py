"""Attention to keys and values in bfloat16 or int8: the bits of the converted ones, no copy of all.

The definition in float64 is in the op table (op_cases/attention.py).
"""

from __future__ import annotations

import children
import numpy as np
import pytest

import fastdl
from fastdl import _core

ISAS = _core.config()["isas"]
TYPES = ["bfloat16", "int8"]
SCALES = ("key_scale", "value_scale")


@pytest.fixture(params=ISAS)
def isa(request):
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


def draw(dtype, queries, keys, heads=(4, 2), widths=(16, 24), batch=2, heads_first=False, seed=0):
    """query; key and value as they are stored, and converted; the scales by name."""
    rng = np.random.default_rng(seed)

    def normal(rows, heads, width):
        shape = (heads, rows) if heads_first else (rows, heads)
        return rng.standard_normal((batch, *shape, width)).astype(np.float32)

    query = _core.tensor(normal(queries, heads[0], widths[0]))
    stored, wide, scales = [], [], {}
    for name, width in zip(SCALES, widths, strict=True):
        x = normal(keys, heads[1], width)
        if dtype == "int8":
            scale = np.abs(x).max(-1) / np.float32(127)
            whole = np.round(x / scale[..., None])
            stored.append(_core.cast(_core.tensor(whole), "int8"))
            wide.append(whole * scale[..., None])
            scales[name] = _core.tensor(scale)
        else:
            stored.append(_core.cast(_core.tensor(x), dtype))
            wide.append(_core.cast(stored[-1], "float32").numpy())
    return query, stored, wide, scales


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("queries", [1, 2, 9, 70])
@pytest.mark.parametrize("keys", [1, 15, 64, 600, 1100])
def test_the_bits_are_those_of_converted_keys_and_values(isa, dtype, queries, keys):
    options = {"causal": True, "offset": np.array([keys - 1, keys // 2])}
    for heads, heads_first in (((4, 2), False), ((3, 3), True), ((6, 1), False)):
        query, stored, wide, scales = draw(
            dtype, queries, keys, heads, widths=(17, 32), heads_first=heads_first
        )
        for more in ({}, options):
            found = _core.attention(query, *stored, heads_first=heads_first, **more, **scales)
            wanted = _core.attention(query, *wide, heads_first=heads_first, **more)
            np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("dtype", TYPES)
def test_one_of_both_may_be_float32(dtype):
    query, stored, wide, scales = draw(dtype, 3, 40)
    wanted = _core.attention(query, *wide).numpy()
    for i, name in enumerate(SCALES):
        mixed = [stored[k] if k == i else wide[k] for k in range(2)]
        only = {name: scales[name]} if scales else {}
        np.testing.assert_array_equal(_core.attention(query, *mixed, **only).numpy(), wanted)


@pytest.mark.parametrize("dtype", TYPES)
def test_threads_change_no_bit(dtype):
    query, stored, _, scales = draw(dtype, 1, 3000, batch=1)
    before = _core.num_threads()
    try:
        found = []
        for n in (1, 2):
            _core.set_num_threads(n)
            found.append(_core.attention(query, *stored, **scales).numpy())
    finally:
        _core.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_scales_beyond_the_offset_are_not_read():
    query, stored, _, scales = draw("int8", 1, 70)
    options = {"causal": True, "offset": np.array(40)}
    wanted = _core.attention(query, *stored, **options, **scales).numpy()
    scales = {name: s.numpy().copy() for name, s in scales.items()}
    for scale in scales.values():
        scale[:, 41:] = np.nan
    np.testing.assert_array_equal(
        _core.attention(query, *stored, **options, **scales).numpy(), wanted
    )
    scales["value_scale"][0, 40] = np.nan
    found = _core.attention(query, *stored, **options, **scales).numpy()
    assert np.isnan(found[0]).any() and not np.isnan(found[1]).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_plan_reads_what_was_written_since(dtype):
    query, stored, _, scales = draw(dtype, 1, 30)
    cache = [fastdl.zeros_like(t) for t in stored]

    @fastdl.plan
    def step(query, *scales):
        return _core.attention(query, *cache, **dict(zip(SCALES, scales, strict=False)))

    with fastdl.no_grad():
        for seed in range(5):
            query, stored, wide, scales = draw(dtype, 1, 30, seed=seed)
            for to, value in zip(cache, stored, strict=True):
                _core.assign_(to, value)
            found = step(query, *scales.values()).numpy()
            np.testing.assert_array_equal(found, _core.attention(query, *wide).numpy())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("which", ["query", "bias"])
def test_gradients_are_refused(dtype, which):
    query, stored, _, scales = draw(dtype, 3, 5)
    bias = fastdl.zeros(3, 5)
    wrt = {"query": query, "bias": bias}[which]
    wrt.requires_grad = True
    with pytest.raises(RuntimeError, match=f"keys of type {dtype} .* have no gradients"):
        _core.attention(query, *stored, bias=bias, **scales)
    with fastdl.no_grad():
        assert not _core.attention(query, *stored, bias=bias, **scales).requires_grad


@pytest.mark.parametrize("dtype", TYPES)
def test_extents_of_zero(dtype):
    for queries, keys, batch in ((0, 5, 2), (3, 0, 2), (3, 5, 0)):
        query, stored, wide, scales = draw(dtype, queries, max(keys, 1), batch=batch)
        if not keys:
            stored, wide = ([t[:, :0] for t in part] for part in (stored, wide))
            scales = {name: s[:, :0] for name, s in scales.items()}
        found = _core.attention(query, *stored, **scales).numpy()
        np.testing.assert_array_equal(found, _core.attention(query, *wide).numpy())


def test_no_copy_of_all_is_made(tmp_path):
    """Keys and values of 64 MiB each, 256 MiB in float32."""
    code = """
from fastdl import _core

def mib(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(key))

shape = (1, 1 << 19, 2, 64)
stored = [_core.full(shape, "int8", 1) for _ in range(2)]
scale = _core.full(shape[:3], "float32", 0.5)
query = _core.full((1, 1, 2, 64), "float32", 1)
before = mib("VmRSS")
y = _core.attention(query, *stored, key_scale=scale, value_scale=scale)
assert abs(y.numpy() - 0.5).max() < 1e-5
print(mib("VmHWM") - before)
"""
    assert float(children.output(code, tmp_path, FASTDL_NUM_THREADS="2")) < 16


def test_errors():
    query, (key, value), wide, scales = draw("int8", 3, 5)
    key_scale, value_scale = (scales[name] for name in SCALES)
    cases = [
        ((key, value), {}, TypeError, r"'key' must be .* int8 with 'key_scale', got int8"),
        ((wide[0], value), {}, TypeError, r"'value' must be .* int8 with 'value_scale', got int8"),
        (wide, {"key_scale": key_scale}, TypeError, "'key_scale' belongs to 'key' of type int8"),
        (
            (key, value),
            {"key_scale": key_scale[:, :4], "value_scale": value_scale},
            ValueError,
            r"expected 'key_scale' of type float32 and shape \(2, 5, 2\), one for each row of 'key'"
            r", got float32 of shape \(2, 4, 2\)",
        ),
        (
            (key, value),
            {"key_scale": key_scale, "value_scale": _core.cast(value_scale, "int64")},
            ValueError,
            r"expected 'value_scale' of type float32 .* got int64",
        ),
    ]
    for arguments, options, kind, message in cases:
        with pytest.raises(kind, match=message):
            _core.attention(query, *arguments, **options)
    half = _core.tensor(np.ones((2, 5, 2, 16), np.float16), keep_type=True)
    with pytest.raises(TypeError, match="argument 'key' must be of a type to compute with"):
        _core.attention(query, half, wide[1])
