"""Do more threads, or one unit more, ever make training slower?

    python -m bench.sweep [--widths 1-64 4095 4096] [--batches 32 1000-1024]

Trains a network width-width-10 with `model.fit` for each width and batch and takes the median
seconds of a step with one thread and with all, turn by turn in one process, so that other load on
the machine affects both. Input and hidden layer both have the width of the cell, so every product
has every awkward size: rows, columns and sums one less or more than a vector, a tile, or a page.
The work of a step goes from nothing to a hundred GFLOP, past every size where fastdl decides
otherwise about threads.

A cell beyond a bound is measured again, and counts only if it is beyond with all its turns. Prints
the worst cells, writes bench/results/sweep.json, and exits with 1 if any cell is beyond a bound.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


def _grid(last: int) -> list[int]:
    """1, 2, 3, 4, then each power of two up to `last` with its neighbours, which end there."""
    found = {1, 2, 3, 4}
    power = 8
    while power <= last:
        found |= {power - 1, power, power + 1}
        power *= 2
    return sorted(n for n in found if n <= last)


WIDTHS = _grid(4096)
BATCHES = _grid(1024)
DEFAULT_BATCHES = [n for n in BATCHES if n & (n - 1) == 0]
TURN = 0.02  # seconds of a turn at least


def choose(texts: list[str], grid: list[int]) -> list[int]:
    """The numbers that the texts name: "7" is 7 itself, "7-17" those of the grid from 7 to 17.

    Raises:
        ValueError: a text that is neither, or names nothing from 1 to the last of the grid.
    """
    found: set[int] = set()
    for text in texts:
        low, dash, high = text.partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            raise ValueError(f"expected a number or a range like 7-17, got {text!r}")
        named = [n for n in grid if int(low) <= n <= int(high)] if dash else [int(low)]
        if not named or not 1 <= named[0] <= grid[-1]:
            raise ValueError(f"{text!r} names nothing from 1 to {grid[-1]}")
        found.update(named)
    return sorted(found)


@dataclass
class Cell:
    """Seconds of a step, turn by turn: `one[i]` and `all[i]` were measured one after the other."""

    width: int
    batch: int
    one: list[float] = field(default_factory=list)
    all: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """All threads over one thread: above 1, more threads are slower."""
        return median(b / a for a, b in zip(self.one, self.all, strict=True))


@dataclass(frozen=True)
class Bounds:
    """How much slower is too much: all threads than one, and one unit of width more."""

    threads: float
    unit: float


def jumps(cells: list[Cell]) -> dict[tuple[int, int], float]:
    """{(width, batch): time at width + 1 over that at width, with all threads}.

    Only where both are there: what is more than a unit wider may take longer.
    """
    times = {(c.width, c.batch): median(c.all) for c in cells}
    found = {}
    for (width, batch), seconds in times.items():
        if (wider := times.get((width + 1, batch))) is not None:
            found[width, batch] = wider / seconds
    return found


def beyond(cells: list[Cell], bounds: Bounds) -> tuple[list[Cell], dict[tuple[int, int], float]]:
    """The cells where all threads are too slow, and the jumps that are too high; worst first."""
    slow = [c for c in cells if c.ratio > 1 + bounds.threads]
    high = {at: jump for at, jump in jumps(cells).items() if jump > 1 + bounds.unit}
    return (
        sorted(slow, key=lambda c: -c.ratio),
        dict(sorted(high.items(), key=lambda item: -item[1])),
    )


def measure(cell: Cell, threads: int, turns: int) -> None:
    """Appends `turns` turns to the cell, each of TURN seconds at least for either thread count."""
    import numpy as np

    import fastdl

    from .peers.fastdl_rows import _model

    # As many steps in an epoch as 64 MiB of input hold, 16 at most.
    steps = max(1, min(16, 2**24 // (cell.batch * cell.width)))
    rng = np.random.default_rng(0)
    x = rng.random((steps * cell.batch, cell.width), np.float32)
    y = rng.integers(0, 10, len(x))
    model = _model((cell.width, cell.width, 10))

    before = fastdl.get_num_threads()

    def train(count: int, epochs: int) -> float:
        fastdl.set_num_threads(count)
        start = time.perf_counter()
        model.fit(x, y, batch_size=cell.batch, epochs=epochs, verbose=0)
        return (time.perf_counter() - start) / (epochs * steps)

    for count in (1, threads):  # recording, first touch of memory, threads
        seconds = train(count, 1)
    epochs = 1
    while seconds * steps * epochs < TURN:  # fit itself takes time, so the first number is too low
        epochs *= 2
        seconds = train(threads, epochs)
    for turn in range(turns):
        order = [(1, cell.one), (threads, cell.all)]
        for count, seconds_of in order if turn % 2 == 0 else reversed(order):
            seconds_of.append(train(count, epochs))
    fastdl.set_num_threads(before)


def sweep(
    widths: list[int], batches: list[int], threads: int, turns: int, bounds: Bounds
) -> list[Cell]:
    """Every cell; those beyond a bound, and the neighbour that makes a jump, measured again."""
    cells = {(w, b): Cell(w, b) for b in batches for w in widths}
    for batch in batches:
        start = time.perf_counter()
        for width in widths:
            measure(cells[width, batch], threads, turns)
        passed = time.perf_counter() - start
        print(f"batch {batch}: {len(widths)} widths in {passed:.0f} s", flush=True)
    slow, high = beyond(list(cells.values()), bounds)
    again = {(c.width, c.batch) for c in slow} | set(high) | {(w + 1, b) for w, b in high}
    if again:
        print(f"measuring {len(again)} cells again", flush=True)
    for at in sorted(again):
        measure(cells[at], threads, 2 * turns)
    return list(cells.values())


def report(cells: list[Cell], bounds: Bounds, worst: int = 10) -> bool:
    """Prints the worst cells; True if none is beyond a bound."""
    slow, high = beyond(cells, bounds)
    print(f"\nall threads over one thread, the worst of {len(cells)} cells:")
    for c in sorted(cells, key=lambda c: -c.ratio)[: max(worst, len(slow))]:
        times = f"{median(c.one) * 1e6:12.1f} us {median(c.all) * 1e6:12.1f} us"
        print(f"  width {c.width:<5} batch {c.batch:<5} {times} {_percent(c in slow, c.ratio)}")
    every = jumps(cells)
    print(f"\none unit more with all threads, the worst of {len(every)} jumps:")
    times = {(c.width, c.batch): median(c.all) * 1e6 for c in cells}
    for (width, batch), jump in sorted(every.items(), key=lambda i: -i[1])[: max(worst, len(high))]:
        step = f"{times[width, batch]:12.1f} us {times[width + 1, batch]:12.1f} us"
        where = f"width {width}, {width + 1}"
        print(f"  {where:<17} batch {batch:<5} {step} {_percent((width, batch) in high, jump)}")
    return not slow and not high


def _percent(is_beyond: bool, ratio: float) -> str:
    return f"{ratio - 1:+8.1%}{'  BEYOND' if is_beyond else ''}"


def as_table(cells: list[Cell], threads: int, bounds: Bounds) -> dict[str, Any]:
    """What is written: every sample, and what follows from them."""
    every = jumps(cells)
    rows = [{**asdict(c), "ratio": c.ratio, "jump": every.get((c.width, c.batch))} for c in cells]
    return {"threads": threads, "bounds": asdict(bounds), "cells": rows}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.sweep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    numbers = "numbers, and ranges of the grid like 1-64; default: "
    parser.add_argument("--widths", nargs="+", default=["1-4096"], help=numbers + "all")
    parser.add_argument("--batches", nargs="+", help=numbers + "powers of two")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, help="how many all are; default: fastdl's")
    parser.add_argument(
        "--slower", type=float, default=3.0, metavar="PERCENT", help="bound for all threads"
    )
    parser.add_argument(
        "--jump", type=float, default=25.0, metavar="PERCENT", help="bound for one unit more"
    )
    options = parser.parse_args(arguments)
    try:
        widths = choose(options.widths, WIDTHS)
        batches = choose(options.batches, BATCHES) if options.batches else DEFAULT_BATCHES
    except ValueError as e:
        parser.error(str(e))
    import fastdl

    threads = options.threads or fastdl.get_num_threads()
    if threads < 2 or options.turns < 1:
        parser.error("needs two threads and a turn at least")
    bounds = Bounds(options.slower / 100, options.jump / 100)
    cells = sweep(widths, batches, threads, options.turns, bounds)
    good = report(cells, bounds)
    path = Path(__file__).with_name("results") / "sweep.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(as_table(cells, threads, bounds), indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
