"""liftable: makes functions of tensors accept KerasTensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


def liftable(function: Callable[P, Result]) -> Callable[P, Result]:
    """Decorator: lets a function of tensors be called on KerasTensors as well.

    A call on tensors costs one more Python frame. KerasTensors are looked for only after the
    function has failed: without values it must fail. A function that is marked as one that takes
    them stays as it is.

    Example:
        >>> x = layers.Input((4, 3))
        >>> ops.mean(x, axis=1).shape
        (None, 3)
    """
    if function.__dict__.get("_takes_symbols"):
        return function

    @functools.wraps(function)
    def lifted(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):
            from .symbolic import Operation, symbolic_leaves

            if not symbolic_leaves(args, kwargs):
                raise
        return Operation(lifted)(*args, **kwargs)

    lifted.__dict__["_takes_symbols"] = True  # configs of graphs may name it
    return lifted
