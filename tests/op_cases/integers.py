"""Integers at and beyond the bounds of their types, where every result is still defined.

Arithmetic wraps, casts of floats and bounds saturate, and a quotient or remainder by 0 is 0, as in
NumPy. Truth values stay truth values: + is or, * is and.
"""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []
TYPES = (np.uint8, np.int32, np.int64)


def edges(dtype):
    """Pairs of numbers: all pairs of a few at the bounds, and random ones."""

    def inputs(d: Draw):
        info = np.iinfo(dtype)
        few = np.array([info.min, info.min + 1, 0, 1, 2, 3, 7, info.max // 2, info.max], dtype)
        few = np.concatenate([few, np.array([-1], np.int64).astype(dtype)])
        n = d.n(5, 9001)
        random = d.rng.integers(info.min, info.max, (2, n), dtype, endpoint=True)
        if not n:
            return list(random)
        a, b = np.meshgrid(few, few)
        return [
            np.concatenate([a.reshape(-1), random[0]]),
            np.concatenate([b.reshape(-1), random[1]]),
        ]

    return inputs


def one(pairs):
    return lambda d: pairs(d)[:1]


def product(a, b, dtype):
    """Matrices of Python's integers, wrapped at the end."""
    exact = a.astype(object) @ b.astype(object)
    bits = 8 * np.dtype(dtype).itemsize
    return (exact % 2**bits).astype(np.uint64).astype(dtype)


def truncated(x, dtype):
    """A float64 array in an integer type: saturated, NaN as 0."""
    info = np.iinfo(dtype)
    values = [
        0 if v != v else max(info.min, min(info.max, int(v))) for v in np.clip(x, -1e30, 1e30)
    ]
    return np.array(values, dtype)


FLOATS = np.array(
    [0, -0.9, 0.9, -1.5, 254.9, 255, 256, 300, 3e9, -3e9, 2**31, -(2**31), 2**63, -(2**63), 1e30]
    + [-1e30, np.inf, -np.inf, np.nan, 2147483520, -2147483648, 9223371487098961920],
    np.float32,
)

for dtype in TYPES:
    name = dtype.__name__
    for op, reference in [
        ("add", np.add),
        ("sub", np.subtract),
        ("mul", np.multiply),
        ("floor_divide", np.floor_divide),
        ("mod", np.mod),
        ("maximum", np.maximum),
        ("minimum", np.minimum),
        ("eq", np.equal),
        ("lt", np.less),
        ("ge", np.greater_equal),
    ]:
        CASES.append(Case(op, f"{name}-bounds", edges(dtype), getattr(_core, op), reference))
    for op, reference in [("neg", np.negative), ("abs", np.abs), ("square", np.square)]:
        CASES.append(Case(op, f"{name}-bounds", one(edges(dtype)), getattr(_core, op), reference))
    CASES += [
        Case(
            "pow",
            f"{name}-wraps",
            lambda d, t=dtype: [
                d.integers(0, 9, d.n(5, 900), dtype=t),
                d.integers(0, 70, 1, dtype=t),
            ],
            _core.pow,
            np.power,
        ),
        Case(
            "cast",
            f"{name}-saturates",
            lambda d: [np.concatenate([FLOATS, d.uniform(-400, 400, d.n(7, 9000))])],
            lambda x, t=dtype: _core.cast(x, t),
            lambda x, t=dtype: truncated(x, t),
            empty=False,
        ),
        Case(
            "cast",
            f"{name}-wraps",
            one(edges(np.int64)),
            lambda x, t=dtype: _core.cast(x, t),
            lambda x, t=dtype: x.astype(t),
        ),
        Case(
            "cast",
            f"{name}-to-float",
            one(edges(dtype)),
            lambda x: _core.cast(x, np.float32),
            lambda x: x.astype(np.float32).astype(np.float64),
        ),
        Case(
            "clip",
            f"{name}-beyond",
            one(edges(dtype)),
            lambda x: _core.clip(x, -1, 2.0**40),
            lambda x, t=dtype: (
                np.array([max(-1, min(2**40, int(v))) for v in x], np.int64)
                .clip(np.iinfo(t).min, np.iinfo(t).max)
                .astype(t)
            ),
        ),
        Case(
            "clip",
            f"{name}-from-below",
            one(edges(dtype)),
            lambda x: _core.clip(x, 3, np.inf),
            lambda x, t=dtype: np.maximum(x, t(3)),
        ),
        Case(
            "matmul",
            name,
            lambda d, t=dtype: [
                d.rng.integers(np.iinfo(t).min, np.iinfo(t).max, shape, t)
                for shape in ((2, d.n(3, 40), d.m(4, 31)), (d.m(4, 31), 5))
            ],
            lambda a, b: _core.matmul(a, b, False, False),
            lambda a, b, t=dtype: product(a, b, t),
        ),
        Case(
            "linear",
            name,
            lambda d, t=dtype: [
                d.integers(0, 9, d.n(3, 40), 6, dtype=t),
                d.integers(0, 9, 5, 6, dtype=t),
                d.integers(0, 9, 5, dtype=t),
            ],
            lambda x, w, b: _core.linear(x, w, b, True, ""),
            lambda x, w, b, t=dtype: product(x, w.T, t) + b,
        ),
        Case(
            "one_hot",
            f"{name}-strict",
            lambda d, t=dtype: [d.integers(0, 5, d.n(4, 3001), 2, dtype=t)],
            lambda i: _core.one_hot(i, 5, np.int64, True),
            lambda i: (i[..., None] == np.arange(5)).astype(np.int64),
        ),
    ]

for op in ("sum", "cumsum"):
    CASES.append(
        Case(
            op,
            "wraps",
            lambda d: [d.rng.integers(2**62, 2**63 - 1, (d.n(3, 40), 7), np.int64)],
            lambda x, op=op: _core.sum(x, [0], False) if op == "sum" else _core.cumsum(x, 0),
            lambda x, op=op: getattr(np, op)(x, 0),
        )
    )
CASES += [
    Case(
        "matmul",
        "beyond-float32",
        lambda d: [np.array([[16777217, 1]]), np.array([[1], [2**40]])],
        lambda a, b: _core.matmul(a, b, False, False),
        np.matmul,
    ),
    Case(
        "matmul",
        "transposed-integers",
        lambda d: [d.integers(-9, 9, 3, d.n(4, 40), 2), d.integers(-9, 9, 3, 5, d.n(4, 40))],
        lambda a, b: _core.matmul(a, b, True, True),
        lambda a, b: np.swapaxes(a, 1, 2) @ np.swapaxes(b, 1, 2),
    ),
    Case(
        "matmul",
        "masks",
        lambda d: [d.booleans(d.n(3, 40), 5), d.booleans(5, 7)],
        lambda a, b: _core.matmul(a, b, False, False),
        np.matmul,
    ),
    Case(
        "matmul",
        "int32-by-int64",
        lambda d: [d.integers(-9, 9, d.n(3, 40), 5, dtype=np.int32), d.integers(-9, 9, 5)],
        lambda a, b: _core.matmul(a, b, False, False),
        np.matmul,
    ),
    Case(
        "clip",
        "masks",
        lambda d: [d.booleans(d.n(3, 40))],
        lambda x: _core.clip(x, 0, 1),
        lambda x: x.astype(np.int64),
    ),
    Case(
        "pad",
        "beyond-uint8",
        lambda d: [d.integers(0, 255, d.n(3, 40), dtype=np.uint8)],
        lambda x: _core.pad(x, [1], [0], 300.0),
        lambda x: np.pad(x, (1, 0), constant_values=255),
    ),
]


def masks(d: Draw):
    return [d.booleans(d.n(3, 900), 4), d.booleans(4)]


def added(target, value):
    _core.add_(target, value)
    return target


CASES += [
    Case("add", "masks", masks, _core.add, np.add),
    Case("mul", "masks", masks, _core.mul, np.multiply),
    Case("add_", "masks", masks, added, np.add),
    Case("square", "masks", lambda d: masks(d)[:1], _core.square, lambda x: x.astype(np.int64)),
]
for op, reference in [("lt", np.less), ("ge", np.greater_equal), ("ne", np.not_equal)]:
    for number in (-1, 300, 2**40):
        CASES.append(
            Case(
                op,
                f"uint8-with-{number}",
                lambda d: [d.integers(0, 256, d.n(5, 900), dtype=np.uint8)],
                lambda x, op=op, n=number: getattr(_core, op)(x, n),
                lambda x, f=reference, n=number: f(x.astype(np.int64), n),
            )
        )
