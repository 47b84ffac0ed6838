"""Times of short pieces of code, as `torch.utils.benchmark`: Timer, Measurement and Compare.

Other work on the machine makes a run slower, never faster. So the median of many short runs says
more than one long run, and `blocked_autorange` measures in blocks.

Example::

    timer = Timer("x @ x", setup="import fastdl; x = fastdl.rand(100, 100)", num_threads=2)
    print(timer.blocked_autorange(min_run_time=1))
"""

from __future__ import annotations

import math
import textwrap
import timeit
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import KindError, check_integer, check_number, shown
from .._base.config import get_num_threads, set_num_threads
from .._core import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_UNITS = (
    *((1e-9, "ns", "nanoseconds"), (1e-6, "us", "microseconds")),
    *((1e-3, "ms", "milliseconds"), (1.0, "s", "seconds")),
)


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which a time in seconds is at least 1, and that unit in seconds.

    Example:
        >>> select_unit(0.0025)
        ('ms', 0.001)
    """
    factor, name = next(((f, n) for f, n, _ in reversed(_UNITS) if t >= f), _UNITS[0][:2])
    return name, factor


@dataclass(frozen=True)
class TaskSpec:
    """What is measured. Two measurements with equal ones are of the same thing."""

    stmt: str
    setup: str = "pass"
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label with the sub-label, or the statement."""
        if self.label is None and self.sub_label is None:
            return _indented(self.stmt)
        return ": ".join(part for part in (self.label, self.sub_label) if part)


@dataclass(repr=False)
class Measurement:
    """The times of one task. All are in seconds, for one run of the statement.

    Args:
        number_per_run: how often the statement ran in each block.
        raw_times: the time of each block.
        task_spec: what was measured.
        metadata: anything else that the user notes.

    Source: `torch.utils.benchmark.Measurement`.

    Example:
        >>> m = Measurement(10, [20.0, 30.0, 40.0], TaskSpec("f()"))
        >>> m.times, m.median, m.iqr
        ([2.0, 3.0, 4.0], 3.0, 1.0)
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = field(default=None)

    def __post_init__(self) -> None:
        check_integer("Measurement", "number_per_run", self.number_per_run, 1)
        if not self.raw_times:
            raise ArgumentError("Measurement: raw_times: expected at least one time, got none")

    def __getattr__(self, name: str) -> Any:
        if name in ("stmt", "setup", "label", "sub_label", "description", "env", "num_threads"):
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

    @property
    def times(self) -> list[float]:
        """The time of one run, for each block."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """Of `times`."""
        return float(np.median(self.times))

    @property
    def mean(self) -> float:
        """Of `times`."""
        return float(np.mean(self.times))

    @property
    def iqr(self) -> float:
        """How far the quartiles of `times` are apart."""
        low, high = np.percentile(self.times, (25, 75))
        return float(high - low)

    @property
    def significant_figures(self) -> int:
        """How many figures of the median the spread of the times leaves; at least 1.

        The median of n times is known to about 1.2533 deviations divided by the root of n, and the
        quartiles of a normal distribution are 1.349 deviations apart.
        """
        doubt = 1.2533 * self.iqr / 1.349 / math.sqrt(len(self.times))
        if not doubt or not self.median:
            return 5
        return min(max(int(math.log10(self.median / doubt)) + 1, 1), 5)

    def meets_confidence(self, threshold: float = 0.2) -> bool:
        """Whether the quartiles are apart less than this part of the median."""
        return self.iqr < threshold * self.median

    @property
    def has_warnings(self) -> bool:
        """Whether the times are spread so much that the median says little."""
        return not self.meets_confidence()

    @property
    def title(self) -> str:
        """The title of the task."""
        return self.task_spec.title

    @property
    def as_row_name(self) -> str:
        """The row of `Compare` that it belongs to: the sub-label, or the statement."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One measurement for each task, with the times of all."""
        found: dict[TaskSpec, list[Measurement]] = {}
        for one in measurements:
            found.setdefault(one.task_spec, []).append(one)
        return [
            Measurement(1, [t for one in several for t in one.times], task, None)
            for task, several in found.items()
        ]

    def __repr__(self) -> str:
        unit, factor = select_unit(self.median)
        blocks, threads = len(self.raw_times), self.task_spec.num_threads
        lines = [self.title, *filter(None, [self.task_spec.description])]
        if self.task_spec.setup != "pass":
            lines.append(f"setup: {_indented(self.task_spec.setup)}")
        if blocks > 1:
            lines.append(f"  Median: {self.median / factor:.2f} {unit}")
            lines.append(f"  IQR:    {self.iqr / factor:.2f} {unit}")
        else:
            lines.append(f"  {self.median / factor:.2f} {unit}")
        lines.append(
            f"  {blocks} measurement{'s' * (blocks > 1)}, {self.number_per_run} runs "
            f"per measurement, {threads} thread{'s' * (threads > 1)}"
        )
        if self.has_warnings:
            lines.append("  WARNING: the quartiles are apart more than 20 % of the median")
        return "\n".join(lines)


class Timer:
    """Measures how long a statement takes.

    Args:
        stmt: the statement, Python's source.
        setup: what runs before each block of runs, in the same names.
        global_setup: only for C++, so it must be empty.
        timer: gives the time in seconds.
        globals: the names that the statement knows.
        label, sub_label, description: what `Compare` calls the measurement: table, row and column.
        env: where it was measured, for the rows of `Compare`.
        num_threads: the threads of the library meanwhile.
        language: "python".

    Raises:
        SyntaxError: `stmt` or `setup` is no source of Python.
        ValueError: C++, or no positive number of threads.

    Source: `torch.utils.benchmark.Timer`.

    Example:
        >>> timer = Timer("x + 1", globals={"x": fastdl.ones(3)}, label="add")
        >>> timer.timeit(100).number_per_run
        100
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = perf_counter,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: object = "python",
    ) -> None:
        for argument, source in (("stmt", stmt), ("setup", setup)):
            if not isinstance(source, str):
                raise KindError(
                    f"Timer: {argument}: expected source of Python, got {shown(source)}"
                )
        if str(getattr(language, "name", language)).lower() not in ("python", "py") or global_setup:
            raise ArgumentError(f"Timer: language: expected 'python', got {language!r}")
        check_integer("Timer", "num_threads", num_threads, 1)
        stmt, setup = textwrap.dedent(stmt).strip(), textwrap.dedent(setup).strip()
        self._task_spec = TaskSpec(stmt, setup, "", label, sub_label, description, env, num_threads)
        self._timer = timeit.Timer(stmt, setup, timer, {} if globals is None else dict(globals))

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One block of `number` runs, after some to get warm.

        Raises:
            ValueError: no positive number.
        """
        check_integer("Timer.timeit", "number", number, 1)
        with _Threads(self._task_spec.num_threads):
            self._timer.timeit(max(number // 100, 2))
            return self._made(number, [self._timer.timeit(number)])

    def blocked_autorange(
        self,
        callback: Callable[[int, float], Any] | None = None,
        min_run_time: float = 0.2,
    ) -> Measurement:
        """Blocks of as many runs each that the timer itself counts for little.

        Args:
            callback: gets the number of runs and the time of each block.
            min_run_time: seconds that all blocks together take at least.
        """
        check_number("Timer.blocked_autorange", "min_run_time", min_run_time, above=0.0)
        with _Threads(self._task_spec.num_threads):
            number = self._block(min_run_time)
            times = self._blocks(number, min_run_time, lambda _: True, math.inf, callback)
        return self._made(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Blocks until the quartiles are apart less than `threshold` of the median, or time is up.

        Args:
            threshold: that part.
            min_run_time, max_run_time: seconds that all blocks together take.
            callback: gets the number of runs and the time of each block.
        """
        who = "Timer.adaptive_autorange"
        check_number(who, "threshold", threshold, above=0.0)
        check_number(who, "min_run_time", min_run_time, above=0.0)
        check_number(who, "max_run_time", max_run_time, min_run_time)
        with _Threads(self._task_spec.num_threads):
            number = self._block(min_run_time)

            def steady(times: list[float]) -> bool:
                return len(times) > 3 and self._made(number, times).meets_confidence(threshold)

            times = self._blocks(number, min_run_time, steady, max_run_time, callback)
        return self._made(number, times)

    def _block(self, min_run_time: float) -> int:
        """The runs of a block: such that the clock's own time is below a thousandth of it."""
        clock = np.median([timeit.timeit("pass", number=0) for _ in range(30)])
        number, most = 1, max(min_run_time / 1000, 1e-6)
        while number < 10**9:
            taken = self._timer.timeit(number)
            if taken >= max(1000 * float(clock), most):
                break
            number *= 10
        return number

    def _blocks(
        self,
        number: int,
        least: float,
        steady: Callable[[list[float]], bool],
        most: float,
        callback: Callable[[int, float], Any] | None,
    ) -> list[float]:
        times: list[float] = []
        total = 0.0
        while not times or total < least or (not steady(times) and total < most):
            times.append(self._timer.timeit(number))
            total += times[-1]
            if callback is not None:
                callback(number, times[-1])
        return times

    def _made(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)


class _Threads:
    """The number of the library's threads within a block of code."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        self._before = get_num_threads()
        set_num_threads(self._number)

    def __exit__(self, *error: object) -> None:
        set_num_threads(self._before)


class Compare:
    """A table of measurements: a row for each sub-label, a column for each description.

    Args:
        results: measurements. Those of one task are merged.

    Source: `torch.utils.benchmark.Compare`.

    Example:
        >>> task = TaskSpec("f()", label="f", sub_label="small", description="new")
        >>> print(Compare([Measurement(1, [2e-6], task)]))
        f
        1 thread   new
        small      2.0
        Times are in microseconds (us).
    """

    def __init__(self, results: Sequence[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trimmed = self._marked = False

    def extend_results(self, results: Sequence[Measurement]) -> None:
        """Adds measurements.

        Raises:
            TypeError: something else.
        """
        for one in results:
            if not isinstance(one, Measurement):
                raise KindError(f"Compare: results: expected measurements, got {shown(one)}")
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Shows no more figures than the spread of the times allows."""
        self._trimmed = True

    def highlight_warnings(self) -> None:
        """Puts a `!` behind times that are spread much."""
        self._marked = True

    def colorize(self, rowwise: bool = False) -> None:
        """Has no effect: the table is plain text."""

    def print(self) -> None:
        """Prints the table."""
        print(self)

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        if not merged:
            return ""
        unit, factor = select_unit(min(one.median for one in merged))
        lines = []
        for label in dict.fromkeys(one.task_spec.label or "" for one in merged):
            lines += self._table([m for m in merged if (m.task_spec.label or "") == label], factor)
        name = next(long for _, short, long in _UNITS if short == unit)
        return "\n".join([*lines, f"Times are in {name} ({unit})."])

    def _table(self, group: list[Measurement], factor: float) -> list[str]:
        columns = list(dict.fromkeys(one.task_spec.description or "" for one in group))
        lines = [group[0].task_spec.label or ""]
        table: list[list[str]] = []
        for threads in sorted({one.task_spec.num_threads for one in group}):
            table.append([f"{threads} thread{'s' * (threads > 1)}", *columns])
            at = [one for one in group if one.task_spec.num_threads == threads]
            names = Counter((one.as_row_name, one.task_spec.env or "") for one in at)
            for name, env in names:
                row = {m.task_spec.description or "": m for m in at if m.as_row_name == name}
                shown_name = f"{name} ({env})" if env else name
                table.append([shown_name, *(self._cell(row.get(c), factor) for c in columns)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for first, *rest in table:
            cells = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
            lines.append("   ".join([first.ljust(widths[0]), *cells]).rstrip())
        return lines

    def _cell(self, one: Measurement | None, factor: float) -> str:
        if one is None:
            return ""
        value = one.median / factor
        if self._trimmed:
            places = max(one.significant_figures - 1 - math.floor(math.log10(value or 1.0)), 0)
            text = f"{value:.{min(places, 3)}f}"
        else:
            text = f"{value:.1f}"
        return text + "!" * (self._marked and one.has_warnings)


def _indented(source: str) -> str:
    return source if "\n" not in source else "\n" + textwrap.indent(source, "  ")
