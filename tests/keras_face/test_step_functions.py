"""make_train_function and its like, compute_loss_and_updates, export, and steps of one's own."""

import copy

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 3)).astype("float32")
Y = RNG.normal(size=(32, 1)).astype("float32")


def batches(size=8, repeat=1):
    for _ in range(repeat):
        for i in range(0, len(X), size):
            yield X[i : i + size], Y[i : i + size]


def network(kind=models.Sequential, **options):
    fastdl.utils.set_random_seed(3)
    model = kind([layers.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **options})
    return model


def same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_train_function_does_what_fit_does():
    fitted, stepped = network(), network()
    history = fitted.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    step = stepped.make_train_function()
    assert step is stepped.train_function is stepped.make_train_function()
    assert step is not stepped.make_train_function(force=True)
    for epoch in range(3):
        stepped.reset_metrics()
        source = batches()
        for _ in range(4):
            logs = step(source)
        assert float(logs["loss"]) == history["loss"][epoch]
        assert float(logs["mae"]) == history["mae"][epoch]
        with pytest.raises(StopIteration):
            step(source)
    same(fitted, stepped)


def test_several_steps_in_a_call():
    one, several = network(), network(steps_per_execution=3)
    train, test, predict = (
        getattr(several, f"make_{phase}_function")() for phase in ("train", "test", "predict")
    )
    source = batches()
    train(source)
    train(source)  # the rest: one batch
    one.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    same(one, several)
    several.reset_metrics()
    logs = test(batches())
    wanted = one.evaluate(X[:24], Y[:24], batch_size=8, verbose=0, return_dict=True)
    assert {k: float(v) for k, v in logs.items()} == wanted
    found = predict(x for x, _ in batches())
    np.testing.assert_array_equal(found.numpy(), one.predict(X[:24], batch_size=8, verbose=0))


def test_results_are_the_callers():
    predict = network().make_predict_function()
    first = [predict(iter([X[i : i + 1]])) for i in range(4)]
    assert len({float(y) for y in first}) == 4


def test_copies_have_functions_of_their_own():
    model = network()
    model.make_train_function()
    twin = copy.deepcopy(model)
    before = twin.get_weights()
    twin.train_function(batches())
    assert not np.array_equal(before[0], twin.get_weights()[0])
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_compile_makes_functions_anew():
    model = network()
    first = model.make_test_function()
    model.compile("sgd", "mae")
    assert model.test_function is None and model.make_test_function() is not first
    assert list(model.test_function(batches())) == ["loss"]


def test_what_functions_take():
    with pytest.raises(RuntimeError, match=r"make_train_function: .* must be compiled"):
        models.Sequential([layers.Dense(1)]).make_train_function()
    with pytest.raises(TypeError, match="iterator: expected an iterator, got"):
        network().make_train_function()([(X, Y)])
    with pytest.raises(ValueError, match="force"):
        network().make_train_function(force="no")


class WithFunction(models.Sequential):
    """Clips labels in a function of its own, and calls the library's within it."""

    calls = 0

    def make_train_function(self, force=False):
        super().make_train_function(force)
        inner = self.train_function

        def clipped(iterator):
            x, y = next(iterator)
            logs = inner(iter([(x, ops.clip(y, -1.0, 1.0))]))
            return {**logs, "largest": ops.max(ops.abs(y))}

        self.train_function = clipped


@pytest.mark.parametrize("eager", [True, False])
def test_fit_calls_a_function_of_the_models_own(eager):
    own, plain = network(WithFunction, run_eagerly=eager), network()
    found = own.fit(X, Y, batch_size=8, epochs=4, shuffle=False, verbose=0).history
    wanted = plain.fit(
        X, np.clip(Y, -1, 1), batch_size=8, epochs=4, shuffle=False, verbose=0
    ).history
    same(own, plain)
    assert found["loss"] == wanted["loss"] and found["largest"] == [float(np.abs(Y[24:]).max())] * 4
    assert own.optimizer.iterations.item() == 16


def test_fit_calls_a_function_that_is_returned():
    class Returned(models.Sequential):
        def make_predict_function(self, force=False):
            return lambda iterator: self.predict_step(next(iterator)) + 1.0

        def make_test_function(self, force=False):
            def function(iterator):
                x, y = next(iterator)
                return {"far": ops.max(ops.abs(self(x) - y))}

            return function

    own, plain = network(Returned), network()
    for _ in range(3):
        found = own.predict(X, verbose=0)
    np.testing.assert_array_equal(found, plain.predict(X, verbose=0) + 1.0)
    wanted = np.abs(plain.predict(X, verbose=0) - Y).max()
    assert own.evaluate(X, Y, verbose=0, batch_size=32) == pytest.approx(wanted, rel=1e-6)


def test_a_function_that_is_none_is_an_error():
    class Nothing(models.Sequential):
        def make_train_function(self, force=False):
            pass

    with pytest.raises(
        TypeError, match="expected it to set train_function to a function, got None"
    ):
        network(Nothing).fit(X, Y, verbose=0)


# --- methods of steps that a class may define, wherever they are used


class Scaled(models.Sequential):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 10.0 * ops.mean((y - y_pred) ** 2) + (0.0 if training else 1.0)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "rows": len(x)}


def test_own_losses_and_metrics_count_everywhere():
    own, plain = network(Scaled, optimizer="sgd"), network(optimizer="sgd")
    loss = plain.evaluate(X, Y, verbose=0)[0]
    found = own.evaluate(X, Y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(10 * loss + 1) and found["rows"] == 32
    found = own.test_on_batch(X, Y, return_dict=True)
    assert found["loss"] == pytest.approx(10 * loss + 1) and found["rows"] == 32
    found = own.make_test_function()(iter([(X, Y)]))
    assert found["rows"] == 32
    found = own.train_on_batch(X, Y, return_dict=True)
    assert found["loss"] == pytest.approx(10 * loss) and found["rows"] == 32
    history = own.fit(X, Y, batch_size=32, epochs=3, verbose=0, validation_data=(X, Y)).history
    assert history["val_loss"][-1] > history["loss"][-1] and history["val_rows"] == [32] * 3


def state(model):
    return model.trainable_variables, model.non_trainable_variables, model.metrics_variables


@pytest.mark.parametrize("kind", [models.Sequential, Scaled])
def test_the_loss_of_given_weights(kind):
    model = network(kind)
    model.fit(X, Y, verbose=0)
    before = [v.numpy().copy() for v in (*model.weights, *model.metrics_variables)]
    values = [fastdl.tensor(v.numpy() * 0.5, requires_grad=True) for v in model.trainable_variables]
    loss, (same_loss, y_pred, others, metrics) = model.compute_loss_and_updates(
        values, [], model.metrics_variables, X, Y, None, training=True
    )
    w, b, v, c = (np.float64(t.numpy()) for t in values)
    hidden = np.maximum(X @ w + b, 0)
    wanted = hidden @ v + c
    scale = 10.0 if kind is Scaled else 1.0
    assert loss.item() == pytest.approx(scale * ((Y - wanted) ** 2).mean(), rel=1e-5)
    assert same_loss.item() == loss.item() and others == [] and len(metrics) == len(state(model)[2])
    np.testing.assert_allclose(y_pred.numpy(), wanted, rtol=1e-4, atol=1e-5)
    loss.backward()
    slope = scale * 2 * (wanted - Y).mean(0)
    np.testing.assert_allclose(values[3].grad.numpy(), slope, rtol=1e-4)
    for now, then in zip((*model.weights, *model.metrics_variables), before, strict=True):
        np.testing.assert_array_equal(now.numpy(), then)
    loss, _ = model.stateless_compute_loss(*state(model), x=X, y=Y, y_pred=Y * 0, training=False)
    assert loss.item() == pytest.approx(scale * (Y**2).mean() + (kind is Scaled), rel=1e-5)


def test_the_old_signature_of_compute_loss():
    class Old(models.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.abs(y - y_pred))

    model = network(Old)
    loss, _ = model.stateless_compute_loss(*state(model), x=X, y=Y, y_pred=Y + 3)
    assert loss.item() == pytest.approx(3)


def test_the_loss_is_scaled_by_the_optimizer():
    from fastdl import optimizers

    model = network(optimizer=optimizers.SGD(loss_scale_factor=8.0))
    model.build((None, 3))
    scaled, (loss, *_) = model.compute_loss_and_updates(
        *state(model), X, Y, None, True, model.optimizer.variables
    )
    assert scaled.item() == pytest.approx(8 * loss.item())


# --- export


def test_export(tmp_path):
    model = network()
    model.fit(X, Y, verbose=0)
    model.export(tmp_path / "served")
    model.export(str(tmp_path / "other.fastdl"), verbose=False)
    for name in ("served.fastdl", "other.fastdl"):
        loaded = models.load_model(tmp_path / name)
        np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save(tmp_path / "whole.fastdl")
    sizes = [(tmp_path / f"{name}.fastdl").stat().st_size for name in ("served", "whole")]
    assert sizes[0] < sizes[1]


def test_what_export_cannot_do(tmp_path):
    model = network()
    for format in ("tf_saved_model", "onnx"):
        with pytest.raises(ValueError, match=f"'fastdl' or 'keras', got '{format}'"):
            model.export(tmp_path / "m", format=format)
    with pytest.raises(ValueError, match=r"expected the ending .keras"):
        model.export(tmp_path / "m.fastdl", format="keras")
    with pytest.raises(ValueError, match="input_signature"):
        model.export(tmp_path / "m", input_signature=[(None, 3)])
    with pytest.raises(TypeError, match="unknown argument 'opset_version'"):
        model.export(tmp_path / "m", opset_version=18)
    with pytest.raises(ValueError, match="isn't built yet"):
        models.Sequential([layers.Dense(1)]).export(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_add_metric_says_what_to_do():
    with pytest.raises(NotImplementedError, match="give metrics to compile"):
        layers.Dense(1).add_metric(1.0, name="m")


# --- a module of PyTorch's face, and small arguments


def test_a_module_as_a_layer(tmp_path):
    from fastdl import nn

    fastdl.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
    model = models.Sequential([layers.Input((3,)), layers.TorchModuleWrapper(module)])
    assert model.output_shape == (None, 4) and len(model.trainable_weights) == 2
    weight, bias = (p.detach().numpy() for p in module.parameters())
    np.testing.assert_allclose(
        model.predict(X, verbose=0), X @ weight.T + bias, rtol=1e-4, atol=1e-5
    )
    model.compile("sgd", "mse")
    before = module[0].weight.detach().numpy().copy()
    for _ in range(3):
        model.fit(X, np.zeros((32, 4)), verbose=0)
    assert not np.array_equal(module[0].weight.detach().numpy(), before)
    model.save_weights(tmp_path / "m.safetensors")
    given = layers.TorchModuleWrapper(nn.ReLU(), output_shape=(7,))
    assert given.compute_output_shape((None, 3)) == (None, 7)
    with pytest.raises(NotImplementedError, match="'module' is no plain value"):
        given.get_config()
    for wrong in (layers.Dense(2), 3):
        with pytest.raises(TypeError, match="module: expected a module"):
            layers.TorchModuleWrapper(wrong)


def test_arguments_for_several_devices_change_nothing():
    metric = fastdl.metrics.Mean()
    assert metric.add_variable((2,), "ones", None, "mean", "x").name == "x"
    assert metric.add_weight((2,), None, None, "y").tolist() == [0.0, 0.0]
    optimizer = fastdl.optimizers.SGD()
    optimizer.build([fastdl.Variable([1.0])])
    assert optimizer.add_variable((2,), "ones", "float32", "sum", None).name == "var"
    for owner in (metric, optimizer):
        with pytest.raises(ValueError, match="aggregation: expected"):
            owner.add_variable((2,), aggregation="all")
    with pytest.raises(ValueError, match="layout: expected None"):
        optimizer.add_variable((2,), layout=(1,))


def test_schedules_of_ones_own_in_the_config_of_an_optimizer():
    class Constant(fastdl.optimizers.schedules.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, step):
            return self.rate

        def get_config(self):
            return {"rate": self.rate}

    config = fastdl.optimizers.SGD(Constant(0.25)).get_config()
    again = fastdl.optimizers.SGD.from_config(config, custom_objects={"Constant": Constant})
    assert isinstance(again.get_config()["learning_rate"], dict)
    w = fastdl.Variable([1.0])
    again.build([w])
    again.apply([fastdl.tensor([2.0])])
    assert w.tolist() == [0.5]


def test_symbolic_tensors_are_dense():
    assert fastdl.KerasTensor((2, None), "int32", False, False, False, "x").name == "x"
    for name in ("sparse", "ragged"):
        with pytest.raises(ValueError, match=f"KerasTensor: {name}: expected False"):
            fastdl.KerasTensor((2,), **{name: True})


def test_flash_attention():
    from fastdl import config

    try:
        config.enable_flash_attention()
        assert config.is_flash_attention_enabled() is True
        layers.MultiHeadAttention(2, 3)
        with pytest.raises(ValueError, match="flash_attention: expected no dropout"):
            layers.MultiHeadAttention(2, 3, dropout=0.1)
        config.disable_flash_attention()
        assert config.is_flash_attention_enabled() is False
        layers.MultiHeadAttention(2, 3, dropout=0.1)
    finally:
        config.disable_flash_attention()
    assert config.is_nnx_enabled() is False


def test_the_order_of_conv_3d_transpose_is_that_of_keras():
    layer = layers.Conv3DTranspose(2, 2, 2, "same", "channels_first", 1, 1, "relu")
    assert (layer.data_format, layer.output_padding) == ("channels_first", (1, 1, 1))
    plain = layers.Conv2DTranspose(2, 2, 2, "same", 1, "channels_first")
    assert (plain.data_format, plain.output_padding) == ("channels_first", (1, 1))
