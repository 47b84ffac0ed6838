"""find_batch_size: how fast training is with batches of different sizes."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base.checks import check_fraction, check_integer, check_number, shown
from .._base.notices import warn
from ..models.data_adapters import Arrays, adapt
from ..models.intake import Intake
from .trials import (
    available_memory,
    axes_for,
    batches_of,
    check_model,
    copied,
    joined,
    random_state_kept,
    rows_of,
)

if TYPE_CHECKING:
    from .._base.types import Batches, Data

_SMALLEST = 8
_LARGEST = 1 << 14
_READ = 1 << 10  # samples of a source of batches, unless sizes are given
# The search ends after so many sizes that were no faster than the best one.
_PATIENCE = 3
# Each size is timed at least so many times. The fastest time counts: others were disturbed.
_LEAST_TIMES = 5


@dataclass
class BatchSizeTest:
    """What `find_batch_size` found.

    Attributes:
        batch_sizes: the sizes that were tried, ascending.
        samples_per_second: how many samples a second each of them trains.
        memory: the bytes that training takes with each of them, besides the model and its data.
        suggestion: the smallest size that is nearly as fast as the fastest.
        reason: why no larger size was tried.
    """

    batch_sizes: list[int]
    samples_per_second: list[float]
    memory: list[int]
    suggestion: int
    reason: str

    def plot(self, ax: Any = None) -> Any:
        """Draws samples per second over the batch sizes, with the suggestion.

        Args:
            ax: axes of matplotlib to draw in; new ones unless given.

        Returns:
            The axes; `ax.figure.savefig(path)` writes a file.

        Raises:
            ImportError: matplotlib is missing. `pip install 'fastdl[plot]'` installs it.
        """
        ax = axes_for("BatchSizeTest.plot", ax)
        ax.plot(self.batch_sizes, self.samples_per_second, "o-", color="C0")
        chosen = self.samples_per_second[self.batch_sizes.index(self.suggestion)]
        label = f"suggestion: {self.suggestion}"
        ax.plot([self.suggestion], [chosen], "o", color="C3", markersize=9, label=label)
        ax.set_xscale("log", base=2)
        ax.set_xticks(self.batch_sizes, [str(size) for size in self.batch_sizes])
        ax.set(xlabel="batch size", ylabel="samples per second")
        ax.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
        ax.legend()
        return ax


def find_batch_size(
    model: Any,
    x: Data | Batches,
    y: Data = None,
    *,
    sample_weight: Data = None,
    batch_sizes: Sequence[int] | None = None,
    memory_limit: int | None = None,
    tolerance: float = 0.1,
    seconds: float = 0.2,
) -> BatchSizeTest:
    """Measures how fast training is with growing batches, and suggests a size.

    A copy of the model is fitted with each size. The suggestion is the smallest size that reaches
    `1 - tolerance` of the best number of samples per second: larger batches gain no speed then, but
    need more epochs. The model, its optimizer and the random state stay as they are, also after an
    error or Ctrl-C.

    Args:
        model: a compiled model.
        x, y: the data, in the forms that `fit` takes: arrays, or an object that yields batches,
            whose samples are joined to larger ones (the first 1024 unless `batch_sizes` says more).
        sample_weight: as for `fit`.
        batch_sizes: the sizes to try, ascending; powers of 2 from 8 to the number of samples, at
            most 16384, unless given. Samples repeat in batches larger than the data.
        memory_limit: bytes that a step may take; half of the free memory unless given. No size is
            tried that would take more by the growth so far.
        tolerance: the share of the best speed that may be given up, in [0, 1].
        seconds: how long each size is timed at least.

    Returns:
        A `BatchSizeTest` with `batch_sizes`, `samples_per_second`, `memory`, `suggestion` and
        `plot()`.

    Raises:
        RuntimeError: the model isn't compiled.
        ValueError: an argument is out of its range, or there is no data.
        TypeError: the model can't be copied.
        MemoryError: there is not enough memory for the smallest size.

    Example:
        >>> inputs = np.ones((64, 4), "float32")
        >>> model = fastdl.Sequential([fastdl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> found = fastdl.utils.find_batch_size(model, inputs, inputs[:, :1], seconds=0.01)
        >>> found.batch_sizes[0], found.suggestion in found.batch_sizes
        (8, True)
    """
    who = "find_batch_size"
    check_model(who, model)
    check_fraction(who, "tolerance", tolerance)
    check_number(who, "seconds", seconds)
    most = available_memory() // 2
    if memory_limit is not None:
        most = check_integer(who, "memory_limit", memory_limit, 1)
    sizes = None if batch_sizes is None else _checked_sizes(who, batch_sizes)
    intake = Intake(model)
    x, y, sample_weight = intake.data(who, x, y, sample_weight)
    data = adapt(who, intake, x, y, sample_weight)
    with random_state_kept(data):
        if not isinstance(data, Arrays):
            whole = joined(batches_of(data), max(sizes) if sizes else _READ)
            if whole[0] is None:
                raise ValueError(f"{who}: x: the data yielded no batch")
            data = Arrays(who, *whole)
        if sizes is None:
            sizes = _powers(data.samples)
        return _search(who, model, data, sizes, most, tolerance, seconds)


def _checked_sizes(who: str, sizes: Any) -> list[int]:
    try:
        found = [check_integer(who, "batch_sizes", size, 1) for size in sizes]
    except TypeError:
        found = []
    if not found or found != sorted(set(found)):
        raise ValueError(f"{who}: batch_sizes: expected ascending sizes, got {shown(sizes)}")
    return found


def _powers(samples: int) -> list[int]:
    """The powers of 2 up to the number of samples; that number itself if it is small."""
    found, size = [], _SMALLEST
    while size <= min(samples, _LARGEST):
        found.append(size)
        size *= 2
    return found or [samples]


def _search(
    who: str,
    model: Any,
    data: Arrays,
    sizes: list[int],
    most: int,
    tolerance: float,
    seconds: float,
) -> BatchSizeTest:
    tried: list[int] = []
    speeds: list[float] = []
    memory: list[int] = []
    reason = "the largest size was reached"
    for size in sizes:
        if tried and _predicted(tried, memory, size) > most:
            reason = f"batches of {size} would take more than {most} bytes of memory"
            break
        try:
            took, used = _measured(copied(who, model), data, size, seconds)
        except MemoryError:
            if not tried:
                raise
            reason = f"batches of {size} did not fit into memory"
            break
        tried.append(size)
        speeds.append(size / took)
        memory.append(used)
        if used > most:
            reason = f"batches of {size} take more than {most} bytes of memory"
            break
        if len(speeds) - 1 - int(np.argmax(speeds)) >= _PATIENCE:
            reason = "larger batches are no faster"
            break
    fits = [i for i, used in enumerate(memory) if used <= most]
    if not fits:
        warn(f"{who}: even batches of {tried[0]} take {memory[0]} bytes, more than {most}")
        fits = [0]
    best = max(speeds[i] for i in fits)
    chosen = next(tried[i] for i in fits if speeds[i] >= (1 - tolerance) * best)
    return BatchSizeTest(tried, speeds, memory, chosen, reason)


def _predicted(sizes: list[int], memory: list[int], size: int) -> float:
    """The memory for a larger size, by the growth between the last two."""
    if len(sizes) == 1:  # most of it may be the optimizer's
        return memory[0]
    growth = max(memory[-1] - memory[-2], 0) / (sizes[-1] - sizes[-2])
    return memory[-1] + growth * (size - sizes[-1])


def _measured(model: Any, data: Arrays, size: int, seconds: float) -> tuple[float, int]:
    """Seconds for one step of `fit` with batches of this size, and the bytes that it takes."""
    most = max(data.samples // size, 1)
    x, y, weight = rows_of(data, np.arange(size) % data.samples)
    gc.collect()
    _core.empty_cache()
    before = _in_use()
    _fit(model, x, y, weight, size, 2)  # the first step is recorded
    used = max(_in_use() - before, 0)
    best, total, batches, epochs = float("inf"), 0.0, min(most, 8), 1
    for times in itertools.count(1):
        rows = np.arange(size) % data.samples if most == 1 else slice(batches * size)
        x, y, weight = rows_of(data, rows)
        start = perf_counter()
        _fit(model, x, y, weight, size, epochs)
        took = perf_counter() - start
        best, total = min(best, took / (epochs * batches)), total + took
        if times >= _LEAST_TIMES and total >= seconds:
            return max(best, 1e-9), used
        if took < seconds / 4 and batches < most:
            batches = min(2 * batches, most)
        elif took < seconds / 4:
            epochs *= 2
    raise AssertionError


def _fit(model: Any, x: Any, y: Any, weight: Any, size: int, epochs: int) -> None:
    model.fit(x, y, batch_size=size, epochs=epochs, sample_weight=weight, verbose=0)


def _in_use() -> int:
    """Bytes that tensors take, and those that a step has given back and the library keeps."""
    return _core.allocated_bytes() + _core.cached_bytes()
