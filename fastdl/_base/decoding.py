"""What layers keep of the steps that a model has seen, for generation step by step.

Within `with decoding:` a call has the next steps of the sequences only. Attention keeps the keys
and values of all steps, recurrent layers their states, and layers of positions count on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from . import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .._core import Tensor


# The entry of a model's __dict__ with which `generate` keeps a recorded step and its memory.
KEPT = "_decoding"


class _Context(threading.local):
    decoding: Decoding | None = None


_context = _Context()


class Cache(NamedTuple):
    """Keys or values of some steps."""

    values: Tensor  # (batch, steps, heads, width)
    scale: Tensor | None = None  # of int8, for each step and head

    def tensors(self) -> list[Tensor]:
        return [self.values] if self.scale is None else [self.values, self.scale]


class _Kept(NamedTuple):
    layer: Any
    tensors: list[Tensor]
    first: list[Tensor] | None  # their values before the first step; None if those do not matter


class Decoding:
    """The memory of some sequences of at most `steps` steps.

    Keys and values of attention lie in `cache_dtype`: "float32", "bfloat16" or "int8". The
    position is memory that ops read, so a recorded step of one token serves all positions.
    """

    def __init__(self, steps: int, cache_dtype: str = "float32") -> None:
        self.steps = steps
        self.cache_dtype = cache_dtype
        self.position = _core.as_tensor(np.zeros((), np.int64))  # of the first new step
        self._kept: dict[int, _Kept] = {}

    @property
    def has_caches(self) -> bool:
        """Whether some layer keeps something of each step."""
        return any(kept.first is None for kept in self._kept.values())

    def extend(self, layer: Any, parts: Sequence[Tensor]) -> list[Cache]:
        """What a layer keeps of all steps, after the new ones, (batch, steps, heads, width)."""
        new = [self._shortened(x) for x in parts]
        found = self._kept.get(id(layer))
        if found is None:
            tensors = [
                _core.full((x.shape[0], self.steps, *x.shape[2:]), x.dtype, 0)
                for cache in new
                for x in cache.tensors()
            ]
            found = self._kept[id(layer)] = _Kept(layer, tensors, None)
        positions, kept = self.positions(parts[0].shape[1]), iter(found.tensors)
        caches = []
        for cache in new:
            whole = [next(kept) for _ in cache.tensors()]
            for tensor, x in zip(whole, cache.tensors(), strict=True):
                F.put_(tensor, positions, x, axis=1)
            caches.append(Cache(*whole))
        return caches

    def _shortened(self, x: Tensor) -> Cache:
        if self.cache_dtype != "int8":
            return Cache(F.cast(x, dtype=self.cache_dtype))
        # The largest number of each step and head becomes 127.
        scale = F.max(F.abs(x), axes=-1, keepdims=True) * (1 / 127)
        values = F.round(x / F.where(scale == 0, 1.0, scale))
        return Cache(F.cast(values, dtype="int8"), F.reshape(scale, shape=x.shape[:-1]))

    def states(self, layer: Any, make: Callable[[], list[Tensor]]) -> list[Tensor]:
        """What a layer keeps of the last step; `make` gives the values before the first one."""
        found = self._kept.get(id(layer))
        if found is None:
            first = make()
            found = self._kept[id(layer)] = _Kept(layer, [t.clone() for t in first], first)
        return found.tensors

    def restart(self) -> None:
        """Begins new sequences. What a layer kept of the steps of earlier ones is never read."""
        F.assign_(self.position, 0)
        for kept in self._kept.values():
            for tensor, first in zip(kept.tensors, kept.first or (), strict=False):
                F.assign_(tensor, first)

    def tensors(self) -> list[Tensor]:
        """All memory that the steps change."""
        return [self.position, *(t for kept in self._kept.values() for t in kept.tensors)]

    def positions(self, steps: int) -> Tensor:
        """The positions of a call's steps."""
        if steps == 1:
            return F.reshape(self.position, shape=(1,))
        return _core.as_tensor(np.arange(steps)) + self.position

    def advance(self, steps: int) -> None:
        """Ends a call that had so many steps."""
        F.increment_(self.position, amount=steps)

    def reorder(self, rows: Tensor) -> None:
        """Gives each sequence the past of another one; `rows` says which."""
        for kept in self._kept.values():
            for tensor in kept.tensors:
                F.assign_(tensor, F.take(tensor, rows, axis=0))

    def __enter__(self) -> Decoding:
        self._outside = _context.decoding
        _context.decoding = self
        return self

    def __exit__(self, *exception: object) -> None:
        _context.decoding = self._outside


@contextmanager
def no_decoding() -> Iterator[None]:
    """Calls within it see whole sequences, since these are not the sequences that grow."""
    outside, _context.decoding = _context.decoding, None
    try:
        yield
    finally:
        _context.decoding = outside


def decoding() -> Decoding | None:
    """The memory that the calls of this thread use; None where whole sequences are computed."""
    return _context.decoding


def first_position(start: Any) -> Any:
    """The position of the first step of a call, which is `start` where nothing else is known."""
    memory = _context.decoding
    return memory.position if memory is not None and isinstance(start, int) and not start else start
