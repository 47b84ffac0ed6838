"""The programs in the documentation run as they stand there, each page in one go."""

import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
PROGRAMS = ("learning-rates.md", "saving.md", "scikit-learn.md", "tables.md")
PAGES = [DOCS / name for name in PROGRAMS]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_programs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert programs
    names = {"__name__": "__main__"}
    for program in programs:
        exec(compile(program, page.name, "exec"), names)
