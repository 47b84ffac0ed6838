"""Invertible functions between sets of values, for `TransformedDistribution`.

Source: `torch.distributions.transforms`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_integer, prefixed, shown
from . import constraints
from .distribution import EPSILON, TINY, floats, sum_of_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike


class Transform:
    """An invertible function with a known determinant of its derivative.

    A class has `_call`, `_inverse` and `log_abs_det_jacobian`.

    Attributes:
        domain: the values that it takes.
        codomain: those that it gives.
        sign: 1 if it rises, -1 if it falls.
    """

    domain: constraints.Constraint = constraints.real
    codomain: constraints.Constraint = constraints.real
    bijective = True
    _parameters = ""  # the arguments whose shapes count, for messages
    sign: TensorLike = 1

    def __init__(self, cache_size: int = 0) -> None:
        self._cache_size = check_integer(type(self).__name__, "cache_size", cache_size, 0, 1)
        self._last: tuple[object, object] = (None, None)

    @property
    def event_dim(self) -> int:
        """How many axes a value has."""
        return self.domain.event_dim

    @property
    def inv(self) -> Transform:
        """The inverse."""
        return _Inverse(self)

    def __call__(self, x: TensorLike) -> Tensor:
        """The value for x."""
        known, value = self._last
        if known is x and isinstance(value, _core.Tensor):
            return value
        try:
            y = self._call(_core.as_tensor(x))
        except (TypeError, ValueError) as error:
            if not self._parameters:
                raise
            raise prefixed(f"{type(self).__name__}: {self._parameters}", error) from None
        if self._cache_size:
            self._last = (x, y)
        return y

    def _inv_call(self, y: TensorLike) -> Tensor:
        """The x for which y is the value. With a cache it is the x of the last call."""
        known, value = self._last
        if value is y and isinstance(known, _core.Tensor):
            return known
        return self._inverse(_core.as_tensor(y))

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no _call")

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no _inverse")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the size of the derivative's determinant at x; y is the value."""
        raise NotImplementedError(f"{type(self).__name__} has no log_abs_det_jacobian")

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the values for a shape."""
        return tuple(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def transforms_of(who: str, argument: str, value: Any) -> list[Transform]:
    """One transform or several as a list.

    Raises:
        ValueError: it is something else. The message names class and argument.
    """
    if isinstance(value, Transform):
        return [value]
    if isinstance(value, (list, tuple)) and all(isinstance(one, Transform) for one in value):
        return list(value)
    raise ValueError(f"{who}: {argument}: expected transforms, got {shown(value)}")


class _Inverse(Transform):
    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._of = transform
        self.domain, self.codomain = transform.codomain, transform.domain
        self.sign = transform.sign

    @property
    def inv(self) -> Transform:
        return self._of

    def _call(self, x: Tensor) -> Tensor:
        return self._of._inv_call(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._of(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return F.neg(self._of.log_abs_det_jacobian(y, x))


class ComposeTransform(Transform):
    """Several transforms, one after the other.

    Args:
        parts: the transforms, the first one first.
        cache_size: 0, or 1 to keep the last value.

    Example:
        >>> both = ComposeTransform([AffineTransform(1.0, 2.0), ExpTransform()])
        >>> round(both(fastdl.tensor(0.0)).item(), 4)
        2.7183
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = transforms_of("ComposeTransform", "parts", parts)
        if self.parts:
            self.domain, self.codomain = self.parts[0].domain, self.parts[-1].codomain
        sign: TensorLike = 1
        for part in self.parts:
            sign = np.asarray(sign) * np.asarray(part.sign)
        self.sign = sign

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        rank = max((part.event_dim for part in self.parts), default=0)
        total = F.mul(sum_of_last(x, rank), 0.0)
        for part in self.parts:
            following = part(x)
            found = part.log_abs_det_jacobian(x, following)
            total = F.add(total, sum_of_last(found, rank - part.event_dim))
            x = following
        return total

    @property
    def event_dim(self) -> int:
        return max((part.event_dim for part in self.parts), default=0)


class ExpTransform(Transform):
    """`exp(x)`.

    Example:
        >>> ExpTransform()(fastdl.tensor(0.0)).item()
        1.0
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return F.exp(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return F.log(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class PowerTransform(Transform):
    """`x^exponent` of positive x.

    Args:
        exponent: the exponent.
        cache_size: 0, or 1 to keep the last value.

    Example:
        >>> PowerTransform(2.0)(fastdl.tensor(3.0)).item()
        9.0
    """

    domain = codomain = constraints.positive
    _parameters = "exponent"

    def __init__(self, exponent: TensorLike, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = floats("PowerTransform", exponent=exponent)
        self.sign = F.sign(self.exponent)

    def _call(self, x: Tensor) -> Tensor:
        return F.pow(x, self.exponent)

    def _inverse(self, y: Tensor) -> Tensor:
        return F.pow(y, F.div(1.0, self.exponent))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return F.log(F.abs(F.div(F.mul(self.exponent, y), x)))


class SigmoidTransform(Transform):
    """`1 / (1 + exp(-x))`.

    Example:
        >>> SigmoidTransform()(fastdl.tensor(0.0)).item()
        0.5
    """

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return F.clip(F.sigmoid(x), lo=TINY, hi=1 - EPSILON)

    def _inverse(self, y: Tensor) -> Tensor:
        y = F.clip(y, lo=TINY, hi=1 - EPSILON)
        return F.sub(F.log(y), F.log1p(F.neg(y)))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return F.neg(F.add(F.softplus(F.neg(x)), F.softplus(x)))


class SoftplusTransform(Transform):
    """`log(1 + exp(x))`.

    Example:
        >>> round(SoftplusTransform()(fastdl.tensor(0.0)).item(), 4)
        0.6931
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return F.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return F.add(F.log(F.neg(F.expm1(F.neg(y)))), y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return F.neg(F.softplus(F.neg(x)))


class TanhTransform(Transform):
    """`tanh(x)`: with `cache_size=1` the inverse of a sample is exact.

    Example:
        >>> TanhTransform()(fastdl.tensor(0.0)).item()
        0.0
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return F.tanh(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return F.special(y, function="atanh")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # log(1 - tanh(x)^2), without cancellation
        return F.mul(F.sub(F.sub(math.log(2), x), F.softplus(F.mul(x, -2.0))), 2.0)


class AffineTransform(Transform):
    """`loc + scale x`.

    Args:
        loc: what is added.
        scale: the factor.
        event_dim: how many axes a value has.
        cache_size: 0, or 1 to keep the last value.

    Example:
        >>> AffineTransform(1.0, 2.0)(fastdl.tensor(3.0)).item()
        7.0
    """

    _parameters = "loc, scale"

    def __init__(
        self, loc: TensorLike, scale: TensorLike, event_dim: int = 0, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        (self.loc,), (self.scale,) = (
            floats("AffineTransform", loc=loc),
            floats("AffineTransform", scale=scale),
        )
        event_dim = check_integer("AffineTransform", "event_dim", event_dim, 0)
        self.sign = F.sign(self.scale)
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)

    def _call(self, x: Tensor) -> Tensor:
        return F.add(self.loc, F.mul(self.scale, x))

    def _inverse(self, y: Tensor) -> Tensor:
        return F.div(F.sub(y, self.loc), self.scale)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        found = F.broadcast_to(F.log(F.abs(self.scale)), shape=x.shape)
        return sum_of_last(found, self.event_dim)

    def forward_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return np.broadcast_shapes(tuple(shape), self.loc.shape, self.scale.shape)


identity_transform = ComposeTransform([])
