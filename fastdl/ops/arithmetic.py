"""Operations on two tensors, element by element, with NumPy's broadcasting.

Operands are tensors, arrays, nested lists or Python numbers; a number takes the tensor's type as
long as its kind fits (`int32 + 1` is int32, `int32 + 1.5` is float32). Integers wrap where a result
exceeds their type. Of truth values `+` is or, `*` is and. Shapes that don't broadcast
raise ValueError with both shapes. Gradients flow to both operands, summed over broadcast axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core

if TYPE_CHECKING:
    from .._core import Tensor


def add(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """`x + alpha * y`.

    Example:
        >>> add([1.0, 2.0], [[10.0], [20.0]]).tolist()
        [[11.0, 12.0], [21.0, 22.0]]
    """
    return _core.add(x, y if alpha == 1 else _core.mul(y, alpha))


def sub(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """`x - alpha * y`.

    Example:
        >>> sub([1.0, 2.0], 1).tolist()
        [0.0, 1.0]
    """
    return _core.sub(x, y if alpha == 1 else _core.mul(y, alpha))


def mul(x: Any, y: Any) -> Tensor:
    """`x * y`.

    Example:
        >>> mul([1.0, 2.0], [3.0, 4.0]).tolist()
        [3.0, 8.0]
    """
    return _core.mul(x, y)


def div(x: Any, y: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`x / y`; of integers it is float32, unless it is rounded.

    Args:
        x: dividend.
        y: divisor. Division by zero gives infinity or NaN, as IEEE 754 says; rounded quotients of
            integers are then 0.
        rounding_mode: None, "floor" (as `//`) or "trunc" (towards zero, as in C).

    Raises:
        ValueError: another rounding mode.

    Example:
        >>> div([7, -7], 2, rounding_mode="trunc").tolist()
        [3, -3]
    """
    if rounding_mode is None:
        return _core.div(x, y)
    if rounding_mode == "floor":
        return _core.floor_divide(x, y)
    if rounding_mode == "trunc":
        floor = _core.floor_divide(x, y)
        if floor.dtype != "float32":
            up = _core.logical_and(_core.lt(floor, 0), _core.ne(_core.mod(x, y), 0))
            return _core.where(up, _core.add(floor, 1), floor)
        quotient = _core.div(x, y)
        return _core.where(_core.lt(quotient, 0), _core.ceil(quotient), _core.floor(quotient))
    raise ValueError(f"div: rounding_mode is None, 'floor' or 'trunc', got {rounding_mode!r}")


def floor_divide(x: Any, y: Any) -> Tensor:
    """`x // y`, rounded towards minus infinity as in Python; of integers 0 where y is 0.

    Example:
        >>> floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return _core.floor_divide(x, y)


def remainder(x: Any, y: Any) -> Tensor:
    """`x % y` with the sign of `y`, as in Python: `x - y * (x // y)`; of integers 0 where y is 0.

    Example:
        >>> remainder([7, -7], 3).tolist()
        [1, 2]
    """
    return _core.mod(x, y)


def pow(x: Any, exponent: Any) -> Tensor:
    """`x ** exponent`; a negative base with a fractional exponent gives NaN.

    Example:
        >>> pow([1.0, 2.0, 3.0], 2).tolist()
        [1.0, 4.0, 9.0]
    """
    return _core.pow(x, exponent)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of each pair; NaN if either is. At ties the gradient is halved between them.

    Example:
        >>> maximum([1.0, 5.0], 3).tolist()
        [3.0, 5.0]
    """
    return _core.maximum(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of each pair; NaN if either is. At ties the gradient is halved between them.

    Example:
        >>> minimum([1.0, 5.0], 3).tolist()
        [1.0, 3.0]
    """
    return _core.minimum(x, y)


def clamp(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """`x` limited to [min, max]; either bound may be absent, a number or a tensor.

    The gradient is 1 inside and on the bounds, 0 outside. Integers stay integers unless a bound is
    a float; a bound beyond their type is the type's own.

    Raises:
        ValueError: both bounds are None.

    Example:
        >>> clamp([-2.0, 0.5, 2.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    numbers = (int, float, type(None))
    if isinstance(min, numbers) and isinstance(max, numbers):
        x = _core.as_tensor(x)
        if isinstance(min, float) or isinstance(max, float):
            x = _core.cast(x, "float32")
        elif x.dtype == "int64" and any(abs(b) > 2**53 for b in (min, max) if b is not None):
            x = x if min is None else _core.maximum(x, min)  # a double would lose digits
            return x if max is None else _core.minimum(x, max)
        low = -_INFINITY if min is None else min
        return _core.clip(x, low, _INFINITY if max is None else max)
    if min is not None:
        x = _core.maximum(x, min)
    return x if max is None else _core.minimum(x, max)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """`x` where the condition is true, `y` elsewhere; the three broadcast.

    Example:
        >>> where([True, False], [1.0, 2.0], 0).tolist()
        [1.0, 0.0]
    """
    return _core.where(condition, x, y)


def masked_fill(x: Any, mask: Any, value: Any) -> Tensor:
    """A copy of `x` with `value`, cast to its type, where `mask` is true.

    Example:
        >>> masked_fill([1.0, 2.0], [False, True], -1).tolist()
        [1.0, -1.0]
    """
    x = _core.as_tensor(x)
    return _core.where(mask, _core.cast(value, x.dtype), x)


def eq(x: Any, y: Any) -> Tensor:
    """`x == y` as bool.

    Example:
        >>> eq([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return _core.eq(x, y)


def ne(x: Any, y: Any) -> Tensor:
    """`x != y` as bool.

    Example:
        >>> ne([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return _core.ne(x, y)


def lt(x: Any, y: Any) -> Tensor:
    """`x < y` as bool.

    Example:
        >>> lt([1, 2], 2).tolist()
        [True, False]
    """
    return _core.lt(x, y)


def le(x: Any, y: Any) -> Tensor:
    """`x <= y` as bool.

    Example:
        >>> le([1, 2], 2).tolist()
        [True, True]
    """
    return _core.le(x, y)


def gt(x: Any, y: Any) -> Tensor:
    """`x > y` as bool.

    Example:
        >>> gt([1, 2], 1).tolist()
        [False, True]
    """
    return _core.gt(x, y)


def ge(x: Any, y: Any) -> Tensor:
    """`x >= y` as bool.

    Example:
        >>> ge([1, 2], 1).tolist()
        [True, True]
    """
    return _core.ge(x, y)


def logical_and(x: Any, y: Any) -> Tensor:
    """True where both are nonzero.

    Example:
        >>> logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return _core.logical_and(x, y)


def logical_or(x: Any, y: Any) -> Tensor:
    """True where either is nonzero.

    Example:
        >>> logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return _core.logical_or(x, y)


def logical_xor(x: Any, y: Any) -> Tensor:
    """True where exactly one is nonzero.

    Example:
        >>> logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return _core.ne(_core.ne(x, 0), _core.ne(y, 0))


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Tensor:
    """Where `|x - y| <= atol + rtol * |y|` or both are the same infinity, as NumPy's.

    Example:
        >>> isclose([1.0, 2.0], [1.0, 2.1]).tolist()
        [True, False]
    """
    near = _core.le(_core.abs(_core.sub(x, y)), _core.add(_core.mul(_core.abs(y), rtol), atol))
    both_finite = _core.logical_and(_core.isfinite(x), _core.isfinite(y))
    return _core.logical_or(_core.logical_and(near, both_finite), _core.eq(x, y))


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether `isclose` holds everywhere.

    Example:
        >>> allclose([1.0, 2.0], [1.0, 2.0 + 1e-6])
        True
    """
    return bool(_core.all(isclose(x, y, rtol, atol), None, False))


def equal(x: Any, y: Any) -> bool:
    """Whether shape and all values are the same (`torch.equal`).

    Example:
        >>> equal([1.0, 2.0], [1.0, 2.0])
        True
    """
    x, y = _core.as_tensor(x), _core.as_tensor(y)
    return x.shape == y.shape and bool(_core.all(_core.eq(x, y), None, False))


_INFINITY = float("inf")

clip = clamp
subtract = sub
multiply = mul
divide = div
true_divide = div
mod = remainder
power = pow
not_equal = ne
less = lt
less_equal = le
greater = gt
greater_equal = ge
