"""The settings of losses and of metrics of losses: what each may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._base.checks import (
    check_count,
    check_flag,
    check_fraction,
    check_integer,
    check_integers,
    check_number,
    shown,
)


def _check_axis(who: str, name: str, value: Any) -> Any:
    axes = check_integers(who, name, value)
    if axes == ():
        raise ValueError(f"{who}: {name}: expected an integer or several, got {shown(value)}")
    return axes


_CHECKS: dict[str, Callable[[str, str, Any], Any]] = {
    "alpha": lambda who, name, value: check_number(who, name, value, -math.inf),
    "apply_class_balancing": check_flag,
    "axis": _check_axis,
    "delta": lambda who, name, value: check_number(who, name, value, above=0.0),
    "from_logits": check_flag,
    "from_sorted_ids": check_flag,
    "gamma": lambda who, name, value: check_number(who, name, value, -math.inf),
    "ignore_class": check_count,
    "k": lambda who, name, value: check_integer(who, name, value, 1),
    "label_smoothing": check_fraction,
    "threshold": check_fraction,
}


def check_settings(who: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, each as its check returns it.

    Raises:
        ValueError: one is out of its range; the message names class, argument and value.
    """
    return {name: _CHECKS[name](who, name, value) for name, value in settings.items()}
