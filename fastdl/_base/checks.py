"""Checks of arguments that both faces take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Protocol, SupportsFloat, TypeAlias

    from typing_extensions import TypeIs

    Number: TypeAlias = SupportsFloat | str  # what `float()` takes

    class Sparse(Protocol):
        """A sparse matrix or array of SciPy."""

        @property
        def shape(self) -> tuple[int, ...]: ...
        def toarray(self) -> np.ndarray: ...


def is_sparse(value: object) -> TypeIs[Sparse]:
    """Whether the value is a sparse matrix or array of SciPy. SciPy is not imported."""
    return hasattr(value, "tocsr") and hasattr(value, "toarray")


def check_dense(what: str, value: object) -> None:
    """TypeError for a sparse matrix of SciPy. The message says what to pass instead."""
    if is_sparse(value):
        raise TypeError(
            f"{what}: expected a dense array, got a sparse matrix ({type(value).__name__} of shape "
            f"{value.shape}); pass {what}.toarray(). If it does not fit into memory, pass a "
            "utils.PyDataset that yields dense batches"
        )


def check_number(
    who: str, argument: str, value: Number, at_least: float = 0.0, below: float = float("inf")
) -> float:
    """`value` as a float in [at_least, below).

    Raises:
        ValueError: `value` is not such a number.
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


def check_fraction(who: str, argument: str, value: Number) -> float:
    """`value` as a float in [0, 1].

    Raises:
        ValueError: `value` is not such a number.
    """
    number = check_number(who, argument, value)
    if number > 1:
        raise ValueError(f"{who}: {argument}: expected a number in [0, 1], got {value!r}")
    return number


def check_count(who: str, argument: str, value: int | None, least: int) -> int | None:
    """`value` if it is None or an integer of at least `least`.

    Raises:
        ValueError: `value` is neither.
    """
    if value is not None and (not isinstance(value, (int, np.integer)) or value < least):
        raise ValueError(
            f"{who}: {argument}: expected an integer of at least {least}, got {value!r}"
        )
    return None if value is None else int(value)
