"""Tails: calls that run on the rows of a convolution as they are completed (csrc/plan/tail.h).

A plan gives the bits of the eager step, whatever follows the convolution and whoever else reads the
results between.
"""

import numpy as np
import plans
import pytest

import fastdl
from fastdl import _core
from fastdl._base import functional as F

CHANNELS = 24
rng = np.random.default_rng(0)
X = rng.standard_normal((3, 13, 11, CHANNELS)).astype(np.float32)
KERNELS = {
    "3x3": (3, 3, CHANNELS, CHANNELS),
    "1x1": (1, 1, CHANNELS, CHANNELS),
    "depthwise": (3, 3, 1, CHANNELS),
}
W = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in KERNELS.items()}
MEAN, SCALE, OFFSET, BIAS = rng.standard_normal((4, CHANNELS)).astype(np.float32)
VARIANCE = rng.random(CHANNELS, np.float32) + 0.5


def conv(x, kind="3x3"):
    size = W[kind].shape[0]
    groups = CHANNELS if kind == "depthwise" else 1
    pads = [size // 2] * 2
    w = _core.tensor(W[kind])
    return F.conv(x, w, bias=_core.tensor(BIAS), low=pads, high=pads, groups=groups)


def affine(y):
    mean, variance, scale, offset = map(_core.tensor, (MEAN, VARIANCE, SCALE, OFFSET))
    return F.frozen_batch_norm(y, mean, variance, scale=scale, offset=offset)


def twice_read(x):
    y = conv(x)
    return F.relu(y) + y


def read_later(x):
    y = affine(conv(x))
    z = F.relu(y)
    return z, F.sum(y)


def residual_of_the_input(x):
    return F.relu(F.add(conv(x), x))


def two_branches(x):
    a, b = affine(conv(x)), affine(conv(x, "1x1"))
    return F.relu(a + b)


def chain_of_two(x):
    return F.relu(conv(F.relu(affine(conv(x))), "depthwise"))


# name: (step, the calls of its tails)
STEPS = {
    "activation": (lambda x: F.relu(conv(x)), 1),
    "scale and shift": (lambda x: affine(conv(x)), 1),
    "all": (lambda x: F.relu(affine(conv(x)) + x), 3),
    "pointwise": (lambda x: F.relu(affine(conv(x, "1x1")) + x), 3),
    "depthwise": (lambda x: F.relu(affine(conv(x, "depthwise")) + x), 3),
    "number": (lambda x: F.clip(conv(x) * 2 + 1, lo=0.0, hi=6.0), 3),
    "of channels": (lambda x: F.tanh(conv(x) * _core.tensor(SCALE)), 2),
    "of an axis of 1": (lambda x: conv(x) + _core.tensor(SCALE.reshape(1, 1, 1, -1)), 1),
    "of a map": (lambda x: F.relu(conv(x) * x[:1, :, :, :]), 0),
    "of a column": (lambda x: F.relu(conv(x) * x[:, :, :, :1]), 0),
    "cast": (lambda x: F.cast(F.relu(conv(x)), dtype="int32"), 2),
    "compare": (lambda x: F.where(conv(x) > 0, 1.0, 0.0), None),
    "square": (lambda x: (lambda y: y * y)(conv(x)), 1),
    "twice read": (twice_read, 2),
    "read later": (read_later, 2),
    "residual of the input": (residual_of_the_input, 2),
    "two branches": (two_branches, None),
    "two": (chain_of_two, 3),
    "reduced": (lambda x: F.sum(F.relu(conv(x)), axes=[1, 2]), 1),
    "logits": (lambda x: F.softmax(F.relu(conv(x))), 1),
}  # fmt: skip


def tail_calls(plan):
    """The number of calls that follow a convolution."""
    groups = [names for names in plans.chains(plan) if names[0] == "conv"]
    return sum(len(names) - 1 for names in groups)


def outputs(value):
    return [value] if isinstance(value, fastdl.Tensor) else list(value)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", STEPS)
def test_plans_agree_with_eager_steps_to_the_bit(name, threads):
    step, calls = STEPS[name]
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(threads)
    try:
        plan = plans.recorded(step, [_core.tensor(X)])
        if calls is not None:
            assert tail_calls(plan) == calls
        for seed in range(3):
            x = _core.tensor(plans.random(*X.shape, seed=seed))
            wanted = [t.numpy().copy() for t in outputs(step(x))]
            for found, expected in zip(plan.replay([x]), wanted, strict=True):
                np.testing.assert_array_equal(found.numpy(), expected)
    finally:
        fastdl.set_num_threads(before)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 40), (70, 1, 3), (2, 33, 1)])
def test_small_and_long_images(shape):
    step = STEPS["all"][0]
    x = _core.tensor(plans.random(*shape, CHANNELS))
    plan = plans.recorded(step, [x])
    np.testing.assert_array_equal(plan.replay([x])[0].numpy(), step(x).numpy())


def test_subnormals_are_kept_by_what_keeps_them_alone():
    """Products flush subnormals, elementwise calls do not, in a tail as well."""
    tiny = np.full((1, 4, 4, CHANNELS), 1e-20, np.float32)

    def step(x):
        return F.mul(conv(F.mul(x, 0.0)) - _core.tensor(BIAS) + 1e-20, 1e-20)

    plan = plans.recorded(step, [_core.tensor(tiny)])
    found = plan.replay([_core.tensor(tiny)])[0].numpy()
    np.testing.assert_array_equal(found, step(_core.tensor(tiny)).numpy())
    assert (found > 0).all()


def test_calls_that_move_before_a_tail_keep_what_the_tail_reads():
    """They become a chain of their own, and the tail reads the result of its first call."""

    def step(x):
        y = conv(x)
        doubled = F.mul(x, 2.0)
        total = F.add(y, doubled)
        return F.mul(total, F.tanh(F.mul(x, 3.0)))

    x = _core.tensor(plans.random(2, 20, 20, CHANNELS))
    plan = plans.recorded(step, [x])
    assert plans.chains(plan) == [["mul", "mul", "tanh"], ["conv", "add", "mul"]]
    np.testing.assert_array_equal(plan.replay([x])[0].numpy(), step(x).numpy())


def test_intermediate_results_take_no_memory_of_their_own():
    plan = plans.recorded(STEPS["all"][0], [_core.tensor(X)])
    # What is left are the scales of the channels and the terms of the shift.
    assert plan.arena_bytes < X.nbytes / 4


def test_gradients_beside_tails():
    """A training step reads the values between again."""
    weight = _core.tensor(W["3x3"])
    weight.requires_grad = True

    def step(x):
        y = F.conv(x, weight, low=[1, 1], high=[1, 1])
        z = F.relu(F.mul(y, 2.0))
        loss = F.sum(F.square(z) + x)
        return loss, *_core.grad([loss], [], [weight])

    x = _core.tensor(X)
    plan = plans.recorded(step, [x])
    for seed in range(2):
        x = _core.tensor(plans.random(*X.shape, seed=seed))
        for found, wanted in zip(plan.replay([x]), step(x), strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted.numpy())


def test_random_steps():
    """Sums of convolutions, scales and activations of earlier values, at random."""
    for seed in range(60):
        draw = np.random.default_rng(seed)

        def step(x, draw=draw, seed=seed):
            draw = np.random.default_rng(seed)
            values = [x]
            for _ in range(draw.integers(3, 12)):
                a, b = (values[draw.integers(max(0, len(values) - 3), len(values))] for _ in "ab")
                kind = draw.choice(["conv", "1x1", "deep", "affine", "add", "relu", "scale"])
                values.append(
                    conv(a) * 0.1 if kind == "conv"
                    else conv(a, "1x1") * 0.1 if kind == "1x1"
                    else conv(a, "depthwise") if kind == "deep"
                    else affine(a) if kind == "affine"
                    else F.add(a, b) if kind == "add"
                    else F.relu(a) if kind == "relu"
                    else F.mul(a, _core.tensor(SCALE))
                )  # fmt: skip
            kept = [values[i] for i in draw.choice(len(values), 2)]
            return F.tanh(values[-1]), *(F.mul(v, 1.0) for v in kept)

        x = _core.tensor(X[:2])
        plan = plans.recorded(step, [x])
        for found, wanted in zip(plan.replay([x]), step(x), strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted.numpy(), err_msg=str(seed))


def trained(eagerly):
    fastdl.utils.set_random_seed(0)
    layers = fastdl.layers
    x = inputs = layers.Input((9, 8, 3))
    for filters, strides in ((8, 1), (16, 2)):
        y = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 3, padding="same")(y)
        y = layers.BatchNormalization()(y)
        around = layers.Conv2D(filters, 1, strides)(x)
        x = layers.Activation("relu")(layers.Add()([y, around]))
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.Activation("elu")(layers.BatchNormalization()(x))
    outputs = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    model = fastdl.Model(inputs, outputs)
    model.compile("adam", "mse", run_eagerly=eagerly)
    draw = np.random.default_rng(1)
    x, y = draw.random((12, 9, 8, 3), np.float32), draw.random((12, 4), np.float32)
    losses = [float(model.train_on_batch(x[i : i + 4], y[i : i + 4])) for i in (0, 4, 8) * 2]
    return losses, [w.numpy() for w in model.weights], model


def test_training_steps_agree_with_eager_ones_to_the_bit():
    losses, weights, _ = trained(True)
    found, planned, model = trained(False)
    assert found == losses
    for a, b in zip(planned, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    (signature,) = model._runner("train").function._signatures.values()
    groups = [names for names in plans.chains(signature.plan) if len(names) > 1]
    # Activations run with the normalization, their gradients with those of convolutions.
    assert ["norm", "relu"] in groups and ["norm", "elu"] in groups
    assert ["conv_input", "relu_grad"] in groups
