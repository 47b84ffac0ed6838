"""Attributes of a module that are computed from other tensors whenever they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import _core
from ..._base.watch import about_to_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._base.module import Module


def compute_attribute(
    module: Module,
    name: str,
    read: Callable[[Any], Any],
    write: Callable[[Any, Any], None] | None = None,
) -> None:
    """Makes `module.name` the result of `read(module)`, and its assignment `write(module, value)`.

    The module gets a class of its own, a subclass of that which it had.
    """
    _give_class(module, {**_computed(module), name: property(read, write)})


def forget_attribute(module: Module, name: str) -> None:
    """Undoes `compute_attribute`. After the last one the module has its own class again."""
    _give_class(module, {other: p for other, p in _computed(module).items() if other != name})


def _computed(module: Module) -> dict[str, property]:
    if "_computed" not in type(module).__dict__:
        return {}
    return {n: p for n, p in type(module).__dict__.items() if isinstance(p, property)}


def _give_class(module: Module, computed: dict[str, property]) -> None:
    """A new class, since copies of the module share the one that it has."""
    about_to_change(module, "__class__")
    kind = class_before(module)
    if computed:
        members = {"_computed": kind, "__module__": __name__, "__doc__": kind.__doc__, **computed}
        kind = type(f"Parametrized{kind.__name__}", (kind,), members)
    module.__class__ = kind
    _core.raise_epoch()


def is_computed(module: Module, name: str) -> bool:
    """Whether an attribute is computed."""
    kind = type(module)
    return "_computed" in kind.__dict__ and isinstance(kind.__dict__.get(name), property)


def class_before(module: Module) -> type[Module]:
    """The class of the module without computed attributes."""
    found: type[Module] = type(module).__dict__.get("_computed", type(module))
    return found
