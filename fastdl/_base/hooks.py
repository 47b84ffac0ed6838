"""Hooks: functions that run before and after a module's `forward` and its gradient, and hooks of
tensors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from .. import _core

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Self

    from .module import Module

    # In the order in which they run, each with whether it takes keyword arguments.
    Hooks: TypeAlias = dict[int, tuple[Callable[..., object], bool]]

_ids = itertools.count()


class RemovableHandle:
    """Removes a hook, by `remove()` or at the end of a `with` block."""

    def __init__(self, hooks: Hooks) -> None:
        self.id = next(_ids)
        self._hooks = hooks

    def remove(self) -> None:
        """Removes the hook, if it is still there."""
        if self._hooks.pop(self.id, None) is not None:
            _core.raise_epoch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(
    hooks: Hooks, hook: Callable[..., object], prepend: bool, with_kwargs: bool
) -> RemovableHandle:
    """Adds a hook after all others, or before them."""
    handle = RemovableHandle(hooks)
    later = list(hooks.items()) if prepend else []
    if prepend:
        hooks.clear()
    hooks[handle.id] = (hook, with_kwargs)
    hooks.update(later)
    _core.raise_epoch()
    return handle


def call_with_hooks(module: Module, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
    """`module.forward` between its hooks. Each may replace the arguments or the result."""
    for hook, with_kwargs in list(module._forward_pre_hooks.values()):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}"
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    result: object = module.forward(*args, **kwargs)
    for hook, with_kwargs in list(module._forward_hooks.values()):
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result
