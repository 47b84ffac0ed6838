"""The state of a module by name, and how it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from .._base import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._core import HasArray, Tensor
    from .module import Module


class IncompatibleKeys(NamedTuple):
    """The names that `load_state_dict` found on one side only."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self
        return f"IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def named_state(module: Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and persistent buffers. A shared one is listed under each of its names."""
    for path, owner in module.named_modules(remove_duplicate=False):
        dot = f"{path}." if path else ""
        for name, parameter in owner._parameters.items():
            if parameter is not None:
                yield dot + name, parameter
        for name, buffer in owner._buffers.items():
            if buffer is not None and name not in owner._non_persistent:
                yield dot + name, buffer


def load(module: Module, state: Mapping[str, HasArray], strict: bool) -> IncompatibleKeys:
    """`Module.load_state_dict`. All values are checked and converted before one is written."""
    if not hasattr(state, "items"):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state).__name__}.")
    own = dict(named_state(module))
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    errors: list[str] = []
    if strict and missing:
        errors.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        errors.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    values: dict[str, Tensor] = {}
    for name, target in own.items():
        if name in state:
            problem = _problem(name, target, state[name])
            if problem:
                errors.append(problem)
            else:
                values[name] = _core.as_tensor(state[name])
    if errors:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(errors)
        )
    before = _core.set_grad_enabled(False)
    try:
        for name, value in values.items():
            F.assign_(own[name], value)
    finally:
        _core.set_grad_enabled(before)
    return IncompatibleKeys(missing, unexpected)


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
