"""Orthogonal polynomials, by their recurrences of three terms.

Above the degree 512 the recurrence would take long and leave a long tape. There Chebyshev's are
cosines and hyperbolic cosines, Hermite's no longer fit into float32 (NaN, as in PyTorch), and the
others are computed in float64. None of these has a gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._core import ArgumentError
from .moving import is_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor, TensorLike

    # From k, x and the polynomials of degree k and k - 1: that of degree k + 1.
    Next = Callable[[int, Tensor, Tensor, Tensor], Tensor]


_TAPED = 512  # the largest degree on the tape
_MOST = 10**6  # the largest one of Laguerre's and Legendre's: some seconds


def polynomial(x: TensorLike, n: TensorLike, slope: float, shift: float, after: Next) -> Tensor:
    """The polynomial of degree n: 1, then `slope * x + shift`, then as the recurrence says.

    It is 0 for a negative degree, as in PyTorch. Degrees are numbers, or a tensor that broadcasts
    with x; their fractions do not count.

    Raises:
        ValueError: a degree of Laguerre's or Legendre's above 10^6, or any above 512 if x requires
            a gradient.
    """
    x = F.cast(_core.as_tensor(x), dtype="float32")
    zero = F.where(F.isfinite(x), F.mul(x, 0.0), 0.0)
    before, now = zero, F.add(zero, 1.0)
    if is_integer(n):
        degrees, wanted = [int(n)], None
    else:
        wanted = F.cast(_core.as_tensor(n).detach(), dtype="int64")
        degrees = wanted.numpy().ravel().tolist()
    if max(degrees, default=0) > _TAPED:
        numbers = np.array(degrees[0]) if wanted is None else wanted.numpy()
        return _of_large_degree(x, numbers, (slope, shift), after)
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


def _of_large_degree(x: Tensor, n: np.ndarray, first: tuple[float, float], after: Next) -> Tensor:
    """The polynomials where a degree is above 512: computed in float64, without a gradient."""
    if x.requires_grad and _core.grad_enabled():
        raise ArgumentError(
            f"polynomial: n: expected a degree up to {_TAPED} for a gradient, got {n.max()}"
        )
    values = x.detach().numpy().astype(np.float64)
    with np.errstate(all="ignore"):
        if after is chebyshev:
            found = _of_angle(values, n, first)
        elif after in (laguerre, legendre):
            found = _by_recurrence(values, n, first, after)
        else:  # the small degrees as ever
            small = polynomial(x, _core.as_tensor(np.minimum(n, _TAPED)), *first, after).numpy()
            found = np.where(n > _TAPED, np.nan, small)
        return _core.as_tensor(np.where(n < 0, 0.0, found).astype(np.float32))


def _by_recurrence(
    x: np.ndarray, n: np.ndarray, first: tuple[float, float], after: Next
) -> np.ndarray:
    most = int(n.max())
    if most > _MOST:
        raise ArgumentError(f"polynomial: n: expected a degree up to {_MOST}, got {most}")
    x, n = np.broadcast_arrays(x, n)
    before, now = np.ones_like(x), first[0] * x + first[1]
    result = np.where(n == 0, before, now)
    for k in range(1, most):
        if after is legendre:
            before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
        else:
            before, now = now, ((2 * k + 1 - x) * now - k * before) / (k + 1)
        if (n == k + 1).any():
            result = np.where(n == k + 1, now, result)
    return result


def _of_angle(x: np.ndarray, n: np.ndarray, first: tuple[float, float]) -> np.ndarray:
    """Chebyshev's, of x = cos(t), or of cosh(t) beyond 1."""
    size = np.abs(x)
    inside = size <= 1
    t = np.where(inside, np.arccos(np.minimum(size, 1)), np.arccosh(np.maximum(size, 1)))

    def cosine(v: np.ndarray) -> np.ndarray:
        return np.where(inside, np.cos(v), np.cosh(v))

    def ratio_of_sines(factor: Any, part: float) -> np.ndarray:
        above, below = (np.where(inside, np.sin(v), np.sinh(v)) for v in (factor * t, part * t))
        return np.where(t == 0, factor / part, above / np.where(t == 0, 1, below))

    if first == (1, 0):
        found = cosine(n * t)
    elif first == (2, 0):
        found = ratio_of_sines(n + 1, 1.0)
    else:  # the third kind of -x is the fourth of x, apart from the sign
        third = cosine((n + 0.5) * t) / cosine(t / 2)
        found = np.where((x < 0) == (first == (2, -1)), ratio_of_sines(n + 0.5, 0.5), third)
    return np.where((x < 0) & (n % 2 == 1), -found, found)


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
