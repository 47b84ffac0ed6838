"""Constraints: projections applied to a weight after each update. Semantics of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._base import functional as F
from ._base.checks import check_integers, check_number
from ._base.registry import CONSTRAINTS, described
from ._base.settings import settings
from ._base.watch import Watched
from ._core import Tensor

if TYPE_CHECKING:
    from ._base.types import Config
    from ._core import Axes


class Constraint(Watched):
    """Base class: a call takes the weight and returns its projection, of the same shape."""

    def __call__(self, w: Tensor) -> Tensor:
        return w

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Constraint:
        """The constraint that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return described(self)


def _checked_axis(who: str, axis: Axes) -> Axes:
    return None if axis is None else check_integers(who, "axis", axis)


def _norms(w: Tensor, axis: Axes) -> Tensor:
    return F.sqrt(F.sum(F.square(w), axes=axis, keepdims=True))


@CONSTRAINTS.register("maxnorm")
class MaxNorm(Constraint):
    """Scales the weight down where its norm along `axis` exceeds `max_value`.

    Args:
        max_value: the largest norm allowed; 2 unless given.
        axis: the axis (or axes) along which the norm is taken; 0 unless given, which for a Dense
            kernel `(in, units)` gives each unit's incoming weights a norm of their own.

    Example:
        >>> w = constraints.MaxNorm(1.0)(fastdl.tensor([[3.0], [4.0]]))
        >>> [f"{value:.3f}" for value in fastdl.flatten(w).tolist()]
        ['0.600', '0.800']
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0) -> None:
        self.max_value = check_number("MaxNorm", "max_value", max_value, infinite=True)
        self.axis = _checked_axis("MaxNorm", axis)

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        return w * (F.clip(norms, lo=0.0, hi=self.max_value) / (norms + settings.epsilon))

    def get_config(self) -> Config:
        return {"max_value": self.max_value, "axis": self.axis}


@CONSTRAINTS.register("nonneg")
class NonNeg(Constraint):
    """Sets negative values to 0."""

    def __call__(self, w: Tensor) -> Tensor:
        return F.maximum(w, 0.0)


@CONSTRAINTS.register("unitnorm")
class UnitNorm(Constraint):
    """Scales the weight to norm 1 along `axis` (0 unless given)."""

    def __init__(self, axis: Axes = 0) -> None:
        self.axis = _checked_axis("UnitNorm", axis)

    def __call__(self, w: Tensor) -> Tensor:
        return w / (_norms(w, self.axis) + settings.epsilon)

    def get_config(self) -> Config:
        return {"axis": self.axis}


@CONSTRAINTS.register
class MinMaxNorm(Constraint):
    """Moves the norm along `axis` into the interval from `min_value` to `max_value`.

    Args:
        min_value: smallest norm; 0.0 unless given.
        max_value: largest norm; 1.0 unless given.
        rate: the part of the way to the interval that a call moves the norm; 1.0 is all of it.
        axis: the axis (or axes) along which the norm is taken; 0 unless given.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axes = 0,
    ) -> None:
        who = "MinMaxNorm"
        self.min_value = check_number(who, "min_value", min_value)
        self.max_value = check_number(who, "max_value", max_value, infinite=True)
        self.rate = check_number(who, "rate", rate)
        if self.min_value > self.max_value:
            raise ValueError(
                f"{who}: min_value: expected a number of at most max_value, {max_value!r}, got "
                f"{min_value!r}"
            )
        self.axis = _checked_axis(who, axis)

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        wanted = F.clip(norms, lo=self.min_value, hi=self.max_value) * self.rate
        wanted = wanted + norms * (1.0 - self.rate)
        return w * (wanted / (norms + settings.epsilon))

    def get_config(self) -> Config:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


get = CONSTRAINTS.get
serialize = CONSTRAINTS.serialize
deserialize = CONSTRAINTS.deserialize
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

if not TYPE_CHECKING:
    from ._base.missing import attributes_missing_from

    __getattr__ = attributes_missing_from(__name__)
