"""Paths of layers and variables: those that Keras 3.15 on JAX gives for the same programs."""

import numpy as np
import pytest

import fastdl as k
from fastdl import layers


def paths(layer):
    return [layer.path, *[weight.path for weight in layer.weights]]


def dense(name):
    return layers.Dense(2, name=name, use_bias=False)


def test_layers_of_a_sequential():
    for model in (
        k.Sequential([dense("a")], name="s"),
        k.Sequential([layers.Input((3,)), dense("a")], name="s"),
    ):
        lazy = not model.built
        if lazy:
            assert paths(model) == paths(model.layers[0]) == [None]
            model(np.ones((1, 3)))
        assert paths(model) == ["s", "s/a/kernel"]
        assert paths(model.layers[0]) == ["s/a", "s/a/kernel"]
    model.pop()
    model.add(dense("new"))
    assert paths(model) == ["s", "s/new/kernel"]
    assert paths(k.models.clone_model(model)) == ["s", "s/new/kernel"]
    with k.name_scope("elsewhere"):  # the path of the first use stays
        model(np.ones((1, 3)))
    assert paths(model) == ["s", "s/new/kernel"]


def test_layers_of_a_graph_have_the_paths_of_their_calls():
    inputs = layers.Input((3,))
    inner = k.Model(inputs, dense("a")(inputs), name="inner")
    assert paths(inner) == ["inner", "a/kernel"] and inner.layers[1].path == "a"
    inputs = layers.Input((3,))
    assert paths(k.Model(inputs, inner(inputs), name="outer")) == ["outer", "a/kernel"]


class Block(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.first = self.add_weight((1,), name="first")
        self.one, self.rest = dense("one"), [dense("two"), k.Sequential([dense("x")], name="in")]

    def build(self, shape):
        self.kernel = self.add_weight((2,), name="kernel")
        self.other = dense("other")
        self.other.build(shape)
        self.plain = k.Variable([1.0], name="plain")

    def call(self, x):
        y = self.one(x) + self.other(x)
        for layer in self.rest:
            y = layer(y)
        return y


BLOCK = ["first", "kernel", "plain", "one/kernel", "two/kernel", "in/x/kernel", "other/kernel"]


@pytest.mark.parametrize("symbolic", [False, True])
def test_layers_that_another_calls_or_builds(symbolic):
    block = Block(name="block")
    assert paths(block) == [None, "block/first"]
    block(layers.Input((3,)) if symbolic else np.ones((1, 3)))
    assert paths(block) == ["block", *[f"block/{path}" for path in BLOCK]]
    assert block.rest[1].path == "block/in" and block.rest[1].layers[0].path == "block/in/x"


def test_a_model_of_its_own_call():
    class Net(k.Model):
        def __init__(self):
            super().__init__(name="net")
            self.block = Block(name="block")

        def call(self, x):
            return self.block(x)

    expected = ["block/first", *[f"net/block/{path}" for path in BLOCK[1:]]]
    for use in (lambda net: net(np.ones((1, 3))), lambda net: net.build((None, 3))):
        net = Net()
        use(net)
        assert paths(net) == ["net", *expected]
        assert k.Variable([0.0], name="v").path == "v"


def test_a_shared_layer_keeps_its_first_path():
    shared = dense("shared")
    for name in ("one", "two"):
        model = k.Sequential([shared], name=name)
        model.build((None, 3))
        assert paths(model) == [name, "one/shared/kernel"]


@pytest.mark.parametrize(
    ("layer", "shape", "inner"),
    [
        (layers.LSTM(2, name="l", use_bias=False), (1, 4, 3), ["lstm_cell"] * 2),
        (
            layers.RNN(
                layers.StackedRNNCells(
                    [
                        layers.SimpleRNNCell(2, name="a", use_bias=False),
                        layers.GRUCell(2, name="b", use_bias=False),
                    ],
                    name="cells",
                ),
                name="l",
            ),
            (1, 4, 3),
            ["cells/a"] * 2 + ["cells/b"] * 2,
        ),
        (
            layers.Bidirectional(layers.GRU(2, name="g", use_bias=False), name="l"),
            (1, 4, 3),
            ["forward_g/gru_cell"] * 2 + ["backward_g/gru_cell"] * 2,
        ),
        (layers.TimeDistributed(dense("d"), name="l"), (1, 4, 3), ["d"]),
        (layers.ConvLSTM1D(2, 1, name="l", use_bias=False), (1, 4, 3, 2), ["conv_lstm_cell"] * 2),
        (
            layers.MultiHeadAttention(2, 2, name="l", use_bias=False),
            (1, 3, 4),
            ["query", "key", "value", "attention_output"],
        ),
        (layers.SpectralNormalization(dense("d"), name="l"), (1, 3), ["d", ""]),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, layers.Layer) else "",
)
def test_layers_with_layers_of_their_own(layer, shape, inner):
    x = np.ones(shape, np.float32)
    layer(*[x] * (2 if isinstance(layer, layers.MultiHeadAttention) else 1))
    assert layer.path == "l"
    parts = [weight.path.rpartition("/")[0] for weight in layer.weights]
    assert parts == [f"l/{name}".rstrip("/") for name in inner]


def test_variables_of_optimizers_metrics_and_generators():
    model = k.Sequential([layers.Input((3,)), dense("a")], name="s")
    optimizer = k.optimizers.Adam(name="adam")
    optimizer.build(model.trainable_variables)
    names = ["iteration", "learning_rate", "s_a_kernel_momentum", "s_a_kernel_velocity"]
    assert [v.name for v in optimizer.variables] == names
    assert [v.path for v in optimizer.variables] == [f"adam/{name}" for name in names]
    with k.name_scope("scope"):
        metric = k.metrics.Mean(name="mean")
        generator = k.random.SeedGenerator(1, name="seeds")
        layer = dense("d")
        layer.build((None, 3))
    assert [v.path for v in metric.variables] == ["scope/mean/total", "scope/mean/count"]
    assert generator.state.path == "scope/seeds/seed_generator_state"
    assert paths(layer) == ["scope/d", "scope/d/kernel"]
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    found = [v.path for v in model.metrics_variables]
    assert found[:2] == ["loss/total", "loss/count"]
    assert found[2:] == ["mean_absolute_error/total", "mean_absolute_error/count"]


def test_scopes_that_start_anew():
    with k.name_scope("one"):
        with k.name_scope("two", override_parent="a//b"):
            assert k.Variable([0.0], name="v").path == "a/b/two/v"
        assert k.Variable([0.0], name="v").path == "one/v"


def test_a_build_that_fails_leaves_the_scope():
    class Bad(layers.Layer):
        def build(self, shape):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Bad(name="bad")(np.ones((1, 2)))
    assert k.Variable([0.0], name="v").path == "v"
