"""Runs one measurement of one library in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from .. import ROOT
from .rows import ROWS


def run(python: str, library: str, row: str, threads: int) -> dict[str, Any] | None:
    """What the worker says of one row; None if the library is not there or takes no part.

    Raises:
        RuntimeError: it failed otherwise; the message ends as its standard error does.
    """
    environment = dict(os.environ)
    for prefix in ("OMP", "MKL", "OPENBLAS", "FASTDL"):
        environment[f"{prefix}_NUM_THREADS"] = str(threads)
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "bench.peers.worker", library, row],
        env=environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise RuntimeError(f"{library} {row} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    if not result:
        return None
    if row in ROWS and ROWS[row].whole_process:
        result["seconds"] = [seconds]
    return result
