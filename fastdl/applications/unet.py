"""U-Net: a class for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import layers
from .._base.checks import check_integer
from ._common import conv_norm, finished, image_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights


def _double(x: Any, filters: int) -> Any:
    return conv_norm(conv_norm(x, filters, 3), filters, 3)


def UNet(
    input_shape: Sequence[int | None] = (64, 64, 1),
    classes: int = 1,
    filters: int = 16,
    depth: int = 3,
    classifier_activation: Identifier = "sigmoid",
    weights: Weights = None,
    name: str | None = "unet",
) -> Model:
    """U-Net: halves an image `depth` times, doubles it again, and joins maps of equal size.

    Args:
        input_shape: (height, width, channels). Sizes are multiples of 2^depth, or None.
        classes: the channels of the output.
        filters: of the first convolutions; each halving doubles them.
        depth: how often the image is halved.
        classifier_activation: of the output; "softmax" for several classes, None for logits.
        weights: a file for `load_weights`, or None.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: Ronneberger et al. 2015, with padding "same" and batch normalization.

    Example:
        >>> applications.UNet((32, 32, 3), classes=4, classifier_activation="softmax").output_shape
        (None, 32, 32, 4)
    """
    who = "UNet"
    filters = check_integer(who, "filters", filters, 1)
    depth = check_integer(who, "depth", depth, 1)
    inputs = x = image_input(who, input_shape, 2**depth, 2**depth)
    kept = []
    for level in range(depth):
        x = _double(x, filters * 2**level)
        kept.append(x)
        x = layers.MaxPooling2D()(x)
    x = _double(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, 2)(x)
        x = _double(layers.Concatenate()([kept[level], x]), filters * 2**level)
    units = check_integer(who, "classes", classes, 1)
    outputs = layers.Conv2D(units, 1, activation=classifier_activation, name="predictions")(x)
    return finished(who, inputs, outputs, name, weights)
