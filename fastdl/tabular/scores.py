"""Scores of predictions, in float64: the formulas of `sklearn.metrics`."""

from __future__ import annotations

import numpy as np


def accuracy(true: np.ndarray, predicted: np.ndarray) -> float:
    """The share of class numbers that are right."""
    return float(np.mean(true == predicted))


def f1_of_classes(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class; NaN for one that is neither true nor predicted."""
    hits = np.bincount(true[true == predicted], minlength=classes)
    both = np.bincount(true, minlength=classes) + np.bincount(predicted, minlength=classes)
    return np.divide(2.0 * hits, both, out=np.full(classes, np.nan), where=both > 0)


def roc_auc(positive: np.ndarray, score: np.ndarray) -> float:
    """The probability that a positive has a higher score than a negative; ties count half.

    NaN if all are of one kind.
    """
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    # The mean rank of equal scores.
    ranks = np.cumsum(counts) - (counts - 1) / 2
    n = int(positive.sum())
    m = len(positive) - n
    if not n or not m:
        return float("nan")
    return float((ranks[places][positive].sum() - n * (n + 1) / 2) / (n * m))


def log_loss(true: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of -log(p) of the true class, with p of at least the smallest step from 1."""
    p = probabilities.astype(np.float64)
    p = p / p.sum(axis=1, keepdims=True)
    chosen = np.clip(p[np.arange(len(true)), true], np.finfo(np.float64).eps, 1.0)
    return float(-np.log(chosen).mean())


def classification_scores(true: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Accuracy, F1, the area under the ROC curve, and the log loss.

    Args:
        true: class numbers (n,).
        probabilities: (n, classes).

    F1 is that of the last class if there are two, else the mean over the classes that are there.
    The area is that of each class against the others, averaged.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    each = f1_of_classes(true, predicted, classes)
    found = {"accuracy": accuracy(true, predicted)}
    if classes == 2:
        found["F1"] = float(np.nan_to_num(each[1]))
        found["macro F1"] = float(np.nanmean(each))
        found["ROC-AUC"] = roc_auc(true == 1, probabilities[:, 1])
    else:
        found["macro F1"] = float(np.nanmean(each))
        areas = np.array([roc_auc(true == i, probabilities[:, i]) for i in range(classes)])
        known = areas[~np.isnan(areas)]
        found["ROC-AUC"] = float(known.mean()) if len(known) else float("nan")
    found["log loss"] = log_loss(true, probabilities)
    return found


def regression_scores(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """R2, the mean absolute error and the root of the mean squared error."""
    unit = float(np.abs(true).max()) or 1.0  # squares of large numbers could overflow
    error = true / unit - predicted / unit
    return {
        "R2": r2(true, predicted),
        "MAE": float(np.abs(error).mean()) * unit,
        "RMSE": float(np.sqrt((error**2).mean())) * unit,
    }


def r2(true: np.ndarray, predicted: np.ndarray) -> float:
    """1 - the sum of squared errors / that of the mean. NaN if all values are equal."""
    unit = float(np.abs(true).max()) or 1.0
    a, b = true / unit, predicted / unit
    total = float(((a - a.mean()) ** 2).sum())
    return 1.0 - float(((a - b) ** 2).sum()) / total if total else float("nan")


# Which scores are better when they are lower.
LOWER_IS_BETTER = frozenset(("log loss", "MAE", "RMSE"))
