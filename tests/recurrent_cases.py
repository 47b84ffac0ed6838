"""Recurrent layers whose outputs Keras has computed, and modules whose outputs and gradients
PyTorch has computed: `golden/recurrent.py` runs the same lines.

A case of a layer is text that makes it from `layers`; `x` is a sequence of shape (3, 5, 2).
"""

import numpy as np

SHAPE = (3, 5, 2)
# Gaps, an end, a sample whose first step is masked, and one without any step.
MASK = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)

_KINDS = {
    "SimpleRNN": ("", "activation='relu'", "activation=None", "use_bias=False"),
    "LSTM": ("", "unit_forget_bias=False", "activation='relu', recurrent_activation='tanh'",
             "use_bias=False"),
    "GRU": ("", "reset_after=False", "recurrent_activation='hard_sigmoid'", "use_bias=False",
            "reset_after=False, use_bias=False"),
}  # fmt: skip
_RETURNS = (
    "",
    "return_sequences=True",
    "return_state=True, go_backwards=True",
    "return_sequences=True, return_state=True, go_backwards=True",
)


def _texts():
    for kind, options in _KINDS.items():
        for option in options:
            for returns in _RETURNS if option in ("", "reset_after=False") else _RETURNS[1:2]:
                yield f"layers.{kind}({', '.join(filter(None, ('3', option, returns)))})"
    both = "return_sequences=True, return_state=True"
    yield f"layers.RNN(layers.LSTMCell(3), {both})"
    yield f"layers.RNN(layers.GRUCell(3), zero_output_for_mask=True, {both})"
    yield f"layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], {both})"
    yield "layers.RNN(layers.SimpleRNNCell(3), go_backwards=True, zero_output_for_mask=True)"
    for mode in ("'concat'", "'sum'", "'mul'", "'ave'", "None"):
        yield f"layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode={mode})"
    yield f"layers.Bidirectional(layers.GRU(3, {both}))"
    yield "layers.Bidirectional(layers.GRU(3))"
    yield (
        "layers.Bidirectional(layers.LSTM(3, return_sequences=True), backward_layer="
        "layers.GRU(2, return_sequences=True, go_backwards=True))"
    )


LAYERS = list(_texts())
CONVOLUTIONS = [
    ("layers.ConvLSTM1D(2, 3)", (2, 3, 5, 2)),
    ("layers.ConvLSTM1D(2, 2, padding='same', strides=2, return_sequences=True)", (2, 3, 5, 1)),
    ("layers.ConvLSTM2D(3, (2, 3), return_state=True, dilation_rate=2, padding='same')",
     (2, 2, 4, 5, 2)),
    ("layers.ConvLSTM2D(2, 2, data_format='channels_first', return_sequences=True)",
     (1, 3, 2, 4, 3)),
    ("layers.ConvLSTM3D(2, 2, go_backwards=True, use_bias=False)", (1, 2, 3, 3, 2, 2)),
]  # fmt: skip


def waves(shape, step):
    """Known values from -1 to 1."""
    return np.cos(np.arange(int(np.prod(shape))) * step).reshape(shape).astype("float32")


def output(keras, text, shape=SHAPE, masked=False, started=False):
    """The layer with known weights, its arguments, and its outputs, as a list."""
    layer = eval(text, {"layers": keras.layers})
    x = waves(shape, 0.37)
    layer(x)
    layer.set_weights(
        [waves(w.shape, 0.7 * (i + 1)) / 2 for i, w in enumerate(layer.get_weights())]
    )
    arguments = {"mask": MASK} if masked else {}
    if started:
        sizes = started_sizes(layer)
        arguments["initial_state"] = [waves((shape[0], n), 0.5 + i) for i, n in enumerate(sizes)]
    y = layer(x, **arguments)
    return layer, (x, arguments), flat(y)


def flat(y):
    """The outputs and states, one after the other."""
    if not isinstance(y, (list, tuple)):
        return [y]
    return [leaf for part in y for leaf in flat(part)]


def started_sizes(layer):
    """The sizes of the states of a layer, or of the two of a Bidirectional one."""
    parts = [layer.forward_layer, layer.backward_layer] if hasattr(layer, "merge_mode") else [layer]
    return [size for part in parts for size in part.state_size]


def layer_cases():
    """name: (text, shape, masked, started)"""
    found = {}
    for text in LAYERS:
        found[text] = (text, SHAPE, False, False)
        found[f"{text} masked"] = (text, SHAPE, True, False)
        if "[" not in text and "backward_layer" not in text:  # nested states; an odd number
            found[f"{text} masked, started"] = (text, SHAPE, True, True)
    for text, shape in CONVOLUTIONS:
        found[text] = (text, shape, False, False)
    return found


# --- modules: `nn` is the library's, `x` the input; see image_module_cases.evaluate

_PACK = "nn.utils.rnn.pack_padded_sequence(x, {lengths}, {options})"
MODULES = [
    ("nn.RNN(2, 3)(x)[0]", (4, 3, 2)),
    ("nn.RNN(2, 3, nonlinearity='relu', batch_first=True)(x)[0]", (4, 3, 2)),
    ("nn.RNN(2, 3, 2, bias=False)(x)[1]", (4, 2)),
    ("nn.LSTM(2, 3)(x)[0]", (4, 3, 2)),
    ("nn.LSTM(2, 3)(x)[0]", (4, 2)),
    ("nn.LSTM(2, 3, 2, bidirectional=True)(x)[0]", (4, 3, 2)),
    ("nn.LSTM(2, 3, 2, bidirectional=True, batch_first=True)(x)[1][0]", (4, 3, 2)),
    ("nn.LSTM(2, 3, bias=False)(x)[1][1]", (4, 3, 2)),
    ("nn.LSTM(2, 2)(x, (x[:1], x[1:2]))[0]", (4, 3, 2)),
    ("nn.LSTM(2, 4, proj_size=3)(x)[0]", (4, 3, 2)),
    ("nn.LSTM(2, 3, 2, bidirectional=True, proj_size=2, batch_first=True)(x)[1][0]", (4, 3, 2)),
    ("nn.LSTM(2, 3, bias=False, bidirectional=True, proj_size=2)(x, (x[:2], nn.functional.pad("
     "x[2:], (0, 1))))[0]", (4, 3, 2)),
    ("nn.LSTM(2, 3, proj_size=2, batch_first=True)(x, (x[None, :, 0], nn.functional.pad("
     "x[None, :, 1], (0, 1))))[1][1]", (4, 3, 2)),
    ("nn.LSTM(2, 4, bidirectional=True, proj_size=2)("
     + _PACK.format(lengths=[2, 4, 1], options="enforce_sorted=False")
     + ", (x[:2], nn.functional.pad(x[1:3], (0, 2))))[0].data", (4, 3, 2)),
    ("nn.GRU(2, 3)(x)[0]", (4, 3, 2)),
    ("nn.GRU(2, 3, 2, batch_first=True, bidirectional=True)(x)[0]", (4, 3, 2)),
    ("nn.GRU(2, 2, bias=False)(x, x[2:3])[1]", (4, 3, 2)),
    ("nn.RNNCell(2, 3, nonlinearity='relu')(x)", (4, 2)),
    ("nn.LSTMCell(2, 2)(x, (x, 2 * x))[1]", (4, 2)),
    ("nn.GRUCell(2, 2, bias=False)(x, x * x)", (4, 2)),
    ("nn.GRUCell(2, 3)(x)", (2,)),
    ("nn.utils.rnn.pad_packed_sequence(nn.LSTM(2, 3, bidirectional=True)("
     + _PACK.format(lengths=[4, 2, 1], options="") + ")[0], padding_value=0.5)[0]", (5, 3, 2)),
    ("nn.GRU(2, 3, 2, bidirectional=True)("
     + _PACK.format(lengths=[2, 4, 1], options="batch_first=True, enforce_sorted=False")
     + ")[1]", (3, 4, 2)),
    ("nn.LSTM(2, 3)(" + _PACK.format(lengths=[2, 4, 1], options="enforce_sorted=False")
     + ")[0].data", (4, 3, 2)),
    ("nn.utils.rnn.pad_sequence([x[0], x[1, :2], x[2, :1]], padding_side='left')", (3, 4, 2)),
]  # fmt: skip
