"""Parts of concatenations, splits and slices in tails (csrc/plan/columns.h).

A part is copied to or from its columns while its rows are in the cache. A plan gives the bits of
the eager step and needs no more memory.
"""

import numpy as np
import plans
import pytest

import fastdl
from fastdl import _core, layers, nn
from fastdl._base import functional as F

CHANNELS = 13
X = plans.random(3, 11, 9, CHANNELS)


def weight(taps, inputs, outputs, seed=1):
    return _core.tensor(plans.random(taps, taps, inputs, outputs, seed=seed) / (taps * inputs**0.5))


def conv(x, filters=7, taps=3, seed=1):
    pads = [taps // 2] * 2
    return F.conv(x, weight(taps, x.shape[-1], filters, seed), low=pads, high=pads)


def join(*parts):
    return F.concat(list(parts), axis=-1)


def affine(x):
    mean, scale, offset = (_core.tensor(plans.random(x.shape[-1], seed=i)) for i in range(3))
    return F.frozen_batch_norm(x, mean, F.square(scale) + 0.5, scale=scale, offset=offset)


def enlarged(x, filters=5):
    """The transposed convolution of a U-Net, to an odd size."""
    sizes = [2 * n - 1 for n in x.shape[1:3]]
    y = F.conv_input(
        x, weight(3, filters, x.shape[-1]), sizes=sizes, strides=[2, 2], low=[1, 1], high=[1, 1]
    )
    return y + _core.tensor(plans.random(filters))


def pool(x):
    return F.max_pool(x, window=[3, 3], strides=[1, 1], low=[1, 1], high=[1, 1])


def ones_along(x):
    return F.mul(x, 0.0) + 1.0


def halves(y):
    a, b = F.split(y, sizes=[3, y.shape[-1] - 3], axis=-1)
    return F.relu(a), F.tanh(b)


def joined_twice(x):
    y = F.relu(conv(x))
    return F.square(join(y, x)), F.neg(join(x, y, y))


def dense(x, count=3):
    for i in range(count):
        x = join(x, conv(F.relu(affine(x)), 4 + i, seed=i))
    return F.relu(affine(x))


def dense_list(x):
    parts = [x]
    for i in range(3):
        parts.append(conv(F.relu(join(*parts)), 3, seed=i))
    return join(*parts)


def u_net(x):
    top = F.relu(affine(conv(x)))
    low = F.relu(conv(F.max_pool(top, window=[2, 2], strides=[2, 2], high=[1, 1]), 12))
    return F.relu(conv(join(top, enlarged(low)), 3))


def branches(x, order=(0, 1, 2, 3)):
    parts = [F.relu(conv(x, 3, 1)), F.relu(conv(conv(x, 4, 1), 5)), affine(conv(x, 1)), pool(x)]
    return F.tanh(join(*(parts[i] for i in order)))


def shuffled(x):
    a, b = F.split(F.relu(conv(x, 8)), sizes=[3, 5], axis=-1)
    return F.relu(join(b, a))


def in_bfloat16(x):
    x = join(x, x)
    y = F.relu(F.conv(x, weight(3, 26, 35), low=[1, 1], high=[1, 1], precision="bfloat16"))
    g = F.conv_input(
        y, weight(3, 30, 35), sizes=[11, 9], low=[1, 1], high=[1, 1], precision="bfloat16"
    )
    a, b = F.split(F.relu(g), sizes=[13, 17], axis=-1)
    return F.tanh(join(b, y)), F.relu(a)


def no_rows(x):
    y = conv(x)
    return F.concat([y[:0], y], axis=0), join(y[:, :, :, :0], y)


def integers(x):
    return join(F.cast(conv(x) * 9, dtype="int32"), F.cast(x, dtype="int32"))


def halves_of_numbers(x):
    return join(F.cast(conv(x), dtype="float16"), F.cast(x, dtype="float16"))


def depthwise(x):
    y = F.conv(x, weight(3, 1, CHANNELS), low=[1, 1], high=[1, 1], groups=CHANNELS)
    return join(y, x)


def in_one_twice(x):
    y = conv(x)
    return F.relu(join(y, x, y))


def read_by_others(x):
    y = F.relu(conv(x))
    return join(x, y), F.sum(y)


def one_row(x):
    return join(conv(x[:1, :1, :1]), x[:1, :1, :1]) * 2.0


def split_and_read(x):
    y = conv(x)
    return *halves(y), F.exp(y)


def an_unread_piece(x):
    return F.split(conv(x), sizes=[2, 1, 4], axis=-1)[1] * 2.0


def slices(x):
    y = conv(x)
    return F.relu(y[..., :3]), y[..., 2:6] * 3.0, y[..., -1:]


def split_twice(x):
    halves = F.split(conv(x), sizes=[4, 3], axis=-1)
    return [F.relu(b) for a in halves for b in F.split(a, sizes=[1, a.shape[-1] - 1], axis=3)]


# The calls of the tails that each step has; None: as it comes.
STEPS = {
    "a part": (lambda x: join(x, conv(x)) * 2.0, ["conv copy mul"]),
    "of several calls": (
        lambda x: F.tanh(join(F.relu(affine(conv(x))), x)),
        ["conv channel_affine relu copy tanh"],
    ),
    "of one channel": (
        lambda x: F.relu(join(conv(x, 1), x, conv(x, 1))),
        ["conv copy", "conv copy relu"],
    ),
    "in one twice": (in_one_twice, ["conv copy copy relu"]),
    "in two": (joined_twice, ["conv relu copy square"]),
    "read by others": (read_by_others, ["conv relu copy"]),
    "of a normalization": (
        lambda x: join(F.relu(F.batch_norm(x)[0]), x),
        ["norm relu copy"],
    ),
    "enlarged": (
        lambda x: F.relu(join(enlarged(x), enlarged(conv(x)))),
        ["conv_input add copy", "conv_input add copy relu"],
    ),
    "depthwise": (depthwise, ["conv copy"]),
    "integers": (integers, ["conv mul cast copy"]),
    "truth values": (lambda x: join(conv(x) > 0, x > 0), ["conv gt copy"]),
    "halves of numbers": (halves_of_numbers, ["conv cast copy"]),
    "one row": (one_row, ["conv copy mul"]),
    "all of it": (lambda x: F.relu(join(conv(x))), ["conv copy relu"]),
    "alone": (lambda x: join(conv(x), F.relu(conv(x))), ["conv copy", "conv relu copy"]),
    "U-Net": (
        u_net,
        ["conv channel_affine relu copy", "conv relu", "conv_input add copy", "conv relu"],
    ),
    "DenseNet": (dense, None),
    "DenseNet of lists": (dense_list, None),
    "branches": (
        branches,
        ["conv relu copy", "conv relu copy", "conv channel_affine copy tanh"],
    ),
    "branches in reverse": (
        lambda x: branches(x, (3, 2, 1, 0)),
        ["conv relu copy", "conv relu copy", "conv channel_affine copy tanh"],
    ),
    "parts of several kinds": (
        lambda x: join(pool(x), conv(x), ones_along(x), x, F.tanh(conv(x, 2))),
        ["conv copy", "conv tanh copy"],
    ),
    "many parts": (
        lambda x: join(*(F.relu(conv(x, 1 + i % 3, 1, i)) for i in range(20))),
        ["conv relu copy"] * 20,
    ),
    "split": (lambda x: halves(conv(x)), ["conv copy copy relu tanh"]),
    "split and read": (split_and_read, ["conv copy copy relu tanh exp"]),
    "an unread piece": (an_unread_piece, ["conv copy mul"]),
    "split twice": (split_twice, None),
    "slices": (slices, ["conv copy relu copy mul copy"]),
    "shuffled": (shuffled, ["conv relu copy copy copy copy relu"]),
    "in bfloat16": (in_bfloat16, None),
    "without rows": (no_rows, ["conv copy"]),
}


def outputs(value):
    return [value] if isinstance(value, fastdl.Tensor) else list(value)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = fastdl.get_num_threads()
    fastdl.set_num_threads(request.param)
    yield request.param
    fastdl.set_num_threads(before)


@pytest.mark.parametrize("name", STEPS)
def test_plans_agree_with_eager_steps_to_the_bit(name, threads):
    step, tails = STEPS[name]
    plan = plans.recorded(step, [_core.tensor(X)])
    if tails is not None:
        assert [" ".join(group) for group in plans.chains(plan) if len(group) > 1] == tails
    for seed in range(3):
        x = _core.tensor(plans.random(*X.shape, seed=seed))
        wanted = [t.numpy().copy() for t in outputs(step(x))]
        for found, expected in zip(plan.replay([x]), wanted, strict=True):
            np.testing.assert_array_equal(found.numpy(), expected)


def names(plan):
    return [name for group in plans.chains(plan) for name in group]


def test_concatenations_and_splits_that_gain_nothing_stay_whole():
    def step(x):
        a, b = F.split(F.tanh(x), sizes=[3, CHANNELS - 3], axis=-1)
        c, d = F.split(conv(x), sizes=[4, 7], axis=1)
        return join(pool(x), b, a), F.concat([d, c], axis=1), conv(x)[..., ::2]

    plan = plans.recorded(step, [_core.tensor(X)])
    assert "copy" not in names(plan)
    assert names(plan).count("concat") == names(plan).count("split") == 2


def test_the_listing_has_the_calls_of_the_step():
    plan = plans.recorded(u_net, [_core.tensor(X)])
    listed = [name for name, *_ in plan.listing]
    assert "concat" in listed
    assert "copy" not in listed
    assert "concat" not in names(plan)
    assert "float32(3, 11, 9, 7) in rows of 12" in str(plan)


def test_parts_take_no_memory_of_their_own():
    """Without the joined array, which is the output, nothing remains but the terms of the scale."""

    def step(x):
        return join(F.relu(affine(conv(x, 40))), F.tanh(conv(x, 30)))

    plan = plans.recorded(step, [_core.tensor(X)])
    assert plan.arena_bytes < 4096


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_stack_takes_as_much_memory_as_two_of_its_arrays(count):
    """A joined array is in use while its parts are made, so here nothing is placed."""
    x = _core.tensor(plans.random(4, 16, 16, 24))
    plan = plans.recorded(lambda x: F.sum(dense(x, count)), [x])
    last = 24 + sum(4 + i for i in range(count))
    assert plan.arena_bytes < 2.3 * x.numpy().nbytes / 24 * last


def test_random_steps(threads):
    """Convolutions, activations, concatenations and splits of earlier values, at random."""
    for seed in range(40):

        def step(x, seed=seed):
            draw = np.random.default_rng(seed)
            values = [x]

            def one():
                return values[draw.integers(max(0, len(values) - 4), len(values))]

            for _ in range(draw.integers(4, 14)):
                kind = draw.choice(
                    ["conv", "conv", "join", "join", "split", "affine", "relu", "sum", "slice"]
                )
                v = one()
                if kind == "conv":
                    values.append(conv(v, int(draw.integers(1, 9)), int(draw.choice([1, 3])), seed))
                elif kind == "join":
                    values.append(join(v, *(one() for _ in range(draw.integers(0, 4)))))
                elif kind == "split" and v.shape[-1] > 1:
                    at = int(draw.integers(1, v.shape[-1]))
                    values += F.split(v, sizes=[at, v.shape[-1] - at], axis=-1)
                elif kind == "slice":
                    values.append(v[..., int(draw.integers(0, v.shape[-1])) :])
                elif kind == "sum":
                    values.append(F.add(v, F.tanh(v)))
                else:
                    values.append(affine(v) if kind == "affine" else F.relu(v))
            return F.tanh(values[-1]), *(F.mul(one(), 1.0) for _ in "ab")

        x = _core.tensor(X)
        plan = plans.recorded(step, [x])
        for found, wanted in zip(plan.replay([x]), step(x), strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted.numpy(), err_msg=str(seed))


def small_u_net():
    def double(x, filters):
        for _ in "ab":
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.Activation("relu")(layers.BatchNormalization()(x))
        return x

    x = inputs = layers.Input((8, 12, 3))
    kept = []
    for filters in (5, 9):
        x = double(x, filters)
        kept.append(x)
        x = layers.MaxPooling2D()(x)
    x = double(x, 7)
    for filters in (9, 1):
        x = layers.Conv2DTranspose(filters, 2, 2)(x)
        x = double(layers.Concatenate()([kept.pop(), x]), filters + 4)
    return fastdl.Model(inputs, layers.Conv2D(2, 1)(x))


def small_dense_net():
    x = inputs = layers.Input((6, 7, 3))
    for i in range(4):
        y = layers.Activation("relu")(layers.BatchNormalization()(x))
        y = layers.Conv2D(2 + i, 3, padding="same", use_bias=False)(y)
        x = layers.Concatenate()([x, y])
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return fastdl.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def squeezed():
    """The gradients of the joined activations go on from the pieces of a split."""
    x = inputs = layers.Input((6, 7, 3))
    for filters in (3, 5):
        x = layers.Conv2D(4, 1, activation="elu")(x)
        wide, narrow = layers.Conv2D(filters, 3, padding="same"), layers.Conv2D(filters, 1)
        x = layers.Concatenate()(
            [layers.Activation("relu")(wide(x)), layers.Activation("tanh")(narrow(x))]
        )
    return fastdl.Model(inputs, layers.Conv2D(2, 1)(x))


def trained(make, eagerly):
    fastdl.utils.set_random_seed(0)
    model = make()
    model.compile("adam", "mse", run_eagerly=eagerly)
    draw = np.random.default_rng(1)
    x = draw.random((12, *model.input_shape[1:]), np.float32)
    y = draw.random((12, *model.output_shape[1:]), np.float32)
    losses = [float(model.train_on_batch(x[i : i + 4], y[i : i + 4])) for i in (0, 4, 8) * 2]
    return (
        losses,
        [w.numpy() for w in model.weights],
        model.predict(x, batch_size=4, verbose=0),
        model,
    )


@pytest.mark.parametrize("make", [small_u_net, small_dense_net, squeezed])
def test_models_agree_with_eager_ones_to_the_bit(make, threads):
    losses, weights, predicted, _ = trained(make, True)
    found, planned, predicted_by_plan, model = trained(make, False)
    assert found == losses
    for a, b in zip(planned, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(predicted_by_plan, predicted)
    (signature,) = model._runner("train").function._signatures.values()
    assert "concat" not in names(signature.plan)
    tails = plans.chains(signature.plan)
    if make is small_u_net:
        assert "split" not in names(signature.plan)
        assert tails.count(["norm", "relu", "copy"]) == 2
        assert tails.count(["conv_input", "add", "copy"]) == 2
        assert tails.count(["conv_input", "copy", "copy"]) == 2
    elif make is small_dense_net:
        assert tails.count(["conv", "copy"]) == 4
        # The last has no sum, and nothing reads the gradient of the image.
        assert [t[1:] for t in tails if t[0] == "norm_grad" and len(t) > 1] == [
            ["copy", "copy"], ["add", "copy", "copy"], ["add", "copy", "copy"], ["add", "copy"]
        ]  # fmt: skip
    else:
        assert tails.count(["conv_input", "copy", "copy", "tanh_grad", "relu_grad"]) == 2


def test_channels_of_the_pytorch_face_are_joined_alike():
    fastdl.manual_seed(0)
    wide, narrow = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(3, 1, 1)
    x = fastdl.tensor(plans.random(2, 3, 7, 5))

    def step(x):
        with fastdl.no_grad():
            a, b = fastdl.relu(wide(x)), narrow(x)
            left, right = fastdl.split(wide(fastdl.cat([x, a, b], 1)[:, 3:6]), [2, 4], 1)
            return fastdl.tanh(left).contiguous(), fastdl.relu(right).contiguous()

    plan = plans.recorded(step, [x])
    assert {"concat", "split"}.isdisjoint(names(plan))
    for found, wanted in zip(plan.replay([x]), step(x), strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
