"""`fastdl bench`: what this machine gives fastdl, in a few seconds.

Each figure is the best of several runs: others are slower because of other programs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

import fastdl

if TYPE_CHECKING:
    import argparse

_SECONDS = 0.3  # of each row
_LEAST_RUNS = 3


def run(options: argparse.Namespace) -> int:
    """Prints a table."""
    threads = fastdl.get_num_threads()
    print(f"fastdl {fastdl.__version__}, {threads} threads (`fastdl info` shows more)\n")
    for name, figure in _rows():
        print(f"{name:<52}{figure:>18}".rstrip(), flush=True)
    return 0


def _best(work: Callable[[], object], seconds: float = _SECONDS) -> float:
    """The seconds of the fastest run."""
    work()
    best, total, runs = float("inf"), 0.0, 0
    while total < seconds or runs < _LEAST_RUNS:
        start = perf_counter()
        work()
        taken = perf_counter() - start
        best, total, runs = min(best, taken), total + taken, runs + 1
    return best


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def _rows() -> Iterator[tuple[str, str]]:
    n = 2048
    a, b = fastdl.rand(n, n), fastdl.rand(n, n)
    yield "matrix product, 2048 x 2048", f"{2 * n**3 / _best(lambda: a @ b) / 1e9:.0f} GFLOP/s"
    large = fastdl.rand(1 << 25)  # 128 MiB
    seconds = _best(lambda: fastdl.clone(large))
    yield "copy of 128 MiB, read and written", f"{2 * large.nbytes / seconds / 1e9:.1f} GB/s"
    small = fastdl.rand(8)
    many = _best(lambda: [small + small for _ in range(1000)])
    yield "one op on 8 numbers", _time(many / 1000)
    yield "", ""
    for sizes, batch in (((64, 64, 10), 32), ((784, 128, 10), 128), ((784, 512, 512, 10), 128)):
        model = _network(sizes)
        rng = np.random.default_rng(0)
        x = rng.random((batch * 20, sizes[0]), np.float32)
        y = rng.integers(0, sizes[-1], len(x))
        model.fit(x, y, batch_size=batch, verbose=0)
        seconds = _best(lambda: model.fit(x, y, batch_size=batch, verbose=0)) / 20  # noqa: B023
        shape = "-".join(map(str, sizes))
        yield f"training step, {shape}, Adam, batches of {batch}", _time(seconds)
        one = x[:1]
        seconds = _best(lambda: model.predict_on_batch(one))  # noqa: B023
        yield f"prediction of one row, {shape}", _time(seconds)
    yield "", ""
    yield "import fastdl, beside the start of Python", _time(_import_seconds())


def _network(sizes: tuple[int, ...]) -> fastdl.Sequential:
    layers = fastdl.layers
    hidden = [layers.Dense(units, "relu") for units in sizes[1:-1]]
    model = fastdl.Sequential([layers.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1])])
    loss = fastdl.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


def _import_seconds() -> float:
    import subprocess

    def start(program: str) -> float:
        # Python looks in the current folder first, which can hold the sources of this package.
        command = [sys.executable, "-c", f"import sys; sys.path[0] = {folder!r}; {program}"]
        return _best(lambda: subprocess.run(command, check=True))

    folder = str(Path(fastdl.__file__).resolve().parents[1])
    return max(0.0, start("import fastdl") - start("pass"))
