"""The programs in the README run as they stand there."""

import pathlib
import re

import pytest
from test_datasets import PACKED, put, small_dataset

from fastdl.datasets import mnist

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_one_short_program_per_interface():
    assert len(PROGRAMS) == 2
    assert all(len(program.splitlines()) <= 15 for program in PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=["keras", "pytorch"])
def test_program(program, tmp_path, monkeypatch, capsys):
    # A few hundred random pictures in the place of MNIST.
    put(tmp_path / "mnist", PACKED, ".gz")
    monkeypatch.setenv("FASTDL_DATA", str(tmp_path))
    monkeypatch.setattr(mnist, "_DATASET", small_dataset())
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
    assert "loss" in capsys.readouterr().out
