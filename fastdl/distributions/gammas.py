"""Distributions that come from the gamma distribution, whose samples NumPy draws.

A step of a trainer that draws them runs eagerly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.random import numpy_generator
from .._base.watch import refuse
from ..autograd.function import Function
from . import constraints
from .distribution import TINY, Distribution, floats

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike
    from .distribution import Shape


def lgamma(x: Any) -> Tensor:
    return F.special(x, function="lgamma")


def digamma(x: Any) -> Tensor:
    return F.special(x, function="digamma")


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """The logarithm of the beta function."""
    return F.sub(F.add(lgamma(a), lgamma(b)), lgamma(F.add(a, b)))


# --- samples of the gamma distribution and their derivative


def _digamma(x: np.ndarray) -> np.ndarray:
    """In doubles: moved beyond 8, where the series counts."""
    found = np.zeros_like(x)
    x = x.copy()
    for _ in range(8):
        near = x < 8
        found -= np.where(near, 1 / x, 0)
        x += near
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))
    return found + np.log(x) - 0.5 / x - series


def change_of_gamma(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da of a sample x that keeps its place in the distribution: -(dP/da) / (dP/dx).

    P(a, x) is `x p(x) S`, where p is the density and S a series of `x^n / (a (a + 1) ... (a + n))`.
    For large x, 1 - P is `x p(x) C` with a continued fraction C. The density cancels out.

    Source: Figurnov, Mohamed, Mnih 2018; Abramowitz, Stegun 6.5.29 and 6.5.31.
    """
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    offset = np.log(x) - _digamma(a)
    low = x < a + 1
    # The series and its derivative by a.
    term, steps = 1 / a, 1 / a
    total, change = term.copy(), -term * steps
    place = a.copy()
    while True:
        place = place + 1
        term = np.where(low, term * x / place, 0)
        steps = steps + 1 / place
        total, change = total + term, change - term * steps
        if not (term * steps > 1e-12 * np.abs(change)).any():
            break
    by_series = -x * (total * offset + change)
    # The continued fraction 1 / (x + 1 - a - (1 - a) / (x + 3 - a - ...)). A small imaginary step
    # of a gives its derivative without cancellation.
    step = 1e-30
    far = np.where(low, a + 2, x)
    one = a + 1j * step
    b = far + 1 - one
    d = 1 / b
    c = np.full_like(b, 1e300)
    h = d.copy()
    for i in range(1, 10000):
        an = -i * (i - one)
        b = b + 2
        d = 1 / (an * d + b)
        c = b + an / c
        ratio = c * d
        h = h * ratio
        if (np.abs(ratio - 1) < 1e-13).all():
            break
    by_fraction = x * (h.real * offset + h.imag / step)
    return np.where(low, by_series, by_fraction)


class _StandardGamma(Function):
    """A sample of the gamma distribution of the rate 1."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        refuse("NumPy draws from the gamma distribution")
        values = numpy_generator(None).standard_gamma(np.asarray(a).astype("float64"))
        ctx.values = values = np.maximum(values, TINY)
        ctx.save_for_backward(a)
        return _core.tensor(values.astype("float32"))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return F.mul(g, _core.tensor(change_of_gamma(np.asarray(a), ctx.values).astype("float32")))


def standard_gamma(a: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Samples of the gamma distributions of the rate 1, with a gradient for a."""
    return _StandardGamma.apply(F.broadcast_to(a, shape=shape))


# --- distributions


class Gamma(Distribution):
    """The gamma distribution.

    Args:
        concentration: its form: 1 gives the exponential distribution.
        rate: the inverse of its scale.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Gamma`.

    Example:
        >>> Gamma(4.0, 2.0).mean.item(), Gamma(4.0, 2.0).variance.item()
        (2.0, 1.0)
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    has_rsample = True
    _given: tuple[str, ...] = ("concentration", "rate")

    def __init__(
        self, concentration: TensorLike, rate: TensorLike, validate_args: bool | None = None
    ) -> None:
        who = type(self).__name__
        self.concentration, self.rate = floats(who, concentration=concentration, rate=rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return F.div(self.concentration, self.rate)

    @property
    def mode(self) -> Tensor:
        return F.div(F.maximum(F.sub(self.concentration, 1.0), 0.0), self.rate)

    @property
    def variance(self) -> Tensor:
        return F.div(self.concentration, F.square(self.rate))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return F.div(standard_gamma(self.concentration, self._shape(sample_shape)), self.rate)

    def log_prob(self, value: TensorLike) -> Tensor:
        x, a = self._checked(value), self.concentration
        kept = F.add(F.mul(a, F.log(self.rate)), F.mul(F.sub(a, 1.0), F.log(x)))
        return F.sub(F.sub(kept, F.mul(self.rate, x)), lgamma(a))

    def entropy(self) -> Tensor:
        a = self.concentration
        rest = F.add(lgamma(a), F.mul(F.sub(1.0, a), digamma(a)))
        return F.add(F.sub(a, F.log(self.rate)), rest)

    def cdf(self, value: TensorLike) -> Tensor:
        x = F.mul(self._checked(value), self.rate)
        return F.special2(self.concentration, x, function="gamma_p")


class Chi2(Gamma):
    """The distribution of the sum of `df` squares of standard normal numbers.

    Args:
        df: the degrees of freedom.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Chi2`.

    Example:
        >>> Chi2(3.0).mean.item()
        3.0
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {"df": constraints.positive}
    _given = ("df",)

    def __init__(self, df: TensorLike, validate_args: bool | None = None) -> None:
        (half,) = floats("Chi2", df=df)
        super().__init__(F.mul(half, 0.5), 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return F.mul(self.concentration, 2.0)


class Dirichlet(Distribution):
    """Numbers of 0 or more whose sum is 1.

    Args:
        concentration: how much weight each number has, (..., numbers).
        validate_args: see `Distribution`.

    Raises:
        ValueError: the concentration has no axis.

    Source: `torch.distributions.Dirichlet`.

    Example:
        >>> Dirichlet([1.0, 3.0]).mean.tolist()
        [0.25, 0.75]
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    has_rsample = True
    _given = ("concentration",)

    def __init__(self, concentration: TensorLike, validate_args: bool | None = None) -> None:
        (self.concentration,) = floats("Dirichlet", concentration=concentration)
        shape = self.concentration.shape
        if not shape:
            raise ValueError("Dirichlet: concentration: expected one axis or more, got a number")
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.simplex

    @property
    def _total(self) -> Tensor:
        return F.sum(self.concentration, axes=-1, keepdims=True)

    @property
    def mean(self) -> Tensor:
        return F.div(self.concentration, self._total)

    @property
    def mode(self) -> Tensor:
        less = F.maximum(F.sub(self.concentration, 1.0), 0.0)
        place = F.argmax(self.mean, axis=-1)
        corner = F.one_hot(place, depth=self._event_shape[0], dtype="float32")
        total = F.sum(less, axes=-1, keepdims=True)
        inner = F.div(less, F.where(F.eq(total, 0), 1.0, total))
        flat = F.all(F.lt(self.concentration, 1.0), axes=-1, keepdims=True)
        return F.where(flat, corner, inner)

    @property
    def variance(self) -> Tensor:
        total = self._total
        product = F.mul(self.concentration, F.sub(total, self.concentration))
        return F.div(product, F.mul(F.square(total), F.add(total, 1.0)))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        g = standard_gamma(self.concentration, self._shape(sample_shape))
        return F.div(g, F.sum(g, axes=-1, keepdims=True))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, a = self._checked(value), self.concentration
        kept = F.mul(F.sub(a, 1.0), F.log(x))
        # Where the exponent is 0 the value does not count, not even 0.
        kept = F.where(F.logical_and(F.eq(a, 1.0), F.eq(x, 0.0)), 0.0, kept)
        rest = F.sub(lgamma(F.sum(a, axes=-1)), F.sum(lgamma(a), axes=-1))
        return F.add(F.sum(kept, axes=-1), rest)

    def entropy(self) -> Tensor:
        a, k = self.concentration, self._event_shape[0]
        total = F.sum(a, axes=-1)
        first = F.sub(F.sum(lgamma(a), axes=-1), lgamma(total))
        second = F.mul(F.sub(total, float(k)), digamma(total))
        third = F.sum(F.mul(F.sub(a, 1.0), digamma(a)), axes=-1)
        return F.sub(F.add(first, second), third)


class Beta(Distribution):
    """The beta distribution of numbers between 0 and 1.

    Args:
        concentration1: the weight of 1.
        concentration0: the weight of 0.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Beta`.

    Example:
        >>> Beta(1.0, 3.0).mean.item()
        0.25
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    has_rsample = True
    _given = ("concentration1", "concentration0")

    def __init__(
        self,
        concentration1: TensorLike,
        concentration0: TensorLike,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration1, self.concentration0 = floats(
            "Beta", concentration1=concentration1, concentration0=concentration0
        )
        super().__init__(self.concentration1.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.unit_interval

    @property
    def mean(self) -> Tensor:
        return F.div(self.concentration1, F.add(self.concentration1, self.concentration0))

    @property
    def mode(self) -> Tensor:
        one, none = F.sub(self.concentration1, 1.0), F.sub(self.concentration0, 1.0)
        inner = F.logical_and(F.gt(one, 0), F.gt(none, 0))
        total = F.where(inner, F.add(one, none), 1.0)
        edge = F.where(F.eq(one, none), math.nan, F.where(F.gt(one, none), 1.0, 0.0))
        return F.where(inner, F.div(one, total), edge)

    @property
    def variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        total = F.add(a, b)
        return F.div(F.mul(a, b), F.mul(F.square(total), F.add(total, 1.0)))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._shape(sample_shape)
        one = standard_gamma(self.concentration1, shape)
        none = standard_gamma(self.concentration0, shape)
        return F.div(one, F.add(one, none))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, a, b = self._checked(value), self.concentration1, self.concentration0

        def power(base: Tensor, exponent: Tensor) -> Tensor:
            plain = F.mul(exponent, F.log(base))
            return F.where(F.logical_and(F.eq(exponent, 0.0), F.eq(base, 0.0)), 0.0, plain)

        kept = F.add(power(x, F.sub(a, 1.0)), power(F.sub(1.0, x), F.sub(b, 1.0)))
        return F.sub(kept, log_beta(a, b))

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        total = F.add(a, b)
        parts = F.add(
            F.mul(F.sub(a, 1.0), digamma(a)),
            F.mul(F.sub(b, 1.0), digamma(b)),
        )
        return F.add(F.sub(log_beta(a, b), parts), F.mul(F.sub(total, 2.0), digamma(total)))


class StudentT(Distribution):
    """Student's t distribution.

    Args:
        df: the degrees of freedom.
        loc: the medians.
        scale: the scales.
        validate_args: see `Distribution`.

    Source: `torch.distributions.StudentT`.

    Example:
        >>> StudentT(3.0).variance.item()
        3.0
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    has_rsample = True
    _given = ("df", "loc", "scale")

    def __init__(
        self,
        df: TensorLike,
        loc: TensorLike = 0.0,
        scale: TensorLike = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = floats("StudentT", df=df, loc=loc, scale=scale)
        super().__init__(self.df.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return F.where(F.gt(self.df, 1.0), self.loc, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        above = F.gt(self.df, 2.0)
        ratio = F.div(self.df, F.where(above, F.sub(self.df, 2.0), 1.0))
        found = F.where(above, F.mul(F.square(self.scale), ratio), math.inf)
        return F.where(F.gt(self.df, 1.0), found, math.nan)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._shape(sample_shape)
        z = F.div(F.mul(standard_gamma(F.mul(self.df, 0.5), shape), 2.0), self.df)
        return F.add(self.loc, F.mul(self.scale, F.mul(F.normal(shape=shape), F.rsqrt(z))))

    def _norm(self) -> Tensor:
        root = F.mul(F.log(F.mul(self.df, math.pi)), 0.5)
        half = F.mul(self.df, 0.5)
        gammas = F.sub(lgamma(half), lgamma(F.add(half, 0.5)))
        return F.add(F.add(F.log(self.scale), root), gammas)

    def log_prob(self, value: TensorLike) -> Tensor:
        z = F.div(F.sub(self._checked(value), self.loc), self.scale)
        kept = F.log1p(F.div(F.square(z), self.df))
        return F.sub(F.mul(F.mul(F.add(self.df, 1.0), -0.5), kept), self._norm())

    def entropy(self) -> Tensor:
        half = F.mul(self.df, 0.5)
        more = F.add(half, 0.5)
        rest = F.mul(more, F.sub(digamma(more), digamma(half)))
        halves = lgamma(F.broadcast_to(_core.full((), "float32", 0.5), shape=half.shape))
        logs = F.sub(F.add(lgamma(half), halves), lgamma(more))
        root = F.mul(F.log(self.df), 0.5)
        return F.add(F.add(F.log(self.scale), rest), F.add(root, logs))
