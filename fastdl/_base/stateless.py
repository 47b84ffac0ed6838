"""Other values in the places of variables, for as long as a call takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import _core
from .._core import ArgumentError, ShapeError, Tensor
from . import functional as F
from .checks import prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import TensorLike
    from .module import Module


def substitutes(who: str, own: Sequence[Tensor], given: Iterable[TensorLike]) -> list[Tensor]:
    """The given values as tensors.

    Raises:
        ValueError: there are more or fewer of them than variables, or one has another shape.
    """
    values = list(given)
    if len(values) != len(own):
        raise ArgumentError(f"{who}: expected {len(own)} values, got {len(values)}")
    found = []
    for i, (variable, value) in enumerate(zip(own, values, strict=True)):
        try:
            tensor = _core.as_tensor(value)
        except (TypeError, ValueError) as error:
            raise prefixed(f"{who}: value {i}", error) from None
        if tensor.shape != variable.shape:
            raise ShapeError(
                f"{who}: value {i}: expected shape {variable.shape}, got {tensor.shape}"
            )
        found.append(tensor)
    return found


@contextmanager
def replaced(
    module: Module, others: dict[int, Tensor], holders: Iterable[object] = ()
) -> Iterator[None]:
    """In the block the module and those in it have other tensors in the places of their weights.

    Args:
        others: the tensors by the identity of the weights. Gradients flow to them.
        holders: objects in whose attributes are weights, too.
    """
    undo: list[tuple[Any, Any, object]] = []

    def put(container: Any, key: Any, value: object) -> None:
        undo.append((container, key, container[key]))
        kind: Any = dict if isinstance(container, dict) else list
        kind.__setitem__(container, key, value)  # not the method of a tracked container

    def exchange(container: Any) -> None:
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(items):
            if isinstance(value, Tensor):
                if id(value) in others:
                    put(container, key, others[id(value)])
            elif isinstance(value, (list, dict)):
                exchange(value)
            elif isinstance(value, tuple) and any(id(item) in others for item in value):
                put(container, key, tuple(others.get(id(item), item) for item in value))

    try:
        for one in (*module.modules(), *holders):
            exchange(one.__dict__)
        yield
    finally:
        for container, key, value in reversed(undo):
            kind: Any = dict if isinstance(container, dict) else list
            kind.__setitem__(container, key, value)


@contextmanager
def kept(variables: Sequence[Tensor]) -> Iterator[None]:
    """After the block the variables have the values that they had before it."""
    memory = [m for v in variables for m in (v, getattr(v, "rest", None)) if m is not None]
    before = [F.copy(m.detach()) for m in memory]
    try:
        yield
    finally:
        write(memory, before)


def write(variables: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Overwrites variables."""
    enabled = _core.set_grad_enabled(False)
    try:
        for variable, value in zip(variables, values, strict=True):
            F.assign_(variable, value)
    finally:
        _core.set_grad_enabled(enabled)


@contextmanager
def holding(who: str, variables: Sequence[Tensor], given: Iterable[TensorLike]) -> Iterator[None]:
    """In the block the variables have the given values; after it those from before."""
    values = substitutes(who, variables, given)
    with kept(variables):
        write(variables, values)
        yield


def copies(variables: Sequence[Tensor]) -> list[Tensor]:
    """Copies of the values, which later changes do not reach."""
    return [F.copy(variable.detach()) for variable in variables]
