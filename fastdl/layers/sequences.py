"""Layers of sequences: masks of their steps, and a layer for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core, ops
from .._base import functional as F
from .._base.checks import shown
from .._base.decoding import no_decoding
from .._base.registry import LAYERS
from .._core import Tensor, with_mask
from .._graph.calls import signature_of
from .._graph.symbolic import Operation
from ._grids import Grid
from .activation import ELU, LeakyReLU, PReLU, ReLU, Softmax
from .batch_normalization import BatchNormalization
from .bidirectional import Bidirectional
from .conv import _Convolution
from .core import Activation, Dense, Elementwise, Identity, Rescaling
from .einsum_dense import EinsumDense
from .embedding import Embedding
from .input_layer import InputLayer
from .layer import Layer
from .normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from .positions import PositionEmbedding, RotaryEmbedding, SinePositionEncoding
from .recurrent import RNN
from .recurrent_cells import Cell, StackedRNNCells
from .regularization import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .transformer import TransformerEncoder
from .wrapping import Wrapper

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._base.types import Config, Shape
    from .._core import TensorLike
    from .options import LayerOptions


@LAYERS.register
class Masking(Elementwise):
    """Masks the steps whose features all have one value, and sets them to 0.

    `(..., steps, features)` gets a mask `(..., steps)`, which the layers after it take.

    Args:
        mask_value: that value, a number, or a list with one for each feature.

    Raises:
        ValueError: `mask_value` is something else, or does not fit the number of features.

    Source: `keras.layers.Masking` of Keras 3.

    Example:
        >>> y = layers.Masking(-1)(np.array([[[1.0, 2.0], [-1.0, 3.0], [-1.0, -1.0]]]))
        >>> y.tolist(), y._keras_mask.tolist()
        ([[[1.0, 2.0], [-1.0, 3.0], [0.0, 0.0]]], [[True, True, False]])
    """

    _keeps_dtype = True

    def __init__(self, mask_value: TensorLike = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        try:
            value = _core.as_tensor(mask_value)
        except (TypeError, ValueError):
            value = None
        if value is None or value.ndim > 1:
            raise ValueError(
                f"Masking: mask_value: expected a number, or one for each feature, got "
                f"{shown(mask_value)}"
            )
        self.mask_value = value if value.ndim else mask_value
        # Several values are compared with the size of the inputs.
        self.built = not value.ndim and type(self).build is Masking.build

    def build(self, input_shape: Shape) -> None:
        sizes = getattr(self.mask_value, "shape", ())
        last = input_shape[-1] if input_shape else 1
        if sizes and last is not None and sizes[0] not in (1, last):
            raise ValueError(
                f"mask_value: expected a number or {last} of them for inputs of shape "
                f"{input_shape}, got {sizes[0]}"
            )

    def call(self, inputs: Tensor) -> Tensor:
        counted = F.any(F.ne(inputs, self.mask_value), axes=-1, keepdims=True)
        kept = F.where(counted, inputs, 0)
        return with_mask(kept, F.reshape(counted, shape=inputs.shape[:-1]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where a feature has another value than `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self) -> Config:
        value: Any = self.mask_value
        value = value.tolist() if isinstance(value, Tensor) else value
        return {**super().get_config(), "mask_value": value}


# Layers in whose outputs a sample depends on the same sample of the input alone.
_BY_SAMPLE = (
    *(Dense, Embedding, Identity, InputLayer, Masking, Rescaling, _Convolution, Grid),
    *(Activation, ELU, LeakyReLU, PReLU, ReLU, Softmax, Cell),
    *(AlphaDropout, Dropout, GaussianDropout, GaussianNoise),
    *(Flatten, Permute, RepeatVector, Reshape),
    *(GroupNormalization, LayerNormalization, RMSNormalization, UnitNormalization),
    *(EinsumDense, PositionEmbedding, RotaryEmbedding, SinePositionEncoding, TransformerEncoder),
)


def _by_sample(layer: Any, rank: int, training: bool) -> bool:
    """Whether each sample of the output depends on that of the input alone.

    False where it is not known, as for layers and functions of the user.
    """
    # A penalty on outputs counts once for each call.
    if not type(layer).__module__.startswith("fastdl.") or layer.activity_regularizer is not None:
        return False
    graph = getattr(layer, "_graph", None)
    if graph is not None:
        return all(
            not isinstance(each, Operation) and _by_sample(each, len(tensor.shape), training)
            for each in graph.operations
            for node in each._inbound_nodes
            for tensor in node.outputs
        )
    if isinstance(layer, TimeDistributed):
        return _by_sample(layer.layer, rank - 1, training)
    if isinstance(layer, BatchNormalization):
        return not training or not layer.trainable
    if isinstance(layer, EinsumDense) and not _leaves_batch(layer.equation, layer.bias_axes):
        return False
    if isinstance(layer, RNN):
        return not layer.stateful and _by_sample(layer.cell, rank - 1, training)
    if isinstance(layer, StackedRNNCells):
        return all(_by_sample(cell, rank, training) for cell in layer.cells)
    if isinstance(layer, Bidirectional):
        both = (layer.forward_layer, layer.backward_layer)
        return all(_by_sample(each, rank, training) for each in both)
    for name in ("activation", "recurrent_activation"):
        function = getattr(layer, name, None)
        if isinstance(function, Layer):
            if not _by_sample(function, rank, training):
                return False
        elif not (getattr(function, "__module__", None) or "fastdl.").startswith("fastdl."):
            return False
    noise = getattr(layer, "noise_shape", None)
    axes = getattr(layer, "axis", ())
    axes = (axes,) if isinstance(axes, int) else axes
    return (
        isinstance(layer, _BY_SAMPLE)
        and (noise is None or noise[0] is None)
        and all(axis % rank for axis in axes)
    )


def _leaves_batch(equation: str, bias_axes: str | None) -> bool:
    """Whether the first axis of the input is the first of the output, and no weight has it."""
    operands, _, result = equation.replace(" ", "").partition("->")
    batch, (_, _, kernel) = operands[0], operands.partition(",")
    return result.startswith(batch) and batch not in kernel + (bias_axes or "")


@LAYERS.register
class TimeDistributed(Wrapper):
    """Applies a layer to each step: `(batch, steps, ...)` as `steps` inputs `(batch, ...)`.

    Layers that treat each sample by itself are called once, with the steps of all samples as one
    batch; that is the same, and faster. Others are called for one step after the other: batch
    normalization in training, stateful layers, layers of your own.

    Args:
        layer: the layer. It gets `training`, and the mask of each step if it takes one.

    Raises:
        ValueError: `layer` isn't a layer, the input has fewer than three axes, or the mask does not
            begin with the batch and the steps of the input.

    The output has the mask of the input. Where a step loses an axis, as in `LSTM` over the words of
    sentences, it counts if any of its parts does.

    Source: `keras.layers.TimeDistributed` of Keras 3.

    Example:
        >>> layers.TimeDistributed(layers.Conv2D(8, 3))(np.ones((2, 5, 9, 9, 3))).shape
        (2, 5, 7, 7, 8)
    """

    supports_masking = True

    def _of_step(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 3:
            raise ValueError(f"expected at least 3 axes, got shape {tuple(input_shape)}")
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any = None) -> None:
        super().build(self._of_step(input_shape))

    def call(self, inputs: Tensor, training: bool = False, mask: Tensor | None = None) -> Tensor:
        samples, steps = inputs.shape[:2]
        if mask is not None and mask.shape[:2] != (samples, steps):
            raise ValueError(
                f"mask: expected a shape that begins with {(samples, steps)}, got {mask.shape}"
            )
        taken = signature_of(self.layer, "call")
        named: dict[str, Any] = {"training": training} if taken.training else {}
        with no_decoding():
            return self._applied(inputs, named, mask if taken.mask else None, training)

    def _applied(
        self, inputs: Tensor, named: dict[str, Any], of_steps: Tensor | None, training: bool
    ) -> Tensor:
        samples, steps = inputs.shape[:2]
        if steps == 0 or _by_sample(self.layer, inputs.ndim - 1, training):
            if of_steps is not None:
                named["mask"] = _joined(of_steps)
            y = self.layer(_joined(inputs), **named)
            return F.reshape(y, shape=(samples, steps, *y.shape[1:]))
        results = []
        for step in range(steps):
            if of_steps is not None:
                named["mask"] = of_steps[:, step]
            results.append(self.layer(inputs[:, step], **named))
        return F.stack(results, axis=1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the input, for the axes that the output has."""
        if mask is None or len(mask.shape) <= 2:
            return mask
        axes = len(self.compute_output_shape(inputs.shape)) - 1
        lost = list(range(max(axes, 2), len(mask.shape)))
        return ops.any(mask, axis=lost) if lost else mask

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = self.layer.compute_output_shape(self._of_step(input_shape))
        return (shape[0], input_shape[1], *shape[1:])

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return self._infer_output_spec(args, kwargs)


def _joined(x: Any) -> Tensor:
    """The steps of all samples as one batch."""
    return F.reshape(x, shape=(x.shape[0] * x.shape[1], *x.shape[2:]))
