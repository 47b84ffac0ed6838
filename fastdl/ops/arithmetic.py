"""Operations on two tensors, element by element, with NumPy's broadcasting.

Operands are tensors, arrays, nested lists or Python numbers. A number takes the tensor's type if
its kind fits. Shapes that don't broadcast raise ValueError. Gradients flow to both operands, summed
over broadcast axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from .. import _core
from .._base import formulas, picking
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def add(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 + x2`.

    Example:
        >>> add([1.0, 2.0], [[10.0], [20.0]]).tolist()
        [[11.0, 12.0], [21.0, 22.0]]
    """
    return F.add(x1, x2)


def subtract(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 - x2`.

    Example:
        >>> subtract([1.0, 2.0], 1).tolist()
        [0.0, 1.0]
    """
    return F.sub(x1, x2)


def multiply(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 * x2`.

    Example:
        >>> multiply([1.0, 2.0], [3.0, 4.0]).tolist()
        [3.0, 8.0]
    """
    return F.mul(x1, x2)


def divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 / x2`; of integers it is float32.

    Example:
        >>> divide([1, 2], 2).tolist()
        [0.5, 1.0]
    """
    return F.div(x1, x2)


def floor_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 // x2`, rounded towards minus infinity as in Python.

    Example:
        >>> floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return F.floor_divide(x1, x2)


def mod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 % x2` with the sign of `x2`, as in Python.

    Example:
        >>> mod([7, -7], 3).tolist()
        [1, 2]
    """
    return F.mod(x1, x2)


def power(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 ** x2`; a negative base with a fractional exponent gives NaN.

    Example:
        >>> power([1.0, 2.0, 3.0], 2).tolist()
        [1.0, 4.0, 9.0]
    """
    return F.pow(x1, x2)


def maximum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of each pair; NaN if either is. Of equal values each gets half the gradient.

    Example:
        >>> maximum([1.0, 5.0], 3).tolist()
        [3.0, 5.0]
    """
    return F.maximum(x1, x2)


def minimum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of each pair; NaN if either is. Of equal values each gets half the gradient.

    Example:
        >>> minimum([1.0, 5.0], 3).tolist()
        [1.0, 3.0]
    """
    return F.minimum(x1, x2)


def equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 == x2`, element by element.

    Example:
        >>> equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return F.eq(x1, x2)


def not_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 != x2`, element by element.

    Example:
        >>> not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return F.ne(x1, x2)


def less(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 < x2`, element by element.

    Example:
        >>> less([1, 2], 2).tolist()
        [True, False]
    """
    return F.lt(x1, x2)


def less_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 <= x2`, element by element.

    Example:
        >>> less_equal([1, 2], 2).tolist()
        [True, True]
    """
    return F.le(x1, x2)


def greater(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 > x2`, element by element.

    Example:
        >>> greater([1, 2], 1).tolist()
        [False, True]
    """
    return F.gt(x1, x2)


def greater_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """`x1 >= x2`, element by element.

    Example:
        >>> greater_equal([1, 2], 1).tolist()
        [True, True]
    """
    return F.ge(x1, x2)


def logical_and(x1: TensorLike, x2: TensorLike) -> Tensor:
    """True where both are nonzero.

    Example:
        >>> logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return F.logical_and(x1, x2)


def logical_or(x1: TensorLike, x2: TensorLike) -> Tensor:
    """True where either is nonzero.

    Example:
        >>> logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return F.logical_or(x1, x2)


def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """True where exactly one is nonzero.

    Example:
        >>> logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return formulas.exclusive_or(x1, x2)


def isclose(
    x1: TensorLike,
    x2: TensorLike,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Where `|x1 - x2| <= atol + rtol * |x2|` or both are the same infinity.

    With `equal_nan` also where both are NaN.

    Example:
        >>> isclose([1.0, 2.0], [1.0, 2.1]).tolist()
        [True, False]
    """
    return formulas.is_close(x1, x2, rtol, atol, equal_nan)


def allclose(
    x1: TensorLike,
    x2: TensorLike,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether `isclose` holds everywhere, as a bool tensor without axes.

    Example:
        >>> bool(allclose([1.0, 2.0], [1.0, 2.0 + 1e-6]))
        True
    """
    return F.all(formulas.is_close(x1, x2, rtol, atol, equal_nan))


@overload
def where(condition: TensorLike) -> tuple[Tensor, ...]: ...
@overload
def where(condition: TensorLike, x1: TensorLike, x2: TensorLike) -> Tensor: ...
def where(
    condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None
) -> Tensor | tuple[Tensor, ...]:
    """`x1` where the condition is true, `x2` elsewhere. The three broadcast.

    The condition alone gives `nonzero(condition)`.

    Raises:
        ValueError: only one of x1 and x2 is given.

    Example:
        >>> where([True, False], [1.0, 2.0], 0).tolist()
        [1.0, 0.0]
    """
    if x1 is None and x2 is None:
        return tuple(_core.as_tensor(p.astype("int32")) for p in picking.positions(condition))
    if x1 is None or x2 is None:
        raise ValueError("where: expected both x1 and x2 or neither, got one of them")
    return F.where(condition, x1, x2)


true_divide = divide
