"""Files that Keras reads: `save("model.keras")`.

Keras 3.15 has read files of all these models and gave the same outputs (golden/keras_functions.py).
Here their configs are compared with those of Keras's own files and with the classes of Keras.
"""

import json
import pathlib
import zipfile

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops
from fastdl.saving import keras_files

pytest.importorskip("h5py")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
CLASSES = json.loads((GOLDEN / "keras_functions.json").read_text())
X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def config_in(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("config.json"))


def positive(x):
    return ops.absolute(x) + 0.5


def wide(x):
    return ops.expand_dims(x, 2)


def image(x):
    return ops.reshape(x, (-1, 2, 2, 1))


def heads(x):
    return ops.reshape(x, (-1, 2, 1, 2))


FUNCTIONS = {
    "attention": lambda x: ops.dot_product_attention(heads(x), heads(x), heads(x)),
    "attention_masked": lambda x: ops.dot_product_attention(
        heads(x), heads(x), heads(x), mask=[[[[True, True], [False, True]]]], is_causal=True
    ),
    "attention_scaled": lambda x: ops.dot_product_attention(
        heads(x), heads(x), heads(x), ops.reshape(x[:, :2], (-1, 1, 1, 2)), None, 0.3
    ),
    "max_pool": lambda x: ops.max_pool(image(x), 2),
    "average_pool": lambda x: ops.average_pool(image(x), (2, 1), strides=1, padding="same"),
    "resize": lambda x: ops.image.resize(image(x), (3, 5), interpolation="bicubic"),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2))),
    "pad_value": lambda x: ops.pad(x, ((0, 0), (1, 2)), constant_values=3.0),
    "pad_mode": lambda x: ops.pad(x, [[0, 0], [1, 2]], mode="reflect"),
    "cast": lambda x: ops.cast(x, "int32"),
    "erf": ops.erf,
    "logsumexp": lambda x: ops.logsumexp(x, axis=1, keepdims=True),
    "rsqrt": lambda x: ops.rsqrt(positive(x)),
    "elu": lambda x: ops.elu(x, alpha=0.5),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "leaky_relu": lambda x: ops.leaky_relu(x, 0.3),
    "softmax": lambda x: ops.softmax(x, axis=1),
    "log_softmax": ops.log_softmax,
    "abs": abs,
    "add": lambda x: x + 1.5,
    "radd": lambda x: 1.5 + x,
    "rsub": lambda x: 2 - x,
    "divide": lambda x: ops.divide(x, 3.0),
    "rdiv": lambda x: 2 / positive(x),
    "power": lambda x: positive(x) ** 2,
    "rpow": lambda x: 2**x,
    "negative": lambda x: -x,
    "all": lambda x: ops.all(x > 0, axis=1),
    "any": lambda x: ops.any(x > 0, axis=1, keepdims=True),
    "amax": lambda x: ops.amax(x, axis=1),
    "amin": lambda x: ops.amin(x, axis=1),
    "argmax": lambda x: ops.argmax(x, axis=1),
    "argmin": lambda x: ops.argmin(x, axis=-1),
    "clip": lambda x: ops.clip(x, -0.5, 0.5),
    "concatenate": lambda x: ops.concatenate([x, x * 2], axis=1),
    "equal": lambda x: ops.equal(x, 0.0),
    "expand_dims": wide,
    "flip": lambda x: ops.flip(x, axis=1),
    "floor_divide": lambda x: x // 0.3,
    "get_item": lambda x: x[:, 1:3],
    "last_item": lambda x: x[..., -1],
    "comparisons": lambda x: ops.where(
        ops.logical_or(ops.logical_and(x > 0, x <= 1), x < -1), x, 0.0
    ),
    "logical_not": lambda x: ops.logical_not(x >= 0),
    "matmul": lambda x: ops.matmul(wide(x), ops.expand_dims(x, 1)),
    "max": lambda x: ops.max(x, axis=1),
    "maximum": lambda x: ops.maximum(x, 0.2),
    "mean": lambda x: ops.mean(x, axis=1, keepdims=True),
    "min": lambda x: ops.min(x, 1),
    "minimum": lambda x: ops.minimum(x, x * 2),
    "mod": lambda x: x % 0.3,
    "multiply": lambda x: x * 3.0,
    "not_equal": lambda x: ops.not_equal(x, 0.0),
    "prod": lambda x: ops.prod(x, axis=1),
    "reshape": lambda x: ops.reshape(x, (-1, 2, 2)),
    "round": lambda x: ops.round(x, 1),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), axis=1),
    "stack": lambda x: ops.stack([x, x], axis=1),
    "std": lambda x: ops.std(x, axis=1),
    "subtract": lambda x: x - 1,
    "sum": lambda x: ops.sum(x, axis=-1),
    "swapaxes": lambda x: ops.swapaxes(wide(x), 1, 2),
    "transpose": lambda x: ops.transpose(wide(x), (0, 2, 1)),
    "true_divide": lambda x: x / 4,
    "var": lambda x: ops.var(x, axis=1, keepdims=True),
}
SIMPLE = """cos exp expm1 floor hard_sigmoid log_sigmoid relu relu6 selu sigmoid sign silu sin
softplus softsign square tanh arcsinh arctan cbrt cosh deg2rad erfc exp2 fabs i0 isneginf isposinf
rad2deg signbit sinc sinh tan""".split()
FUNCTIONS |= {name: getattr(ops, name) for name in SIMPLE}
INSIDE = "arccos arcsin arctanh erfinv".split()
TWO = "arctan2 divide_no_nan fmax fmin fmod heaviside hypot logaddexp logaddexp2".split()
FUNCTIONS |= {name: lambda x, name=name: getattr(ops, name)(ops.tanh(x)) for name in INSIDE}
FUNCTIONS |= {name: lambda x, name=name: getattr(ops, name)(x, x * x) for name in TWO}
FUNCTIONS |= {
    "arccosh": lambda x: ops.arccosh(positive(x) + 1.0),
    "logical_xor": lambda x: (x > 0) ^ (x < 1),
    "median": lambda x: ops.median(x, axis=1),
    "ptp": lambda x: ops.ptp(x, axis=1, keepdims=True),
    "count_nonzero": lambda x: ops.count_nonzero(x, axis=1),
}
FUNCTIONS |= {
    name: lambda x, name=name: getattr(ops, name)(positive(x)) for name in ("log", "log1p", "sqrt")
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_graphs_become_classes_of_keras(name, tmp_path):
    a = fastdl.Input((4,))
    model = fastdl.Model(a, FUNCTIONS[name](layers.Dense(4)(a)))
    model.save(tmp_path / "m.keras")
    again = models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    for entry in config_in(tmp_path / "m.keras")["config"]["layers"]:
        if entry["module"] != "keras.layers":
            place = f"{entry['module'].removeprefix('keras.src.ops.')}.{entry['class_name']}"
            assert entry["config"].keys() <= {*CLASSES[place], "name"}


def test_the_list_of_functions_is_tried():
    tried = {
        keras_files._SYNONYMS.get(entry["config"]["kind"], entry["config"]["kind"])
        for function in FUNCTIONS.values()
        for entry in graph_of(function)
    }
    assert tried == keras_files._FUNCTIONS.keys()


def graph_of(function):
    a = fastdl.Input((4,))
    config = fastdl.Model(a, function(layers.Dense(4)(a))).get_config()
    return [entry for entry in config["layers"] if entry["class_name"] == "Operation"]


# What Keras writes and does not need: its own defaults, or what it finds out again.
UNNEEDED = {"build_config", "dtype", "lora_rank", "quantization_config", "shared_object_id"}
UNNEEDED |= {"sparse", "ragged", "registered_name", "input_axes", "output_axes", "auto_scale_loss"}


def same(ours, theirs, place=""):
    if isinstance(theirs, dict):
        if theirs.get("class_name") == "DTypePolicy":
            return
        assert isinstance(ours, dict), place
        for key, value in theirs.items():
            inner_compile = key == "compile_config" and not value  # of a model within
            if key not in UNNEEDED and not inner_compile:
                assert key in ours, f"{place}: {key}"
                same(ours[key], value, f"{place}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), place
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            same(one, other, f"{place}[{i}]")
    elif isinstance(theirs, float):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=place)
    else:
        assert ours == theirs, place


@pytest.mark.parametrize("name", ["stack", "graph"])
def test_the_config_is_that_of_keras_own_file(name, tmp_path):
    original = GOLDEN / "saved" / f"keras-{name}.keras"
    models.load_model(original).save(tmp_path / "again.keras")
    same(config_in(tmp_path / "again.keras"), config_in(original))


def test_training_goes_on(tmp_path):
    fastdl.utils.set_random_seed(0)
    model = fastdl.Sequential([layers.Dense(5, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    y = X[:, :1]
    model.fit(X, y, epochs=3, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "bare.keras", include_optimizer=False)
    again = models.load_model(tmp_path / "m.keras")
    for m in (model, again):
        m.fit(X, y, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert models.load_model(tmp_path / "bare.keras").optimizer is None


def test_checkpoints(tmp_path):
    model = fastdl.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    best = fastdl.callbacks.ModelCheckpoint(tmp_path / "best.keras", "loss", save_best_only=True)
    model.fit(X, X[:, :1], epochs=2, callbacks=[best], verbose=0)
    again = models.load_model(tmp_path / "best.keras")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("sparsemax", ops.sparsemax),
        # Keras has a class that gives a wrong shape in a graph. The layer is right.
        ("adaptive_max_pool", lambda x: ops.adaptive_max_pool(image(x), 3)),
    ],
)
def test_a_function_that_keras_does_not_have(name, function, tmp_path):
    a = fastdl.Input((4,))
    model = fastdl.Model(a, function(a))
    with pytest.raises(ValueError, match=f"'{name}', which has no class in Keras"):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def test_the_class_of_a_pooling_function_gets_all_arguments(tmp_path):
    """Keras's function fills in strides and the order of the axes before it makes the class."""
    a = fastdl.Input((4,))
    fastdl.Model(a, ops.max_pool(image(a), 2)).save(tmp_path / "m.keras")
    entries = config_in(tmp_path / "m.keras")["config"]["layers"]
    (pooling,) = [e["config"] for e in entries if e["class_name"] == "MaxPool"]
    assert (pooling["strides"], pooling["data_format"]) == (2, "channels_last")
