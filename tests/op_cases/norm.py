"""Normalization. The references are the formulas in float64.

Results are off by a few eps of the normalized values, which are at most a few deviations, and of
their products with scale and offset. Gradients subtract means of terms as large as the result.
"""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []
EPSILON = 1e-3


def standardized(x, axes, centered=True):
    d = x - x.mean(axes, keepdims=True) if centered else x
    return d / np.sqrt((d * d).mean(axes, keepdims=True) + EPSILON)


def along(values, axis, ndim):
    """The values of an axis in a shape that broadcasts."""
    shape = [1] * ndim
    shape[axis] = -1
    return values.reshape(shape)


def magnitude(x, scale=None, offset=None, *_):
    """Of the terms of a result."""
    largest = 1.0 if scale is None else np.abs(scale).max(initial=0)
    return 3 * largest + (0.0 if offset is None else np.abs(offset).max(initial=0))


def features(d: Draw, n):
    return [d.uniform(0.5, 1.5, n), d.normal(n)]


def batch_reference(axis):
    def f(x, scale, offset):
        axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        normal = standardized(x, axes)
        return normal * along(scale, axis, x.ndim) + along(offset, axis, x.ndim)

    return f


# id: (axis, small shape, big shape). Columns around the width of a vector and around the number
# that is repeated, runs, one channel, one pixel, and several pieces of rows.
BATCHES = {
    "columns": (-1, (7, 5), (1300, 37)),
    "narrow": (-1, (3, 4, 3), (9, 701, 3)),
    "wide": (-1, (5, 2, 6), (33, 7, 300)),
    "pieces": (-1, (6, 2), (9001, 16)),
    "one": (-1, (5, 1), (5003, 1)),
    "runs": (1, (4, 3, 5), (16, 5, 1033)),
    "images": (1, (3, 2, 2, 3), (8, 33, 17, 19)),
    "first": (0, (3, 5), (7, 5003)),
}
for id, (axis, small, big) in BATCHES.items():

    def inputs(d: Draw, small=small, big=big, axis=axis):
        shape = big if d.size == "big" else small
        axis_of_samples = 1 if axis == 0 else 0
        x = d.normal(*(d.n(n, n) if i == axis_of_samples else n for i, n in enumerate(shape)))
        return [x, *features(d, x.shape[axis])]

    CASES += [
        Case(
            "batch_norm",
            id,
            inputs,
            lambda x, s, o, axis=axis: _core.batch_norm(x, s, o, axis, EPSILON)[0],
            batch_reference(axis),
            wrt=(0, 1, 2),
            eps=8,
            scale=magnitude,
            grad_eps=64,
        ),
        Case(
            "batch_norm",
            f"{id}-moments",
            inputs,
            lambda x, s, o, axis=axis: _core.batch_norm(x, s, o, axis, EPSILON)[1:],
            lambda x, s, o, axis=axis: [
                f(x, tuple(i for i in range(x.ndim) if i != axis % x.ndim))
                for f in (np.mean, np.var)
            ],
            eps=16,
            scale=lambda *_: 1.0,
            empty=False,
        ),
        Case(
            "frozen_batch_norm",
            id,
            lambda d, inputs=inputs: (
                lambda x, s, o: [x, d.normal(*s.shape), d.uniform(0.5, 2, *s.shape), s, o]
            )(*inputs(d)),
            lambda x, m, v, s, o, axis=axis: _core.frozen_batch_norm(x, m, v, s, o, axis, EPSILON),
            lambda x, m, v, s, o, axis=axis: (
                (x - along(m, axis, x.ndim))
                / np.sqrt(along(v, axis, x.ndim) + EPSILON)
                * along(s, axis, x.ndim)
                + along(o, axis, x.ndim)
            ),
            wrt=(0, 1, 2, 3, 4),
            eps=8,
            scale=lambda x, m, v, s, o: 8 * np.abs(s).max(initial=1) + np.abs(o).max(initial=1),
        ),
    ]

CASES += [
    Case(
        "batch_norm",
        "plain",
        lambda d: [d.normal(d.m(5, 130), 3, d.m(4, 90))],
        lambda x: _core.batch_norm(x, None, None, 2, EPSILON)[0],
        lambda x: standardized(x, (0, 1)),
        wrt=(0,),
        eps=8,
        scale=magnitude,
        grad_eps=64,
    ),
    Case(
        "batch_norm",
        "sample",
        lambda d: [d.normal(1, d.m(4, 300)), *features(d, d.m(4, 300))],
        lambda x, s, o: _core.batch_norm(x, s, o, -1, EPSILON)[0],
        lambda x, s, o: 0 * x * s + o,
        wrt=(0, 1, 2),
        eps=1,
        empty=False,
    ),
    # The mean is 1e4 deviations; its rounding must not show.
    Case(
        "batch_norm",
        "shifted",
        lambda d: [d.normal(d.m(9, 3000), 5) / 16 + 1000, *features(d, 5)],
        lambda x, s, o: _core.batch_norm(x, s, o, -1, EPSILON)[0],
        batch_reference(-1),
        eps=8,
        scale=magnitude,
        empty=False,
    ),
    Case(
        "batch_norm",
        "offset",
        lambda d: [d.normal(d.m(5, 130), 3), d.normal(3)],
        lambda x, o: _core.batch_norm(x, None, o, 1, EPSILON)[0],
        lambda x, o: standardized(x, 0) + o,
        wrt=(1, 0),
        eps=8,
        scale=lambda x, o: magnitude(x, None, o),
        grad_eps=64,
    ),
    Case(
        "frozen_batch_norm",
        "plain",
        lambda d: [d.normal(d.m(5, 130), 3), d.normal(3), d.uniform(0.5, 2, 3)],
        lambda x, m, v: _core.frozen_batch_norm(x, m, v, None, None, 1, EPSILON),
        lambda x, m, v: (x - m) / np.sqrt(v + EPSILON),
        wrt=(0, 1, 2),
        eps=8,
        scale=lambda *_: 8.0,
    ),
]

# id: (axes, small shape, big shape)
LAYERS = {
    "rows": ([-1], (3, 7), (700, 37)),
    "matrix": ([1, 2], (3, 2, 5), (40, 17, 33)),
    "long": ([1], (2, 9), (3, 40001)),
    "one": ([-1], (4, 1), (300, 1)),
    "middle": ([1], (3, 4, 2), (7, 33, 90)),
    "ends": ([0, -1], (3, 2, 4), (17, 40, 65)),
}
for id, (axes, small, big) in LAYERS.items():

    def rows(d: Draw, small=small, big=big):
        shape = big if d.size == "big" else small
        return d.normal(d.n(shape[0], shape[0]), *shape[1:])

    def weights(d: Draw, small=small, big=big, axes=axes):
        shape = big if d.size == "big" else small
        x = rows(d, small, big)
        sizes = [shape[a] if a % len(shape) else x.shape[0] for a in axes]
        return [x, d.uniform(0.5, 1.5, *sizes), d.normal(*sizes)]

    def spread(values, x, axes=axes):
        chosen = {a % x.ndim for a in axes}
        return values.reshape([n if i in chosen else 1 for i, n in enumerate(x.shape)])

    CASES += [
        Case(
            "layer_norm",
            id,
            weights,
            lambda x, s, o, axes=axes: _core.layer_norm(x, axes, s, o, EPSILON),
            lambda x, s, o, axes=axes, spread=spread: (
                standardized(x, tuple(axes)) * spread(s, x) + spread(o, x)
            ),
            wrt=(0, 1, 2),
            eps=8,
            scale=magnitude,
            grad_eps=64,
            empty=id not in ("ends",),
        ),
        Case(
            "rms_norm",
            id,
            lambda d, weights=weights: weights(d)[:2],
            lambda x, s, axes=axes: _core.rms_norm(x, axes, s, EPSILON),
            lambda x, s, axes=axes, spread=spread: (
                standardized(x, tuple(axes), False) * spread(s, x)
            ),
            wrt=(0, 1),
            eps=8,
            scale=magnitude,
            grad_eps=64,
            empty=id not in ("ends",),
        ),
    ]
CASES += [
    Case(
        "layer_norm",
        "plain",
        lambda d: [d.normal(d.n(3, 300), d.m(5, 100))],
        lambda x: _core.layer_norm(x, [1], None, None, EPSILON),
        lambda x: standardized(x, 1),
        wrt=(0,),
        eps=8,
        scale=magnitude,
        grad_eps=64,
    ),
    Case(
        "layer_norm",
        "offset",
        lambda d: [d.normal(d.n(3, 300), d.m(5, 100)), d.normal(d.m(5, 100))],
        lambda x, o: _core.layer_norm(x, [1], None, o, EPSILON),
        lambda x, o: standardized(x, 1) + o,
        wrt=(0, 1),
        eps=8,
        scale=lambda x, o: magnitude(x, None, o),
        grad_eps=64,
    ),
    Case(
        "layer_norm",
        "scale",
        lambda d: [d.normal(d.n(3, 300), d.m(5, 100)), d.uniform(0.5, 1.5, d.m(5, 100))],
        lambda x, s: _core.layer_norm(x, [1], s, None, EPSILON),
        lambda x, s: standardized(x, 1) * s,
        wrt=(1,),
        eps=8,
        scale=magnitude,
        grad_eps=64,
    ),
    Case(
        "rms_norm",
        "plain",
        lambda d: [d.normal(d.n(3, 300), d.m(5, 100))],
        lambda x: _core.rms_norm(x, [1], None, EPSILON),
        lambda x: standardized(x, 1, False),
        wrt=(0,),
        eps=8,
        scale=magnitude,
        grad_eps=64,
    ),
]


def grouped(x, groups, axis, scale, offset):
    axis %= x.ndim
    view = (x.shape[0], int(np.prod(x.shape[1:axis])), groups, x.shape[axis] // groups, -1)
    inner = int(np.prod(x.shape[axis + 1 :]))
    normal = standardized(x.reshape(*view[:4], inner), (1, 3, 4)).reshape(x.shape)
    return normal * along(scale, axis, x.ndim) + along(offset, axis, x.ndim)


# id: (groups, axis, small shape, big shape)
GROUPS = {
    "last": (2, -1, (2, 3, 4), (5, 49, 64)),
    "large": (4, -1, (2, 4, 8), (2, 2100, 68)),
    "narrow": (3, -1, (2, 5, 3), (3, 700, 6)),
    "single": (1, -1, (2, 2, 3), (9, 33, 17)),
    "first": (2, 1, (2, 4, 3), (3, 6, 701)),
    "instance": (3, 1, (2, 3, 2, 2), (7, 3, 33, 19)),
    "middle": (2, 2, (2, 2, 4, 3), (3, 5, 6, 90)),
    "dense": (2, -1, (3, 6), (90, 70)),
}
for id, (groups, axis, small, big) in GROUPS.items():

    def samples(d: Draw, small=small, big=big, axis=axis):
        shape = big if d.size == "big" else small
        return [d.normal(d.n(shape[0], shape[0]), *shape[1:]), *features(d, shape[axis])]

    CASES.append(
        Case(
            "group_norm",
            id,
            samples,
            lambda x, s, o, groups=groups, axis=axis: _core.group_norm(
                x, groups, s, o, axis, EPSILON
            ),
            lambda x, s, o, groups=groups, axis=axis: grouped(x, groups, axis, s, o),
            wrt=(0, 1, 2),
            eps=8,
            scale=magnitude,
            grad_eps=64,
        )
    )
