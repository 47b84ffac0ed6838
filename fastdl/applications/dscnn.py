"""DS-CNN: depthwise separable convolutions for spoken words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import layers
from .._base.checks import check_integer
from ._common import classifier, conv_norm, depthwise_norm, finished, image_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._base.registry import Identifier
    from ..models.model import Model
    from ._common import Weights


def DSCNN(
    input_shape: Sequence[int] = (49, 10, 1),
    classes: int = 12,
    filters: int = 64,
    blocks: int = 4,
    dropout: float = 0.2,
    classifier_activation: Identifier = "softmax",
    weights: Weights = None,
    name: str | None = "dscnn",
) -> Model:
    """The network of MLPerf Tiny's "keyword spotting", for spectrograms of a second of speech.

    A convolution of 10x4, then depthwise convolutions of 3x3, each followed by one of 1x1.

    Args:
        input_shape: (times, coefficients, channels), at least (4, 4).
        classes: the units of the output.
        filters: of each convolution.
        blocks: how many depthwise convolutions there are.
        dropout: the part that is dropped after the first convolution, and twice that at the end.
        classifier_activation: of the output; None for logits.
        weights: a file for `load_weights`, or None.
        name: of the model.

    Raises:
        ValueError: a size or a number is out of its range, or the file does not fit.

    Source: Zhang et al. 2017; Banbury et al. 2021 (MLPerf Tiny). Convolutions before a
    normalization have no bias here.

    Example:
        >>> applications.DSCNN().output_shape
        (None, 12)
    """
    filters = check_integer("DSCNN", "filters", filters, 1)
    inputs = image_input("DSCNN", input_shape, 4)
    x = conv_norm(inputs, filters, (10, 4), 2)
    if dropout:
        x = layers.Dropout(dropout)(x)
    for _ in range(check_integer("DSCNN", "blocks", blocks, 0)):
        x = depthwise_norm(x, 3)
        x = conv_norm(x, filters, 1)
    if dropout:
        x = layers.Dropout(min(2 * dropout, 1.0))(x)
    x = classifier("DSCNN", x, classes, classifier_activation, True, None)
    return finished("DSCNN", inputs, x, name, weights)
