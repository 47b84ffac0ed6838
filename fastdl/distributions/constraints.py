"""Sets of values: what parameters of distributions may be, and where values have a density.

`constraint.check(value)` gives a tensor that is true where the value lies in the set. It has the
shape of the value without the axes of one event: of `simplex` one axis, of matrices two.

Source: `torch.distributions.constraints`.

Example:
    >>> positive.check([1.0, 0.0]).tolist()
    [True, False]
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class Constraint:
    """A set of values.

    Attributes:
        is_discrete: whether it has integers only.
        event_dim: how many axes one event has.
    """

    is_discrete = False
    event_dim = 0

    def check(self, value: TensorLike) -> Tensor:
        """Where the value lies in the set.

        Raises:
            NotImplementedError: the class does not say.
        """
        raise NotImplementedError(f"{type(self).__name__} has no check")

    def __repr__(self) -> str:
        return type(self).__name__.lstrip("_")


class _Real(Constraint):
    def check(self, value: TensorLike) -> Tensor:
        return F.eq(value, value)  # all but NaN


class _Between(Constraint):
    """Numbers between two bounds, which belong to the set or not."""

    def __init__(
        self,
        name: str,
        low: TensorLike = -math.inf,
        high: TensorLike = math.inf,
        with_low: bool = True,
        with_high: bool = True,
        whole: bool = False,
    ) -> None:
        self._name, self.lower_bound, self.upper_bound = name, low, high
        self._with_low, self._with_high, self.is_discrete = with_low, with_high, whole

    def check(self, value: TensorLike) -> Tensor:
        above = (F.ge if self._with_low else F.gt)(value, self.lower_bound)
        below = (F.le if self._with_high else F.lt)(value, self.upper_bound)
        found = F.logical_and(above, below)
        if not self.is_discrete:
            return found
        return F.logical_and(found, F.eq(F.sub(value, F.floor(value)), 0))  # not infinity

    def __repr__(self) -> str:
        bounds = [
            b for b in (self.lower_bound, self.upper_bound) if np.isfinite(np.asarray(b)).all()
        ]
        return f"{self._name}({', '.join(map(str, bounds))})"


class independent(Constraint):
    """A set of which `reinterpreted_batch_ndims` more axes belong to one event.

    Example:
        >>> independent(positive, 1).check([[1.0, 2.0], [1.0, 0.0]]).tolist()
        [True, False]
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: TensorLike) -> Tensor:
        found = self.base_constraint.check(value)
        axes = tuple(range(found.ndim - self.reinterpreted_batch_ndims, found.ndim))
        return F.all(found, axes=axes) if axes else found


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: TensorLike) -> Tensor:
        x = _core.as_tensor(value)
        total = F.sum(x, axes=-1)
        close = F.lt(F.abs(F.sub(total, 1.0)), 1e-6)
        return F.logical_and(F.all(F.ge(x, 0), axes=-1), close)


class _OneHot(Constraint):
    event_dim = 1
    is_discrete = True

    def check(self, value: TensorLike) -> Tensor:
        x = _core.as_tensor(value)
        binary = F.all(F.logical_or(F.eq(x, 0), F.eq(x, 1)), axes=-1)
        return F.logical_and(binary, F.eq(F.sum(x, axes=-1), 1))


class _LowerCholesky(Constraint):
    event_dim = 2

    def check(self, value: TensorLike) -> Tensor:
        x = np.asarray(_core.as_tensor(value).detach())
        low = (np.tril(x) == x).all((-2, -1))
        return _core.tensor(low & (np.diagonal(x, axis1=-2, axis2=-1) > 0).all(-1))


class _PositiveDefinite(Constraint):
    event_dim = 2

    def check(self, value: TensorLike) -> Tensor:
        x = np.asarray(_core.as_tensor(value).detach()).astype("float64")
        turned = np.swapaxes(x, -2, -1)
        symmetric = np.isclose(x, turned, atol=1e-6).all((-2, -1))
        with np.errstate(all="ignore"):
            finite = np.isfinite(x).all((-2, -1))
            safe = np.where(finite[..., None, None], x, np.eye(x.shape[-1]))
            smallest = np.linalg.eigvalsh((safe + np.swapaxes(safe, -2, -1)) / 2).min(-1)
        return _core.tensor(symmetric & finite & (smallest > 0))


def greater_than(lower_bound: TensorLike) -> Constraint:
    """Numbers above a bound."""
    return _Between("greater_than", lower_bound, with_low=False)


def greater_than_eq(lower_bound: TensorLike) -> Constraint:
    """Numbers from a bound on."""
    return _Between("greater_than_eq", lower_bound)


def less_than(upper_bound: TensorLike) -> Constraint:
    """Numbers below a bound."""
    return _Between("less_than", high=upper_bound, with_high=False)


def interval(lower_bound: TensorLike, upper_bound: TensorLike) -> Constraint:
    """Numbers between two bounds, which belong to the set."""
    return _Between("interval", lower_bound, upper_bound)


def half_open_interval(lower_bound: TensorLike, upper_bound: TensorLike) -> Constraint:
    """Numbers between two bounds, of which the lower one belongs to the set."""
    return _Between("half_open_interval", lower_bound, upper_bound, with_high=False)


def integer_interval(lower_bound: TensorLike, upper_bound: TensorLike) -> Constraint:
    """Integers between two bounds, which belong to the set."""
    return _Between("integer_interval", lower_bound, upper_bound, whole=True)


real = _Real()
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = integer_interval(0, 1)
nonnegative_integer = _Between("nonnegative_integer", 0, whole=True)
positive_integer = _Between("positive_integer", 1, whole=True)
simplex = _Simplex()
one_hot = _OneHot()
lower_cholesky = _LowerCholesky()
positive_definite = _PositiveDefinite()
