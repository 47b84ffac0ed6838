"""Compiles a .pyx file into a temporary folder, optimized for this machine."""

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


def build(name: str = "cython_mlp", flags: str = "") -> ModuleType | None:
    """The module of that name, compiled and linked with its own flags; None if Cython is not
    installed.

    Raises:
        RuntimeError: it does not compile.
    """
    if importlib.util.find_spec("Cython") is None:
        return None
    source = Path(__file__).with_name(f"{name}.pyx")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(source, folder)
        done = subprocess.run(
            [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-3", source.name],
            cwd=folder,
            env={**os.environ, "CFLAGS": f"-O3 -march=native {flags}", "LDFLAGS": flags},
            capture_output=True,
            text=True,
        )
        built = [
            path
            for suffix in importlib.machinery.EXTENSION_SUFFIXES
            for path in Path(folder).glob(source.stem + suffix)
        ]
        if done.returncode or not built:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stdout}{done.stderr}")
        spec = importlib.util.spec_from_file_location(source.stem, built[0])
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
