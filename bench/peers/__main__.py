"""`python -m bench.peers [rows] [--python torch=/path/to/python ...]`

Measures fastdl and the peers that are installed: each in processes of its own, turn by turn, with
the same number of threads, medians of several rounds, everything in one run. A peer that lives in
another environment is reached with --python. Writes bench/results/peers.json and prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from .rows import ROWS

LIBRARIES = ("fastdl", "torch", "keras")
WHOLE_PROCESS = {"cold_mnist"}  # timed from outside, process start included


def run(python: str, library: str, row: str, threads: int) -> dict | None:
    """One process; None if the library is not there or has no such row."""
    environment = dict(os.environ)
    for prefix in ("OMP", "MKL", "OPENBLAS", "FASTDL"):
        environment[f"{prefix}_NUM_THREADS"] = str(threads)
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "bench.peers.worker", library, row],
        env=environment,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr or "has no attribute" in done.stderr:
            return None
        raise SystemExit(f"{library} {row} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    if row in WHOLE_PROCESS:
        result["seconds"] = [seconds]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--python", action="append", default=[], metavar="LIBRARY=PATH")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pythons = {name: sys.executable for name in LIBRARIES}
    pythons.update(entry.split("=", 1) for entry in options.python)

    versions = {
        name: found["version"]
        for name in LIBRARIES
        if (found := run(pythons[name], name, "version", options.threads))
    }
    print(f"{options.threads} threads, {options.rounds} rounds: " + ", ".join(versions.values()))
    table = {}
    for row in options.rows:
        what, unit = ROWS[row]
        scale = 1e3 if unit == "ms" else 1
        samples: dict[str, list[float]] = {name: [] for name in versions}
        extra: dict[str, dict] = {}
        for _ in range(options.rounds):
            for name in versions:
                result = run(pythons[name], name, row, options.threads)
                if result is None:
                    continue
                samples[name].append(median(result.pop("seconds")) * scale)
                extra[name] = result
        print(f"\n{row}: {what}")
        ours = median(samples["fastdl"])
        table[row] = {"unit": unit, "libraries": {}}
        for name, values in samples.items():
            if not values:
                continue
            middle = median(values)
            notes = "".join(f", {k} {v:.4f}" for k, v in extra[name].items())
            print(
                f"  {versions[name]:<34} {middle:9.3f} {unit}  ({min(values):.3f} - "
                f"{max(values):.3f}){notes}"
                + (f"   {middle / ours:.2f} x fastdl" if name != "fastdl" else "")
            )
            table[row]["libraries"][versions[name]] = {
                "median": middle,
                "all": values,
                **extra[name],
            }
    results = Path(__file__).parents[1] / "results"
    results.mkdir(exist_ok=True)
    path = results / "peers.json"
    path.with_suffix(".tmp").write_text(json.dumps(table, indent=2))
    path.with_suffix(".tmp").replace(path)


if __name__ == "__main__":
    main()
