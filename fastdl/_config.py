"""What fastdl runs on, and how many threads it uses."""

from __future__ import annotations

from . import _core


def show_config() -> None:
    """Prints version, instruction set, bfloat16, threads, cache sizes, compiler and CUDA.

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
        "caches": caches or "unknown",
        "compiler": c["compiler"],
        "CUDA": "yes" if c["cuda"] else "no",
        "Python": sys.version.split()[0],
        "NumPy": np.__version__,
    }
    print(f"fastdl {c['version']}")
    for name, value in rows.items():
        print(f"  {name:<9} {value}")


def _size(n: int) -> str:
    return f"{n >> 20} MiB" if n >= 1 << 20 else f"{n >> 10} KiB"


def get_num_threads() -> int:
    """The number of threads an operation uses at most.

    Starts from FASTDL_NUM_THREADS, else OMP_NUM_THREADS, else the CPUs this process may use.
    """
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Sets the number of threads; results do not depend on it.

    Raises:
        ValueError: n is below 1 or above 1024.

    Example:
        >>> import fastdl
        >>> fastdl.set_num_threads(1)
        >>> fastdl.get_num_threads()
        1
    """
    _core.set_num_threads(n)
