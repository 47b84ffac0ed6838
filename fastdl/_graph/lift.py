"""liftable: functions of tensors that can stand in a model's graph, too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def liftable(function: Function) -> Function:
    """Decorator: lets a function of tensors be called on KerasTensors as well.

    Costs a call on tensors nothing but one Python frame: the symbolic case is met only when the
    function fails, as it must without values.

    Example:
        >>> x = layers.Input((4, 3))
        >>> ops.mean(x, axis=1).shape
        (None, 3)
    """

    @functools.wraps(function)
    def lifted(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):
            from .symbolic import Operation, symbolic_leaves

            if not symbolic_leaves(args, kwargs):
                raise
        return Operation(lifted)(*args, **kwargs)

    return lifted  # type: ignore[return-value]
