"""What all estimators do with samples: dense float32 rows, and weights in one canonical form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight, validate_data

_ROWS = 4096  # that are predicted at a time


def validated(estimator: Any, x: Any, **options: Any) -> Any:
    """The samples, and y if it is among the options, as scikit-learn checks them; float32.

    Raises:
        ValueError: they are no samples, or values are not finite or too large for float32.
    """
    with np.errstate(over="ignore"):  # the check that follows names it
        return validate_data(
            estimator, x, accept_sparse=("csr", "csc"), dtype=np.float32, **options
        )


def dense(x: Any) -> np.ndarray:
    """Rows of float32; a sparse matrix becomes a dense one."""
    return np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x, np.float32)


def in_parts(function: Callable[[np.ndarray], np.ndarray], x: Any) -> np.ndarray:
    """`function` of the rows, of so many at a time that a sparse matrix needs little memory."""
    if x.shape[0] <= _ROWS:
        return function(dense(x))
    starts = range(0, x.shape[0], _ROWS)
    return np.concatenate([function(dense(x[start : start + _ROWS])) for start in starts])


def checked_weights(sample_weight: Any, x: Any, class_weights: Any = None) -> np.ndarray | None:
    """The weights of the samples as an array; None if all count the same.

    Raises:
        ValueError: another number of weights, a negative one, or none above 0.
    """
    if sample_weight is None and class_weights is None:
        return None
    weights = np.ones(x.shape[0])
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
    if class_weights is not None:
        weights = weights * class_weights
    if not (weights > 0).any():
        raise ValueError("sample_weight: expected a weight above 0, got none")
    return weights


class Samples:
    """The samples of a fit.

    Samples of weight 0 are left out. Where all others fit into one batch, equal ones are joined
    and their weights added. So a fit in one batch depends neither on the order of the samples nor
    on whether one is repeated or has a larger weight, to the bit.

    Args:
        x: rows, dense or sparse.
        y: targets, one row or value each.
        weights: as `checked_weights` returns them.
        batch_size: a number, or "auto" for 200 at most.

    Attributes:
        x, y: arrays.
        weights: the weights, of mean 1; None if all count the same.
        total: the sum of the weights as given: the number of samples without weights.
        batch_size: samples per batch.
        batches: the number of batches.
    """

    def __init__(self, x: Any, y: np.ndarray, weights: np.ndarray | None, batch_size: Any) -> None:
        x = dense(x)
        if weights is not None and (weights == 0).any():
            kept = weights > 0
            x, y, weights = x[kept], y[kept], weights[kept]
        count = len(x)
        self.total = count if weights is None else float(weights.sum())
        limit = 200 if isinstance(batch_size, str) else int(batch_size)
        if count <= limit:
            x, y, weights = _joined(x, y, weights)
        self.x, self.y = x, y
        self.batch_size = min(limit, len(x))
        self.batches = -(-len(x) // self.batch_size)
        if weights is not None and (weights == weights[0]).all():
            weights = None
        self.weights = None if weights is None else (weights / weights.mean()).astype(np.float32)


def _joined(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different samples in a fixed order, each with the sum of its weights."""
    targets = y.reshape(len(y), -1).astype(np.float64)
    rows = np.concatenate([x.reshape(len(x), -1).astype(np.float64), targets], axis=1)
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    each = np.ones(len(x)) if weights is None else weights
    return x[first], y[first], np.bincount(which.ravel(), each)
