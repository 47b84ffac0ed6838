"""Distributions of real numbers whose samples are a formula of simple random numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from .. import _core
from .._base import elementary
from .._base import functional as F
from . import constraints
from .distribution import EPSILON, LOG_ROOT_2PI, TINY, Distribution, floats, uniform

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike
    from .distribution import Shape

EULER = 0.5772156649015329


class _LocationScale(Distribution):
    """loc + scale times a fixed distribution."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    has_rsample = True
    _given = ("loc", "scale")

    def __init__(
        self, loc: TensorLike, scale: TensorLike, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = floats(type(self).__name__, loc=loc, scale=scale)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    def _standard(self, value: TensorLike) -> Tensor:
        return F.div(F.sub(self._checked(value), self.loc), self.scale)

    def _moved(self, standard: Tensor) -> Tensor:
        return F.add(self.loc, F.mul(self.scale, standard))


class Normal(_LocationScale):
    """The normal distribution.

    Args:
        loc: the means.
        scale: the standard deviations.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Normal`.

    Example:
        >>> round(Normal(0.0, 1.0).log_prob(0.0).item(), 4)
        -0.9189
    """

    @property
    def variance(self) -> Tensor:
        return F.square(self.scale)

    @property
    def stddev(self) -> Tensor:
        return self.scale

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._moved(F.normal(shape=self._shape(sample_shape)))

    def log_prob(self, value: TensorLike) -> Tensor:
        squares = F.scale_shift(F.square(self._standard(value)), factor=-0.5, shift=-LOG_ROOT_2PI)
        return F.sub(squares, F.log(self.scale))

    def entropy(self) -> Tensor:
        return F.add(F.log(self.scale), 0.5 + LOG_ROOT_2PI)

    def cdf(self, value: TensorLike) -> Tensor:
        return elementary.normal_distribution(self._standard(value))

    def icdf(self, value: TensorLike) -> Tensor:
        return self._moved(F.special(value, function="ndtri"))


class Laplace(_LocationScale):
    """The Laplace distribution, of the density `exp(-|x - loc| / scale) / (2 scale)`.

    Args:
        loc: the means.
        scale: the mean distances from them.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Laplace`.

    Example:
        >>> Laplace(0.0, 0.5).log_prob(1.0).item()
        -2.0
    """

    @property
    def variance(self) -> Tensor:
        return F.mul(F.square(self.scale), 2.0)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._shape(sample_shape)
        sign = F.sign(F.sub(F.uniform(shape=shape), 0.5))
        return self._moved(F.mul(sign, F.neg(F.log(uniform(shape)))))

    def log_prob(self, value: TensorLike) -> Tensor:
        return F.sub(F.neg(F.abs(self._standard(value))), F.log(F.mul(self.scale, 2.0)))

    def entropy(self) -> Tensor:
        return F.add(F.log(F.mul(self.scale, 2.0)), 1.0)

    def cdf(self, value: TensorLike) -> Tensor:
        z = self._standard(value)
        return F.sub(0.5, F.mul(F.mul(F.sign(z), F.expm1(F.neg(F.abs(z)))), 0.5))

    def icdf(self, value: TensorLike) -> Tensor:
        off = F.sub(value, 0.5)
        size = F.log1p(F.mul(F.abs(off), -2.0))
        return self._moved(F.neg(F.mul(F.sign(off), size)))


class Cauchy(_LocationScale):
    """The Cauchy distribution. It has no mean and no variance: they are NaN and infinity.

    Args:
        loc: the medians.
        scale: half the widths at half the height.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Cauchy`.

    Example:
        >>> round(Cauchy(0.0, 1.0).cdf(1.0).item(), 4)
        0.75
    """

    @property
    def mean(self) -> Tensor:
        return _core.full(self.batch_shape, "float32", math.nan)

    @property
    def variance(self) -> Tensor:
        return _core.full(self.batch_shape, "float32", math.inf)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        angle = F.mul(F.sub(uniform(self._shape(sample_shape)), 0.5), math.pi)
        return self._moved(F.special(angle, function="tan"))

    def log_prob(self, value: TensorLike) -> Tensor:
        squares = F.log1p(F.square(self._standard(value)))
        return F.sub(F.sub(-math.log(math.pi), F.log(self.scale)), squares)

    def entropy(self) -> Tensor:
        return F.add(F.log(self.scale), math.log(4 * math.pi))

    def cdf(self, value: TensorLike) -> Tensor:
        angle = F.special(self._standard(value), function="atan")
        return F.scale_shift(angle, factor=1 / math.pi, shift=0.5)

    def icdf(self, value: TensorLike) -> Tensor:
        angle = F.mul(F.sub(value, 0.5), math.pi)
        return self._moved(F.special(angle, function="tan"))


class Gumbel(_LocationScale):
    """The Gumbel distribution, that of the largest of many values.

    Args:
        loc: the modes.
        scale: the scales.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Gumbel`.

    Example:
        >>> Gumbel(0.0, 1.0).log_prob(0.0).item()
        -1.0
    """

    @property
    def mean(self) -> Tensor:
        return F.add(self.loc, F.mul(self.scale, EULER))

    @property
    def variance(self) -> Tensor:
        return F.mul(F.square(self.scale), math.pi**2 / 6)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        u = F.clip(F.uniform(shape=self._shape(sample_shape)), lo=TINY, hi=1 - EPSILON / 2)
        return self._moved(F.neg(F.log(F.neg(F.log(u)))))

    def log_prob(self, value: TensorLike) -> Tensor:
        y = F.neg(self._standard(value))
        return F.sub(F.sub(y, F.exp(y)), F.log(self.scale))

    def entropy(self) -> Tensor:
        return F.add(F.log(self.scale), 1 + EULER)

    def cdf(self, value: TensorLike) -> Tensor:
        return F.exp(F.neg(F.exp(F.neg(self._standard(value)))))

    def icdf(self, value: TensorLike) -> Tensor:
        return self._moved(F.neg(F.log(F.neg(F.log(value)))))


class HalfNormal(Distribution):
    """The distribution of |x| where x is normal with the mean 0.

    Args:
        scale: the standard deviations of x.
        validate_args: see `Distribution`.

    Source: `torch.distributions.HalfNormal`.

    Example:
        >>> round(HalfNormal(1.0).mean.item(), 4)
        0.7979
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {"scale": constraints.positive}
    has_rsample = True
    _given = ("scale",)

    def __init__(self, scale: TensorLike, validate_args: bool | None = None) -> None:
        (self.scale,) = floats("HalfNormal", scale=scale)
        super().__init__(self.scale.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return F.mul(self.scale, math.sqrt(2 / math.pi))

    @property
    def mode(self) -> Tensor:
        return F.mul(self.scale, 0.0)

    @property
    def variance(self) -> Tensor:
        return F.mul(F.square(self.scale), 1 - 2 / math.pi)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return F.mul(F.abs(F.normal(shape=self._shape(sample_shape))), self.scale)

    def log_prob(self, value: TensorLike) -> Tensor:
        x = self._checked(value)
        squares = F.square(F.div(x, self.scale))
        found = F.sub(
            F.scale_shift(squares, factor=-0.5, shift=math.log(2) - LOG_ROOT_2PI), F.log(self.scale)
        )
        return F.where(F.ge(x, 0), found, -math.inf)

    def entropy(self) -> Tensor:
        return F.add(F.log(self.scale), 0.5 + LOG_ROOT_2PI - math.log(2))

    def cdf(self, value: TensorLike) -> Tensor:
        return F.erf(F.mul(F.div(self._checked(value), self.scale), math.sqrt(0.5)))

    def icdf(self, value: TensorLike) -> Tensor:
        half = F.scale_shift(_core.as_tensor(value), factor=0.5, shift=0.5)
        return F.mul(F.special(half, function="ndtri"), self.scale)


class Uniform(Distribution):
    """Numbers between two bounds, all with the same density.

    Args:
        low: the lower bounds, which occur.
        high: the upper bounds, which do not.
        validate_args: see `Distribution`.

    Raises:
        ValueError: a lower bound is not below the upper one.

    Source: `torch.distributions.Uniform`.

    Example:
        >>> Uniform(1.0, 3.0).mean.item(), round(Uniform(0.0, 0.5).log_prob(0.2).item(), 4)
        (2.0, 0.6931)
    """

    has_rsample = True
    _given = ("low", "high")

    def __init__(
        self, low: TensorLike, high: TensorLike, validate_args: bool | None = None
    ) -> None:
        self.low, self.high = floats("Uniform", low=low, high=high)
        super().__init__(self.low.shape, (), validate_args)
        if self._validate_args and not bool(F.all(F.lt(self.low, self.high))):
            raise ValueError(
                f"Uniform: low: expected values below high, got {self.low.tolist()} and "
                f"{self.high.tolist()}"
            )

    @property
    def support(self) -> constraints.Constraint:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return F.mul(F.add(self.low, self.high), 0.5)

    @property
    def mode(self) -> Tensor:
        return _core.full(self.batch_shape, "float32", math.nan)

    @property
    def variance(self) -> Tensor:
        return F.mul(F.square(F.sub(self.high, self.low)), 1 / 12)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        u = F.uniform(shape=self._shape(sample_shape))
        return F.add(self.low, F.mul(u, F.sub(self.high, self.low)))

    def log_prob(self, value: TensorLike) -> Tensor:
        x = self._checked(value)
        inside = F.logical_and(F.ge(x, self.low), F.lt(x, self.high))
        return F.where(inside, F.neg(F.log(F.sub(self.high, self.low))), -math.inf)

    def entropy(self) -> Tensor:
        return F.log(F.sub(self.high, self.low))

    def cdf(self, value: TensorLike) -> Tensor:
        part = F.div(F.sub(self._checked(value), self.low), F.sub(self.high, self.low))
        return F.clip(part, lo=0.0, hi=1.0)

    def icdf(self, value: TensorLike) -> Tensor:
        return F.add(self.low, F.mul(value, F.sub(self.high, self.low)))


class Exponential(Distribution):
    """The exponential distribution: times between events that occur at a rate.

    Args:
        rate: the rates.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Exponential`.

    Example:
        >>> Exponential(1.0).log_prob(2.0).item()
        -2.0
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {"rate": constraints.positive}
    has_rsample = True
    _given = ("rate",)

    def __init__(self, rate: TensorLike, validate_args: bool | None = None) -> None:
        (self.rate,) = floats("Exponential", rate=rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return F.reciprocal(self.rate)

    @property
    def mode(self) -> Tensor:
        return F.mul(self.rate, 0.0)

    @property
    def stddev(self) -> Tensor:
        return F.reciprocal(self.rate)

    @property
    def variance(self) -> Tensor:
        return F.reciprocal(F.square(self.rate))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return F.div(F.neg(F.log(uniform(self._shape(sample_shape)))), self.rate)

    def log_prob(self, value: TensorLike) -> Tensor:
        return F.sub(F.log(self.rate), F.mul(self.rate, self._checked(value)))

    def entropy(self) -> Tensor:
        return F.sub(1.0, F.log(self.rate))

    def cdf(self, value: TensorLike) -> Tensor:
        return F.neg(F.expm1(F.neg(F.mul(self.rate, self._checked(value)))))

    def icdf(self, value: TensorLike) -> Tensor:
        return F.div(F.neg(F.log1p(F.neg(value))), self.rate)
