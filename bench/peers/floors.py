"""Measures the floors (floors.cc) with the compiler at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from bisect import bisect_right
from pathlib import Path
from typing import Any

# In addition to -march=native: flags that keep the compiler from wider instructions.
_ISA_FLAGS = {"avx2": ["-mno-avx512f", "-mno-amx-tile", "-mno-amx-bf16"]}


def measure(threads: int, isa: str | None = None) -> dict[str, Any] | None:
    """The floors with `threads` threads, at most with instruction set `isa`.

    None without a compiler.

    "flops": fp32 operations per second. "bf16_flops": those of products of bfloat16 summed in fp32;
    0 where there are no instructions for them. "bytes_at": pairs of a size and the bytes per second
    at which arrays of that size in all are read. "bytes": the last of them, that of memory.
    """
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "floors")
        source = Path(__file__).with_name("floors.cc")
        flags = ["-O3", "-std=c++20", "-march=native", "-ffp-contract=fast", "-pthread"]
        flags += _ISA_FLAGS[isa] if isa else []
        subprocess.run([compiler, *flags, source, "-o", program], check=True)
        done = subprocess.run([program, str(threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def seconds(
    machine: dict[str, Any] | None, flops: float, moved: float, rate: str = "flops"
) -> float | None:
    """The lower bound of a time: arithmetic or memory, whichever takes longer.

    Bytes count at the best rate of arrays of the largest measured size up to `moved`, or of larger
    ones, since what fits a cache may lie there. None where the machine was not measured, has no
    such rate, or the work is not counted.
    """
    if machine is None or not (flops or moved) or not machine.get(rate):
        return None
    sizes, rates = zip(*machine["bytes_at"], strict=True)
    first = max(0, bisect_right(sizes, moved) - 1)
    return max(flops / machine[rate], moved / max(rates[first:]))
