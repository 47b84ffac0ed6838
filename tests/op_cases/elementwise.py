"""Binary arithmetic, comparisons, where, cast, copy and in-place assignment."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def same(draw):
    """Two float operands of one shape."""

    def inputs(d: Draw):
        shape = d.n(3, 301), d.m(5, 257)
        return [draw(d, *shape), draw(d, *shape)]

    return inputs


def spread(draw):
    """Operands that are spread along different axes."""

    def inputs(d: Draw):
        return [draw(d, d.m(2, 61), 1, d.n(4, 67)), draw(d, d.m(3, 37), 1)]

    return inputs


def row_and_number(draw):
    def inputs(d: Draw):
        return [draw(d, d.n(7, 70001)), draw(d)]

    return inputs


def positive(d: Draw, *shape):
    return d.uniform(0.2, 3, *shape)


def normal(d: Draw, *shape):
    return d.normal(*shape)


def nonzero(d: Draw, *shape):
    return d.nonzero(*shape)


def lattice(d: Draw, *shape):
    """No ties: the first draw is of multiples of 0.1, the second in between."""
    first, d.shifted = not getattr(d, "shifted", False), True
    return (d.integers(-20, 20, *shape) / 10 + (0 if first else 0.05)).astype(np.float32)


# eps: 1 where IEEE 754 demands the rounded result; pow is documented in the kernel list.
for op, draw, reference, eps in [
    ("add", normal, np.add, 1),
    ("sub", normal, np.subtract, 1),
    ("mul", normal, np.multiply, 1),
    ("div", nonzero, np.divide, 1),
    ("maximum", lattice, np.maximum, 0),
    ("minimum", lattice, np.minimum, 0),
    ("pow", positive, np.power, 4),
]:
    for id, inputs in [("same", same), ("spread", spread), ("number", row_and_number)]:
        CASES.append(Case(op, id, inputs(draw), getattr(_core, op), reference, wrt=(0, 1), eps=eps))

# The quotient keeps 0.1 away from whole numbers, where floor jumps.
for op, reference, wrt in [
    ("floor_divide", np.floor_divide, ()),
    ("mod", np.mod, (0, 1)),
]:

    def divisible(d: Draw):
        shape = d.n(4, 300), d.m(3, 200)
        b = d.uniform(1, 2.5, *shape) * d.rng.choice([-1, 1], shape).astype(np.float32)
        quotient = d.integers(-4, 4, *shape) + d.uniform(0.1, 0.9, *shape)
        return [(quotient * b).astype(np.float32), b]

    # mod's rounding error is that of a - floor(a / b) * b
    CASES.append(
        Case(
            op,
            "float",
            divisible,
            getattr(_core, op),
            reference,
            wrt=wrt,
            eps=2,
            scale=lambda a, b: np.abs(a) + np.abs(b),
        )
    )

INTEGERS = [np.uint8, np.int32, np.int64]
for op, reference in [
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("floor_divide", np.floor_divide),
    ("mod", np.mod),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("pow", np.power),
]:
    for dtype in INTEGERS:

        def operands(d: Draw, dtype=dtype, low=0 if op == "pow" else -9):
            low = 0 if dtype == np.uint8 else low
            shape = d.n(3, 307), d.m(4, 211)
            b = d.integers(low, 9, *shape, dtype=dtype)
            return [d.integers(low, 9, *shape, dtype=dtype), np.where(b == 0, 3, b).astype(dtype)]

        CASES.append(Case(op, dtype.__name__, operands, getattr(_core, op), reference))

CASES += [
    Case(
        "div",
        "integers",
        lambda d: [d.integers(-9, 9, d.n(3, 300), 5), d.integers(1, 9, d.n(3, 300), 5)],
        _core.div,
        np.divide,
        eps=1,
    ),
    Case(
        "add",
        "promotes",
        lambda d: [d.integers(-9, 9, d.n(3, 300), dtype=np.int32), d.normal(d.n(3, 300))],
        _core.add,
        np.add,
        wrt=(1,),
        eps=1,
    ),
    Case(
        "mul",
        "python-number",
        lambda d: [d.normal(d.n(9, 300))],
        lambda a: _core.mul(a, 2.5),
        lambda a: a * 2.5,
        wrt=(0,),
        eps=1,
    ),
    Case(
        "mul",
        "python-integer",
        lambda d: [d.integers(-9, 9, d.n(9, 300), dtype=np.int32)],
        lambda a: _core.mul(3, a),
        lambda a: np.int32(3) * a,
    ),
    Case(
        "pow",
        "square",
        lambda d: [d.normal(d.n(9, 300))],
        lambda a: _core.pow(a, 2.0),
        np.square,
        wrt=(0,),
        eps=1,
    ),
    Case(
        "pow",
        "root",
        lambda d: [positive(d, d.n(9, 300))],
        lambda a: _core.pow(a, 0.5),
        np.sqrt,
        wrt=(0,),
        eps=1,
    ),
    Case(
        "pow",
        "cube",
        lambda d: [d.nonzero(d.n(9, 300))],
        lambda a: _core.pow(a, 3.0),
        lambda a: a**3,
        wrt=(0,),
        eps=4,
    ),
]

for op, reference in [
    ("eq", np.equal),
    ("ne", np.not_equal),
    ("lt", np.less),
    ("le", np.less_equal),
    ("gt", np.greater),
    ("ge", np.greater_equal),
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
]:

    def few_values(d: Draw):
        a = d.integers(-1, 2, d.n(5, 307), 1).astype(np.float32)
        b = d.integers(-1, 2, d.n(5, 307), d.m(4, 211)).astype(np.float32)
        b[b == 1] = d.rng.choice([np.float32(1), np.float32(np.nan)], (b == 1).sum())
        return [a, b]

    CASES.append(Case(op, "float", few_values, getattr(_core, op), reference))
    CASES.append(
        Case(
            op,
            "int64",
            lambda d: [d.integers(-2, 2, d.n(3, 90), 70), d.integers(-2, 2, 70)],
            getattr(_core, op),
            reference,
        )
    )

CASES += [
    Case(
        "logical_not",
        "",
        lambda d: [d.integers(0, 2, d.n(5, 900), dtype=np.float32)],
        _core.logical_not,
        np.logical_not,
    ),
    Case(
        "where",
        "",
        lambda d: [d.booleans(d.n(4, 300), 1), d.normal(5), d.normal(d.n(4, 300), 5)],
        _core.where,
        np.where,
        wrt=(1, 2),
    ),
    Case(
        "where",
        "integers",
        lambda d: [d.booleans(d.n(4, 300)), d.integers(-9, 9, d.n(4, 300), dtype=np.int32)],
        lambda c, a: _core.where(c, a, 7),
        lambda c, a: np.where(c, a, np.int32(7)),
    ),
    Case("copy", "", lambda d: [d.normal(d.n(3, 300), 4)], _core.copy, lambda x: x, wrt=(0,)),
    Case(
        "copy",
        "uint8",
        lambda d: [d.integers(0, 256, d.n(3, 300), dtype=np.uint8)],
        _core.copy,
        lambda x: x,
    ),
    Case(
        "cast",
        "truncates",
        lambda d: [d.uniform(-9, 9, d.n(9, 900))],
        lambda x: _core.cast(x, np.int32),
        lambda x: x.astype(np.int32),
    ),
    Case(
        "cast",
        "truth",
        lambda d: [d.integers(-1, 2, d.n(9, 900)).astype(np.float32)],
        lambda x: _core.cast(x, np.bool_),
        lambda x: x != 0,
    ),
    Case(
        "cast",
        "images",
        lambda d: [d.integers(0, 256, d.n(9, 900), dtype=np.uint8)],
        lambda x: _core.cast(x, np.float32),
        lambda x: x.astype(np.float64),
    ),
    Case(
        "cast",
        "widens",
        lambda d: [d.integers(-9, 9, d.n(9, 900), dtype=np.int32)],
        lambda x: _core.cast(x, np.int64),
        lambda x: x.astype(np.int64),
    ),
]


def assigned(target, value):
    _core.assign_(target, value)
    return target


def added(target, value):
    _core.add_(target, value)
    return target


def accumulated(total, rest, value):
    _core.accumulate_(total, rest, value)
    return [total, rest]


def two_floats(total, rest, value):
    """The sum, which float64 has exactly, as a float32 and what that leaves."""
    exact = total + rest + value
    rounded = exact.astype(np.float32).astype(np.float64)
    return [rounded, exact - rounded]


def a_total(d: Draw):
    """Totals beyond 2^24 with a remainder, whole or in quarters, so that float64 is exact."""
    n = d.n(4, 900)
    exact = d.rng.integers(2**24, 2**30, n) + d.integers(0, 4, n) / 4
    total = exact.astype(np.float32)
    return [total, (exact - total).astype(np.float32), d.integers(-999, 999, n).astype(np.float32)]


CASES += [
    Case("accumulate_", "", a_total, accumulated, two_floats),
    Case(
        "accumulate_",
        "stale",  # a rest that is more than the total rounds away isn't its rest
        lambda d: [np.zeros(3, np.float32), np.float32([1, -0.5, 0]), np.float32([2, 3, 4])],
        accumulated,
        lambda t, r, v: [v, np.zeros(3)],
    ),
    Case(
        "accumulate_",
        "specials",
        lambda d: [
            np.float32([1, np.inf, np.inf, np.nan, 3e38]),
            np.zeros(5, np.float32),
            np.float32([np.inf, 1, -np.inf, 1, 3e38]),
        ],
        accumulated,
        lambda t, r, v: [np.array([np.inf, np.inf, np.nan, np.nan, np.inf]), np.zeros(5)],
    ),
    Case(
        "assign_",
        "",
        lambda d: [d.normal(d.n(3, 300), 5), d.normal(1, 5)],
        assigned,
        lambda t, v: np.broadcast_to(v, t.shape),
    ),
    Case(
        "assign_",
        "casts",
        lambda d: [d.normal(d.n(3, 300), 5), d.integers(-9, 9, 5)],
        assigned,
        lambda t, v: np.broadcast_to(v, t.shape).astype(np.float64),
    ),
    Case("add_", "", lambda d: [d.normal(d.n(3, 300), 5), d.normal(5)], added, np.add, eps=1),
    Case(
        "add_",
        "int64",
        lambda d: [d.integers(-9, 9, d.n(3, 300)), d.integers(-9, 9)],
        added,
        np.add,
    ),
]
