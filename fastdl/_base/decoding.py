"""What layers keep of the steps that a model has seen, for generation step by step.

Within `with decoding:` a call has the next steps of the sequences only. Attention keeps the keys
and values of all steps, recurrent layers their states, and layers of positions count on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from . import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core import Tensor


class _Context(threading.local):
    decoding: Decoding | None = None


_context = _Context()


class Decoding:
    """The memory of some sequences of at most `steps` steps.

    The position is memory that ops read, so a recorded step of one token serves all positions.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.position = _core.as_tensor(np.zeros((), np.int64))  # of the first new step
        self._kept: dict[int, tuple[Any, list[Tensor]]] = {}

    def kept(self, layer: Any, make: Callable[[], list[Tensor]]) -> list[Tensor]:
        """The tensors that a layer keeps; `make` makes them at its first call."""
        found = self._kept.get(id(layer))
        if found is None:
            found = self._kept[id(layer)] = (layer, make())
        return found[1]

    def positions(self, steps: int) -> Tensor:
        """The positions of a call's steps."""
        return _core.as_tensor(np.arange(steps)) + self.position

    def advance(self, steps: int) -> None:
        """Ends a call that had so many steps."""
        F.increment_(self.position, amount=steps)

    def reorder(self, rows: Tensor) -> None:
        """Gives each sequence the past of another one; `rows` says which."""
        for _, tensors in self._kept.values():
            for tensor in tensors:
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
