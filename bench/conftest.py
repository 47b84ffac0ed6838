"""Fixtures of `pytest bench`: the machine's floors, and a table of the shares reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

import fastdl

from .peers import floors


def _floors_of(threads: int) -> dict[str, Any]:
    machine = floors.measure(threads)
    if machine is None:
        pytest.skip("floors need a C++ compiler (c++, or the one that CXX names)")
    return machine


@pytest.fixture(scope="session")
def machine() -> dict[str, Any]:
    """Floors with as many threads as fastdl uses."""
    return _floors_of(fastdl._core.num_threads())


@pytest.fixture(scope="session")
def core() -> dict[str, Any]:
    """Floors of one thread."""
    return _floors_of(1)


@pytest.fixture
def timed(benchmark: Any) -> Callable[..., Any]:
    """`timed(run, machine, flops, moved, per)` times `run`, which does `per` units of work, and
    notes seconds a unit, GFLOP/s, GB/s and the share of the floor (None: not counted)."""

    def time_it(
        run: Callable[[], object],
        machine: dict[str, Any],
        flops: float = 0.0,
        moved: float = 0.0,
        per: int = 1,
    ) -> None:
        run()  # warm-up: allocation, recording
        run()
        run()
        benchmark(run)
        seconds = benchmark.stats.stats.median / per
        floor = floors.seconds(machine, flops, moved)
        benchmark.extra_info.update(
            seconds=seconds,
            gflops=flops / seconds / 1e9,
            gbytes=moved / seconds / 1e9,
            share=floor / seconds if floor else None,
            machine=machine,
            isa=os.environ.get("FASTDL_ISA") or fastdl._core.config()["isa"],
        )

    return time_it


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Work per second and shares of the floor: pytest-benchmark's table has no such columns."""
    rows = [b for b in config._benchmarksession.benchmarks if b.extra_info and b.stats.data]
    if not rows:
        return
    write = terminalreporter.write_line
    terminalreporter.section("share of the floor")
    write(f"{'':<56} {'us':>12} {'GFLOP/s':>9} {'GB/s':>9} {'share':>7}")
    for b in rows:
        info = b.extra_info
        gflops, gbytes = (f"{v:.1f}" if v else "" for v in (info["gflops"], info["gbytes"]))
        share = f"{info['share']:.0%}" if info["share"] else ""
        write(f"{b.name:<56} {info['seconds'] * 1e6:12.3f} {gflops:>9} {gbytes:>9} {share:>7}")
