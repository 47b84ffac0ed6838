"""Correlations of targets and outputs along an axis, averaged over the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.registry import METRICS
from .._base.settings import settings
from .._core import Tensor
from ..losses.reduction import same_rank
from .errors import _LossMetric

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._core import TensorLike


def _centred(y: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    mean = F.mean(y, axes=axis, keepdims=True)
    return F.sub(y, mean), mean


def _pair(who: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    y_pred = F.cast(_core.as_tensor(y_pred), dtype="float32")
    y_true, y_pred = same_rank(F.cast(y_true, dtype="float32"), y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{who}: expected targets of the outputs' shape {y_pred.shape}, got {y_true.shape}"
        )
    return y_true, y_pred


def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """The linear correlation along `axis`: 1 and -1 for points on a line, 0 for none.

    `sum(t p) / sqrt(sum(t^2) sum(p^2))` with `t = y_true - mean(y_true)` and
    `p = y_pred - mean(y_pred)`. Source: `keras.metrics.pearson_correlation` of Keras 3.

    Args:
        y_true: targets, of the outputs' shape.
        y_pred: outputs, (batch, ..., d).
        axis: the axis along which values correlate.

    Returns:
        Correlations of the shape without that axis. Of values that are all equal it is NaN.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).numpy().round(6).tolist()
        [1.0]
    """
    y_true, y_pred = _pair("pearson_correlation", y_true, y_pred)
    one, other = (
        F.mul(y, F.rsqrt(F.sum(F.square(y), axes=axis, keepdims=True)))
        for y in (_centred(y_true, axis)[0], _centred(y_pred, axis)[0])
    )
    return F.sum(F.mul(one, other), axes=axis)


def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """How close points are to the line `y_pred = y_true`, along `axis`: 1 if they lie on it.

    `2 cov / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2 + 1e-7)` (Lin 1989).
    Source: `keras.metrics.concordance_correlation` of Keras 3.

    Args:
        y_true: targets, of the outputs' shape.
        y_pred: outputs, (batch, ..., d).
        axis: the axis along which values correlate.

    Returns:
        Correlations of the shape without that axis.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).numpy().round(4)
        array([0.5714], dtype=float32)
    """
    y_true, y_pred = _pair("concordance_correlation", y_true, y_pred)
    (t, t_mean), (p, p_mean) = _centred(y_true, axis), _centred(y_pred, axis)
    spread = F.add(F.mean(F.square(t), axes=axis), F.mean(F.square(p), axes=axis))
    shift = F.mean(F.square(F.sub(t_mean, p_mean)), axes=axis)
    covariance = F.mean(F.mul(t, p), axes=axis)
    return F.div(F.mul(covariance, 2.0), F.add(F.add(spread, shift), settings.epsilon))


@METRICS.register
class PearsonCorrelation(_LossMetric):
    """The mean over the samples of `pearson_correlation` along `axis`.

    Source: `keras.metrics.PearsonCorrelation` of Keras 3.

    Args:
        name, dtype: as for `Metric`.
        axis: the axis along which values correlate.

    Example:
        >>> m = fastdl.metrics.PearsonCorrelation()
        >>> round(float(m([[0.0, 1.0, 0.5], [1.0, 1.0, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9967
    """

    _direction = "up"

    def __init__(
        self, name: str = "pearson_correlation", dtype: DTypeLike | None = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@METRICS.register
class ConcordanceCorrelation(_LossMetric):
    """The mean over the samples of `concordance_correlation` along `axis`.

    Source: `keras.metrics.ConcordanceCorrelation` of Keras 3.

    Args:
        name, dtype: as for `Metric`.
        axis: the axis along which values correlate.

    Example:
        >>> m = fastdl.metrics.ConcordanceCorrelation()
        >>> round(float(m([[0.0, 1.0, 0.5], [1.0, 1.0, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9816
    """

    _direction = "up"

    def __init__(
        self, name: str = "concordance_correlation", dtype: DTypeLike | None = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
