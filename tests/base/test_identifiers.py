"""Names of objects: registries, custom objects, snake case, counting, suggestions."""

import pickle
import types

import pytest

import fastdl
from fastdl import activations, constraints, layers, regularizers, utils
from fastdl._base.registry import Registry, snake_case, suggestion, unique_name


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("GlorotUniform", "glorot_uniform"),
        ("ReLU", "re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("ELU", "elu"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("InputLayer", "input_layer"),
        ("KLDivergence", "kl_divergence"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake


def test_unique_names():
    utils.clear_session()
    assert [unique_name("a"), unique_name("a"), unique_name("b")] == ["a", "a_1", "b"]
    utils.clear_session()
    assert unique_name("a") == "a"


def test_suggestions():
    assert suggestion("rleu", ["relu", "selu"]) == " Did you mean 'relu'?"
    assert suggestion("ADAM", ["adam", "sgd"]) == " Did you mean 'adam'?"
    assert suggestion("xyz", ["adam"]) == ""


@pytest.mark.parametrize(
    ("module", "name", "near"),
    [
        (activations, "sigmod", "sigmoid"),
        (regularizers, "l1l3", "l1l2"),
        (constraints, "maxnrom", "maxnorm"),
        (layers, "dens", "dense"),
    ],
)
def test_unknown_names(module, name, near):
    with pytest.raises(ValueError, match=f"unknown .* '{name}'. Did you mean '{near}'"):
        module.get(name)


def test_what_get_takes():
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    assert activations.get(activations.relu) is activations.relu
    layer = layers.LeakyReLU()
    assert activations.get(layer) is layer
    assert isinstance(regularizers.get("l2"), regularizers.L2)
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    assert regularizers.get(len) is len
    assert isinstance(constraints.get("NonNeg"), constraints.NonNeg)
    with pytest.raises(ValueError, match=r"cannot interpret 3 \(of type int\) as a regularizer"):
        regularizers.get(3)


def test_serialized_forms():
    assert activations.serialize(activations.relu) == "relu"
    assert activations.deserialize("relu") is activations.relu
    config = regularizers.serialize(regularizers.L1L2(0.5, 0.25))
    assert config["class_name"] == "L1L2" and config["config"] == {"l1": 0.5, "l2": 0.25}
    twin = regularizers.deserialize(config)
    assert (twin.l1, twin.l2) == (0.5, 0.25)
    assert constraints.deserialize(constraints.serialize(constraints.MaxNorm(3))).max_value == 3
    with pytest.raises(ValueError, match="a dict with a 'class_name'"):
        regularizers.deserialize({"l1": 1.0})


def test_custom_objects():
    def double(x):
        return x * 2

    with utils.custom_object_scope(None):  # as in Keras
        assert "double" not in utils.get_custom_objects()
    with utils.custom_object_scope({"double": double}):
        assert activations.get("double") is double
        assert layers.Dense(1, activation="double").activation is double
    with pytest.raises(ValueError, match="unknown activation"):
        activations.get("double")
    utils.get_custom_objects()["double"] = double
    assert activations.get("double") is double
    utils.get_custom_objects().pop("double")


def test_registered_objects():
    @utils.register_keras_serializable("test")
    class Half(layers.Layer):
        def call(self, x):
            return x / 2

    try:
        config = layers.serialize(Half(name="half"))
        assert config["registered_name"] == "test>Half"
        assert isinstance(layers.deserialize(config), Half)
    finally:
        utils.get_custom_objects().pop("test>Half")


def test_a_registry_of_ones_own():
    class Thing:
        pass

    registry = Registry("thing", callables=False)
    registry.register_base(registry.register("it")(Thing))
    assert isinstance(registry.get("it"), Thing) and isinstance(registry.get("thing"), Thing)
    thing = Thing()
    assert registry.get(thing) is thing
    with pytest.raises(ValueError, match="as a thing"):
        registry.get(len)


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda: regularizers.L1(-1.0), "l1: expected a number of at least 0, got -1.0"),
        (lambda: regularizers.L2(float("nan")), "l2: expected a number"),
        (
            lambda: regularizers.OrthogonalRegularizer(mode="x"),
            "mode: expected .* got 'x'",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer()(fastdl.tensor([1.0])),
            r"takes a matrix, got shape \(1,\)",
        ),
        (lambda: activations.glu(fastdl.tensor([1.0, 2.0, 3.0])), "axis -1: expected an even size"),
    ],
)
def test_errors(make, pattern):
    with pytest.raises(ValueError, match=pattern):
        make()


def test_glu_and_threshold():
    x = fastdl.tensor([1.0, -2.0, 0.0, 0.0])
    assert activations.glu(x).tolist() == [0.5, -1.0]
    assert activations.threshold(x, -1.0, 9.0).tolist() == [1.0, 9.0, 0.0, 0.0]


def test_functions_can_be_pickled():
    """They are attributes of layers, losses and metrics, which are pickled with them."""
    for module in (fastdl.activations, fastdl.ops, fastdl.losses, fastdl.metrics):
        for name in dir(module):
            function = getattr(module, name)
            if isinstance(function, types.FunctionType) and not name.startswith("_"):
                assert pickle.loads(pickle.dumps(function)) is function, f"{module}.{name}"
