"""What a network must beat: a linear model, and one that ignores the columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import nn, optim
from .._base.creation import as_tensor
from .._core import Tensor

_PENALTY = 1.0  # half of the squared weights, beside the sum of the losses: scikit-learn's C = 1
_STEPS = 10
_MOVES = 20


def linear_probabilities(
    x: np.ndarray, y: np.ndarray, classes: int, test: np.ndarray
) -> np.ndarray:
    """Probabilities (n, classes) of a logistic regression with an L2 penalty, by L-BFGS."""
    model = nn.Linear(x.shape[1], classes)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    data, labels = as_tensor(x), as_tensor(y)
    optimizer = optim.LBFGS(
        model.parameters(), max_iter=_MOVES, history_size=10, line_search_fn="strong_wolfe"
    )
    share = _PENALTY / (2 * len(x))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(data), labels)
        loss = loss + share * (model.weight**2).sum()
        loss.backward()
        return loss

    before = float("inf")
    for _ in range(_STEPS):
        now = float(optimizer.step(closure))
        if before - now < 1e-6 * max(abs(before), 1e-12):
            break
        before = now
    weight, bias = (p.numpy().astype(np.float64) for p in model.parameters())
    return _softmax(test @ weight.T + bias)


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def linear_values(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Values (n,) of a ridge regression.

    Args:
        x, test: inputs (n, d).
        y: standardized values (n, 1).
    """
    mean = x.mean(axis=0, dtype=np.float64)
    center = float(y.mean(dtype=np.float64))
    if x.shape[1] <= len(x):
        gram = _gram(x, mean)
        right = sum(
            (part - mean).T @ (target.astype(np.float64) - center) for part, target in _parts(x, y)
        )
        weights = np.linalg.solve(gram + _PENALTY * np.eye(x.shape[1]), right)
    else:  # the same solution by the rows' products, which are fewer
        z = x - mean
        weights = z.T @ np.linalg.solve(z @ z.T + _PENALTY * np.eye(len(x)), y - center)
    return ((test - mean) @ weights)[:, 0] + center


def _parts(
    x: np.ndarray, y: np.ndarray, size: int = 1 << 16
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


def _gram(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    found = np.zeros((x.shape[1], x.shape[1]))
    for part, _ in _parts(x, x):
        z = part - mean
        found += z.T @ z
    return found
