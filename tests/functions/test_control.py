"""Conditions and loops of `fastdl.ops`: Keras's results, gradients, graphs and recorded steps."""

import json
from pathlib import Path

import control_cases as cases
import numpy as np
import pytest
from golden_lines import answer

import fastdl
from fastdl import layers, models, ops

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/control.json").read_text("utf-8"))
EPS = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize("line", cases.lines())
def test_results_are_those_of_keras(line):
    # A dozen roundings.
    answer(line, GOLDEN[line], {"ops": ops, **cases.NAMES}, rtol=16 * EPS)


# Functions of a tensor of shape (2, 3), each with the same without control flow.
SMOOTH = [
    (lambda x: ops.cond(ops.sum(x) > 0, lambda: x * x, lambda: x), lambda x: x * x),
    (lambda x: ops.switch(1, [lambda y: y, lambda y: y * y], x), lambda x: x * x),
    (lambda x: ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1], "x**4"),
    (lambda x: ops.fori_loop(0, 2, lambda i, y: y * x, x), lambda x: x * x * x),
    (lambda x: ops.scan(lambda c, y: (c + y, c * y), x[0], x)[1], None),
    (lambda x: ops.map(lambda y: y * y, x), lambda x: x * x),
    (lambda x: ops.vectorized_map(lambda y: y * y, x), lambda x: x * x),
    (lambda x: ops.associative_scan(lambda a, b: a * b, x, axis=1), "cumulative"),
    (lambda x: ops.vectorize(lambda a: a * a)(x), lambda x: x * x),
]
PLAIN = {
    "x**4": lambda x: x * x * x * x,
    "cumulative": lambda x: fastdl.stack([x[:, 0], x[:, 0] * x[:, 1], x.prod(1)], 1),
    None: lambda x: fastdl.stack([x[0] * x[0], (x[0] + x[0]) * x[1]]),
}


@pytest.mark.parametrize(("function", "plain"), SMOOTH)
def test_gradients_flow_through(function, plain):
    plain = plain if callable(plain) else PLAIN[plain]
    weights = fastdl.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found = []
    for each in (function, plain):
        x = fastdl.tensor(np.abs(cases.A), requires_grad=True)
        y = each(x)
        (y * weights).sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=8 * EPS)  # products in another order


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.cond(ops.sum(x) > 3, lambda: x * 2, lambda: x - 1),
        lambda x: ops.switch(ops.cast(ops.sum(x) > 3, "int32"), [lambda y: y, lambda y: y * 2], x),
        lambda x: ops.while_loop(lambda y: ops.sum(y) < 100, lambda y: y + 1, x),
        lambda x: ops.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * 2), (0, x))[1],
        lambda x: ops.fori_loop(0, 2, lambda i, y: y * y, x),
        lambda x: ops.scan(lambda c, y: (c + y, c * y), np.zeros(3, "float32"), x)[1],
        lambda x: ops.map(lambda y: y * y, x),
        lambda x: ops.vectorized_map(lambda y: y - ops.mean(y), x),
        lambda x: ops.associative_scan(lambda a, b: a + b, x, axis=1),
        lambda x: ops.vectorize(lambda a: a * a)(x),
    ],
)
def test_they_stand_in_a_graph(function):
    x = layers.Input((3,))
    model = models.Model(x, function(x))
    for scale in (0.1, 10.0):
        values = np.abs(cases.A) * np.float32(scale)
        expected = function(fastdl.tensor(values))
        assert model(values).shape == expected.shape
        np.testing.assert_array_equal(np.asarray(model(values)), np.asarray(expected))


class Halves(layers.Layer):
    """Looks at the values of its input."""

    def call(self, x):
        return ops.cond(ops.mean(x) > 0, lambda: x * 0.5, lambda: x * -2.0)


class Powers(layers.Layer):
    """A loop over numbers."""

    def call(self, x):
        return ops.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * x), (0, x))[1]


def test_a_condition_on_values_makes_the_step_eager_and_right():
    model = fastdl.Sequential([layers.Input((2,)), Halves()])
    model.compile("sgd", "mse")
    x = np.float32([[1, 1], [-1, -1], [2, 2], [-2, -2], [3, 3]])
    with pytest.warns(UserWarning, match="eagerly"):
        found = model.predict(x, batch_size=1, verbose=0)
    np.testing.assert_array_equal(found, np.where(x > 0, x * 0.5, x * -2.0))


def test_a_loop_over_numbers_is_recorded():
    model = fastdl.Sequential([layers.Input((2,)), Powers()])
    x = np.random.default_rng(0).standard_normal((5, 2)).astype("float32")
    np.testing.assert_array_equal(model.predict(x, batch_size=1, verbose=0), x * x * x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.switch(0, []), "switch: branches"),
        (lambda: ops.cond(True, 1, 2), "cond: true_fn"),
        (lambda: ops.while_loop(lambda a, b: a < 1, lambda a, b: a + 1, (0, 1)), "2 variables"),
        (lambda: ops.scan(lambda c, x: (c, c), 0.0), "scan: xs, length"),
        (lambda: ops.scan(lambda c, x: (c, c), 0.0, np.ones(3), length=2), "size 2"),
        (lambda: ops.map(lambda x: x, np.ones((0, 2))), "map: expected at least one slice"),
        (lambda: ops.map(lambda x: x[0], [np.ones(2), np.ones(3)]), "same first size"),
        (lambda: ops.vectorize(lambda a: a, signature="n->n"), "vectorize: signature"),
        (
            lambda: ops.cond(ops.sum(layers.Input((2,))) > 0, lambda: [1.0], lambda: 1.0),
            "cond: expected results of the same structure",
        ),
    ],
)
def test_errors_name_the_function(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_loop_of_symbolic_variables_is_a_part_of_the_graph():
    x = fastdl.layers.Input((3,))
    # The condition does not look at x, so it holds for a symbol, too.
    found = fastdl.ops.while_loop(lambda x: True, lambda x: x * 2.0, x, maximum_iterations=4)
    assert found.shape == (None, 3)
    assert fastdl.Model(x, found)(np.ones((2, 3))).tolist() == [[16.0] * 3] * 2
    assert fastdl.ops.while_loop(lambda x: True, lambda x: (x,), (x,))[0].shape == (None, 3)
