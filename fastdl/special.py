"""Special functions, with PyTorch's names, arguments and meaning (`torch.special`).

They are computed in double and rounded once to float32, except for those of several steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _functions
from ._base import elementary, polynomials
from ._base import functional as F
from ._functions import digamma as digamma
from ._functions import erf as erf
from ._functions import erfc as erfc
from ._functions import erfinv as erfinv
from ._functions import exp2 as exp2
from ._functions import expm1 as expm1
from ._functions import i0 as i0
from ._functions import log1p as log1p
from ._functions import log_softmax as log_softmax
from ._functions import logit as logit
from ._functions import logsumexp as logsumexp
from ._functions import polygamma as polygamma
from ._functions import round as round
from ._functions import sinc as sinc
from ._functions import softmax as softmax
from ._functions import xlogy as xlogy

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import Tensor, TensorLike


def entr(input: TensorLike) -> Tensor:
    """`-x log(x)` of the input: 0 at 0, minus infinity below.

    Example:
        >>> entr([0.0, 1.0]).abs().tolist()
        [0.0, 0.0]
    """
    return elementary.entropy(input)


def erfcx(input: TensorLike) -> Tensor:
    """`exp(x^2) erfc(x)` of the input, without overflow.

    Example:
        >>> erfcx([0.0]).tolist()
        [1.0]
    """
    return F.special(input, function="erfcx")


def ndtri(input: TensorLike) -> Tensor:
    """The value below which this part of a standard normal distribution lies.

    Example:
        >>> ndtri([0.0, 1.0]).tolist()
        [-inf, inf]
    """
    return F.special(input, function="ndtri")


def log_ndtr(input: TensorLike) -> Tensor:
    """The logarithm of `ndtr`, without underflow.

    Example:
        >>> log_ndtr([0.0])
        tensor([-0.6931472])
    """
    return F.special(input, function="log_ndtr")


def i0e(input: TensorLike) -> Tensor:
    """`exp(-|x|) i0(x)` of the input, without overflow.

    Example:
        >>> i0e([0.0]).tolist()
        [1.0]
    """
    return F.special(input, function="i0e")


def i1(input: TensorLike) -> Tensor:
    """The modified Bessel function of the first kind and order 1.

    Example:
        >>> i1([0.0]).tolist()
        [0.0]
    """
    return F.special(input, function="i1")


def i1e(input: TensorLike) -> Tensor:
    """`exp(-|x|) i1(x)` of the input, without overflow.

    Example:
        >>> i1e([0.0]).tolist()
        [0.0]
    """
    return F.special(input, function="i1e")


def airy_ai(input: TensorLike) -> Tensor:
    """Airy's function Ai, the solution of `y'' = x y` that falls.

    Example:
        >>> airy_ai([0.0])
        tensor([0.35502806])
    """
    return F.special(input, function="airy_ai")


def bessel_j0(input: TensorLike) -> Tensor:
    """The Bessel function of the first kind and order 0.

    Example:
        >>> bessel_j0([0.0]).tolist()
        [1.0]
    """
    return F.special(input, function="bessel_j0")


def bessel_j1(input: TensorLike) -> Tensor:
    """The Bessel function of the first kind and order 1.

    Example:
        >>> bessel_j1([0.0]).tolist()
        [0.0]
    """
    return F.special(input, function="bessel_j1")


def bessel_y0(input: TensorLike) -> Tensor:
    """The Bessel function of the second kind and order 0: NaN below 0.

    Example:
        >>> bessel_y0([0.0]).tolist()
        [-inf]
    """
    return F.special(input, function="bessel_y0")


def bessel_y1(input: TensorLike) -> Tensor:
    """The Bessel function of the second kind and order 1: NaN below 0.

    Example:
        >>> bessel_y1([0.0]).tolist()
        [-inf]
    """
    return F.special(input, function="bessel_y1")


def modified_bessel_k0(input: TensorLike) -> Tensor:
    """The modified Bessel function of the second kind and order 0: NaN below 0.

    Example:
        >>> modified_bessel_k0([0.0]).tolist()
        [inf]
    """
    return F.special(input, function="k0")


def modified_bessel_k1(input: TensorLike) -> Tensor:
    """The modified Bessel function of the second kind and order 1: NaN below 0.

    Example:
        >>> modified_bessel_k1([0.0]).tolist()
        [inf]
    """
    return F.special(input, function="k1")


def scaled_modified_bessel_k0(input: TensorLike) -> Tensor:
    """`exp(x) modified_bessel_k0(x)`, without underflow.

    Example:
        >>> scaled_modified_bessel_k0([0.0]).tolist()
        [inf]
    """
    return F.special(input, function="k0e")


def scaled_modified_bessel_k1(input: TensorLike) -> Tensor:
    """`exp(x) modified_bessel_k1(x)`, without underflow.

    Example:
        >>> scaled_modified_bessel_k1([0.0]).tolist()
        [inf]
    """
    return F.special(input, function="k1e")


def ndtr(input: TensorLike) -> Tensor:
    """The part of a standard normal distribution that lies below the input.

    Example:
        >>> ndtr([0.0]).tolist()
        [0.5]
    """
    return elementary.normal_distribution(input)


def spherical_bessel_j0(input: TensorLike) -> Tensor:
    """`sin(x) / x` of the input, 1 at 0.

    Example:
        >>> spherical_bessel_j0([0.0]).tolist()
        [1.0]
    """
    return elementary.spherical_bessel_j0(input)


def xlog1py(input: TensorLike, other: TensorLike) -> Tensor:
    """`input * log1p(other)`, 0 where the input is 0 and `other` no NaN.

    Example:
        >>> xlog1py([0.0, 2.0], [-1.0, 0.0]).tolist()
        [0.0, 0.0]
    """
    return elementary.times_log(input, other, 1.0)


def zeta(input: TensorLike, other: TensorLike) -> Tensor:
    """Hurwitz's zeta function: the sum of `(other + k)^-input` over k from 0.

    It has a gradient for `other` only.

    Example:
        >>> zeta([2.0], [1.0])
        tensor([1.644934])
    """
    return F.special2(input, other, function="zeta")


def chebyshev_polynomial_t(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the first kind, of the integer degrees n.

    Example:
        >>> chebyshev_polynomial_t([0.5], 2).tolist()
        [-0.5]
    """
    return polynomials.polynomial(input, n, 1, 0, polynomials.chebyshev)


def chebyshev_polynomial_u(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the second kind, of the integer degrees n.

    Example:
        >>> chebyshev_polynomial_u([0.5], 2).tolist()
        [0.0]
    """
    return polynomials.polynomial(input, n, 2, 0, polynomials.chebyshev)


def chebyshev_polynomial_v(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the third kind, of the integer degrees n.

    Example:
        >>> chebyshev_polynomial_v([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(input, n, 2, -1, polynomials.chebyshev)


def chebyshev_polynomial_w(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the fourth kind, of the integer degrees n.

    Example:
        >>> chebyshev_polynomial_w([0.5], 2).tolist()
        [1.0]
    """
    return polynomials.polynomial(input, n, 2, 1, polynomials.chebyshev)


def shifted_chebyshev_polynomial_t(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the first kind at 2 x - 1, of the integer degrees n.

    Example:
        >>> shifted_chebyshev_polynomial_t([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(_shifted(input), n, 1, 0, polynomials.chebyshev)


def shifted_chebyshev_polynomial_u(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the second kind at 2 x - 1, of the integer degrees n.

    Example:
        >>> shifted_chebyshev_polynomial_u([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(_shifted(input), n, 2, 0, polynomials.chebyshev)


def shifted_chebyshev_polynomial_v(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the third kind at 2 x - 1, of the integer degrees n.

    Example:
        >>> shifted_chebyshev_polynomial_v([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(_shifted(input), n, 2, -1, polynomials.chebyshev)


def shifted_chebyshev_polynomial_w(input: TensorLike, n: TensorLike) -> Tensor:
    """Chebyshev's polynomial of the fourth kind at 2 x - 1, of the integer degrees n.

    Example:
        >>> shifted_chebyshev_polynomial_w([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(_shifted(input), n, 2, 1, polynomials.chebyshev)


def hermite_polynomial_h(input: TensorLike, n: TensorLike) -> Tensor:
    """Hermite's polynomial of physicists, of the integer degrees n.

    Example:
        >>> hermite_polynomial_h([0.5], 2).tolist()
        [-1.0]
    """
    return polynomials.polynomial(input, n, 2, 0, polynomials.hermite)


def hermite_polynomial_he(input: TensorLike, n: TensorLike) -> Tensor:
    """Hermite's polynomial of probability theory, of the integer degrees n.

    Example:
        >>> hermite_polynomial_he([0.5], 2).tolist()
        [-0.75]
    """
    return polynomials.polynomial(input, n, 1, 0, polynomials.hermite_of_probability)


def laguerre_polynomial_l(input: TensorLike, n: TensorLike) -> Tensor:
    """Laguerre's polynomial, of the integer degrees n.

    Example:
        >>> laguerre_polynomial_l([0.5], 2).tolist()
        [0.125]
    """
    return polynomials.polynomial(input, n, -1, 1, polynomials.laguerre)


def legendre_polynomial_p(input: TensorLike, n: TensorLike) -> Tensor:
    """Legendre's polynomial, of the integer degrees n.

    Example:
        >>> legendre_polynomial_p([0.5], 2).tolist()
        [-0.125]
    """
    return polynomials.polynomial(input, n, 1, 0, polynomials.legendre)


def _shifted(x: TensorLike) -> Tensor:
    return F.sub(F.mul(x, 2.0), 1.0)


psi = digamma
modified_bessel_i0 = i0
modified_bessel_i1 = i1
gammainc = _functions.igamma
gammaincc = _functions.igammac
gammaln = _functions.lgamma
multigammaln = _functions.mvlgamma
expit = _functions.sigmoid


def _finish() -> None:
    from ._functions.in_place import into
    from ._graph.lift import liftable

    lifted: dict[object, Callable[..., object]] = {}  # a function may have several names
    names = globals()
    for name, function in list(names.items()):
        if callable(function) and name[0] != "_" and hasattr(function, "__code__"):
            if function not in lifted:
                lifted[function] = liftable(function, into)
                # Where pickle finds it.
                lifted[function].__module__, lifted[function].__qualname__ = __name__, name
            names[name] = lifted[function]


_finish()


if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from as _attributes_missing_from

    __getattr__ = _attributes_missing_from(__name__)
