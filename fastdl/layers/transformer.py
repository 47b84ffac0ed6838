"""Blocks of transformers: TransformerEncoder and TransformerDecoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import activations, initializers
from .._base import functional as F
from .._base.checks import check_flag, check_fraction, check_integer, check_number
from .._base.registry import LAYERS
from .core import Dense
from .layer import Layer
from .multi_head_attention import MultiHeadAttention
from .normalization import LayerNormalization
from .regularization import Dropout

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from .._base.registry import Identifier
    from .._base.types import Config, Shape
    from .._core import Tensor
    from .options import LayerOptions


class TransformerBlock(Layer):
    """Base of both blocks: attentions and two dense layers, each with a normalization and a way
    around.
    """

    supports_masking = True

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        activation: Identifier = "relu",
        layer_norm_epsilon: float = 1e-05,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        normalize_first: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        self.intermediate_dim = check_integer(who, "intermediate_dim", intermediate_dim, 1)
        self.num_heads = check_integer(who, "num_heads", num_heads, 1)
        self.dropout = check_fraction(who, "dropout", dropout)
        self.activation = activations.get(activation, f"{who}: activation")
        self.layer_norm_epsilon = check_number(who, "layer_norm_epsilon", layer_norm_epsilon, 0)
        self.kernel_initializer = initializers.get(kernel_initializer, f"{who}: kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, f"{who}: bias_initializer")
        self.normalize_first = check_flag(who, "normalize_first", normalize_first)

    def _width(self, shape: Shape) -> int:
        width = shape[-1]
        if len(shape) != 3 or width is None or width % self.num_heads:
            raise ValueError(
                "expected an input (batch, steps, features) whose features are a multiple of "
                f"num_heads, {self.num_heads}, got shape {tuple(shape)}"
            )
        return width

    def _attention(self, name: str, shape: Shape, seen: Shape) -> MultiHeadAttention:
        layer = MultiHeadAttention(
            self.num_heads,
            self._width(shape) // self.num_heads,
            dropout=self.dropout,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            name=name,
            dtype=self._policy,
        )
        return _built(layer, shape, seen)

    def _norm(self, name: str, shape: Shape) -> LayerNormalization:
        return _built(LayerNormalization(epsilon=self.layer_norm_epsilon, name=name), shape)

    def _dense(self, name: str, shape: Shape, units: int, activation: Any = None) -> Dense:
        layer = Dense(
            units,
            activation,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            name=name,
            dtype=self._policy,
        )
        return _built(layer, shape)

    def _build_dense(self, shape: Shape) -> None:
        self._feedforward_layer_norm = self._norm("feedforward_layer_norm", shape)
        self._feedforward_intermediate_dense = self._dense(
            "feedforward_intermediate_dense", shape, self.intermediate_dim, self.activation
        )
        inner = (*shape[:-1], self.intermediate_dim)
        self._feedforward_output_dense = self._dense(
            "feedforward_output_dense", inner, self._width(shape)
        )
        self._dropout_layer = Dropout(self.dropout, name="dropout")

    def _around(
        self, x: Tensor, norm: Layer, inner: Callable[[Tensor], Tensor], training: bool
    ) -> Tensor:
        """`norm(x + inner(x))`, or `x + inner(norm(x))` with normalize_first."""
        if self.normalize_first:
            return x + self._dropout_layer(inner(norm(x)), training=training)
        return norm(x + self._dropout_layer(inner(x), training=training))

    def _feedforward(self, x: Tensor) -> Tensor:
        return self._feedforward_output_dense(self._feedforward_intermediate_dense(x))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }


def _built(layer: Any, *shapes: Shape) -> Any:
    layer.build(*shapes)
    layer.built = True
    return layer


def _as_bool(mask: Tensor | None) -> Tensor | None:
    return mask if mask is None else F.cast(mask, dtype="bool")


_ARGUMENTS = """
    Args:
        intermediate_dim: the units of the first dense layer, at least 1.
        num_heads: heads of attention; they divide the features.
        dropout: in training, the part of the weights of attention and of the results of both parts
            that is dropped.
        activation: of the first dense layer; "relu" unless given.
        layer_norm_epsilon: of the normalizations.
        kernel_initializer, bias_initializer: of all dense layers and projections.
        normalize_first: whether inputs of both parts are normalized ("pre-norm") instead of sums.

    Raises:
        ValueError: sizes below 1, a rate that isn't between 0 and 1, heads that do not divide the
            features.
"""


@LAYERS.register
class TransformerEncoder(TransformerBlock):
    __doc__ = f"""Attention of each step to all steps, then two dense layers at each step.

    Called with `(inputs, padding_mask=None, attention_mask=None, training=False)`: inputs
    `(batch, steps, features)`; `padding_mask`, `(batch, steps)`, is True for steps that count,
    those of the input's mask unless given; `attention_mask`, `(batch, steps, steps)`, says which
    steps attend to which. Returns the shape of the inputs.
    {_ARGUMENTS}
    Source: Vaswani et al. 2017; `TransformerEncoder` of KerasHub.

    Example:
        >>> layers.TransformerEncoder(16, num_heads=2)(np.ones((2, 5, 8), "float32")).shape
        (2, 5, 8)
    """

    def build(self, inputs_shape: Shape) -> None:
        shape = tuple(inputs_shape)
        self._self_attention_layer = self._attention("self_attention_layer", shape, shape)
        self._self_attention_layer_norm = self._norm("self_attention_layer_norm", shape)
        self._build_dense(shape)

    def call(
        self,
        inputs: Tensor,
        padding_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            return self._self_attention_layer(
                x,
                x,
                value_mask=_as_bool(padding_mask),
                attention_mask=attention_mask,
                training=training,
            )

        x = self._around(inputs, self._self_attention_layer_norm, attend, training)
        return self._around(x, self._feedforward_layer_norm, self._feedforward, training)

    def compute_output_shape(self, inputs_shape: Shape, **shapes: Any) -> Shape:
        return tuple(inputs_shape)


@LAYERS.register
class TransformerDecoder(TransformerBlock):
    __doc__ = f"""Attention of each step to earlier steps and, if there are, to those of an encoder.

    Called with `(decoder_sequence, encoder_sequence=None, decoder_padding_mask=None,
    decoder_attention_mask=None, encoder_padding_mask=None, encoder_attention_mask=None,
    use_causal_mask=True, training=False)`: sequences are `(batch, steps, features)`, padding masks
    `(batch, steps)`, attention masks `(batch, steps, steps attended to)`. Returns the shape of the
    decoder's sequence. The attention to an encoder is there if the first call has its sequence.
    `utils.generate` keeps the keys and values of a stack of decoders.
    {_ARGUMENTS}
    Source: Vaswani et al. 2017; `TransformerDecoder` of KerasHub.

    Example:
        >>> x, seen = np.ones((2, 5, 8), "float32"), np.ones((2, 7, 8), "float32")
        >>> layers.TransformerDecoder(16, num_heads=2)(x, seen).shape
        (2, 5, 8)
    """

    def build(self, decoder_sequence_shape: Shape, encoder_sequence_shape: Any = None) -> None:
        shape = tuple(decoder_sequence_shape)
        self._self_attention_layer = self._attention("self_attention", shape, shape)
        self._self_attention_layer_norm = self._norm("self_attention_layer_norm", shape)
        self._cross_attention_layer: MultiHeadAttention | None = None
        if encoder_sequence_shape is not None:
            seen = tuple(encoder_sequence_shape)
            self._cross_attention_layer = self._attention("cross_attention", shape, seen)
            self._cross_attention_layer_norm = self._norm("cross_attention_layer_norm", shape)
        self._build_dense(shape)

    def call(
        self,
        decoder_sequence: Tensor,
        encoder_sequence: Tensor | None = None,
        decoder_padding_mask: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
        encoder_padding_mask: Tensor | None = None,
        encoder_attention_mask: Tensor | None = None,
        use_causal_mask: bool = True,
        training: bool = False,
    ) -> Tensor:
        cross = self._cross_attention_layer
        if (cross is None) != (encoder_sequence is None):
            there, wanted = ("no", "without") if cross is None else ("an", "with")
            raise ValueError(
                f"encoder_sequence: this layer has {there} attention to an encoder, since it was "
                f"built {wanted} an encoder_sequence"
            )

        def attend(x: Tensor) -> Tensor:
            return self._self_attention_layer(
                x,
                x,
                value_mask=_as_bool(decoder_padding_mask),
                attention_mask=decoder_attention_mask,
                use_causal_mask=use_causal_mask,
                training=training,
            )

        def look(x: Tensor) -> Tensor:
            assert cross is not None
            return cross(
                x,
                encoder_sequence,
                value_mask=_as_bool(encoder_padding_mask),
                attention_mask=encoder_attention_mask,
                training=training,
            )

        x = self._around(decoder_sequence, self._self_attention_layer_norm, attend, training)
        if cross is not None:
            x = self._around(x, self._cross_attention_layer_norm, look, training)
        return self._around(x, self._feedforward_layer_norm, self._feedforward, training)

    def compute_output_shape(self, decoder_sequence_shape: Shape, **shapes: Any) -> Shape:
        return tuple(decoder_sequence_shape)
