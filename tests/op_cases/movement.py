"""Ops that move values: every result is exact."""

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def block(d: Draw):
    return [d.normal(d.n(2, 37), d.m(3, 41), d.m(4, 43))]


def bytes_block(d: Draw):
    return [d.integers(0, 256, d.n(2, 37), d.m(3, 41), d.m(4, 43), dtype=np.uint8)]


def wide_block(d: Draw):
    return [d.integers(-9, 9, d.n(2, 37), d.m(3, 41), d.m(4, 43))]


def images(d: Draw):
    return [d.normal(d.n(2, 9), d.m(3, 17), d.m(4, 19), 5)]


# Channels first and last, as the values lie and as they do not.
for _op, _perm in (("channels_last", (0, 2, 3, 1)), ("channels_first", (0, 3, 1, 2))):
    CASES.append(
        Case(
            _op,
            "images",
            images,
            lambda x, op=_op: _core.in_order(getattr(_core, op)(x)),
            lambda x, perm=_perm: x.transpose(perm),
            wrt=(0,),
        )
    )
    CASES.append(
        Case(
            _op,
            "twice",
            images,
            lambda x, op=_op: _core.in_order(getattr(_core, op)(_core.channels_first(x))),
            lambda x, perm=_perm: x.transpose(0, 3, 1, 2).transpose(perm),
            wrt=(0,),
        )
    )
CASES += [
    Case(
        "in_order",
        "images",
        images,
        lambda x: _core.in_order(_core.channels_first(x)),
        lambda x: x.transpose(0, 3, 1, 2),
        wrt=(0,),
    ),
    Case(
        "in_order",
        "one channel",
        lambda d: [d.normal(d.n(2, 9), d.m(3, 17), 1)],
        lambda x: _core.in_order(_core.channels_first(x)),
        lambda x: x.transpose(0, 2, 1),
        wrt=(0,),
    ),
]

CASES += [
    Case(
        "reshape",
        "merge",
        block,
        lambda x: _core.reshape(x, [x.shape[0], -1 if x.numel() else 12]),
        lambda x: x.reshape(x.shape[0], int(np.prod(x.shape[1:]))),
        wrt=(0,),
    ),
    Case(
        "reshape",
        "flat",
        block,
        lambda x: _core.reshape(x, x.numel()),
        lambda x: x.reshape(x.size),
        wrt=(0,),
    ),
    Case(
        "reshape",
        "add-axes",
        block,
        lambda x: _core.reshape(x, [1, *x.shape, 1]),
        lambda x: x[None, ..., None],
        wrt=(0,),
    ),
    Case(
        "reshape",
        "number",
        lambda d: [d.normal(1, 1)],
        lambda x: _core.reshape(x, []),
        lambda x: x.reshape(()),
        wrt=(0,),
    ),
    Case(
        "broadcast_to",
        "rows",
        lambda d: [d.normal(d.m(3, 401))],
        lambda x: _core.broadcast_to(x, [7, x.shape[0]]),
        lambda x: np.broadcast_to(x, (7, *x.shape)),
        wrt=(0,),
    ),
    Case(
        "broadcast_to",
        "columns",
        lambda d: [d.normal(d.n(3, 101), 1, 2)],
        lambda x: _core.broadcast_to(x, [2, x.shape[0], 5, 2]),
        lambda x: np.broadcast_to(x, (2, x.shape[0], 5, 2)),
        wrt=(0,),
    ),
    Case(
        "broadcast_to",
        "number",
        lambda d: [d.normal()],
        lambda x: _core.broadcast_to(x, [2, 3]),
        lambda x: np.broadcast_to(x, (2, 3)),
        wrt=(0,),
    ),
]
for perm in [None, [0, 2, 1], [1, 0, 2], [2, 0, 1], [1, 2, 0], [0, 1, 2], [-1, 0, -2]]:
    for draw in [block, bytes_block, wide_block]:
        CASES.append(
            Case(
                "transpose",
                f"{perm}-{draw.__name__}",
                draw,
                lambda x, p=perm: _core.transpose(x, p),
                lambda x, p=perm: np.transpose(x, p),
                wrt=(0,) if draw is block else (),
            )
        )
CASES += [
    Case(
        "transpose",
        "matrix",
        lambda d: [d.normal(d.n(3, 517), d.m(5, 259))],
        lambda x: _core.transpose(x, None),
        np.transpose,
        wrt=(0,),
    ),
    Case(
        "transpose",
        "five",
        lambda d: [d.normal(2, d.n(3, 11), 2, d.m(3, 17), d.m(2, 13))],
        lambda x: _core.transpose(x, [3, 1, 4, 0, 2]),
        lambda x: np.transpose(x, [3, 1, 4, 0, 2]),
        wrt=(0,),
    ),
    Case(
        "transpose",
        "number",
        lambda d: [d.normal()],
        lambda x: _core.transpose(x, []),
        lambda x: x,
        wrt=(0,),
    ),
]

# Slices of a (6+, 7+) matrix.
for id, key in {
    "inner": (slice(1, 4), slice(2, 6)),
    "steps": (slice(0, 6, 2), slice(1, 7, 3)),
    "backwards": (slice(None, None, -1), slice(5, 0, -2)),
    "rows": (slice(2, 5), slice(None)),
    "nothing": (slice(3, 3), slice(None)),
    "one": (slice(5, 6), slice(0, 99, 50)),
}.items():

    def triples(shape, key=key):
        return [
            list(t)
            for t in zip(*(k.indices(n) for k, n in zip(key, shape, strict=True)), strict=True)
        ]

    def assign(target, value, triples=triples):
        _core.setitem_(target, *triples(target.shape), value)
        return target

    def assigned(target, value, key=key):
        target = target.copy()
        target[key] = value
        return target

    CASES += [
        Case(
            "slice",
            id,
            lambda d: [d.normal(d.n(6, 307), d.m(7, 211))],
            lambda x, t=triples: _core.slice(x, *t(x.shape)),
            lambda x, k=key: x[k],
            wrt=(0,),
        ),
        Case(
            "slice",
            f"{id}-uint8",
            lambda d: [d.integers(0, 256, d.n(6, 307), d.m(7, 211), dtype=np.uint8)],
            lambda x, t=triples: _core.slice(x, *t(x.shape)),
            lambda x, k=key: x[k],
        ),
        Case(
            "setitem_",
            id,
            lambda d: [d.normal(d.m(6, 307), d.m(7, 211)), d.normal()],
            assign,
            assigned,
        ),
        Case(
            "setitem_",
            f"{id}-int64",
            lambda d: [d.integers(0, 9, d.m(6, 307), 7), d.normal(1, 1) * 9],
            assign,
            lambda t, v, f=assigned: f(t, v.astype(np.int64)),
        ),
    ]
CASES += [
    Case(
        "setitem_",
        "rows",
        lambda d: [d.normal(d.m(6, 900), 7), d.normal(1, 1, 7)],
        lambda t, v: (_core.setitem_(t, [1, 0], [4, 7], [1, 1], v), t)[1],
        lambda t, v: np.concatenate([t[:1], np.broadcast_to(v[0], (3, 7)), t[4:]]),
    ),
    Case(
        "setitem_",
        "overlap",
        lambda d: [d.normal(7)],
        lambda t: (_core.setitem_(t, [6], [-1], [-1], _core.reshape(t, 7)), t)[1],
        lambda t: t[::-1],
    ),
    Case(
        "pad",
        "",
        lambda d: [d.normal(d.n(3, 307), d.m(4, 61))],
        lambda x: _core.pad(x, [1, 0], [2, 3], 0.5),
        lambda x: np.pad(x, [(1, 2), (0, 3)], constant_values=0.5),
        wrt=(0,),
    ),
    Case(
        "pad",
        "int32",
        lambda d: [d.integers(-9, 9, d.n(3, 307), 4, dtype=np.int32)],
        lambda x: _core.pad(x, [1, 0], [2, 3], -7),
        lambda x: np.pad(x, [(1, 2), (0, 3)], constant_values=-7),
    ),
]


def parts(sizes, axis=1):
    """Tensors of shape (rows, size, 2) with the axis of the sizes moved."""
    rows = 1 if len(sizes) > 50 else 3

    def inputs(d: Draw):
        arrays = [
            d.normal(d.m(rows, 57), size if d.size != "big" else 9 * size, 2) for size in sizes
        ]
        return [np.ascontiguousarray(np.moveaxis(a, 1, axis)) for a in arrays]

    return inputs


for id, sizes in {
    "one": [3],
    "some": [2, 0, 3, 1],
    "many": [1, 2] * 12,
    "hundred": [1] * 101,
}.items():
    for axis in (0, 1, 2):
        CASES.append(
            Case(
                "concat",
                f"{id}-{axis}",
                parts(sizes, axis),
                lambda *x, a=axis: _core.concat(x, a),
                lambda *x, a=axis: np.concatenate(x, a),
                wrt=tuple(range(min(len(sizes), 4))),
            )
        )

        def total(d: Draw, sizes=sizes, axis=axis):
            return [np.concatenate(parts(sizes, axis)(d), axis)]

        def scaled(x, sizes):
            return [s * (x // sum(sizes)) for s in sizes]

        CASES.append(
            Case(
                "split",
                f"{id}-{axis}",
                total,
                lambda x, a=axis, s=sizes: _core.split(x, scaled(x.shape[a], s), a),
                lambda x, a=axis, s=sizes: np.split(x, np.cumsum(scaled(x.shape[a], s))[:-1], a),
                wrt=(0,),
            )
        )
for axis in (0, 1, -1):
    CASES.append(
        Case(
            "stack",
            str(axis),
            lambda d: [d.normal(d.n(2, 101), 3) for _ in range(4)],
            lambda *x, a=axis: _core.stack(x, a),
            lambda *x, a=axis: np.stack(x, a),
            wrt=(0, 1, 2, 3),
        )
    )
CASES += [
    Case(
        "concat",
        "promotes",
        lambda d: [d.integers(0, 9, d.n(3, 300), dtype=np.uint8), d.integers(-9, 9, d.n(3, 300))],
        lambda *x: _core.concat(x, 0),
        lambda *x: np.concatenate(x),
    ),
    # Only one part is used: the others' gradient is zero.
    Case(
        "split",
        "one-used",
        lambda d: [d.normal(d.n(6, 600), 2)],
        lambda x: _core.split(x, [x.shape[0] // 3] * 3, 0)[1],
        lambda x: np.split(x, 3)[1],
        wrt=(0,),
    ),
]
