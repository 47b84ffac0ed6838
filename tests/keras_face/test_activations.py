"""The table of activations: functions, names, and what the core applies within `linear`."""

import inspect
import pickle

import numpy as np
import pytest

import fastdl
from fastdl import activations, layers, ops
from fastdl._base import functional as F
from fastdl._base import notices

EPS = np.finfo("float32").eps
NAMES = sorted({row[0].__name__ for row in activations._TABLE})
X = np.linspace(-5, 5, 48, dtype="float32").reshape(4, 12)
# Settings that have no default.
SETTINGS = {"threshold": {"threshold": 0.3, "default_value": -1.0}}

# Formulas in float64.
D = {
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.where(x <= -1, 0, np.where(x >= 1, 1, (x + 1) / 2)),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "celu": lambda x: np.maximum(x, 0) + np.expm1(np.minimum(x, 0)),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def sparsemax(rows):
    """The projection onto the simplex: the t with sum(max(x - t, 0)) = 1, by bisection."""
    low, high = rows.max(-1, keepdims=True) - 1, rows.max(-1, keepdims=True)
    for _ in range(60):
        middle = (low + high) / 2
        above = np.maximum(rows - middle, 0).sum(-1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(rows - low, 0)


def test_the_table_has_every_public_function_and_every_name_is_found():
    public = {
        name
        for name, value in vars(activations).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    public -= {"get", "fused_name", "attributes_missing_from", "liftable"}
    names = {row[0].__name__ for row in activations._TABLE}
    others = {name for row in activations._TABLE for name in row[2:]}
    assert public == names | others
    for name in public:
        assert activations.get(name) is getattr(activations, name)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_table_says_of_the_core_is_so(name):
    """`linear` gives the bits of the function applied to its result, or refuses the activation."""
    function = getattr(activations, name)
    w = fastdl.tensor(np.sin(np.arange(60, dtype="float32")).reshape(12, 5))
    fused = activations.fused_name(function)
    if fused is None:
        with pytest.raises(ValueError, match=f"unknown activation '{name}'"):
            F.linear(X, w, activation=name)
    else:
        expected = function(F.linear(X, w)).numpy()
        np.testing.assert_array_equal(F.linear(X, w, activation=fused).numpy(), expected)


@pytest.mark.parametrize("name", NAMES)
def test_in_layers_and_graphs_and_on_lists(name):
    function, settings = getattr(activations, name), SETTINGS.get(name, {})
    expected = function(fastdl.tensor(X), **settings)
    if name != "linear":
        assert fastdl.equal(function(X.tolist(), **settings), expected)
    x = layers.Input((12,))
    y = function(x, **settings)
    assert isinstance(y, fastdl.KerasTensor) and y.shape == (None, *expected.shape[1:])
    if not settings:
        assert fastdl.equal(layers.Activation(name)(X), expected)
        dense = layers.Dense(12, name, kernel_initializer="identity")
        assert fastdl.equal(dense(X), expected)


@pytest.mark.parametrize("name", D)
def test_against_its_formula(name):
    # Some terms of order 5, each within a few ulp.
    expected = D[name](X.astype("float64"))
    actual = getattr(ops, name)(X).numpy()
    np.testing.assert_allclose(actual, expected, rtol=8 * EPS, atol=16 * EPS)


@pytest.mark.parametrize("name", sorted({*D} - {"hard_shrink"}))
def test_gradient_against_differences_of_the_formula(name):
    x = fastdl.tensor(X, requires_grad=True)
    getattr(ops, name)(x).sum().backward()
    h, values = 1e-6, X.astype("float64")
    expected = (D[name](values + h) - D[name](values - h)) / (2 * h)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [0.01, 1.0, 1000.0])
def test_sparsemax(scale):
    x = (np.random.default_rng(0).normal(size=(5, 6, 7)) * scale).astype("float32")
    x[0, 0] = 0.0
    for axis in (0, 1, -1):
        expected = np.moveaxis(sparsemax(np.moveaxis(x.astype(float), axis, -1)), -1, axis)
        # x - max(x) is exact near the maximum; the threshold is a mean of up to 7 such values.
        np.testing.assert_allclose(ops.sparsemax(x, axis).numpy(), expected, atol=8 * EPS)
    parameter = fastdl.tensor(x, requires_grad=True)
    weights = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    (ops.sparsemax(parameter) * weights).sum().backward()
    support = sparsemax(x.astype(float)) > 0
    mean = (weights * support).sum(-1, keepdims=True) / support.sum(-1, keepdims=True)
    np.testing.assert_allclose(parameter.grad.numpy(), support * (weights - mean), atol=8 * EPS)


def test_sparsemax_trains_in_a_recorded_step(recwarn):
    model = fastdl.Sequential([layers.Dense(5, "sparsemax")])
    model.compile("sgd", "mse")
    model.fit(X, np.eye(4, 5, dtype="float32"), epochs=3, verbose=0)
    assert not [w for w in recwarn if "eagerly" in str(w.message)]


def test_glu_names_the_axis_that_is_out_of_range():
    with pytest.raises(IndexError, match="glu: axis 3 is out of range"):
        activations.glu(X, axis=3)


@pytest.mark.parametrize("name", NAMES)
def test_functions_can_be_pickled_alone_and_in_a_layer(name):
    function = getattr(activations, name)
    assert pickle.loads(pickle.dumps(function)) is function
    if name not in SETTINGS:
        copy = pickle.loads(pickle.dumps(layers.Activation(name)))
        assert copy.activation is function


def test_every_function_of_ops_can_be_pickled():
    assert len(list(functions_of(ops))) > 100
    for function in functions_of(ops):
        assert pickle.loads(pickle.dumps(function)) is function


def test_every_function_of_the_top_level_can_be_pickled_under_each_of_its_names():
    assert fastdl.clip is fastdl.clamp and fastdl.swish is fastdl.silu
    assert len(list(functions_of(fastdl))) > 100
    for function in functions_of(fastdl):
        assert pickle.loads(pickle.dumps(function)) is function


def functions_of(module):
    for name in dir(module):
        value = getattr(module, name)
        if inspect.isfunction(value) and not name.startswith("_"):
            yield value


def test_softmax_of_one_value_is_told(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())
    with pytest.warns(UserWarning, match=r"softmax: axis 1 of shape \(2, 1\) has size 1"):
        assert activations.softmax(np.ones((2, 1)), 1).tolist() == [[1.0], [1.0]]
    activations.softmax(np.ones((2, 1)), 1)  # it is told once
    monkeypatch.setattr(notices, "_said", set())
    ops.softmax(layers.Input((None, None)))  # an unknown size is none of 1
