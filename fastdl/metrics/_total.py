"""Total: a float32 state variable that counts beyond the range of a plain float32 sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.parameter import Parameter

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


class Total(Parameter):
    """The state of a metric.

    `assign_add` and `assign_sub` keep the part of the sum that float32 rounds away in a second
    tensor. So the value is the sum rounded once, up to about 2^48; a plain float32 sum stops
    counting at 2^24. `assign` and other writes set the whole sum.

    Attributes:
        rest: the second tensor.
    """

    def __init__(self, data: TensorLike, requires_grad: bool = False, **options: Any) -> None:
        super().__init__(data, requires_grad, **options)
        self.rest = _core.full(self.shape, "float32", 0.0)

    def assign_add(self, value: TensorLike) -> Total:
        """Adds `value`, of the same shape, in place; returns self."""
        return self._write(self._take, value, "assign_add")

    def assign_sub(self, value: TensorLike) -> Total:
        """Subtracts `value`, of the same shape, in place; returns self."""
        return self._write(self._take, F.neg(value), "assign_sub")

    def _take(self, _: Tensor, value: TensorLike) -> None:
        F.accumulate_(self, self.rest, value)
