"""Matrix products.

A sum of k products, in any order, is off by at most k eps times the sum of their magnitudes (Higham
2002, section 3.1); the typical error is far below that.
"""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def operands(a_shape, b_shape, transpose_a=False, transpose_b=False):
    def inputs(d: Draw):
        a, b = d.normal(*a_shape(d)), d.normal(*b_shape(d))
        return [
            np.ascontiguousarray(np.swapaxes(a, -1, -2)) if transpose_a else a,
            np.ascontiguousarray(np.swapaxes(b, -1, -2)) if transpose_b else b,
        ]

    return inputs


def product(transpose_a=False, transpose_b=False):
    def f(a, b):
        return np.matmul(
            np.swapaxes(a, -1, -2) if transpose_a else a,
            np.swapaxes(b, -1, -2) if transpose_b else b,
        )

    return f


def add_every_form(name, precision, eps, **more):
    """A B, A B^T, A^T B and A^T B^T in a precision."""
    for ta in (False, True):
        for tb in (False, True):
            CASES.append(
                Case(
                    "matmul",
                    f"{name}{'t' if ta else 'n'}{'t' if tb else 'n'}",
                    operands(
                        lambda d: (d.n(3, 203), d.m(5, 131)),
                        lambda d: (d.m(5, 131), d.m(4, 217)),
                        ta,
                        tb,
                    ),
                    lambda a, b, ta=ta, tb=tb: _core.matmul(
                        a, b, transpose_a=ta, transpose_b=tb, precision=precision
                    ),
                    product(ta, tb),
                    wrt=(0, 1),
                    eps=eps,
                    scale=lambda a, b, ta=ta, tb=tb: product(ta, tb)(np.abs(a), np.abs(b)),
                    **more,
                )
            )


add_every_form("", "float32", 8)
for id, a_shape, b_shape in [
    ("batch", lambda d: (d.n(2, 17), 3, d.m(4, 40)), lambda d: (d.n(2, 17), d.m(4, 40), 5)),
    ("spread", lambda d: (d.n(2, 5), 1, 3, d.m(4, 40)), lambda d: (3, d.m(4, 40), 5)),
    ("one-matrix", lambda d: (d.n(2, 17), 3, d.m(4, 40)), lambda d: (d.m(4, 40), 5)),
    ("vector-left", lambda d: (d.m(4, 400),), lambda d: (d.m(4, 400), d.n(5, 300))),
    ("vector-right", lambda d: (d.n(5, 300), d.m(4, 400)), lambda d: (d.m(4, 400),)),
    ("vectors", lambda d: (d.n(5, 3000),), lambda d: (d.n(5, 3000),)),
]:
    CASES.append(
        Case(
            "matmul",
            id,
            operands(a_shape, b_shape),
            lambda a, b: _core.matmul(a, b, False, False),
            np.matmul,
            wrt=(0, 1),
            eps=8,
            scale=lambda a, b: np.matmul(np.abs(a), np.abs(b)),
        )
    )

for transposed in (False, True):
    for activation, f in [
        ("", lambda z: z),
        ("tanh", np.tanh),
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
    ]:

        def inputs(d: Draw, transposed=transposed):
            x, w = d.normal(d.n(3, 101), 2, d.m(5, 67)), d.normal(d.m(5, 67), d.m(4, 83))
            return [x, np.ascontiguousarray(w.T) if transposed else w, d.normal(d.m(4, 83))]

        def reference(x, w, b, transposed=transposed, f=f):
            return f(x @ (w.T if transposed else w) + b)

        # These activations have slopes of at most 1 and add a few eps of their own.
        CASES.append(
            Case(
                "linear",
                f"{activation or 'plain'}{'-out-in' if transposed else ''}",
                inputs,
                lambda x, w, b, t=transposed, a=activation: _core.linear(x, w, b, t, a),
                reference,
                wrt=(0, 1, 2),
                eps=16,
                scale=lambda x, w, b, t=transposed: np.abs(x) @ np.abs(w.T if t else w) + np.abs(b),
            )
        )
CASES.append(
    Case(
        "linear",
        "without-bias",
        lambda d: [d.normal(d.n(3, 101), 5), d.normal(5, 4)],
        lambda x, w: _core.linear(x, w, None, False, ""),
        np.matmul,
        wrt=(0, 1),
        eps=8,
        scale=lambda x, w: np.abs(x) @ np.abs(w),
    )
)
# Forward alone: no draw of x and w keeps all sums away from a kink. Their gradients are in
# test_linear_fuses_activations.
for activation, f in [
    ("relu", lambda z: np.maximum(z, 0)),
    ("leaky_relu", lambda z: np.where(z > 0, z, 0.2 * z)),
    ("elu", lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0)))),
    (
        "selu",
        lambda z: (
            1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
        ),
    ),
    ("softmax", lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)),
]:
    CASES.append(
        Case(
            "linear",
            activation,
            lambda d: [d.normal(d.n(3, 101), 5), d.normal(5, 4), d.normal(4)],
            lambda x, w, b, a=activation: _core.linear(x, w, b, False, a),
            lambda x, w, b, f=f: f(x @ w + b),
            eps=16,
            scale=lambda x, w, b: np.abs(x) @ np.abs(w) + np.abs(b),
        )
    )

# Operands rounded to bfloat16: each is off by at most 2^-9 of itself, so a product by 2^-8, which
# is 2^15 of float32's epsilons. The small draws are below the sizes that are rounded.
# test_mixed_precision.py tells the two apart.
BF16_EPS = 2.0**15
add_every_form("bfloat16-", "bfloat16", BF16_EPS + 8, grad_eps=BF16_EPS)
CASES.append(
    Case(
        "matmul",
        "bfloat16-spread",
        operands(lambda d: (d.n(2, 5), 1, 33, d.m(4, 40)), lambda d: (3, d.m(4, 40), 35)),
        lambda a, b: _core.matmul(a, b, precision="bfloat16"),
        np.matmul,
        eps=BF16_EPS + 8,
        scale=lambda a, b: np.matmul(np.abs(a), np.abs(b)),
    )
)
for transposed in (False, True):

    def bf16_inputs(d: Draw, transposed=transposed):
        x, w = d.normal(d.n(3, 101), 2, d.m(5, 67)), d.normal(d.m(5, 67), d.m(4, 83))
        return [x, np.ascontiguousarray(w.T) if transposed else w, d.normal(d.m(4, 83))]

    CASES.append(
        Case(
            "linear",
            "bfloat16-out-in" if transposed else "bfloat16-in-out",
            bf16_inputs,
            lambda x, w, b, t=transposed: _core.linear(
                x, w, b, transpose_w=t, precision="bfloat16"
            ),
            lambda x, w, b, t=transposed: x @ (w.T if t else w) + b,
            wrt=(0, 1, 2),
            eps=BF16_EPS + 8,
            grad_eps=BF16_EPS,
            scale=lambda x, w, b, t=transposed: np.abs(x) @ np.abs(w.T if t else w) + np.abs(b),
        )
    )
