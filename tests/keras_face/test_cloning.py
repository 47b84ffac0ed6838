"""clone_model: new layers and weights, the same structure and the same training."""

import numpy as np
import pytest

from fastdl import layers, metrics, models, optimizers
from fastdl.models import Model, Sequential


def test_clone_with_a_function():
    model = Sequential([layers.Input((2,)), layers.Dense(2), layers.Dense(1)])

    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "use_bias": False})

    assert models.clone_model(model, clone_function=wider).count_params() == 6
    x = layers.Input((4,))
    twin = models.clone_model(
        Model(x, layers.Dense(2)(layers.Dense(3)(x))),
        input_tensors=layers.Input((4,), name="other"),
    )
    assert twin.inputs[0].name == "other" and twin.count_params() == 23


def test_clone_of_another_class():
    class Wide(Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    model = Wide(2)
    model(np.ones((1, 4)))
    twin = models.clone_model(model)
    assert type(twin) is Wide and twin.built and twin.dense is not model.dense
    assert [w.shape for w in twin.weights] == [(4, 2), (2,)]
    with pytest.raises(ValueError, match=r"clone_function: expected None for .* class Wide"):
        models.clone_model(model, clone_function=lambda layer: layer)
    with pytest.raises(TypeError, match="clone_model: model: expected a model, got Dense"):
        models.clone_model(layers.Dense(1))


def test_a_class_of_ones_own_stays():
    class Mine(Model):
        def train_step(self, data):
            return {"mine": 1.0}

    x = layers.Input((2,))
    twin = models.clone_model(Mine(x, layers.Dense(1)(x)))
    assert type(twin) is Mine and twin._graph is not None


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
def test_a_clone_is_compiled_as_the_model_is(kind):
    if kind == "sequential":
        model = Sequential([layers.Input((2,)), layers.Dense(1)])
    elif kind == "functional":
        x = layers.Input((2,))
        model = Model(x, layers.Dense(1)(x))
    else:

        class Net(Model):
            def __init__(self):
                super().__init__()
                self.dense = layers.Dense(1)

            def call(self, x):
                return self.dense(x)

        model = Net()
    metric = metrics.MeanAbsoluteError(name="far")
    rate = optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(optimizers.SGD(rate, momentum=0.5), lambda y, p: p, metrics=[metric])
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    twin = models.clone_model(model)
    assert twin.compiled and twin.optimizer is not model.optimizer
    assert twin.optimizer.get_config() == model.optimizer.get_config()
    assert int(twin.optimizer.iterations) == 0 and twin.loss is model.loss
    before = float(metric.result())
    history = twin.fit(np.ones((4, 2)), np.zeros((4, 1)), verbose=0).history
    assert list(history) == ["far", "loss"] and float(metric.result()) == before
    assert not models.clone_model(Sequential([layers.Dense(1)])).compiled


def test_functions_get_the_layers_of_inner_models_only_if_asked_to():
    inner = Sequential([layers.Input((2,)), layers.Dense(3, name="deep")], name="inner")
    x = layers.Input((2,))
    model = Model(x, layers.Dense(1, name="out")(inner(x)) + 1.0)
    seen = []

    def anew(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    models.clone_model(model, clone_function=anew)
    assert seen == ["inner", "out"]
    seen.clear()
    models.clone_model(model, clone_function=anew, recursive=True)
    assert seen == ["deep", "out"]
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    twin = models.clone_model(model, call_function=call)
    assert called == ["inner", "out"]
    assert twin.get_layer("inner").layers[0] is not inner.layers[0]
    data = np.ones((2, 2), "float32")
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(data), model(data))
    with pytest.raises(ValueError, match="call_function: expected None for the Sequential"):
        models.clone_model(inner, call_function=call)


def test_inputs_of_a_clone():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    model = Model([a, b], layers.Concatenate(name="both")([a, b]))
    fresh = [layers.Input((2,), name="c"), layers.Input((2,), name="d")]
    twin = models.clone_model(model, input_tensors=fresh)
    assert [x.name for x in twin.inputs] == ["c", "d"]
    assert [layer.name for layer in twin.layers] == ["c", "d", "both"]
    with pytest.raises(ValueError, match=r"input_tensors: expected 2 for model .* got 1"):
        models.clone_model(model, input_tensors=fresh[:1])
    named = Model({"a": a, "b": b}, model.output)
    with pytest.raises(ValueError, match="input_tensors: expected the structure of the inputs"):
        models.clone_model(named, input_tensors=fresh)
    with pytest.raises(ValueError, match="input_tensors: expected the structure of the inputs"):
        models.clone_model(named, input_tensors={"a": fresh[0], "c": fresh[1]})
