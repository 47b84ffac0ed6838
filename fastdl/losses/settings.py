"""The settings of losses and of metrics of losses: what each may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._base.checks import (
    check_count,
    check_flag,
    check_fraction,
    check_integer,
    check_integers,
    check_number,
    check_numbers,
    shown,
)


class ReadableSettings:
    """Base of objects that hand `_fn_kwargs` to a function: each of them can be read by its name.

    As in Keras, a new value for such an attribute does not reach the function.
    """

    if not TYPE_CHECKING:  # else a checker would accept any attribute

        def __getattr__(self, name: str) -> Any:
            settings = self.__dict__.get("_fn_kwargs")
            if settings is not None and name in settings:
                return settings[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def check_axis(who: str, name: str, value: Any) -> Any:
    axes = check_integers(who, name, value)
    if axes == ():
        raise ValueError(f"{who}: {name}: expected an integer or several, got {shown(value)}")
    return axes


def check_optional_axis(who: str, name: str, value: Any) -> Any:
    """`value` if it is None, an integer, or several as a tuple."""
    return None if value is None else check_axis(who, name, value)


def check_factors(who: str, name: str, value: Any) -> float | list[float]:
    """`value` as a number, or as a list of at least one."""
    if not isinstance(value, (list, tuple)):
        return check_number(who, name, value, -math.inf)
    if not value:
        raise ValueError(f"{who}: {name}: expected a number or several, got {shown(value)}")
    return check_numbers(who, name, value, -math.inf)


Checks = dict[str, Callable[[str, str, Any], Any]]

_CHECKS: Checks = {
    "alpha": lambda who, name, value: check_number(who, name, value, -math.inf),
    "apply_class_balancing": check_flag,
    "axis": check_axis,
    "beta": lambda who, name, value: check_number(who, name, value, -math.inf),
    "delta": lambda who, name, value: check_number(who, name, value, above=0.0),
    "from_logits": check_flag,
    "from_sorted_ids": check_flag,
    "gamma": lambda who, name, value: check_number(who, name, value, -math.inf),
    "ignore_class": check_count,
    "k": lambda who, name, value: check_integer(who, name, value, 1),
    "label_smoothing": check_fraction,
    "margin": lambda who, name, value: check_number(who, name, value, -math.inf),
    "q": lambda who, name, value: check_number(who, name, value, above=0.0, below=1.0),
    "remove_diagonal": check_flag,
    "threshold": check_fraction,
}


def check_settings(who: str, settings: dict[str, Any], own: Checks | None = None) -> dict[str, Any]:
    """The settings, each as its check returns it. `own` are the checks of one class alone.

    Raises:
        ValueError: one is out of its range; the message names class, argument and value.
    """
    checks = {**_CHECKS, **(own or {})}
    return {name: checks[name](who, name, value) for name, value in settings.items()}
