"""Random ops against a generator written anew in NumPy: the same seed must give the same values."""

from statistics import NormalDist

import numpy as np

from fastdl import _core

from .case import Case, Draw
from .philox import unit, words, words64

CASES: list[Case] = []
SEED = 0x1234_5678_9ABC  # test_ops.py seeds the generator with it before each call
quantile = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])


def shape_of(d: Draw):
    """Ops without tensors take their shape from an input that only carries it."""
    return [np.zeros((d.n(5, 301), d.m(7, 103)), np.float32)]


def uniform(low, high):
    def reference(x):
        low32, width = np.float32(low), np.float32(high) - np.float32(low)
        return (unit(x.size, SEED) * width + low32).reshape(x.shape).astype(np.float64)

    return reference


def normal(mean, std, truncated=False):
    def reference(x):
        p = (words(x.size, SEED).astype(np.float64) + 0.5) / 2**32
        if truncated:
            tail = NormalDist().cdf(-2)
            p = tail + p * (1 - 2 * tail)
        z = quantile(p) if x.size else p
        return (mean + std * z).reshape(x.shape)

    return reference


def integers(low, high):
    def reference(x):
        draws = [low + (int(w) * (high - low) >> 64) for w in words64(x.size, SEED)]
        return np.array(draws, np.int64).reshape(x.shape)

    return reference


def shuffled(x):
    """Fisher and Yates, from the end."""
    n = len(x)
    order = list(range(n))
    for i, w in enumerate(words64(n, SEED)):
        last = n - 1 - i
        k = int(w) * (last + 1) >> 64
        order[last], order[k] = order[k], order[last]
    return np.array(order, np.int64)


def drawn_from(state):
    """Eight values of the stream, then the generator's own state (restored) and the stream's."""
    seed, counter = (int(v) for v in state)
    values = (words(8, seed, counter) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    return [values.astype(np.float64), np.array([seed, counter + 2])]


def draw_from(state):
    _core.swap_generator_(state)
    values = _core.uniform((8,), 0, 1)
    _core.swap_generator_(state)
    return [values, state]


def dropped(x, rate=0.25):
    return np.where(unit(x.size, SEED).reshape(x.shape) >= np.float32(rate), x / (1 - rate), 0)


CASES += [
    Case("uniform", "", shape_of, lambda x: _core.uniform(x.shape, 0, 1), uniform(0, 1), rng=True),
    Case(
        "uniform",
        "range",
        shape_of,
        lambda x: _core.uniform(x.shape, -3, 0.7),
        uniform(-3, 0.7),
        eps=1,
        scale=lambda x: 3,
        rng=True,
    ),
    # The quantile is exact to float32; then one rounding of it, one of the product, one of the sum.
    Case(
        "normal", "", shape_of, lambda x: _core.normal(x.shape, 0, 1), normal(0, 1), eps=1, rng=True
    ),
    Case(
        "normal",
        "moved",
        shape_of,
        lambda x: _core.normal(x.shape, 2, 0.5),
        normal(2, 0.5),
        eps=2,
        scale=lambda x: 3,
        rng=True,
    ),
    Case(
        "truncated_normal",
        "",
        shape_of,
        lambda x: _core.truncated_normal(x.shape, -1, 2),
        normal(-1, 2, truncated=True),
        eps=2,
        scale=lambda x: 5,
        rng=True,
    ),
    Case(
        "randint",
        "",
        shape_of,
        lambda x: _core.randint(x.shape, -3, 10),
        integers(-3, 10),
        rng=True,
    ),
    Case(
        "randint",
        "wide",
        shape_of,
        lambda x: _core.randint(x.shape, -(2**63), 2**63 - 1),
        integers(-(2**63), 2**63 - 1),
        rng=True,
    ),
    Case(
        "permutation",
        "",
        lambda d: [np.zeros(d.n(11, 20011), np.float32)],
        lambda x: _core.permutation(x.numel()),
        shuffled,
        rng=True,
    ),
    Case(
        "bernoulli",
        "",
        lambda d: [d.uniform(-0.2, 1.2, d.n(9, 20011))],
        _core.bernoulli,
        lambda p: (unit(p.size, SEED) < p).astype(float),
        rng=True,
    ),
    Case(
        "swap_generator_",
        "",
        lambda d: [np.array([0x1234_5678_9ABC_DEF0, 77])],
        draw_from,
        drawn_from,
        empty=False,
        rng=True,
    ),
    Case(
        "dropout",
        "",
        lambda d: [d.normal(d.n(5, 301), d.m(7, 103))],
        lambda x: _core.dropout(x, 0.25),
        dropped,
        wrt=(0,),
        eps=2,
        rng=True,
    ),
    Case(
        "dropout",
        "none",
        lambda d: [d.normal(d.n(5, 301))],
        lambda x: _core.dropout(x, 0),
        lambda x: x,
        wrt=(0,),
    ),
]
