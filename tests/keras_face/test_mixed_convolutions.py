"""Networks of convolutions in mixed precision: which layers round, and that training goes on."""

import numpy as np
import pytest

import fastdl
from fastdl import _core, layers, models

HAS_BF16 = _core.config()["bfloat16"] is not None

pytestmark = pytest.mark.filterwarnings("ignore:mixed_bfloat16")


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


LAYERS = {
    "Conv1D": (lambda **o: layers.Conv1D(24, 3, padding="causal", **o), (80, 16)),
    "Conv2D": (
        lambda **o: layers.Conv2D(24, 3, padding="same", activation="relu", **o),
        (9, 8, 20),
    ),
    "Conv2D-strided": (lambda **o: layers.Conv2D(32, 3, strides=2, **o), (19, 18, 16)),
    "Conv3D": (lambda **o: layers.Conv3D(16, 2, **o), (5, 6, 5, 17)),
    "Conv1DTranspose": (lambda **o: layers.Conv1DTranspose(16, 3, strides=2, **o), (120, 16)),
    "Conv2DTranspose": (lambda **o: layers.Conv2DTranspose(20, 3, strides=2, **o), (7, 8, 16)),
    "SeparableConv2D": (lambda **o: layers.SeparableConv2D(24, 3, **o), (19, 18, 20)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_round_what_they_multiply(name):
    """By a share of 2^-7 of each product; numbers of one sign keep it in the sums."""
    make, shape = LAYERS[name]
    fastdl.utils.set_random_seed(0)
    x = np.abs(random(4, *shape))
    mixed, plain = make(dtype="mixed_bfloat16"), make(dtype="float32")
    results = []
    for layer in (mixed, plain):
        layer.build((None, *shape))
        weights = [np.abs(w) for w in mixed.get_weights()]
        layer.set_weights(weights)
        given = fastdl.tensor(x)
        given.requires_grad = True
        y = layer(given)
        (y * y).sum().backward()
        results.append(
            [
                y.detach().numpy(),
                given.grad.numpy(),
                *(w.grad.numpy() for w in layer.trainable_weights),
            ]
        )
    for a, b in zip(*results, strict=True):
        # Three products follow one another in the gradients: the output, its square's, and theirs.
        np.testing.assert_allclose(a, b, rtol=3 * 2.0**-7)
    assert (results[0][0] != results[1][0]).any() == HAS_BF16


def test_depthwise_convolutions_are_float32():
    x = random(2, 12, 12, 32)
    mixed = layers.DepthwiseConv2D(3, dtype="mixed_bfloat16")
    mixed.build(x.shape)
    plain = layers.DepthwiseConv2D(3)
    plain.build(x.shape)
    plain.set_weights(mixed.get_weights())
    np.testing.assert_array_equal(mixed(x).numpy(), plain(x).numpy())


def network(policy):
    fastdl.utils.set_random_seed(3)
    inputs = layers.Input((12, 12, 3))
    y = layers.Conv2D(16, 3, padding="same", dtype=policy)(inputs)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    z = layers.Conv2D(16, 3, padding="same", use_bias=False, dtype=policy)(y)
    z = layers.ReLU()(layers.Add()([layers.BatchNormalization()(z), y]))
    z = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", dtype=policy)(z)
    z = layers.SeparableConv2D(48, 3, padding="same", activation="relu", dtype=policy)(z)
    z = layers.GlobalAveragePooling2D()(z)
    return models.Model(inputs, layers.Dense(4, activation="softmax", dtype=policy)(z))


def trained(*, eager=False, threads=None, policy="mixed_bfloat16"):
    model = network(policy)
    model.compile(
        fastdl.optimizers.Adam(0.01), "sparse_categorical_crossentropy", run_eagerly=eager
    )
    labels = np.arange(96) % 4
    x = 0.3 * random(96, 12, 12, 3)
    for i, label in enumerate(labels):  # a bright quarter
        x[i, label // 2 * 6 : label // 2 * 6 + 6, label % 2 * 6 : label % 2 * 6 + 6, label % 3] += 1
    before = _core.num_threads()
    try:
        if threads:
            _core.set_num_threads(threads)
        losses = model.fit(x, labels, batch_size=32, epochs=4, verbose=0).history["loss"]
    finally:
        _core.set_num_threads(before)
    weights = [w.tobytes() for w in model.get_weights()]
    return weights, losses, model.predict(x, batch_size=96, verbose=0), x, model


def test_the_loss_goes_down_and_eager_equals_plan_with_any_number_of_threads():
    weights, losses, predicted, x, model = trained()
    assert losses[-1] < 0.5 * losses[0]
    assert trained(eager=True)[:2] == (weights, losses)
    for threads in (1, 7):
        assert trained(threads=threads)[:2] == (weights, losses)
    exact = trained(policy="float32")
    assert (exact[0] != weights) == HAS_BF16
    assert abs(losses[0] - exact[1][0]) < 0.05 * exact[1][0]
    # Convolutions do not depend on the batch; the Dense layer may (its product is small here).
    np.testing.assert_array_equal(model.predict(x, batch_size=7, verbose=0), predicted)
