"""Metrics that are means of a loss function or close to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.registry import METRICS
from .._core import Tensor
from ..losses import functions
from ..losses.reduction import masked_weight, same_rank
from ..losses.settings import check_settings
from .reduction import Mean, MeanMetricWrapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike


class _LossMetric(MeanMetricWrapper):
    """The mean of a fixed function, rebuilt from its settings alone."""

    _direction = "down"

    def __init__(
        self,
        fn: Callable[..., TensorLike],
        name: str,
        dtype: DTypeLike | None,
        **settings: Any,
    ) -> None:
        super().__init__(fn, name, dtype, **check_settings(type(self).__name__, settings))

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}


@METRICS.register("mse", "MSE")
class MeanSquaredError(_LossMetric):
    """The mean of `(y_true - y_pred)^2`."""

    def __init__(self, name: str = "mean_squared_error", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.mean_squared_error, name, dtype)


@METRICS.register("mae", "MAE")
class MeanAbsoluteError(_LossMetric):
    """The mean of `|y_true - y_pred|`."""

    def __init__(self, name: str = "mean_absolute_error", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.mean_absolute_error, name, dtype)


@METRICS.register("mape", "MAPE")
class MeanAbsolutePercentageError(_LossMetric):
    """The mean of `100 |y_true - y_pred| / |y_true|`."""

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(functions.mean_absolute_percentage_error, name, dtype)


@METRICS.register("msle", "MSLE")
class MeanSquaredLogarithmicError(_LossMetric):
    """The mean of `(log(1 + y_true) - log(1 + y_pred))^2`."""

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(functions.mean_squared_logarithmic_error, name, dtype)


@METRICS.register
class LogCoshError(_LossMetric):
    """The mean of `log(cosh(y_pred - y_true))`."""

    def __init__(self, name: str = "logcosh", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.log_cosh, name, dtype)


@METRICS.register
class KLDivergence(_LossMetric):
    """The mean Kullback-Leibler divergence."""

    def __init__(self, name: str = "kl_divergence", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.kl_divergence, name, dtype)


@METRICS.register
class Poisson(_LossMetric):
    """The mean of `y_pred - y_true log(y_pred)`."""

    def __init__(self, name: str = "poisson", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.poisson, name, dtype)


@METRICS.register
class Hinge(_LossMetric):
    """The mean of `max(1 - y_true y_pred, 0)`."""

    def __init__(self, name: str = "hinge", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.hinge, name, dtype)


@METRICS.register
class SquaredHinge(_LossMetric):
    """The mean of `max(1 - y_true y_pred, 0)^2`."""

    def __init__(self, name: str = "squared_hinge", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.squared_hinge, name, dtype)


@METRICS.register
class CategoricalHinge(_LossMetric):
    """The mean of `max(neg - pos + 1, 0)`."""

    def __init__(self, name: str = "categorical_hinge", dtype: DTypeLike | None = None) -> None:
        super().__init__(functions.categorical_hinge, name, dtype)


def _cosine(y_true: TensorLike, y_pred: TensorLike, axis: int) -> Tensor:
    return F.neg(functions.cosine_similarity(y_true, y_pred, axis))


@METRICS.register
class CosineSimilarity(_LossMetric):
    """The mean cosine of the angle between targets and outputs: 1 is best."""

    _direction = "up"

    def __init__(
        self, name: str = "cosine_similarity", dtype: DTypeLike | None = None, axis: int = -1
    ) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


@METRICS.register("bce", "BCE")
class BinaryCrossentropy(_LossMetric):
    """The mean binary cross-entropy; settings as for the loss."""

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            functions.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


@METRICS.register
class CategoricalCrossentropy(_LossMetric):
    """The mean cross-entropy of one-hot targets; settings as for the loss."""

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            functions.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@METRICS.register
class SparseCategoricalCrossentropy(_LossMetric):
    """The mean cross-entropy of targets that are class numbers; settings as for the loss.

    As in Keras, samples of `ignore_class` count as 0 in the mean, unless there are sample weights:
    then their weight is 0.
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            functions.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def update_state(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets and outputs, with the samples' weights if given."""
        ignored = self._fn_kwargs["ignore_class"]
        weighted = sample_weight is not None or getattr(y_pred, "_keras_mask", None) is not None
        if weighted and ignored is not None:
            mask = F.ne(y_true, ignored)
            sample_weight = masked_weight(sample_weight, mask, "sum")
        super().update_state(y_true, y_pred, sample_weight)


@METRICS.register
class RootMeanSquaredError(Mean):
    """The square root of the mean of `(y_true - y_pred)^2`.

    Example:
        >>> float(fastdl.metrics.RootMeanSquaredError()([[0, 0]], [[3.0, 3.0]]))
        3.0
    """

    _direction = "down"

    def __init__(
        self, name: str = "root_mean_squared_error", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets and outputs, with the samples' weights if given."""
        y_true, y_pred = same_rank(F.cast(y_true, dtype="float32"), _core.as_tensor(y_pred))
        super().update_state(F.square(F.sub(y_pred, y_true)), sample_weight)

    def result(self) -> Tensor:
        return F.sqrt(super().result())
