"""Attention layers: Keras's outputs, masks, training, plans and bad input."""

import json
from pathlib import Path

import attention_cases as cases
import numpy as np
import pytest

import fastdl
from fastdl import layers, ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "attention.json").read_text())
EPS = float(np.finfo(np.float32).eps)
X = np.random.default_rng(0).standard_normal((4, 6, 8)).astype("float32")


@pytest.mark.parametrize("case", cases.CASES, ids="".join)
def test_outputs_of_keras(case):
    wanted = GOLDEN["".join(case)]
    layer, run, outputs = cases.output(fastdl, *case)
    assert [list(w.shape) for w in layer.get_weights()] == wanted["weights"]
    assert [list(y.shape) for y in outputs] == [w["shape"] for w in wanted["outputs"]]
    for y, w in zip(outputs, wanted["outputs"], strict=True):
        # Values are written with six decimals; three products of some terms below 1 follow another.
        np.testing.assert_allclose(y.numpy().ravel(), w["y"], rtol=0, atol=6e-6)
    twin = layers.deserialize(layers.serialize(layer))
    run(twin)
    twin.set_weights(layer.get_weights())
    for y, other in zip(outputs, run(twin), strict=True):
        assert fastdl.equal(y, other)


@pytest.mark.parametrize("causal", [False, True])
def test_weights_and_results_agree(causal):
    layer = layers.MultiHeadAttention(2, 4)
    plain = layer(X, X, use_causal_mask=causal)
    y, weights = layer(X, X, use_causal_mask=causal, return_attention_scores=True)
    # Sums of 8 products around 1, in another order.
    np.testing.assert_allclose(y.numpy(), plain.numpy(), rtol=0, atol=64 * EPS)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=0, atol=8 * EPS)
    assert not causal or not np.triu(weights.numpy(), 1).any()


def test_masks_of_values_and_of_queries():
    layer = layers.MultiHeadAttention(2, 4)
    mask = np.arange(6) < np.array([6, 1, 3, 4])[:, None]
    y = layer(X, X, value_mask=mask).numpy()
    for i, n in enumerate((6, 1, 3, 4)):
        short = layer(X[i : i + 1], X[i : i + 1, :n]).numpy()
        np.testing.assert_allclose(y[i], short[0], rtol=0, atol=64 * EPS)
    none = layer(X, X, attention_mask=np.zeros((4, 6, 6), bool)).numpy()
    bias = layer.output_dense.bias.numpy()
    np.testing.assert_array_equal(none, np.broadcast_to(bias, none.shape))


def test_dot_product_attention_in_a_graph():
    query = layers.Input((6, 2, 4))
    y = ops.dot_product_attention(query, query, ops.concatenate([query, query], axis=-1))
    assert y.shape == (None, 6, 2, 8)
    model = fastdl.Model(query, y)
    x = X.reshape(4, 6, 2, 4)
    double = x.astype("float64")
    scores = np.einsum("bthd,bshd->bhts", double, double) / 2
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    wanted = np.einsum("bhts,bshd->bthd", weights, np.concatenate([double, double], -1))
    found = model(x).numpy()
    # Sums of at most 6 products below 4.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=64 * EPS)
    none = ops.dot_product_attention(x, x, x, mask=np.arange(6) < 0)
    assert not none.numpy().any()
    for call, message in (
        (lambda: ops.dot_product_attention(x[0], x, x), "expected inputs of 4 axes, got query"),
        (
            lambda: ops.dot_product_attention(x, x, x, mask=np.ones((3, 6))),
            r"mask: .*\(4, 2, 6, 6\)",
        ),
        (lambda: ops.dot_product_attention(x, x, x, bias=np.ones((1, 1, 1, 1, 1))), "bias: expec"),
        (lambda: ops.dot_product_attention(x, x, x, attn_logits_soft_cap=3.0), "expected None"),
    ):
        with pytest.raises(ValueError, match=f"dot_product_attention: .*{message}"):
            call()


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupQueryAttention"])
def test_penalties_on_activity_are_those_of_keras(kind):
    """Keras gives the regularizer to all projections; GroupQueryAttention has it itself, too."""
    sizes = (2, 4) if kind == "MultiHeadAttention" else (4, 4, 2)
    layer = getattr(layers, kind)(*sizes, use_gate=True, activity_regularizer="l2")
    y, scores = layer(X, X, return_attention_scores=True)
    found = sum(float(loss) for loss in layer.losses)
    parts = [
        layer.query_dense(X),
        layer.key_dense(X),
        layer._gate_dense(X),
        layer.value_dense(X),
        y,
    ]
    parts += [] if kind == "MultiHeadAttention" else [y, scores]
    wanted = sum(0.01 * (p.numpy().astype("float64") ** 2).sum() / len(X) for p in parts)
    np.testing.assert_allclose(found, wanted, rtol=16 * EPS)
    again = type(layer).from_config(layer.get_config())
    again(X, X)
    assert len(again.losses) == len(parts) - (kind != "MultiHeadAttention")


def gpt():
    fastdl.utils.set_random_seed(0)
    inputs = layers.Input((6, 8))
    x = inputs
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4, dropout=0.1)(y, y, use_causal_mask=True)
        x = x + layers.Dense(8, "gelu")(layers.LayerNormalization()(x))
    model = fastdl.Model(inputs, layers.Dense(8)(x))
    model.compile(fastdl.optimizers.Adam(0.01), "mse")
    return model


def test_a_transformer_learns_and_its_predictions_do_not_depend_on_the_batch():
    model = gpt()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 6, 8)).astype("float32")
    y = np.cumsum(x, 1) / np.arange(1, 7)[:, None]
    loss = model.fit(x, y, batch_size=16, epochs=8, verbose=0).history["loss"]
    assert loss[-1] < 0.7 * loss[0]
    whole = model.predict(x, verbose=0)
    assert np.array_equal(
        whole, np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(64)])
    )
    changed = x.copy()
    changed[:, 4:] += 1
    assert np.array_equal(model.predict(changed, verbose=0)[:, :4], whole[:, :4])  # causal
    twin = fastdl.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert fastdl.equal(twin(x), model(x))


def test_dropout_acts_in_training_only():
    for layer, inputs in (
        (layers.MultiHeadAttention(2, 4, dropout=0.5, seed=1), (X, X)),
        (layers.Attention(dropout=0.5, seed=1), ([X, X],)),
    ):
        assert fastdl.equal(layer(*inputs), layer(*inputs))
        assert not fastdl.equal(layer(*inputs, training=True), layer(*inputs, training=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.MultiHeadAttention(0, 4), "num_heads: expected an integer of at least 1"),
        (lambda: layers.MultiHeadAttention(2, 4, dropout=2), "MultiHeadAttention: dropout"),
        (
            lambda: layers.MultiHeadAttention(2, 4, dropout=0.1, flash_attention=True),
            "flash_attention: expected no dropout",
        ),
        (
            lambda: layers.GroupQueryAttention(4, 3, 2),
            "num_query_heads: expected a multiple of num_key_value_heads, 2, got 3",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 4)(X, X, key=X[:, :3]),
            r"value and key must have equal axes .* \(4, 6, 8\) and \(4, 3, 8\)",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 4)(X, X, attention_mask=np.ones((4, 6, 5), bool)),
            r"attention_mask: expected shape \(batch, 6, 6\), got \(4, 6, 5\)",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 4)(X, X, value_mask=np.ones((4, 5), bool)),
            r"mask of value or key: expected shape \(batch, 6\), got \(4, 5\)",
        ),
        (lambda: layers.Attention()(X), "expected a list"),
        (lambda: layers.Attention()([X]), r"expected a list \[query, value\]"),
        (lambda: layers.Attention(score_mode="sum"), "score_mode: expected 'dot' or 'concat'"),
        (
            lambda: layers.Attention()([X, X], mask=[None, np.ones((4, 5), bool)]),
            r"mask: expected the shape \(4, 6\) of the value, got \(4, 5\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_settings_can_be_read():
    layer = layers.GroupQueryAttention(
        4, 4, 2, dropout=0.1, use_bias=False, sliding_window=5, kernel_regularizer="l2"
    )
    assert (layer.dropout, layer.use_bias, layer.sliding_window) == (0.1, False, 5)
    assert layer.use_gate is False and layer.kernel_constraint is None
    assert type(layer.kernel_initializer).__name__ == "GlorotUniform"
    layer.build((None, 3, 8), (None, 3, 8))
    assert layer.query_dense.kernel.regularizer is layer.kernel_regularizer
    inner = layers.ConvLSTM1D(2, 3, bias_regularizer="l1")
    assert inner.bias_regularizer is inner.cell.bias_regularizer is not None


def test_the_class_of_shared_heads_has_the_name_of_keras():
    """In configs and for the layer's own name; files with the other name can be read."""
    layer = layers.GroupQueryAttention(2, 4, 2)
    config = layers.serialize(layer)
    assert config["class_name"] == "GroupedQueryAttention"
    assert layer.name.startswith("grouped_query_attention")
    for name in ("GroupedQueryAttention", "GroupQueryAttention"):
        again = layers.deserialize({**config, "class_name": name})
        assert again.get_config() == layer.get_config()


def test_variance_of_the_projections_counts_their_inputs_and_outputs():
    """As in Keras 3.15: the kernel (32, 8, 16) has a fan in of 32 and a fan out of 128."""
    fastdl.utils.set_random_seed(1)
    layer = layers.MultiHeadAttention(8, 16, kernel_initializer="glorot_uniform")
    layer.build((None, 10, 32), (None, 10, 32))
    for dense, fans in ((layer.query_dense, 160), (layer._output_dense, 160)):
        largest = np.abs(dense.kernel.numpy()).max()
        limit = np.sqrt(6 / fans)
        assert 0.98 * limit < largest <= limit
    initializer = fastdl.initializers.HeNormal(input_axes=[1], output_axes=[0, 2])
    layer = layers.GroupQueryAttention(16, 8, 2, kernel_initializer=initializer)
    layer.build((None, 10, 32), (None, 10, 32))
    deviation = layer.query_dense.kernel.numpy().std()
    np.testing.assert_allclose(deviation, np.sqrt(2 / 8), rtol=0.05)


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_scores_of_attention_are_those_after_dropout(kind):
    """As in Keras: 0 or the weight divided by what is kept."""
    x = np.ones((1, 8, 3), np.float32)
    layer = kind(dropout=0.5, seed=3)
    y, scores = layer([x, x], training=True, return_attention_scores=True)
    assert set(np.unique(scores.numpy())) == {0.0, 0.25}
    np.testing.assert_allclose(y.numpy()[..., 0], scores.numpy().sum(-1), rtol=1e-6)


def test_calls_that_flash_attention_and_lists_refuse():
    x = np.ones((1, 3, 4), np.float32)
    layer = layers.MultiHeadAttention(2, 2, flash_attention=True)
    assert layer(x, x).shape == (1, 3, 4)
    with pytest.raises(ValueError, match="flash attention has no scores"):
        layer(x, x, return_attention_scores=True)
    for kind in (layers.MultiHeadAttention(2, 2), layers.GroupQueryAttention(2, 2, 1)):
        with pytest.raises(ValueError, match="value and key must have equal axes"):
            kind.compute_output_shape((2, 4, 8), (2, 2, 8), (2, 1, 7))
    with pytest.raises(ValueError, match="the same last size"):
        layers.GroupQueryAttention(2, 2, 1).compute_output_shape((2, 4, 8), (2, 2, 7))
    for kind in (layers.Attention(), layers.AdditiveAttention()):
        for wrong in (x, [x], [x] * 4):
            with pytest.raises(ValueError, match=r"expected a list \[query, value\]"):
                kind(wrong)
