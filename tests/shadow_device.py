"""Builds and registers the device of `device/shadow.cc`, as an extension module would."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

from fastdl import _core

HERE = Path(__file__).parent
FLAGS = ["-std=c++20", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra"]
CAPSULE = b"fastdl.Device.2"


def build(path: Path) -> None:
    """Builds it with the compiler of the core, and without symbols of the core (-z defs)."""
    compiler, source = os.environ.get("CXX", "c++"), HERE / "device" / "shadow.cc"
    include = HERE.parent / "csrc"
    command = [compiler, *FLAGS, "-Wl,-z,defs", "-I", include, source, "-o", path]
    subprocess.run(command, check=True)


def capsule(pointer: int, name: bytes = CAPSULE) -> Any:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(pointer, name, None)


def register(path: Path, name: str, without: str = "") -> ctypes.CDLL:
    """Registers it under a name, without a function for the op `without`."""
    library = ctypes.CDLL(str(path))
    library.shadow_table.restype = ctypes.c_void_p
    library.shadow_calls.restype = library.shadow_live.restype = ctypes.c_size_t
    _core.register_device(capsule(library.shadow_table(name.encode(), without.encode())))
    return library
