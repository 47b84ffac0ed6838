"""The random state: the library's own generator, and generators of the user."""

from __future__ import annotations

import os
from _thread import _local  # threading.local without threading, whose import takes 0.5 ms
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .device import device as _device
from .device import name_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    from typing_extensions import Self

    from .._core import Tensor

_MASK = (1 << 64) - 1


def _seeds() -> None:
    from .watch import refuse  # which the import of the package does without

    refuse("the step seeds random numbers")


def manual_seed(seed: int) -> None:
    """Seeds the random numbers. The same seed gives the same run on any number of threads.

    Example:
        >>> manual_seed(0); a = fastdl.rand(2)
        >>> manual_seed(0); b = fastdl.rand(2)
        >>> fastdl.equal(a, b)
        True
    """
    _seeds()
    _core.manual_seed(int(seed) & _MASK)


def seed() -> int:
    """Draws a seed from the system, seeds the random numbers with it and returns it."""
    value = int.from_bytes(os.urandom(8), "little")
    _seeds()
    _core.manual_seed(value)
    return value


def initial_seed() -> int:
    """The seed in use."""
    return _core.get_rng_state()[0]


def get_rng_state() -> tuple[int, int]:
    """The state: the seed and a counter of the random numbers drawn."""
    return _core.get_rng_state()


def set_rng_state(new_state: tuple[int, int]) -> None:
    """Restores a state that `get_rng_state` returned."""
    _seeds()
    _core.set_rng_state(*new_state)


class Generator:
    """A random state, for the `generator` argument of samplers and creation functions.

    In a `with` block all random operations of the thread draw from it, in recorded steps too.

    Args:
        device: a known device. Random numbers are drawn on the CPU in any case.

    Example:
        >>> g = Generator().manual_seed(7)
        >>> fastdl.randperm(4, generator=g).shape
        (4,)
    """

    def __init__(self, device: str | _device = "cpu") -> None:
        self.device = _device(device)
        name_of(self.device)
        self._state = _core.make_generator(0)
        self._outside: list[Tensor | None] = []

    def manual_seed(self, seed: int) -> Self:
        """Sets the seed, starts anew and returns self."""
        return self.set_state((int(seed) & _MASK, 0))

    def seed(self) -> int:
        """Draws a seed from the system, sets it and returns it."""
        value = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(value)
        return value

    def initial_seed(self) -> int:
        """The seed."""
        return self.get_state()[0]

    def get_state(self) -> tuple[int, int]:
        """The seed and a counter of the random numbers drawn."""
        return _core.get_rng_state(self._state)

    def set_state(self, state: tuple[int, int]) -> Self:
        """Restores a state that `get_state` returned; returns self."""
        _seeds()
        _core.set_rng_state(*state, self._state)
        return self

    def clone_state(self) -> Self:
        """A new generator in the same state."""
        return type(self)(self.device).set_state(self.get_state())

    def get_offset(self) -> int:
        """The counter of the random numbers drawn."""
        return self.get_state()[1]

    def set_offset(self, offset: int) -> Self:
        """Sets the counter, of which the next random numbers depend; returns self."""
        return self.set_state((self.initial_seed(), int(offset)))

    def __reduce__(self) -> tuple[object, ...]:
        return _generator_in, (type(self), self.get_state())

    def __enter__(self) -> Self:
        note_stream(self._state)
        self._outside.append(_core.use_generator(self._state))
        return self

    def __exit__(self, *exception: object) -> None:
        _core.use_generator(self._outside.pop())


def _generator_in(cls: type[Generator], state: tuple[int, int]) -> Generator:
    return cls().set_state(state)


class Streams(_local):
    """The streams that this thread draws from.

    Attributes:
        noted: the states of streams, by their identity, with copies from before their first use;
            None unless somebody wants to know.
    """

    noted: dict[int, tuple[Tensor, Tensor]] | None = None


streams = Streams()


def note_stream(state: Tensor) -> None:
    """Call it before random operations draw from a stream that is not the library's own."""
    noted = streams.noted
    if noted is not None and id(state) not in noted:
        noted[id(state)] = state, F.copy(state)


class _Default:
    """Stands for the library's own generator."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


_DEFAULT = _Default()


def drawing_from(generator: Generator | None, who: str = "draw") -> AbstractContextManager[object]:
    """A context in which random operations use the generator. None is the library's own.

    Raises:
        TypeError: it is no generator; the message names the function `who`.
    """
    if generator is None:
        return _DEFAULT
    if not isinstance(generator, Generator):
        from .checks import shown  # which the import of the package does without

        raise TypeError(
            f"{who}: generator: expected a fastdl.Generator or None, got {shown(generator)}"
        )
    return generator


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """A NumPy generator seeded from the generator, for values that NumPy computes."""
    import numpy as np

    with drawing_from(generator):
        return np.random.default_rng(F.randint(shape=(2,), low=0, high=1 << 31).tolist())
