"""The methods of Optimizer that register hooks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._base.hooks import RemovableHandle, add_hook
from .._base.watch import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._base.hooks import Hook, Hooks


class Hooked(Watched):
    """The hooks of `step`, `state_dict` and `load_state_dict`.

    The first hook of a method puts a function into the object that takes the method's place. So an
    optimizer without hooks doesn't look for them.
    """

    def _hooks_of(self, method: str, when: str) -> Hooks:
        known: dict[str, Hooks] = self.__dict__.setdefault("_hooks", {})
        if method not in self.__dict__:
            self.__dict__[method] = partial(_CALLS[method], self)
        return known.setdefault(f"{method} {when}", {})

    def register_step_pre_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` before each step.

        `args` begins with the optimizer. The hook returns `(args, kwargs)`, or None for no change.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("step", "before"), hook)

    def register_step_post_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` after each step.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("step", "after"), hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer)` before `state_dict`.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("state_dict", "before"), hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` after `state_dict`; its result replaces the dict.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("state_dict", "after"), hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)` before loading, with a shallow copy of the dict.

        Its result replaces the dict.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("load_state_dict", "before"), hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer)` after loading.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._hooks_of("load_state_dict", "after"), hook, prepend)


def _each(optimizer: Any, key: str) -> list[Hook]:
    return [hook for hook, _, _ in optimizer._hooks.get(key, {}).values()]


def _step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
    args = (optimizer, *args)
    for hook in _each(optimizer, "step before"):
        changed = hook(optimizer, args, kwargs)
        if changed is not None:
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    "step pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                    f"{changed}"
                )
            args, kwargs = changed
    result = type(optimizer).step(*args, **kwargs)
    for hook in _each(optimizer, "step after"):
        hook(optimizer, args, kwargs)
    return result


def _state_dict(optimizer: Any) -> Any:
    for hook in _each(optimizer, "state_dict before"):
        hook(optimizer)
    state = type(optimizer).state_dict(optimizer)
    for hook in _each(optimizer, "state_dict after"):
        changed = hook(optimizer, state)
        state = state if changed is None else changed
    return state


def _load_state_dict(optimizer: Any, state_dict: Any) -> None:
    state = dict(state_dict)
    for hook in _each(optimizer, "load_state_dict before"):
        changed = hook(optimizer, state)
        state = state if changed is None else changed
    type(optimizer).load_state_dict(optimizer, state)
    for hook in _each(optimizer, "load_state_dict after"):
        hook(optimizer)


_CALLS: dict[str, Callable[..., Any]] = {
    "step": _step,
    "state_dict": _state_dict,
    "load_state_dict": _load_state_dict,
}
