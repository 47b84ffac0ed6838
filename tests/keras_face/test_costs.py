"""`summary(show_flops=True)` counts what its rules say: by hand, and of every layer."""

import numpy as np
import pytest

import fastdl
from fastdl import layers, models, ops
from fastdl.models import costs

IMAGE = (6, 8, 4)  # height, width, channels
PIXELS = 6 * 8
FLOAT = 4

# name: (layer, multiply-adds, elements read and written besides the weights)
CASES = {
    "Dense": (lambda: layers.Dense(5), PIXELS * 4 * 5, PIXELS * (4 + 5)),
    "Dense with relu": (lambda: layers.Dense(5, "relu"), PIXELS * (4 * 5 + 5), PIXELS * (4 + 5)),
    # 4 x 6 places, at each 3 x 3 x 4 inputs for each of 5 filters
    "Conv2D": (lambda: layers.Conv2D(5, 3), 24 * 36 * 5, PIXELS * 4 + 24 * 5),
    "Conv2D same": (
        lambda: layers.Conv2D(5, 3, 2, "same", activation="relu"),
        3 * 4 * (36 * 5 + 5),
        PIXELS * 4 + 12 * 5,
    ),
    "Conv2D groups": (lambda: layers.Conv2D(6, 3, groups=2), 24 * 18 * 6, PIXELS * 4 + 24 * 6),
    # each pixel of the input meets each weight
    "Conv2DTranspose": (
        lambda: layers.Conv2DTranspose(5, 3, 2),
        PIXELS * 4 * 9 * 5,
        PIXELS * 4 + 13 * 17 * 5,
    ),
    "DepthwiseConv2D": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
        24 * 4 * 2 * 9,
        PIXELS * 4 + 24 * 8,
    ),
    "SeparableConv2D": (
        lambda: layers.SeparableConv2D(5, 3),
        24 * (4 * 9 + 4 * 5),
        PIXELS * 4 + 24 * 5,
    ),
    "MaxPooling2D": (lambda: layers.MaxPooling2D(2), 12 * 4 * 4, PIXELS * 4 + 12 * 4),
    "GlobalAveragePooling2D": (lambda: layers.GlobalAveragePooling2D(), PIXELS * 4, PIXELS * 4 + 4),
    "BatchNormalization": (lambda: layers.BatchNormalization(), PIXELS * 4, 2 * PIXELS * 4),
    "LayerNormalization": (lambda: layers.LayerNormalization(), 3 * PIXELS * 4, 2 * PIXELS * 4),
    "ReLU": (lambda: layers.ReLU(), PIXELS * 4, 2 * PIXELS * 4),
    "Permute": (lambda: layers.Permute((3, 1, 2)), 0, 2 * PIXELS * 4),
    "UpSampling2D": (
        lambda: layers.UpSampling2D(2, interpolation="bilinear"),
        4 * 4 * PIXELS * 4,
        5 * PIXELS * 4,
    ),
    "EinsumDense": (
        lambda: layers.EinsumDense("...c,cd->...d", 5),
        PIXELS * 4 * 5,
        PIXELS * (4 + 5),
    ),
    "Flatten": (lambda: layers.Flatten(), 0, 0),
    "Dropout": (lambda: layers.Dropout(0.5), 0, 0),
    "SpectralNormalization": (
        lambda: layers.SpectralNormalization(layers.Dense(5)),
        PIXELS * 4 * 5,
        PIXELS * (4 + 5),
    ),
}
# What they do depends on values, or on a program.
UNCOUNTED = {
    *("AugMix", "ContrastLimitedAdaptiveHistogramEqualization", "MaxNumBoundingBoxes"),
    "TorchModuleWrapper",
    *("CategoryEncoding", "CenterCrop", "Discretization", "HashedCrossing", "Hashing"),
    *(
        "ReversibleEmbedding",
        "TextVectorization",
        "TimeDistributed",
        "Attention",
        "AdditiveAttention",
    ),
    *(
        "TransformerEncoder",
        "TransformerDecoder",
        "RNN",
        "StackedRNNCells",
        "Bidirectional",
        "Pipeline",
    ),
    *("SimpleRNNCell", "LSTMCell", "GRUCell", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    *("IntegerLookup", "Lambda", "RandomCrop", "StringLookup", "Wrapper", "SpectralNormalization"),
    *("Layer", "InputSpec", "Input"),
}


@pytest.mark.parametrize("name", CASES)
def test_layers(name):
    make, multiply_adds, elements = CASES[name]
    layer = make()
    model = models.Sequential([layers.Input(IMAGE), layer])
    weights = sum(weight.nbytes for weight in layer.weights)
    expected = (multiply_adds, FLOAT * elements + (weights if elements else 0))
    assert costs.cost_of(layer, model._graph) == expected
    # A Sequential without an Input, which was built by a call, is counted by the shapes.
    layer = make()
    models.Sequential([layer])(np.zeros((3, *IMAGE), np.float32))
    assert costs.cost_of(layer, None) == expected


def test_every_layer_has_a_rule_or_is_listed():
    for name in layers.__all__:
        cls = getattr(layers, name)
        if isinstance(cls, type) and cls.__name__ not in UNCOUNTED:
            assert cls.__name__ in costs._LAYERS, name


def lines(model, **options):
    found = []
    model.summary(show_flops=True, print_fn=found.append, **options)
    return found[0].splitlines()


def test_a_convolution_counts_the_products_of_a_loop():
    """Against the products that a plain loop makes, without padding."""
    count = 0
    for _ in np.ndindex(4, 6, 5):
        count += 3 * 3 * 4
    assert count == CASES["Conv2D"][1]


def test_graphs_shared_layers_and_functions():
    fastdl.utils.clear_session()
    a = layers.Input((4, 4, 3))
    shared = layers.Conv2D(3, 1)
    b = shared(shared(a))
    c = layers.Add()([a, b, a])
    d = ops.mean(c * 2.0, axis=(1, 2))
    inner = models.Sequential([layers.Input((3,)), layers.Dense(2), layers.Lambda(lambda x: x)])
    model = fastdl.Model(a, inner(d))
    assert costs.cost_of(shared, model._graph).multiply_adds == 2 * 16 * 9
    text = lines(model, expand_nested=True, line_length=120)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text if "│" in line]
    cells = {row[0].replace("└", "").split()[0]: row[-2:] for row in rows if row[-1]}
    assert cells["add"] == ["96", "768 B"]  # three inputs and an output of 48 floats
    assert cells["mean"] == ["48", "204 B"] and cells["multiply"] == ["48", "384 B"]
    assert cells["sequential"][0] == cells["lambda"][0] == "?" and cells["dense"][0] == "6"
    total = 2 * 16 * 9 + 96 + 48 + 48
    assert f" Total multiply-adds of a sample: {total:,} (layers that are not counted: 1)" in text


def test_unknown_sizes_and_unbuilt_layers():
    model = models.Sequential([layers.Input((None, 3)), layers.Dense(2)])
    assert costs.cost_of(model.layers[0], model._graph) == (None, None)
    text = lines(models.Sequential([layers.Dense(2)]))
    assert " Total bytes of a sample: 0 (layers that are not counted: 1)" in text


def test_code_of_ones_own_is_not_counted():
    class Mine(layers.Dense):
        def call(self, inputs):
            return super().call(inputs) * 2

    class Named(layers.Dense):
        """The same computation."""

    for cls, expected in ((Mine, None), (Named, 12)):
        layer = cls(3)
        model = models.Sequential([layers.Input((4,)), layer])
        assert costs.cost_of(layer, model._graph).multiply_adds == expected


def test_the_table_fits_a_terminal_of_80_columns():
    model = models.Sequential([layers.Input((224, 224, 3)), layers.Conv2D(64, 7)])
    text = lines(model, line_length=76)
    assert max(map(len, text[1:6])) <= 76
    row = next(line for line in text if "conv2d" in line)
    # 218 x 218 places, 147 products and 64 filters
    assert row.split("│")[-3].strip() == "447.1 M" and row.split("│")[-2].strip() == "12.21 MB"
    assert "Mult-adds" in text[2]


@pytest.mark.parametrize(
    ("number", "text", "size"),
    [
        (0, "0", "0 B"),
        (999, "999", "999 B"),
        (1000, "1.00 k", "1000 B"),
        (123_456, "123.5 k", "120.6 KB"),
        (5_000_000_000, "5.00 G", "4.66 GB"),
        (None, "?", "?"),
    ],
)
def test_short_numbers(number, text, size):
    assert costs.short(number) == text and costs.short_bytes(number) == size


def test_errors():
    model = models.Sequential([layers.Input((3,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="summary: show_flops: expected True or False"):
        model.summary(show_flops="yes")
    with pytest.raises(ValueError, match="positions: expected 3 numbers"):
        model.summary(show_flops=True, positions=[0.5, 1.0])


def test_recurrent_layers_and_attention_count_their_products():
    tokens = layers.Input((5, 3))
    lstm = layers.LSTM(4, return_sequences=True)
    y = lstm(tokens)
    heads = layers.MultiHeadAttention(2, 3)
    model = models.Model(tokens, heads(y, tokens))
    assert costs.cost_of(lstm, model._graph)[0] == 5 * 4 * 4 * (3 + 4)
    queries = 5 * (4 * 6 + 6 * 4)  # projections of queries and results
    keys = 5 * 2 * (3 * 6)
    assert costs.cost_of(heads, model._graph)[0] == queries + keys + 5 * 5 * 2 * (3 + 3)
