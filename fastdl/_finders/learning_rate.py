"""find_learning_rate: a range test."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._base.checks import check_fraction, check_integer, check_number
from .._base.notices import warn
from ..models.data_adapters import Arrays, adapt
from ..models.intake import Intake
from .trials import (
    axes_for,
    batches_of,
    check_model,
    copied,
    loss_in,
    random_state_kept,
    shuffled_batches,
)

if TYPE_CHECKING:
    from .._base.types import Batches, Data

# Fewer steps give no curve.
_LEAST_STEPS = 10


@dataclass
class LearningRateTest:
    """What `find_learning_rate` found.

    Attributes:
        rates: the learning rates of the steps, ascending.
        losses: the loss of each step, before its update.
        smoothed: the losses, smoothed without a shift.
        diverged: whether the test ended because the loss grew too much or was not finite.
        suggestion: the rate at which the smoothed loss fell fastest; None if it didn't fall.
        minimum: the rate of the lowest smoothed loss, which is too high to train with; None if the
            loss didn't fall.
    """

    rates: np.ndarray = field(repr=False)
    losses: np.ndarray = field(repr=False)
    smoothed: np.ndarray = field(repr=False)
    diverged: bool
    suggestion: float | None
    minimum: float | None

    def plot(self, ax: Any = None) -> Any:
        """Draws the losses over the learning rates, with the suggestion.

        Args:
            ax: axes of matplotlib to draw in; new ones unless given.

        Returns:
            The axes; `ax.figure.savefig(path)` writes a file.

        Raises:
            ImportError: matplotlib is missing. `pip install 'fastdl[plot]'` installs it.
        """
        ax = axes_for("LearningRateTest.plot", ax)
        finite = np.isfinite(self.losses)
        ax.plot(self.rates[finite], self.losses[finite], color="0.75", linewidth=1, label="loss")
        ax.plot(self.rates, self.smoothed, color="C0", linewidth=2, label="smoothed")
        if self.suggestion is not None:
            near = float(np.interp(self.suggestion, self.rates, self.smoothed))
            ax.plot(
                [self.suggestion],
                [near],
                "o",
                color="C3",
                label=f"suggestion: {self.suggestion:.2g}",
            )
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
        # What a diverging loss reaches would press the rest flat.
        low, high = float(self.smoothed.min()), float(self.smoothed.max())
        room = 0.08 * (high - low or 1.0)
        ax.set_ylim(low - room, high + room)
        ax.grid(alpha=0.3)
        ax.legend()
        return ax


class _Rate:
    """A learning rate that is set from outside."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self) -> float:
        return self.value


def find_learning_rate(
    model: Any,
    x: Data | Batches,
    y: Data = None,
    batch_size: int | None = None,
    *,
    sample_weight: Data = None,
    class_weight: dict[int, float] | Literal["balanced"] | None = None,
    min_rate: float = 1e-7,
    max_rate: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.8,
    stop_at: float = 2.0,
    seed: int = 0,
) -> LearningRateTest:
    """Tries learning rates from small to large, one per step, and suggests one.

    A copy of the model is trained, with its optimizer as it is now. Step `i` has the rate
    `min_rate * (max_rate / min_rate) ** (i / (steps - 1))`. The model, its optimizer and the random
    state stay as they are, also after an error or Ctrl-C.

    Args:
        model: a compiled model.
        x, y: the data, in the forms that `fit` takes: arrays, or an object that yields batches. A
            generator is read as far as it is needed; other objects are read again if they end.
        batch_size: samples per step, 32 by default.
        sample_weight, class_weight: as for `fit`.
        min_rate, max_rate: the first and the last learning rate.
        steps: the number of steps, at least 10.
        smoothing: how much a step's neighbour counts for its smoothed loss, in [0, 1); one `n`
            steps away counts `smoothing ** n`.
        stop_at: the test ends when the loss is more than this many times that of the first steps.
        seed: of the order of the samples.

    Returns:
        A `LearningRateTest` with `rates`, `losses`, `smoothed`, `suggestion` and `plot()`.

    Raises:
        RuntimeError: the model isn't compiled.
        ValueError: an argument is out of its range; the data ends before 10 steps; the first loss
            isn't finite.
        TypeError: the model can't be copied.

    Source: the range test of L. N. Smith, "Cyclical Learning Rates for Training Neural Networks",
    arXiv:1506.01186.

    Example:
        >>> inputs = np.random.default_rng(0).standard_normal((256, 4)).astype("float32")
        >>> model = fastdl.Sequential([fastdl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> found = fastdl.utils.find_learning_rate(model, inputs, inputs[:, :1])
        >>> 1e-4 < found.suggestion < found.minimum
        True
    """
    who = "find_learning_rate"
    check_model(who, model)
    low = check_number(who, "min_rate", min_rate, above=0.0)
    high = check_number(who, "max_rate", max_rate, above=low)
    steps = check_integer(who, "steps", steps, _LEAST_STEPS)
    check_fraction(who, "smoothing", smoothing)
    check_number(who, "smoothing", smoothing, below=1.0)
    check_number(who, "stop_at", stop_at, above=1.0)
    check_integer(who, "seed", seed, 0)
    if batch_size is not None:
        batch_size = check_integer(who, "batch_size", batch_size, 1)
    intake = Intake(model)
    x, y, sample_weight = intake.data(who, x, y, sample_weight)
    data = adapt(who, intake, x, y, sample_weight, class_weight, batch_size)
    rates = low * (high / low) ** (np.arange(steps) / (steps - 1))
    with random_state_kept(data):
        batches = shuffled_batches(data, seed) if isinstance(data, Arrays) else batches_of(data)
        losses, diverged = _losses(who, copied(who, model), batches, rates, smoothing, stop_at)
    if not diverged and len(losses) < _LEAST_STEPS:
        raise ValueError(
            f"{who}: x: expected at least {_LEAST_STEPS} batches, but the data ended after "
            f"{len(losses)}"
        )
    return _summary(rates[: len(losses)], np.array(losses), diverged, smoothing, stop_at)


def _losses(
    who: str, model: Any, batches: Any, rates: np.ndarray, smoothing: float, stop_at: float
) -> tuple[list[float], bool]:
    """The losses of the steps until they are over or grow too much, and whether they did."""
    rate = _Rate(0.0)
    losses: list[float] = []
    mean = best = 0.0
    model.optimizer.learning_rate = rate
    for value, (x, y, weight) in zip(rates.tolist(), batches, strict=False):
        rate.value = value
        losses.append(loss_in(who, model.train_on_batch(x, y, weight, return_dict=True)))
        done = len(losses)
        if not math.isfinite(losses[-1]):
            if done == 1:
                raise ValueError(
                    f"{who}: the loss is {losses[0]} with the first batch, before any update"
                )
            return losses, True
        mean = smoothing * mean + (1 - smoothing) * losses[-1]
        now = mean / (1 - smoothing**done)
        best = now if done == 1 else min(best, now)
        if done > _LEAST_STEPS // 2 and now > _limit(losses, best, stop_at):
            return losses, True
    return losses, False


def _limit(losses: Any, best: float, stop_at: float) -> float:
    """The loss above which the test is over. Losses may be negative or 0."""
    start = float(np.mean(losses[: _LEAST_STEPS // 2]))
    return start + (stop_at - 1) * max(abs(start), start - best, 1e-6)


def _summary(
    rates: np.ndarray, losses: np.ndarray, diverged: bool, smoothing: float, stop_at: float
) -> LearningRateTest:
    """Smooths the losses and looks where they fall fastest."""
    finite = np.where(np.isfinite(losses), losses, np.inf)
    # One huge loss at the end would cover all that came before.
    capped = np.minimum(finite, _limit(losses, float(finite.min()), stop_at))
    distance = np.abs(np.subtract.outer(np.arange(len(rates)), np.arange(len(rates))))
    weights = np.where(distance == 0, 1.0, float(smoothing) ** np.maximum(distance, 1))
    smoothed = weights @ capped / weights.sum(1)
    lowest = int(np.argmin(smoothed))
    noise = float(np.std((capped - smoothed)[: lowest + 1]))
    suggestion = minimum = None
    # The height from which the loss falls. Noise can make the highest value much higher.
    fall = float(np.quantile(smoothed[: lowest + 1], 0.75)) - smoothed[lowest]
    if lowest >= 2 and fall > noise:
        # The last fall is meant: before it, at small rates, the loss only goes up and down.
        high = smoothed[: lowest - 1] >= smoothed[lowest] + 0.9 * fall
        first = int(np.flatnonzero(high)[-1]) if high.any() else 0
        slopes = np.gradient(smoothed, np.log10(rates))[first:lowest]
        suggestion = float(rates[first + np.argmin(slopes)])
        minimum = float(rates[lowest])
    else:
        warn(
            "find_learning_rate: the loss did not fall with any rate, so there is no suggestion; "
            "try more steps, another range, or look at the data with plot()"
        )
    return LearningRateTest(rates, losses, smoothed, diverged, suggestion, minimum)
