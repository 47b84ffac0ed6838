"""How much worse predictions become when the values of a column are shuffled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .preprocessing import Classes
from .scores import log_loss, r2

_MOST_PREDICTIONS = 2_000_000  # rows, over all columns and repeats
_MOST_ROWS = 5000


def permutation_importance(
    outputs_for: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    true: np.ndarray,
    places: dict[str, slice],
    target: Any,
    repeats: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """The importance of each column: the loss of quality when its values go to other rows.

    Args:
        outputs_for: gives the outputs for encoded rows.
        x: encoded rows (n, d) that the model has not learned from.
        true: class numbers, or values of the target.
        places: the inputs of each column.
        target: the target, with the way from outputs to values.
        repeats: how often each column is shuffled.
        seed: of the shuffles.

    Returns:
        For each column its name, the mean and the standard deviation of the loss over the shuffles:
        the rise of the log loss, or the fall of R2. The most important one comes first. Nothing if
        R2 is not defined, as for a single row.

    Source: Breiman (2001), Fisher et al. (2019); `sklearn.inspection.permutation_importance`.
    """
    rng = np.random.default_rng(seed)
    most = max(50, min(_MOST_ROWS, _MOST_PREDICTIONS // max(1, repeats * len(places))))
    if len(x) > most:
        rows = rng.choice(len(x), most, replace=False)
        x, true = x[rows], true[rows]

    def quality(outputs: np.ndarray) -> float:
        if isinstance(target, Classes):
            return -log_loss(true, outputs)
        return r2(true, target.decode(outputs))

    best = quality(outputs_for(x))
    if np.isnan(best):
        return []
    found: list[dict[str, Any]] = []
    for name, place in places.items():
        shuffled = x.copy()
        falls = []
        for _ in range(repeats):
            shuffled[:, place] = x[rng.permutation(len(x)), place]
            falls.append(best - quality(outputs_for(shuffled)))
        found.append({"column": name, "mean": float(np.mean(falls)), "std": float(np.std(falls))})
    return sorted(found, key=lambda entry: -entry["mean"])
