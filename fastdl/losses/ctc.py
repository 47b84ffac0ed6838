"""Connectionist temporal classification: sequences of labels without an alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.registry import LOSSES
from .._core import Tensor
from .loss import integer_target_functions

if TYPE_CHECKING:
    from .._core import TensorLike


@LOSSES.register
def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The negative log-likelihood of labels whose alignment with the outputs is unknown.

    It is `-log` of the sum of the probabilities of all paths through the times that give the labels
    once repetitions and then blanks are left out (Graves et al. 2006). Class 0 is the blank. If a
    sample's labels don't fit into the times, its loss is infinite and its gradient NaN, as in
    Keras. Source: `keras.losses.ctc` of Keras 3.

    Args:
        y_true: labels from 1 on, (batch, labels); zeros at the end of a row are padding.
        y_pred: logits, (batch, times, classes).

    Returns:
        The losses, (batch).

    Raises:
        ValueError: the shapes don't fit, a label is no class, or a zero comes before a label.

    Example:
        >>> fastdl.losses.ctc([[1, 0]], np.zeros((1, 2, 2))).numpy().round(4)  # 3 of 4 paths
        array([0.2877], dtype=float32)
    """
    y_true, y_pred = _core.as_tensor(y_true), _core.as_tensor(y_pred)
    if y_true.ndim != 2 or y_pred.ndim != 3 or y_true.shape[0] != y_pred.shape[0]:
        raise ValueError(
            "ctc: expected targets of shape (batch, labels) and outputs of shape (batch, times, "
            f"classes), got {y_true.shape} and {y_pred.shape}"
        )
    batch, times = y_pred.shape[:2]
    labels = F.cast(y_true, dtype="int64")
    counts = F.sum(F.cast(F.ne(labels, 0), dtype="int64"), axes=(1,))
    logs = F.log_softmax(F.transpose(y_pred, perm=(1, 0, 2)))
    return F.ctc_loss(logs, labels, [times] * batch, counts)


integer_target_functions.add(ctc)
