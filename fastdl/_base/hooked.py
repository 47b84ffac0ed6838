"""Hooked: the methods of Module that register hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hooks import RemovableHandle, add_hook
from .watch import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from .hooks import Hooks


class Hooked(Watched):
    """A module's hooks: of its call, of the gradients of its call, and of its state."""

    _forward_pre_hooks: Hooks
    _forward_hooks: Hooks
    _backward_hooks: Hooks
    _state_dict_pre_hooks: Hooks
    _state_dict_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    # --- of the call

    def register_forward_pre_hook(
        self, hook: Callable[..., object], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls `hook(module, args)` before `forward`. Its result replaces the arguments.

        Args:
            hook: returns the new arguments, or None for no change.
            prepend: whether it runs before the other hooks.
            with_kwargs: whether it is called as `hook(module, args, kwargs)`. It then returns
                `(args, kwargs)` or None.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., object],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls `hook(module, args, output)` after `forward`. Its result replaces the output.

        Args:
            hook: returns the new output, or None for no change.
            prepend: whether it runs before the other hooks.
            with_kwargs: whether it is called as `hook(module, args, kwargs, output)`.
            always_call: whether it is called after an error, too; without a result with None.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._forward_hooks, hook, prepend, with_kwargs, always_call)

    # --- of its gradients

    def register_full_backward_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(module, grad_input, grad_output)` when `backward` has passed the module.

        Both are tuples with a gradient, or None, for each positional argument and each result. If
        no input requires a gradient, `grad_input` holds None. Neither may be changed in place, nor
        may the module's inputs or outputs. It takes up to 8 tensors as inputs and as outputs.

        Args:
            hook: returns gradients that take the place of `grad_input`, or None for no change.
            prepend: whether it runs before the other hooks.

        Returns:
            A handle whose `remove()` removes the hook.

        Example:
            >>> net = nn.Linear(2, 1)
            >>> handle = net.register_full_backward_hook(lambda m, gi, go: (gi[0].abs(),))
            >>> x = fastdl.ones(1, 2, requires_grad=True)
            >>> net(x).sum().backward()
            >>> bool((x.grad >= 0).all())
            True
        """
        return add_hook(self._backward_hooks, hook, prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(
        self, hook: Callable[..., object], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(module, grad_output)` when `backward` reaches the module.

        Args:
            hook: returns gradients that take the place of `grad_output`, or None for no change.
            prepend: whether it runs before the other hooks.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._backward_hooks, hook, prepend, True)

    # --- of its state

    def register_state_dict_pre_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls `hook(module, prefix, keep_vars)` before `state_dict` reads the module.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls `hook(module, state_dict, prefix, local_metadata)` after `state_dict`.

        It may change the dict in place. `local_metadata` is an empty dict.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """The same, but a dict that the hook returns takes the place of the state."""
        return add_hook(self._state_dict_hooks, hook, False, True)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls a hook before `load_state_dict` reads the values of this module.

        It is called as `hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`. It may change the dict, a copy of the one that is loaded, and
        add to the lists.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._load_state_dict_pre_hooks, hook, False, True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., object], with_module: bool = False
    ) -> RemovableHandle:
        """The same; without `with_module` the hook is called without the module."""
        return add_hook(self._load_state_dict_pre_hooks, hook, False, with_module)

    def register_load_state_dict_post_hook(self, hook: Callable[..., object]) -> RemovableHandle:
        """Calls `hook(module, incompatible_keys)` after `load_state_dict`.

        It may change the two lists in place: what it removes is no error.

        Returns:
            A handle whose `remove()` removes the hook.
        """
        return add_hook(self._load_state_dict_post_hooks, hook)

    def get_extra_state(self) -> Any:
        """What a subclass keeps in `state_dict()` besides tensors. It defines `set_extra_state`."""
        raise RuntimeError(
            f"{type(self).__name__}: get_extra_state: a class whose state dict holds an extra "
            "state defines it"
        )

    def set_extra_state(self, state: Any) -> None:
        """Takes what `get_extra_state` returned."""
        raise RuntimeError(
            f"{type(self).__name__}: set_extra_state: a class whose state dict holds an extra "
            "state defines it"
        )
