"""The dense network of the mlp rows, written by hand without a library.

The step is written once, in plain NumPy; a module of the same primitives may take NumPy's place
(cython_mlp.pyx), so that a reader sees what each layer of effort gains.
"""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np


class numpy_primitives:
    """The primitives as NumPy expressions."""

    @staticmethod
    def dense(x, w, b, relu):
        """x w + b, and max(0, that) if `relu`."""
        y = x @ w + b
        return np.maximum(y, 0) if relu else y

    @staticmethod
    def dense_grads(x, w, dy, need_dx):
        """Gradients of x w + b: of w, of b, and of x (None unless needed)."""
        return x.T @ dy, dy.sum(0), dy @ w.T if need_dx else None

    @staticmethod
    def relu_grad(dy, y):
        """dy where y > 0, else 0."""
        return dy * (y > 0)

    @staticmethod
    def mse_grad(z, y):
        """The mean of (z - y)^2, and its gradient for z."""
        d = z - y
        return float((d * d).mean()), d * np.float32(2 / d.size)

    @staticmethod
    def xent_grad(z, labels):
        """The mean cross-entropy of softmax(z) and labels, and its gradient for z."""
        e = np.exp(z - z.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        rows = np.arange(len(z))
        loss = -np.log(p[rows, labels]).mean()
        p[rows, labels] -= 1
        return float(loss), p / np.float32(len(z))

    @staticmethod
    def adam(p, g, m, v, alpha):
        """Adam's update in place, with beta 0.9 and 0.999 and epsilon 1e-7."""
        m += np.float32(0.1) * (g - m)
        v += np.float32(0.001) * (g * g - v)
        p -= np.float32(alpha) * m / (np.sqrt(v) + np.float32(1e-7))


class PlainMLP:
    """A network of Dense layers with relu between them, trained by Adam with a rate of 0.001.

    Args:
        weights: kernel, bias, kernel, bias, ... as a model's `get_weights()`.
        primitives: the module that computes; it has the functions of `numpy_primitives`.
    """

    def __init__(
        self, weights: list[np.ndarray], primitives: type | ModuleType = numpy_primitives
    ) -> None:
        self.do: Any = primitives
        self.weights = [np.array(w) for w in weights]
        self.m = [np.zeros_like(w) for w in weights]
        self.v = [np.zeros_like(w) for w in weights]
        self.steps = 0

    def forward(self, x: np.ndarray) -> list[np.ndarray]:
        """The values between layers, x first, the last layer's (without softmax) last."""
        values, last = [x], len(self.weights) - 2
        for i in range(0, len(self.weights), 2):
            values.append(self.do.dense(values[-1], self.weights[i], self.weights[i + 1], i < last))
        return values

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """One training step; returns the loss before it. Integer `y`: cross-entropy, else mse."""
        values = self.forward(x)
        loss_grad = self.do.mse_grad if y.dtype == np.float32 else self.do.xent_grad
        loss, dy = loss_grad(values[-1], y)
        self.steps += 1
        alpha = 1e-3 * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for layer in reversed(range(len(values) - 1)):
            i = 2 * layer
            w = self.weights[i]
            dw, db, dx = self.do.dense_grads(values[layer], w, dy, layer > 0)
            if layer:
                dy = self.do.relu_grad(dx, values[layer])
            for k, g in ((i, dw), (i + 1, db)):
                self.do.adam(self.weights[k], g, self.m[k], self.v[k], alpha)
        return loss

    def epoch(self, x: np.ndarray, y: np.ndarray, batch: int, rng: np.random.Generator) -> None:
        """Steps over shuffled batches."""
        order = rng.permutation(len(x))
        for i in range(0, len(x), batch):
            rows = order[i : i + batch]
            self.step(x[rows], y[rows])


def glorot(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """Weights to start from: uniform within sqrt(6 / (inputs + outputs)), zero biases."""
    rng, weights = np.random.default_rng(0), []
    for a, b in pairwise(sizes):
        bound = (6 / (a + b)) ** 0.5
        weights += [rng.uniform(-bound, bound, (a, b)).astype(np.float32), np.zeros(b, np.float32)]
    return weights
