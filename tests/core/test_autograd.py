"""The tape: the values it keeps, the uses it refuses, and second derivatives."""

import gc
import weakref

import numpy as np
import pytest

import fastdl
from fastdl import _core


def leaf(*values):
    t = fastdl.tensor(np.array(values, np.float32))
    t.requires_grad = True
    return t


def gradients(y, *inputs, create_graph=False):
    return _core.grad([y.sum()], [], list(inputs), True, create_graph)


POINTS = np.array([-1.7, -0.4, 0.3, 0.9, 2.1])
EPS = np.finfo(np.float32).eps
SIGMOID = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731

# name, function of a tensor, second derivative in float64
SECOND = {
    "square": (fastdl.square, lambda x: 2 + 0 * x),
    "cube": (lambda x: x * x * x, lambda x: 6 * x),
    "pow": (lambda x: x**4.0, lambda x: 12 * x**2),
    "exp": (fastdl.exp, np.exp),
    "expm1": (fastdl.expm1, np.exp),
    "log": (lambda x: fastdl.log(x * x), lambda x: -2 / x**2),
    "log1p": (lambda x: fastdl.log1p(x * x), lambda x: 2 * (1 - x**2) / (1 + x**2) ** 2),
    "sqrt": (lambda x: fastdl.sqrt(x * x + 1.0), lambda x: (1 + x**2) ** -1.5),
    "rsqrt": (
        lambda x: fastdl.rsqrt(x * x + 1.0),
        lambda x: (2 * x**2 - 1) * (1 + x**2) ** -2.5,
    ),
    "reciprocal": (fastdl.reciprocal, lambda x: 2 / x**3),
    "abs": (lambda x: fastdl.abs(x) * x, lambda x: 2 * np.sign(x)),
    "sin": (fastdl.sin, lambda x: -np.sin(x)),
    "cos": (fastdl.cos, lambda x: -np.cos(x)),
    "tanh": (fastdl.tanh, lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2)),
    "sigmoid": (fastdl.sigmoid, lambda x: SIGMOID(x) * (1 - SIGMOID(x)) * (1 - 2 * SIGMOID(x))),
    "softplus": (fastdl.softplus, lambda x: SIGMOID(x) * (1 - SIGMOID(x))),
    "erf": (fastdl.erf, lambda x: -4 * x / np.sqrt(np.pi) * np.exp(-(x**2))),
    "product of two uses": (lambda x: fastdl.exp(x) * x, lambda x: (2 + x) * np.exp(x)),
    "matmul": (
        lambda x: fastdl.reshape(x, (5, 1)) @ fastdl.reshape(x, (1, 5)),
        lambda x: np.full(
            5, 10.0
        ),  # (sum x)^2: all entries of the Hessian are 2, and its rows are summed
    ),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives(name):
    function, second = SECOND[name]
    x = leaf(*POINTS)
    (first,) = gradients(function(x), x, create_graph=True)
    (got,) = gradients(first, x)
    want = second(x.numpy().astype(np.float64))
    # A dozen roundings of terms that may cancel; none exceeds twice the largest derivative.
    bound = 32 * EPS * max(1, abs(want).max())
    np.testing.assert_allclose(got.numpy(), want, rtol=0, atol=bound)


def test_third_derivative():
    x = leaf(0.5)
    y = x
    for _ in range(3):
        y = y * x
    for power in (4, 3, 2):
        (y,) = gradients(y, x, create_graph=power > 2)
    assert y.item() == 24 * 0.5


def test_a_graph_is_used_once_unless_retained():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8
    with pytest.raises(RuntimeError, match=r"already used .* retain_graph=True"):
        y.backward()
    assert x.grad.item() == 8


def test_roots_and_their_gradients():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="one-element tensor"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"has shape \(3,\) but the tensor has shape \(2,\)"):
        (x * 2).backward(fastdl.ones(3))
    (x * 2).backward(_core.tensor([1, 2]))  # integers are converted
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        fastdl.ones(1).backward()
    with pytest.raises(RuntimeError, match="every input must require a gradient"):
        gradients(x * 2, fastdl.ones(1))
    assert gradients(x * 2, leaf(1.0)) == [None]


def test_many_uses_of_a_leaf_add_up():
    x = leaf(3.0)
    sum((x * float(i) for i in range(100)), fastdl.zeros(1)).sum().backward()
    assert x.grad.item() == sum(range(100))
    (x + x + x).sum().backward()  # accumulates
    assert x.grad.item() == sum(range(100)) + 3


def test_gradients_have_memory_of_their_own():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).sum().backward()
    a.grad.zero_()
    assert b.grad.item() == 1


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (fastdl.exp, "result of exp"),
        (fastdl.tanh, "result of tanh"),
        (fastdl.square, "input 0 of square"),
    ],
)
def test_values_changed_in_place_are_noticed(function, what):
    x = leaf(1.0, 2.0)
    before = x * 1.0
    y = function(before)
    with fastdl.no_grad():
        (before if "input" in what else y).add_(1.0)
    with pytest.raises(RuntimeError, match=f"{what} .* changed in place"):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda t: t / 4.0, 0.25),
        (lambda t: t / np.sqrt(16), 0.25),
        (lambda t: t / fastdl.tensor([4.0, 2.0]), [0.25, 0.5]),
        (lambda t: t ** fastdl.tensor([2.0, 3.0]), [6.0, 75.0]),  # 2 t, 3 t^2
    ],
)
def test_a_result_that_only_the_other_gradient_needs_may_change(function, slope):
    """As scores that are divided by a number, and masked in place."""
    x = leaf(3.0, 5.0)
    y = function(x * 1.0)
    y.masked_fill_(fastdl.tensor([False, True]), -1e9)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), slope * np.array([1.0, 0.0]), rtol=1e-6)

    other = leaf(2.0, 2.0)
    y = x / other if np.ndim(slope) == 0 else x**other
    with fastdl.no_grad():
        y.add_(1.0)
    with pytest.raises(RuntimeError, match=r"result of (div|pow) .* changed in place"):
        y.sum().backward()


def test_a_numerator_may_change():
    x, below = leaf(3.0, 5.0), leaf(2.0, 4.0)
    t = x * 1.0
    row, y = t[0], t / below
    row.mul_(5.0)  # writes into t
    y.sum().backward()
    assert x.grad.tolist() == [0.5, 0.25]
    assert below.grad.tolist() == [-0.75, -0.3125]  # - x / below^2


def test_changes_through_detach_and_replays_are_noticed():
    x = leaf(1.0, 2.0)
    y = fastdl.exp(x)
    alias = y.detach()
    alias += 1.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()

    state = fastdl.ones(2)
    recorder = _core.Recorder()
    _core.add_(state, state)
    recorder.stop()
    plan = _core.Plan(recorder, [], [])
    y = x * state
    plan.replay([])
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_changes_that_do_not_matter_are_allowed():
    x = leaf(1.0, 2.0)
    y = x + 1.0
    with fastdl.no_grad():
        y.add_(5.0)
    y.sum().backward()  # the gradient of a sum reads no values
    assert x.grad.tolist() == [1, 1]


def test_a_leaf_may_move_between_forward_and_backward():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x._set_data(fastdl.tensor([1.0, 2.0]))  # as a new optimizer does
    y.backward()
    assert x.grad.tolist() == [2, 4]


def test_operators_in_place_on_what_is_recorded():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="no_grad"):
        x.add_(1.0)
    y = other_name = x * 1.0
    y += 1.0
    assert other_name.item() == 2
    (other_name * 3.0).backward()
    assert x.grad.item() == 3
    rows = [x * 1.0, x * 2.0]
    for row in rows:
        row += 1.0
    assert [row.item() for row in rows] == [2, 3]
    flat = x * 4.0
    same_memory = flat.reshape(1, 1)
    flat += 1.0
    assert same_memory.item() == 5
    with fastdl.GradientTape():  # in TensorFlow's way it is a new tensor
        y = before = x * 1.0
        y += 1.0
        assert before.item() == 1 and y.item() == 2
    with fastdl.no_grad():
        x += 1.0
    assert x.item() == 2 and x.is_leaf


def test_a_call_keeps_its_place_when_what_it_read_is_changed_in_place():
    """And the values it read, unless they are overwritten, which is an error."""
    x = leaf(1.0, 2.0)
    t = x * 1.0
    before = t * 2.0
    t.mul_(5.0)
    before.sum().backward()
    assert x.grad.tolist() == [2, 2]

    x = leaf(1.0, 2.0)
    t = x * 1.0
    t.copy_(t * 3.0)
    t[0] = (t * 2.0)[0]
    t.sum().backward()
    assert x.grad.tolist() == [6, 3]

    x = leaf(1.0, 2.0)
    t = x * 1.0
    squares = (t * t).sum()
    t.mul_(5.0)  # takes other memory, since nobody else sees that
    squares.backward()
    assert x.grad.tolist() == [2, 4]

    t = x * 1.0
    row = t[0]
    squares = (t * t).sum()
    row.mul_(5.0)  # writes into t
    with pytest.raises(RuntimeError, match="changed in place after it was used"):
        squares.backward()


def test_views_and_detached_values():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    view = fastdl.reshape(x, (2, 2))
    (view[1] * view[1]).sum().backward()
    assert x.grad.tolist() == [0, 0, 6, 8]
    assert not x.detach().requires_grad
    assert np.shares_memory(x.detach().numpy(), x.numpy())
    with pytest.raises(RuntimeError, match="only be switched off for leaves"):
        view.requires_grad = False
    with fastdl.no_grad():
        assert not (x * 2).requires_grad
    with pytest.raises(RuntimeError, match="only tensors of floats"):
        fastdl.tensor([1]).requires_grad = True


def test_losses_of_a_leaf_flow_to_the_leaf():
    """A leaf made from probabilities forgets the logits, so that the loss reads the leaf."""
    y = fastdl.sigmoid(fastdl.zeros(3)).detach()
    p = fastdl.sigmoid(fastdl.zeros(3))
    assert p._logits is not None and y._logits is None
    p.requires_grad = True
    assert p._logits is None


def test_changed_probabilities_forget_their_logits():
    x = fastdl.zeros(3)
    for change in (lambda p: p.add_(0.1), lambda p: x.add_(1.0)):
        p = fastdl.softmax(x)
        assert p._logits[1] == "softmax"
        change(p)
        assert p._logits is None


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x + 1.0,
        lambda x: x * x,
        fastdl.sigmoid,
        lambda x: fastdl.square(fastdl.sigmoid(x)),
        lambda x: fastdl.softmax(x) + x,
    ],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_long_chains_are_dropped_without_recursion(step, recorded):
    x = fastdl.zeros(1)
    x.requires_grad = recorded
    before = _core.allocated_bytes()
    y = x
    for _ in range(200_000):
        y = step(y)
    del y
    assert _core.allocated_bytes() == before


# --- results of Python on the tape (csrc/ops/outside.cc)


def test_calls_with_a_gradient_in_python():
    """`attach`, on which autograd.Function and results of NumPy are built."""
    x, fixed = fastdl.tensor(2.0, requires_grad=True), fastdl.tensor(3.0)
    seen = []

    def backward(inputs, outputs, gradients, needs):
        values = [None if t is None else t.item() for t in (*inputs, *outputs)]
        seen.append((values, [g is None for g in gradients], needs))
        return [gradients[0], None]

    one, other = _core.attach(
        [x, fixed], [fastdl.tensor(5.0), fastdl.tensor(7.0)], backward, 0b10, 0b01, 0
    )
    (one * 4.0).backward()
    assert x.grad.item() == 4.0 and other.requires_grad
    # A leaf is there in any case; otherwise only what the masks name has values.
    assert seen == [([2.0, 3.0, 5.0, None], [False, True], [True, False])]
    (plain,) = _core.attach([fixed], [fastdl.tensor(1.0)], backward, 0, 0, 0)
    assert not plain.requires_grad


def test_errors_of_a_gradient_in_python():
    def failing(gradient):
        x = fastdl.ones(2, requires_grad=True)
        (y,) = _core.attach([x], [fastdl.ones(2)], lambda *_: gradient(), 0, 0, 0)
        y.sum().backward()

    with pytest.raises(RuntimeError, match=r"gave a gradient of shape \(3,\) for input 0 of shape"):
        failing(lambda: [fastdl.ones(3)])
    with pytest.raises(RuntimeError, match="a function with 1 inputs gave 2 gradients"):
        failing(lambda: [None, None])
    with pytest.raises(TypeError, match="must be a tensor or None, got int"):
        failing(lambda: [3])
    with pytest.raises(ZeroDivisionError):
        failing(lambda: 1 / 0)
    with pytest.raises(ValueError, match="at most 16 inputs and 8 outputs, got 17 and 1"):
        _core.attach([fastdl.ones(1)] * 17, [fastdl.ones(1)], lambda *_: [], 0, 0, 0)


def test_a_graph_with_python_is_freed():
    class Marked:
        pass

    x, marked = fastdl.tensor([2.0], requires_grad=True), Marked()
    alive = weakref.ref(marked)
    (y,) = _core.attach([x], [fastdl.ones(1)], lambda *_, mark=marked: [mark], 0, 0, 0)
    del marked
    gc.collect()
    assert alive() is not None
    del y
    assert alive() is None
