"""Modes of gradient recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from typing_extensions import Self

Function = TypeVar("Function", bound="Callable[..., Any]")

is_grad_enabled = _core.grad_enabled

_GENERATOR_FLAG = 0x20  # inspect.CO_GENERATOR


class set_grad_enabled:
    """Sets whether operations are recorded for `backward()`; in a `with` block, until its end.

    Args:
        mode: True or False; takes effect at once.

    Example:
        >>> with set_grad_enabled(False):
        ...     is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before = [_core.set_grad_enabled(self._mode)]

    def __enter__(self) -> None:
        _core.set_grad_enabled(self._mode)

    def __exit__(self, *exception: object) -> None:
        _core.set_grad_enabled(self._before[0])


class _GradMode:
    """A context and a decorator, with or without parentheses. It may be entered repeatedly."""

    _mode: bool
    _before: list[bool]

    @overload
    def __new__(cls, function: None = None) -> Self: ...
    @overload
    def __new__(cls, function: Callable[..., Any]) -> Any: ...

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        self._before = []
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before.append(_core.set_grad_enabled(self._mode))

    def __exit__(self, *exception: object) -> None:
        _core.set_grad_enabled(self._before.pop())

    def __call__(self, function: Function) -> Function:
        import functools

        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATOR_FLAG:
            return functools.wraps(function)(self._around(function))  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    def _around(self, function: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
        """The generator, with the mode while it runs and the caller's mode where it yields."""

        def wrapped(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            advance, sent = generator.send, None
            while True:
                try:
                    with self:
                        value = advance(sent)
                except StopIteration as end:
                    return end.value
                try:
                    sent = yield value
                    advance = generator.send
                except GeneratorExit:
                    with self:
                        generator.close()
                    raise
                except BaseException as error:
                    advance, sent = generator.throw, error

        return wrapped


class no_grad(_GradMode):
    """Operations in this context or decorated function aren't recorded for `backward()`.

    Example:
        >>> w = fastdl.ones(2, requires_grad=True)
        >>> with no_grad():
        ...     y = w * 2
        >>> y.requires_grad
        False
    """

    _mode = False


class enable_grad(_GradMode):
    """Operations in this context or decorated function are recorded, inside `no_grad` too."""

    _mode = True


class inference_mode(no_grad):
    """`no_grad`; `inference_mode(False)` changes nothing."""

    @overload
    def __new__(cls, mode: bool = True) -> Self: ...
    @overload
    def __new__(cls, mode: Callable[..., Any]) -> Any: ...

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        if callable(mode):
            return super().__new__(cls, mode)
        self = super().__new__(cls)
        self._mode = _core.grad_enabled() and not mode
        return self
