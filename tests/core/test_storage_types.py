"""float16, bfloat16 and int8 in every op: the results of float32, or a clear error."""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest
from op_cases import CASES, Draw

import fastdl
from fastdl import _core

STORAGE = {"float16": "float32", "bfloat16": "float32", "int8": "int32"}


def stored(array, dtype):
    return _core.cast(_core.tensor(array), dtype)


def as_float64(t):
    """The exact values of a tensor of any type."""
    return np.asarray(t.tolist(), np.float64).reshape(t.shape)


def as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def same(actual, expected):
    np.testing.assert_array_equal(as_float64(actual), as_float64(expected))


# --- every op

# Ops that take storage types, and their arguments that do (None: all). Others refuse them.
MOVES = {
    "copy": None,
    "cast": None,
    "assign_": None,
    "where": None,
    "reshape": None,
    "transpose": None,
    "broadcast_to": None,
    "slice": None,
    "pad": None,
    "setitem_": None,
    "concat": None,
    "stack": None,
    "split": None,
    "take": None,
    "gather": None,
    "put_": None,
}
QUESTIONS = {
    **dict.fromkeys("eq ne lt le gt ge logical_and logical_or logical_not".split()),
    **dict.fromkeys("any all argmax argmin isnan isfinite bernoulli".split()),
}
PRODUCTS = {"matmul": None, "linear": None}
INDICES = {"scatter_add": {1}, "one_hot": {0}, "sparse_softmax_cross_entropy": {1}}
INDICES["ctc_loss"] = {1, 2, 3}
TAKES = {**MOVES, **QUESTIONS, **PRODUCTS, **INDICES}
# Whole numbers for arguments that may be integers. Floats are no indices.
INTEGERS_ONLY = {("take", 1), ("gather", 1), ("put_", 1), ("scatter_add", 1), ("one_hot", 0)}
INTEGERS_ONLY |= {("ctc_loss", i) for i in (1, 2, 3)}


def places():
    for case in CASES:
        for i in range(len(case.inputs(Draw("small")))):
            for dtype in STORAGE:
                yield pytest.param(case, i, dtype, id=f"{case}-{i}-{dtype}")


def call(case, tensors):
    if case.rng:
        _core.manual_seed(7)
    return as_list(case.call(*tensors))


@pytest.mark.parametrize(("case", "i", "dtype"), list(places()))
def test_each_tensor_of_each_op(case, i, dtype):
    arrays = case.inputs(Draw("small", seed=1))
    narrow = [_core.tensor(a) for a in arrays]
    narrow[i] = stored(arrays[i], dtype)
    before = [as_float64(t) for t in narrow]
    wide = [_core.tensor(a) for a in arrays]
    # Whole numbers are integers, except in products, whose other operands are float32.
    floats = case.op in PRODUCTS and any(a.dtype == np.float32 for a in arrays)
    wide[i] = _core.cast(narrow[i], "float32" if floats else STORAGE[dtype])
    try:
        actual = call(case, narrow)
    except (TypeError, ValueError) as e:
        # These ops speak in the name of the function that they are called for.
        name = r"\w+" if case.op in ("special", "special2") else case.op
        refusal = (
            rf"({name}|reserve): "  # reserve takes the generators of random ops
            rf"((argument )?'\w+' must be .*, got {dtype}|a result of type {dtype} )"
        )
        if not re.match(refusal, str(e)):  # or the op refuses these operands in any type
            wider = f"({dtype}|{STORAGE[dtype]})"
            with pytest.raises(type(e), match=re.escape(str(e)).replace(dtype, wider)):
                call(case, wide)
            return
        takes = case.op in TAKES and (TAKES[case.op] is None or i in TAKES[case.op])
        assert not takes or ((case.op, i) in INTEGERS_ONLY and dtype != "int8"), e
        for t, b in zip(narrow, before, strict=True):  # nothing was written
            np.testing.assert_array_equal(as_float64(t), b)
        return
    expected = call(case, wide)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        if str(a.dtype) in STORAGE:  # rounded once, at the end
            e = _core.cast(_core.cast(e, "float32"), a.dtype)
        else:
            assert a.dtype == e.dtype
        same(a, e)


@pytest.mark.parametrize("dtype", STORAGE)
def test_moving_keeps_the_type(dtype):
    x = stored(np.arange(-6, 6, dtype=np.float32).reshape(3, 4), dtype)
    exact = np.arange(-6.0, 6).reshape(3, 4)
    i = _core.tensor([2, 0])
    moved = {
        "reshape": (x.reshape(4, 3), exact.reshape(4, 3)),
        "transpose": (x.T, exact.T),
        "slice": (x[1:, ::-2], exact[1:, ::-2]),
        "index": (x[i], exact[[2, 0]]),
        "mask": (x[x > 0], exact[exact > 0]),
        "take": (_core.take(x, i, axis=1), exact[:, [2, 0]]),
        "gather": (
            fastdl.gather(x, 1, _core.tensor([[1], [0], [3]])),
            exact[[0, 1, 2], [1, 0, 3]][:, None],
        ),
        "broadcast": (_core.broadcast_to(x, (2, 3, 4)), np.broadcast_to(exact, (2, 3, 4))),
        "pad": (
            _core.pad(x, [1, 0], [0, 2], 7),
            np.pad(exact, ((1, 0), (0, 2)), constant_values=7),
        ),
        "concat": (fastdl.cat([x, x], 1), np.concatenate([exact, exact], 1)),
        "stack": (fastdl.stack([x, x]), np.stack([exact, exact])),
        "split": (_core.split(x, [1, 3], 1)[1], exact[:, 1:]),
        "where": (_core.where(x < 0, x, 5), np.where(exact < 0, exact, 5)),
        "copy": (x.clone(), exact),
        "flip": (fastdl.flip(x, (0,)), exact[::-1]),
        "tile": (fastdl.tile(x, (1, 2)), np.tile(exact, (1, 2))),
        "roll": (fastdl.roll(x, 1, 0), np.roll(exact, 1, 0)),
    }
    for name, (actual, expected) in moved.items():
        assert actual.dtype == dtype, name
        np.testing.assert_array_equal(as_float64(actual), expected, err_msg=name)
    y = x.clone()
    y[1] = 2.5
    y[:, 0] = _core.tensor([1.0, 2.0, 300.0])
    expected = exact.copy()
    expected[1] = 2 if dtype == "int8" else 2.5
    expected[:, 0] = [1, 2, 127 if dtype == "int8" else 300]
    np.testing.assert_array_equal(as_float64(y), expected)


def test_big_copies_use_several_threads():
    x = np.random.default_rng(0).standard_normal((257, 1031)).astype(np.float16)
    t = fastdl.tensor(x)
    for threads in (1, 3):
        before = fastdl.get_num_threads()
        fastdl.set_num_threads(threads)
        try:
            np.testing.assert_array_equal(t.T.numpy(), x.T)
            np.testing.assert_array_equal(t.float().numpy(), x.astype(np.float32))
            np.testing.assert_array_equal((t > 0.5).numpy(), x > np.float16(0.5))
            np.testing.assert_array_equal(fastdl.cat([t, t], 1).numpy(), np.concatenate([x, x], 1))
        finally:
            fastdl.set_num_threads(before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h, i: fastdl.exp(h), "exp: argument 'x' must be .*got float16.*cast it to float32"),
        (lambda h, i: h.sum(), "sum: argument 'x' must be .*got float16"),
        (lambda h, i: h.mean(), "mean: argument 'x' must be .*got float16"),
        (lambda h, i: fastdl.softmax(h, -1), "softmax: argument 'x' must be .*got float16"),
        (lambda h, i: fastdl.cumsum(h, 0), "cumsum: argument 'x' must be .*got float16"),
        (lambda h, i: _core.add_(i, 1.5), "add_: a result of type float32 does not fit .* int8"),
        (lambda h, i: i.__iadd__(h), "a result of type float16 does not fit .* int8"),
        (lambda h, i: +(i > 0), "truth values have no sign"),
        (lambda h, i: _core.dropout(h, 0.5), "dropout: argument 'x' must be .*got float16"),
        (lambda h, i: _core.take(h, h), "take: argument 'indices' must be of an integer type"),
        (lambda h, i: fastdl.gelu(h), "gelu: argument 'x' must be .*got float16"),
    ],
)
def test_refusals(call, message):
    h, i = stored(np.float32([1, 2]), "float16"), stored(np.float32([1, 2]), "int8")
    with pytest.raises(TypeError, match=message):
        call(h, i)
    assert h.tolist() == [1, 2]
    assert i.tolist() == [1, 2]


def rounded(exact, dtype):
    """float64 values rounded once to the type, ties to even."""
    exact = np.asarray(exact, np.float64)
    if dtype == "int8":
        return (exact.astype(np.int64) + 128) % 256 - 128
    bits, least = {"float16": (11, -14), "bfloat16": (8, -126)}[dtype]
    with np.errstate(all="ignore"):
        place = np.maximum(np.floor(np.log2(np.abs(exact))), least) - bits + 1
        found = np.round(exact / 2.0**place) * 2.0**place
    return np.where(exact == 0, exact, found)


OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv)
OPERATORS += (operator.floordiv, operator.mod, operator.pow)


@pytest.mark.parametrize("dtype", STORAGE)
@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_round_once(op, dtype):
    """To the type that the operands promote to; Python numbers are of that type first."""
    rng = np.random.default_rng(9)
    small = op is operator.pow
    draws = rng.integers(1, 5 if small else 99, (2, 40)) / (1 if dtype == "int8" else 8)
    x, y = (stored(draw.astype(np.float32), dtype) for draw in draws)
    number = 3 if dtype == "int8" else 0.3
    few = as_float64(_core.cast(number, dtype))
    a, b = as_float64(x), as_float64(y)
    cases = [(x, y, a, b), (x, number, a, few), (number, x, few, a), (x, _core.tensor([2]), a, 2.0)]
    for left, right, exact_left, exact_right in cases:
        found = op(left, right)
        mixed = dtype == "int8" and isinstance(right, fastdl.Tensor) and right.dtype == "int64"
        exact = op(exact_left, exact_right)
        if mixed or (dtype == "int8" and op is operator.truediv):
            assert found.dtype == ("float32" if op is operator.truediv else "int64")
            np.testing.assert_allclose(as_float64(found), exact, rtol=1e-6)
            continue
        assert found.dtype == dtype
        # A power is float32's first, so it may lie on the other side of a tie.
        unit = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "int8": 0}[dtype] if small else 0
        np.testing.assert_allclose(as_float64(found), rounded(exact, dtype), rtol=unit)
    again = x.clone()
    if dtype != "int8" or op is not operator.truediv:
        method = getattr(operator, f"i{op.__name__}")
        assert method(again, y) is again
        same(again, op(x, y))


@pytest.mark.parametrize("dtype", STORAGE)
def test_signs_and_sums_in_place(dtype):
    x = stored(np.float32([-2, 0, 3, -128]), dtype)
    exact = as_float64(x)
    for f in (operator.neg, abs, operator.pos, np.sign):
        found = fastdl.sign(x) if f is np.sign else f(x)
        assert found.dtype == dtype
        np.testing.assert_array_equal(as_float64(found), rounded(f(exact), dtype))
    assert +x is x
    target = x.clone()
    _core.add_(target, x)
    np.testing.assert_array_equal(as_float64(target), rounded(exact + exact, dtype))
    parameter = fastdl.nn.Parameter(x.clone(), requires_grad=False)
    np.testing.assert_array_equal(as_float64(parameter.assign_add(x)), as_float64(target))
    assert fastdl.maximum(x, 1).dtype == fastdl.minimum(x, x).dtype == dtype
    if dtype == "int8":
        assert (x + 300).tolist() == [42, 44, 47, -84]  # as the sum wraps
        with pytest.raises(ValueError, match="300 does not fit into int8"):
            fastdl.maximum(x, 300)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gradients_of_operators(dtype):
    """Those of float32, at the rounded values, rounded at the end."""
    rng = np.random.default_rng(10)
    draws = [rng.uniform(0.5, 2, (3, 4)).astype(np.float32) for _ in range(2)]

    def f(x, y):
        return ((x * y - x / y + 2 * x) ** y % 3 - abs(-y)).float().sum()

    x, y = (stored(draw, dtype).requires_grad_() for draw in draws)
    f(x, y).backward()
    a, b = (t.detach().float().requires_grad_() for t in (x, y))
    f(a, b).backward()
    unit = 2.0**-10 if dtype == "float16" else 2.0**-7
    for t, wide in ((x, a), (y, b)):
        assert t.grad.dtype == dtype
        scale = np.abs(as_float64(wide.grad)).max()
        np.testing.assert_allclose(as_float64(t.grad), as_float64(wide.grad), atol=8 * unit * scale)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_formulas_of_several_steps_round_once(dtype):
    rng = np.random.default_rng(11)
    x, y, z = (stored(rng.uniform(0.5, 2, 99).astype(np.float32), dtype) for _ in range(3))
    formulas = {
        "add": lambda x, y, z: fastdl.add(x, y, alpha=0.3),
        "sub": lambda x, y, z: x.sub(y, alpha=0.3),
        "addcmul": lambda x, y, z: fastdl.addcmul(x, y, z, value=0.3),
        "addcdiv": lambda x, y, z: fastdl.addcdiv(x, y, z, value=0.3),
        "lerp": lambda x, y, z: fastdl.lerp(x, y, z),
        "lerp_by_a_number": lambda x, y, z: fastdl.lerp(x, y, 0.3),
        "cross": lambda x, y, z: fastdl.ops.cross(x.reshape(33, 3), y.reshape(33, 3)),
        "fabs": lambda x, y, z: fastdl.ops.fabs(-x),
        "linspace": lambda x, y, z: fastdl.ops.linspace(x, y, 4),
        "logspace": lambda x, y, z: fastdl.ops.logspace(x, y, 4),
    }
    for name, f in formulas.items():
        found = f(x, y, z)
        assert found.dtype == dtype, name
        same(found, f(x.float(), y.float(), z.float()).to(dtype))
    assert fastdl.addcmul(x, y.float(), z).dtype == "float32"


def test_mixed_operands_are_computed_in_the_wider_type():
    h, b = stored(np.float32([0.1, 3]), "float16"), stored(np.float32([0.1, 3]), "bfloat16")
    i = stored(np.float32([-1, 3]), "int8")
    x = _core.tensor(np.float32([0.1, 3]))
    exact = np.float32(np.float16(0.1))
    assert (h + x).dtype == (h + b).dtype == (i + 0.5).dtype == "float32"
    np.testing.assert_array_equal((h + x).numpy(), [exact + np.float32(0.1), 6])
    assert (i + _core.tensor([1, 2], "int32")).dtype == "int32"
    assert (i + _core.tensor([255, 1], "uint8")).tolist() == [254, 4]
    # In comparisons Python numbers are rounded to the tensor's type.
    assert (h == 0.1).tolist() == [True, False]
    assert (h == x).tolist() == [False, True]
    assert (i < 300).tolist() == [True, True]


# --- products


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("left", ["float32", *STORAGE])
@pytest.mark.parametrize("right", ["float32", *STORAGE])
def test_products(left, right, transpose):
    """The operands and the sums are float32. The result is rounded once, to the common type."""
    rng = np.random.default_rng(3)
    for m, k, n in [(1, 7, 3), (3, 70, 40), (65, 130, 33), (2, 0, 3), (0, 4, 3)]:
        x = stored((rng.standard_normal((m, k)) * 20).astype(np.float32), left)
        w = stored(
            (rng.standard_normal((n, k) if transpose else (k, n)) * 20).astype(np.float32), right
        )
        bias = stored(rng.standard_normal(n).astype(np.float32), right)
        wide = [_core.cast(t, "float32") for t in (x, w, bias)]
        common = _core.promote_types(left, right)
        y = _core.matmul(x, w, transpose_b=transpose)
        z = _core.linear(x, w, bias, transpose_w=transpose, activation="relu")
        if common == "int8":
            exact = as_float64(x) @ (as_float64(w).T if transpose else as_float64(w))
            assert y.dtype == _core.linear(x, w, bias, transpose_w=transpose).dtype == "int32"
            assert z.dtype == "int32"  # relu keeps integers
            np.testing.assert_array_equal(as_float64(y), exact)
            np.testing.assert_array_equal(as_float64(z), np.maximum(exact + as_float64(bias), 0))
            continue
        assert y.dtype == z.dtype == common
        same(y, _core.cast(_core.matmul(wide[0], wide[1], transpose_b=transpose), common))
        expected = _core.linear(*wide, transpose_w=transpose, activation="relu")
        same(z, _core.cast(expected, common))


def test_products_of_batches_and_vectors():
    rng = np.random.default_rng(4)
    a = stored(rng.standard_normal((2, 1, 5, 7)).astype(np.float32), "bfloat16")
    b = stored(rng.standard_normal((3, 7, 4)).astype(np.float32), "float16")
    same(a @ b, a.float() @ b.float())
    v = stored(rng.standard_normal(7).astype(np.float32), "bfloat16")
    same(a @ v, (a.float() @ v.float()).bfloat16())
    q = stored(np.full((2, 300), 127, np.float32), "int8")
    assert (q @ q.T).tolist() == [[127 * 127 * 300] * 2] * 2
    assert (q @ q[0]).dtype == "int32"


# --- gradients


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gradients_have_the_type_of_their_tensor(dtype):
    rng = np.random.default_rng(5)
    x = _core.tensor(rng.standard_normal((4, 6)).astype(np.float32))
    w = stored(rng.standard_normal((6, 3)).astype(np.float32), dtype)
    x.requires_grad = w.requires_grad = True
    y = fastdl.tanh(_core.linear(x, w)) * 3
    y.sum().backward()
    twin_x, twin_w = x.detach().clone(), w.detach().float()
    twin_x.requires_grad = twin_w.requires_grad = True
    (fastdl.tanh(_core.linear(twin_x, twin_w)) * 3).sum().backward()
    assert x.grad.dtype == "float32"
    assert w.grad.dtype == dtype
    same(x.grad, twin_x.grad)
    same(w.grad, _core.cast(twin_w.grad, dtype))
    # A second backward adds to it in float32 and rounds again.
    (fastdl.tanh(_core.linear(x, w)) * 3).sum().backward()
    same(w.grad, _core.cast(_core.cast(twin_w.grad, dtype).float() + twin_w.grad, dtype))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gradients_flow_through_casts_and_moves(dtype):
    rng = np.random.default_rng(6)
    x = _core.tensor(rng.standard_normal((4, 6)).astype(np.float32))
    x.requires_grad = True
    weight = _core.tensor(rng.standard_normal((6, 8)).astype(np.float32))

    def f(t):
        h = _core.cast(t, dtype)
        h = fastdl.cat([h.T, h.T], 1)[:, 1:]
        h = _core.where(h > 0, h, _core.cast(0.0, dtype))
        return (h.float() * weight[:, 1:]).sum()

    f(x).backward()
    # Rounding has gradient 1, so the gradient is that of the function without casts.
    mask = x.detach().to(dtype).float().numpy() > 0
    w = weight.numpy()
    w = np.concatenate([np.zeros((6, 1), np.float32), w[:, 1:]], 1)
    expected = np.where(mask, (w[:, :4] + w[:, 4:]).T, 0)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    (g,) = fastdl._core.grad([f(x)], [None], [x])
    assert g.dtype == "float32"
    h = x.detach().to(dtype)
    h.requires_grad = True
    (g,) = _core.grad([(h.float() ** 2).sum()], [None], [h])
    assert g.dtype == dtype
    same(g, (h.detach().float() * 2).to(dtype))


def test_int8_has_no_gradient():
    with pytest.raises(RuntimeError, match=r"only tensors of floats can require a gradient.* int8"):
        stored(np.float32([1]), "int8").requires_grad = True


@pytest.mark.parametrize("op", ["sgd", "adam"])
def test_optimizers_refuse_parameters_of_storage_types(op):
    p = fastdl.nn.Parameter(stored(np.float32([1, 2]), "float16"))
    make = {"sgd": fastdl.optim.SGD, "adam": fastdl.optim.Adam}[op]
    with pytest.raises((TypeError, ValueError), match="float16"):
        optimizer = make([p], lr=0.1)
        p.grad = stored(np.float32([1, 1]), "float16")
        optimizer.step()
    assert p.tolist() == [1, 2]


# --- plans


@pytest.mark.parametrize("dtype", STORAGE)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_recorded_step_gives_the_bits_of_an_eager_one(dtype, threads):
    rng = np.random.default_rng(8)
    w = stored((rng.standard_normal((64, 48)) * 9).astype(np.float32), dtype)
    cache = stored(np.zeros((33, 48), np.float32), dtype)

    def step(x):
        small = _core.cast(x, dtype)
        y = _core.linear(small, w).float()
        z = (y * 0.5 + 1).to(dtype).float() - 2
        _core.assign_(cache, z)
        sums = (small + small * 3 - small) // 2
        return z, _core.linear(x, w, activation="relu"), _core.concat([small, sums], 0)

    before = fastdl.get_num_threads()
    fastdl.set_num_threads(threads)
    try:
        with fastdl.no_grad():
            recorded = fastdl.plan(step)
            for i in range(6):  # unchanged weights are packed after some replays
                if i == 4:
                    _core.assign_(w, _core.cast(w, "float32") * 0.5)
                x = fastdl.tensor(rng.standard_normal((33, 64)).astype(np.float32) * 5)
                expected = [t.clone() for t in step(x)]
                kept = cache.clone()
                actual = recorded(x)
                for a, e in zip(actual, expected, strict=True):
                    assert a.dtype == e.dtype
                    same(a, e)
                same(cache, kept)
    finally:
        fastdl.set_num_threads(before)
