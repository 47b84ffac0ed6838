"""`python -m bench.peers [rows] [--python torch=/path/to/python ...]`

Measures fastdl and the peers that are installed: each in processes of its own, turn by turn, with
the same number of threads, medians of several rounds, everything in one run. A peer that lives in
another environment is reached with --python; "peers=..." names one for all of them. The machine's
floors are measured first, and each row says which share of its floor fastdl reaches. Prints a
table, writes bench/results/peers.json and, where matplotlib is installed, the bar chart peers.png
beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

from . import chart, floors
from .process import run
from .rows import ROWS

LIBRARIES = ("fastdl", "torch", "jax", "keras", "sklearn", "onnxruntime", "numpy")


def measure(name: str, pythons: dict[str, str], versions: dict[str, str], options: Any) -> dict:
    """{library: {"median", "all", ...}} of one row, in seconds."""
    found: dict[str, dict[str, Any]] = {}
    taking_part = list(versions)
    for _ in range(options.rounds):
        for library in list(taking_part):
            result = run(pythons[library], library, name, options.threads)
            if result is None:
                taking_part.remove(library)
                continue
            entry = found.setdefault(library, {"all": []})
            entry["all"].append(median(result.pop("seconds")))
            entry.update(result)
    for entry in found.values():
        entry["median"] = median(entry["all"])
    return found


def show(name: str, found: dict, versions: dict[str, str], floor: float | None) -> None:
    row = ROWS[name]
    scale = {"us": 1e6, "ms": 1e3, "s": 1.0}[row.unit]
    ours = found["fastdl"]["median"] if "fastdl" in found else None
    print(f"\n{name}: {row.what}")
    if floor:
        share = f", of which fastdl reaches {floor / ours:.0%}" if ours else ""
        print(f"  {'floor':<30} {floor * scale:10.3f} {row.unit}{share}")
    for library, entry in found.items():
        low, high = min(entry["all"]) * scale, max(entry["all"]) * scale
        ratio = "" if library == "fastdl" or not ours else f"{entry['median'] / ours:9.2f} x"
        notes = "".join(f"  {k} {v:.4f}" for k, v in entry.items() if k not in ("all", "median"))
        print(
            f"  {versions[library]:<30} {entry['median'] * scale:10.3f} {row.unit} "
            f"({low:.3f} - {high:.3f}){ratio}{notes}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", default=list(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--python", action="append", default=[], metavar="LIBRARY=PATH")
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--chart", metavar="PNG", type=Path, help="measure nothing, draw the last results there"
    )
    options = parser.parse_args()
    results = Path(__file__).parents[1] / "results" / "peers.json"
    if options.chart:
        chart.draw(json.loads(results.read_text()), options.chart)
        return
    for name in options.rows:
        if name not in ROWS:
            parser.error(f"no row {name!r}; there are {', '.join(ROWS)}")
    pythons = dict.fromkeys(LIBRARIES, sys.executable)
    for entry in options.python:
        library, _, path = entry.partition("=")
        for each in LIBRARIES[1:] if library == "peers" else (library,):
            pythons[each] = path

    versions = {
        library: found["version"]
        for library in options.libraries
        if (found := run(pythons[library], library, "version", options.threads))
    }
    machine = floors.measure(options.threads)
    print(f"{options.threads} threads, {options.rounds} rounds: " + ", ".join(versions.values()))
    if machine:
        print(f"floors: {machine['flops'] / 1e9:.0f} GFLOP/s, {machine['bytes'] / 1e9:.1f} GB/s")
    table: dict[str, Any] = {"machine": machine, "threads": options.threads, "rows": {}}
    results.parent.mkdir(exist_ok=True)
    for name in options.rows:
        found = measure(name, pythons, versions, options)
        floor = floors.seconds(machine, ROWS[name].flops, ROWS[name].bytes)
        show(name, found, versions, floor)
        table["rows"][name] = {
            "floor": floor,
            "libraries": {versions[library]: entry for library, entry in found.items()},
        }
        results.with_suffix(".tmp").write_text(json.dumps(table, indent=2))
        results.with_suffix(".tmp").replace(results)
    try:
        chart.draw(table, results.with_suffix(".png"))
    except ModuleNotFoundError:
        print("no chart: matplotlib is not installed")


if __name__ == "__main__":
    main()
