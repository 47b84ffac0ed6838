"""The rooms of the package import in one direction: core, base, graph and engine, the two faces.

The faces are siblings: neither imports the other. No room reaches into another's private modules or
names. There is no cycle, at run time or for type checking only. docs/architecture.md draws it.
"""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import children
import pytest

import fastdl
from fastdl._base import functional

ROOT = Path(fastdl.__file__).parent

NEUTRAL = {"_core", "_openmp", "_base", "_graph", "_engine", "autograd", "saving"}
TORCH = {
    *("nn", "optim", "data", "accelerator", "amp", "backends", "cuda", "func", "linalg"),
    *("special", "_functions", "distributions", "fft", "signal"),
}
KERAS = {
    *("activations", "backend", "callbacks", "config", "constraints", "initializers", "layers"),
    *("losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "random"),
    *("dtype_policies", "preprocessing", "regularizers", "tree", "utils", "_finders"),
}
# What each room may import; a room is a module or package below `fastdl`, "" the top level.
MAY_IMPORT = {
    "_core": set(),
    "_openmp": set(),
    "_base": {"_core", "_openmp"},
    "autograd": {"_core", "_base"},
    "_graph": {"_core", "_base"},
    "_engine": {"_core", "_base"},
    "saving": {"_core", "_base", "_graph"},
    **dict.fromkeys(TORCH, NEUTRAL | TORCH),
    **dict.fromkeys(KERAS, NEUTRAL | KERAS),
    "applications": NEUTRAL | KERAS,
    "sklearn": NEUTRAL | KERAS,
    "tabular": NEUTRAL | TORCH | KERAS,
    "datasets": {"_base"},
    "cli": {"_base", "_core", ""},
    "__main__": {"cli"},
    "": NEUTRAL | TORCH | KERAS | {"applications", "datasets", "sklearn", "tabular"},
}
# Names in places where programs look for them, loaded on first use. `utils.data` is
# torch.utils.data. The finders use models, which use `utils`.
ALIASES = {
    ("utils.data", "data"),
    ("utils", "_finders.batch_size"),
    ("utils", "_finders.learning_rate"),
}


class Import(NamedTuple):
    importer: str  # dotted, below `fastdl`
    module: str  # the one that is imported
    name: str  # what of it; "" for the module itself
    place: str


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(path): path for path in ROOT.rglob("*.py")}


def room(module: str) -> str:
    return module.split(".")[0]


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """The imports of other modules of the package, within functions and for types, too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            wrong = [a.name for a in node.names if a.name.split(".")[0] == "fastdl"]
            assert not wrong or room(module) == "cli", f"{path}: {wrong}: imports here are relative"
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package.split(".") if package else []
        base = base[: len(base) - (node.level - 1)]
        target = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            full = f"{target}.{alias.name}".strip(".")
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            if full in FILES or full in ("_core", "_openmp"):
                yield Import(module, full, "", place)
            else:
                yield Import(module, target, alias.name, place)


IMPORTS = [found for module, path in FILES.items() for found in imports_of(module, path)]


def test_every_room_has_its_place():
    assert {room(module) for module in FILES} <= MAY_IMPORT.keys()


def test_rooms_import_in_one_direction():
    wrong = [
        f"{i.place}: {room(i.importer) or 'the top level'} imports {i.module}"
        for i in IMPORTS
        if room(i.importer) != room(i.module)
        and room(i.module) not in MAY_IMPORT[room(i.importer)]
        and (i.importer, i.module) not in ALIASES
    ]
    assert not wrong, "\n".join(wrong)


def test_no_room_reaches_into_the_private_parts_of_another():
    def private(name: str) -> bool:
        return name.startswith("_") and not name.startswith("__") and name not in MAY_IMPORT

    wrong = [
        f"{i.place}: {i.module} {i.name}"
        for i in IMPORTS
        if room(i.importer) != room(i.module)
        and (private(i.name) or any(map(private, i.module.split("."))))
    ]
    assert not wrong, "\n".join(wrong)


def op_tensors() -> dict[str, int]:
    """How many required tensors come first in each op's parameters."""
    stub = ast.parse((ROOT / "_core.pyi").read_text())
    found = {}
    for node in stub.body:
        if isinstance(node, ast.FunctionDef) and node.name in functional.__all__:
            args = node.args.posonlyargs + node.args.args
            types = [ast.unparse(a.annotation) for a in args[: len(args) - len(node.args.defaults)]]
            tensors = itertools.takewhile(lambda t: "TensorLike" in t, types)
            found[node.name] = len(list(tensors))
    assert found.keys() == set(functional.__all__)
    return found


def test_ops_are_called_through_the_functional_layer():
    """Tensors come first, options by keyword."""
    tensors, wrong = op_tensors(), []
    for path in FILES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(ast.Name("_core"), op) if op in tensors:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: _core.{op}")
                case ast.Call(ast.Attribute(ast.Name("F"), op)) if op in tensors:
                    given = [a for a in node.args if not isinstance(a, ast.Starred)]
                    if len(given) > tensors[op]:
                        wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: F.{op} by position")
    assert not wrong, "\n".join(wrong)


def test_there_is_no_cycle():
    """Between rooms; within one, modules may need each other within functions."""
    below: dict[str, set[str]] = {}
    for i in IMPORTS:
        if room(i.importer) != room(i.module) and (i.importer, i.module) not in ALIASES:
            below.setdefault(room(i.importer), set()).add(room(i.module))
    below.pop("cli", None)  # the command uses the package as a user does

    def walk(start: str, path: tuple[str, ...]) -> None:
        if start in path:
            pytest.fail(" -> ".join((*path[path.index(start) :], start)))
        for lower in below.get(start, ()):
            walk(lower, (*path, start))

    for start in below:
        walk(start, ())


# What `import fastdl` loads. A module more takes a tenth of a millisecond or more of every start.
LOADED = """
    _core _base _base.dtypes _base.results _base.functional _base.moving _base.formulas
    _base.picking _base.tree _base.device _base.random _functions _functions.activation
    _functions.arithmetic _functions.indexing _functions.linalg _functions.movement
    _functions.reduction _functions.unary _functions.filling _functions.methods
    _functions.tape_methods
"""


def test_the_import_loads_no_more_than_it_needs(tmp_path):
    program = "import sys, fastdl; print(*(m for m in sys.modules if m.startswith('fastdl.')))"
    loaded = children.output(program, tmp_path, FASTDL_THREADING="")
    assert {m.removeprefix("fastdl.") for m in loaded.split()} == set(LOADED.split())
