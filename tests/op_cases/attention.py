"""Attention: a softmax over the whole matrix of scores, in float64."""

import numpy as np

from fastdl import _core

from .case import Case, Draw
from .philox import unit
from .random import SEED

CASES: list[Case] = []


def attended(scores, mask=None, causal=False, offset=0, lengths=None):
    """Which keys each query attends to, as the shape of the scores."""
    queries, keys = scores.shape[-2:]
    found = np.ones(scores.shape, bool)
    if mask is not None:
        found &= mask
    if causal:
        last = np.arange(queries)[:, None] + np.reshape(offset, (-1, 1, 1, 1))
        found &= np.arange(keys) <= last
    if lengths is not None:
        found &= np.arange(keys) < np.reshape(lengths, (-1, 1, 1, 1))
    return found


def probabilities(query, key, scale=None, bias=None, **which):
    """softmax(scale query key^T + bias), 0 for a query that attends to nothing."""
    scale = 1 / np.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ np.swapaxes(key, -1, -2) * scale
    if bias is not None:
        scores = scores + bias
    scores = np.where(attended(scores, **which), scores, -np.inf)
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(top == -np.inf, 0, top))
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def attention(query, key, value, heads_first=False, dropped=None, **options):
    if not heads_first:
        query, key, value = (np.swapaxes(x, 1, 2) for x in (query, key, value))
    if key.shape[1]:
        group = query.shape[1] // key.shape[1]
        key, value = (np.repeat(x, group, 1) for x in (key, value))
    p = probabilities(query, key, **options)
    y = (p if dropped is None else dropped(p)) @ value
    return y if heads_first else np.swapaxes(y, 1, 2)


def drop(rate):
    """Numbers are drawn for whole rows of a multiple of four keys."""

    def f(p):
        batch, heads, queries, keys = p.shape
        row = (keys + 3) // 4 * 4
        drawn = unit(batch * heads * queries * row, SEED).reshape(batch, heads, queries, row)
        return np.where(drawn[..., :keys] >= np.float32(rate), p / (1 - rate), 0)

    return f


def add(id, heads=(2, 2), widths=(3, 4), big=(37, 701), more=(), rng=False, **options):
    """`more` draws what follows query, key and value: name, function of (batch, heads, queries,
    keys). `big` has the numbers of queries and keys.

    Small cases have widths of at most 18, a vector and a rest: second derivatives are found element
    by element."""
    names = [name for name, _ in more]
    first = options.get("heads_first", False)

    def inputs(d: Draw):
        batch, queries, keys = d.n(2, 3), d.m(3, big[0]), d.m(5, big[1])
        width, of_values = (d.m(min(w, 18), w) for w in widths)
        sizes = [(queries, heads[0], width), (keys, heads[1], width), (keys, heads[1], of_values)]
        drawn = [d.normal(batch, *((h, n, w) if first else (n, h, w))) for n, h, w in sizes]
        return drawn + [f(d, batch, heads[0], queries, keys) for _, f in more]

    def call(query, key, value, *rest):
        named = dict(zip(names, rest, strict=True))
        return _core.attention(query, key, value, **named, **options)

    def reference(query, key, value, *rest):
        settings = dict(options, **dict(zip(names, rest, strict=True)))
        if rate := settings.pop("dropout", 0):
            settings["dropped"] = drop(rate)
        return attention(query, key, value, **settings)

    # A score is a sum of at most 64 products, and its error a factor of the weight. A result is a
    # mean of values of about 1.
    case = Case(
        "attention",
        id,
        inputs,
        call,
        reference,
        wrt=tuple(range(3)) + tuple(3 + i for i, n in enumerate(names) if n == "bias"),
        eps=16,
        scale=lambda query, key, value, *rest: np.abs(value).max(initial=0),
        grad_eps=64,
        rng=rng,
    )
    CASES.append(case)


def mask(*axes):
    """A mask that is broadcast along all but these axes."""

    def f(d, *shape):
        shape = [n if i in axes else 1 for i, n in enumerate(shape)]
        return d.booleans(*shape)

    return f


def bias(*axes):
    def f(d, *shape):
        return d.normal(*[n if i in axes else 1 for i, n in enumerate(shape)])

    return f


def lengths(d, batch, heads, queries, keys):
    return d.integers(0, keys + 1, batch, dtype=np.int32)


def offsets(d, batch, heads, queries, keys):
    return d.integers(-2, keys, batch)


add("")
add("heads-first", heads_first=True)
add("causal", causal=True, big=(300, 300), widths=(16, 16))
add("causal-heads-first", causal=True, heads_first=True, widths=(64, 32), big=(130, 600))
add("scale", scale=-0.3)
add("groups", heads=(6, 2), widths=(5, 17), causal=True)
add("one-key-head", heads=(4, 1), heads_first=True, widths=(1, 1))
add("wide", widths=(70, 130), big=(20, 300))
add("many-queries", big=(600, 40), widths=(32, 32))
add(
    "offset",
    causal=True,
    more=[("offset", lambda d, *_: np.array(2 if d.size == "small" else 650))],
)
add("offsets", causal=True, heads=(4, 2), more=[("offset", offsets)])
add("lengths", more=[("lengths", lengths)])
add("causal-lengths", causal=True, heads_first=True, more=[("lengths", lengths)])
add("mask", more=[("mask", mask(0, 1, 2, 3))])
add("mask-of-keys", more=[("mask", mask(0, 3))], heads=(4, 2))
add("mask-of-queries", more=[("mask", mask(2))], causal=True)
add("bias", more=[("bias", bias(1, 2, 3))])
add("bias-of-queries", more=[("bias", bias(0, 2))], heads_first=True)
add("bias-and-mask", more=[("bias", bias(3)), ("mask", mask(0, 2, 3))], heads=(4, 2), causal=True)
add("dropout", dropout=0.25, rng=True)
add("dropout-causal", dropout=0.5, causal=True, heads_first=True, heads=(4, 2), rng=True)


# --- keys and values in shorter types, which have no gradients


def add_stored(id, shapes, heads_first, dtype, big, **options):
    """`shapes`: heads of query, of keys, and the width."""
    heads, kv_heads, width = shapes

    def inputs(d: Draw):
        batch, queries, keys = d.n(2, 3), d.m(1, big[0]), d.m(5, big[1])
        kept = (kv_heads, keys) if heads_first else (keys, kv_heads)
        query = d.normal(batch, *((heads, queries) if heads_first else (queries, heads)), width)
        if dtype == "bfloat16":
            return [query, *(d.normal(batch, *kept, width) for _ in range(2))]
        whole = [d.integers(-127, 128, batch, *kept, width, dtype=np.int8) for _ in range(2)]
        return [query, *whole, *(d.uniform(0.002, 0.02, batch, *kept) for _ in range(2))]

    def call(query, key, value, *scales):
        key, value = _core.cast(key, dtype), _core.cast(value, dtype)
        names = ("key_scale", "value_scale")[: len(scales)]
        named = dict(zip(names, scales, strict=True))
        return _core.attention(query, key, value, heads_first=heads_first, **named, **options)

    def reference(query, key, value, *scales):
        if scales:
            key, value = (x * s[..., None] for x, s in zip((key, value), scales, strict=True))
        return attention(query, key, value, heads_first=heads_first, **options)

    # bfloat16 rounds keys and values by 2^-9, 2^14 epsilons. A score is below 8, and its error is a
    # factor of the weight.
    CASES.append(
        Case(
            "attention",
            id,
            inputs,
            call,
            reference,
            eps=2**14 * 16 if dtype == "bfloat16" else 16,
            scale=lambda query, key, value, *scales: 3.0,
        )
    )


for dtype in ("bfloat16", "int8"):
    add_stored(f"{dtype}", (4, 2, 16), False, dtype, (1, 1500))
    add_stored(f"{dtype}-heads-first", (2, 2, 7), True, dtype, (70, 600), causal=True)
