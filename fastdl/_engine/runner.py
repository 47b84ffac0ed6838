"""Runner: runs one kind of a model's steps over data: eagerly, by recording, by replay."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from threading import RLock
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import _core
from .._base import functional as F
from .._base import tree
from .._core import Tensor
from .interrupts import whole_step
from .steps import StepFunction

# How long the core runs before Python gets to see progress, and a pending Ctrl-C.
_REFRESH_SECONDS = 0.1
# The values of a schedule are computed at most this many steps ahead.
_FEED_AHEAD = 1024

Batch = tuple[Any, Any, Any]  # x, y, sample_weight
Begin = Callable[[int], None]
Sinks = Callable[[Any], "list[Tensor]"]


class Form:
    """What a step's (x, y, sample_weight) looks like: where tensors stand in it, and where None.

    Attributes:
        leaves: the tensors.
        key: equal for structures of the same form.
    """

    def __init__(self, data: Batch) -> None:
        # Most batches are three tensors or None, which take less time than structures.
        self._flat = not any(map(tree.is_nested, data))
        found = data if self._flat else tree.leaves(data)
        self.leaves: list[Tensor] = [t for t in found if t is not None]
        mark = _is_there if self._flat else _where
        self._marks = tuple(map(mark, data))
        self.key = repr(self._marks)

    def fill(self, leaves: Iterable[Tensor]) -> Any:
        """The structure with these tensors."""
        supply = iter(leaves)
        if self._flat:
            return tuple([next(supply) if mark else None for mark in self._marks])
        return tree.map_structure(lambda mark: next(supply) if mark else None, self._marks)


def _is_there(leaf: Any) -> bool:
    return leaf is not None


def _where(structure: Any) -> Any:
    return tree.map_structure(_is_there, structure)


# The key of steps on x that is one array, without y and sample_weight, with default settings.
_ONE_ARRAY = (Form((True, None, None)).key, None)


class Feeder(Protocol):
    """What owns values that change from step to step, as an optimizer owns its learning rate."""

    # Set while a runner writes these values: the step then leaves them alone. Written through
    # __dict__, since no replay depends on it.
    _is_fed: bool

    def _feeds(self, steps: int) -> list[tuple[Tensor, np.ndarray]]:
        """The tensors that hold such values, each with its values in the next `steps` steps."""
        ...


class Settings(NamedTuple):
    """What a runner asks for before it runs steps, since users may change it at any time."""

    key: Hashable = None  # what a recorded step depends on besides the form of its data
    eager: bool = False  # whether plans are not to be used
    feeder: Feeder | None = None
    one_update: bool = True  # whether a step uses the fed values exactly once


class Samples(Protocol):
    """Data that lie in memory as whole arrays."""

    leaves: list[Tensor]
    form: Form
    samples: int
    batch_size: int
    indices: Tensor | None  # the order of the samples in this pass, None for their own
    step: int  # how many batches of this pass are done; the runner counts it up

    def end(self, limit: int | None) -> int:
        """The batch before which `limit` steps from now end, or the pass does."""
        ...


class Batches(Protocol):
    """Data that come batch by batch."""

    def steps(self, limit: int | None) -> Iterator[Batch]:
        """At most `limit` batches from where the last call stopped."""
        ...


class Runner:
    """Owns the recording and the replay of one kind of step, and feeds schedules to it.

    Args:
        step: a function of (x, y, sample_weight), each a tensor, a structure of tensors or None.
        settings: gives the `Settings` of the steps that come next.
        limit: how many plans are kept, as of `StepFunction`.
        counts: whether finished steps are counted.

    Attributes:
        function: the `StepFunction`.
        finished: the steps that were finished, where they are counted: memory that each step
            changes, so that it is right however an exception ends a loop over steps in the core.
    """

    def __init__(
        self,
        step: Callable[[Batch], Any],
        settings: Callable[[], Settings],
        limit: int = 8,
        counts: bool = False,
    ) -> None:
        self.finished = _core.full((), "int64", 0)
        self._settings = settings

        def counted(data: Batch) -> Any:
            with whole_step():
                result = step(data)
                F.increment_(self.finished)
            return result

        self.function = StepFunction(counted if counts else step, limit)

    @property
    def turn(self) -> RLock:
        """The lock to hold from a step until its result was read."""
        return self.function.turn

    def forget(self) -> None:
        """Drops recorded steps; to be called when something they depend on changes unseen."""
        self.function.forget()

    def array(self, x: np.ndarray) -> np.ndarray | None:
        """The step on x as one array, where a plan for it gives one array; else None."""
        return self.function.call(x, _ONE_ARRAY)

    def batch(self, data: Batch) -> Any:
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
    ) -> Iterator[tuple[int, Any]]:
        """Runs over batches; yields after each (steps done, its result).

        Args:
            limit: steps at most.
            begin: called with each step's number before it.
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
    ) -> Iterator[tuple[int, Any]]:
        """Runs over arrays from where they stand, in the core as far as possible.

        Yields (steps done, result of the last one) now and then.

        Args:
            limit: steps at most.
            begin: called with each step's number before it; then each step is yielded, too.
            sinks: called with the result of the first step; returns arrays that take the rows of
                the results of all others.
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
    ) -> tuple[int, Any]:
        """Up to `wanted` steps from sample `first` on: how many were done, and the last result."""
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
