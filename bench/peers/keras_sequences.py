"""The networks of sequences.py with Keras's names, for fastdl and for Keras."""

from __future__ import annotations

from typing import Any

from .sequences import GPT, RECURRENT


def recurrent(library: Any, kind: str) -> Any:
    """The compiled model of the rows `lstm` and `gru`."""
    layers = library.layers
    layer = {"lstm": layers.LSTM, "gru": layers.GRU}[kind]
    model = library.Sequential(
        [
            layers.Input(shape=(RECURRENT.length,), dtype="int64"),
            layers.Embedding(RECURRENT.vocabulary, RECURRENT.width),
            layer(RECURRENT.units),
            layers.Dense(1),
        ]
    )
    loss = library.losses.BinaryCrossentropy(from_logits=True)
    model.compile(library.optimizers.Adam(), loss)
    return model


def _positions(library: Any) -> Any:
    class Positions(library.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(shape=input_shape[1:], name="table")

        def call(self, inputs: Any) -> Any:
            return inputs + self.table

    return Positions()


def gpt(library: Any, positions: Any = None) -> Any:
    """The compiled model of the row `gpt`; with a layer of positions, for any number of steps."""
    layers = library.layers
    tokens = layers.Input(shape=(None if positions else GPT.context,), dtype="int64")
    x = layers.Embedding(GPT.vocabulary, GPT.width)(tokens)
    x = layers.Add()([x, positions(x)]) if positions else _positions(library)(x)
    for _ in range(GPT.layers):
        y = layers.LayerNormalization()(x)
        attention = layers.MultiHeadAttention(GPT.heads, GPT.width // GPT.heads)
        x = layers.Add()([x, attention(y, y, use_causal_mask=True)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(4 * GPT.width, activation="gelu")(y)
        x = layers.Add()([x, layers.Dense(GPT.width)(y)])
    logits = layers.Dense(GPT.vocabulary)(layers.LayerNormalization()(x))
    model = library.Model(tokens, logits)
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(library.optimizers.Adam(), loss)
    return model
