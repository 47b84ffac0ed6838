"""The convolutional networks of the comparison, as lists that each library builds for itself.

A layer is ("conv", filters, (height, width), stride, padding, bias), ("depthwise", (height, width),
stride), ("norm",), ("relu",), ("pool", size), ("mean",), ("flatten",), ("dense", units) or
("residual", layers, layers of the way around). Convolutions before a normalization have no bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Layer = tuple[Any, ...]


@dataclass(frozen=True)
class Network:
    """An architecture: the shape of an image, layers, and the classes."""

    image: tuple[int, int, int]
    layers: tuple[Layer, ...]
    classes: int


def _norm_relu(layer: Layer) -> tuple[Layer, ...]:
    return (layer, ("norm",), ("relu",))


def _conv(filters: int, size: int | tuple[int, int], stride: int = 1) -> Layer:
    window = (size, size) if isinstance(size, int) else size
    return ("conv", filters, window, stride, "same", False)


def _block(filters: int, stride: int) -> tuple[Layer, ...]:
    main = (*_norm_relu(_conv(filters, 3, stride)), _conv(filters, 3), ("norm",))
    around = (_conv(filters, 1, stride), ("norm",)) if stride > 1 else ()
    return (("residual", main, around), ("relu",))


def _separable(filters: int, stride: int = 1) -> tuple[Layer, ...]:
    return (*_norm_relu(("depthwise", (3, 3), stride)), *_norm_relu(_conv(filters, 1)))


def _mobilenet() -> tuple[Layer, ...]:
    found = _norm_relu(_conv(8, 3, 2))
    pairs = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5]
    for filters, stride in [*pairs, (256, 2), (256, 1)]:
        found += _separable(filters, stride)
    return (*found, ("mean",), ("dense", 2))


NETWORKS = {
    "cnn_mnist": Network(
        (28, 28, 1),
        (
            ("conv", 32, (3, 3), 1, "valid", True),
            ("relu",),
            ("conv", 64, (3, 3), 1, "valid", True),
            ("relu",),
            ("pool", 2),
            ("flatten",),
            ("dense", 128),
            ("relu",),
            ("dense", 10),
        ),
        10,
    ),
    "resnet8": Network(
        (32, 32, 3),
        (
            *_norm_relu(_conv(16, 3)),
            *(_block(16, 1) + _block(32, 2) + _block(64, 2)),
            ("mean",),
            ("dense", 10),
        ),
        10,
    ),
    "dscnn": Network(
        (49, 10, 1),
        (
            *_norm_relu(_conv(64, (10, 4), 2)),
            *(_separable(64) * 4),
            ("mean",),
            ("dense", 12),
        ),
        12,
    ),
    "mobilenet": Network((96, 96, 3), _mobilenet(), 2),
}


def out_size(size: int, window: int, stride: int, padding: str) -> int:
    return -(-size // stride) if padding == "same" else (size - window) // stride + 1


def padding_of(size: int, window: int, stride: int, padding: str) -> int:
    """What is added on both sides; with an odd number in all, one more than needed."""
    if padding == "valid":
        return 0
    return (max(0, (out_size(size, window, stride, padding) - 1) * stride + window - size) + 1) // 2


@dataclass
class Work:
    """What a pass through a network has to compute and to move at least, for one image."""

    products: float = 0.0  # multiply-adds of all layers but the first
    first: float = 0.0  # and of the first, whose input needs no gradient
    weights: int = 0
    values: int = 0  # outputs of convolutions and dense layers

    def add(self, products: float, weights: int, values: int) -> None:
        if not self.weights:
            self.first = products
        else:
            self.products += products
        self.weights += weights
        self.values += values


def work_of(network: Network) -> Work:
    """The work of one forward pass."""
    work = Work()

    def follow(layers: tuple[Layer, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
        for layer in layers:
            kind = layer[0]
            if kind in ("conv", "depthwise"):
                window, stride = (layer[2], layer[3]) if kind == "conv" else layer[1:3]
                padding = layer[4] if kind == "conv" else "same"
                sizes = [
                    out_size(n, k, stride, padding) for n, k in zip(shape[:2], window, strict=True)
                ]
                filters = layer[1] if kind == "conv" else shape[2]
                taps = window[0] * window[1] * (shape[2] if kind == "conv" else 1)
                places = sizes[0] * sizes[1] * filters
                work.add(places * taps, taps * filters, places)
                shape = (*sizes, filters)
            elif kind == "pool":
                shape = (shape[0] // layer[1], shape[1] // layer[1], shape[2])
            elif kind == "mean":
                shape = (shape[2],)
            elif kind == "flatten":
                shape = (shape[0] * shape[1] * shape[2],)
            elif kind == "dense":
                work.add(shape[0] * layer[1], shape[0] * layer[1], layer[1])
                shape = (layer[1],)
            elif kind == "residual":
                after = follow(layer[1], shape)
                follow(layer[2], shape)
                shape = after
        return shape

    follow(network.layers, network.image)
    return work


def data_for(name: str, batch: int) -> tuple[Any, Any]:
    """Random images, channels last, and classes: an epoch of 20 steps."""
    import numpy as np

    network = NETWORKS[name]
    rng = np.random.default_rng(0)
    n = 20 * batch
    return rng.random((n, *network.image), np.float32), rng.integers(0, network.classes, n)
