"""Trigonometric and hyperbolic functions and their inverses, element by element.

They are computed in double and rounded once to float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import elementary
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def arccos(x: TensorLike) -> Tensor:
    """The angle in [0, pi] whose cosine is x; NaN outside of [-1, 1].

    Example:
        >>> arccos([1.0, 0.0])
        tensor([0.       , 1.5707964])
    """
    return F.special(x, function="acos")


def arccosh(x: TensorLike) -> Tensor:
    """The number of 0 or more whose hyperbolic cosine is x; NaN below 1.

    Example:
        >>> arccosh([1.0, 2.0])
        tensor([0.      , 1.316958])
    """
    return F.special(x, function="acosh")


def arcsin(x: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside of [-1, 1].

    Example:
        >>> arcsin([0.0, 1.0])
        tensor([0.       , 1.5707964])
    """
    return F.special(x, function="asin")


def arcsinh(x: TensorLike) -> Tensor:
    """The number whose hyperbolic sine is x.

    Example:
        >>> arcsinh([0.0, 1.0])
        tensor([0.       , 0.8813736])
    """
    return F.special(x, function="asinh")


def arctan(x: TensorLike) -> Tensor:
    """The angle in [-pi/2, pi/2] whose tangent is x.

    Example:
        >>> arctan([0.0, 1.0])
        tensor([0.       , 0.7853982])
    """
    return F.special(x, function="atan")


def arctanh(x: TensorLike) -> Tensor:
    """The number whose hyperbolic tangent is x; NaN outside of [-1, 1].

    Example:
        >>> arctanh([0.0, 1.0]).tolist()
        [0.0, inf]
    """
    return F.special(x, function="atanh")


def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine.

    Example:
        >>> cosh([0.0, 1.0])
        tensor([1.       , 1.5430807])
    """
    return F.special(x, function="cosh")


def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine.

    Example:
        >>> sinh([0.0, 1.0])
        tensor([0.       , 1.1752012])
    """
    return F.special(x, function="sinh")


def tan(x: TensorLike) -> Tensor:
    """Tangent of x in radians.

    Example:
        >>> tan([0.0, 1.0])
        tensor([0.       , 1.5574077])
    """
    return F.special(x, function="tan")


def deg2rad(x: TensorLike) -> Tensor:
    """Degrees in radians.

    Example:
        >>> deg2rad([0.0, 180.0])
        tensor([0.       , 3.1415927])
    """
    return elementary.radians(x)


def rad2deg(x: TensorLike) -> Tensor:
    """Radians in degrees.

    Example:
        >>> rad2deg([0.0, 1.0])
        tensor([ 0.     , 57.29578])
    """
    return elementary.degrees(x)


def sinc(x: TensorLike) -> Tensor:
    """`sin(pi x) / (pi x)` of x, 1 at 0.

    Example:
        >>> sinc([0.0, 0.5])
        tensor([1.        , 0.63661975])
    """
    return elementary.sinc(x)


def angle(x: TensorLike) -> Tensor:
    """The angle of real numbers in the complex plane: 0, and pi of negative ones and -0.0.

    Example:
        >>> angle([1.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    return F.special2(0.0, x, function="atan2")
