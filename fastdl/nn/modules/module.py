"""Module, and hooks that run for every module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._base.hooks import RemovableHandle, every_module
from ..._base.module import Module as Module

if TYPE_CHECKING:
    from collections.abc import Callable


def register_module_forward_pre_hook(hook: Callable[..., object]) -> RemovableHandle:
    """Calls `hook(module, args)` before each module's own hooks and `forward`.

    Returns:
        A handle whose `remove()` removes the hook.

    Source: `torch.nn.modules.module.register_module_forward_pre_hook`.
    """
    return every_module.add("forward_pre", hook, False)


def register_module_forward_hook(
    hook: Callable[..., object], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Calls `hook(module, args, output)` after each module's `forward`, before its own hooks.

    Args:
        hook: returns the new output, or None for no change.
        with_kwargs: whether it is called as `hook(module, args, kwargs, output)`.
        always_call: whether it is called after an error, too.

    Returns:
        A handle whose `remove()` removes the hook.

    Source: `torch.nn.modules.module.register_module_forward_hook`.

    Example:
        >>> seen = []
        >>> with nn.modules.module.register_module_forward_hook(
        ...     lambda module, args, output: seen.append(type(module).__name__)
        ... ):
        ...     _ = nn.Sequential(nn.ReLU())(fastdl.ones(1))
        >>> seen
        ['ReLU', 'Sequential']
    """
    return every_module.add("forward", hook, with_kwargs, always_call)


def register_module_full_backward_pre_hook(hook: Callable[..., object]) -> RemovableHandle:
    """Calls `hook(module, grad_output)` when `backward` reaches a module.

    Returns:
        A handle whose `remove()` removes the hook.

    Source: `torch.nn.modules.module.register_module_full_backward_pre_hook`.
    """
    return every_module.add("backward", hook, True)


def register_module_full_backward_hook(hook: Callable[..., object]) -> RemovableHandle:
    """Calls `hook(module, grad_input, grad_output)` when `backward` has passed a module.

    Returns:
        A handle whose `remove()` removes the hook.

    Source: `torch.nn.modules.module.register_module_full_backward_hook`.
    """
    return every_module.add("backward", hook, False)


register_module_backward_hook = register_module_full_backward_hook
