"""Progbar: the progress bar of `keras.utils`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._base.checks import check_count, check_integer, check_name, check_number, shown
from .._base.progress import Progress, mode_from_verbose

if TYPE_CHECKING:
    from typing import TypeAlias

    from .._base.progress import Values

    Value: TypeAlias = float | Sequence[float] | np.ndarray


class Progbar:
    """Shows the progress of a loop of your own, as `fit` shows its own.

    On a terminal and in a notebook it is a bar, elsewhere one line at the end.

    Args:
        target: the number of steps, None if it is not known.
        width: the width of the bar, in characters.
        verbose: 1 for a bar, 2 for one line at the end, 0 for silence.
        interval: the least number of seconds between two redraws.
        stateful_metrics: the names of values that are shown as they are; of others the mean over
            the steps is.
        stateless_metrics: the names of values of which the mean is shown; others are shown as they
            are.
        unit_name: the name of a step.

    Raises:
        ValueError: both lists of names are given, or an argument is out of its range.

    Source: `keras.utils.Progbar` of Keras 3.

    Example:
        >>> bar = utils.Progbar(2, verbose=2)
        >>> bar.add(1, [("loss", 1.0)])
        >>> bar.add(1, [("loss", 3.0)])  # doctest: +ELLIPSIS
        2/2 - 0s - .../step - loss: 3.0000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        who = "Progbar"
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                f"{who}: stateful_metrics, stateless_metrics: expected at most one of them"
            )
        self.target = check_count(who, "target", target, 0)
        self.unit_name = check_name(who, "unit_name", unit_name) or "step"
        self._as_they_are = _names("stateful_metrics", stateful_metrics or ())
        self._means = None
        if stateless_metrics is not None:
            self._means = _names("stateless_metrics", stateless_metrics)
        self._progress = Progress(
            self.target,
            unit=self.unit_name,
            mode=mode_from_verbose(verbose),
            width=check_integer(who, "width", width, 1),
            interval=check_number(who, "interval", interval),
        )
        self._sums: dict[str, tuple[float, int]] = {}
        self._seen = 0

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Value]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows the progress.

        Args:
            current: how many steps are done.
            values: names and their values in the steps since the last update. Of several values
                the mean is taken.
            finalize: whether the work is done; unless given, whether `target` is reached. The
                values are then shown as they are.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            mean = name not in self._as_they_are if self._means is None else name in self._means
            total, count = self._sums.get(name, (0.0, 0)) if mean and not finalize else (0.0, 0)
            self._sums[name] = (total + float(np.mean(value)) * steps, count + steps)
        self._seen = current
        shown_values: Values = {name: t / max(n, 1) for name, (t, n) in self._sums.items()}
        self._progress.update(current, shown_values)
        if finalize:
            self._progress.close(shown_values)

    def add(self, n: int, values: Iterable[tuple[str, Value]] | None = None) -> None:
        """`update` after `n` more steps."""
        self.update(self._seen + n, values)


def _names(argument: str, value: Iterable[str]) -> frozenset[str]:
    names = None if isinstance(value, str) else frozenset(value)
    if names is None or not all(isinstance(name, str) for name in names):
        raise ValueError(f"Progbar: {argument}: expected a list of names, got {shown(value)}")
    return names
