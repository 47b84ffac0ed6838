"""Pooling: maxima are exact, means are sums of a few numbers."""

import itertools

import numpy as np

from fastdl import _core

from .case import Case, Draw

CASES: list[Case] = []


def windows(x, window, strides, dilation, low, high, ceil_mode):
    """For each result the slices of the window within x, and the places with the padding."""
    sizes = x.shape[1:-1]
    counts = []
    for n, k, s, d, a, b in zip(sizes, window, strides, dilation, low, high, strict=True):
        room = n + a + b - ((k - 1) * d + 1)
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + a:
            count += 1
        counts.append(count)
    for at in itertools.product(*(range(c) for c in counts)):
        slices, padded = [], 1
        for o, n, k, s, d, a, b in zip(
            at, sizes, window, strides, dilation, low, high, strict=True
        ):
            start = o * s - a
            places = [p for p in range(start, start + (k - 1) * d + 1, d) if 0 <= p < n]
            slices.append(slice(places[0], places[-1] + 1, d))
            padded *= min(start + k, n + b) - start
        yield at, tuple(slices), padded


def adaptive(x, size):
    sizes = x.shape[1:-1]
    for at in itertools.product(*(range(n) for n in size)):
        pairs = list(zip(at, sizes, size, strict=True))
        yield at, tuple(slice(o * n // m, -(-(o + 1) * n // m)) for o, n, m in pairs), None


def flat(x):
    """The places along one axis."""
    return x.reshape(x.shape[0], int(np.prod(x.shape[1:-1])), x.shape[-1])


def collected(x, found, function):
    """function(samples, places in the window, channels) for each window, as (n, places..., c)."""
    values = {}
    for at, slices, padded in found:
        values[at] = function(flat(x[(slice(None), *slices)]), padded)
    size = tuple(n + 1 for n in max(values))
    return np.stack([values[at] for at in np.ndindex(*size)], 1).reshape(len(x), *size, x.shape[-1])


def largest(x, found):
    return collected(x, found, lambda part, _: part.max(1))


def indices(x, found):
    """The first place of the largest element of each window."""
    sizes = x.shape[1:-1]
    numbers = np.arange(np.prod(sizes)).reshape(1, *sizes, 1)
    numbers = np.broadcast_to(numbers, x.shape).astype(np.int64)
    found = list(found)
    best = collected(x, found, lambda part, _: part.argmax(1))
    result = np.empty(best.shape, np.int64)
    for at, slices, _ in found:
        place = (slice(None), *slices)
        chosen = best[(slice(None), *at)][:, None]
        result[(slice(None), *at)] = np.take_along_axis(flat(numbers[place]), chosen, 1)[:, 0]
    return result


def mean(x, found, count_padding=False, divisor=None):
    def f(part, padded):
        return part.sum(1) / (divisor or (padded if count_padding else part.shape[1]))

    return collected(x, found, f)


def magnitude(x, found):
    """The rounding errors of a mean are relative to the largest element of its window."""
    return collected(np.abs(x), found, lambda part, _: part.max(1))


# id: sizes when small and big, channels, window, strides, dilation, low, high, ceil_mode. Small
# inputs have few channels and places, since their second derivatives are computed one by one.
SETTINGS = {
    "2x2-c1": ((5, 4), (64, 65), 1, (2, 2), (2, 2), None, None, None, False),
    "2x2-c3": ((4, 3), (64, 48), 3, (2, 2), (2, 2), None, None, None, False),
    "2x2-c16": ((2, 3), (30, 33), 16, (2, 2), (2, 2), None, None, None, False),
    "2x2-c70": ((2, 2), (16, 17), 70, (2, 2), (2, 2), None, None, None, False),
    "same": ((4, 3), (31, 16), 9, (3, 3), (2, 2), None, (1, 0), (1, 1), False),
    "same-c2": ((4, 3), (31, 32), 2, (3, 3), (2, 2), None, (1, 0), (1, 1), False),
    "overlap": ((3, 3), (15, 15), 33, (3, 2), (1, 1), None, (1, 1), (1, 1), False),
    "gaps": ((2, 5), (31, 33), 17, (1, 2), (3, 3), None, None, None, False),
    "gaps-c1": ((4, 5), (31, 33), 1, (1, 2), (3, 3), None, None, None, False),
    "ceil": ((4, 4), (23, 22), 5, (2, 3), (3, 2), None, (1, 1), (1, 1), True),
    "ceil-c12": ((2, 4), (23, 22), 12, (2, 3), (3, 2), None, (1, 1), (1, 1), True),
    "pixel": ((1, 1), (1, 1), 33, (3, 3), (2, 2), None, (1, 1), (1, 1), False),
    "1d": ((9,), (801,), 4, (3,), (2,), None, (1,), (0,), False),
    "1d-c32": ((9,), (301,), 32, (3,), (3,), None, None, None, False),
    "1d-long": ((70,), (900,), 1, (67,), (1,), None, (3,), (9,), False),
    "3d": ((2, 2, 3), (9, 10, 11), 6, (2, 2, 2), (2, 2, 2), None, None, None, False),
    "3d-c8": ((2, 2, 2), (7, 8, 9), 8, (2, 1, 2), (1, 2, 3), None, (1, 0, 1), (0, 0, 1), False),
}
DILATED = {
    "dilated": ((5, 5), (31, 33), 3, (2, 3), (1, 2), (3, 2), (1, 1), (1, 2), False),
    "dilated-c20": ((4, 4), (31, 33), 20, (2, 3), (1, 2), (3, 2), (1, 1), (1, 2), False),
}


def images(small, big, channels):
    def draw(d: Draw):
        if d.size == "big":
            return [d.apart(4, *big, channels)]
        return [d.apart(d.n(1, 4), *small, min(channels, 9))]

    return draw


def arguments(window, strides, dilation, low, high):
    none, one = (0,) * len(window), (1,) * len(window)
    return window, strides, dilation or one, low or none, high or none


for id, (small, big, channels, *setting, ceil_mode) in (SETTINGS | DILATED).items():
    given = (*arguments(*setting), ceil_mode)

    image = images(small, big, channels)

    # Many equal elements: the first of them is chosen.
    def equal(d: Draw, image=image):
        return [d.integers(-2, 3, *image(d)[0].shape).astype(np.float32)]

    CASES.append(
        Case(
            "max_pool",
            id,
            image,
            lambda x, a=given: _core.max_pool(x, *a),
            lambda x, a=given: largest(x, windows(x, *a)),
            wrt=(0,),
        )
    )
    CASES.append(
        Case(
            "max_pool_with_indices",
            id,
            equal,
            lambda x, a=given: _core.max_pool_with_indices(x, *a),
            lambda x, a=given: [f(x, windows(x, *a)) for f in (largest, indices)],
        )
    )
    if id in DILATED:
        continue
    window, strides, _, low, high, _ = given
    for name, count_padding, divisor in [
        ("", False, None),
        ("-padding", True, None),
        ("-divisor", False, 3),
    ]:
        if name and not any(low + high) and name == "-padding":
            continue
        CASES.append(
            Case(
                "avg_pool",
                id + name,
                lambda d, image=image: [d.normal(*image(d)[0].shape)],
                lambda x, a=(window, strides, low, high, ceil_mode, count_padding, divisor): (
                    _core.avg_pool(x, *a)
                ),
                lambda x, a=given, c=count_padding, n=divisor: mean(x, windows(x, *a), c, n),
                wrt=(0,),
                # Up to 67 additions, in runs of 32; divided by 3 instead of 67, they weigh more.
                eps=12 if divisor is None else 300,
                scale=lambda x, a=given: magnitude(x, windows(x, *a)),
            )
        )

for id, small, big, channels, size in [
    ("one", (3, 4), (33, 31), 3, (1, 1)),
    ("one-c40", (3, 2), (33, 31), 40, (1, 1)),
    ("uneven", (4, 5), (33, 31), 5, (3, 4)),
    ("uneven-c16", (4, 5), (33, 31), 16, (3, 4)),
    ("more", (2, 3), (2, 3), 3, (3, 5)),
    ("more-c9", (2, 3), (2, 3), 9, (3, 5)),
    ("1d", (7,), (901,), 8, (3,)),
    ("3d", (2, 3, 4), (9, 10, 11), 2, (1, 2, 3)),
    ("3d-c10", (2, 2, 3), (9, 10, 11), 10, (1, 2, 2)),
]:
    image = images(small, big, channels)
    CASES += [
        Case(
            "adaptive_max_pool",
            id,
            image,
            lambda x, s=size: _core.adaptive_max_pool(x, s),
            lambda x, s=size: largest(x, adaptive(x, s)),
            wrt=(0,),
        ),
        Case(
            "adaptive_max_pool_with_indices",
            id,
            image,
            lambda x, s=size: _core.adaptive_max_pool_with_indices(x, s),
            lambda x, s=size: [f(x, adaptive(x, s)) for f in (largest, indices)],
        ),
        Case(
            "adaptive_avg_pool",
            id,
            lambda d, image=image: [d.normal(*image(d)[0].shape)],
            lambda x, s=size: _core.adaptive_avg_pool(x, s),
            lambda x, s=size: mean(x, adaptive(x, s)),
            wrt=(0,),
            eps=32,
            scale=lambda x, s=size: magnitude(x, adaptive(x, s)),
        ),
    ]

# A NaN is larger than every number; -infinity is chosen where there is nothing else.
CASES.append(
    Case(
        "max_pool",
        "specials",
        lambda d: [
            np.array(
                [[1, np.nan, np.inf, 2, -np.inf, -np.inf, np.nan, np.inf, 0, -0.0]], np.float32
            ).reshape(1, 10, 1)
            * np.ones(9, np.float32)
        ],
        lambda x: _core.max_pool(x, 2),
        lambda x: x.reshape(1, 5, 2, 9).max(2),
    )
)


def band(out: int, size: int, dtype=np.float32):
    """A matrix whose rows have up to three neighbouring elements; one row is zero."""
    m = np.zeros((out, size), dtype)
    for o in range(out):
        first = o * size // out
        for t in range(min(1 + o % 3, size - first)):
            m[o, first + t] = 0.5 + 0.25 * t - 0.125 * (o % 5)
    m[out // 2] = 0
    return m


for id, axis, (small, big) in [
    ("rows", 1, ((3, 4, 3), (40, 41, 3))),
    ("rows-one", 1, ((5,), (801,))),
    ("columns-c1", 2, ((2, 5, 1), (40, 66, 1))),
    ("columns-c3", 2, ((2, 5, 3), (40, 41, 3))),
    ("columns-c20", 2, ((2, 3, 9), (20, 41, 20))),
    ("last", -1, ((2, 5), (30, 301))),
    ("samples", 0, ((2, 3), (30, 31))),
]:
    for out in (1, 3, 77):

        def image(d: Draw, small=small, big=big):
            shape = (d.n(3, 5), *(big if d.size == "big" else small))
            return [d.normal(*shape)]

        CASES.append(
            Case(
                "resample",
                f"{id}-{out}",
                lambda d, i=image, a=axis, o=out: [*i(d), band(o, i(d)[0].shape[a])],
                lambda x, m, a=axis: _core.resample(x, m, a),
                lambda x, m, a=axis: np.moveaxis(np.tensordot(m, x, (1, a)), 0, a),
                wrt=(0,),
                eps=4,
                scale=lambda x, m, a=axis: np.moveaxis(
                    np.tensordot(np.abs(m), np.abs(x), (1, a)), 0, a
                ),
            )
        )
