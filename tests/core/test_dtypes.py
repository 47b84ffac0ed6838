"""Element types: promotion compared with NumPy and PyTorch, casts, NumPy, DLPack, printing."""

from __future__ import annotations

import copy
import ctypes
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import _core

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "promotion.json").read_text())
TYPES = list(GOLDEN["numpy"]["types"])
FLOATS = ("float16", "bfloat16", "float32")

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None  # without ml_dtypes the tests check the error


# --- promotion

# The reasons for differences; (a, b) stands for (b, a), too.
NO_INT16 = {("uint8", "int8"): "int32"}  # there is no int16: the next type that holds both
NO_FLOAT64 = {(i, f): f for i in ("int32", "int64") for f in FLOATS}  # networks compute in float32
DIFFERENCES = {"torch": NO_INT16, "jax": NO_INT16, "numpy": {**NO_INT16, **NO_FLOAT64}}
# Python's 1.0 with integers gives the default float type: float32 here and in PyTorch.
NUMBER_DIFFERENCES = {
    "torch": {},
    "jax": {(t, "float"): "float32" for t in ("bool", "uint8", "int8", "int32", "int64")},
    "numpy": {
        **{(t, "float"): "float32" for t in ("bool", "uint8", "int8", "int32", "int64")},
        ("bfloat16", "float"): "bfloat16",  # NumPy does not know that ml_dtypes' type is a float
    },
}


@pytest.mark.parametrize("library", DIFFERENCES)
def test_promotion(library):
    differences = DIFFERENCES[library]
    differences = {**differences, **{(b, a): t for (a, b), t in differences.items()}}
    for a in TYPES:
        for b in TYPES:
            theirs, ours = GOLDEN[library]["types"][a][b], _core.promote_types(a, b)
            if (a, b) in differences:
                assert ours == differences[a, b] != theirs, (a, b)
            else:
                assert ours == theirs, (a, b)


@pytest.mark.parametrize("library", NUMBER_DIFFERENCES)
def test_promotion_of_python_numbers(library):
    differences = NUMBER_DIFFERENCES[library]
    for t in TYPES:
        x = _core.cast(_core.tensor([1]), t)
        for kind, number in {"bool": True, "int": 1, "float": 1.0}.items():
            theirs = GOLDEN[library]["numbers"][t][kind]
            ours = _core.where(_core.tensor([True]), x, number).dtype
            assert ours == _core.where(_core.tensor([True]), number, x).dtype
            if (t, kind) in differences:
                assert ours == differences[t, kind] != theirs, (t, kind)
            else:
                assert ours == theirs, (t, kind)


def test_the_table_is_what_ops_use():
    for a in TYPES:
        for b in TYPES:
            x, y = _core.cast(_core.tensor([1]), a), _core.cast(_core.tensor([1]), b)
            common = _core.promote_types(a, b)
            assert _core.concat([x, y]).dtype == common
            assert _core.where(_core.tensor([True]), x, y).dtype == common
            assert (x == y).tolist() == [True]
            assert _core.add(x, y).dtype == common


# --- names


def test_names():
    assert fastdl.half == fastdl.float16 == np.float16
    assert fastdl.int8 == np.int8
    assert fastdl.bfloat16 == "bfloat16" == fastdl.bfloat16
    assert fastdl.bfloat16 != "float16"
    assert fastdl.bfloat16 != fastdl.float32
    assert fastdl.float32 != fastdl.bfloat16
    assert (repr(fastdl.bfloat16), str(fastdl.bfloat16)) == ("fastdl.bfloat16", "bfloat16")
    assert (fastdl.bfloat16.itemsize, fastdl.bfloat16.kind) == (2, "f")
    assert len({fastdl.bfloat16, "bfloat16"}) == 1
    assert copy.deepcopy(fastdl.bfloat16) is fastdl.bfloat16
    assert pickle.loads(pickle.dumps(fastdl.bfloat16)) is fastdl.bfloat16
    x = fastdl.ones(2)
    assert x.half().dtype == x.to(fastdl.half).dtype == x.to("float16").dtype == fastdl.float16
    assert x.bfloat16().dtype == x.to(fastdl.bfloat16).dtype == fastdl.bfloat16
    assert x.char().dtype == fastdl.ops.cast(x, "int8").dtype == fastdl.int8
    assert x.bfloat16().float().dtype == fastdl.float32
    assert x.to(x.bfloat16()).dtype == "bfloat16"
    assert x.half().is_floating_point()
    assert x.bfloat16().is_floating_point()
    assert not x.char().is_floating_point()
    with pytest.raises(TypeError, match="dtype int16 is not supported; possible: float32, float16"):
        x.to("int16")


# --- creation


@pytest.mark.parametrize("dtype", TYPES)
def test_creation(dtype):
    one = True if dtype == "bool" else 1
    for t, expected in [
        (fastdl.zeros(2, 3, dtype=dtype), [[0] * 3] * 2),
        (fastdl.ones((2,), dtype=dtype), [1, 1]),
        (fastdl.full((2,), one, dtype=dtype), [1, 1]),
        (fastdl.tensor([0, 1], dtype=dtype), [0, 1]),
        (fastdl.tensor([[0.0], [1.0]], dtype=dtype), [[0], [1]]),
        (fastdl.tensor(1, dtype=dtype), 1),
        (fastdl.tensor(1.0, dtype=dtype), 1),
        (fastdl.tensor(True, dtype=dtype), 1),
        (fastdl.as_tensor(np.array([1, 0]), dtype), [1, 0]),
        (fastdl.as_tensor(np.array([1.0, 0]), dtype), [1, 0]),
        (fastdl.zeros_like(fastdl.ones(2, dtype=dtype)), [0, 0]),
        (fastdl.ones_like(fastdl.zeros(2, dtype=dtype)), [1, 1]),
        (fastdl.arange(2, dtype=dtype), [0, 1]),
        (fastdl.linspace(0, 1, 2, dtype=dtype), [0, 1]),
        (fastdl.eye(2, dtype=dtype), [[1, 0], [0, 1]]),
        (fastdl.ops.ones((2,), dtype=dtype), [1, 1]),
        (fastdl.ops.convert_to_tensor([1, 0], dtype), [1, 0]),
        (fastdl.ops.arange(2, dtype=dtype), [0, 1]),
        (fastdl.ops.eye(1, dtype=dtype), [[1]]),
        (_core.one_hot([1], 2, dtype), [[0, 1]]),
        (fastdl.Tensor([1, 0], dtype), [1, 0]),
    ]:
        assert t.dtype == dtype
        assert t.tolist() == expected
        assert t.itemsize == {"bool": 1, "uint8": 1, "int8": 1, "int64": 8}.get(
            dtype, 2 if "16" in dtype else 4
        )
        assert t.nbytes == t.itemsize * t.numel()
    x = fastdl.tensor([0, 1], dtype=dtype)
    assert type(x[1].item()) is {"b": bool, "f": float}.get(x.dtype.kind, int)
    assert (float(x[1]), int(x[1]), bool(x[1])) == (1.0, 1, True)


def test_numbers_that_do_not_fit():
    with pytest.raises(ValueError, match="300 does not fit into int8"):
        fastdl.tensor(300, dtype="int8")
    with pytest.raises(ValueError, match="-129 does not fit into int8"):
        fastdl.tensor([1, -129], dtype="int8")
    assert fastdl.tensor([-1e9, 127.9, 300.0, np.nan], dtype="int8").tolist() == [-128, 127, 127, 0]
    assert fastdl.tensor([1e6, -1e6], dtype="float16").tolist() == [np.inf, -np.inf]
    # Numbers are rounded once. 1 + 2^-8 is a tie, and the later digits decide.
    for number in (1 + 2.0**-8 + 2.0**-40, 2**40 + 2**32 + 1, np.float64(1 + 2.0**-8 + 2.0**-40)):
        above = fastdl.tensor(number, dtype="bfloat16").item()
        assert above > number
        assert fastdl.tensor([number], dtype="bfloat16").item() == above
    assert fastdl.tensor(1 + 2.0**-8, dtype="bfloat16").item() == 1


# --- casts


def nearest_bfloat16(x):
    """Computed with integers from the bits of float32. NaN stays NaN."""
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)
    return np.where(np.isnan(x), x, rounded)


@pytest.mark.parametrize("dtype, number", [("uint8", 300), ("uint8", -1), ("int32", 2**31)])
def test_integers_that_an_integer_type_cannot_hold_are_not_written(dtype, number):
    t = fastdl.zeros(3, dtype=dtype)
    message = f"{number} does not fit into {dtype}"
    mask = fastdl.tensor([True, False, True])
    for write in (
        lambda: t.fill_(number),
        lambda: t.copy_(number),
        lambda: t.masked_fill(mask, number),
        lambda: t.masked_fill_(mask, number),
        lambda: t.__setitem__(0, number),
        lambda: t.__setitem__(mask, number),
        lambda: t.__setitem__([0, 1], number),
    ):
        with pytest.raises(ValueError, match=message):
            write()
    assert t.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "float32"])
def test_totals_have_the_type_that_is_asked_for(dtype):
    x = fastdl.tensor([100, 2, 3])
    for total in (x.sum(dtype=dtype), x.prod(dtype=dtype), x.cumsum(0, dtype=dtype)):
        assert total.dtype == dtype
    for total in (fastdl.ops.prod(x, dtype=dtype), fastdl.ops.cumsum(x, dtype=dtype)):
        assert total.dtype == dtype
    wanted = np.prod(x.numpy(), dtype=dtype)
    assert x.prod(dtype=dtype).item() == wanted == fastdl.ops.prod(x, dtype=dtype).item()


@pytest.mark.parametrize(
    "call",
    [
        lambda dtype: fastdl.zeros(2, dtype=dtype),
        lambda dtype: fastdl.tensor([1], dtype=dtype),
        lambda dtype: fastdl.full((1,), 1, dtype=dtype),
        lambda dtype: fastdl.ops.cast([1], dtype),
        lambda dtype: fastdl.ones(1).to(dtype),
        lambda dtype: fastdl.ones(1).sum(dtype=dtype),
    ],
)
@pytest.mark.parametrize("dtype", ["foo", "float8_e4m3fn", "complex64"])
def test_unknown_types_are_named_with_what_is_possible(call, dtype):
    with pytest.raises(TypeError, match=r"dtype .*is not supported; possible: float32, float16"):
        call(dtype)


def test_casts_of_floats():
    bits = np.random.default_rng(0).integers(0, 2**32, 20000, dtype=np.uint32)
    x = bits.view(np.float32)
    x = np.concatenate([x, np.float32([0, -0.0, 65519.99, 65520, -65520, 2.0**-25, 3 * 2.0**-25])])
    t = _core.tensor(x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(t.half().numpy(), x.astype(np.float16))
    np.testing.assert_array_equal(t.half().float().numpy(), t.half().numpy().astype(np.float32))
    np.testing.assert_array_equal(t.bfloat16().float().numpy(), nearest_bfloat16(x))
    assert np.signbit(t.half().float().numpy()[-6])
    for dtype, low, high in [("int8", -128, 127), ("uint8", 0, 255)]:
        with np.errstate(all="ignore"):
            expected = np.trunc(
                np.clip(np.nan_to_num(x, nan=0, posinf=high, neginf=low), low, high)
            )
        np.testing.assert_array_equal(_core.cast(t, dtype).numpy(), expected)


def test_casts_of_integers():
    x = np.random.default_rng(1).integers(-(2**62), 2**62, 5000)
    x = np.concatenate([x, x >> 40, x >> 55, np.arange(-300, 300)])
    t = _core.tensor(x)
    np.testing.assert_array_equal(_core.cast(t, "int8").numpy(), x.astype(np.int8))
    np.testing.assert_array_equal(
        _core.cast(_core.cast(t, "int8"), "int64").numpy(), x.astype(np.int8)
    )
    np.testing.assert_array_equal(
        _core.cast(_core.cast(t, "int8"), "uint8").numpy(), x.astype(np.int8).astype(np.uint8)
    )
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(_core.cast(t, "float16").numpy(), x.astype(np.float16))


def test_casts_to_and_from_bool():
    x = _core.tensor(np.float32([0, -0.0, 1e-40, np.nan, -3]))
    expected = [False, False, True, True, True]
    assert _core.cast(x, "bool").tolist() == expected
    assert _core.cast(x.bfloat16(), "bool").tolist() == expected
    assert _core.cast(x.half(), "bool").tolist() == [False, False, False, True, True]
    assert _core.cast(_core.tensor(expected), "bfloat16").tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("isa", _core.config()["isas"])
def test_casts_are_the_same_on_every_instruction_set(isa):
    x = np.random.default_rng(2).integers(0, 2**32, 3001, dtype=np.uint32).view(np.float32)
    before = _core.config()["isa"]

    def all_pairs():
        stored = {t: _core.cast(_core.tensor(x), t) for t in TYPES}
        return {
            (a, b): _core.cast(_core.cast(stored[a], b), "float32").numpy().tobytes()
            for a in TYPES
            for b in TYPES
        }

    expected = all_pairs()
    _core.select_isa(isa)
    try:
        assert all_pairs() == expected
    finally:
        _core.select_isa(before)


# --- printing


def test_printing():
    assert repr(fastdl.tensor([1.5, -2], dtype="float16")) == "tensor([ 1.5, -2. ], dtype=float16)"
    assert (
        repr(fastdl.tensor([1.5, -2], dtype="bfloat16")) == "tensor([ 1.5, -2. ], dtype=bfloat16)"
    )
    assert repr(fastdl.tensor([1, -2], dtype="int8")) == "tensor([ 1, -2], dtype=int8)"
    assert f"{fastdl.tensor(1.5, dtype='bfloat16'):.3f}" == "1.500"


# --- NumPy


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_numpy_shares_memory(dtype):
    a = np.arange(6).reshape(2, 3).astype(dtype)
    for make in (fastdl.as_tensor, fastdl.from_numpy, fastdl.from_dlpack):
        t = make(a)
        assert t.dtype == dtype
        assert t.data_ptr() == a.ctypes.data
    t = fastdl.tensor(a)
    assert t.dtype == dtype
    assert t.data_ptr() != a.ctypes.data
    assert fastdl.ops.convert_to_tensor(a).dtype == dtype
    b = t.numpy()
    assert (b.dtype, b.ctypes.data) == (np.dtype(dtype), t.data_ptr())
    assert np.asarray(t).dtype == dtype
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert memoryview(t).format == {"float16": "e", "int8": "b"}[dtype]
    np.testing.assert_array_equal(np.from_dlpack(t), a)
    strided = fastdl.as_tensor(a[:, ::2])
    assert strided.dtype == dtype
    assert strided.tolist() == a[:, ::2].tolist()


def test_arrays_as_operands_become_types_to_compute_with():
    x = fastdl.ones(2)
    half, small = np.float16([1, 2]), np.int8([1, 2])
    assert (x + half).dtype == "float32"
    assert (x + small).dtype == "float32"
    assert _core.exp(half).dtype == "float32"
    assert _core.add(small, small).dtype == "int32"
    assert _core.add(fastdl.tensor([1, 2]), half).dtype == "float32"


def test_models_take_arrays_of_storage_types():
    x = np.random.default_rng(0).standard_normal((8, 4))
    model = fastdl.Sequential([fastdl.layers.Dense(2)])
    model.compile("sgd", "mse")
    for dtype in ("float16", "int8"):
        a = (x * 3).astype(dtype)
        y = (x[:, :2] * 3).astype(dtype)
        model.fit(a, y, verbose=0)
        np.testing.assert_array_equal(
            model.predict(a, verbose=0), model.predict(a.astype(np.float32), verbose=0)
        )
        assert np.isfinite(model.evaluate(a, y, verbose=0)).all()


def test_bfloat16_beside_numpy():
    t = fastdl.tensor([[1.5, -2], [0, 1e30]], dtype="bfloat16")
    assert t.tolist()[0] == [1.5, -2]
    np.testing.assert_array_equal(np.asarray(t, dtype=np.float32), t.float().numpy())
    if ml_dtypes is None:
        with pytest.raises(TypeError, match="install the package ml_dtypes, or cast the tensor"):
            t.numpy()
        return
    a = t.numpy()
    assert a.dtype == ml_dtypes.bfloat16
    assert a.ctypes.data == t.data_ptr()
    assert np.asarray(t).dtype == ml_dtypes.bfloat16
    assert t.dtype == np.dtype(ml_dtypes.bfloat16) == t.dtype
    assert t.dtype == ml_dtypes.bfloat16
    assert np.dtype(fastdl.bfloat16) == ml_dtypes.bfloat16
    assert t.to(ml_dtypes.bfloat16) is t
    for make in (fastdl.as_tensor, fastdl.from_numpy):
        back = make(a)
        assert back.dtype == "bfloat16"
        assert back.data_ptr() == t.data_ptr()
    assert fastdl.tensor(a.T).tolist() == t.T.tolist()
    assert fastdl.tensor(a, dtype="float32").tolist() == t.tolist()
    assert fastdl.tensor(a[0, 0]).item() == 1.5
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    ours = fastdl.tensor(x).bfloat16().numpy()
    np.testing.assert_array_equal(
        ours.view(np.uint16), x.astype(ml_dtypes.bfloat16).view(np.uint16)
    )


def test_bfloat16_without_ml_dtypes(tmp_path):
    code = """
import sys
sys.modules["ml_dtypes"] = None
import numpy as np, fastdl
t = fastdl.tensor([1.5, 2], dtype=fastdl.bfloat16)
assert t.dtype == "bfloat16" and t.tolist() == [1.5, 2] and "bfloat16" in repr(t)
assert np.asarray(t, dtype="float32").tolist() == [1.5, 2]
assert (t.dtype == np.dtype("float32")) is False and np.dtype("float32") != t.dtype
assert fastdl.from_dlpack(t).tolist() == [1.5, 2]
for f in (t.numpy, lambda: np.asarray(t), lambda: fastdl.bfloat16.dtype):
    try:
        f()
    except TypeError as e:
        assert "install the package ml_dtypes, or cast the tensor to float32" in str(e)
    else:
        raise AssertionError
"""
    root = Path(fastdl.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(root)!r})\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# --- DLPack


class DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    )


class Versioned(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    )


def described(capsule, name):
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    p = pointer(capsule, name)
    if name == b"dltensor":
        return ctypes.cast(p, ctypes.POINTER(DLTensor)).contents
    return ctypes.cast(p, ctypes.POINTER(Versioned)).contents.tensor


@pytest.mark.parametrize("options", [{}, {"max_version": (1, 0)}])
@pytest.mark.parametrize(
    ("dtype", "code", "bits"), [("float16", 2, 16), ("bfloat16", 4, 16), ("int8", 0, 8)]
)
def test_dlpack_says_the_type(dtype, code, bits, options):
    t = fastdl.tensor([1, 2, 3], dtype=dtype)
    capsule = t.__dlpack__(**options)
    found = described(capsule, b"dltensor_versioned" if options else b"dltensor")
    assert (found.code, found.bits, found.lanes, found.ndim) == (code, bits, 1, 1)
    assert found.data == t.data_ptr()


def test_dlpack_of_bfloat16_both_ways():
    t = fastdl.tensor([1.5, 2, -3], dtype="bfloat16")

    class Other:  # as from another library
        def __dlpack__(self, **options):
            return t.__dlpack__(**options)

        def __dlpack_device__(self):
            return (1, 0)

    back = fastdl.from_dlpack(Other())
    assert back.dtype == "bfloat16"
    assert back.data_ptr() == t.data_ptr()
    assert back.tolist() == [1.5, 2, -3]
    assert t.__dlpack_device__() == (1, 0)


# --- copying and pickling


@pytest.mark.parametrize("dtype", TYPES)
def test_pickle_and_deepcopy(dtype):
    t = fastdl.tensor([[1, 0, 1]], dtype=dtype)
    for other in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), copy.copy(t)):
        assert other.dtype == dtype
        assert other.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_relu_keeps_integers(dtype):
    t = fastdl.tensor([-3, 0, 2**24 + 1] if dtype != "uint8" else [0, 1, 255], dtype=dtype)
    y = fastdl.relu(t)
    assert y.dtype == dtype and y.tolist() == [max(0, v) for v in t.tolist()]


def test_the_constructor_takes_sizes_or_values():
    """As PyTorch's: integers are sizes, and values become float32."""
    for sizes, shape in (((), (0,)), ((3,), (3,)), ((2, 3), (2, 3)), ((np.int64(2),), (2,))):
        t = fastdl.Tensor(*sizes)
        assert t.shape == shape and t.dtype == "float32"
    for values in ([1, 2], (1, 2), np.array([1, 2]), np.float64([1, 2])):
        assert fastdl.Tensor(values).dtype == "float32" and fastdl.Tensor(values).tolist() == [1, 2]
    for t in (fastdl.Tensor([1, 0], "bool"), fastdl.Tensor(data=[1, 0], dtype="bool")):
        assert t.dtype == "bool" and t.tolist() == [True, False]
    assert fastdl.Tensor(fastdl.tensor([1])).dtype == "int64"
    for call, error in (
        (lambda: fastdl.Tensor(2.5), TypeError),
        (lambda: fastdl.Tensor([1], 2, 3), TypeError),
        (lambda: fastdl.Tensor(-1), RuntimeError),
    ):
        with pytest.raises(error, match="expected"):
            call()
