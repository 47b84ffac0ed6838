"""Probability distributions, as in `torch.distributions`: to draw from, and to learn through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from . import _core, _functions
from ._base import creation
from ._base import functional as F
from ._base.checks import check_shape, shown
from .autograd.modes import no_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import Tensor, TensorLike

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence"]

_LOG_ROOT = 0.5 * math.log(2 * math.pi)


def _floats(value: TensorLike) -> Tensor:
    t = _core.as_tensor(value)
    return t if t.dtype.kind == "f" else F.cast(t, dtype="float32")


class Distribution:
    """Base of the distributions, one for each place of `batch_shape`.

    Args:
        batch_shape: the shape of the parameters.
        event_shape: the shape of one value: () for numbers.
        validate_args: whether parameters and values are checked; True unless given.

    Example:
        >>> d = fastdl.distributions.Normal([0.0, 1.0], 1.0)
        >>> d.batch_shape, d.sample((5,)).shape
        ((2,), (5, 2))
    """

    has_rsample: ClassVar[bool] = False

    def __init__(
        self,
        batch_shape: tuple[int, ...] = (),
        event_shape: tuple[int, ...] = (),
        validate_args: bool | None = None,
    ) -> None:
        self.batch_shape, self.event_shape = batch_shape, event_shape
        self._checks = validate_args is not False

    def _check(self, argument: str, fits: Tensor, wanted: str, value: Tensor) -> None:
        if self._checks and not bool(_functions.all(fits)):
            who = type(self).__name__
            raise ValueError(f"{who}: {argument}: expected {wanted}, got {shown(value)}")

    def _shape(self, sample_shape: Any) -> tuple[int, ...]:
        extra = check_shape(type(self).__name__, "sample_shape", sample_shape)
        return (*(size or 0 for size in extra), *self.batch_shape, *self.event_shape)

    def _lacks(self, what: str) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no {what}")

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        return self._lacks("mean")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        return self._lacks("variance")

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return _functions.sqrt(self.variance)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws values, without a gradient.

        Args:
            sample_shape: axes that come before those of the batch.
        """
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws values through which gradients reach the parameters."""
        return self._lacks("rsample: values do not depend smoothly on the parameters")

    def log_prob(self, value: TensorLike) -> Tensor:
        """The logarithm of the probability, or of the density, of values.

        Raises:
            ValueError: the distribution gives no such value, unless `validate_args` is False.
        """
        return self._lacks("log_prob")

    def entropy(self) -> Tensor:
        """The mean of `-log_prob`."""
        return self._lacks("entropy")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={self.batch_shape})"


class Normal(Distribution):
    """The normal distribution.

    Args:
        loc: its mean.
        scale: its standard deviation; broadcast with `loc`.
        validate_args: see `Distribution`.

    Raises:
        ValueError: a scale that is not above 0.

    Source: `torch.distributions.Normal`.

    Example:
        >>> round(fastdl.distributions.Normal(0.0, 1.0).log_prob(0.0).item(), 4)
        -0.9189
    """

    has_rsample = True

    def __init__(
        self, loc: TensorLike, scale: TensorLike, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale = _functions.broadcast_tensors(_floats(loc), _floats(scale))
        super().__init__(self.loc.shape, (), validate_args)
        self._check("scale", self.scale > 0, "numbers above 0", self.scale)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale * self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + creation.randn(self._shape(sample_shape)) * self.scale

    def log_prob(self, value: TensorLike) -> Tensor:
        distance = (_floats(value) - self.loc) / self.scale
        return -0.5 * distance * distance - _functions.log(self.scale) - _LOG_ROOT

    def cdf(self, value: TensorLike) -> Tensor:
        """The probability of a value that is not above this one."""
        distance = (_floats(value) - self.loc) / (self.scale * math.sqrt(2))
        return 0.5 * (1 + _functions.erf(distance))

    def icdf(self, value: TensorLike) -> Tensor:
        """The inverse of `cdf`."""
        return self.loc + self.scale * math.sqrt(2) * _functions.erfinv(2 * _floats(value) - 1)

    def entropy(self) -> Tensor:
        return 0.5 + _LOG_ROOT + _functions.log(self.scale)


class Uniform(Distribution):
    """All numbers from `low` up to `high` are equally likely.

    Args:
        low: the smallest number.
        high: the end; broadcast with `low`.
        validate_args: see `Distribution`.

    Raises:
        ValueError: `low` is not below `high`.

    Source: `torch.distributions.Uniform`.

    Example:
        >>> fastdl.distributions.Uniform(0.0, 4.0).mean.item()
        2.0
    """

    has_rsample = True

    def __init__(
        self, low: TensorLike, high: TensorLike, validate_args: bool | None = None
    ) -> None:
        self.low, self.high = _functions.broadcast_tensors(_floats(low), _floats(high))
        super().__init__(self.low.shape, (), validate_args)
        self._check("low", self.low < self.high, "numbers below `high`", self.low)

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.low + creation.rand(self._shape(sample_shape)) * (self.high - self.low)

    def log_prob(self, value: TensorLike) -> Tensor:
        v = _floats(value)
        self._check("value", (v >= self.low) & (v <= self.high), "numbers in its range", v)
        inside = (v >= self.low) & (v < self.high)
        density = -_functions.log(self.high - self.low)
        return _functions.where(inside, density, -math.inf)

    def entropy(self) -> Tensor:
        return _functions.log(self.high - self.low)


class _Weighed(Distribution):
    """Base of distributions with `probs` or `logits`; the other one is computed when asked for."""

    def _take(
        self, probs: TensorLike | None, logits: TensorLike | None, validate_args: bool | None
    ) -> Tensor:
        """The one that is given."""
        if (probs is None) == (logits is None):
            raise ValueError(f"{type(self).__name__}: expected either probs or logits")
        self._checks = validate_args is not False
        given = _floats(logits if probs is None else probs)  # type: ignore[arg-type]
        if probs is not None:
            self._check("probs", given >= 0, "numbers of 0 or more", given)
        return given


class Categorical(_Weighed):
    """Draws class numbers.

    Args:
        probs: (..., classes), in proportion to the probabilities.
        logits: their logarithms instead, up to a constant.
        validate_args: see `Distribution`.

    Raises:
        ValueError: both or none of them, a negative probability, or no axis.

    Source: `torch.distributions.Categorical`.

    Example:
        >>> d = fastdl.distributions.Categorical(probs=[1.0, 3.0])
        >>> round(d.log_prob(1).exp().item(), 4)
        0.75
        >>> d.sample().shape
        ()
    """

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = self._take(probs, logits, validate_args)
        if not given.ndim:
            raise ValueError("Categorical: expected at least one axis, that of the classes")
        super().__init__(given.shape[:-1], (), validate_args)
        self._count = given.shape[-1]
        if probs is None:
            self.logits = _functions.log_softmax(given, -1)
            self.probs = _functions.softmax(given, -1)
        else:
            self.probs = given / _functions.sum(given, -1, keepdim=True)
            # A class that is never drawn keeps a finite logarithm, and so a gradient.
            least = float.fromhex("0x1p-23")
            self.logits = _functions.log(_functions.clamp(self.probs, least, 1 - least))

    @property
    def param_shape(self) -> tuple[int, ...]:
        """The shape of `probs`."""
        return self.probs.shape

    @property
    def mode(self) -> Tensor:
        """The most likely class."""
        return _functions.argmax(self.probs, -1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._shape(sample_shape)
        count = math.prod(shape) // max(math.prod(self.batch_shape), 1)
        rows = _functions.reshape(self.probs, (-1, self._count))
        if not count or not rows.shape[0]:
            return creation.empty(*shape, dtype="int64")
        drawn = _functions.multinomial(rows, count, True)
        return _functions.reshape(drawn.T, shape)

    def log_prob(self, value: TensorLike) -> Tensor:
        v = _core.as_tensor(value)
        whole = v if v.dtype.kind in "iu" else F.cast(v, dtype="int64")
        fits = (v == whole) & (whole >= 0) & (whole < self._count)
        self._check("value", fits, f"class numbers below {self._count}", v)
        shape = _functions.broadcast_shapes(whole.shape, self.batch_shape)
        logits = _functions.broadcast_to(self.logits, (*shape, self._count))
        places = F.cast(_functions.broadcast_to(whole, shape), dtype="int64")
        found = _functions.gather(logits, -1, _functions.unsqueeze(places, -1))
        return _functions.squeeze(found, -1)

    def entropy(self) -> Tensor:
        least = _functions.clamp(self.logits, -3.4028234663852886e38)  # 0 times it is 0
        return -_functions.sum(least * self.probs, -1)


class Bernoulli(_Weighed):
    """1 with a probability, else 0.

    Args:
        probs: the probabilities of 1.
        logits: `log(probs / (1 - probs))` instead.
        validate_args: see `Distribution`.

    Raises:
        ValueError: both or none of them, or a probability that is not in [0, 1].

    Source: `torch.distributions.Bernoulli`.

    Example:
        >>> fastdl.distributions.Bernoulli(0.25).variance.item()
        0.1875
    """

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = self._take(probs, logits, validate_args)
        super().__init__(given.shape, (), validate_args)
        if probs is None:
            self.logits, self.probs = given, _functions.sigmoid(given)
        else:
            self._check("probs", given <= 1, "numbers in [0, 1]", given)
            least = float.fromhex("0x1p-23")
            self.probs = given
            self.logits = _functions.logit(_functions.clamp(given, least, 1 - least))

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._shape(sample_shape)
        return creation.bernoulli(_functions.broadcast_to(self.probs.detach(), shape))

    def log_prob(self, value: TensorLike) -> Tensor:
        v = _floats(value)
        self._check("value", (v == 0) | (v == 1), "0 or 1", v)
        return v * self.logits - _functions.softplus(self.logits)

    def entropy(self) -> Tensor:
        return _functions.softplus(self.logits) - self.probs * self.logits


def _between_normals(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    distance = ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + distance - 1 - _functions.log(ratio))


def _between_categories(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = _functions.where((q.probs == 0) & (p.probs != 0), math.inf, terms)
    return _functions.sum(_functions.where(p.probs == 0, 0.0, terms), -1)


def _between_bernoullis(p: Bernoulli, q: Bernoulli) -> Tensor:
    both = (
        _functions.stack([p.probs, 1 - p.probs], -1),
        _functions.stack([q.probs, 1 - q.probs], -1),
    )
    return _between_categories(*(Categorical(probs, validate_args=False) for probs in both))


def _between_uniforms(p: Uniform, q: Uniform) -> Tensor:
    found = _functions.log((q.high - q.low) / (p.high - p.low))
    return _functions.where((q.low > p.low) | (q.high < p.high), math.inf, found)


_DIVERGENCES: dict[type, Callable[[Any, Any], Tensor]] = {
    Normal: _between_normals,
    Categorical: _between_categories,
    Bernoulli: _between_bernoullis,
    Uniform: _between_uniforms,
}


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence of two distributions of one kind, for each of the batch.

    Raises:
        NotImplementedError: the distributions are of different kinds.

    Source: `torch.distributions.kl_divergence`.

    Example:
        >>> d = fastdl.distributions
        >>> d.kl_divergence(d.Normal(1.0, 1.0), d.Normal(0.0, 1.0)).item()
        0.5
    """
    for kind, divergence in _DIVERGENCES.items():
        if isinstance(p, kind) and isinstance(q, kind):
            return divergence(p, q)
    raise NotImplementedError(
        f"kl_divergence: expected two distributions of one kind, got {type(p).__name__} and "
        f"{type(q).__name__}"
    )
