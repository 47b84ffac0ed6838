"""Accuracies: the share of samples whose prediction matches the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.registry import METRICS
from .._core import Tensor
from ..losses.reduction import same_rank
from .reduction import MeanMetricWrapper

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike


def _matches(x: Tensor, y: Tensor) -> Tensor:
    return F.cast(F.eq(x, y), dtype="float32")


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where target and prediction are equal, else 0."""
    y_true, y_pred = same_rank(_core.as_tensor(y_true), _core.as_tensor(y_pred))
    return _matches(y_true, y_pred)


def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
    """1 where the output is above `threshold` for a target of 1, or not above it for one of 0."""
    y_true, y_pred = same_rank(_core.as_tensor(y_true), _core.as_tensor(y_pred))
    return _matches(
        F.cast(y_true, dtype="float32"), F.cast(F.gt(y_pred, threshold), dtype="float32")
    )


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest output and the largest target are at the same place."""
    return _matches(F.argmax(y_true, axis=-1), F.argmax(y_pred, axis=-1))


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest output is that of the class in the target."""
    return _matches(_class_numbers(y_true, y_pred), F.argmax(y_pred, axis=-1))


def _class_numbers(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = _core.as_tensor(y_true), _core.as_tensor(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = F.reshape(y_true, shape=y_true.shape[:-1])
    return y_true


def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """1 where the output at the largest target is among the k largest outputs."""
    return sparse_top_k_categorical_accuracy(F.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the output of the class in the target is among the k largest (ties included).

    With `from_sorted_ids`, `y_pred` holds class numbers, best first.
    """
    y_pred = _core.as_tensor(y_pred)
    labels = _class_numbers(y_true, y_pred)
    column = F.reshape(F.cast(labels, dtype="int64"), shape=(*labels.shape, 1))
    if from_sorted_ids:
        places = y_pred.shape[-1]
        best = F.take(y_pred, list(range(min(k, places))), axis=-1)
        hits = F.eq(F.cast(column, dtype="float32"), F.cast(best, dtype="float32"))
        return F.cast(F.any(hits, axes=(-1,)), dtype="float32")
    own = F.gather(y_pred, column, axis=-1)
    better = F.sum(F.cast(F.gt(y_pred, own), dtype="float32"), axes=(-1,))
    return F.cast(F.lt(better, k), dtype="float32")


class _Accuracy(MeanMetricWrapper):
    _direction = "up"

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}


@METRICS.register
class Accuracy(_Accuracy):
    """The share of predictions that equal their target.

    Example:
        >>> float(fastdl.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
        0.75
    """

    def __init__(self, name: str = "accuracy", dtype: DTypeLike | None = None) -> None:
        super().__init__(accuracy, name, dtype)


@METRICS.register
class BinaryAccuracy(_Accuracy):
    """The share of outputs on the right side of a threshold.

    Args:
        name, dtype: as for `Metric`.
        threshold: in [0, 1]; larger outputs predict 1, others 0.

    Raises:
        ValueError: the threshold lies outside.

    Example:
        >>> float(fastdl.metrics.BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6]))
        0.75
    """

    def __init__(
        self, name: str = "binary_accuracy", dtype: DTypeLike | None = None, threshold: float = 0.5
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(
                f"BinaryAccuracy: threshold: expected a number in [0, 1], got {threshold!r}"
            )
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@METRICS.register
class CategoricalAccuracy(_Accuracy):
    """The share of samples whose largest output is that of the one-hot target's class.

    Example:
        >>> float(fastdl.metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.3, 0.7]]))
        0.5
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: DTypeLike | None = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@METRICS.register
class SparseCategoricalAccuracy(_Accuracy):
    """The share of samples whose largest output is that of the class in the target.

    Example:
        >>> float(fastdl.metrics.SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.3, 0.7]]))
        0.5
    """

    def __init__(
        self, name: str = "sparse_categorical_accuracy", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


@METRICS.register
class TopKCategoricalAccuracy(_Accuracy):
    """The share of samples whose one-hot target's class is among the `k` largest outputs."""

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@METRICS.register
class SparseTopKCategoricalAccuracy(_Accuracy):
    """The share of samples whose target's class is among the `k` largest outputs.

    With `from_sorted_ids`, the outputs are class numbers, best first.
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
