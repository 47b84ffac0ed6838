"""Convolutions: a sum over the taps of the kernel, tap by tap, in float64."""

import itertools

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def taps(x, kernel, sizes, strides, low, high, dilations):
    """For each tap, its index and the part of the padded x that it meets, with y's sizes."""
    rank = len(kernel)
    padded = np.pad(x, [(0, 0), *zip(low, high, strict=True), (0, 0)])
    for tap in itertools.product(*map(range, kernel)):
        windows = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilations, sizes, strides, strict=True)
        ]
        yield tap, padded[(slice(None), *windows)]
        assert rank == len(windows)


def sizes_of(x, kernel, strides, low, high, dilations):
    return [
        (n + a + b - (k - 1) * d - 1) // s + 1
        for n, a, b, k, d, s in zip(
            x.shape[1:-1], low, high, kernel, dilations, strides, strict=True
        )
    ]


def grouped(x, w, groups):
    """x[..., channels] times w[channels of a group, outputs], group by group."""
    parts = zip(np.split(x, groups, -1), np.split(w, groups, -1), strict=True)
    return np.concatenate([a @ b for a, b in parts], -1)


def conv(x, w, bias, strides, low, high, dilations, groups):
    kernel = w.shape[:-2]
    sizes = sizes_of(x, kernel, strides, low, high, dilations)
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]))
    for tap, part in taps(x, kernel, sizes, strides, low, high, dilations):
        y += grouped(part, w[tap], groups)
    return y if bias is None else y + bias


def conv_input(y, w, sizes, strides, low, high, dilations, groups):
    kernel = w.shape[:-2]
    channels = w.shape[-2] * groups
    padded = np.zeros(
        (y.shape[0], *[n + a + b for n, a, b in zip(sizes, low, high, strict=True)], channels)
    )
    for tap in itertools.product(*map(range, kernel)):
        windows = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilations, y.shape[1:-1], strides, strict=True)
        ]
        parts = zip(np.split(y, groups, -1), np.split(w[tap], groups, -1), strict=True)
        padded[(slice(None), *windows)] += np.concatenate([a @ b.T for a, b in parts], -1)
    inner = [slice(a, a + n) for a, n in zip(low, sizes, strict=True)]
    return padded[(slice(None), *inner)]


def conv_kernel(x, y, sizes, strides, low, high, dilations, groups):
    w = np.zeros((*sizes, x.shape[-1] // groups, y.shape[-1]))
    out = y.shape[1:-1]
    for tap, part in taps(x, sizes, out, strides, low, high, dilations):
        pairs = zip(np.split(part, groups, -1), np.split(y, groups, -1), strict=True)
        w[tap] = np.concatenate(
            [np.tensordot(a, b, (range(a.ndim - 1), range(b.ndim - 1))) for a, b in pairs], -1
        )
    return w


# id: spatial sizes of x (small, big), channels in and out of a group, kernel, strides, low, high,
# dilations, groups
SHAPES = {
    "1d": ([9], [401], 3, 5, [3], [1], [0], [0], [1], 1),
    "causal": ([9], [401], 2, 3, [3], [1], [4], [0], [2], 1),
    "2d": ([4, 5], [37, 29], 3, 4, [3, 3], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    "same": ([4, 5], [37, 29], 2, 17, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "wide": ([3, 2], [28, 28], 16, 40, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "strided": ([5, 5], [37, 30], 2, 3, [3, 2], [2, 3], [1, 0], [0, 1], [1, 1], 1),
    "stride-beyond-kernel": ([7, 6], [33, 30], 2, 2, [2, 1], [3, 4], [0, 0], [0, 0], [1, 1], 1),
    "padded-beyond-kernel": ([3, 4], [33, 30], 2, 2, [2, 3], [3, 1], [0, 1], [0, 1], [1, 1], 1),
    "dilated": ([7, 6], [33, 30], 2, 2, [3, 2], [1, 1], [2, 1], [2, 2], [2, 3], 1),
    "dilated-strided": ([7, 6], [33, 30], 2, 2, [3, 2], [2, 3], [2, 1], [2, 2], [2, 2], 1),
    "groups": ([4, 3], [23, 29], 3, 2, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 3),
    "groups-strided": ([4, 3], [23, 29], 2, 3, [3, 3], [2, 2], [1, 0], [0, 1], [1, 1], 4),
    "depthwise": ([4, 3], [23, 29], 1, 1, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 19),
    "depthwise-strided": ([4, 3], [23, 29], 1, 1, [3, 5], [2, 2], [1, 2], [1, 2], [1, 1], 3),
    "multiplied": ([4, 3], [23, 29], 1, 2, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 5),
    # Channels around the width of vectors, and what depthwise kernels cut into parts.
    "depthwise-wide": ([4, 3], [9, 11], 1, 1, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 70),
    "depthwise-large": ([5, 6], [17, 19], 1, 1, [4, 7], [1, 1], [2, 3], [1, 3], [1, 1], 9),
    "depthwise-dilated": ([7, 6], [33, 30], 1, 1, [3, 2], [2, 3], [2, 1], [2, 2], [2, 2], 17),
    "depthwise-phases": ([7, 6], [33, 30], 1, 1, [2, 1], [3, 4], [0, 0], [0, 0], [1, 1], 33),
    "depthwise-long": ([9], [2100], 1, 1, [3], [1], [1], [1], [1], 5),
    "depthwise-3d": (
        [3, 2, 4],
        [9, 12, 12],
        1,
        1,
        [2, 3, 2],
        [1, 2, 1],
        [0, 1, 1],
        [1, 1, 0],
        [1, 1, 2],
        6,
    ),
    "multiplied-strided": ([5, 4], [23, 29], 1, 3, [3, 3], [2, 2], [1, 0], [0, 1], [1, 1], 34),
    "multiplied-3d": (
        [3, 2, 4],
        [9, 12, 12],
        1,
        2,
        [2, 3, 2],
        [1, 2, 1],
        [0, 1, 1],
        [1, 1, 0],
        [1, 1, 2],
        6,
    ),
    "one-channel": ([4, 5], [37, 29], 1, 1, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "pointwise": ([4, 3], [23, 29], 5, 18, [1, 1], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    "pointwise-strided": ([4, 3], [23, 29], 5, 18, [1, 1], [2, 2], [0, 0], [0, 0], [1, 1], 1),
    "pointwise-wide": ([4, 3], [14, 13], 33, 70, [1, 1], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    "few-strided": ([6, 5], [49, 10], 1, 40, [5, 4], [2, 2], [2, 1], [2, 2], [1, 1], 1),
    "few-dilated": ([6, 5], [21, 29], 3, 17, [3, 3], [1, 1], [2, 2], [2, 2], [2, 2], 1),
    "high-tiles": ([2, 3], [9, 25], 24, 16, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "one-pixel": ([1, 1], [1, 1], 3, 4, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "whole": ([4, 5], [14, 15], 2, 3, [4, 5], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    "much-padding": ([3, 2], [9, 7], 2, 3, [2, 2], [1, 2], [5, 4], [3, 6], [1, 1], 1),
    "3d": ([4, 3, 5], [9, 8, 10], 2, 3, [2, 3, 2], [1, 2, 1], [0, 1, 1], [1, 1, 0], [1, 1, 2], 1),
    "long-sum": ([3, 3], [5, 6], 130, 20, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "long-channels": ([2, 2], [3, 4], 1100, 3, [2, 2], [1, 1], [1, 0], [0, 1], [1, 1], 1),
}


GRADIENTS = {"1d", "strided", "dilated-strided", "depthwise-strided", "groups-strided"}


def magnitude(reference):
    """The reference of the magnitudes: what roundings of a sum are relative to."""

    def f(*inputs):
        return reference(*[np.abs(i) for i in inputs])

    return f


for id, (small, big, cin, cout, kernel, *rest, groups) in SHAPES.items():
    strides, low, high, dilations = rest
    options = (strides, low, high, dilations, groups)

    def draw(d: Draw, small=small, big=big, cin=cin, cout=cout, kernel=kernel, groups=groups):
        sizes = big if d.size == "big" else small
        x = d.normal(d.n(2, 3), *sizes, cin * groups)
        return x, d.normal(*kernel, cin, cout * groups), d.normal(cout * groups)

    def y_for(
        x,
        d,
        kernel=kernel,
        strides=strides,
        low=low,
        high=high,
        dilations=dilations,
        n=cout * groups,
    ):
        sizes = sizes_of(x, kernel, strides, low, high, dilations)
        return d.normal(x.shape[0], *sizes, n)

    # The gradients are the other ops, of which every shape is a case. So a few shapes are enough.
    gradients = id in GRADIENTS
    # Sums of at most 1,170 products as chains of up to 1,024 roundings; they average out. The
    # gradient of the kernel sums up to 3,200 pixels.
    tolerance = {"eps": 40}

    CASES.append(
        Case(
            "conv",
            id,
            lambda d, draw=draw: draw(d),
            lambda x, w, b, o=options: _core.conv(x, w, b, *o),
            lambda x, w, b, o=options: conv(x, w, b, *o),
            wrt=(0, 1, 2) if gradients else (),
            scale=magnitude(lambda x, w, b, o=options: conv(x, w, b, *o)),
            grad_eps=200,
            **tolerance,
        )
    )
    CASES.append(
        Case(
            "conv_input",
            id,
            lambda d, draw=draw, y_for=y_for: (
                lambda x, w, _: [y_for(x, d), w, np.zeros(x.shape[1:-1], np.float32)]
            )(*draw(d)),
            lambda y, w, like, o=options: _core.conv_input(y, w, like.shape, *o),
            lambda y, w, like, o=options: conv_input(y, w, like.shape, *o),
            wrt=(0, 1) if gradients else (),
            scale=magnitude(lambda y, w, like, o=options: conv_input(y, w, like.shape, *o)),
            grad_eps=200,
            **tolerance,
        )
    )
    CASES.append(
        Case(
            "conv_kernel",
            id,
            lambda d, draw=draw, y_for=y_for: (lambda x, w, _: [x, y_for(x, d)])(*draw(d)),
            lambda x, y, k=kernel, o=options: _core.conv_kernel(x, y, k, *o),
            lambda x, y, k=kernel, o=options: conv_kernel(x, y, k, *o),
            wrt=(0, 1) if gradients else (),
            scale=magnitude(lambda x, y, k=kernel, o=options: conv_kernel(x, y, k, *o)),
            grad_eps=200,
            **tolerance,
        )
    )
# Operands rounded to bfloat16: each is off by at most 2^-8 of itself, so a product by 2^-7, which
# is 2^16 of float32's epsilons. The small draws are below the sizes that are rounded.
# test_conv_bf16.py tells the two apart.
BF16_EPS = 2.0**16
BF16_SHAPES = {
    "bfloat16": ([2, 3], [9, 11], 35, 40, [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 1),
    "bfloat16-strided": ([3, 3], [13, 9], 16, 24, [3, 2], [2, 2], [1, 0], [0, 1], [1, 1], 1),
}
for id, (small, big, cin, cout, kernel, *rest, _) in BF16_SHAPES.items():
    options = (*rest, 1)

    def bf16_draw(d: Draw, small=small, big=big, cin=cin, cout=cout, kernel=kernel, rest=rest):
        n_in, n_out = d.m(2, cin), d.m(3, cout)
        x = d.normal(d.n(2, 5), *(big if d.size == "big" else small), n_in)
        y = d.normal(x.shape[0], *sizes_of(x, kernel, *rest), n_out)
        return x, d.normal(*kernel, n_in, n_out), y

    CASES.append(
        Case(
            "conv",
            id,
            lambda d, draw=bf16_draw: (lambda x, w, _: [x, w, d.normal(w.shape[-1])])(*draw(d)),
            lambda x, w, b, o=options: _core.conv(x, w, b, *o, precision="bfloat16"),
            lambda x, w, b, o=options: conv(x, w, b, *o),
            wrt=(0, 1, 2),
            scale=magnitude(lambda x, w, b, o=options: conv(x, w, b, *o)),
            eps=BF16_EPS + 40,
            grad_eps=BF16_EPS,
        )
    )
    CASES.append(
        Case(
            "conv_input",
            id,
            lambda d, draw=bf16_draw: (lambda x, w, y: [y, w, np.zeros(x.shape[1:-1], np.float32)])(
                *draw(d)
            ),
            lambda y, w, like, o=options: _core.conv_input(
                y, w, like.shape, *o, precision="bfloat16"
            ),
            lambda y, w, like, o=options: conv_input(y, w, like.shape, *o),
            wrt=(0, 1),
            scale=magnitude(lambda y, w, like, o=options: conv_input(y, w, like.shape, *o)),
            eps=BF16_EPS + 40,
            grad_eps=BF16_EPS,
        )
    )
    CASES.append(
        Case(
            "conv_kernel",
            id,
            lambda d, draw=bf16_draw: (lambda x, _, y: [x, y])(*draw(d)),
            lambda x, y, k=kernel, o=options: _core.conv_kernel(x, y, k, *o, precision="bfloat16"),
            lambda x, y, k=kernel, o=options: conv_kernel(x, y, k, *o),
            wrt=(0, 1),
            scale=magnitude(lambda x, y, k=kernel, o=options: conv_kernel(x, y, k, *o)),
            eps=BF16_EPS + 200,
            grad_eps=BF16_EPS,
        )
    )
CASES.append(
    Case(
        "conv",
        "tanh",
        lambda d: [d.normal(d.n(2, 3), 4, 3, 2), d.normal(3, 2, 2, 3), d.normal(3)],
        lambda x, w, b: _core.conv(x, w, b, activation="tanh"),
        lambda x, w, b: np.tanh(conv(x, w, b, [1, 1], [0, 0], [0, 0], [1, 1], 1)),
        wrt=(0, 1, 2),
        eps=40,
        scale=magnitude(lambda x, w, b: conv(x, w, b, [1, 1], [0, 0], [0, 0], [1, 1], 1)),
    )
)
