"""Gradient sinks: each gradient arrives once, complete, in the place that the sink names."""

import numpy as np
import pytest

import fastdl
from fastdl import _core


class Sink:
    """Records the gradients, and the number of calls that had run before each."""

    def __init__(self, places, parts=False):
        self.places = places
        self.parts = parts
        self.rows = ()
        self.order = []
        self.got = {}

    def take(self, index, gradient):
        assert index not in self.got
        self.order.append(index)
        self.got[index] = gradient


def leaf(*shape, seed=0):
    t = fastdl.tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))
    t.requires_grad = True
    return t


def test_gradients_come_from_the_last_layer_to_the_first():
    x = fastdl.tensor(np.ones((4, 3), "float32"))
    weights = [leaf(3, 3, seed=i) for i in range(4)]
    y = x
    for w in weights:
        y = fastdl.tanh(y @ w)
    loss = fastdl.sum(y)
    expected = _core.grad([loss], [None], weights, retain_graph=True)
    sink = Sink([None] * 4)
    _core.grad_into(sink, [loss], [None], weights)
    assert sink.order == [3, 2, 1, 0]
    for i, g in enumerate(expected):
        np.testing.assert_array_equal(sink.got[i].numpy(), g.numpy())


def test_a_gradient_waits_for_all_its_terms():
    """`a` is used first and last, `b` in between: b's is complete before a's."""
    a, b = leaf(3), leaf(3, seed=1)
    loss = fastdl.sum(a * fastdl.exp(b * fastdl.sin(a)))
    sink = Sink([None, None])
    _core.grad_into(sink, [loss], [None], [a, b])
    assert sink.order == [1, 0]
    x, y = a.numpy().astype(float), b.numpy().astype(float)
    e = np.exp(y * np.sin(x))
    # A dozen roundings of numbers below 10.
    limit = {"rtol": 0, "atol": 120 * np.finfo("float32").eps}
    np.testing.assert_allclose(sink.got[0].numpy(), e + x * e * y * np.cos(x), **limit)
    np.testing.assert_allclose(sink.got[1].numpy(), x * e * np.sin(x), **limit)


def test_terms_that_nothing_flows_through_do_not_hold_one_back():
    """argmax passes no gradient, so this use of `a` adds nothing."""
    a, b = leaf(3), leaf(3, seed=1)
    loss = fastdl.sum(a * a) + fastdl.sum(fastdl.cast(fastdl.argmax(a * b), "float32"))
    sink = Sink([None, None])
    _core.grad_into(sink, [loss], [None], [a, b])
    assert sink.order == [0]
    np.testing.assert_array_equal(sink.got[0].numpy(), 2 * a.numpy())


def test_a_root_that_is_an_input_and_one_given_twice():
    a = leaf(3)
    sink = Sink([None])
    ones = fastdl.ones(3)
    _core.grad_into(sink, [a, a, fastdl.sum(a * 2.0)], [ones, ones, None], [a])
    np.testing.assert_array_equal(sink.got[0].numpy(), np.full(3, 4, "float32"))


def test_gradients_lie_in_their_places():
    w, x = leaf(3, 2), fastdl.tensor(np.ones((4, 3), "float32"))
    place = fastdl.zeros(3, 2)
    sink = Sink([place])
    _core.grad_into(sink, [fastdl.sum(x @ w) + fastdl.sum(w)], [None], [w])
    assert sink.got[0].data_ptr() == place.data_ptr()
    np.testing.assert_array_equal(place.numpy(), np.full((3, 2), 5, "float32"))


def test_what_a_sink_raises_comes_out():
    class Refusing(Sink):
        def take(self, index, gradient):
            raise KeyError("not this one")

    a = leaf(3)
    with pytest.raises(KeyError, match="not this one"):
        _core.grad_into(Refusing([None]), [fastdl.sum(a * a)], [None], [a])
    with pytest.raises(ValueError, match="a place or None for each of 1 inputs, got 0"):
        _core.grad_into(Sink([]), [fastdl.sum(a * a)], [None], [a])
