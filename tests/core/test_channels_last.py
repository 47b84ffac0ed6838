"""Tensors whose axes are channels first and whose values lie channels-last (csrc/ops/layout.h).

Every op gives what NumPy gives of the same array, whether it works on the values as they lie or on
a copy in order.
"""

import copy
import pickle

import numpy as np
import plans
import pytest

import fastdl
from fastdl import _core, nn
from fastdl._base import functional as F

SHAPE = (2, 3, 4, 5)
rng = np.random.default_rng(0)
LAST = rng.standard_normal((2, 4, 5, 3)).astype(np.float32)
FIRST = LAST.transpose(0, 3, 1, 2)


def held():
    return F.channels_first(_core.tensor(LAST))


def plain(array):
    return _core.tensor(np.ascontiguousarray(array))


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# name: the op, the same in NumPy, and whether the result lies channels-last.
OPS = {
    "number": (lambda t: t * 2 + 1, lambda a: a * 2 + 1, True),
    "unary": (F.relu, lambda a: np.maximum(a, 0), True),
    "both held": (lambda t: t + F.exp(t), lambda a: a + np.exp(a), True),
    "with one in order": (lambda t: t - plain(FIRST**2), lambda a: a - a**2, True),
    "one in order first": (lambda t: plain(FIRST**2) - t, lambda a: a**2 - a, True),
    "a channel": (lambda t: t + plain(FIRST[:, :1]), lambda a: a + a[:, :1], True),
    "of channels": (lambda t: t * plain(FIRST[0, :, :1, :1]), lambda a: a * a[0, :, :1, :1], True),
    "of samples": (lambda t: t * plain(FIRST[:, :, :1, :1]), lambda a: a * a[:, :, :1, :1], True),
    "of places": (lambda t: t * plain(FIRST[0, 0]), lambda a: a * a[0, 0], True),
    "of an image": (lambda t: t * plain(FIRST[1]), lambda a: a * a[1], True),
    "of a row": (lambda t: t * plain(FIRST[1, 0, 0]), lambda a: a * a[1, 0, 0], True),
    "higher rank": (lambda t: t + plain(FIRST[None]), lambda a: a + a[None], False),
    "compare": (lambda t: t > 0.5, lambda a: a > 0.5, True),
    "where": (lambda t: F.where(t > 0, t, 0), lambda a: np.where(a > 0, a, 0), True),
    "cast": (lambda t: F.cast(t, dtype="int64"), lambda a: a.astype(np.int64), True),
    "sum of places": (lambda t: F.sum(t, axes=[2, 3]), lambda a: a.sum((2, 3)), False),
    "sum of channels": (lambda t: F.sum(t, axes=[1]), lambda a: a.sum(1), False),
    "sum of rows": (lambda t: F.sum(t, axes=[2]), lambda a: a.sum(2), False),
    "sum of samples": (lambda t: F.sum(t, axes=[0]), lambda a: a.sum(0), False),
    "sum": (F.sum, lambda a: a.sum(), False),
    "kept": (lambda t: F.sum(t, axes=[2], keepdims=True), lambda a: a.sum(2, keepdims=True), True),
    "max": (lambda t: F.max(t, axes=[1, 3]), lambda a: a.max((1, 3)), False),
    "var": (lambda t: F.var(t, axes=[0, 2, 3]), lambda a: a.var((0, 2, 3)), False),
    "argmax": (lambda t: F.argmax(t, axis=1), lambda a: a.argmax(1), False),
    "to last": (lambda t: t.permute(0, 2, 3, 1), lambda a: a.transpose(0, 2, 3, 1), False),
    "transpose": (lambda t: t.permute(3, 1, 0, 2), lambda a: a.transpose(3, 1, 0, 2), False),
    "channels": (lambda t: t[:, 1:], lambda a: a[:, 1:], True),
    "window": (lambda t: t[1:, :, ::2, ::-1], lambda a: a[1:, :, ::2, ::-1], True),
    "row": (lambda t: t[1], lambda a: a[1], False),
    "mask": (lambda t: t[t > 0], lambda a: a[a > 0], False),
    "take": (lambda t: F.take(t, [2, 0], axis=1), lambda a: a[:, [2, 0]], True),
    "concat": (lambda t: F.concat([t, plain(FIRST)], axis=1), lambda a: np.hstack([a, a]), True),
    "concat samples": (lambda t: F.concat([plain(FIRST), t]), lambda a: np.vstack([a, a]), True),
    "split": (lambda t: F.split(t, sizes=[1, 2], axis=1)[1], lambda a: a[:, 1:], True),
    "stack": (lambda t: F.stack([t, t], axis=1), lambda a: np.stack([a, a], 1), False),
    "pad": (
        lambda t: F.pad(t, before=[0, 1, 2, 0], after=[0, 0, 0, 3], value=7.0),
        lambda a: np.pad(a, ((0, 0), (1, 0), (2, 0), (0, 3)), constant_values=7),
        True,
    ),
    "softmax": (lambda t: F.softmax(t, axis=1), lambda a: softmax(a, 1), True),
    "last softmax": (lambda t: F.log_softmax(t, axis=-1), lambda a: np.log(softmax(a, -1)), True),
    "reshape": (lambda t: F.reshape(t, shape=(2, -1)), lambda a: a.reshape(2, -1), False),
    "cumsum": (lambda t: F.cumsum(t, axis=1), lambda a: a.cumsum(1), False),
    "matmul": (lambda t: t @ plain(FIRST[0, 0].T), lambda a: a @ a[0, 0].T, False),
    "copy": (F.copy, lambda a: a, True),
    "in order": (F.in_order, lambda a: a, False),
}  # fmt: skip


@pytest.mark.parametrize("name", OPS)
def test_ops(name):
    op, reference, stays = OPS[name]
    y, wanted = op(held()), reference(FIRST.astype(np.float64))
    assert y.shape == wanted.shape and y._channels_last == stays
    # Sums of at most 120 values and the functions' own error, a few eps.
    np.testing.assert_allclose(y.numpy(), wanted, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("name", [n for n in OPS if n not in ("compare", "cast", "argmax")])
def test_gradients_are_those_of_a_tensor_in_order(name):
    op = OPS[name][0]
    gradients = []
    for source in (_core.tensor(FIRST.copy()), _core.tensor(LAST)):
        source.requires_grad = True
        t = source if source.shape == SHAPE else F.channels_first(source)
        y = op(t)
        weight = _core.tensor(np.random.default_rng(1).standard_normal(y.shape).astype(np.float32))
        F.sum(F.mul(y, weight)).backward()
        gradients.append(source.grad.numpy())
    np.testing.assert_allclose(
        gradients[1].transpose(0, 3, 1, 2), gradients[0], rtol=3e-6, atol=3e-6
    )


@pytest.mark.parametrize("shape", [(2, 5, 1), (2, 5, 1, 1), (2, 1, 3, 4), (0, 3, 2), (2, 0, 3, 2)])
def test_orders_that_agree_share_memory(shape):
    t = F.channels_first(_core.full((shape[0], *shape[2:], shape[1]), "float32", 1.0))
    r = F.in_order(t)
    assert t.shape == r.shape == shape and r._shares_storage(t) and not r._channels_last


def test_arrays_share_memory():
    t = held()
    a = t.numpy()
    assert a.strides == (240, 4, 60, 12) and a.base is not None
    a[0, 1, 2, 3] = 7.0
    assert t[0, 1, 2, 3].item() == 7.0
    t += 1
    assert a[0, 1, 2, 3] == 8.0 and t._channels_last
    assert np.shares_memory(np.from_dlpack(t), a)
    np.testing.assert_array_equal(np.asarray(t), a)


def test_writes_in_place():
    t, a = held(), FIRST.copy()
    t[0, 1] = 5.0
    a[0, 1] = 5.0
    t[:, 2] += 1
    a[:, 2] += 1
    t *= plain(FIRST)
    a *= FIRST
    F.assign_(t, F.where(t > 1, 0.0, t))
    a[a > 1] = 0.0
    t[F.channels_first(_core.tensor(LAST)) < -1] = -9.0
    a[FIRST < -1] = -9.0
    np.testing.assert_allclose(t.numpy(), a, rtol=1e-6)
    square = F.channels_first(_core.tensor(np.arange(27.0, dtype=np.float32).reshape(3, 3, 3)))
    wanted = square.numpy().transpose(0, 2, 1).copy()
    F.assign_(square, F.transpose(square, perm=[0, 2, 1]))  # which reads the memory that it writes
    np.testing.assert_array_equal(square.numpy(), wanted)


def test_an_alias_sees_writes():
    t = held()
    alias, last = t.detach(), F.transpose(t, perm=[0, 2, 3, 1])
    t += 1
    np.testing.assert_array_equal(alias.numpy(), FIRST + 1)
    np.testing.assert_array_equal(last.numpy(), LAST + 1)


def test_copies_and_texts():
    t = held()
    for other in (copy.deepcopy(t), pickle.loads(pickle.dumps(t)), t.clone(), t.contiguous()):
        np.testing.assert_array_equal(other.numpy(), FIRST)
    assert repr(t) == repr(plain(FIRST)) and t.tolist() == FIRST.tolist()
    assert not t.is_contiguous() and t.contiguous().is_contiguous()
    assert [row.tolist() for row in t] == FIRST.tolist()
    one = F.channels_first(_core.full((1, 1, 1, 1), "int64", 3))
    assert one.item() == 3 and int(one) == 3


def test_a_parameter_is_in_order():
    """Optimizers see parameters as parts of one array."""
    p = nn.Parameter(held())
    assert not p._channels_last
    p.data = held()
    assert not p._channels_last
    np.testing.assert_array_equal(p.detach().numpy(), FIRST)
    optimizer = fastdl.optim.SGD([p], lr=0.5)
    (p * held()).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), FIRST * 0.5, rtol=1e-6)


def test_a_vector_has_no_channels():
    with pytest.raises(ValueError, match="at least 3 axes, got shape \\(2, 3\\)"):
        F.channels_last(_core.tensor([[1.0, 2.0, 3.0]] * 2))
    with pytest.raises(ValueError, match="at least 3 axes"):
        F.channels_first(_core.tensor([1.0]))


def network():
    fastdl.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.GroupNorm(2, 8),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def moved(plan):
    """The shapes that a plan transposes or copies."""
    shapes = []
    for name, inputs, outputs, _ in plan.listing:
        if name in ("transpose", "copy", "assign_", "slice", "concat"):
            shapes.append((outputs or inputs)[0][3])
    return shapes


def test_nothing_is_copied_between_layers():
    """Only the input, and kernels (which have four axes of few values), are transposed."""
    net, x = network(), plans.random(6, 3, 8, 10)

    def step(x):
        loss = (net(x) ** 2).mean()
        return fastdl.autograd.grad(loss, list(net.parameters()))

    plan = plans.recorded(step, [_core.tensor(x)])
    activations = [s for s in moved(plan) if len(s) == 4 and s[0] == 6]
    assert activations == [(6, 8, 10, 3)]


def test_recorded_steps_agree_with_eager_ones_to_the_bit():
    net, x = network(), plans.random(6, 3, 8, 10)
    net.eval()
    first = net[:6]

    def step(x):
        hidden = first(x)  # a result that lies channels-last
        loss = (net(x) ** 2).mean()
        return hidden, loss, *fastdl.autograd.grad(loss, list(net.parameters()))

    function = fastdl.plan(step)
    for seed in range(3):
        x = _core.tensor(plans.random(6, 3, 8, 10, seed=seed))
        for found, wanted in zip(function(x), step(x), strict=True):
            np.testing.assert_array_equal(found.numpy(), wanted.numpy())


def test_a_step_takes_such_tensors():
    function = fastdl.plan(lambda x: x * 2 + x.sum(1, keepdim=True))
    for _ in range(3):
        y = function(held())
        np.testing.assert_allclose(
            y.numpy(), FIRST * 2 + FIRST.sum(1, keepdims=True), rtol=1e-5, atol=1e-6
        )


def test_data_of_fit_may_lie_so():
    model = fastdl.Sequential([fastdl.layers.Flatten(), fastdl.layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.ones((2, 1), np.float32)
    losses = [model.evaluate(x, y, verbose=0) for x in (held(), FIRST.copy())]
    assert losses[0] == losses[1]
