"""Switching gradient recording on and off, and gradients as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._core import Tensor

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
    """A context and a decorator, with or without parentheses; one object may be entered again."""

    _mode: bool
    _before: list[bool]

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        self._before = []
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before.append(_core.set_grad_enabled(self._mode))

    def __exit__(self, *exception: object) -> None:
        _core.set_grad_enabled(self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import functools

        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATOR_FLAG:
            raise TypeError(
                f"{type(self).__name__} can't decorate the generator {function.__name__}: "
                "use it as a context inside"
            )

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

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

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return super().__new__(cls, mode)
        self = super().__new__(cls)
        self._mode = _core.grad_enabled() and not mode
        return self


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; `.grad` isn't touched.

    Args:
        outputs: a tensor or several, whose products with `grad_outputs` are summed.
        inputs: a tensor or several that require a gradient.
        grad_outputs: one tensor per output, or None for ones (outputs of one element only).
        retain_graph: keep what a second pass over the same graph needs; by default as create_graph.
        create_graph: record the gradients' own computation, for second derivatives.
        allow_unused: give None for inputs that the outputs don't depend on.

    Raises:
        RuntimeError: an output that doesn't require a gradient, an input that isn't used, a graph
            that was released.

    Example:
        >>> x = fastdl.tensor(3.0, requires_grad=True)
        >>> grad(x * x, x)[0].item()
        6.0
    """
    roots = [outputs] if isinstance(outputs, _core.Tensor) else list(outputs)
    leaves = [inputs] if isinstance(inputs, _core.Tensor) else list(inputs)
    if grad_outputs is None:
        grad_outputs = [None] * len(roots)
    elif isinstance(grad_outputs, _core.Tensor):
        grad_outputs = [grad_outputs]
    if len(grad_outputs) != len(roots):
        raise ValueError(f"grad: {len(roots)} outputs but {len(grad_outputs)} grad_outputs")
    keep = create_graph if retain_graph is None else retain_graph
    gradients = _core.grad(roots, list(grad_outputs), leaves, keep, create_graph)
    if not allow_unused:
        for i, gradient in enumerate(gradients):
            if gradient is None:
                raise RuntimeError(
                    f"grad: the outputs don't depend on input {i}; "
                    "set allow_unused=True if that is meant"
                )
    return tuple(gradients)
