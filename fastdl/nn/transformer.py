"""Transformer, its encoder and decoder, and their layers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._base.checks import (
    check_callable,
    check_choice,
    check_flag,
    check_fraction,
    check_integer,
    check_number,
    shown,
)
from .._base.device import check_target
from .._base.module import Module
from .._core import ArgumentError, ShapeError
from . import functional, init
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    from .._base.device import Place
    from .._core import Tensor, TensorLike

    Activation = str | Callable[[Tensor], Tensor]

_OPTIONS = """dim_feedforward: the number of hidden features of the two linear layers at the end.
        dropout: in training, the probability to drop a weight of attention, a hidden value, or a
            result before it is added.
        activation: "relu", "gelu", or a function of a tensor; between the two linear layers.
        layer_norm_eps: is added to the variance in normalizations.
        batch_first: whether sequences are (batch, length, features) instead of (length, batch,
            features). This order is the faster one.
        norm_first: whether inputs of attention and of linear layers are normalized, instead of the
            sums with their results.
        bias: whether linear layers, projections and normalizations have biases.
        device: "cpu" or None.
        dtype: float32 or None."""
_MASKS = """Masks: (queries, keys) or (batch * heads, queries, keys), padding masks (batch, keys).
    bool: True where a key is left out. float32: is added to the scores. `is_causal` is a hint that
    the mask is causal, which it must be then."""


class _Layer(Module):
    """Attentions, then two linear layers; each is added to its input."""

    _attentions: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        size, heads = _check_sizes(who, d_model, nhead)
        hidden = check_integer(who, "dim_feedforward", dim_feedforward, 1)
        rate = check_fraction(who, "dropout", dropout)
        eps = check_number(who, "layer_norm_eps", layer_norm_eps)
        batch_first = check_flag(who, "batch_first", batch_first)
        bias = check_flag(who, "bias", bias)
        if isinstance(activation, str):
            check_choice(who, "activation", activation, ("relu", "gelu"))
            activation = functional.relu if activation == "relu" else functional.gelu
        check_callable(who, "activation", activation)
        for name in self._attentions:
            attention = MultiheadAttention(size, heads, rate, bias, batch_first=batch_first)
            setattr(self, name, attention)
        self.linear1 = Linear(size, hidden, bias)
        self.dropout = Dropout(rate)
        self.linear2 = Linear(hidden, size, bias)
        self.norm_first = check_flag(who, "norm_first", norm_first)
        parts = range(1, len(self._attentions) + 2)
        for part in parts:
            setattr(self, f"norm{part}", LayerNorm(size, eps, bias=bias))
        for part in parts:
            setattr(self, f"dropout{part}", Dropout(rate))
        self.activation = activation

    def _added(self, part: int, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """x and what the function gives for it, with the normalization and dropout of a part."""
        norm, dropout = getattr(self, f"norm{part}"), getattr(self, f"dropout{part}")
        if self.norm_first:
            return x + dropout(function(norm(x)))
        return norm(x + dropout(function(x)))

    def _attend(
        self,
        attention: MultiheadAttention,
        memory: Tensor | None,
        attn_mask: TensorLike | None,
        key_padding_mask: TensorLike | None,
        is_causal: bool,
    ) -> Callable[[Tensor], Tensor]:
        """Attention to the memory, or of the input to itself if that is None."""

        def function(x: Tensor) -> Tensor:
            keys = x if memory is None else memory
            return attention(
                x,
                keys,
                keys,
                key_padding_mask=key_padding_mask,
                need_weights=False,
                attn_mask=attn_mask,
                is_causal=is_causal,
            )[0]

        return function

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    __doc__ = f"""Attention of a sequence to itself, then two linear layers, each with a bypass.

    Args:
        d_model: the number of features.
        nhead: the number of heads of attention, a divisor of it.
        {_OPTIONS}

    A call takes the sequence, with a batch or without, and gives one of its shape.
    {_MASKS}

    Raises:
        ValueError: sizes below 1, `nhead` is no divisor of `d_model`, another activation, or a
            number out of its range. From a call, see `MultiheadAttention`.

    Source: Vaswani et al. 2017; `torch.nn.TransformerEncoderLayer`.

    Example:
        >>> nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)(fastdl.zeros(3, 5, 8)).shape
        (3, 5, 8)
    """
    _attentions = ("self_attn",)
    self_attn: MultiheadAttention

    def forward(
        self,
        src: TensorLike,
        src_mask: TensorLike | None = None,
        src_key_padding_mask: TensorLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        attend = self._attend(self.self_attn, None, src_mask, src_key_padding_mask, is_causal)
        x = self._added(1, _core.as_tensor(src), attend)
        return self._added(2, x, self._feed_forward)

    if TYPE_CHECKING:
        __call__ = forward


class TransformerDecoderLayer(_Layer):
    __doc__ = f"""Attention to itself, then to a memory, then two linear layers, each with a bypass.

    Args:
        d_model: the number of features.
        nhead: the number of heads of attention, a divisor of it.
        {_OPTIONS}

    A call takes the sequence and the memory, which an encoder gives, with a batch or without. It
    gives a sequence of the shape of the first.
    {_MASKS}

    Raises:
        ValueError: sizes below 1, `nhead` is no divisor of `d_model`, another activation, or a
            number out of its range. From a call, see `MultiheadAttention`.

    Source: Vaswani et al. 2017; `torch.nn.TransformerDecoderLayer`.

    Example:
        >>> layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> layer(fastdl.zeros(3, 5, 8), fastdl.zeros(3, 7, 8)).shape
        (3, 5, 8)
    """
    _attentions = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: TensorLike,
        memory: TensorLike,
        tgt_mask: TensorLike | None = None,
        memory_mask: TensorLike | None = None,
        tgt_key_padding_mask: TensorLike | None = None,
        memory_key_padding_mask: TensorLike | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        attend = self._attend(self.self_attn, None, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        x = self._added(1, _core.as_tensor(tgt), attend)
        attend = self._attend(
            self.multihead_attn,
            _core.as_tensor(memory),
            memory_mask,
            memory_key_padding_mask,
            memory_is_causal,
        )
        x = self._added(2, x, attend)
        return self._added(3, x, self._feed_forward)

    if TYPE_CHECKING:
        __call__ = forward


class _Stack(Module):
    """Copies of a layer one after the other, then a normalization."""

    def __init__(self, argument: str, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        who = type(self).__name__
        if not isinstance(layer, Module):
            raise TypeError(f"{who}: {argument}: expected a module, got {shown(layer)}")
        if norm is not None and not isinstance(norm, Module):
            raise TypeError(f"{who}: norm: expected a module or None, got {shown(norm)}")
        self.num_layers = check_integer(who, "num_layers", num_layers, 1)
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(self.num_layers))
        self.norm = norm


class TransformerEncoder(_Stack):
    __doc__ = f"""Copies of a layer one after the other, then a normalization.

    Args:
        encoder_layer: a `TransformerEncoderLayer`, or a module that is called like one. The copies
            begin with its weights.
        num_layers: their number.
        norm: a module for the result, or None.
        enable_nested_tensor, mask_check: without an effect: there is one way to compute.

    A call takes the sequence, with a batch or without, and gives one of its shape.
    {_MASKS}

    Raises:
        TypeError: a layer that is no module.
        ValueError: `num_layers` below 1. From a call, see `MultiheadAttention`.

    Source: Vaswani et al. 2017; `torch.nn.TransformerEncoder`.

    Example:
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> nn.TransformerEncoder(layer, 2)(fastdl.zeros(3, 5, 8)).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__("encoder_layer", encoder_layer, num_layers, norm)
        check_flag(type(self).__name__, "enable_nested_tensor", enable_nested_tensor)
        check_flag(type(self).__name__, "mask_check", mask_check)

    def forward(
        self,
        src: TensorLike,
        mask: TensorLike | None = None,
        src_key_padding_mask: TensorLike | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        x = _core.as_tensor(src)
        for layer in self.layers:
            x = layer(
                x,
                src_mask=mask,
                is_causal=bool(is_causal),
                src_key_padding_mask=src_key_padding_mask,
            )
        return x if self.norm is None else self.norm(x)

    if TYPE_CHECKING:
        __call__ = forward


class TransformerDecoder(_Stack):
    __doc__ = f"""Copies of a layer one after the other, then a normalization.

    Args:
        decoder_layer: a `TransformerDecoderLayer`, or a module that is called like one. The copies
            begin with its weights.
        num_layers: their number.
        norm: a module for the result, or None.

    A call takes the sequence and the memory, which an encoder gives, with a batch or without. It
    gives a sequence of the shape of the first.
    {_MASKS}

    Raises:
        TypeError: a layer that is no module.
        ValueError: `num_layers` below 1. From a call, see `MultiheadAttention`.

    Source: Vaswani et al. 2017; `torch.nn.TransformerDecoder`.

    Example:
        >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)
        >>> decoder(fastdl.zeros(5, 3, 8), fastdl.zeros(7, 3, 8)).shape
        (5, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__("decoder_layer", decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: TensorLike,
        memory: TensorLike,
        tgt_mask: TensorLike | None = None,
        memory_mask: TensorLike | None = None,
        tgt_key_padding_mask: TensorLike | None = None,
        memory_key_padding_mask: TensorLike | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        x = _core.as_tensor(tgt)
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)

    if TYPE_CHECKING:
        __call__ = forward


class Transformer(Module):
    __doc__ = f"""An encoder of a source, and a decoder of a target that attends to what it gives.

    Args:
        d_model: the number of features.
        nhead: the number of heads of attention, a divisor of it.
        num_encoder_layers, num_decoder_layers: how many layers there are.
        {_OPTIONS}
        custom_encoder, custom_decoder: modules instead of a `TransformerEncoder` and a
            `TransformerDecoder`; they are called like these.

    A call takes the source and the target, with a batch or without, and gives a sequence of the
    shape of the target.
    {_MASKS}

    All weight matrices are drawn from Glorot's uniform distribution.

    Raises:
        ValueError: sizes below 1, `nhead` is no divisor of `d_model`, another activation, or a
            number out of its range. From a call: another number of features, or of samples.

    Source: Vaswani et al. 2017; `torch.nn.Transformer`.

    Example:
        >>> net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> net(fastdl.zeros(3, 7, 8), fastdl.zeros(3, 5, 8)).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Place | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_target(who, (), {"device": device, "dtype": dtype})
        self.d_model, self.nhead = _check_sizes(who, d_model, nhead)
        self.batch_first = check_flag(who, "batch_first", batch_first)
        layers = (
            check_integer(who, "num_encoder_layers", num_encoder_layers, 1),
            check_integer(who, "num_decoder_layers", num_decoder_layers, 1),
        )
        for name, custom in (
            ("custom_encoder", custom_encoder),
            ("custom_decoder", custom_decoder),
        ):
            if custom is not None:
                check_callable(who, name, custom)
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                   batch_first, norm_first, bias)  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(self.d_model, layer_norm_eps, bias=bias)

        self.encoder: Any = custom_encoder
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*options)
            self.encoder = TransformerEncoder(encoder_layer, layers[0], norm())
        self.decoder: Any = custom_decoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*options)
            self.decoder = TransformerDecoder(decoder_layer, layers[1], norm())
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in self.parameters():
            if weight.ndim > 1:
                init.xavier_uniform_(weight)

    def forward(
        self,
        src: TensorLike,
        tgt: TensorLike,
        src_mask: TensorLike | None = None,
        tgt_mask: TensorLike | None = None,
        memory_mask: TensorLike | None = None,
        src_key_padding_mask: TensorLike | None = None,
        tgt_key_padding_mask: TensorLike | None = None,
        memory_key_padding_mask: TensorLike | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        source, target = _core.as_tensor(src), _core.as_tensor(tgt)
        shapes = f"src {tuple(source.shape)}, tgt {tuple(target.shape)}"
        if source.ndim not in (2, 3) or source.ndim != target.ndim:
            raise ShapeError(f"Transformer: expected src and tgt of 2 or 3 axes, got {shapes}")
        samples = 0 if self.batch_first else 1
        if source.ndim == 3 and source.shape[samples] != target.shape[samples]:
            raise ShapeError(f"Transformer: expected one batch size of src and tgt, got {shapes}")
        if not source.shape[-1] == target.shape[-1] == self.d_model:
            raise ShapeError(
                f"Transformer: expected src and tgt of {self.d_model} features (d_model), got "
                f"{shapes}"
            )
        memory = self.encoder(
            source,
            mask=src_mask,
            src_key_padding_mask=src_key_padding_mask,
            is_causal=src_is_causal,
        )
        return self.decoder(
            target,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: Place | None = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """A causal mask: 0 where query i may attend to a key up to i, -inf elsewhere.

        Args:
            sz: the number of queries and keys.
            device: "cpu" or None.
            dtype: float32 or None.

        Example:
            >>> nn.Transformer.generate_square_subsequent_mask(2).tolist()
            [[0.0, -inf], [0.0, 0.0]]
        """
        who = "generate_square_subsequent_mask"
        check_target(who, (), {"device": device, "dtype": dtype})
        size = check_integer(who, "sz", sz, 0)
        return _core.as_tensor(np.triu(np.full((size, size), -np.inf, np.float32), 1))

    if TYPE_CHECKING:
        __call__ = forward


def _check_sizes(who: str, d_model: int, nhead: int) -> tuple[int, int]:
    size = check_integer(who, "d_model", d_model, 1)
    heads = check_integer(who, "nhead", nhead, 1)
    if size % heads:
        raise ArgumentError(f"{who}: nhead: expected a divisor of d_model {size}, got {heads}")
    return size, heads
