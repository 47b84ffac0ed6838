"""The tables of what fastdl has of Keras and PyTorch, and the pages of its API.

The lists of names come from the libraries (docs/reference/collect.py). What is compared here is
found by plain `hasattr` and by calls, not by the code that makes the tables.
"""

import inspect
import re
import sys
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

import pytest

import fastdl
from fastdl import layers, nn, ops, optim
from fastdl._base import missing

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "reference"))

import api
import compare

LIBRARIES = {"keras": 1200, "torch": 1600}  # at least this many names are on each list
ALL = {
    library: [name for members in compare.names(library).values() for name in members]
    for library in LIBRARIES
}


def find(name):
    """Whether fastdl has what has this full name in a library."""
    path = name.replace("torch.utils.data", "torch.data").split(".")[1:]
    found = fastdl
    for part in path:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


# --- the tables


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_name_of_the_list_has_a_state(library):
    text = compare.LISTS[library].read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(ALL[library]) == len(lines) > LIBRARIES[library]
    for name in ALL[library]:
        assert find(name.full) == (name.state != "missing"), name.full


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_name_stands_once_in_its_section(library):
    total = dict.fromkeys(("there", "differs", "missing"), 0)
    for section, members in compare.names(library).items():
        text = "\n".join(compare.section(library, section))
        rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
        lists = [line for line in text.splitlines() if line.startswith(("The same", "Missing"))]
        named = [line.partition(". ")[0] for line in lists]  # reasons name other things
        shown = re.findall(r"`([^`]+)`", "\n".join(rows + named))
        assert sorted(shown) == sorted(name.short for name in members)
        for state, number in compare.counts(members).items():
            total[state] += number
    assert sum(total.values()) == len(ALL[library])
    last = list(compare.summary(library))[-1]
    assert last == "| **all** | " + " | ".join(f"**{n}**" for n in total.values()) + " |"


@pytest.mark.parametrize("library", LIBRARIES)
def test_arguments_that_differ_have_a_reason(library):
    unexplained = [
        f"{name.full}: {how}"
        for name in ALL[library]
        for argument, how in name.written.items()
        if not (name.reasons(argument) or name.reasons(argument, same=True))
    ]
    assert not unexplained


def test_reasons_are_about_something_that_differs():
    names = {name.full: name for names in ALL.values() for name in names}
    for difference in compare.differences():
        about = [name for name in names.values() if difference.about(name.full)]
        about = [name for name in about if name.there]
        assert about, difference
        for pattern in difference.names:
            assert "*" in pattern or pattern in names, pattern
        for argument in difference.arguments:
            assert any(argument in name.written for name in about), (difference.names, argument)


def test_names_that_are_left_out_have_a_reason():
    known = {f"{where}.{name}" for where, names in missing.peer_names().items() for name in names}
    known |= {name.full for names in ALL.values() for name in names}
    left_out = sorted(name for name in known if not find(name))
    without = [name for name in left_out if not missing.reason(name)]
    assert not without
    counted = dict.fromkeys(left_out, 0)
    for patterns, why in missing.left_out():
        assert why.endswith("."), why
        for pattern in patterns:
            about = [name for name in left_out if fnmatchcase(name, pattern)]
            assert about, pattern
            for name in about:
                counted[name] += "*" not in pattern  # told once
    assert not [name for name, times in counted.items() if times > 1]
    text = "\n".join(compare.section("torch", "torch"))
    assert "Missing: `double`, `float64`. There is no float64; float32 is the type" in text


def test_known_names_are_where_they_belong():
    states = {name.full: name.state for names in ALL.values() for name in names}
    assert states["keras.layers.Dropout"] == states["torch.nn.Linear"] == "there"
    assert states["keras.Model.compile"] == states["torch.save"] == "differs"
    assert states["keras.layers.JaxLayer"] == states["torch.Tensor.to_sparse"] == "missing"


# --- the comparison of arguments


def differing(arguments, function, method=False):
    return compare.compared(arguments, function, method)


def test_arguments_are_compared_by_name_default_and_order():
    def ours(a, b=1, *, c="x"):
        pass

    assert differing("a, b=1, c='x'", ours) == {}
    assert differing("a, b=1.0, c='X'", ours) == {}  # equal values, names in any case
    assert differing("a, b=2, c='x'", ours) == {"b": "`b=1` instead of `2`"}
    assert differing("a, b=1", ours) == {}  # more arguments, none of them needed
    assert differing("a, b=1, c='x', d=None", ours) == {"d": "no `d`"}
    assert differing("b=1, a=0", ours)["a"] == "`a` must be given"
    assert differing("x, b=1", ours) == {"x": "no `x`", "a": "`a` in addition"}
    assert differing("b, a", ours) == {"a": "another order: `a, b`"}
    assert differing("a | b=1", ours) == {"a": "`a` must be given"}  # two forms, one without it
    assert differing("a, b='(1, 2)', c=(1, 'x, y')", ours).keys() == {"b", "c"}
    assert differing("", ours, method=True) == {}  # a is the object


def test_arguments_behind_kwargs_are_known():
    assert differing("activation, name=None, dtype=None, **kwargs", layers.Activation) == {}
    assert differing("learning_rate=0.001, clipnorm=None", fastdl.optimizers.Lion) == {}
    assert "rank" in differing("units, rank=None", layers.Dense)


@pytest.mark.parametrize("kind", [layers.Dense, layers.Layer, fastdl.Sequential])
def test_a_class_of_layers_shows_the_arguments_of_its_constructor(kind):
    expected = list(inspect.signature(kind.__init__).parameters.values())[1:]
    assert list(inspect.signature(kind).parameters.values()) == expected


def test_an_object_shows_the_arguments_of_a_call():
    assert "units" not in inspect.signature(layers.Dense(2)).parameters


# --- names of arguments that the tables found to be missing


def test_arguments_have_the_names_of_the_libraries():
    x = fastdl.tensor([[-1.0, 3.0]])
    assert nn.functional.relu(input=x).tolist() == [[0.0, 3.0]]
    assert nn.functional.one_hot(tensor=fastdl.tensor([1])).tolist() == [[0, 1]]
    assert nn.functional.pad(input=x, pad=(1, 0), value=None).tolist() == [[0.0, -1.0, 3.0]]
    assert fastdl.zeros_like(input=x, dtype="int32", device="cpu").tolist() == [[0, 0]]
    assert fastdl.randn_like(input=x, dtype="float16").dtype == "float16"
    assert fastdl.arange(end=3).tolist() == [0, 1, 2]
    assert fastdl.arange(start=1, end=3).tolist() == [1, 2]
    with pytest.raises(TypeError, match="arange: end: expected a number, got None"):
        fastdl.arange()
    assert fastdl.randint(high=1, size=(2,)).tolist() == [0, 0]
    assert [t.tolist() for t in fastdl.split(tensor=x, split_size_or_sections=1, dim=1)] == [
        [[-1.0]],
        [[3.0]],
    ]
    assert fastdl.DTypePolicy().name == "float32"
    assert layers.add(inputs=[x, x]).tolist() == [[-2.0, 6.0]]
    with fastdl.utils.custom_object_scope(custom_objects={"twice": lambda x: 2 * x}):
        assert fastdl.activations.get("twice")(x).tolist() == [[-2.0, 6.0]]
    assert isinstance(fastdl.initializers.get("zeros"), fastdl.initializers.zeros)


# --- the API


def test_every_public_module_has_a_page():
    modules = api.modules()
    assert {"fastdl", "fastdl.layers", "fastdl.nn.functional", "fastdl.sklearn"} <= set(modules)
    for module in fastdl._SUBMODULES - {"datasets"}:
        assert f"fastdl.{module}" in modules
    for module in modules:
        for name in api.names(module):
            assert hasattr(import_module(module), name), f"{module}.{name}"


def test_every_public_name_is_described_once():
    described = api.homes()
    pages = {module: "\n".join(api.page(module, described)) for module in api.modules()}
    for module in (layers, nn, ops, optim):
        page = pages[module.__name__]
        for name in api.names(module.__name__):
            assert f"{module.__name__}.{name}" in page or f"``{name}``" in page
    text = "\n".join(pages.values())
    entries = re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)", text, re.MULTILINE)
    assert len(entries) == len(set(entries)) > 600


def test_docstrings_become_what_sphinx_reads():
    lines = [
        "Sums `x`s of |z|, with a_ and *more*.",
        "",
        "    y = x * 2",
        "",
        "Parts:",
        "- one",
        "- `two`",
        "",
        "Args:",
        "    x: a number.",
        "",
        "Example:",
        "    >>> f(`x`)",
    ]
    assert api.restructured(lines) == [
        r"Sums ``x``\ s of \|z\|, with a\_ and \*more\*.",
        "",
        "::",
        "",
        "    y = x * 2",
        "",
        "Parts:",
        "",
        "- one",
        "- ``two``",
        "",
        "Args:",
        "    x: a number.",
        "",
        "Example:",
        "    >>> f(`x`)",
    ]
