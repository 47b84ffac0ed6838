"""Writes what follows from the list of ops (csrc/ops/ops.inc) in Python: the types of the binding,
as a part of fastdl/_core.pyi, and the functional layer, fastdl/_base/functional.py.

    python csrc/bind/generate.py           writes both
    python csrc/bind/generate.py --check   exit status 1 if one of them is out of date
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LIST = TOP / "csrc/ops/ops.inc"
TYPES = TOP / "fastdl/_core.pyi"
LAYER = TOP / "fastdl/_base/functional.py"
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
    "bool": "bool",
    "std::string": "str",
    "Precision": "Precision",
    "NamedTensors": "Mapping[str, TensorLike | None]",
    "NamedNumbers": "Mapping[str, float]",
}
RESULTS = {"Tensor": "Tensor", "void": "None", "std::vector<Tensor>": "list[Tensor]"}
BEGIN = "# --- ops (this part is written by csrc/bind/generate.py)\n"
END = "# --- end of ops\n"


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
    line = f"def {row.name}({', '.join(arguments)}) -> {row.result}: ..."
    if len(line) <= WIDTH:
        return line + "\n"
    inner = "    " + ", ".join(arguments)
    if len(inner) > WIDTH:
        inner = "\n".join(f"    {argument}," for argument in arguments)
    return f"def {row.name}(\n{inner}\n) -> {row.result}: ...\n"


def types(ops: list[Row], before: str) -> str:
    """The text of _core.pyi with the part between the markers made anew."""
    head, _, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"{TYPES.name}: the lines that mark the part of the ops are missing")
    return head + BEGIN + "\n" + "".join(map(stub, ops)) + "\n" + END + tail


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
