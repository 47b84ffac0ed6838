"""Orthogonal polynomials, by their recurrences of three terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .checks import shown
from .moving import is_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

    # From k, x and the polynomials of degree k and k - 1: that of degree k + 1.
    Next = Callable[[int, Tensor, Tensor, Tensor], Tensor]


def polynomial(x: TensorLike, n: TensorLike, slope: float, shift: float, after: Next) -> Tensor:
    """The polynomial of degree n: 1, then `slope * x + shift`, then as the recurrence says.

    It is 0 for a negative degree, as in PyTorch.

    Raises:
        TypeError: the degree is no integer.
    """
    if not is_integer(n):
        raise TypeError(f"n: expected one integer as the degree, got {shown(n)}")
    x = F.cast(_core.as_tensor(x), dtype="float32")
    before, now = F.mul(x, 0.0), F.add(F.mul(x, 0.0), 1.0)
    if int(n) < 1:
        return now if int(n) == 0 else before
    before, now = now, F.add(F.mul(x, slope), shift)
    for k in range(1, int(n)):
        before, now = now, after(k, x, now, before)
    return now


def chebyshev(_: int, x: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Chebyshev's, of all four kinds."""
    return F.sub(F.mul(F.mul(x, 2.0), now), before)


def hermite(k: int, x: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Hermite's, of physicists."""
    return F.sub(F.mul(F.mul(x, 2.0), now), F.mul(before, 2.0 * k))


def hermite_of_probability(k: int, x: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Hermite's, of probability theory."""
    return F.sub(F.mul(x, now), F.mul(before, float(k)))


def laguerre(k: int, x: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Laguerre's."""
    sum_of_both = F.sub(F.mul(F.sub(2.0 * k + 1, x), now), F.mul(before, float(k)))
    return F.div(sum_of_both, float(k + 1))


def legendre(k: int, x: Tensor, now: Tensor, before: Tensor) -> Tensor:
    """Legendre's."""
    sum_of_both = F.sub(F.mul(F.mul(x, 2.0 * k + 1), now), F.mul(before, float(k)))
    return F.div(sum_of_both, float(k + 1))
