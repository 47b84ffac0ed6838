"""MobileNet and MobileNetV2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import layers
from .._base.checks import check_number
from ._common import (
    classifier,
    conv_norm,
    depthwise_norm,
    finished,
    image_input,
    photo_shape,
    scaled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights

# Filters and strides of the blocks of the first version.
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)

# Expansion, filters, blocks and strides of the second one.
_BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def MobileNet(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Weights = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Identifier = "softmax",
    name: str | None = "mobilenet",
) -> Model:
    """MobileNet: 13 depthwise convolutions of 3x3, each followed by one of 1x1.

    `MobileNet((96, 96, 3), alpha=0.25, classes=2)` is the network of MLPerf Tiny's "visual wake
    words".

    Args:
        input_shape: (height, width, channels), at least (32, 32); unless given, (224, 224, 3), and
            (None, None, 3) without the top.
        alpha: how many times the paper's filters it has.
        dropout: the part of the last features that is dropped in training.
        include_top: whether the mean over all places and the dense layer are part of it.
        weights: a file for `load_weights`, or None.
        pooling: without the top, "avg", "max" or None for the last feature maps.
        classes: the units of the output.
        classifier_activation: of the output; None for logits.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: Howard et al. 2017; `keras.applications.MobileNet`, with padding "same" and `relu`
    instead of `relu6`, as in MLPerf Tiny.

    Example:
        >>> applications.MobileNet((96, 96, 3), alpha=0.25, classes=2).output_shape
        (None, 2)
    """
    alpha = check_number("MobileNet", "alpha", alpha, above=0.0)
    inputs = image_input("MobileNet", photo_shape(input_shape, include_top), 32)
    x = conv_norm(inputs, max(1, int(32 * alpha)), 3, 2)
    for filters, strides in _BLOCKS:
        x = depthwise_norm(x, 3, strides)
        x = conv_norm(x, max(1, int(filters * alpha)), 1)
    if include_top and dropout:
        x = layers.Dropout(dropout)(x)
    x = classifier("MobileNet", x, classes, classifier_activation, include_top, pooling)
    return finished("MobileNet", inputs, x, name, weights)


def _bottleneck(x: Any, expansion: int, filters: int, strides: int) -> Any:
    y, channels = x, x.shape[-1]
    if expansion > 1:
        y = conv_norm(y, channels * expansion, 1, activation="relu6")
    y = depthwise_norm(y, 3, strides, "relu6")
    y = conv_norm(y, filters, 1, activation=None)
    return layers.Add()([x, y]) if strides == 1 and channels == filters else y


def MobileNetV2(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Identifier = "softmax",
    name: str | None = "mobilenetv2",
) -> Model:
    """MobileNetV2: bottlenecks that expand channels, filter them one by one and join them again.

    The arguments are those of `MobileNet`.

    Source: Sandler et al. 2018; `keras.applications.MobileNetV2`, with padding "same".

    Example:
        >>> applications.MobileNetV2((96, 96, 3), alpha=0.35, classes=2).output_shape
        (None, 2)
    """
    alpha = check_number("MobileNetV2", "alpha", alpha, above=0.0)
    inputs = image_input("MobileNetV2", photo_shape(input_shape, include_top), 32)
    x = conv_norm(inputs, scaled(32 * alpha), 3, 2, "relu6")
    for expansion, filters, blocks, strides in _BOTTLENECKS:
        for block in range(blocks):
            x = _bottleneck(x, expansion, scaled(filters * alpha), 1 if block else strides)
    x = conv_norm(x, scaled(1280 * alpha) if alpha > 1 else 1280, 1, activation="relu6")
    x = classifier("MobileNetV2", x, classes, classifier_activation, include_top, pooling)
    return finished("MobileNetV2", inputs, x, name, weights)
