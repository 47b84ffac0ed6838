"""`ctc_loss` of `nn.functional`, with PyTorch's arguments and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_integer
from ._losses import _reduced

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def ctc_loss(
    log_probs: TensorLike,
    targets: TensorLike,
    input_lengths: TensorLike | Sequence[int],
    target_lengths: TensorLike | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The negative log-likelihood of labels whose alignment with the inputs is unknown.

    It is `-log` of the sum of the probabilities of all paths through the times that give the labels
    once repetitions and then blanks are left out (connectionist temporal classification, Graves et
    al. 2006). Source: `torch.nn.functional.ctc_loss`; the sums are of float64 here.

    The gradient is that of `log_probs` as independent numbers. Through `log_softmax` it is
    PyTorch's, whose gradient of `log_probs` has the one of a softmax added.

    Args:
        log_probs: logarithms of probabilities, (T, N, C), or (T, C) for one sample.
        targets: class indices without blanks, (N, S), or those of all samples one after the other.
        input_lengths: how many of the T times each sample has, (N), or one number for (T, C).
        target_lengths: how many targets each sample has, (N), or one number for (T, C).
        blank: the class that is no label.
        reduction: "mean" (each loss is divided by the sample's target length, then averaged over
            the samples), "sum" or "none".
        zero_infinity: whether the loss and the gradient are 0 for samples whose targets don't fit
            into their times. Without it the loss is infinite and the gradient NaN.

    Returns:
        The loss, or the losses (N).

    Raises:
        ValueError: shapes, lengths or labels don't fit, or unknown reduction.

    Example:
        >>> even = fastdl.full((2, 1, 2), -0.6931472)  # two times, a blank and a label
        >>> ctc_loss(even, [[1]], [2], [1]).numpy().round(4)  # three of four paths
        np.float32(0.2877)
    """
    log_probs = _core.as_tensor(log_probs)
    targets, used, counts = (_core.as_tensor(x) for x in (targets, input_lengths, target_lengths))
    blank = check_integer("ctc_loss", "blank", blank)
    single = log_probs.ndim == 2
    if single:
        log_probs = F.reshape(log_probs, shape=(log_probs.shape[0], 1, log_probs.shape[1]))
        used, counts = (F.reshape(x, shape=(x.numel(),)) for x in (used, counts))
    loss = F.ctc_loss(
        log_probs,
        targets,
        used,
        counts,
        blank=blank,
        zero_infinity=check_flag("ctc_loss", "zero_infinity", zero_infinity),
    )
    if isinstance(reduction, str) and reduction == "mean":
        loss = F.div(loss, F.maximum(F.cast(counts, dtype="float32"), 1.0))
    elif single:
        loss = F.reshape(loss, shape=())
    return _reduced("ctc_loss", loss, reduction)
