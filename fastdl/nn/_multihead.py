"""Multi-head attention with PyTorch's weights and masks.

Inside, sequences are (batch, length, features): the fused operation takes heads from such tensors
as they lie. The masks of this file are True where a key is left out, as in `nn.MultiheadAttention`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .. import _core
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_integer
from .._core import ArgumentError, DTypeError, ShapeError
from ._attention import attend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core import Tensor, TensorLike


class Weights(NamedTuple):
    """The weights of multi-head attention, as `multi_head_attention_forward` describes them."""

    in_proj: Sequence[TensorLike]  # of query, key and value
    in_bias: TensorLike | None
    bias_k: TensorLike | None
    bias_v: TensorLike | None
    out_proj: TensorLike
    out_bias: TensorLike | None


class Masks(NamedTuple):
    """What is left out (bool) and what is added to scores, for (batch, heads, queries, keys)."""

    left_out: Tensor | None
    added: Tensor | None
    causal: bool


def multi_head_attention_forward(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: TensorLike | None,
    in_proj_bias: TensorLike | None,
    bias_k: TensorLike | None,
    bias_v: TensorLike | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: TensorLike,
    out_proj_bias: TensorLike | None,
    training: bool = True,
    key_padding_mask: TensorLike | None = None,
    need_weights: bool = True,
    attn_mask: TensorLike | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: TensorLike | None = None,
    k_proj_weight: TensorLike | None = None,
    v_proj_weight: TensorLike | None = None,
    static_k: TensorLike | None = None,
    static_v: TensorLike | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`nn.MultiheadAttention` as a function: the outputs and the weights, or None for these.

    Args:
        query, key, value: (length, batch, features), or (length, features).
        embed_dim_to_check: the number of features of query.
        num_heads: the number of heads, a divisor of it.
        in_proj_weight: the weights of query, key and value one after the other, (3 E, E).
        in_proj_bias: (3 E), or None.
        bias_k, bias_v: (1, 1, E), one more key and value for all; or None.
        add_zero_attn: whether there is one more key and value of zeros.
        dropout_p: the probability to drop a weight in training.
        out_proj_weight, out_proj_bias: (E, E) and (E), or None.
        training: whether weights are dropped.
        key_padding_mask: (batch, keys), see `nn.MultiheadAttention`.
        need_weights: whether the second result is the weights instead of None.
        attn_mask: (queries, keys), or (batch * heads, queries, keys).
        use_separate_proj_weight: whether `q_proj_weight` (E, E), `k_proj_weight` (E, features of
            key) and `v_proj_weight` (E, features of value) take the place of `in_proj_weight`.
        static_k, static_v: (batch * heads, keys, E / heads), instead of what is projected.
        average_attn_weights: whether the weights are means over the heads.
        is_causal: a hint that `attn_mask` is causal, which it must be then.

    Raises:
        TypeError: a mask is neither bool nor float32.
        ValueError: shapes that do not fit, weights that are missing, or `is_causal` without a mask.

    Source: `torch.nn.functional.multi_head_attention_forward`.
    """
    who = "multi_head_attention_forward"
    size = check_integer(who, "embed_dim_to_check", embed_dim_to_check, 1)
    if check_flag(who, "use_separate_proj_weight", use_separate_proj_weight):
        separate = {
            "q_proj_weight": q_proj_weight,
            "k_proj_weight": k_proj_weight,
            "v_proj_weight": v_proj_weight,
        }
        in_proj = [_given(who, name, weight) for name, weight in separate.items()]
    else:
        in_proj = parts_of(who, _given(who, "in_proj_weight", in_proj_weight), size)
    weights = Weights(
        in_proj,
        in_proj_bias,
        bias_k,
        bias_v,
        out_proj_weight,
        out_proj_bias,
    )
    return multi_head(
        who,
        (query, key, value),
        size,
        check_integer(who, "num_heads", num_heads, 1),
        weights,
        add_zero_attn=check_flag(who, "add_zero_attn", add_zero_attn),
        dropout=check_fraction(who, "dropout_p", dropout_p) if training else 0.0,
        key_padding_mask=key_padding_mask,
        need_weights=need_weights,
        attn_mask=attn_mask,
        static=(static_k, static_v),
        average_attn_weights=average_attn_weights,
        is_causal=is_causal,
        batch_first=False,
    )


def _given(who: str, name: str, weight: TensorLike | None) -> Tensor:
    if weight is None:
        raise ArgumentError(f"{who}: {name}: expected a weight, got None")
    return _core.as_tensor(weight)


def parts_of(who: str, in_proj_weight: Tensor, size: int) -> list[Tensor]:
    """The weights of query, key and value. Their copies cost less than those of three results."""
    if in_proj_weight.shape != (3 * size, size):
        raise ShapeError(
            f"{who}: in_proj_weight: expected shape {(3 * size, size)}, got "
            f"{tuple(in_proj_weight.shape)}"
        )
    return F.split(in_proj_weight, sizes=[size] * 3, axis=0)


def multi_head(
    who: str,
    inputs: tuple[TensorLike, TensorLike, TensorLike],
    features: int,
    num_heads: int,
    weights: Weights,
    *,
    add_zero_attn: bool,
    dropout: float,
    key_padding_mask: TensorLike | None,
    need_weights: bool,
    attn_mask: TensorLike | None,
    average_attn_weights: bool,
    is_causal: bool,
    batch_first: bool,
    static: tuple[TensorLike | None, TensorLike | None] = (None, None),
) -> tuple[Tensor, Tensor | None]:
    """`multi_head_attention_forward`, of sequences in either order."""
    need_weights = check_flag(who, "need_weights", need_weights)
    if features % num_heads:
        raise ArgumentError(f"{who}: num_heads: expected a divisor of {features}, got {num_heads}")
    query, key, value, batched = _with_batch(who, inputs, features, weights, batch_first)
    batch, queries, _ = query.shape
    q, k, v = _projected((query, key, value), weights, features)
    q = F.reshape(q, shape=(batch, queries, num_heads, features // num_heads))
    k, v = (
        _heads(who, name, projected, given, q)
        for name, projected, given in zip(("static_k", "static_v"), (k, v), static, strict=True)
    )
    keys = k.shape[1]
    k, v = _with_more(who, k, v, weights, add_zero_attn, static)
    masks = _masks(
        who,
        attn_mask,
        key_padding_mask,
        check_flag(who, "is_causal", is_causal),
        need_weights,
        batched,
        (batch, num_heads, queries, keys),
        k.shape[1],
    )
    if need_weights:
        y, scores = _with_weights(q, k, v, masks, dropout)
        if check_flag(who, "average_attn_weights", average_attn_weights):
            scores = F.mean(scores, axes=1)
        found: Tensor | None = scores if batched else F.reshape(scores, shape=scores.shape[1:])
    else:
        left_out, added, causal = masks
        mask = None if left_out is None else F.logical_not(left_out)
        y, found = attend(q, k, v, mask=mask, bias=added, causal=causal, dropout=dropout), None
    y = F.reshape(y, shape=(batch, queries, features))
    y = F.linear(y, weights.out_proj, bias=weights.out_bias, transpose_w=True)
    if not batched:
        return F.reshape(y, shape=y.shape[1:]), found
    return (y if batch_first else F.transpose(y, perm=[1, 0, 2])), found


def _with_batch(
    who: str,
    inputs: tuple[TensorLike, TensorLike, TensorLike],
    features: int,
    weights: Weights,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor, bool]:
    """Query, key and value as (batch, length, features); one tensor stays one."""
    query, key, value = given = tuple(_core.as_tensor(x) for x in inputs)
    shapes = ", ".join(
        f"{name} {tuple(x.shape)}" for name, x in zip(("query", "key", "value"), given, strict=True)
    )
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise ShapeError(f"{who}: expected query, key and value of 2 or 3 axes, got {shapes}")
    if query.shape[-1] != features:
        raise ShapeError(f"{who}: expected a query of {features} features, got {shapes}")
    for name, x, weight in zip(("key", "value"), given[1:], weights.in_proj[1:], strict=True):
        wanted = _core.as_tensor(weight).shape[-1]
        if x.shape[-1] != wanted:
            raise ShapeError(f"{who}: expected a {name} of {wanted} features, got {shapes}")
    if key.shape[:-1] != value.shape[:-1]:
        raise ShapeError(f"{who}: expected as many keys as values, got {shapes}")
    batched, samples = query.ndim == 3, 0 if batch_first else 1
    if batched and query.shape[samples] != key.shape[samples]:
        raise ShapeError(f"{who}: expected one batch size of query and key, got {shapes}")
    found: dict[int, Tensor] = {}
    for x in given:
        if id(x) not in found:
            if not batched:
                found[id(x)] = F.reshape(x, shape=(1, *x.shape))
            else:
                found[id(x)] = x if batch_first else F.transpose(x, perm=[1, 0, 2])
    return found[id(query)], found[id(key)], found[id(value)], batched


def _projected(inputs: Sequence[Tensor], weights: Weights, features: int) -> list[Tensor]:
    biases: Sequence[Tensor | None] = [None] * 3
    if weights.in_bias is not None:
        biases = F.split(weights.in_bias, sizes=[features] * 3, axis=0)
    return [
        F.linear(x, weight, bias=bias, transpose_w=True)
        for x, weight, bias in zip(inputs, weights.in_proj, biases, strict=True)
    ]


def _heads(who: str, name: str, projected: Tensor, given: TensorLike | None, q: Tensor) -> Tensor:
    """(batch, keys, heads, width) of what is projected, or of what is given instead."""
    batch, _, heads, width = q.shape
    if given is None:
        return F.reshape(projected, shape=(batch, projected.shape[1], heads, width))
    given = _core.as_tensor(given)
    if given.ndim != 3 or (given.shape[0], given.shape[2]) != (batch * heads, width):
        raise ShapeError(
            f"{who}: {name}: expected shape ({batch * heads}, keys, {width}), got "
            f"{tuple(given.shape)}"
        )
    by_heads = F.reshape(given, shape=(batch, heads, given.shape[1], width))
    return F.transpose(by_heads, perm=[0, 2, 1, 3])


def _with_more(
    who: str,
    k: Tensor,
    v: Tensor,
    weights: Weights,
    add_zero_attn: bool,
    static: tuple[TensorLike | None, TensorLike | None],
) -> tuple[Tensor, Tensor]:
    """Keys and values with those that are the same for all samples."""
    batch, _, heads, width = k.shape
    shape = (batch, 1, heads, width)
    if (weights.bias_k is None) != (weights.bias_v is None):
        raise ArgumentError(f"{who}: bias_k, bias_v: expected both or none")
    if weights.bias_k is not None and weights.bias_v is not None:
        if static != (None, None):
            raise ArgumentError(
                f"{who}: static_k, static_v: expected None beside bias_k and bias_v"
            )
        more = [
            F.broadcast_to(F.reshape(bias, shape=(1, 1, heads, width)), shape=shape)
            for bias in (weights.bias_k, weights.bias_v)
        ]
        k, v = F.concat([k, more[0]], axis=1), F.concat([v, more[1]], axis=1)
    if add_zero_attn:
        zeros = _core.full(shape, "float32", 0.0)
        k, v = F.concat([k, zeros], axis=1), F.concat([v, zeros], axis=1)
    return k, v


def _masks(
    who: str,
    attn_mask: TensorLike | None,
    key_padding_mask: TensorLike | None,
    causal: bool,
    need_weights: bool,
    batched: bool,
    scores: tuple[int, int, int, int],
    all_keys: int,
) -> Masks:
    batch, heads, queries, keys = scores
    if causal and attn_mask is None:
        raise ArgumentError(
            f"{who}: is_causal: expected an attn_mask beside it, which it is a hint for; "
            "nn.Transformer.generate_square_subsequent_mask makes one"
        )
    found = []
    if key_padding_mask is not None:
        mask = _mask(who, "key_padding_mask", key_padding_mask)
        wanted = (batch, keys) if batched else (keys,)
        if mask.shape != wanted:
            raise ShapeError(
                f"{who}: key_padding_mask: expected shape {wanted}, got {tuple(mask.shape)}"
            )
        found.append(F.reshape(mask, shape=(batch, 1, 1, keys)))
    hinted = causal and key_padding_mask is None and not need_weights
    if attn_mask is not None:
        mask = _mask(who, "attn_mask", attn_mask)
        every = (batch * heads, queries, keys)
        if mask.shape not in ((queries, keys), every):
            raise ShapeError(
                f"{who}: attn_mask: expected shape {(queries, keys)} or {every}, got "
                f"{tuple(mask.shape)}"
            )
        if not hinted:
            lead = (1, 1) if mask.ndim == 2 else (batch, heads)
            found.append(F.reshape(mask, shape=(*lead, queries, keys)))
    if all_keys > keys:  # nothing is masked of the keys that are the same for all samples
        found = [_padded(mask, all_keys - keys) for mask in found]
    left_out = added = None
    for mask in found:
        if mask.dtype == "bool":
            left_out = mask if left_out is None else F.logical_or(left_out, mask)
        else:
            added = mask if added is None else F.add(added, mask)
    return Masks(left_out, added, hinted)


def _mask(who: str, name: str, given: TensorLike) -> Tensor:
    mask = _core.as_tensor(given)
    if mask.dtype not in ("bool", "float32"):
        raise DTypeError(f"{who}: {name}: expected bool or float32, got {mask.dtype}")
    return mask


def _padded(mask: Tensor, count: int) -> Tensor:
    return F.concat(
        [mask, _core.full((*mask.shape[:-1], count), "float32", 0.0).to(mask.dtype)], axis=-1
    )


def _with_weights(
    q: Tensor, k: Tensor, v: Tensor, masks: Masks, dropout: float
) -> tuple[Tensor, Tensor]:
    """The outputs, and the weights of each head: (batch, heads, queries, keys).

    A query that attends to no key gets NaN, as in PyTorch.
    """
    q, k, v = (F.transpose(x, perm=[0, 2, 1, 3]) for x in (q, k, v))
    scores = F.matmul(F.mul(q, math.sqrt(1 / q.shape[-1])), k, transpose_b=True)
    if masks.added is not None:
        scores = F.add(scores, masks.added)
    if masks.left_out is not None:
        scores = F.where(masks.left_out, -math.inf, scores)
    weights = F.softmax(scores, axis=-1)
    if dropout:
        weights = F.dropout(weights, rate=dropout) if dropout < 1 else F.mul(weights, 0.0)
    return F.transpose(F.matmul(weights, v), perm=[0, 2, 1, 3]), weights
