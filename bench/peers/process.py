"""Runs one measurement of one library in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from .. import ROOT
from .rows import ROWS

# The switches that limit each library to an instruction set. ONNX Runtime has none.
ISA_SWITCHES: dict[str, dict[str, str]] = {
    "avx2": {
        "FASTDL_ISA": "avx2",
        "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own kernels, and those of torch.compile
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",  # JAX, and Keras on it
        "OPENBLAS_CORETYPE": "Haswell",  # NumPy and scikit-learn
    },
}
# The part of a library that its switch does not limit. (Products of JAX 0.10 reach 320 GFLOP/s with
# its switch as without, on a CPU whose AVX2 peaks at 260.)
_NOT_HELD = {"onnxruntime": "", "jax": "products ", "keras": "products "}


def environment(base: Mapping[str, str], threads: int, isa: str | None = None) -> dict[str, str]:
    """The environment of a worker: the CPU, the number of threads, the instruction set."""
    found = dict(base)
    found |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}  # JAX would take a GPU
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # NumPy chooses for itself
        found.pop(name, None)
    for prefix in ("OMP", "MKL", "OPENBLAS", "FASTDL"):
        found[f"{prefix}_NUM_THREADS"] = str(threads)
    for name, value in ISA_SWITCHES[isa].items() if isa else ():
        kept = found.get(name, "") + " " if name == "XLA_FLAGS" else ""  # a list of flags
        found[name] = (kept + value).strip()
    return found


def not_held(library: str, isa: str | None) -> str:
    """A remark on the part of the library that is not limited to the instruction set."""
    if isa is None or library not in _NOT_HELD:
        return ""
    return f" ({_NOT_HELD[library]}not held to {isa})"


def run(
    python: str, library: str, row: str, threads: int, isa: str | None = None
) -> dict[str, Any] | None:
    """The worker's result for one row; None if the library is missing or takes no part.

    Raises:
        RuntimeError: it failed otherwise; the message has the end of its standard error.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "bench.peers.worker", library, row],
        env=environment(os.environ, threads, isa),
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
    if reason := result.pop("no part", None):
        print(f"{library} takes no part in {row}: {reason}", file=sys.stderr, flush=True)
    if not result:
        return None
    if row in ROWS and ROWS[row].whole_process:
        result["seconds"] = [seconds]
    return result
