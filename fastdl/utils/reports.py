"""How well predictions are: confusion matrix, report by class, calibration. NumPy is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.checks import check_choice, check_flag, check_integer
from .._core import Tensor

if TYPE_CHECKING:
    from .._core import TensorLike


def _labels_of(who: str, name: str, values: Any) -> np.ndarray:
    """Labels: rows of probabilities or of a 1 become the numbers of their largest entries."""
    array = values.numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    array = array.reshape(-1) if array.ndim == 2 else array
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"{who}: {name}: expected a label for each sample, or rows with a value for each "
            f"class, got shape {array.shape}"
        )
    return array


def _compared(
    who: str, y_true: Any, y_pred: Any, labels: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The codes of true and predicted labels, and the labels. Pairs without a label are dropped."""
    true, predicted = _labels_of(who, "y_true", y_true), _labels_of(who, "y_pred", y_pred)
    if len(true) != len(predicted):
        raise ValueError(f"{who}: y_true has {len(true)} samples, y_pred {len(predicted)}")
    if predicted.dtype.kind == "f" and (predicted != np.round(predicted)).any():
        raise ValueError(
            f"{who}: y_pred: expected labels, got numbers with fractions; for probabilities of one "
            "class pass y_pred > 0.5"
        )
    known = np.unique(np.concatenate([true, predicted])) if labels is None else np.asarray(labels)
    order = np.argsort(known, kind="stable")

    def coded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        places = np.searchsorted(known, values, sorter=order)
        codes = order[np.minimum(places, len(known) - 1)]
        return codes, known[codes] == values

    (a, a_known), (b, b_known) = coded(true), coded(predicted)
    kept = a_known & b_known
    return a[kept], b[kept], known


def confusion_matrix(
    y_true: TensorLike,
    y_pred: TensorLike,
    labels: Sequence[Any] | None = None,
    normalize: str | None = None,
) -> np.ndarray:
    """How often samples of each class (rows) were taken for each class (columns).

    Args:
        y_true: the labels, or rows with a 1 at the class.
        y_pred: the predicted labels, or rows with a value for each class, the largest of which
            counts.
        labels: the classes in order; all that occur, sorted, unless given.
        normalize: "true" divides each row by its sum, "pred" each column, "all" everything.

    Returns:
        An array of shape (classes, classes): int64, or float64 with `normalize`.

    Raises:
        ValueError: no labels, or different numbers of samples.

    Example:
        >>> utils.confusion_matrix([0, 0, 1], [0, 1, 1]).tolist()
        [[1, 1], [0, 1]]
    """
    who = "confusion_matrix"
    check_choice(who, "normalize", normalize, (None, "true", "pred", "all"))
    true, predicted, known = _compared(who, y_true, y_pred, labels)
    count = len(known)
    matrix = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    if normalize is None:
        return matrix
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    sums = matrix.sum(axis=axis, keepdims=True)
    return np.divide(matrix, sums, out=np.zeros(matrix.shape), where=sums > 0)


def classification_report(
    y_true: TensorLike,
    y_pred: TensorLike,
    labels: Sequence[Any] | None = None,
    target_names: Sequence[str] | None = None,
    digits: int = 2,
    output_dict: bool = False,
) -> Any:
    """Precision, recall and F1 of each class, and their means.

    Args:
        y_true, y_pred, labels: as for `confusion_matrix`.
        target_names: the names of the classes in the report.
        digits: after the point.
        output_dict: whether to return the values by name instead of a text.

    Raises:
        ValueError: as `confusion_matrix` does, or another number of names than classes.

    Source: `sklearn.metrics.classification_report`, where a quotient by 0 is 0.

    Example:
        >>> report = utils.classification_report([0, 0, 1], [0, 1, 1], output_dict=True)
        >>> round(report["macro avg"]["f1-score"], 3), round(report["accuracy"], 3)
        (0.667, 0.667)
    """
    who = "classification_report"
    _, _, known = _compared(who, y_true, y_pred, labels)
    names = [str(label) for label in known] if target_names is None else list(target_names)
    if len(names) != len(known):
        raise ValueError(f"{who}: target_names: expected {len(known)} names, got {len(names)}")
    digits = check_integer(who, "digits", digits, 0)
    matrix = confusion_matrix(y_true, y_pred, known.tolist())
    hits, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall = _quotient(hits, predicted), _quotient(hits, support)
    f1 = _quotient(2 * precision * recall, precision + recall)
    columns = np.stack([precision, recall, f1], axis=1)
    total = int(support.sum())
    macro, weighted = columns.mean(axis=0), _quotient(support @ columns, np.full(3, total))
    accuracy = float(hits.sum() / total) if total else 0.0
    keys = ("precision", "recall", "f1-score", "support")

    def entry(values: np.ndarray, count: Any) -> dict[str, float]:
        return dict(zip(keys, [*map(float, values), float(count)], strict=True))

    if check_flag(who, "output_dict", output_dict):
        report: dict[str, Any] = {
            name: entry(row, count)
            for name, row, count in zip(names, columns, support, strict=True)
        }
        report["accuracy"] = accuracy
        report["macro avg"] = entry(macro, total)
        report["weighted avg"] = entry(weighted, total)
        return report
    width = max(len(name) for name in (*names, "weighted avg"))
    lines = [" " * width + " " + "".join(f"{key:>{max(digits + 3, 9) + 1}}" for key in keys), ""]

    def line(name: str, values: Sequence[float | str], count: int) -> str:
        cells = [v if isinstance(v, str) else f"{v:.{digits}f}" for v in values]
        cells.append(str(count))
        return f"{name:>{width}} " + "".join(f"{c:>{max(digits + 3, 9) + 1}}" for c in cells)

    for name, row, count in zip(names, columns, support, strict=True):
        lines.append(line(name, list(row), int(count)))
    lines += ["", line("accuracy", ["", "", accuracy], total)]
    lines += [line("macro avg", list(macro), total), line("weighted avg", list(weighted), total)]
    return "\n".join(lines) + "\n"


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.zeros(np.shape(a), np.float64), where=np.asarray(b) != 0)


def calibration_curve(
    y_true: TensorLike, y_prob: TensorLike, n_bins: int = 10, strategy: str = "uniform"
) -> tuple[np.ndarray, np.ndarray]:
    """How often samples with a predicted probability are of the class.

    Args:
        y_true: 0 or 1 for each sample.
        y_prob: the probability of 1 for each sample.
        n_bins: the number of bins of probabilities; empty ones are left out.
        strategy: "uniform" for bins of one width, "quantile" for bins of one size.

    Returns:
        Two arrays: for each bin the share of samples that are 1, and their mean probability. Equal
        values mean that the probabilities can be taken at their word.

    Raises:
        ValueError: different numbers of samples, or values that are no classes or probabilities.

    Source: `sklearn.calibration.calibration_curve`.

    Example:
        >>> true, predicted = utils.calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.7, 1.0], 2)
        >>> true.tolist(), predicted.round(2).tolist()
        ([0.0, 1.0], [0.15, 0.85])
    """
    who = "calibration_curve"
    n_bins = check_integer(who, "n_bins", n_bins, 1)
    check_choice(who, "strategy", strategy, ("uniform", "quantile"))
    true, prob = (np.asarray(v, np.float64).reshape(-1) for v in (y_true, y_prob))
    if len(true) != len(prob) or not len(true):
        raise ValueError(f"{who}: y_true has {len(true)} samples, y_prob {len(prob)}")
    if not np.isin(true, (0, 1)).all():
        raise ValueError(f"{who}: y_true: expected 0 and 1")
    if not ((prob >= 0) & (prob <= 1)).all():
        raise ValueError(f"{who}: y_prob: expected numbers in [0, 1]")
    grid = np.linspace(0, 1, n_bins + 1)
    edges = grid if strategy == "uniform" else np.quantile(prob, grid)
    bins = np.searchsorted(edges[1:-1], prob)
    counts = np.bincount(bins, minlength=n_bins)
    used = counts > 0
    sums = (np.bincount(bins, values, minlength=n_bins) for values in (true, prob))
    shares, means = (total[used] / counts[used] for total in sums)
    return shares, means
