"""Windows: weights of the samples of a stretch, computed in double."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core import ArgumentError
from .checks import shown
from .moving import is_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def window(
    who: str, values: Callable[[int], np.ndarray], length: object, periodic: bool = False
) -> np.ndarray:
    """The values of a symmetric window of a length; a periodic one lacks the last of one more.

    Raises:
        TypeError: the length is not an integer.
        ValueError: it is negative.
    """
    if not is_integer(length):
        raise TypeError(f"{who}: expected an integer as the length, got {shown(length)}")
    n = int(length)
    if n < 0:
        raise ArgumentError(f"{who}: expected a length of 0 or more, got {n}")
    return values(n + 1)[:n] if periodic and n > 1 else values(n)


def general_cosine(terms: Sequence[float]) -> Callable[[int], np.ndarray]:
    """`terms[0] - terms[1] cos(x) + terms[2] cos(2 x) - ...`, where x goes from 0 to 2 pi."""

    def values(n: int) -> np.ndarray:
        if n == 1:
            return np.ones(1)
        x = 2 * np.pi * np.arange(n) / max(n - 1, 1)
        return sum((-1) ** i * a * np.cos(i * x) for i, a in enumerate(terms)) + np.zeros(n)

    return values


def kaiser(beta: float) -> Callable[[int], np.ndarray]:
    """Kaiser's window of a shape: 0 is a rectangle, 14 falls to 1e-5 at the ends."""
    return lambda n: np.kaiser(n, beta)
