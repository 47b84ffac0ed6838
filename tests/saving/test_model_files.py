"""Models in files: what is loaded computes the same, and training goes on bit for bit."""

import json
import os
import sys
import warnings
import zipfile

import children
import numpy as np
import pytest

import fastdl
from fastdl import layers, losses, metrics, models, nn, ops, optimizers, regularizers, saving

RNG = np.random.default_rng(7)
X = RNG.standard_normal((90, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)


@saving.register_keras_serializable("tests")
class Scaled(layers.Layer):
    """Has a weight that is not trained, and a config from its arguments."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def call(self, x):
        return x * self.scale * self.factor


@saving.register_keras_serializable("tests")
def squares(y_true, y_pred):
    return fastdl.mean((y_true - y_pred) ** 2, -1)


class Block(layers.Layer):  # not registered
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.parts = [layers.Dense(width, activation="tanh"), layers.Dense(width)]

    def call(self, x):
        return self.parts[1](self.parts[0](x)) + 1.0


@saving.register_keras_serializable("tests")
class Branches(models.Model):
    """A subclass with its own attributes, a layer in a dict, and a call that takes a list."""

    def __init__(self, width=4):
        super().__init__()
        self.width = width
        self.heads = {"a": layers.Dense(width), "b": layers.Dense(width)}
        self.last = layers.Dense(3)

    def call(self, inputs, training=None):
        one, two = inputs
        return self.last(self.heads["a"](one) * self.heads["b"](two))


def sequential():
    return models.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer=regularizers.L2(0.01)),
            Scaled(2.0),
            layers.Dropout(0.3, seed=5),
            layers.Dense(3, activation="softmax", kernel_constraint="max_norm"),
        ],
        name="stack",
    )


def unbuilt_sequential():
    model = models.Sequential([layers.Dense(4), layers.Dense(3)])
    model(X[:2])
    return model


def shared_layers():
    one, two = layers.Input((6,), name="one"), layers.Input((6,), name="two")
    dense = layers.Dense(5, activation="elu", name="shared")
    joined = layers.Concatenate()([dense(one), dense(two)])
    inner = models.Sequential([layers.Input((10,)), layers.Dense(4)], name="inner")(joined)
    return models.Model([one, two], {"first": layers.Dense(1, name="first")(inner), "last": inner})


def functions_in_graph():
    x = layers.Input((6,))
    y = x[:, 1:4] * np.arange(3) + fastdl.ones(3) - np.float32(0.5)
    y = ops.concatenate([y, ops.sum(x, axis=(1,), keepdims=True), x[..., :2]], axis=-1)
    z = ops.cast(ops.cast(y, "int32"), np.float32)
    return models.Model(x, layers.Dense(2, activation=fastdl.tanh)(z - y)[:, None])


MODELS = {
    "sequential": (sequential, lambda: X),
    "unbuilt": (unbuilt_sequential, lambda: X),
    "shared": (shared_layers, lambda: [X, X + 1.0]),
    "functions": (functions_in_graph, lambda: X),
}


def arrays(result):
    return [np.array(leaf) for leaf in fastdl._base.tree.leaves(result)]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_computes_the_same(name, tmp_path):
    make, data = MODELS[name]
    model = make()
    path = tmp_path / "m.fastdl"
    model.save(path)
    again = models.load_model(path)
    assert type(again) is type(model) and again.name == model.name
    assert [w.path for w in again.weights] == [w.path for w in model.weights]
    assert_same(arrays(model.predict(data(), verbose=0)), arrays(again.predict(data(), verbose=0)))
    # The same model gives the same file.
    again.save(tmp_path / "again.fastdl")
    if name != "unbuilt":  # the copy has an Input now
        assert (tmp_path / "again.fastdl").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", MODELS)
def test_json_describes_the_architecture(name):
    make, data = MODELS[name]
    model = make()
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert_same(arrays(model.predict(data(), verbose=0)), arrays(again.predict(data(), verbose=0)))


def test_configs_of_graphs_are_json(tmp_path):
    model = functions_in_graph()
    again = models.Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    assert_same([model(X).numpy()], [again(X).numpy()])


def test_a_subclass_is_built_for_the_shapes_it_had(tmp_path):
    model = Branches(width=5)
    out = model([X, X[:, :4]]).numpy()
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    assert isinstance(again, Branches) and again.width == 5
    np.testing.assert_array_equal(again([X, X[:, :4]]).numpy(), out)
    assert again([X[:7], X[:7, :4]]).shape == (7, 3)  # another batch size


def test_a_model_without_weights_yet(tmp_path):
    models.Sequential([layers.Dense(3)]).save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    assert not again.built and again(X).shape == (90, 3)


# --- training goes on


def compiled(make=sequential, **options):
    model = make()
    options.setdefault("optimizer", optimizers.Adam(0.01))
    options.setdefault("loss", "sparse_categorical_crossentropy")
    options.setdefault("metrics", ["accuracy"])
    model.compile(**options)
    return model


def excluding():
    optimizer = optimizers.AdamW(0.01)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


SCHEDULE = optimizers.schedules.CosineDecay(0.05, 30)


def scaling():
    return optimizers.LossScaleOptimizer(optimizers.Adam(0.01, weight_decay=0.1), 64.0, 5)


def several():
    adam, sgd = optimizers.Adam(0.01), optimizers.SGD(SCHEDULE, momentum=0.9, weight_decay=0.1)
    sgd.exclude_from_weight_decay(var_names=["kernel"])
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(adam, {".*bias": sgd, "no": sgd}))


OPTIMIZERS = {
    "scaling": scaling,
    "several": several,
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "sgd": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "lion": lambda: optimizers.Lion(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "lamb": lambda: optimizers.Lamb(0.01),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "muon": lambda: optimizers.Muon(0.01, rms_rate=None),
    "schedule-free": lambda: optimizers.ScheduleFreeAdamW(0.01, warmup_steps=9),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "ftrl": lambda: optimizers.Ftrl(0.1, l1_regularization_strength=0.01),
    "schedule": lambda: optimizers.SGD(SCHEDULE),
    "excluded": excluding,
    "average": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_goes_on_bit_for_bit(kind, tmp_path):
    def fit(model, **more):
        return model.fit(X, Y, batch_size=16, epochs=2, verbose=0, **more).history

    fastdl.manual_seed(3)
    model = compiled(optimizer=OPTIMIZERS[kind]())
    fit(model)
    model.save(tmp_path / "m.fastdl")
    wanted = fit(model), model.get_weights()
    fastdl.manual_seed(99)
    again = models.load_model(tmp_path / "m.fastdl")
    assert type(again.optimizer) is type(model.optimizer)
    assert again.optimizer.iterations == model.optimizer.iterations - 12 // (
        model.optimizer.gradient_accumulation_steps or 1
    )
    got = fit(again), again.get_weights()
    assert got[0] == wanted[0]
    assert_same(got[1], wanted[1])


def test_training_goes_on_in_another_process(tmp_path):
    program = """
import sys, numpy as np, fastdl
from fastdl import layers, models
x = np.random.default_rng(0).standard_normal((64, 5)).astype("float32"); y = x[:, :1] * 2
if sys.argv[1] == "all":
    fastdl.manual_seed(1)
    stack = [layers.Input((5,)), layers.Dense(9, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    m = models.Sequential(stack)
    m.compile("adam", "mse")
    m.fit(x, y, epochs=3, batch_size=8, verbose=0)
    m.save("m.fastdl")
else:
    m = models.load_model("m.fastdl")
m.fit(x, y, epochs=3, batch_size=8, verbose=0)
print([w.tobytes().hex() for w in m.get_weights()])
"""
    (tmp_path / "program.py").write_text(program)
    found = []
    for part in ("all", "rest"):
        child = children.start("program.py", part, cwd=tmp_path)
        out, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors
        found.append(out)
    assert found[0] == found[1]


def test_compile_settings_are_kept(tmp_path):
    model = shared_layers()
    model.compile(
        optimizers.SGD(0.1, momentum=0.5),
        loss={"first": squares, "last": losses.Huber(0.5)},
        loss_weights={"first": 2.0, "last": 0.5},
        metrics={"first": [metrics.MeanAbsoluteError(name="mine"), squares]},
    )
    y = {"first": X[:, :1], "last": X[:, :4]}
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    one, other = (m.evaluate([X, X], y, verbose=0, return_dict=True) for m in (model, again))
    assert one == other and {"loss", "first_mine", "first_squares"} <= one.keys()


@pytest.mark.parametrize(
    "loss",
    [
        losses.Dice(axis=[1]),
        losses.Tversky(0.3, 0.7, axis=-1),
        losses.CategoricalFocalCrossentropy([0.1, 0.2, 0.7], 1.5),
        losses.dice,
    ],
)
def test_losses_and_metrics_with_lists_among_their_arguments(tmp_path, loss):
    model = models.Sequential([layers.Input((6,)), layers.Dense(3, "softmax")])
    measures = [
        metrics.BinaryIoU((1,), 0.3),
        metrics.OneHotIoU(3, [0, 2]),
        metrics.OneHotMeanIoU(3, ignore_class=1),
        metrics.PrecisionAtRecall(0.4, 20),
        metrics.ConcordanceCorrelation(),
    ]
    model.compile("sgd", loss, metrics=measures)
    y = np.eye(3, dtype=np.float32)[np.arange(len(X)) % 3]
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    one, other = (m.evaluate(X, y, verbose=0, return_dict=True) for m in (model, again))
    assert one == other and len(one) == 6


def test_without_the_state_of_training(tmp_path):
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "whole.fastdl")
    model.save(tmp_path / "small.fastdl", include_optimizer=False)
    again = models.load_model(tmp_path / "small.fastdl")
    assert not again.compiled and again.optimizer is None
    assert_same([model.predict(X, verbose=0)], [again.predict(X, verbose=0)])
    with zipfile.ZipFile(tmp_path / "small.fastdl") as archive:
        assert "optimizer.safetensors" not in archive.namelist()
    state = fastdl.get_rng_state()
    assert not models.load_model(tmp_path / "whole.fastdl", compile=False).compiled
    assert fastdl.get_rng_state() == state  # only the state of training brings its own


# --- classes and functions of the user


def test_custom_objects(tmp_path, monkeypatch):
    model = models.Sequential([layers.Input((6,)), Block(3)])
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl", custom_objects={"Block": Block})
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    with saving.custom_object_scope({"Block": Block}):
        models.load_model(tmp_path / "m.fastdl")
    models.load_model(tmp_path / "m.fastdl")  # its module is imported
    monkeypatch.delitem(sys.modules, __name__)
    with pytest.raises(ValueError, match=r"m\.fastdl: config\.json: .*Block.*custom_objects"):
        models.load_model(tmp_path / "m.fastdl")
    with pytest.raises(TypeError, match="custom_objects"):
        models.load_model(tmp_path / "m.fastdl", custom_objects=[Block])


def test_a_class_with_the_name_of_ours_is_not_taken_for_it(tmp_path):
    class Dense(layers.Dense):
        def call(self, x):
            return super().call(x) + 1.0

    model = models.Sequential([layers.Input((6,)), Dense(2)])
    model.save(tmp_path / "m.fastdl")
    with pytest.raises(ValueError, match="'Dense', a class of module"):
        models.load_model(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl", {"Dense": Dense})
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())


def test_a_subclass_of_a_registered_class_is_another_class(tmp_path):
    class Doubled(Scaled):
        def call(self, x):
            return 2.0 * super().call(x)

    models.Sequential([layers.Input((6,)), Doubled(1.0)]).save(tmp_path / "m.fastdl")
    with pytest.raises(ValueError, match="'Doubled'"):
        models.load_model(tmp_path / "m.fastdl")


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda: [layers.Dense(2, activation=lambda x: x)], "activation"),
        (lambda: [layers.Lambda(lambda x: x)], "function"),
    ],
)
def test_lambdas_are_refused(make, place, tmp_path):
    model = models.Sequential([layers.Input((6,)), *make()], name="mine")
    (tmp_path / "m.fastdl").write_text("old")
    with pytest.raises(TypeError, match=f"(?s)mine.*{place}.*lambda.*register_keras_serializable"):
        model.save(tmp_path / "m.fastdl")
    assert (tmp_path / "m.fastdl").read_text() == "old"


@pytest.mark.parametrize("method", ["save_own_variables", "save_assets"])
def test_state_that_would_be_lost_is_refused(method, tmp_path):
    layer = type("Own", (Block,), {method: lambda self, store: None})(3)
    model = models.Sequential([layers.Input((6,)), layer])
    for call in (
        lambda: model.save(tmp_path / "m.fastdl"),
        lambda: model.save_weights(tmp_path / "m.safetensors"),
    ):
        with pytest.raises(TypeError, match=rf"\(Own\): save: {method}\(\) is not called"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_modules_within_models(tmp_path):
    @saving.register_keras_serializable("tests")
    class Mixed(models.Model):
        def __init__(self, width=3):
            super().__init__()
            self.width = width
            self.inner = nn.Sequential(nn.Linear(6, width), nn.Tanh())

        def call(self, x):
            return self.inner(x)

    model = Mixed(4)
    model.compile("adam", "mse")
    model.fit(X, X[:, :4], verbose=0)
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl")
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    one, other = (m.fit(X, X[:, :4], verbose=0, shuffle=False).history for m in (model, again))
    assert one == other


def test_a_compile_of_ones_own(tmp_path):
    class Own(models.Sequential):
        def compile(self, rate):
            super().compile(optimizers.SGD(rate), "mse")

    model = Own([layers.Input((6,)), layers.Dense(1)])
    model.compile(0.5)
    with pytest.warns(UserWarning, match="compile_from_config"):
        model.save(tmp_path / "m.fastdl")
    assert not models.load_model(tmp_path / "m.fastdl", {"Own": Own}).compiled

    class Better(Own):
        def get_compile_config(self):
            return {"rate": float(self.optimizer.learning_rate)}

        def compile_from_config(self, config):
            self.compile(**config)

    model = Better([layers.Input((6,)), layers.Dense(1)])
    model.compile(0.25)
    model.save(tmp_path / "m.fastdl")
    again = models.load_model(tmp_path / "m.fastdl", {"Better": Better})
    assert float(again.optimizer.learning_rate) == 0.25


# --- weights


def test_weights_by_name_and_by_order(tmp_path):
    path = tmp_path / "w.safetensors"
    model = unbuilt_sequential()
    model.save_weights(path)
    other = unbuilt_sequential()  # its layers have other names
    assert other.layers[0].name != model.layers[0].name
    other.load_weights(path)
    assert_same(other.get_weights(), model.get_weights())
    with pytest.raises(ValueError, match="no weight of the model is in the file"):
        unbuilt_sequential().load_weights(path, by_name=True)
    twin = models.Sequential([layers.Dense(4, name=model.layers[0].name), layers.Dense(7)])
    twin(X)
    with pytest.raises(ValueError, match="is not in the file"):
        twin.load_weights(path)
    twin.load_weights(path, by_name=True)
    np.testing.assert_array_equal(twin.get_weights()[0], model.get_weights()[0])


def test_weights_that_do_not_fit(tmp_path):
    path = tmp_path / "w.safetensors"
    make = lambda width: models.Sequential(  # noqa: E731
        [layers.Input((6,)), layers.Dense(width, name="a"), layers.Dense(3, name="b")]
    )
    model, other = make(4), make(5)
    model.save_weights(path)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"'a\.kernel': it has shape \(6, 5\), the file \(6, 4\)"):
        other.load_weights(path)
    assert_same(other.get_weights(), before)
    with pytest.warns(UserWarning, match="keep their values"):
        other.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[3], model.get_weights()[3])
    np.testing.assert_array_equal(other.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="has no weights yet"):
        models.Sequential([layers.Dense(2)]).load_weights(path)
    with pytest.raises(ValueError, match="has no weights yet"):
        models.Sequential([layers.Dense(2)]).save_weights(path)


def test_weights_of_a_whole_model(tmp_path):
    model = compiled()
    model.save(tmp_path / "m.fastdl")
    other = compiled()
    other.load_weights(tmp_path / "m.fastdl")
    assert_same(other.get_weights(), model.get_weights())


@pytest.mark.parametrize("what", ["weights", "model"])
def test_weights_in_the_memory_of_the_file(what, tmp_path):
    path = tmp_path / ("w.safetensors" if what == "weights" else "m.fastdl")
    model = compiled()
    model.fit(X, Y, verbose=0)
    if what == "weights":
        model.save_weights(path)
        again = compiled()
        again.load_weights(path, mmap=True)
    else:
        model.save(path)
        again = models.load_model(path, mmap=True)
    assert_same(again.get_weights(), model.get_weights())
    content = path.read_bytes()
    assert_same([again.predict(X, verbose=0)], [model.predict(X, verbose=0)])
    again.fit(X, Y, epochs=2, verbose=0)  # on pages of its own
    assert path.read_bytes() == content
    if what == "model":
        model.fit(X, Y, epochs=2, verbose=0)
        again = models.load_model(path)  # takes the random state along
        model.set_weights(again.get_weights())


def test_plans_see_loaded_weights(tmp_path):
    model, other = compiled(), compiled()
    model.save_weights(tmp_path / "w.safetensors")
    for mmap in (False, True):
        other.set_weights([w * 0 for w in other.get_weights()])
        other.predict(X, verbose=0)
        other.load_weights(tmp_path / "w.safetensors", mmap=mmap)
        assert_same([other.predict(X, verbose=0)], [model.predict(X, verbose=0)])


# --- arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, d: m.save(d / "m.h5"), r"ends in \.fastdl"),
        (lambda m, d: m.save(3), "expected a path, got int"),
        (lambda m, d: m.save(d / "m.fastdl", overwrite="no"), "overwrite"),
        (lambda m, d: m.save(d / "m.fastdl", zipped=False), "zipped"),
        (lambda m, d: m.save(d / "m.fastdl", save_format="tf"), "save_format"),
        (lambda m, d: m.save_weights(d / "w.npz"), r"\.safetensors or \.weights\.h5"),
        (lambda m, d: m.load_weights(d / "w.safetensors", by_name="yes"), "by_name"),
        (lambda m, d: models.load_model(d / "m.fastdl", mmap="r"), "mmap"),
        (lambda m, d: m.load_weights(d / "nothing.safetensors"), "nothing.safetensors"),
        (lambda m, d: models.load_model(d / "nothing.fastdl"), "nothing.fastdl"),
        (lambda m, d: m.save(d / "no" / "m.fastdl"), "there is no folder"),
        (lambda m, d: models.model_from_json("{"), "model_from_json"),
        (lambda m, d: models.model_from_json("[]"), "class_name"),
    ],
)
def test_bad_arguments(call, message, tmp_path):
    with pytest.raises((ValueError, TypeError, OSError), match=message):
        call(sequential(), tmp_path)
    assert os.listdir(tmp_path) == []


def test_overwrite(tmp_path):
    path = tmp_path / "m.fastdl"
    model = sequential()
    model.save(path)
    content = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        compiled().save(path, overwrite=False)
    assert path.read_bytes() == content
    compiled().save(path)
    assert path.read_bytes() != content


def test_saving_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = compiled()
        model.save(tmp_path / "m.fastdl")
        models.load_model(tmp_path / "m.fastdl")
