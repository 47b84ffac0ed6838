"""Distributions that are made of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_integer, shown
from . import constraints
from .continuous import Normal
from .discrete import Categorical
from .distribution import Distribution, floats, sum_of_last
from .transforms import ComposeTransform, ExpTransform, Transform, transforms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from .._core import Tensor, TensorLike
    from .distribution import Shape


def _distribution(who: str, argument: str, value: Any) -> Any:
    if not isinstance(value, Distribution):
        raise TypeError(f"{who}: {argument}: expected a distribution, got {shown(value)}")
    return value


class Independent(Distribution):
    """A distribution whose last axes of the batch are axes of one value.

    Args:
        base_distribution: the distribution.
        reinterpreted_batch_ndims: how many axes.
        validate_args: see `Distribution`.

    Raises:
        ValueError: the batch has fewer axes.

    Source: `torch.distributions.Independent`.

    Example:
        >>> pixels = Independent(Normal(fastdl.zeros(3, 2), 1.0), 1)
        >>> pixels.batch_shape, pixels.event_shape, pixels.log_prob(fastdl.zeros(3, 2)).shape
        ((3,), (2,), (3,))
    """

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        self.base_dist = _distribution("Independent", "base_distribution", base_distribution)
        batch = self.base_dist.batch_shape
        count = check_integer(
            "Independent", "reinterpreted_batch_ndims", reinterpreted_batch_ndims, 0, len(batch)
        )
        self.reinterpreted_batch_ndims = count
        kept = len(batch) - count
        event = batch[kept:] + self.base_dist.event_shape
        super().__init__(batch[:kept], event, validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return bool(self.base_dist.has_rsample)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: TensorLike) -> Tensor:
        return sum_of_last(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_of_last(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def expand(self, batch_shape: Shape) -> Self:
        shape = (batch_shape,) if isinstance(batch_shape, int) else tuple(batch_shape)
        batch = self.base_dist.batch_shape
        inner = batch[len(batch) - self.reinterpreted_batch_ndims :]
        base = self.base_dist.expand(shape + inner)
        return type(self)(base, self.reinterpreted_batch_ndims, validate_args=False)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    """The distribution of a function of random values.

    Args:
        base_distribution: the distribution of the values.
        transforms: one transform, or several that are applied one after the other.
        validate_args: see `Distribution`.

    Source: `torch.distributions.TransformedDistribution`.

    Example:
        >>> positive = TransformedDistribution(Normal(0.0, 1.0), [ExpTransform()])
        >>> positive.rsample().item() > 0
        True
    """

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        who = type(self).__name__
        base = _distribution(who, "base_distribution", base_distribution)
        self.transforms = several = transforms_of(who, "transforms", transforms)
        self._all = ComposeTransform(several)
        rank = max(self._all.event_dim, len(base.event_shape))
        more = rank - len(base.event_shape)
        self.base_dist = Independent(base, more) if more else base
        shape: tuple[int, ...] = base.batch_shape + base.event_shape
        for transform in several:
            shape = transform.forward_shape(shape)
        if shape != base.batch_shape + base.event_shape:
            kept = len(shape) - len(base.event_shape)
            base = base.expand(shape[:kept])
            self.base_dist = Independent(base, more) if more else base
        super().__init__(shape[: len(shape) - rank], shape[len(shape) - rank :], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return bool(self.base_dist.has_rsample)

    @property
    def support(self) -> constraints.Constraint:
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        more = len(self._event_shape) - found.event_dim
        return constraints.independent(found, more) if more else found

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        from ..autograd.modes import no_grad

        with no_grad():
            return self._changed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._changed(self.base_dist.rsample(sample_shape))

    def _changed(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: TensorLike) -> Tensor:
        y = self._checked(value)
        rank = len(self._event_shape)
        total: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform._inv_call(y)
            change = transform.log_abs_det_jacobian(x, y)
            total = F.sub(total, sum_of_last(change, rank - transform.event_dim))
            y = x
        inner = self.base_dist.log_prob(y)
        return F.add(total, sum_of_last(inner, rank - len(self.base_dist.event_shape)))

    def _signed(self, x: Tensor, rising: bool = True) -> Tensor:
        """x where the transforms rise, 1 - x where they fall."""
        sign = np.asarray(self._all.sign)
        return F.where(_core.tensor(sign > 0), x, F.sub(1.0, x))

    def cdf(self, value: TensorLike) -> Tensor:
        y = self._checked(value)
        for transform in reversed(self.transforms):
            y = transform._inv_call(y)
        return self._signed(self.base_dist.cdf(y))

    def icdf(self, value: TensorLike) -> Tensor:
        return self._changed(self.base_dist.icdf(self._signed(_core.as_tensor(value))))

    def expand(self, batch_shape: Shape) -> Self:
        shape = (batch_shape,) if isinstance(batch_shape, int) else tuple(batch_shape)
        event = len(self._event_shape) - len(self.base_dist.event_shape)
        inner = self._event_shape[:event]
        made = TransformedDistribution(
            self.base_dist.expand(shape + inner), self.transforms, validate_args=False
        )
        made.__class__ = type(self)
        return made  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"


class LogNormal(TransformedDistribution):
    """The distribution of exp(x) where x is normal.

    Args:
        loc: the means of x.
        scale: the standard deviations of x.
        validate_args: see `Distribution`.

    Source: `torch.distributions.LogNormal`.

    Example:
        >>> round(LogNormal(0.0, 1.0).mean.item(), 4)
        1.6487
    """

    arg_constraints = Normal.arg_constraints
    _given = ("loc", "scale")

    def __init__(
        self, loc: TensorLike, scale: TensorLike, validate_args: bool | None = None
    ) -> None:
        loc, scale = floats("LogNormal", loc=loc, scale=scale)
        base = Normal(loc, scale, validate_args=False)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the logarithms."""
        return self.base_dist.mean

    @property
    def scale(self) -> Tensor:
        """The standard deviations of the logarithms."""
        return self.base_dist.stddev

    @property
    def mean(self) -> Tensor:
        return F.exp(F.add(self.loc, F.mul(F.square(self.scale), 0.5)))

    @property
    def mode(self) -> Tensor:
        return F.exp(F.sub(self.loc, F.square(self.scale)))

    @property
    def variance(self) -> Tensor:
        squares = F.square(self.scale)
        return F.mul(F.expm1(squares), F.exp(F.add(F.mul(self.loc, 2.0), squares)))

    def entropy(self) -> Tensor:
        return F.add(self.base_dist.entropy(), self.loc)


class MixtureSameFamily(Distribution):
    """Values of one of several distributions of a kind, which a categorical one chooses.

    Args:
        mixture_distribution: a `Categorical`, whose classes are the parts.
        component_distribution: a distribution whose last axis of the batch is the parts.
        validate_args: see `Distribution`.

    Raises:
        ValueError: the numbers of parts differ, or another kind of distribution chooses.

    Source: `torch.distributions.MixtureSameFamily`.

    Example:
        >>> two = MixtureSameFamily(Categorical([0.5, 0.5]), Normal([-1.0, 1.0], [1.0, 1.0]))
        >>> two.mean.item(), two.variance.item()
        (0.0, 2.0)
    """

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        who = "MixtureSameFamily"
        parts = _distribution(who, "component_distribution", component_distribution)
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                f"{who}: mixture_distribution: expected a Categorical, got "
                f"{shown(mixture_distribution)}"
            )
        count = mixture_distribution.param_shape[-1]
        if not parts.batch_shape or parts.batch_shape[-1] != count:
            raise ValueError(
                f"{who}: component_distribution: expected {count} parts along the last axis of the "
                f"batch, got {parts.batch_shape}"
            )
        self.mixture_distribution, self.component_distribution = mixture_distribution, parts
        super().__init__(parts.batch_shape[:-1], parts.event_shape, validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return self.component_distribution.support

    @property
    def _weights(self) -> Tensor:
        p = self.mixture_distribution.probs
        return F.reshape(p, shape=(*p.shape, *[1] * len(self._event_shape)))

    def _summed(self, x: Tensor) -> Tensor:
        return F.sum(F.mul(self._weights, x), axes=-1 - len(self._event_shape))

    @property
    def mean(self) -> Tensor:
        return self._summed(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        parts = self.component_distribution
        inner, means = self._summed(parts.variance), parts.mean
        axis = means.ndim - 1 - len(self._event_shape)
        shape = list(means.shape)
        shape[axis] = 1
        center = F.reshape(self.mean, shape=shape)
        return F.add(inner, self._summed(F.square(F.sub(means, center))))

    def _draw(self, sample_shape: Shape) -> Tensor:
        choice = self.mixture_distribution.sample(sample_shape)
        values = self.component_distribution.sample(sample_shape)
        rank = len(self._event_shape)
        axis = values.ndim - 1 - rank
        shape = (*values.shape[:axis], 1, *values.shape[axis + 1 :])
        places = F.reshape(choice, shape=(*values.shape[:axis], 1, *[1] * rank))
        drawn = F.gather(values, F.broadcast_to(places, shape=shape), axis=axis)
        return F.reshape(drawn, shape=self._shape(sample_shape))

    def _padded(self, value: TensorLike) -> Tensor:
        x = self._checked(value)
        at = x.ndim - len(self._event_shape)
        return F.reshape(x, shape=(*x.shape[:at], 1, *x.shape[at:]))

    def log_prob(self, value: TensorLike) -> Tensor:
        inner = self.component_distribution.log_prob(self._padded(value))
        logits = F.log_softmax(self.mixture_distribution.logits)
        return F.logsumexp(F.add(inner, logits), axes=-1)

    def cdf(self, value: TensorLike) -> Tensor:
        inner = self.component_distribution.cdf(self._padded(value))
        return F.sum(F.mul(inner, self.mixture_distribution.probs), axes=-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution!r}, {self.component_distribution!r})"
