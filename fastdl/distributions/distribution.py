"""Distribution: what all distributions have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, shown
from .._core import Tensor
from ..autograd.modes import no_grad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from .._core import TensorLike
    from .constraints import Constraint

    Shape = int | Sequence[int]

EPSILON = float(np.finfo(np.float32).eps)
TINY = float(np.finfo(np.float32).tiny)
LOWEST = float(np.finfo(np.float32).min)


class Distribution:
    """A distribution, or a batch of them: one for each index of `batch_shape`.

    Args:
        batch_shape: the shape of the batch.
        event_shape: the shape of one value.
        validate_args: whether parameters and values are checked, which reads them: a recorded step
            that does so runs eagerly. None for what `set_default_validate_args` says, at first yes.

    Raises:
        ValueError: a parameter lies outside of its set.

    Attributes:
        arg_constraints: the set of each parameter.
        has_rsample: whether gradients flow from samples to parameters.
        has_enumerate_support: whether there are finitely many values.

    Source: `torch.distributions.Distribution`.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    has_rsample = False
    has_enumerate_support = False
    _validate_args = True
    _given: tuple[str, ...] = ()  # the arguments that the object was made of

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked without `validate_args`."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected a bool, got {shown(value)}")
        Distribution._validate_args = bool(value)

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = tuple(batch_shape), tuple(event_shape)
        if validate_args is not None:
            who = type(self).__name__
            self._validate_args = check_flag(who, "validate_args", validate_args)
        if not self._validate_args:
            return
        for name in self._given:
            constraint, value = self.arg_constraints.get(name), getattr(self, name)
            if constraint is not None and not bool(F.all(constraint.check(value))):
                raise ValueError(
                    f"{type(self).__name__}: {name}: expected values of {constraint!r}, got "
                    f"{shown(value)}"
                )

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """The set of the values that occur."""
        raise NotImplementedError(f"{type(self).__name__} has no support")

    @property
    def mean(self) -> Tensor:
        """The means."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def mode(self) -> Tensor:
        """The most likely values."""
        raise NotImplementedError(f"{type(self).__name__} has no mode")

    @property
    def variance(self) -> Tensor:
        """The variances."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviations."""
        return F.root(self.variance)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Values of the shape `sample_shape + batch_shape + event_shape`, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape) if self.has_rsample else self._draw(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`."""
        return self.sample((n,))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Values through which gradients flow to the parameters.

        Raises:
            NotImplementedError: there are none for this distribution (`has_rsample` is False).
        """
        raise NotImplementedError(f"{type(self).__name__} has no rsample")

    def _draw(self, sample_shape: Shape) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def log_prob(self, value: TensorLike) -> Tensor:
        """The logarithm of the density or probability of values."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def cdf(self, value: TensorLike) -> Tensor:
        """The probability of values up to these."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf")

    def icdf(self, value: TensorLike) -> Tensor:
        """The values up to which the probability is `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no icdf")

    def entropy(self) -> Tensor:
        """The entropies, in units of e."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def perplexity(self) -> Tensor:
        """`exp(entropy())`."""
        return F.exp(self.entropy())

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a new first axis; for the whole batch, or with `expand=False` once."""
        raise NotImplementedError(f"{type(self).__name__} has no enumerate_support")

    def expand(self, batch_shape: Shape) -> Self:
        """The distribution with its parameters repeated to another shape of the batch."""
        shape = (batch_shape,) if isinstance(batch_shape, int) else tuple(batch_shape)
        given = {}
        for name in self._given:
            value = getattr(self, name)
            if isinstance(value, Tensor):
                rest = value.shape[len(self._batch_shape) :]
                value = F.broadcast_to(value, shape=(*shape, *rest))
            given[name] = value
        return type(self)(**given, validate_args=False)

    def _shape(self, sample_shape: Shape) -> tuple[int, ...]:
        """That of samples."""
        first = (sample_shape,) if isinstance(sample_shape, int) else tuple(sample_shape)
        return (*first, *self._batch_shape, *self._event_shape)

    def _checked(self, value: TensorLike) -> Tensor:
        """A value as a tensor.

        Raises:
            ValueError: its shape does not fit, or it lies outside of the support.
        """
        x = _core.as_tensor(value)
        if not self._validate_args:
            return x
        rank = len(self._event_shape)
        wanted = (*self._batch_shape, *self._event_shape)
        fits = x.ndim >= rank and x.shape[x.ndim - rank :] == self._event_shape
        for one, other in zip(reversed(x.shape), reversed(wanted), strict=False):
            fits = fits and (one == other or one == 1 or other == 1)
        if not fits:
            raise ValueError(
                f"{type(self).__name__}: value: expected a shape that fits {wanted}, got {x.shape}"
            )
        if not bool(F.all(self.support.check(x))):
            raise ValueError(
                f"{type(self).__name__}: value: expected values of {self.support!r}, got {shown(x)}"
            )
        return x

    def __repr__(self) -> str:
        parts = []
        for name in self._given:
            value = getattr(self, name)
            one = isinstance(value, Tensor) and value.numel() == 1
            parts.append(f"{name}: {value.item() if one else shown(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def floats(who: str, **parameters: Any) -> list[Tensor]:
    """Parameters as float32 tensors of one shape.

    Raises:
        ValueError: their shapes do not fit together. The message names them.
    """
    found = []
    for name, value in parameters.items():
        try:
            x = _core.as_tensor(value)
            found.append(x if x.dtype == "float32" else F.cast(x, dtype="float32"))
        except (TypeError, ValueError):
            raise ValueError(f"{who}: {name}: expected numbers, got {shown(value)}") from None
    try:
        shape = np.broadcast_shapes(*(x.shape for x in found))
    except ValueError:
        shapes = ", ".join(
            f"{n} of shape {x.shape}" for n, x in zip(parameters, found, strict=True)
        )
        raise ValueError(f"{who}: expected shapes that fit together, got {shapes}") from None
    return [x if x.shape == shape else F.broadcast_to(x, shape=shape) for x in found]


def one_of(who: str, **given: Any) -> str:
    """The name of the only argument that is not None.

    Raises:
        ValueError: there is none, or several.
    """
    found = [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise ValueError(
            f"{who}: expected exactly one of {', '.join(given)}, got {', '.join(found) or 'none'}"
        )
    return found[0]


def uniform(shape: tuple[int, ...]) -> Tensor:
    """Random numbers of (0, 1]."""
    return F.sub(1.0, F.uniform(shape=shape))


def clamped(probabilities: Tensor) -> Tensor:
    """Probabilities that are EPSILON away from 0 and 1, so that their logarithms are finite."""
    return F.clip(probabilities, lo=EPSILON, hi=1 - EPSILON)


def sum_of_last(x: Tensor, count: int) -> Tensor:
    """The sum over the last axes."""
    return F.sum(x, axes=tuple(range(x.ndim - count, x.ndim))) if count else x


LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
