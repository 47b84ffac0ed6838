"""`fastdl convert`: a program for Keras or PyTorch with the import lines of fastdl."""

from __future__ import annotations

import json
import os
import re
import shutil
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from . import EXIT_FAILED, UsageError, printable
from .program import Program

if TYPE_CHECKING:
    import argparse

_SUFFIX = "_fastdl"
_ENDINGS = (".py", ".ipynb")


@dataclass
class _Source:
    """A program or a notebook.

    Attributes:
        content: its bytes after the change.
        changed: whether that differs from the file.
        peers: which of Keras, TensorFlow and PyTorch it imports.
        missing: lines that say what is missing, and where.
    """

    content: bytes
    changed: bool
    peers: set[str]
    missing: list[str]


def run(options: argparse.Namespace) -> int:
    """Converts, lists what is missing and returns the exit status."""
    path: str = options.path
    if options.check and (options.output or options.in_place):
        raise UsageError("--check writes nothing: leave out --output and --in-place")
    if os.path.isdir(path):
        files = list(_programs_below(path))
        if not files:
            raise UsageError(f"there is no program (.py or .ipynb) in {path}")
    else:
        files = [path]
    sources, broken = {}, 0
    for file in files:
        try:
            sources[file] = _read(file)
        except (SyntaxError, UnicodeDecodeError, json.JSONDecodeError, KeyError) as error:
            text = _place_of(file, error)
            if len(files) == 1:
                raise UsageError(text) from error
            print(f"{printable(text)}; left as it is")
            broken += 1
    for source in sources.values():
        for line in source.missing:
            print(printable(line))
    missing = sum(len(source.missing) for source in sources.values())
    if not options.check:
        _write(sources, options)
    elsewhere = sum(bool(source.peers) for source in sources.values())
    names = sorted(set().union(*(source.peers for source in sources.values())))
    found = " and ".join(names) if names else "none of keras, tensorflow and torch"
    print(
        f"{len(sources)} file{'s' * (len(sources) != 1)}, {elsewhere} import {found}; "
        f"{missing or 'no'} name{'s' * (missing != 1)} missing"
        if len(files) > 1
        else f"{path} imports {found}; {missing or 'no'} name{'s' * (missing != 1)} missing"
    )
    if broken:
        raise UsageError(f"{broken} of {len(files)} files cannot be read as programs")
    return EXIT_FAILED if options.check and missing else 0


def _programs_below(folder: str) -> Iterator[str]:
    """The programs in a folder and in those below, without hidden ones and environments."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith((".", "__pycache__"))
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            if name.endswith(_ENDINGS) and not name.startswith("."):
                yield os.path.join(place, name)


def _place_of(file: str, error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{file}:{error.lineno}:{error.offset}: {error.msg}"
    return f"{file}: {error}"


# --- reading


def _read(file: str) -> _Source:
    with open(file, "rb") as opened:
        content = opened.read()
    if file.endswith(".ipynb"):
        return _read_notebook(file, content)
    encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
    program = Program(content.decode(encoding))
    after = program.converted().encode(encoding)
    missing = [f"{file}:{f.line}:{f.column}: {f.text}" for f in sorted(program.findings)]
    return _Source(after, after != content, program.peers, missing)


def _read_notebook(file: str, content: bytes) -> _Source:
    """The cells of code are one program. Lines of IPython (%, !) are left out of it."""
    notebook = json.loads(content)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    begins: list[int] = []
    lines: list[str] = []
    own: list[str] = []
    for cell in cells:
        source = cell["source"]
        text = source if isinstance(source, str) else "".join(source)
        begins.append(len(lines))
        whole = text.lstrip().startswith("%%") and not _OF_PYTHON.match(text.lstrip())
        for line in text.split("\n"):
            bare = line.lstrip()
            own.append(line)
            indent = line[: len(line) - len(bare)]
            ipython = _OF_IPYTHON.match(bare) and not _goes_on(lines[begins[-1] :])
            lines.append(f"{indent}pass" if ipython else "" if whole else line)
    if not cells:
        return _Source(content, False, set(), [])
    program = Program("\n".join(lines))
    after = program.converted().split("\n")
    if len(after) != len(lines):
        raise SyntaxError("an import or a name over several lines", (file, 1, 1, None))
    for cell, begin, end in zip(cells, begins, [*begins[1:], len(lines)], strict=True):
        changed = [
            new if new != old else mine
            for new, old, mine in zip(
                after[begin:end], lines[begin:end], own[begin:end], strict=True
            )
        ]
        text = "\n".join(changed)
        cell["source"] = text if isinstance(cell["source"], str) else text.splitlines(True)
    missing = []
    for finding in sorted(program.findings):
        number = sum(begin < finding.line for begin in begins)
        row = finding.line - begins[number - 1]
        missing.append(f"{file}:cell {number}:{row}:{finding.column}: {finding.text}")
    if not program.edits:
        return _Source(content, False, program.peers, missing)
    after_it = "\n" if content.endswith(b"\n") else ""
    written = json.dumps(notebook, indent=1, ensure_ascii=False) + after_it
    return _Source(written.encode(), True, program.peers, missing)


# Commands whose cell is Python.
_OF_PYTHON = re.compile(r"%%(capture|prun|time|timeit)\b")
# A command, or a question such as `torch.relu?`.
_OF_IPYTHON = re.compile(r"[%!]|\?*[\w.*]+\?+\s*$|\?")


def _goes_on(lines: list[str]) -> bool:
    """Whether the next line belongs to the statement that these end with: `%` divides there."""
    try:
        for _ in tokenize.generate_tokens(StringIO("\n".join([*lines, ""])).readline):
            pass
    except tokenize.TokenError:
        return True
    except SyntaxError:  # which the whole program will show
        return False
    return bool(lines) and lines[-1].endswith("\\")


# --- writing


def _write(sources: dict[str, _Source], options: argparse.Namespace) -> None:
    """Writes the programs; in a folder those that stay as they are, too, unless in place."""
    folder = os.path.isdir(options.path)
    if options.in_place:
        if options.output:
            raise UsageError("--in-place and --output exclude each other")
        targets = {file: file for file, source in sources.items() if source.changed}
        for file in targets:
            if os.path.exists(f"{file}.bak"):
                raise UsageError(f"{file}.bak, for the program as it was, is there already")
        for file in targets:
            shutil.copy2(file, f"{file}.bak")
    elif folder:
        output = options.output or options.path.rstrip(os.sep) + _SUFFIX
        targets = {f: os.path.join(output, os.path.relpath(f, options.path)) for f in sources}
        _refuse_existing([output] if not options.output else list(targets.values()), options)
    else:
        ((file, source),) = sources.items()
        if not source.changed:
            return
        stem, ending = os.path.splitext(file)
        targets = {file: options.output or stem + _SUFFIX + ending}
        _refuse_existing([] if options.output else list(targets.values()), options)
    for file, target in targets.items():
        if os.path.isdir(target):
            raise UsageError(f"--output: {target} is a folder")
        if not options.in_place and os.path.realpath(file) == os.path.realpath(target):
            raise UsageError(f"--output: {target} is the program itself; --in-place keeps a copy")
        if folder:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        partial = f"{target}.partial"
        with open(partial, "wb") as opened:
            opened.write(sources[file].content)
        shutil.copymode(file, partial)
        os.replace(partial, target)
        if not folder:
            print(f"{target}: written")
    if folder:
        place = options.path if options.in_place else output
        print(f"{place}: {len(targets)} files written")


def _refuse_existing(targets: list[str], options: argparse.Namespace) -> None:
    for target in targets:
        if os.path.exists(target) and not options.overwrite:
            raise UsageError(f"{target} is there already; --overwrite replaces it")
