"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import _core
from .._base import functional as F
from .._base.module import Module
from .._core import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def _places(module: Module) -> Iterator[tuple[str, Module, str, Tensor]]:
    """All parameters and buffers: name, owner, attribute, tensor; shared ones under each name."""
    for path, owner in module.named_modules(remove_duplicate=False):
        members: dict[str, Any] = {**owner._parameters, **owner._buffers}
        for name, tensor in members.items():
            if tensor is not None:
                yield (f"{path}.{name}" if path else name), owner, name, tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other tensors in the place of its parameters and buffers.

    A step of `fit` or `plan` that does so runs eagerly.

    Args:
        module: the module; afterwards it is as before.
        parameter_and_buffer_dicts: tensors by name, or several such dicts.
        args: the arguments, a tuple or one argument.
        kwargs: arguments by name.
        tie_weights: whether a tensor also takes the place of those that are shared with its name.
        strict: whether all parameters and buffers must be given, and no others.

    Raises:
        RuntimeError: names that do not fit, if strict.
        KeyError: a name in two of the dicts.

    Source: `torch.func.functional_call`.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> state = {"weight": fastdl.ones(1, 2), "bias": fastdl.zeros(1)}
        >>> func.functional_call(layer, state, (fastdl.ones(1, 2),)).tolist()
        [[2.0]]
    """
    if not isinstance(module, Module):
        raise TypeError(f"functional_call: module: expected a Module, got {type(module).__name__}")
    given: dict[str, Tensor] = {}
    several: Any = (
        [parameter_and_buffer_dicts]
        if hasattr(parameter_and_buffer_dicts, "keys")
        else list(parameter_and_buffer_dicts)
    )
    for one in several:
        for name, tensor in one.items():
            if name in given:
                raise KeyError(f"functional_call: {name!r} is in several dicts")
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"functional_call: {name!r}: expected a tensor, got {type(tensor).__name__}"
                )
            given[name] = tensor
    places = list(_places(module))
    known = {name for name, *_ in places}
    by_tensor = {id(t): given[n] for n, _, _, t in places if n in given} if tie_weights else {}
    if strict:
        covered = {n for n, _, _, t in places if n in given or id(t) in by_tensor}
        missing, unexpected = sorted(known - covered), sorted(set(given) - known)
        if missing or unexpected:
            raise RuntimeError(
                f"functional_call: missing names: {missing}, unexpected names: {unexpected}"
            )
    changed: list[tuple[dict[str, Any], str, Any]] = []
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    try:
        for name, owner, attribute, tensor in places:
            new = given.get(name, by_tensor.get(id(tensor)))
            if new is None:
                continue
            registry: Any = owner._parameters if attribute in owner._parameters else owner._buffers
            for there in (registry, owner.__dict__):
                changed.append((there, attribute, tensor))
                there[attribute] = new
        _core.raise_epoch()
        return module(*args, **(kwargs or {}))
    finally:
        for there, attribute, tensor in changed:
            there[attribute] = tensor
        _core.raise_epoch()


def stack_module_state(
    models: Sequence[Module],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several equal modules, stacked along a first axis.

    Returns:
        Two dicts by name. The parameters require gradients as those of the modules do.

    Raises:
        RuntimeError: no model, models of different classes or modes.

    Source: `torch.func.stack_module_state`.

    Example:
        >>> parameters, buffers = func.stack_module_state([nn.Linear(2, 3) for _ in range(4)])
        >>> parameters["weight"].shape
        (4, 3, 2)
    """
    if not models:
        raise RuntimeError("stack_module_state: models: expected at least one model, got none")
    first = models[0]
    if any(type(m) is not type(first) or m.training != first.training for m in models):
        raise RuntimeError("stack_module_state: models: expected models of one class and one mode")
    parameters: dict[str, Tensor] = {}
    for name, parameter in first.named_parameters():
        stacked = F.stack([m.get_parameter(name).detach() for m in models], axis=0)
        stacked.requires_grad = parameter.requires_grad
        parameters[name] = stacked
    buffers = {
        name: F.stack([m.get_buffer(name) for m in models], axis=0)
        for name, _ in first.named_buffers()
    }
    return parameters, buffers
