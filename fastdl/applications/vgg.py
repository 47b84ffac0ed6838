"""VGG and networks in its style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import layers
from .._base.checks import check_integer, check_integers
from ._common import classifier, conv_norm, finished, image_input, photo_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights


def VGG(
    input_shape: Sequence[int] = (32, 32, 3),
    classes: int = 10,
    blocks: Sequence[tuple[int, int]] = ((2, 32), (2, 64), (2, 128)),
    dense: Sequence[int] = (256,),
    dropout: float = 0.5,
    classifier_activation: Identifier = "softmax",
    weights: Weights = None,
    name: str | None = "vgg",
) -> Model:
    """A network in VGG's style: blocks of 3x3 convolutions with batch normalization, then pooling.

    Args:
        input_shape: (height, width, channels); each block halves the first two.
        classes: the units of the output.
        blocks: pairs of a number of convolutions and their filters.
        dense: the units of the dense layers before the output.
        dropout: the part that is dropped after each of them.
        classifier_activation: of the output; None for logits.
        weights: a file for `load_weights`, or None.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: Simonyan & Zisserman 2015; Ioffe & Szegedy 2015.

    Example:
        >>> applications.VGG(blocks=((1, 8), (1, 16)), dense=(32,)).output_shape
        (None, 10)
    """
    inputs = x = image_input("VGG", input_shape, 2 ** len(blocks))
    for pair in blocks:
        count, filters = check_integers("VGG", "blocks", tuple(pair), 1)
        for _ in range(count):
            x = conv_norm(x, filters, 3)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    for units in dense:
        x = layers.Dense(check_integer("VGG", "dense", units, 1), "relu")(x)
        x = layers.Dropout(dropout)(x)
    units = check_integer("VGG", "classes", classes, 1)
    outputs = layers.Dense(units, classifier_activation, name="predictions")(x)
    return finished("VGG", inputs, outputs, name, weights)


def VGG16(
    input_shape: Sequence[int | None] | None = None,
    include_top: bool = True,
    weights: Weights = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Identifier = "softmax",
    name: str | None = "vgg16",
) -> Model:
    """VGG-16: thirteen convolutions in five blocks, and three dense layers.

    Args:
        input_shape: (height, width, channels), at least (32, 32); unless given, (224, 224, 3), and
            (None, None, 3) without the top.
        include_top: whether the dense layers are part of it.
        weights: a file for `load_weights`, or None.
        pooling: without them, "avg", "max" or None for the last feature maps.
        classes: the units of the output.
        classifier_activation: of the output; None for logits.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: Simonyan & Zisserman 2015; layers and their names as in `keras.applications.VGG16`.

    Example:
        >>> applications.VGG16((32, 32, 3), include_top=False).output_shape
        (None, 1, 1, 512)
    """
    return _vgg(
        "VGG16",
        (2, 2, 3, 3, 3),
        input_shape,
        include_top,
        weights,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def VGG19(
    input_shape: Sequence[int | None] | None = None,
    include_top: bool = True,
    weights: Weights = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Identifier = "softmax",
    name: str | None = "vgg19",
) -> Model:
    """VGG-19: sixteen convolutions in five blocks, and three dense layers.

    Arguments and errors as for `VGG16`.

    Source: Simonyan & Zisserman 2015; layers and their names as in `keras.applications.VGG19`.

    Example:
        >>> applications.VGG19((32, 32, 3), include_top=False).output_shape
        (None, 1, 1, 512)
    """
    return _vgg(
        "VGG19",
        (2, 2, 4, 4, 4),
        input_shape,
        include_top,
        weights,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def _vgg(
    who: str,
    counts: Sequence[int],
    input_shape: Sequence[int | None] | None,
    include_top: bool,
    weights: Weights,
    pooling: str | None,
    classes: int,
    classifier_activation: Identifier,
    name: str | None,
) -> Model:
    """The network with so many convolutions in each block."""
    inputs = x = image_input(who, photo_shape(input_shape, include_top), 32)
    for block, (count, filters) in enumerate(zip(counts, (64, 128, 256, 512, 512), strict=True), 1):
        for number in range(1, count + 1):
            conv = layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=f"block{block}_conv{number}"
            )
            x = conv(x)
        x = layers.MaxPooling2D(2, 2, name=f"block{block}_pool")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, "relu", name="fc1")(x)
        x = layers.Dense(4096, "relu", name="fc2")(x)
        units = check_integer(who, "classes", classes, 1)
        x = layers.Dense(units, classifier_activation, name="predictions")(x)
    else:
        x = classifier(who, x, classes, classifier_activation, False, pooling)
    return finished(who, inputs, x, name, weights)
