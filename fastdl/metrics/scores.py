"""F-scores and the coefficient of determination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_choice, check_integer, check_number
from .._base.registry import METRICS
from .._base.settings import settings
from .._core import Tensor
from ..losses.reduction import divide_no_nan, same_rank
from .metric import Metric, without_gradients

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike


def _check_matrix(who: str, y_true: Tensor, y_pred: Tensor) -> None:
    if y_pred.ndim != 2 or y_true.shape != y_pred.shape:
        raise ValueError(
            f"{who}: expected targets and outputs of one shape (samples, classes), got "
            f"{y_true.shape} and {y_pred.shape}"
        )


@METRICS.register
class FBetaScore(Metric):
    """`(1 + beta^2) precision recall / (beta^2 precision + recall)`.

    Args:
        average: None for a score per class, "micro" for all classes together, "macro" for the
            mean over the classes, "weighted" for that weighted by the targets' counts.
        beta: how many times recall matters more than precision.
        threshold: outputs above it predict 1; with None the largest output of a sample does.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: an argument is out of its range.
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(dtype, name)
        who = type(self).__name__
        check_choice(who, "average", average, (None, "micro", "macro", "weighted"))
        self.beta = check_number(who, "beta", beta, above=0.0)
        if threshold is not None:
            check_number(who, "threshold", threshold, above=0.0, at_most=1.0)
        self.average = average
        self.threshold = threshold

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in one-hot (or multi-hot) targets and outputs, with weights if given."""
        y_true, y_pred = without_gradients(y_true, y_pred)
        _check_matrix(type(self).__name__, y_true, y_pred)
        if not self._variables:
            shape = () if self.average == "micro" else y_pred.shape[1:]
            self.true_positives = self.add_variable(shape, name="true_positives")
            self.false_positives = self.add_variable(shape, name="false_positives")
            self.false_negatives = self.add_variable(shape, name="false_negatives")
            self.support = self.add_variable(shape, name="intermediate_weights")
        y_true = F.cast(y_true, dtype="float32")
        if self.threshold is None:
            largest = F.ge(y_pred, F.max(y_pred, axes=(-1,), keepdims=True))
            chosen = F.logical_and(largest, F.gt(F.abs(y_pred), 1e-9))
        else:
            chosen = F.gt(y_pred, self.threshold)
        pred = F.cast(chosen, dtype="float32")
        axes = None if self.average == "micro" else (0,)
        weight = None
        if sample_weight is not None:
            weight = F.cast(_core.as_tensor(sample_weight).detach(), dtype="float32")
            weight = F.reshape(weight, shape=(-1, 1))
        for state, values in (
            (self.true_positives, F.mul(pred, y_true)),
            (self.false_positives, F.mul(pred, F.sub(1.0, y_true))),
            (self.false_negatives, F.mul(F.sub(1.0, pred), y_true)),
            (self.support, y_true),
        ):
            if weight is not None:
                values = F.mul(values, weight)
            state.assign_add(F.sum(values, axes=axes))

    def result(self) -> Tensor:
        if not self._variables:
            return _core.full((), "float32", 0.0)
        precision = self.true_positives / (
            self.true_positives + self.false_positives + settings.epsilon
        )
        recall = self.true_positives / (
            self.true_positives + self.false_negatives + settings.epsilon
        )
        square = self.beta**2
        score = precision * recall / (square * precision + recall + settings.epsilon) * (1 + square)
        if self.average == "weighted":
            share = self.support / (F.sum(self.support) + settings.epsilon)
            return F.sum(score * share)
        return score if self.average is None else F.mean(score)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


@METRICS.register
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall; arguments as for `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["beta"]
        return config


@METRICS.register
class R2Score(Metric):
    """The coefficient of determination: 1 - (residual sum of squares) / (total sum of squares).

    Args:
        class_aggregation: None for a score per output, "uniform_average" for their mean,
            "variance_weighted_average" for the mean weighted by the targets' variances.
        num_regressors: if above 0, the score is adjusted for this number of independent variables,
            once there are enough samples.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: unknown aggregation, or a negative number of regressors.
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(dtype, name)
        aggregations = (None, "uniform_average", "variance_weighted_average")
        check_choice("R2Score", "class_aggregation", class_aggregation, aggregations)
        check_integer("R2Score", "num_regressors", num_regressors, 0)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable(name="num_samples")

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets and outputs, with the samples' weights if given."""
        y_true, y_pred = without_gradients(y_true, y_pred)
        y_true, y_pred = same_rank(F.cast(y_true, dtype="float32"), y_pred)
        _check_matrix("R2Score", y_true, y_pred)
        if len(self._variables) == 1:
            shape = y_pred.shape[1:]
            self.squared_sum = self.add_variable(shape, name="squared_sum")
            self.sum = self.add_variable(shape, name="sum")
            self.total_mse = self.add_variable(shape, name="residual")
            self.count = self.add_variable(shape, name="count")
        weight = 1.0 if sample_weight is None else _core.as_tensor(sample_weight).detach()
        weight = F.cast(weight, dtype="float32")
        if weight.ndim == 1:
            weight = F.reshape(weight, shape=(-1, 1))
        weight = F.broadcast_to(weight, shape=y_true.shape)
        weighted = F.mul(y_true, weight)
        error = F.square(F.sub(y_true, y_pred))
        self.sum.assign_add(F.sum(weighted, axes=(0,)))
        self.squared_sum.assign_add(F.sum(F.mul(y_true, weighted), axes=(0,)))
        self.total_mse.assign_add(F.sum(F.mul(error, weight), axes=(0,)))
        self.count.assign_add(F.sum(weight, axes=(0,)))
        self.num_samples.assign_add(y_true.numel())  # elements, as Keras counts

    def result(self) -> Tensor:
        if len(self._variables) == 1:
            return _core.full((), "float32", 0.0)
        mean = self.sum / self.count
        total = self.squared_sum - self.sum * mean
        # Without variance the score is 0, as in Keras.
        defined = F.ne(total, 0.0)
        score = F.where(defined, 1.0 - divide_no_nan(self.total_mse, total), 0.0)
        if self.class_aggregation == "uniform_average":
            score = F.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = F.sum(score * total) / F.sum(total)
        if self.num_regressors == 0:
            return score
        # With too few samples the score is not adjusted.
        free = self.num_samples - (self.num_regressors + 1.0)
        adjusted = 1.0 - divide_no_nan((1.0 - score) * (self.num_samples - 1.0), free)
        return F.where(F.gt(free, 0.0), adjusted, score)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
