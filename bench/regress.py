"""Is this commit slower than that one? Compares fastdl with itself on this machine.

    python -m bench.regress BASE [HEAD] [--rows mlp_tiny matmul_64 ...]
    python -m bench.regress --save baseline.json [HEAD]
    python -m bench.regress --baseline baseline.json [HEAD]

Each commit is built in an environment of its own (build/regress/, kept for the next comparison).
The rows of `bench.peers` are measured in new processes, the two commits turn by turn, so that other
load on the machine affects both. The repeats give an estimate of the noise of each median. A row is
slower if the medians differ by more than three times that noise and by more than 1 %.
Exits with 1 if any row is slower, with 2 if the comparison could not be made.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from . import ROOT
from .peers.process import run
from .peers.rows import ROWS, select

DEFAULT_ROWS = (
    *("mlp_tiny", "mlp_128", "mlp_512", "predict_1", "predict_64"),
    *("matmul_64", "matmul_256", "matmul_1024", "matmul_1x1024x1024"),
)
# Smaller differences are not reported, even on a quiet machine: another build of the same source,
# with its code at other addresses, differs as much.
SMALLEST = 0.01
ROUNDS = 11


class CannotCompare(Exception):
    """A commit that does not build, or results of another machine."""


def noise_of(samples: list[float]) -> float:
    """The standard error of log(median), from the median absolute deviation.

    1.4826 times that deviation estimates the standard deviation of normal samples, and the median
    of n of them has 1.2533 / sqrt(n) of it. A few outliers do not matter.
    """
    logs = [math.log(s) for s in samples]
    center = median(logs)
    deviation = median(abs(value - center) for value in logs)
    return 1.4826 * 1.2533 * deviation / math.sqrt(len(logs))


@dataclass(frozen=True)
class Verdict:
    """How the medians of two sets of samples compare.

    Attributes:
        ratio: median of head over median of base; above 1, head is slower.
        noise: the uncertainty of the ratio (three standard errors).
    """

    ratio: float
    noise: float

    @property
    def slower(self) -> bool:
        return math.log(self.ratio) > max(self.noise, math.log1p(SMALLEST))

    @property
    def faster(self) -> bool:
        return math.log(self.ratio) < -max(self.noise, math.log1p(SMALLEST))

    def __str__(self) -> str:
        word = "SLOWER" if self.slower else "faster" if self.faster else "same"
        return f"{self.ratio - 1:+8.1%}  (noise {self.noise:.1%})  {word}"


def compare(base: list[float], head: list[float]) -> Verdict:
    """The verdict on two sets of seconds."""
    noise = 3 * math.hypot(noise_of(base), noise_of(head))
    return Verdict(median(head) / median(base), noise)


def _output(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        text = " ".join(map(str, command))
        raise CannotCompare(f"{text} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def build(revision: str) -> tuple[str, str]:
    """The commit that `revision` names and the Python of an environment where it is installed."""
    commit = _output("git", "rev-parse", "--verify", f"{revision}^{{commit}}")
    folder = ROOT / "build" / "regress" / commit
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        print(f"building {revision} ({commit[:9]})", file=sys.stderr, flush=True)
        import numpy

        _output(sys.executable, "-m", "venv", "--clear", folder)
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / "tree"
            _output("git", "worktree", "add", "--detach", tree, commit)
            try:
                pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
                # The same NumPy for both, or the rows that start with its arrays would differ.
                _output(*pip, f"numpy=={numpy.__version__}", tree, cwd=Path(scratch))
            finally:
                _output("git", "worktree", "remove", "--force", tree)
        done.touch()
    return commit, str(python)


def machine(threads: int) -> dict[str, Any]:
    """What has to be equal for stored seconds to be comparable."""
    import fastdl

    config = fastdl._core.config()
    return {
        "host": platform.node(),
        "cpu": config["cpu"],
        "isa": os.environ.get("FASTDL_ISA") or config["isa"],
        "threads": threads,
    }


def sample(python: str, row: str, threads: int) -> float:
    """The median seconds of one process."""
    result = run(python, "fastdl", row, threads)
    if result is None:
        raise CannotCompare(f"{python} cannot import fastdl")
    return median(result["seconds"])


def measure(pythons: list[str], rows: list[str], rounds: int, threads: int) -> list[dict]:
    """For each Python {row: seconds of every round}. The order changes every round."""
    found: list[dict[str, list[float]]] = [{row: [] for row in rows} for _ in pythons]
    for row in rows:
        for i in range(rounds):
            order = list(enumerate(pythons))
            for which, python in order if i % 2 == 0 else reversed(order):
                found[which][row].append(sample(python, row, threads))
    return found


def load(path: Path, here: dict[str, Any], rows: list[str]) -> dict[str, list[float]]:
    """The stored rows, if they are of this machine."""
    stored = json.loads(path.read_text())
    if stored["machine"] != here:
        raise CannotCompare(f"{path} was measured on {stored['machine']}, this is {here}")
    missing = [row for row in rows if row not in stored["rows"]]
    if missing:
        raise CannotCompare(f"{path} lacks {', '.join(missing)}")
    return stored["rows"]


def report(base: dict[str, list[float]], head: dict[str, list[float]]) -> bool:
    """Prints a line for each row; True if none is slower."""
    good = True
    for row, seconds in head.items():
        verdict = compare(base[row], seconds)
        scale = {"us": 1e6, "ms": 1e3, "s": 1.0}[ROWS[row].unit]
        times = f"{median(base[row]) * scale:10.3f} -> {median(seconds) * scale:10.3f}"
        print(f"{row:<22} {times} {ROWS[row].unit:<2} {verdict}", flush=True)
        good = good and not verdict.slower
    return good


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.regress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("revisions", nargs="*", metavar="REVISION", help="BASE [HEAD], or [HEAD]")
    parser.add_argument("--rows", nargs="+", default=list(DEFAULT_ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--save", type=Path, metavar="JSON", help="measure HEAD and store it")
    group.add_argument(
        "--baseline", type=Path, metavar="JSON", help="compare HEAD with stored ones"
    )
    options = parser.parse_args(arguments)
    try:
        options.rows = [row for row in select(options.rows) if row != "import"]
    except ValueError as e:
        parser.error(str(e))
    if not options.rows:
        parser.error("the row import is for different libraries only")
    if options.rounds < 3:
        parser.error("fewer than 3 rounds say nothing about the noise")
    alone = options.save or options.baseline
    if len(options.revisions) > (1 if alone else 2) or not (alone or options.revisions):
        parser.error("expected BASE [HEAD], or at most HEAD with --save or --baseline")

    revisions = options.revisions or ["HEAD"]
    if not alone and len(revisions) == 1:
        revisions.append("HEAD")
    try:
        here = machine(options.threads)
        stored = load(options.baseline, here, options.rows) if options.baseline else None
        commits, pythons = zip(*map(build, revisions), strict=True)
        found = measure(list(pythons), options.rows, options.rounds, options.threads)
    except (CannotCompare, RuntimeError) as e:
        print(e, file=sys.stderr)
        return 2
    if options.save:
        table = {"machine": here, "commit": commits[0], "rows": found[0]}
        options.save.write_text(json.dumps(table, indent=2))
        return 0
    return 0 if report(stored or found[0], found[-1]) else 1


if __name__ == "__main__":
    sys.exit(main())
