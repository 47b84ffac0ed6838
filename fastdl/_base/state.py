"""The state of a module by name, and how it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F
from .buffer import Uninitialized
from .hooked import Hooked
from .parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._core import HasArray, Tensor
    from .module import Module

_EXTRA = "_extra_state"  # the name of `get_extra_state()` in a module's state


class IncompatibleKeys(NamedTuple):
    """The names that `load_state_dict` found on one side only."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self
        return f"IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def own_state(module: Module) -> Iterator[tuple[str, Tensor]]:
    """A module's own parameters and persistent buffers."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield name, parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent:
            yield name, buffer


def named_state(module: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and persistent buffers. A shared one is listed under each of its names."""
    for path, owner in module.named_modules(remove_duplicate=False):
        dot = f"{path}." if path else ""
        for name, value in own_state(owner):
            yield dot + name, value


def save(module: Module, state: dict[str, Any], prefix: str, keep_vars: bool) -> dict[str, Any]:
    """`Module.state_dict`."""
    for hook, _, _ in list(module._state_dict_pre_hooks.values()):
        hook(module, prefix, keep_vars)
    for name, value in own_state(module):
        whole = keep_vars or isinstance(value, Uninitialized)
        state[prefix + name] = value if whole else value.detach()
    if type(module).get_extra_state is not Hooked.get_extra_state:
        state[prefix + _EXTRA] = module.get_extra_state()
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook, replaces, _ in list(module._state_dict_hooks.values()):
        changed = hook(module, state, prefix, {})
        if changed is not None:
            if not replaces:
                raise RuntimeError("state_dict post-hook must return None")
            state = changed
    return state


class _Loading:
    """What `load_state_dict` is about to write, and what it found."""

    def __init__(self, state: Mapping[str, HasArray], strict: bool) -> None:
        self.state: dict[str, Any] = dict(state)
        self.strict = strict
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self.values: list[tuple[Module, str, Tensor, Tensor]] = []
        self.new: list[tuple[Module, str, HasArray]] = []  # for what has no shape yet
        self.extras: list[tuple[Module, Any]] = []
        self.known: set[str] = set()
        self.modules: list[Module] = []  # in the order in which PyTorch has loaded them

    def read(self, module: Module, prefix: str) -> None:
        """Finds the values for a module and those below it."""
        for hook, with_module, _ in list(module._load_state_dict_pre_hooks.values()):
            lists = (self.missing, self.unexpected, self.errors)
            first = (module,) if with_module else ()
            hook(*first, self.state, prefix, {}, self.strict, *lists)
        for name, target in own_state(module):
            key = prefix + name
            self.known.add(key)
            if key not in self.state:
                self.missing.append(key)
            elif isinstance(target, Uninitialized):
                if not isinstance(self.state[key], Uninitialized):
                    self.new.append((module, name, self.state[key]))
            elif problem := _problem(key, target, self.state[key]):
                self.errors.append(problem)
            else:
                value = _core.as_tensor(self.state[key])
                self.values.append((module, name, target, value))
        if type(module).set_extra_state is not Hooked.set_extra_state:
            key = prefix + _EXTRA
            self.known.add(key)
            if key in self.state:
                self.extras.append((module, self.state[key]))
            else:
                self.missing.append(key)
        for name, child in module._modules.items():
            if child is not None:
                self.read(child, f"{prefix}{name}.")
        self.modules.append(module)

    def key_errors(self) -> list[str]:
        """The names that don't match, if they must."""
        errors = []
        if self.strict and self.missing:
            errors.append(f"Missing key(s) in state_dict: {_quoted(self.missing)}. ")
        if self.strict and self.unexpected:
            errors.append(f"Unexpected key(s) in state_dict: {_quoted(self.unexpected)}. ")
        return errors

    def write(self, assign: bool) -> None:
        """Writes the values."""
        for module, name, given in self.new:
            value = F.copy(_core.as_tensor(given))
            waiting = module._parameters.get(name)
            if waiting is None:
                module._register(module._buffers, name, value)
            else:
                made = Parameter(value, waiting.requires_grad)
                module._register(module._parameters, name, made)
        for module, name, target, value in self.values:
            if not assign:
                F.assign_(target, value)
            elif name in module._parameters and not isinstance(value, Parameter):
                setattr(module, name, Parameter(value, target.requires_grad))
            else:
                setattr(module, name, value)


def load(
    module: Module, state: Mapping[str, HasArray], strict: bool, assign: bool = False
) -> IncompatibleKeys:
    """`Module.load_state_dict`. All values are checked and converted before one is written."""
    if not hasattr(state, "items"):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state).__name__}.")
    loading = _Loading(state, strict)
    loading.read(module, "")
    loading.unexpected += [name for name in loading.state if name not in loading.known]
    hooks = [
        (owner, hook)
        for owner in loading.modules
        for hook, _, _ in list(owner._load_state_dict_post_hooks.values())
    ]
    if loading.errors or (loading.key_errors() and not hooks):
        _fail(module, [*loading.key_errors(), *loading.errors])
    before = _core.set_grad_enabled(False)
    try:
        # A hook may take away the errors of names, so these are known only after it has run.
        kept = [F.copy(target) for _, _, target, _ in loading.values] if hooks else []
        targets = [(owner, name, target) for owner, name, target, _ in loading.values]
        loading.write(assign)
        for owner, extra in loading.extras:
            owner.set_extra_state(extra)
        found = IncompatibleKeys(loading.missing, loading.unexpected)
        for owner, hook in hooks:
            if hook(owner, found) is not None:
                raise RuntimeError(
                    "load_state_dict post-hook must return None; it changes the lists in place"
                )
        if loading.key_errors():
            for (owner, name, target), value in zip(targets, kept, strict=True):
                F.assign_(target, value)
                if assign:
                    setattr(owner, name, target)
            _fail(module, loading.key_errors())
    finally:
        _core.set_grad_enabled(before)
    return found


def _fail(module: Module, errors: list[str]) -> None:
    raise RuntimeError(
        f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(errors)
    )


def _problem(name: str, target: Tensor, value: HasArray) -> str:
    """The reason why a value cannot be loaded; "" if it can."""
    if not hasattr(value, "__array__"):
        return (
            f'While copying the parameter named "{name}", expected a Tensor or an array '
            f"from checkpoint but received {type(value)}."
        )
    shape = tuple(np.shape(value))
    if shape != target.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {shape} from "
            f"checkpoint, the shape in current model is {target.shape}."
        )
    return ""


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
