"""Arguments: errors that suggest the nearest known name, and the signatures of classes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from .registry import suggestion

P = ParamSpec("P")
Result = TypeVar("Result")


def suggests_arguments(owner: str) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Decorates a method: its TypeError for an unknown argument suggests the nearest known one.

    Args:
        owner: the name of the class in the message.
    """

    def decorate(method: Callable[P, Result]) -> Callable[P, Result]:
        method.__qualname__ = f"{owner}.{method.__name__}"

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> Result:
            try:
                return method(*args, **kwargs)
            except TypeError as error:
                trace = error.__traceback__
                if trace is not None and trace.tb_next is None:  # the call itself failed
                    _suggest(error, method, kwargs)
                raise

        return call

    return decorate


def _suggest(error: TypeError, method: Callable[..., object], given: Iterable[str]) -> None:
    from inspect import signature

    known = signature(method).parameters
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None and "Did you mean" not in str(error):
        hint = suggestion(unknown, [name for name in known if name != "self"])
        error.args = (f"{error}.{hint}" if hint else str(error),)


class ConstructorSignature:
    """The signature of a class: the arguments of `__init__`, which `__new__` would hide.

    `help()`, editors and notebooks ask for it. An instance has its own, that of a call.
    """

    def __get__(self, thing: object | None, cls: type) -> inspect.Signature:
        if thing is not None:
            raise AttributeError("__signature__")
        parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
        return inspect.Signature(list(parameters)[1:])
