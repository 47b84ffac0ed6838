"""Attention of `nn.functional` over the core's fused operation, which holds no matrix of scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_number, prefixed
from .._core import ArgumentError, ShapeError

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def scaled_dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    attn_mask: TensorLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """`softmax(scale query key^T + mask) value` along the keys.

    A query that attends to no key gives 0, as in PyTorch.

    Args:
        query: (..., heads, queries, width), or (batch, queries, width), or (queries, width).
        key: (..., heads, keys, width).
        value: (..., heads, keys, value width). Leading axes of the three broadcast.
        attn_mask: broadcasts to (..., heads, queries, keys). bool: True where a query attends to a
            key. float32: is added to the scores.
        dropout_p: the probability in [0, 1] to drop a weight. It acts in evaluation, too.
        is_causal: query i attends to keys 0 to i only.
        scale: a number; 1 / sqrt(width) unless given.
        enable_gqa: whether key and value may have fewer heads than query, a divisor of its number;
            each of them serves several heads of query in a row.

    Raises:
        TypeError: the mask is neither bool nor float32.
        ValueError: shapes that do not fit, `dropout_p` outside [0, 1], or both a mask and
            `is_causal`.

    Source: Vaswani et al. 2017; `torch.nn.functional.scaled_dot_product_attention`.

    Example:
        >>> x = fastdl.ones(2, 4, 5, 8)  # batch, heads, length, width
        >>> scaled_dot_product_attention(x, x, x, is_causal=True).shape
        (2, 4, 5, 8)
    """
    who = "scaled_dot_product_attention"
    q, k, v = (_core.as_tensor(x) for x in (query, key, value))
    rate = check_fraction(who, "dropout_p", dropout_p)
    causal = check_flag(who, "is_causal", is_causal)
    if scale is not None:
        scale = check_number(who, "scale", scale, -math.inf)
    if causal and attn_mask is not None:
        raise ArgumentError(f"{who}: attn_mask, is_causal: expected one of them, got both")
    _check_shapes(who, q, k, v)
    axes = max(q.ndim, k.ndim, v.ndim)
    q, k, v, lead = _with_four_axes(who, q, k, v, check_flag(who, "enable_gqa", enable_gqa))
    mask = None if attn_mask is None else _mask_of(who, attn_mask, lead, q, k)
    try:
        y = attend(q, k, v, mask=mask, causal=causal, scale=scale, heads_first=True, dropout=rate)
    except (TypeError, ValueError) as error:
        raise prefixed(who, error) from None
    return y if axes == 4 else F.reshape(y, shape=(*lead, *y.shape[1:])[-axes:])


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    dropout: float,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    heads_first: bool = False,
) -> Tensor:
    """The core's attention, for a dropout of 1, too: it drops everything."""
    y = F.attention(
        q,
        k,
        v,
        mask=mask,
        causal=causal,
        scale=scale,
        heads_first=heads_first,
        bias=bias,
        dropout=dropout if dropout < 1 else 0.0,
    )
    return y if dropout < 1 else F.mul(y, 0.0)


def _check_shapes(who: str, q: Tensor, k: Tensor, v: Tensor) -> None:
    shapes = f"query {tuple(q.shape)}, key {tuple(k.shape)}, value {tuple(v.shape)}"
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ShapeError(f"{who}: expected inputs of at least 2 axes, got {shapes}")
    if q.shape[-1] != k.shape[-1]:
        raise ShapeError(f"{who}: expected the same width of query and key, got {shapes}")
    if k.shape[-2] != v.shape[-2]:
        raise ShapeError(f"{who}: expected as many keys as values, got {shapes}")


def _with_four_axes(
    who: str, q: Tensor, k: Tensor, v: Tensor, grouped: bool
) -> tuple[Tensor, Tensor, Tensor, tuple[int, ...]]:
    """(batch, heads, length, width) of each, and the axes that became the batch.

    The heads of key and value are one number, which divides that of query.
    """
    if q.ndim == k.ndim == v.ndim == 4 and q.shape[:2] == k.shape[:2] == v.shape[:2]:
        return q, k, v, q.shape[:1]
    inputs = (q, k, v)
    axes = max(4, *(x.ndim for x in inputs))
    full = [(1,) * (axes - x.ndim) + tuple(x.shape) for x in inputs]
    try:
        lead = np.broadcast_shapes(*(shape[:-3] for shape in full))
        heads, *others = (shape[-3] for shape in full)
        if not grouped:
            heads = np.broadcast_shapes((heads,), *((n,) for n in others))[0]
        elif any(n == 0 or heads % n for n in others):
            raise ValueError
    except ValueError:
        shapes = ", ".join(str(tuple(x.shape)) for x in inputs)
        wanted = (
            "heads of key and value that divide those of query (enable_gqa=True)"
            if grouped
            else "leading axes that broadcast; fewer heads of key and value need enable_gqa=True"
        )
        raise ShapeError(f"{who}: expected {wanted}, got shapes {shapes}") from None
    pairs = len(set(others)) == 1 and (grouped or others[0] in (1, heads))
    found = []
    for x, shape, wanted_heads in zip(
        inputs, full, (heads, *(others if pairs else (heads, heads))), strict=True
    ):
        x = F.reshape(x, shape=shape)
        if shape[:-3] != lead:
            x = F.broadcast_to(x, shape=(*lead, *shape[-3:]))
        x = F.reshape(x, shape=(math.prod(lead), *shape[-3:]))
        found.append(_repeated(x, wanted_heads))
    return found[0], found[1], found[2], lead


def _repeated(x: Tensor, heads: int) -> Tensor:
    """Each head as often in a row as it takes to have this number of heads."""
    batch, given, length, width = x.shape
    if given == heads:
        return x
    each = F.reshape(x, shape=(batch, given, 1, length, width))
    every = F.broadcast_to(each, shape=(batch, given, heads // given, length, width))
    return F.reshape(every, shape=(batch, heads, length, width))


def _mask_of(who: str, mask: TensorLike, lead: tuple[int, ...], q: Tensor, k: Tensor) -> Tensor:
    """The mask with four axes."""
    mask = _core.as_tensor(mask)
    scores = (*lead, q.shape[1], q.shape[2], k.shape[2])
    shape = (1,) * (len(scores) - mask.ndim) + tuple(mask.shape)
    if len(shape) != len(scores) or any(
        n not in (1, m) for n, m in zip(shape, scores, strict=True)
    ):
        raise ShapeError(
            f"{who}: attn_mask: expected a shape that broadcasts to {scores}, got "
            f"{tuple(mask.shape)}"
        )
    mask = F.reshape(mask, shape=shape)
    if len(lead) == 1:
        return mask
    if math.prod(shape[:-3]) == 1:
        return F.reshape(mask, shape=(1, *shape[-3:]))
    whole = F.broadcast_to(mask, shape=(*lead, *shape[-3:]))
    return F.reshape(whole, shape=(-1, *shape[-3:]))
