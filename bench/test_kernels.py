"""Every row of csrc/cpu/kernels.inc on one core: arrays in the first cache, and in memory."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from . import ROOT, kernel_library

# Floats of an array: 8 KiB, so that all arrays of a call lie in the first cache; 128 MiB.
SIZES = {"cache": 2048, "memory": 1 << 25}


def rows() -> list[str]:
    """The names in kernels.inc, read from its text."""
    text = re.sub(r"//.*", "", (ROOT / "csrc/cpu/kernels.inc").read_text())
    return [
        name or long_name
        for name, long_name in re.findall(
            r"^(?:(?:UNARY|BINARY|COMPARE)\((\w+)\)|KERNEL\(\w+, (\w+),)", text, re.MULTILINE
        )
    ]


ROWS = rows()


@pytest.fixture(scope="session")
def library():
    return kernel_library.build()


@pytest.fixture(scope="module", params=list(SIZES))
def place(request: pytest.FixtureRequest, library) -> Iterator[tuple[str, int]]:
    data = library.bench_open_data(SIZES[request.param])
    yield request.param, data
    library.bench_close_data(data)


def test_complete(library) -> None:
    """The library times all rows of the list, and the list was read right."""
    names = [library.bench_name(i).decode() for i in range(library.bench_count())]
    assert names == ROWS


@pytest.mark.parametrize("name", ROWS)
def test_kernel(name: str, place, library, core, timed, benchmark) -> None:
    where, data = place
    benchmark.group = f"kernels, {where}, {library.bench_isa().decode()}"
    case = library.bench_open(ROWS.index(name), data)
    try:
        start = time.perf_counter()
        library.bench_run(case, 1)
        # So many calls at once that ctypes' own microsecond does not count.
        calls = max(1, int(2e-4 / (time.perf_counter() - start)))
        flops, moved = library.bench_flops(case), library.bench_bytes(case)
        timed(lambda: library.bench_run(case, calls), core, flops, moved, calls)
    finally:
        library.bench_close(case)
