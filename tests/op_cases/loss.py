"""softmax and the fused losses."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def logits(d: Draw):
    return [d.normal(d.n(3, 307), d.m(4, 61)) * 3]


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    z = x - x.max(axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.exp(z).sum(axis, keepdims=True))


def spread(axis):
    """1 + the largest |x| along the axis: what a logarithm of the sum is rounded against."""
    return lambda x: 1 + np.abs(x).max(axis, keepdims=True, initial=0) + 0 * x


for axis in (-1, 0, 1):
    inputs = logits if axis == -1 else lambda d: [d.normal(d.m(3, 19), d.m(4, 61), d.n(2, 37)) * 3]
    CASES += [
        # exp within 2 ulp of a rounded argument |x - max| <= 20, a balanced sum, a division
        Case(
            "softmax",
            f"axis{axis}",
            inputs,
            lambda x, a=axis: _core.softmax(x, a),
            lambda x, a=axis: softmax(x, a),
            wrt=(0,),
            eps=24,
        ),
        Case(
            "log_softmax",
            f"axis{axis}",
            inputs,
            lambda x, a=axis: _core.log_softmax(x, a),
            lambda x, a=axis: log_softmax(x, a),
            wrt=(0,),
            eps=4,
            scale=spread(axis),
        ),
    ]
CASES.append(
    Case(
        "softmax",
        "large",
        lambda d: [np.array([[1000, 999, -1000], [-1e30, 0, -1e38]], np.float32)],
        lambda x: _core.softmax(x, -1),
        softmax,
        eps=4,
    )
)


def labelled(dtype, ignore=False, leading=()):
    def inputs(d: Draw):
        rows, classes = d.n(5, 1009), d.m(4, 33)
        y = d.integers(0, classes, *leading, rows, dtype=dtype)
        if ignore and rows:
            y[..., ::3] = -100
        return [d.normal(*leading, rows, classes) * 2, y]

    return inputs


def sparse_reference(x, y):
    counts = y != -100
    y = np.where(counts, y, 0).astype(np.int64)
    return -np.take_along_axis(log_softmax(x), y[..., None], -1)[..., 0] * counts


def row_spread(x, y):
    return 2 + 2 * np.abs(x).max(-1, initial=0)


def sigmoid_cross_entropy(x, t):
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


for dtype in (np.int64, np.int32, np.uint8, np.float32):
    CASES.append(
        Case(
            "sparse_softmax_cross_entropy",
            dtype.__name__,
            labelled(dtype),
            lambda x, y: _core.sparse_softmax_cross_entropy(x, y, -100),
            sparse_reference,
            wrt=(0,),
            eps=4,
            scale=row_spread,
        )
    )
CASES += [
    Case(
        "sparse_softmax_cross_entropy",
        "ignored",
        labelled(np.int64, ignore=True),
        lambda x, y: _core.sparse_softmax_cross_entropy(x, y, -100),
        sparse_reference,
        wrt=(0,),
        eps=4,
        scale=row_spread,
    ),
    Case(
        "sparse_softmax_cross_entropy",
        "images",
        labelled(np.int64, leading=(2,)),
        lambda x, y: _core.sparse_softmax_cross_entropy(x, y, -100),
        sparse_reference,
        wrt=(0,),
        eps=4,
        scale=row_spread,
    ),
    Case(
        "sparse_softmax_cross_entropy",
        "one-row",
        lambda d: [d.normal(7), np.array(3)],
        lambda x, y: _core.sparse_softmax_cross_entropy(x, y, -100),
        sparse_reference,
        wrt=(0,),
        eps=4,
        scale=row_spread,
    ),
    Case(
        "softmax_cross_entropy",
        "",
        lambda d: [*logits(d), d.uniform(0, 1, d.n(3, 307), d.m(4, 61))],
        _core.softmax_cross_entropy,
        lambda x, t: -(t * log_softmax(x)).sum(-1),
        wrt=(0, 1),
        eps=8,
        scale=lambda x, t: t.sum(-1) * (2 + 2 * np.abs(x).max(-1, initial=0)),
    ),
    # An impossible class with no weight adds nothing.
    Case(
        "softmax_cross_entropy",
        "infinite",
        lambda d: [np.array([[0, -np.inf, 1]], np.float32), np.array([[1, 0, 0]], np.float32)],
        _core.softmax_cross_entropy,
        lambda x, t: np.array([np.log(1 + np.e)]),
        eps=4,
    ),
    Case(
        "sigmoid_cross_entropy",
        "",
        lambda d: [
            d.nonzero(d.n(3, 307), d.m(4, 61)) * 3,
            d.uniform(0, 1, d.n(3, 307), d.m(4, 61)),
        ],
        _core.sigmoid_cross_entropy,
        sigmoid_cross_entropy,
        wrt=(0, 1),
        eps=4,
        scale=lambda x, t: 1 + np.abs(x),
    ),
    Case(
        "sigmoid_cross_entropy",
        "large",
        lambda d: [np.array([-90, 90, 90], np.float32), np.array([0, 1, 0], np.float32)],
        _core.sigmoid_cross_entropy,
        sigmoid_cross_entropy,
        wrt=(0,),
    ),
]


def residuals(d: Draw):
    """|prediction - target| keeps 0.1 away from the corner at delta."""
    shape = d.n(4, 307), d.m(5, 61)
    target = d.normal(*shape)
    inside = d.booleans(*shape)
    size = np.where(inside, d.uniform(0.05, 1.1, *shape), d.uniform(1.4, 4, *shape))
    return [(target + size * d.rng.choice([-1, 1], shape)).astype(np.float32), target]


def huber(p, t, delta=1.25):
    r = np.abs(p - t)
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))


CASES.append(
    Case(
        "huber",
        "",
        residuals,
        lambda p, t: _core.huber(p, t, 1.25),
        huber,
        wrt=(0, 1),
        eps=4,
        scale=lambda p, t: huber(p, t) + (np.abs(p) + np.abs(t)) * np.minimum(np.abs(p - t), 1.25),
    )
)


def alignments(d: Draw):
    """Log-probabilities that need not add up to 1, padded labels and lengths."""
    times, samples, classes, most = d.m(5, 40), d.n(3, 37), d.m(4, 12), d.m(2, 9)
    used = d.integers(2 * most, times + 1, samples) if d.size == "big" else np.full(samples, times)
    labels = d.integers(1, classes, samples, most)
    return [-d.uniform(0.1, 3, times, samples, classes), labels, used, np.full(samples, most)]


def ctc_loss(x, targets, used, counts):
    """Sums over the paths in float64, state by state."""
    losses = []
    for n in range(x.shape[1]):
        labels = [0]
        for label in targets[n, : counts[n]]:
            labels += [int(label), 0]
        alpha = np.where(np.arange(len(labels)) < 2, np.exp(x[0, n])[labels], 0.0)
        for t in range(1, used[n]):
            p = np.exp(x[t, n])[labels]
            one, two = np.roll(alpha, 1), np.roll(alpha, 2)
            one[0] = two[:2] = 0
            jumps = [s >= 2 and labels[s] not in (0, labels[s - 2]) for s in range(len(labels))]
            alpha = p * (alpha + one + two * jumps)
        losses.append(-np.log(alpha[-2:].sum()))
    return np.array(losses)


CASES.append(
    Case(
        "ctc_loss",
        "",
        alignments,
        lambda x, y, n, m: _core.ctc_loss(x, y, n, m, 0, False),
        ctc_loss,
        eps=1,  # the sums are of float64
    )
)
