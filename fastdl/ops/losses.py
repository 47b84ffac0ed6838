"""Cross-entropies element by element or by sample, sequences of labels, and distances of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, losses
from .._base import functional as F
from .._base.checks import check_choice, check_flag, check_integer, check_number

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """`-target log(p) - (1 - target) log(1 - p)` of each element.

    Args:
        target: in [0, 1], of the output's shape.
        output: probabilities p, or logits if `from_logits`. Probabilities are clipped to
            [epsilon, 1 - epsilon] (`config.epsilon`).
        from_logits: whether `output` has logits.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> binary_crossentropy([1.0, 0.0], [0.5, 0.5])
        tensor([0.6931472, 0.6931472])
    """
    y, p = F.cast(target, dtype="float32"), F.cast(output, dtype="float32")
    if y.shape != p.shape:
        raise ValueError(
            f"binary_crossentropy: expected target and output of one shape, got {y.shape} and "
            f"{p.shape}"
        )
    # The loss is a mean over an axis; one of size 1 leaves the elements.
    y, p = (F.reshape(x, shape=(*x.shape, 1)) for x in (y, p))
    return losses.binary_crossentropy(
        y, p, check_flag("binary_crossentropy", "from_logits", from_logits)
    )


def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """`-sum(target log(p))` over the classes.

    Args:
        target: probabilities of the classes, of the output's shape.
        output: probabilities p, or logits if `from_logits`. Probabilities are divided by their sum
            and clipped to [epsilon, 1 - epsilon] (`config.epsilon`).
        from_logits: whether `output` has logits.
        axis: the axis of the classes.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
        tensor([0.6931472])
    """
    return losses.categorical_crossentropy(
        F.cast(target, dtype="float32"),
        F.cast(output, dtype="float32"),
        check_flag("categorical_crossentropy", "from_logits", from_logits),
        axis=axis,
    )


def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """`-log(p[target])` for targets that are class numbers.

    Args:
        target: integers of the output's shape without the class axis, or with one of size 1.
        output: probabilities p, or logits if `from_logits`. Probabilities are clipped to
            [epsilon, 1 - epsilon] (`config.epsilon`) and divided by their sum.
        from_logits: whether `output` has logits.
        axis: the axis of the classes.

    Raises:
        ValueError: the shapes do not fit, or a target is no class number.

    Example:
        >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]])
        tensor([0.6931472])
    """
    return losses.sparse_categorical_crossentropy(
        target,
        F.cast(output, dtype="float32"),
        check_flag("sparse_categorical_crossentropy", "from_logits", from_logits),
        axis=axis,
    )


def ctc_loss(
    target: TensorLike,
    output: TensorLike,
    target_length: TensorLike,
    output_length: TensorLike,
    mask_index: int = 0,
) -> Tensor:
    """The negative log-likelihood of labels whose alignment with the output is unknown.

    A sample whose labels do not fit into its times has an infinite loss.

    Args:
        target: labels, (batch, labels).
        output: logits, (batch, times, classes).
        target_length: how many labels each sample has, (batch,).
        output_length: how many times each sample has, (batch,).
        mask_index: the class of the blank.

    Returns:
        The losses, (batch,).

    Raises:
        ValueError: the shapes or lengths do not fit, or a label is no class.

    Source: `keras.ops.ctc_loss` of Keras 3.

    Example:
        >>> ctc_loss([[1]], np.zeros((1, 2, 2)), [1], [2]).numpy().round(4)  # 3 of 4 paths
        array([0.2877], dtype=float32)
    """
    labels, logits = F.cast(target, dtype="int64"), F.cast(output, dtype="float32")
    if labels.ndim != 2 or logits.ndim != 3 or labels.shape[0] != logits.shape[0]:
        raise ValueError(
            "ctc_loss: expected target (batch, labels) and output (batch, times, classes), got "
            f"{labels.shape} and {logits.shape}"
        )
    blank = check_integer("ctc_loss", "mask_index", mask_index, 0)
    logs = F.log_softmax(F.transpose(logits, perm=(1, 0, 2)))
    return F.ctc_loss(logs, labels, output_length, target_length, blank=blank)


def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: TensorLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The most probable labels of sequences of logits.

    Args:
        inputs: logits, (batch, times, classes).
        sequence_lengths: how many times each sequence has, (batch,).
        strategy: "greedy" takes the best class of each time. "beam_search" follows the
            `beam_width` most probable label sequences, of which each has many paths.
        beam_width: how many sequences a beam search follows.
        top_paths: how many it returns.
        merge_repeated: whether repeated classes are one label ("greedy"; a beam search always
            merges them).
        mask_index: the class of the blank.

    Returns:
        The labels, int32 of shape (top_paths or 1, batch, times), with -1 after the last one; and
        the scores: for "greedy" (batch, 1), the negative sums of the best logits, for "beam_search"
        (batch, top_paths), log-probabilities.

    Raises:
        ValueError: the shapes do not fit, or an unknown strategy.

    Source: `keras.ops.ctc_decode` of Keras 3.

    Example:
        >>> logits = np.eye(3, dtype="float32")[[[1, 1, 0, 2]]]
        >>> ctc_decode(logits, [4])[0].tolist()
        [[[1, 2, -1, -1]]]
    """
    who = "ctc_decode"
    x = F.cast(inputs, dtype="float32")
    lengths = F.cast(sequence_lengths, dtype="int64")
    if x.ndim != 3 or lengths.shape != x.shape[:1]:
        raise ValueError(
            f"{who}: expected inputs (batch, times, classes) and sequence_lengths (batch,), got "
            f"{x.shape} and {lengths.shape}"
        )
    blank = check_integer(who, "mask_index", mask_index, 0)
    if blank >= x.shape[2]:
        raise ValueError(f"{who}: mask_index: expected a class below {x.shape[2]}, got {blank}")
    merge = check_flag(who, "merge_repeated", merge_repeated)
    if check_choice(who, "strategy", strategy, ("greedy", "beam_search")) == "greedy":
        return _greedy(x, lengths, merge, blank)
    width = check_integer(who, "beam_width", beam_width, 1)
    top = check_integer(who, "top_paths", top_paths, 1)
    if top > width:
        raise ValueError(f"{who}: top_paths: expected at most beam_width = {width}, got {top}")
    logs = F.log_softmax(x).detach().numpy().astype(np.float64)
    paths = np.full((top, *x.shape[:2]), -1, np.int32)
    scores = np.full((x.shape[0], top), -np.inf, np.float32)
    for b, length in enumerate(lengths.tolist()):
        found = _beam_search(logs[b, :length], width, blank)[:top]
        for place, (labels, score) in enumerate(found):
            paths[place, b, : len(labels)] = labels
            scores[b, place] = score
    return _core.as_tensor(paths), _core.as_tensor(scores)


def _greedy(x: Tensor, lengths: Tensor, merge: bool, blank: int) -> tuple[Tensor, Tensor]:
    times = x.shape[1]
    places = np.arange(times)[None]
    over = F.ge(places, F.reshape(lengths, shape=(-1, 1)))
    classes = F.where(over, blank, F.cast(F.argmax(x, axis=2), dtype="int64"))
    scores = F.where(over, 0.0, F.max(x, axes=(2,)))
    if merge and times > 1:
        later, earlier = classes[:, 1:], classes[:, :-1]
        same = F.pad(F.cast(F.eq(later, earlier), dtype="int64"), before=[0, 1], after=[0, 0])
        classes = F.where(F.eq(same, 1), blank, classes)
    none = F.eq(classes, blank)
    # Labels move to the front in their order: the places of blanks come after all others.
    order = F.order(F.where(none, times, places), axis=1)
    labels = F.gather(F.where(none, -1, classes), order, axis=1)
    total = F.neg(F.sum(scores, axes=(1,), keepdims=True))
    return F.cast(F.reshape(labels, shape=(1, *labels.shape)), dtype="int32"), total


def _either(a: float, b: float) -> float:
    """The logarithm of the sum of two probabilities that are given as logarithms."""
    return float(np.logaddexp(a, b))


def _beam_search(logs: np.ndarray, width: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """The most probable label sequences of one sample, best first, with their log-probabilities.

    A sequence has two sums over its paths: of those that end in a blank, and of the others.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for row in logs.tolist():
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for labels, (after_blank, after_label) in beams.items():
            both = _either(after_blank, after_label)
            blanks, others = found.get(labels, (-math.inf, -math.inf))
            if labels:
                others = _either(others, after_label + row[labels[-1]])
            found[labels] = _either(blanks, both + row[blank]), others
            for label, score in enumerate(row):
                if label != blank:
                    longer = (*labels, label)
                    before = after_blank if labels[-1:] == (label,) else both
                    blanks, others = found.get(longer, (-math.inf, -math.inf))
                    found[longer] = blanks, _either(others, before + score)
        beams = dict(sorted(found.items(), key=lambda one: -_either(*one[1]))[:width])
    totals = ((labels, _either(*sums)) for labels, sums in beams.items())
    return sorted(totals, key=lambda one: -one[1])


def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio, `20 log10(max_val) - 10 log10(mean((x1 - x2)^2))`.

    Args:
        x1, x2: images of one shape.
        max_val: the largest possible value.

    Returns:
        One number for all images; infinite for equal ones.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> psnr([[0.0, 1.0]], [[0.1, 0.9]], 1.0).numpy().round(4)
        np.float32(20.0)
    """
    a, b = F.cast(x1, dtype="float32"), F.cast(x2, dtype="float32")
    if a.shape != b.shape:
        raise ValueError(f"psnr: expected images of one shape, got {a.shape} and {b.shape}")
    peak = check_number("psnr", "max_val", max_val, above=0.0)
    error = F.mean(F.square(F.sub(a, b)))
    return F.sub(20.0 * math.log10(peak), F.mul(F.log(error), 10.0 / math.log(10.0)))
