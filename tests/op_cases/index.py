"""Ops that pick or place values by index: exact, but for the sums of scatter_add."""

import numpy as np

from fastdl import _core

from .case import Case, Draw
from .movement import block

CASES: list[Case] = []

for axis in (0, 1, 2):
    for shape in ((), (5,), (2, 3)):

        def picks(d: Draw, axis=axis, shape=shape, dtype=np.int32 if axis else np.int64):
            (x,) = block(d)
            if d.size == "empty":  # nothing to pick from, nothing picked
                return [x, np.zeros((0,), dtype)]
            return [x, d.integers(-x.shape[axis], x.shape[axis], *shape, dtype=dtype)]

        def put(x, i, v, a=axis):
            _core.put_(x, i, v, a)
            return x

        def put_reference(x, i, v, a=axis):
            x = np.moveaxis(x.copy(), a, 0)
            x[i] = v
            return np.moveaxis(x, 0, a)

        CASES += [
            Case(
                "take",
                f"{axis}-{len(shape)}",
                picks,
                lambda x, i, a=axis: _core.take(x, i, a),
                lambda x, i, a=axis: np.take(x, i, a),
                wrt=(0,),
            ),
            Case(
                "put_",
                f"{axis}-{len(shape)}",
                lambda d, p=picks: [*p(d), d.normal()],
                put,
                put_reference,
            ),
        ]


for dtype in (np.int32, np.int64, np.uint8, np.float32):

    def looked_up(d: Draw, dtype=dtype):
        """More ids than rows, and as many columns as make several pieces of work."""
        rows = d.m(5, 203)
        return [d.normal(rows, d.m(3, 131)), d.integers(0, rows, d.n(4, 701), 2, dtype=dtype)]

    CASES.append(
        Case(
            "embedding",
            dtype.__name__,
            looked_up,
            lambda t, i: _core.embedding(t, i, "a table"),
            lambda t, i: t[i.astype(int)],
            wrt=(0,),
        )
    )


def scatter_reference(u, i, axis, size):
    out = np.zeros((*u.shape[:axis], size, *u.shape[axis + i.ndim :]))
    np.add.at(out, (slice(None),) * axis + (i,), u)
    return out


for axis in (0, 1):

    def updates(d: Draw, axis=axis):
        lead = [d.m(2, 9)] * axis
        return [d.normal(*lead, d.n(6, 301), 2, d.m(3, 201)), d.integers(-4, 4, d.n(6, 301), 2)]

    CASES.append(
        Case(
            "scatter_add",
            str(axis),
            updates,
            lambda u, i, a=axis: _core.scatter_add(u, i, a, 4),
            lambda u, i, a=axis: scatter_reference(u, i, a, 4),
            wrt=(0,),
            eps=200,
            scale=lambda u, i, a=axis: scatter_reference(np.abs(u), i, a, 4),
        )
    )
for axis in (0, 1, 2):

    def along(d: Draw, axis=axis):
        (x,) = block(d)
        shape = list(x.shape)
        shape[axis] = 5
        return [
            x,
            d.integers(-x.shape[axis], max(x.shape[axis], 1), *shape)[: shape[0] if axis else 5],
        ]

    def fewer(d: Draw, axis=axis):
        x, i = along(d, axis)
        return [x, np.ascontiguousarray(i[(slice(0, 2),) * 3])]

    CASES += [
        Case(
            "gather",
            str(axis),
            along,
            lambda x, i, a=axis: _core.gather(x, i, a),
            lambda x, i, a=axis: np.take_along_axis(x, i, a),
            wrt=(0,),
            empty=axis != 0,
        ),
        Case(
            "gather",
            f"{axis}-fewer",
            fewer,
            lambda x, i, a=axis: _core.gather(x, i, a),
            lambda x, i, a=axis: np.take_along_axis(
                x[tuple(slice(None) if k == a else slice(0, 2) for k in range(3))], i, a
            ),
            wrt=(0,),
            empty=axis != 0,
        ),
    ]
for dtype in (np.uint8, np.int32, np.int64):
    CASES.append(
        Case(
            "one_hot",
            dtype.__name__,
            lambda d, t=dtype: [d.integers(0, 7, d.n(4, 3001), 2, dtype=t)],
            lambda i: _core.one_hot(i, 5, np.float32, False),
            lambda i: (i[..., None] == np.arange(5)).astype(float),
        )
    )
CASES.append(
    Case(
        "one_hot",
        "outside",
        lambda d: [np.array([-1, 0, 5, 4])],
        lambda i: _core.one_hot(i, 5, np.float32, False),
        lambda i: np.eye(5)[[0, 0, 0, 4]] * [[0], [1], [0], [1]],
    )
)

# Many more indices than places: the last of the equal ones stays, whichever thread has the place.
CASES.append(
    Case(
        "put_",
        "many",
        lambda d: [
            d.normal(d.m(4, 211), 33),
            d.integers(0, d.m(4, 211), d.n(9, 5003)),
            d.normal(d.n(9, 5003), 33),
        ],
        lambda t, i, v: (_core.put_(t, i, v, 0), t)[1],
        lambda t, i, v: _last_stays(t, i, v),
    )
)


def _last_stays(target, indices, values):
    out = target.copy()
    for i, v in zip(indices, values, strict=True):
        out[i] = v
    return out
