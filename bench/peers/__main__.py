"""`python -m bench.peers [rows] [--python torch=/path/to/python ...]`

Measures fastdl and the installed peers in one run: each in its own processes, turn by turn, with
the same number of threads, as medians of several rounds. --python reaches a peer in another
environment; "peers=..." names one for all of them. The machine's floors are measured first, and
each row shows the share of its floor that fastdl reaches. Beside each time is the peak resident
memory of its process. Prints a table, writes bench/results/peers.json and, where matplotlib is
installed, the bar chart peers.png beside it. With --isa avx2 all libraries are limited to AVX2, and
the results are peers_avx2.json and peers_avx2.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from . import chart, floors, memory
from .process import ISA_SWITCHES, not_held, run
from .rows import ROWS, select

LIBRARIES = ("fastdl", "torch", "torch_compile", "jax", "keras", "sklearn", "onnxruntime", "numpy")


def measure(name: str, pythons: dict[str, str], versions: dict[str, str], options: Any) -> dict:
    """{library: {"median", "all", "peak", ...}} of one row, in seconds and bytes."""
    found: dict[str, dict[str, Any]] = {}
    taking_part = list(versions)
    for _ in range(options.rounds):
        for library in list(taking_part):
            try:
                result = run(pythons[library], library, name, options.threads, options.isa)
            except RuntimeError as e:
                if library == "fastdl":
                    raise
                print(f"{e}(this round of {library} does not count)", file=sys.stderr, flush=True)
                continue
            if result is None:
                taking_part.remove(library)
                continue
            entry = found.setdefault(library, {"all": []})
            entry["all"].append(median(result.pop("seconds")))
            entry["peak"] = max(entry.get("peak", 0), result.pop("peak"))
            entry.update(result)
    for entry in found.values():
        entry["median"] = median(entry["all"])
    return found


def show(name: str, found: dict, versions: dict[str, str], floor: float | None) -> None:
    row = ROWS[name]
    scale = {"us": 1e6, "ms": 1e3, "s": 1.0}[row.unit]
    ours = found["fastdl"]["median"] if "fastdl" in found else None
    peak = found["fastdl"]["peak"] if "fastdl" in found else None
    print(f"\n{name}: {row.what}")
    if floor:
        share = f", of which fastdl reaches {floor / ours:.0%}" if ours else ""
        print(f"  {'floor':<30} {floor * scale:10.3f} {row.unit}{share}")
    for library, entry in found.items():
        low, high = min(entry["all"]) * scale, max(entry["all"]) * scale
        times = f"{entry['median'] * scale:10.3f} {row.unit} ({low:.3f} - {high:.3f})"
        space = f"{entry['peak'] / 2**20:7.0f} MiB"
        more = ""
        if ours and library != "fastdl":
            times += f"{entry['median'] / ours:9.2f} x"
            space += f"{entry['peak'] / peak:6.2f} x"
        for k, v in entry.items():
            if k not in ("all", "median", "peak"):
                more += f"  {k} {v:.4f}"
        print(f"  {versions[library]:<30} {times:<56} {space}{more}", flush=True)


def cpu_name() -> str:
    """The kernel's name for the CPU, and how many of its cores this process may use."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [
        line.partition(":")[2].strip()
        for line in text.splitlines()
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{len(os.sched_getaffinity(0))} cores of {name}"


def within(names: list[str], machine: dict[str, Any] | None) -> list[str]:
    """The rows whose arithmetic the machine has, as far as --isa allows. Where it must be emulated,
    one step can take minutes."""
    left = [n for n in names if not machine or machine.get(ROWS[n].rate)]
    for name in names:
        if name not in left:
            print(f"{name} is left out: this machine has no {ROWS[name].rate}")
    return left


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "rows", nargs="*", default=["*"], help="names or patterns, like 'mlp_*'; --list says which"
    )
    parser.add_argument("--list", action="store_true", help="print the rows and exit")
    parser.add_argument("--python", action="append", default=[], metavar="LIBRARY=PATH")
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=list(ISA_SWITCHES), help="limit all libraries to this")
    parser.add_argument(
        "--chart", metavar="PNG", type=Path, help="measure nothing, draw the last results there"
    )
    options = parser.parse_args()
    name = f"peers_{options.isa}.json" if options.isa else "peers.json"
    results = Path(__file__).parents[1] / "results" / name
    if options.chart:
        chart.draw(json.loads(results.read_text()), options.chart)
        return
    try:
        names = select(options.rows)
    except ValueError as e:
        parser.error(str(e))
    if options.list:
        for name in names:
            print(f"{name:<24} {ROWS[name].what}")
        return
    pythons = dict.fromkeys(LIBRARIES, sys.executable)
    for entry in options.python:
        library, _, path = entry.partition("=")
        for each in LIBRARIES[1:] if library == "peers" else (library,):
            pythons[each] = path

    versions = {}
    for library in options.libraries:
        if found := run(pythons[library], library, "version", options.threads, options.isa):
            versions[library] = found["version"] + not_held(library, options.isa)
    machine = floors.measure(options.threads, options.isa)
    print(f"{options.threads} threads, {options.rounds} rounds: " + ", ".join(versions.values()))
    if machine:
        print(
            f"floors: {machine['flops'] / 1e9:.0f} GFLOP/s, {machine['bytes'] / 1e9:.1f} GB/s, "
            f"{machine['bf16_flops'] / 1e9:.0f} GFLOP/s of bfloat16"
        )
    table: dict[str, Any] = {
        "machine": machine,
        "cpu": cpu_name(),
        "date": date.today().isoformat(),
        "threads": options.threads,
        "rounds": options.rounds,
        "isa": options.isa,
        "rows": {},
    }
    results.parent.mkdir(exist_ok=True)
    for name in within(names, machine):
        found = measure(name, pythons, versions, options)
        floor = floors.seconds(machine, ROWS[name].flops, ROWS[name].bytes, ROWS[name].rate)
        show(name, found, versions, floor)
        table["rows"][name] = {
            "floor": floor,
            "libraries": {versions[library]: entry for library, entry in found.items()},
        }
        results.with_suffix(".tmp").write_text(json.dumps(table, indent=2))
        results.with_suffix(".tmp").replace(results)
    for name, ratio in memory.above_limit(table["rows"]).items():
        print(f"{name}: peak memory is {ratio:.0%} of PyTorch's, above {memory.LIMIT:.0%}")
    try:
        chart.draw(table, results.with_suffix(".png"))
    except ModuleNotFoundError:
        print("no chart: matplotlib is not installed")


if __name__ == "__main__":
    main()
