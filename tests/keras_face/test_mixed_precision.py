"""Mixed precision: the policy, what it changes of a layer's numbers, and a CPU without bfloat16."""

import json

import children
import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models

HAS_BF16 = _core.config()["bfloat16"] is not None
KINDS = _core.runnable_bf16() if HAS_BF16 else []
# The largest error of rounding to bfloat16: half of the last of its 8 bits.
HALF_ULP = 2.0**-9

# Without the instructions a policy warns, once per process; test_without_bfloat16 checks that.
pytestmark = pytest.mark.filterwarnings("ignore:mixed_bfloat16")


@pytest.fixture(autouse=True)
def float32_again():
    yield
    fastdl.set_dtype_policy("float32")
    if KINDS:
        _core.select_bf16(KINDS[-1])


def rounded(x):
    """To bfloat16: nearest, ties to even."""
    bits = x.view(np.uint32)
    bits = (bits + (0x7FFF + (bits >> 16 & 1)).astype(np.uint32)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# --- the policy


@pytest.mark.parametrize(
    ("set_policy", "get_policy"),
    [
        (fastdl.set_dtype_policy, fastdl.config.dtype_policy),
        (fastdl.config.set_dtype_policy, fastdl.mixed_precision.dtype_policy),
        (fastdl.mixed_precision.set_global_policy, fastdl.mixed_precision.global_policy),
        (fastdl.mixed_precision.set_dtype_policy, fastdl.config.dtype_policy),
    ],
)
def test_policy_by_every_name(set_policy, get_policy):
    assert get_policy().name == "float32"
    set_policy("mixed_bfloat16")
    policy = get_policy()
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (
        "mixed_bfloat16",
        "bfloat16",
        "float32",
    )
    assert policy == fastdl.mixed_precision.Policy("mixed_bfloat16")
    assert fastdl.DTypePolicy.from_config(policy.get_config()) == policy
    set_policy(fastdl.DTypePolicy("float32"))
    assert get_policy().name == "float32" and get_policy() != policy
    set_policy("mixed_bfloat16")
    fastdl.backend.clear_session()
    assert get_policy().name == "float32"


def test_policies_that_there_are_not():
    for wrong in ("mixed_float16", "float16", "bfloat16", "float64", "int32", None, 3):
        with pytest.raises(ValueError, match="set_dtype_policy: expected 'float32' or 'mixed_bf"):
            fastdl.set_dtype_policy(wrong)
    for wrong in ("mixed_float16", "bfloat16", "x", "float64"):
        with pytest.raises(ValueError, match="Dense: dtype: expected 'float32' or 'mixed_bfloat"):
            layers.Dense(2, dtype=wrong)


def test_layers_take_the_policy_they_are_made_under():
    plain = layers.Dense(2)
    fastdl.set_dtype_policy("mixed_bfloat16")
    mixed, own = layers.Dense(2), layers.Dense(2, dtype="float32")
    fastdl.set_dtype_policy("float32")
    given = layers.Dense(2, dtype=fastdl.DTypePolicy("mixed_bfloat16"))
    names = [layer.dtype_policy.name for layer in (plain, mixed, own, given)]
    assert names == ["float32", "mixed_bfloat16", "float32", "mixed_bfloat16"]
    # Keras's own config of a policy, as in the files of its models.
    keras = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
    for layer in (layers.Dense(2, dtype=keras), layers.Dense.from_config(mixed.get_config())):
        assert layer.dtype_policy.name == "mixed_bfloat16"
    assert json.dumps(mixed.get_config()["dtype"]) == '"mixed_bfloat16"'
    plain.dtype_policy = "mixed_bfloat16"
    assert plain.dtype_policy == mixed.dtype_policy
    # Weights and the outputs of layers are float32.
    out = mixed(random(3, 4))
    assert mixed.kernel.dtype == out.dtype == np.float32 and mixed.dtype == "float32"


def test_models_keep_their_policies():
    fastdl.set_dtype_policy("mixed_bfloat16")
    model = models.Sequential([layers.Input((40,)), layers.Dense(50), layers.Dense(1)])
    fastdl.set_dtype_policy("float32")
    twin = models.clone_model(model)
    twin.set_weights(model.get_weights())
    assert [layer.dtype_policy.name for layer in twin.layers] == ["mixed_bfloat16"] * 2
    x = random(64, 40)
    np.testing.assert_array_equal(
        twin.predict(x, batch_size=64, verbose=0), model.predict(x, batch_size=64, verbose=0)
    )


# --- the numbers


def test_small_products_are_float32():
    for m, k, n in [(15, 90, 90), (90, 15, 90), (90, 90, 15), (1, 500, 500), (40, 40, 40)]:
        a, b = random(m, k), random(k, n, seed=1)
        np.testing.assert_array_equal(
            _core.matmul(a, b, precision="bfloat16").numpy(), _core.matmul(a, b).numpy()
        )


@pytest.mark.parametrize("kind", KINDS or [None])
def test_forward_is_the_product_of_rounded_operands(kind):
    """Without instructions for bfloat16 the operands keep all bits."""
    if kind:
        _core.select_bf16(kind)
    layer = layers.Dense(70, activation="relu", dtype="mixed_bfloat16")
    x = random(40, 90)
    y = layer(x).numpy()
    operands = x, layer.kernel.numpy()
    a, w = ((rounded(t) if kind else t).astype(np.float64) for t in operands)
    bound = (90 + 4) * 2.0**-24 * (np.abs(a) @ np.abs(w))
    assert (np.abs(y - np.maximum(a @ w, 0)) <= bound).all()


def check_gradients(dtype, limit):
    """Compares a layer's gradients with float64; allows `limit` times the sums of magnitudes."""
    layer = layers.Dense(48, dtype=dtype)
    x, g = fastdl.tensor(random(64, 40)), random(64, 48, seed=2)
    x.requires_grad = True
    y = layer(x)
    dx, dw, db = _core.grad([y], [fastdl.tensor(g)], [x, layer.kernel, layer.bias], True, False)
    a, w, g = (t.astype(np.float64) for t in (x.numpy(), layer.kernel.numpy(), g))
    worst = 0.0
    for actual, left, right in [(y.detach(), a, w), (dx, g, w.T), (dw, a.T, g)]:
        error = np.abs(actual.numpy() - left @ right)
        magnitudes = np.abs(left) @ np.abs(right)
        assert (error <= limit * magnitudes).all()
        worst = max(worst, (error / magnitudes).max())
    np.testing.assert_allclose(db.numpy(), g.sum(0), rtol=1e-5, atol=1e-5)
    return worst


def test_gradients_are_within_bfloat16_of_float32():
    """Each rounded factor is off by 2^-9; the error of float32 sums of 64 terms is far smaller."""
    worst = check_gradients("mixed_bfloat16", 2 * HALF_ULP + HALF_ULP**2 + 64 * 2.0**-24)
    check_gradients("float32", 64 * 2.0**-24)
    assert (worst > 2.0**-14) == HAS_BF16  # operands are rounded if the CPU has the instructions


def trained(*, eager=False, threads=None, policy="mixed_bfloat16"):
    fastdl.utils.set_random_seed(3)
    model = models.Sequential(
        [
            layers.Input((40,)),
            layers.Dense(64, activation="relu", dtype=policy),
            layers.Dense(33, activation="softmax", dtype=policy),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    x, y = random(200, 40), np.arange(200) % 33
    before = _core.num_threads()
    try:
        if threads:
            _core.set_num_threads(threads)
        losses = model.fit(x, y, batch_size=64, epochs=3, verbose=0).history["loss"]
    finally:
        _core.set_num_threads(before)
    return [w.tobytes() for w in model.get_weights()], losses


def test_eager_equals_plan_with_any_number_of_threads():
    weights, losses = trained()
    assert trained(eager=True) == (weights, losses)
    for threads in (1, 7):
        assert trained(threads=threads) == (weights, losses)
    assert (trained(policy="float32")[0] != weights) == HAS_BF16


def digits_accuracy(policy):
    (x, y), (x_test, y_test) = fastdl.datasets.digits.load_data()
    x, x_test = (a.reshape(-1, 64).astype(np.float32) / 16 for a in (x, x_test))
    fastdl.utils.set_random_seed(0)
    fastdl.set_dtype_policy(policy)
    model = models.Sequential(
        [
            layers.Input((64,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=15, verbose=0)
    return model.evaluate(x_test, y_test, verbose=0)[1]


def test_training_on_digits_is_as_accurate():
    exact, mixed = digits_accuracy("float32"), digits_accuracy("mixed_bfloat16")
    assert exact > 0.95
    assert mixed > exact - 0.01


# --- without bfloat16


@pytest.mark.parametrize("isa", [i for i in _core.config()["isas"] if i != "avx512"])
def test_without_bfloat16(isa, tmp_path):
    """One warning that says why, and the bits of float32."""
    code = """if True:
        import json, warnings
        import numpy as np
        import fastdl
        from fastdl import layers

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fastdl.set_dtype_policy("mixed_bfloat16")
            fastdl.set_dtype_policy("mixed_bfloat16")
            mixed = layers.Dense(64)
            layers.Dense(64, dtype="mixed_bfloat16")
        plain = layers.Dense(64, dtype="float32")
        x = fastdl.tensor(np.random.default_rng(0).standard_normal((64, 64)), "float32")
        mixed.build((None, 64))
        plain.build((None, 64))
        plain.set_weights(mixed.get_weights())
        results = []
        for layer in (mixed, plain):
            y = layer(x)
            y.sum().backward()
            results.append([y.numpy().tobytes(), layer.kernel.grad.numpy().tobytes()])
        print(json.dumps({
            "same": results[0] == results[1],
            "policy": mixed.dtype_policy.name,
            "bfloat16": fastdl._core.config()["bfloat16"],
            "messages": [[w.category.__name__, str(w.message), w.filename] for w in caught],
        }))
    """
    found = json.loads(children.output(code, tmp_path, FASTDL_ISA=isa))
    assert found["same"] and found["policy"] == "mixed_bfloat16" and found["bfloat16"] is None
    ((category, message, filename),) = found["messages"]
    assert category == "UserWarning" and filename == "<string>"
    why = f"FASTDL_ISA selects {isa}" if _core.runnable_bf16() else "this CPU or this build"
    assert message.startswith("mixed_bfloat16: fastdl computes in float32, since " + why)


def test_info_says_which_instructions(capsys):
    fastdl.show_config()
    expected = _core.config()["bfloat16"] or "no"
    assert f"  bfloat16  {expected}\n" in capsys.readouterr().out
