"""Distributions of integers and of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .. import _core
from .._base import elementary
from .._base import functional as F
from .._base.checks import prefixed
from .._base.random import numpy_generator
from .._base.watch import refuse
from . import constraints
from .distribution import LOWEST, Distribution, clamped, floats, one_of, uniform
from .gammas import lgamma

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike
    from .distribution import Shape


class _Binary(Distribution):
    """Of the probability of a success, or its logit."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    _probs: Tensor | None
    _logits: Tensor | None

    def _take(self, probs: TensorLike | None, logits: TensorLike | None) -> Tensor:
        """Notes the one that is given, and returns it."""
        who = type(self).__name__
        name = one_of(who, probs=probs, logits=logits)
        (value,) = floats(who, **{name: probs if logits is None else logits})
        self._probs, self._logits = (value, None) if logits is None else (None, value)
        self._given = (name,)
        return value

    @property
    def probs(self) -> Tensor:
        """The probabilities of a success."""
        if self._probs is None:
            assert self._logits is not None
            return F.sigmoid(self._logits)
        return self._probs

    @property
    def logits(self) -> Tensor:
        """`log(p / (1 - p))`."""
        if self._logits is None:
            assert self._probs is not None
            p = clamped(self._probs)
            return F.sub(F.log(p), F.log1p(F.neg(p)))
        return self._logits


class Bernoulli(_Binary):
    """1 with a probability, else 0.

    Args:
        probs: the probabilities of 1; or
        logits: their logits, `log(p / (1 - p))`.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of probs and logits is given.

    Source: `torch.distributions.Bernoulli`.

    Example:
        >>> round(Bernoulli(0.25).log_prob(1.0).item(), 4), Bernoulli(0.25).mean.item()
        (-1.3863, 0.25)
    """

    has_enumerate_support = True

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(self._take(probs, logits).shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.boolean

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        p = self.probs
        return F.where(F.eq(p, 0.5), np.nan, F.cast(F.gt(p, 0.5), dtype="float32"))

    @property
    def variance(self) -> Tensor:
        return F.mul(self.probs, F.sub(1.0, self.probs))

    def _draw(self, sample_shape: Shape) -> Tensor:
        return F.bernoulli(F.broadcast_to(self.probs, shape=self._shape(sample_shape)))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, logits = floats("Bernoulli.log_prob", value=self._checked(value), logits=self.logits)
        return F.neg(F.sigmoid_cross_entropy(logits, x))

    def entropy(self) -> Tensor:
        logits = self.logits
        return F.sigmoid_cross_entropy(logits, F.sigmoid(logits))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = _core.tensor(
            np.arange(2, dtype="float32").reshape(-1, *[1] * len(self.batch_shape))
        )
        return F.broadcast_to(values, shape=(2, *self.batch_shape)) if expand else values


class Geometric(_Binary):
    """How many trials fail before the first success: 0, 1, 2 and so on.

    Args:
        probs: the probabilities of a success, above 0; or
        logits: their logits.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of probs and logits is given, or a probability is 0.

    Source: `torch.distributions.Geometric`.

    Example:
        >>> Geometric(0.25).mean.item()
        3.0
    """

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(self._take(probs, logits).shape, (), validate_args)
        if self._validate_args and not bool(F.all(F.gt(self.probs, 0.0))):
            raise ValueError("Geometric: probs: expected probabilities above 0")

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        return F.sub(F.reciprocal(self.probs), 1.0)

    @property
    def mode(self) -> Tensor:
        return F.mul(self.probs, 0.0)

    @property
    def variance(self) -> Tensor:
        return F.div(F.sub(F.reciprocal(self.probs), 1.0), self.probs)

    def _draw(self, sample_shape: Shape) -> Tensor:
        u = uniform(self._shape(sample_shape))
        # With the probability 1 there is no failure: its logarithm is minus infinity.
        return F.floor(F.div(F.log(u), F.log1p(F.neg(self.probs))))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, p = floats("Geometric.log_prob", value=self._checked(value), probs=self.probs)
        return F.add(elementary.times_log(x, F.neg(p), 1.0), F.log(p))

    def entropy(self) -> Tensor:
        logits = self.logits
        return F.div(F.sigmoid_cross_entropy(logits, F.sigmoid(logits)), self.probs)


class Binomial(_Binary):
    """How many of some trials succeed.

    Args:
        total_count: how many trials.
        probs: the probabilities of a success; or
        logits: their logits.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of probs and logits is given.

    Source: `torch.distributions.Binomial`. NumPy draws: a step of a trainer that samples runs
    eagerly.

    Example:
        >>> Binomial(10, 0.25).mean.item()
        2.5
    """

    has_enumerate_support = True
    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "total_count": constraints.nonnegative_integer,
        **_Binary.arg_constraints,
    }

    def __init__(
        self,
        total_count: TensorLike = 1,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {self._name(probs, logits): self._take(probs, logits)}
        self.total_count, value = floats("Binomial", total_count=total_count, **given)
        self._probs, self._logits = (value, None) if logits is None else (None, value)
        self._given = ("total_count", *self._given)
        super().__init__(value.shape, (), validate_args)

    @staticmethod
    def _name(probs: object, logits: object) -> str:
        return one_of("Binomial", probs=probs, logits=logits)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return F.mul(self.total_count, self.probs)

    @property
    def mode(self) -> Tensor:
        found = F.floor(F.mul(F.add(self.total_count, 1.0), self.probs))
        return F.minimum(found, self.total_count)

    @property
    def variance(self) -> Tensor:
        return F.mul(self.mean, F.sub(1.0, self.probs))

    def _draw(self, sample_shape: Shape) -> Tensor:
        refuse("NumPy draws from the binomial distribution")
        n, p = (np.asarray(t.detach()) for t in (self.total_count, self.probs))
        values = numpy_generator(None).binomial(n.astype(int), p, self._shape(sample_shape))
        return _core.tensor(np.asarray(values, "float32"))

    def log_prob(self, value: TensorLike) -> Tensor:
        x = self._checked(value)
        x, n, logits = floats("log_prob", value=x, n=self.total_count, logits=self.logits)
        ways = F.sub(lgamma(F.add(n, 1.0)), F.add(lgamma(F.add(x, 1.0)), lgamma(F.sub(n + 1.0, x))))
        # x logits - n log(1 + exp(logits))
        return F.add(ways, F.sub(F.mul(x, logits), F.mul(n, F.softplus(logits))))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        most = self.total_count.max().item() if self.total_count.numel() else 0
        if not bool(F.all(F.eq(self.total_count, most))):
            raise NotImplementedError("Binomial: values of batches with other numbers of trials")
        values = np.arange(most + 1, dtype="float32").reshape(-1, *[1] * len(self.batch_shape))
        shape = (values.shape[0], *self.batch_shape)
        return F.broadcast_to(values, shape=shape) if expand else _core.tensor(values)

    def entropy(self) -> Tensor:
        logs = self.log_prob(self.enumerate_support())
        return F.neg(F.sum(F.mul(F.exp(logs), logs), axes=0))


class Poisson(Distribution):
    """Counts of events that occur at a rate.

    Args:
        rate: the mean counts.
        validate_args: see `Distribution`.

    Source: `torch.distributions.Poisson`. NumPy draws: a step of a trainer that samples runs
    eagerly.

    Example:
        >>> Poisson(1.0).log_prob(0.0).item()
        -1.0
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {"rate": constraints.nonnegative}
    _given = ("rate",)

    def __init__(self, rate: TensorLike, validate_args: bool | None = None) -> None:
        (self.rate,) = floats("Poisson", rate=rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return F.floor(self.rate)

    @property
    def variance(self) -> Tensor:
        return self.rate

    def _draw(self, sample_shape: Shape) -> Tensor:
        refuse("NumPy draws from the Poisson distribution")
        shape = self._shape(sample_shape)
        try:
            values = numpy_generator(None).poisson(np.asarray(self.rate.detach()), shape)
        except ValueError as error:  # NumPy draws no counts beyond int64
            raise prefixed("Poisson: rate", error) from None
        return _core.tensor(np.asarray(values, "float32"))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, rate = floats("Poisson.log_prob", value=self._checked(value), rate=self.rate)
        return F.sub(F.sub(elementary.times_log(x, rate), rate), lgamma(F.add(x, 1.0)))


class _Classes(Distribution):
    """Of the probabilities of classes along the last axis, or their logits."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True
    _probs: Tensor | None
    _logits: Tensor | None

    def _take(self, probs: TensorLike | None, logits: TensorLike | None) -> tuple[int, ...]:
        """Notes the one that is given, normalized, and returns its shape."""
        who = type(self).__name__
        name = one_of(who, probs=probs, logits=logits)
        (value,) = floats(who, **{name: probs if logits is None else logits})
        if not value.ndim:
            raise ValueError(f"{who}: {name}: expected one axis or more, got a number")
        self._probs = self._logits = None
        if logits is None:
            self._probs = F.div(value, F.sum(value, axes=-1, keepdims=True))
        else:
            self._logits = F.log_softmax(value)
        self._given = (name,)
        return value.shape

    @property
    def probs(self) -> Tensor:
        """The probabilities, whose sum is 1."""
        if self._probs is None:
            assert self._logits is not None
            return F.softmax(self._logits)
        return self._probs

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        if self._logits is None:
            assert self._probs is not None
            return F.log(clamped(self._probs))
        return self._logits

    @property
    def param_shape(self) -> tuple[int, ...]:
        """The shape of the probabilities."""
        return (self._probs if self._logits is None else self._logits).shape  # type: ignore[union-attr]

    @property
    def _num_events(self) -> int:
        return self.param_shape[-1]

    def _places(self, shape: tuple[int, ...]) -> Tensor:
        """Classes drawn: the largest of the logits with noise (Gumbel 1954)."""
        noise = F.neg(F.log(F.neg(F.log(F.clip(F.uniform(shape=shape), lo=1e-38, hi=1 - 6e-8)))))
        probs = self.probs
        chance = F.log(F.where(F.gt(probs, 0), probs, 1.0))
        return F.argmax(F.where(F.gt(probs, 0), F.add(chance, noise), -np.inf), axis=-1)

    def entropy(self) -> Tensor:
        logits = F.maximum(self.logits, LOWEST)
        return F.neg(F.sum(F.mul(logits, self.probs), axes=-1))


class Categorical(_Classes):
    """Classes 0, 1, 2 and so on, each with a probability.

    Args:
        probs: the probabilities, (..., classes), which are divided by their sum; or
        logits: their logarithms, up to a constant.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of probs and logits is given, or it has no axis.

    Source: `torch.distributions.Categorical`.

    Example:
        >>> policy = Categorical(probs=[1.0, 3.0])
        >>> round(policy.log_prob(1).exp().item(), 4), policy.sample((2,)).shape
        (0.75, (2,))
    """

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(self._take(probs, logits)[:-1], (), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return _core.full(self.batch_shape, "float32", np.nan)

    @property
    def variance(self) -> Tensor:
        return _core.full(self.batch_shape, "float32", np.nan)

    @property
    def mode(self) -> Tensor:
        return F.argmax(self.probs, axis=-1)

    def _draw(self, sample_shape: Shape) -> Tensor:
        return self._places((*self._shape(sample_shape), self._num_events))

    def log_prob(self, value: TensorLike) -> Tensor:
        x = F.cast(self._checked(value), dtype="int64")
        logits = self.logits
        shape = np.broadcast_shapes(x.shape, self.batch_shape)
        logits = F.broadcast_to(logits, shape=(*shape, self._num_events))
        places = F.reshape(F.broadcast_to(x, shape=shape), shape=(*shape, 1))
        return F.reshape(F.gather(logits, places, axis=len(shape)), shape=shape)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._num_events
        values = _core.tensor(np.arange(n).reshape(-1, *[1] * len(self.batch_shape)))
        return F.broadcast_to(values, shape=(n, *self.batch_shape)) if expand else values


class OneHotCategorical(_Classes):
    """Classes as vectors with a 1 at their place.

    Args:
        probs: the probabilities, (..., classes), which are divided by their sum; or
        logits: their logarithms, up to a constant.
        validate_args: see `Distribution`.

    Raises:
        ValueError: not exactly one of probs and logits is given, or it has no axis.

    Source: `torch.distributions.OneHotCategorical`.

    Example:
        >>> OneHotCategorical(probs=[0.0, 1.0]).sample().tolist()
        [0.0, 1.0]
    """

    def __init__(
        self,
        probs: TensorLike | None = None,
        logits: TensorLike | None = None,
        validate_args: bool | None = None,
    ) -> None:
        shape = self._take(probs, logits)
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.one_hot

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._vectors(F.argmax(self.probs, axis=-1))

    @property
    def variance(self) -> Tensor:
        return F.mul(self.probs, F.sub(1.0, self.probs))

    def _vectors(self, places: Tensor) -> Tensor:
        return F.one_hot(places, depth=self._num_events, dtype="float32")

    def _draw(self, sample_shape: Shape) -> Tensor:
        return self._vectors(self._places(self._shape(sample_shape)))

    def log_prob(self, value: TensorLike) -> Tensor:
        x, logits = floats("log_prob", value=self._checked(value), logits=self.logits)
        return F.sum(F.where(F.eq(x, 1.0), logits, 0.0), axes=-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._num_events
        values = _core.tensor(np.eye(n, dtype="float32"))
        values = F.reshape(values, shape=(n, *[1] * len(self.batch_shape), n))
        return F.broadcast_to(values, shape=(n, *self.batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` whose samples pass gradients to the probabilities as they are.

    Args:
        probs, logits, validate_args: as for `OneHotCategorical`.

    Source: `torch.distributions.OneHotCategoricalStraightThrough`; Bengio, Leonard, Courville 2013.

    Example:
        >>> p = fastdl.tensor([0.0, 1.0], requires_grad=True)
        >>> OneHotCategoricalStraightThrough(logits=p).rsample().shape
        (2,)
    """

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        probs = self.probs
        return F.add(self._draw(sample_shape).detach(), F.sub(probs, probs.detach()))
