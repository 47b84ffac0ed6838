"""What a case of the op table is, and how its inputs are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


class Draw:
    """Draws the inputs of a case in one of three sizes.

    "small" is what gradients are checked on, "big" makes several chunks of work for the threads,
    and "empty" has an extent of zero wherever a case asks for `n`.
    """

    def __init__(self, size: str, seed: int = 0):
        self.size = size
        self.rng = np.random.default_rng(seed)

    def n(self, small: int, big: int) -> int:
        return {"small": small, "big": big, "empty": 0}[self.size]

    def m(self, small: int, big: int) -> int:
        """An extent that stays above zero."""
        return big if self.size == "big" else small

    def normal(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def uniform(self, low: float, high: float, *shape: int) -> np.ndarray:
        return self.rng.uniform(low, high, shape).astype(np.float32)

    def nonzero(self, *shape: int) -> np.ndarray:
        """Of both signs and at least 0.1 from zero, where many functions have a kink."""
        sign = self.rng.choice([-1.0, 1.0], shape)
        return (sign * self.rng.uniform(0.1, 2.5, shape)).astype(np.float32)

    def apart(self, *shape: int) -> np.ndarray:
        """All different, by steps of at least 0.05: no ties and a clear largest."""
        n = int(np.prod(shape))
        return (self.rng.permutation(n).reshape(shape) * 0.05 - 1).astype(np.float32)

    def integers(self, low: int, high: int, *shape: int, dtype: Any = np.int64) -> np.ndarray:
        return self.rng.integers(low, high, shape).astype(dtype)

    def booleans(self, *shape: int) -> np.ndarray:
        return self.rng.integers(0, 2, shape).astype(bool)


@dataclass(frozen=True)
class Case:
    """One use of one op, checked in every way test_ops.py knows.

    Attributes:
        op: the row of ops.inc.
        id: tells the cases of an op apart.
        inputs: draws the inputs.
        call: computes the result (a tensor or a list) from tensors. In-place ops return their
            target.
        reference: the same in NumPy. Float inputs come as float64, others as they are. A float64
            result means float32 is expected within the tolerance; other types are expected
            exactly.
        wrt: the inputs with a gradient.
        eps: the tolerance of the result in units of float32's epsilon (2^-23) times `scale`;
            0 means the reference's value, rounded.
        scale: the magnitude the tolerance refers to, from the reference's inputs; default: the
            result's own magnitude, element by element.
        grad_eps: the tolerance of the gradients in epsilons of the largest entry.
        empty: whether tensors without elements are allowed.
        rng: whether the op draws from the generator (it is seeded before each call).
    """

    op: str
    id: str
    inputs: Callable[[Draw], Sequence[np.ndarray]]
    call: Callable[..., Any]
    reference: Callable[..., Any]
    wrt: tuple[int, ...] = ()
    eps: float = 0
    scale: Callable[..., Any] | None = None
    grad_eps: float = 32
    empty: bool = True
    rng: bool = False

    def __str__(self) -> str:
        return f"{self.op}-{self.id}" if self.id else self.op
