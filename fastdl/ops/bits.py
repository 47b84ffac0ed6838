"""Functions of integers, element by element, with broadcasting: bits, divisors and multiples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def bitwise_not(x: TensorLike) -> Tensor:
    """All bits of integers flipped; the negation of truth values.

    Example:
        >>> bitwise_not([0, 5]).tolist()
        [-1, -6]
    """
    return elementary.flipped_bits(x)


def gcd(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The greatest common divisor of integers.

    Example:
        >>> gcd([12, 5], [18, 10]).tolist()
        [6, 5]
    """
    return F.bits(x1, x2, function="gcd")


def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The least common multiple of integers.

    Example:
        >>> lcm([4, 5], [6, 10]).tolist()
        [12, 10]
    """
    return F.bits(x1, x2, function="lcm")


def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that both have, of integers or truth values.

    Example:
        >>> bitwise_and([6], [3]).tolist()
        [2]
    """
    return F.bits(x, y, function="and")


def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that either has, of integers or truth values.

    Example:
        >>> bitwise_or([6], [3]).tolist()
        [7]
    """
    return F.bits(x, y, function="or")


def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits that one of both has, of integers or truth values.

    Example:
        >>> bitwise_xor([6], [3]).tolist()
        [5]
    """
    return F.bits(x, y, function="xor")


def bitwise_left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits of `x` moved up by `y` places: `x * 2^y`.

    Example:
        >>> bitwise_left_shift([3], [2]).tolist()
        [12]
    """
    return F.bits(x, y, function="left_shift")


def bitwise_right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """The bits of `x` moved down by `y` places: `x // 2^y`.

    Example:
        >>> bitwise_right_shift([-5, 8], [1, 2]).tolist()
        [-3, 2]
    """
    return F.bits(x, y, function="right_shift")


bitwise_invert = bitwise_not
left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
