"""Attention layers whose outputs Keras has computed: `golden/attention.py` runs the same lines.

A case is the text of a layer and of its call; q, k and v are known inputs of shapes (2, 3, 4),
(2, 5, 4) and (2, 5, 4).
"""

import numpy as np
from recurrent_cases import flat, waves

NAMES = {
    "q": waves((2, 3, 4), 0.37),
    "k": waves((2, 5, 4), 0.61),
    "v": waves((2, 5, 4), 0.23),
    "x": waves((2, 3, 2, 4), 0.41),
    "padding": np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], bool),
    "q_mask": np.array([[1, 1, 0], [1, 1, 1]], bool),
    "seen": np.cos(np.arange(30)).reshape(2, 3, 5) > -0.8,
    "of_axis": np.array([[[1, 0], [1, 1]], [[1, 1], [0, 1]]], bool),  # of the axis 2 of x
    "of_places": np.cos(np.arange(12)).reshape(2, 3, 2, 1) * [1, -1] > -0.9,  # and of its axis 1
}

_HEADS = "layers.MultiHeadAttention(2, 3{})"
_GROUPS = "layers.GroupQueryAttention(3, 4, 2{})"
CASES = [
    (_HEADS.format(""), "(q, v)"),
    (_HEADS.format(""), "(q, v, k)"),
    (_HEADS.format(", value_dim=5, use_bias=False"), "(q, v, k, return_attention_scores=True)"),
    (_HEADS.format(", output_shape=6"), "(q, v, use_causal_mask=True)"),
    (_HEADS.format(", output_shape=(2, 3)"), "(q, q, use_causal_mask=True)"),
    (_HEADS.format(""), "(q, v, attention_mask=seen)"),
    (_HEADS.format(""), "(q, v, attention_mask=seen, return_attention_scores=True)"),
    (_HEADS.format(""), "(v, v, use_causal_mask=True, return_attention_scores=True)"),
    (_HEADS.format(", use_gate=True"), "(q, v)"),
    (_HEADS.format(", sliding_window=2"), "(v, v, use_causal_mask=True)"),
    (_HEADS.format(", sliding_window=2"), "(v, v)"),
    (_HEADS.format(""), "(x, x)"),
    (_HEADS.format(", attention_axes=2"), "(x, x)"),
    (_HEADS.format(", attention_axes=(1,)"), "(x, x, return_attention_scores=True)"),
    (_HEADS.format(", attention_axes=2"), "(x, x, attention_mask=of_axis)"),
    (_HEADS.format(", attention_axes=(-2,)"), "(x, x, attention_mask=of_places)"),
    (_HEADS.format(", attention_axes=(1,)"), "(q, v, value_mask=padding)"),
    (_GROUPS.format(""), "(q, v)"),
    (_GROUPS.format(", use_gate=True"), "(q, v, k, attention_mask=seen)"),
    (
        _GROUPS.format(", use_bias=False"),
        "(v, v, use_causal_mask=True, return_attention_scores=True)",
    ),
    ("layers.Attention()", "([q, v])"),
    ("layers.Attention(use_scale=True)", "([q, v, k], return_attention_scores=True)"),
    ("layers.Attention()", "([q, v], mask=[q_mask, padding])"),
    ("layers.Attention()", "([q, v], mask=[None, padding], use_causal_mask=True)"),
    ("layers.Attention(score_mode='concat')", "([q, v, k], mask=[q_mask, padding])"),
    ("layers.Attention(score_mode='concat', use_scale=True)", "([q, v], use_causal_mask=True)"),
    ("layers.AdditiveAttention()", "([q, v, k])"),
    ("layers.AdditiveAttention(use_scale=False)", "([q, v], mask=[q_mask, padding])"),
    ("layers.AdditiveAttention()", "([q, v], use_causal_mask=True, return_attention_scores=True)"),
]


def output(keras, text, call):
    """The layer with known weights, and its outputs, as a list."""
    layer = eval(text, {"layers": keras.layers})
    run = eval(f"lambda layer, {', '.join(NAMES)}: layer{call}")
    run(layer, **NAMES)
    layer.set_weights(
        [waves(w.shape, 0.7 * (i + 1)) / 2 for i, w in enumerate(layer.get_weights())]
    )
    return layer, lambda each: flat(run(each, **NAMES)), flat(run(layer, **NAMES))
