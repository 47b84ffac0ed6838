"""Moving averages of statistics, which a layer keeps beside its trained weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .._base import functional as F
from .interrupts import held_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import Tensor


def move_averages(pairs: Iterable[tuple[Tensor, Tensor]], share: float | Tensor) -> None:
    """Overwrites each average by `average * (1 - share) + value * share`, without a gradient.

    A step that has begun to change state is finished: Ctrl-C waits, as for the optimizer's update.

    Args:
        pairs: averages with the values that they move towards.
        share: how far, from 0 to 1.
    """
    before = _core.set_grad_enabled(False)
    try:
        with held_back():
            for average, value in pairs:
                if isinstance(share, float) and share == 1:  # also where the average isn't finite
                    F.assign_(average, value)
                else:
                    kept = F.mul(average, 1 - share)
                    F.assign_(average, F.add(kept, F.mul(value, share)))
    finally:
        _core.set_grad_enabled(before)
