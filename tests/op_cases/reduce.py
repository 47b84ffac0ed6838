"""Reductions and scans.

Sums are balanced, so their error stays at a few eps of the sum of the magnitudes.
"""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []

# axes of a (small 2 x 3 x 4) tensor: all, rows, columns, the middle, both ends, none
AXES = {
    "all": None,
    "last": [-1],
    "first": [0],
    "middle": [1],
    "ends": [0, 2],
    "pair": [1, 2],
    "none": [],
}


def cube(draw, grow=1):
    """Three axes; `grow` is the one that is long in the big size."""

    def inputs(d: Draw):
        shape = [d.n(2, 3), d.m(3, 5), d.m(4, 7)]
        if d.size == "big":
            shape[grow] = 9001  # several pieces of a row, and several blocks of rows
        return [draw(d, *shape)]

    return inputs


def normal(d: Draw, *shape):
    return d.normal(*shape)


def apart(d: Draw, *shape):
    return d.apart(*shape)


def axis_of(axes):
    return None if axes is None else tuple(axes)


def magnitude(axes, keepdims=False):
    return lambda x: np.abs(x).sum(axis_of(axes), keepdims=keepdims)


for id, axes in AXES.items():
    for keepdims in (False, True) if id in ("all", "ends") else (False,):
        name = id + ("-kept" if keepdims else "")
        of = axis_of(axes)
        grow = {"last": 2, "first": 0}.get(id, 1)

        def with_axes(f, of=of, keepdims=keepdims):
            return lambda x: f(x, axis=of, keepdims=keepdims)

        def calling(op, axes=axes, keepdims=keepdims):
            return lambda x: getattr(_core, op)(x, axes, keepdims)

        CASES += [
            Case(
                "sum",
                name,
                cube(normal, grow),
                calling("sum"),
                with_axes(np.sum),
                wrt=(0,),
                eps=4,
                scale=magnitude(axes, keepdims),
            ),
            Case(
                "mean",
                name,
                cube(normal, grow),
                calling("mean"),
                with_axes(np.mean),
                wrt=(0,),
                eps=4,
                scale=lambda x, of=of, k=keepdims: np.abs(x).mean(of, keepdims=k),
                empty=id != "all",
            ),
            Case(
                "max",
                name,
                cube(apart, grow),
                calling("max"),
                with_axes(np.max),
                wrt=(0,),
                empty=False,
            ),
            Case(
                "min",
                name,
                cube(apart, grow),
                calling("min"),
                with_axes(np.min),
                wrt=(0,),
                empty=False,
            ),
            # x - mean loses a few eps of the largest magnitude, squared and summed
            Case(
                "var",
                name,
                cube(normal, grow),
                lambda x, a=axes, k=keepdims: _core.var(x, a, k, 0.0),
                with_axes(np.var),
                wrt=(0,),
                eps=16,
                scale=lambda x, of=of, k=keepdims: np.mean(x * x, axis=of, keepdims=k),
                empty=False,
            ),
            # of the mean, a few eps of the average magnitude
            Case(
                "moments",
                name,
                cube(normal, grow),
                lambda x, a=axes, k=keepdims: _core.stack(_core.moments(x, a, k), 0),
                lambda x, of=of, k=keepdims: np.stack(
                    [f(x, of, keepdims=k) for f in (np.mean, np.var)]
                ),
                wrt=(0,),
                eps=16,
                scale=lambda x, of=of, k=keepdims: 1 + np.mean(x * x, axis=of, keepdims=k),
                empty=False,
            ),
            Case(
                "logsumexp",
                name,
                cube(normal, grow),
                calling("logsumexp"),
                lambda x, of=of, k=keepdims: np.log(np.exp(x).sum(of, keepdims=k)),
                wrt=(0,),
                eps=8,
                scale=lambda x, of=of, k=keepdims: 1 + np.abs(x).max(of, keepdims=k),
                empty=False,
            ),
            Case(
                "any",
                name,
                cube(lambda d, *s: d.integers(0, 20, *s, dtype=np.float32) == 0, grow),
                calling("any"),
                with_axes(np.any),
            ),
            Case(
                "all",
                name,
                cube(lambda d, *s: d.integers(0, 20, *s, dtype=np.float32), grow),
                calling("all"),
                with_axes(np.all),
            ),
        ]
    # A product of n factors is off by n eps; the big size keeps its factors near 1.
    CASES.append(
        Case(
            "prod",
            id,
            lambda d: [
                d.nonzero(d.n(2, 7), 3, d.m(4, 5))
                if d.size != "big"
                else d.uniform(0.99, 1.01, 7, 61, 5)
            ],
            lambda x, a=axes: _core.prod(x, a, False),
            lambda x, a=axes: np.prod(x, axis=axis_of(a)),
            wrt=(0,),
            eps=16,
            scale=lambda x, a=axes: np.abs(np.prod(x, axis=axis_of(a))) * (1 + x.size / 100),
        )
    )


def with_ties(d: Draw):
    return [np.array([[1, 3, 3], [2, 2, 2]], np.float32)]


def tied_max(x):
    """Differs from the maximum by terms whose derivative is the even split among ties."""
    largest = x >= np.array([[3], [2]]) - 1e-2
    return (x * largest).sum(1) / largest.sum(1)


def with_zeros(d: Draw):
    x = d.nonzero(3, 5)
    x[0, 1] = x[1, 0] = x[1, 3] = 0
    return [x]


def integers(dtype):
    return lambda d: [
        d.integers(0 if dtype == np.uint8 else -9, 9, d.n(3, 301), d.m(4, 401), dtype=dtype)
    ]


CASES += [
    Case(
        "sum",
        "wide",
        lambda d: [d.normal(d.n(3, 70), d.m(4, 3001))],
        lambda x: _core.sum(x, [0], False),
        lambda x: x.sum(0),
        wrt=(0,),
        eps=4,
        scale=lambda x: np.abs(x).sum(0),
    ),
    Case(
        "max",
        "wide",
        lambda d: [d.apart(d.m(3, 20), d.m(4, 1001))],
        lambda x: _core.max(x, [0], False),
        lambda x: x.max(0),
        wrt=(0,),
    ),
    Case(
        "max",
        "ties",
        with_ties,
        lambda x: _core.max(x, [1], False),
        tied_max,
        wrt=(0,),
        empty=False,
        eps=1,
    ),
    Case(
        "prod",
        "zeros",
        with_zeros,
        lambda x: _core.prod(x, [1], False),
        lambda x: x.prod(1),
        wrt=(0,),
        eps=8,
        empty=False,
    ),
    Case(
        "var",
        "corrected",
        lambda d: [d.normal(d.m(6, 300), 4)],
        lambda x: _core.var(x, [0], False, 1.0),
        lambda x: x.var(0, ddof=1),
        wrt=(0,),
        eps=16,
        scale=lambda x: np.mean(x * x, axis=0),
    ),
    Case(
        "logsumexp",
        "infinite",
        lambda d: [np.array([[-np.inf, -np.inf], [-np.inf, 1], [np.inf, 0]], np.float32)],
        lambda x: _core.logsumexp(x, [1], False),
        lambda x: np.array([-np.inf, 1, np.inf]),
    ),
    Case(
        "logsumexp",
        "large",
        lambda d: [d.normal(d.m(3, 50), 6) + 200],  # beyond float32's exp
        lambda x: _core.logsumexp(x, [1], False),
        lambda x: np.log(np.exp(x - x.max(1, keepdims=True)).sum(1)) + x.max(1),
        wrt=(0,),
        eps=2,
        scale=lambda x: np.abs(x).max(1),
    ),
    Case(
        "sum",
        "booleans",
        lambda d: [d.booleans(d.n(9, 70001))],
        lambda x: _core.sum(x, None, False),
        lambda x: x.sum(dtype=np.int64),
    ),
    Case(
        "mean",
        "booleans",
        lambda d: [d.booleans(d.m(9, 70001))],
        lambda x: _core.mean(x, None, False),
        np.mean,
        eps=2,
    ),
    Case(
        "mean",
        "empty",
        lambda d: [np.zeros((0, 3), np.float32)],
        lambda x: _core.mean(x, [0], False),
        lambda x: np.full(3, np.nan),
    ),
]
for dtype in (np.uint8, np.int32, np.int64):
    name = dtype.__name__
    CASES += [
        Case(
            "sum",
            name,
            integers(dtype),
            lambda x: _core.sum(x, [0], False),
            lambda x: x.sum(0, dtype=np.int64),
        ),
        Case(
            "mean",
            name,
            integers(dtype),
            lambda x: _core.mean(x, [1], False),
            lambda x: x.mean(1),
            eps=4,
            scale=lambda x: np.abs(x.astype(float)).mean(1),
        ),
        Case(
            "prod",
            name,
            lambda d, t=dtype: [d.integers(1, 4, d.n(3, 301), 7, dtype=t)],
            lambda x: _core.prod(x, [1], False),
            lambda x: x.prod(1, dtype=np.int64),
        ),
        Case(
            "max",
            name,
            integers(dtype),
            lambda x: _core.max(x, [1], True),
            lambda x: x.max(1, keepdims=True),
        ),
        Case(
            "min",
            name,
            integers(dtype),
            lambda x: _core.min(x, [0], False),
            lambda x: x.min(0),
            empty=False,
        ),
        Case("any", name, integers(dtype), lambda x: _core.any(x, [1], False), lambda x: x.any(1)),
        Case("all", name, integers(dtype), lambda x: _core.all(x, [0], False), lambda x: x.all(0)),
        Case(
            "cumsum",
            name,
            integers(dtype),
            lambda x: _core.cumsum(x, 0),
            lambda x: x.cumsum(0, dtype=np.int64),
        ),
    ]


def order_reference(axis, descending):
    def f(x):
        x = np.asarray(x)
        if descending:  # backwards from the end, so that equal elements keep their order
            back = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
            return x.shape[axis] - 1 - back
        return np.argsort(x, axis=axis, kind="stable")

    return f


def with_specials(d: Draw):
    x = np.round(2 * d.normal(d.n(5, 7), d.m(6, 9001), 3))  # many equal ones, and both zeros
    x.flat[::7], x.flat[3::11], x.flat[5::13] = np.nan, np.inf, -np.inf
    return [x]


for axis in (0, 1, -1):
    for descending in (False, True):
        for id, draw in {
            "float": with_specials,
            "int64": lambda d: [d.integers(-9, 9, d.n(5, 7), d.m(6, 9001), 3) * (1 << 40)],
            "int32": lambda d: [d.integers(-9, 9, d.n(5, 7), 6, 3, dtype=np.int32)],
            "uint8": lambda d: [d.integers(0, 255, d.n(5, 7), 6, 3, dtype=np.uint8)],
            "bool": lambda d: [d.booleans(d.n(5, 7), 6, 3)],
        }.items():
            CASES.append(
                Case(
                    "order",
                    f"{id}-{axis}-{descending}",
                    draw,
                    lambda x, axis=axis, descending=descending: _core.order(x, axis, descending),
                    order_reference(axis, descending),
                )
            )

for op, reference in [("argmax", np.argmax), ("argmin", np.argmin)]:
    for id, axis in [("flat", None), ("last", -1), ("first", 0), ("middle", 1)]:
        for draw in (
            apart,
            lambda d, *s: d.integers(-2, 3, *s),
            lambda d, *s: d.integers(-2, 3, *s).astype(np.float32),
        ):
            CASES.append(
                Case(
                    op,
                    id,
                    cube(draw, 1),
                    lambda x, a=axis, op=op: getattr(_core, op)(x, a, True),
                    lambda x, a=axis, f=reference: f(x, axis=a, keepdims=True),
                    empty=False,
                )
            )
    CASES.append(
        Case(
            op,
            "nan",
            lambda d: [
                np.array([[1, np.nan, 3, np.nan], [-np.inf, 1, np.inf, np.inf]], np.float32)
            ],
            lambda x, op=op: getattr(_core, op)(x, 1, False),
            lambda x, f=reference: f(x, axis=1),
        )
    )
    CASES.append(
        Case(
            op,
            "nan-columns",
            lambda d: [np.array([[1, np.nan], [np.nan, 2], [5, 0]], np.float32)],
            lambda x, op=op: getattr(_core, op)(x, 0, False),
            lambda x, f=reference: f(x, axis=0),
        )
    )
# A running sum of n terms is off by up to n eps of the sum of the magnitudes so far.
for axis in (0, 1, -1):
    CASES.append(
        Case(
            "cumsum",
            f"axis{axis}",
            lambda d: [d.normal(d.n(2, 31), d.m(3, 99), d.m(4, 33))],
            lambda x, a=axis: _core.cumsum(x, a),
            lambda x, a=axis: x.cumsum(a),
            wrt=(0,),
            eps=4,
            scale=lambda x, a=axis: np.abs(x).cumsum(a),
        )
    )

# The mean and the variance are found together, piece by piece: rows and columns of several pieces,
# three channels, and a mean that is far from 0.
for id, axes, shape in [
    ("long-row", [1], (2, 70001)),
    ("long-columns", [0], (9001, 5)),
    ("channels", [0, 1], (130, 131, 3)),
    ("many-columns", [1], (2, 701, 300)),
]:
    of = tuple(axes)
    small = tuple(min(n, 4) for n in shape)
    CASES.append(
        Case(
            "var",
            id,
            lambda d, s=(small, shape): [d.normal(*s[d.size == "big"]) + 100],
            lambda x, a=axes: _core.var(x, a, False, 1.0),
            lambda x, of=of: x.var(of, ddof=1),
            wrt=(0,),
            eps=8,
            grad_eps=64,
            empty=False,
        )
    )
