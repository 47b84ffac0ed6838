"""Elementary functions of one tensor, element by element, beside those of unary.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import elementary, formulas
from .._base import functional as F
from .._base.results import MantissaExponent

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def exp2(input: TensorLike) -> Tensor:
    """2 to the power of the input.

    Example:
        >>> exp2([3.0, -1.0]).tolist()
        [8.0, 0.5]
    """
    return F.special(input, function="exp2")


def erfc(input: TensorLike) -> Tensor:
    """`1 - erf(x)` of the input, precise where it is small.

    Example:
        >>> erfc([0.0, 3.0])
        tensor([1.0000000e+00, 2.2090497e-05])
    """
    return F.special(input, function="erfc")


def erfinv(input: TensorLike) -> Tensor:
    """The number whose `erf` is the input; NaN outside of [-1, 1].

    Example:
        >>> erfinv([0.0, 1.0]).tolist()
        [0.0, inf]
    """
    return F.special(input, function="erfinv")


def frac(input: TensorLike) -> Tensor:
    """The input without its integer part, with the sign of the input.

    Example:
        >>> frac([1.5, -1.25]).tolist()
        [0.5, -0.25]
    """
    return elementary.fraction(input)


def i0(input: TensorLike) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    Example:
        >>> i0([0.0, 1.0])
        tensor([1.       , 1.2660658])
    """
    return F.special(input, function="i0")


def isneginf(input: TensorLike) -> Tensor:
    """Where the input is minus infinity, as bool.

    Example:
        >>> isneginf([1.0, float("-inf")]).tolist()
        [False, True]
    """
    return elementary.is_negative_infinity(input)


def isposinf(input: TensorLike) -> Tensor:
    """Where the input is plus infinity, as bool.

    Example:
        >>> isposinf([1.0, float("inf")]).tolist()
        [False, True]
    """
    return elementary.is_positive_infinity(input)


def isreal(input: TensorLike) -> Tensor:
    """True everywhere: there are no complex numbers.

    Example:
        >>> isreal([1.0, 2.0]).tolist()
        [True, True]
    """
    return elementary.is_real(input)


def signbit(input: TensorLike) -> Tensor:
    """Where the sign of the input is negative, that of -0.0 included, as bool.

    Example:
        >>> signbit([-1.0, 2.0]).tolist()
        [True, False]
    """
    return elementary.sign_bit(input)


def real(input: TensorLike) -> Tensor:
    """The input itself: there are no complex numbers.

    Example:
        >>> real([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return _core.as_tensor(input)


def conj(input: TensorLike) -> Tensor:
    """The input itself: there are no complex numbers.

    Example:
        >>> conj([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return _core.as_tensor(input)


def positive(input: TensorLike) -> Tensor:
    """The input itself, as `+x`; truth values are an error.

    Example:
        >>> positive([1.0, -2.0]).tolist()
        [1.0, -2.0]
    """
    input = _core.as_tensor(input)
    if input.dtype == "bool":
        raise _core.DTypeError("positive: expected numbers, got bool")
    return input


def lgamma(input: TensorLike) -> Tensor:
    """The logarithm of the absolute value of the gamma function.

    Example:
        >>> lgamma([1.0, 4.0])
        tensor([0.       , 1.7917595])
    """
    return F.special(input, function="lgamma")


def digamma(input: TensorLike) -> Tensor:
    """The derivative of `lgamma`.

    Example:
        >>> digamma([1.0])
        tensor([-0.5772157])
    """
    return F.special(input, function="digamma")


def nan_to_num(
    input: TensorLike,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """The input with numbers in the place of NaN (0 for None) and of infinities.

    For None, infinities become the largest and the smallest number of the type.

    Example:
        >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
        [1.0, 0.0, 9.0]
    """
    return elementary.without_nan(input, nan, posinf, neginf)


def logit(input: TensorLike, eps: float | None = None) -> Tensor:
    """`log(x / (1 - x))` of the input, the inverse of `sigmoid`; NaN outside of [0, 1].

    Args:
        input: probabilities.
        eps: limits the input to [eps, 1 - eps] first.

    Example:
        >>> logit([0.5, 1.0]).tolist()
        [0.0, inf]
    """
    return elementary.logit(input, eps)


def polygamma(n: int, input: TensorLike) -> Tensor:
    """The n-th derivative of `digamma`, for n from 0 to 99.

    Raises:
        ValueError: another n.

    Example:
        >>> polygamma(1, [1.0])
        tensor([1.644934])
    """
    return elementary.polygamma(input, n, "polygamma")


def mvlgamma(input: TensorLike, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions.

    Raises:
        ValueError: p is below 1.

    Example:
        >>> mvlgamma([3.0], 2)
        tensor([1.550195])
    """
    return elementary.log_gamma_of_dimensions(input, p, "mvlgamma")


def frexp(input: TensorLike) -> MantissaExponent:
    """Mantissas of sizes in [0.5, 1), and exponents, int32: `input = mantissa * 2^exponent`.

    Example:
        >>> mantissa, exponent = frexp([6.0])
        >>> mantissa.item(), exponent.item()
        (0.75, 3)
    """
    return MantissaExponent(*elementary.mantissa_and_exponent(input))


def clamp_max(input: TensorLike, max: TensorLike) -> Tensor:
    """The input limited from above.

    Example:
        >>> clamp_max([1.0, 5.0], 3).tolist()
        [1.0, 3.0]
    """
    return formulas.limited(input, None, max)


def clamp_min(input: TensorLike, min: TensorLike) -> Tensor:
    """The input limited from below.

    Example:
        >>> clamp_min([1.0, 5.0], 3).tolist()
        [3.0, 5.0]
    """
    return formulas.limited(input, min, None)


def is_nonzero(input: TensorLike) -> bool:
    """Whether the only value is other than 0.

    Raises:
        RuntimeError: there is not exactly one value.

    Example:
        >>> is_nonzero([2.0])
        True
    """
    input = _core.as_tensor(input)
    if input.numel() != 1:
        raise RuntimeError(f"is_nonzero: expected one value, got shape {input.shape}")
    return bool(input.item())


def is_floating_point(input: Tensor) -> bool:
    """Whether the type is float32, float16 or bfloat16.

    Example:
        >>> is_floating_point(fastdl.ones(2))
        True
    """
    return input.dtype.kind == "f"


def is_complex(input: Tensor) -> bool:
    """False: there are no complex numbers.

    Example:
        >>> is_complex(fastdl.ones(2))
        False
    """
    return input.dtype.kind == "c"


def is_conj(input: Tensor) -> bool:
    """False: there are no complex numbers.

    Example:
        >>> is_conj(fastdl.ones(2))
        False
    """
    return is_complex(input)


conj_physical = conj
resolve_conj = conj
resolve_neg = conj
