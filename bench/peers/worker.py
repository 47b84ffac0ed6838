"""One measurement of one library: `python -m bench.peers.worker fastdl mlp_512` prints JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

from . import memory
from .rows import ROWS, NoPart


def main(library: str, name: str) -> None:
    # As many CPUs as threads, set before any library counts them: some go by nothing else.
    threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    if threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        result = measure(library, name)
    except NoPart as e:
        result = {"no part": str(e)}
    if "seconds" in result:
        result["peak"] = memory.peak()
    print(json.dumps(result))


def measure(library: str, name: str) -> dict[str, Any]:
    """{"seconds": samples, ...} of a row, {"version": ...}, or nothing if it takes no part."""
    module = importlib.import_module(f"bench.peers.{library}_rows")
    if name == "version":
        return {"version": module.name_and_version()}
    if (function := getattr(module, ROWS[name].function, None)) is None:
        return {}
    if name == "import":
        importlib.import_module("numpy")
        start = time.perf_counter()
        importlib.import_module(function)
        return {"seconds": [time.perf_counter() - start]}
    result = function(*ROWS[name].arguments)
    # A row of a whole process returns other values; its seconds are measured from outside.
    return {"seconds": [], **result} if isinstance(result, dict) else {"seconds": result}


if __name__ == "__main__":
    main(*sys.argv[1:])
