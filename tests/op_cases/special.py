"""Functions by name. They are computed in double, so the float32 result is the rounded one."""

import numpy as np
from scipy import special

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def real(d: Draw, *shape):
    return d.nonzero(*shape)


def inside(d: Draw, *shape):
    """Within (-1, 1), away from its ends."""
    return d.uniform(-0.7, 0.7, *shape)


def above_one(d: Draw, *shape):
    return d.uniform(1.1, 6, *shape)


def positive(d: Draw, *shape):
    return d.uniform(0.2, 30, *shape)


def near(d: Draw, *shape):
    return d.uniform(0.2, 3, *shape)


def share(d: Draw, *shape):
    return d.uniform(0.15, 0.85, *shape)


def grid(draw):
    return lambda d: [draw(d, d.n(4, 60), d.m(9, 257))]


for name, draw, reference in [
    ("tan", inside, np.tan),
    ("asin", inside, np.arcsin),
    ("acos", inside, np.arccos),
    ("atan", real, np.arctan),
    ("sinh", real, np.sinh),
    ("cosh", real, np.cosh),
    ("asinh", real, np.arcsinh),
    ("acosh", above_one, np.arccosh),
    ("atanh", inside, np.arctanh),
    ("exp2", real, np.exp2),
    ("cbrt", real, np.cbrt),
    ("erfc", real, special.erfc),
    ("erfcx", real, special.erfcx),
    ("erfinv", inside, special.erfinv),
    ("ndtri", share, special.ndtri),
    ("log_ndtr", real, special.log_ndtr),
    ("lgamma", near, special.gammaln),
    ("digamma", near, special.digamma),
    ("i0", real, special.i0),
    ("i1", real, special.i1),
    ("i0e", real, special.i0e),
    ("i1e", real, special.i1e),
    ("bessel_j0", real, special.j0),
    ("bessel_j1", real, special.j1),
    ("bessel_y0", positive, special.y0),
    ("bessel_y1", positive, special.y1),
    ("k0", positive, special.k0),
    ("k1", positive, special.k1),
    ("k0e", positive, special.k0e),
    ("k1e", positive, special.k1e),
    ("airy_ai", real, lambda x: special.airy(x)[0]),
    ("airy_ai_slope", real, lambda x: special.airy(x)[1]),
]:
    CASES.append(
        Case(
            "special",
            name,
            grid(draw),
            lambda x, name=name: _core.special(x, name),
            reference,
            wrt=(0,),
            eps=0.51,  # half an eps of rounding, and what the double is off
        )
    )
CASES += [
    Case(
        "special",
        f"polygamma-{n}",
        grid(near),
        lambda x, n=n: _core.special(x, "polygamma", n),
        lambda x, n=n: special.polygamma(n, x),
        wrt=(0,),
        eps=0.51,
    )
    for n in (0, 1, 2, 4)
]
EDGE_CASES = {
    "tan": np.tan,
    "asin": np.arcsin,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erfcx": special.erfcx,
    "erfinv": special.erfinv,
    "ndtri": special.ndtri,
    "digamma": special.digamma,
    "log_ndtr": special.log_ndtr,
    "i0e": special.i0e,
    "i1": special.i1,
}
# Into the tails, where series, fractions and asymptotic sums take over.
for name, reference in [
    ("erfcx", special.erfcx),
    ("lgamma", special.gammaln),
    ("digamma", special.digamma),
    ("i0e", special.i0e),
    ("i1e", special.i1e),
]:
    CASES.append(
        Case(
            "special",
            f"{name}-far",
            grid(positive),
            lambda x, name=name: _core.special(x, name),
            reference,
            eps=0.51,
        )
    )
CASES += [
    Case(
        "special",
        "log_ndtr-far",
        grid(positive),
        lambda x: _core.special(_core.neg(x), "log_ndtr"),
        lambda x: special.log_ndtr(-x),
        eps=0.51,
    ),
    Case(
        "special",
        "digamma-reflected",
        lambda d: [
            d.integers(-20, 0, d.n(5, 900)).astype(np.float32) + d.uniform(0.2, 0.8, d.n(5, 900))
        ],
        lambda x: _core.special(x, "digamma"),
        special.digamma,
        eps=0.51,
        scale=lambda x: np.abs(special.digamma(x)) + 10 * np.finfo(np.float64).eps,
    ),
    Case(
        "special",
        "edges",
        lambda d: [np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 2, -2], np.float32)],
        lambda x: [_core.special(x, name) for name in EDGE_CASES],
        lambda x: [function(x) for function in EDGE_CASES.values()],
        eps=0.51,
    ),
]


def pairs(first, second):
    """A column and a row, so that the operands are broadcast."""
    return lambda d: [first(d, d.n(4, 60), 1), second(d, d.m(9, 257))]


for name, first, second, reference, wrt in [
    ("atan2", real, real, np.arctan2, (0, 1)),
    ("hypot", real, real, np.hypot, (0, 1)),
    ("copysign", real, real, np.copysign, (0, 1)),
    ("gamma_p", near, near, special.gammainc, (1,)),
    ("gamma_q", near, near, special.gammaincc, (1,)),
    ("zeta", above_one, near, special.zeta, (1,)),
]:
    CASES.append(
        Case(
            "special2",
            name,
            pairs(first, second),
            lambda a, b, name=name: _core.special2(a, b, name),
            reference,
            wrt=wrt,
            eps=0.51,
        )
    )


def quotients(d: Draw):
    """Numbers whose quotients are at least 0.1 from the integers, where fmod jumps."""
    b = d.uniform(0.5, 2, d.n(4, 60), d.m(9, 257))
    whole = d.integers(-5, 5, *b.shape)
    return [((whole + d.uniform(0.1, 0.9, *b.shape)) * b).astype(np.float32), b]


CASES += [
    Case(
        "special2",
        "fmod",
        quotients,
        lambda a, b: _core.special2(a, b, "fmod"),
        np.fmod,
        wrt=(0, 1),
        eps=0.51,
    ),
    Case(
        "special2",
        "nextafter",
        pairs(real, real),
        lambda a, b: _core.special2(a, b, "nextafter"),
        lambda a, b: np.nextafter(a.astype(np.float32), b.astype(np.float32)).astype(np.float64),
    ),
]

EDGES = [0, 1, 2, 3, 7, 8, 12, 100]


def numbers(dtype, negative=True):
    def draw(d: Draw):
        info = np.iinfo(dtype)
        few = np.array([*EDGES, info.min, info.max], dtype)
        random = d.rng.integers(info.min if negative else 0, info.max, d.n(5, 9001), dtype)
        values = np.concatenate([few, random])[: d.n(9, 9010)]
        return [values, d.rng.permutation(values)]

    return draw


for function, reference in [
    ("and", np.bitwise_and),
    ("or", np.bitwise_or),
    ("xor", np.bitwise_xor),
    ("gcd", np.gcd),
    ("lcm", np.lcm),
]:
    for dtype in (np.uint8, np.int32, np.int64):
        CASES.append(
            Case(
                "bits",
                f"{function}-{dtype.__name__}",
                numbers(dtype),
                lambda a, b, function=function: _core.bits(a, b, function),
                reference,
            )
        )
for function, reference in [("left_shift", np.left_shift), ("right_shift", np.right_shift)]:
    for dtype in (np.uint8, np.int32, np.int64):
        CASES.append(
            Case(
                "bits",
                f"{function}-{dtype.__name__}",
                lambda d, dtype=dtype: [
                    numbers(dtype)(d)[0],
                    d.integers(0, 70, len(numbers(dtype)(d)[0])).astype(dtype),
                ],
                lambda a, b, function=function: _core.bits(a, b, function),
                reference,
            )
        )
CASES += [
    Case(
        "bits",
        f"{function}-bool",
        lambda d: [d.booleans(d.n(5, 3000)), d.booleans(d.n(5, 3000))],
        lambda a, b, function=function: _core.bits(a, b, function),
        reference,
    )
    for function, reference in [
        ("and", np.logical_and),
        ("or", np.logical_or),
        ("xor", np.logical_xor),
    ]
]
