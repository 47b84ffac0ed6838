"""Parts of tensors that are views in PyTorch: a write into one of them reaches the tensor.

The expected values are NumPy's, whose basic indexing gives views, and PyTorch's formulas for
gradients: a change in place of a view is a function of the tensor.
"""

import gc
import weakref

import numpy as np
import pytest

import fastdl
from fastdl import layers, nn, optim

SHAPE = (3, 4, 2)

# Name, the part of a tensor, and the same part of an array.
PARTS = {
    "row": (lambda t: t[1], lambda a: a[1]),
    "last row": (lambda t: t[-1], lambda a: a[-1]),
    "row by NumPy's integer": (lambda t: t[np.int64(-2)], lambda a: a[1]),
    "row by a tensor": (lambda t: t[fastdl.tensor(1)], lambda a: a[1]),
    "row by an array": (lambda t: t[np.array(1)], lambda a: a[1]),
    "place in a tuple": (lambda t: t[np.int32(1), ..., -1], lambda a: a[1, ..., -1]),
    "column": (lambda t: t[:, 1], lambda a: a[:, 1]),
    "steps": (lambda t: t[::2, 1:4:2], lambda a: a[::2, 1:4:2]),
    "new axis": (lambda t: t[:, None, 0], lambda a: a[:, None, 0]),
    "dots": (lambda t: t[..., 1], lambda a: a[..., 1]),
    "nothing": (lambda t: t[1:1], lambda a: a[1:1]),
    "everything": (lambda t: t[:], lambda a: a[:]),
    "row of rows": (lambda t: t[1][2], lambda a: a[1][2]),
    "element": (lambda t: t[1][2][0], lambda a: a[1, 2, 0:1].reshape(())),
    "reshaped part": (lambda t: t[1].view(-1), lambda a: a[1].reshape(-1)),
    "part of reshaped": (lambda t: t.view(-1)[3:7], lambda a: a.reshape(-1)[3:7]),
    "detached": (lambda t: t[1].detach(), lambda a: a[1]),
    "transpose": (lambda t: t.transpose(0, 2), lambda a: a.transpose(2, 1, 0)),
    "part of transpose": (lambda t: t.transpose(0, 1)[1], lambda a: a.transpose(1, 0, 2)[1]),
    "permute": (lambda t: t.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "movedim": (lambda t: t.movedim(0, -1), lambda a: np.moveaxis(a, 0, -1)),
    "swapaxes": (lambda t: t.swapaxes(0, 1), lambda a: a.swapaxes(0, 1)),
    "mT": (lambda t: t.mT, lambda a: a.swapaxes(1, 2)),
    "split": (lambda t: t.split(3, dim=1)[1], lambda a: a[:, 3:]),
    "chunk": (lambda t: t.chunk(2, dim=1)[0], lambda a: a[:, :2]),
    "unbind": (lambda t: t.unbind(1)[2], lambda a: a[:, 2]),
    "narrow": (lambda t: t.narrow(1, 1, 2), lambda a: a[:, 1:3]),
    "select": (lambda t: t.select(1, 2), lambda a: a[:, 2]),
    "tensor_split": (lambda t: t.tensor_split(3, dim=1)[1], lambda a: a[:, 2:3]),
    "falling places": (lambda t: t.tensor_split([3, 1], dim=1)[2], lambda a: a[:, 1:]),
    "rising places": (lambda t: t.tensor_split([1, 3], dim=1)[1], lambda a: a[:, 1:3]),
    "split_with_sizes": (lambda t: t.split_with_sizes([1, 3], 1)[1], lambda a: a[:, 1:]),
    "expanded by nothing": (lambda t: t.expand(1, 3, 4, 2), lambda a: a[None]),
    "T": (lambda t: t[0].T, lambda a: a[0].T),
    "hsplit": (lambda t: t.hsplit(2)[1], lambda a: a[:, 2:]),
    "diagonal": (lambda t: t.diagonal(0, 0, 1), lambda a: a[range(3), range(3)].T),
    "squeezed": (lambda t: t[:1].squeeze(0), lambda a: a[0]),
}
WRITABLE = [name for name in PARTS if name != "diagonal"]  # NumPy's diagonal of 3 axes is read-only


def values(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("name", WRITABLE)
def test_a_write_reaches_the_tensor(name):
    """Every kind of write, in place or by an operator, into every kind of part."""
    of_tensor, of_array = PARTS[name]
    writes = [
        (lambda p: p.fill_(7.0), lambda p: p.fill(7.0)),
        (lambda p: p.mul_(2.0), lambda p: np.multiply(p, 2, out=p)),
        (lambda p: p.copy_(p + 1), lambda p: np.add(p, 1, out=p)),
        (lambda p: p.zero_(), lambda p: p.fill(0.0)),
        (lambda p: p.__setitem__(..., 4.0), lambda p: p.__setitem__(..., 4.0)),
        (lambda p: p.__iadd__(3.0), lambda p: p.__iadd__(3.0)),
        (lambda p: p.__itruediv__(4.0), lambda p: p.__itruediv__(4.0)),
        (lambda p: p.clamp_(max=0.5), lambda p: np.minimum(p, 0.5, out=p)),
    ]
    for write, expected in writes:
        a = values()
        t = fastdl.tensor(a.copy())
        write(of_tensor(t))
        expected(of_array(a))
        np.testing.assert_array_equal(t.numpy(), a)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_shows_later_writes_into_the_tensor(name):
    of_tensor, of_array = PARTS[name]
    a = values()
    t = fastdl.tensor(a.copy())
    part, other = of_tensor(t), of_tensor(t)
    t.mul_(2.0)
    np.testing.assert_array_equal((part + 0).numpy(), of_array(2 * a))
    t[...] = 3.0
    np.testing.assert_array_equal(part.numpy(), of_array(np.full_like(a, 3)))
    assert part.tolist() == other.tolist() == of_array(np.full_like(a, 3)).tolist()


@pytest.mark.parametrize("name", [name for name in PARTS if name != "detached"])
def test_gradients_of_a_change_in_place(name):
    """sum(c * f(2x)) where f multiplies the part by w and adds 1: known by hand."""
    of_tensor, of_array = PARTS[name]
    a, c = values(), values(seed=1)
    x = fastdl.tensor(a.copy(), requires_grad=True)
    w = fastdl.tensor(3.0, requires_grad=True)
    h = 2 * x
    part = of_tensor(h)
    part.mul_(w)
    part.add_(1)
    (h * fastdl.tensor(c)).sum().backward()
    inside = of_array(np.arange(a.size).reshape(SHAPE)).ravel()
    dx = 2 * c.ravel().astype("float64")
    dx[inside] *= 3
    dw = (2 * a.ravel().astype("float64") * c.ravel())[inside].sum()
    # c and 2a are rounded products of float32 numbers: a few roundings for each element.
    np.testing.assert_allclose(x.grad.numpy().ravel(), dx, rtol=1e-6)
    np.testing.assert_allclose(w.grad.item(), dw, rtol=1e-5, atol=1e-5)
    expected = 2 * a.ravel()
    expected[inside] = expected[inside] * 3 + 1
    np.testing.assert_allclose(h.detach().numpy().ravel(), expected, rtol=1e-6)


def test_operators_in_the_graph_reach_the_tensor():
    """h = 2x; h[0] += 3; h[1] *= h[0], by names of the rows."""
    x = fastdl.tensor([1.0, 2.0], requires_grad=True)
    h = 2 * x
    first, second = h[0], h[1]
    first += 3
    second *= first.detach()
    h.sum().backward()
    assert h.tolist() == [5, 20]
    assert x.grad.tolist() == [2, 10]


def test_a_diagonal_is_written_through():
    t = fastdl.zeros(3, 3)
    t.diagonal().fill_(2.0)
    t.diagonal(1).copy_(fastdl.tensor([1.0, 5.0]))
    assert t.tolist() == [[2, 1, 0], [0, 2, 5], [0, 0, 2]]


def test_rows_in_loops_and_names():
    t = fastdl.zeros(2, 3)
    for i, row in enumerate(t):
        row.fill_(i + 1.0)
    first = t[0]
    first += 1
    t[1, 1] += 5
    t[:, 2] *= 2
    t.t()[0, 0] = 9
    assert t.tolist() == [[9, 2, 4], [2, 7, 4]]
    cube = fastdl.zeros(2, 2, 2)
    cube[1][0][1] = 4
    assert cube.tolist() == [[[0, 0], [0, 0]], [[0, 4], [0, 0]]]


def test_several_parts_of_one_tensor_agree():
    t = fastdl.arange(6.0).view(2, 3)
    row, column, all_of_it = t[0], t[:, 0], t[:]
    row.mul_(10)
    assert column.tolist() == [0, 3]
    column.fill_(-1)
    assert row.tolist() == [-1, 10, 20]
    assert all_of_it.tolist() == t.tolist() == [[-1, 10, 20], [-1, 4, 5]]


@pytest.mark.parametrize(
    "part",
    [
        lambda t: t[:1].expand(4, 3),
        lambda t: fastdl.broadcast_to(t[0], (5, 3)),
        lambda t: t[0].unfold(0, 2, 1),
    ],
)
def test_repeated_elements_are_not_written(part):
    t = fastdl.zeros(2, 3)
    with pytest.raises(RuntimeError, match="several elements"):
        part(t).fill_(1.0)
    assert t.tolist() == [[0, 0, 0], [0, 0, 0]]
    t.fill_(2.0)
    assert part(t).tolist()[0][0] == 2


def test_a_part_of_a_leaf():
    """As of the leaf itself: only where no gradients are recorded."""
    w = fastdl.ones(2, 2, requires_grad=True)
    for write in (lambda p: p.fill_(3), lambda p: p.add_(1), lambda p: p.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match="leaf that requires a gradient"):
            write(w[0])
    assert w.tolist() == [[1, 1], [1, 1]]
    with fastdl.no_grad():
        w[0].fill_(3)
    w.data[1].zero_()
    assert w.tolist() == [[3, 3], [0, 0]]
    table = nn.Embedding(3, 2)
    with fastdl.no_grad():
        table.weight[1].fill_(0)
    assert table.weight[1].tolist() == [0, 0]


def test_a_read_only_array_is_not_written():
    a = np.zeros((2, 2), np.float32)
    a.flags.writeable = False
    t = fastdl.from_numpy(a)
    with pytest.raises(ValueError, match="read-only"):
        t[0].fill_(1.0)
    assert a.tolist() == [[0, 0], [0, 0]]
    b = np.zeros((2, 2), np.float32)
    fastdl.from_numpy(b)[0].fill_(1.0)
    assert b.tolist() == [[1, 1], [0, 0]]


def test_parts_read_before_a_change_have_the_new_place_in_the_graph():
    """A part taken before the tensor was changed in place: the gradient goes through the change."""
    x = fastdl.ones(2, 2, requires_grad=True)
    h = 2 * x
    part, flat = h[0], h.view(-1)
    h.mul_(5)
    (part.sum() + flat.sum()).backward()
    assert x.grad.tolist() == [[20, 20], [10, 10]]

    x.grad = None
    h = 2 * x
    flat = h.view(-1)
    flat[1:3] = 0.0
    flat.mul_(3)
    h.sum().backward()
    assert x.grad.tolist() == [[6, 0], [0, 6]]


@pytest.mark.parametrize(
    "part",
    [
        lambda x: x.view(-1).view(3, 2)[1],
        lambda x: x.view(-1).view(3, 2).view(6)[2:4],
        lambda x: x.unsqueeze(0).unsqueeze(0)[0, 0].view(-1)[2:4],
        lambda x: x.view(3, 2).unsqueeze(1)[1],
        lambda x: x.view(-1).view(6)[2:].view(2, 2)[0],
    ],
)
def test_a_part_of_a_tensor_that_was_reshaped_twice(part):
    """What lies between the tensor and the part is gone."""
    w = fastdl.arange(6.0).requires_grad_()
    x = (w * 1.0).reshape(2, 3)
    found = part(x)
    x.mul_(2)
    (found * found).sum().backward()
    assert w.grad.tolist() == [0, 0, 16, 24, 0, 0]  # d (2 w)^2 / dw = 8 w


@pytest.mark.parametrize("again", [lambda x: x.view(-1).view(3, 2), lambda x: x[None][None]])
def test_a_tensor_that_was_reshaped_twice_is_another_name(again):
    w = fastdl.arange(6.0).requires_grad_()
    x = (w * 1.0).reshape(2, 3)
    y = again(x)
    y += 1
    assert x.tolist() == [[1, 2, 3], [4, 5, 6]]
    x *= 2
    assert y.reshape(-1).tolist() == [2, 4, 6, 8, 10, 12]
    (x * y.reshape(2, 3)).sum().backward()
    assert w.grad.tolist() == [8 * (i + 1) for i in range(6)]  # d (2 (w + 1))^2 / dw


def diagonals(shape=(3, 4, 5)):
    axes = [(i, j) for i in range(3) for j in range(3) if i != j]
    return [(offset, *pair) for pair in axes for offset in range(-shape[pair[0]], shape[pair[1]])]


@pytest.mark.parametrize(("offset", "one", "other"), diagonals())
def test_a_diagonal_is_a_part(offset, one, other):
    """The values are NumPy's; places are found by the two indices."""
    a = values((3, 4, 5))
    w = fastdl.tensor(a, requires_grad=True)
    x = w * 1.0
    d = x.diagonal(offset, one, other)
    np.testing.assert_array_equal(d.detach().numpy(), a.diagonal(offset, one, other))
    i, j = np.meshgrid(np.arange(a.shape[one]), np.arange(a.shape[other]), indexing="ij")
    shape = [1, 1, 1]
    shape[one], shape[other] = a.shape[one], a.shape[other]
    mask = j - i == offset if one < other else (j - i == offset).T
    factor = np.where(mask.reshape(shape), 3.0, 1.0)
    d.mul_(3.0)
    np.testing.assert_allclose(x.detach().numpy(), a * factor, rtol=1e-6)
    x.add_(1.0)
    np.testing.assert_allclose(
        d.detach().numpy(), 3 * a.diagonal(offset, one, other) + 1, rtol=1e-6
    )
    x.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), np.broadcast_to(factor, a.shape), rtol=1e-6)
    strides = np.empty(a.shape, "int8").diagonal(offset, one, other).strides
    assert x.diagonal(offset, one, other).stride() == strides


def test_a_reshaped_tensor_whose_original_is_gone():
    """Nothing knows any more how the two belong together, so the older one says so."""
    x = fastdl.ones(4, requires_grad=True)
    h = 2 * x
    one, other = h.view(2, 2), h.view(4, 1)
    del h
    one.mul_(3)
    with pytest.raises(RuntimeError, match="shares its memory"):
        other.sum()
    one.sum().backward()
    assert x.grad.tolist() == [6, 6, 6, 6]


def test_a_tensor_that_comes_to_require_a_gradient():
    t = fastdl.zeros(3)
    first = t[0]
    w = fastdl.tensor(2.0, requires_grad=True)
    t[0] = 3 * w
    (first * 5).backward()
    assert w.grad.item() == 15


def test_the_gradient_of_a_call_that_read_the_part():
    """The call keeps what it read, whatever happens to the tensor."""
    x = fastdl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = 1 * x
    y[1] = y[0] ** 2
    y.mul_(2)
    y.sum().backward()
    assert x.grad.tolist() == [6, 0, 2]


def test_numpy_cannot_write_into_a_part():
    t = fastdl.zeros(2, 2)
    assert not t[0].numpy().flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        t[0].numpy()[0] = 1


def test_parts_do_not_keep_each_other_alive():
    """A loop of changes in the graph leaves nothing behind."""

    class Marked:
        pass

    found = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            w = fastdl.ones(2, requires_grad=True)
            state = fastdl.zeros(3, 2) * w
            for i in range(1, 3):
                state[i].add_(state[i - 1] * w)
            mark = Marked()
            state.register_hook(lambda g, mark=mark: None)
            found.append(weakref.ref(mark))
            del mark, state, w
    finally:
        gc.enable()
    assert [f() for f in found] == [None] * 3


def test_an_optimizer_moves_the_weights():
    """A part of the weights is taken before they move into the optimizer's memory."""
    layer = nn.Linear(2, 2)
    row = layer.weight.detach()[0]
    optim.SGD(layer.parameters(), lr=0.5)
    with fastdl.no_grad():
        layer.weight.fill_(4.0)
    shown = row.tolist()
    assert shown == [4, 4] or shown == layer.weight[0].tolist()


# --- recorded steps


def test_a_recorded_step_with_parts():
    def step(x):
        h = x * 2
        h[0].fill_(1.0)
        for row in h:
            row += 1
        h.t()[1].mul_(3)
        return h.sum()

    run = fastdl.plan(step)
    for seed in range(5):
        a = values((3, 2), seed)
        expected = 2 * a.astype("float64")
        expected[0] = 1
        expected += 1
        expected[:, 1] *= 3
        np.testing.assert_allclose(run(fastdl.tensor(a)).item(), expected.sum(), rtol=1e-5)


def test_a_recorded_step_reads_a_part_from_outside():
    """The tensor changes between replays, and the part with it."""
    table = fastdl.zeros(2, 2)
    row = table[1]
    run = fastdl.plan(lambda x: x + row)
    for i in range(6):
        table.fill_(float(i))
        assert run(fastdl.ones(2)).tolist() == [i + 1, i + 1]


def test_a_batch_that_changed_since_it_was_cut():
    data = fastdl.zeros(4, 2)
    run = fastdl.plan(lambda x: x.sum())
    parts = [data[i] for i in range(4)]
    for i, part in enumerate(parts):
        data.fill_(float(i))
        assert run(part).item() == 2 * i


def test_a_recorded_step_returns_a_part():
    weights = fastdl.ones(3, 2)

    def step(x):
        y = x * 2
        return y[0], weights[1] + y[1]

    run = fastdl.plan(step)
    for i in range(4):
        first, second = run(fastdl.full((2, 2), float(i)))
        assert first.tolist() == [2 * i, 2 * i]
        assert second.tolist() == [2 * i + 1, 2 * i + 1]
        first.fill_(9.0)  # results belong to the caller
    assert weights.tolist() == [[1, 1]] * 3


# --- Keras's tensors do not change


def test_operators_within_a_keras_layer_make_new_tensors():
    class Shortcut(layers.Layer):
        def call(self, x):
            kept, row = x, x[0]
            x += 1
            row *= 5
            return x, kept, row

    x = fastdl.ones(2, 2)
    for training in (False, True):
        new, kept, row = Shortcut()(x, training=training)
        assert new.tolist() == [[2, 2], [2, 2]]
        assert kept.tolist() == x.tolist() == [[1, 1], [1, 1]]
        assert row.tolist() == [5, 5]
    x += 1
    assert x.tolist() == [[2, 2], [2, 2]]
    assert Shortcut()(np.ones((2, 2), "float32"))[1].tolist() == [[1, 1], [1, 1]]


def test_variables_change_within_a_keras_layer():
    class Counter(layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign(self.count + 1)
            return x

    layer = Counter()
    layer(np.ones((1, 2)))
    layer(np.ones((1, 2)))
    assert float(layer.count) == 2


def test_a_part_takes_no_other_shape_in_place():
    """Its values would take other places than those that its tensor knows."""
    t = fastdl.arange(12.0).view(2, 2, 3)
    part = t[0]
    for change in (lambda: part.t_(), lambda: part.resize_(3, 4), lambda: part.transpose_(0, 1)):
        with pytest.raises(RuntimeError, match="shares"):
            change()
    part.unsqueeze_(0).fill_(1.0)
    assert t[0].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_what_is_a_copy_in_pytorch_is_one_here():
    """Strides, and so whether `contiguous` and `reshape` give views, are those of NumPy's views."""
    for name, (of_tensor, of_array) in PARTS.items():
        a = values()
        t = fastdl.tensor(a.copy())
        part, view = of_tensor(t), of_array(a)
        if not view.size or not np.shares_memory(view, a):
            continue
        steps = [step // a.itemsize for step in view.strides]
        for axis, size in enumerate(view.shape):
            assert size == 1 or part.stride(axis) == steps[axis], name
        assert part.is_contiguous() == view.flags.c_contiguous, name
        part.contiguous().fill_(7.0)
        if view.flags.c_contiguous:
            view.fill(7.0)
        np.testing.assert_array_equal(t.numpy(), a, err_msg=name)
        for shape in (
            (-1,),
            (*view.shape, 1),
            (view.size // view.shape[-1], -1) if view.ndim else (1,),
        ):
            if not part.stride() == tuple(steps):
                continue  # NumPy has other strides for axes of size 1
            part.reshape(shape).sub_(1.0)
            changed = view.reshape(shape)
            if np.shares_memory(changed, a):
                changed -= 1.0
            np.testing.assert_array_equal(t.numpy(), a, err_msg=f"{name} {shape}")


def test_a_copy_in_order_leaves_the_tensor_alone():
    x = fastdl.tensor(values((2, 3)))
    before = x.numpy().copy()
    x.t().contiguous().add_(1.0)
    x.t().unsqueeze(0).contiguous().add_(1.0)
    x.t().reshape(-1).add_(1.0)
    x.permute(1, 0).flatten().add_(1.0)
    y = x.transpose(0, 1).contiguous()
    y += 1.0
    np.testing.assert_array_equal(x.numpy(), before)
