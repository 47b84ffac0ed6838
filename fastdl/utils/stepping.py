"""A model of sequences called with one step at a time, for `generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._base.decoding import KEPT, Decoding
from .._base.module import Module
from .._engine.steps import StepFunction

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKED = 4  # steps whose logits must be the same with and without memory
_FEW = 8  # replays of one step are faster than a call with so many
_ROOM = 64  # a memory has room for a multiple of so many steps, so that it serves many lengths
_MOST_BYTES = 64 << 20  # of a memory that a model keeps
_KEY = "one step"


class Steps:
    """A model that is called with one step at a time: the recorded step, and its memory.

    The model keeps the one that it used last. Another call of `generate` takes it if it must give
    the same logits as whole sequences, as it did when that was checked: neither memory that the
    model reads nor any attribute has changed since, and what was read in one call was as long.
    """

    def __init__(self, model: Any, batch: int, length: int, cache_dtype: str) -> None:
        self._batch = batch
        self._memory = Decoding(-(-length // _ROOM) * _ROOM, cache_dtype)
        self._model = model
        root = None if isinstance(model, Module) else model
        self._step = StepFunction(self._call, root=root)
        self._checked: _Check | None = None

    def __reduce__(self) -> Any:
        return type(None), ()  # a copy of the model records its own

    def _call(self, x: Any) -> Any:
        with self._memory:
            logits = self._model(x)[:, -1]
            self._memory.advance(x.shape[1])
        return logits

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The logits behind one more step of each sequence, which is (batch, 1)."""
        x = np.ascontiguousarray(rows)
        with self._step.turn:
            logits = self._step.call(x, _KEY)
            if logits is None:
                logits = self._step([_core.as_tensor(x)], _first, _KEY).numpy().copy()
        return logits

    def read(self, rows: np.ndarray) -> None:
        """Reads the steps with which new sequences begin."""
        self._memory.restart()
        steps = rows.shape[1]
        if self._checked is not None and steps <= _FEW:
            for t in range(steps):
                self(rows[:, t : t + 1])
        elif steps:
            self._call(_core.as_tensor(rows))

    def follow(self, rows: np.ndarray) -> np.ndarray:
        """The logits behind the last steps of new sequences, which come one by one."""
        first = max(1, rows.shape[1] - CHECKED)
        self.read(rows[:, :first])
        return np.stack([self(rows[:, t : t + 1]) for t in range(first, rows.shape[1])], 1)

    def reorder(self, rows: np.ndarray) -> None:
        """Gives each sequence the past of another one."""
        self._memory.reorder(_core.as_tensor(rows))

    @property
    def has_caches(self) -> bool:
        """Whether some layer keeps something of each step."""
        return self._memory.has_caches

    # --- what the model keeps

    @staticmethod
    def kept(model: Any, begin: tuple[int, int], length: int, cache_dtype: str) -> Steps | None:
        """Takes what fits from a model: it serves one call at a time."""
        found: Steps | None = model.__dict__.pop(KEPT, None) if isinstance(model, Module) else None
        if found is None or found._batch != begin[0] or found._memory.steps < length:
            return None
        fits = found._memory.cache_dtype == cache_dtype and found._is_sound(begin[1])
        return found if fits else None

    def keep(self) -> None:
        """Leaves this to the next call for the model."""
        if self._checked is not None:
            self._model.__dict__[KEPT] = self

    def _plan(self) -> _core.Plan | None:
        return self._step.plan_of(_KEY, (self._batch, 1), np.int64)

    def note_check(self, length: int) -> None:
        """Notes that the logits were right with all that was read, up to `length` steps."""
        if not isinstance(self._model, Module):
            return
        plan, changing = self._plan(), self._memory.tensors()
        if plan is None or sum(t.nbytes for t in changing) > _MOST_BYTES:
            return
        own = {t.data_ptr() for t in (*changing, *plan.inputs, *plan.outputs)}
        read = [t for t in plan.memory.values() if t.data_ptr() not in own]
        weights = [*self._model.parameters(), *self._model.buffers()]
        self._checked = _Check(plan, _core.Unchanged(read + weights), _core.epoch(), length)

    def _is_sound(self, begin: int) -> bool:
        check = self._checked
        return (
            check is not None
            and begin <= check.length
            and check.epoch == _core.epoch()
            and check.read.holds()
            and check.plan is self._plan()
        )


class _Check(NamedTuple):
    """What the logits depended on when they were checked."""

    plan: _core.Plan
    read: _core.Unchanged
    epoch: int
    length: int


def _first(leaves: Sequence[Any]) -> Any:
    return leaves[0]
