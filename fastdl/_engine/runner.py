"""Runner: runs one kind of a model's steps over data. It records the steps and replays them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._core import Tensor
from .interrupts import whole_step
from .steps import Result, StepFunction

if TYPE_CHECKING:
    from .._base.types import Tensors

# The core runs this long before it returns to Python, which shows progress and handles Ctrl-C.
_REFRESH_SECONDS = 0.1
# The values of a schedule are computed for at most this many steps in advance.
_FEED_AHEAD = 1024

Batch: TypeAlias = "tuple[Tensors, Tensors, Tensors]"  # x, y, sample_weight
Begin = Callable[[int], None]
Sinks = Callable[[Any], "list[Tensor]"]


class Form:
    """The form of a step's (x, y, sample_weight): the places of tensors and of None in it.

    Attributes:
        leaves: the tensors.
        key: a value that is equal for structures of the same form.
    """

    def __init__(self, data: tuple[object, object, object]) -> None:
        # Most batches are three tensors or None. They take less time than structures.
        self._flat = not any(map(tree.is_nested, data))
        found: Iterable[Any] = data if self._flat else tree.leaves(data)
        self.leaves: list[Tensor] = [t for t in found if t is not None]
        mark = _is_there if self._flat else _where
        self._marks = tuple(map(mark, data))
        self.key = repr(self._marks)

    def fill(self, leaves: Iterable[Tensor]) -> Any:
        """A structure of this form with other tensors."""
        supply = iter(leaves)
        if self._flat:
            return tuple([next(supply) if mark else None for mark in self._marks])
        return tree.map_structure(lambda mark: next(supply) if mark else None, self._marks)


def _is_there(leaf: object) -> bool:
    return leaf is not None


def _where(structure: object) -> object:
    return tree.map_structure(_is_there, structure)


# The key of steps on one array x, without y and sample_weight, with default settings.
_ONE_ARRAY = (Form((True, None, None)).key, None)


class Feeder(Protocol):
    """An owner of values that change from step to step: an optimizer with its learning rate."""

    # True while a runner writes these values; the step then does not write them. It is set in
    # __dict__, since no replay depends on it.
    _is_fed: bool

    def _feeds(self, steps: int) -> list[tuple[Tensor, np.ndarray]]:
        """The tensors that hold such values, each with its values for the next `steps` steps."""
        ...


class Settings(NamedTuple):
    """Settings that a runner reads before it runs steps. Users may change them at any time."""

    key: Hashable = None  # a recorded step depends on it and on the form of its data
    eager: bool = False  # whether steps run without plans
    feeder: Feeder | None = None
    one_update: bool = True  # whether a step uses the fed values exactly once


class Samples(Protocol):
    """Data that are whole arrays in memory."""

    leaves: list[Tensor]
    form: Form
    samples: int
    batch_size: int
    indices: Tensor | None  # the order of the samples in this pass; None keeps their order
    step: int  # the finished batches of this pass; the runner counts them

    def end(self, limit: int | None) -> int:
        """The number of the batch that comes after the next `limit` steps, or after the pass."""
        ...


class Batches(Protocol):
    """Data that come batch by batch."""

    def steps(self, limit: int | None) -> Iterator[Batch]:
        """At most `limit` further batches. It continues after the last call."""
        ...


class Runner(Generic[Result]):
    """Records and replays one kind of step, and feeds schedules to it.

    Args:
        step: a function of a `Batch`.
        settings: returns the `Settings` of the next steps.
        counts: called after a step; returns whether to count it. Without it no step is counted.

    Attributes:
        function: the `StepFunction`.
        finished: the number of counted steps. The steps themselves count in its memory, so it is
            right even if an exception ends a loop over steps in the core.
    """

    def __init__(
        self,
        step: Callable[[Batch], Result],
        settings: Callable[[], Settings],
        counts: Callable[[], bool] | None = None,
    ) -> None:
        self.finished = _core.full((), "int64", 0)
        self._settings = settings

        def counted(data: Batch) -> Result:
            with whole_step():
                result = step(data)
                if counts is not None and counts():
                    F.increment_(self.finished)
            return result

        self.function = StepFunction(step if counts is None else counted)

    @property
    def turn(self) -> RLock:
        """The lock to hold from the start of a step until its result is read."""
        return self.function.turn

    def forget(self) -> None:
        """Drops recorded steps. Call it after a change that a plan cannot see."""
        self.function.forget()

    def array(self, x: np.ndarray) -> np.ndarray | None:
        """The step on one array, if there is a plan whose result is one array; else None."""
        return self.function.call(x, _ONE_ARRAY)

    def batch(self, data: Batch) -> Result:
        """One step on a batch of tensors."""
        form = Form(data)
        key, eager, feeder, _ = self._settings()
        if feeder is None:
            return self.function(form.leaves, form.fill, (form.key, key), eager)
        for target, values in feeder._feeds(1):
            target.numpy()[...] = values[0]
        feeder.__dict__["_is_fed"] = True
        try:
            return self.function(form.leaves, form.fill, (form.key, key), eager)
        finally:
            feeder.__dict__["_is_fed"] = False

    def over_batches(
        self, data: Batches, limit: int | None = None, begin: Begin | None = None
    ) -> Iterator[tuple[int, Result]]:
        """Runs over batches. After each it yields (steps done, its result).

        Args:
            limit: the largest number of steps.
            begin: called with the number of a step before the step.
        """
        for done, batch in enumerate(data.steps(limit)):
            if begin is not None:
                begin(done)
            yield done + 1, self.batch(batch)

    def over_samples(
        self,
        data: Samples,
        limit: int | None = None,
        begin: Begin | None = None,
        sinks: Sinks | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Runs over arrays from their current batch on, in the core as far as possible.

        It yields (steps done, result of the last step) about every tenth of a second.

        Args:
            limit: the largest number of steps.
            begin: called with the number of a step before the step. With it each step is yielded.
            sinks: called with the result of the first step. It returns arrays; the results of the
                other steps are written to their rows.
        """
        targets: Sequence[Tensor] = ()
        start, end = data.step, data.end(limit)
        full = data.samples // data.batch_size  # batches before a smaller last one
        while data.step < end:
            first = data.step * data.batch_size
            if begin is not None:
                begin(data.step - start)
            if begin is not None or (sinks is not None and not targets) or data.step == full:
                wanted = 1
            else:
                wanted = min(end, full) - data.step
            count, result = self._several(data, first, wanted, targets)
            data.step += count
            if sinks is not None and not targets:
                targets = sinks(result)
            yield data.step - start, result

    def _several(
        self, data: Samples, first: int, wanted: int, sinks: Sequence[Tensor]
    ) -> tuple[int, Result]:
        """Up to `wanted` steps from sample `first` on. Returns their number and the last result."""
        key, eager, feeder, one_update = self._settings()
        feeds: list[tuple[Tensor, np.ndarray]] = []
        if feeder is not None:
            feeds = feeder._feeds(min(wanted, _FEED_AHEAD if one_update else 1))
            if feeds:
                wanted = len(feeds[0][1])
            feeder.__dict__["_is_fed"] = True
        try:
            return self.function.run(
                data.leaves,
                data.form.fill,
                (data.form.key, key),
                eager=eager,
                indices=data.indices,
                first=first,
                batch=min(data.batch_size, data.samples - first),
                steps=wanted,
                seconds=_REFRESH_SECONDS,
                sinks=sinks,
                per_step=feeds,
            )
        finally:
            if feeder is not None:
                feeder.__dict__["_is_fed"] = False
