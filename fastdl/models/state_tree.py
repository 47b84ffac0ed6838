"""The state of a model as nested dicts: `Model.get_state_tree` and `set_state_tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._base import functional as F
from .._base.checks import check_choice, shown
from .._base.stateless import substitutes, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._core import Tensor
    from .trainer import Trainer

GROUPS = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


def _variables(model: Any, group: str) -> dict[tuple[str, ...], Tensor]:
    """The variables of a group by their paths."""
    found: dict[tuple[str, ...], Tensor] = {}
    for path, variable in _named(model, group):
        if path in found:
            raise ValueError(
                f"model {model.name!r}: get_state_tree: two variables have the path "
                f"{'/'.join(path)!r}; give the layers names of their own"
            )
        found[path] = variable
    return found


def _named(model: Any, group: str) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    if group == "optimizer_variables":
        optimizer = model.optimizer
        for variable in optimizer.variables if optimizer is not None else ():
            yield tuple(variable.path.split("/")), variable
    elif group == "metrics_variables":
        names: set[str] = set()
        for variable in model.metrics_variables:
            name = variable.path
            while name in names:  # equal metrics have equal names
                name = f"{variable.path}_{len(names)}"
            names.add(name)
            yield tuple(name.split("/")), variable
    else:
        for i, variable in enumerate(getattr(model, group)):
            path = getattr(variable, "path", "") or f"variable_{i}"
            yield tuple(path.split("/")), variable


def state_tree(model: Trainer, value_format: str) -> dict[str, Any]:
    """`Model.get_state_tree`."""
    formats = ("backend_tensor", "numpy_array")
    check_choice("get_state_tree", "value_format", value_format, formats)
    tree: dict[str, Any] = {}
    for group in GROUPS:
        inner = tree[group] = {}
        for path, variable in _variables(model, group).items():
            place: dict[str, Any] = inner
            for name in path[:-1]:
                place = place.setdefault(name, {})
            value = F.copy(variable.detach())
            place[path[-1]] = value.numpy() if value_format == "numpy_array" else value
    return tree


def _flat(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterable[Any]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, (*path, name))
        else:
            yield (*path, name), value


def set_state_tree(model: Trainer, tree: Mapping[str, Any]) -> None:
    """`Model.set_state_tree`: all values or, if one does not fit, none."""
    who = f"model {model.name!r}: set_state_tree"
    variables: list[Tensor] = []
    values: list[Any] = []
    for group, inner in tree.items():
        if group not in GROUPS or not isinstance(inner, dict):
            raise ValueError(f"{who}: expected dicts for {', '.join(GROUPS)}, got {shown(group)}")
        known = _variables(model, group)
        for path, value in _flat(inner):
            if path not in known:
                raise ValueError(f"{who}: {group}: there is no variable {'/'.join(path)!r}")
            variables.append(known[path])
            values.append(value)
    write(variables, substitutes(who, variables, values))
