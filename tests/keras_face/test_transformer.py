"""TransformerEncoder and TransformerDecoder against their formula, masks, training, bad input."""

import numpy as np
import pytest

import fastdl
from fastdl import layers

EPS = float(np.finfo(np.float32).eps)
X = np.random.default_rng(0).standard_normal((3, 5, 8)).astype("float32")
SEEN = np.random.default_rng(1).standard_normal((3, 7, 8)).astype("float32")


def norm(x, layer):
    gamma, beta = (w.numpy().astype(np.float64) for w in layer.weights)
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def attention(layer, x, seen, mask):
    """In float64; the mask is (batch, steps, steps attended to)."""
    q, k, v = (
        np.einsum("bte,ehd->bhtd", each, w.kernel.numpy().astype(np.float64))
        + w.bias.numpy()[None, :, None]
        for each, w in ((x, layer.query_dense), (seen, layer.key_dense), (seen, layer.value_dense))
    )
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    scores = np.where(mask[:, None], scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = p / p.sum(-1, keepdims=True) @ v
    out = layer.output_dense
    return np.einsum("bhtd,hde->bte", y, out.kernel.numpy().astype(np.float64)) + out.bias.numpy()


def feedforward(layer, x):
    (a, b), (c, d) = (
        [w.numpy().astype(np.float64) for w in each.weights]
        for each in (layer._feedforward_intermediate_dense, layer._feedforward_output_dense)
    )
    return np.maximum(x @ a + b, 0) @ c + d


def around(x, first, by, inner):
    return x + inner(norm(x, by)) if first else norm(x + inner(x), by)


def prepared(layer, *inputs):
    layer(*inputs)
    rng = np.random.default_rng(2)
    layer.set_weights([rng.standard_normal(w.shape) * 0.3 + 0.1 for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("first", [False, True])
def test_an_encoder_is_its_formula(first):
    layer = prepared(layers.TransformerEncoder(16, 2, normalize_first=first), X)
    padding = np.arange(5) < np.array([5, 2, 4])[:, None]
    mask = padding[:, None] & np.ones((3, 5, 5), bool)
    x = X.astype(np.float64)
    x = around(
        x,
        first,
        layer._self_attention_layer_norm,
        lambda z: attention(layer._self_attention_layer, z, z, mask),
    )
    x = around(x, first, layer._feedforward_layer_norm, lambda z: feedforward(layer, z))
    # Sums of 8 and 16 products of some ones, one after the other.
    np.testing.assert_allclose(layer(X, padding_mask=padding).numpy(), x, rtol=0, atol=400 * EPS)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("crossed", [False, True])
def test_a_decoder_is_its_formula(first, crossed):
    inputs = (X, SEEN) if crossed else (X,)
    layer = prepared(layers.TransformerDecoder(16, 2, normalize_first=first), *inputs)
    causal = np.broadcast_to(np.tri(5, dtype=bool), (3, 5, 5))
    x = X.astype(np.float64)
    x = around(
        x,
        first,
        layer._self_attention_layer_norm,
        lambda z: attention(layer._self_attention_layer, z, z, causal),
    )
    if crossed:
        padding = np.arange(7) < np.array([7, 2, 4])[:, None]
        mask = padding[:, None] & np.ones((3, 5, 7), bool)
        seen = SEEN.astype(np.float64)
        x = around(
            x,
            first,
            layer._cross_attention_layer_norm,
            lambda z: attention(layer._cross_attention_layer, z, seen, mask),
        )
        y = layer(X, SEEN, encoder_padding_mask=padding)
    else:
        y = layer(X)
    x = around(x, first, layer._feedforward_layer_norm, lambda z: feedforward(layer, z))
    np.testing.assert_allclose(y.numpy(), x, rtol=0, atol=600 * EPS)


def translator():
    fastdl.utils.set_random_seed(0)
    source, target = layers.Input((None,)), layers.Input((None,))
    seen = layers.Embedding(9, 16, mask_zero=True)(source)
    seen = layers.TransformerEncoder(32, 2, dropout=0.1)(seen)
    x = layers.Embedding(9, 16, mask_zero=True)(target)
    x = layers.TransformerDecoder(32, 2)(x, seen)
    model = fastdl.Model([source, target], layers.Dense(9)(x))
    loss = fastdl.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(fastdl.optimizers.Adam(0.005), loss)
    return model


def test_masks_of_embeddings_reach_both_blocks():
    model = translator()
    source, target = np.array([[1, 2, 3, 0, 0]]), np.array([[4, 5, 6]])
    short = model([source[:, :3], target]).numpy()
    np.testing.assert_allclose(model([source, target]).numpy(), short, rtol=0, atol=64 * EPS)
    x = np.random.default_rng(0).integers(1, 9, (64, 5))
    loss = model.fit([x, np.roll(x, 1, 1)], x, batch_size=16, epochs=10, verbose=0).history["loss"]
    assert loss[-1] < 0.7 * loss[0]
    twin = fastdl.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert fastdl.equal(twin([source, target]), model([source, target]))


def test_decoders_generate_with_a_memory():
    fastdl.utils.set_random_seed(0)
    tokens = layers.Input((None,))
    x = layers.Embedding(9, 16)(tokens)
    for _ in range(2):
        x = layers.TransformerDecoder(32, 2, normalize_first=True)(x)
    model = fastdl.Model(tokens, layers.Dense(9)(x))
    rows = np.array([[1, 2, 3]])
    found = fastdl.utils.generate(model, rows, 12, temperature=0)
    for _ in range(12):
        rows = np.concatenate([rows, model(rows).numpy()[:, -1].argmax(-1)[:, None]], 1)
    np.testing.assert_array_equal(found, rows)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.TransformerEncoder(0, 2), "TransformerEncoder: intermediate_dim"),
        (lambda: layers.TransformerEncoder(4, 3)(X), "multiple of num_heads, 3, got shape"),
        (lambda: layers.TransformerDecoder(4, 2)(X[0]), "expected an input"),
        (lambda: prepared(layers.TransformerDecoder(4, 2), X)(X, SEEN), "built without an encoder"),
        (lambda: prepared(layers.TransformerDecoder(4, 2), X, SEEN)(X), "built with an encoder"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
