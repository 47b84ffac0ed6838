"""Convolution layers whose outputs Keras has computed: `golden/conv.py` runs the same lines."""

import itertools

import numpy as np


def cases():
    """(name, class, arguments, input shape)"""
    found = []
    for padding, (stride, dilation), size in itertools.product(
        ("valid", "same"), ((1, 1), (2, 1), (3, 1), (1, 2)), (1, 2, (3, 2))
    ):
        options = {"strides": stride, "padding": padding, "dilation_rate": dilation}
        found += [
            (
                "Conv2D",
                {"filters": 2, "kernel_size": size, "activation": "relu", **options},
                (1, 6, 5, 3),
            ),
            (
                "DepthwiseConv2D",
                {"kernel_size": size, "depth_multiplier": 2, **options},
                (1, 6, 5, 2),
            ),
        ]
        for more in (None, 0, 1):
            if more is None or more < stride:
                transposed = {"filters": 2, "kernel_size": size, "output_padding": more, **options}
                found.append(("Conv2DTranspose", transposed, (1, 3, 4, 2)))
    for padding, (stride, dilation), size in itertools.product(
        ("valid", "same", "causal"), ((1, 1), (2, 1), (1, 2)), (2, 3)
    ):
        options = {"strides": stride, "padding": padding, "dilation_rate": dilation}
        found.append(("Conv1D", {"filters": 2, "kernel_size": size, **options}, (2, 7, 3)))
        if padding != "causal":
            found += [
                ("Conv1DTranspose", {"filters": 2, "kernel_size": size, **options}, (1, 4, 2)),
                ("DepthwiseConv1D", {"kernel_size": size, **options}, (1, 7, 3)),
                ("SeparableConv1D", {"filters": 2, "kernel_size": size, **options}, (1, 7, 3)),
                ("Conv3D", {"filters": 2, "kernel_size": size, **options}, (1, 5, 5, 5, 1)),
                (
                    "Conv3DTranspose",
                    {"filters": 1, "kernel_size": size, **options},
                    (1, 2, 3, 2, 2),
                ),
            ]
    separable = {"filters": 3, "kernel_size": (2, 3), "depth_multiplier": 2, "activation": "tanh"}
    found += [
        ("SeparableConv2D", separable, (2, 4, 5, 2)),
        ("SeparableConv2D", {**separable, "strides": 2, "padding": "same"}, (2, 4, 5, 2)),
        ("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 3, "use_bias": False}, (1, 4, 3, 9)),
    ]
    first = {"data_format": "channels_first", "padding": "same", "strides": 2}
    found += [
        ("Conv2D", {"filters": 2, "kernel_size": 3, **first}, (1, 3, 5, 4)),
        ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, **first}, (1, 3, 3, 4)),
        ("DepthwiseConv2D", {"kernel_size": 3, **first}, (1, 3, 5, 4)),
        ("SeparableConv1D", {"filters": 2, "kernel_size": 3, **first}, (1, 3, 7)),
    ]
    return {
        f"{i}-{name}": (name, arguments, shape) for i, (name, arguments, shape) in enumerate(found)
    }


def output(keras, name, arguments, shape):
    """The layer with known weights, and its output for a known input."""
    layer = getattr(keras.layers, name)(**arguments)
    layer.build(shape)
    weights = [np.asarray(w) for w in layer.get_weights()]
    layer.set_weights(
        [
            (np.sin(np.arange(w.size) * (i + 1) * 0.7) / 2).reshape(w.shape).astype("float32")
            for i, w in enumerate(weights)
        ]
    )
    x = np.cos(np.arange(np.prod(shape)) * 0.37).reshape(shape).astype("float32")
    return layer, x, layer(x)
