"""Residual networks for small images: ResNet-8, ResNet-18 and ResNet-20."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import layers
from ._common import classifier, conv_norm, finished, image_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights


def _block(x: Any, filters: int, strides: int) -> Any:
    """Two convolutions and the way around them, which is a 1x1 convolution where sizes change."""
    y = conv_norm(x, filters, 3, strides)
    y = conv_norm(y, filters, 3, activation=None)
    if strides > 1 or x.shape[-1] != filters:
        x = conv_norm(x, filters, 1, strides, None)
    return layers.Activation("relu")(layers.Add()([y, x]))


def _resnet(
    who: str,
    input_shape: Any,
    stages: Sequence[tuple[int, int]],
    classes: int,
    classifier_activation: Identifier,
    include_top: bool,
    pooling: str | None,
    weights: Weights,
    name: str | None,
    large: bool = False,
) -> Model:
    """`stages` are pairs of filters and blocks. `large` begins with a 7x7 kernel and pooling."""
    inputs = image_input(who, input_shape, 8)
    if large:
        x = conv_norm(inputs, stages[0][0], 7, 2)
        x = layers.MaxPooling2D(3, 2, "same")(x)
    else:
        x = conv_norm(inputs, stages[0][0], 3)
    for number, (filters, blocks) in enumerate(stages):
        for block in range(blocks):
            x = _block(x, filters, 2 if number and not block else 1)
    x = classifier(who, x, classes, classifier_activation, include_top, pooling)
    return finished(who, inputs, x, name, weights)


def ResNet8(
    input_shape: Sequence[int] = (32, 32, 3),
    classes: int = 10,
    classifier_activation: Identifier = "softmax",
    include_top: bool = True,
    pooling: str | None = None,
    weights: Weights = None,
    name: str | None = "resnet8",
) -> Model:
    """The residual network of MLPerf Tiny: three blocks of 16, 32 and 64 filters.

    Args:
        input_shape: (height, width, channels), at least (8, 8).
        classes: the units of the output.
        classifier_activation: of the output; None for logits.
        include_top: whether the mean over all places and the dense layer are part of it.
        pooling: without them, "avg", "max" or None for the last feature maps.
        weights: a file for `load_weights`, or None.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: He et al. 2016; Banbury et al. 2021 (MLPerf Tiny). Convolutions before a normalization
    have no bias here, and the way around has a normalization.

    Example:
        >>> applications.ResNet8().count_params()
        78714
    """
    stages = ((16, 1), (32, 1), (64, 1))
    return _resnet(
        "ResNet8", input_shape, stages, classes, classifier_activation, include_top, pooling,
        weights, name,
    )  # fmt: skip


def ResNet20(
    input_shape: Sequence[int] = (32, 32, 3),
    classes: int = 10,
    classifier_activation: Identifier = "softmax",
    include_top: bool = True,
    pooling: str | None = None,
    weights: Weights = None,
    name: str | None = "resnet20",
) -> Model:
    """The residual network of 20 layers for CIFAR-10: three times three blocks of 16, 32 and 64.

    The arguments are those of `ResNet8`.

    Source: He et al. 2016, section 4.2, with 1x1 convolutions where sizes change.

    Example:
        >>> applications.ResNet20(classes=100).output_shape
        (None, 100)
    """
    stages = ((16, 3), (32, 3), (64, 3))
    return _resnet(
        "ResNet20", input_shape, stages, classes, classifier_activation, include_top, pooling,
        weights, name,
    )  # fmt: skip


def ResNet18(
    input_shape: Sequence[int] = (224, 224, 3),
    classes: int = 1000,
    classifier_activation: Identifier = "softmax",
    include_top: bool = True,
    pooling: str | None = None,
    weights: Weights = None,
    name: str | None = "resnet18",
) -> Model:
    """The residual network of 18 layers: four times two blocks of 64, 128, 256 and 512 filters.

    Images below 64 pixels keep their size at first: the first kernel is 3x3, without pooling. The
    arguments are those of `ResNet8`.

    Source: He et al. 2016, table 1.

    Example:
        >>> applications.ResNet18((32, 32, 3), classes=10).output_shape
        (None, 10)
    """
    sizes = [n for n in tuple(input_shape)[:2] if isinstance(n, int)]
    stages = ((64, 2), (128, 2), (256, 2), (512, 2))
    return _resnet(
        "ResNet18", input_shape, stages, classes, classifier_activation, include_top, pooling,
        weights, name, min(sizes, default=64) >= 64,
    )  # fmt: skip
