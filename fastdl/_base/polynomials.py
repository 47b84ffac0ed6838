"""Orthogonal polynomials, by their recurrences of three terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .moving import is_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

    # From k, x and the polynomials of degree k and k - 1: that of degree k + 1.
    Next = Callable[[int, Tensor, Tensor, Tensor], Tensor]


def polynomial(x: TensorLike, n: TensorLike, slope: float, shift: float, after: Next) -> Tensor:
    """The polynomial of degree n: 1, then `slope * x + shift`, then as the recurrence says.

    It is 0 for a negative degree, as in PyTorch. Degrees are numbers, or a tensor that broadcasts
    with x; their fractions do not count.
    """
    x = F.cast(_core.as_tensor(x), dtype="float32")
    zero = F.where(F.isfinite(x), F.mul(x, 0.0), 0.0)
    before, now = zero, F.add(zero, 1.0)
    if is_integer(n):
        degrees, wanted = [int(n)], None
    else:
        wanted = F.cast(_core.as_tensor(n).detach(), dtype="int64")
        degrees = wanted.numpy().ravel().tolist()
    result = zero if wanted is None else F.add(zero, F.mul(wanted, 0.0))
    for k in range(max(degrees, default=-1) + 1):
        if k == 1:
            before, now = now, F.add(F.mul(x, slope), shift)
        elif k:
            before, now = now, after(k - 1, x, now, before)
        if wanted is not None:
            result = F.where(F.eq(wanted, k), now, result)
        elif k == degrees[0]:
            result = now
    return result


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
