"""LeNet-5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import layers
from .._base.checks import check_integer
from ._common import finished, image_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights


def LeNet5(
    input_shape: Sequence[int] = (28, 28, 1),
    classes: int = 10,
    activation: Identifier = "relu",
    classifier_activation: Identifier = "softmax",
    weights: Weights = None,
    name: str | None = "lenet5",
) -> Model:
    """LeNet-5 for small gray pictures, with today's activation and max pooling.

    Two convolutions of 5x5 with 6 and 16 filters, each with a pooling, then dense layers of 120
    and 84. On MNIST it reaches 99 % in 5 epochs (examples/lenet_mnist.py).

    Args:
        input_shape: (height, width, channels), at least (16, 16).
        classes: the units of the output.
        activation: of the hidden layers; "tanh" in the paper.
        classifier_activation: of the output; None for logits.
        weights: a file for `load_weights`, or None.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: LeCun et al. 1998.

    Example:
        >>> applications.LeNet5().count_params()
        61706
    """
    inputs = image_input("LeNet5", input_shape, 16)
    x = layers.Conv2D(6, 5, padding="same", activation=activation)(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation=activation)(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation)(x)
    x = layers.Dense(84, activation)(x)
    units = check_integer("LeNet5", "classes", classes, 1)
    outputs = layers.Dense(units, classifier_activation, name="predictions")(x)
    return finished("LeNet5", inputs, outputs, name, weights)
