"""The pictures of a report, by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..utils.plots import new_figure, plot_calibration, plot_confusion_matrix
from .preprocessing import Classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .training import TrainResult

_MOST_CLASSES = 30
_MOST_POINTS = 5000


def of_predictions(result: TrainResult) -> list[tuple[str, Figure]]:
    """Confusion matrix and calibration, or predictions beside the truth."""
    target = result.model.target
    if not isinstance(target, Classes):
        return [("predicted values against true ones", _scatter(result))]
    found = []
    numbers = list(range(target.outputs))
    if target.outputs <= _MOST_CLASSES:
        figure = plot_confusion_matrix(result.y_true, result.outputs.argmax(axis=1), labels=numbers)
        axes = figure.axes[0]
        names = [_plain(text) for text in target.texts]
        long = max(map(len, names)) > 3
        axes.set_xticklabels(names, rotation=45 if long else 0, ha="right" if long else "center")
        axes.set_yticklabels(names)
        found.append(("confusion matrix", figure))
    if target.outputs == 2:
        figure = plot_calibration(result.y_true, result.outputs[:, 1].clip(0, 1))
        figure.axes[1].set_xlabel(f"predicted probability of {_plain(target.texts[1])}")
        figure.axes[0].set_ylabel(f"share that is {_plain(target.texts[1])}")
        found.append(("calibration", figure))
    return found


def _plain(text: str) -> str:
    """A text as a label: short, and without matplotlib's signs for formulas."""
    short = text if len(text) <= 20 else f"{text[:19]}…"
    return short.replace("\\", "\\\\").replace("$", r"\$")


def _scatter(result: TrainResult) -> Figure:
    true, predicted = result.y_true, result.outputs
    if len(true) > _MOST_POINTS:
        rows = np.random.default_rng(0).choice(len(true), _MOST_POINTS, replace=False)
        true, predicted = true[rows], predicted[rows]
    figure = new_figure(5.4, 5)
    axes = figure.subplots()
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color="grey", linestyle=":", label="perfect")
    axes.scatter(true, predicted, s=14, alpha=max(0.1, min(0.7, 200 / len(true))))
    name = _plain(result.model.target.name)
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def of_training(result: TrainResult) -> list[tuple[str, Figure]]:
    """The losses of each network over the epochs."""
    figure = new_figure(7, 3.6)
    axes = figure.subplots()
    for i, history in enumerate(result.history):
        epochs = np.arange(1, len(history["loss"]) + 1)
        for key, label, color in (
            ("loss", "training", "C0"),
            ("val_loss", "held-out rows", "C1"),
        ):
            axes.plot(
                epochs,
                history[key],
                color=color,
                alpha=0.75,
                linewidth=1.2,
                label=label if i == 0 else None,
            )
        best = int(np.nanargmin(history["val_loss"]))
        axes.plot(
            epochs[best],
            history["val_loss"][best],
            "o",
            color="black",
            markersize=4,
            label="weights that were kept" if i == 0 else None,
        )
    positive = [v for h in result.history for k in ("loss", "val_loss") for v in h[k] if v > 0]
    if positive and max(positive) > 20 * min(positive):
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.locator_params(axis="x", integer=True)
    axes.grid(alpha=0.3)
    axes.legend()
    return [("learning curves", figure)]
