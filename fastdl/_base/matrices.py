"""Norms, and matrices made orthogonal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import functional as F

if TYPE_CHECKING:
    from .._core import Tensor


def norm(x: Tensor) -> Tensor:
    """The Euclidean norm of all elements."""
    return F.sqrt(F.sum(F.square(x)))


def orthogonal(
    x: Tensor, coefficients: tuple[float, float, float], steps: int, least: float = 0.0
) -> Tensor:
    """A matrix like x whose singular values are near 1, by steps of Newton and Schulz.

    Args:
        x: a matrix.
        coefficients: those of x, x x' x and (x x')^2 x in a step.
        steps: how many steps.
        least: x is divided by its norm, but at least by this. With 0, 1e-7 is added to the norm.
    """
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    if tall:  # the products are smaller then
        x = F.transpose(x, perm=[1, 0])
    size = norm(x)
    x = F.div(x, F.maximum(size, least) if least else F.add(size, 1e-7))
    for _ in range(steps):
        gram = F.matmul(x, x, transpose_b=True)
        polynomial = F.add(F.mul(gram, b), F.mul(F.matmul(gram, gram), c))
        x = F.add(F.mul(x, a), F.matmul(polynomial, x))
    return F.transpose(x, perm=[1, 0]) if tall else x
