"""One measurement of one library: `python -m bench.peers.worker fastdl mlp_512` prints JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

from .rows import ROWS


def main(library: str, name: str) -> None:
    # Held to as many CPUs as threads, before any library counts them: some ask for nothing else.
    threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    if threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    module = importlib.import_module(f"bench.peers.{library}_rows")
    if name == "version":
        result = {"version": module.name_and_version()}
    elif (function := getattr(module, ROWS[name].function, None)) is None:
        result = {}
    elif name == "import":
        importlib.import_module("numpy")
        start = time.perf_counter()
        importlib.import_module(function)
        result = {"seconds": [time.perf_counter() - start]}
    else:
        result = function(*ROWS[name].arguments)
    print(json.dumps({"seconds": result} if isinstance(result, list) else result))


if __name__ == "__main__":
    main(*sys.argv[1:])
