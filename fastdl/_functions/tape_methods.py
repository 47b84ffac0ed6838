"""Methods of Tensor for its gradient: hooks, and keeping the gradient of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._base.hooks import RemovableHandle
    from .._core import Tensor


def _noted(hook: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
    """The hook; a step that is being recorded notes what it reads."""
    from .._base.watch import current

    def called(tensor: Tensor) -> object:
        watch = current()
        if watch is not None:
            watch.note_function(hook)
        return hook(tensor)

    return called


def _added(hooks: dict[int, Callable[[Tensor], object]], hook: object, who: str) -> RemovableHandle:
    from .._base.hooks import RemovableHandle

    if not callable(hook):
        raise TypeError(f"{who}: hook: expected a function, got {type(hook).__name__}")
    handle = RemovableHandle(hooks)
    hooks[handle.id] = _noted(hook)
    _core.raise_epoch()
    return handle


def register_hook(self: Tensor, hook: Callable[[Tensor], object]) -> RemovableHandle:
    """Calls `hook(gradient)` when the gradient of this tensor is complete.

    If the hook returns a tensor, that takes the gradient's place. Hooks run in their order.

    Returns:
        A handle whose `remove()` removes the hook.

    Raises:
        RuntimeError: the tensor doesn't require a gradient.
    """
    return _added(_core.grad_hooks(self)[0], hook, "register_hook")


def register_post_accumulate_grad_hook(
    self: Tensor, hook: Callable[[Tensor], object]
) -> RemovableHandle:
    """Calls `hook(tensor)` after `backward` has added to the `grad` of this leaf.

    Returns:
        A handle whose `remove()` removes the hook.

    Raises:
        RuntimeError: the tensor is no leaf that requires a gradient.
    """
    if not self.is_leaf:
        raise RuntimeError("register_post_accumulate_grad_hook: the tensor is no leaf")
    return _added(_core.grad_hooks(self)[1], hook, "register_post_accumulate_grad_hook")


def retain_grad(self: Tensor) -> None:
    """Makes `backward` keep the gradient of this result of an operation as its `grad`.

    Raises:
        RuntimeError: the tensor doesn't require a gradient.
    """
    if not self.requires_grad:
        raise RuntimeError("retain_grad: the tensor doesn't require a gradient")
    _core.retain_grad(self)
