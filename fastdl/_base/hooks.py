"""Hooks: functions that run before and after a module's `forward` and its gradient, and hooks of
tensors."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from .. import _core
from .._core import Tensor
from .watch import Watched, about_to_change

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Self

    from .module import Module

    Hook: TypeAlias = Callable[..., Any]
    # In the order in which they run, each with two flags: of forward hooks whether it takes keyword
    # arguments, and whether it runs after an error; of hooks of gradients whether it runs before.
    Hooks: TypeAlias = dict[int, tuple[Hook, bool, bool]]

_ids = itertools.count()


class RemovableHandle:
    """Removes a hook, by `remove()` or at the end of a `with` block."""

    def __init__(self, hooks: dict[int, Any]) -> None:
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
    hooks: Hooks, hook: Hook, prepend: bool = False, first: bool = False, second: bool = False
) -> RemovableHandle:
    """Adds a hook with its flags after all others, or before them."""
    if not callable(hook):
        raise TypeError(f"hook: expected a function, got {type(hook).__name__}")
    handle = RemovableHandle(hooks)
    later = list(hooks.items()) if prepend else []
    if prepend:
        hooks.clear()
    hooks[handle.id] = (hook, first, second)
    hooks.update(later)
    _core.raise_epoch()
    return handle


class _EveryModule(Watched):
    """The hooks of all modules. A recorded step notes them as it notes those of one module."""

    _announced: ClassVar[frozenset[str]] = frozenset(("forward_pre", "forward", "backward"))

    def __init__(self) -> None:
        self.forward_pre: Hooks = {}
        self.forward: Hooks = {}
        self.backward: Hooks = {}
        self.used = False  # whether there has ever been one

    def add(self, kind: str, hook: Hook, first: bool, second: bool = False) -> RemovableHandle:
        """Adds a hook of a kind."""
        about_to_change(self, kind)
        self.used = True
        return add_hook(getattr(self, kind), hook, False, first, second)


every_module = _EveryModule()


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward` between its hooks. Each may replace the arguments or the result."""
    after = {**every_module.forward, **module._forward_hooks}
    ran: set[int] = set()
    result = None
    try:
        args, kwargs = _before(module, args, kwargs)
        backward = {**every_module.backward, **module._backward_hooks}
        gradients = GradientHooks(module, list(backward.values())) if backward else None
        if gradients is not None:
            args = gradients.around_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, (hook, with_kwargs, _) in after.items():
            ran.add(key)
            changed = _called(hook, with_kwargs, module, args, kwargs, result)
            if changed is not None:
                result = changed
        return result if gradients is None else gradients.around_outputs(result)
    except Exception:
        for key, (hook, with_kwargs, always) in after.items():
            if always and key not in ran:
                try:
                    changed = _called(hook, with_kwargs, module, args, kwargs, result)
                    result = result if changed is None else changed
                except Exception as error:
                    warnings.warn(
                        "a forward hook with always_call=True raised an error that was silenced, "
                        f"since another error was raised before: {error}",
                        stacklevel=2,
                    )
        raise


def _called(
    hook: Hook,
    with_kwargs: bool,
    module: Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: Any,
) -> Any:
    return hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)


def _before(
    module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments after the hooks that run before `forward`."""
    hooks = {**every_module.forward_pre, **module._forward_pre_hooks}
    for hook, with_kwargs, _ in hooks.values():
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
    return args, kwargs


class GradientHooks:
    """One call of a module with hooks of gradients.

    Calls on the tape that change nothing stand around the module's inputs and outputs. The
    gradient of the one after the outputs tells `grad_output`, that of the one before the inputs
    `grad_input`.
    """

    def __init__(self, module: Module, hooks: list[tuple[Hook, bool, bool]]) -> None:
        self._module = module
        self._before = [hook for hook, before, _ in hooks if before]
        self._after = [hook for hook, before, _ in hooks if not before]
        self._count = 0  # of the inputs
        self._shapes: list[tuple[int, ...] | None] = []  # of the inputs that are floats
        self._around = False  # whether there is a call before the inputs
        self._grad_outputs: tuple[Any, ...] | None = None

    def around_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, behind a call on the tape."""
        self._count = len(args)
        self._shapes = [
            v.shape if isinstance(v, Tensor) and v.dtype.kind in "fV" else None for v in args
        ]
        changed, self._around = self._attached(args, self._input_gradients)
        return tuple(changed)

    def around_outputs(self, result: Any) -> Any:
        """The result, behind a call on the tape."""
        if not isinstance(result, tuple):
            return self._attached([result], self._output_gradients)[0][0]
        changed, _ = self._attached(result, self._output_gradients)
        return result._make(changed) if hasattr(result, "_make") else type(result)(changed)

    def _attached(
        self, values: Any, gradients: Callable[[list[int], int, list[Any]], list[Any]]
    ) -> tuple[list[Any], bool]:
        """The values with their tensors behind a call on the tape; whether there is one."""
        values = list(values)
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.dtype.kind in "fV"]
        tensors = [values[i] for i in places]
        if not _core.grad_enabled() or not any(t.requires_grad for t in tensors):
            return values, False
        if len(tensors) > _MOST:
            raise ValueError(
                f"{type(self._module).__name__}: hooks of gradients: expected at most {_MOST} "
                f"tensors as inputs or outputs, got {len(tensors)}"
            )
        constant = sum(1 << j for j, t in enumerate(tensors) if not t.requires_grad)
        count = len(values)

        def backward(_in: object, _out: object, grads: list[Any], _needs: object) -> list[Any]:
            return gradients(places, count, grads)

        for i, tensor in zip(
            places, _core.attach(tensors, tensors, backward, 0, 0, constant), strict=True
        ):
            values[i] = tensor
        return values, True

    def _output_gradients(self, places: list[int], count: int, grads: list[Any]) -> list[Any]:
        found = _spread(places, count, grads)
        for hook in self._before:
            changed = hook(self._module, found)
            if changed is not None:
                found = _as_many(changed, found, "Backward pre hook", "grad_output")
        if not self._around:  # no input requires a gradient
            none = (None,) * self._count
            for hook in self._after:
                changed = hook(self._module, none, found)
                if changed is not None and any(g is not None for g in _tuple(changed)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
        else:
            self._grad_outputs = found
        return [found[i] for i in places]

    def _input_gradients(self, places: list[int], count: int, grads: list[Any]) -> list[Any]:
        # A gradient that reaches the inputs only by other ways is none of this module's.
        if self._grad_outputs is None:
            return grads
        found = tuple(
            _core.full(shape, "float32", 0.0)
            if gradient is None and shape is not None
            else gradient
            for gradient, shape in zip(_spread(places, count, grads), self._shapes, strict=True)
        )
        for hook in self._after:
            changed = hook(self._module, found, self._grad_outputs)
            if changed is not None:
                found = _as_many(changed, found, "Backward hook", "grad_input")
        self._grad_outputs = None
        return [found[i] for i in places]


_MOST = 8  # outputs of a call on the tape


def _spread(places: list[int], count: int, grads: list[Any]) -> tuple[Any, ...]:
    found: list[Any] = [None] * count
    for i, gradient in zip(places, grads, strict=True):
        found[i] = gradient
    return tuple(found)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _as_many(changed: Any, found: tuple[Any, ...], who: str, what: str) -> tuple[Any, ...]:
    changed = _tuple(changed)
    if len(changed) != len(found):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(changed)}, but expected "
            f"{len(found)}"
        )
    return changed
