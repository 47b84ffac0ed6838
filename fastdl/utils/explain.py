"""What a model of images sees: filters, feature maps and Grad-CAM, as arrays and pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, autograd
from .._base import functional as F
from .._base import images as base
from .._base.checks import check_integer, prefixed, shown
from .._base.registry import LAYERS
from .plots import new_figure, written

_DRAWN = 16  # images of a batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .._core import Tensor, TensorLike
    from ..layers.layer import Layer
    from ..saving.files import Path


def part_of(model: Any, outputs: Sequence[Any]) -> Any:
    """A model with the layers of this one and other outputs."""
    return LAYERS.lookup("Model")(model.input, list(outputs))


def check_graph(model: Any, who: str) -> None:
    """ValueError unless it is a model with a graph and one input."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        raise ValueError(
            f"{who}: model: expected a functional model, or a Sequential with an Input, got "
            f"{model!r}"
        )
    if len(graph.inputs) != 1:
        raise ValueError(f"{who}: model: expected one input, got {len(graph.inputs)}")


def layer_of(model: Any, layer: str | Layer | None, who: str) -> Any:
    """A layer of a model, given itself or by name; the last one with feature maps unless given.

    Raises:
        ValueError: there is no such layer.
    """
    if layer is None:
        nodes = [n for n in model._graph.nodes if not n.is_input and hasattr(n.operation, "build")]
        found = [n.operation for n in nodes if len(n.outputs[0].shape) == 4]
        if not found:
            raise ValueError(
                f"{who}: model: expected a layer with an output of 4 axes, (batch, height, width, "
                f"channels), got {model!r}"
            )
        return found[-1]
    try:
        return model.get_layer(getattr(layer, "name", layer))
    except ValueError as error:
        raise prefixed(f"{who}: layer", error) from None


def _node_of(model: Any, layer: Any) -> Any:
    return [node for node in model._graph.nodes if node.operation is layer][-1]


def _batch(model: Any, x: TensorLike, who: str) -> tuple[Tensor, bool]:
    """Samples with a batch axis, and whether it was missing."""
    try:
        tensor = F.cast(x, dtype="float32")
    except (TypeError, ValueError) as error:
        raise prefixed(f"{who}: x", error) from None
    wanted = model.input.shape
    one = tensor.ndim == len(wanted) - 1
    if one:
        tensor = F.reshape(tensor, shape=(1, *tensor.shape))
    pairs = zip(wanted, tensor.shape, strict=False)
    if tensor.ndim != len(wanted) or any(n is not None and n != m for n, m in pairs):
        raise ValueError(
            f"{who}: x: expected samples of shape {wanted}, or one of them, got "
            f"{_core.as_tensor(x).shape}"
        )
    return tensor, one


# --- Grad-CAM


def _scores(model: Any) -> tuple[Any, Any]:
    """The tensor of the graph from which scores come, and the Dense layer that makes them, or None.

    They are the values before a softmax or sigmoid at the end of the model.
    """
    from ..activations import linear, sigmoid, softmax
    from ..layers import Activation, Dense, Softmax

    node = model._graph.outputs[0]._node
    last = node.operation
    if type(last) is Softmax or (
        type(last) is Activation and last.activation in (softmax, sigmoid, linear)
    ):
        return node.inputs[0], None
    if type(last) is Dense and last.activation in (softmax, sigmoid):
        return node.inputs[0], last
    return model._graph.outputs[0], None


def grad_cam(
    model: Any,
    x: TensorLike,
    class_index: int | Sequence[int] | None = None,
    layer: str | Layer | None = None,
) -> np.ndarray:
    """Where in an image a class is seen: the heat map Grad-CAM.

    The maps of a layer are summed, each with the mean gradient of the class's score along it.
    Negative sums become 0. The result is resized, bilinearly, and divided by its maximum. The score
    is the value before a softmax or sigmoid at the end of the model, if there is one; within a
    model in the model it is not found, and its output is the score.

    Args:
        model: a functional model, or a Sequential with an Input, with one input of images and one
            output, (batch, classes).
        x: images, (batch, height, width, channels), or one of them, as for `predict`.
        class_index: the class, or one for each image; for each image the one with the highest score
            unless given.
        layer: the layer with the maps, or its name: with an output of 4 axes; the last one of these
            unless given. It may be a model in the model.

    Returns:
        float32 in [0, 1] of shape (batch, height, width), or (height, width) for one image. It is 0
        where nothing speaks for the class.

    Raises:
        ValueError: a model without such a layer or graph, x of another shape, no such class, or an
            output that the layer has no part in.

    Source: Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391.

    Example:
        >>> first = [layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu")]
        >>> model = models.Sequential([*first, layers.GlobalAveragePooling2D(), layers.Dense(3)])
        >>> utils.grad_cam(model, np.ones((8, 8, 1)), 2).shape
        (8, 8)
    """
    inputs, one = _images(model, x, "grad_cam")
    heat, _ = _heat(model, inputs, class_index, layer, "grad_cam")
    return heat[0] if one else heat


def _images(model: Any, x: TensorLike, who: str) -> tuple[Tensor, bool]:
    check_graph(model, who)
    return _batch(model, x, who)


def _heat(
    model: Any, inputs: Tensor, class_index: Any, layer: str | Layer | None, who: str
) -> tuple[np.ndarray, np.ndarray]:
    """The heat maps of a batch and the classes that they are of."""
    if len(model._graph.outputs) != 1 or len(model._graph.outputs[0].shape) != 2:
        shapes = [tensor.shape for tensor in model._graph.outputs]
        raise ValueError(f"{who}: model: expected one output, (batch, classes), got {shapes}")
    found = layer_of(model, layer, who)
    maps_of = _node_of(model, found).outputs[0]
    if len(maps_of.shape) != 4:
        raise ValueError(
            f"{who}: layer: expected one with an output of 4 axes, (batch, height, width, "
            f"channels), got {found.name!r} with {maps_of.shape}"
        )
    before, dense = _scores(model)
    with autograd.enable_grad():
        watched = F.copy(inputs).detach()
        watched.requires_grad = True  # so that the maps of frozen layers are on the tape, too
        maps, scores = part_of(model, [maps_of, before])(watched, training=False)
        if dense is not None:
            scores = F.linear(scores, w=dense.kernel, bias=dense.bias)
        classes = _classes(class_index, scores.detach().numpy(), who)
        chosen = F.sum(scores * F.one_hot(classes, depth=scores.shape[1]))
        (gradient,) = autograd.grad(chosen, maps, allow_unused=True)
    if gradient is None:
        raise ValueError(
            f"{who}: layer: expected one that the output depends on, got {found.name!r}"
        )
    last = getattr(found, "data_format", "channels_last") != "channels_first"
    places, channels = ([1, 2], [3]) if last else ([2, 3], [1])
    weights = F.mean(gradient, axes=places, keepdims=True)
    seen = F.relu(F.sum(maps.detach() * weights, axes=channels, keepdims=True))
    sizes = inputs.shape[1:3] if last else inputs.shape[2:4]
    heat = base.resize(seen, places[0], sizes, "bilinear").numpy().reshape(-1, *sizes)
    top = heat.max(axis=(1, 2), keepdims=True)
    return np.divide(heat, top, out=np.zeros_like(heat), where=top > 0), classes


def _classes(given: Any, scores: np.ndarray, who: str) -> np.ndarray:
    """The class of each image. ValueError for one that isn't there."""
    count, known = scores.shape
    if given is None:
        return scores.argmax(1)
    if not isinstance(given, (int, np.integer)):
        several = np.asarray(given)
        if several.shape != (count,) or several.dtype.kind not in "iu":
            raise ValueError(
                f"{who}: class_index: expected a class number, or {count} of them, got "
                f"{shown(given)}"
            )
        return np.array([check_integer(who, "class_index", int(c), 0, known - 1) for c in several])
    return np.full(count, check_integer(who, "class_index", given, 0, known - 1))


def plot_grad_cam(
    model: Any,
    x: TensorLike,
    class_index: int | Sequence[int] | None = None,
    layer: str | Layer | None = None,
    to_file: Path | None = None,
    alpha: float = 0.5,
) -> Figure:
    """Images, and over them the heat maps of `grad_cam`.

    Args:
        model, x, class_index, layer: as for `grad_cam`. Of a batch the first 16 images are drawn.
        to_file: a file to write the picture to.
        alpha: how far a heat map covers its image, from 0 to 1.

    Raises:
        ValueError: as for `grad_cam`.
        ImportError: matplotlib is missing.

    Example:
        >>> first = [layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten()]
        >>> model = models.Sequential([*first, layers.Dense(3)])
        >>> len(utils.plot_grad_cam(model, np.ones((2, 8, 8, 1))).axes)
        4
    """
    from .._base.checks import check_fraction

    who = "plot_grad_cam"
    alpha = check_fraction(who, "alpha", alpha)
    images = _images(model, x, who)[0].numpy()[:_DRAWN]
    if isinstance(class_index, (list, tuple, np.ndarray)):
        class_index = class_index[:_DRAWN]
    heat, classes = _heat(model, _core.tensor(images), class_index, layer, who)
    if images.shape[1:3] != heat.shape[1:]:
        images = images.transpose(0, 2, 3, 1)
    columns = min(len(images), 4)
    rows = math.ceil(len(images) / columns)
    figure = new_figure(4.4 * columns, 2.3 * rows)
    grid = figure.subplots(rows, 2 * columns, squeeze=False).ravel()
    for i, (image, warmth) in enumerate(zip(images, heat, strict=True)):
        _show(grid[2 * i], image)
        _show(grid[2 * i + 1], image)
        grid[2 * i + 1].imshow(warmth, cmap="jet", alpha=alpha, vmin=0, vmax=1)
        grid[2 * i + 1].set_title(f"class {classes[i]}", fontsize=9)
    for axes in grid[2 * len(images) :]:
        axes.remove()
    return written(figure, to_file, who)


def _show(axes: Axes, image: np.ndarray) -> None:
    """Draws an image of any range, of one channel or at least three, of which the first count."""
    axes.set_axis_off()
    low, high = float(np.nanmin(image)), float(np.nanmax(image))
    scaled = (image - low) / (high - low) if high > low else np.zeros_like(image)
    if image.shape[-1] >= 3:
        axes.imshow(scaled[..., :3])
    else:
        axes.imshow(scaled[..., 0], cmap="gray", vmin=0, vmax=1)


# --- maps and filters


def plot_maps(
    model: Any, x: TensorLike, layer: str | Layer, to_file: Path | None, most: int
) -> Figure:
    """The outputs of a layer for the first sample; `plot_activations` describes it."""
    who = "plot_activations"
    check_graph(model, who)
    most = check_integer(who, "max_maps", most, 1)
    found = layer_of(model, layer, who)
    output = _node_of(model, found).outputs[0]
    inputs, _ = _batch(model, x, who)
    part = part_of(model, [output])
    values = part.predict(inputs[:1].numpy(), verbose=0)
    array = np.asarray(values[0] if isinstance(values, list) else values)[0]
    span = f"from {array.min():.3g} to {array.max():.3g}" if array.size else "none"
    if array.ndim != 3:
        figure = new_figure(6, 3)
        axes = figure.subplots()
        if array.ndim == 2:
            picture = axes.imshow(array.T, aspect="auto", cmap="viridis")
            axes.set(xlabel="step", ylabel="channel")
            figure.colorbar(picture)
        else:
            axes.bar(np.arange(array.size), array.ravel())
            axes.set(xlabel="unit", ylabel="output")
        axes.set_title(f"{found.name}: values {span}", fontsize=9)
        return written(figure, to_file, who)
    if getattr(found, "data_format", "channels_last") == "channels_first":
        array = array.transpose(1, 2, 0)
    height, width, count = array.shape
    shown_count = min(count, most)
    which = f"{count} maps" if shown_count == count else f"{shown_count} of {count} maps"
    figure, grid = _grid(shown_count, width / height)
    for axes, channel in zip(grid, range(shown_count), strict=False):
        axes.imshow(array[:, :, channel], cmap="viridis")
    figure.suptitle(f"{found.name}: {which} of {height} x {width}, values {span}", fontsize=9)
    return written(figure, to_file, who)


def _grid(count: int, ratio: float) -> tuple[Figure, np.ndarray]:
    """A figure of about twice the width of its height, with axes for `count` pictures."""
    columns = max(1, min(count, math.ceil(math.sqrt(2 * count / max(0.25, min(ratio, 4.0))))))
    rows = math.ceil(count / columns)
    size = max(0.6, min(1.6, 10 / columns))
    tall = size / max(0.25, min(ratio, 4.0))
    figure = new_figure(max(3.0, size * columns), max(1.2, tall * rows + 0.4))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[:count]:
        axes.set_axis_off()
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def plot_filters(
    model: Any, layer: str | Layer, to_file: Path | None = None, max_filters: int = 64
) -> Figure:
    """The filters of a two-dimensional convolution.

    Filters of three channels are drawn as colours. Those of others have a picture for each channel,
    of eight channels at most, in a row: red is positive, blue negative.

    Args:
        model: a model with the layer.
        layer: the layer, or its name.
        to_file: a file to write the picture to.
        max_filters: how many filters are drawn at most.

    Raises:
        ValueError: there is no such layer, or it has no kernel of two axes of places.
        ImportError: matplotlib is missing.

    Example:
        >>> model = models.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(5, 3, name="first")])
        >>> len(utils.plot_filters(model, "first").axes)
        5
    """
    who = "plot_filters"
    if not hasattr(model, "get_layer"):
        raise ValueError(f"{who}: model: expected a model, got {shown(model)}")
    most = check_integer(who, "max_filters", max_filters, 1)
    found = layer_of(model, layer, who)
    kernel = getattr(found, "kernel", None)
    if kernel is None:
        kernel = getattr(found, "depthwise_kernel", None)
    if kernel is None or len(kernel.shape) != 4:
        raise ValueError(
            f"{who}: layer: expected a two-dimensional convolution that is built, got {found!r}"
        )
    values = kernel.numpy()
    kind = type(found).__name__
    if "Depthwise" in kind or "Separable" in kind:  # a filter for each channel and multiple
        values = values.reshape(*values.shape[:2], 1, -1)
    elif "Transpose" in kind:
        values = values.swapaxes(2, 3)
    height, width, channels, count = values.shape
    kept = min(count, most)
    which = f"{count} filters" if kept == count else f"{kept} of {count} filters"
    title = f"{found.name}: {which} of {height} x {width}"
    limit = float(np.abs(values).max()) or 1.0
    if channels in (1, 3):
        figure, grid = _grid(kept, width / height)
        for axes, i in zip(grid, range(kept), strict=False):
            if channels == 3:
                axes.imshow(values[:, :, :, i] / (2 * limit) + 0.5)
            else:
                axes.imshow(values[:, :, 0, i], cmap="RdBu_r", vmin=-limit, vmax=limit)
    else:
        inputs = min(channels, 8)
        figure = new_figure(0.7 * inputs + 0.6, 0.7 * kept + 0.6)
        grid = figure.subplots(kept, inputs, squeeze=False)
        for i, j in np.ndindex(kept, inputs):
            grid[i, j].imshow(values[:, :, j, i], cmap="RdBu_r", vmin=-limit, vmax=limit)
            grid[i, j].set_axis_off()
        title += f", {inputs} of {channels} channels"
    figure.suptitle(title, fontsize=9)
    return written(figure, to_file, who)
