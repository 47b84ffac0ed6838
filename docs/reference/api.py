"""The pages of the API: one for each public module, made from its names and docstrings.

conf.py writes them into docs/api before a build. They hold only Sphinx's directives.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import fastdl

# Public modules within others; those of the top level are fastdl's own list.
_NESTED = """
    datasets.digits datasets.fashion_mnist datasets.mnist distributions.constraints
    distributions.transforms nn.functional nn.init nn.utils nn.utils.prune
    ops.image optim.lr_scheduler optim.swa_utils optimizers.schedules preprocessing.image
    preprocessing.sequence signal.windows
""".split()
# Functions that only other modules of the package use.
_INTERNAL = {
    "check_broadcast",
    "check_limits",
    "check_probability",
    "compute_fans",
    "drop_channels",
}
_INTERNAL |= {"fused_name", "own_stream"}


def modules() -> list[str]:
    """The full names of all public modules."""
    top = [name for name in dir(fastdl) if inspect.ismodule(getattr(fastdl, name))]
    found = {getattr(fastdl, name).__name__ for name in top} | {f"fastdl.{n}" for n in _NESTED}
    return ["fastdl", *sorted(found - {"fastdl", "fastdl.datasets"})]


def names(module_name: str) -> list[str]:
    """The public names of a module: its `__all__`, or what it defines and imports as itself."""
    module = import_module(module_name)
    if module_name == "fastdl":
        found = set(dir(module))
    elif hasattr(module, "__all__"):
        found = set(module.__all__)
    else:
        found = _defined(module)
    public = (name for name in found - _INTERNAL if not name.startswith("_"))
    return sorted(n for n in public if not inspect.ismodule(getattr(module, n)))


def _defined(module: ModuleType) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):  # `from .a import b as b` exports b
            found.update(alias.name for alias in node.names if alias.asname == alias.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            found.update(t.id for t in node.targets if isinstance(t, ast.Name))
    return {name for name in found if hasattr(module, name)}


def homes() -> dict[int, str]:
    """Where each class and function is described: one that several modules have, only once."""
    found: dict[int, str] = {}
    for module in [*modules()[1:], "fastdl"]:
        for name in names(module):
            thing = getattr(import_module(module), name)
            own = getattr(thing, "__name__", name) == name  # rather than another name for it
            if callable(thing) and (own or id(thing) not in found):
                found.setdefault(id(thing), f"{module}.{name}")
    return found


def page(module_name: str, described: dict[int, str]) -> Iterator[str]:
    """The page of a module, in reStructuredText."""
    module = import_module(module_name)
    yield f"{module_name}\n{'=' * len(module_name)}\n"
    yield f".. automodule:: {module_name}\n"
    elsewhere: list[str] = []
    for kind in ("class", "function"):
        for name in names(module_name):
            thing: Any = getattr(module, name)
            full = f"{module_name}.{name}"
            if not callable(thing) or isinstance(thing, type) != (kind == "class"):
                continue
            if described[id(thing)] != full:
                elsewhere.append(f"``{name}`` is :py:obj:`{described[id(thing)]}`")
                continue
            bound = str(inspect.signature(thing)) if inspect.ismethod(thing) else ""
            yield f".. auto{kind}:: {full}{re.sub(': .*?(?=[,)=]| =)| ->.*', '', bound)}"
            if kind == "class":
                yield "   :members:"
            yield ""
    values = [f"``{n}``" for n in names(module_name) if not callable(getattr(module, n))]
    if values:
        yield f"Types of elements, which are NumPy's: {', '.join(values)}.\n"
    if elsewhere:
        yield "Also here:\n"
        yield from (f"- {line}" for line in sorted(elsewhere))
        yield ""


def restructured(lines: list[str]) -> list[str]:
    """The lines of a docstring, which are close to Markdown, as reStructuredText.

    Code stands between single backticks, formulas are indented below a colon, lists need no empty
    line before them, and `*`, `|` and a `_` at the end of a word mean themselves.
    """
    result: list[str] = []
    above = formula = -1  # the indents of the last text, and of that above an indented formula
    for before, line in zip(["", *lines], lines, strict=False):
        text = line.lstrip()
        indent = len(line) - len(text)
        if formula >= 0 and text and indent <= formula:
            formula = -1
        elif formula < 0 <= above < indent and not before.strip() and not text.startswith(">>>"):
            formula = above
            result += [" " * above + "::", ""]
        if formula >= 0 or text.startswith((">>>", "...", ".. ")):
            result.append(line)
        else:
            listed = text.startswith("- ") and before.strip() and above <= indent
            if listed and not before.lstrip().startswith("- "):
                result.append("")
            result.append(_escaped(line))
        above = indent if text and formula < 0 else above
    return result


def _escaped(line: str) -> str:
    """A line with its code marked, and with no other marks."""
    parts = re.split(r"(`[^`]*`)", line)
    for i, part in enumerate(parts):
        if i % 2:
            glued = i + 1 < len(parts) and parts[i + 1][:1].isalnum()
            parts[i] = f"`{part}`" + "\\ " * glued
        else:
            parts[i] = re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", part)
    return "".join(parts)


def write(folder: Path) -> None:
    """Writes the pages that changed, and an index of them."""
    folder.mkdir(exist_ok=True)
    described = homes()
    texts = {f"{name}.rst": "\n".join(page(name, described)) for name in modules()}
    index = ["API", "===", "", ".. toctree::", "   :maxdepth: 1", ""]
    texts["index.rst"] = "\n".join([*index, *(f"   {name}" for name in modules()), ""])
    for old in set(folder.glob("*.rst")) - {folder / name for name in texts}:
        old.unlink()
    for name, text in texts.items():
        file = folder / name
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
