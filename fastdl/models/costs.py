"""What a layer computes and moves for one sample, for `summary(show_flops=True)`.

docs/images.md describes how it is counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import activations, layers
from .._base import fourier, tree
from .._base.images import spatial_sizes
from .._graph.symbolic import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._base.types import Shape
    from .._graph.graph import Graph

    # The layer and the shapes of its inputs and outputs, to the multiply-adds.
    Rule = Callable[[Any, Sequence[Shape], Sequence[Shape]], int]


class Cost(NamedTuple):
    """Multiply-adds and bytes for one sample; None where it isn't known."""

    multiply_adds: int | None
    bytes: int | None


class Call(NamedTuple):
    """The inputs and outputs of a call, as shapes for one sample and sizes of elements."""

    inputs: list[Shape]
    outputs: list[Shape]
    sizes: list[int]


NOTHING = Cost(0, 0)


def cost_of(layer: Any, graph: Graph | None) -> Cost:
    """The cost of a layer or function in a graph, of all its calls there; None: of the last one."""
    calls = _calls(layer, graph)
    if not calls:
        return Cost(None, None)
    total = NOTHING
    for call in calls:
        total = added(total, _of_call(layer, call))
    return total


def added(a: Cost, b: Cost) -> Cost:
    """The sum; what isn't known in one isn't known in it."""
    pairs = zip(a, b, strict=True)
    return Cost(*(None if x is None or y is None else x + y for x, y in pairs))


def _calls(layer: Any, graph: Graph | None) -> list[Call]:
    if layer._inbound_nodes:
        nodes = layer._inbound_nodes[-1:]
        if graph is not None:
            nodes = [node for node in graph.nodes if node.operation is layer] or nodes
        return [
            Call(
                [_one_sample(t.shape) for t in node.inputs],
                [_one_sample(t.shape) for t in node.outputs],
                [t.dtype.itemsize for t in (*node.inputs, *node.outputs)],
            )
            for node in nodes
        ]
    if not getattr(layer, "_build_shapes", None):
        return []
    args, kwargs = layer._build_shapes
    try:
        found = layer.compute_output_shape(*args, **kwargs)
    except (TypeError, ValueError, NotImplementedError):  # shapes that depend on values
        return []
    inputs, outputs = _flat((*args, kwargs)), _flat(found)
    return [Call(inputs, outputs, [4] * (len(inputs) + len(outputs)))]


def _flat(shapes: Any) -> list[Shape]:
    found: list[Shape] = []
    tree.map_shapes(lambda shape: found.append(_one_sample(shape)), shapes)
    return found


def _one_sample(shape: Shape) -> Shape:
    return (1, *shape[1:]) if shape else ()


def _of_call(layer: Any, call: Call) -> Cost:
    shapes = [*call.inputs, *call.outputs]
    if any(None in shape for shape in shapes):
        return Cost(None, None)
    inner = getattr(layer, "_graph", None)
    if inner is not None:
        total = NOTHING
        for operation in dict.fromkeys(node.operation for node in inner.nodes):
            total = added(total, cost_of(operation, inner))
        return total
    if isinstance(layer, Operation):
        rule = _rule_of_function(layer.kind)
        weights = 0
    else:
        rule = _rule_of_layer(layer)
        weights = sum(weight.nbytes for weight in layer.weights)
    if rule is _shared:
        return NOTHING
    if rule is _rows:
        weights = _elements(call.outputs) * call.sizes[-1]
    moved = sum(_elements([s]) * n for s, n in zip(shapes, call.sizes, strict=True))
    return Cost(None if rule is None else rule(layer, call.inputs, call.outputs), moved + weights)


# --- rules


def _elements(shapes: Sequence[Shape]) -> int:
    return sum(math.prod(n or 0 for n in shape) for shape in shapes)


def _each(count: int = 1) -> Rule:
    """`count` for each element of the output."""
    return lambda layer, inputs, outputs: count * _elements(outputs)


def _shared(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """The output is the input's memory."""
    return 0


_moves = _each(0)
_rows = _each(0)  # of a table, of which as much is read


def _read(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """One for each element of the input."""
    return _elements(inputs)


def _joined(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """One for each element of the output and each input but the first."""
    return (len(inputs) - 1) * _elements(outputs)


def _activation(layer: Any, outputs: Sequence[Shape]) -> int:
    """One for each element of the output, unless a layer's own activation is linear."""
    return 0 if layer.activation in (None, activations.linear) else _elements(outputs)


def _dense(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    return _elements(outputs) * int(inputs[0][-1] or 0) + _activation(layer, outputs)


def _einsum(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    summed = math.prod(layer.kernel.shape[axis] for axis in layer._input_axes)
    return _elements(outputs) * summed + _activation(layer, outputs)


def _recurrent(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """The products of the input and of the state in each step."""
    steps = _elements([inputs[0][:2]])
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel)
    return steps * sum(math.prod(weight.shape) for weight in weights)


def _heads(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """Projections, and the products of all queries with all keys and of weights with values."""
    query, value = inputs[0], inputs[min(1, len(inputs) - 1)]
    queries, keys = _elements([query[:-1]]), _elements([value[:-1]])
    one, many = (layer.query_dense, layer.output_dense), (layer.key_dense, layer.value_dense)
    found = queries * sum(math.prod(part.kernel.shape) for part in one)
    found += keys * sum(math.prod(part.kernel.shape) for part in many)
    steps = _elements([value[1:-1]])
    return found + queries * steps * layer._heads[0] * sum(layer._widths)


def _places(layer: Any, shapes: Sequence[Shape]) -> int:
    return _elements([spatial_sizes(shapes[0], layer.data_format)])


def _kernels(*names: str, transposed: bool = False) -> Rule:
    """Each weight of the kernels once at each place of the output (transposed: of the input)."""

    def rule(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
        weights = sum(math.prod(getattr(layer, name).shape) for name in names)
        places = _places(layer, inputs if transposed else outputs)
        return weights * places + _activation(layer, outputs)

    return rule


def _by_kernel(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """The kernels of a spectrogram, at each frame of each channel."""
    frequencies = layer.weights[0].shape[-1] * (2 if layer.mode == "stft" else 1)
    frames = _elements(outputs) // frequencies
    return frames * sum(math.prod(weight.shape) for weight in layer.weights)


def _by_frame(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """The transform of each frame, its bands, and the cosine transform of those."""
    length, bands = layer.fft_length, layer.num_mel_bins
    frames = _elements(outputs) // outputs[0][-2]  # type: ignore[operator]
    cosines = bands * getattr(layer, "num_mfcc", 0)
    return frames * (fourier.products(length) + (length // 2 + 1) * bands + cosines)


def _windows(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    return _elements(outputs) * math.prod(layer.pool_size)


_TAPS = {"nearest": 0, "bilinear": 2, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}


def _resized(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """Two axes, each with the taps of the interpolation; shrinking with antialias has more."""
    return 2 * _TAPS[layer.interpolation] * _elements(outputs)


def _dot(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    axes = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return _elements(outputs) * int(inputs[0][axes] or 0)


def _product(layer: Any, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    return _elements(outputs) * int(inputs[0][-1] or 0)


def _named(names: str, rule: Rule) -> dict[str, Rule]:
    return {
        found: rule
        for name in names.split()
        for found in ([name.replace("*", n) for n in "123"] if "*" in name else [name])
    }


_LAYERS: dict[str, Rule] = {
    **_named("Dense", _dense),
    **_named("EinsumDense", _einsum),
    **_named("Conv*D DepthwiseConv*D", _kernels("kernel")),
    **_named("Conv*DTranspose", _kernels("kernel", transposed=True)),
    **_named("SeparableConv*D", _kernels("depthwise_kernel", "pointwise_kernel")),
    **_named("STFTSpectrogram", _by_kernel),
    **_named("MelSpectrogram MFCC", _by_frame),
    **_named("MaxPooling*D AveragePooling*D", _windows),
    **_named("GlobalMaxPooling*D GlobalAveragePooling*D", _read),
    **_named("AdaptiveMaxPooling*D AdaptiveAveragePooling*D", _read),
    **_named("BatchNormalization Normalization Rescaling", _each()),
    **_named("RMSNormalization UnitNormalization AutoContrast", _each(2)),
    **_named("LayerNormalization GroupNormalization", _each(3)),
    **_named("Activation ELU LeakyReLU PReLU ReLU Softmax", _each()),
    **_named("Add Average Maximum Minimum Multiply Subtract", _joined),
    **_named("Dot", _dot),
    **_named("Embedding PositionEmbedding", _rows),
    **_named("SimpleRNN LSTM GRU", _recurrent),
    **_named("MultiHeadAttention GroupedQueryAttention", _heads),
    **_named("Masking SinePositionEncoding", _each()),
    **_named("RotaryEmbedding", _each(2)),
    **_named("Resizing UpSampling2D", _resized),
    **_named("UpSampling1D UpSampling3D Permute RepeatVector Concatenate", _moves),
    **_named("Cropping*D ZeroPadding*D", _moves),
    **_named("Flatten Reshape Identity InputLayer ActivityRegularization", _shared),
    # In inference these return their input.
    **_named("Dropout SpatialDropout*D AlphaDropout GaussianDropout GaussianNoise", _shared),
    **_named("RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast", _shared),
    **_named("RandomBrightness RandomErasing MixUp CutMix RandomShear", _shared),
    **_named(
        "RandomColorDegeneration RandomColorJitter RandomGaussianBlur RandomGrayscale", _shared
    ),
    **_named("RandomHue RandomInvert RandomPosterization RandomSaturation", _shared),
    **_named("RandomSharpness Solarization Equalization RandAugment", _shared),
    **_named("RandomPerspective RandomElasticTransform", _shared),
}
_FUNCTIONS: dict[str, Rule] = {
    **_named("matmul dot", _product),
    **_named("reshape ravel expand_dims squeeze", _shared),
    **_named("broadcast_to concatenate flip moveaxis pad repeat roll split stack swapaxes", _moves),
    **_named("tile transpose take take_along_axis get_item getitem tril triu cast", _moves),
    **_named("all amax amin any argmax argmin cumsum logsumexp max mean min norm prod sum", _read),
    **_named("std var", lambda layer, inputs, outputs: 2 * _elements(inputs)),
    **_named("celu elu gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh", _each()),
    **_named("leaky_relu log_sigmoid log_softmax relu relu6 selu sigmoid silu softmax", _each()),
    **_named("soft_shrink softplus softsign sparse_plus sparse_sigmoid squareplus swish", _each()),
    **_named("tanh tanh_shrink threshold add subtract multiply divide true_divide mod", _each()),
    **_named("floor_divide power maximum minimum equal not_equal greater greater_equal", _each()),
    **_named("less less_equal logical_and logical_or logical_xor where abs absolute", _each()),
    **_named("ceil clip cos erf exp expm1 floor isfinite isinf isnan log log10 log1p", _each()),
    **_named("log2 logical_not negative neg reciprocal round rsqrt sign sin sqrt square", _each()),
    **_named("trunc", _each()),
    **_named("arccos arccosh arcsin arcsinh arctan arctanh cosh sinh tan deg2rad", _each()),
    **_named("rad2deg sinc cbrt exp2 erfc erfinv fabs i0 isneginf isposinf", _each()),
    **_named("signbit arctan2 hypot fmod fmax fmin logaddexp logaddexp2 ldexp", _each()),
    **_named("divide_no_nan heaviside nextafter gcd lcm bitwise_and bitwise_or", _each()),
    **_named("bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift", _each()),
    **_named("nan_to_num", _each()),
    **_named("copy real conj conjugate saturate_cast diff", _moves),
    **_named("average count_nonzero ptp nansum nanprod nanmean nanmax nanmin nanargmax", _read),
    **_named("nanargmin nancumsum trapezoid", _read),
}


def _rule_of_layer(layer: Any) -> Rule | None:
    """The rule of a built-in class; a subclass has it if it computes the same."""
    if isinstance(layer, layers.SpectralNormalization):
        inner = _rule_of_layer(layer.layer)
        return inner and (lambda _, inputs, outputs: inner(layer.layer, inputs, outputs))
    for base in type(layer).__mro__:
        if base.__module__.startswith("fastdl.layers.") and base.__name__ in _LAYERS:
            same = getattr(base, "call", None) is getattr(type(layer), "call", None)
            return _LAYERS[base.__name__] if same else None
    return None


def _rule_of_function(kind: str) -> Rule | None:
    return _FUNCTIONS.get(kind)


# --- as texts


def short(number: int | None) -> str:
    """A number of operations in at most seven characters; "?" for one that isn't known."""
    return "?" if number is None else _scaled(number, 1000, ("", "k", "M", "G", "T", "P"))


def short_bytes(number: int | None) -> str:
    """A number of bytes, likewise."""
    return "?" if number is None else _scaled(number, 1024, ("B", "KB", "MB", "GB", "TB", "PB"))


def _scaled(number: int, step: int, units: Sequence[str]) -> str:
    value, unit = float(number), 0
    while value >= step and unit < len(units) - 1:
        value, unit = value / step, unit + 1
    digits = f"{number}" if not unit else f"{value:.2f}" if value < 100 else f"{value:.1f}"
    return f"{digits} {units[unit]}".rstrip()
