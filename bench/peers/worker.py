"""One measurement of one library: `python -m bench.peers.worker fastdl mlp_512` prints JSON."""

from __future__ import annotations

import importlib
import json
import sys
import time


def main(library: str, row: str) -> None:
    start = time.perf_counter()
    module = importlib.import_module(f"bench.peers.{library}_rows")
    if row == "version":
        print(json.dumps({"version": module.library()}))
        return
    if row == "import":
        import numpy  # noqa: F401

        start = time.perf_counter()
        module.import_()
        print(json.dumps({"seconds": [time.perf_counter() - start]}))
        return
    result = getattr(module, row)()
    if isinstance(result, list):
        print(json.dumps({"seconds": result}))
    else:
        print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
