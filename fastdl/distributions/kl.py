"""The divergence of Kullback and Leibler of two distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import linalg
from .._base import functional as F
from .combined import Independent, TransformedDistribution
from .continuous import Exponential, HalfNormal, Laplace, Normal, Uniform
from .discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import Distribution, sum_of_last
from .gammas import Beta, Dirichlet, Gamma, digamma, lgamma, log_beta
from .multivariate import MultivariateNormal, half_log_det, mahalanobis

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Tensor

Formula = TypeVar("Formula", bound="Callable[..., Tensor]")
_formulas: dict[tuple[type, type], Any] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """A decorator: the function gives the divergence for distributions of these classes.

    Raises:
        TypeError: a class is none of distributions.

    Source: `torch.distributions.register_kl`.

    Example:
        >>> class Mine(Normal):
        ...     pass
        >>> @register_kl(Mine, Mine)
        ... def same(p, q):
        ...     return fastdl.zeros(p.batch_shape)
        >>> kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0)).item()
        0.0
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"register_kl: {name}: expected a class of distributions, got {kind!r}")

    def register(formula: Formula) -> Formula:
        _formulas[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean of `log(p(x) / q(x))` over the values x of p.

    Raises:
        NotImplementedError: there is no formula for the two classes.

    Source: `torch.distributions.kl_divergence`.

    Example:
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0)).item()
        0.5
    """
    for one in type(p).__mro__:
        for other in type(q).__mro__:
            if (one, other) in _formulas:
                return _formulas[one, other](p, q)
    raise NotImplementedError(
        f"kl_divergence: no formula for {type(p).__name__} and {type(q).__name__}"
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = F.square(F.div(p.scale, q.scale))
    off = F.square(F.div(F.sub(p.loc, q.loc), q.scale))
    return F.mul(F.sub(F.add(ratio, off), F.add(F.log(ratio), 1.0)), 0.5)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    ratio = F.square(F.div(p.scale, q.scale))
    return F.mul(F.sub(ratio, F.add(F.log(ratio), 1.0)), 0.5)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, off = F.div(p.scale, q.scale), F.abs(F.sub(p.loc, q.loc))
    first = F.mul(ratio, F.exp(F.neg(F.div(off, p.scale))))
    return F.sub(F.add(F.add(F.neg(F.log(ratio)), first), F.div(off, q.scale)), 1.0)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = F.log(F.div(F.sub(q.high, q.low), F.sub(p.high, p.low)))
    outside = F.logical_or(F.gt(q.low, p.low), F.lt(q.high, p.high))
    return F.where(outside, np.inf, found)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = F.div(q.rate, p.rate)
    return F.sub(F.sub(ratio, F.log(ratio)), 1.0)


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    first = F.mul(b, F.log(F.div(p.rate, q.rate)))
    second = F.sub(lgamma(b), lgamma(a))
    third = F.mul(F.sub(a, b), digamma(a))
    fourth = F.mul(F.sub(q.rate, p.rate), F.div(a, p.rate))
    return F.add(F.add(first, second), F.add(third, fourth))


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    rest = F.sub(log_beta(c, d), log_beta(a, b))
    one = F.mul(F.sub(a, c), digamma(a))
    none = F.mul(F.sub(b, d), digamma(b))
    both = F.mul(F.add(F.sub(c, a), F.sub(d, b)), digamma(F.add(a, b)))
    return F.add(F.add(rest, one), F.add(none, both))


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = F.sum(a, axes=-1)
    first = F.sub(lgamma(total), lgamma(F.sum(b, axes=-1)))
    second = F.sum(F.sub(lgamma(a), lgamma(b)), axes=-1)
    means = F.sub(digamma(a), digamma(F.sum(a, axes=-1, keepdims=True)))
    third = F.sum(F.mul(F.sub(a, b), means), axes=-1)
    return F.add(F.sub(first, second), third)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    def part(one: Tensor, other: Tensor) -> Tensor:
        impossible = F.logical_and(F.eq(other, 0), F.gt(one, 0))
        safe = F.where(F.eq(one, 0), 1.0, F.div(one, F.where(F.eq(other, 0), 1.0, other)))
        return F.where(impossible, np.inf, F.mul(one, F.log(safe)))

    return F.add(part(p.probs, q.probs), part(F.sub(1.0, p.probs), F.sub(1.0, q.probs)))


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if not bool(F.all(F.eq(p.total_count, q.total_count))):
        raise NotImplementedError("kl_divergence: two Binomial with other numbers of trials")
    per_trial = F.mul(p.probs, F.sub(p.logits, q.logits))
    rest = F.sub(F.softplus(q.logits), F.softplus(p.logits))
    return F.mul(p.total_count, F.add(per_trial, rest))


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    cross = F.add(F.div(F.log1p(F.neg(q.probs)), p.probs), q.logits)
    return F.sub(F.neg(p.entropy()), cross)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    logs = F.sub(F.log(p.rate), F.log(q.rate))
    return F.sub(F.mul(p.rate, logs), F.sub(p.rate, q.rate))


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    one, other = p.probs, q.probs
    terms = F.mul(one, F.sub(p.logits, q.logits))
    terms = F.where(F.eq(other, 0), np.inf, terms)
    return F.sum(F.where(F.eq(one, 0), 0.0, terms), axes=-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p, q)  # type: ignore[arg-type]


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    one, other = p.scale_tril, q.scale_tril
    shape = np.broadcast_shapes(one.shape, other.shape)
    one, other = F.broadcast_to(one, shape=shape), F.broadcast_to(other, shape=shape)
    spread = F.sum(F.square(linalg.solve_triangular(other, one, upper=False)), axes=(-2, -1))
    off = mahalanobis(other, F.sub(q.loc, p.loc))
    logs = F.sub(half_log_det(other), half_log_det(one))
    size = float(p.event_shape[0])
    return F.add(logs, F.mul(F.sub(F.add(spread, off), size), 0.5))


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    count = p.reinterpreted_batch_ndims
    if count != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: two Independent with other numbers of axes")
    return sum_of_last(kl_divergence(p.base_dist, q.base_dist), count)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    kinds = [[(type(t), vars(t).keys()) for t in d.transforms] for d in (p, q)]
    same = p.transforms == q.transforms or (kinds[0] == kinds[1] and not _parameters(p, q))
    if not same or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: two distributions with other transforms")
    return kl_divergence(p.base_dist, q.base_dist)


def _parameters(*distributions: TransformedDistribution) -> bool:
    """Whether a transform has parameters: two objects of its class may differ."""
    return any(
        hasattr(t, name)
        for d in distributions
        for t in d.transforms
        for name in ("loc", "exponent", "parts", "_of")
    )
