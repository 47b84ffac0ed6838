"""Flat parameter buffers: the places of parameters, and the number of update calls."""

import gc

import numpy as np
import pytest

import fastdl
from fastdl import _core, nn, optim
from fastdl._engine.flat import FlatParameters
from fastdl.optimizers._gradients import Gradients


def parameters(*shapes):
    return [
        nn.Parameter(np.arange(int(np.prod(shape)), dtype="f").reshape(shape)) for shape in shapes
    ]


def addresses(tensors):
    return [t.data_ptr() for t in tensors]


def test_values_and_identity_are_kept():
    trained = parameters((2, 3), (3,), ())
    before = [p.numpy().copy() for p in trained]
    flat = FlatParameters(trained, "test")
    for parameter, value in zip(flat.parameters, before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), value)
        assert parameter.data_ptr() % 64 == 0
    assert flat.parameters[0] is trained[0]
    [run] = flat.runs()
    assert run.indices == [0, 1, 2]
    assert run.values.data_ptr() == trained[0].data_ptr()


def test_backward_writes_into_the_gradient_buffer():
    trained = parameters((2, 3), (3,))
    flat = FlatParameters(trained, "test")
    assert not flat.at_home()
    (fastdl.sum(trained[0] * trained[0]) + fastdl.sum(trained[1] * 3.0)).backward()
    assert flat.at_home()
    assert trained[0].grad is flat.homes[0]
    [run] = flat.runs()
    gradients = run.gradients.numpy()
    np.testing.assert_array_equal(gradients[:6], 2 * np.arange(6))
    np.testing.assert_array_equal(gradients[16:], 3)
    np.testing.assert_array_equal(gradients[6:16], 0)  # padding up to the next cache line


def test_gradients_of_products_are_written_where_they_belong():
    """Products write them in place, unless they read that memory or another gradient came first."""
    rng = np.random.default_rng(0)
    x, value = (fastdl.tensor(rng.random((5, 5), np.float32)) for _ in range(2))
    losses = [
        lambda w, held: x @ w,
        lambda w, held: w @ w,
        lambda w, held: (x @ w) @ w + _core.linear(x, w, None, True, "relu"),
        lambda w, held: _core.matmul(held, w, True, True),
        lambda w, held: fastdl.stack([x, x]) @ w,
        lambda w, held: w[0] @ w[1],
    ]
    for loss in losses:
        got = []
        for optimized in (False, True):
            w = nn.Parameter(value.clone())
            homes = FlatParameters([w], "test").homes if optimized else [None]
            (w * w).sum().backward()
            held, w.grad = w.grad, None  # the gradient's memory is an operand
            loss(w, held).sum().backward()
            got.append(w.grad.numpy().copy())
            assert not optimized or w.grad is homes[0]
            w.grad = None
            y = loss(w, x).sum()
            [gradient] = _core.grad([y], [None], [w], True, False)
            sink = Gradients([w], False)
            _core.grad_into(sink, [y], [None], [w])
            [at_home] = sink.found
            assert at_home is homes[0] if optimized else at_home.data_ptr() != w.data_ptr()
            assert w.grad is None
            assert fastdl.equal(gradient, at_home)
            got.append(at_home.numpy().copy())
        assert np.array_equal(got[0], got[2]) and np.array_equal(got[1], got[3])


def test_gradient_from_before_is_kept():
    [w] = parameters((3,))
    fastdl.sum(w * 2.0).backward()
    flat = FlatParameters([w], "test")
    assert flat.at_home()
    np.testing.assert_array_equal(w.grad.numpy(), 2)


def test_runs_end_where_something_is_left_out_or_differs():
    flat = FlatParameters(parameters((2,), (2,), (2,), (2,)), "test")
    flat.add_state(1.5)
    runs = flat.runs([True, False, True, True])
    assert [run.indices for run in runs] == [[0], [2, 3]]
    assert [run.values.shape for run in runs] == [(2,), (18,)]
    assert [run.states[0].shape for run in runs] == [(2,), (18,)]
    runs = flat.runs(key=lambda i: i < 2)
    assert [(run.key, run.indices) for run in runs] == [(True, [0, 1]), (False, [2, 3])]


def test_second_optimizer_leaves_parameters_where_they_are():
    a, b, c = parameters((2,), (3,), (4,))
    first = FlatParameters([a, b, c], "first")
    before = addresses([a, b, c])
    second = FlatParameters([c, b], "second")
    assert addresses([a, b, c]) == before
    assert [run.indices for run in second.runs()] == [[1, 0]]  # in memory order
    [extra] = parameters((5,))
    third = FlatParameters([extra, a, c], "third")
    assert addresses([a, b, c]) == before
    assert [run.indices for run in third.runs()] == [[0], [1], [2]]
    assert second.homes[0] is first.homes[2] is third.homes[2]


def test_parameters_stay_after_their_optimizer_is_gone():
    trained = parameters((2,), (3,))
    FlatParameters(trained, "first")
    before = addresses(trained)
    gc.collect()
    FlatParameters(trained, "second")
    assert addresses(trained) == before


def test_state_views_have_the_parameters_shapes():
    flat = FlatParameters(parameters((2, 3), (3,)), "test")
    state = flat.add_state(0.5)
    view = flat.state_of(state, 1)
    assert view.shape == (3,)
    view.fill_(2.0)
    np.testing.assert_array_equal(state.numpy()[16:19], 2)
    np.testing.assert_array_equal(state.numpy()[:6], 0.5)


@pytest.mark.parametrize("after", [False, True])
def test_parameter_that_was_given_new_memory_trains_on(after):
    [w] = parameters((3,))
    optimizer = optim.SGD([w], lr=1.0)
    if after:
        fastdl.sum(w).backward()
    w.data = fastdl.tensor([5.0, 6.0, 7.0])
    if not after:
        fastdl.sum(w).backward()
    optimizer.step()
    assert w.tolist() == [4.0, 5.0, 6.0]
    optimizer.zero_grad()
    fastdl.sum(w).backward()
    assert optimizer._engines[0].flat.at_home()
    optimizer.step()
    assert w.tolist() == [3.0, 4.0, 5.0]


def test_gradients_that_are_kept_keep_their_values():
    """Programs for PyTorch keep the gradients of two losses at the same time."""
    w, b = parameters((2,), (3,))
    one, other = optim.SGD([w, b], lr=1.0), optim.SGD([b], lr=1.0)
    kept = []
    for factor in (1.0, 2.0, 3.0):
        one.zero_grad()
        (fastdl.sum(w * factor) + fastdl.sum(b * factor)).backward()
        kept.append([w.grad, b.grad])
    assert [[g.tolist()[0] for g in pair] for pair in kept] == [[1, 1], [2, 2], [3, 3]]
    del kept
    before = b.detach().numpy().copy()
    other.step()
    np.testing.assert_array_equal(b.detach().numpy(), before - 3)
    one.zero_grad()
    (fastdl.sum(w) + fastdl.sum(b)).backward()
    one.step()
    np.testing.assert_array_equal(b.detach().numpy(), before - 4)
    assert one._engines[0].flat.at_home()


def test_nothing_is_copied_while_no_gradient_is_kept():
    [w] = parameters((2,))
    optimizer = optim.SGD([w], lr=1.0)
    home = optimizer._engines[0].flat.homes[0].data_ptr()
    layout = _core.layout_version()
    for _ in range(3):
        optimizer.zero_grad()
        fastdl.sum(w).backward()
        optimizer.step()
    assert optimizer._engines[0].flat.homes[0].data_ptr() == w.grad.data_ptr() == home
    assert _core.layout_version() == layout


def test_two_optimizers_of_one_model_train_on():
    """Two optimizers have one half of the model each, as for a GAN; a third has all of it."""
    x = fastdl.ones(4, 3)
    front, back = nn.Linear(3, 2), nn.Linear(2, 1)
    whole = optim.SGD([*front.parameters(), *back.parameters()], lr=0.1)
    one, two = optim.SGD(front.parameters(), lr=0.1), optim.SGD(back.parameters(), lr=0.1)
    for optimizer, changes in ((one, front), (two, back), (whole, front)):
        before = [p.numpy().copy() for p in changes.parameters()]
        optimizer.zero_grad()
        (back(front(x)) ** 2).sum().backward()
        optimizer.step()
        for parameter, value in zip(changes.parameters(), before, strict=True):
            expected = value - np.float32(0.1) * parameter.grad.numpy()
            np.testing.assert_allclose(parameter.numpy(), expected, rtol=2e-7, atol=2e-7)


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_empty_parameters(shape):
    empty, full = nn.Parameter(np.zeros(shape, "f")), nn.Parameter(np.ones(2, "f"))
    optimizer = optim.Adam([empty, full], lr=0.1)
    (full.sum() + empty.sum()).backward()
    optimizer.step()
    np.testing.assert_allclose(full.numpy(), 0.9, rtol=1e-6)


# --- parameter.data = tensor after the optimizer was made: both share memory, as in PyTorch


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("when", ["after a step", "before step", "before the optimizer"])
def test_a_tensor_that_became_the_data_is_the_parameter(kind, when):
    p, q = nn.Parameter(fastdl.ones(3)), nn.Parameter(fastdl.ones(2))
    t = fastdl.zeros(3)
    if when == "before the optimizer":
        p.data = t
    optimizer = kind([p, q], lr=1.0)

    def backward():
        optimizer.zero_grad()
        (p.sum() + q.sum()).backward()

    backward()
    if when == "before step":
        p.data = t
    optimizer.step()
    if when == "after a step":
        p.data = t
    for value in (7.0, -3.0):
        t.fill_(value)
        assert p.tolist() == [value] * 3
        backward()
        optimizer.step()  # a step of 1 along the constant gradient; Adam's step rounds a few times
        np.testing.assert_allclose(t.numpy(), value - 1, rtol=1e-6)
        assert p.tolist() == t.tolist()
    np.testing.assert_allclose(q.numpy(), 1 - 3, rtol=1e-6)


def test_parameters_tied_by_their_data_have_their_own_gradients_and_come_apart():
    p, q, r = (nn.Parameter(fastdl.ones(3)) for _ in range(3))
    optimizer = optim.SGD([p, q, r], lr=0.5)

    def step():
        optimizer.zero_grad()
        (p.sum() + (q * 2).sum() + r.sum()).backward()
        assert p.grad.tolist() == [1.0] * 3 and q.grad.tolist() == [2.0] * 3
        optimizer.step()

    step()
    t = fastdl.zeros(3)
    p.data = t
    q.data = t
    step()
    assert p.tolist() == q.tolist() == t.tolist() == [-1.5] * 3
    p.data = fastdl.ones(3)
    step()
    assert p.tolist() == [0.5] * 3 and q.tolist() == t.tolist() == [-2.5] * 3
    assert r.tolist() == [-0.5] * 3


def test_fit_trains_the_tensor_that_became_the_data():
    model = fastdl.Sequential([fastdl.layers.Input((3,)), fastdl.layers.Dense(2, use_bias=False)])
    model.compile(fastdl.optimizers.SGD(0.1), "mse")
    x, y = np.ones((8, 3), "float32"), np.zeros((8, 2), "float32")
    model.fit(x, y, verbose=0)
    kernel, t = model.layers[0].kernel, fastdl.full((3, 2), 1.0)
    kernel.data = t
    for value in (1.0, 2.0):
        t.fill_(value)
        np.testing.assert_array_equal(model.predict(x[:1], verbose=0), 3 * value)
        model.train_on_batch(x, y)
        # The loss is the mean of (w1 + w2 + w3)^2 over two outputs; each gradient is 3 w.
        np.testing.assert_allclose(t.numpy(), value - 0.1 * 3 * value, atol=1e-6)
        assert kernel.tolist() == t.tolist()
