"""Intersection over union of classes, from a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_count, check_flag, check_integer, check_number, shown
from .._base.notices import warn_once
from .._base.promotion import is_int_dtype
from .._base.registry import METRICS
from .._base.settings import settings
from .._core import Tensor
from ..losses.reduction import divide_no_nan
from .metric import Metric, without_gradients

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.types import Config
    from .._core import TensorLike

_MOST_CLASSES = 1 << 15  # the matrix has their square
_BLOCK = 1 << 16  # weights in one running sum; the sums of blocks are added afterwards


def _class_ids(who: str, ids: Sequence[int], num_classes: int) -> list[int]:
    try:
        several = list(ids)
    except TypeError:
        several = []
    if not several:
        raise ValueError(f"{who}: target_class_ids: expected class numbers, got {shown(ids)}")
    return [check_integer(who, "target_class_ids", i, 0, num_classes - 1) for i in several]


@METRICS.register
class IoU(Metric):
    """The mean over some classes of `hits / (hits + false positives + false negatives)`.

    Classes that occur in neither targets nor outputs don't count. Labels that are no class number
    count nowhere. Source: `keras.metrics.IoU` of Keras 3; weights need not be integers.

    Args:
        num_classes: how many classes there are, at least 2 as a rule.
        target_class_ids: the classes whose mean is the result.
        name, dtype: as for `Metric`.
        ignore_class: samples whose target is this label don't count; it need not be a class.
        sparse_y_true: whether targets are class numbers, rather than one-hot along `axis`.
        sparse_y_pred: whether outputs are class numbers, rather than scores along `axis`.
        axis: the axis of the classes where there is one.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(m([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        who = type(self).__name__
        self.num_classes = check_integer(who, "num_classes", num_classes, 1, _MOST_CLASSES)
        self.target_class_ids = _class_ids(who, target_class_ids, self.num_classes)
        self.ignore_class = check_count(who, "ignore_class", ignore_class)
        self.sparse_y_true = check_flag(who, "sparse_y_true", sparse_y_true)
        self.sparse_y_pred = check_flag(who, "sparse_y_pred", sparse_y_pred)
        self.axis = check_integer(who, "axis", axis)
        shape = (self.num_classes, self.num_classes)
        # Rows are targets, columns are outputs.
        self.total_cm = self.add_variable(shape, name="total_confusion_matrix")

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in labels of any shape, with weights of their elements or samples if given."""
        y_true, y_pred = without_gradients(y_true, y_pred)
        if not self.sparse_y_true:
            y_true = F.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = F.argmax(y_pred, axis=self.axis)
        shape = y_true.shape
        if y_true.numel() != y_pred.numel():
            raise ValueError(
                f"{type(self).__name__}: expected as many targets as outputs, got labels of shapes "
                f"{shape} and {y_pred.shape} with sparse_y_true={self.sparse_y_true}, "
                f"sparse_y_pred={self.sparse_y_pred} and axis={self.axis}"
            )
        true, pred = (
            F.reshape(F.cast(y, dtype="int64"), shape=(y_true.numel(),)) for y in (y_true, y_pred)
        )
        counted = F.logical_and(self._is_class(true), self._is_class(pred))
        if self.ignore_class is not None:
            counted = F.logical_and(counted, F.ne(true, self.ignore_class))
        index = F.where(counted, F.add(F.mul(true, self.num_classes), pred), 0)
        if sample_weight is None:
            cells = F.scatter_add(
                F.cast(counted, dtype="int64"), index, axis=0, size=self.num_classes**2
            )
            matrix = F.cast(cells, dtype="float32")
        else:
            weight = F.where(counted, self._weights(sample_weight, shape), 0.0)
            matrix = self._weighted(weight, index)
        own = self.total_cm
        if sample_weight is not None and is_int_dtype(own.dtype):
            warn_once(
                f"{type(self).__name__}: sample_weight: float weights lose their fractions, since "
                f"the counts are {own.dtype}; the default dtype keeps them"
            )
        own.assign_add(F.cast(F.reshape(matrix, shape=own.shape), dtype=own.dtype))

    def _is_class(self, labels: Tensor) -> Tensor:
        return F.logical_and(F.ge(labels, 0), F.lt(labels, self.num_classes))

    def _weights(self, sample_weight: TensorLike, shape: tuple[int, ...]) -> Tensor:
        """A weight for each label; that of a sample counts for all labels in it."""
        weight = F.cast(_core.as_tensor(sample_weight).detach(), dtype="float32")
        if 0 < weight.ndim < len(shape):
            weight = F.reshape(weight, shape=weight.shape + (1,) * (len(shape) - weight.ndim))
        elif weight.numel() == int(np.prod(shape)):
            weight = F.reshape(weight, shape=shape)
        try:
            weight = F.broadcast_to(weight, shape=shape)
        except (TypeError, ValueError):
            raise ValueError(
                f"{type(self).__name__}: sample_weight: shape {weight.shape} does not fit labels "
                f"of shape {shape}"
            ) from None
        return F.reshape(weight, shape=(weight.numel(),))

    def _weighted(self, weight: Tensor, index: Tensor) -> Tensor:
        cells, count = self.num_classes**2, weight.numel()
        blocks = (count - 1) // _BLOCK + 1
        if blocks <= 1:
            return F.scatter_add(weight, index, axis=0, size=cells)
        starts = np.arange(count) // _BLOCK * cells
        sums = F.scatter_add(weight, F.add(index, starts), axis=0, size=blocks * cells)
        return F.sum(F.reshape(sums, shape=(blocks, cells)), axes=(0,))

    def result(self) -> Tensor:
        """The mean; 0 if none of the classes occurred."""
        ids = self.target_class_ids
        cells = F.reshape(self.total_cm, shape=(self.num_classes**2,))
        hits = F.take(cells, [i * (self.num_classes + 1) for i in ids], axis=0)
        rows, columns = (F.take(F.sum(self.total_cm, axes=(i,)), ids, axis=0) for i in (1, 0))
        union = F.sub(F.add(rows, columns), hits)
        present = F.gt(union, 1e-9)
        shares = F.where(present, F.div(hits, F.add(union, settings.epsilon)), 0.0)
        return divide_no_nan(F.sum(shares), F.sum(F.cast(present, dtype="float32")))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> Config:
        return {key: value for key, value in IoU.get_config(self).items() if key not in names}


@METRICS.register
class BinaryIoU(IoU):
    """`IoU` of targets of 0 and 1, and outputs that are 1 from a threshold on.

    Source: `keras.metrics.BinaryIoU` of Keras 3.

    Args:
        target_class_ids: 0, 1 or both.
        threshold: outputs of at least this number predict 1.
        name, dtype: as for `Metric`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> m = fastdl.metrics.BinaryIoU(threshold=0.3)
        >>> round(float(m([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = check_number("BinaryIoU", "threshold", threshold, -np.inf)

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in targets and outputs, with weights of their elements or samples if given."""
        y_pred = F.cast(_core.as_tensor(y_pred).detach(), dtype="float32")
        super().update_state(y_true, F.ge(y_pred, self.threshold), sample_weight)

    def get_config(self) -> Config:
        return {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


@METRICS.register
class MeanIoU(IoU):
    """`IoU`, averaged over all classes that occur; arguments as there.

    Source: `keras.metrics.MeanIoU` of Keras 3.

    Example:
        >>> m = fastdl.metrics.MeanIoU(num_classes=2)
        >>> round(float(m([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        num_classes = check_integer(
            type(self).__name__, "num_classes", num_classes, 1, _MOST_CLASSES
        )
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> Config:
        return self._config_without("target_class_ids")


@METRICS.register
class OneHotIoU(IoU):
    """`IoU` of one-hot targets, and outputs that are scores of the classes; arguments as there.

    Source: `keras.metrics.OneHotIoU` of Keras 3.

    Example:
        >>> m = fastdl.metrics.OneHotIoU(num_classes=3, target_class_ids=[0, 2])
        >>> y = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
        >>> p = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
        >>> round(float(m(y, p)), 4)
        0.1667
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> Config:
        return self._config_without("sparse_y_true")


@METRICS.register
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets, and outputs that are scores of the classes.

    Source: `keras.metrics.OneHotMeanIoU` of Keras 3. Arguments are those of `IoU`.

    Example:
        >>> m = fastdl.metrics.OneHotMeanIoU(num_classes=2)
        >>> float(m([[0, 1], [1, 0]], [[0.1, 0.9], [0.4, 0.6]]))
        0.25
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> Config:
        return self._config_without("target_class_ids", "sparse_y_true")
