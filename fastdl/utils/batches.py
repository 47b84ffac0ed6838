"""The parts of a batch: x, y and sample_weight."""

from __future__ import annotations

from typing import Any

from .._base.tables import is_table


def unpack_x_y_sample_weight(data: Any, who: str = "") -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a batch: x, (x,), (x, y) or (x, y, sample_weight).

    `who`, a function, stands in front of the message.

    Raises:
        ValueError: a tuple or list of more than three.
    """
    if isinstance(data, list) and not is_table(data):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"{who}{': ' * bool(who)}expected batches of x, (x, y) or (x, y, sample_weight), got a "
            f"tuple of {len(data)}"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest of x, (x, y) and (x, y, sample_weight), as steps get it."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x
