"""Attention by dot products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_number, prefixed

if TYPE_CHECKING:
    from .._core import Tensor, TensorLike


def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: None = None,
) -> Tensor:
    """`softmax(scale query key^T + bias) value` over the keys, without a matrix of all scores.

    A query that may attend to no key gives 0, where Keras averages all values.

    Args:
        query: `(batch, queries, heads, width)`.
        key: `(batch, keys, heads, width)`. It may have fewer heads, a divisor of their number;
            then each serves several heads of the query in a row.
        value: `(batch, keys, heads, width of values)`, with the heads of the key.
        bias: is added to the scores; broadcasts to `(batch, heads, queries, keys)`.
        mask: True where a query may attend to a key; broadcasts to the same.
        scale: a number; 1 / sqrt(width) unless given.
        is_causal: whether query i attends to the keys 0 to i only.
        flash_attention: accepted; each call is computed so.
        attn_logits_soft_cap: None, as in Keras on a CPU.

    Returns:
        `(batch, queries, heads, width of values)`.

    Raises:
        ValueError: shapes that do not fit, or a soft cap.

    Source: Vaswani et al. 2017; `keras.ops.dot_product_attention` of Keras 3.

    Example:
        >>> query, key = np.ones((2, 4, 8, 16), "float32"), np.ones((2, 6, 8, 16), "float32")
        >>> dot_product_attention(query, key, key).shape
        (2, 4, 8, 16)
    """
    who = "dot_product_attention"
    if attn_logits_soft_cap is not None:
        raise ValueError(
            f"{who}: attn_logits_soft_cap: expected None, since there is no TPU, got "
            f"{attn_logits_soft_cap!r}"
        )
    if flash_attention is not None:
        check_flag(who, "flash_attention", flash_attention)
    if scale is not None:
        scale = check_number(who, "scale", scale, -math.inf)
    q, k, v = (F.cast(_core.as_tensor(x), dtype="float32") for x in (query, key, value))
    if not q.ndim == k.ndim == v.ndim == 4:
        raise ValueError(
            f"{who}: expected inputs of 4 axes, got query {tuple(q.shape)}, key {tuple(k.shape)}, "
            f"value {tuple(v.shape)}"
        )
    scores = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    seen = None if mask is None else F.cast(_of_scores(who, "mask", mask, scores), dtype="bool")
    added = None if bias is None else F.cast(_of_scores(who, "bias", bias, scores), dtype="float32")
    causal = check_flag(who, "is_causal", is_causal)
    try:
        return F.attention(q, k, v, mask=seen, bias=added, causal=causal, scale=scale)
    except (TypeError, ValueError) as error:
        raise prefixed(who, error) from None


def _of_scores(who: str, argument: str, x: TensorLike, scores: tuple[int, ...]) -> Tensor:
    """A mask or bias with the four axes of the scores, each of their size or 1."""
    x = _core.as_tensor(x)
    shape = (1,) * (4 - x.ndim) + tuple(x.shape)
    if len(shape) > 4 or any(
        n not in (1, wanted) for n, wanted in zip(shape, scores, strict=False)
    ):
        raise ValueError(
            f"{who}: {argument}: expected a shape that broadcasts to {scores}, got {tuple(x.shape)}"
        )
    return F.reshape(x, shape=shape)
