"""The best of one rate at the thresholds at which another rate is at least a given value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .. import _core
from .._base import functional as F
from .._base.checks import check_fraction, check_integer
from .._base.registry import METRICS
from .._base.settings import settings
from .._core import Tensor
from ..losses.reduction import divide_no_nan
from .confusion import MOST_THRESHOLDS, ConfusionMetric

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike

# A rate is the first count, divided by the sum of both.
_RATES = {
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}


class _Constrained(ConfusionMetric):
    _direction = "up"
    # Keras's variables, in its order; two of the rates need but three of them.
    _counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    # The rate that is at least a value, and the one whose largest value is the result.
    _constrained: ClassVar[str]
    _dependent: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: DTypeLike | None,
    ) -> None:
        who = type(self).__name__
        setattr(self, self._constrained, check_fraction(who, self._constrained, value))
        self.num_thresholds = check_integer(
            who, "num_thresholds", num_thresholds, 1, MOST_THRESHOLDS
        )
        if num_thresholds == 1:
            thresholds = [0.5]
        else:  # an output of 0 is above the first one
            inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
            thresholds = [-settings.epsilon, *inner, 1.0]
        super().__init__(thresholds, name, dtype, class_id=class_id)

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets (0 or 1) and outputs, with the samples' weights if given."""
        y_pred = _core.as_tensor(y_pred)
        self._warn_of_logits(y_pred)
        y_pred = F.clip(F.cast(y_pred, dtype="float32"), lo=0.0, hi=1.0)
        super().update_state(y_true, y_pred, sample_weight)

    def _rate(self, name: str) -> Tensor:
        one, other = (getattr(self, count) for count in _RATES[name])
        return divide_no_nan(one, F.add(one, other))

    def result(self) -> Tensor:
        """The largest rate; 0 if no threshold meets the condition."""
        enough = F.ge(self._rate(self._constrained), getattr(self, self._constrained))
        return F.max(F.where(enough, self._rate(self._dependent), 0.0))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            self._constrained: getattr(self, self._constrained),
            "class_id": self.class_id,
        }


@METRICS.register
class PrecisionAtRecall(_Constrained):
    """The largest precision at a threshold where the recall is at least `recall`.

    Source: `keras.metrics.PrecisionAtRecall` of Keras 3.

    Args:
        recall: in [0, 1].
        num_thresholds: how many thresholds, evenly spaced over [0, 1]; with 1 it is 0.5.
        class_id: if set, only this class counts.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.PrecisionAtRecall(0.5)
        >>> float(m([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _constrained, _dependent = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@METRICS.register
class RecallAtPrecision(_Constrained):
    """The largest recall at a threshold where the precision is at least `precision`.

    Source: `keras.metrics.RecallAtPrecision` of Keras 3.

    Args:
        precision: in [0, 1].
        num_thresholds, class_id, name, dtype: as for `PrecisionAtRecall`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.RecallAtPrecision(0.8)
        >>> float(m([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    _constrained, _dependent = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)


@METRICS.register
class SensitivityAtSpecificity(_Constrained):
    """The largest sensitivity at a threshold where the specificity is at least `specificity`.

    The sensitivity is the share of positives, the specificity that of negatives, that were
    predicted so. Source: `keras.metrics.SensitivityAtSpecificity` of Keras 3.

    Args:
        specificity: in [0, 1].
        num_thresholds, class_id, name, dtype: as for `PrecisionAtRecall`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.SensitivityAtSpecificity(0.5)
        >>> float(m([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _constrained, _dependent = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@METRICS.register
class SpecificityAtSensitivity(_Constrained):
    """The largest specificity at a threshold where the sensitivity is at least `sensitivity`.

    Source: `keras.metrics.SpecificityAtSensitivity` of Keras 3.

    Args:
        sensitivity: in [0, 1].
        num_thresholds, class_id, name, dtype: as for `PrecisionAtRecall`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.SpecificityAtSensitivity(0.5)
        >>> round(float(m([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    _constrained, _dependent = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
