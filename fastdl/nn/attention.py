"""MultiheadAttention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base.checks import check_flag, check_fraction, check_integer
from .._base.device import check_target
from .._base.module import Module
from .._base.parameter import Parameter
from . import init
from ._multihead import Weights, multi_head, parts_of
from .linear import Linear

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike


class MultiheadAttention(Module):
    """Attention of several heads, each over a part of the projected features.

    `softmax(q k^T / sqrt(width) + mask) v` of each head; the heads side by side are projected once
    more.

    Args:
        embed_dim: the number of features of queries and of the results.
        num_heads: the number of heads, a divisor of it.
        dropout: the probability to drop a weight in training.
        bias: whether the projections have biases.
        add_bias_kv: whether there is one more key and value, which are trained.
        add_zero_attn: whether there is one more key and value of zeros.
        kdim, vdim: the number of features of keys and of values; `embed_dim` unless given.
        batch_first: whether sequences are (batch, length, features) instead of (length, batch,
            features). This order is the faster one.
        device: "cpu" or None.
        dtype: float32 or None.

    Attributes:
        in_proj_weight: (3 embed_dim, embed_dim), of query, key and value; None with other `kdim` or
            `vdim`.
        q_proj_weight, k_proj_weight, v_proj_weight: instead of it with other `kdim` or `vdim`.
        in_proj_bias: (3 embed_dim), zeros at first, or None.
        bias_k, bias_v: (1, 1, embed_dim), or None.
        out_proj: a `Linear`.

    A call takes query, key and value, with a batch or without. It gives the results and weights.
    `key_padding_mask`, (batch, keys), is True where a key is left out, or float32, which is added
    to the scores; `attn_mask` says the same for each query, (queries, keys) or (batch * heads,
    queries, keys). `is_causal` is a hint that `attn_mask` is causal, which it must be then. With
    `need_weights` the second result is the weights, (batch, queries, keys), else None, which is
    faster and needs less memory. They are means over the heads; without `average_attn_weights`
    there is an axis of heads after that of the batch.

    A query that attends to no key gives 0 without weights, NaN with them, as in PyTorch.

    Raises:
        ValueError: sizes below 1, `num_heads` is no divisor of `embed_dim`, dropout outside [0, 1].
            From a call: shapes that do not fit, or `is_causal` without a mask.
        TypeError: from a call, a mask that is neither bool nor float32.

    Source: Vaswani et al. 2017; `torch.nn.MultiheadAttention`.

    Example:
        >>> x = fastdl.zeros(2, 5, 8)
        >>> y, weights = nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x)
        >>> y.shape, weights.shape
        ((2, 5, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.embed_dim = size = check_integer(who, "embed_dim", embed_dim, 1)
        self.num_heads = check_integer(who, "num_heads", num_heads, 1)
        self.kdim = size if kdim is None else check_integer(who, "kdim", kdim, 1)
        self.vdim = size if vdim is None else check_integer(who, "vdim", vdim, 1)
        self.dropout = check_fraction(who, "dropout", dropout)
        self.batch_first = check_flag(who, "batch_first", batch_first)
        self.add_zero_attn = check_flag(who, "add_zero_attn", add_zero_attn)
        if size % self.num_heads:
            raise _core.ArgumentError(
                f"{who}: num_heads: expected a divisor of {size}, got {num_heads}"
            )
        self.head_dim = size // self.num_heads
        self._qkv_same_embed_dim = self.kdim == self.vdim == size
        shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys(
            ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight")
        )
        if self._qkv_same_embed_dim:
            shapes["in_proj_weight"] = (3 * size, size)
        else:
            shapes["q_proj_weight"] = (size, size)
            shapes["k_proj_weight"] = (size, self.kdim)
            shapes["v_proj_weight"] = (size, self.vdim)
        bias = check_flag(who, "bias", bias)
        shapes["in_proj_bias"] = (3 * size,) if bias else None
        more = (1, 1, size) if check_flag(who, "add_bias_kv", add_bias_kv) else None
        shapes |= {"bias_k": more, "bias_v": more}
        for name, shape in shapes.items():
            weight = None if shape is None else Parameter(_core.empty(shape, "float32"))
            self.register_parameter(name, weight)
        self.out_proj = Linear(size, size, bias)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draws new values: uniform after Glorot for the first projections, zeros for biases."""
        for name, weight in self._parameters.items():
            if weight is None:
                continue
            if name == "in_proj_bias":
                init.zeros_(weight)
            else:
                draw = init.xavier_normal_ if name.startswith("bias") else init.xavier_uniform_
                draw(weight)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: TensorLike,
        key: TensorLike,
        value: TensorLike,
        key_padding_mask: TensorLike | None = None,
        need_weights: bool = True,
        attn_mask: TensorLike | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        who = type(self).__name__
        if self.in_proj_weight is not None:
            in_proj = parts_of(who, self.in_proj_weight, self.embed_dim)
        else:
            in_proj = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        weights = Weights(
            in_proj,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.out_proj.weight,
            self.out_proj.bias,
        )
        return multi_head(
            who,
            (query, key, value),
            self.embed_dim,
            self.num_heads,
            weights,
            add_zero_attn=self.add_zero_attn,
            dropout=self.dropout if self.training else 0.0,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )

    if TYPE_CHECKING:

        def __call__(
            self,
            query: TensorLike,
            key: TensorLike,
            value: TensorLike,
            key_padding_mask: TensorLike | None = None,
            need_weights: bool = True,
            attn_mask: TensorLike | None = None,
            average_attn_weights: bool = True,
            is_causal: bool = False,
        ) -> tuple[Tensor, Tensor | None]: ...
