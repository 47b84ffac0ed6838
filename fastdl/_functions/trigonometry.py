"""Trigonometric and hyperbolic functions and their inverses, element by element.

They are computed in double and rounded once to float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def acos(input: TensorLike) -> Tensor:
    """The angle in [0, pi] whose cosine is the input; NaN outside of [-1, 1].

    Example:
        >>> acos([1.0, 0.0])
        tensor([0.       , 1.5707964])
    """
    return F.special(input, function="acos")


def acosh(input: TensorLike) -> Tensor:
    """The number of 0 or more whose hyperbolic cosine is the input; NaN below 1.

    Example:
        >>> acosh([1.0, 2.0])
        tensor([0.      , 1.316958])
    """
    return F.special(input, function="acosh")


def asin(input: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is the input; NaN outside of [-1, 1].

    Example:
        >>> asin([0.0, 1.0])
        tensor([0.       , 1.5707964])
    """
    return F.special(input, function="asin")


def asinh(input: TensorLike) -> Tensor:
    """The number whose hyperbolic sine is the input.

    Example:
        >>> asinh([0.0, 1.0])
        tensor([0.       , 0.8813736])
    """
    return F.special(input, function="asinh")


def atan(input: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose tangent is the input.

    Example:
        >>> atan([0.0, 1.0])
        tensor([0.       , 0.7853982])
    """
    return F.special(input, function="atan")


def atanh(input: TensorLike) -> Tensor:
    """The number whose hyperbolic tangent is the input; NaN outside of [-1, 1].

    Example:
        >>> atanh([0.0, 1.0]).tolist()
        [0.0, inf]
    """
    return F.special(input, function="atanh")


def cosh(input: TensorLike) -> Tensor:
    """Hyperbolic cosine.

    Example:
        >>> cosh([0.0, 1.0])
        tensor([1.       , 1.5430807])
    """
    return F.special(input, function="cosh")


def sinh(input: TensorLike) -> Tensor:
    """Hyperbolic sine.

    Example:
        >>> sinh([0.0, 1.0])
        tensor([0.       , 1.1752012])
    """
    return F.special(input, function="sinh")


def tan(input: TensorLike) -> Tensor:
    """Tangent of the input in radians.

    Example:
        >>> tan([0.0, 1.0])
        tensor([0.       , 1.5574077])
    """
    return F.special(input, function="tan")


def deg2rad(input: TensorLike) -> Tensor:
    """Degrees in radians.

    Example:
        >>> deg2rad([0.0, 180.0])
        tensor([0.       , 3.1415927])
    """
    return elementary.radians(input)


def rad2deg(input: TensorLike) -> Tensor:
    """Radians in degrees.

    Example:
        >>> rad2deg([0.0, 1.0])
        tensor([ 0.     , 57.29578])
    """
    return elementary.degrees(input)


def sinc(input: TensorLike) -> Tensor:
    """`sin(pi x) / (pi x)` of the input, 1 at 0.

    Example:
        >>> sinc([0.0, 0.5])
        tensor([1.        , 0.63661975])
    """
    return elementary.sinc(input)


def angle(input: TensorLike) -> Tensor:
    """The angle of real numbers in the complex plane: 0, and pi of negative ones; NaN of NaN.

    Example:
        >>> angle([1.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    return F.where(F.isnan(input), input, F.where(F.lt(input, 0), math.pi, 0.0))


arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctanh = atanh
