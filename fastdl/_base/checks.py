"""Checks of arguments that both faces take."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_sparse(value: Any) -> bool:
    """Whether it is a sparse matrix or array of SciPy, which is not imported for that."""
    return hasattr(value, "tocsr") and hasattr(value, "toarray")


def check_dense(what: str, value: Any) -> None:
    """TypeError for a sparse matrix of SciPy; the message says what to give instead."""
    if is_sparse(value):
        raise TypeError(
            f"{what}: a sparse matrix ({type(value).__name__} of shape {value.shape}): there are "
            f"no sparse tensors; give {what}.toarray(), or batches of dense rows from a "
            "utils.PyDataset if all of them do not fit into memory"
        )


def check_number(
    who: str, argument: str, value: Any, at_least: float = 0.0, below: float = float("inf")
) -> float:
    """`value` as a float in [at_least, below).

    Raises:
        ValueError: it is none; the message names the optimizer, the argument and the value.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{who}: {argument}: expected a number, got {value!r}") from None
    if not at_least <= number < below:
        wanted = (
            f"of at least {at_least:g}"
            if below == float("inf")
            else f"in [{at_least:g}, {below:g})"
        )
        raise ValueError(f"{who}: {argument}: expected a number {wanted}, got {value!r}")
    return number


def check_fraction(who: str, argument: str, value: Any) -> float:
    """`value` as a float in [0, 1].

    Raises:
        ValueError: it is none; the message names the optimizer, the argument and the value.
    """
    number = check_number(who, argument, value)
    if number > 1:
        raise ValueError(f"{who}: {argument}: expected a number in [0, 1], got {value!r}")
    return number


def check_count(who: str, argument: str, value: Any, least: int) -> int | None:
    """`value` if it is None or an integer of at least `least`.

    Raises:
        ValueError: it is neither; the message names the optimizer, the argument and the value.
    """
    if value is not None and (not isinstance(value, (int, np.integer)) or value < least):
        raise ValueError(
            f"{who}: {argument}: expected an integer of at least {least}, got {value!r}"
        )
    return None if value is None else int(value)
