"""The logs of steps as Python numbers, and their order in results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Tensor
from .compile_utils import CompileMetrics

if TYPE_CHECKING:
    from .._base.types import Logs
    from .trainer import Trainer


def numbers(logs: object) -> Logs:
    """A step's logs as Python floats (or arrays, for values of several elements), by name."""
    if not isinstance(logs, dict):
        raise TypeError(
            f"a train_step or test_step must return a dict of logs, got {type(logs).__name__}"
        )
    found: Logs = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            found.update(numbers(value))
        elif isinstance(value, Tensor):
            found[name] = value.item() if value.numel() == 1 else np.array(value)
        else:
            found[name] = value
    return found


def in_order(model: Trainer, logs: Logs) -> Any:
    """The values as a list in Keras's order, or the only one."""
    names: list[str] = []
    for metric in model.metrics:
        parts = metric.metrics if isinstance(metric, CompileMetrics) else [metric]
        names += [part.name for part in parts]
    known = [name for name in names if name in logs]
    values = [logs[name] for name in (*known, *sorted(set(logs) - set(known)))]
    return values[0] if len(values) == 1 else values
