"""Every block of code in the documentation and the README is run, or checked, as it stands there.

The blocks of a page run in order and in one namespace, like a program. Blocks of other languages
than Python are checked against what they are about: commands, and excerpts of the sources.
"""

import argparse
import doctest
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastdl import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.name: path.read_text("utf-8")
    for path in [
        *sorted((ROOT / "docs").glob("*.md")),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    ]
}
BLOCK = re.compile(r"^```(.*?)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = {name: BLOCK.findall(text) for name, text in PAGES.items()}

# Pages whose blocks show how to change the sources. Their lines are not a program.
FRAGMENTS = {name for name in PAGES if name.startswith("adding-")}
# Of these, those whose blocks stand in the sources as they are; the others show an example.
EXCERPTS = {"adding-an-optimizer.md"}
# Languages of blocks that are no code, with the reason.
NO_CODE = {"": "a drawing", "text": "output of a program", "{toctree}": "the contents of the site"}


def with_blocks(*languages):
    found = {name for name, blocks in BLOCKS.items() if {b[0] for b in blocks} & set(languages)}
    return sorted(found - FRAGMENTS)


def test_every_block_is_of_a_known_kind():
    kinds = {language for blocks in BLOCKS.values() for language, _ in blocks}
    assert kinds <= {"python", "pycon", "sh", "cpp", *NO_CODE}
    assert not {name for name, b in BLOCKS.items() if "cpp" in {x[0] for x in b}} - FRAGMENTS


@pytest.mark.parametrize("page", with_blocks("python", "pycon"))
def test_programs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))  # nothing is left in the user's folders
    if page == "README.md":  # the two programs stand for themselves
        for language, program in BLOCKS[page]:
            if language == "python":
                names = {"__name__": "__main__"}
                exec(compile(program, page, "exec"), names)
                assert names["accuracy"] > 0.9
        return
    names = {"__name__": "__main__"}
    for i, (language, program) in enumerate(BLOCKS[page]):
        if language == "python":
            exec(compile(program, f"{page}, block {i + 1}", "exec"), names)
        elif language == "pycon":
            test = doctest.DocTestParser().get_doctest(program, names, page, page, 0)
            runner = doctest.DocTestRunner()
            runner.run(test, clear_globs=False)
            names.update(test.globs)
            assert not runner.summarize(verbose=False).failed


def test_there_is_one_short_program_per_interface():
    programs = [program for language, program in BLOCKS["README.md"] if language == "python"]
    assert len(programs) == 2
    assert all(len(program.splitlines()) <= 15 for program in programs)


# --- commands


def extras():
    """The names of the extras in pyproject.toml (tomllib is new in Python 3.11)."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    section = text.partition("[project.optional-dependencies]\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^(\w+) = ", section, re.MULTILINE))


def check_pip(arguments):
    assert arguments[0] == "install"
    for requirement in arguments[1:]:
        match = re.fullmatch(r"(?:\.|\./fastdl|fastdl)(?:\[([\w,]+)\])?", requirement)
        if match and match[1]:
            assert set(match[1].split(",")) <= extras()


def check_fastdl(arguments):
    try:
        cli._parser().parse_args(arguments)
    except SystemExit as error:
        assert error.code == 0, arguments


def check_python(arguments):
    if arguments[:1] == ["-m"]:
        assert find_spec(arguments[1]) or (ROOT / arguments[1].replace(".", "/")).exists()
    else:  # a script of the repository, or a name for the reader's own
        assert (ROOT / arguments[0]).exists() or arguments == ["program.py"]


def check_sphinx(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs=2)
    for flag in ("-W", "--keep-going"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-b", choices=["html"])
    source, out = parser.parse_args(arguments).paths
    assert (ROOT / source / "conf.py").exists() and out == "build/docs"


COMMANDS = {
    "fastdl": check_fastdl,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
    "sphinx-build": check_sphinx,
    # Tools whose own arguments are not ours to check.
    **dict.fromkeys(("git", "pre-commit", "pytest", "source"), lambda arguments: None),
}


@pytest.mark.parametrize("page", with_blocks("sh"))
def test_commands(page):
    for language, text in BLOCKS[page]:
        for line in text.splitlines() if language == "sh" else ():
            for command in line.split("&&"):
                words = shlex.split(command, comments=True)
                while words and re.match(r"[A-Z_]+=", words[0]):  # an environment variable
                    words = words[1:]
                if words:
                    COMMANDS[words[0]](words[1:])


@pytest.mark.parametrize("page", [name for name in PAGES if name not in FRAGMENTS])
def test_modules_in_commands_within_the_text(page):
    for module in re.findall(r"`(?:\S+ )*python -m ([\w.]+)", PAGES[page]):
        path = ROOT / module.replace(".", "/")
        assert find_spec(module) or path.with_suffix(".py").exists() or path.is_dir(), module


# --- excerpts of the sources


def test_excerpts_stand_in_the_sources():
    files = (p for folder in ("fastdl", "csrc", "tests") for p in (ROOT / folder).rglob("*.*"))
    sources = [p for p in files if p.suffix in (".py", ".cc", ".h", ".inc")]
    lines = {line.strip() for p in sources for line in p.read_text("utf-8").splitlines()}
    for page in EXCERPTS:
        for _, text in BLOCKS[page]:
            assert not {line.strip() for line in text.splitlines()} - lines


@pytest.mark.parametrize("page", sorted(FRAGMENTS))
def test_fragments_of_python_are_python(page):
    for language, text in BLOCKS[page]:
        if language == "python":
            rows = text.lstrip().startswith('"')  # of a dictionary
            compile(f"{{{text}}}" if rows else text, page, "exec")


# --- links


@pytest.mark.parametrize("page", PAGES)
def test_links_between_files_lead_somewhere(page):
    folder = ROOT if page in ("README.md", "CONTRIBUTING.md") else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#\s]+)", BLOCK.sub("", PAGES[page])):
        if "://" in target or target.startswith("api/"):  # the API's pages are made by the build
            continue
        assert (folder / target).exists(), f"{page}: {target}"


def test_every_page_is_in_the_contents():
    listed = {
        line.strip()
        for language, text in BLOCKS["index.md"]
        if language == "{toctree}"
        for line in text.splitlines()
    }
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed
