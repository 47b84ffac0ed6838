"""The machine that fastdl runs on, and the threads that it uses."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .. import _core

if TYPE_CHECKING:
    from .._core import CoreConfig

_THREADINGS = ("team", "openmp")


def show_config() -> None:
    """Prints the version, the instruction set, the threads, the caches and how fastdl was built.

    Example:
        >>> import fastdl
        >>> fastdl.show_config()  # doctest: +ELLIPSIS
        fastdl ...
    """
    import sys

    import numpy as np

    c = _core.config()
    caches = ", ".join(f"{name} {_size(size)}" for name, size in c["caches"].items() if size)
    others = ", ".join(isa for isa in c["isas"] if isa != c["isa"])
    rows = {
        "CPU": c["cpu"],
        "ISA": c["isa"] + (f" (FASTDL_ISA can select {others})" if others else ""),
        "bfloat16": c["bfloat16"] or "no",
        "threads": str(c["threads"]),
        "threading": _threading(c),
        "caches": caches or "unknown",
        "compiler": c["compiler"],
        "CUDA": "yes" if c["cuda"] else "no",
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
    }
    print(f"fastdl {_core.version}")
    for name, value in rows.items():
        print(f"  {name:<9} {value}")


def _threading(c: CoreConfig) -> str:
    if c["threading_runtime"]:
        return f"{c['threading']} ({c['threading_runtime']})"
    return c["threading"] + ("" if _has_openmp() else " (built without OpenMP)")


def _size(n: int) -> str:
    return f"{n >> 20} MiB" if n >= 1 << 20 else f"{n >> 10} KiB"


def version() -> str:
    """The version of fastdl.

    Source: `keras.version` of Keras 3.

    Example:
        >>> fastdl.version() == fastdl.__version__
        True
    """
    return _core.version


def get_num_threads() -> int:
    """The largest number of threads that an operation uses.

    At import it is FASTDL_NUM_THREADS, else OMP_NUM_THREADS, else the number of CPUs that this
    process may use.
    """
    return _core.num_threads()


def set_num_threads(num: int) -> None:
    """Sets the number of threads. Results do not depend on it.

    Raises:
        ValueError: num is below 1 or above 1024.

    Example:
        >>> import fastdl
        >>> fastdl.set_num_threads(1)
        >>> fastdl.get_num_threads()
        1
    """
    _core.set_num_threads(num)


def get_threading() -> str:
    """Which threads compute: "team" (fastdl's own) or "openmp".

    Example:
        >>> import fastdl
        >>> fastdl.get_threading() in ("team", "openmp")
        True
    """
    return _core.config()["threading"]


def set_threading(name: str) -> None:
    """Chooses which threads compute. Results are the same to the bit.

    `FASTDL_THREADING` in the environment does the same at import.

    Args:
        name: "team" (fastdl's own threads, the default) or "openmp". OpenMP's threads are shared
            with the other OpenMP code of the program (scikit-learn, SciPy, Cython's `prange`), so
            that both together use no more threads than one of them. To share the threads of a
            library that has its own copy of the OpenMP runtime, import that library before
            fastdl's first computation.

    Raises:
        ValueError: the name is unknown.
        RuntimeError: fastdl has computed something already, fastdl was built without OpenMP, or
            the process was forked. OpenMP's threads do not survive a fork.

    Example:
        >>> import fastdl
        >>> fastdl.set_threading(fastdl.get_threading())
    """
    if name not in _THREADINGS:
        possible = ", ".join(repr(n) for n in _THREADINGS)
        raise ValueError(f"set_threading: unknown threading {name!r}; possible: {possible}")
    if name == "team":
        _core.set_threading(None)
        return
    if not _has_openmp():
        raise RuntimeError(
            "set_threading: this fastdl was built without OpenMP, since the compiler had none; "
            "possible: 'team'"
        )
    try:
        from .. import _openmp
    except ImportError as error:  # the system has no libgomp.so.1, for example
        raise RuntimeError(f"set_threading: OpenMP cannot be loaded: {error}") from error
    _core.set_threading(_openmp.threading)


def _has_openmp() -> bool:
    return find_spec("fastdl._openmp") is not None


def threading_from_environment() -> None:
    """Chooses the threads that FASTDL_THREADING names.

    Raises:
        ImportError: they are unknown or cannot be used.
    """
    if name := os.environ.get("FASTDL_THREADING"):
        try:
            set_threading(name)
        except (ValueError, RuntimeError) as error:
            reason = str(error).removeprefix("set_threading: ")
            raise ImportError(f"FASTDL_THREADING: {reason}") from error
