"""Measures the floors (floors.cc) with the compiler at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def measure(threads: int) -> dict[str, float] | None:
    """{"flops": fp32 operations per second, "bytes": bytes read per second from memory,
    "cache_bytes": from the first cache}; None without a compiler."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "floors")
        source = Path(__file__).with_name("floors.cc")
        flags = ["-O3", "-std=c++20", "-march=native", "-ffp-contract=fast", "-pthread"]
        subprocess.run([compiler, *flags, source, "-o", program], check=True)
        done = subprocess.run([program, str(threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def seconds(machine: dict[str, float] | None, flops: float, moved: float) -> float | None:
    """The time below which nobody gets: arithmetic or memory, whichever takes longer; None where
    the machine was not measured or the work is not counted."""
    if machine is None or not (flops or moved):
        return None
    return max(flops / machine["flops"], moved / machine["bytes"])
