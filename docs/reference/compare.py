"""`python docs/reference/compare.py {keras,torch}`: what fastdl has of a library, and what differs.

The names and arguments of the library are those of the lists beside this file (collect.py writes
them), fastdl's are those of the package that Python imports. Differences have their reasons in
differences.txt, names that are missing in fastdl/_base/left_out.txt. The site shows the tables that
this module makes, and the tests check that each difference has a reason.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
reason_of_absence = import_module("fastdl._base.missing").reason
LISTS = {"keras": HERE / "keras-3.15.1.txt", "torch": HERE / "torch-2.13.0.txt"}
TITLES = {"keras": "Keras 3.15", "torch": "PyTorch 2.13"}
# Modules that have another name here.
_HERE = {"torch.utils.data": "fastdl.data"}
MISSING = object()


@dataclass
class Difference:
    """Lines of differences.txt: for which names, for which arguments, and why."""

    names: list[str]
    arguments: list[str]
    reason: str
    same: bool  # the arguments are written differently and mean the same

    @property
    def general(self) -> bool:
        return self.names[0].endswith(".*")

    def about(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.names)


@dataclass
class Name:
    """A public name of a library beside fastdl's."""

    full: str
    there: bool
    written: dict[str, str] = field(default_factory=dict)  # each argument that differs, and how

    @property
    def short(self) -> str:
        return self.full.rpartition(".")[2]

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments that differ in what they mean."""
        return {a: how for a, how in self.written.items() if not self.reasons(a, same=True)}

    @property
    def meanings(self) -> list[Difference]:
        """What is known to differ in meaning, for this name alone."""
        known = [d for d in differences() if not d.arguments]
        return [d for d in known if d.about(self.full)]

    @property
    def absence(self) -> str:
        """Why it is missing; "" if nothing is said about it."""
        return str(reason_of_absence(self.full))

    def reasons(self, argument: str, same: bool = False) -> list[Difference]:
        known = [d for d in differences() if argument in d.arguments and d.same == same]
        return [d for d in known if d.about(self.full)]

    @property
    def state(self) -> str:
        if not self.there:
            return "missing"
        specific = [d for d in self.meanings if not d.general]
        return "differs" if self.arguments or specific else "there"


@lru_cache(1)
def differences() -> list[Difference]:
    text = (HERE / "differences.txt").read_text("utf-8").replace("\n  ", " ")
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = re.match(r"([\w.* ]+?)(?: \(([^)]*)\))?(:| =) (.*)$", line)
        if match is None:
            raise ValueError(f"differences.txt: expected 'names (arguments): reason', got {line!r}")
        arguments = re.findall(r"\w+", match[2] or "")
        found.append(Difference(match[1].split(), arguments, match[4], match[3] == " ="))
    return found


def listed(library: str) -> dict[str, dict[str, str | None]]:
    """The names of a library by module or class, each with its arguments as text."""
    found: dict[str, dict[str, str | None]] = {}
    for line in LISTS[library].read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = found.setdefault(line[3:], {})
        elif not line.startswith("#"):
            name, bracket, rest = line.partition("(")
            section[name] = rest[:-1] if bracket else None
    return found


def here(section: str) -> Any:
    """The module or class of fastdl that corresponds to one of a library; MISSING without one."""
    path = _HERE.get(section, "fastdl" + section[section.index(".") :] if "." in section else "")
    found: Any = import_module("fastdl")
    for name in path.split(".")[1:]:
        found = getattr(found, name, MISSING)
        if found is MISSING:
            return MISSING
    return found


def _split(arguments: str) -> list[str]:
    """Arguments at their commas, but not at those within quotes and up to two brackets."""
    parts = re.findall(r"(?:\((?:\([^)]*\)|[^()])*\)|\[[^]]*\]|\{[^}]*\}|'[^']*'|[^,])+", arguments)
    return [part.strip() for part in parts if part.strip() not in ("", "*", "/", "self")]


def forms(arguments: str) -> list[dict[str, str | None]]:
    """The forms of a call in the text of a list: the arguments with their default values."""
    found = []
    for form in arguments.split(" | "):
        pairs = [part.partition("=") for part in _split(form)]
        found.append({name: default if equals else None for name, equals, default in pairs})
    return found


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    if isinstance(value, str):  # names in any case: 'Zeros' and 'zeros'
        return value.lower()
    return list(value) if isinstance(value, (list, tuple)) else value


def _default(value: Any) -> str:
    if inspect.isroutine(value) or isinstance(value, type):
        return str(value.__name__)
    return repr(value)


def _options(function: Any) -> list[inspect.Parameter]:
    """The arguments of a function or class of fastdl, with those that `**options` stands for."""
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        known = re.match(r"Unpack\[(\w+)\]", str(parameters[-1].annotation))
        if known:
            kind = inspect.Parameter.KEYWORD_ONLY
            fields = [f for f in _typed_dicts()[known[1]] if f not in {p.name for p in parameters}]
            parameters[-1:] = [inspect.Parameter(f, kind, default=MISSING) for f in fields]
    if getattr(function, "_takes_out", False):
        parameters.append(inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None))
    return parameters


@lru_cache(1)
def _typed_dicts() -> dict[str, list[str]]:
    """The keys of the package's typed dictionaries, which exist for type checkers only."""
    package = Path(import_module("fastdl").__file__ or "").parent
    found: dict[str, list[str]] = {}
    for file in sorted(package.rglob("*.py")):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "TypedDict" in text else ():
            if isinstance(node, ast.ClassDef):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                keys = [key for base in bases for key in found.get(base, ())]
                own = [n.target for n in node.body if isinstance(n, ast.AnnAssign)]
                found[node.name] = keys + [t.id for t in own if isinstance(t, ast.Name)]
    return found


def compared(arguments: str, thing: Any, method: bool) -> dict[str, str]:
    """The arguments that differ, each with the way it does.

    Args:
        arguments: the text of the list.
        thing: fastdl's function or class.
        method: whether its first argument is the object.
    """
    try:
        ours = {p.name: p for p in _options(thing)[method:]}
    except (TypeError, ValueError):  # a function in C: its stub has its types
        return {}
    variadic = {p.kind for p in ours.values()}
    known = forms(arguments)
    wanted: dict[str, str | None] = {}
    for form in known:
        for argument, default in form.items():
            plain = argument if argument.startswith("**") else argument.lstrip("*")
            if plain == argument or plain not in wanted:
                wanted[plain] = wanted.get(plain) or default
    result = {}
    for argument, default in wanted.items():
        if argument not in ours:
            starred = f"*{argument}" in {name for form in known for name in form}
            if not argument.startswith(("**", "_")) and not (starred and _ANY_NUMBER in variadic):
                result[argument] = f"no `{argument}`"
            continue
        mine = ours[argument].default
        if mine is MISSING or default is None or default == "...":
            continue
        if mine is inspect.Parameter.empty:
            if ours[argument].kind is not _ANY_NUMBER:
                result[argument] = f"`{argument}` must be given"
        elif _value(default) != _value(_default(mine)):
            result[argument] = f"`{argument}={_default(mine)}` instead of `{default}`"
    given = [a for a in ours if a in wanted and ours[a].kind is not inspect.Parameter.KEYWORD_ONLY]
    order = [a for a in wanted if a in given]
    if len(known) == 1 and given != order:
        moved = next(a for a, b in zip(given, order, strict=True) if a != b)
        result.setdefault(moved, f"another order: `{', '.join(given)}`")
    for argument, parameter in ours.items():
        needed = parameter.default is inspect.Parameter.empty and parameter.kind not in _VARIADIC
        if needed and argument not in wanted:
            result[argument] = f"`{argument}` in addition"
        elif needed and not all({argument, f"*{argument}"} & form.keys() for form in known):
            result[argument] = f"`{argument}` must be given"
    return result


_ANY_NUMBER = inspect.Parameter.VAR_POSITIONAL
_VARIADIC = (_ANY_NUMBER, inspect.Parameter.VAR_KEYWORD)


@lru_cache(2)
def names(library: str) -> dict[str, list[Name]]:
    """All public names of a library by module or class, compared with fastdl's."""
    found = {}
    for section, members in listed(library).items():
        owner = here(section)
        found[section] = []
        for short, arguments in members.items():
            thing = getattr(owner, short, MISSING) if owner is not MISSING else MISSING
            name = Name(f"{section}.{short}", thing is not MISSING)
            if name.there and arguments is not None and callable(thing):
                method = isinstance(owner, type) and not hasattr(thing, "__self__")
                name.written = compared(arguments, thing, method)
            found[section].append(name)
    return found


# --- as Markdown


def counts(members: list[Name]) -> dict[str, int]:
    return {s: sum(n.state == s for n in members) for s in ("there", "differs", "missing")}


def summary(library: str) -> Iterator[str]:
    """The table of numbers: one row for each module or class."""
    yield "| | the same | differs | missing |"
    yield "|---|--:|--:|--:|"
    total = {"there": 0, "differs": 0, "missing": 0}
    for section, members in names(library).items():
        found = counts(members)
        total = {state: total[state] + found[state] for state in total}
        yield f"| [`{section}`](#{_anchor(section)}) | {' | '.join(map(str, found.values()))} |"
    yield f"| **all** | {' | '.join(f'**{n}**' for n in total.values())} |"


def _anchor(section: str) -> str:
    return section.lower().replace(".", "-").replace("_", "-")


def general(library: str) -> Iterator[str]:
    """The differences that hold for many names."""
    for difference in differences():
        if difference.names[0].endswith(".*") and difference.names[0].startswith(library):
            about = ", ".join(f"`{a}`" for a in difference.arguments)
            yield f"- {about + ': ' if about else ''}{difference.reason}"


def section(library: str, name: str) -> Iterator[str]:
    """What stands below the heading of a module or class."""
    members = names(library)[name]
    there = [n.short for n in members if n.state == "there"]
    if there:
        yield f"The same: {_listed(there)}.\n"
    rows: dict[str, list[str]] = {}  # names with one difference share a row
    for member in members:
        if member.state == "differs":
            rows.setdefault(_row(member), []).append(member.short)
    if rows:
        yield "| name | what differs |"
        yield "|---|---|"
        yield from (f"| {_listed(found)} | {text} |" for text, found in rows.items())
        yield ""
    missing: dict[str, list[str]] = {}  # names with one reason share a line
    for member in members:
        if member.state == "missing":
            missing.setdefault(member.absence, []).append(member.short)
    for reason, found in missing.items():
        yield f"Missing: {_listed(found)}.{f' {reason[0].upper()}{reason[1:]}' if reason else ''}\n"


def _listed(found: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in found)


def _row(name: Name) -> str:
    """What differs, in one sentence for each reason."""
    parts: dict[str, list[str]] = {}
    for argument, how in name.arguments.items():
        specific = [d.reason for d in name.reasons(argument) if not d.general]
        parts.setdefault(specific[0] if specific else "", []).append(how)
    sentences = []
    for reason, hows in parts.items():
        said = ", ".join(hows).replace(", no ", ", ")
        sentences.append(f"{said[0].upper()}{said[1:]}{f': {reason}' if reason else '.'}")
    sentences += [d.reason for d in name.meanings if not d.general]
    return " ".join(sentences).replace("|", "\\|")


def page(library: str) -> str:
    """The tables of a library as Markdown."""
    lines = [*summary(library), "", *general(library), ""]
    for name in names(library):
        lines += [f"({_anchor(name)})=", f"### {name}", "", *section(library, name), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(sys.argv[1]))
