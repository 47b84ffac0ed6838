"""The attributes of calls by name, for every op of the table and in the listing of a plan."""

from __future__ import annotations

import numpy as np
import pytest
from op_cases import CASES, Draw
from test_ops import cotangents, gradients, run, tensors_of

from fastdl import _core

# Rows that no case reaches: plans contain them, or they make a product's rows for an optimizer.
WITHIN = {"linear_packed", "matmul_rows", "restore"}


def plan_of(step, inputs):
    recorder = _core.Recorder()
    try:
        outputs = step(inputs)
    finally:
        recorder.stop()
    assert not recorder.problem
    return _core.Plan(recorder, inputs, outputs)


def plan_of_case(case):
    arrays = case.inputs(Draw("small"))
    weights = cotangents(case, tensors_of(case, arrays))

    def step(tensors):
        out = run(case, tensors)
        if not case.wrt:
            return out
        plain = gradients(case, tensors, weights, outputs=out)
        first = plain + gradients(case, tensors, weights, create_graph=True, outputs=out)
        roots = [g for g in first if g.requires_grad]
        if not roots:
            return out + first
        second = _core.grad(
            roots, [g.detach() for g in roots], [tensors[i] for i in case.wrt], True, False
        )
        return out + first + [g for g in second if g is not None]

    return plan_of(step, tensors_of(case, arrays, requires_grad=True))


def test_every_row_is_listed_with_its_attributes():
    """The plan of a case raises if its op has attributes without names."""
    names = [name for name, _ in _core.op_rows()]
    assert len(names) == len(set(names))
    seen = {}
    for case in CASES:
        for name, inputs, outputs, attributes in plan_of_case(case).listing:
            seen.setdefault(name, set()).add(tuple(attributes))
            for operand in inputs + outputs:
                assert operand is None or len(operand) == 4
    # And a move and the results of Python: they are no calls.
    views = {"reshape", "channels_first", "channels_last", "to", "function"}
    assert set(seen) | WITHIN >= set(names) - views
    assert set(seen) <= set(names)
    # Each op has one set of names; each rule of update_ has its own.
    rules = len(_core.update_rules())
    assert all(len(keys) == (rules if name == "update_" else 1) for name, keys in seen.items())


@pytest.mark.parametrize(
    ("call", "name", "expected"),
    [
        (lambda x: _core.sum(x, [1], True), "sum", {"axes": [1], "keepdims": True, "divisor": 1.0}),
        (lambda x: _core.mean(x, None, False), "sum", {"axes": [0, 1], "divisor": 12.0}),
        (lambda x: _core.transpose(x, [1, 0]), "transpose", {"perm": [1, 0]}),
        (lambda x: _core.cast(x, "int32"), "cast", {"dtype": "int32"}),
        (lambda x: _core.broadcast_to(x, (2, 3, 4)), "broadcast_to", {"shape": (2, 3, 4)}),
        (
            lambda x: _core.slice(x, [2, 3], [-1, 0], [-1, -2]),
            "slice",
            {"starts": [2, 3], "steps": [-1, -2], "shape": (3, 2)},
        ),
        (lambda x: _core.leaky_relu(x, 0.5), "leaky_relu", {"negative_slope": 0.5}),
        (lambda x: _core.clip(x, -0.5, 2.0), "clip", {"min": -0.5, "max": 2.0}),
        (lambda x: _core.relu(x), "relu", {}),
        (
            lambda x: _core.linear(x, np.ones((4, 2), np.float32), None, False, "tanh"),
            "linear",
            {"transpose_w": False, "activation": "tanh", "precision": "float32"},
        ),
        (lambda x: _core.concat([x, x], 1), "concat", {"axis": 1}),
        (lambda x: _core.split(x, [1, 3], 1)[0], "split", {"axis": 1, "sizes": [1, 3]}),
    ],
)
def test_attributes(call, name, expected):
    x = _core.tensor(np.arange(12, dtype=np.float32).reshape(3, 4))
    plan = plan_of(lambda inputs: [call(*inputs)], [x])
    (found,) = [attributes for op, _, _, attributes in plan.listing if op == name]
    assert {k: found[k] for k in expected} == expected
    if not expected:
        assert found == {}


def test_the_listing_is_a_graph():
    """Each operand names its buffer. Weights and inputs are external, intermediates are not."""
    x = _core.tensor(np.ones((5, 4), np.float32))
    w = _core.tensor(np.full((4, 3), 0.5, np.float32))
    plan = plan_of(lambda i: [_core.exp(_core.linear(i[0], w, None, False, ""))], [x])
    linear, exp = plan.listing
    assert [linear[0], exp[0]] == ["linear", "exp"]
    assert linear[1][0] == plan.input_operands[0] == (linear[1][0][0], 0, "float32", (5, 4))
    assert linear[1][2] is None
    assert exp[1] == linear[2]
    assert exp[2] == plan.output_operands
    memory = plan.memory
    assert linear[2][0][0] not in memory
    weight = memory[linear[1][1][0]].numpy().view(np.float32)
    np.testing.assert_array_equal(weight, w.numpy().reshape(-1))


def test_the_text_of_a_plan_has_the_attributes():
    x = _core.tensor(np.ones((3, 4), np.float32))
    plan = plan_of(lambda i: [_core.sum(_core.leaky_relu(i[0], 0.25), [1], True)], [x])
    leaky, total = str(plan).splitlines()
    assert leaky.startswith("leaky_relu(float32(3, 4), negative_slope=0.25)")
    assert "axes=[1], keepdims=True, divisor=1" in total
