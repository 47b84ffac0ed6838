"""The progress display of `fit`, `evaluate`, `predict` and of downloads.

On a terminal and in a notebook one line is rewritten in place, in the layout of Keras 3:

    Epoch 3/10
    938/938 ━━━━━━━━━━━━━━━━━━━━ 2s 2ms/step - accuracy: 0.9423 - loss: 0.1987

Elsewhere (a log file, a pipe) nothing is rewritten. Each epoch is one line, written at its end:

    Epoch 3/10 - 938/938 - 2s - 2ms/step - accuracy: 0.9423 - loss: 0.1987
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from .checks import shown
from .settings import settings

if TYPE_CHECKING:
    from typing import SupportsFloat, TypeAlias

    Values: TypeAlias = Mapping[str, SupportsFloat | str]  # metrics by name

_BAR_WIDTH = 20
_INDENT = " " * 4
_REDRAW_SECONDS = 0.1
_MODES = ("auto", "bar", "lines", "none")


def mode_from_verbose(verbose: int | str) -> str:
    """The display mode for Keras's `verbose` argument: "auto", 0 (silent), 1 (bar) or 2 (lines).

    1 means "auto": a bar if the stream can rewrite a line, else one line per epoch. After
    `disable_interactive_logging` "auto" is 2.

    Raises:
        ValueError: `verbose` is none of these.

    Example:
        >>> mode_from_verbose(2)
        'lines'
    """
    auto = "auto" if settings.interactive else "lines"
    modes: dict[int | str, str] = {"auto": auto, 0: "none", 1: "auto", 2: "lines"}
    try:
        return modes[verbose]
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {shown(verbose)}") from None


class Progress:
    """Shows the progress of some work, with the latest values of its metrics.

    A display never stops the work. It falls silent if the stream is missing or closed, or if a
    write fails.

    Args:
        total: the number of units of work, or None if it is not known beforehand.
        title: stands above the bar, or at the start of the line of a log file.
        unit: the unit of work. "B" shows megabytes and a rate instead of the time per unit.
        stream: the stream to write to; the current `sys.stdout` by default.
        mode: "bar" rewrites one line in place, "lines" writes one line at the end, "none" is
            silent, "auto" is "bar" on a terminal and in a notebook and "lines" elsewhere.
        width: the number of characters of a bar.
        interval: the least number of seconds between two redraws of a bar.

    Raises:
        ValueError: unknown `mode`.

    Example:
        >>> with Progress(2, "Epoch 1/1", mode="lines") as progress:  # doctest: +ELLIPSIS
        ...     progress.update(2, {"loss": 0.25})
        Epoch 1/1 - 2/2 - 0s - .../step - loss: 0.2500
    """

    def __init__(
        self,
        total: int | None = None,
        title: str = "",
        unit: str = "step",
        stream: TextIO | None = None,
        mode: str = "auto",
        width: int = _BAR_WIDTH,
        interval: float = _REDRAW_SECONDS,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f"mode: expected one of {', '.join(_MODES)}, got {mode!r}")
        self._stream = sys.stdout if stream is None else stream
        if self._stream is None:  # no console at all, as under pythonw
            mode = "none"
        elif mode == "auto":
            mode = "bar" if _rewritable(self._stream) else "lines"
        self._mode = mode
        self._total = total
        self._title = title
        self._unit = unit
        self._filled, self._empty = "━─" if _encodable(self._stream, "━─") else "=."
        self._done = 0
        self._values: dict[str, SupportsFloat | str] = {}
        self._start = perf_counter()
        self._drawn_at: float | None = None
        self._drawn_cells = 0
        self._bar_width = self._full_width = width
        self._interval = interval

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def update(self, done: int, values: Values | None = None) -> None:
        """Shows the progress after a step. A bar is redrawn once in `interval` seconds at most.

        Args:
            done: the units finished so far.
            values: the metrics so far, by name.
        """
        if self._mode == "none":
            return
        self._done = done
        if values:
            self._values.update(values)
        if self._mode == "bar":
            now = perf_counter()
            if self._drawn_at is None:
                self._write_title()
            if (
                self._drawn_at is None
                or now - self._drawn_at >= self._interval
                or done == self._total  # validation may take long now
            ):
                self._redraw(finished=False, now=now)

    def close(self, values: Values | None = None) -> None:
        """Shows the final state with `values`, and ends the line. Further calls do nothing."""
        if self._mode == "none":
            return
        if values:
            self._values.update(values)
        now = perf_counter()
        if self._mode == "bar":
            if self._drawn_at is None:
                self._write_title()
            self._redraw(finished=True, now=now)
        else:
            count, times, metrics = self._parts(finished=True, now=now)
            title = [self._title] if self._title else []
            self._write(" - ".join([*title, count.strip(), *times, *metrics]) + "\n")
        self._mode = "none"

    def abandon(self) -> None:
        """Ends the line of a bar, so that an error message starts on a new line."""
        if self._mode == "bar" and self._drawn_at is not None:
            self._write("\n")
        self._mode = "none"

    def _write_title(self) -> None:
        if self._title:
            self._write(self._title + "\n")

    def _redraw(self, finished: bool, now: float) -> None:
        """Rewrites the line.

        A line that wraps cannot be rewritten, so only the final state may take several lines.
        """
        from shutil import get_terminal_size

        # One column stays free: many terminals wrap as soon as the last one is written.
        columns = max(get_terminal_size().columns - 1, 1)
        count, times, metrics = self._parts(finished, now)
        total = self._final_total(finished)
        if total:
            if not finished:
                room = columns - _cells(" - ".join([" ".join([count, *times]), *metrics])) - 1
                self._bar_width = min(max(room, self._full_width // 2), self._full_width)
            filled = min(self._bar_width * self._done // total, self._bar_width)
            count += f" {self._filled * filled}{self._empty * (self._bar_width - filled)}"
        first, *more = _fold([" ".join([count, *times]), *metrics], columns)
        cells = _cells(first)
        text = "\r" + first + " " * (min(self._drawn_cells, columns) - cells)
        if finished:
            text += "".join(f"\n{_INDENT}{line}" for line in more) + "\n"
        self._write(text)
        self._drawn_at = now
        self._drawn_cells = cells

    def _parts(self, finished: bool, now: float) -> tuple[str, list[str], list[str]]:
        """The count, the times and the metrics.

        The times are the time spent or left, and the time per unit or the rate.
        """
        elapsed = time = now - self._start
        total = self._final_total(finished)
        if total and self._done and not finished:
            time = elapsed * max(total - self._done, 0) / self._done
        times = [_duration(time)]
        if self._unit == "B":
            count = _bytes(self._done) if total is None else f"{_bytes(self._done)}/{_bytes(total)}"
            times.append(f"{_bytes(self._done / elapsed if elapsed > 0 else 0)}/s")
        else:
            shown = "Unknown" if total is None else str(total)
            count = f"{self._done:>{len(shown)}}/{shown}"
            if self._done:
                times.append(f"{_short_time(elapsed / self._done)}/{self._unit}")
        metrics = [f"{_printable(name)}: {_number(v)}" for name, v in self._values.items()]
        return count, times, metrics

    def _final_total(self, finished: bool) -> int | None:
        return self._done if finished and self._total is None else self._total

    def _write(self, text: str) -> None:
        try:
            assert self._stream is not None
            if not _encodable(self._stream, text):
                encoding = _encoding(self._stream)
                text = text.encode(encoding, "replace").decode(encoding)
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # a broken pipe, a full disk; a closed file
            self._mode = "none"


def _rewritable(stream: TextIO) -> bool:
    """Whether the stream's last line can be rewritten after a carriage return."""
    if type(stream).__module__.startswith("ipykernel."):  # the stdout of a notebook is no tty
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # an object without isatty(); a closed file
        return False


def _encoding(stream: TextIO | None) -> str:
    # Streams without an encoding (io.StringIO) take any text.
    return getattr(stream, "encoding", None) or "utf-8"


def _encodable(stream: TextIO | None, text: str) -> bool:
    try:
        text.encode(_encoding(stream))
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _cells(text: str) -> int:
    """The number of terminal columns that the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _fold(parts: list[str], columns: int) -> list[str]:
    """The parts joined into lines that fit. All lines but the first are indented later."""
    lines = [_cut(parts[0], columns)]
    for part in parts[1:]:
        joined = f"{lines[-1]} - {part}"
        room = columns if len(lines) == 1 else columns - len(_INDENT)
        if _cells(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(_cut(part, columns - len(_INDENT)))
    return lines


def _cut(text: str, columns: int) -> str:
    while text and _cells(text) > columns:
        text = text[:-1]
    return text


def _number(value: SupportsFloat | str) -> str:
    """A metric in the format of Keras 3."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if abs(number) > 1e-3 else f"{number:.4e}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if whole >= 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"


def _short_time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _bytes(count: float) -> str:
    return f"{count / 1e6:.1f}MB" if count >= 1e5 else f"{count / 1e3:.1f}kB"
