"""The options that every optimizer takes beyond its rule: clipping, accumulation, averaging.

A recorded step cannot branch on values: what depends on the step count is computed in each step and
selected by `where`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import Tensor
from .._engine.flat import Run

if TYPE_CHECKING:
    from .optimizer import Optimizer


def clip_gradients(optimizer: Optimizer, runs: list[Run]) -> None:
    """Clips the runs' gradients in place as the optimizer says."""
    if optimizer.clipvalue:
        limit = optimizer.clipvalue
        for run in runs:
            _core.assign_(run.gradients, _core.clip(run.gradients, -limit, limit))
    elif optimizer.clipnorm:
        for run in runs:
            for i in run.indices:
                home = optimizer._flat.homes[i]
                _core.assign_(home, _core.mul(home, _shrink([home], optimizer.clipnorm)))
    elif optimizer.global_clipnorm:
        factor = _shrink([run.gradients for run in runs], optimizer.global_clipnorm)
        for run in runs:
            _core.assign_(run.gradients, _core.mul(run.gradients, factor))


def _shrink(gradients: list[Tensor], limit: float) -> Tensor:
    """The factor, at most 1, that scales the gradients' common norm down to `limit`."""
    total: Any = None
    for gradient in gradients:
        squares = _core.sum(_core.square(gradient), None, False)
        total = squares if total is None else _core.add(total, squares)
    return _core.div(limit, _core.maximum(_core.sqrt(total), limit))


def _due(count: Tensor, every: int) -> Tensor:
    """Whether the step after `count` finished ones is the last of `every`."""
    return _core.eq(_core.mod(_core.add(count, 1), every), 0)


def count_updates(optimizer: Optimizer, steps: int) -> None:
    """Derives the number of updates from that of calls."""
    _core.assign_(optimizer._updates, _core.floor_divide(optimizer._calls, steps))


def accumulate(optimizer: Optimizer, runs: list[Run], position: int, steps: int) -> None:
    """Adds gradients to the sums at `position` of the runs' states, and updates the variables by
    their mean in every n-th step."""
    count_updates(optimizer, steps)
    due = _due(optimizer._calls, steps)
    for run in runs:
        _core.add_(run.states[position], run.gradients)
        _core.assign_(run.gradients, _core.div(run.states[position], steps))
    clip_gradients(optimizer, runs)
    changing: list[Tensor] = [t for run in runs for t in (run.values, *run.states[:position])]
    # An optimizer of the user's own keeps its slots outside the flat buffers.
    flat = optimizer._flat.states
    changing += [
        v for v in optimizer._slot_variables if not any(v._shares_storage(state) for state in flat)
    ]
    old = [_core.copy(tensor) for tensor in changing]
    for run in runs:
        optimizer._update(run)
    for tensor, value in zip(changing, old, strict=True):
        _core.assign_(tensor, _core.where(due, tensor, value))
    for run in runs:
        total = run.states[position]
        _core.assign_(total, _core.where(due, 0.0, total))


def update_average(optimizer: Optimizer, runs: list[Run], position: int) -> None:
    """Updates the moving average at `position` of the runs' states, and writes it over the
    variables where that is due."""
    # The first average is the value itself.
    later = _core.cast(_core.ne(optimizer._updates, 0), "float32")
    momentum = _core.mul(later, optimizer.ema_momentum)
    frequency = optimizer.ema_overwrite_frequency
    for run in runs:
        average = run.states[position]
        kept = _core.mul(momentum, average)
        taken = _core.mul(_core.sub(1.0, momentum), run.values)
        _core.assign_(average, _core.add(kept, taken))
        if frequency:
            due = _due(optimizer._updates, frequency)
            _core.assign_(run.values, _core.where(due, average, run.values))
