"""Writes the Python text that follows from the list of ops (csrc/ops/ops.inc): the types of the
binding, a part of fastdl/_core.pyi, and the functional layer, fastdl/_base/functional.py. The types
of Tensor's methods, another part of _core.pyi, follow from fastdl/_functions, which attaches them.

    python csrc/bind/generate.py           writes them
    python csrc/bind/generate.py --check   exit status 1 if one of them is out of date
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
LIST = TOP / "csrc/ops/ops.inc"
TYPES = TOP / "fastdl/_core.pyi"
LAYER = TOP / "fastdl/_base/functional.py"
FUNCTIONS = TOP / "fastdl/_functions"
WIDTH = 100

# A parameter's type in C++, without const and &, and in Python; results below.
PARAMETERS = {
    "Tensor": "TensorLike",
    "std::vector<Tensor>": "Sequence[TensorLike]",
    "DType": "DTypeLike",
    "Shape": "IntOrInts",
    "Axes": "IntOrInts | None",
    "std::vector<int64_t>": "IntOrInts",
    "int64_t": "int",
    "std::optional<int64_t>": "int | None",
    "double": "float",
    "std::optional<double>": "float | None",
    "bool": "bool",
    "std::string": "str",
    "Precision": "Precision",
    "NamedTensors": "Mapping[str, TensorLike | None]",
    "NamedNumbers": "Mapping[str, float]",
}
RESULTS = {"Tensor": "Tensor", "void": "None", "std::vector<Tensor>": "list[Tensor]"}
BEGIN = "# --- ops (this part is written by csrc/bind/generate.py)\n"
END = "# --- end of ops\n"
BEGIN_METHODS = "# --- Tensor's methods (this part is written by csrc/bind/generate.py)\n"
END_METHODS = "# --- end of methods\n"


@dataclass
class Parameter:
    name: str
    type: str  # in Python
    default: str | None  # in Python; None: required


@dataclass
class Row:
    name: str
    result: str
    parameters: list[Parameter]
    doc: str


def rows(text: str) -> list[Row]:
    """The rows of ops.inc. ValueError for one that cannot be read."""
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    string = r'"((?:[^"\\]|\\.)*)"'
    pattern = re.compile(rf"OP\(([\w:<>]+), (\w+),\s*\((.*?)\),\s*{string}\)\s*", re.DOTALL)
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = pattern.match(text, at)
        if match is None:
            raise ValueError(f"ops.inc: cannot read the row that starts {text[at : at + 60]!r}")
        result, name, list_of_parameters, doc = match.groups()
        parameters = [_parameter(p) for p in list_of_parameters.split(",")]
        found.append(Row(name, RESULTS[result], parameters, doc))
        at = match.end()
    return found


def _parameter(text: str) -> Parameter:
    declaration, _, default = (part.strip() for part in text.partition(" ="))
    match = re.fullmatch(r"(?:const )?([\w:<>]+)&? (\w+)", declaration)
    if match is None or match[1] not in PARAMETERS:
        raise ValueError(f"ops.inc: no Python type for the parameter {declaration!r}")
    kind = PARAMETERS[match[1]]
    if default in ("nullptr", "{}"):
        kind += " | None"
    return Parameter(match[2], kind, _python(default, kind) if default else None)


def _python(value: str, kind: str) -> str:
    """A default argument in Python."""
    if value in ("nullptr", "std::nullopt", "{}"):
        return "None"
    if value in ("true", "false"):
        return value.capitalize()
    if "::" in value:
        return f'"{value.rpartition("::")[2]}"'
    return str(float(value)) if kind == "float" else value


def stub(row: Row) -> str:
    arguments = [
        f"{p.name}: {p.type}" + ("" if p.default is None else f" = {p.default}")
        for p in row.parameters
    ]
    return function(row.name, arguments, row.result)


def function(name: str, arguments: list[str], result: str, indent: str = "") -> str:
    """A function of a stub, in as many lines as it needs."""
    line = f"{indent}def {name}({', '.join(arguments)}) -> {result}: ..."
    if len(line) <= WIDTH:
        return line + "\n"
    inner = f"{indent}    " + ", ".join(arguments)
    if len(inner) > WIDTH:
        inner = "\n".join(f"{indent}    {argument}," for argument in arguments)
    return f"{indent}def {name}(\n{inner}\n{indent}) -> {result}: ...\n"


# --- Tensor's methods


class Renamed(ast.NodeTransformer):
    """Renames types that a method of Tensor shadows by its own name."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("_" + node.id) if node.id in HIDDEN else node


HIDDEN = {"int", "bool", "float", "device"}
Definitions = dict[str, list[ast.FunctionDef]]


def definitions(tree: ast.Module) -> Definitions:
    """The functions of a module by name, aliases included. An overloaded function has all its
    overloads."""
    found: Definitions = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name) if node.decorator_list or not found.get(name):
                found.setdefault(name, []).append(node)
            case ast.Assign(targets, ast.Name(name)) if name in found:
                found.update((t.id, found[name]) for t in targets if isinstance(t, ast.Name))
    return found


def methods() -> str:
    """The class that has the types of the methods listed in fastdl/_functions/methods.py."""
    functions: Definitions = {}
    lists: dict[str, Any] = {}
    for path in sorted(FUNCTIONS.glob("*.py")):
        tree = ast.parse(path.read_text())
        if path.stem == "more_methods":
            more = definitions(tree)
        elif path.stem == "methods":
            own = definitions(tree)
            for node in tree.body:
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                    lists[ast.unparse(target)] = node.value
        elif path.stem != "__init__":
            functions |= definitions(tree)
    known = functions | own
    text = "class TensorMethods:\n"
    keys = ("FUNCTIONS", "LATER", "IN_PLACE", "MORE", "MORE_PROPERTIES")
    named = {key: ast.literal_eval(lists[key]).split() for key in keys}
    for name in sorted(named["FUNCTIONS"] + named["LATER"]):
        text += method(name, functions[name])
    for name in sorted(named["IN_PLACE"]):
        text += method(f"{name}_", functions[name])
    for name in sorted(named["MORE"]):
        text += method(name, more[name])
    for name in sorted(named["MORE_PROPERTIES"]):
        text += "    @property\n" + method(name, more[name])
    for key, value in zip(lists["METHODS"].keys, lists["METHODS"].values, strict=True):
        if not key.value.startswith("__"):
            of = known[value.id] if isinstance(value, ast.Name) else functions[value.attr]
            text += method(key.value, of)
    for key, value in zip(lists["PROPERTIES"].keys, lists["PROPERTIES"].values, strict=True):
        text += "    @property\n" + method(key.value, own[value.elts[0].id])
        if len(value.elts) > 1:
            text += f"    @{key.value}.setter\n" + method(key.value, own[value.elts[1].id])
    return text


def method(name: str, definitions: list[ast.FunctionDef]) -> str:
    text = ""
    for node in definitions:
        mark = "    @overload\n" if len(definitions) > 1 else ""
        _, *arguments = parameters(node.args)
        result = ast.unparse(Renamed().visit(node.returns))
        text += mark + function(name, ["self", *arguments], result, "    ")
    return text


def parameters(of: ast.arguments) -> list[str]:
    def text(arg: ast.arg, default: ast.expr | None, stars: str = "") -> str:
        kind = ast.unparse(Renamed().visit(arg.annotation))
        return f"{stars}{arg.arg}: {kind}" + (f" = {ast.unparse(default)}" if default else "")

    none = [None] * (len(of.args) - len(of.defaults))
    found = [
        text(arg, default) for arg, default in zip(of.args, [*none, *of.defaults], strict=True)
    ]
    if of.vararg:
        found.append(text(of.vararg, None, "*"))
    elif of.kwonlyargs:
        found.append("*")
    found += [
        text(arg, default) for arg, default in zip(of.kwonlyargs, of.kw_defaults, strict=True)
    ]
    return found + ([text(of.kwarg, None, "**")] if of.kwarg else [])


# --- files


def types(ops: list[Row], before: str) -> str:
    """The text of _core.pyi with new parts between the markers."""
    text = replaced(before, BEGIN_METHODS, "\n" + methods() + "\n", END_METHODS)
    return replaced(text, BEGIN, "\n" + "".join(map(stub, ops)) + "\n", END)


def replaced(text: str, begin: str, new: str, end: str) -> str:
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"{TYPES.name}: the lines {begin!r} and {end!r} are missing")
    return head + begin + new + end + tail


def layer(ops: list[Row]) -> str:
    names = sorted(row.name for row in ops)
    imported = "".join(f"    {name},\n" for name in names)
    listed = "".join(f'    "{name}",\n' for name in names)
    return (
        '"""The functional layer: one typed function per op, the core\'s own.\n\n'
        "Written by csrc/bind/generate.py from csrc/ops/ops.inc, which says what each op does and\n"
        'what its defaults are; so does `help`.\n"""\n\n'
        f"from .._core import (\n{imported})\n\n__all__ = [\n{listed}]\n"
    )


def main() -> None:
    ops = rows(LIST.read_text())
    wanted = {TYPES: types(ops, TYPES.read_text()), LAYER: layer(ops)}
    for path, text in wanted.items():
        if path.exists() and path.read_text() == text:
            continue
        if "--check" in sys.argv[1:]:
            sys.exit(f"{path.relative_to(TOP)} is out of date: run python csrc/bind/generate.py")
        path.write_text(text)
        print(f"wrote {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
