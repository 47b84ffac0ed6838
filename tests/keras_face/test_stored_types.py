"""keras.ops on tensors of float16, bfloat16 and int8: results of Keras's types, rounded once."""

import itertools

import numpy as np
import pytest

import fastdl
from fastdl import ops

HALVES = ("float16", "bfloat16")


def values(dtype, shape=(3, 4), seed=0):
    drawn = np.random.default_rng(seed).uniform(0.25, 2.0, shape)
    return ops.convert_to_tensor(drawn.astype("float32"), dtype)


def as_float(tensor):
    return np.asarray(ops.cast(tensor, "float32"))


# The functions of NumPy that they are, in doubles.
SAME = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "absolute": np.abs,
    "negative": np.negative,
    "square": np.square,
    "ceil": np.ceil,
    "floor": np.floor,
    "fabs": np.fabs,
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "var": np.var,
    "std": np.std,
    "median": np.median,
    "cumsum": np.cumsum,
    "sort": lambda x: np.sort(x, -1),
    "corrcoef": np.corrcoef,
}


@pytest.mark.parametrize(("name", "dtype"), list(itertools.product(SAME, HALVES)))
def test_halves_are_rounded_once(name, dtype):
    x = values(dtype)
    got = getattr(ops, name)(x)
    assert got.dtype == dtype
    exact = SAME[name](as_float(x).astype(np.float64))
    unit = 2.0**-11 if dtype == "float16" else 2.0**-8  # a half of the last place
    np.testing.assert_allclose(as_float(got), exact, rtol=unit * 1.001, atol=1e-6)


# Of two operands (Keras 3.15: the dtype of ops.f(KerasTensor, KerasTensor)). Where Keras has a type
# that there is not, the nearest one.
PAIRS = [
    ("add", "float16", "float16", "float16"),
    ("add", "float16", "bfloat16", "float32"),
    ("add", "float16", "float32", "float32"),
    ("add", "bfloat16", "int32", "bfloat16"),
    ("add", "bfloat16", "bool", "bfloat16"),
    ("add", "int8", "int8", "int8"),
    ("add", "int8", "bool", "int8"),
    ("add", "int8", "int32", "int32"),
    ("add", "int8", "uint8", "int32"),  # Keras: int16
    ("divide", "int8", "int8", "float32"),
    ("divide", "float16", "int8", "float16"),
    ("maximum", "bfloat16", "bfloat16", "bfloat16"),
    ("greater", "float16", "int8", "bool"),
    ("bitwise_and", "int8", "int8", "int8"),
    ("dot", "int8", "int8", "int8"),
    ("matmul", "int8", "int8", "int32"),
    ("tensordot", "float16", "float16", "float16"),
    ("heaviside", "float16", "float16", "float16"),
    ("arctan2", "bfloat16", "bfloat16", "bfloat16"),
    ("logaddexp", "float16", "int32", "float16"),
]


@pytest.mark.parametrize(("name", "first", "second", "wanted"), PAIRS)
def test_types_of_two_operands(name, first, second, wanted):
    x, y = ops.ones((2, 2), first), ops.ones((2, 2), second)
    assert getattr(ops, name)(x, y).dtype == wanted
    # and in a graph
    x, y = fastdl.KerasTensor((2, 2), first), fastdl.KerasTensor((2, 2), second)
    assert getattr(ops, name)(x, y).dtype == wanted


# Of one (Keras 3.15, as above): int8 stays int8 element by element, but sums and places do not fit.
INT8 = {
    "absolute": "int8",
    "negative": "int8",
    "square": "int8",
    "cumsum": "int8",
    "clip": "int8",
    "sum": "int32",
    "prod": "int32",
    "trace": "int32",
    "argmax": "int32",
    "argsort": "int32",
    "count_nonzero": "int32",
    "exp": "float32",
    "mean": "float32",
    "ceil": "float32",
}


@pytest.mark.parametrize("name", INT8)
def test_types_of_int8(name):
    bounds = (-1, 1) if name == "clip" else ()
    assert getattr(ops, name)(ops.ones((2, 2), "int8"), *bounds).dtype == INT8[name]


def test_int8_wraps_as_in_numpy():
    x, y = np.array([100, -128, 7], np.int8), np.array([100, -1, 3], np.int8)
    a, b = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    np.testing.assert_array_equal(np.asarray(ops.add(a, b)), x + y)
    np.testing.assert_array_equal(np.asarray(ops.multiply(a, b)), x * y)
    assert ops.sum(ops.full((300,), 100, "int8")).item() == 30000


def test_positions_are_not_rounded():
    x = ops.convert_to_tensor(np.arange(127, dtype=np.int8))
    shown, places = ops.top_k(x, 2)
    assert (shown.dtype, places.dtype) == ("int8", "int32") and places.tolist() == [126, 125]
    found, counts = ops.unique(ops.cast([2, 1, 2], "float16"), return_counts=True)
    assert (found.dtype, counts.dtype) == ("float16", "int32") and counts.tolist() == [1, 2]


def test_a_scale_does_not_change_the_type():
    x, scale = values("bfloat16"), ops.ones((4,), "float32")
    assert ops.layer_normalization(x, scale).dtype == "bfloat16"
    assert ops.rms_normalization(x, scale).dtype == "bfloat16"


def test_arguments_by_name():
    scale = ops.ones((4,), "float32")
    assert ops.layer_normalization(x=values("bfloat16"), gamma=scale).dtype == "bfloat16"
    images = values("float16", (2, 2, 3))
    assert ops.image.rgb_to_hsv(images=images).dtype == "float16"
    assert ops.var(x=images).dtype == "float16"


def test_moments_of_halves():
    # the variance is 688365.1, and float16 ends at 65504
    x = [-741.0, 353.2, 1099.0, -1807.0, 502.8, -83.4, 333.5, -130.9]
    mean, variance = ops.moments(ops.cast(x, "float16"), 0)
    assert (mean.dtype, variance.dtype) == ("float16", "float16")
    assert abs(mean.item() + 59.22) < 0.02 and variance.item() == 65504.0
    mean, variance = ops.moments(ops.cast(x, "bfloat16"), 0)
    assert (mean.dtype, variance.dtype) == ("bfloat16", "bfloat16")
    assert variance.item() == 688128.0  # 688365 with 8 bits


def test_next_numbers():
    ends = [0.0, 2.0**-24, 2.0**-14, 1.0, -1.0, 1.5, -65504.0, np.inf, -np.inf, np.nan, 3.0]
    x, y = (np.ravel(a).astype("float16") for a in np.meshgrid(ends, ends))
    found = ops.nextafter(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
    assert found.dtype == "float16"
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found, np.nextafter(x, y))

    # a bfloat16 is the upper half of a float32
    def follows(x, bits):
        return (np.float32(x).reshape(1).view(np.int32) + bits * 2**16).view(np.float32)[0]

    for x, y, bits in (
        (1.0, 2.0, 1),
        (1.0, 0.0, -1),
        (-1.5, 0.0, -1),
        (-2.0, -3.0, 1),
        (0.0, 1.0, 1),
    ):
        found = ops.nextafter(ops.cast(x, "bfloat16"), y)
        assert found.dtype == "bfloat16" and as_float(found) == follows(x, bits)
    largest = ops.nextafter(ops.cast(np.inf, "bfloat16"), 0.0)
    assert as_float(largest) == follows(np.inf, -1)
    assert as_float(ops.nextafter(largest, np.inf)) == np.inf
    for first, second, wanted in (
        ("int8", "int8", "float32"),
        ("float16", "bfloat16", "float32"),
        ("bfloat16", "float32", "float32"),
        ("int32", "bfloat16", "bfloat16"),
    ):
        assert ops.nextafter(ops.ones(2, first), ops.zeros(2, second)).dtype == wanted
    assert ops.nextafter(fastdl.KerasTensor((2, 2), "float16"), 1.0).dtype == "float16"


def test_bytes_of_bfloat16():
    x = ops.cast([1.0, -2.5], "bfloat16")  # 0x3F80 and 0xC020
    assert ops.view(x, "uint8").tolist() == [0x80, 0x3F, 0x20, 0xC0]
    assert ops.view(x, "int32").tolist() == [0xC0203F80 - 2**32]
    for dtype in ("uint8", "int8", "int32", "float16", "float32"):
        back = ops.view(ops.view(x, dtype), "bfloat16")
        assert back.dtype == "bfloat16" and as_float(back).tolist() == [1.0, -2.5]


def test_a_type_that_is_asked_for():
    assert ops.prod(ops.ones((3,), "float16"), dtype="float32").dtype == "float32"


def test_gradients_flow_through_the_rounding():
    x = fastdl.tensor([1.0, 2.0], dtype="float16").requires_grad_()
    ops.sum(ops.cast(ops.square(x), "float32")).backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_images():
    x = ops.cast(np.random.default_rng(0).uniform(size=(4, 4, 3)), "float16")
    for function in (ops.image.rgb_to_hsv, ops.image.hsv_to_rgb, ops.image.rgb_to_grayscale):
        assert function(x).dtype == "float16"
    assert ops.image.resize(x, (2, 2)).dtype == "float16"


def test_other_errors_stay():
    runs = []

    def step(x):
        runs.append(x)
        raise TypeError("of the body")

    with pytest.raises(TypeError, match="of the body"):
        ops.map(step, ops.ones((2,), "float16"))
    assert len(runs) == 1
    with pytest.raises(TypeError, match="bitwise"):
        ops.bitwise_not(ops.ones((2,), "float16"))
    with pytest.raises(TypeError, match="storage type"):
        fastdl.exp(fastdl.ones(2, dtype=fastdl.float16))  # PyTorch's function
