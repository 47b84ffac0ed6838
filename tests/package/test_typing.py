"""Type checkers see what there is: mypy --strict on users' programs, and the stub of the core."""

import ast
import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import pytest

import fastdl
from fastdl import Tensor
from fastdl._functions import methods

HERE = Path(__file__).parents[1] / "typing"
ROOT = Path(fastdl.__file__).parent

needs_mypy = pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")


def mypy(program, folder):
    """What `mypy --strict` says about a program outside of the package's folder, by line."""
    environment = dict(os.environ)
    if ROOT.parent.name != "site-packages":  # where mypy looks itself
        environment["MYPYPATH"] = str(ROOT.parent)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--config-file=", f"--cache-dir={folder}", str(program)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert not done.stderr
    found = {"error": {}, "note": {}}
    for line in done.stdout.splitlines():
        match = re.match(r".*\.py:(\d+): (error|note): (.*)", line)
        if match:
            found[match[2]].setdefault(int(match[1]), []).append(match[3])
    assert bool(found["error"]) == (done.returncode == 1), done.stdout
    return found


def expected(program, mark):
    lines = enumerate(program.read_text().splitlines(), 1)
    return {n: line.split(f"# {mark}: ")[1] for n, line in lines if f"# {mark}: " in line}


@needs_mypy
def test_a_right_program_passes_and_its_types_are_known(tmp_path):
    program = HERE / "right.py"
    found = mypy(program, tmp_path)
    assert not found["error"]
    revealed = {
        line: re.sub(r"\b\w+\.", "", notes[0].split('"')[1])  # without names of modules
        for line, notes in found["note"].items()
        if notes[0].startswith("Revealed type")
    }
    assert revealed == expected(program, "N")


@needs_mypy
def test_each_mistake_is_found(tmp_path):
    program = HERE / "wrong.py"
    found, wanted = mypy(program, tmp_path)["error"], expected(program, "E")
    assert found.keys() == wanted.keys()
    for line, message in wanted.items():
        assert any(message in error for error in found[line]), (line, found[line])


def test_the_right_program_runs(capsys):
    runpy.run_path(str(HERE / "right.py"), {"reveal_type": lambda x: x}, "__main__")
    assert "nan" not in capsys.readouterr().out


# --- the stub of the core


def members(of):
    """The names that a class of the stub defines."""
    stub = ast.parse((ROOT / "_core.pyi").read_text())
    body = next(n.body for n in stub.body if isinstance(n, ast.ClassDef) and n.name == of)
    return {n.target.id if isinstance(n, ast.AnnAssign) else n.name for n in body}


def test_the_stub_has_tensors_members_and_no_others():
    """Signatures and types of the methods are generated; tests/core/test_binding.py checks that."""
    stub = members("Tensor") | members("TensorMethods")
    there = {name for name in vars(Tensor) if not name.startswith(("__", "_pybind11"))}
    assert {name for name in stub if not name.startswith("__")} == there
    listed = {*methods.FUNCTIONS.split(), *methods.LATER.split()}
    listed |= {*methods.MORE.split(), *methods.MORE_PROPERTIES.split()}
    listed |= {*methods.METHODS, *methods.PROPERTIES}
    listed |= {f"{name}_" for name in methods.IN_PLACE.split()}
    assert members("TensorMethods") == {name for name in listed if not name.startswith("__")}


# --- the types of **kwargs


def fields(path, name):
    """The keys of a TypedDict in a file of the package, with those of its bases."""
    tree = ast.parse((ROOT / path).read_text())
    found = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}
    bases = [base.id for base in found[name].bases if base.id in found]
    own = {n.target.id for n in found[name].body if isinstance(n, ast.AnnAssign)}
    return own.union(*(fields(path, base) for base in bases))


def test_options_are_the_arguments_of_the_base_classes():
    of_input = {
        **{"input_shape": (3,), "input_dim": 3, "batch_size": 2},
        **{"batch_input_shape": (None, 3), "batch_shape": (None, 3)},
    }
    assert fields("layers/options.py", "InputOptions") == set(of_input)
    for name, value in of_input.items():
        fastdl.layers.Layer(**{name: value})
    layer = set(signature(fastdl.layers.Layer.__init__).parameters) - {"self", "kwargs"}
    assert fields("layers/options.py", "LayerOptions") == layer | set(of_input)
    optimizer = set(signature(fastdl.optimizers.Optimizer).parameters)
    options = fields("optimizers/_options.py", "OptimizerOptions")
    assert options == optimizer - {"learning_rate", "unknown"}


# --- the names of the top level


def stated_for_type_checkers():
    """The names that `fastdl/__init__.py` imports for type checkers only, with their modules."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    block = next(
        n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    )
    imports = [n for n in block.body if isinstance(n, ast.ImportFrom) and n.level]
    return {alias.asname or alias.name: node.module for node in imports for alias in node.names}


def test_the_top_level_states_its_names_once_for_python_and_once_for_type_checkers():
    stated = stated_for_type_checkers()
    assert stated.pop("*") == "_functions"
    assert stated == {**dict.fromkeys(fastdl._SUBMODULES), **fastdl._HOME}
    for name in (*stated, "Variable", "keras"):
        assert getattr(fastdl, name) is not None
    assert set(fastdl._HOME) <= set(dir(fastdl))
