"""Functions of integers, element by element, with broadcasting: bits, divisors and multiples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def bitwise_not(input: TensorLike) -> Tensor:
    """All bits of integers flipped; the negation of truth values.

    Example:
        >>> bitwise_not([0, 5]).tolist()
        [-1, -6]
    """
    return elementary.flipped_bits(input)


def gcd(input: TensorLike, other: TensorLike) -> Tensor:
    """The greatest common divisor of integers.

    Example:
        >>> gcd([12, 5], [18, 10]).tolist()
        [6, 5]
    """
    return F.bits(input, other, function="gcd")


def lcm(input: TensorLike, other: TensorLike) -> Tensor:
    """The least common multiple of integers.

    Example:
        >>> lcm([4, 5], [6, 10]).tolist()
        [12, 10]
    """
    return F.bits(input, other, function="lcm")


def bitwise_and(input: TensorLike, other: TensorLike) -> Tensor:
    """The bits that both have, of integers or truth values.

    Example:
        >>> bitwise_and([6], [3]).tolist()
        [2]
    """
    return F.bits(input, other, function="and")


def bitwise_or(input: TensorLike, other: TensorLike) -> Tensor:
    """The bits that either has, of integers or truth values.

    Example:
        >>> bitwise_or([6], [3]).tolist()
        [7]
    """
    return F.bits(input, other, function="or")


def bitwise_xor(input: TensorLike, other: TensorLike) -> Tensor:
    """The bits that one of both has, of integers or truth values.

    Example:
        >>> bitwise_xor([6], [3]).tolist()
        [5]
    """
    return F.bits(input, other, function="xor")


def bitwise_left_shift(input: TensorLike, other: TensorLike) -> Tensor:
    """The bits of `input` moved up by `other` places: `input * 2^other`.

    Example:
        >>> bitwise_left_shift([3], [2]).tolist()
        [12]
    """
    return F.bits(input, other, function="left_shift")


def bitwise_right_shift(input: TensorLike, other: TensorLike) -> Tensor:
    """The bits of `input` moved down by `other` places: `input // 2^other`.

    Example:
        >>> bitwise_right_shift([-5, 8], [1, 2]).tolist()
        [-3, 2]
    """
    return F.bits(input, other, function="right_shift")
