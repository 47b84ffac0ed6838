"""The binding of class Tensor and of the ops: conversions, sharing and bad input."""

import copy
import ctypes
import operator
import pickle
import weakref

import children
import numpy as np
import pytest

import fastdl
from fastdl import Tensor, _core


def f4(*values):
    return np.array(values, np.float32)


# --- arrays


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(4, 6)[::-1],
        np.arange(24.0, dtype="f4").reshape(4, 6)[:, ::2],
        np.arange(24, dtype="f4").reshape(4, 6).T,
        np.arange(6, dtype=">f4"),
        np.arange(6, dtype=">i8"),
        np.frombuffer(b"-" + bytes(16), "u1")[1:].view("f4"),  # misaligned
        np.broadcast_to(np.float32(3), (2, 3)),
        np.zeros((0, 3), "f4"),
        np.zeros((3, 0)),
        np.float32(2.5),
        np.arange(3, dtype="f2"),
        np.arange(3, dtype="u2"),
        np.arange(3, dtype="i1"),
        np.arange(3, dtype="u8"),
        np.ones((1,) * 8, "f4"),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
def test_arrays_of_any_layout(array):
    for make in (_core.tensor, _core.as_tensor, Tensor):
        t = make(array)
        assert t.shape == array.shape
        np.testing.assert_array_equal(t.numpy(), array)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, TypeError, "got None"),
        ("text", TypeError, "expected numbers"),
        (np.array(["a"]), TypeError, "expected numbers"),
        (np.array([1j]), TypeError, "complex128"),
        (np.array(["2020"], "M8[D]"), TypeError, "datetime64"),
        (np.array([(1, 2.0)], "i4,f4"), TypeError, "expected numbers"),
        (np.array([None, 1]), TypeError, "expected numbers"),
        (object(), TypeError, "expected numbers"),
        ({1, 2}, TypeError, "expected numbers"),
        ([[1], [1, 2]], ValueError, "inhomogeneous|sequence"),
        (np.ones((1,) * 9), ValueError, "at most 8 dimensions"),
        (2**70, ValueError, "too large for int64"),
        ([2**63], ValueError, "too large for int64"),
    ],
)
def test_what_is_no_tensor(data, error, message):
    for make in (_core.tensor, _core.as_tensor, Tensor):
        with pytest.raises(error, match=message):
            make(data)


def test_a_list_that_contains_itself():
    endless: list = []
    endless.append(endless)
    with pytest.raises((ValueError, TypeError)):
        _core.tensor(endless)


def test_numbers_that_do_not_fit():
    with pytest.raises(ValueError, match="300 does not fit into uint8"):
        _core.full((2,), "uint8", 300)
    assert _core.full((2,), "int64", 2**53 + 1).tolist() == [2**53 + 1] * 2
    assert int(_core.tensor(2**53 + 1)) == 2**53 + 1
    assert operator.index(_core.tensor(-(2**63))) == -(2**63)
    with pytest.raises(ValueError, match="NaN"):
        int(fastdl.tensor(float("nan")))
    with pytest.raises(OverflowError):
        int(fastdl.tensor(float("inf")))


def test_casts_of_what_integers_cannot_hold_are_defined():
    t = fastdl.tensor([float("nan"), float("inf"), -1e30, -5.5])
    for dtype in ("int64", "int32"):
        info = np.iinfo(dtype)
        assert _core.cast(t, dtype).tolist() == [0, info.max, info.min, -5]
    assert _core.cast(t, "bool").tolist() == [True] * 4


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_integer_division_has_no_traps(dtype):
    least = np.iinfo(dtype).min
    t = _core.tensor(np.array([least, 5, -7], dtype))
    assert (t // -1).tolist() == [least, -5, 7]  # wraps, as in NumPy
    assert (t % -1).tolist() == [0, 0, 0]
    assert (t // 0).tolist() == (t % 0).tolist() == [0, 0, 0]
    assert (-t).tolist() == [least, -5, 7]
    assert abs(t).tolist() == [least, 5, 7]


# --- sharing


def test_arrays_and_tensors_share_memory():
    a = f4(1, 2, 3)
    t = _core.as_tensor(a)
    view = t.numpy()
    t += 1.0
    assert a.tolist() == view.tolist() == [2, 3, 4]
    assert np.shares_memory(np.asarray(t), a)
    assert np.shares_memory(np.from_dlpack(t), a)
    assert np.shares_memory(fastdl.from_dlpack(a).numpy(), a)
    assert not np.shares_memory(_core.tensor(a).numpy(), a)
    del a, t
    assert view.tolist() == [2, 3, 4]


def test_read_only_stays_read_only():
    a = f4(1, 2, 3)
    a.flags.writeable = False
    t = _core.as_tensor(a)
    assert memoryview(t).readonly
    for array in (t.numpy(), np.asarray(t), np.from_dlpack(t)):
        assert not array.flags.writeable
    for write in (t.zero_, lambda: t.__iadd__(1.0), lambda: t.__setitem__(0, 1.0)):
        with pytest.raises(ValueError, match="read-only array of shape"):
            write()
    with pytest.raises(TypeError, match="not writable"):
        ctypes.c_char.from_buffer(t)
    assert a.tolist() == [1, 2, 3]


def test_buffers_outlive_the_memory_of_their_tensor():
    t = fastdl.ones(100_000)
    buffer = memoryview(t)
    t._set_data(fastdl.zeros(100_000))
    _core.empty_cache()
    assert buffer[5] == 1.0
    assert (buffer.format, buffer.shape) == ("f", (100_000,))
    assert memoryview(fastdl.tensor(1.0)).shape == ()


def test_array_conversions():
    t = fastdl.tensor([1.0, 2.0])
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert t.__array__(copy=True) is not t.__array__()
    with pytest.raises(ValueError, match="without a copy"):
        t.__array__(np.float64, copy=False)


def test_numpy_functions_and_operators():
    t, a = fastdl.tensor([1.0, 4.0]), f4(1, 4)
    for result in (np.sqrt(t), np.mean(t, axis=0), np.concatenate([t, a]), np.stack([t, t])):
        assert isinstance(result, (np.ndarray, np.floating))
    assert np.sum(t) == 5
    for result in (a + t, t + a, np.float64(2) * t, t * [1, 4], (1, 4) - t, a @ t):
        assert isinstance(result, Tensor) and result.dtype == np.float32
    assert ((t > 1) & (a < 5)).tolist() == [False, True]
    assert ((t > 1) ^ (t < 5)).tolist() == [True, False]
    with pytest.raises(
        TypeError, match="operator &: expected tensors of dtype bool or of integers, got float32"
    ):
        t & t
    with pytest.raises(TypeError, match=r"operator ~: .* got float32"):
        _ = ~t


# --- as a Python object


def test_copies_and_pickles():
    w = fastdl.tensor([1.0, 2.0])
    w.requires_grad = True
    for make in (copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))):
        c = make(w)
        assert c.tolist() == [1, 2] and c.requires_grad and not np.shares_memory(c, w)
    assert np.shares_memory(copy.copy(w), w)
    for value in (fastdl.tensor(3), fastdl.zeros(0, 2), fastdl.tensor([True])):
        c = pickle.loads(pickle.dumps(value))
        assert (c.shape, c.dtype, c.tolist()) == (value.shape, value.dtype, value.tolist())
    with pytest.raises(RuntimeError, match="deepcopy: only leaves"):
        copy.deepcopy(w * 2)


def test_identity_comparison_and_truth():
    t = fastdl.tensor([1.0, 2.0])
    assert {t: "found"}[t] == "found"
    assert weakref.ref(t)() is t
    assert (t == None) is False and (t != None) is True  # noqa: E711
    assert (t == "text") is False
    assert fastdl.ones(1) in [fastdl.zeros(1), fastdl.ones(1)]
    for empty_or_many in (t, fastdl.zeros(0)):
        with pytest.raises(ValueError, match="ambiguous"):
            bool(empty_or_many)
    assert [float(v) for v in t] == [1, 2]
    with pytest.raises(TypeError, match="0-dimensional"):
        iter(fastdl.tensor(1.0))
    assert [10, 20][fastdl.tensor(1)] == 20
    with pytest.raises(TypeError, match="only an integer tensor with one element can be an index"):
        [10, 20][fastdl.tensor(1.0)]


def test_subclasses():
    class Labelled(Tensor):
        label = "mine"

    t = Labelled([1.0, 2.0])
    assert isinstance(t, Tensor) and t.label == "mine"
    assert type(t + 1) is Tensor
    assert bytes(memoryview(t)) == f4(1, 2).tobytes()
    with pytest.raises(TypeError, match="the object is not initialized"):
        _core.exp(Tensor.__new__(Tensor))


# --- bad arguments


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fastdl.softmax([1.0], 0.5), TypeError, "softmax: argument 'axis': expected an"),
        (lambda: _core.exp("a"), TypeError, "exp: argument 'x': expected numbers"),
        (lambda: _core.add(1, object()), TypeError, "add: argument 'b': expected numbers"),
        (lambda: _core.dropout([1.0], "x"), TypeError, "'rate': expected a number, got str"),
        (lambda: _core.exp(), TypeError, "exp: argument 'x' is missing"),
        (lambda: _core.concat(3, 0), TypeError, "'tensors': expected a sequence of tensors"),
        (lambda: _core.sum(fastdl.ones(2), ["a"], True), TypeError, "'axes': expected an integer"),
        (lambda: _core.sum(fastdl.ones(2), [2**70], True), ValueError, "'axes': expected a 64-bit"),
        (lambda: _core.linear(1.0, 1.0, None, False, 3), TypeError, "'activation': expected a str"),
        (lambda: _core.cast(1.0, "int16"), TypeError, "'dtype': dtype int16 is not supported"),
        (lambda: _core.empty((2**31, 2**31), "float32"), ValueError, "too many elements"),
        (lambda: _core.empty((2**40,), "float32"), MemoryError, "could not allocate"),
        (lambda: _core.empty((-1,), "float32"), ValueError, "at least 0"),
        (lambda: fastdl.ones(3)._view((3,), 2**63 - 1), ValueError, "does not lie within"),
        (lambda: _core.set_num_threads(0), ValueError, "at least 1, got 0"),
        (lambda: _core.set_num_threads(2**40), ValueError, "at most 1024"),
        (lambda: setattr(fastdl.ones(1), "requires_grad", "yes"), TypeError, "False, got str"),
        (lambda: setattr(fastdl.ones(1), "grad", fastdl.ones(2)), ValueError, r"got \(2,\)"),
        (lambda: _core.grad([None], [], [], False, False), TypeError, "got None"),
        (lambda: _core.Plan(_core.Recorder(), [None], []), TypeError, "plan: an input is None"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_no_method_takes_none_for_the_tensor():
    for name in dir(Tensor):
        method = getattr(Tensor, name)
        if type(method).__name__ != "instancemethod":
            continue
        for arguments in ((None,), (None, None), (None, None, None)):
            try:
                assert method(*arguments) is NotImplemented, name
            except (TypeError, AttributeError):
                pass


def test_axes_from_tensors_and_arrays():
    x = fastdl.ones(2, 3)
    for axes in ([0, 1], (0, 1), np.array([0, 1]), fastdl.tensor([0, 1])):
        assert _core.sum(x, axes, False).item() == 6
    for axis in (1, np.int64(1), np.array(1), fastdl.tensor(1)):
        assert _core.sum(x, axis, False).tolist() == [3, 3]


def test_random_arguments_raise_and_nothing_worse(tmp_path):
    """Calls every op with right and wrong kinds of arguments, in a process of its own."""
    code = """
import random, resource, warnings
import numpy as np
import fastdl
from fastdl import _core
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))  # huge shapes must fail
warnings.simplefilter("ignore")
random.seed(5)
arrays = [np.ones((2, 3), "f4"), np.ones((3, 2))[::-1], np.zeros((0, 3), "f4"), np.arange(3),
          np.array([True, False]), np.array(2.0), np.array([-1, 5, 2**62])]
others = [None, True, 0, 1, -1, 2, 2**31, -2**63, 2**63, 0.5, float("nan"), float("inf"), "relu",
          [], [0], [1, 0], [2**62, 2**62], (2, 3), [None], {}, object(), "float32", int, [[1.0]]]
tensors = [_core.as_tensor(a) for a in arrays]
skipped = {"uniform", "normal", "truncated_normal", "randint"}
for _ in range(15000):
    name = random.choice(_core.op_names())
    values = [random.choice(others if random.random() < 0.5 or name in skipped else tensors)
              for _ in range(random.randint(1, 4))]
    try:
        getattr(_core, name)(*values)
    except (TypeError, ValueError, IndexError, MemoryError, RuntimeError):
        pass
print("alive")
"""
    assert children.output(code, tmp_path) == "alive\n"
