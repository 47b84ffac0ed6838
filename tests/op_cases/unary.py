"""Functions of one tensor: elementary functions and activations."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []
erf = np.vectorize(__import__("math").erf, otypes=[np.float64])


def grid(draw):
    return lambda d: [draw(d, d.n(4, 301), d.m(9, 257))]


def positive(d: Draw, *shape):
    return d.uniform(0.1, 5, *shape)


def wide(d: Draw, *shape):
    """Of both signs, away from 0, into both tails of the activations."""
    return d.nonzero(*shape) * d.rng.choice([1, 3], shape).astype(np.float32)


def normal(d: Draw, *shape):
    return d.normal(*shape)


def nonzero(d: Draw, *shape):
    return d.nonzero(*shape)


def between(d: Draw, *shape):
    """At least 0.1 from every multiple of a half."""
    return (d.integers(-9, 9, *shape) / 2 + d.uniform(0.1, 0.4, *shape)).astype(np.float32)


def above_minus_one(d: Draw, *shape):
    return d.uniform(-0.8, 3, *shape)


# Tolerances in eps: 0 exact, 1 rounded once, otherwise the bound stated in the kernel list (an ulp
# is at most an epsilon of the value), plus one for each further operation.
for op, draw, reference, eps, differentiable in [
    ("neg", normal, np.negative, 0, True),
    ("abs", nonzero, np.abs, 0, True),
    ("sign", nonzero, np.sign, 0, False),
    ("sqrt", positive, np.sqrt, 1, True),
    ("root", positive, np.sqrt, 1, True),
    ("rsqrt", positive, lambda x: 1 / np.sqrt(x), 2, True),
    ("exp", normal, np.exp, 2, True),
    ("log", positive, np.log, 2, True),
    ("log1p", above_minus_one, np.log1p, 4, True),
    ("expm1", normal, np.expm1, 2, True),
    ("square", normal, np.square, 1, True),
    ("reciprocal", nonzero, np.reciprocal, 1, True),
    ("sin", normal, np.sin, 2, True),
    ("cos", normal, np.cos, 2, True),
    ("floor", between, np.floor, 0, False),
    ("ceil", between, np.ceil, 0, False),
    ("round", between, np.round, 0, False),
    ("erf", normal, erf, 4, True),
    ("isnan", normal, np.isnan, 0, False),
    ("isfinite", normal, np.isfinite, 0, False),
    ("relu", wide, lambda x: np.maximum(x, 0), 0, True),
    ("softsign", wide, lambda x: x / (1 + np.abs(x)), 2, True),
    ("hard_sigmoid", nonzero, lambda x: np.clip(x / 6 + 0.5, 0, 1), 2, True),
    ("sigmoid", wide, lambda x: 1 / (1 + np.exp(-x)), 4, True),
    ("tanh", wide, np.tanh, 4, True),
    ("softplus", wide, lambda x: np.logaddexp(0, x), 4, True),
    ("silu", wide, lambda x: x / (1 + np.exp(-x)), 5, True),
]:
    CASES.append(
        Case(
            op,
            "",
            grid(draw),
            getattr(_core, op),
            reference,
            wrt=(0,) if differentiable else (),
            eps=eps,
        )
    )

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
CASES += [
    Case(
        "scale_shift",
        "",
        grid(normal),
        lambda x: _core.scale_shift(x, 2.5, -0.75),
        lambda x: x * 2.5 - 0.75,
        wrt=(0,),
        eps=1,
        scale=lambda x: np.abs(2.5 * x) + 0.75,
    ),
    Case(
        "clip",
        "",
        grid(between),
        lambda x: _core.clip(x, -1.5, 2),
        lambda x: np.clip(x, -1.5, 2),
        wrt=(0,),
    ),
    Case(
        "clip",
        "int32",
        lambda d: [d.integers(-9, 9, d.n(9, 900), dtype=np.int32)],
        lambda x: _core.clip(x, -3, 4),
        lambda x: np.clip(x, -3, 4),
    ),
    Case(
        "leaky_relu",
        "",
        grid(wide),
        lambda x: _core.leaky_relu(x, 0.25),
        lambda x: np.where(x > 0, x, 0.25 * x),
        wrt=(0,),
        eps=1,
    ),
    Case(
        "leaky_relu",
        "negative-slope",
        grid(wide),
        lambda x: _core.leaky_relu(x, -0.5),
        lambda x: np.where(x > 0, x, -0.5 * x),
        wrt=(0,),
        eps=1,
    ),
    Case(
        "elu",
        "",
        grid(wide),
        lambda x: _core.elu(x, 0.75),
        lambda x: np.where(x > 0, x, 0.75 * np.expm1(np.minimum(x, 0))),
        wrt=(0,),
        eps=4,
    ),
    Case(
        "elu",
        "negative-alpha",
        grid(wide),
        lambda x: _core.elu(x, -0.75),
        lambda x: np.where(x > 0, x, -0.75 * np.expm1(np.minimum(x, 0))),
        wrt=(0,),
        eps=4,
    ),
    Case(
        "selu",
        "",
        grid(wide),
        _core.selu,
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        wrt=(0,),
        eps=4,
    ),
    Case(
        "gelu",
        "erf",
        grid(wide),
        lambda x: _core.gelu(x, False),
        lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
        wrt=(0,),
        eps=4,
        scale=np.abs,
    ),
    Case(
        "gelu",
        "tanh",
        grid(wide),
        lambda x: _core.gelu(x, True),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        wrt=(0,),
        eps=4,
        scale=np.abs,
    ),
]
for op, reference in [
    ("neg", np.negative),
    ("abs", np.abs),
    ("sign", np.sign),
    ("square", np.square),
    ("floor", lambda x: x),
    ("ceil", lambda x: x),
    ("round", lambda x: x),
]:
    for dtype in [np.int32, np.int64]:
        CASES.append(
            Case(
                op,
                dtype.__name__,
                lambda d, t=dtype: [d.integers(-9, 9, d.n(9, 900), dtype=t)],
                getattr(_core, op),
                reference,
            )
        )
for op, reference in [("isnan", np.isnan), ("isfinite", np.isfinite)]:
    CASES.append(
        Case(
            op,
            "special",
            lambda d: [
                d.rng.choice([0, 1, np.inf, -np.inf, np.nan], d.n(20, 900)).astype(np.float32)
            ],
            getattr(_core, op),
            reference,
        )
    )
CASES.append(
    Case("exp", "integers", lambda d: [d.integers(-5, 5, d.n(9, 900))], _core.exp, np.exp, eps=2)
)
