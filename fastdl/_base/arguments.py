"""Errors for unknown arguments that name the nearest known one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from .registry import suggestion

_Function = TypeVar("_Function", bound=Callable[..., Any])


def suggests_arguments(owner: str) -> Callable[[_Function], _Function]:
    """Decorates a method so that the TypeError for an unknown argument names the nearest one.

    Args:
        owner: the class that the message is to name.
    """

    def decorate(method: _Function) -> _Function:
        method.__qualname__ = f"{owner}.{method.__name__}"

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except TypeError as error:
                trace = error.__traceback__
                if trace is not None and trace.tb_next is None:  # the call itself failed
                    _suggest(error, method, kwargs)
                raise

        return call  # type: ignore[return-value]

    return decorate


def _suggest(error: TypeError, method: Any, given: dict[str, Any]) -> None:
    from inspect import signature

    known = signature(method).parameters
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None and "Did you mean" not in str(error):
        hint = suggestion(unknown, [name for name in known if name != "self"])
        error.args = (f"{error}.{hint}" if hint else str(error),)
