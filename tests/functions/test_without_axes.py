"""Tensors without axes: PyTorch takes 0 and -1 as their axes in most functions, and refuses others.

The results are those of PyTorch 2.13.
"""

import math

import pytest

import fastdl
from fastdl.nn import functional as F

T = fastdl.tensor
# Calls on x, which is 3. The result, as a list, has the given shape.
SAME = """
    x.mean(-1) ; x.sum(dim=0) ; x.prod(0) ; x.amax(0) ; x.max(0)[0] ; x.median(0)[0] ; x.sort()[0]
    x.topk(1)[0] ; x.gather(0, T(0)) ; x.cumsum(0) ; x.cumprod(0) ; x.cummax(0)[0] ; x.norm(dim=0)
    x.logsumexp(0) ; x.squeeze(0) ; x.flip(0) ; x.index_select(0, T([0])) ; x.transpose(0, -1)
    x.swapaxes(0, 0) ; x.movedim(0, 0) ; x.roll(1) ; x.nansum(0) ; x.quantile(0.5, 0) ; x.t()
    x.mode()[0] ; x.kthvalue(1)[0] ; x.take(T(0)) ; fastdl.flip(x, (0,)) ; fastdl.swapdims(x, 0, -1)
"""
ONE = """
    x.unsqueeze(0) ; x.flatten() ; x.unique() ; x.unfold(0, 1, 1) ; x[None] ; x.repeat(1)
    x.repeat_interleave(1) ; x.expand(1) ; x[True] ; fastdl.atleast_1d(x)
"""
REFUSED = """
    x.mean(1) ; x.sum(-2) ; x.softmax(1) ; x.flip(1) ; x.transpose(0, 1) ; x.movedim(0, 1)
    x.index_select(1, T([0])) ; x.unbind() ; x.chunk(2) ; x.narrow(0, 0, 1) ; x.diff() ; x[0]
    fastdl.swapdims(x, 1, 0)
"""


def calls(table):
    return [call.strip() for line in table.strip().splitlines() for call in line.split(" ; ")]


def run(call):
    return eval(call, {"x": T(3.0), "T": T, "fastdl": fastdl})


@pytest.mark.parametrize("call", calls(SAME))
def test_the_value(call):
    found = run(call)
    assert found.shape == () and found.item() == 3.0


@pytest.mark.parametrize("call", calls(ONE))
def test_one_axis(call):
    assert run(call).tolist() == [3.0]


@pytest.mark.parametrize("call", calls(REFUSED))
def test_refused(call):
    with pytest.raises(IndexError):
        run(call)


def test_others():
    x = T(3.0)
    assert x.softmax(-1).item() == 1.0 and F.gumbel_softmax(x, dim=0).item() == 1.0
    assert x.argmax(0).item() == 0 and x.sort()[1].item() == 0 and x.count_nonzero(0).item() == 1
    assert math.isnan(x.std(0).item())


def test_a_truth_value_is_an_index_as_in_numpy():
    x = fastdl.tensor([[1.0, 2.0], [3.0, 4.0]])
    for key in (True, False, (True, 0), (0, True), (slice(None), True), (..., False)):
        assert x[key].shape == x.numpy()[key].shape, key
        assert x[key].tolist() == x.numpy()[key].tolist()
    assert x[fastdl.tensor(True)].shape == (1, 2, 2)
    x[False] = 9.0
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    x[True] = 9.0
    assert x.tolist() == [[9.0, 9.0], [9.0, 9.0]]


def test_no_values_have_no_largest_one():
    empty = fastdl.zeros(0, 3)
    assert fastdl.logsumexp(empty, 0).tolist() == [-math.inf] * 3
    assert fastdl.logsumexp(empty, 0, keepdim=True).shape == (1, 3)
    assert fastdl.logsumexp(empty).item() == -math.inf
    assert fastdl.ops.logsumexp(empty, 0, keepdims=True).tolist() == [[-math.inf] * 3]
    assert fastdl.ops.logsumexp(empty).item() == -math.inf
    assert fastdl.ops.logsumexp(empty, 1).shape == (0,)


def test_a_method_that_writes_names_itself():
    with pytest.raises(RuntimeError, match=r"^copy_: .*\(2,\) and \(3,\)"):
        fastdl.ones(2).copy_(fastdl.ones(3))


@pytest.mark.filterwarnings("ignore:.*differs from the input's")
def test_losses_that_are_quadratic_near_zero_broadcast():
    a, b = fastdl.tensor([[0.0, 0.5, 3.0]]), fastdl.tensor([[1.0], [0.0]])
    wide = a.expand(2, 3), b.expand(2, 3)
    for loss in (F.smooth_l1_loss, F.huber_loss):
        found = loss(a, b, reduction="none")
        assert found.shape == (2, 3) and found.equal(loss(*wide, reduction="none"))
    leaf = a.clone().requires_grad_()
    F.smooth_l1_loss(leaf, b, reduction="sum").backward()
    assert leaf.grad.tolist() == [[-1.0, 0.0, 2.0]]


def test_what_holds_no_values_can_be_walked_through_twice():
    x = fastdl.ones(2, requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]
    z = (x * x).sum()
    z.backward()
    with pytest.raises(RuntimeError, match="already used"):
        z.backward()
