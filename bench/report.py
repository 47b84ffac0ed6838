"""`python -m bench.report [--readme]`: writes docs/results.md from what other commands measured.

Reads those of bench/results/{peers,peers_avx2,sweep}.json that exist. With --readme it also writes
docs/peers.png, docs/peers-short.png (the chart in the README) and the table between the `measured`
marks of README.md. Do not edit these by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import ROOT
from .peers import chart, memory
from .peers.rows import ROWS
from .sweep import Bounds, Cell, beyond, jumps

RESULTS = Path(__file__).with_name("results")
_FORMS = {"": "A B", "_tn": "A^T B", "_nt": "A B^T", "_tt": "A^T B^T"}

# The rows of the README, each with its description for readers.
_README = {
    "import": "`import`, beyond NumPy's own",
    "mlp_tiny": "one training step, 10-64-64-1, batch 32",
    "mlp_128": "one training step, 784-128-10, batch 32",
    "mlp_512": "one training step, 784-512-10, batch 128",
    "mlp_4096": "one training step, 1024-4096-4096-1000, batch 256",
    "mlp_4096_bf16": "the same step in mixed bfloat16",
    "predict_1": "prediction, 784-512-10, batch 1",
    "predict_64": "prediction, 784-512-10, batch 64",
    "predict_1024": "prediction, 784-512-10, batch 1024",
    "matmul_1024": "matrix product, 1024 x 1024 x 1024",
    "cold_mnist": "MNIST: start of the process, load, 5 epochs, test",
}
_WITH_MEMORY = ("mlp_4096", "cold_mnist")
_README_PEERS = ("torch", "torch compiled", "jax", "onnxruntime")


def seconds(value: float | None) -> str:
    """A duration with three digits and a unit."""
    if value is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1 or unit == "us":
            return f"{value * scale:.3g} {unit}"
    raise AssertionError


def mebibytes(value: float | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f} MiB"


def library(entry: dict[str, Any], start: str) -> dict[str, Any] | None:
    """The measurement of one library, whose name with its version starts like this."""
    for name, found in entry["libraries"].items():
        words = name.split()
        if words[0] == start.split()[0] and ("compiled" in words) == ("compiled" in start):
            return found
    return None


def best_peer(entry: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    peers = {k: v for k, v in entry["libraries"].items() if not k.startswith("fastdl")}
    return min(peers.items(), key=lambda item: item[1]["median"]) if peers else None


def _share(entry: dict[str, Any], ours: dict[str, Any]) -> str:
    return f"{entry['floor'] / ours['median']:.0%}" if entry.get("floor") else ""


def _conditions(table: dict[str, Any]) -> str:
    """One sentence on where and how a table was measured."""
    parts = [
        f"{table['threads']} threads for everyone",
        f"medians of {table.get('rounds', '?')} rounds",
    ]
    if table.get("isa"):
        parts.append(f"held to {table['isa']}")
    if machine := table.get("machine"):
        parts.append(
            f"floors {machine['flops'] / 1e9:.0f} GFLOP/s, {machine['bf16_flops'] / 1e9:.0f} in "
            f"bfloat16, {machine['bytes'] / 1e9:.1f} GB/s"
        )
    where = f"{table.get('cpu', 'unknown CPU')}, {table.get('date', '')}".rstrip(", ")
    return f"{where}; one run of `python -m bench.peers`, {', '.join(parts)}."


def peers_section(title: str, table: dict[str, Any]) -> Iterator[str]:
    yield f"## {title}\n"
    yield _conditions(table) + "\n"
    libraries = sorted({name for entry in table["rows"].values() for name in entry["libraries"]})
    yield "Versions: " + ", ".join(libraries) + ".\n"
    columns = ("row", "floor", "fastdl", "share of the floor", "best peer", "its time over ours")
    yield f"| {' | '.join(columns)} | peak memory, PyTorch's |"
    yield "|---" * 7 + "|"
    products: dict[str, dict[str, str]] = {}
    for row, entry in table["rows"].items():
        ours, peer = library(entry, "fastdl"), best_peer(entry)
        if ours is None:
            continue
        ratio = f"{peer[1]['median'] / ours['median']:.2f}" if peer else ""
        if row.startswith("matmul_"):
            form = next((f for f in ("_tn", "_nt", "_tt") if row.endswith(f)), "")
            size = row.removeprefix("matmul_").removesuffix(form)
            name = f" {peer[0].split()[0]}" if peer else ""
            cell = f"{seconds(ours['median'])}, {_share(entry, ours)}, {ratio}{name}"
            products.setdefault(size, {})[form] = cell
            continue
        torch = library(entry, "torch")
        space = [mebibytes(ours.get("peak")), mebibytes(torch.get("peak")) if torch else ""]
        cells = [row, seconds(entry.get("floor")), seconds(ours["median"]), _share(entry, ours)]
        cells += [
            f"{peer[0]} {seconds(peer[1]['median'])}" if peer else "",
            ratio,
            ", ".join(filter(None, space)),
        ]
        yield f"| {' | '.join(cells)} |"
    if products:
        yield "\nProducts: time, share of the floor, the best peer's time over ours.\n"
        yield f"| m x k x n | {' | '.join(_FORMS.values())} |"
        yield "|---|---|---|---|---|"
        for size, forms in products.items():
            yield f"| {size} | {' | '.join(forms.get(form, '') for form in _FORMS)} |"
    above = memory.above_limit(table["rows"])
    if above:
        rows = ", ".join(f"{row} ({ratio:.0%})" for row, ratio in above.items())
        yield f"\nPeak memory above {memory.LIMIT:.0%} of PyTorch's: {rows}."
    yield ""


def sweep_section(table: dict[str, Any]) -> Iterator[str]:
    fields = Cell.__dataclass_fields__
    cells = [Cell(**{k: v for k, v in row.items() if k in fields}) for row in table["cells"]]
    slow, high = beyond(cells, Bounds(**table["bounds"]))
    worst = max(cells, key=lambda c: c.ratio)
    bounds = table["bounds"]
    yield "## Threads and sizes\n"
    yield (
        f"`python -m bench.sweep`: {len(slow)} of {len(cells)} cells take more than "
        f"{bounds['threads']:.0%} longer with all threads than with one; the worst, width "
        f"{worst.width} and batch {worst.batch}, {worst.ratio - 1:+.1%}. {len(high)} of "
        f"{len(jumps(cells))} jumps from one width to the next are above {bounds['unit']:.0%}.\n"
    )


def results(tables: dict[str, dict[str, Any]]) -> str:
    """The text of docs/results.md."""
    lines = ["# Results\n"]
    lines.append(
        "Written by `python -m bench.report` from the measurements that "
        "[benchmarking.md](benchmarking.md) describes. [lab-notes.md](lab-notes.md) explains the "
        "shortfalls and says what was tried.\n"
    )
    if "peers" in tables:
        lines += peers_section("Beside other libraries", tables["peers"])
        lines.append("![Time and memory of peers over those of fastdl, row by row](peers.png)\n")
    if "peers_avx2" in tables:
        lines += peers_section("The same, held to AVX2", tables["peers_avx2"])
    if "sweep" in tables:
        lines += sweep_section(tables["sweep"])
    return "\n".join(lines).rstrip() + "\n"


def readme_table(table: dict[str, Any]) -> str:
    """The text between the marks of README.md."""
    rows = {name: table["rows"][name] for name in _README if name in table["rows"]}
    versions: dict[str, str] = {}
    for entry in rows.values():
        for name in entry["libraries"]:
            words = name.split()
            key = f"{words[0]} compiled" if "compiled" in words else words[0]
            versions.setdefault(key, name)
    peers = [peer for peer in _README_PEERS if peer in versions]
    lines = [_conditions(table), "", f"| | fastdl | {' | '.join(versions[p] for p in peers)} |"]
    lines.append("|---" * (2 + len(peers)) + "|")
    for name, entry in rows.items():
        found = [library(entry, "fastdl"), *(library(entry, peer) for peer in peers)]
        times = [seconds(f["median"]) if f else "" for f in found]
        lines.append(f"| {_README[name]} | {' | '.join(times)} |")
        if name in _WITH_MEMORY:
            space = [mebibytes(f.get("peak")) if f else "" for f in found]
            lines.append(f"| peak memory of that | {' | '.join(space)} |")
    return "\n".join(lines)


def between_marks(text: str, content: str) -> str:
    """The text with new content between its `measured` marks.

    Raises:
        ValueError: the marks are not there.
    """
    begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no {begin} ... {end} in the text")
    return pattern.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", text)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--readme", action="store_true", help="also README.md and the charts in docs"
    )
    options = parser.parse_args(arguments)
    tables = {
        name: json.loads((RESULTS / f"{name}.json").read_text())
        for name in ("peers", "peers_avx2", "sweep")
        if (RESULTS / f"{name}.json").exists()
    }
    if not tables:
        parser.error(f"nothing was measured yet: {RESULTS} has no results")
    if unknown := {row for t in tables.values() for row in t.get("rows", ())} - ROWS.keys():
        print(f"rows that bench.peers no longer has: {sorted(unknown)}", file=sys.stderr)
    (ROOT / "docs" / "results.md").write_text(results(tables))
    if options.readme and "peers" in tables:
        readme = ROOT / "README.md"
        readme.write_text(between_marks(readme.read_text(), readme_table(tables["peers"])))
        chart.draw(tables["peers"], ROOT / "docs" / "peers.png")
        chart.draw(tables["peers"], ROOT / "docs" / "peers-short.png", short=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
