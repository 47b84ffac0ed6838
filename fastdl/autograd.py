"""Modes of gradient recording, `grad`, and tapes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import _core
from ._base import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from ._base.types import Data, Tensors
    from ._core import Tensor, TensorLike

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
            raise TypeError(
                f"{type(self).__name__} can't decorate the generator {function.__name__}: "
                "use it as a context inside"
            )

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


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


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[TensorLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; `.grad` isn't touched.

    Args:
        outputs: a tensor or several; their products with `grad_outputs` are summed.
        inputs: a tensor or several, all with `requires_grad`.
        grad_outputs: one tensor per output, or None for ones (outputs of one element only).
        retain_graph: keep what a second pass over the same graph needs; by default as create_graph.
        create_graph: record the computation of the gradients, for second derivatives.
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
        raise ValueError(
            f"grad: grad_outputs: expected one for each of {len(roots)} outputs, got "
            f"{len(grad_outputs)}"
        )
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


class _Tapes(threading.local):
    active = 0  # tapes that record in this thread


_tapes = _Tapes()


class GradientTape:
    """TensorFlow's interface to gradients: records what the `with` block computes.

    A tape can differentiate a gradient that was computed while it recorded.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched without `watch`.

    Source: `tf.GradientTape`. Without one, operations are recorded all the same: `loss.backward()`.

    Example:
        >>> x = fastdl.tensor(3.0)
        >>> with fastdl.GradientTape() as outer:
        ...     outer.watch(x)
        ...     with fastdl.GradientTape() as inner:
        ...         inner.watch(x)
        ...         y = x * x * x
        ...     slope = inner.gradient(y, x)
        >>> slope.item(), outer.gradient(slope, x).item()
        (27.0, 18.0)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._all = watch_accessed_variables
        self._watched: list[Tensor] = []
        self._recording = False
        self._used = False
        self._before = True

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("GradientTape: the tape is recording already")
        self._before = _core.set_grad_enabled(True)
        self._recording = True
        _tapes.active += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()
        _core.set_grad_enabled(self._before)

    def _stop(self) -> None:
        if self._recording:
            self._recording = False
            _tapes.active -= 1

    def watch(self, tensor: Tensors) -> None:
        """Makes a tensor, or those of a structure, a source for `gradient`.

        Sets `tensor.requires_grad`.

        Raises:
            RuntimeError: it isn't of type float32.
        """
        for one in tree.leaves(tensor):
            one.requires_grad = True
            self._watched.append(one)

    def stop_recording(self) -> no_grad:
        """A context in which nothing is recorded."""
        return no_grad()

    def gradient(
        self,
        target: Tensors,
        sources: Tensors,
        output_gradients: Data = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradients of the sum of all elements of `target`, in the structure of `sources`.

        Args:
            target: a tensor or several, nested.
            sources: variables and watched tensors, nested.
            output_gradients: weights for the sum, like `target`.
            unconnected_gradients: the result for sources that the target doesn't depend on:
                "none" for None, "zero" for zeros.

        Raises:
            RuntimeError: the second call on a tape that isn't persistent.
            ValueError: unknown `unconnected_gradients`.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "GradientTape.gradient: a tape that isn't persistent gives gradients once; use "
                "GradientTape(persistent=True)"
            )
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                "GradientTape.gradient: unconnected_gradients: expected 'none' or 'zero', got "
                f"{unconnected_gradients!r}"
            )
        self._used = True
        if not self._persistent:
            self._stop()
        targets = tree.flatten(target)
        weights = [None] * len(targets)
        if output_gradients is not None:
            weights = tree.flatten(output_gradients)
        roots = [
            (t, _core.full(t.shape, "float32", 1.0) if w is None else _core.as_tensor(w))
            for t, w in zip(targets, weights, strict=True)
            if t.requires_grad
        ]
        inputs = tree.flatten(sources)
        chosen = [i for i, s in enumerate(inputs) if self._has(s)]
        found: list[Tensor | None] = [None] * len(inputs)
        if roots and chosen:
            # The graph is kept, since other tapes may need it; it is freed with its tensors.
            gradients = _core.grad(
                [t for t, _ in roots],
                [w for _, w in roots],
                [inputs[i] for i in chosen],
                True,
                _tapes.active > 0,
            )
            for i, gradient in zip(chosen, gradients, strict=True):
                found[i] = gradient
        if unconnected_gradients == "zero":
            found = [
                _core.full(s.shape, "float32", 0.0) if g is None else g
                for s, g in zip(inputs, found, strict=True)
            ]
        return tree.pack(sources, found)

    def _has(self, source: Tensor) -> bool:
        if not source.requires_grad:
            return False
        return self._all or any(source is watched for watched in self._watched)
