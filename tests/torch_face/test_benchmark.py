"""utils.benchmark. The clock of these tests is their own."""

import pytest

import fastdl
from fastdl.utils.benchmark import Compare, Measurement, TaskSpec, Timer, select_unit


class Clock:
    """A clock that goes on by the statement alone, and by `noise` at every second reading."""

    def __init__(self, seconds=0.001, noise=()):
        self.now, self.seconds, self.noise, self.calls = 0.0, seconds, list(noise), 0

    def run(self):
        self.now += self.seconds
        self.calls += 1

    def __call__(self):
        if self.noise:
            self.now += self.noise.pop()
        return self.now


def timer_with(clock, **more):
    return Timer("run()", globals={"run": clock.run}, timer=clock, **more)


def test_timeit():
    clock = Clock(2e-3)
    m = timer_with(clock, label="f", num_threads=2).timeit(50)
    assert m.number_per_run == 50 and m.median == pytest.approx(2e-3) and len(m.times) == 1
    assert clock.calls == 52  # two to get warm
    assert repr(m) == "f\n  2.00 ms\n  1 measurement, 50 runs per measurement, 2 threads"


def test_threads_are_set_meanwhile():
    before, seen = fastdl.get_num_threads(), []
    Timer("seen.append(n())", globals={"seen": seen, "n": fastdl.get_num_threads}).timeit(1)
    assert set(seen) == {1} and fastdl.get_num_threads() == before
    with pytest.raises(ZeroDivisionError):
        Timer("1 / 0").timeit(1)
    assert fastdl.get_num_threads() == before


def test_blocks():
    noted = []
    m = timer_with(Clock(1e-3)).blocked_autorange(lambda n, t: noted.append((n, t)), 0.0105)
    assert sum(m.raw_times) >= 0.0105 > sum(m.raw_times[:-1])
    assert [t for _, t in noted] == m.raw_times and {n for n, _ in noted} == {m.number_per_run}
    assert m.iqr == pytest.approx(0, abs=1e-12) and not m.has_warnings


def test_blocks_until_the_times_are_steady():
    quiet = timer_with(Clock(0.1)).adaptive_autorange(0.01, max_run_time=1e3)
    assert len(quiet.times) == 4
    noise = [0.0] * 60 + [0.4, 0.0, 0.1, 0.0, 0.2, 0.0, 0.3, 0.0, 0.25, 0.0]
    noisy = timer_with(Clock(0.1, noise)).adaptive_autorange(0.01, max_run_time=1e3)
    assert len(noisy.times) > 4 and noisy.meets_confidence(0.01)
    noise = [0.1 * (i % 5) for i in range(200)]
    short = timer_with(Clock(0.1, noise)).adaptive_autorange(1e-9, max_run_time=2.5)
    assert sum(short.raw_times) >= 2.5 > sum(short.raw_times[:-1])


def test_a_measurement():
    task = TaskSpec("a\nb", "s", label="L", sub_label="S", description="D")
    m = Measurement(2, [2.0, 4.0, 12.0, 16.0], task)
    assert m.times == [1, 2, 6, 8] and m.mean == 4.25 and m.median == 4
    assert m.iqr == 4.75 and m.has_warnings and m.significant_figures == 1
    assert m.title == "L: S" and m.label == "L" and m.num_threads == 1
    assert "WARNING" in repr(m) and "setup: s" in repr(m)
    (merged,) = Measurement.merge([m, Measurement(1, [3.0], task)])
    assert merged.times == [1, 2, 6, 8, 3]
    assert len(Measurement.merge([m, Measurement(1, [3.0], TaskSpec("c"))])) == 2
    with pytest.raises(AttributeError, match="no attribute 'warp'"):
        m.warp  # noqa: B018


def test_a_table():
    def made(seconds, **task):
        return Measurement(1, [seconds], TaskSpec("f", label="mm", **task))

    table = Compare(
        [
            made(2e-6, sub_label="small", description="ours"),
            made(3.04e-6, sub_label="small", description="theirs"),
            made(1e-3, sub_label="large", description="theirs", num_threads=4),
        ]
    )
    assert str(table).splitlines() == [
        "mm",
        "1 thread    ours   theirs",
        "small        2.0      3.0",
        "4 threads   ours   theirs",
        "large              1000.0",
        "Times are in microseconds (us).",
    ]
    table.trim_significant_figures()
    assert "2.000    3.040" in str(table)
    noisy = Compare([Measurement(1, [1.0, 2.0, 5.0], TaskSpec("f"))])
    noisy.highlight_warnings()
    assert "2.0!" in str(noisy)
    assert str(Compare([])) == ""


def test_units():
    names = [select_unit(t)[0] for t in (5e-12, 5e-9, 5e-6, 5e-3, 5, 500)]
    assert names == ["ns", "ns", "us", "ms", "s", "s"]


def test_bad_arguments():
    for call, error, text in (
        (lambda: Timer(3), TypeError, "stmt: expected source of Python, got 3"),
        (lambda: Timer("1 +"), SyntaxError, "invalid"),
        (lambda: Timer("f();", language="c++"), ValueError, "expected 'python', got 'c"),
        (lambda: Timer(num_threads=0), ValueError, "num_threads: .*at least 1, got 0"),
        (lambda: Timer().timeit(0), ValueError, "number: .*at least 1, got 0"),
        (lambda: Timer().blocked_autorange(min_run_time=0), ValueError, "min_run_time"),
        (lambda: Timer().adaptive_autorange(0), ValueError, "threshold"),
        (lambda: Measurement(1, [], TaskSpec("f")), ValueError, "got none"),
        (lambda: Compare([3]), TypeError, "expected measurements, got 3"),
    ):
        with pytest.raises(error, match=text):
            call()
