"""liftable: makes functions of tensors accept KerasTensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


def liftable(
    function: Callable[P, Result],
    into: Callable[[str, Any, Result], Result] | None = None,
    otherwise: Callable[..., Result] | None = None,
) -> Callable[P, Result]:
    """Decorator: lets a function of tensors be called on KerasTensors as well.

    With `into`, it also takes an argument `out`: `into(name, out, result)` writes the result there.
    `otherwise(function, args, kwargs)` is tried for tensors that the function refuses with a
    TypeError; it returns NotImplemented if it cannot help.

    A call on tensors costs one more Python frame. KerasTensors and `out` are looked for only after
    the function has failed: without values, or with an argument that it does not know, it must
    fail. A function that is marked as one that takes them stays as it is.

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
        except (TypeError, ValueError, AttributeError) as error:
            writes = into is not None and "out" in kwargs
            if not writes:
                from .symbolic import Operation, symbolic_leaves

                if not symbolic_leaves(args, kwargs):
                    result: Any = NotImplemented
                    if otherwise is not None and isinstance(error, TypeError):
                        result = otherwise(function, args, kwargs)
                    if result is NotImplemented:
                        raise
                    return result
        if not writes:
            return Operation(lifted)(*args, **kwargs)
        out = kwargs.pop("out")
        result = lifted(*args, **kwargs)
        return result if out is None or into is None else into(function.__name__, out, result)

    lifted.__dict__["_takes_symbols"] = True  # configs of graphs may name it
    lifted.__dict__["_takes_out"] = into is not None
    return lifted
