"""Attached: a call on the tape with any number of inputs and outputs, for gradients in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor

_INPUTS, _OUTPUTS = 16, 8  # of a call on the tape


class Attached:
    """A call whose gradients a subclass computes.

    It is one call on the tape, from all sources to its results. If there are too many of them for
    one call, it is a chain of calls. They hand on one number, so that they are walked through in
    their order: first those that have the results, then those that have the sources.

    Args:
        sources: tensors that require a gradient.
        count: the number of results.
    """

    def __init__(self, sources: list[Tensor], count: int) -> None:
        self._sources = sources
        self._count = count
        self._given: list[Tensor | None] = [None] * count
        self._found: list[Tensor | None] | None = None

    def _gradients(self, given: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The gradients of the sources for those of the results."""
        raise NotImplementedError

    def attached(self, outputs: list[Tensor]) -> list[Tensor]:
        """The outputs with their place on the tape."""
        if len(self._sources) <= _INPUTS and len(outputs) <= _OUTPUTS:

            def backward(_in: object, _out: object, grads: Any, _needs: object) -> Any:
                return self._gradients(grads)

            return _core.attach(self._sources, outputs, backward, 0, 0, 0)
        link: list[Tensor] = []
        for first in range(0, len(self._sources), _INPUTS - 1):
            chosen = self._sources[first : first + _INPUTS - 1]
            link = self._linked([*chosen, *link], first, len(chosen))
        found: list[Tensor] = []
        for first in range(0, len(outputs), _OUTPUTS):
            found += self._results(link, outputs[first : first + _OUTPUTS], first)
        return found

    def _linked(self, inputs: list[Tensor], first: int, count: int) -> list[Tensor]:
        def backward(_in: object, _out: object, _grads: object, _needs: object) -> Any:
            if self._found is None:
                self._found = self._gradients(self._given)
                self._given = [None] * self._count
            own = self._found[first : first + count]
            if first == 0:  # the last one
                self._found = None
                return own
            return [*own, _zero()]

        return _core.attach(inputs, [_zero()], backward, 0, 0, 0)

    def _results(self, link: list[Tensor], outputs: list[Tensor], first: int) -> list[Tensor]:
        def backward(_in: object, _out: object, grads: Any, _needs: object) -> Any:
            self._given[first : first + len(grads)] = grads
            return [_zero()]

        return _core.attach(link, outputs, backward, 0, 0, 0)


def _zero() -> Tensor:
    return _core.full((), "float32", 0.0)
