"""The random state: one generator for everything, and others beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .device import device as _device

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    from typing_extensions import Self

    from .._core import Tensor

_MASK = (1 << 64) - 1


def manual_seed(seed: int) -> None:
    """Seeds fastdl's random numbers; the same seed gives the same run on any number of threads.

    Example:
        >>> manual_seed(0); a = fastdl.rand(2)
        >>> manual_seed(0); b = fastdl.rand(2)
        >>> fastdl.equal(a, b)
        True
    """
    _core.manual_seed(int(seed) & _MASK)


def seed() -> int:
    """Seeds from the system's entropy and returns the seed."""
    value = int.from_bytes(os.urandom(8), "little")
    _core.manual_seed(value)
    return value


def initial_seed() -> int:
    """The seed in use."""
    return _core.get_rng_state()[0]


def get_rng_state() -> tuple[int, int]:
    """The state: the seed and how far it has been used."""
    return _core.get_rng_state()


def set_rng_state(state: tuple[int, int]) -> None:
    """Puts a state of `get_rng_state` back."""
    _core.set_rng_state(*state)


class Generator:
    """A random state of its own, for the `generator` argument of samplers and creation functions.

    In a `with` block all random operations of the thread draw from it, in recorded steps too.
    `device` may only be the CPU.

    Example:
        >>> g = Generator().manual_seed(7)
        >>> fastdl.randperm(4, generator=g).shape
        (4,)
    """

    def __init__(self, device: Any = "cpu") -> None:
        _device(device)
        self._state = _core.make_generator(0)
        self._outside: list[Tensor | None] = []

    def manual_seed(self, seed: int) -> Self:
        """Sets the seed and starts anew; returns self."""
        return self.set_state((int(seed) & _MASK, 0))

    def initial_seed(self) -> int:
        """The seed."""
        return self.get_state()[0]

    def get_state(self) -> tuple[int, int]:
        """The seed and how far it has been used."""
        return _core.get_rng_state(self._state)

    def set_state(self, state: tuple[int, int]) -> Self:
        """Puts a state of `get_state` back; returns self."""
        _core.set_rng_state(*state, self._state)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _generator_in, (type(self), self.get_state())

    def __enter__(self) -> Self:
        self._outside.append(_core.use_generator(self._state))
        return self

    def __exit__(self, *exception: object) -> None:
        _core.use_generator(self._outside.pop())


def _generator_in(cls: type[Generator], state: tuple[int, int]) -> Generator:
    return cls().set_state(state)


class _Default:
    """Stands for the library's own generator, where no other is given."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


_DEFAULT = _Default()


def drawing_from(generator: Generator | None) -> AbstractContextManager[object]:
    """A context in which random operations use the generator, None meaning the library's own."""
    return _DEFAULT if generator is None else generator


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """A NumPy generator seeded from the generator, for what is computed outside of the core."""
    import numpy as np

    with drawing_from(generator):
        return np.random.default_rng(F.randint(shape=(2,), low=0, high=1 << 31).tolist())
