"""The team's threads beside OpenMP's: small steps, predictions, and a program with its own OpenMP
code. Each is measured in its own process, since the choice holds for a process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import fastdl

from . import ROOT, mixed
from .peers.process import environment
from .peers.rows import ROWS

NAMES = ["mlp_tiny", "mlp_128", "mlp_512", "predict_1", "predict_64", "predict_1024"]


class _Clock:
    """Time that passed in the other processes."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


_clock = _Clock()


def _samples(threading: str, *command: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment(os.environ, fastdl.get_num_threads()) | {"FASTDL_THREADING": threading},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
        if "built without OpenMP" in done.stderr:
            pytest.skip(reason[0])
        raise RuntimeError(f"{' '.join(command)} with {threading}:\n{done.stderr[-2000:]}")
    samples: list[float] = json.loads(done.stdout.splitlines()[-1])["seconds"]
    return samples


def _time(benchmark, samples: list[float], flops: float = 0.0, moved: float = 0.0) -> None:
    left: Iterator[float] = iter(samples)

    def run() -> None:
        _clock.now += next(left)

    benchmark.pedantic(run, rounds=len(samples))
    seconds = benchmark.stats.stats.median
    benchmark.extra_info.update(
        seconds=seconds, gflops=flops / seconds / 1e9, gbytes=moved / seconds / 1e9, share=None
    )


@pytest.mark.benchmark(timer=_clock)
@pytest.mark.parametrize("threading", ["team", "openmp"])
@pytest.mark.parametrize("name", NAMES)
def test_threading(name, threading, benchmark):
    row = ROWS[name]
    benchmark.group = f"threading, {name}: {row.what}"
    samples = _samples(threading, "bench.peers.worker", "fastdl", name)
    _time(benchmark, samples, row.flops, row.bytes)


@pytest.mark.benchmark(timer=_clock)
@pytest.mark.parametrize("threading", ["team", "openmp"])
def test_beside_the_program_s_own_openmp(threading, benchmark):
    if importlib.util.find_spec("Cython") is None:
        pytest.skip("Cython is not installed: pip install cython setuptools")
    benchmark.group = f"threading, {mixed.WHAT}"
    _time(benchmark, _samples(threading, "bench.mixed"))
