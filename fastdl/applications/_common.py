"""What the networks share: checks of their arguments, blocks, loading weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import layers
from .._base.checks import check_choice, check_integer, check_shape, shown
from ..models.model import Model

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .._base.registry import Identifier

    Weights = str | os.PathLike[str] | None


def photo_shape(input_shape: Sequence[int | None] | None, include_top: bool) -> Any:
    """The shape for a network of photos. Unless given, it is (224, 224, 3), or open without top."""
    if input_shape is not None:
        return input_shape
    return (224, 224, 3) if include_top else (None, None, 3)


def image_input(who: str, input_shape: Any, least: int = 1, multiple: int = 1) -> Any:
    """The input of a network: (height, width, channels). A size may be None.

    Raises:
        ValueError: other axes, or sizes that are too small or no multiples.
    """
    shape = check_shape(who, "input_shape", input_shape, 1)
    if len(shape) != 3 or shape[2] is None:
        raise ValueError(
            f"{who}: input_shape: expected (height, width, channels), got {shown(input_shape)}"
        )
    for size in shape[:2]:
        if size is not None and (size < least or size % multiple):
            more = f", multiples of {multiple}" if multiple > 1 else ""
            raise ValueError(
                f"{who}: input_shape: expected sizes of at least {least}{more}, got {shape}"
            )
    return layers.Input(shape)


def finished(who: str, inputs: Any, outputs: Any, name: str | None, weights: Weights) -> Model:
    """The model, with the weights of a file if one is given.

    Raises:
        ValueError: `weights` is the name of a set that is not part of the library, or the file
            does not fit.
        FileNotFoundError: there is no such file.
    """
    model = Model(inputs, outputs, name=name)
    if weights == "imagenet":
        raise ValueError(
            f"{who}: weights: expected None (random weights) or a file for load_weights; the "
            "library has no trained weights"
        )
    if weights is not None:
        model.load_weights(weights)
    return model


def conv_norm(
    x: Any, filters: int, size: Any, strides: Any = 1, activation: str | None = "relu", **names: str
) -> Any:
    """A convolution without bias, batch normalization, and an activation."""
    x = layers.Conv2D(
        filters,
        size,
        strides,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=names.get("conv"),
    )(x)
    x = layers.BatchNormalization(name=names.get("norm"))(x)
    return layers.Activation(activation)(x) if activation else x


def depthwise_norm(x: Any, size: Any, strides: Any = 1, activation: str = "relu") -> Any:
    """A depthwise convolution without bias, batch normalization, and an activation."""
    x = layers.DepthwiseConv2D(
        size, strides, "same", use_bias=False, depthwise_initializer="he_normal"
    )(x)
    return layers.Activation(activation)(layers.BatchNormalization()(x))


def classifier(
    who: str, x: Any, classes: int, activation: Identifier, include_top: bool, pooling: str | None
) -> Any:
    """The mean over all places and a dense layer; without the top, the pooling asked for.

    Raises:
        ValueError: `classes` is below 1, or `pooling` is unknown.
    """
    check_choice(who, "pooling", pooling, (None, "avg", "max"))
    if include_top:
        x = layers.GlobalAveragePooling2D()(x)
        classes = check_integer(who, "classes", classes, 1)
        return layers.Dense(classes, activation, name="predictions")(x)
    if pooling == "avg":
        return layers.GlobalAveragePooling2D()(x)
    return layers.GlobalMaxPooling2D()(x) if pooling == "max" else x


def scaled(filters: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to a number of filters, at most 10 % below it."""
    found = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return found + divisor if found < 0.9 * filters else found
