"""The networks of networks.py with Keras's names, for fastdl and for Keras."""

from __future__ import annotations

from typing import Any

from .networks import NETWORKS, Layer


def model(library: Any, name: str) -> Any:
    """The compiled model; `library` is fastdl or keras. Logits, sparse cross-entropy, Adam."""
    layers, network = library.layers, NETWORKS[name]

    def follow(x: Any, parts: tuple[Layer, ...]) -> Any:
        for kind, *options in parts:
            if kind == "conv":
                filters, window, stride, padding, bias = options
                x = layers.Conv2D(filters, window, stride, padding, use_bias=bias)(x)
            elif kind == "depthwise":
                window, stride = options
                x = layers.DepthwiseConv2D(window, stride, "same", use_bias=False)(x)
            elif kind == "norm":
                x = layers.BatchNormalization()(x)
            elif kind == "relu":
                x = layers.Activation("relu")(x)
            elif kind == "pool":
                x = layers.MaxPooling2D(options[0])(x)
            elif kind == "mean":
                x = layers.GlobalAveragePooling2D()(x)
            elif kind == "flatten":
                x = layers.Flatten()(x)
            elif kind == "dense":
                x = layers.Dense(options[0])(x)
            else:
                x = layers.Add()([follow(x, options[0]), follow(x, options[1])])
        return x

    inputs = layers.Input(shape=network.image)
    model = library.Model(inputs, follow(inputs, network.layers))
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(library.optimizers.Adam(), loss)
    return model
