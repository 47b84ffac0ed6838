"""Peak resident memory: of this process, and what a comparison says of it."""

from __future__ import annotations

import resource
from typing import Any

LIMIT = 0.5  # fastdl's peak over PyTorch's at most


def high_water(status: str) -> int | None:
    """Bytes of VmHWM in the text of /proc/self/status; None where the kernel does not report it."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024  # "kB" means KiB
    return None


def peak() -> int:
    """The most bytes that this process ever had in memory, imports included.

    VmHWM begins anew with a new program. The ru_maxrss of getrusage includes the process that
    started this one, so it is used only where there is no VmHWM.
    """
    try:
        with open("/proc/self/status") as f:
            found = high_water(f.read())
    except OSError:
        found = None
    return found or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def above_limit(rows: dict[str, Any]) -> dict[str, float]:
    """{row: fastdl's peak over PyTorch's} of the rows above LIMIT; `rows` as in peers.json.

    PyTorch is the eager one: the compiled one holds its compiler too.
    """
    found = {}
    for row, entry in rows.items():
        peaks = {
            name.split()[0]: library["peak"]
            for name, library in entry["libraries"].items()
            if "peak" in library and not name.endswith("compiled")
        }
        if {"fastdl", "torch"} <= peaks.keys():
            ratio = peaks["fastdl"] / peaks["torch"]
            if ratio > LIMIT:
                found[row] = ratio
    return found
