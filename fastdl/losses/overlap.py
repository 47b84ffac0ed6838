"""Losses of how far sets and groups overlap: Dice and Tversky of masks, Circle of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.registry import LOSSES
from .._base.settings import settings
from .._core import Tensor
from .loss import integer_target_functions, positive_loss_functions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import TensorLike

_NEVER = -1e30  # an exponent of which exp is 0


def _masks(who: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    y_pred = _core.as_tensor(y_pred)
    y_true = F.cast(y_true, dtype="float32")
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{who}: expected targets of the outputs' shape {y_pred.shape}, got {y_true.shape}"
        )
    return y_true, y_pred


def _axes(axis: int | Sequence[int] | None) -> tuple[int, ...] | None:
    if axis is None:
        return None
    return (axis,) if isinstance(axis, int) else tuple(axis)


@LOSSES.register
def dice(y_true: TensorLike, y_pred: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """`1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7)`: 0 for equal masks.

    Source: `keras.losses.dice` of Keras 3.

    Args:
        y_true: masks or probabilities, of the outputs' shape.
        y_pred: probabilities.
        axis: the axes of the sums. With None there is one sum, and one loss, of the whole batch.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> fastdl.losses.dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], axis=1).numpy().round(4)
        array([0.3333], dtype=float32)
    """
    y_true, y_pred = _masks("dice", y_true, y_pred)
    axes = _axes(axis)
    both = F.sum(F.mul(y_true, y_pred), axes=axes)
    sizes = F.add(F.sum(y_true, axes=axes), F.sum(y_pred, axes=axes))
    return F.sub(1.0, F.div(F.mul(both, 2.0), F.add(sizes, settings.epsilon)))


@LOSSES.register
def tversky(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | Sequence[int] | None = None,
) -> Tensor:
    """`1 - both / (both + alpha missed + beta added + 1e-7)`; `dice` with 0.5 and 0.5.

    `both` is the sum of `y_true y_pred`, `missed` that of `y_true (1 - y_pred)` and `added` that of
    `(1 - y_true) y_pred`. Source: `keras.losses.tversky` of Keras 3.15, after arXiv:1706.05721.
    (Keras 3.16 exchanges alpha and beta.)

    Args:
        y_true: masks or probabilities, of the outputs' shape.
        y_pred: probabilities.
        alpha: the weight of what the outputs miss. (Keras calls it false positives.)
        beta: the weight of what the outputs add. (Keras calls it false negatives.)
        axis: the axes of the sums. With None there is one sum, and one loss, of the whole batch.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> round(fastdl.losses.tversky([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], alpha=1.0).item(), 4)
        0.5
    """
    y_true, y_pred = _masks("tversky", y_true, y_pred)
    axes = _axes(axis)
    both = F.sum(F.mul(y_true, y_pred), axes=axes)
    missed = F.sum(F.mul(y_true, F.sub(1.0, y_pred)), axes=axes)
    added = F.sum(F.mul(F.sub(1.0, y_true), y_pred), axes=axes)
    whole = F.add(F.add(both, F.mul(missed, alpha)), F.mul(added, beta))
    return F.sub(1.0, F.div(both, F.add(whole, settings.epsilon)))


def _labels(who: str, argument: str, labels: TensorLike, rows: int) -> Tensor:
    labels = _core.as_tensor(labels)
    if labels.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"{who}: {argument}: expected a label for each of {rows} embeddings, got shape "
            f"{labels.shape}"
        )
    return F.reshape(labels, shape=(rows,))


@LOSSES.register
def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """Pulls embeddings of one label together and others apart (arXiv:2002.10857).

    With the distances `d = max(1 - y_pred ref_embeddings^T, 0)` and sums over the references of
    the same label (p) and of others (n) it is `log(1 + sum_p exp(-gamma max(margin + d, 0)
    (margin - d)) sum_n exp(gamma max(1 + margin - d, 0) (1 - margin - d)))`. A sample without a
    reference of either kind has loss 0. As a loss, the mean is over the samples whose loss is
    above 0. Source: `keras.losses.circle` of Keras 3.

    Args:
        y_true: integer labels, (n) or (n, 1).
        y_pred: embeddings of Euclidean norm 1, (n, d).
        ref_labels: labels of the references, (m) or (m, 1); `y_true` if None.
        ref_embeddings: the references, (m, d); `y_pred` if None.
        remove_diagonal: whether sample i is no reference i of its own.
        gamma: the scale of the exponents.
        margin: distances of the same label below it and of others above `1 - margin` suffice.

    Returns:
        The losses, (n).

    Raises:
        ValueError: the shapes don't fit.

    Example:
        >>> x = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> fastdl.losses.circle([0, 0, 1], x, gamma=1.0).numpy().round(4)
        array([0.6163, 0.9617, 0.    ], dtype=float32)
    """
    y_pred = _core.as_tensor(y_pred)
    if y_pred.ndim != 2:
        raise ValueError(f"circle: y_pred: expected embeddings (n, d), got shape {y_pred.shape}")
    rows, width = y_pred.shape
    labels = _labels("circle", "y_true", y_true, rows)
    others = y_pred if ref_embeddings is None else _core.as_tensor(ref_embeddings)
    if others.ndim != 2 or others.shape[1] != width:
        raise ValueError(f"circle: ref_embeddings: expected shape (m, {width}), got {others.shape}")
    count = others.shape[0]
    if ref_labels is None and count == rows:
        ref_labels = labels
    elif ref_labels is None:
        raise ValueError(f"circle: ref_labels: expected labels of {count} references, got None")
    references = _labels("circle", "ref_labels", ref_labels, count)
    same = F.eq(F.reshape(labels, shape=(rows, 1)), F.reshape(references, shape=(1, count)))
    different = F.logical_not(same)
    if remove_diagonal:
        own = F.one_hot(list(range(rows)), depth=count)
        same = F.logical_and(same, F.eq(own, 0.0))
    d = F.relu(F.sub(1.0, F.matmul(y_pred, F.transpose(others, perm=(1, 0)))))
    pull = F.mul(F.relu(F.add(d, margin)), F.mul(F.sub(d, margin), gamma))
    push = F.mul(F.relu(F.sub(1.0 + margin, d)), F.mul(F.sub(1.0 - margin, d), gamma))
    # A finite exponent keeps the gradient of an empty sum 0 rather than NaN.
    pulls = F.logsumexp(F.where(same, pull, _NEVER), axes=(1,))
    pushes = F.logsumexp(F.where(different, push, _NEVER), axes=(1,))
    return F.softplus(F.add(pulls, pushes))


integer_target_functions.add(circle)
positive_loss_functions.add(circle)
