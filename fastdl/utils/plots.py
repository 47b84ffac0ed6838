"""Pictures of a training and its model, by matplotlib: `pip install 'fastdl[plot]'`.

Each function returns a matplotlib Figure, which notebooks show. `to_file` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.registry import LAYERS
from .reports import calibration_curve, confusion_matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .._core import TensorLike
    from ..layers.layer import Layer
    from ..saving.files import Path


def new_figure(width: float, height: float) -> Figure:
    """An empty figure. ImportError that says how to install matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "pictures need the package matplotlib: pip install 'fastdl[plot]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def written(figure: Figure, to_file: Path | None, who: str) -> Figure:
    """The figure, after it was written to a file that is complete or not there."""
    if to_file is not None:
        import os

        from ..saving.files import path_of, replacing

        name = path_of(to_file, f"{who}: to_file")
        extension = os.path.splitext(name)[1].removeprefix(".").lower()
        known = figure.canvas.get_supported_filetypes()
        if extension not in known:
            raise ValueError(
                f"{who}: to_file: expected a name that ends in one of {', '.join(sorted(known))}, "
                f"got {name!r}"
            )
        with replacing(name, f"{who}: to_file") as file:
            figure.savefig(file, format=extension, dpi=120)
    return figure


def plot_history(
    history: Any, metrics: Sequence[str] | None = None, to_file: Path | None = None
) -> Figure:
    """Losses and metrics over the epochs, those of training and validation in one picture.

    Args:
        history: what `fit` returned, its `history`, or a dict of lists by name.
        metrics: the names to draw, without "val_"; all unless given.
        to_file: a file to write the picture to.

    Raises:
        ValueError: there is nothing to draw, or an unknown name.
        ImportError: matplotlib is missing.

    Example:
        >>> figure = utils.plot_history({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})
        >>> [axes.get_title() for axes in figure.axes]
        ['loss']
    """
    found: Mapping[str, Any] = getattr(history, "history", history)
    if not isinstance(found, Mapping):
        raise ValueError(f"plot_history: history: expected what fit returns, got {history!r}")
    drawable = [
        n for n, v in found.items() if not n.startswith("val_") and len(v) and np.ndim(v[0]) == 0
    ]
    names = drawable if metrics is None else list(metrics)
    unknown = [name for name in names if name not in drawable]
    if unknown or not names:
        raise ValueError(
            f"plot_history: metrics: expected some of {', '.join(drawable) or 'nothing'}, got "
            f"{metrics}"
        )
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = new_figure(5 * columns, 4 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(grid, names, strict=False):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in found:
                epochs = np.arange(1, len(found[key]) + 1)
                axes.plot(epochs, found[key], marker="o", markersize=3, label=label)
        axes.set(title=name, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    for axes in grid[len(names) :]:
        axes.remove()
    return written(figure, to_file, "plot_history")


def plot_confusion_matrix(
    y_true: TensorLike,
    y_pred: TensorLike,
    labels: Sequence[Any] | None = None,
    normalize: str | None = None,
    to_file: Path | None = None,
) -> Figure:
    """A picture of `confusion_matrix`, with its values.

    Args:
        y_true, y_pred, labels, normalize: as for `confusion_matrix`.
        to_file: a file to write the picture to.

    Example:
        >>> figure = utils.plot_confusion_matrix([0, 0, 1], [0, 1, 1])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '1', '0', '1']
    """
    matrix = confusion_matrix(y_true, y_pred, labels, normalize)
    if labels is None:
        from .reports import _compared

        labels = _compared("plot_confusion_matrix", y_true, y_pred, None)[2].tolist()
    count = len(matrix)
    size = max(3.2, min(0.55 * count + 1.8, 14))
    figure = new_figure(size + 0.6, size)
    axes = figure.subplots()
    shares = confusion_matrix(y_true, y_pred, labels, "true")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = np.arange(count)
    axes.set(xlabel="predicted", ylabel="true", xticks=ticks, yticks=ticks)
    names = [str(label) for label in labels]
    long = max(map(len, names)) > 3
    axes.set_xticklabels(names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticklabels(names)
    if count <= 30:
        for i, j in np.ndindex(count, count):
            text = str(matrix[i, j]) if normalize is None else f"{matrix[i, j]:.2f}"
            color = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    return written(figure, to_file, "plot_confusion_matrix")


def plot_calibration(
    y_true: TensorLike,
    y_prob: TensorLike,
    n_bins: int = 10,
    strategy: str = "uniform",
    to_file: Path | None = None,
) -> Figure:
    """A picture of `calibration_curve`, with how often each probability was predicted.

    Args:
        y_true, y_prob, n_bins, strategy: as for `calibration_curve`.
        to_file: a file to write the picture to.

    Example:
        >>> figure = utils.plot_calibration([0, 0, 1, 1], [0.1, 0.2, 0.7, 1.0], 2)
        >>> len(figure.axes)
        2
    """
    shares, means = calibration_curve(y_true, y_prob, n_bins, strategy)
    figure = new_figure(4.4, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    above.plot(means, shares, marker="o", label="model")
    above.set(ylabel="share of samples that are 1", ylim=(-0.03, 1.03))
    above.grid(alpha=0.3)
    above.legend()
    below.hist(np.asarray(y_prob, np.float64).reshape(-1), bins=n_bins, range=(0, 1))
    below.set(xlabel="predicted probability", ylabel="samples")
    return written(figure, to_file, "plot_calibration")


def plot_weights(model: Any, to_file: Path | None = None) -> Figure:
    """A histogram of each weight of a model.

    Args:
        model: a model or layer with weights.
        to_file: a file to write the picture to.

    Raises:
        ValueError: it has no weights.

    Example:
        >>> model = models.Sequential([layers.Input((3,)), layers.Dense(2)])
        >>> len(utils.plot_weights(model).axes)
        2
    """
    named = {weight.path: weight.numpy() for weight in model.weights}
    return written(_histograms(named, "plot_weights"), to_file, "plot_weights")


def plot_activations(
    model: Any,
    x: TensorLike,
    layer: str | Layer | None = None,
    to_file: Path | None = None,
    max_maps: int = 64,
) -> Figure:
    """What a layer gives for a sample, or a histogram of the outputs of each layer.

    Args:
        model: a functional model, or a Sequential with an Input.
        x: samples, as for `predict`; with a layer the first one counts, or a sample without a
            batch.
        layer: a layer or its name. Of a layer of images all feature maps are drawn, each in its own
            range; of sequences steps by channels; of vectors bars. Without one there is a histogram
            for each layer.
        to_file: a file to write the picture to.
        max_maps: how many feature maps are drawn at most.

    Raises:
        ValueError: the model has no graph, or no such layer.
        ImportError: matplotlib is missing.

    Example:
        >>> model = models.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(5, 3, name="first")])
        >>> len(utils.plot_activations(model, np.ones((4, 6, 6, 1))).axes)
        1
        >>> len(utils.plot_activations(model, np.ones((6, 6, 1)), "first").axes)
        5
    """
    if layer is not None:
        from .explain import plot_maps

        return plot_maps(model, x, layer, to_file, max_maps)
    if getattr(model, "_graph", None) is None:
        raise ValueError(
            f"plot_activations: model: expected a functional model, or a Sequential with an Input, "
            f"got {model!r}"
        )
    inner = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    outputs = {layer.name: layer.output for layer in inner}
    found = LAYERS.lookup("Model")(model.input, outputs).predict(x, verbose=0)
    return written(_histograms(found, "plot_activations"), to_file, "plot_activations")


def _histograms(named: Mapping[str, Any], who: str) -> Figure:
    if not named:
        raise ValueError(f"{who}: model: there is nothing to draw")
    columns = min(len(named), 4)
    rows = math.ceil(len(named) / columns)
    figure = new_figure(3.2 * columns, 2.4 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, values) in zip(grid, named.items(), strict=False):
        flat = np.asarray(values, np.float64).ravel()
        finite = flat[np.isfinite(flat)]
        axes.hist(finite, bins=min(40, max(1, len(finite))))
        left_out = len(flat) - len(finite)
        note = f"{left_out} values are not finite" if left_out else ""
        axes.set_title(name, fontsize=9)
        axes.set_xlabel(note, color="red")
        axes.tick_params(labelsize=8)
    for axes in grid[len(named) :]:
        axes.remove()
    return figure
