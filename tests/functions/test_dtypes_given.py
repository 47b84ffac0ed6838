"""Types as programs give them: done, or refused with a sentence that names the type."""

import warnings

import numpy as np
import pytest

import fastdl
from fastdl import data, initializers, layers, losses, metrics, models, nn, ops
from fastdl.nn import functional as F

REFUSED = ["float64", np.float64, "int16", np.int16, "uint16", "uint32", "uint64", "complex64"]
TYPES = ["float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool"]
# Calls with a type d, divided by semicolons: x is a vector of floats. They give what is asked for.
ANY = """
    fastdl.tensor([1], dtype=d) ; fastdl.as_tensor([1], dtype=d) ; fastdl.zeros(1, dtype=d)
    fastdl.ones(1, dtype=d) ; fastdl.empty(1, dtype=d) ; fastdl.full((1,), 1, dtype=d)
    fastdl.arange(2, dtype=d) ; fastdl.linspace(0, 1, 2, dtype=d) ; fastdl.eye(1, dtype=d)
    fastdl.randint(0, 2, (1,), dtype=d) ; fastdl.zeros_like(x, dtype=d)
    fastdl.full_like(x, 1, dtype=d) ; x.new_zeros(1, dtype=d) ; x.new_tensor([1], dtype=d)
    x.to(d) ; x.to(dtype=d) ; x.type(d) ; ops.cast(x, d) ; ops.convert_to_tensor([1], dtype=d)
    ops.zeros((1,), d) ; ops.ones((1,), d) ; ops.full((1,), 1, d) ; ops.arange(2, dtype=d)
    ops.eye(1, dtype=d) ; ops.zeros_like(x, d) ; ops.full_like(x, 1, d) ; ops.identity(2, dtype=d)
    ops.one_hot(fastdl.tensor([1]), 3, dtype=d)
    fastdl.Variable([1], dtype=d) ; initializers.Zeros()((1,), dtype=d)
"""
# Those that give integers alone.
INTEGERS = ["fastdl.random.randint((1,), 0, 2, dtype=d)"]
# Those that give floats alone.
FLOATS = """
    fastdl.rand(1, dtype=d) ; fastdl.randn(1, dtype=d) ; fastdl.rand_like(x, dtype=d)
    fastdl.randn_like(x, dtype=d) ; fastdl.random.normal((1,), dtype=d)
    fastdl.random.uniform((1,), dtype=d) ; fastdl.random.truncated_normal((1,), dtype=d)
"""
# Those that compute, and give float32.
COMPUTED = """
    x.mean(dtype=d) ; fastdl.nanmean(x, dtype=d) ; F.softmax(x, 0, dtype=d)
    F.log_softmax(x, 0, dtype=d) ; nn.Linear(1, 1, dtype=d).weight ; nn.Linear(1, 1).to(d).weight
    nn.Linear(1, 1).type(d).weight ; nn.Embedding(1, 1, dtype=d).weight
    nn.BatchNorm1d(1, dtype=d).weight ; nn.LSTM(1, 1, dtype=d).weight_ih_l0
"""
# Layers, losses and metrics say so when they are made.
OF_KERAS = """
    layers.Dense(1, dtype=d) ; layers.Layer(dtype=d) ; fastdl.Input((1,), dtype=d)
    losses.MeanSquaredError(dtype=d) ; metrics.Mean(dtype=d) ; metrics.AUC(dtype=d)
    fastdl.set_default_dtype(d) ; fastdl.config.set_floatx(d)
    fastdl.mixed_precision.set_dtype_policy(d)
"""


def calls(table):
    return [call.strip() for line in table.strip().splitlines() for call in line.split(" ; ")]


def run(call, d):
    names = {"fastdl": fastdl, "nn": nn, "F": F, "ops": ops, "initializers": initializers}
    rest = {"layers": layers, "losses": losses, "metrics": metrics}
    return eval(call, {**names, **rest, "d": d, "x": fastdl.tensor([1.0, 2.0])})


def name_of(dtype):
    return dtype if isinstance(dtype, str) else dtype.__name__


@pytest.mark.parametrize("dtype", REFUSED, ids=str)
@pytest.mark.parametrize(
    "call", calls(ANY) + calls(FLOATS) + INTEGERS + calls(COMPUTED) + calls(OF_KERAS)
)
def test_refused(call, dtype):
    with pytest.raises((TypeError, ValueError), match=name_of(dtype)):
        run(call, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("call", calls(ANY))
def test_given(call, dtype):
    assert run(call, dtype).dtype == dtype


@pytest.mark.parametrize("call", calls(FLOATS))
def test_floats_alone(call):
    for dtype in ("float32", "float16", "bfloat16"):
        assert run(call, dtype).dtype == dtype
    for dtype in ("int64", "int32", "int8", "uint8", "bool"):
        # keras.random raises ValueError, as Keras does.
        wanted = rf"dtype: expected a (type of floats|floating type), got '?{dtype}"
        with pytest.raises((TypeError, ValueError), match=wanted):
            run(call, dtype)


@pytest.mark.parametrize("call", INTEGERS)
def test_integers_alone(call):
    for dtype in ("int64", "int32", "int8", "uint8", np.int32):
        assert run(call, dtype).dtype == dtype
    for dtype in ("float32", "bfloat16", "bool", "float64", np.float32):
        with pytest.raises(ValueError, match="dtype: expected a type of integers, got"):
            run(call, dtype)


@pytest.mark.parametrize("call", calls(COMPUTED))
def test_results_that_are_float32(call):
    for dtype in ("float32", np.float32, float):
        assert run(call, dtype).dtype == "float32"
    for dtype in ("float16", "bfloat16", "int64", "bool"):
        with pytest.raises(TypeError, match=f"dtype: .*float32.* got {dtype}"):
            run(call, dtype)


# What arrays of a type become as tensors, and as operands.
ARRAYS = {
    "float64": ("float32", "float32"),
    "longdouble": ("float32", "float32"),
    "float32": ("float32", "float32"),
    "float16": ("float16", "float32"),
    "int64": ("int64", "int64"),
    "int32": ("int32", "int32"),
    "int16": ("int32", "int32"),
    "int8": ("int8", "int32"),
    "uint64": ("int64", "int64"),
    "uint32": ("int64", "int64"),
    "uint16": ("int32", "int32"),
    "uint8": ("uint8", "uint8"),
    "bool": ("bool", "bool"),
}


@pytest.mark.parametrize("dtype", ARRAYS)
def test_arrays(dtype):
    kept, computed = ARRAYS[dtype]
    array = np.ones((2, 1), dtype)
    for make in (fastdl.tensor, fastdl.as_tensor, fastdl.from_numpy, ops.convert_to_tensor):
        assert make(array).dtype == kept and make(array).tolist() == array.tolist()
    assert ops.maximum(array, array).dtype == computed
    assert data.TensorDataset(array)[0][0].dtype == computed
    batch = next(iter(data.DataLoader(list(array), batch_size=2)))
    assert batch.dtype == computed and batch.tolist() == array.tolist()
    target = fastdl.zeros(2, 1)
    target[:] = array
    assert target.dtype == "float32" and target.tolist() == array.tolist()


@pytest.mark.parametrize("dtype", ARRAYS)
def test_arrays_in_fit_and_in_states(dtype):
    array = np.ones((2, 1), dtype)
    model = models.Sequential([layers.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    found = model.predict(array, verbose=0)
    assert found.dtype == np.float32 and found.tolist() == [[1.0], [1.0]]
    assert model.evaluate(array, 3 * array, verbose=0) == 4.0
    assert np.isfinite(model.fit(array, array, verbose=0).history["loss"][0])
    model.layers[0].set_weights([array[:1], array[0]])
    assert model.layers[0].kernel.dtype == "float32"
    linear = nn.Linear(1, 1)
    linear.load_state_dict({"weight": fastdl.tensor(array[:1]), "bias": fastdl.tensor(array[0])})
    assert linear.weight.dtype == "float32" and linear.weight.item() == 1.0


@pytest.mark.parametrize(
    "array",
    [
        np.array([1 + 2j]),
        np.array([1 + 2j], np.complex64),
        np.array(["a"]),
        np.array(["2020"], "datetime64[D]"),
        np.array([[1], [2, 3]], object),
    ],
    ids=["complex128", "complex64", "text", "date", "ragged"],
)
def test_arrays_without_real_numbers(array):
    model = models.Sequential([layers.Dense(1)])
    for run in (
        fastdl.tensor,
        fastdl.as_tensor,
        fastdl.from_numpy,
        ops.convert_to_tensor,
        ops.sum,
        nn.Parameter,
        fastdl.Variable,
        data.TensorDataset,
        layers.Dense(1),
        nn.Linear(1, 1),
        lambda a: model.predict(a, verbose=0),
        lambda a: fastdl.zeros(1) + a,
        lambda a: fastdl.zeros(1).copy_(a),
    ):
        with pytest.raises(TypeError, match=r"expected \w*\s?numbers"):
            run(array)


def test_integers_too_large_are_refused():
    for make in (fastdl.tensor, ops.convert_to_tensor, lambda a: fastdl.zeros(1) + a):
        with pytest.raises(ValueError, match="too large for int64"):
            make(np.array([2**63 + 1], np.uint64))


def test_nothing_warns_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in ARRAYS:
            fastdl.tensor(np.ones(2, dtype))


def test_encoded_categories_have_the_type_of_the_layer():
    for dtype in ("float32", "int32", "int64", "uint8", "bool"):
        found = layers.CategoryEncoding(num_tokens=3, dtype=dtype)(np.array([[0, 2]]))
        assert found.dtype == dtype and found.tolist() == [[1, 0, 1]]


def test_missing_types_say_what_to_use():
    for name, words in {
        "float64": "float32 is the type",
        "double": "there is no float64; float32",
        "int16": "there is no int16; use int32",
        "complex64": "there are no complex numbers",
    }.items():
        with pytest.raises(AttributeError, match=rf"torch.{name} is not in .*{words}"):
            getattr(fastdl, name)
    with pytest.raises(AttributeError, match=r"Tensor.double is not in .*: there is no float64"):
        _ = fastdl.ones(1).double
