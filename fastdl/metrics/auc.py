"""The area under the ROC or the precision-recall curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import (
    check_choice,
    check_count,
    check_flag,
    check_integer,
    check_numbers,
)
from .._base.registry import METRICS
from .._base.settings import settings
from .._core import Tensor
from ..losses.reduction import divide_no_nan
from .confusion import MOST_THRESHOLDS, ConfusionMetric

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike


@METRICS.register
class AUC(ConfusionMetric):
    """Area under a curve that is sampled at thresholds, as a Riemann sum; as in Keras.

    Args:
        num_thresholds: how many thresholds, evenly spaced over [0, 1].
        curve: "ROC", "PR" (precision over recall) or "PRGAIN" (precision gain over recall gain,
            Flach and Kull 2015, with their values cut off at 0 and 1 as in Keras).
        summation_method: "interpolation" (trapezoids; for "PR" the interpolation of Davis and
            Goadrich 2006), "minoring" or "majoring".
        name, dtype: as for `Metric`.
        thresholds: the thresholds in [0, 1]; 0 and 1 are added to them. Outputs beyond [0, 1] count
            as 0 or 1, with a warning if they occur in the first batch.
        multi_label: whether each column of the outputs is a label with an area of its own. The
            result is their (weighted) mean.
        num_labels: the number of columns, if it must be known before the first batch.
        label_weights: the columns' weights. Without `multi_label` they weigh the elements.
        from_logits: whether outputs are logits rather than probabilities.

    Raises:
        ValueError: unknown names or thresholds out of range.

    Example:
        >>> m = fastdl.metrics.AUC(num_thresholds=3)
        >>> float(m([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    _direction = "up"
    _counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        if thresholds is not None:
            inner = sorted(check_numbers("AUC", "thresholds", thresholds, at_most=1.0))
        else:
            check_integer("AUC", "num_thresholds", num_thresholds, 2, MOST_THRESHOLDS)
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        check_flag("AUC", "multi_label", multi_label)
        if check_count("AUC", "num_labels", num_labels, 1) and not multi_label:
            raise ValueError(f"AUC: num_labels={num_labels} needs multi_label=True")
        self.num_thresholds = len(inner) + 2
        self.curve = check_choice("AUC", "curve", curve, ("ROC", "PR", "PRGAIN"))
        methods = ("interpolation", "minoring", "majoring")
        self.summation_method = check_choice("AUC", "summation_method", summation_method, methods)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None
        if label_weights is not None:
            self.label_weights = check_numbers("AUC", "label_weights", label_weights, -math.inf)
            if not self.label_weights:
                raise ValueError("AUC: label_weights: expected at least one number, got none")
        self.from_logits = check_flag("AUC", "from_logits", from_logits)
        self._own_thresholds = None if thresholds is None else list(thresholds)
        super().__init__([-settings.epsilon, *inner, 1 + settings.epsilon], name, dtype)

    def _make_state(self, shape: tuple[int, ...]) -> None:
        if not self.multi_label:
            super()._make_state(shape)
        elif self.num_labels:
            super()._make_state((*shape, self.num_labels))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets (0 or 1) and outputs, with the samples' weights if given."""
        y_pred = _core.as_tensor(y_pred)
        if self.from_logits:
            y_pred = F.sigmoid(y_pred)
        else:
            self._warn_of_logits(y_pred, "; for logits use from_logits=True")
            y_pred = F.clip(F.cast(y_pred, dtype="float32"), lo=0.0, hi=1.0)
        if self.multi_label:
            if y_pred.ndim != 2:
                raise ValueError(
                    "AUC: multi_label=True: expected outputs of shape (samples, labels), got shape "
                    f"{y_pred.shape}"
                )
            if not self._variables:
                self.num_labels = y_pred.shape[1]
                self._make_state((self.num_thresholds,))
        super().update_state(y_true, y_pred, sample_weight)

    def _weights(self, sample_weight: TensorLike | None, y_pred: Tensor) -> Tensor | None:
        weight = super()._weights(sample_weight, y_pred)
        if self.label_weights is None or self.multi_label:
            return weight
        labels = F.broadcast_to(_core.tensor(self.label_weights), shape=y_pred.shape)
        return labels if weight is None else F.mul(weight, labels)

    def _add(self, labels: Tensor, others: Tensor, y_pred: Tensor) -> None:
        if not self.multi_label:
            super()._add(labels, others, y_pred)
            return
        # (samples, labels) each against (thresholds, 1, 1); sums over the samples.
        rows = F.reshape(self._row, shape=(self.num_thresholds, 1, 1))
        above = F.cast(F.gt(y_pred, rows), dtype="float32")
        self._add_counts(
            F.sum(F.mul(above, labels), axes=(1,)),
            F.sum(F.mul(above, others), axes=(1,)),
            F.sum(labels, axes=(0,)),
            F.sum(others, axes=(0,)),
        )

    def result(self) -> Tensor:
        if not self._variables:
            return _core.full((), "float32", 0.0)
        areas = self._areas()
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return F.mean(areas)
        weights = _core.tensor(self.label_weights)
        return F.sum(areas * weights) / sum(self.label_weights)

    def _areas(self) -> Tensor:
        """The area, or those of all labels."""
        tp, fp, tn, fn = (getattr(self, count) for count in self._counts)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated_pr(tp, fp, fn)
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            x, y = divide_no_nan(fp, fp + tn), recall
        elif self.curve == "PR":
            x, y = recall, divide_no_nan(tp, tp + fp)
        else:
            found, odds = F.ne(tp, 0.0), divide_no_nan(tp + fn, tn + fp)
            x = F.relu(F.where(found, 1.0 - odds * divide_no_nan(fn, tp), 0.0))
            y = F.where(found, 1.0 - odds * divide_no_nan(fp, tp), 1.0)
        (x0, x1), (y0, y1) = _neighbours(x), _neighbours(y)
        if self.summation_method == "interpolation":
            heights = (y0 + y1) / 2.0
        elif self.summation_method == "minoring":
            heights = F.minimum(y0, y1)
        else:
            heights = F.maximum(y0, y1)
        return F.sum((x0 - x1) * heights, axes=(0,))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._own_thresholds,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels if self.multi_label else None,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }


def _neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each row but the last, and the ones after them."""
    rows, rest = x.shape[0], list(x.shape[1:])
    zeros, ones = [0] * len(rest), [1] * x.ndim
    return (
        F.slice(x, starts=[0, *zeros], stops=[rows - 1, *rest], steps=ones),
        F.slice(x, starts=[1, *zeros], stops=[rows, *rest], steps=ones),
    )


def _interpolated_pr(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """The integral of precision over recall (Davis and Goadrich 2006, as in Keras).

    Between two thresholds tp grows linearly with tp + fp.
    """
    (tp0, tp1), (p0, p1) = _neighbours(tp), _neighbours(tp + fp)
    gained = tp0 - tp1
    slope = divide_no_nan(gained, F.relu(p0 - p1))
    intercept = tp1 - slope * p1
    both = F.logical_and(F.gt(p0, 0.0), F.gt(p1, 0.0))
    growth = F.where(both, divide_no_nan(p0, p1), 1.0)
    steps = slope * (gained + intercept * F.log(growth))
    positives = _neighbours(tp + fn)[1]
    return F.sum(divide_no_nan(steps, positives), axes=(0,))
