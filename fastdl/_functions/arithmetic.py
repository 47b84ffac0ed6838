"""Operations on two tensors, element by element, with NumPy's broadcasting.

Operands are tensors, arrays, nested lists or Python numbers. A number takes the tensor's type if
its kind fits (`int32 + 1` is int32, `int32 + 1.5` is float32). Integers wrap if a result exceeds
their type. Of bools, `+` is or and `*` is and. Shapes that don't broadcast raise ValueError.
Gradients flow to both operands, summed over broadcast axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from .. import _core
from .._base import formulas, picking
from .._base import functional as F
from .._base.dtypes import check_fits

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def add(input: TensorLike, other: TensorLike, *, alpha: float = 1) -> Tensor:
    """`input + alpha * other`.

    Example:
        >>> add([1.0, 2.0], [[10.0], [20.0]]).tolist()
        [[11.0, 12.0], [21.0, 22.0]]
    """
    if alpha == 1:
        return F.add(input, other)
    return formulas.once_rounded(lambda x, y: F.add(x, F.mul(y, alpha)), input, other)


def sub(input: TensorLike, other: TensorLike, *, alpha: float = 1) -> Tensor:
    """`input - alpha * other`.

    Example:
        >>> sub([1.0, 2.0], 1).tolist()
        [0.0, 1.0]
    """
    if alpha == 1:
        return F.sub(input, other)
    return formulas.once_rounded(lambda x, y: F.sub(x, F.mul(y, alpha)), input, other)


def rsub(input: TensorLike, other: TensorLike, *, alpha: float = 1) -> Tensor:
    """`other - alpha * input`.

    Example:
        >>> rsub([1.0, 2.0], 1).tolist()
        [0.0, -1.0]
    """
    return sub(other, input, alpha=alpha)


def mul(input: TensorLike, other: TensorLike) -> Tensor:
    """`input * other`.

    Example:
        >>> mul([1.0, 2.0], [3.0, 4.0]).tolist()
        [3.0, 8.0]
    """
    return F.mul(input, other)


def div(input: TensorLike, other: TensorLike, *, rounding_mode: str | None = None) -> Tensor:
    """`input / other`. The quotient of integers is float32, unless it is rounded.

    Args:
        input: dividend.
        other: divisor. Division by zero gives infinity or NaN, as IEEE 754 says.
        rounding_mode: None, "floor" (as `//`) or "trunc" (towards zero, as in C).

    Raises:
        ValueError: another rounding mode.

    Example:
        >>> div([7, -7], 2, rounding_mode="trunc").tolist()
        [3, -3]
    """
    if rounding_mode is None:
        return F.div(input, other)
    if rounding_mode == "floor":
        return F.floor_divide(input, other)
    if rounding_mode == "trunc":
        floor = F.floor_divide(input, other)
        if floor.dtype != "float32":
            up = F.logical_and(F.lt(floor, 0), F.ne(F.mod(input, other), 0))
            return F.where(up, F.add(floor, 1), floor)
        quotient = F.div(input, other)
        return F.where(F.lt(quotient, 0), F.ceil(quotient), F.floor(quotient))
    raise _core.ArgumentError(
        f"div: rounding_mode: expected None, 'floor' or 'trunc', got {rounding_mode!r}"
    )


def floor_divide(input: TensorLike, other: TensorLike) -> Tensor:
    """`input // other`, rounded towards minus infinity as in Python.

    For integers the result is 0 where the divisor is 0.

    Example:
        >>> floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return F.floor_divide(input, other)


def remainder(input: TensorLike, other: TensorLike) -> Tensor:
    """`input % other` with the sign of `other`, as in Python: `input - other * (input // other)`.

    Example:
        >>> remainder([7, -7], 3).tolist()
        [1, 2]
    """
    return F.mod(input, other)


def pow(input: TensorLike, exponent: TensorLike) -> Tensor:
    """`input ** exponent`; a negative base with a fractional exponent gives NaN.

    Example:
        >>> pow([1.0, 2.0, 3.0], 2).tolist()
        [1.0, 4.0, 9.0]
    """
    return F.pow(input, exponent)


def maximum(input: TensorLike, other: TensorLike) -> Tensor:
    """The larger of each pair; NaN if either is. Of equal values each gets half the gradient.

    Example:
        >>> maximum([1.0, 5.0], 3).tolist()
        [3.0, 5.0]
    """
    return F.maximum(input, other)


def minimum(input: TensorLike, other: TensorLike) -> Tensor:
    """The smaller of each pair; NaN if either is. Of equal values each gets half the gradient.

    Example:
        >>> minimum([1.0, 5.0], 3).tolist()
        [1.0, 3.0]
    """
    return F.minimum(input, other)


def clamp(
    input: TensorLike, min: TensorLike | None = None, max: TensorLike | None = None
) -> Tensor:
    """`input` limited to [min, max]; either bound may be absent, a number or a tensor.

    The gradient is 1 inside and on the bounds, 0 outside.

    Raises:
        ValueError: both bounds are None.

    Example:
        >>> clamp([-2.0, 0.5, 2.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    if min is None and max is None:
        raise _core.ArgumentError("clamp: expected min, max or both, got neither")
    return formulas.limited(input, min, max)


@overload
def where(condition: TensorLike) -> tuple[Tensor, ...]: ...
@overload
def where(condition: TensorLike, input: TensorLike, other: TensorLike) -> Tensor: ...
def where(
    condition: TensorLike, input: TensorLike | None = None, other: TensorLike | None = None
) -> Tensor | tuple[Tensor, ...]:
    """`input` where the condition is true, `other` elsewhere. The three broadcast.

    The condition alone gives `nonzero(condition, as_tuple=True)`.

    Raises:
        ValueError: only one of input and other is given.

    Example:
        >>> where([True, False], [1.0, 2.0], 0).tolist()
        [1.0, 0.0]
    """
    if input is None and other is None:
        return tuple(_core.as_tensor(p) for p in picking.positions(condition))
    if input is None or other is None:
        raise _core.ArgumentError(
            "where: expected both input and other or neither, got one of them"
        )
    return F.where(condition, input, other)


def masked_fill(input: TensorLike, mask: TensorLike, value: TensorLike) -> Tensor:
    """A copy of `input` with `value` where `mask` is true.

    Raises:
        ValueError: an integer type cannot hold the integer `value`, or it has axes.

    Example:
        >>> masked_fill([1.0, 2.0], [False, True], -1).tolist()
        [1.0, -1.0]
    """
    input = _core.as_tensor(input)
    check_fits("masked_fill", value, input.dtype)
    value = F.cast(value, dtype=input.dtype)
    if value.ndim:
        raise _core.ArgumentError(
            f"masked_fill: value: expected one number, got shape {value.shape}"
        )
    return F.where(mask, value, input)


def eq(input: TensorLike, other: TensorLike) -> Tensor:
    """`input == other` as bool.

    Example:
        >>> eq([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return F.eq(input, other)


def ne(input: TensorLike, other: TensorLike) -> Tensor:
    """`input != other` as bool.

    Example:
        >>> ne([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return F.ne(input, other)


def lt(input: TensorLike, other: TensorLike) -> Tensor:
    """`input < other` as bool.

    Example:
        >>> lt([1, 2], 2).tolist()
        [True, False]
    """
    return F.lt(input, other)


def le(input: TensorLike, other: TensorLike) -> Tensor:
    """`input <= other` as bool.

    Example:
        >>> le([1, 2], 2).tolist()
        [True, True]
    """
    return F.le(input, other)


def gt(input: TensorLike, other: TensorLike) -> Tensor:
    """`input > other` as bool.

    Example:
        >>> gt([1, 2], 1).tolist()
        [False, True]
    """
    return F.gt(input, other)


def ge(input: TensorLike, other: TensorLike) -> Tensor:
    """`input >= other` as bool.

    Example:
        >>> ge([1, 2], 1).tolist()
        [True, True]
    """
    return F.ge(input, other)


def logical_and(input: TensorLike, other: TensorLike) -> Tensor:
    """True where both are nonzero.

    Example:
        >>> logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return F.logical_and(input, other)


def logical_or(input: TensorLike, other: TensorLike) -> Tensor:
    """True where either is nonzero.

    Example:
        >>> logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return F.logical_or(input, other)


def logical_xor(input: TensorLike, other: TensorLike) -> Tensor:
    """True where exactly one is nonzero.

    Example:
        >>> logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return formulas.exclusive_or(input, other)


def isclose(
    input: TensorLike,
    other: TensorLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Tensor:
    """Where `|input - other| <= atol + rtol * |other|` or both are the same infinity, as NumPy's.

    With `equal_nan` also where both are NaN.

    Raises:
        ValueError: `rtol` or `atol` is negative.

    Example:
        >>> isclose([1.0, 2.0], [1.0, 2.1]).tolist()
        [True, False]
    """
    if rtol < 0 or atol < 0:
        raise _core.ArgumentError(
            f"isclose: rtol, atol: expected numbers of at least 0, got {rtol} and {atol}"
        )
    return formulas.is_close(input, other, rtol, atol, equal_nan)


def allclose(
    input: TensorLike,
    other: TensorLike,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> bool:
    """Whether `isclose` holds everywhere.

    Example:
        >>> allclose([1.0, 2.0], [1.0, 2.0 + 1e-6])
        True
    """
    return bool(F.all(isclose(input, other, rtol, atol, equal_nan)))


def equal(input: TensorLike, other: TensorLike) -> bool:
    """Whether shape and all values are the same (`torch.equal`).

    Example:
        >>> equal([1.0, 2.0], [1.0, 2.0])
        True
    """
    input, other = _core.as_tensor(input), _core.as_tensor(other)
    return input.shape == other.shape and bool(F.all(F.eq(input, other)))


clip = clamp
subtract = sub
multiply = mul
divide = div
true_divide = div
not_equal = ne
less = lt
less_equal = le
greater = gt
greater_equal = ge
