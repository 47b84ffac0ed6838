"""Sums and means of all values since the last reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_callable, check_name
from .._base.registry import METRICS
from .._core import Tensor
from ..losses.reduction import divide_no_nan, masked_weight, same_rank
from ..losses.settings import ReadableSettings
from .metric import Metric

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike

_Reduce = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _samplewise(
    values: TensorLike, sample_weight: TensorLike | None, reduce: _Reduce
) -> tuple[Tensor, Tensor | None]:
    """Weighted values and weights with all axes but the first reduced."""
    values = F.cast(_core.as_tensor(values).detach(), dtype="float32")
    if sample_weight is None:
        return _flat_rows(values, reduce), None
    weight = F.cast(_core.as_tensor(sample_weight).detach(), dtype="float32")
    values, weight = same_rank(values, weight)
    if values.ndim > weight.ndim:
        values = reduce(values, tuple(range(weight.ndim, values.ndim)), False)
    weight = F.broadcast_to(weight, shape=values.shape)
    return _flat_rows(F.mul(values, weight), reduce), _flat_rows(weight, reduce)


def _flat_rows(x: Tensor, reduce: _Reduce) -> Tensor:
    return reduce(x, tuple(range(1, x.ndim)), False) if x.ndim > 1 else x


@METRICS.register
class Sum(Metric):
    """The (weighted) sum of all values.

    Example:
        >>> m = fastdl.metrics.Sum()
        >>> m.update_state([1.0, 3.0, 5.0])
        >>> float(m.result())
        9.0
    """

    def __init__(self, name: str = "sum", dtype: DTypeLike | None = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Adds values, times their weights if given."""
        values, _ = _samplewise(values, sample_weight, F.sum)
        self.total.assign_add(F.sum(values))

    def result(self) -> Tensor:
        return F.copy(self.total)


@METRICS.register
class Mean(Metric):
    """The (weighted) mean of all values.

    Values of rank above 1 are first averaged over all axes but the first, as in Keras.

    Example:
        >>> m = fastdl.metrics.Mean()
        >>> m.update_state([1.0, 3.0], sample_weight=[3.0, 1.0])
        >>> float(m.result())
        1.5
    """

    def __init__(self, name: str = "mean", dtype: DTypeLike | None = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Takes in values, with their weights if given."""
        count: float | Tensor
        if isinstance(sample_weight, (int, float)):  # for example the mean loss of a batch
            values, count = _core.as_tensor(values).detach(), sample_weight
            total = F.mul(F.mean(values), count)
        else:
            values, weight = _samplewise(values, sample_weight, F.mean)
            count = values.numel() if weight is None else F.sum(weight)
            total = F.sum(values)
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Tensor:
        """The mean; 0 before the first value."""
        return divide_no_nan(self.total, self.count)


class MeanMetricWrapper(ReadableSettings, Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` that gives a value for each sample.

    Args:
        fn: the function.
        name: the function's by default.
        dtype: float32.
        kwargs: further arguments of the function.

    Example:
        >>> m = MeanMetricWrapper(lambda t, p: abs(t - p), name="error")
        >>> float(m([1.0, 2.0], [1.0, 3.0]))
        0.5
    """

    def __init__(
        self,
        fn: Callable[..., TensorLike],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        who = type(self).__name__
        check_name(who, "name", name)
        check_callable(who, "fn", fn)
        super().__init__(name or getattr(fn, "__name__", None) or "mean_metric_wrapper", dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        # A loss is better when it is smaller.
        if self._direction is None and getattr(fn, "__module__", "").startswith("fastdl.losses."):
            self._direction = "down"

    def update_state(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets and outputs, with the samples' weights if given.

        Steps that the outputs' mask leaves out do not count.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        if mask is not None:
            sample_weight = masked_weight(sample_weight, mask, "sum")
        y_true, y_pred = _core.as_tensor(y_true), _core.as_tensor(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, sample_weight)

    def get_config(self) -> Config:
        return {**super().get_config(), "fn": self._fn, **self._fn_kwargs}
