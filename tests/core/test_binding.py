"""The ops as Python functions: keywords, defaults, docstrings and types, from csrc/ops/ops.inc."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastdl
from fastdl import _core
from fastdl._base import functional

TOP = Path(__file__).resolve().parents[2]
GENERATOR = TOP / "csrc/bind/generate.py"
pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason="the sources are not here")

X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], np.float32)


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_current():
    done = subprocess.run(
        [sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_op_has_its_row_and_its_function(generate):
    rows = generate.rows(generate.LIST.read_text())
    assert [row.name for row in rows] == _core.op_names()
    assert sorted(_core.op_names()) == sorted(functional.__all__)
    for row in rows:
        function = getattr(functional, row.name)
        assert function is getattr(_core, row.name)
        assert inspect.getdoc(function) == row.doc
        parameters = inspect.signature(function).parameters
        assert list(parameters) == [p.name for p in row.parameters]
        for p in row.parameters:
            default = parameters[p.name].default
            expected = inspect.Parameter.empty if p.default is None else eval(p.default)
            assert default == expected and type(default) is type(expected), (row.name, p.name)


def test_keywords_and_defaults_mean_the_same_as_positions():
    x, w = _core.tensor(X), _core.tensor(np.ones((2, 3), np.float32))
    for a, b in [
        (functional.sum(x, axes=1, keepdims=True), functional.sum(x, 1, True)),
        (functional.sum(x, keepdims=True), functional.sum(x, None, True)),
        (functional.sum(keepdims=True, x=x), functional.sum(x, None, True)),
        (functional.sum(x), functional.sum(x, None, False)),
        (functional.clip(hi=1, lo=-1, x=x), functional.clip(x, -1, 1)),
        (
            functional.linear(x, w, activation="relu", transpose_w=True),
            functional.linear(x, w, None, True, "relu", "float32"),
        ),
        # A name made at run time is another object than the interned string of the source.
        (functional.sum(x, **{"".join(["a", "xes"]): 0}), functional.sum(x, 0)),
    ]:
        assert a.shape == b.shape and fastdl.equal(a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: functional.sum(), "sum: argument 'x' is missing"),
        (lambda x: functional.clip(x, hi=2.0), "clip: argument 'lo' is missing"),
        (lambda x: functional.sum(x, x=x), "sum: argument 'x' is given twice"),
        (lambda x: functional.sum(x, 1, axes=1), "sum: argument 'axes' is given twice"),
        (
            lambda x: functional.sum(x, axis=1),
            "sum: unknown argument 'axis'; possible: x, axes, keepdims",
        ),
        (lambda x: functional.sum(x, 1, True, 2), "sum: expected at most 3 arguments, got 4"),
        (lambda x: functional.sum(x, axes="a"), "sum: argument 'axes': expected an integer"),
        (lambda x: functional.linear(x, x, precision=1), "linear: argument 'precision': expected"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(TypeError) as caught:
        call(_core.tensor(X))
    assert str(caught.value).startswith(message)


FLAGS = [
    (name, parameter)
    for name in _core.op_names()
    for parameter, known in inspect.signature(getattr(_core, name)).parameters.items()
    if isinstance(known.default, bool)
]


@pytest.mark.parametrize(("name", "flag"), FLAGS)
def test_flags_are_true_or_false(name, flag):
    op = getattr(_core, name)
    parameters = inspect.signature(op).parameters.items()
    given = {p: X for p, known in parameters if known.default is inspect.Parameter.empty}
    if name == "one_hot":
        given["depth"] = 3
    if "window" in given:
        given["window"] = 2
    if "rule" in given:
        given["rule"] = "sgd"
    for value in ("no", "", [1], [], None, 1.0, np.array([1, 0]), np.array(True)):
        with pytest.raises(TypeError) as caught:
            op(**given, **{flag: value})
        message = f"{name}: argument '{flag}': expected True or False, got "
        assert str(caught.value).startswith(message)


def test_numbers_that_are_flags():
    for value in (True, 1, np.True_):
        assert functional.sum(X, keepdims=value).shape == (1, 1)
    for value in (False, 0, np.False_):
        assert functional.sum(X, keepdims=value).shape == ()


def test_an_unknown_precision_is_named():
    message = "linear: argument 'precision': expected 'float32' or 'bfloat16', got 'half'"
    with pytest.raises(ValueError, match=message):
        functional.linear(X, X.T, precision="half")


@pytest.mark.parametrize("text", ["OP(Tensor, f, (Wrong x), 'a')", 'OP(Tensor, f, (Wrong x), "a")'])
def test_a_row_that_cannot_be_read_is_shown(generate, text):
    with pytest.raises(ValueError, match=r"ops.inc: .*(OP|Wrong)"):
        generate.rows(text)
