"""Counts of true and false positives and negatives at thresholds, and metrics of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.checks import check_count, check_fraction
from .._base.notices import warn_once
from .._base.registry import METRICS
from .._core import Tensor
from ..losses.reduction import divide_no_nan, same_rank
from .metric import Metric, without_gradients

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.parameter import Parameter
    from .._base.types import Config
    from .._core import TensorLike

MOST_THRESHOLDS = 1_000_000  # each takes memory and time for every sample
_NEGATIVE = -1e10  # replaces outputs outside the top k


def _threshold_list(who: str, thresholds: Any, default: float) -> list[float]:
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
    if not values:
        raise ValueError(f"{who}: thresholds: expected numbers in [0, 1], got {thresholds!r}")
    return [check_fraction(who, "thresholds", threshold) for threshold in values]


def _top_k_only(y_pred: Tensor, k: int) -> Tensor:
    """The outputs, very negative except for the k largest of each row (of equals, the first)."""
    classes = y_pred.shape[-1]
    rest, chosen = y_pred, None
    for _ in range(min(k, classes)):
        best = F.one_hot(F.argmax(rest, axis=-1), depth=classes)
        chosen = best if chosen is None else F.add(chosen, best)
        rest = F.where(F.gt(chosen, 0.0), float("-inf"), rest)
    assert chosen is not None
    return F.where(F.gt(chosen, 0.0), y_pred, _NEGATIVE)


def _column(x: Tensor, index: int) -> Tensor:
    return F.take(x, [index], axis=-1)


class ConfusionMetric(Metric):
    """Base class: adds up (weighted) counts for each threshold.

    A sample counts as predicted positive where its output is above the threshold. Outputs of any
    shape count element by element.
    """

    # Which of the four counts a subclass keeps, by the names of Keras's variables.
    _counts: tuple[str, ...] = ()

    def __init__(
        self,
        thresholds: Sequence[float],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(dtype, name)
        who = type(self).__name__
        self.thresholds = list(thresholds)
        self.top_k = check_count(who, "top_k", top_k, 1)
        self.class_id = check_count(who, "class_id", class_id, 0)
        self._row = _core.tensor([self.thresholds], "float32")
        self._looked = False  # whether the range of the outputs was checked
        self._make_state((len(self.thresholds),))

    def _make_state(self, shape: tuple[int, ...]) -> None:
        for count in self._counts:
            setattr(self, count, self.add_variable(shape, name=count))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets (0 or 1) and outputs, with the samples' weights if given."""
        y_true, y_pred = without_gradients(y_true, y_pred)
        y_true, y_pred = same_rank(y_true, F.cast(y_pred, dtype="float32"))
        if self.top_k is not None:
            y_pred = _top_k_only(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2:
                raise ValueError(
                    f"{type(self).__name__}: class_id needs outputs of shape (samples, classes), "
                    f"got shape {y_pred.shape}"
                )
            if self.class_id >= y_pred.shape[-1]:
                raise ValueError(
                    f"{type(self).__name__}: class_id: expected one of {y_pred.shape[-1]} classes, "
                    f"got {self.class_id}"
                )
            y_true, y_pred = _column(y_true, self.class_id), _column(y_pred, self.class_id)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__}: expected targets of the outputs' shape {y_pred.shape}, "
                f"got {y_true.shape}"
            )
        labels = F.cast(F.ne(y_true, 0), dtype="float32")
        others = F.sub(1.0, labels)
        weight = self._weights(sample_weight, y_pred)
        if weight is not None:
            labels, others = F.mul(labels, weight), F.mul(others, weight)
        self._add(labels, others, y_pred)

    def _warn_of_logits(self, y_pred: Tensor, hint: str = "") -> None:
        """Checks the first batch only, since a recorded step cannot look at values."""
        if self._looked or not y_pred.numel():
            return
        self._looked = True
        values = y_pred.detach().numpy()
        if values.min() < 0 or values.max() > 1:
            warn_once(
                f"{type(self).__name__}: expected outputs in [0, 1], got {values.min():.3g} to "
                f"{values.max():.3g}; those outside count as 0 or 1{hint}",
                stacklevel=4,
            )

    def _weights(self, sample_weight: TensorLike | None, y_pred: Tensor) -> Tensor | None:
        if sample_weight is None:
            return None
        weight = F.cast(_core.as_tensor(sample_weight).detach(), dtype="float32")
        if weight.ndim < y_pred.ndim:  # a sample's weight counts for all of its elements
            weight = F.reshape(weight, shape=weight.shape + (1,) * (y_pred.ndim - weight.ndim))
        return F.broadcast_to(weight, shape=y_pred.shape)

    def _add(self, labels: Tensor, others: Tensor, y_pred: Tensor) -> None:
        """Adds counts: `labels` and `others` are the weights of positives and negatives."""
        flat = (1, y_pred.numel())
        labels, others = F.reshape(labels, shape=flat), F.reshape(others, shape=flat)
        above = F.gt(F.reshape(y_pred, shape=(flat[1], 1)), self._row)
        above = F.cast(above, dtype="float32")
        self._add_counts(
            F.reshape(F.matmul(labels, above), shape=(-1,)),
            F.reshape(F.matmul(others, above), shape=(-1,)),
            F.sum(labels),
            F.sum(others),
        )

    def _add_counts(self, tp: Tensor, fp: Tensor, positives: Tensor, negatives: Tensor) -> None:
        for count in self._counts:
            state: Parameter = getattr(self, count)
            if count == "true_positives":
                state.assign_add(tp)
            elif count == "false_positives":
                state.assign_add(fp)
            elif count == "false_negatives":
                state.assign_add(F.sub(positives, tp))
            else:
                state.assign_add(F.sub(negatives, fp))

    def _shown(self, values: Tensor) -> Tensor:
        """One number for one threshold, else one for each."""
        return values[0] if len(self.thresholds) == 1 else values


class _Count(ConfusionMetric):
    """One of the four counts.

    Args:
        thresholds: a number in [0, 1] or a list of them; 0.5 if None.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: a threshold lies outside.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.init_thresholds = thresholds
        super().__init__(_threshold_list(type(self).__name__, thresholds, 0.5), name, dtype)

    def result(self) -> Tensor:
        return self._shown(F.copy(getattr(self, self._counts[0])))

    def get_config(self) -> Config:
        return {**super().get_config(), "thresholds": self.init_thresholds}


@METRICS.register
class TruePositives(_Count):
    """How many positives were predicted positive."""

    _counts = ("true_positives",)


@METRICS.register
class FalsePositives(_Count):
    """How many negatives were predicted positive."""

    _counts = ("false_positives",)


@METRICS.register
class TrueNegatives(_Count):
    """How many negatives were predicted negative."""

    _counts = ("true_negatives",)


@METRICS.register
class FalseNegatives(_Count):
    """How many positives were predicted negative."""

    _counts = ("false_negatives",)


class _Share(ConfusionMetric):
    """True positives, divided by the sum of them and another count."""

    _direction = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.init_thresholds = thresholds
        default = 0.5 if top_k is None else _NEGATIVE
        values = _threshold_list(type(self).__name__, thresholds, default)
        super().__init__(values, name, dtype, top_k, class_id)

    def result(self) -> Tensor:
        hits, misses = (getattr(self, count) for count in self._counts)
        return self._shown(divide_no_nan(hits, F.add(hits, misses)))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


@METRICS.register
class Precision(_Share):
    """The share of true ones among the predicted positives.

    Args:
        thresholds: a number in [0, 1] or a list of them; 0.5 if None.
        top_k: if set, only a sample's k largest outputs can be predicted positive.
        class_id: if set, only this class counts.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: a threshold lies outside.

    Example:
        >>> round(float(fastdl.metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    _counts = ("true_positives", "false_positives")


@METRICS.register
class Recall(_Share):
    """The share of positives that were predicted positive; arguments as for `Precision`.

    Example:
        >>> round(float(fastdl.metrics.Recall()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    _counts = ("true_positives", "false_negatives")
