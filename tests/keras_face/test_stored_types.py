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
    with pytest.raises(TypeError, match="bfloat16 has no bytes"):
        ops.view(ops.ones((2,), "bfloat16"), "int32")  # those of float32 are others
    with pytest.raises(TypeError, match="storage type"):
        ops.nextafter(ops.ones((2,), "float16"), 2.0)
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
