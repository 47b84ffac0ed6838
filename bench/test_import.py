"""New processes that import NumPy, and fastdl; the difference is the time of fastdl."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastdl

from . import ROOT


@pytest.mark.parametrize("module", ["numpy", "fastdl"])
def test_import(module, benchmark):
    benchmark.group = "import in a new process"
    # From where this process has it: installed, or built in the clone.
    where = [str(ROOT)] if fastdl.__file__.startswith(str(ROOT)) else []
    code = f"import sys; sys.path += {where!r}; import {module}"
    command = [sys.executable, "-c", code]
    benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"check": True}, rounds=10, warmup_rounds=2
    )
