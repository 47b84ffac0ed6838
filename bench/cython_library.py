"""Compiles cython_mlp.pyx into a temporary folder, as anyone would: optimized for this machine."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

_SOURCE = Path(__file__).with_name("cython_mlp.pyx")


def build() -> ModuleType | None:
    """The module cython_mlp; None if Cython is not installed.

    Raises:
        RuntimeError: it does not compile.
    """
    if importlib.util.find_spec("Cython") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_SOURCE, folder)
        done = subprocess.run(
            [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-3", _SOURCE.name],
            cwd=folder,
            env={**os.environ, "CFLAGS": "-O3 -march=native"},
            capture_output=True,
            text=True,
        )
        built = [
            path
            for suffix in importlib.machinery.EXTENSION_SUFFIXES
            for path in Path(folder).glob(_SOURCE.stem + suffix)
        ]
        if done.returncode or not built:
            raise RuntimeError(f"{_SOURCE.name} does not compile:\n{done.stdout}{done.stderr}")
        spec = importlib.util.spec_from_file_location(_SOURCE.stem, built[0])
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
