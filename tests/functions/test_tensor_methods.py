"""The methods of Tensor and the functions of ops, compared with NumPy."""

import copy
import math
import pickle

import numpy as np
import pytest

import fastdl
from fastdl import _functions as ops
from fastdl import nn

EPS = np.finfo("float32").eps
RNG = np.random.default_rng(0)
A = RNG.uniform(0.5, 2, (3, 4)).astype("float32")
B = RNG.uniform(-2, 2, (3, 4)).astype("float32")
C = RNG.integers(-5, 5, (2, 3, 4))
M = RNG.random((3, 4)) < 0.5

# name: (call on fastdl tensors, the same in NumPy). Values are of order 1.
CASES = {
    "add": (lambda a, b: a.add(b, alpha=2), lambda a, b: a + 2 * b),
    "sub": (lambda a, b: a.sub(b, alpha=0.5), lambda a, b: a - 0.5 * b),
    "mul": (lambda a, b: a.mul(b).multiply(2), lambda a, b: a * b * 2),
    "div": (lambda a, b: b.div(a), lambda a, b: b / a),
    "div floor": (lambda a, b: ops.div(b, a, rounding_mode="floor"), lambda a, b: b // a),
    "div trunc": (lambda a, b: ops.div(b, a, rounding_mode="trunc"), lambda a, b: np.trunc(b / a)),
    "remainder": (lambda a, b: b.remainder(a), lambda a, b: b % a),
    "pow": (lambda a, b: a.pow(b), lambda a, b: a**b),
    "maximum": (lambda a, b: a.maximum(b), np.maximum),
    "max of two": (lambda a, b: a.max(b), np.maximum),
    "min of two": (lambda a, b: ops.min(a, b), np.minimum),
    "clamp": (lambda a, b: b.clamp(-1, 1), lambda a, b: b.clip(-1, 1)),
    "clamp below": (lambda a, b: b.clamp(min=0), lambda a, b: b.clip(0)),
    "clamp by tensors": (lambda a, b: b.clamp(-a, a), lambda a, b: b.clip(-a, a)),
    "masked_fill": (lambda a, b: a.masked_fill(b > 0, -1), lambda a, b: np.where(b > 0, -1, a)),
    "logical_xor": (lambda a, b: (a > 1).logical_xor(b > 0), lambda a, b: (a > 1) ^ (b > 0)),
    "isclose": (lambda a, b: a.isclose(a + 1e-7), lambda a, b: np.isclose(a, a + 1e-7)),
    "log2": (lambda a, b: a.log2(), lambda a, b: np.log2(a)),
    "log10": (lambda a, b: a.log10(), lambda a, b: np.log10(a)),
    "trunc": (lambda a, b: b.trunc(), lambda a, b: np.trunc(b)),
    "sum": (lambda a, b: a.sum(), lambda a, b: a.sum()),
    "sum of axes": (lambda a, b: a.sum((0, 1), keepdim=True), lambda a, b: a.sum(keepdims=True)),
    "mean": (lambda a, b: a.mean(dim=-1), lambda a, b: a.mean(-1)),
    "mean by axis": (lambda a, b: a.mean(axis=0, keepdims=True), lambda a, b: a.mean(0)[None]),
    "prod": (lambda a, b: a.prod(1), lambda a, b: a.prod(1)),
    "var": (lambda a, b: a.var(), lambda a, b: a.var(ddof=1)),
    "var of population": (lambda a, b: a.var(unbiased=False), lambda a, b: a.var()),
    "var, False": (lambda a, b: a.var(False), lambda a, b: a.var()),
    "var by axis": (lambda a, b: a.var(axis=1), lambda a, b: a.var(1, ddof=1)),
    "std": (lambda a, b: a.std(1), lambda a, b: a.std(1, ddof=1)),
    "std, correction": (lambda a, b: a.std(0, correction=0), lambda a, b: a.std(0)),
    "cumsum": (lambda a, b: b.cumsum(1), lambda a, b: b.cumsum(1)),
    "logsumexp": (lambda a, b: b.logsumexp(1), lambda a, b: np.log(np.exp(b).sum(1))),
    "norm": (lambda a, b: b.norm(), lambda a, b: np.linalg.norm(b)),
    "norm 1": (lambda a, b: b.norm(1, dim=1), lambda a, b: np.abs(b).sum(1)),
    "norm 3": (lambda a, b: b.norm(3, 1), lambda a, b: (np.abs(b) ** 3).sum(1) ** (1 / 3)),
    "norm inf": (lambda a, b: b.norm(math.inf, 1), lambda a, b: np.abs(b).max(1)),
    "norm -inf": (lambda a, b: b.norm(-math.inf, 1), lambda a, b: np.abs(b).min(1)),
    "norm 0": (lambda a, b: (b > 0).float().norm(0), lambda a, b: (b > 0).sum() * 1.0),
    "max values": (lambda a, b: b.max(1).values, lambda a, b: b.max(1)),
    "max indices": (lambda a, b: b.max(dim=-2).indices, lambda a, b: b.argmax(0)),
    "min keepdim": (lambda a, b: b.min(0, keepdim=True)[0], lambda a, b: b.min(0)[None]),
    "max by axis": (lambda a, b: ops.max(b, axis=1).values, lambda a, b: b.max(1)),
    "amax": (lambda a, b: b.amax((0, 1)), lambda a, b: b.max()),
    "amin": (lambda a, b: b.amin(0), lambda a, b: b.min(0)),
    "argmax": (lambda a, b: b.argmax(), lambda a, b: b.argmax()),
    "argmin": (lambda a, b: b.argmin(1, keepdim=True), lambda a, b: b.argmin(1)[:, None]),
    "any": (lambda a, b: (b > 1).any(1), lambda a, b: (b > 1).any(1)),
    "all": (lambda a, b: (b > -2).all(), lambda a, b: (b > -2).all()),
    "view": (lambda a, b: a.view(2, -1), lambda a, b: a.reshape(2, -1)),
    "view_as": (lambda a, b: a.view_as(b.T), lambda a, b: a.reshape(4, 3)),
    "reshape": (lambda a, b: a.reshape((4, 3)), lambda a, b: a.reshape(4, 3)),
    "flatten": (lambda a, b: a.flatten(), lambda a, b: a.ravel()),
    "unflatten": (lambda a, b: a.unflatten(-1, (2, -1)), lambda a, b: a.reshape(3, 2, 2)),
    "unsqueeze": (lambda a, b: a.unsqueeze(-1), lambda a, b: a[..., None]),
    "squeeze": (lambda a, b: a[None, :, None].squeeze(), lambda a, b: a),
    "squeeze one": (lambda a, b: a[None, :, None].squeeze(0), lambda a, b: a[:, None]),
    "squeeze two": (lambda a, b: a[None, :, None].squeeze((0, 2)), lambda a, b: a),
    "squeeze none": (lambda a, b: a.squeeze(0), lambda a, b: a),
    "t": (lambda a, b: a.t(), lambda a, b: a.T),
    "T": (lambda a, b: a[None].T, lambda a, b: a[None].T),
    "mT": (lambda a, b: a[None].mT, lambda a, b: a.T[None]),
    "transpose": (lambda a, b: a[None].transpose(0, -1), lambda a, b: a[None].swapaxes(0, -1)),
    "transpose all": (lambda a, b: ops.transpose(a[None]), lambda a, b: a[None].T),
    "transpose axes": (lambda a, b: ops.transpose(a, (1, 0)), lambda a, b: a.T),
    "permute": (lambda a, b: a[None].permute(2, 0, 1), lambda a, b: a[None].transpose(2, 0, 1)),
    "movedim": (lambda a, b: a[None].movedim(-1, 0), lambda a, b: np.moveaxis(a[None], -1, 0)),
    "expand": (lambda a, b: a[:, None].expand(-1, 2, -1), lambda a, b: np.stack([a, a], 1)),
    "expand new": (lambda a, b: a.expand(2, 3, 4), lambda a, b: np.stack([a, a])),
    "expand_as": (lambda a, b: a[0].expand_as(b), lambda a, b: np.stack([a[0]] * 3)),
    "repeat": (lambda a, b: a.repeat(2, 1, 3), lambda a, b: np.tile(a, (2, 1, 3))),
    "tile": (lambda a, b: a.tile(2), lambda a, b: np.tile(a, 2)),
    "cat": (lambda a, b: ops.cat([a, b], dim=1), lambda a, b: np.concatenate([a, b], 1)),
    "stack": (lambda a, b: ops.stack((a, b), axis=-1), lambda a, b: np.stack([a, b], -1)),
    "split": (lambda a, b: a.split(3, dim=1)[1], lambda a, b: a[:, 3:]),
    "split sizes": (lambda a, b: a.split([1, 3], 1)[1], lambda a, b: a[:, 1:]),
    "chunk": (lambda a, b: a.chunk(2)[0], lambda a, b: a[:2]),
    "unbind": (lambda a, b: a.unbind(1)[2], lambda a, b: a[:, 2]),
    "flip": (lambda a, b: a.flip(0, 1), lambda a, b: a[::-1, ::-1]),
    "flip tuple": (lambda a, b: a.flip((1,)), lambda a, b: a[:, ::-1]),
    "roll": (lambda a, b: a.roll(-1, 1), lambda a, b: np.roll(a, -1, 1)),
    "roll far": (lambda a, b: a.roll(7, 0), lambda a, b: np.roll(a, 7, 0)),
    "gather": (
        lambda a, b: a.gather(1, b.argsort(1)[:, :2]),
        lambda a, b: np.take_along_axis(a, b.argsort(1)[:, :2], 1),
    ),
    "index_select": (lambda a, b: a.index_select(1, [3, 0]), lambda a, b: a[:, [3, 0]]),
    "take": (lambda a, b: ops.take(a, [5, 0]), lambda a, b: a.take([5, 0])),
    "take axis": (lambda a, b: ops.take(a, [[1]], axis=0), lambda a, b: a.take([[1]], 0)),
    "narrow": (lambda a, b: a.narrow(1, -3, 2), lambda a, b: a[:, 1:3]),
    "nonzero": (lambda a, b: (b > 0).nonzero(), lambda a, b: np.argwhere(b > 0)),
    "masked_select, both broadcast": (
        lambda a, b: a[0].masked_select(b > 0),
        lambda a, b: np.broadcast_to(a[0], b.shape)[b > 0],
    ),
    "masked_select": (lambda a, b: a.masked_select(b[0] > 0), lambda a, b: a[:, b[0] > 0].ravel()),
    "argsort": (lambda a, b: b.argsort(0), lambda a, b: b.argsort(0)),
    "sort": (lambda a, b: b.sort().values, lambda a, b: np.sort(b)),
    "sort down": (lambda a, b: b.sort(0, descending=True)[0], lambda a, b: np.sort(b, 0)[::-1]),
    "topk": (lambda a, b: b.topk(2).values, lambda a, b: np.sort(b)[:, :1:-1]),
    "topk smallest": (lambda a, b: b.topk(2, 0, False)[0], lambda a, b: np.sort(b, 0)[:2]),
    "tril": (lambda a, b: a.tril(), lambda a, b: np.tril(a)),
    "triu": (lambda a, b: a.triu(1), lambda a, b: np.triu(a, 1)),
    "matmul": (lambda a, b: a.matmul(b.T), lambda a, b: a @ b.T),
    "mm": (lambda a, b: a.mm(b.T), lambda a, b: a @ b.T),
    "bmm": (lambda a, b: a[None].bmm(b.T[None]), lambda a, b: (a @ b.T)[None]),
    "mv": (lambda a, b: a.mv(b[0]), lambda a, b: a @ b[0]),
    "dot": (lambda a, b: a[0].dot(b[0]), lambda a, b: a[0] @ b[0]),
    "outer": (lambda a, b: a[0].outer(b[1]), lambda a, b: np.outer(a[0], b[1])),
    "one_hot": (lambda a, b: ops.one_hot([2, 0], 4), lambda a, b: np.eye(4)[[2, 0]]),
}


@pytest.mark.parametrize("name", CASES)
def test_against_numpy(name):
    ours, theirs = CASES[name]
    expected = np.asarray(theirs(A.astype("float64"), B.astype("float64")))
    actual = ours(fastdl.tensor(A), fastdl.tensor(B))
    assert actual.shape == expected.shape
    if expected.dtype.kind in "ib":
        assert actual.dtype == (np.int64 if expected.dtype.kind == "i" else np.bool_)
    # Sums of at most 12 terms of order 1, and functions with errors of 4 ulp. x ** y multiplies
    # the rounding of y log x by up to its size.
    np.testing.assert_allclose(actual.numpy(), expected, rtol=16 * EPS, atol=16 * EPS)


def test_every_method_has_a_docstring_and_the_functions_are_methods():
    from fastdl._functions import methods as _tensor

    for name in _tensor.FUNCTIONS.split():
        assert getattr(fastdl.Tensor, name) is getattr(ops, name)
        assert getattr(ops, name).__doc__


# --- gradients of functions composed in Python


@pytest.mark.parametrize("name", ["max values", "norm", "norm 3", "sort", "topk", "std", "roll"])
def test_gradients_of_compositions(name):
    """Compared with central differences of the NumPy formula in float64."""
    ours, theirs = CASES[name]
    a, b = fastdl.tensor(A, requires_grad=True), fastdl.tensor(B, requires_grad=True)
    ours(a, b).sum().backward()
    wrt, at = ("a", a) if a.grad is not None else ("b", b)
    values = {"a": A.astype("float64"), "b": B.astype("float64")}
    expected, h = np.zeros(A.shape), 1e-6
    for i in np.ndindex(*A.shape):
        sides = []
        for step in (h, -h):
            moved = {k: v.copy() for k, v in values.items()}
            moved[wrt][i] += step
            sides.append(theirs(**moved).sum())
        expected[i] = (sides[0] - sides[1]) / (2 * h)
    np.testing.assert_allclose(at.grad.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_of_a_norm_at_zero_is_zero():
    x = fastdl.zeros(3, requires_grad=True)
    x.norm().backward()
    assert x.grad.tolist() == [0, 0, 0]


def test_max_sends_its_gradient_to_the_first_of_equal_values():
    x = fastdl.tensor([[1.0, 3.0, 3.0]], requires_grad=True)
    x.max(1).values.sum().backward()
    assert x.grad.tolist() == [[0, 1, 0]]


# --- properties and conversions


def test_questions():
    t = fastdl.tensor(C)
    assert t.size() == (2, 3, 4) and t.size(-1) == 4 and t.dim() == t.ndimension() == 3
    assert t.numel() == 24 and t.element_size() == 8 and not t.is_floating_point()
    assert t.is_contiguous() and t.contiguous() is t and t.cpu() is t and not t.is_cuda
    assert t.device == fastdl.device("cpu") == "cpu" and str(t.device) == "cpu"
    assert (t.device.type, t.device.index) == ("cpu", None)


def test_conversions():
    t = fastdl.tensor([0.0, 1.7, -1.7])
    assert t.long().tolist() == [0, 1, -1] and t.long().dtype == fastdl.int64
    assert t.int().dtype == fastdl.int32 and t.bool().tolist() == [False, True, True]
    assert t[:2].byte().dtype == fastdl.uint8 and t.float() is t
    assert t.to("int32").dtype == "int32" and t.to(t.long()).dtype == "int64"
    assert t.to("cpu", "int64").dtype == "int64" and t.to(fastdl.device("cpu")) is t
    assert t.to(dtype=fastdl.float32, copy=True) is not t and t.type("int64").dtype == "int64"
    assert t.long().type_as(t).dtype == "float32"
    with pytest.raises(RuntimeError, match="unknown device 'cuda'; possible: 'cpu'"):
        t.to("cuda")
    with pytest.raises(TypeError, match="float64 is not supported"):
        t.to("float64")
    with pytest.raises(TypeError):
        t.to("flot32")


def test_new_tensors_take_the_type():
    t = fastdl.tensor([1, 2])
    assert t.new_zeros(2, 3).dtype == "int64" and t.new_ones((2,)).tolist() == [1, 1]
    assert t.new_full((1,), 7).tolist() == [7] and t.new_tensor([1.5]).tolist() == [1]
    assert t.new_zeros(1, dtype="float32").dtype == "float32"


def test_data():
    w = fastdl.ones(2, requires_grad=True)
    w.data.mul_(3)
    assert w.tolist() == [3, 3] and not w.data.requires_grad
    other = fastdl.zeros(2)
    w.data = other
    other.fill_(4)
    assert w.tolist() == [4, 4] and w.requires_grad
    with pytest.raises(TypeError, match="float32, got int64"):
        fastdl.zeros(2).set_(fastdl.tensor([1, 2]))


def test_views_share_memory():
    t = fastdl.zeros(2, 3)
    t.view(-1)[0] = 1
    t.view(3, 2).fill_(5)
    assert (t.numpy() == 5).all()
    t.flatten().zero_()
    t.unsqueeze(0).add_(1)
    assert (t.numpy() == 1).all()


# --- in place


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda t: t.add_(1, alpha=2), lambda x: x + 2),
        (lambda t: t.sub_(t), lambda x: x - x),
        (lambda t: t.mul_([2.0, 3.0, 4.0, 5.0]), lambda x: x * [2, 3, 4, 5]),
        (lambda t: t.div_(4), lambda x: x / 4),
        (lambda t: t.pow_(2), lambda x: x * x),
        (lambda t: t.neg_(), lambda x: -x),
        (lambda t: t.clamp_(-1, 1), lambda x: x.clip(-1, 1)),
        (lambda t: t.relu_(), lambda x: x.clip(0)),
        (lambda t: t.zero_(), lambda x: x * 0),
        (lambda t: t.fill_(3), lambda x: x * 0 + 3),
        (lambda t: t.copy_([1.0, 2.0, 3.0, 4.0]), lambda x: x * 0 + [1, 2, 3, 4]),
        (lambda t: t.masked_fill_(t > 0, 9), lambda x: np.where(x > 0, 9, x)),
        (lambda t: t.abs().sqrt_().square().exp_().log(), np.abs),
    ],
)
def test_in_place(call, expected):
    t = fastdl.tensor(B)
    address = t.data_ptr()
    result = call(t)
    np.testing.assert_allclose(result.numpy(), expected(B), rtol=16 * EPS, atol=4 * EPS)
    assert t.data_ptr() == address


def test_scatter():
    t = fastdl.zeros(2, 3)
    assert t.scatter_(1, fastdl.tensor([[2], [0]]), 1) is t
    assert t.tolist() == [[0, 0, 1], [1, 0, 0]]
    t.scatter_(0, [[1, 0]], [[5.0, 6.0]])
    assert t.tolist() == [[0, 6, 1], [5, 0, 0]]
    with pytest.raises(IndexError):
        t.scatter_(1, [[3]], 1)


def test_unique_and_bincount():
    t = fastdl.tensor([[3, 1], [1, 3]])
    values, inverse, counts = t.unique(return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 3] and counts.tolist() == [2, 2]
    assert inverse.tolist() == [[1, 0], [0, 1]]
    assert t.flatten().bincount(minlength=5).tolist() == [0, 2, 0, 2, 0]
    with pytest.raises(ValueError):
        ops.bincount([-1])


def test_in_place_returns_the_tensor_and_keeps_its_type():
    t = fastdl.tensor([1, 2], dtype="int32")
    assert t.add_(fastdl.tensor([1, 2])) is t and t.dtype == "int32" and t.tolist() == [2, 4]
    assert t.copy_(1.5) is t and t.tolist() == [1, 1]


def test_random_in_place():
    g = fastdl.Generator().manual_seed(1)
    t = fastdl.zeros(1000)
    assert 2 <= t.uniform_(2, 3, generator=g).min().item() <= t.max().item() < 3
    assert abs(t.normal_(5, 0.1, generator=g).mean().item() - 5) < 5 * 0.1 / math.sqrt(1000)
    assert set(t.bernoulli_(0.5, generator=g).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("call", [lambda t: t.add_(1), lambda t: t.zero_(), lambda t: t.exp_()])
def test_a_leaf_is_not_changed_in_place_while_gradients_are_recorded(call):
    leaf = fastdl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        call(leaf)
    with fastdl.no_grad():
        call(leaf)


# name: (a change in place, the value, the slope for x and for w), of x = 0.5 and w = 3
CHANGES = {
    "add_": (lambda y, w: y.add_(w, alpha=2), 6.5, 1.0, 2.0),
    "mul_": (lambda y, w: y.mul_(w), 1.5, 3.0, 0.5),
    "div_": (lambda y, w: y.div_(w), 0.5 / 3, 1 / 3, -0.5 / 9),
    "exp_": (lambda y, w: y.exp_(), math.exp(0.5), math.exp(0.5), 0.0),
    "sin_, exp_": (lambda y, w: y.sin_().exp_(), math.exp(math.sin(0.5)), None, 0.0),
    "clamp_": (lambda y, w: y.clamp_(max=0.1), 0.1, 0.0, 0.0),
    "masked_fill_": (lambda y, w: y.masked_fill_(y < 1, 7.0), 7.0, 0.0, 0.0),
    "copy_": (lambda y, w: y.copy_(w * w), 9.0, 0.0, 6.0),
    "zero_": (lambda y, w: y.zero_(), 0.0, 0.0, 0.0),
    "fill_": (lambda y, w: y.fill_(4), 4.0, 0.0, 0.0),
}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_changes_in_place_are_operations_of_the_graph(name, shared):
    change, value, to_x, to_w = CHANGES[name]
    if to_x is None:
        to_x = math.cos(0.5) * value
    x, w = (fastdl.tensor([v], requires_grad=True) for v in (0.5, 3.0))
    y = x * 1
    view = y.detach() if shared else None
    assert change(y, w) is y
    if shared:  # another object with the same memory has the new values
        np.testing.assert_allclose(view.numpy(), [value], rtol=2e-7)
    np.testing.assert_allclose(y.detach().numpy(), [value], rtol=2e-7)
    (y * 2 + w * 0).backward()
    np.testing.assert_allclose(x.grad.numpy(), [2 * to_x], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(w.grad.numpy(), [2 * to_w], rtol=1e-6, atol=1e-9)


def test_a_change_in_place_is_seen_by_gradients_that_need_the_value():
    x = fastdl.tensor([2.0], requires_grad=True)
    y = x * 1
    view = y.detach()
    z = y * y
    y.add_(fastdl.tensor([1.0], requires_grad=True))
    with pytest.raises(RuntimeError, match="changed in place"):
        z.backward()
    assert view.item() == 3.0
    y = x * 1
    z = y * y  # keeps the old memory, since nobody else sees it
    y.add_(fastdl.tensor([1.0], requires_grad=True))
    z.backward()
    assert x.grad.item() == 4.0 and y.item() == 3.0
    x = fastdl.tensor([2.0], requires_grad=True)
    y = x * 1
    z = y + 1  # needs no value
    y.mul_(x)
    (z + y).backward()
    assert x.grad.item() == 1 + 4.0


def test_constants_collect_results():
    w = fastdl.tensor([1.0, 2.0], requires_grad=True)
    total = fastdl.zeros(2)
    for i in range(3):
        total.add_(w * i)
    assert total.requires_grad
    total.sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_a_result_that_does_not_fit_changes_nothing():
    x = fastdl.ones(1, requires_grad=True)
    y = x * 1
    with pytest.raises(ValueError, match=r"add_: a result of shape \(3,\)"):
        y.add_(fastdl.ones(3))
    with pytest.raises(TypeError, match="add_: a result of type float32"):
        fastdl.ones(1, dtype="int64").add_(x)
    assert y.tolist() == [1.0]


def test_requires_grad_():
    t = fastdl.ones(2)
    assert t.requires_grad_() is t and t.requires_grad
    assert not t.requires_grad_(False).requires_grad


# --- copies


def test_clone_deepcopy_pickle():
    w = fastdl.ones(2, requires_grad=True)
    (w.clone() * 3).sum().backward()
    assert w.grad.tolist() == [3, 3]
    for other in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert other.requires_grad and other.tolist() == [1, 1] and other is not w
    for t in (fastdl.tensor(C), fastdl.tensor(M), fastdl.tensor(2.0)):
        other = pickle.loads(pickle.dumps(t))
        assert other.dtype == t.dtype and fastdl.equal(other, t)
    with pytest.raises(RuntimeError, match="only leaves"):
        copy.deepcopy(w * 2)


# --- bad arguments


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.view(5), ValueError, r"reshape"),
        (lambda t: t.sum(2), IndexError, r"sum.*2"),
        (lambda t: t.softmax(5), IndexError, r"softmax.*5"),
        (lambda t: t.transpose(0, 2), IndexError, r"transpose: axis 2 is out of range"),
        (lambda t: t.flatten(1, 0), ValueError, r"start_dim 1 comes after end_dim 0"),
        (lambda t: t.squeeze(3), IndexError, r"squeeze: axis 3"),
        (lambda t: t[None].t(), ValueError, r"at most 2 axes, got shape \(1, 3, 4\)"),
        (lambda t: t.repeat(2), ValueError, r"at least 2 sizes"),
        (lambda t: t.split(0), ValueError, r"positive size"),
        (lambda t: t.split([1, 1]), ValueError, r"sum to 2"),
        (lambda t: t.chunk(0), ValueError, r"positive number"),
        (lambda t: t.narrow(1, 3, 2), RuntimeError, r"start and length: .*got 3 and 2"),
        (lambda t: t.topk(9), ValueError, r"k: expected 0 to \d.*, got 9"),
        (lambda t: t.gather(1, [[9]]), IndexError, r"gather: index 9"),
        (lambda t: t.mm(t), ValueError, r"matmul.*\(3, 4\)"),
        (lambda t: t.mm(t[0]), ValueError, r"mm: expected 2 and 2 axes"),
        (lambda t: t.clamp(), ValueError, r"expected min, max or both"),
        (lambda t: t.norm("max"), ValueError, r"'nuc', got 'max'"),
        (lambda t: ops.gelu(t, "erf"), ValueError, r"'none' or 'tanh', got 'erf'"),
        (lambda t: ops.div(t, t, rounding_mode="up"), ValueError, r"got 'up'"),
        (lambda t: t + "a", TypeError, r"unsupported operand"),
        (lambda t: ops.add(t, "a"), TypeError, r"expected numbers|got an array"),
        (lambda t: ops.add(t, np.array([None])), TypeError, r"expected numbers"),
        (lambda t: t + fastdl.zeros(5), ValueError, r"add: shapes \(3, 4\) and \(5,\)"),
        (lambda t: ops.cat([]), ValueError, r"at least one tensor"),
        (lambda t: ops.tril(t[0]), ValueError, r"at least 2 axes"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(fastdl.tensor(A))


def test_data_of_another_shape():
    weight = nn.Parameter(fastdl.ones(2, 3))
    (weight * 2).sum().backward()
    weight.data = wide = fastdl.ones(2, 4)
    assert weight.shape == (2, 4) and weight.grad is None
    (weight * weight).sum().backward()
    assert weight.grad.tolist() == [[2.0] * 4] * 2
    wide[0, 0] = 5  # it is the same memory
    assert weight[0, 0].item() == 5
    y = (weight * weight).sum()
    with pytest.raises(RuntimeError, match=r"\(2, 4\) that a recorded op reads"):
        weight.data = fastdl.ones(3)
    y.backward()


def test_an_optimizer_notices_another_shape():
    layer = nn.Linear(3, 2)
    optimizer = fastdl.optim.Adam(layer.parameters())
    layer(fastdl.ones(1, 3)).sum().backward()
    optimizer.step()
    layer.weight.data = fastdl.ones(2, 4)
    layer(fastdl.ones(1, 4)).sum().backward()
    with pytest.raises(RuntimeError, match=r"had shape \(2, 3\) and has \(2, 4\) now"):
        optimizer.step()


def test_set():
    x, y = fastdl.ones(3), fastdl.zeros(2, 2)
    assert x.set_(y) is x and x.shape == (2, 2)
    y[1, 1] = 7
    assert x.tolist() == [[0.0, 0.0], [0.0, 7.0]]
    assert x.set_().shape == (0,)
    with pytest.raises(TypeError, match="float32, got int64"):
        x.set_(fastdl.tensor([1]))
    with pytest.raises(TypeError, match="set_: source"):
        x.set_([1.0])
    with pytest.raises(RuntimeError, match="no_grad"):
        fastdl.ones(2, requires_grad=True).set_(y)


def test_types_take_a_memory_format():
    t = fastdl.tensor([1.5, 0.0])
    for name in ("float", "half", "bfloat16", "char", "long", "int", "bool", "byte"):
        plain = getattr(t, name)()
        assert getattr(t, name)(memory_format=fastdl.preserve_format).dtype == plain.dtype


@pytest.mark.parametrize("function", [fastdl.cosine_similarity, nn.functional.cosine_similarity])
def test_cosine_of_broadcast_vectors(function):
    x, y = np.float32([[2.0], [-1.0]]), np.float32([[1.0, 2.0, 2.0]])
    wide = np.broadcast_to(x, (2, 3))
    expected = (wide * y).sum(1) / np.linalg.norm(wide, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(function(x, y, 1).numpy(), expected, 1e-6)
    assert function(2.0, -3.0, 0).item() == -1.0


@pytest.mark.parametrize("skip", [False, True])
def test_gradients_of_parts(skip):
    """A quantile is linear in its part, between two values."""
    x = fastdl.tensor([3.0, 1.0, 7.0, float("nan")] if skip else [3.0, 1.0, 7.0])
    q = fastdl.tensor([0.2, 0.5, 0.75], requires_grad=True)
    (fastdl.nanquantile if skip else fastdl.quantile)(x, q).sum().backward()
    assert q.grad.tolist() == [4.0, 0.0, 8.0]  # 2 steps, from 1 to 3 and from 3 to 7


def test_plus():
    t = fastdl.ones(2, requires_grad=True)
    assert +t is t
    with pytest.raises(TypeError, match=r"operator \+: truth values"):
        +fastdl.tensor([True])


def test_round_is_that_of_numpy():
    x = np.float32([1.25, -2.5, 0.5, -0.75])
    t = fastdl.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(round(t).detach().numpy(), np.round(x))
    np.testing.assert_array_equal(round(t, 1).detach().numpy(), np.round(x, 1))
