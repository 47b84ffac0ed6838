"""The options that every optimizer takes besides its rule: clipping, accumulation, averaging.

A recorded step cannot branch on values. So each step computes what depends on the step count, and
`where` selects from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import functional as F
from .._core import Tensor
from .._engine.flat import Run

if TYPE_CHECKING:
    from typing import TypedDict

    from .optimizer import Optimizer

    class DecayedOptions(TypedDict, total=False):
        """The arguments of `Optimizer`, except for the weight decay."""

        clipnorm: float | None
        clipvalue: float | None
        global_clipnorm: float | None
        use_ema: bool
        ema_momentum: float
        ema_overwrite_frequency: int | None
        loss_scale_factor: float | None
        gradient_accumulation_steps: int | None
        name: str | None

    class OptimizerOptions(DecayedOptions, total=False):
        """The arguments of `Optimizer` besides the learning rate."""

        weight_decay: float | None


def clip_gradients(optimizer: Optimizer, runs: list[Run]) -> None:
    """Clips the runs' gradients in place as the optimizer says."""
    if optimizer.clipvalue:
        limit = optimizer.clipvalue
        for run in runs:
            F.assign_(run.gradients, F.clip(run.gradients, lo=-limit, hi=limit))
    elif optimizer.clipnorm:
        for run in runs:
            for i in run.indices:
                home = optimizer._flat.homes[i]
                F.assign_(home, F.mul(home, _shrink([home], optimizer.clipnorm)))
    elif optimizer.global_clipnorm:
        factor = _shrink([run.gradients for run in runs], optimizer.global_clipnorm)
        for run in runs:
            F.assign_(run.gradients, F.mul(run.gradients, factor))


def _shrink(gradients: list[Tensor], limit: float) -> Tensor:
    """The factor, at most 1, that scales the gradients' common norm down to `limit`."""
    total: Tensor | None = None
    for gradient in gradients:
        squares = F.sum(F.square(gradient))
        total = squares if total is None else F.add(total, squares)
    assert total is not None
    return F.div(limit, F.maximum(F.sqrt(total), limit))


def _due(count: Tensor, every: int) -> Tensor:
    """Whether the step after `count` finished ones is the last of `every`."""
    return F.eq(F.mod(F.add(count, 1), every), 0)


def count_updates(optimizer: Optimizer, steps: int) -> None:
    """Derives the number of updates from that of calls."""
    F.assign_(optimizer._updates, F.floor_divide(optimizer._calls, steps))


def changed_by_update(
    optimizer: Optimizer, runs: list[Run], position: int | None = None
) -> list[Tensor]:
    """The memory that an update writes: weights, and slots up to a position."""
    changing: list[Tensor] = [t for run in runs for t in (run.values, *run.states[:position])]
    # A user's optimizer keeps its slots outside the flat buffers.
    flat = optimizer._flat.states
    changing += [
        v for v in optimizer._slot_variables if not any(v._shares_storage(state) for state in flat)
    ]
    return changing


def accumulate(optimizer: Optimizer, runs: list[Run], position: int, steps: int) -> None:
    """Adds gradients to their sums, and updates the variables by the mean in every n-th step.

    The sums are at `position` of the runs' states.
    """
    count_updates(optimizer, steps)
    due = _due(optimizer._calls, steps)
    for run in runs:
        F.add_(run.states[position], run.gradients)
        F.assign_(run.gradients, F.div(run.states[position], steps))
    clip_gradients(optimizer, runs)
    changing = changed_by_update(optimizer, runs, position)
    old = [F.copy(tensor) for tensor in changing]
    for run in runs:
        optimizer._update(run)
    for tensor, value in zip(changing, old, strict=True):
        F.assign_(tensor, F.where(due, tensor, value))
    for run in runs:
        total = run.states[position]
        F.assign_(total, F.where(due, 0.0, total))


def update_average(optimizer: Optimizer, runs: list[Run], position: int) -> None:
    """Updates the moving average, and writes it over the variables if that is due.

    The average is at `position` of the runs' states.
    """
    # The first average is the value itself.
    later = F.cast(F.ne(optimizer._updates, 0), dtype="float32")
    momentum = F.mul(later, optimizer.ema_momentum)
    frequency = optimizer.ema_overwrite_frequency
    for run in runs:
        average = run.states[position]
        kept = F.mul(momentum, average)
        taken = F.mul(F.sub(1.0, momentum), run.values)
        F.assign_(average, F.add(kept, taken))
        if frequency:
            due = _due(optimizer._updates, frequency)
            F.assign_(run.values, F.where(due, average, run.values))
