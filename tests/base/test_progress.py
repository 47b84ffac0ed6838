"""The progress display: its text on each kind of stream. It never stops the work."""

import io
import os
import sys
import textwrap

import children
import pytest

from fastdl._base import progress as _progress
from fastdl._base.progress import Progress, mode_from_verbose


class Stream(io.StringIO):
    """A text stream with a given encoding that is a terminal or not."""

    def __init__(self, tty=False, encoding="utf-8"):
        super().__init__()
        self._tty = tty
        self._encoding = encoding

    encoding = property(lambda self: self._encoding)

    def isatty(self):
        return self._tty

    def write(self, text):
        text.encode(self._encoding)
        return super().write(text)


class NotebookStream(Stream):
    __module__ = "ipykernel.iostream"


@pytest.fixture
def clock(monkeypatch):
    """A clock whose time the test sets: `clock.now`."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(_progress, "perf_counter", lambda: Clock.now)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("TERM", raising=False)
    return Clock


def screen(text):
    """The lines that a terminal shows after this output. "\\r" goes back to the start of a line."""
    lines = []
    for line in text.split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def run_epoch(stream, clock, total=10, mode="auto", title="Epoch 2/5"):
    progress = Progress(total, title, stream=stream, mode=mode)
    for step in range(1, 11):
        clock.now += 0.5
        progress.update(step, {"accuracy": step / 10, "loss": 1 / step})
    progress.close({"val_loss": 0.0005})


def test_terminal_shows_the_final_state_in_the_layout_of_keras(clock):
    stream = Stream(tty=True)
    run_epoch(stream, clock)
    assert screen(stream.getvalue()) == [
        "Epoch 2/5",
        "10/10 " + "━" * 20 + " 5s 500ms/step - accuracy: 1.0000 - loss: 0.1000"
        " - val_loss: 5.0000e-04",
        "",
    ]


def test_terminal_shows_the_time_to_go_while_running(clock):
    stream = Stream(tty=True)
    progress = Progress(200, stream=stream)
    clock.now += 30
    progress.update(50, {"loss": 2})
    assert screen(stream.getvalue()) == [
        " 50/200 " + "━" * 5 + "─" * 15 + " 1:30 600ms/step - loss: 2.0000"
    ]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(clock):
    stream = Stream(tty=True)
    progress = Progress(2, stream=stream)
    progress.update(1, {"loss": 123456789.0})
    clock.now += 1
    progress.update(2, {"loss": 1.0})
    assert screen(stream.getvalue()) == ["2/2 " + "━" * 20 + " 0s 500ms/step - loss: 1.0000"]


def test_log_file_gets_one_line_per_epoch(clock):
    stream = Stream()
    run_epoch(stream, clock)
    assert stream.getvalue() == (
        "Epoch 2/5 - 10/10 - 5s - 500ms/step"
        " - accuracy: 1.0000 - loss: 0.1000 - val_loss: 5.0000e-04\n"
    )


def test_notebook_rewrites_its_line_although_it_is_no_terminal(clock):
    stream = NotebookStream()
    run_epoch(stream, clock)
    assert stream.getvalue().count("\r") > 5
    assert len(screen(stream.getvalue())) == 3


def test_dumb_terminal_is_treated_as_a_log_file(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Stream(tty=True)
    run_epoch(stream, clock)
    assert "\r" not in stream.getvalue()


def test_mode_none_writes_nothing(clock):
    stream = Stream(tty=True)
    run_epoch(stream, clock, mode="none")
    assert stream.getvalue() == ""


def test_unknown_mode_is_an_error():
    with pytest.raises(
        ValueError, match="mode: expected one of auto, bar, lines, none, got 'loud'"
    ):
        Progress(1, mode="loud")


@pytest.mark.parametrize(
    "verbose, mode",
    [("auto", "auto"), (0, "none"), (False, "none"), (1, "auto"), (True, "auto"), (2, "lines")],
)
def test_verbose_of_keras(verbose, mode):
    assert mode_from_verbose(verbose) == mode


@pytest.mark.parametrize("verbose", [3, "loud", None, [1]])
def test_unknown_verbose_is_an_error(verbose):
    with pytest.raises(ValueError, match="verbose: expected 'auto', 0, 1 or 2"):
        mode_from_verbose(verbose)


def test_a_bar_is_redrawn_at_most_ten_times_a_second(clock):
    stream = Stream(tty=True)
    progress = Progress(100_000, stream=stream)
    for step in range(1, 1001):
        clock.now += 0.001
        progress.update(step)
    assert 9 <= stream.getvalue().count("\r") <= 11


def test_the_last_step_is_drawn_at_once_because_validation_may_follow(clock):
    stream = Stream(tty=True)
    progress = Progress(3, stream=stream)
    for step in (1, 2, 3):
        progress.update(step)
    assert screen(stream.getvalue())[-1].startswith("3/3 ")


def test_a_total_not_known_beforehand(clock):
    stream = Stream(tty=True)
    progress = Progress(None, stream=stream)
    clock.now += 2
    progress.update(4, {"loss": 1})
    assert screen(stream.getvalue()) == ["      4/Unknown 2s 500ms/step - loss: 1.0000"]
    progress.close()
    assert screen(stream.getvalue())[0].startswith("4/4 " + "━" * 20 + " 2s ")


def test_a_download_shows_megabytes_and_rate(clock):
    stream = Stream(tty=True)
    progress = Progress(10_000_000, "Downloading", unit="B", stream=stream)
    clock.now += 2
    progress.update(5_000_000)
    assert screen(stream.getvalue())[1] == "5.0MB/10.0MB " + "━" * 10 + "─" * 10 + " 2s 2.5MB/s"


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.5, "0.5000"),
        (-2, "-2.0000"),
        (0.001, "1.0000e-03"),
        (0.0, "0.0000e+00"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("text", "text"),
    ],
)
def test_metrics_are_formatted_as_keras_does(clock, value, shown):
    stream = Stream()
    with Progress(1, stream=stream) as progress:
        progress.update(1, {"m": value})
    assert stream.getvalue().endswith(f" - m: {shown}\n")


@pytest.mark.parametrize(
    "seconds, shown",
    [(4, "4s - 4s/step"), (64, "1:04 - 64s/step"), (3723, "1:02:03 - 3723s/step"), (2e-5, "20us")],
)
def test_times(clock, seconds, shown):
    stream = Stream()
    with Progress(1, stream=stream) as progress:
        clock.now += seconds
        progress.update(1)
    assert shown in stream.getvalue()


def test_ascii_where_the_encoding_has_no_lines(clock):
    stream = Stream(tty=True, encoding="ascii")
    progress = Progress(4, stream=stream)
    progress.update(1, {"précision": 0.5})
    assert screen(stream.getvalue())[0].startswith("1/4 " + "=" * 5 + "." * 15)
    assert "pr?cision: 0.5000" in stream.getvalue()


@pytest.mark.parametrize("columns", [1, 5, 20, 40, 60, 79])
@pytest.mark.parametrize("name", ["accuracy", "精度" * 5, "two\nlines\r"])
def test_no_line_is_wider_than_the_terminal(clock, monkeypatch, columns, name):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Stream(tty=True)
    progress = Progress(1000, stream=stream)
    for step in (1, 500, 1000):
        clock.now += 1
        progress.update(step, {name: 0.5, "loss": 2.0})
        assert "\n" not in stream.getvalue()
    progress.close({"val_" + name: 0.5, "val_loss": 2.0})
    for line in screen(stream.getvalue()):
        assert sum(2 if c in "精度" else 1 for c in line) <= max(columns - 1, 1 + len("    "))


def test_the_final_state_goes_on_in_a_second_line_rather_than_losing_metrics(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Stream(tty=True)
    with Progress(938, stream=stream) as progress:
        clock.now += 2
        progress.update(938, {"accuracy": 0.9, "loss": 0.25})
        progress.close({"val_accuracy": 0.75, "val_loss": 0.5})
    assert screen(stream.getvalue()) == [
        "938/938 " + "━" * 20 + " 2s 2ms/step - accuracy: 0.9000 - loss: 0.2500",
        "    val_accuracy: 0.7500 - val_loss: 0.5000",
        "",
    ]


def test_closing_twice_writes_once(clock):
    stream = Stream()
    progress = Progress(1, stream=stream)
    progress.close()
    progress.close()
    progress.update(1)
    assert stream.getvalue() == "0/1 - 0s\n"


@pytest.mark.parametrize("tty, end", [(True, "\n"), (False, "")])
def test_an_error_starts_on_a_line_of_its_own(clock, tty, end):
    stream = Stream(tty=tty)
    with pytest.raises(KeyboardInterrupt), Progress(3, stream=stream) as progress:
        progress.update(1)
        raise KeyboardInterrupt
    assert stream.getvalue().endswith(end)
    assert tty or stream.getvalue() == ""


def test_no_console_at_all(monkeypatch, clock):
    monkeypatch.setattr(sys, "stdout", None)
    with Progress(1) as progress:
        progress.update(1)


@pytest.mark.parametrize("tty", [True, False])
def test_a_stream_closed_meanwhile_is_no_error(clock, tty):
    stream = Stream(tty=tty)
    progress = Progress(2, "title", stream=stream)
    stream.close()
    progress.update(1)
    progress.close()
    Progress(2, stream=stream).close()


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_stream_that_fails_is_written_to_once(clock, error):
    class Broken(Stream):
        writes = 0

        def write(self, text):
            Broken.writes += 1
            raise error

    progress = Progress(5, stream=Broken(tty=True))
    for step in range(1, 6):
        clock.now += 1
        progress.update(step)
    progress.close()
    assert Broken.writes == 1


def test_a_real_terminal_never_wraps_and_shows_the_last_state(tmp_path, monkeypatch):
    import fcntl
    import pty
    import struct
    import termios

    columns = 50
    program = textwrap.dedent("""
        import time
        from fastdl._base.progress import Progress
        for epoch in (1, 2):
            with Progress(30, f"Epoch {epoch}/2") as progress:
                for step in range(1, 31):
                    time.sleep(0.01)
                    progress.update(step, {"accuracy": step / 30, "loss": 1.0})
    """)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    monkeypatch.delenv("COLUMNS", raising=False)
    environment = {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    with children.start(
        "-c", program, cwd=tmp_path, stdout=theirs, stderr=theirs, env=environment
    ) as child:
        os.close(theirs)
        output = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            output += piece
    os.close(ours)
    assert child.returncode == 0
    text = output.decode().replace("\r\n", "\n")
    assert text.count("\r") > 4
    assert all(len(part) < columns for line in text.split("\n") for part in line.split("\r"))
    lines = screen(text)
    assert [line.split(" ")[0] for line in lines] == [
        "Epoch",
        "30/30",
        "",
        "Epoch",
        "30/30",
        "",
        "",
    ]
    assert lines[2].strip() == "loss: 1.0000"
