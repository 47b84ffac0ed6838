"""The methods of Tensor that fill it with random values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._base import functional as F
from .._base.random import drawing_from
from .._core import ArgumentError, ShapeError

if TYPE_CHECKING:
    from .._base.random import Generator
    from .._core import Tensor, TensorLike


def uniform_(
    self: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Writes uniform random values of [low, high)."""
    with drawing_from(generator):
        return self.copy_(F.uniform(shape=self.shape, low=low, high=high))


def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Writes normal random values."""
    with drawing_from(generator):
        return self.copy_(F.normal(shape=self.shape, mean=mean, std=std))


def bernoulli(
    self: Tensor, p: float | None = None, *, generator: Generator | None = None
) -> Tensor:
    """A new tensor with 1 with probability p, or those that this tensor has, else 0."""
    with drawing_from(generator, "bernoulli"):
        if p is None:
            return F.bernoulli(self)
        return F.cast(F.lt(F.uniform(shape=self.shape), p), dtype=self.dtype)


def bernoulli_(self: Tensor, p: TensorLike = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Writes 1 with probability p, a number or a tensor, else 0."""
    with drawing_from(generator, "bernoulli_"):
        return self.copy_(F.lt(F.uniform(shape=self.shape), p))


def random_(
    self: Tensor,
    from_: int | None = None,
    to: int | None = None,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Writes random integers of [from_, to), of [0, to) as `random_(to)`, or of all that fit.

    Those that fit are 0 and the positive ones that the type holds exactly. ValueError for bounds
    that are not in order.
    """
    if to is None:
        from_, to = 0, from_
    if to is None:
        exact = {"float32": 24, "float16": 11, "bfloat16": 8, "bool": 1, "uint8": 8, "int8": 7}
        to = 1 << exact.get(str(self.dtype), 8 * self.itemsize - 1)
        to = min(to, (1 << 63) - 1)
    low = int(from_ or 0)
    if low >= to:
        raise ArgumentError(f"random_: expected from_ below to, got {low} and {to}")
    with drawing_from(generator, "random_"):
        return self.copy_(F.randint(shape=self.shape, low=low, high=int(to)))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Writes values of an exponential distribution of the rate `lambd`."""
    if not lambd > 0:
        raise ArgumentError(f"exponential_: lambd: expected a rate above 0, got {lambd}")
    with drawing_from(generator, "exponential_"):
        return self.copy_(F.mul(F.log(_above_zero(self)), -1 / lambd))


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Writes how many trials the first success takes, with the chance p of each: 1, 2, ..."""
    if not 0 < p < 1:
        raise ArgumentError(f"geometric_: p: expected a probability in (0, 1), got {p}")
    with drawing_from(generator, "geometric_"):
        trials = F.ceil(F.mul(F.log(_above_zero(self)), 1 / math.log1p(-p)))
        return self.copy_(F.maximum(trials, 1.0))


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Writes values whose logarithm has a normal distribution."""
    if not std > 0:
        raise ArgumentError(f"log_normal_: std: expected a deviation above 0, got {std}")
    with drawing_from(generator, "log_normal_"):
        return self.copy_(F.exp(F.normal(shape=self.shape, mean=mean, std=std)))


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Writes values of a Cauchy distribution."""
    if not sigma > 0:
        raise ArgumentError(f"cauchy_: sigma: expected a width above 0, got {sigma}")
    with drawing_from(generator, "cauchy_"):
        angle = F.mul(F.sub(_above_zero(self), 0.5), math.pi)
        return self.copy_(
            F.scale_shift(F.special(angle, function="tan"), factor=sigma, shift=median)
        )


def _above_zero(like: Tensor) -> Tensor:
    """Uniform random numbers of (0, 1]."""
    return F.sub(1.0, F.uniform(shape=like.shape))


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Writes one value into the diagonal, in place.

    Args:
        fill_value: the value.
        wrap: whether the diagonal of a tall matrix begins anew below its end.

    Raises:
        ValueError: there are fewer than two axes, or more than two of different sizes.
    """
    shape = self.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(f"fill_diagonal_: expected a matrix or equal axes, got shape {shape}")
    mask = np.zeros(shape, bool)
    np.fill_diagonal(mask, True, wrap)
    self[mask] = fill_value
    return self
