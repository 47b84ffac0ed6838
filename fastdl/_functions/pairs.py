"""Elementary functions of two tensors, element by element, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import elementary, formulas
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def atan2(input: TensorLike, other: TensorLike) -> Tensor:
    """The angle in [-pi, pi] of the point with the height `input` and the width `other`.

    Example:
        >>> atan2([1.0, 0.0], [0.0, -1.0])
        tensor([1.5707964, 3.1415927])
    """
    return F.special2(input, other, function="atan2")


def copysign(input: TensorLike, other: TensorLike) -> Tensor:
    """The size of `input` with the sign of `other`.

    Example:
        >>> copysign([1.0, -2.0], [-1.0, 3.0]).tolist()
        [-1.0, 2.0]
    """
    return F.special2(input, other, function="copysign")


def hypot(input: TensorLike, other: TensorLike) -> Tensor:
    """`sqrt(input^2 + other^2)`, without overflow.

    Example:
        >>> hypot([3.0], [4.0]).tolist()
        [5.0]
    """
    return F.special2(input, other, function="hypot")


def nextafter(input: TensorLike, other: TensorLike) -> Tensor:
    """The next float32 after `input` in the direction of `other`.

    Example:
        >>> nextafter([1.0], [2.0])
        tensor([1.0000001])
    """
    return F.special2(input, other, function="nextafter")


def fmod(input: TensorLike, other: TensorLike) -> Tensor:
    """The remainder of the division rounded towards zero; it has the sign of `input`.

    Example:
        >>> fmod([7, -7], 3).tolist()
        [1, -1]
    """
    return elementary.remainder_of_truncation(input, other)


def fmax(input: TensorLike, other: TensorLike) -> Tensor:
    """The larger of each pair; NaN only if both are.

    Example:
        >>> fmax([1.0, float("nan")], 0.5).tolist()
        [1.0, 0.5]
    """
    return elementary.extreme_number(input, other, F.maximum)


def fmin(input: TensorLike, other: TensorLike) -> Tensor:
    """The smaller of each pair; NaN only if both are.

    Example:
        >>> fmin([1.0, float("nan")], 0.5).tolist()
        [0.5, 0.5]
    """
    return elementary.extreme_number(input, other, F.minimum)


def logaddexp(input: TensorLike, other: TensorLike) -> Tensor:
    """`log(exp(input) + exp(other))`, without overflow.

    Example:
        >>> logaddexp([1000.0], [0.0]).tolist()
        [1000.0]
    """
    return elementary.log_of_sum(input, other)


def logaddexp2(input: TensorLike, other: TensorLike) -> Tensor:
    """`log2(2^input + 2^other)`, without overflow.

    Example:
        >>> logaddexp2([1.0], [1.0]).tolist()
        [2.0]
    """
    return elementary.log2_of_sum(input, other)


def ldexp(input: TensorLike, other: TensorLike) -> Tensor:
    """`input * 2^other`.

    Example:
        >>> ldexp([1.0, 3.0], [2, -1]).tolist()
        [4.0, 1.5]
    """
    return elementary.scaled_by_power(input, other)


def xlogy(input: TensorLike, other: TensorLike) -> Tensor:
    """`input * log(other)`, 0 where `input` is 0 and `other` no NaN.

    Example:
        >>> xlogy([0.0, 2.0], [0.0, 1.0]).tolist()
        [0.0, 0.0]
    """
    return elementary.times_log(input, other)


def heaviside(input: TensorLike, values: TensorLike) -> Tensor:
    """0 where `input` is negative, 1 where it is positive, `values` where it is 0.

    Example:
        >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    return elementary.step(input, values)


def igamma(input: TensorLike, other: TensorLike) -> Tensor:
    """The regularized lower incomplete gamma function P(`input`, `other`).

    It has a gradient for `other` only.

    Example:
        >>> igamma([1.0], [0.0]).tolist()
        [0.0]
    """
    return F.special2(input, other, function="gamma_p")


def igammac(input: TensorLike, other: TensorLike) -> Tensor:
    """The regularized upper incomplete gamma function, `1 - igamma(input, other)`.

    It has a gradient for `other` only.

    Example:
        >>> igammac([1.0], [0.0]).tolist()
        [1.0]
    """
    return F.special2(input, other, function="gamma_q")


def float_power(input: TensorLike, exponent: TensorLike) -> Tensor:
    """`input ** exponent` in floats, of integers, too. The result is float32.

    Example:
        >>> float_power([2, 3], -1).tolist()
        [0.5, 0.3333333432674408]
    """
    return F.pow(F.cast(input, dtype="float32"), exponent)


def lerp(input: TensorLike, end: TensorLike, weight: TensorLike) -> Tensor:
    """`input + weight * (end - input)`: `input` for weight 0, `end` for weight 1.

    Example:
        >>> lerp([0.0, 10.0], [10.0, 20.0], 0.25).tolist()
        [2.5, 12.5]
    """

    def between(first: TensorLike, last: TensorLike, share: TensorLike) -> Tensor:
        step = F.sub(last, first)
        from_start = F.add(first, F.mul(step, share))
        from_end = F.sub(last, F.mul(step, F.sub(1, share)))  # exact at share 1
        return F.where(F.lt(F.abs(share), 0.5), from_start, from_end)

    return formulas.once_rounded(between, input, end, weight)


def addcmul(
    input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: float = 1
) -> Tensor:
    """`input + value * tensor1 * tensor2`.

    Example:
        >>> addcmul([1.0], [2.0], [3.0], value=10).tolist()
        [61.0]
    """

    def added(x: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
        product = F.mul(a, b)
        return F.add(x, product if value == 1 else F.mul(product, value))

    return formulas.once_rounded(added, input, tensor1, tensor2)


def addcdiv(
    input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: float = 1
) -> Tensor:
    """`input + value * tensor1 / tensor2`.

    Raises:
        RuntimeError: both are integers, as in PyTorch.

    Example:
        >>> addcdiv([1.0], [6.0], [3.0], value=10).tolist()
        [21.0]
    """
    if elementary.whole(tensor1, tensor2):
        raise RuntimeError("addcdiv: expected a float tensor1 or tensor2, got two of integers")

    def added(x: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
        quotient = F.div(a, b)
        return F.add(x, quotient if value == 1 else F.mul(quotient, value))

    return formulas.once_rounded(added, input, tensor1, tensor2)


def dist(input: TensorLike, other: TensorLike, p: float = 2) -> Tensor:
    """The p-norm of `input - other`, of all values together.

    Example:
        >>> dist([3.0, 4.0], [0.0, 0.0]).item()
        5.0
    """
    return formulas.vector_norm(F.sub(input, other), p, None, False)


def isin(
    elements: TensorLike,
    test_elements: TensorLike,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Where values are among `test_elements`, as bool; with `invert`, where they are not.

    `assume_unique` has no effect: it would save time in PyTorch.

    Example:
        >>> isin([1, 2, 3], [1, 3]).tolist()
        [True, False, True]
    """
    return elementary.contained(elements, test_elements, invert)


arctan2 = atan2
